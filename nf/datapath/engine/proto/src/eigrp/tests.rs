#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

fn packet(opcode: u8, flags: u8, ack: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![2, opcode, 0, 0, 0, 0, 0, flags, 0, 0, 0, 7, 0, 0, 0, ack, 0, 0, 0, 100];
    out.extend(parts.concat());
    out
}

const PARAMETERS: &[u8] = &[0, 1, 0, 12, 1, 0, 1, 0, 0, 0, 0, 15];
const SOFTWARE: &[u8] = &[0, 4, 0, 8, 12, 4, 1, 2];
const INTERNAL: &[u8] = &[
    1, 2, 0, 28, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 1, 0, 0, 5, 0xdc, 1, 255, 1, 0, 0, 24, 198, 51,
    100,
];

fn external() -> Vec<u8> {
    let mut out = vec![4, 3, 0, 66, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    out.extend([0; 20]);
    out.extend(&INTERNAL[8..24]);
    out.extend([64, 0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 0]);
    out.push(0);
    out
}

fn flow() -> Flow {
    testing::header_flow(id::EIGRP)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn hellos_are_told_when_they_change_and_acknowledgements_are_not() {
    let hello = packet(5, 0, 0, &[PARAMETERS, SOFTWARE]);
    let bye = packet(5, 0, 0, &[&[0, 1, 0, 12, 255, 255, 255, 255, 255, 0, 0, 15]]);
    let ack = packet(5, 0, 9, &[]);
    let heard = testing::play(&flow(), &[Up(&hello), Up(&hello), Up(&ack), Up(&bye)]);

    assert_eq!(heard.anomalies, ["eigrp.goodbye"]);
    let told = records(&heard);
    assert_eq!(
        told[0],
        concat!(
            r#"{"version":2,"opcode":"hello","asn":100,"virtual_router_id":0,"flags":[],"#,
            r#""sequence":7,"ack":0,"k_values":"1 0 1 0 0 0","hold_time_s":15,"#,
            r#""software_version":"12.4 1.2","route_count":0,"routes":[]}"#
        )
    );
    assert_eq!((told.len(), heard.messages.len()), (2, 4));
}

#[test]
fn routes_are_listed() {
    let update = packet(1, 9, 3, &[INTERNAL, &external()]);
    let heard = testing::play(&flow(), &[Up(&update)]);

    assert_eq!(heard.anomalies, [""; 0]);
    let metric =
        r#""delay":5120,"bandwidth":256,"mtu":1500,"hop_count":1,"reliability":255,"load":1}"#;
    let told = records(&heard)[0];
    assert!(told.contains(r#""opcode":"update","#) && told.contains(r#"["init","end_of_table"]"#));
    assert!(
        told.ends_with(&format!(
            concat!(
                r#""route_count":3,"routes":[{{"prefix":"198.51.100.0/24","external":false,"wide":false,{m},"#,
                r#"{{"prefix":"2001:db8:a::/64","next_hop":"2001:db8::1","external":true,"wide":false,{m},"#,
                r#"{{"prefix":"::/0","next_hop":"2001:db8::1","external":true,"wide":false,{m}]}}"#
            ),
            m = metric
        )),
        "{told}"
    );
}

/// Routes with the wide metric: to a network of IPv4, and by way of somebody else to one of IPv6.
fn wide() -> Vec<u8> {
    let metric = |words: u8| {
        let mut out = vec![words, 0, 255, 1, 0, 5, 0xdc, 2];
        out.extend([0, 0, 0x3b, 0x9a, 0xca, 0, 0, 0, 0, 0xf, 0x42, 0x40, 0, 0, 0, 0]);
        out.resize(out.len() + usize::from(words) * 2, 7);
        out
    };
    let part = |kind: u8, body: &[u8]| {
        let mut out = vec![6, kind, 0, body.len() as u8 + 4];
        out.extend_from_slice(body);
        out
    };
    let four = [&[0, 0, 0, 1, 9, 9, 9, 9][..], &metric(2), &[0, 0, 0, 0, 24, 198, 51, 100]];
    let hop = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let six = [&[0, 0, 0, 2, 9, 9, 9, 8][..], &metric(0), &hop, &[0; 20], &[0]];
    let other = [0, 0, 0x40, 1, 9, 9, 9, 8, 1];
    [part(2, &four.concat()), part(3, &six.concat()), part(2, &other)].concat()
}

#[test]
fn wide_metrics_have_their_units() {
    let heard = testing::play(&flow(), &[Up(&packet(1, 0, 3, &[&wide()]))]);

    assert_eq!(heard.anomalies, [""; 0]);
    let metric = concat!(
        r#""delay":1000000000,"bandwidth":1000000,"mtu":1500,"hop_count":2,"#,
        r#""reliability":255,"load":1}"#
    );
    let told = records(&heard)[0];
    assert!(
        told.ends_with(&format!(
            concat!(
                r#""route_count":2,"routes":[{{"prefix":"198.51.100.0/24","external":false,"#,
                r#""wide":true,"router_id":"9.9.9.9",{m},{{"prefix":"::/0","#,
                r#""next_hop":"2001:db8::1","external":true,"wide":true,"#,
                r#""router_id":"9.9.9.8",{m}]}}"#
            ),
            m = metric
        )),
        "{told}"
    );
}

#[test]
fn what_does_not_fit_is_an_anomaly_and_long_lists_are_bounded() {
    let mut far = INTERNAL.to_vec();
    far[24] = 33;
    let many = packet(1, 0, 0, &[&INTERNAL.repeat(50)]);
    let heard = testing::play(&flow(), &[Up(&packet(1, 0, 0, &[&far])), Up(&[1; 20]), Up(&many)]);

    assert_eq!(heard.anomalies, ["eigrp.malformed_packet", "eigrp.malformed_packet"]);
    let last = records(&heard)[1];
    assert!(last.contains(r#""route_count":50"#));
    assert_eq!(last.matches("prefix").count(), super::MAX_LISTED);
}

#[test]
fn no_octets_make_it_panic() {
    let hello = packet(5, 0, 0, &[PARAMETERS, SOFTWARE]);
    let update = packet(1, 9, 3, &[INTERNAL, &external(), &wide()]);
    testing::torture(&flow(), &[Up(&hello), Up(&update)]).unwrap();
    testing::batter(&flow(), &[&hello, &update]).unwrap();
}
