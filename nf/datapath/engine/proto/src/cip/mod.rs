//! Common Industrial Protocol (CIP Networks Library, volumes 1 and 2). EtherNet/IP's parser reads
//! explicit messages and reports in its name: one transaction per request with its response.
//! Implicit messages, the cyclic data of a connection, come in datagrams of their own (UDP 2222):
//! one transaction per connection and direction.
//!
//! Bounds: 8 cyclic connections of a session, 32 services of a packet of several.

pub mod message;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Cursor, Direction, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, udp, within,
};
use message::Message;

/// CIP's number.
pub const ID: ProtoId = ProtoId(1325);
/// Most octets of a tag's name kept.
const MAX_SYMBOL: usize = 128;
/// Most cyclic connections of a session.
const MAX_CONNECTIONS: usize = 8;

crate::anomalies! {
    /// What can be wrong with CIP.
    pub enum Anomaly {
        /// A message that cannot be read.
        MalformedMessage = "malformed_message",
        /// Cyclic data whose number goes back or leaves some out.
        SequenceGap = "sequence_gap",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct CipMessage<'a> {
    /// Whether it answers.
    pub response: bool,
    /// Service.
    pub service_code: Option<u8>,
    /// Name of the service.
    pub service: Option<&'static str>,
    /// Class.
    pub class_id: Option<u32>,
    /// Instance of it.
    pub instance_id: Option<u32>,
    /// Attribute of that.
    pub attribute_id: Option<u32>,
    /// Name of a tag.
    pub symbol: Option<TextRef<'a>>,
    /// General status of a response.
    pub status_code: Option<u8>,
    /// Name of that.
    pub status: Option<&'static str>,
    /// Connection.
    pub connection_id: Option<u32>,
    /// Number on that.
    pub sequence: Option<u32>,
}

/// A request and its response, or a cyclic connection.
#[derive(Debug, Default, Fields)]
pub struct CipTransaction {
    /// What it is: explicit or cyclic.
    pub kind: &'static str,
    /// Service.
    pub service_code: Option<u8>,
    /// Name of the service.
    pub service: Option<&'static str>,
    /// Class.
    pub class_id: Option<u32>,
    /// Name of the class.
    pub class: Option<&'static str>,
    /// Instance of it.
    pub instance_id: Option<u32>,
    /// Attribute of that.
    pub attribute_id: Option<u32>,
    /// Name of a tag.
    pub symbol: Option<Text>,
    /// Services of a packet of several.
    pub services: Option<Vec<&'static str>>,
    /// Whether the request went by way of the connection manager.
    pub routed: Option<bool>,
    /// General status of the response.
    pub status_code: Option<u8>,
    /// Name of that.
    pub status: Option<&'static str>,
    /// First word of the additional status.
    pub extended_status: Option<u16>,
    /// Connection.
    pub connection_id: Option<u32>,
    /// Cyclic: messages seen.
    pub messages: Option<u32>,
    /// Octets of data of the request.
    pub request_length: Option<u32>,
    /// Octets of data of the response.
    pub response_length: Option<u32>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

/// A message for who listens to messages.
pub fn seen<'a>(message: &Message<'a>, connection_id: Option<u32>) -> CipMessage<'a> {
    CipMessage {
        response: message.is_response,
        service_code: Some(message.service),
        service: Some(message::service_word(message.service, message.path.class)),
        class_id: message.path.class,
        instance_id: message.path.instance,
        attribute_id: message.path.attribute,
        symbol: message.path.symbol.map(TextRef),
        status_code: message.status,
        status: message.status.map(message::status_word),
        connection_id,
        sequence: None,
    }
}

impl CipTransaction {
    /// Begins with a message of either side.
    pub fn of(message: &Message<'_>, connection_id: Option<u32>) -> Self {
        let class = message.path.class;
        let word = |service: &u8| message::service_word(*service, None);
        Self {
            kind: "explicit",
            service_code: Some(message.service),
            service: Some(message::service_word(message.service, class)),
            class_id: class,
            class: class.map(message::class_word),
            instance_id: message.path.instance,
            attribute_id: message.path.attribute,
            symbol: message.path.symbol.map(|s| Text::bounded(s, MAX_SYMBOL)),
            services: (!message.services.is_empty())
                .then(|| message.services.iter().map(word).collect()),
            routed: message.is_routed.then_some(true),
            connection_id,
            request_length: (!message.is_response)
                .then(|| u32::try_from(message.data.len()).unwrap_or(u32::MAX)),
            ..Self::default()
        }
    }

    /// Adds the response.
    pub fn told(&mut self, message: &Message<'_>) {
        self.status_code = message.status;
        self.status = message.status.map(message::status_word);
        self.extended_status = message.extended_status;
        self.response_length = u32::try_from(message.data.len()).ok();
    }
}

/// One connection's cyclic data in one direction.
struct Cycle {
    id: u32,
    dir: Direction,
    last: u32,
    start: u64,
    messages: u32,
}

/// Datagrams of cyclic data.
pub struct Cip {
    cycles: Vec<Cycle>,
}

/// First octets of cyclic data: two items, of which the first is a sequenced address.
const ITEMS: &[u8] = &[2, 0, 2, 0x80, 8, 0];

/// Connection and number of cyclic data.
fn cyclic(data: &[u8]) -> Option<(u32, u32)> {
    let mut c = Cursor::new(data.strip_prefix(ITEMS)?);
    let (id, sequence) = (c.u32_le()?, c.u32_le()?);
    let is_data = c.u16_le()? == 0xb1;
    let length = c.u16_le()?;
    (is_data && c.remaining() == usize::from(length)).then_some((id, sequence))
}

impl Protocol for Cip {
    const INFO: Info = Info {
        name: "cip",
        id: ID,
        aliases: &["cip_io"],
        title: "Common Industrial Protocol",
        spec: "CIP Networks Library, volumes 1 and 2",
        over: &[within("enip"), udp(&[2222])],
        patterns: &[Pattern::start(ITEMS)],
        weight: 40,
        message: CipMessage::fields,
        transaction: CipTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { cycles: Vec::new() }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if cyclic(seg.data).is_some() { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        let Some((id, sequence)) = cyclic(seg.data) else {
            if !seg.cut {
                out.anomaly(Anomaly::MalformedMessage);
            }
            return Step::all(seg);
        };
        if out.wants_messages() {
            out.message(&CipMessage {
                connection_id: Some(id),
                sequence: Some(sequence),
                ..CipMessage::default()
            });
        }
        let has_room = self.cycles.len() < MAX_CONNECTIONS;
        match self.cycles.iter_mut().find(|c| c.id == id && c.dir == seg.dir) {
            Some(cycle) => {
                if sequence != cycle.last.wrapping_add(1) {
                    out.anomaly(Anomaly::SequenceGap);
                }
                cycle.last = sequence;
                cycle.messages = cycle.messages.saturating_add(1);
            }
            None if has_room => {
                let (dir, start) = (seg.dir, seg.time);
                self.cycles.push(Cycle { id, dir, last: sequence, start, messages: 1 });
            }
            None => {}
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for cycle in std::mem::take(&mut self.cycles) {
            let record = CipTransaction {
                kind: "cyclic",
                connection_id: Some(cycle.id),
                messages: Some(cycle.messages),
                ..CipTransaction::default()
            };
            out.transaction(cycle.start, record);
        }
    }
}
