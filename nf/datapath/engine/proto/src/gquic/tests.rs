//! Packets built field by field.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use super::message::Message;
use crate::registry::{self, Entry};
use crate::testing::{self, Event, flow, fuzz_one, play, play_wanting, torture};
use crate::{NameSource, Probe, Wants};

fn entry() -> &'static Entry {
    registry::by_name("gquic").expect("registered")
}

fn message(tag: &[u8; 4], values: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = tag.to_vec();
    out.extend((values.len() as u16).to_le_bytes());
    out.extend([0, 0]);
    let mut end = 0u32;
    for (tag, value) in values {
        end += value.len() as u32;
        out.extend(*tag);
        out.extend(end.to_le_bytes());
    }
    out.extend(values.iter().flat_map(|(_, value)| value.iter()));
    out
}

fn hello() -> Vec<u8> {
    message(b"CHLO", &[(b"PAD\0", &[b'-'; 900]), (b"SNI\0", b"g.example"), (b"UAID", b"Agent/2")])
}

/// A public header with version, a packet number, the hash, and a stream frame's header.
fn q043(message: &[u8]) -> Vec<u8> {
    let header = [&[0x09][..], &[7; 8], b"Q043", &[1], &[0xab; 12], &[0xa0, 1, 4, 0]].concat();
    [&header, message].concat()
}

fn q046(message: &[u8]) -> Vec<u8> {
    let header = [&[0xc3][..], b"Q046", &[0x50], &[7; 8], &[0, 0, 0, 1], &[0xab; 12]].concat();
    [&header, &[0xa0, 1, 4, 0][..], message].concat()
}

#[test]
fn the_hello_names_server_and_program() {
    for (packet, version) in [(q043(&hello()), "Q043"), (q046(&hello()), "Q046")] {
        let heard = play(&flow(Transport::Udp, 9999), &[Event::Up(&packet), Event::Down(&[0; 40])]);

        assert_eq!(heard.path, ["gquic"]);
        assert_eq!(heard.names, [(NameSource::Sni, "g.example".to_string())]);
        assert_eq!(
            heard.transactions[0].1,
            format!(
                concat!(
                    r#"{{"version":"{}","server_name":"g.example","user_agent":"Agent/2","#,
                    r#""connection_id":"0707070707070707"}}"#
                ),
                version
            )
        );
        assert_eq!(heard.anomalies, [""; 0]);
    }
}

#[test]
fn a_packet_without_hello_is_believed_on_its_port_only() {
    let packet = q043(&[0x55; 40]);

    let heard = play(&flow(Transport::Udp, 443), &[Event::Up(&packet)]);
    assert_eq!(heard.path, ["gquic"]);
    assert_eq!(heard.transactions.len(), 1);
    assert!(play(&flow(Transport::Udp, 9999), &[Event::Up(&packet)]).path.is_empty());
}

#[test]
fn a_hello_that_does_not_fit_is_an_anomaly() {
    let mut broken = hello();
    broken.truncate(500);
    let heard = play(&flow(Transport::Udp, 443), &[Event::Up(&q043(&broken))]);

    assert_eq!(heard.anomalies, ["gquic.malformed_hello"]);
    assert!(heard.names.is_empty());
}

#[test]
fn ends_that_go_back_are_refused() {
    let mut bad = message(b"CHLO", &[(b"SNI\0", b"abc"), (b"UAID", b"")]);
    assert!(Message::parse(&bad).is_some());
    bad[20] = 1;
    assert!(Message::parse(&bad).is_none());
}

#[test]
fn where_nobody_listens_the_hello_is_enough() {
    let packet = q043(&hello());
    let heard = play_wanting(&flow(Transport::Udp, 443), &[Event::Up(&packet)], Wants::default());

    assert_eq!(heard.names.len(), 1);
    assert!(heard.transactions.is_empty());
}

#[test]
fn nothing_depends_on_loss() {
    torture(&flow(Transport::Udp, 443), &[Event::Up(&q043(&hello()))]).unwrap();
}

#[test]
fn the_probe_refuses_other_octets() {
    let flow = flow(Transport::Udp, 443);
    let with = |at: usize, to: u8| {
        let mut packet = q043(&hello());
        packet[at] = to;
        packet
    };
    for octets in [with(0, 0x08), with(0, 0x01), with(0, 0x89), with(9, b'R'), with(11, b'7')] {
        assert_eq!(testing::probe(entry(), &flow, &octets), Probe::No);
    }
    let mut random = testing::Random::new(627);
    for _ in 0..20_000 {
        assert_eq!(testing::probe(entry(), &flow, &random.octets(300)), Probe::No);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 443, &input);
    }

    #[test]
    fn no_message_makes_it_panic(rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let octets = q043(&[&b"CHLO"[..], &rest].concat());
        play(&flow(Transport::Udp, 443), &[Event::Up(&octets)]);
    }
}
