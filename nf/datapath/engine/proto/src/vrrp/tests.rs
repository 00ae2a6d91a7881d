use std::net::IpAddr;

use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

const V2: &[u8] = &[0x21, 7, 100, 1, 0, 1, 0, 0, 192, 0, 2, 254, 0, 0, 0, 0, 0, 0, 0, 0];
const V3: &[u8] = &[0x31, 7, 255, 1, 0, 100, 0, 0, 192, 0, 2, 254];

fn flow() -> Flow {
    testing::header_flow(id::VRRP)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn an_advertisement_is_told_when_it_changes() {
    let mut higher = V3.to_vec();
    higher[2] = 0;
    let heard = testing::play(&flow(), &[Up(V2), Up(V2), Up(V3), Up(&higher), Up(&higher)]);

    assert_eq!(heard.path, [""; 0]);
    assert_eq!(heard.anomalies, ["vrrp.resignation", "vrrp.resignation"]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"version":2,"type":1,"vrid":7,"priority":100,"interval_ms":1000,"#,
                r#""auth_type":"none","address_count":1,"addresses":["192.0.2.254"]}"#
            ),
            concat!(
                r#"{"version":3,"type":1,"vrid":7,"priority":255,"interval_ms":1000,"#,
                r#""address_count":1,"addresses":["192.0.2.254"]}"#
            ),
            concat!(
                r#"{"version":3,"type":1,"vrid":7,"priority":0,"interval_ms":1000,"#,
                r#""address_count":1,"addresses":["192.0.2.254"]}"#
            ),
        ]
    );
    assert_eq!(heard.messages.len(), 5);
}

#[test]
fn addresses_are_of_the_family_of_the_session() {
    let address: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let flow = Flow { initiator: IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), ..flow() };
    let heard = testing::play(&flow, &[Up(&[&V3[..8], &address].concat())]);

    assert!(records(&heard)[0].contains(r#""addresses":["fe80::9"]"#));
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut many = V3.to_vec();
    many[3] = 2;
    let mut unknown = V3.to_vec();
    unknown[0] = 0x41;
    let mut clear = V2.to_vec();
    clear[4] = 1;
    let heard = testing::play(&flow(), &[Up(&many), Up(&unknown), Up(&clear)]);

    assert_eq!(
        heard.anomalies,
        ["vrrp.malformed_message", "vrrp.malformed_message", "vrrp.clear_password"]
    );
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(V2), Up(V3)]).unwrap();
    testing::batter(&flow(), &[V2, V3]).unwrap();
}
