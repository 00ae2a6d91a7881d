//! Packets as they were on the wire, from what the kernel gives and what it tells beside.

use super::frame::Frame;
use crate::live::names::Shape;

/// Octets of the header that stands for a link header that is not known (`LINKTYPE_LINUX_SLL`).
const SLL: usize = 16;
/// Octets of the two addresses before an Ethernet frame's type.
const MACS: usize = 12;
/// Octets of a VLAN tag.
const TAG: usize = 4;
/// What may be added to a packet as the kernel gives it.
pub(crate) const ADDED: usize = SLL + TAG;

/// Writes a packet as it was on the wire, or with a header in place of the one that is not known.
/// How many octets were written, and how many of them the kernel's did not count.
pub(super) fn restored(frame: &Frame<'_>, shape: Shape, room: &mut [u8]) -> (usize, usize) {
    let mut head = [0; ADDED];
    let (before, more) = if shape.cooked {
        (cooked(frame, &mut head), if frame.vlan.is_some() { ADDED } else { SLL })
    } else {
        match frame.vlan {
            // A tag stands between addresses and type.
            Some((protocol, tag)) if frame.bytes.len() >= MACS => {
                head[..MACS].copy_from_slice(&frame.bytes[..MACS]);
                head[MACS..MACS + 2].copy_from_slice(&protocol.to_be_bytes());
                head[MACS + 2..MACS + TAG].copy_from_slice(&tag.to_be_bytes());
                (MACS + TAG, TAG)
            }
            _ => (0, 0),
        }
    };
    let skipped = before - more;
    let rest = frame.bytes.get(skipped..).unwrap_or_default();
    let mut captured = 0;
    for part in [&head[..before], rest] {
        let room = room.get_mut(captured..).unwrap_or_default();
        let fits = part.len().min(room.len());
        room[..fits].copy_from_slice(&part[..fits]);
        captured += fits;
    }
    (captured, more)
}

/// The header of `LINKTYPE_LINUX_SLL`, with a tag behind it where there was one; how long it is.
fn cooked(frame: &Frame<'_>, head: &mut [u8; ADDED]) -> usize {
    let sender = frame.sender.len().min(8);
    head[..2].copy_from_slice(&u16::from(frame.way).to_be_bytes());
    head[2..4].copy_from_slice(&frame.kind.to_be_bytes());
    head[4..6].copy_from_slice(&(sender as u16).to_be_bytes());
    head[6..6 + sender].copy_from_slice(&frame.sender[..sender]);
    let Some((protocol, tag)) = frame.vlan else {
        head[14..SLL].copy_from_slice(&frame.protocol.to_be_bytes());
        return SLL;
    };
    head[14..SLL].copy_from_slice(&protocol.to_be_bytes());
    head[SLL..SLL + 2].copy_from_slice(&tag.to_be_bytes());
    head[SLL + 2..].copy_from_slice(&frame.protocol.to_be_bytes());
    ADDED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::af_packet::frame::Cursor;
    use crate::af_packet::frame::tests::{block, put};

    const ETHERNET: Shape = Shape { link: 1, cooked: false };

    fn shown(block: &[u8], shape: Shape) -> (Vec<u8>, usize) {
        let frame = Cursor::start(block).unwrap().frame(block).unwrap();
        let mut room = [0; 128];
        let (captured, more) = restored(&frame, shape, &mut room);
        (room[..captured].to_vec(), more)
    }

    fn tagged(packet: &[u8]) -> Vec<u8> {
        let mut block = block(&[packet]);
        put(&mut block, 48 + 20, 1 << 4 | 1 << 6);
        put(&mut block, 48 + 32, 0x0064);
        block[48 + 36..48 + 38].copy_from_slice(&0x88a8_u16.to_ne_bytes());
        block
    }

    #[test]
    fn a_tag_goes_back_between_the_addresses_and_the_type() {
        let packet = b"AAAAAABBBBBB\x08\x00payload";

        let (bytes, more) = shown(&tagged(packet), ETHERNET);

        assert_eq!(bytes, b"AAAAAABBBBBB\x88\xa8\x00\x64\x08\x00payload");
        assert_eq!(more, 4);
        assert_eq!(shown(&block(&[packet]), ETHERNET), (packet.to_vec(), 0));
    }

    #[test]
    fn a_frame_too_short_for_a_tag_stays_as_it_is() {
        assert_eq!(shown(&tagged(b"short"), ETHERNET), (b"short".to_vec(), 0));
    }

    #[test]
    fn an_unknown_link_header_is_replaced_by_one_that_says_what_the_kernel_knew() {
        let mut plain = block(&[b"ip packet"]);
        plain[48 + 48 + 2..48 + 48 + 4].copy_from_slice(&[0x08, 0x00]);
        plain[48 + 48 + 10..48 + 48 + 14].copy_from_slice(&[4, 2, 0xaa, 0xbb]);

        let (bytes, more) = shown(&plain, Shape::COOKED);

        assert_eq!(bytes, b"\0\x04\0\0\0\x02\xaa\xbb\0\0\0\0\0\0\x08\0ip packet");
        assert_eq!(more, 16);
    }
}
