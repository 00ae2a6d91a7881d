//! Whether octets are a DNS message.

use crate::{Probe, Segment};

use super::message::{self, HEADER, Header, Question, Reader};
use super::name::NameFlaw;
use super::words;

/// How much evidence is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rigour {
    /// On the protocol's own port: what is broken is broken DNS.
    OwnPort,
    /// Elsewhere: everything must be in order.
    Elsewhere,
}

/// Most questions of a plausible message.
const MAX_QUESTIONS: u16 = 64;
/// Most questions of a message on a port that is not the protocol's.
const MAX_QUESTIONS_ELSEWHERE: u16 = 4;

/// Judges one datagram.
pub fn datagram(seg: &Segment<'_>, rigour: Rigour) -> Probe {
    match message(seg.data, seg.cut, rigour) {
        Verdict::Yes => Probe::Certain,
        // The capture kept a plausible header and no whole question.
        Verdict::Short if rigour == Rigour::OwnPort && seg.data.len() >= HEADER => Probe::Certain,
        Verdict::Short | Verdict::No => Probe::No,
    }
}

/// Judges the start of a stream: two octets of length before each message.
pub fn stream(seg: &Segment<'_>, rigour: Rigour) -> Probe {
    let Some((prefix, rest)) = seg.data.split_first_chunk::<2>() else {
        return Probe::Unsure;
    };
    let length = usize::from(u16::from_be_bytes(*prefix));
    if length < HEADER {
        return Probe::No;
    }
    let whole = rest.get(..length);
    match message(whole.unwrap_or(rest), whole.is_none(), rigour) {
        Verdict::Yes => Probe::Certain,
        // A question that is not all there yet.
        Verdict::Short if whole.is_none() => Probe::Unsure,
        Verdict::Short | Verdict::No => Probe::No,
    }
}

enum Verdict {
    Yes,
    No,
    /// The octets end before the questions do.
    Short,
}

/// Judges a message of which the end may be missing (`partial`).
fn message(data: &[u8], partial: bool, rigour: Rigour) -> Verdict {
    let Some(header) = Header::read(data) else {
        return Verdict::Short;
    };
    if !plausible(&header, data.len(), partial, rigour) {
        return Verdict::No;
    }
    // An operation nobody has defined: all else must be in order.
    let known = words::known_opcode(header.opcode()).is_some();
    let rigour = if known { rigour } else { Rigour::Elsewhere };
    let mut reader = Reader::new(data);
    let fits = header.least_length() <= data.len() || partial;
    for _ in 0..header.qdcount {
        match reader.question() {
            // A message of which the counts lie (some servers send those of the whole with one
            // they had to cut) is still one, if its question is beyond doubt.
            Ok(question) if !fits => {
                let sound = words::is_known_class(question.class)
                    && words::known_type(question.kind).is_some()
                    && message::asked(data, &question).is_ok();
                return if sound { Verdict::Yes } else { Verdict::No };
            }
            Err(_) if !fits => return Verdict::No,
            Ok(question) if question_holds(data, &question, rigour) => {}
            Ok(_) => return Verdict::No,
            Err(NameFlaw::Truncated) if partial => return Verdict::Short,
            Err(_) => return broken(partial, rigour),
        }
    }
    let records = [header.ancount, header.nscount, header.arcount].map(u32::from);
    for _ in 0..records.iter().sum::<u32>() {
        match reader.record() {
            Ok(record) if record.kind != 0 || rigour == Rigour::OwnPort => {}
            Ok(_) => return Verdict::No,
            Err(NameFlaw::Truncated) if partial && header.qdcount > 0 => return Verdict::Yes,
            Err(NameFlaw::Truncated) if partial => return Verdict::Short,
            Err(NameFlaw::Truncated) if header.is_truncated() => return Verdict::Yes,
            Err(_) => return broken(partial, rigour),
        }
    }
    if reader.remaining() > 0 && rigour == Rigour::Elsewhere {
        return Verdict::No;
    }
    Verdict::Yes
}

/// The verdict on a message of which the header fits its length, and not what it counts.
fn broken(partial: bool, rigour: Rigour) -> Verdict {
    match rigour {
        Rigour::OwnPort if !partial => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// Whether the header's parts can stand together.
fn plausible(header: &Header, length: usize, partial: bool, rigour: Rigour) -> bool {
    let records = [header.ancount, header.nscount, header.arcount].map(u32::from);
    let records = records.iter().sum::<u32>();
    // A response that says only that the query was not understood may repeat nothing of it.
    let bare_error = header.is_response() && header.rcode() != 0 && length == HEADER;
    let something = header.qdcount > 0 || (header.is_response() && records > 0);
    if header.qdcount > MAX_QUESTIONS || !(something || (bare_error && rigour == Rigour::OwnPort)) {
        return false;
    }
    let fits = header.least_length() <= length || partial;
    let known = words::known_opcode(header.opcode()).is_some();
    match rigour {
        Rigour::OwnPort => (fits && known) || header.qdcount == 1,
        Rigour::Elsewhere => {
            let query = header.opcode() == 0;
            let empty_query = !header.is_response() && query;
            fits && header.qdcount <= MAX_QUESTIONS_ELSEWHERE
                && !header.bit(6)
                && header.rcode() <= 10
                && (query || matches!(header.opcode(), 4 | 5))
                // Queries have no answers, no error and at most EDNS and a signature behind them.
                && !(empty_query
                    && (header.ancount > 0
                        || header.nscount > 1
                        || header.arcount > 2
                        || header.rcode() != 0
                        || header.bit(7)
                        || header.bit(10)))
                && header.qdcount > 0
        }
    }
}

fn question_holds(data: &[u8], question: &Question, rigour: Rigour) -> bool {
    if rigour == Rigour::OwnPort {
        return true;
    }
    let Ok(name) = message::asked(data, question) else {
        return false;
    };
    // NetBIOS names stand in questions of the same shape: 32 letters from A to P.
    let netbios = |label: &[u8]| {
        label.len() == 32 && label.iter().all(|b| (b'a'..=b'p').contains(&b.to_ascii_lowercase()))
    };
    words::known_type(question.kind).is_some()
        && words::is_known_class(question.class)
        && !name.labels().next().is_some_and(netbios)
}
