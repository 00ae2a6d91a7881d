#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event::Down, Event::LostUp, Event::Up, Heard};
use crate::{Flow, Probe};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 12).to_be_bytes();
    [&length[..], &[0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, kind, 0, 0], body].concat()
}

fn name(text: &[u8]) -> Vec<u8> {
    let mut octets = text.to_vec();
    octets.resize(64, 0);
    octets
}

fn start() -> Vec<u8> {
    message(1, &[&[1, 0][..], &[0; 14], &name(b"harbour"), &name(b"heron")].concat())
}

fn call(id: u8) -> Vec<u8> {
    let head = [&[0, id][..], &[0; 22], &[0, 3, 0, 0]].concat();
    message(7, &[&head[..], &name(b"1234"), &name(b"")].concat())
}

fn flow() -> Flow {
    testing::flow(Transport::Tcp, 1723)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn requests_have_their_answers() {
    let started = message(2, &[&[1, 0, 1, 0][..], &[0; 12], &name(b"quay"), &name(b"")].concat());
    let answer = message(8, &[0, 9, 0, 1, 1, 0, 0, 0, 0, 1, 0x86, 0xa0, 0, 64, 0, 0, 0, 0, 0, 0]);
    let refused = message(8, &[0, 9, 0, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0]);
    let ended = message(13, &[&[0, 9, 3, 0][..], &[0; 132]].concat());
    let (start, one, two) = (start(), call(1), call(2));
    let (echo, stop) = (message(5, &[0, 0, 0, 1]), message(3, &[1, 0, 0, 0]));
    let events = [
        Up(&start),
        Down(&started),
        Up(&one),
        Up(&two),
        Down(&refused),
        Down(&answer),
        Down(&ended),
        Up(&echo),
        Up(&stop),
    ];
    let heard = testing::play(&flow(), &events);

    assert_eq!(heard.path, ["pptp"]);
    assert_eq!(heard.anomalies, ["pptp.refused"]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"request":"start","answered":true,"version":256,"host_name":"harbour","#,
                r#""vendor":"heron","peer_host_name":"quay","result_code":1,"error_code":0,"#,
                r#""response_us":1000}"#
            ),
            concat!(
                r#"{"request":"outgoing_call","answered":true,"call_id":2,"peer_call_id":9,"#,
                r#""called_number":"123","connect_speed_bps":0,"result_code":4,"error_code":0,"#,
                r#""response_us":1000}"#
            ),
            concat!(
                r#"{"request":"outgoing_call","answered":true,"call_id":1,"peer_call_id":9,"#,
                r#""called_number":"123","connect_speed_bps":100000,"result_code":1,"#,
                r#""error_code":0,"response_us":3000}"#
            ),
            concat!(
                r#"{"request":"disconnected","answered":false,"call_id":9,"result_code":3,"#,
                r#""error_code":0}"#
            ),
            r#"{"request":"stop","answered":false}"#,
        ]
    );
    testing::torture(&flow(), &events[..4]).unwrap();
}

#[test]
fn what_is_wrong_is_an_anomaly() {
    let heard = testing::play(&flow(), &[Up(&start()), Up(&message(7, &[0, 1])), Up(&[7; 20])]);
    assert_eq!(heard.anomalies, ["pptp.malformed_message", "pptp.malformed_header"]);

    let calls: Vec<_> = (0..20).map(call).collect();
    let events: Vec<_> = calls.iter().map(|c| Up(c)).collect();
    let heard = testing::play(&flow(), &events);
    assert_eq!(heard.anomalies, ["pptp.too_many_pending"; 4]);
    assert_eq!(records(&heard).len(), 20);

    let heard = testing::play(&flow(), &[Up(&start()), LostUp(9), Up(&call(1))]);
    assert_eq!(heard.faults.len(), 1);
}

#[test]
fn random_octets_are_not_pptp() {
    let entry = registry::by_name("pptp").unwrap();
    let at = |data: &[u8]| testing::probe(entry, &flow(), data);

    assert_eq!(at(&start()), Probe::Certain);
    assert_eq!(at(&start()[..7]), Probe::Unsure);
    assert_eq!(at(b"GET / HTTP/1.1\r\n"), Probe::No);
    let mut random = testing::Random::new(1723);
    for _ in 0..20_000 {
        assert_ne!(at(&random.octets(100)), Probe::Certain);
    }
}

#[test]
fn no_octets_make_it_panic() {
    testing::batter(&flow(), &[&start(), &call(1), &message(13, &[0; 136])]).unwrap();
}
