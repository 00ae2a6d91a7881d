//! Frames built field by field.

/// Octets of several parts in a row.
pub fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&[2, 0, 0, 0, 0, 2], &[2, 0, 0, 0, 0, 1], &ethertype.to_be_bytes(), payload])
}

/// A tag's control information and the ethertype behind it; its identifier is before it.
pub fn tag(vid: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&vid.to_be_bytes(), &ethertype.to_be_bytes(), payload])
}

pub fn ieee8023(llc: &[u8]) -> Vec<u8> {
    let mut frame = ethernet(llc.len() as u16, llc);
    frame.resize(frame.len().max(60), 0);
    frame
}

pub fn snap(oui: [u8; 3], pid: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&[0xaa, 0xaa, 3], &oui, &pid.to_be_bytes(), payload])
}

pub fn ipv4_fragment(protocol: u8, flags_offset: u16, payload: &[u8]) -> Vec<u8> {
    let total = 20 + payload.len() as u16;
    cat(&[
        &[0x45, 0],
        &total.to_be_bytes(),
        &[0x12, 0x34],
        &flags_offset.to_be_bytes(),
        &[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
        payload,
    ])
}

pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0x4000, payload)
}

pub fn ipv4_options(protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut datagram = ipv4(protocol, &cat(&[options, payload]));
    datagram[0] = 0x45 + (options.len() / 4) as u8;
    datagram
}

pub fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    cat(&[&[0x60, 0, 0, 0], &length.to_be_bytes(), &[next, 64], &[0x20; 16], &[0x30; 16], payload])
}

/// An extension header of eight octets.
pub fn extension(next: u8, rest: &[u8]) -> Vec<u8> {
    cat(&[&[next, 0, 1, 4, 0, 0, 0, 0], rest])
}

pub fn tcp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[
        &src.to_be_bytes(),
        &dst.to_be_bytes(),
        &[0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x18, 1, 0, 0, 0, 0, 0],
        &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        payload,
    ])
}

pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    cat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload])
}

pub fn sctp(chunks: &[&[u8]]) -> Vec<u8> {
    cat(&[&[0x0b, 0x59, 0x0b, 0x5a, 0, 0, 0, 1, 0, 0, 0, 0], &chunks.concat()])
}

pub fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = 4 + body.len() as u16;
    let mut chunk = cat(&[&[kind, 0], &length.to_be_bytes(), body]);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

pub fn gre(flags: u16, protocol: u16, parts: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut header = cat(&[&flags.to_be_bytes(), &protocol.to_be_bytes()]);
    for part in parts {
        header.extend(part.to_be_bytes());
    }
    header.extend(payload);
    header
}

pub fn gtp(message_type: u8, teid: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    cat(&[&[0x30, message_type], &length.to_be_bytes(), &teid.to_be_bytes(), payload])
}

/// With a sequence number and a PDU session container.
pub fn gtp_5g(teid: u32, payload: &[u8]) -> Vec<u8> {
    let rest = cat(&[&[0, 7, 0, 0x85, 1, 0x10, 9, 0], payload]);
    let mut message = gtp(255, teid, &rest);
    message[0] = 0x36;
    message
}

pub fn vxlan(vni: u32, frame: &[u8]) -> Vec<u8> {
    cat(&[&[8, 0, 0, 0], &(vni << 8).to_be_bytes(), frame])
}

pub fn geneve(protocol: u16, vni: u32, payload: &[u8]) -> Vec<u8> {
    let options = [0, 1, 0x80, 1, 1, 2, 3, 4];
    cat(&[&[2, 0], &protocol.to_be_bytes(), &(vni << 8).to_be_bytes(), &options, payload])
}

/// In-band telemetry of version 1 by two hops that say who they are.
pub fn telemetry_1(payload: &[u8]) -> Vec<u8> {
    let head = [1, 0, 5, 0, 0x10, 0, 1, 6, 0x80, 0, 0, 0];
    cat(&[&head, &[0, 0, 0, 2, 0, 0, 0, 1], payload])
}

/// Of version 2 by one hop, with what the shim keeps.
pub fn telemetry_2(next: u8, original: u16, payload: &[u8]) -> Vec<u8> {
    let shim = cat(&[&[0x10 | next << 2, 4], &original.to_be_bytes()]);
    cat(&[&shim, &[0x20, 0, 1, 7, 0x80, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0, 1], payload])
}

/// A datagram whose code point is set.
pub fn marked(mut datagram: Vec<u8>) -> Vec<u8> {
    match datagram[0] >> 4 {
        4 => datagram[1] = 0x80,
        _ => datagram[0] = 0x68,
    }
    datagram
}

pub fn l2tp(tunnel: u16, session: u16, ppp: &[u8]) -> Vec<u8> {
    cat(&[&[0, 2], &tunnel.to_be_bytes(), &session.to_be_bytes(), ppp])
}

pub fn pppoe(ppp: &[u8]) -> Vec<u8> {
    let length = ppp.len() as u16;
    cat(&[&[0x11, 0, 0, 1], &length.to_be_bytes(), ppp])
}

pub fn mpls(labels: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut stack = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let bottom = u32::from(index + 1 == labels.len());
        stack.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
    }
    stack.extend(payload);
    stack
}

pub fn arp() -> Vec<u8> {
    cat(&[&[0, 1, 8, 0, 6, 4, 0, 1], &[2, 0, 0, 0, 0, 1, 10, 0, 0, 1], &[0; 6], &[10, 0, 0, 2]])
}

pub fn sll(protocol: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &protocol.to_be_bytes(), payload])
}

pub fn sll2(protocol: u16, payload: &[u8]) -> Vec<u8> {
    let device = [0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    cat(&[&protocol.to_be_bytes(), &device, payload])
}

pub fn ieee80211(control: [u8; 2], rest: &[u8]) -> Vec<u8> {
    cat(&[&control, &[0, 0], &[1; 6], &[2; 6], &[3; 6], &[0x10, 0], rest])
}

pub fn radiotap(flags: u8, frame: &[u8]) -> Vec<u8> {
    cat(&[&[0, 0, 9, 0, 2, 0, 0, 0, flags], frame])
}

pub fn ah(next: u8, payload: &[u8]) -> Vec<u8> {
    cat(&[&[next, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9], &[0xcc; 12], payload])
}
