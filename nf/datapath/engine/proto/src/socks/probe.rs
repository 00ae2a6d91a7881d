//! Whether octets are SOCKS.

use nf_wire::Transport;

use super::PORT;
use super::message::{self, Read, Request};
use crate::{Cursor, Probe, Segment};

pub fn probe(seg: &Segment<'_>) -> Probe {
    let own_port = seg.on_port(PORT);
    if seg.flow.transport != Transport::Tcp {
        return datagram(seg.data, own_port);
    }
    match seg.data.first() {
        Some(4) => version4(seg.data),
        Some(5) => version5(seg.data, own_port),
        _ => Probe::No,
    }
}

/// A client's words of version 4: nothing may follow before the server answers.
fn version4(data: &[u8]) -> Probe {
    match message::request4(data) {
        Read::Whole(Request { target, .. }, used) => {
            let there = match target.address {
                Some(address) => !address.is_unspecified() && !address.is_multicast(),
                None => target.host.is_some_and(is_host),
            };
            if there && target.port != 0 && used == data.len() { Probe::Certain } else { Probe::No }
        }
        Read::More => Probe::Unsure,
        Read::Bad => Probe::No,
    }
}

/// Either side's words of version 5: two messages that belong together.
fn version5(data: &[u8], own_port: bool) -> Probe {
    let mut verdict = Probe::No;
    match message::greeting(data) {
        Read::Whole(methods, used) if plausible(methods) => {
            let rest = data.get(used..).unwrap_or_default();
            let next = match rest.first() {
                None => return if own_port { Probe::Certain } else { Probe::Unsure },
                Some(1) => match message::login(rest) {
                    Read::Whole(_, login) => rest.get(login..).unwrap_or_default(),
                    Read::More => return Probe::Unsure,
                    Read::Bad => return Probe::No,
                },
                Some(_) => rest,
            };
            match message::request5(next) {
                Read::Whole(..) => return Probe::Certain,
                Read::More => verdict = Probe::Unsure,
                Read::Bad => {}
            }
        }
        Read::More if plausible(data.get(2..).unwrap_or_default()) => verdict = Probe::Unsure,
        _ => {}
    }
    // Or the server's choice and what follows it.
    match data {
        [5, 0] => Probe::Unsure,
        [5, 2] | [5, 2, 1] => Probe::Unsure,
        [5, 2, 1, 0, rest @ ..] | [5, 0, rest @ ..] => match message::reply5(rest) {
            Read::Whole(reply, _) if reply.code <= 8 => Probe::Certain,
            Read::More => Probe::Unsure,
            _ => verdict,
        },
        _ => verdict,
    }
}

/// Assigned or private methods, each once.
fn plausible(methods: &[u8]) -> bool {
    let mut seen = [false; 256];
    methods.len() <= 16
        && methods.iter().all(|&m| {
            let fresh = seen.get_mut(usize::from(m)).is_some_and(|s| !std::mem::replace(s, true));
            fresh && (m <= 9 || (0x80..0xff).contains(&m))
        })
}

/// A relayed datagram.
fn datagram(data: &[u8], own_port: bool) -> Probe {
    let mut c = Cursor::new(data);
    let Some([0, 0, 0]) = c.array::<3>() else {
        return Probe::No;
    };
    match message::endpoint(&mut c) {
        Some(Some(target)) if target.port != 0 && !c.is_empty() => {
            let sure = own_port || target.host.is_some_and(is_host);
            if sure { Probe::Certain } else { Probe::No }
        }
        _ => Probe::No,
    }
}

/// A name with a dot, of octets names are made of.
fn is_host(name: &[u8]) -> bool {
    let dots = name.iter().filter(|&&b| b == b'.').count();
    let sound = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name.len() >= 4 && dots > 0 && name.iter().all(sound)
}
