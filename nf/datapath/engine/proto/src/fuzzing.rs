//! Bodies of the fuzz targets: octets become a session, and a parser or the whole registry gets
//! it. The corpus under `fuzz/` is replayed by the tests with the same functions.
//!
//! A session is repeated `[control, length, octets…]`. Bits of control: 0 the direction, 1 the
//! octets are lost, 2 the capture cut the segment, 3 the length has two octets. What stands first
//! chooses the carrier (see [`protocol`] and [`session`]).

use std::sync::OnceLock;

use nf_fields::ProtoId;
use nf_wire::Transport;

use crate::registry::{self, Entry, PROTOCOLS};
use crate::testing::{self, EVERYTHING, Event, Heard, START};
use crate::{Carrier, Direction, Dissector, Flow, Gap, Next, Segment, Sink};

/// Most segments of one input.
const MAX_SEGMENTS: usize = 256;

/// One segment of an input.
struct Piece<'a> {
    dir: Direction,
    lost: bool,
    cut: bool,
    data: &'a [u8],
}

fn pieces(mut input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let (&control, rest) = input.split_first()?;
        let (length, rest) = if control & 8 == 0 {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        } else {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        };
        let (data, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        input = rest;
        let dir = if control & 1 == 0 { Direction::Up } else { Direction::Down };
        Some(Piece { dir, lost: control & 2 != 0, cut: control & 4 != 0, data })
    })
    .take(MAX_SEGMENTS)
}

/// Appends a segment to an input, as the targets read it.
pub fn write_segment(dir: Direction, data: &[u8], input: &mut Vec<u8>) {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let direction = u8::from(dir == Direction::Down);
    match u8::try_from(length) {
        Ok(short) => input.extend_from_slice(&[direction, short]),
        Err(_) => {
            input.push(direction | 8);
            input.extend_from_slice(&length.to_be_bytes());
        }
    }
    input.extend_from_slice(data.get(..usize::from(length)).unwrap_or(data));
}

/// Where sessions of a protocol are found: carriers with each of their ports, and none.
pub fn carriers(entry: &Entry) -> Vec<(Transport, u16)> {
    let mut found = Vec::new();
    if entry.info.reads_header {
        found.push((Transport::Other, 0));
    }
    for over in entry.info.over {
        let transport = match over.carrier {
            Carrier::Tcp | Carrier::Within(_) => Transport::Tcp,
            Carrier::Udp => Transport::Udp,
            Carrier::Sctp => Transport::Sctp,
        };
        found.extend(over.ports.iter().chain([&0]).map(|&port| (transport, port)));
    }
    found
}

/// The fuzz target of one protocol: the first octet chooses among [`carriers`].
pub fn protocol(entry: &Entry, input: &[u8]) {
    let Some((&choice, input)) = input.split_first() else {
        return;
    };
    let carriers = carriers(entry);
    let chosen = usize::from(choice).checked_rem(carriers.len()).and_then(|i| carriers.get(i));
    if let Some(&(transport, port)) = chosen {
        fuzz_one(entry, transport, port, input);
    }
}

/// The fuzz target of classification and hand-overs: the first two octets choose a protocol by its
/// id, the third one of its [`carriers`]; any protocol may recognise the session.
///
/// # Errors
/// When memory is not given back.
pub fn session(input: &[u8]) -> Result<(), String> {
    static SHARED: OnceLock<Result<Dissector, String>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| testing::dissector(PROTOCOLS, EVERYTHING)).as_ref()?;
    let Some((&[high, low, choice], input)) = input.split_first_chunk::<3>() else {
        return Ok(());
    };
    let id = u16::from_be_bytes([high, low]);
    let any = || usize::from(id).checked_rem(PROTOCOLS.len()).and_then(|i| PROTOCOLS.get(i));
    let Some(entry) = registry::by_id(ProtoId(id)).or_else(any) else {
        return Ok(());
    };
    let carriers = carriers(entry);
    let chosen = usize::from(choice).checked_rem(carriers.len()).and_then(|i| carriers.get(i));
    let (transport, port) = chosen.copied().unwrap_or((Transport::Tcp, 0));
    let events: Vec<_> = pieces(input)
        .map(|piece| match (piece.dir, piece.lost, piece.cut) {
            (Direction::Up, true, _) => Event::LostUp(piece.data.len() as u64),
            (Direction::Down, true, _) => Event::LostDown(piece.data.len() as u64),
            (Direction::Up, _, false) => Event::Up(piece.data),
            (Direction::Down, _, false) => Event::Down(piece.data),
            (Direction::Up, _, true) => Event::CutUp(piece.data),
            (Direction::Down, _, true) => Event::CutDown(piece.data),
        })
        .collect();
    let flow = flow_of(entry, transport, port);
    testing::check_pool(&testing::play_on(shared, Heard::default(), &flow, &events))
}

/// A session on one of the [`carriers`] of an entry.
fn flow_of(entry: &Entry, transport: Transport, port: u16) -> Flow {
    match transport {
        Transport::Other => testing::header_flow(entry.info.id),
        _ => testing::flow(transport, port),
    }
}

/// Feeds arbitrary octets to one protocol's probe and parser.
pub fn fuzz_one(entry: &Entry, transport: Transport, port: u16, input: &[u8]) {
    let flow = flow_of(entry, transport, port);
    let mut heard = Heard::default();
    let mut parser = (entry.create)(&flow);
    let mut pending: [Vec<u8>; 2] = Default::default();
    let mut time = START;
    for piece in pieces(input) {
        time = time.saturating_add(1_000_000);
        let Some(kept) = pending.get_mut(piece.dir.index()) else {
            return;
        };
        let mut sink = Sink::new(&mut heard, entry.info.id, EVERYTHING);
        if piece.lost {
            kept.clear();
            if parser.gap(piece.dir, piece.data.len() as u64, &mut sink) == Gap::GiveUp {
                parser = (entry.create)(&flow);
            }
            continue;
        }
        if transport != Transport::Tcp {
            kept.clear();
        }
        kept.extend_from_slice(piece.data);
        loop {
            let (dir, cut) = (piece.dir, piece.cut);
            let seg = Segment { data: kept, dir, time, cut, ppid: 0, flow: &flow };
            let _ = (entry.probe)(&seg);
            let step = parser.parse(&seg, &mut sink);
            let taken = step.consumed.min(kept.len());
            kept.drain(..taken);
            if step.next != Next::Same {
                kept.clear();
                parser = (entry.create)(&flow);
                break;
            }
            if taken == 0 || kept.is_empty() || transport != Transport::Tcp {
                break;
            }
        }
        if kept.len() > entry.info.max_pending {
            kept.clear();
        }
    }
    parser.end(&mut Sink::new(&mut heard, entry.info.id, EVERYTHING));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_as_they_were_written() {
        let long = vec![7; 300];
        let mut input = Vec::new();
        write_segment(Direction::Up, b"ab", &mut input);
        write_segment(Direction::Down, &long, &mut input);
        input.extend_from_slice(&[2, 9, b'x']);

        let read: Vec<_> = pieces(&input).map(|p| (p.dir, p.lost, p.data.to_vec())).collect();
        assert_eq!(
            read,
            [
                (Direction::Up, false, b"ab".to_vec()),
                (Direction::Down, false, long),
                (Direction::Up, true, b"x".to_vec()),
            ]
        );
    }
}
