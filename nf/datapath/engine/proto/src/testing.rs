//! Driving a protocol in tests exactly as the engine does, and hearing what it says.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, Mac, ProtoId, json};
use nf_wire::Transport;

pub use crate::fuzzing::fuzz_one;
use crate::named;
use crate::registry::{self, Entry};
use crate::user;
use crate::{
    Clue, Context, Direction, Dissection, Dissector, Expectation, Fault, Flow, Limits, NameSource,
    Observer, Pool, Probe, Segment, Transaction, Wants,
};

/// Packet time of the first octets of a test.
pub const START: u64 = 1_700_000_000_000_000_000;

/// Everything protocols said, as text that tests can compare.
#[derive(Debug, Default)]
pub struct Heard {
    /// Path above the transport, by name (numbers where unregistered).
    pub path: Vec<String>,
    /// `(protocol, JSON)` of every message.
    pub messages: Vec<(String, String)>,
    /// `(protocol, JSON)` of every transaction.
    pub transactions: Vec<(String, String)>,
    /// Names of the server.
    pub names: Vec<(NameSource, String)>,
    /// What else tells the application.
    pub clues: Vec<String>,
    /// What resolves to what.
    pub answers: Vec<(String, IpAddr, u32)>,
    /// Announced sessions.
    pub expectations: Vec<Expectation>,
    /// `protocol.anomaly`, in order.
    pub anomalies: Vec<String>,
    /// Parsers the engine ended.
    pub faults: Vec<(String, Fault)>,
    known: Known,
}

/// Whose names what is heard is written with.
struct Known(&'static [Entry]);

impl Default for Known {
    fn default() -> Self {
        Self(registry::PROTOCOLS)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} protocols", self.0.len())
    }
}

impl Heard {
    /// Hears protocols that need not be registered.
    pub fn of(entries: &'static [Entry]) -> Self {
        Self { known: Known(entries), ..Self::default() }
    }

    fn entry(&self, id: ProtoId) -> Option<&'static Entry> {
        self.known.0.iter().find(|e| e.info.id == id)
    }

    pub(crate) fn name_of(&self, id: ProtoId) -> String {
        let parsed = self.entry(id).map(|e| e.info.name);
        let named = || named::all().iter().find(|n| n.id == id).map(|n| n.name);
        let users = || user::name_of(id);
        parsed.or_else(named).or_else(users).map_or_else(|| id.0.to_string(), ToString::to_string)
    }
}

fn json_of(record: &dyn Fields) -> String {
    let mut out = Vec::new();
    json::write_record(&mut out, record);
    String::from_utf8_lossy(&out).into_owned()
}

impl Observer for Heard {
    fn message(&mut self, proto: ProtoId, message: &dyn Fields) {
        self.messages.push((self.name_of(proto), json_of(message)));
    }
    fn transaction(&mut self, _: ProtoId, _: u64, _: &dyn Fields) -> bool {
        true
    }
    fn keep(&mut self, proto: ProtoId, transaction: Transaction) {
        self.transactions.push((self.name_of(proto), json_of(&*transaction.record)));
    }
    fn server_name(&mut self, source: NameSource, name: &[u8]) -> bool {
        self.names.push((source, String::from_utf8_lossy(name).into_owned()));
        // To play servers that nobody knows.
        !name.starts_with(b"unknown.")
    }
    fn clue(&mut self, clue: Clue<'_>) {
        self.clues.push(format!("{clue:?}"));
    }
    fn answer(&mut self, name: &[u8], address: IpAddr, ttl: u32) {
        self.answers.push((String::from_utf8_lossy(name).into_owned(), address, ttl));
    }
    fn expect(&mut self, expectation: Expectation) {
        self.expectations.push(expectation);
    }
    fn anomaly(&mut self, proto: ProtoId, index: u8) {
        let known = self.entry(proto).and_then(|e| e.info.anomalies.get(usize::from(index)));
        let word = known.map_or_else(|| index.to_string(), |a| a.name.to_string());
        self.anomalies.push(format!("{}.{word}", self.name_of(proto)));
    }
    fn fault(&mut self, proto: ProtoId, fault: Fault) {
        self.faults.push((self.name_of(proto), fault));
    }
}

/// One step of a scripted session.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Octets of the initiator.
    Up(&'a [u8]),
    /// Octets of the responder.
    Down(&'a [u8]),
    /// A message of SCTP with its payload protocol identifier.
    Message(Direction, u32, &'a [u8]),
    /// Octets of the initiator of which the capture cut off the end.
    CutUp(&'a [u8]),
    /// Octets of the responder of which the capture cut off the end.
    CutDown(&'a [u8]),
    /// Nanoseconds in which nothing happens.
    Pause(u64),
    /// Lost octets of the initiator.
    LostUp(u64),
    /// Lost octets of the responder.
    LostDown(u64),
}

/// A flow from 192.0.2.1:40000 to 192.0.2.2:`port`.
pub fn flow(transport: Transport, port: u16) -> Flow {
    Flow {
        initiator: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        responder: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        initiator_port: 40_000,
        responder_port: port,
        transport,
        protocol: match transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
            Transport::Sctp => 132,
            Transport::Other => 253,
        },
        header: None,
        link: None,
    }
}

/// A flow whose packets begin with a header of `id`, by hardware addresses.
pub fn header_flow(id: ProtoId) -> Flow {
    Flow {
        header: Some(id),
        link: Some([Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])]),
        ..flow(Transport::Other, 0)
    }
}

/// A dissector over `entries` (the registry, mostly) in which somebody listens to `wants` of all.
///
/// # Errors
/// As [`Dissector::new`].
pub fn dissector(entries: &'static [Entry], wants: Wants) -> Result<Dissector, String> {
    Dissector::new(entries, Limits::default(), &|_| true, &move |_| wants)
}

/// Somebody listens to everything.
pub(crate) const EVERYTHING: Wants = Wants::EVERYTHING;

/// Plays `events` through classification and parsing, everything wanted; each event is one
/// packet, 1 ms apart.
pub fn play(flow: &Flow, events: &[Event<'_>]) -> Heard {
    play_with(registry::PROTOCOLS, flow, events, EVERYTHING)
}

/// As [`play`], with somebody or nobody listening.
pub fn play_wanting(flow: &Flow, events: &[Event<'_>], wants: Wants) -> Heard {
    play_with(registry::PROTOCOLS, flow, events, wants)
}

/// As [`play_wanting`], with protocols of the caller's instead of the registry's.
pub fn play_with(
    entries: &'static [Entry],
    flow: &Flow,
    events: &[Event<'_>],
    wants: Wants,
) -> Heard {
    match dissector(entries, wants) {
        Ok(shared) => play_on(&shared, Heard::of(entries), flow, events),
        Err(error) => {
            let mut heard = Heard::of(entries);
            heard.anomalies.push(error);
            heard
        }
    }
}

/// As [`play_with`], with a dissector that is there already.
pub(crate) fn play_on(
    shared: &Dissector,
    mut heard: Heard,
    flow: &Flow,
    events: &[Event<'_>],
) -> Heard {
    let mut pool = Pool::new(1 << 20);
    let mut session = Dissection::default();
    let mut cx = Context { shared, pool: &mut pool, observer: &mut heard };
    let mut time = START;
    for event in events {
        let mut ppid = 0;
        let (dir, data, cut) = match *event {
            Event::Message(dir, said, data) => {
                ppid = said;
                (dir, data, false)
            }
            Event::Up(data) => (Direction::Up, data, false),
            Event::Down(data) => (Direction::Down, data, false),
            Event::CutUp(data) => (Direction::Up, data, true),
            Event::CutDown(data) => (Direction::Down, data, true),
            Event::Pause(n) => {
                time = time.saturating_add(n);
                continue;
            }
            Event::LostUp(n) => {
                session.gap(&mut cx, Direction::Up, n);
                continue;
            }
            Event::LostDown(n) => {
                session.gap(&mut cx, Direction::Down, n);
                continue;
            }
        };
        let seg = Segment { data, dir, time, cut, ppid, flow };
        session.feed(&mut cx, &seg);
        time = time.saturating_add(1_000_000);
    }
    session.end(&mut cx);
    heard.path = session.path().iter().map(|&id| heard.name_of(id)).collect();
    if pool.used() != 0 {
        heard.anomalies.push(format!("pool leak: {} octets", pool.used()));
    }
    heard
}

/// What the probe of `entry` says of the first octets of a session, sent by the initiator.
pub fn probe(entry: &Entry, flow: &Flow, data: &[u8]) -> Probe {
    (entry.probe)(&Segment { data, dir: Direction::Up, time: START, cut: false, ppid: 0, flow })
}

/// A small generator of the same octets on every run (SplitMix64), for probes that must say no.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }

    /// A number below `bound` (0 when that is 0).
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let number = self.number().checked_rem(bound).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    /// Between 1 and `most` octets.
    pub fn octets(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most).saturating_add(1);
        let numbers = std::iter::repeat_with(|| self.number());
        numbers.flat_map(u64::to_le_bytes).take(length).collect()
    }
}

/// Plays a session cut at every octet of every event, and split at every octet into two packets
/// (streams). What matters is that nothing panics and the pool is given back; returns what the
/// uncut, split runs said where it differs from the whole: a parser must not depend on how a
/// stream was cut into segments.
///
/// # Errors
/// The first difference or leak, with what was said.
pub fn torture(flow: &Flow, events: &[Event<'_>]) -> Result<(), String> {
    torture_with(registry::PROTOCOLS, flow, events)
}

/// As [`torture`], with protocols of the caller's instead of the registry's.
///
/// # Errors
/// As [`torture`].
pub fn torture_with(
    entries: &'static [Entry],
    flow: &Flow,
    events: &[Event<'_>],
) -> Result<(), String> {
    let play = |flow: &Flow, events: &[Event<'_>]| play_with(entries, flow, events, EVERYTHING);
    let whole = play(flow, events);
    for (index, event) in events.iter().enumerate() {
        let (data, up) = match *event {
            Event::Up(data) => (data, true),
            Event::Down(data) => (data, false),
            _ => continue,
        };
        let make = |part| {
            if up { Event::Up(part) } else { Event::Down(part) }
        };
        for at in 0..data.len() {
            let Some((head, tail)) = data.split_at_checked(at) else {
                continue;
            };
            let before = events.get(..index).unwrap_or_default();
            let after = events.get(index.saturating_add(1)..).unwrap_or_default();
            let cut: Vec<_> = before.iter().cloned().chain([make(head)]).collect();
            check_pool(&play(flow, &cut))?;
            let short = if up { Event::CutUp(head) } else { Event::CutDown(head) };
            let captured_short: Vec<_> =
                before.iter().cloned().chain([short]).chain(after.iter().cloned()).collect();
            check_pool(&play(flow, &captured_short))?;
            let mut holed = cut.clone();
            holed.push(if up {
                Event::LostUp(tail.len() as u64)
            } else {
                Event::LostDown(tail.len() as u64)
            });
            holed.extend(after.iter().cloned());
            check_pool(&play(flow, &holed))?;
            if flow.transport == Transport::Tcp && at > 0 {
                let split: Vec<_> =
                    cut.into_iter().chain([make(tail)]).chain(after.iter().cloned()).collect();
                let heard = play(flow, &split);
                check_pool(&heard)?;
                let same = heard.transactions.len() == whole.transactions.len()
                    && heard.path == whole.path
                    && heard.names == whole.names;
                if !same {
                    return Err(format!(
                        "event {index} split at {at}:\n{heard:#?}\nwhole:\n{whole:#?}"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Plays each of `samples` with every octet replaced by values that lengths and counts break at,
/// with its end missing or repeated, and then random octets in the samples' place. What matters is
/// that nothing panics and the pool is given back.
///
/// # Errors
/// The first leak.
pub fn batter(flow: &Flow, samples: &[&[u8]]) -> Result<(), String> {
    let shared = dissector(registry::PROTOCOLS, EVERYTHING)?;
    let play = |data: &[u8]| {
        let events = [Event::Up(data), Event::Down(data), Event::Up(data)];
        check_pool(&play_on(&shared, Heard::default(), flow, &events))
    };
    let mut random = Random::new(1);
    for sample in samples {
        for at in 0..sample.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = sample.to_vec();
                if let Some(octet) = damaged.get_mut(at) {
                    *octet = value;
                }
                play(&damaged)?;
            }
            play(sample.get(..at).unwrap_or_default())?;
        }
        play(&sample.repeat(40))?;
        for _ in 0..500 {
            let kept = random.below(sample.len());
            let head = sample.get(..kept).unwrap_or_default();
            play(&[head, &random.octets(200)].concat())?;
        }
    }
    Ok(())
}

pub(crate) fn check_pool(heard: &Heard) -> Result<(), String> {
    match heard.anomalies.iter().find(|a| a.starts_with("pool leak")) {
        Some(leak) => Err(leak.clone()),
        None => Ok(()),
    }
}
