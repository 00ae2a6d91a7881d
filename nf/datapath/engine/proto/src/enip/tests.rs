//! EtherNet/IP and CIP as the engine drives them.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Tcp, 44_818)
}

fn message(command: u16, session: u32, status: u32, body: &[u8]) -> Vec<u8> {
    let mut out = command.to_le_bytes().to_vec();
    out.extend_from_slice(&(body.len() as u16).to_le_bytes());
    out.extend_from_slice(&session.to_le_bytes());
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(b"context!");
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(body);
    out
}

/// Data without connection.
fn unconnected(cip: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0];
    body.extend_from_slice(&(cip.len() as u16).to_le_bytes());
    body.extend_from_slice(cip);
    message(0x6f, 7, 0, &body)
}

/// Data on a connection.
fn connected(connection: u8, sequence: u8, cip: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0, 0, 2, 0, 0xa1, 0, 4, 0, connection, 0, 0, 0, 0xb1, 0];
    body.extend_from_slice(&(cip.len() as u16).wrapping_add(2).to_le_bytes());
    body.extend_from_slice(&[sequence, 0]);
    body.extend_from_slice(cip);
    message(0x70, 7, 0, &body)
}

fn identity() -> Vec<u8> {
    let mut item = vec![1, 0, 0, 2, 0xaf, 0x12, 192, 0, 2, 2];
    item.extend_from_slice(&[0; 8]);
    item.extend_from_slice(&[1, 0, 14, 0, 54, 0, 20, 11, 0x60, 0, 1, 2, 3, 4]);
    item.extend_from_slice(b"\x05Motor\x03");
    let mut body = vec![1, 0, 0x0c, 0];
    body.extend_from_slice(&(item.len() as u16).to_le_bytes());
    body.extend_from_slice(&item);
    message(0x63, 0, 0, &body)
}

const REGISTER: &[u8] = &[1, 0, 0, 0];
const GET: &[u8] = &[0x0e, 3, 0x20, 1, 0x24, 1, 0x30, 7];

fn transactions<'a>(heard: &'a Heard, proto: &str) -> Vec<&'a str> {
    let of = heard.transactions.iter().filter(|(p, _)| p == proto);
    of.map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_session_is_registered_and_asked() {
    let (register, registered) = (message(0x65, 0, 0, REGISTER), message(0x65, 7, 0, REGISTER));
    let (get, got) = (unconnected(GET), unconnected(b"\x8e\0\0\0\x05Motor"));
    let heard = play(
        &on_port(),
        &[Event::Up(&register), Event::Down(&registered), Event::Up(&get), Event::Down(&got)],
    );

    assert_eq!(heard.path, ["enip", "cip"]);
    assert_eq!(
        transactions(&heard, "enip")[0],
        concat!(
            r#"{"command_code":101,"command":"register_session","session_handle":7,"#,
            r#""status_code":0,"status":"success","request_length":4,"response_length":4,"#,
            r#""response_us":1000}"#
        )
    );
    assert_eq!(
        transactions(&heard, "cip"),
        [concat!(
            r#"{"kind":"explicit","service_code":14,"service":"get_attribute_single","#,
            r#""class_id":1,"class":"identity","instance_id":1,"attribute_id":7,"#,
            r#""status_code":0,"status":"success","request_length":0,"response_length":6,"#,
            r#""response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_device_tells_who_it_is() {
    let ask = message(0x63, 0, 0, b"");
    let tell = identity();
    for transport in [Transport::Tcp, Transport::Udp] {
        let heard = play(&flow(transport, 44_818), &[Event::Up(&ask), Event::Down(&tell)]);
        assert!(
            transactions(&heard, "enip")[0].contains(concat!(
                r#""device_address":"192.0.2.2","vendor_id":1,"device_type":14,"#,
                r#""product_code":54,"revision":"20.11","serial_number":67305985,"#,
                r#""product_name":"Motor","device_state":3"#
            )),
            "{heard:#?}"
        );
    }
}

#[test]
fn tags_and_packets_of_several_are_told() {
    let read = connected(9, 1, b"\x4c\x04\x91\x05tide1\0\x01\0");
    let told = connected(8, 1, b"\xcc\0\x05\x01\x34\x12");
    let many = connected(9, 2, &[0x0a, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 8, 0, 0x4c, 0, 0x4d, 0]);
    let heard = play(&on_port(), &[Event::Up(&read), Event::Down(&told), Event::Up(&many)]);

    let all = transactions(&heard, "cip");
    assert!(all[0].contains(r#""service":"read_tag","symbol":"tide1""#), "{heard:#?}");
    assert!(all[0].contains(r#""status":"path_destination_unknown","extended_status":4660"#));
    assert!(all[1].contains(r#""services":["read_tag","write_tag"]"#));
}

#[test]
fn what_is_passed_on_is_told_itself() {
    let routed =
        unconnected(&[&[0x52, 2, 0x20, 6, 0x24, 1, 5, 9, 8, 0][..], GET, &[1, 0, 1, 0]].concat());
    let heard = play(&on_port(), &[Event::Up(&routed)]);

    assert!(
        transactions(&heard, "cip")[0]
            .contains(r#""service":"get_attribute_single","class_id":1,"class":"identity""#)
    );
    assert!(transactions(&heard, "cip")[0].contains(r#""routed":true"#));
}

#[test]
fn cyclic_data_are_counted_per_connection() {
    let data = |n: u8| {
        let mut out = vec![2, 0, 2, 0x80, 8, 0, 5, 0, 0, 0, n, 0, 0, 0, 0xb1, 0, 3, 0];
        out.extend_from_slice(&[1, 0, 9]);
        out
    };
    let (one, two, four) = (data(1), data(2), data(4));
    let heard =
        play(&flow(Transport::Udp, 2222), &[Event::Up(&one), Event::Up(&two), Event::Up(&four)]);

    assert_eq!(heard.path, ["cip"]);
    assert_eq!(
        transactions(&heard, "cip"),
        [r#"{"kind":"cyclic","connection_id":5,"messages":3}"#]
    );
    assert_eq!(heard.anomalies, ["cip.sequence_gap"]);
}

#[test]
fn flaws_are_counted() {
    let register = message(0x65, 0, 0, REGISTER);
    for (up, down, anomaly) in [
        (unconnected(&[0x0e, 9, 1]), vec![], "cip.malformed_message"),
        (message(0x6f, 7, 0, b"short"), vec![], "enip.malformed_items"),
        (unconnected(GET), message(0x6f, 7, 0x64, b""), "enip.command_failed"),
        ([b"\xffx".to_vec(), unconnected(GET)].concat(), vec![], "enip.invalid_header"),
    ] {
        let mut events = vec![Event::Up(&register), Event::Up(&up)];
        if !down.is_empty() {
            events.push(Event::Down(&down));
        }
        let heard = play(&on_port(), &events);
        assert_eq!(heard.anomalies, [anomaly], "{heard:#?}");
    }
}

#[test]
fn only_so_many_commands_wait() {
    let ask = message(0x63, 0, 0, b"");
    let heard = play(&on_port(), &vec![Event::Up(&ask); 40]);

    assert_eq!(heard.anomalies, ["enip.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 40);
}

#[test]
fn after_a_loss_the_next_header_is_found() {
    let register = message(0x65, 0, 0, REGISTER);
    let tail = [&[9u8; 11][..], &unconnected(GET)].concat();
    let heard = play(&on_port(), &[Event::Up(&register), Event::LostUp(9), Event::Up(&tail)]);

    assert_eq!(transactions(&heard, "cip").len(), 1);
}

#[test]
fn it_is_known_on_any_port() {
    let entry = registry::by_name("enip").unwrap();
    let probe = |data: &[u8]| testing::probe(entry, &flow(Transport::Tcp, 9999), data);

    for known in [message(0x65, 0, 0, REGISTER), unconnected(GET), identity()] {
        assert_eq!(probe(&known), Probe::Certain);
        assert_eq!(probe(&known[..20]), Probe::Unsure);
    }
    assert_eq!(probe(&message(0x65, 0, 9, REGISTER)), Probe::No);
    assert_eq!(probe(&message(0x6f, 0, 0, b"otherwise")), Probe::No);
    assert_eq!(probe(&message(0x55, 0, 0, b"")), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("enip").unwrap();
    let mut random = Random::new(44);
    for transport in [Transport::Tcp, Transport::Udp] {
        for _ in 0..20_000 {
            let octets = [&[0x6f, 0][..], &random.octets(120)].concat();
            let said = testing::probe(entry, &flow(transport, 44_818), &octets);
            assert_ne!(said, Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends() {
    let (ask, more) = (message(0x63, 0, 0, b""), unconnected(GET));
    let heard = play_wanting(&on_port(), &[Event::Up(&ask), Event::Up(&more)], Wants::default());

    assert_eq!(heard.path, ["enip"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let (register, registered) = (message(0x65, 0, 0, REGISTER), message(0x65, 7, 0, REGISTER));
    let get = [unconnected(GET), message(0x66, 7, 0, b"")].concat();
    torture(&on_port(), &[Event::Up(&register), Event::Down(&registered), Event::Up(&get)])
        .unwrap();
    torture(&flow(Transport::Udp, 44_818), &[Event::Up(&register), Event::Down(&identity())])
        .unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("enip").unwrap(), Transport::Tcp, 44_818, &input);
        fuzz_one(registry::by_name("cip").unwrap(), Transport::Udp, 2222, &input);
    }

    #[test]
    fn no_message_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..240)) {
        let (one, two, three) =
            (unconnected(&input), connected(1, 2, &input), message(0x63, 0, 0, &input));
        play(&on_port(), &[Event::Up(&one), Event::Down(&two), Event::Down(&three)]);
    }
}
