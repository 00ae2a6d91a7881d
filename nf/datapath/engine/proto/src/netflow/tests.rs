use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::Up, Heard, START};
use crate::{Flow, Probe};

fn now() -> [u8; 4] {
    u32::try_from(START / 1_000_000_000).unwrap().to_be_bytes()
}

fn five(sequence: u8, flows: u8) -> Vec<u8> {
    let head = [&[0, 5, 0, flows, 0, 0, 0, 9][..], &now(), &[0; 4], &[0, 0, 0, sequence]].concat();
    [&head[..], &[0, 1, 0x40, 100], &vec![7; 48_usize.saturating_mul(flows.into())]].concat()
}

fn nine(sequence: u8, sets: &[u8]) -> Vec<u8> {
    let head = [&[0, 9, 0, 2, 0, 0, 0, 9][..], &now(), &[0, 0, 0, sequence, 0, 0, 0, 4]].concat();
    [&head[..], sets].concat()
}

fn ipfix(sequence: u8, sets: &[u8]) -> Vec<u8> {
    let length = u8::try_from(sets.len()).unwrap().saturating_add(16);
    let head = [&[0, 10, 0, length][..], &now(), &[0, 0, 0, sequence, 0, 0, 0, 4]].concat();
    [&head[..], sets].concat()
}

/// Template 256 of version 9: two fields of four octets.
const TEMPLATE: &[u8] = &[0, 0, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4];
/// The same for IPFIX.
const TEMPLATE_IPFIX: &[u8] = &[0, 2, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4];
/// Two records of it.
const DATA: &[u8] = &[1, 0, 0, 20, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4];

fn flow() -> Flow {
    testing::flow(Transport::Udp, 2055)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn flows_are_counted_and_numbers_followed() {
    let heard = testing::play(&flow(), &[Up(&five(10, 2)), Up(&five(12, 1)), Up(&five(20, 1))]);

    assert_eq!(heard.path, ["netflow"]);
    assert_eq!(heard.anomalies, ["netflow.sequence_gap"]);
    let told = records(&heard);
    assert_eq!(
        told[0],
        concat!(
            r#"{"version":5,"count":2,"domain":1,"sequence":10,"uptime_ms":9,"#,
            r#""export_time_s":1700000000,"sampling_mode":1,"sampling_interval":100,"#,
            r#""template_count":0,"option_template_count":0,"withdrawn_count":0,"flow_count":2,"#,
            r#""option_count":0,"unknown_sets":0}"#
        )
    );
    assert!(told[2].contains(r#""sequence":20,"lost":7,"#));
}

#[test]
fn flows_are_counted_by_their_templates() {
    let early = nine(1, DATA);
    let both = nine(2, &[TEMPLATE, DATA].concat());
    let heard = testing::play(&flow(), &[Up(&early), Up(&both), Up(&nine(3, DATA))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert!(told[0].contains(r#""template_count":0"#), "{}", told[0]);
    assert!(told[0].ends_with(r#""flow_count":0,"option_count":0,"unknown_sets":1}"#));
    assert!(told[1].contains(r#""template_count":1"#));
    assert!(told[1].ends_with(r#""flow_count":2,"option_count":0,"unknown_sets":0}"#));
    assert!(told[2].ends_with(r#""flow_count":2,"option_count":0,"unknown_sets":0}"#));
}

#[test]
fn domains_of_one_exporter_have_templates_and_numbers_of_their_own() {
    let mut other = nine(90, DATA);
    other[19] = 5;
    let first = nine(2, &[TEMPLATE, DATA].concat());
    let heard = testing::play(&flow(), &[Up(&first), Up(&other), Up(&nine(3, DATA))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert!(told[1].contains(r#""domain":5,"#) && told[1].ends_with(r#""unknown_sets":1}"#));
    assert!(told[2].contains(r#""domain":4,"#) && told[2].ends_with(r#""unknown_sets":0}"#));
}

#[test]
fn options_tell_of_the_exporter_and_are_no_flows() {
    // One scope and one option, of four octets each.
    let template = [0, 1, 0, 20, 1, 2, 0, 4, 0, 4, 0, 1, 0, 4, 0, 34, 0, 4, 0, 0];
    let data = [1, 2, 0, 12, 0, 0, 0, 1, 0, 0, 0, 64];
    let heard = testing::play(&flow(), &[Up(&nine(1, &[&template[..], &data].concat()))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard)[0];
    assert!(told.contains(r#""template_count":0,"option_template_count":1"#), "{told}");
    assert!(told.ends_with(r#""flow_count":0,"option_count":1,"unknown_sets":0}"#), "{told}");
}

#[test]
fn ipfix_has_fields_of_makers_and_of_any_length() {
    let own = [0, 2, 0, 20, 1, 0, 0, 2, 0, 8, 0, 4, 0x80, 12, 0, 4, 0, 0, 0x12, 0x34];
    let varies = [0, 2, 0, 12, 1, 1, 0, 1, 0, 82, 0xff, 0xff];
    let texts = [1, 1, 0, 16, 3, b'a', b'b', b'c', 255, 0, 2, b'd', b'e', 1, b'f', 0];
    let sets = [&own[..], &varies, DATA, &texts].concat();
    let heard = testing::play(&testing::flow(Transport::Udp, 4739), &[Up(&ipfix(7, &sets))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard)[0];
    assert!(told.starts_with(r#"{"version":10,"domain":4,"sequence":7,"#), "{told}");
    assert!(told.contains(r#""template_count":2"#), "{told}");
    // The last octet is a text of no length, too.
    assert!(told.contains(r#""flow_count":6"#), "{told}");
}

#[test]
fn numbers_of_ipfix_count_records() {
    let first = ipfix(7, &[TEMPLATE_IPFIX, DATA].concat());
    let heard = testing::play(&flow(), &[Up(&first), Up(&ipfix(9, DATA)), Up(&ipfix(12, DATA))]);

    assert_eq!(heard.anomalies, ["netflow.sequence_gap"]);
    assert!(records(&heard)[2].contains(r#""lost":1,"#));
}

#[test]
fn what_is_taken_back_is_not_known_any_more() {
    let first = ipfix(7, &[TEMPLATE_IPFIX, DATA].concat());
    let gone = ipfix(9, &[0, 2, 0, 8, 1, 0, 0, 0]);
    let heard = testing::play(&flow(), &[Up(&first), Up(&gone), Up(&ipfix(9, DATA))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert!(told[1].contains(r#""withdrawn_count":1"#), "{}", told[1]);
    assert!(told[2].ends_with(r#""unknown_sets":1}"#), "{}", told[2]);
}

#[test]
fn a_template_with_other_fields_is_an_anomaly() {
    let other = [0, 0, 0, 12, 1, 0, 0, 1, 0, 8, 0, 4];
    let events = [nine(1, TEMPLATE), nine(2, TEMPLATE), nine(3, &other)];
    let heard = testing::play(&flow(), &events.each_ref().map(|octets| Up(octets)));

    assert_eq!(heard.anomalies, ["netflow.template_changed"]);
}

#[test]
fn templates_are_bounded() {
    let most = u8::try_from(super::template::MAX_TEMPLATES).unwrap();
    let datagrams: Vec<_> = (0..=most)
        .map(|n| nine(n, &[0, 0, 0, 12, 1, n, 0, 1, 0, 8, 0, 4]))
        .chain([nine(most.wrapping_add(1), &[1, 0, 0, 8, 1, 2, 3, 4])])
        .collect();
    let heard = testing::play(&flow(), &datagrams.iter().map(|d| Up(d)).collect::<Vec<_>>());

    assert_eq!(heard.anomalies, ["netflow.too_many_templates"]);
    assert!(records(&heard).last().unwrap().ends_with(r#""unknown_sets":1}"#));
}

#[test]
fn messages_on_a_stream_may_be_cut_anywhere() {
    let flow = testing::flow(Transport::Tcp, 4739);
    let first = ipfix(7, &[TEMPLATE_IPFIX, DATA].concat());
    let both = [first, ipfix(9, DATA)].concat();
    let heard = testing::play(&flow, &[Up(&both)]);

    assert_eq!(heard.path, ["netflow"]);
    assert_eq!(records(&heard).len(), 2);
    assert_eq!(heard.anomalies, [""; 0]);
    testing::torture(&flow, &[Up(&both)]).unwrap();
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut short = five(13, 2);
    short.truncate(80);
    let long = nine(2, &[1, 0, 0, 200, 1]);
    let heard = testing::play(&flow(), &[Up(&five(12, 1)), Up(&short), Up(&long)]);

    assert_eq!(heard.anomalies, ["netflow.malformed_message", "netflow.malformed_message"]);
}

#[test]
fn a_datagram_that_comes_late_is_an_anomaly() {
    let heard = testing::play(&flow(), &[Up(&nine(7, TEMPLATE)), Up(&nine(6, DATA))]);

    assert_eq!(heard.anomalies, ["netflow.sequence_behind"]);
}

#[test]
fn random_octets_are_not_netflow() {
    let entry = registry::by_name("ipfix").unwrap();
    let at = |port, data: &[u8]| testing::probe(entry, &testing::flow(Transport::Udp, port), data);
    let mut old = five(1, 1);
    old[8] = 0;

    assert_eq!(at(9995, &five(1, 1)), Probe::Certain);
    assert_eq!(at(7777, &five(1, 1)), Probe::Certain);
    assert_eq!(at(9995, &old), Probe::Certain);
    assert_eq!(at(7777, &old), Probe::No);
    let mut random = testing::Random::new(2055);
    for version in [5, 9, 10] {
        for _ in 0..20_000 {
            let mut octets = random.octets(100);
            if let Some(head) = octets.first_chunk_mut() {
                *head = [0, version];
            }
            assert_eq!(at(2055, &octets), Probe::No);
        }
    }
}

#[test]
fn no_octets_make_it_panic() {
    let both = nine(2, &[TEMPLATE, DATA].concat());
    let own = ipfix(1, &[0, 2, 0, 12, 1, 1, 0, 1, 0, 82, 0xff, 0xff]);
    testing::torture(&flow(), &[Up(&five(1, 1)), Up(&both), Up(&own)]).unwrap();
    testing::batter(&flow(), &[&five(1, 1), &both, &own]).unwrap();
}
