//! WireGuard as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Probe, registry};

fn message(kind: u8, length: usize, numbers: &[u32]) -> Vec<u8> {
    let mut out = vec![kind, 0, 0, 0];
    numbers.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    out.resize(length, 0x5a);
    out
}

fn initiation(sender: u32) -> Vec<u8> {
    let mut out = message(1, 148, &[sender]);
    out[132..].fill(0);
    out
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_handshake_is_told_by_its_numbers() {
    let (ask, answer) = (initiation(0x1122_3344), message(2, 92, &[7, 0x1122_3344]));
    let data = message(4, 48, &[7, 5, 0]);
    let events = [Event::Up(&ask), Event::Down(&answer), Event::Up(&data)];
    let heard = play(&flow(Transport::Udp, 9999), &events);

    assert_eq!(heard.path, ["wireguard"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"outcome":"established","initiator_index":287454020,"responder_index":7,"#,
            r#""cookie_used":false,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.messages[2].1, r#"{"kind":"data","receiver":7,"counter":5,"length":16}"#);
    torture(&flow(Transport::Udp, 51820), &events).unwrap();
}

#[test]
fn a_responder_under_load_sends_a_cookie() {
    let again = message(1, 148, &[10]);
    let events = [Event::Up(&initiation(9)), Event::Down(&message(3, 64, &[9])), Event::Up(&again)];
    let heard = play(&flow(Transport::Udp, 51820), &events);

    assert!(transactions(&heard)[0].contains(r#""outcome":"cookie","initiator_index":9"#));
    assert!(transactions(&heard)[1].contains(r#""outcome":"unanswered","initiator_index":10"#));
    assert!(transactions(&heard)[1].contains(r#""cookie_used":true"#));
}

#[test]
fn data_alone_are_known_by_the_port_only() {
    let data = message(4, 48, &[0x1122_3344, 5, 0]);
    let heard = play(&flow(Transport::Udp, 51820), &[Event::Up(&data), Event::Down(&data)]);
    assert_eq!(transactions(&heard), [r#"{"outcome":"data"}"#]);

    let heard = play(&flow(Transport::Udp, 9999), &[Event::Up(&data), Event::Down(&data)]);
    assert_eq!(heard.path, [""; 0]);
    let late = [Event::Up(&data), Event::Up(&initiation(9))];
    assert_eq!(play(&flow(Transport::Udp, 9999), &late).path, ["wireguard"]);
}

#[test]
fn flaws_are_counted() {
    let events = [
        Event::Up(&initiation(9)),
        Event::Down(&message(2, 92, &[7, 8])),
        Event::Down(&message(2, 93, &[7, 9])),
    ];
    let heard = play(&flow(Transport::Udp, 51820), &events);

    assert_eq!(heard.anomalies, ["wireguard.unasked_response", "wireguard.malformed_message"]);
}

#[test]
fn only_so_many_initiations_wait() {
    let asked: Vec<_> = (1..=10).map(initiation).collect();
    let events: Vec<_> = asked.iter().map(|a| Event::Up(a)).collect();
    let heard = play(&flow(Transport::Udp, 51820), &events);

    assert_eq!(heard.anomalies, ["wireguard.too_many_pending"; 2]);
    assert_eq!(heard.transactions.len(), 10);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("wireguard").unwrap();
    let mut random = Random::new(7);
    for _ in 0..20_000 {
        let mut data = random.octets(200);
        data[0] = 1;
        let said = testing::probe(entry, &flow(Transport::Udp, 51820), &data);
        assert_ne!(said, Probe::Certain, "{data:?}");
    }
    assert_eq!(
        testing::probe(entry, &flow(Transport::Udp, 51820), &message(1, 147, &[9])),
        Probe::No
    );
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("wireguard").unwrap(), Transport::Udp, 51820, &input);
    }
}
