//! OpenVPN as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Probe, registry};

const CLIENT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const SERVER: [u8; 8] = [9; 8];

/// A control packet: what is between session and acknowledgements, those, and the rest.
fn control(opcode: u8, session: [u8; 8], wrap: &[u8], acks: &[u8], rest: &[u8]) -> Vec<u8> {
    [&[opcode << 3][..], &session, wrap, acks, rest].concat()
}

fn acked() -> Vec<u8> {
    [&[1, 0, 0, 0, 0][..], &CLIENT].concat()
}

fn handshake(wrap: &[u8]) -> [Vec<u8>; 4] {
    [
        control(7, CLIENT, wrap, &[0], &[0; 4]),
        control(8, SERVER, wrap, &acked(), &[0; 4]),
        control(4, CLIENT, wrap, &[0], &[0, 0, 0, 1, 0x16, 3, 1]),
        vec![9 << 3, 0, 0, 5, 0xaa, 0xbb, 0xcc],
    ]
}

fn events(packets: &[Vec<u8>; 4]) -> [Event<'_>; 4] {
    let [a, b, c, d] = packets;
    [Event::Up(a), Event::Down(b), Event::Up(c), Event::Down(d)]
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_session_tells_its_resets_and_data() {
    let packets = handshake(&[]);
    let heard = play(&flow(Transport::Udp, 9999), &events(&packets));

    assert_eq!(heard.path, ["openvpn"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"reset":"hard_reset_client_v2","client_session_id":72623859790382856,"#,
            r#""server_session_id":651061555542690057,"control_protection":"none","#,
            r#""answered":true,"established":true,"peer_id":5,"renewals":0,"control_packets":3,"#,
            r#""data_packets":1,"response_us":1000,"handshake_us":3000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    torture(&flow(Transport::Udp, 1194), &events(&packets)).unwrap();
}

#[test]
fn a_code_before_the_numbers_is_tolerated() {
    for code in [16, 20, 32, 64] {
        let wrap = [vec![0x77; code], vec![0, 0, 0, 1, 0x65, 0, 0, 0]].concat();
        let heard = play(&flow(Transport::Udp, 9999), &events(&handshake(&wrap)));

        assert!(
            transactions(&heard)[0].contains(r#""control_protection":"tls_auth""#),
            "{code} {heard:?}"
        );
        assert!(transactions(&heard)[0].contains(r#""answered":true"#));
    }
}

#[test]
fn encrypted_control_packets_are_known_by_their_replay_numbers() {
    let wrap = [vec![0, 0, 0, 1, 0x65, 0, 0, 0], vec![0x77; 32]].concat();
    let mut packets = handshake(&wrap);
    packets[0].truncate(49);
    packets[0].extend_from_slice(&[0x99; 5]);
    let heard = play(&flow(Transport::Udp, 9999), &events(&packets));

    assert!(transactions(&heard)[0].contains(r#""control_protection":"tls_crypt""#), "{heard:?}");
}

#[test]
fn early_negotiation_marks_the_numbers_of_keys_of_a_clients_own_only() {
    let known = |opcode: u8, number: [u8; 4], length: usize| {
        let head = [&[opcode << 3][..], &SERVER, &number, &[0x65, 0, 0, 0]].concat();
        let octets = [head.clone(), vec![0x77; length - head.len()]].concat();
        super::message::wrap_of(&octets).is_some()
    };

    assert!(known(10, [0x0f, 0, 0, 1], 400) && known(8, [0x0f, 0, 0, 1], 72));
    assert!(known(10, [0, 0, 0, 1], 400) && known(7, [0, 0, 0, 1], 54));
    assert!(!known(7, [0x0f, 0, 0, 1], 54));
    assert!(!known(10, [0x07, 0, 0, 1], 400) && !known(8, [0x0f, 1, 0, 1], 72));
    assert!(!known(8, [0, 1, 0, 1], 72));
}

#[test]
fn packets_of_a_stream_have_their_length_before_them() {
    let packets = handshake(&[]).map(|p| [&(p.len() as u16).to_be_bytes()[..], &p].concat());
    let flow = flow(Transport::Tcp, 443);
    let heard = play(&flow, &events(&packets));

    assert_eq!(heard.path, ["openvpn"]);
    assert!(transactions(&heard)[0].contains(r#""established":true"#));
    torture(&flow, &events(&packets)).unwrap();
}

#[test]
fn flaws_are_counted() {
    let [ask, ..] = handshake(&[]);
    let foreign = control(8, SERVER, &[], &[&[1, 0, 0, 0, 0][..], &SERVER].concat(), &[0; 4]);
    let events = [Event::Up(&ask), Event::Down(&foreign), Event::Down(b"\x20\x01")];
    let heard = play(&flow(Transport::Udp, 1194), &events);

    assert_eq!(heard.anomalies, ["openvpn.foreign_session", "openvpn.malformed_packet"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("openvpn").unwrap();
    let mut random = Random::new(8);
    for transport in [Transport::Udp, Transport::Tcp] {
        for first in [0x38, 0x40, 0x50] {
            for _ in 0..20_000 {
                let mut data = random.octets(90);
                data[0] = first;
                let said = testing::probe(entry, &flow(transport, 1194), &data);
                assert_ne!(said, Probe::Certain, "{data:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("openvpn").unwrap(), Transport::Udp, 1194, &input);
        fuzz_one(registry::by_name("openvpn").unwrap(), Transport::Tcp, 1194, &input);
    }
}
