#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

fn part(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = value.len() as u16 + 4;
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

fn whole(port: &[u8]) -> Vec<u8> {
    let addresses = [0, 0, 0, 1, 1, 1, 0xcc, 0, 4, 192, 0, 2, 1];
    let parts = [
        part(1, b"switch-1"),
        part(2, &addresses),
        part(3, port),
        part(4, &[0, 0, 0, 0x29]),
        part(5, b"harbour 1.0"),
        part(6, b"heron"),
        part(9, b"quay"),
        part(10, &[0, 10]),
        part(11, &[1]),
        part(14, &[1, 0, 20]),
        part(16, &[0x13, 0x88]),
        part(17, &[0, 0, 5, 0xdc]),
        part(22, &addresses),
    ];
    [&[2, 180, 0, 0][..], &parts.concat()].concat()
}

fn flow() -> Flow {
    testing::header_flow(id::CDP)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn an_announcement_is_told_when_it_changes() {
    let heard = testing::play(
        &flow(),
        &[Up(&whole(b"port-7")), Up(&whole(b"port-7")), Up(&whole(b"port-8"))],
    );

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        records(&heard)[0],
        concat!(
            r#"{"src_mac":"02:00:00:00:00:01","version":2,"ttl_s":180,"device_id":"switch-1","#,
            r#""port_id":"port-7","addresses":["192.0.2.1"],"#,
            r#""management_addresses":["192.0.2.1"],"capabilities":["router","switch","igmp"],"#,
            r#""software_version":"harbour 1.0","platform":"heron","vtp_domain":"quay","#,
            r#""native_vlan":10,"voice_vlan":20,"full_duplex":true,"mtu":1500,"power_mw":5000}"#
        )
    );
    assert_eq!(records(&heard).len(), 2);
}

#[test]
fn what_fills_a_frame_is_no_part_and_what_does_not_fit_is_an_anomaly() {
    let filled = [whole(b"port-7"), vec![0; 20]].concat();
    let mut long = whole(b"port-7");
    long[7] = 2;
    let heard = testing::play(&flow(), &[Up(&filled), Up(&long), Up(&[9, 180, 0, 0])]);

    assert_eq!(heard.anomalies, ["cdp.malformed_message", "cdp.malformed_message"]);
    assert_eq!(records(&heard).len(), 1);
}

#[test]
fn no_octets_make_it_panic() {
    let octets = whole(b"port-7");
    testing::torture(&flow(), &[Up(&octets)]).unwrap();
    testing::batter(&flow(), &[&octets]).unwrap();
}
