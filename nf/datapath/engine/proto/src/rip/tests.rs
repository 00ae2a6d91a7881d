use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::Up, Heard};
use crate::{Flow, Probe};

const V1: &[u8] = &[2, 1, 0, 0, 0, 2, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];
const V2: &[u8] =
    &[2, 2, 0, 0, 0, 2, 0, 7, 198, 51, 100, 0, 255, 255, 255, 0, 192, 0, 2, 9, 0, 0, 0, 1];
const ASK: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16];

fn flow() -> Flow {
    testing::flow(Transport::Udp, 520)
}

fn ng() -> Vec<u8> {
    let mut octets = vec![2, 1, 0, 0];
    octets.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff]);
    octets.extend([0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 48, 2]);
    octets
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn routes_are_listed_and_told_once() {
    let heard = testing::play(&flow(), &[Up(ASK), Up(V2), Up(V2), Up(V1)]);

    assert_eq!(heard.path, ["rip"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        records(&heard),
        [
            r#"{"version":"2","command":"request","route_count":0,"routes":[],"whole_table":true}"#,
            concat!(
                r#"{"version":"2","command":"response","route_count":1,"routes":["#,
                r#"{"prefix":"198.51.100.0/24","metric":1,"next_hop":"192.0.2.9","tag":7}]}"#
            ),
            concat!(
                r#"{"version":"1","command":"response","route_count":1,"routes":["#,
                r#"{"prefix":"10.0.0.0","metric":3}]}"#
            ),
        ]
    );
    assert_eq!(heard.messages.len(), 4);
}

#[test]
fn routes_of_ipv6_have_the_next_hop_before_them() {
    let heard = testing::play(&testing::flow(Transport::Udp, 521), &[Up(&ng())]);

    let route = r#"{"prefix":"2001:db8:a::/48","metric":2,"next_hop":"fe80::1","tag":5}"#;
    assert!(records(&heard)[0].contains(route), "{:?}", heard.transactions);
    assert!(records(&heard)[0].starts_with(r#"{"version":"ng""#));
}

#[test]
fn a_password_in_clear_and_a_digest_are_told_apart() {
    let clear = [&V2[..4], &[0xff, 0xff, 0, 2], b"harbourharbour!!", &V2[4..]].concat();
    let mut keyed = [&V2[..4], &[0xff, 0xff, 0, 3, 0, 44, 9, 20], &[0; 12], &V2[4..]].concat();
    keyed.extend([0xff, 0xff, 0, 1]);
    keyed.extend([7; 16]);
    let heard = testing::play(&flow(), &[Up(&clear), Up(&keyed)]);

    assert_eq!(heard.anomalies, ["rip.clear_password"]);
    assert!(records(&heard)[0].contains(r#""auth_type":"password","route_count":1"#));
    assert!(
        records(&heard)[1].contains(r#""auth_type":"keyed_digest","key_id":9,"route_count":1"#)
    );
}

#[test]
fn odd_routes_and_odd_lengths_are_anomalies() {
    let mut holes = V2.to_vec();
    holes[13] = 0;
    let mut far = V2.to_vec();
    far[23] = 17;
    let heard = testing::play(&flow(), &[Up(V2), Up(&holes), Up(&far), Up(&V2[..23])]);

    assert_eq!(
        heard.anomalies,
        ["rip.malformed_route", "rip.malformed_route", "rip.malformed_message"]
    );
}

#[test]
fn a_long_message_is_counted_and_bounded() {
    let long = [&V2[..4], &V2[4..].repeat(400)].concat();
    let heard = testing::play(&flow(), &[Up(&long)]);

    assert!(records(&heard)[0].contains(r#""route_count":400"#));
    assert_eq!(records(&heard)[0].matches("prefix").count(), super::MAX_LISTED);
}

#[test]
fn only_its_ports_are_its_own() {
    let entry = registry::by_name("ripng").unwrap();
    let at = |port, data: &[u8]| testing::probe(entry, &testing::flow(Transport::Udp, port), data);

    assert_eq!(at(520, V1), Probe::Certain);
    assert_eq!(at(521, &ng()), Probe::Certain);
    assert_eq!(at(521, V2), Probe::No);
    assert_eq!(at(5200, V2), Probe::No);
    assert_eq!(at(520, &V2[..20]), Probe::No);
    let mut random = testing::Random::new(520);
    for _ in 0..20_000 {
        assert_eq!(at(520, &random.octets(100)), Probe::No);
    }
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(ASK), Up(V2)]).unwrap();
    testing::batter(&flow(), &[V1, V2, ASK]).unwrap();
    testing::batter(&testing::flow(Transport::Udp, 521), &[&ng()]).unwrap();
}
