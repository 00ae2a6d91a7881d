//! DICOM as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

const ECHO_CLASS: &[u8] = b"1.2.840.10008.1.1";

fn on_port() -> Flow {
    flow(Transport::Tcp, 11_112)
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u32).to_be_bytes(), body].concat()
}

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn front(called: &[u8], calling: &[u8]) -> Vec<u8> {
    let padded = |title: &[u8]| {
        let mut title = title.to_vec();
        title.resize(title.len().max(16), b' ');
        title
    };
    [&[0, 1, 0, 0][..], &padded(called), &padded(calling), &[0; 32]].concat()
}

fn items(kind: u8, result: u8) -> Vec<u8> {
    let names = [item(0x30, ECHO_CLASS), item(0x40, b"1.2.840.10008.1.2")].concat();
    let names = if kind == 0x21 { item(0x40, b"1.2.840.10008.1.2") } else { names };
    let user = [item(0x51, &[0, 0, 0x40, 0]), item(0x52, b"1.2.3.4"), item(0x55, b"LAB_1")];
    [
        item(0x10, b"1.2.840.10008.3.1.1.1"),
        item(kind, &[&[1, 0, result, 0][..], &names].concat()),
        item(0x50, &user.concat()),
    ]
    .concat()
}

fn request() -> Vec<u8> {
    pdu(1, &[front(b"ARCHIVE", b"SCANNER"), items(0x20, 0)].concat())
}

fn accept() -> Vec<u8> {
    pdu(2, &[front(b"ARCHIVE", b"SCANNER"), items(0x21, 0)].concat())
}

fn element(element: u16, value: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
    out
}

fn command(field: u16, id: u16, data: u16, more: &[u8]) -> Vec<u8> {
    let id_at = if field & 0x8000 == 0 { 0x0110 } else { 0x0120 };
    let rest = [
        element(0x0002, b"1.2.840.10008.1.1\0"),
        element(0x0100, &field.to_le_bytes()),
        element(id_at, &id.to_le_bytes()),
        element(0x0800, &data.to_le_bytes()),
        more.to_vec(),
    ]
    .concat();
    [element(0, &(rest.len() as u32).to_le_bytes()), rest].concat()
}

fn status(code: u16) -> Vec<u8> {
    element(0x0900, &code.to_le_bytes())
}

fn fragment(flags: u8, data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32).wrapping_add(2).to_be_bytes()[..], &[1, flags], data].concat()
}

fn data(flags: u8, octets: &[u8]) -> Vec<u8> {
    pdu(4, &fragment(flags, octets))
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

fn associated(said: &[Event<'_>]) -> Heard {
    let (request, accept) = (request(), accept());
    let mut events = vec![Event::Up(&request), Event::Down(&accept)];
    events.extend_from_slice(said);
    play(&on_port(), &events)
}

#[test]
fn an_association_is_reported_with_its_answer() {
    let heard = associated(&[]);

    assert_eq!(heard.path, ["dicom"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"kind":"association","called_ae_title":"ARCHIVE","calling_ae_title":"SCANNER","#,
            r#""accepted":true,"contexts":[{"id":1,"abstract_syntax":"1.2.840.10008.1.1","#,
            r#""transfer_syntax":"1.2.840.10008.1.2","result":0}],"client_max_pdu_length":16384,"#,
            r#""server_max_pdu_length":16384,"client_implementation":"1.2.3.4","#,
            r#""client_version":"LAB_1","server_implementation":"1.2.3.4","#,
            r#""server_version":"LAB_1","response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"pdu_type":1,"pdu_len":175,"proto_version":1,"called_ae_title":"ARCHIVE","#,
            r#""calling_ae_title":"SCANNER","application_context":"1.2.840.10008.3.1.1.1","#,
            r#""presentation_context":"1.2.840.10008.1.1","max_pdu_length":16384,"#,
            r#""implementation_class_uid":"1.2.3.4","abstract_syntax":"1.2.840.10008.1.1","#,
            r#""transfer_syntax":"1.2.840.10008.1.2"}"#
        )
    );
}

#[test]
fn a_command_is_reported_with_its_response() {
    let ask = data(3, &command(0x0030, 7, 0x0101, b""));
    let tell = data(3, &command(0x8030, 7, 0x0101, &status(0)));
    let heard = associated(&[Event::Up(&ask), Event::Down(&tell)]);

    assert_eq!(
        transactions(&heard)[1],
        concat!(
            r#"{"kind":"command","command":"c_echo","command_field":48,"message_id":7,"#,
            r#""context_id":1,"sop_class_uid":"1.2.840.10008.1.1","status":0,"responses":1,"#,
            r#""response_us":1000,"duration_us":1000}"#
        )
    );
    assert_eq!(
        heard.messages[2].1,
        concat!(
            r#"{"pdu_type":4,"pdu_len":74,"pdv_length":70,"pdv_context":1,"pdv_flags":3,"#,
            r#""command_group_length":56,"command_field":48,"#,
            r#""affected_sop_class_uid":"1.2.840.10008.1.1","message_id":7,"data_set_type":257}"#
        )
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn data_are_counted_and_the_patient_is_a_message_only() {
    let set =
        [&b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x10\0\x10\0PN\x08\0Doe^Jane"[..], &[7; 5000]].concat();
    let ask = data(3, &command(0x0001, 9, 1, &element(0x1000, b"1.2.3.9")));
    let (one, two) = (data(0, &set), data(2, &[8; 100]));
    let tell = data(3, &command(0x8001, 9, 0x0101, &status(0xa700)));
    let heard =
        associated(&[Event::Up(&ask), Event::Up(&one), Event::Up(&two), Event::Down(&tell)]);

    let stored = transactions(&heard)[1];
    assert!(stored.contains(r#""command":"c_store""#), "{heard:#?}");
    assert!(stored.contains(r#""sop_instance_uid":"1.2.3.9""#));
    assert!(stored.contains(r#""status":42752,"responses":1,"request_data":5134"#));
    assert!(heard.messages[3].1.contains(r#""pdv_flags":0,"patient_name":"Doe^Jane""#));
    assert!(!stored.contains("Doe"));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn pending_responses_belong_to_one_command() {
    let ask = [data(3, &command(0x0020, 2, 1, b"")), data(2, b"query")].concat();
    let pending = [data(3, &command(0x8020, 2, 1, &status(0xff00))), data(2, b"found")].concat();
    let last = data(3, &command(0x8020, 2, 0x0101, &status(0)));
    let heard = associated(&[
        Event::Up(&ask),
        Event::Down(&pending),
        Event::Down(&pending),
        Event::Down(&last),
    ]);

    assert!(
        transactions(&heard)[1]
            .contains(r#""status":0,"responses":3,"request_data":5,"response_data":10"#),
        "{heard:#?}"
    );
    assert!(transactions(&heard)[1].contains(r#""duration_us":3000"#));
}

#[test]
fn a_rejection_a_release_and_an_abort_are_told() {
    let (request, rejection) = (request(), pdu(3, &[0, 1, 1, 7]));
    let heard = play(&on_port(), &[Event::Up(&request), Event::Down(&rejection)]);
    assert!(transactions(&heard)[0].contains(r#""accepted":false,"reason":[1,1,7]"#));

    let (release, released, abort) = (pdu(5, &[0; 4]), pdu(6, &[0; 4]), pdu(7, &[0, 0, 2, 1]));
    let heard = associated(&[Event::Up(&release), Event::Down(&released), Event::Down(&abort)]);
    assert_eq!(transactions(&heard)[1], r#"{"kind":"release","response_us":1000}"#);
    assert_eq!(transactions(&heard)[2], r#"{"kind":"abort","reason":[2,1]}"#);
}

#[test]
fn a_passcode_is_seen_and_not_kept() {
    let identity = [&[2, 0, 0, 6][..], b"keeper", &[0, 7], b"lantern"].concat();
    let user = item(0x50, &item(0x58, &identity));
    let all = [item(0x10, b"1.2.840.10008.3.1.1.1"), user].concat();
    let request = pdu(1, &[front(b"ARCHIVE", b"SCANNER"), all].concat());
    let heard = play(&on_port(), &[Event::Up(&request)]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""identity_type":2,"user":"keeper","password_seen":true"#)
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn a_title_longer_than_its_place_is_told_whole() {
    for front in
        [front(&[b'A'; 40], b"SCANNER"), [&[0, 1, 0, 0][..], &[b'A'; 40], &[0; 24]].concat()]
    {
        let request = pdu(1, &[front, items(0x20, 0)].concat());
        let heard = play(&on_port(), &[Event::Up(&request)]);
        let title = format!(r#""called_ae_title":"{}""#, "A".repeat(40));
        assert!(heard.messages[0].1.contains(&title), "{heard:#?}");
        assert_eq!(heard.anomalies, ["dicom.title_too_long"]);
    }
}

#[test]
fn what_detection_rules_look_for_is_told() {
    let echo = command(0x0030, 7, 0x0101, b"");
    let mut short = fragment(3, &echo);
    short[..4].copy_from_slice(&1u32.to_be_bytes());
    for (bytes, words, anomaly) in [
        (pdu(9, &[0; 4]), r#""pdu_type":9"#, "unknown_pdu"),
        (pdu(1, b""), r#""pdu_type":1,"pdu_len":0"#, "invalid_length"),
        (pdu(1, &[0; 20]), r#""pdu_len":20"#, "invalid_length"),
        (pdu(5, &[0; 9]), r#""pdu_type":5,"pdu_len":9"#, "invalid_length"),
        (pdu(4, b""), r#""pdu_type":4,"pdu_len":0"#, "invalid_length"),
        (pdu(4, &short), r#""pdv_length":1"#, "malformed_fragment"),
        (data(7, &echo), r#""pdv_flags":7"#, "invalid_flags"),
        (
            pdu(4, &[&[0, 0, 0, 70, 0, 3][..], &echo].concat()),
            r#""pdv_context":0"#,
            "invalid_context",
        ),
        (data(3, &command(0x0777, 1, 257, b"")), r#""command_field":1911"#, "unknown_command"),
        (
            data(3, &command(0x8030, 9, 257, &status(0xdead))),
            r#""status":57005"#,
            "unsolicited_response",
        ),
        (data(3, &echo[..20]), r#""pdv_flags":3"#, "malformed_command"),
    ] {
        let heard = associated(&[Event::Up(&bytes)]);
        assert!(heard.messages[2].1.contains(words), "{words} {heard:#?}");
        assert_eq!(heard.anomalies[0], format!("dicom.{anomaly}"), "{words}");
    }
    let heard = associated(&[Event::Up(&data(3, &command(0x0030, 0xffff, 7, b"")))]);
    assert!(heard.messages[2].1.contains(r#""message_id":65535,"data_set_type":7"#));
}

#[test]
fn data_without_association_are_odd() {
    let ask = data(3, &command(0x0030, 7, 0x0101, b""));
    let heard = play(&on_port(), &[Event::Up(&ask)]);

    assert_eq!(heard.path, ["dicom"]);
    assert_eq!(heard.anomalies, ["dicom.data_without_association"]);
}

#[test]
fn only_so_many_commands_wait() {
    let commands: Vec<_> = (0..40).map(|n| data(3, &command(0x0030, n, 0x0101, b""))).collect();
    let events: Vec<_> = commands.iter().map(|c| Event::Up(c)).collect();
    let heard = associated(&events);

    assert_eq!(heard.anomalies, ["dicom.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 41);
}

#[test]
fn after_a_loss_the_next_pdu_is_found() {
    let echo = data(3, &command(0x0030, 7, 0x0101, b""));
    let tail = [&[9u8; 5][..], &echo].concat();
    let heard = associated(&[Event::LostUp(99), Event::Up(&tail)]);
    assert!(transactions(&heard)[1].contains("c_echo"), "{heard:#?}");

    // A loss within data that go by unread does no harm.
    let image = data(2, &[7; 9000]);
    let (head, _) = image.split_at(4000);
    let store = data(3, &command(0x0001, 8, 1, b""));
    let heard =
        associated(&[Event::Up(&store), Event::Up(head), Event::LostUp(5012), Event::Up(&echo)]);
    assert!(heard.transactions.iter().any(|(_, t)| t.contains("c_echo")), "{heard:#?}");
}

#[test]
fn an_association_is_known_on_any_port() {
    let entry = registry::by_name("dicom").unwrap();
    let probe = |data: &[u8]| testing::probe(entry, &flow(Transport::Tcp, 9999), data);

    assert_eq!(probe(&request()), Probe::Certain);
    assert_eq!(probe(&accept()), Probe::Certain);
    assert_eq!(probe(&request()[..90]), Probe::Unsure);
    assert_eq!(probe(&data(3, &command(0x0030, 7, 0x0101, b""))), Probe::Certain);
    assert_eq!(probe(&pdu(1, &[front(b"ARCHIVE", b"SCANNER"), vec![0; 300]].concat())), Probe::No);
    assert_eq!(probe(&pdu(5, &[0; 4])), Probe::No);
    let mut random = Random::new(104);
    for kind in [1u8, 2, 4] {
        for _ in 0..20_000 {
            let octets = [&[kind, 0, 0, 0, 0, 99][..], &random.octets(120)].concat();
            assert_ne!(probe(&octets), Probe::Certain, "{octets:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_answer() {
    let (request, accept) = (request(), accept());
    let heard =
        play_wanting(&on_port(), &[Event::Up(&request), Event::Down(&accept)], Wants::default());

    assert_eq!(heard.path, ["dicom"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let (request, accept) = (request(), accept());
    let echo = command(0x0030, 7, 0x0101, b"");
    let (one, two) = echo.split_at(30);
    let both = pdu(4, &[fragment(1, one), fragment(3, two)].concat());
    let tell = data(3, &command(0x8030, 7, 0x0101, &status(0)));
    torture(
        &on_port(),
        &[Event::Up(&request), Event::Down(&accept), Event::Up(&both), Event::Down(&tell)],
    )
    .unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("dicom").unwrap(), Transport::Tcp, 11_112, &input);
    }

    #[test]
    fn no_pdu_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..300), kind: u8) {
        let (one, two, three) =
            (pdu(kind & 7, &input), data(kind & 3, &input), pdu(1, &[front(b"A", b"B"), input.clone()].concat()));
        associated(&[Event::Up(&one), Event::Up(&two), Event::Down(&two), Event::Up(&three)]);
    }
}
