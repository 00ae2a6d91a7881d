#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Down, Event::Up};

fn avp(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[0x80, value.len() as u8 + 6, 0, 0, 0, kind][..], value].concat()
}

fn control(tunnel: u8, session: u8, ns: u8, avps: &[Vec<u8>]) -> Vec<u8> {
    let body = avps.concat();
    let length = body.len() as u8 + 12;
    [&[0xc8, 2, 0, length, 0, tunnel, 0, session, 0, ns, 0, 1][..], &body].concat()
}

fn data(session: u8, frame: &[u8]) -> Vec<u8> {
    [&[0, 2, 0, 9, 0, session][..], frame].concat()
}

fn flow() -> Flow {
    testing::header_flow(id::L2TP)
}

fn start() -> Vec<u8> {
    control(
        0,
        0,
        0,
        &[
            avp(0, &[0, 1]),
            avp(7, b"harbour"),
            avp(8, b"heron"),
            avp(9, &[0, 9]),
            avp(10, &[0, 4]),
            avp(11, &[7; 16]),
        ],
    )
}

#[test]
fn control_messages_are_told() {
    let end = control(9, 0, 3, &[avp(0, &[0, 4]), avp(9, &[0, 8]), avp(1, b"\0\x02\0\x06full")]);
    let only_ack = control(9, 0, 1, &[]);
    let heard = testing::play(&flow(), &[Up(&start()), Down(&only_ack), Down(&end)]);

    assert_eq!(heard.anomalies, ["l2tp.error"]);
    let said: Vec<_> = heard.transactions.iter().map(|(_, json)| json.as_str()).collect();
    assert_eq!(
        said,
        [
            concat!(
                r#"{"version":2,"message_type":"sccrq","tunnel_id":0,"session_id":0,"ns":0,"nr":1,"#,
                r#""assigned_tunnel_id":9,"host_name":"harbour","vendor_name":"heron","#,
                r#""receive_window":4,"challenge":true}"#
            ),
            concat!(
                r#"{"version":2,"message_type":"stopccn","tunnel_id":9,"session_id":0,"ns":3,"#,
                r#""nr":1,"assigned_tunnel_id":8,"result_code":2,"error_code":6,"#,
                r#""error_text":"full"}"#
            ),
        ]
    );
    assert_eq!(heard.messages.len(), 3);
}

#[test]
fn both_directions_of_a_call_are_one_link() {
    let terminate = |code| [0xc0, 0x21, code, 1, 0, 4];
    let answer = |theirs, own| control(9, theirs, 2, &[avp(0, &[0, 11]), avp(14, &[0, own])]);
    let heard = testing::play(
        &flow(),
        &[
            Down(&answer(4, 5)),
            Down(&answer(6, 7)),
            Up(&data(7, &terminate(5))),
            Up(&data(5, &terminate(5))),
            Down(&data(6, &terminate(6))),
            Down(&data(4, &terminate(6))),
            // A call that was not seen.
            Up(&data(20, &terminate(5))),
            Down(&data(30, &terminate(6))),
        ],
    );

    let said: Vec<_> = heard.transactions.iter().filter(|(p, _)| p == "ppp").collect();
    assert_eq!(said.len(), 3);
    for ((_, json), us) in said.into_iter().zip([2000, 2000, 1000]) {
        assert!(json.ends_with(&format!(r#""identifier":1,"response_us":{us}}}"#)), "{json}");
    }
}

#[test]
fn version_3_has_longer_numbers() {
    let mut octets = vec![0xc8, 3, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0];
    octets.extend(avp(0, &[0, 1]));
    octets.extend(avp(61, &[0, 1, 0, 0]));
    let heard = testing::play(&flow(), &[Up(&octets)]);

    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"version":3,"message_type":"sccrq","tunnel_id":0,"ns":0,"nr":0,"#,
            r#""assigned_tunnel_id":65536}"#
        )
    );
}

#[test]
fn attributes_that_do_not_fit_are_an_anomaly_and_hidden_ones_are_counted() {
    let mut long = start();
    long[13] = 200;
    let mut hidden = start();
    hidden[20] |= 0x40;
    let heard = testing::play(&flow(), &[Up(&long), Up(&hidden)]);

    assert_eq!(heard.anomalies, ["l2tp.malformed_message"]);
    assert!(heard.transactions[0].1.contains(r#""hidden_count":1"#));
}

#[test]
fn no_octets_make_it_panic() {
    let frame = data(5, &[0xc0, 0x21, 1, 1, 0, 8, 1, 4, 5, 0xd4]);
    testing::torture(&flow(), &[Up(&start()), Up(&frame)]).unwrap();
    testing::batter(&flow(), &[&start(), &frame]).unwrap();
}
