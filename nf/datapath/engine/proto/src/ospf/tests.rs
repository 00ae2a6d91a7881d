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
    &[0, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x80, 0, 0, 3, 0xab, 0xcd, 0, 24, 3, 0, 0, 0];

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
    let bodied = lsa.replace("}]}", r#","roles":["area_border","as_boundary"]}]}"#);
    assert!(told[2].contains(r#""type":"link_state_update""#) && told[2].ends_with(&bodied));
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

/// A link state of a type with what it tells.
fn told(v3: bool, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 1];
    // Version 3 has types of 16 bits, whose second highest bits tell how far it goes.
    out.extend(if v3 { [0x20, kind] } else { [2, kind] });
    out.extend([10, 0, 0, 0, 1, 1, 1, 1, 0x80, 0, 0, 1, 0, 0]);
    out.extend(((20 + body.len()) as u16).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn updates() -> (Vec<u8>, Vec<u8>) {
    let router = [
        &[1, 0, 0, 2][..],
        &[192, 0, 2, 9, 192, 0, 2, 1, 2, 0, 0, 10],
        &[198, 51, 100, 0, 255, 255, 255, 0, 3, 1, 0, 7, 0, 0, 0, 9],
    ]
    .concat();
    let network = [255, 255, 255, 0, 1, 1, 1, 1, 2, 2, 2, 2];
    let summary = [255, 255, 0, 0, 0, 0, 1, 0];
    let external = [255, 0, 0, 0, 0x80, 0, 0, 20, 192, 0, 2, 77, 0, 0, 0, 5];
    let nssa = [255, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0];
    let two = [
        &[0, 0, 0, 5][..],
        &told(false, 1, &router),
        &told(false, 2, &network),
        &told(false, 3, &summary),
        &told(false, 5, &external),
        &told(false, 7, &nssa),
    ]
    .concat();
    let prefix = |metric: u8| [48, 0, 0, metric, 0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 0];
    let router = [&[2, 0, 0, 0x13][..], &[1, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 8, 2, 2, 2, 2]].concat();
    let external = [
        &[7, 0, 0, 9, 0, 0, 0, 0][..],
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 6],
    ]
    .concat();
    let link = [
        &[1, 0, 0, 0x13, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1][..],
        &prefix(0),
    ]
    .concat();
    let intra = [&[0, 1, 0x20, 1, 0, 0, 0, 0, 1, 1, 1, 1][..], &prefix(3)].concat();
    let three = [
        &[0, 0, 0, 7][..],
        &told(true, 1, &router),
        &told(true, 2, &[0, 0, 0, 0x13, 1, 1, 1, 1]),
        &told(true, 3, &[&[0, 0, 0, 40][..], &prefix(0)].concat()),
        &told(true, 4, &[0, 0, 0, 0x13, 0, 0, 0, 50, 3, 3, 3, 3]),
        &told(true, 5, &external),
        &told(true, 8, &link),
        &told(true, 9, &intra),
    ]
    .concat();
    (packet(2, 4, &two), packet(3, 4, &three))
}

#[test]
fn link_states_that_are_told_are_read() {
    let (two, three) = updates();
    let heard = testing::play(&flow(), &[Up(&two), Up(&three)]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    for part in [
        concat!(
            r#""roles":["area_border"],"link_count":2,"links":[{"type":"transit","#,
            r#""id":"192.0.2.9","data":"192.0.2.1","metric":10},{"type":"stub","#,
            r#""id":"198.51.100.0","data":"255.255.255.0","metric":7}]"#
        ),
        concat!(
            r#""network_mask":"255.255.255.0","router_count":2,"#,
            r#""attached_routers":["1.1.1.1","2.2.2.2"]"#
        ),
        r#""network_mask":"255.255.0.0","metric":256}"#,
        concat!(
            r#""network_mask":"255.0.0.0","metric":20,"metric_type":2,"#,
            r#""forwarding_address":"192.0.2.77","route_tag":5}"#
        ),
        r#""network_mask":"255.0.0.0","metric":30,"metric_type":1,"route_tag":0}"#,
    ] {
        assert!(told[0].contains(part), "{part}\n{}", told[0]);
    }
    for part in [
        concat!(
            r#""roles":["as_boundary"],"link_count":1,"links":[{"type":"point_to_point","#,
            r#""id":"2.2.2.2","interface_id":7,"neighbor_interface_id":8,"metric":5}]"#
        ),
        r#""router_count":1,"attached_routers":["1.1.1.1"]"#,
        r#""metric":40,"prefix_count":1,"prefixes":[{"prefix":"2001:db8:a::/48"}]"#,
        r#""metric":50,"destination_router":"3.3.3.3""#,
        concat!(
            r#""metric":9,"metric_type":2,"forwarding_address":"2001:db8::1","route_tag":6,"#,
            r#""prefix_count":1,"prefixes":[{"prefix":"::/0"}]"#
        ),
        r#""prefixes":[{"prefix":"2001:db8:a::/48"}],"priority":1,"link_local":"fe80::2""#,
        r#""prefixes":[{"prefix":"2001:db8:a::/48","metric":3}]"#,
    ] {
        assert!(told[1].contains(part), "{part}\n{}", told[1]);
    }
}

#[test]
fn a_link_state_that_does_not_fit_is_an_anomaly_and_the_others_are_told() {
    let more = told(false, 1, &[0, 0, 0, 9]);
    let far = told(true, 3, &[0, 0, 0, 1, 129, 0, 0, 0]);
    let many = told(false, 2, &[&[255, 255, 255, 0][..], &[1; 400]].concat());
    let bodies = [
        packet(2, 4, &[&[0, 0, 0, 2][..], &more, &many].concat()),
        packet(3, 4, &[&[0, 0, 0, 1][..], &far].concat()),
    ];
    let heard = testing::play(&flow(), &[Up(&bodies[0]), Up(&bodies[1])]);

    assert_eq!(heard.anomalies, ["ospf.malformed_packet"; 2]);
    let told = records(&heard);
    assert!(told[0].contains(r#""router_count":100"#) && told[0].contains(r#""lsa_count":2"#));
    assert_eq!(told[0].matches(r#""1.1.1.1""#).count(), 1 + 2 + super::MAX_LISTED);
}

#[test]
fn no_octets_of_link_states_make_it_panic() {
    let (two, three) = updates();
    testing::torture(&flow(), &[Up(&two), Up(&three)]).unwrap();
    testing::batter(&flow(), &[&two, &three]).unwrap();
}
