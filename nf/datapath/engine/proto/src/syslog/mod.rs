//! Syslog (RFC 5424, and RFC 3164 before it; over UDP RFC 5426, over TCP RFC 6587). One transaction
//! per message.
//!
//! Bounds: messages of 16 KiB over TCP (what exceeds that is skipped), 2 KiB of a text that is kept.

mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::lines::{Lines, Part, is_printable, number};
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp, udp,
};
use message::{new_form, old_timestamp, parse, priority};
pub use record::{SyslogMessage, SyslogTransaction};

/// The registered ports.
const PORTS: &[u16] = &[514, 601];
/// Longest message of a stream that is read.
const MAX_MESSAGE: usize = 16 * 1024;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 2048;
/// Octets of a message that is not whole after which no more are awaited.
const ENOUGH: usize = 512;

anomalies! {
    /// What can be wrong with syslog.
    pub enum Anomaly {
        /// Octets without a priority in front.
        PriorityMissing = "priority_missing",
        /// A message that says it has the new form and has not.
        MalformedHeader = "malformed_header",
        /// A message longer than 16 KiB; the rest of it is skipped.
        MessageTooLong = "message_too_long",
    }
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Lane {
    lines: Lines,
    /// Octets of a counted message that are skipped.
    skip: usize,
}

/// A session.
pub struct Syslog {
    lanes: [Lane; 2],
}

impl Protocol for Syslog {
    const INFO: Info = Info {
        name: "syslog",
        id: ProtoId(349),
        title: "Syslog",
        spec: "RFC 5424, RFC 3164, RFC 5426, RFC 6587",
        over: &[udp(PORTS), tcp(PORTS)],
        patterns: &[
            Pattern::start(b"<"),
            // The first digit of a length.
            Pattern::start(b"1"),
            Pattern::start(b"2"),
            Pattern::start(b"3"),
            Pattern::start(b"4"),
            Pattern::start(b"5"),
            Pattern::start(b"6"),
            Pattern::start(b"7"),
            Pattern::start(b"8"),
            Pattern::start(b"9"),
        ],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: MAX_MESSAGE + 8,
        message: SyslogMessage::fields,
        transaction: SyslogTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { lanes: Default::default() }
    }

    /// A priority and a time, or the parts of the new form; in datagrams on its port, a priority
    /// before text.
    fn probe(seg: &Segment<'_>) -> Probe {
        let stream = seg.flow.transport == Transport::Tcp;
        let data = match counted(seg.data).filter(|_| stream) {
            Some(Frame::Whole { message, .. }) => message,
            Some(Frame::Partial { .. }) => seg.data.splitn(2, |&b| b == b' ').nth(1).unwrap_or(&[]),
            Some(Frame::Count) => return Probe::Unsure,
            None => seg.data,
        };
        let Some((_, rest)) = priority(data) else {
            let begins = data.len() < 5 && data.iter().all(|b| b"<>0123456789".contains(b));
            return if stream && begins { Probe::Unsure } else { Probe::No };
        };
        let new = rest.strip_prefix(b"1 ");
        if old_timestamp(rest).is_some() || new.and_then(new_form).is_some() {
            return Probe::Certain;
        }
        let head = rest.get(..32).unwrap_or(rest);
        if !stream {
            let text = !head.is_empty() && is_printable(head.trim_ascii_end());
            let on_port = seg.flow.responder_port == PORTS.first().copied().unwrap_or(0);
            return if on_port && text { Probe::Certain } else { Probe::No };
        }
        let may = rest.len() < 16 || new.is_some();
        if may && data.len() < ENOUGH && is_printable(head) { Probe::Unsure } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if seg.flow.transport != Transport::Tcp {
            self.message(seg, seg.data, out);
            return Step::all(seg);
        }
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            let lane = self.lane(seg.dir);
            if lane.skip > 0 {
                let here = lane.skip.min(data.len());
                lane.skip = lane.skip.saturating_sub(here);
                used = used.saturating_add(here);
                continue;
            }
            match counted(data) {
                Some(Frame::Whole { message, taken }) => {
                    self.message(seg, message, out);
                    used = used.saturating_add(taken);
                }
                Some(Frame::Partial { whole }) if whole <= MAX_MESSAGE => {
                    return Step::need(used, whole);
                }
                Some(Frame::Partial { whole }) => {
                    out.anomaly(Anomaly::MessageTooLong);
                    self.message(seg, data.splitn(2, |&b| b == b' ').nth(1).unwrap_or(&[]), out);
                    self.lane(seg.dir).skip = whole;
                }
                Some(Frame::Count) => return Step::used(used),
                None => {
                    let Some(line) = self.lane(seg.dir).lines.next(data, MAX_MESSAGE) else {
                        return Step::used(used);
                    };
                    used = used.saturating_add(line.taken);
                    if line.part == Part::Start {
                        out.anomaly(Anomaly::MessageTooLong);
                    }
                    if line.part != Part::Rest && !line.text.is_empty() {
                        self.message(seg, line.text, out);
                    }
                }
            }
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        if lost <= lane.skip {
            lane.skip = lane.skip.saturating_sub(lost);
        } else {
            lane.skip = 0;
            lane.lines.lose();
        }
        Gap::Resume
    }
}

/// A message behind its length.
enum Frame<'a> {
    Whole {
        message: &'a [u8],
        taken: usize,
    },
    /// A frame of so many octets is not whole.
    Partial {
        whole: usize,
    },
    /// The length itself is not whole.
    Count,
}

/// The counted message at the front (RFC 6587 §3.4.1); `None` when there is no length.
fn counted(data: &[u8]) -> Option<Frame<'_>> {
    const MAX_DIGITS: usize = 5;
    if !matches!(data.first(), Some(b'1'..=b'9')) {
        return None;
    }
    let digits = data.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits > MAX_DIGITS {
        return None;
    }
    let length = usize::try_from(number(data.get(..digits)?)?).ok()?;
    let rest = data.get(digits..)?;
    match rest {
        [] => return Some(Frame::Count),
        [b' '] | [b' ', b'<', ..] => {}
        _ => return None,
    }
    let taken = digits.saturating_add(1).saturating_add(length);
    Some(match data.get(digits.saturating_add(1)..taken) {
        Some(message) => Frame::Whole { message, taken },
        None => Frame::Partial { whole: taken },
    })
}

impl Syslog {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn message(&mut self, seg: &Segment<'_>, octets: &[u8], out: &mut Sink<'_>) {
        let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        let octets = octets.strip_suffix(b"\0").unwrap_or(octets);
        let Some(found) = parse(octets) else {
            out.anomaly(Anomaly::PriorityMissing);
            return;
        };
        if found.version.is_none() && claims_new_form(octets) && !seg.cut {
            out.anomaly(Anomaly::MalformedHeader);
        }
        if out.wants_messages() {
            out.message(&record::message(&found));
        }
        if out.wants_transactions() {
            out.transaction(seg.time, record::transaction(&found));
        }
    }
}

fn claims_new_form(octets: &[u8]) -> bool {
    priority(octets).is_some_and(|(_, rest)| rest.starts_with(b"1 "))
}
