//! The commonest frame in a straight line: Ethernet, IPv4 without options and not fragmented,
//! then TCP or UDP, all headers captured, nothing contradictory. Whatever is not so is left to the
//! walk, whose result for these frames is the same (a property test compares), and so is what a
//! UDP port announces as a tunnel.

use super::Next;
use super::transport::{may_be_telemetry, tunnel_of_ports};
use crate::read::{be16, octet};
use crate::{IpLayer, Layer, Packet, Transport, ethernet, id, ipv4, tcp, udp};

/// Where the transport header starts.
const TRANSPORT_AT: usize = 34;

/// What must be captured at least: a UDP header's end.
const LEAST: usize = TRANSPORT_AT.saturating_add(udp::HEADER_LEN);

/// Fills in `out` and says what comes behind it, or leaves it as it was and returns `None`.
#[inline(always)]
pub(super) fn ethernet(frame: &[u8], out: &mut Packet) -> Option<Next> {
    let head = frame.first_chunk::<LEAST>()?;
    // Ethertype IPv4, version 4 and a header of five words.
    if be16(head, 12..14) != 0x0800 || octet(head, 14) != 0x45 {
        return None;
    }
    let total = usize::from(be16(head, 16..18));
    let end = frame.len().min(total.saturating_add(ethernet::HEADER_LEN));
    // More fragments, or an offset.
    if be16(head, 20..22) & 0x3fff != 0 || end < LEAST {
        return None;
    }
    let available = total.saturating_sub(ipv4::HEADER_LEN);
    let (src_port, dst_port) = (be16(head, 34..36), be16(head, 36..38));
    let protocol = octet(head, 23);
    let (proto, transport, header_len, length, next) = match protocol {
        6 => {
            let offset = frame.get(TRANSPORT_AT.saturating_add(12)).copied().unwrap_or(0);
            let header_len = usize::from(offset >> 4) << 2;
            if header_len < tcp::HEADER_LEN {
                return None;
            }
            (id::TCP, Transport::Tcp, header_len, available, Next::Stop)
        }
        17 => {
            let length = usize::from(be16(head, 38..40));
            if length < udp::HEADER_LEN {
                return None;
            }
            let next = tunnel_of_ports(dst_port, src_port);
            (id::UDP, Transport::Udp, udp::HEADER_LEN, length.min(available), next)
        }
        _ => return None,
    };
    let payload = TRANSPORT_AT.saturating_add(header_len);
    let end = end.min(TRANSPORT_AT.saturating_add(length));
    if payload > end {
        return None;
    }
    let begin = frame.get(payload..end).and_then(|rest| rest.first());
    let marked = may_be_telemetry(octet(head, 15) >> 2, transport, begin);
    let next = if marked { Next::Telemetry } else { next };
    let [ethernet, ip, upper, ..] = &mut out.layers;
    *ethernet = Layer { proto: id::ETHERNET, offset: 0 };
    *ip = Layer { proto: id::IP, offset: ethernet::HEADER_LEN as u16 };
    *upper = Layer { proto, offset: TRANSPORT_AT as u16 };
    out.layer_count = 3;
    let [first, ..] = &mut out.ips;
    *first = IpLayer {
        layer: 1,
        version: 4,
        protocol,
        transport,
        offset: ethernet::HEADER_LEN as u16,
        src_port,
        dst_port,
        total_len: total as u32,
        fragment: None,
        vlan: 0,
        tunnel_id: 0,
        payload: payload as u32,
        payload_captured: end.saturating_sub(payload) as u32,
        payload_len: length.saturating_sub(header_len) as u32,
    };
    out.ip_count = 1;
    Some(next)
}
