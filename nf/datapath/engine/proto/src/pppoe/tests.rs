use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Down, Event::Up};

fn packet(code: u8, session: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    [&[0x11, code, 0, session][..], &length, body, &[0; 9]].concat()
}

fn tag(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn flow() -> Flow {
    testing::header_flow(id::PPPOE)
}

#[test]
fn discovery_is_told_and_what_is_inside_in_its_own_name() {
    let unique = tag(0x0103, &[1, 2]);
    let ask = packet(0x19, 0, &[tag(0x0101, b"net"), unique.clone()].concat());
    let offer = [tag(0x0102, b"harbour-ac"), unique, tag(0x0120, &[5, 0xdc])].concat();
    let refuse = packet(0x65, 0, &tag(0x0201, b"no such"));
    let lcp = packet(0, 7, &[0xc0, 0x21, 5, 1, 0, 4]);
    let heard = testing::play(
        &flow(),
        &[Up(&ask), Down(&packet(0x07, 0, &offer)), Down(&refuse), Up(&lcp)],
    );

    assert_eq!(heard.anomalies, ["pppoe.error"]);
    let said: Vec<_> = heard.transactions.iter().map(|(p, j)| (p.as_str(), j.as_str())).collect();
    assert_eq!(
        said,
        [
            (
                "pppoe",
                concat!(
                    r#"{"src_mac":"02:00:00:00:00:01","packet":"padr","session_id":0,"#,
                    r#""service_name":"net","host_uniq":"0102"}"#
                )
            ),
            (
                "pppoe",
                concat!(
                    r#"{"src_mac":"02:00:00:00:00:02","packet":"pado","session_id":0,"#,
                    r#""ac_name":"harbour-ac","host_uniq":"0102","max_payload":1500}"#
                )
            ),
            (
                "pppoe",
                concat!(
                    r#"{"src_mac":"02:00:00:00:00:02","packet":"pads","session_id":0,"#,
                    r#""error":"service_name","error_text":"no such"}"#
                )
            ),
            ("ppp", r#"{"protocol":"lcp","request":"terminate","identifier":1}"#),
        ]
    );
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut long = packet(0x09, 0, &tag(0x0101, b"net"));
    long[9] = 200;
    let mut cut = packet(0x09, 0, &tag(0x0101, b"net"));
    cut[5] = 200;
    let heard = testing::play(&flow(), &[Up(&long), Up(&cut), Up(&packet(0x77, 0, &[]))]);

    assert_eq!(heard.anomalies, ["pppoe.malformed_message"; 3]);
}

#[test]
fn no_octets_make_it_panic() {
    let padi = packet(0x09, 0, &[tag(0x0101, b"net"), tag(0x0103, &[1, 2])].concat());
    let lcp = packet(0, 7, &[0xc0, 0x21, 1, 1, 0, 8, 1, 4, 5, 0xd4]);
    testing::torture(&flow(), &[Up(&padi), Down(&lcp)]).unwrap();
    testing::batter(&flow(), &[&padi, &lcp]).unwrap();
}
