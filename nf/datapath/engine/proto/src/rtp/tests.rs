//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe};

fn entry() -> &'static Entry {
    registry::by_name("rtp").expect("registered")
}

fn ports() -> Flow {
    flow(Transport::Udp, 16_384)
}

/// Packet `n` of a stream of 20 ms each.
pub(crate) fn packet(ssrc: u32, payload_type: u8, n: u16) -> Vec<u8> {
    let mut data = vec![0x80, payload_type];
    data.extend(n.to_be_bytes());
    data.extend((u32::from(n) * 160).to_be_bytes());
    data.extend(ssrc.to_be_bytes());
    data.extend([0x55; 160]);
    data
}

fn voice(numbers: &[u16]) -> Vec<Vec<u8>> {
    numbers.iter().map(|&n| packet(0xcafe_0001, 0, n)).collect()
}

/// Up, 20 ms apart.
fn paced(packets: &[Vec<u8>]) -> Vec<Event<'_>> {
    packets.iter().flat_map(|p| [Event::Up(p), Event::Pause(19_000_000)]).collect()
}

fn hear(numbers: &[u16]) -> Heard {
    play(&ports(), &paced(&voice(numbers)))
}

#[test]
fn a_stream_is_reported_at_its_end() {
    let heard = hear(&[7, 8, 9, 10]);

    assert_eq!(heard.path, ["rtp"]);
    assert_eq!(
        heard.transactions[0].1,
        r#"{"ssrc":3405643777,"direction":"up","payload_type":0,"codec":"PCMU","clock_rate":8000,"packets":4,"octets":640,"expected":4,"lost":0,"loss_percent":0,"bursts":0,"longest_burst":0,"unordered":0,"duplicates":0,"restarts":0,"first_sequence":7,"jitter_us":0,"jitter_max_us":0,"longest_gap_us":20000,"r_factor":93.2,"mos":4.41,"encrypted":false,"duration_us":60000}"#
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn packets_tell_what_was_lost_before_them() {
    let heard = hear(&[1, 2, 3, 6, 5, 5]);

    let messages: Vec<_> = heard.messages.iter().map(|(_, m)| m.as_str()).collect();
    assert_eq!(messages.len(), 6);
    assert!(messages[3].contains(r#""loss":2,"burst_loss":2,"unorder":0"#), "{}", messages[3]);
    assert!(messages[4].contains(r#""unorder":1,"duplicate":0,"order_err":1"#), "{}", messages[4]);
    assert!(messages[5].contains(r#""unorder":0,"duplicate":1,"order_err":1"#), "{}", messages[5]);
    assert!(heard.transactions[0].1.contains(r#""lost":1,"#));
}

#[test]
fn packets_keep_their_times_while_the_probe_is_unsure() {
    let heard = hear(&[1, 2, 3]);

    assert!(heard.messages[1].1.contains(r#""inter_delay":20000"#), "{}", heard.messages[1].1);
}

#[test]
fn two_packets_are_not_enough_to_be_sure() {
    assert_eq!(hear(&[1, 2]).path, [""; 0]);
}

#[test]
fn packets_that_do_not_follow_each_other_are_no_stream() {
    assert_eq!(hear(&[1, 900, 4000, 20_000, 3]).path, [""; 0]);
    let others: Vec<_> = (0..9).map(|n| packet(u32::from(n) + 1, 0, n)).collect();
    assert_eq!(play(&ports(), &paced(&others)).path, [""; 0]);
}

#[test]
fn both_directions_are_streams_of_their_own() {
    let (up, down) = (voice(&[1, 2, 3, 4]), voice(&[500, 501, 502, 503]));
    let events: Vec<_> =
        up.iter().zip(&down).flat_map(|(u, d)| [Event::Up(u), Event::Down(d)]).collect();

    let heard = play(&ports(), &events);

    assert_eq!(heard.transactions.len(), 2);
    assert!(heard.transactions[0].1.contains(r#""direction":"up""#));
    assert!(heard.transactions[1].1.contains(r#""direction":"down""#));
}

#[test]
fn control_packets_on_the_same_port_are_reported_as_such() {
    let packets = voice(&[1, 2, 3, 4]);
    let report = crate::rtcp::tests::sender_report();
    let mut events = paced(&packets);
    events.push(Event::Down(&report));

    let heard = play(&ports(), &events);

    assert_eq!(heard.path, ["rtp"]);
    assert!(heard.transactions.iter().any(|(proto, _)| proto == "rtcp"));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_jump_of_the_sequence_is_an_anomaly_and_no_loss() {
    let heard = hear(&[1, 2, 3, 30_000, 30_001, 30_002]);

    assert_eq!(heard.anomalies, ["rtp.sequence_jump"]);
    assert!(heard.transactions[0].1.contains(r#""lost":0,"#));
}

#[test]
fn streams_are_bounded() {
    let mut packets = voice(&[1, 2, 3]);
    packets.extend((0..20).map(|n| packet(n + 1, 0, 1)));

    let heard = play(&ports(), &paced(&packets));

    assert_eq!(heard.anomalies.len(), 5);
    assert!(heard.anomalies.iter().all(|a| a == "rtp.too_many_streams"));
    assert_eq!(heard.transactions.len(), 1);
}

#[test]
fn foreign_datagrams_and_odd_padding_are_counted() {
    let mut packets = voice(&[1, 2, 3]);
    packets.push(b"hello world".to_vec());
    packets.push(vec![0]);
    let mut odd = packet(0xcafe_0001, 0, 4);
    odd[0] |= 0x20;
    odd.push(0);
    packets.push(odd);

    let heard = play(&ports(), &paced(&packets));

    assert_eq!(heard.anomalies, ["rtp.foreign_datagram", "rtp.padding_invalid"]);
}

#[test]
fn nothing_breaks_where_datagrams_are_cut() {
    let packets = [&voice(&[1, 2, 3])[..], &[crate::rtcp::tests::sender_report()]].concat();
    let short: Vec<_> = packets.iter().map(|p| p[..p.len().min(40)].to_vec()).collect();
    torture(&ports(), &paced(&short)).unwrap();
}

#[test]
fn random_octets_are_never_a_stream() {
    let mut random = testing::Random::new(298);
    for _ in 0..300 {
        let datagrams: Vec<_> = (0..16)
            .map(|_| {
                let mut data = random.octets(200);
                data[0] = 0x80;
                data
            })
            .collect();
        let heard = play(&ports(), &paced(&datagrams));
        assert_eq!(heard.path, [""; 0]);
    }
    assert_eq!(testing::probe(entry(), &ports(), b"GET / HTTP/1.1\r\n\r\n"), Probe::No);
    assert_eq!(testing::probe(entry(), &ports(), &packet(0, 0, 1)), Probe::No);
    assert_eq!(testing::probe(entry(), &ports(), &packet(1, 72, 1)), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 16_384, &input);
    }
}
