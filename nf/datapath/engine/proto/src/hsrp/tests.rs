use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::Up, Heard};
use crate::{Flow, Probe};

const V1: &[u8] = b"\0\0\x10\x03\x0a\x64\x01\0cisco\0\0\0\xc0\0\x02\xfe";

fn second(state: u8, opcode: u8) -> Vec<u8> {
    let mut octets = vec![1, 40, 2, opcode, state, 4, 0, 10, 2, 0, 0, 0, 0, 1];
    for number in [110u32, 3000, 10_000] {
        octets.extend(number.to_be_bytes());
    }
    octets.extend([192, 0, 2, 254, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    octets.extend(b"\x03\x08harbour\0");
    octets
}

fn flow() -> Flow {
    testing::flow(Transport::Udp, 1985)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn a_hello_is_told_when_it_changes() {
    let (active, resigns) = (second(6, 0), second(1, 2));
    let heard = testing::play(&flow(), &[Up(V1), Up(V1), Up(&active), Up(&active), Up(&resigns)]);

    assert_eq!(heard.path, ["hsrp"]);
    assert_eq!(heard.anomalies, ["hsrp.resignation"]);
    let told = records(&heard);
    assert_eq!(
        told[..2],
        [
            concat!(
                r#"{"version":1,"opcode":"hello","state":"active","group":1,"priority":100,"#,
                r#""hello_ms":3000,"hold_ms":10000,"virtual_ip":"192.0.2.254","#,
                r#""auth_type":"text","auth_data":"cisco"}"#
            ),
            concat!(
                r#"{"version":2,"opcode":"hello","state":"active","group":10,"priority":110,"#,
                r#""hello_ms":3000,"hold_ms":10000,"virtual_ip":"192.0.2.254","#,
                r#""identifier":"02:00:00:00:00:01","auth_type":"text","auth_data":"harbour"}"#
            ),
        ]
    );
    assert!(told[2].contains(r#""opcode":"resign","state":"initial""#));
    assert_eq!(told.len(), 3);
}

#[test]
fn interfaces_tell_how_many_groups_they_have() {
    let first = [0, 3, 0, 1, 0, 10, 2, 0, 0, 1, 0, 3, 0, 0, 0, 0];
    let second = [2, 4, 0, 2, 0, 5];
    let heard = testing::play(&flow(), &[Up(&first), Up(&second)]);

    assert_eq!(
        records(&heard),
        [
            r#"{"version":1,"opcode":"advertise","active_groups":1,"passive_groups":3}"#,
            r#"{"version":2,"opcode":"advertise","active_groups":2,"passive_groups":5}"#,
        ]
    );
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut odd = V1.to_vec();
    odd[2] = 3;
    let heard = testing::play(&flow(), &[Up(V1), Up(&odd), Up(&second(9, 0))]);

    assert_eq!(heard.anomalies, ["hsrp.malformed_message", "hsrp.malformed_message"]);
}

#[test]
fn random_octets_are_not_hsrp() {
    let entry = registry::by_name("hsrp").unwrap();
    let at = |port, data: &[u8]| testing::probe(entry, &testing::flow(Transport::Udp, port), data);

    assert_eq!(at(1985, V1), Probe::Certain);
    assert_eq!(at(2029, &second(6, 0)), Probe::Certain);
    assert_eq!(at(1986, V1), Probe::No);
    let mut random = testing::Random::new(1985);
    for _ in 0..20_000 {
        assert_eq!(at(1985, &random.octets(100)), Probe::No);
    }
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(V1), Up(&second(6, 0))]).unwrap();
    testing::batter(&flow(), &[V1, &second(6, 0)]).unwrap();
}
