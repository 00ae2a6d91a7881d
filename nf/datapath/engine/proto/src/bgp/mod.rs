//! Border Gateway Protocol 4 over TCP (RFC 4271, 4760, 5492, 6793, 7911, 8203, 8654, 9072).
//!
//! One transaction per message, keepalives excepted: what a side says of itself, what it announces
//! and withdraws, why it gives up. After a loss the next message is found by its marker.
//!
//! Bounds: 16 prefixes, communities and capabilities of a message are listed (prefixes are all
//! counted), 64 numbers of a path, 16 address families per side, 255 octets of text.

mod message;
#[cfg(test)]
mod tests;
mod update;

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, ProtoId, Text};

use crate::{
    Cursor, Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, anomalies, tcp,
};
use message::{HEADER, KEEPALIVE, MARKER, NOTIFICATION, OPEN, PathMode, REFRESH, UPDATE};
use update::{Dialect, Prefixes};

/// Most items of one list that are kept.
const MAX_LISTED: usize = 16;
/// Most numbers of a path that are kept.
const MAX_PATH: usize = 64;
/// Most address families that are remembered of a side.
const MAX_FAMILIES: usize = 16;
/// Most octets of the words a side closes with.
const MAX_TEXT: usize = 255;
const OVER: &[Over] = &[tcp(&[179])];

anomalies! {
    /// What can be wrong with it.
    pub enum BgpAnomaly {
        /// Octets that begin no message; what follows is searched for one.
        MalformedHeader = "malformed_header",
        /// A message whose parts do not fit into it.
        MalformedMessage = "malformed_message",
        /// A side gives up and says why.
        Notification = "notification",
    }
}

/// One message.
#[derive(Debug, Default, Fields)]
pub struct BgpMessage {
    /// What it is: open, update, notification, keepalive or route_refresh.
    pub kind: &'static str,
    /// Octets of the message.
    pub length: u32,
    /// Open: version.
    pub version: Option<u8>,
    /// Open: autonomous system of the sender.
    pub asn: Option<u32>,
    /// Open: seconds of silence after which the sender gives up.
    pub hold_time: Option<u16>,
    /// Open: identifier of the sender.
    pub router_id: Option<Ipv4Addr>,
    /// Open: what the sender is capable of.
    pub capabilities: Option<Vec<&'static str>>,
    /// Open: families of addresses it speaks of.
    pub families: Option<Vec<&'static str>>,
    /// Update, refresh: family of the addresses.
    pub family: Option<&'static str>,
    /// Update: how many prefixes it announces.
    pub announced: Option<u32>,
    /// Update: the first of them.
    pub prefixes: Option<Vec<Text>>,
    /// Update: how many prefixes it withdraws.
    pub withdrawn: Option<u32>,
    /// Update: the first of them.
    pub withdrawn_prefixes: Option<Vec<Text>>,
    /// Update: how the origin learnt of them: igp, egp or incomplete.
    pub origin: Option<&'static str>,
    /// Update: autonomous systems on the way; a set is in braces.
    pub as_path: Option<Text>,
    /// Update: the last of them.
    pub origin_as: Option<u32>,
    /// Update: where packets are to be sent.
    pub next_hop: Option<IpAddr>,
    /// Update: preference among several links to a neighbour.
    pub med: Option<u32>,
    /// Update: preference within the autonomous system.
    pub local_pref: Option<u32>,
    /// Update: communities.
    pub communities: Option<Vec<Text>>,
    /// Update: it says that all has been told.
    pub end_of_rib: Option<bool>,
    /// Notification: code.
    pub error_code: Option<u8>,
    /// Notification: code below that.
    pub error_subcode: Option<u8>,
    /// Notification: what both say.
    pub error: Option<&'static str>,
    /// Notification: words of the operator.
    pub shutdown_text: Option<Text>,
}

/// What is to be remembered of a side.
#[derive(Default)]
struct Side {
    four_octets: Option<bool>,
    modes: Vec<PathMode>,
    /// Octets were lost, or cannot be read: the next marker is searched for.
    lost: bool,
}

/// The state of one session.
#[derive(Default)]
pub struct Bgp {
    sides: [Side; 2],
}

impl Protocol for Bgp {
    const INFO: Info = Info {
        name: "bgp",
        id: ProtoId(48),
        title: "Border Gateway Protocol",
        spec: "RFC 4271, RFC 4760",
        over: OVER,
        patterns: &[Pattern::start(&MARKER)],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 64 * 1024,
        message: BgpMessage::fields,
        transaction: BgpMessage::fields,
        anomalies: BgpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::header(seg.data) {
            Ok(Some(_)) => Probe::Certain,
            Ok(None) => Probe::Unsure,
            Err(()) => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if let Some(side) = self.sides.get_mut(seg.dir.index())
            && side.lost
        {
            let Some(at) = message::marker(seg.data) else {
                // The beginning of a marker may be at the end.
                let ones = seg.data.iter().rev().take_while(|&&b| b == 0xff).count();
                return Step::used(seg.data.len().saturating_sub(ones.min(15)));
            };
            side.lost = false;
            if at > 0 {
                return Step::used(at);
            }
        }
        match message::header(seg.data) {
            Ok(None) => Step::need(0, HEADER),
            Ok(Some((kind, length))) => {
                let Some(body) = seg.data.get(HEADER..length) else {
                    return Step::need(0, length);
                };
                if out.wants_messages() || out.wants_transactions() {
                    self.message(kind, body, seg, out);
                }
                Step::used(length)
            }
            Err(()) => {
                out.anomaly(BgpAnomaly::MalformedHeader);
                if let Some(side) = self.sides.get_mut(seg.dir.index()) {
                    side.lost = true;
                }
                Step::used(1)
            }
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        if let Some(side) = self.sides.get_mut(dir.index()) {
            side.lost = true;
        }
        Gap::Resume
    }
}

impl Bgp {
    fn message(&mut self, kind: u8, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let length = u32::try_from(body.len().saturating_add(HEADER)).unwrap_or(u32::MAX);
        let mut record = BgpMessage { length, ..BgpMessage::default() };
        let sound = match kind {
            OPEN => self.open(body, seg.dir, &mut record),
            UPDATE => self.update(body, seg.dir, &mut record),
            NOTIFICATION => {
                out.anomaly(BgpAnomaly::Notification);
                notification(body, &mut record)
            }
            REFRESH => refresh(body, &mut record),
            _ => {
                record.kind = "keepalive";
                Some(())
            }
        };
        if sound.is_none() {
            out.anomaly(BgpAnomaly::MalformedMessage);
        }
        out.message(&record);
        if kind != KEEPALIVE {
            out.transaction(seg.time, record);
        }
    }

    fn open(&mut self, body: &[u8], dir: Direction, record: &mut BgpMessage) -> Option<()> {
        record.kind = "open";
        let open = message::open(body)?;
        record.version = Some(open.version);
        record.asn = Some(open.asn);
        record.hold_time = Some(open.hold_time);
        record.router_id = Some(open.id);
        record.capabilities = (!open.capabilities.is_empty()).then_some(open.capabilities);
        let families: Vec<_> = open.families.iter().map(|&f| message::family(f)).collect();
        record.families = (!families.is_empty()).then_some(families);
        if let Some(side) = self.sides.get_mut(dir.index()) {
            side.four_octets = Some(open.four_octets);
            side.modes = open.modes;
        }
        (!open.flawed).then_some(())
    }

    fn update(&mut self, body: &[u8], dir: Direction, record: &mut BgpMessage) -> Option<()> {
        record.kind = "update";
        let [up, down] = &self.sides;
        let (sender, receiver) = if dir == Direction::Up { (up, down) } else { (down, up) };
        let four_octets = match (sender.four_octets, receiver.four_octets) {
            (Some(a), Some(b)) => Some(a && b),
            (Some(false), None) | (None, Some(false)) => Some(false),
            _ => None,
        };
        let accepted = |mode: &&PathMode| {
            mode.sends && receiver.modes.iter().any(|m| m.receives && m.family == mode.family)
        };
        let numbered: Vec<_> = sender.modes.iter().filter(accepted).map(|m| m.family).collect();
        let update = update::parse(body, Dialect { four_octets, numbered: &numbered });
        let texts = |list: Vec<String>| {
            (!list.is_empty()).then(|| list.into_iter().map(Text::from).collect())
        };
        let listed = |prefixes: Prefixes| {
            ((prefixes.count > 0).then_some(prefixes.count), texts(prefixes.first))
        };
        record.family = update.family.map(message::family);
        (record.announced, record.prefixes) = listed(update.announced);
        (record.withdrawn, record.withdrawn_prefixes) = listed(update.withdrawn);
        record.origin = update.origin;
        record.as_path = update.path.filter(|p| !p.is_empty()).map(Text::from);
        record.origin_as = update.origin_as;
        record.next_hop = update.next_hop;
        record.med = update.med;
        record.local_pref = update.local_pref;
        record.communities = texts(update.communities);
        record.end_of_rib = update.end_of_rib.then_some(true);
        (!update.flawed).then_some(())
    }
}

fn notification(body: &[u8], record: &mut BgpMessage) -> Option<()> {
    record.kind = "notification";
    let mut c = Cursor::new(body);
    let [code, subcode] = c.array()?;
    record.error_code = Some(code);
    record.error_subcode = Some(subcode);
    record.error = Some(message::error(code, subcode));
    if (code, subcode) == (6, 2) || (code, subcode) == (6, 4) {
        let words = if c.is_empty() { None } else { Some(c.prefixed_u8()?) };
        record.shutdown_text = words.filter(|w| !w.is_empty()).map(|w| Text::bounded(w, MAX_TEXT));
    }
    Some(())
}

fn refresh(body: &[u8], record: &mut BgpMessage) -> Option<()> {
    record.kind = "route_refresh";
    let mut c = Cursor::new(body);
    let (afi, _, safi) = (c.u16()?, c.u8()?, c.u8()?);
    record.family = Some(message::family((afi, safi)));
    Some(())
}
