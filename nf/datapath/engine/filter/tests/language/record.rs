//! A record with a field of every type, and the names filters know it by.

use std::net::IpAddr;

use nf_fields::{AsValue, Binary, Field, Fields, List, Mac, Scope, Text, Timestamp, Type, Value};
use nf_filter::{Filter, FilterError, Names, Resolved};

/// Header of the nested record.
#[derive(Fields)]
pub struct Inner {
    /// Anything.
    pub depth: u8,
}

/// One of each type, absent unless set.
#[derive(Default)]
pub struct Record {
    pub flag: Option<bool>,
    pub small: Option<u8>,
    pub src_port: Option<u16>,
    pub dst_port: Option<u16>,
    pub bytes_up: Option<u64>,
    pub bytes_down: Option<u64>,
    pub offset: Option<i64>,
    pub offset_back: Option<i64>,
    pub ratio: Option<f64>,
    pub ratio_back: Option<f64>,
    pub rtt_us: Option<u64>,
    pub delay_ms: Option<f64>,
    pub host: Option<Text>,
    pub payload: Option<Binary>,
    pub mac: Option<Mac>,
    pub src_ip: Option<IpAddr>,
    pub dst_ip: Option<IpAddr>,
    pub start: Option<Timestamp>,
    pub names: Option<Vec<Text>>,
    pub ports: Option<Vec<u16>>,
    pub inner: Option<Inner>,
    pub vid: Option<u16>,
}

/// Names and types, in the order of the slots.
const FIELDS: [(&str, Type); 22] = [
    ("flag", Type::Bool),
    ("small", Type::Uint(8)),
    ("tcp.src_port", Type::Uint(16)),
    ("tcp.dst_port", Type::Uint(16)),
    ("bytes_up", Type::Uint(64)),
    ("bytes_down", Type::Uint(64)),
    ("offset", Type::Int),
    ("offset_back", Type::Int),
    ("ratio", Type::Float),
    ("ratio_back", Type::Float),
    ("rtt_us", Type::Uint(64)),
    ("delay_ms", Type::Float),
    ("http.host", Type::Text),
    ("payload", Type::Binary),
    ("eth.src", Type::Mac),
    ("src_ip", Type::Ip),
    ("dst_ip", Type::Ip),
    ("start", Type::Time),
    ("dns.names", Type::List(&Type::Text)),
    ("ports", Type::List(&Type::Uint(16))),
    ("inner", Type::Record(<Inner as Fields>::fields)),
    ("8021q.vid", Type::Uint(16)),
];

impl Record {
    /// The value in a slot.
    pub fn slot(&self, slot: u32) -> Value<'_> {
        match slot {
            0 => self.flag.value(),
            1 => self.small.value(),
            2 => self.src_port.value(),
            3 => self.dst_port.value(),
            4 => self.bytes_up.value(),
            5 => self.bytes_down.value(),
            6 => self.offset.value(),
            7 => self.offset_back.value(),
            8 => self.ratio.value(),
            9 => self.ratio_back.value(),
            10 => self.rtt_us.value(),
            11 => self.delay_ms.value(),
            12 => self.host.value(),
            13 => self.payload.value(),
            14 => self.mac.value(),
            15 => self.src_ip.value(),
            16 => self.dst_ip.value(),
            17 => self.start.value(),
            18 => self.names.as_ref().map_or(Value::None, |l| Value::List(l as &dyn List)),
            19 => self.ports.as_ref().map_or(Value::None, |l| Value::List(l as &dyn List)),
            20 => self.inner.as_ref().map_or(Value::None, |r| Value::Record(r)),
            21 => self.vid.value(),
            _ => Value::None,
        }
    }

    /// Whether the filter `text` holds for this record.
    #[track_caller]
    pub fn passes(&self, text: &str) -> bool {
        let filter = parse(text).unwrap_or_else(|e| panic!("{e}"));
        filter.matches(&mut |slot, found| {
            let value = self.slot(slot);
            if !value.is_none() {
                found(value);
            }
        })
    }
}

/// The names of [`Record`], and aliases over several slots.
pub struct Known;

impl Names for Known {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        Some(match name {
            "port" => Resolved::any(vec![2, 3], Type::Uint(16)),
            "host_ip" => Resolved::any(vec![15, 16], Type::Ip),
            "bytes" => Resolved::sum(vec![4, 5], Type::Uint(64)),
            "offsets" => Resolved::sum(vec![6, 7], Type::Int),
            "ratios" => Resolved::sum(vec![8, 9], Type::Float),
            "wrong_sum" => Resolved::sum(vec![12], Type::Text),
            "nowhere" => Resolved::any(Vec::new(), Type::Text),
            "rtt" => {
                Resolved { unit: nf_filter::Unit::of_name("rtt_us"), ..Known.resolve("rtt_us")? }
            }
            _ => {
                let slot = FIELDS.iter().position(|(known, _)| *known == name)?;
                let (name, ty) = FIELDS[slot];
                let field = Field { name, id: 0, ty, scope: Scope::Session, aliases: &[], doc: "" };
                Resolved::field(u32::try_from(slot).unwrap(), &field)
            }
        })
    }

    fn all(&self) -> Vec<String> {
        FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// Parses with the names of [`Record`].
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    Filter::parse(text, &Known)
}

/// The mistake in `text`.
#[track_caller]
pub fn mistake(text: &str) -> FilterError {
    match parse(text) {
        Err(error) => error,
        Ok(_) => panic!("{text:?} was accepted"),
    }
}
