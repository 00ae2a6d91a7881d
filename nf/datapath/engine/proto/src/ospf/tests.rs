#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

fn packet(version: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let header = if version == 2 { 24 } else { 16 };
    let length = (header + body.len()) as u16;
    let mut out = vec![version, kind];
    out.extend(length.to_be_bytes());
    out.extend([1, 1, 1, 1, 0, 0, 0, 5, 0, 0]);
    out.resize(header, 0);
    out.extend_from_slice(body);
    out
}

const HELLO: &[u8] =
    &[255, 255, 255, 0, 0, 10, 2, 1, 0, 0, 0, 40, 192, 0, 2, 1, 192, 0, 2, 2, 2, 2, 2, 2];
const HELLO_V3: &[u8] =
    &[0, 0, 0, 7, 1, 0, 0, 0x13, 0, 10, 0, 40, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2];
const LSA: &[u8] =
    &[0, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x80, 0, 0, 3, 0xab, 0xcd, 0, 24, 9, 9, 9, 9];

fn flow() -> Flow {
    testing::header_flow(id::OSPF)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn hellos_are_told_when_they_change() {
    let alone = packet(2, 1, &HELLO[..20]);
    let two = packet(2, 1, HELLO);
    let three = packet(3, 1, HELLO_V3);
    let heard = testing::play(&flow(), &[Up(&alone), Up(&alone), Up(&two), Up(&two), Up(&three)]);

    assert_eq!(heard.path, [""; 0]);
    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert_eq!(
        told[0],
        concat!(
            r#"{"version":2,"type":"hello","router_id":"1.1.1.1","area_id":"0.0.0.5","#,
            r#""auth_type":"null","options":2,"network_mask":"255.255.255.0","#,
            r#""hello_interval_s":10,"dead_interval_s":40,"priority":1,"dr":"192.0.2.1","#,
            r#""bdr":"192.0.2.2","neighbor_count":0,"neighbors":[]}"#
        )
    );
    assert!(told[1].ends_with(r#""neighbor_count":1,"neighbors":["2.2.2.2"]}"#));
    assert_eq!(
        told[2],
        concat!(
            r#"{"version":3,"type":"hello","router_id":"1.1.1.1","area_id":"0.0.0.5","#,
            r#""instance_id":0,"options":19,"interface_id":7,"hello_interval_s":10,"#,
            r#""dead_interval_s":40,"priority":1,"dr":"1.1.1.1","bdr":"0.0.0.0","#,
            r#""neighbor_count":1,"neighbors":["2.2.2.2"]}"#
        )
    );
    assert_eq!(told.len(), 3);
}

#[test]
fn link_states_are_listed_by_their_headers() {
    let description = [&[5, 220, 2, 7, 0, 0, 0, 9], &LSA[..20]].concat();
    let request = [&[0, 0, 0, 5][..], &[198, 51, 100, 0], &[1, 1, 1, 1]].concat();
    let update = [&[0, 0, 0, 1][..], LSA].concat();
    let heard = testing::play(
        &flow(),
        &[
            Up(&packet(2, 2, &description)),
            Up(&packet(2, 3, &request)),
            Up(&packet(2, 4, &update)),
            Up(&packet(2, 5, &LSA[..20])),
        ],
    );

    assert_eq!(heard.anomalies, [""; 0]);
    let lsa = concat!(
        r#""lsa_count":1,"lsas":[{"type":"router","id":"1.1.1.1","advertising_router":"1.1.1.1","#,
        r#""sequence":2147483651,"age_s":5,"length":24}]}"#
    );
    let told = records(&heard);
    let flags = r#""mtu":1500,"dd_flags":["init","more","master"],"dd_sequence":9,"#;
    assert!(told[0].ends_with(&format!("{flags}{lsa}")), "{}", told[0]);
    assert!(told[1].ends_with(concat!(
        r#""lsa_count":1,"lsas":[{"type":"external","id":"198.51.100.0","#,
        r#""advertising_router":"1.1.1.1"}]}"#
    )));
    assert!(told[2].contains(r#""type":"link_state_update""#) && told[2].ends_with(lsa));
    assert!(told[3].contains(r#""type":"link_state_ack""#) && told[3].ends_with(lsa));
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut short = packet(2, 1, HELLO);
    short[3] = 200;
    let none = packet(2, 9, HELLO);
    let miscounted = packet(2, 4, &[&[0, 0, 0, 2][..], LSA].concat());
    let mut clear = packet(2, 1, HELLO);
    clear[15] = 1;
    let heard = testing::play(&flow(), &[Up(&short), Up(&none), Up(&miscounted), Up(&clear)]);

    assert_eq!(
        heard.anomalies,
        [
            "ospf.malformed_packet",
            "ospf.malformed_packet",
            "ospf.malformed_packet",
            "ospf.clear_password"
        ]
    );
}

#[test]
fn a_long_update_is_counted_and_bounded() {
    let long = [&[0, 0, 1, 0][..], &LSA.repeat(256)].concat();
    let heard = testing::play(&flow(), &[Up(&packet(2, 4, &long))]);

    assert!(records(&heard)[0].contains(r#""lsa_count":256"#));
    assert_eq!(records(&heard)[0].matches("sequence").count(), super::MAX_LISTED);
}

#[test]
fn no_octets_make_it_panic() {
    let update = packet(2, 4, &[&[0, 0, 0, 1][..], LSA].concat());
    let hello = packet(3, 1, HELLO_V3);
    testing::torture(&flow(), &[Up(&hello), Up(&update)]).unwrap();
    testing::batter(&flow(), &[&hello, &update, &packet(2, 1, HELLO)]).unwrap();
}
