//! TPKT, COTP and S7comm as the engine drives them.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Tcp, 102)
}

fn tpkt(tpdu: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend_from_slice(&(tpdu.len() as u16).wrapping_add(4).to_be_bytes());
    out.extend_from_slice(tpdu);
    out
}

const REQUEST: &[u8] = b"\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02";
const CONFIRM: &[u8] = b"\x11\xd0\0\x01\0\x09\0\xc0\x01\x09\xc1\x02\x01\x00\xc2\x02\x01\x02";

fn data(user: &[u8]) -> Vec<u8> {
    tpkt(&[&[2, 0xf0, 0x80], user].concat())
}

fn job(reference: u8, parameters: &[u8], octets: &[u8]) -> Vec<u8> {
    let (p, d) = (parameters.len() as u8, octets.len() as u8);
    data(&[&[0x32, 1, 0, 0, 0, reference, 0, p, 0, d][..], parameters, octets].concat())
}

fn ack(reference: u8, error: [u8; 2], parameters: &[u8], octets: &[u8]) -> Vec<u8> {
    let (p, d) = (parameters.len() as u8, octets.len() as u8);
    data(&[&[0x32, 3, 0, 0, 0, reference, 0, p, 0, d][..], &error, parameters, octets].concat())
}

fn userdata(reference: u8, parameters: &[u8], octets: &[u8]) -> Vec<u8> {
    let (p, d) = (parameters.len() as u8, octets.len() as u8);
    data(&[&[0x32, 7, 0, 0, 0, reference, 0, p, 0, d][..], parameters, octets].concat())
}

const READ: &[u8] = &[4, 1, 0x12, 10, 0x10, 2, 0, 8, 0, 1, 0x84, 0, 0, 0x51];

/// A connection, then what is said on it.
fn session(said: &[Event<'_>]) -> Heard {
    let (request, confirm) = (tpkt(REQUEST), tpkt(CONFIRM));
    let mut events = vec![Event::Up(&request), Event::Down(&confirm)];
    events.extend_from_slice(said);
    play(&on_port(), &events)
}

fn transactions<'a>(heard: &'a Heard, proto: &str) -> Vec<&'a str> {
    let of = heard.transactions.iter().filter(|(p, _)| p == proto);
    of.map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_connection_is_reported_with_its_answer() {
    let heard = session(&[]);

    assert_eq!(heard.path, ["tpkt", "cotp"]);
    assert_eq!(
        transactions(&heard, "cotp"),
        [concat!(
            r#"{"source_reference":1,"destination_reference":9,"calling_tsap":"0100","#,
            r#""called_tsap":"0102","tpdu_size":512,"class":0,"accepted":true,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.messages[0].1, r#"{"version":3,"reserved":0,"length":22}"#);
    assert!(heard.messages[1].1.starts_with(r#"{"length":17,"pdu_type":224,"#));
}

#[test]
fn a_refused_connection_tells_why() {
    let (request, refusal) = (tpkt(REQUEST), tpkt(&[6, 0x80, 0, 1, 0, 9, 3]));
    let heard = play(&on_port(), &[Event::Up(&request), Event::Down(&refusal)]);

    assert!(transactions(&heard, "cotp")[0].contains(r#""accepted":false,"reason":3"#));
    assert_eq!(heard.anomalies, ["cotp.connection_refused"]);
}

#[test]
fn a_set_up_and_a_read_make_transactions() {
    let setup = job(1, &[0xf0, 0, 0, 1, 0, 1, 1, 0xe0], b"");
    let agreed = ack(1, [0; 2], &[0xf0, 0, 0, 1, 0, 1, 0, 0xf0], b"");
    let read = job(2, READ, b"");
    let told = ack(2, [0; 2], &[4, 1], &[0xff, 4, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8]);
    let heard =
        session(&[Event::Up(&setup), Event::Down(&agreed), Event::Up(&read), Event::Down(&told)]);

    assert_eq!(heard.path, ["tpkt", "cotp", "s7comm"]);
    assert_eq!(
        transactions(&heard, "s7comm"),
        [
            concat!(
                r#"{"kind":"job","pdu_reference":1,"function_code":240,"#,
                r#""function":"setup_communication","max_jobs":1,"pdu_size":240,"#,
                r#""request_length":0,"response_length":0,"response_us":1000}"#
            ),
            concat!(
                r#"{"kind":"job","pdu_reference":2,"function_code":4,"function":"read_variable","#,
                r#""items":[{"area":132,"area_name":"data_block","db":1,"address":10,"bit":1,"#,
                r#""transport_size":2,"count":8}],"return_codes":[255],"#,
                r#""request_length":0,"response_length":12,"response_us":1000}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    let (_, message) = heard.messages.iter().find(|(p, _)| p == "s7comm").unwrap();
    assert!(message.starts_with(
        r#"{"proto_id":50,"rosctr":1,"reserved":0,"pdur":1,"param_length":8,"data_length":0,"#
    ));
}

#[test]
fn a_failed_write_and_a_stop_are_told() {
    let write = job(3, &[&[5][..], &READ[1..]].concat(), &[0, 4, 0, 8, 1]);
    let refused = ack(3, [0; 2], &[5, 1], &[5]);
    let stop = job(4, b"\x29\0\0\0\0\0\x09P_PROGRAM", b"");
    let denied = ack(4, [0x81, 4], &[], b"");
    let heard = session(&[
        Event::Up(&write),
        Event::Down(&refused),
        Event::Up(&stop),
        Event::Down(&denied),
    ]);

    let all = transactions(&heard, "s7comm");
    assert!(all[0].contains(r#""return_codes":[5]"#), "{heard:#?}");
    assert!(all[1].contains(r#""function":"plc_stop","name":"P_PROGRAM""#));
    assert!(all[1].contains(r#""error_class":129,"error_code":4"#));
}

#[test]
fn system_services_are_named() {
    let ask = userdata(5, &[0, 1, 0x12, 4, 0x11, 0x44, 1, 0], &[0xff, 9, 0, 4, 0, 0x1c, 0, 0]);
    let tell = userdata(5, &[0, 1, 0x12, 8, 0x12, 0x84, 1, 0, 0, 0, 0xd4, 1], &[0x0a, 0, 0, 0]);
    let push = userdata(0, &[0, 1, 0x12, 8, 0x12, 0x02, 1, 0, 0, 0, 0, 0], b"");
    let heard = session(&[Event::Up(&ask), Event::Down(&tell), Event::Down(&push)]);

    let all = transactions(&heard, "s7comm");
    assert!(all[0].contains(r#""function":"read_system_status","group":4,"status_list":28"#));
    assert!(all[0].contains(r#""error_code":54273"#));
    assert!(all[1].contains(r#""kind":"push""#) && all[1].contains(r#""function":"cyclic_data""#));
}

#[test]
fn a_message_may_be_many_parts() {
    let read = job(2, READ, b"");
    let (one, two) = read[7..].split_at(5);
    let first = tpkt(&[&[2, 0xf0, 0x00], one].concat());
    let second = tpkt(&[&[2, 0xf0, 0x80], two].concat());
    let heard = session(&[Event::Up(&first), Event::Up(&second)]);

    assert!(transactions(&heard, "s7comm")[0].contains(r#""function":"read_variable""#));
}

#[test]
fn the_successor_is_named() {
    let hello = data(b"\x72\x01\x00\x03abc\x72\x01\x00\x00");
    let heard = session(&[Event::Up(&hello)]);

    assert_eq!(heard.path, ["tpkt", "cotp", "s7comm_plus"]);
    assert!(heard.messages.contains(&("s7comm_plus".into(), r#"{"version":1,"length":3}"#.into())));
}

#[test]
fn an_association_of_mms_is_named() {
    let accept = data(b"\x0e\x0d\x05\x06\x13\x01\x00\x06\x05\x28\xca\x22\x02\x01\x00");
    let heard = session(&[Event::Down(&accept)]);

    assert_eq!(heard.path, ["tpkt", "cotp", "iso_mms"]);
}

#[test]
fn flaws_are_counted() {
    let mut short = job(2, READ, b"");
    short[14] = 99;
    for (bytes, anomaly) in [
        (short, "s7comm.malformed_header"),
        (job(2, &READ[..9], b""), "s7comm.malformed_parameters"),
        (job(2, &[0x77], b""), "s7comm.unknown_function"),
        (ack(9, [0; 2], &[4, 1], b""), "s7comm.unsolicited_answer"),
        (tpkt(&[2, 0x30, 0]), "cotp.malformed_header"),
        ([&b"xx"[..], &job(2, READ, b"")].concat(), "tpkt.invalid_header"),
    ] {
        let heard = session(&[Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [anomaly], "{heard:#?}");
    }
}

#[test]
fn after_a_loss_the_next_frame_is_found() {
    let tail = [&[9u8, 3, 0, 1][..], &job(2, READ, b"")].concat();
    let heard = session(&[Event::LostUp(99), Event::Up(&tail)]);

    assert!(transactions(&heard, "s7comm")[0].contains(r#""function":"read_variable""#));
}

#[test]
fn a_remote_desktop_is_left_alone() {
    let entry = registry::by_name("tpkt").unwrap();
    let cookie = b"\x27\xe0\0\0\0\0\0Cookie: mstshash=keeper\r\n\x01\0\x08\0\x03\0\0\0";
    let negotiation = b"\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
    let bare = b"\x06\xe0\0\0\0\0\0";
    for port in [102, 3389] {
        let probe = |data: &[u8]| testing::probe(entry, &flow(Transport::Tcp, port), data);
        assert_eq!(probe(&tpkt(cookie)), Probe::No);
        assert_eq!(probe(&tpkt(negotiation)), Probe::No);
        assert_eq!(probe(&tpkt(REQUEST)), Probe::Certain);
        assert_eq!(probe(&tpkt(bare)) == Probe::Certain, port == 102);
    }
}

#[test]
fn a_session_in_its_midst_is_known() {
    let entry = registry::by_name("tpkt").unwrap();
    let elsewhere = flow(Transport::Tcp, 10_102);
    let probe = |data: &[u8]| testing::probe(entry, &elsewhere, data);

    assert_eq!(probe(&job(2, READ, b"")), Probe::Certain);
    assert_eq!(probe(&data(b"\x72\x01\x00\x03abc\x72\x01\x00\x00")), Probe::Certain);
    assert_eq!(probe(&job(2, READ, b"")[..20]), Probe::Unsure);
    assert_eq!(probe(&data(b"other")), Probe::No);
    assert_eq!(probe(b"\x03\x00\x00\x05ab"), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("tpkt").unwrap();
    let mut random = Random::new(102);
    for port in [102, 9999] {
        for _ in 0..20_000 {
            let octets = [&[3u8, 0, 0][..], &random.octets(120)].concat();
            let said = testing::probe(entry, &flow(Transport::Tcp, port), &octets);
            assert_ne!(said, Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn who_listens_to_the_innermost_only_hears_it() {
    let (request, read) = (tpkt(REQUEST), job(2, READ, b""));
    let shared =
        crate::Dissector::new(registry::PROTOCOLS, crate::Limits::default(), &|_| true, &|id| {
            match id {
                crate::s7comm::ID => {
                    Wants { transactions: nf_fields::FieldSet::ALL, ..Wants::NOTHING }
                }
                _ => Wants::NOTHING,
            }
        });
    let events = [Event::Up(&request), Event::Up(&read), Event::Up(&read)];
    let heard = testing::play_on(&shared.unwrap(), Heard::default(), &on_port(), &events);

    assert_eq!(transactions(&heard, "s7comm").len(), 2);
    assert_eq!(heard.transactions.len(), 2);
    let deaf = play_wanting(&on_port(), &events, Wants::default());
    assert_eq!(deaf.path, ["tpkt", "cotp", "s7comm"]);
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let (request, confirm) = (tpkt(REQUEST), tpkt(CONFIRM));
    let read = [job(2, READ, b""), job(3, READ, b"")].concat();
    let told = ack(2, [0; 2], &[4, 1], &[0xff, 4, 0, 8, 1]);
    torture(
        &on_port(),
        &[Event::Up(&request), Event::Down(&confirm), Event::Up(&read), Event::Down(&told)],
    )
    .unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("tpkt").unwrap(), Transport::Tcp, 102, &input);
    }

    #[test]
    fn no_message_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..200), kind: u8) {
        let (p, d) = input.split_at(input.len() / 2);
        let mut asked = job(1, p, d);
        asked[8] = kind & 7;
        let told = ack(1, [0; 2], p, d);
        session(&[Event::Up(&asked), Event::Up(&job(1, p, d)), Event::Down(&told)]);
    }
}
