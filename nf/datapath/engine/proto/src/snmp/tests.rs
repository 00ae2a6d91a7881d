//! SNMP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

/// A value behind its tag and length.
fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        _ => out.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(body);
    out
}

fn list(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn number(n: u8) -> Vec<u8> {
    tlv(2, &[n])
}

const SYS_DESCR: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 1, 0];

fn variables(value: &[u8]) -> Vec<u8> {
    list(&[list(&[tlv(6, SYS_DESCR), value.to_vec()])])
}

fn pdu(tag: u8, id: u8, status: u8, index: u8, value: &[u8]) -> Vec<u8> {
    tlv(tag, &[number(id), number(status), number(index), variables(value)].concat())
}

fn v2(tag: u8, id: u8, status: u8, index: u8, value: &[u8]) -> Vec<u8> {
    list(&[number(1), tlv(4, b"secret"), pdu(tag, id, status, index, value)])
}

fn v3(id: u8, flags: u8, user: &[u8], content: Vec<u8>) -> Vec<u8> {
    let header = list(&[number(id), tlv(2, &[0, 0xff, 0xe3]), tlv(4, &[flags]), number(3)]);
    let usm = list(&[
        tlv(4, &[0x80, 0, 1]),
        number(1),
        number(9),
        tlv(4, user),
        tlv(4, &[0; 12]),
        tlv(4, &[]),
    ]);
    list(&[number(3), header, tlv(4, &usm), content])
}

fn scoped(pdu: Vec<u8>) -> Vec<u8> {
    list(&[tlv(4, &[0x80, 0, 1]), tlv(4, b"ctx"), pdu])
}

fn get() -> Vec<u8> {
    v2(0xa0, 7, 0, 0, &[5, 0])
}

fn response() -> Vec<u8> {
    v2(0xa2, 7, 0, 0, &tlv(4, b"a router"))
}

fn on_port() -> Flow {
    flow(Transport::Udp, 161)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_request_and_its_response_make_a_transaction() {
    let heard = play(&on_port(), &[Event::Up(&get()), Event::Down(&response())]);

    assert_eq!(heard.path, ["snmp"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":2,"pdu_type":"get_request","request_id":7,"community_seen":true,"#,
            r#""variables":1,"vars":["1.3.6.1.2.1.1.1.0"],"response_type":"response","#,
            r#""error":"no_error","response_variables":1,"response_vars":["1.3.6.1.2.1.1.1.0"],"#,
            r#""request_length":40,"response_length":48,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(!format!("{heard:?}").contains("secret"));
}

#[test]
fn an_error_names_the_variable() {
    let refused = v2(0xa2, 7, 2, 1, &[5, 0]);
    let heard = play(&on_port(), &[Event::Up(&get()), Event::Down(&refused)]);

    assert!(transactions(&heard)[0].contains(r#""error":"no_such_name","error_index":1"#));
}

#[test]
fn a_bulk_request_says_how_much_it_wants() {
    let bulk = v2(0xa5, 7, 1, 20, &[5, 0]);
    let heard = play(&on_port(), &[Event::Up(&bulk)]);

    assert!(transactions(&heard)[0].contains(r#""non_repeaters":1,"max_repetitions":20"#));
}

#[test]
fn traps_are_not_waited_for() {
    let old = list(&[
        number(0),
        tlv(4, b"c"),
        tlv(
            0xa4,
            &[
                tlv(6, &[0x2b, 6, 1, 4, 1]),
                tlv(0x40, &[192, 0, 2, 7]),
                number(6),
                number(99),
                tlv(0x43, &[1]),
                list(&[]),
            ]
            .concat(),
        ),
    ]);
    let name = list(&[list(&[
        tlv(6, super::message::SNMP_TRAP_OID),
        tlv(6, &[0x2b, 6, 1, 6, 3, 1, 1, 5, 3]),
    ])]);
    let body = [number(1), number(0), number(0), name].concat();
    let new = list(&[number(1), tlv(4, b"c"), tlv(0xa7, &body)]);
    let heard = play(&flow(Transport::Udp, 162), &[Event::Up(&old), Event::Up(&new)]);

    let all = transactions(&heard);
    assert!(all[0].contains(concat!(
        r#""trap_type":"enterprise_specific","trap_specific":99,"#,
        r#""trap_oid":"1.3.6.1.4.1","trap_address":"192.0.2.7""#
    )));
    assert!(all[1].contains(r#""pdu_type":"trap_v2""#));
    assert!(all[1].contains(r#""trap_oid":"1.3.6.1.6.3.1.1.5.3""#), "{all:?}");
}

#[test]
fn version_three_is_told_by_the_number_of_the_message() {
    let ask = v3(9, 7, b"keeper", tlv(4, &[0xaa; 30]));
    let answer = v3(9, 3, b"keeper", tlv(4, &[0xbb; 40]));
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&answer)]);

    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":3,"community_seen":false,"usm":"keeper","authenticated":true,"#,
            r#""encrypted":true,"engine_id":"800001","request_length":92,"response_length":102,"#,
            r#""response_us":1000}"#
        )]
    );
    let clear = v3(10, 4, b"", scoped(pdu(0xa0, 3, 0, 0, &[5, 0])));
    let report = v3(10, 0, b"", scoped(pdu(0xa8, 0, 0, 0, &[0x41, 1, 5])));
    let heard = play(&on_port(), &[Event::Up(&clear), Event::Down(&report)]);
    assert!(transactions(&heard)[0].contains(r#""response_type":"report""#));
    assert!(transactions(&heard)[0].contains(r#""context_name":"ctx""#));
}

#[test]
fn a_response_without_request_is_an_anomaly() {
    let heard = play(&on_port(), &[Event::Down(&response())]);

    assert_eq!(heard.anomalies, ["snmp.unasked_response"]);
    assert_eq!(heard.transactions.len(), 1);
}

#[test]
fn flaws_are_counted() {
    let mut trailing = get();
    trailing.push(0);
    let body = [number(1), number(0), number(0), list(&[tlv(2, &[1])])].concat();
    let flawed = list(&[number(1), tlv(4, b"c"), tlv(0xa0, &body)]);
    for (bytes, anomaly) in [
        (trailing, "trailing_octets"),
        (flawed, "malformed_variable"),
        (get()[..20].to_vec(), "malformed_message"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&get()), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("snmp.{anomaly}")]);
    }
}

#[test]
fn only_so_many_requests_wait() {
    let asked: Vec<_> = (0..40).map(|n| v2(0xa0, n, 0, 0, &[5, 0])).collect();
    let events: Vec<_> = asked.iter().map(|a| Event::Up(a)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["snmp.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 40);
}

#[test]
fn elsewhere_and_over_streams_it_is_known_too() {
    let two = [get(), v2(0xa1, 8, 0, 0, &[5, 0])].concat();
    let events = [Event::Up(&two), Event::Down(&response())];
    let heard = play(&flow(Transport::Tcp, 9161), &events);

    assert_eq!(heard.path, ["snmp"]);
    assert_eq!(heard.transactions.len(), 2);
    torture(&flow(Transport::Tcp, 161), &events).unwrap();
    torture(&on_port(), &[Event::Up(&get()), Event::Down(&response())]).unwrap();
    assert_eq!(play(&flow(Transport::Udp, 9161), &[Event::Up(&get())]).path, ["snmp"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("snmp").unwrap();
    let mut random = Random::new(5);
    for port in [161, 9999] {
        for _ in 0..20_000 {
            let mut data = random.octets(80);
            data[0] = 0x30;
            let said = testing::probe(entry, &flow(Transport::Udp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
    // A directory's bind request begins alike.
    let bind = list(&[number(1), tlv(0x60, &[number(3), tlv(4, b"cn=x")].concat())]);
    assert_eq!(testing::probe(entry, &flow(Transport::Tcp, 389), &bind), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("snmp").unwrap(), Transport::Udp, 161, &input);
        fuzz_one(registry::by_name("snmp").unwrap(), Transport::Tcp, 161, &input);
    }
}
