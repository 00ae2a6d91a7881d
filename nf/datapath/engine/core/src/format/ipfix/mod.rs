//! Sessions as IPFIX (RFC 7011): whole messages with data records.
//!
//! Templates, options and the transport are the sender's; it knows when a collector needs them.
//! The header of a message made here has no time yet, and in place of the sequence number the count
//! of its records: the sender puts both in, when it sends it.

pub mod elements;

use std::collections::HashMap;
use std::net::IpAddr;

use self::elements::{COMMON, Element, IPV4, IPV6};
use crate::finish::RowView;
use crate::row::{EndReason, Row, What};
use crate::snapshot::Snapshot;

/// Numbers of the templates for flows of both directions, over IPv4 and IPv6.
pub const BIFLOWS: [u16; 2] = [256, 257];
/// The same for flows of one direction.
pub const UNIFLOWS: [u16; 2] = [258, 259];
const VERSION: u16 = 10;
const HEADER: usize = 16;
const SET_HEADER: usize = 4;
/// Sessions whose reported counters are remembered at most: about 100 MB.
const MOST_REPORTED: usize = 1 << 20;

/// The elements of a template, in their order.
pub fn elements(template: u16) -> impl Iterator<Item = &'static Element> {
    let is_ipv6 = [BIFLOWS[1], UNIFLOWS[1]].contains(&template);
    let first = if is_ipv6 { IPV6 } else { IPV4 };
    let has_both = BIFLOWS.contains(&template);
    first.iter().chain(COMMON).filter(move |element| has_both || !element.is_of_both())
}

/// Packets and octets of either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    packets: [u64; 2],
    octets: [u64; 2],
}

impl Counts {
    fn since(self, earlier: Self) -> Self {
        let less =
            |a: [u64; 2], b: [u64; 2]| [a[0].saturating_sub(b[0]), a[1].saturating_sub(b[1])];
        Self {
            packets: less(self.packets, earlier.packets),
            octets: less(self.octets, earlier.octets),
        }
    }
}

/// What was told of a session that goes on.
#[derive(Clone, Copy, Debug)]
struct Reported {
    /// When it began: its number may come again in another engine.
    start: u64,
    until: u64,
    counts: Counts,
}

/// What the elements of one record are written from.
pub(super) struct Flow<'a> {
    row: &'a Row,
    view: RowView<'a>,
    /// Start of what the record tells of.
    start: u64,
    counts: Counts,
    /// Whose packets stand first: 0 for the initiator's.
    sender: usize,
    enterprise: u32,
}

impl Flow<'_> {
    fn ends(&self) -> [(IpAddr, u16); 2] {
        let RowView { source, target, .. } = self.view;
        if self.sender == 0 { [source, target] } else { [target, source] }
    }

    /// Octets and packets from whoever stands first, or the other.
    fn counts(&self, backwards: bool) -> [u64; 2] {
        let side = self.sender ^ usize::from(backwards);
        [self.counts.octets[side & 1], self.counts.packets[side & 1]]
    }
}

/// Makes messages of sessions; remembers what it has told of those that go on, as records hold what
/// came since the last one.
#[derive(Debug)]
pub struct Exporter {
    domain: u32,
    enterprise: u32,
    message_size: usize,
    biflow: bool,
    reported: HashMap<u64, Reported>,
    record: Vec<u8>,
}

/// The message and the set that are being written, by where they begin.
struct Open {
    message: usize,
    set: usize,
    template: u16,
    records: u32,
}

impl Exporter {
    /// For an observation domain, with our elements under `enterprise`, in messages of at most
    /// `message_size` octets where a record allows it; a record for each direction, or for both.
    pub fn new(domain: u32, enterprise: u32, message_size: u16, biflow: bool) -> Self {
        Self {
            domain,
            enterprise,
            message_size: message_size.into(),
            biflow,
            reported: HashMap::new(),
            record: Vec::new(),
        }
    }

    /// Appends messages with the sessions among `rows`; how many records they have.
    pub fn write(&mut self, out: &mut Vec<u8>, rows: &[Row], snapshot: &Snapshot) -> u64 {
        let mut open: Option<Open> = None;
        let mut record = std::mem::take(&mut self.record);
        let mut total = 0;
        for row in rows {
            let Some(mut flow) = self.flow(row, snapshot) else { continue };
            let templates = if self.biflow { BIFLOWS } else { UNIFLOWS };
            let template = templates[usize::from(flow.view.source.0.is_ipv6())];
            for sender in 0..if self.biflow { 1 } else { 2 } {
                flow.sender = sender;
                if !self.biflow && flow.counts.packets[sender] == 0 {
                    continue;
                }
                record.clear();
                for element in elements(template) {
                    (element.write)(&mut record, &flow);
                }
                open = Some(self.append(open, out, template, &record));
                total += 1;
            }
        }
        if let Some(last) = open {
            last.close(out);
        }
        self.record = record;
        total
    }

    /// What is to be told of a row; `None` for what is no session, or nothing new of one.
    fn flow<'a>(&mut self, row: &'a Row, snapshot: &'a Snapshot) -> Option<Flow<'a>> {
        let session = &row.session;
        let view = RowView::new(row, snapshot);
        if !matches!(row.what, What::Session) || !view.is_of_session() {
            return None;
        }
        let now = Counts { packets: session.packets, octets: session.bytes };
        let told = self.reported.get(&session.id).filter(|told| told.start == session.start);
        let (start, counts) =
            told.map_or((session.start, now), |told| (told.until, now.since(told.counts)));
        if session.end_reason == EndReason::Active {
            // One that is not remembered is told of at its end, whole: nothing counts twice.
            let room = told.is_some() || self.reported.len() < MOST_REPORTED;
            if counts == Counts::default() || !room {
                return None;
            }
            let told = Reported { start: session.start, until: session.end, counts: now };
            self.reported.insert(session.id, told);
        } else {
            self.reported.remove(&session.id);
        }
        Some(Flow { row, view, start, counts, sender: 0, enterprise: self.enterprise })
    }

    /// Puts a record into the message that is open, if it has room, or into another.
    fn append(&self, open: Option<Open>, out: &mut Vec<u8>, template: u16, record: &[u8]) -> Open {
        let fitting = match open {
            Some(open) if self.has_room(&open, out.len(), template, record.len()) => open,
            full => {
                if let Some(full) = full {
                    full.close(out);
                }
                self.begin(out, template)
            }
        };
        let mut fitting = fitting.with_set(out, template);
        out.extend_from_slice(record);
        fitting.records += 1;
        fitting
    }

    fn has_room(&self, open: &Open, end: usize, template: u16, record: usize) -> bool {
        let set = if open.template == template { 0 } else { SET_HEADER };
        end - open.message + set + record <= self.message_size
    }

    fn begin(&self, out: &mut Vec<u8>, template: u16) -> Open {
        let message = out.len();
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.resize(message + HEADER - 4, 0);
        out.extend_from_slice(&self.domain.to_be_bytes());
        let set = begin_set(out, template);
        Open { message, set, template, records: 0 }
    }
}

fn begin_set(out: &mut Vec<u8>, template: u16) -> usize {
    let set = out.len();
    out.extend_from_slice(&template.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    set
}

/// Puts in the length of what reaches from `start` to the end.
fn put_length(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u16;
    if let Some(place) = out.get_mut(start + 2..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

impl Open {
    /// The same with a set for records of `template`.
    fn with_set(mut self, out: &mut Vec<u8>, template: u16) -> Self {
        if self.template != template {
            put_length(out, self.set);
            self.set = begin_set(out, template);
            self.template = template;
        }
        self
    }

    fn close(self, out: &mut [u8]) {
        put_length(out, self.set);
        put_length(out, self.message);
        let sequence = self.message + 8;
        if let Some(place) = out.get_mut(sequence..sequence + 4) {
            place.copy_from_slice(&self.records.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EngineConfig;
    use crate::row::{Names, Order, SessionFacts};

    fn row(id: u64, end_reason: EndReason, packets: [u64; 2], end: u64) -> Row {
        let session = SessionFacts {
            id,
            start: 1_000_000_000,
            end,
            end_reason,
            packets,
            bytes: packets.map(|n| n * 100),
            ..SessionFacts::default()
        };
        Row { order: Order::default(), session, what: What::Session, names: Names::default() }
    }

    /// The numbers of `element`, in each record of the only set.
    fn told(octets: &[u8], element: &str) -> Vec<u64> {
        let template = u16::from_be_bytes([octets[HEADER], octets[HEADER + 1]]);
        let mut found = Vec::new();
        let mut rest = &octets[HEADER + SET_HEADER..];
        while !rest.is_empty() {
            for one in elements(template) {
                let length = match one.length() {
                    elements::VARIABLE => 1 + usize::from(rest[0]),
                    fixed => fixed.into(),
                };
                let (value, after) = rest.split_at(length);
                if one.name == element {
                    found.push(value.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)));
                }
                rest = after;
            }
        }
        found
    }

    fn written(exporter: &mut Exporter, rows: &[Row]) -> (Vec<u8>, u64) {
        let mut out = Vec::new();
        let snapshot = Snapshot::compile(&EngineConfig::default()).unwrap();
        let count = exporter.write(&mut out, rows, &snapshot);
        (out, count)
    }

    #[test]
    fn records_of_a_session_that_goes_on_add_up_to_it() {
        let mut exporter = Exporter::new(1, 32473, 1420, true);
        let rows = [
            row(7, EndReason::Active, [3, 1], 2_000_000_000),
            // Nothing new, nothing to tell.
            row(7, EndReason::Active, [3, 1], 2_000_000_000),
            row(7, EndReason::Active, [5, 1], 3_000_000_000),
            row(7, EndReason::Fin, [9, 4], 4_000_000_000),
        ];
        let (out, count) = written(&mut exporter, &rows);
        assert_eq!(count, 3);
        assert_eq!(told(&out, "packetDeltaCount"), [3, 2, 4]);
        assert_eq!(told(&out, "reverseOctetDeltaCount"), [100, 0, 300]);
        assert_eq!(told(&out, "flowStartMilliseconds"), [1000, 2000, 3000]);
        assert_eq!(told(&out, "flowEndReason"), [2, 2, 3]);
        assert!(exporter.reported.is_empty(), "what has ended is forgotten");
    }

    #[test]
    fn a_number_that_comes_again_is_another_session() {
        let mut exporter = Exporter::new(1, 32473, 1420, true);
        written(&mut exporter, &[row(7, EndReason::Active, [9, 9], 2_000_000_000)]);
        let mut again = row(7, EndReason::Fin, [2, 2], 3_000_000_000);
        again.session.start += 1;
        let (out, _) = written(&mut exporter, &[again]);
        assert_eq!(told(&out, "packetDeltaCount"), [2]);
    }

    #[test]
    fn messages_keep_to_their_size_and_tell_how_many_records_they_have() {
        let mut exporter = Exporter::new(3, 32473, 512, true);
        let rows: Vec<Row> = (1..50).map(|id| row(id, EndReason::Idle, [1, 0], 1)).collect();
        let (out, count) = written(&mut exporter, &rows);
        assert_eq!(count, 49);
        let (mut rest, mut records, mut messages) = (&out[..], 0, 0);
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            assert!(length <= 512, "{length}");
            let set = usize::from(u16::from_be_bytes([rest[18], rest[19]]));
            assert_eq!(HEADER + set, length);
            records += u32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]);
            messages += 1;
            rest = &rest[length..];
        }
        assert_eq!(records, 49);
        assert!(messages > 5);
    }

    #[test]
    fn without_biflows_each_direction_that_has_packets_has_a_record() {
        let mut exporter = Exporter::new(1, 32473, 1420, false);
        let rows = [row(1, EndReason::Fin, [2, 3], 9), row(2, EndReason::Fin, [1, 0], 9)];
        assert_eq!(written(&mut exporter, &rows).1, 3);
    }

    #[test]
    fn text_is_cut_where_a_character_ends() {
        let mut out = Vec::new();
        elements::text(&mut out, "ä".repeat(200).as_bytes());
        assert_eq!(out.len(), 1 + 252);
        assert!(std::str::from_utf8(&out[1..]).is_ok());
    }
}
