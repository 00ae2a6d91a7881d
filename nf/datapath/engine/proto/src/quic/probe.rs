//! Recognising QUIC by the part of its headers that is in clear.

use super::packet::{Kind, Long};
use super::version;
use crate::{Probe, Segment};

/// Ports where QUIC is at home.
pub const PORTS: &[u16] = &[443, 80, 784, 853, 4433, 4434, 8443, 8853];
/// Least octets of a datagram with a client's Initial (RFC 9000 §14.1).
pub const LEAST_INITIAL: usize = 1200;
/// Least octets of the destination connection id a client makes up (RFC 9000 §7.2).
const LEAST_ID: usize = 8;
/// Longest connection id of a version negotiation that is believed.
const MAX_ID: usize = 20;

/// Whether one of the ports hints at QUIC.
pub fn is_on_port(seg: &Segment<'_>) -> bool {
    PORTS.iter().any(|&port| seg.on_port(port))
}

/// See [`crate::Protocol::probe`].
///
/// Structure decides here; whether an Initial is genuine its tag says, which the parser checks
/// and takes the session back where it is not.
pub fn probe(seg: &Segment<'_>) -> Probe {
    if seg.data.first().is_none_or(|first| first & 0x80 == 0) {
        return Probe::No;
    }
    let Some(long) = Long::parse(seg.data) else {
        return Probe::No;
    };
    let is_free = matches!(long.kind, Kind::VersionNegotiation | Kind::Unknown);
    if !is_free && long.first & 0x40 == 0 {
        return Probe::No;
    }
    let fits = long.total <= seg.data.len() || seg.cut;
    if !fits || long.dcid.len() > MAX_ID || long.scid.len() > MAX_ID {
        return Probe::No;
    }
    let on_port = |elsewhere: Probe| if is_on_port(seg) { Probe::Certain } else { elsewhere };
    match long.kind {
        Kind::Initial => {
            if long.dcid.len() >= LEAST_ID && (seg.data.len() >= LEAST_INITIAL || seg.cut) {
                Probe::Certain
            } else {
                on_port(Probe::Unsure)
            }
        }
        Kind::Handshake | Kind::ZeroRtt | Kind::Retry => on_port(Probe::Unsure),
        Kind::VersionNegotiation => {
            let list = seg.data.get(long.number_at..).unwrap_or_default();
            let is_whole = !list.is_empty() && list.len() & 3 == 0;
            let has_ids = !long.dcid.is_empty() || !long.scid.is_empty();
            if is_whole && has_ids && long.versions(seg.data).any(version::is_known) {
                Probe::Certain
            } else {
                Probe::No
            }
        }
        Kind::Unknown => {
            let is_first = long.first & 0x40 != 0
                && long.dcid.len() >= LEAST_ID
                && (seg.data.len() >= LEAST_INITIAL || seg.cut);
            match is_first {
                false => Probe::No,
                true if version::is_reserved(long.version) => on_port(Probe::Unsure),
                // The server may answer with the versions it knows.
                true => Probe::Unsure,
            }
        }
    }
}
