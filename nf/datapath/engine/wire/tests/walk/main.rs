//! The walk over whole frames: the path of every header, the summary of every IP layer, and what
//! must hold of any octets at all.

mod build;
mod case;
mod hostile;
mod ip_layer;
mod registry;

use nf_wire::{LinkType, Packet, decode, header};

/// A frame taken apart, all of it captured.
fn walk(link: LinkType, frame: &[u8]) -> Packet {
    let mut packet = Packet::default();
    decode(link, frame, frame.len() as u32, &mut packet);
    packet
}

/// The names of the layers.
fn path(packet: &Packet) -> String {
    let name = |id| header::by_id(id).map_or("?", |h| h.name);
    packet.layers().iter().map(|layer| name(layer.proto)).collect::<Vec<_>>().join(".")
}

#[test]
fn every_frame_has_its_path() {
    for case in case::cases() {
        assert_eq!(path(&walk(case.link, &case.frame)), case.path, "{}", case.name);
    }
}

#[test]
fn every_layer_can_be_read_where_the_walk_found_it() {
    for case in case::cases() {
        for layer in walk(case.link, &case.frame).layers() {
            let info = header::by_id(layer.proto).unwrap();
            let bytes = &case.frame[usize::from(layer.offset)..];
            let mut any = (info.fields)().is_empty();
            for position in 0..(info.fields)().len() {
                (info.visit)(bytes, position, &mut |value| any |= !value.is_none());
            }
            assert!(any, "{}: {}", case.name, info.name);
        }
    }
}

#[test]
fn every_header_with_fields_is_in_a_frame() {
    let mut seen: Vec<_> = case::cases()
        .iter()
        .flat_map(|case| walk(case.link, &case.frame).layers().to_vec())
        .map(|layer| layer.proto)
        .collect();
    seen.sort();
    // Chunks without fields of their own share one view, which two of them stand for here.
    let is_chunk = |name: &str| name.starts_with("sctp_");
    for info in header::HEADERS {
        if !(info.fields)().is_empty() && !is_chunk(info.name) {
            assert!(seen.binary_search(&info.id).is_ok(), "{}", info.name);
        }
    }
}
