#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::CutUp, Event::Up};
use crate::{Flow, Probe};

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// 10.0.0.1:1000 to 10.0.0.2:53, with a code point that marks telemetry.
fn packet(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let head = [
        0x4580_0000 | (length + 28),
        0,
        0x4011_0000,
        0x0a00_0001,
        0x0a00_0002,
        1000 << 16 | 53,
        (length + 8) << 16,
    ];
    [&words(&head), payload].concat()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0], packet].concat()
}

/// Telemetry of two hops: switch and latency.
fn stacked() -> Vec<u8> {
    packet(&words(&[0x0100_0700, 0x1000_0206, 0xa000_0000, 8, 300, 7, 200, 0x0102_0304]))
}

/// Switch 9, part 5, a watched flow.
fn first(sequence: u32, packet: &[u8]) -> Vec<u8> {
    [&words(&[0x1400_0045, 9, sequence, 77])[..], &ethernet(packet)].concat()
}

/// A report by `bits` with the switch's own data and the beginning of an IPv4 packet.
fn individual(bits: u32, flags: u32, own: &[u32], packet: &[u8]) -> Vec<u8> {
    let own_words = u32::try_from(own.len()).unwrap();
    let length = 2 + own_words + u32::try_from(packet.len() / 4).unwrap();
    let head = [0x1400_0000 | length << 16 | own_words << 8 | flags, bits << 16, 0];
    [&words(&head)[..], &words(own), packet].concat()
}

fn second(sequence: u32, reports: &[Vec<u8>]) -> Vec<u8> {
    [words(&[0x2140_0000 | sequence, 11]), reports.concat()].concat()
}

fn flow() -> Flow {
    testing::flow(Transport::Udp, 6000)
}

#[test]
fn a_report_of_version_1_tells_flow_and_hops() {
    let heard = testing::play(&flow(), &[Up(&first(1, &stacked()))]);

    assert_eq!(heard.path, ["int_report", "658"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"switch_id":9,"hw_id":5,"seq_num":1,"ip_src":"10.0.0.1","ip_dst":"10.0.0.2","#,
            r#""port_src":1000,"port_dst":53,"sink_time":77,"version":1,"ip_protocol":17,"#,
            r#""dropped":false,"congested":false,"tracked":true,"intermediate":false,"#,
            r#""metadata_bits":0,"num_hop":2,"latency":500,"hop_switch_ids":[8,7],"#,
            r#""hop_latencies":[300,200]}"#
        )
    );
}

#[test]
fn reports_of_version_2_share_a_datagram() {
    let own = [0x0003_0004, 50, 0x0200_0010];
    let queued = individual(0x7000, 0x60, &own, &packet(b"0123"));
    let dropped = individual(0x0001, 0x80, &[0x0507_0000], &packet(b"0123"));
    let heard = testing::play(&flow(), &[Up(&second(3, &[queued, dropped]))]);

    assert_eq!((heard.path.as_slice(), heard.anomalies.len()), (&["int_report".into()][..], 0));
    let [queued, dropped] = &heard.transactions[..] else { panic!("{heard:?}") };
    assert!(queued.1.starts_with(r#"{"switch_id":11,"hw_id":5,"seq_num":3,"#), "{queued:?}");
    let said = concat!(
        r#""ingress_port_id":3,"egress_port_id":4,"hop_latency":50,"#,
        r#""queue_id":2,"queue_occupancy":16}"#
    );
    assert!(queued.1.ends_with(said), "{queued:?}");
    assert!(queued.1.contains(r#""congested":true,"tracked":true"#), "{queued:?}");
    assert!(dropped.1.contains(r#""dropped":true"#), "{dropped:?}");
    assert!(dropped.1.ends_with(r#""queue_id":5,"drop_reason":7}"#), "{dropped:?}");
}

#[test]
fn a_packet_may_be_one_of_several_parts() {
    let inside = packet(b"0123");
    let mut report = words(&[0x1100_0000 | 14 << 16, 0, 0, 0x0001_0000, 0xabcd_0123]);
    report.extend(words(&[0x2000_0000 | u32::try_from(inside.len() / 4).unwrap() << 16]));
    report[1] = u8::try_from(5 + inside.len() / 4).unwrap();
    let heard = testing::play(&flow(), &[Up(&second(1, &[[report, inside].concat()]))]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.contains(r#""ip_dst":"10.0.0.2""#), "{heard:?}");
}

#[test]
fn lost_reports_are_counted_across_the_end_of_the_numbers() {
    let report = || individual(0, 0x20, &[], &packet(b"0123"));
    let numbers = [0x003f_fffe, 0x003f_ffff, 0, 3].map(|n| second(n, &[report()]));
    let heard = testing::play(&flow(), &numbers.each_ref().map(|octets| Up(octets)));

    assert_eq!(heard.anomalies, ["int_report.sequence_gap"]);
    assert!(heard.transactions[3].1.contains(r#""lost":2,"#), "{heard:?}");
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let good = second(1, &[individual(0, 0x20, &[], &packet(b"0123"))]);
    let mut short = second(2, &[individual(0, 0x20, &[], &packet(b"0123"))]);
    short.pop();
    // Two words where the bits stand for one.
    let torn = second(3, &[individual(0x4000, 0, &[1, 2], &packet(b"0123"))]);
    let heard = testing::play(&flow(), &[Up(&good), Up(&short), Up(&torn), CutUp(&good)]);

    assert_eq!(heard.anomalies[..2], ["int_report.malformed_message"; 2]);
}

#[test]
fn random_octets_are_no_reports() {
    let entry = registry::by_name("int_report").unwrap();
    let at = |port, data: &[u8]| testing::probe(entry, &testing::flow(Transport::Udp, port), data);

    assert_eq!(at(7777, &first(1, &stacked())), Probe::Certain);
    assert_eq!(at(7777, &second(1, &[individual(0, 0, &[], &packet(b"0123"))])), Probe::Certain);
    let mut random = testing::Random::new(6000);
    for n in 0..40_000 {
        let mut octets = random.octets(100);
        if let Some(head) = octets.first_mut() {
            *head = if n % 2 == 0 { 0x14 } else { 0x20 | *head & 0x0f };
        }
        assert_eq!(at(7777, &octets), Probe::No, "{octets:02x?}");
    }
}

#[test]
fn no_octets_make_it_panic() {
    let old = first(1, &stacked());
    let own = [0x0003_0004, 50, 0x0200_0010];
    let new = second(3, &[individual(0x7000, 0x60, &own, &stacked())]);
    testing::torture(&flow(), &[Up(&old), Up(&new)]).unwrap();
    testing::batter(&flow(), &[&old, &new]).unwrap();
}
