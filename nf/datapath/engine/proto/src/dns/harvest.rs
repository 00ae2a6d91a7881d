//! What names resolve to, for whoever wants to know what an address is called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Sink;

use super::message::{Header, Question, RawRecord, Reader};
use super::name::{self, Name};
use super::service;
use super::words::kind;

/// Most names that lead from the one asked to its addresses.
const MAX_ALIASES: usize = 16;
/// Most addresses told of one message.
const MAX_ADDRESSES: usize = 128;

/// The names that stand for the one asked.
struct Aliases<'a> {
    asked: &'a Name,
    /// Offset of the question's name: most owners are a pointer to it.
    asked_at: usize,
    further: Vec<Name>,
    /// Least time to live of the records that led here.
    ttl: u32,
}

impl Aliases<'_> {
    /// Whether the record's owner is one of them.
    fn include(&self, message: &[u8], record: &RawRecord) -> bool {
        let pointer = message.get(record.name..).and_then(|d| d.first_chunk::<2>());
        let target = pointer.map(|p| u16::from_be_bytes(*p));
        if let Some(target @ 0xc000..) = target
            && usize::from(target & 0x3fff) == self.asked_at
        {
            return true;
        }
        name::read(message, record.name)
            .is_ok_and(|(owner, _)| owner == *self.asked || self.further.contains(&owner))
    }

    /// Adds the name that a record leads to.
    fn follow(&mut self, message: &[u8], record: &RawRecord) {
        if self.further.len() < MAX_ALIASES
            && let Ok((target, _)) = name::read(message, record.data)
        {
            self.further.push(target);
            self.ttl = self.ttl.min(record.ttl);
        }
    }
}

/// Tells `out` the addresses in the answers of a response: under the name that was asked, or
/// under their owner's where the response repeats no question.
pub fn answers(
    message: &[u8],
    header: &Header,
    asked: Option<(&Name, &[u8], Question)>,
    out: &mut Sink<'_>,
) {
    let mut reader = Reader::new(message);
    for _ in 0..header.qdcount {
        if reader.question().is_err() {
            return;
        }
    }
    let Some((name, text, question)) = asked else {
        return unasked(message, header, reader, out);
    };
    let mut aliases =
        Aliases { asked: name, asked_at: question.name, further: Vec::new(), ttl: u32::MAX };
    let mut told = 0usize;
    for _ in 0..header.ancount {
        let Ok(record) = reader.record() else { return };
        let of_interest =
            matches!(record.kind, kind::A | kind::AAAA | kind::CNAME | kind::SVCB | kind::HTTPS);
        if !of_interest || told >= MAX_ADDRESSES || !aliases.include(message, &record) {
            continue;
        }
        if record.kind == kind::CNAME {
            aliases.follow(message, &record);
        }
        let ttl = record.ttl.min(aliases.ttl);
        told = told.saturating_add(tell(message, &record, text, ttl, out));
    }
}

/// Answers of a message without question (mDNS): each under its owner's name.
fn unasked(message: &[u8], header: &Header, mut reader: Reader<'_>, out: &mut Sink<'_>) {
    let counts = [header.ancount, header.nscount, header.arcount].map(u32::from);
    let mut told = 0usize;
    let mut text = Vec::new();
    for _ in 0..counts.iter().sum::<u32>() {
        let Ok(record) = reader.record() else { return };
        if !matches!(record.kind, kind::A | kind::AAAA) || told >= MAX_ADDRESSES {
            continue;
        }
        let Ok((owner, _)) = name::read(message, record.name) else { return };
        text.clear();
        owner.write(&mut text);
        told = told.saturating_add(tell(message, &record, &text, record.ttl, out));
    }
}

/// Tells the addresses of one record, and how many there were.
fn tell(message: &[u8], record: &RawRecord, text: &[u8], ttl: u32, out: &mut Sink<'_>) -> usize {
    // mDNS sets the highest bit of a class to flush what was remembered.
    if record.class & 0x7fff != 1 {
        return 0;
    }
    let data = record.octets(message);
    let mut told = 0usize;
    let mut answer = |address: IpAddr| {
        if told < MAX_ADDRESSES {
            out.answer(text, address, ttl);
            told = told.saturating_add(1);
        }
    };
    match record.kind {
        kind::A => {
            if let Ok(octets) = <[u8; 4]>::try_from(data) {
                answer(Ipv4Addr::from(octets).into());
            }
        }
        kind::AAAA => {
            if let Ok(octets) = <[u8; 16]>::try_from(data) {
                answer(Ipv6Addr::from(octets).into());
            }
        }
        kind::SVCB | kind::HTTPS => {
            // Hints are for the target; `.` is the owner itself (RFC 9460 §2.5.2).
            if let Some(parameters) = data.get(2..).and_then(|d| d.strip_prefix(b"\0")) {
                service::hints(parameters, &mut answer);
            }
        }
        _ => {}
    }
    told
}
