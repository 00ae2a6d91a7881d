//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

const READ: &[u8] = b"\0\x01tides.txt\0octet\0blksize\x001024\0tsize\x000\0";

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Udp, 69), events)
}

fn data(block: u8, length: usize) -> Vec<u8> {
    let mut packet = vec![0, 3, 0, block];
    packet.resize(length.checked_add(4).unwrap(), b'x');
    packet
}

#[test]
fn a_request_announces_the_session_of_its_transfer() {
    let heard = heard(&[Event::Up(READ)]);

    assert_eq!(heard.path, ["tftp"]);
    let expected = heard.expectations.first().unwrap();
    assert_eq!((expected.port, expected.proto), (40_000, ProtoId(358)));
    assert_eq!(expected.address.to_string(), "192.0.2.1");
    assert_eq!(
        heard.transactions[0].1,
        r#"{"packet":"read","file":"tides.txt","mode":"octet","block_size":1024,"transfer_size":0,"duration_us":0}"#
    );
}

#[test]
fn a_transfer_is_complete_when_its_short_block_is_acknowledged() {
    let (first, second) = (data(1, 1024), data(2, 6));
    let heard = heard(&[
        Event::Up(READ),
        Event::Down(b"\0\x06blksize\x001024\0tsize\x001030\0"),
        Event::Up(b"\0\x04\0\0"),
        Event::Down(&first),
        Event::Down(&first),
        Event::Up(b"\0\x04\0\x01"),
        Event::Down(&second),
        Event::Up(b"\0\x04\0\x02"),
    ]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""transfer_size":1030,"blocks":2,"repeated_blocks":1,"bytes":1030"#));
    assert!(said.contains(r#""complete":true,"duration_us":7000"#), "{said}");
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn an_error_ends_a_transfer() {
    let heard = heard(&[Event::Up(READ), Event::Down(b"\0\x05\0\x01not here\0")]);

    let said = &heard.transactions[0].1;
    assert!(
        said.contains(r#""error_code":1,"error_msg":"file not found","error_text":"not here""#)
    );
    assert_eq!(heard.anomalies, ["tftp.transfer_failed"]);
}

#[test]
fn a_name_that_leads_out_of_its_folder_is_an_anomaly() {
    let heard = heard(&[Event::Up(b"\0\x02../../etc/passwd\0netascii\0")]);

    assert_eq!(heard.anomalies, ["tftp.path_traversal"]);
}

#[test]
fn what_names_no_mode_is_not_this_protocol() {
    let entry = by_name("tftp").unwrap();
    let flow = testing::flow(Transport::Udp, 69);
    let others: [&[u8]; 5] = [
        b"\0\x01tides\0ascii\0",
        b"\0\x01\0octet\0",
        b"\0\x01tides\0octet",
        b"\0\x03\0\x01x",
        b"\0",
    ];
    for octets in others {
        assert_eq!(testing::probe(entry, &flow, octets), Probe::No);
    }
    let mut random = testing::Random::new(1);
    for _ in 0..2000 {
        assert_ne!(testing::probe(entry, &flow, &random.octets(200)), Probe::Certain);
    }
}

#[test]
fn a_cut_packet_does_no_harm() {
    let first = data(1, 20);
    let events = [Event::Up(READ), Event::Down(&first), Event::Up(b"\0\x04\0\x01")];

    torture(&testing::flow(Transport::Udp, 69), &events).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_one(by_name("tftp").unwrap(), Transport::Udp, 69, &input);
    }
}
