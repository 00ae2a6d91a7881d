use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::Up};
use crate::{Flow, Probe};

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

fn datagram(sequence: u32, samples: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(samples.len()).unwrap();
    [words(&[5, 1, 0xc000_0201, 3, sequence, 10_000, count]), samples.concat()].concat()
}

/// A sample or a record: its format and what is in it.
fn framed(format: u32, body: &[u8]) -> Vec<u8> {
    [&words(&[format, u32::try_from(body.len()).unwrap()])[..], body].concat()
}

/// A sampled packet of 1,514 octets, of which six are here.
fn packet() -> Vec<u8> {
    framed(1, &[words(&[1, 1514, 4, 6]), vec![9; 8]].concat())
}

fn sampled() -> Vec<u8> {
    framed(1, &[words(&[70, 2, 512, 35_840, 6, 2, 3, 1]), packet()].concat())
}

fn counted() -> Vec<u8> {
    let interface = framed(1, &[0; 88]);
    framed(2, &[words(&[8, 2, 2]), interface.clone(), interface].concat())
}

fn flow() -> Flow {
    testing::flow(Transport::Udp, 6343)
}

#[test]
fn samples_are_counted() {
    let heard = testing::play(&flow(), &[Up(&datagram(9, &[sampled(), counted()]))]);

    assert_eq!(heard.path, ["sflow"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"version":5,"agent_address":"192.0.2.1","sub_agent_id":3,"sequence":9,"#,
            r#""uptime_ms":10000,"sample_count":2,"flow_samples":1,"counter_samples":1,"#,
            r#""discarded_samples":0,"other_samples":0,"header_count":1,"frame_bytes":1514,"#,
            r#""counter_count":2,"sampling_rate":512,"dropped_samples":6}"#
        )
    );
}

#[test]
fn samples_with_wide_numbers_discarded_packets_and_those_of_makers_are_counted() {
    let wide = framed(3, &[words(&[70, 0, 2, 64, 9, 0, 0, 2, 0, 3, 1]), packet()].concat());
    let counters = framed(4, &[words(&[8, 0, 2, 1]), framed(2, &[0; 52])].concat());
    let discarded = framed(5, &[words(&[1, 0, 2, 0, 2, 0, 263, 1]), packet()].concat());
    let own = framed(0x0012_3001, &[1; 12]);
    let heard = testing::play(&flow(), &[Up(&datagram(1, &[wide, counters, discarded, own]))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = &heard.transactions[0].1;
    assert!(told.contains(r#""flow_samples":1,"counter_samples":1,"discarded_samples":1,"#));
    assert!(told.contains(r#""other_samples":1,"header_count":2,"frame_bytes":3028,"#), "{told}");
    assert!(told.contains(r#""sampling_rate":64,"dropped_samples":0"#), "{told}");
}

#[test]
fn lost_datagrams_are_counted() {
    let numbers = [7, 8, 11, 10].map(|n| datagram(n, &[sampled()]));
    let heard = testing::play(&flow(), &numbers.each_ref().map(|octets| Up(octets)));

    assert_eq!(heard.anomalies, ["sflow.sequence_gap", "sflow.sequence_behind"]);
    assert!(heard.transactions[2].1.contains(r#""sequence":11,"lost":2,"#));
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let first = datagram(1, &[sampled()]);
    let mut many = datagram(2, &[sampled()]);
    many[27] = 2;
    let heard = testing::play(&flow(), &[Up(&first), Up(&many), Up(&[7; 40])]);

    assert_eq!(heard.anomalies, ["sflow.malformed_message", "sflow.malformed_message"]);
}

#[test]
fn random_octets_are_not_sflow() {
    let entry = registry::by_name("sflow").unwrap();
    let at = |port, data: &[u8]| testing::probe(entry, &testing::flow(Transport::Udp, port), data);

    assert_eq!(at(6343, &datagram(3, &[sampled()])), Probe::Certain);
    assert_eq!(at(7777, &datagram(3, &[sampled()])), Probe::Certain);
    assert_eq!(at(7777, &datagram(3, &[])), Probe::No);
    let mut random = testing::Random::new(6343);
    for _ in 0..20_000 {
        let mut octets = random.octets(100);
        if let Some(head) = octets.first_chunk_mut() {
            *head = [0, 0, 0, 5, 0, 0, 0, 1];
        }
        assert_eq!(at(6343, &octets), Probe::No);
    }
}

#[test]
fn no_octets_make_it_panic() {
    let whole = datagram(3, &[sampled(), counted()]);
    testing::torture(&flow(), &[Up(&whole)]).unwrap();
    testing::batter(&flow(), &[&whole]).unwrap();
}
