//! Whether a datagram or stream is CoAP: pure. There is no magic number, so that bits of evidence
//! are counted: what is registered, text where text belongs, and a structure that ends where the
//! message does.

use nf_wire::Transport;

use super::PORT;
use super::message::{
    self, EMPTY, Front, Items, MAX_OPTIONS, Message, Next, class, is_known, is_registered,
    is_request, kind, number, option,
};
use crate::{Probe, Segment};

/// Bits that a message must show on the protocol's own port, and elsewhere.
const ENOUGH: u32 = 20;
const ENOUGH_ELSEWHERE: u32 = 40;
/// Most messages of a stream looked at.
const MAX_MESSAGES: usize = 16;
/// Capabilities and settings: what a stream begins with.
const CSM: u8 = 0xe1;

/// Answers for a datagram, or for a stream that begins with `seg.data`.
pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let enough = if seg.on_port(PORT) { ENOUGH } else { ENOUGH_ELSEWHERE };
    if seg.flow.transport == Transport::Tcp {
        return stream(seg.data, enough);
    }
    let bits = message::datagram(seg.data).and_then(|message| evidence(&message));
    match bits {
        Some(bits) if bits >= enough => Probe::Certain,
        Some(_) => Probe::Unsure,
        None => Probe::No,
    }
}

fn stream(data: &[u8], enough: u32) -> Probe {
    // Version, type and identifier are missing; the first message is prescribed instead.
    if !matches!(message::front(data), Front::Header { code: CSM, token: 0, .. }) {
        return if data.len() < 3 { Probe::Unsure } else { Probe::No };
    }
    match messages(data) {
        Some(bits) if bits >= enough => Probe::Certain,
        Some(_) => Probe::Unsure,
        None => Probe::No,
    }
}

/// Bits of the messages at the front of a stream; `None` when they are none.
fn messages(data: &[u8]) -> Option<u32> {
    let mut rest = data;
    let mut bits = 0u32;
    for _ in 0..MAX_MESSAGES {
        if rest.is_empty() {
            break;
        }
        let (size, length, code) = match message::front(rest) {
            Front::Header { size, length, code, .. } => (size, length, code),
            Front::Partial => break,
            Front::Malformed => return None,
        };
        if !is_known(code) || length > 1 << 20 {
            return None;
        }
        let Some(body) = rest.get(size..size.saturating_add(length)) else {
            break;
        };
        let found = Message { datagram: None, code, token: &[], body };
        bits = bits.saturating_add(evidence(&found)?);
        rest = rest.get(size.saturating_add(length)..).unwrap_or_default();
    }
    Some(bits)
}

/// Bits that a message agrees with CoAP in; `None` when it does not.
fn evidence(message: &Message<'_>) -> Option<u32> {
    if !is_known(message.code) {
        return None;
    }
    let kind = message.datagram.map(|(kind, _)| kind);
    // A request is not an acknowledgement, a reset is empty, and signals are for streams.
    match kind {
        Some(kind::ACKNOWLEDGEMENT) if is_request(message.code) => return None,
        Some(kind::RESET) if message.code != EMPTY => return None,
        Some(_) if class(message.code) == 7 => return None,
        _ => {}
    }
    if message.code == EMPTY {
        // Four octets, two of which had to be as they are.
        return Some(if kind.is_some() { 16 } else { 4 });
    }
    // Version, token and code; over TCP code and length.
    let mut bits = 6u32;
    let mut items = Items::of(message.body);
    for _ in 0..MAX_OPTIONS {
        match items.next() {
            Next::Item(item) if class(message.code) == 7 => {
                let sound = matches!((item.number, item.value.len()), (2, ..=4) | (4, 0));
                if !sound {
                    return None;
                }
                bits = bits.saturating_add(8);
            }
            Next::Item(item) => bits = bits.saturating_add(worth(&item)?),
            Next::Payload(payload) => {
                let end = if payload.is_empty() { 6 } else { 8 };
                return Some(bits.saturating_add(end));
            }
            Next::Malformed => return None,
        }
    }
    None
}

/// What an option adds.
fn worth(item: &message::Item<'_>) -> Option<u32> {
    if !is_registered(item) {
        return None;
    }
    let length = u32::try_from(item.value.len()).ok()?;
    let text =
        item.value.iter().all(|b| !b.is_ascii_control()) && std::str::from_utf8(item.value).is_ok();
    match item.number {
        option::URI_PATH | option::URI_QUERY | option::URI_HOST | option::PROXY_URI => {
            text.then(|| length.min(30).saturating_add(4))
        }
        option::LOCATION_PATH => text.then_some(4),
        option::CONTENT_FORMAT | option::ACCEPT => {
            let known = matches!(number(item.value), 0 | 40..=112 | 10_000..=12_000);
            known.then_some(4)
        }
        // Some option or other is what a third of all octets are.
        _ => Some(1),
    }
}

/// Whether messages go on at the front of `data`, after a loss.
pub(super) fn follows(data: &[u8]) -> bool {
    messages(data).is_some_and(|bits| bits >= 10)
}
