//! Whether octets are a STUN message: pure.
//!
//! Since RFC 5389 a cookie says so. Before, nothing does but the form: on STUN's own port that
//! is enough; elsewhere an answer must repeat the 128 bits of its request.

use nf_wire::Transport;

use super::PORTS;
use super::message::{COOKIE_OCTETS, Class, Message, method};
use crate::{Earlier, Probe, Segment};

pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    if seg.flow.transport == Transport::Tcp {
        return stream(seg.data);
    }
    match Message::parse(seg.data, !seg.cut) {
        Some(m) if m.has_cookie => {
            let fits = m.total() == seg.data.len() || seg.cut;
            let known = method::word(m.method()).is_some() || m.known > 0;
            if known && !m.malformed && (fits || m.known > 0) { Probe::Certain } else { Probe::No }
        }
        Some(m) if is_classic(&m, seg) => {
            if PORTS.iter().any(|&port| seg.on_port(port)) {
                Probe::Certain
            } else {
                Probe::Unsure
            }
        }
        _ => Probe::No,
    }
}

pub(super) fn probe_again(seg: &Segment<'_>, earlier: &Earlier<'_>) -> Probe {
    let said = probe(seg);
    if said != Probe::Unsure || seg.flow.transport == Transport::Tcp {
        return said;
    }
    let answered = |data: &[u8]| {
        let (request, answer) = (Message::parse(data, true), Message::parse(seg.data, !seg.cut));
        request.zip(answer).is_some_and(|(request, answer)| {
            request.class() == Class::Request
                && matches!(answer.class(), Class::Success | Class::Error)
                && request.transaction_id == answer.transaction_id
        })
    };
    if earlier.datagrams(seg.dir.reverse()).any(answered) { Probe::Certain } else { Probe::Unsure }
}

/// Whether a message without cookie has the form of RFC 3489's.
fn is_classic(m: &Message<'_>, seg: &Segment<'_>) -> bool {
    let whole = m.total() == seg.data.len() || seg.cut;
    let random = m.transaction_id.iter().any(|&b| b != 0);
    matches!(m.kind, 0x0001 | 0x0101 | 0x0111)
        && whole
        && random
        && !m.malformed
        && m.known == m.attributes
        && (m.attributes > 0 || m.class() == Class::Request)
}

/// A stream's first octets: a message with the cookie, perhaps behind a length (RFC 4571).
fn stream(data: &[u8]) -> Probe {
    let at = |from: usize| data.get(from..from.saturating_add(4));
    if at(4) == Some(&COOKIE_OCTETS) {
        return match data {
            [0..=0x3f, _, _, low, ..] if low & 3 == 0 => Probe::Certain,
            _ => Probe::No,
        };
    }
    if at(6) == Some(&COOKIE_OCTETS) {
        // The outer length counts the inner one and a header.
        return match data {
            [a, b, 0..=0x3f, _, c, d, ..] => {
                let outer = u16::from_be_bytes([*a, *b]);
                let inner = u16::from_be_bytes([*c, *d]).checked_add(20);
                if inner == Some(outer) { Probe::Certain } else { Probe::No }
            }
            _ => Probe::No,
        };
    }
    if data.len() < 10 { Probe::Unsure } else { Probe::No }
}
