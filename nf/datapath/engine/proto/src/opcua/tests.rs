//! OPC UA as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, NameSource, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Tcp, 4840)
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_vec();
    out.extend_from_slice(&(body.len() as u32).wrapping_add(8).to_le_bytes());
    out.extend_from_slice(body);
    out
}

fn text(words: &[u8]) -> Vec<u8> {
    [&(words.len() as u32).to_le_bytes()[..], words].concat()
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

const NONE: &[u8] = &[0xff; 4];

fn hello() -> Vec<u8> {
    let limits = numbers(&[0, 65_536, 65_536, 0, 0]);
    chunk(b"HELF", &[limits, text(b"opc.tcp://plant.example.com:4840/line")].concat())
}

fn acknowledge() -> Vec<u8> {
    chunk(b"ACKF", &numbers(&[0, 8192, 8192, 0, 0]))
}

fn service(number: u16, is_response: bool, status: u32, rest: &[u8]) -> Vec<u8> {
    let [low, high] = number.to_le_bytes();
    let mut out = vec![1, 0, low, high];
    if is_response {
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&status.to_le_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0]);
    } else {
        out.extend_from_slice(&[0; 18]);
        out.extend_from_slice(NONE);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[0, 0, 0]);
    }
    out.extend_from_slice(rest);
    out
}

fn open(policy: &[u8], request: u32, body: &[u8]) -> Vec<u8> {
    let name = [b"http://opcfoundation.org/UA/SecurityPolicy#", policy].concat();
    let parts = [&numbers(&[5])[..], &text(&name), NONE, NONE, &numbers(&[1, request]), body];
    chunk(b"OPNF", &parts.concat())
}

fn message(kind: &[u8; 4], request: u32, body: &[u8]) -> Vec<u8> {
    chunk(kind, &[&numbers(&[5, 1, 2, request])[..], body].concat())
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_greeting_and_a_channel_are_told() {
    let (hello, acknowledge) = (hello(), acknowledge());
    let ask = open(b"None", 1, &service(446, false, 0, &numbers(&[0, 0, 1])));
    let tell = open(b"None", 1, &service(449, true, 0, &numbers(&[0, 77])));
    let heard = play(
        &on_port(),
        &[Event::Up(&hello), Event::Down(&acknowledge), Event::Up(&ask), Event::Down(&tell)],
    );

    assert_eq!(heard.path, ["opcua"]);
    assert_eq!(heard.names, [(NameSource::Host, "plant.example.com".to_string())]);
    assert_eq!(
        transactions(&heard),
        [
            concat!(
                r#"{"service":"hello","endpoint_url":"opc.tcp://plant.example.com:4840/line","#,
                r#""protocol_version":0,"receive_buffer":8192,"send_buffer":8192,"#,
                r#""request_chunks":1,"response_chunks":1,"request_length":69,"#,
                r#""response_length":28,"response_us":1000}"#
            ),
            concat!(
                r#"{"service":"open_secure_channel","request_id":1,"channel_id":77,"#,
                r#""security_policy":"None","certificate":false,"security_mode":"none","status":0,"#,
                r#""request_chunks":1,"response_chunks":1,"request_length":124,"#,
                r#""response_length":115,"response_us":1000}"#
            ),
        ]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn services_are_told_with_what_they_are_about() {
    let node = [3, 2, 0, 4, 0, 0, 0, b't', b'i', b'd', b'e'];
    let read = [&[0; 12][..], &numbers(&[2]), &node].concat();
    for (number, rest, words) in [
        (
            631,
            read.clone(),
            r#""service":"read","request_id":3,"channel_id":5,"items":2,"node":"ns=2;s=tide""#,
        ),
        (673, read[12..].to_vec(), r#""service":"write","request_id":3,"channel_id":5,"items":2"#),
        (826, vec![], r#""service":"publish""#),
    ] {
        let ask = message(b"MSGF", 3, &service(number, false, 0, &rest));
        let fault = message(b"MSGF", 3, &service(397, true, 0x8034_0000, b""));
        let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&fault)]);
        assert!(transactions(&heard)[0].contains(words), "{heard:#?}");
        assert!(transactions(&heard)[0].contains(r#""fault":true,"status":2150891520"#));
        assert_eq!(heard.anomalies, [""; 0]);
    }
}

#[test]
fn a_user_is_told_and_a_password_is_not_kept() {
    let token = [text(b"policy"), text(b"keeper"), text(b"lantern"), NONE.to_vec()].concat();
    let rest =
        [NONE, NONE, &numbers(&[0, 0]), &[1, 0, 0x44, 1, 1], &text(&token), NONE, NONE].concat();
    let ask = message(b"MSGF", 3, &service(467, false, 0, &rest));
    let heard = play(&on_port(), &[Event::Up(&ask)]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""identity":"user_name","user":"keeper","password_seen":true"#),
        "{heard:#?}"
    );
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn a_response_may_be_many_chunks() {
    let ask = message(b"MSGF", 3, &service(527, false, 0, b""));
    let one = message(b"MSGC", 3, &service(530, true, 0, b"12345"));
    let two = message(b"MSGF", 3, b"rest of it");
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&one), Event::Down(&two)]);

    assert!(transactions(&heard)[0].contains(r#""service":"browse""#));
    assert!(transactions(&heard)[0].contains(r#""response_chunks":2"#));
}

#[test]
fn an_encrypted_channel_is_told_once() {
    let noise = Random::new(5).octets(200);
    let ask = open(b"Basic256Sha256", 7, &noise);
    let tell = open(b"Basic256Sha256", 9, &noise[1..]);
    let more = message(b"MSGF", 3, &noise);
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell), Event::Up(&more)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""security_policy":"Basic256Sha256""#));
    assert!(transactions(&heard)[0].contains(r#""response_us":1000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn flaws_are_counted() {
    let first = hello();
    let error = chunk(b"ERRF", &[numbers(&[0x8083_0000]), text(b"no such address")].concat());
    for (up, down, anomaly) in [
        (b"what?".to_vec(), vec![], "invalid_header"),
        (chunk(b"HELF", b"short"), vec![], "malformed_chunk"),
        (vec![], error, "connection_error"),
        (vec![], message(b"MSGF", 9, &service(634, true, 0, b"")), "unsolicited_response"),
        ([&b"MSGF\0\0\x10\0"[..], b"and so on"].concat(), vec![], "chunk_too_long"),
    ] {
        let mut events = vec![Event::Up(&first)];
        events.extend((!up.is_empty()).then_some(Event::Up(&up)));
        events.extend((!down.is_empty()).then_some(Event::Down(&down)));
        let heard = play(&on_port(), &events);
        assert_eq!(heard.anomalies, [format!("opcua.{anomaly}")], "{heard:#?}");
    }
}

#[test]
fn the_rest_of_a_long_chunk_is_skipped() {
    let first = hello();
    let long = [&b"MSGF\0\0\x10\0"[..], &[7; 992]].concat();
    let piece = [7; 1000];
    let read = message(b"MSGF", 3, &service(826, false, 0, b""));
    let mut events = vec![Event::Up(&first), Event::Up(&long)];
    events.extend(vec![Event::Up(&piece); 1047]);
    // What is left of it is lost.
    events.extend([Event::LostUp(576), Event::Up(&read)]);
    let heard = play(&on_port(), &events);

    assert!(transactions(&heard)[1].contains(r#""service":"publish""#), "{:?}", heard.anomalies);
}

#[test]
fn only_so_many_requests_wait() {
    let requests: Vec<_> =
        (0..70).map(|n| message(b"MSGF", n, &service(826, false, 0, b""))).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["opcua.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn after_a_loss_the_next_header_is_found() {
    let first = hello();
    let tail = [&b"xyz"[..], &message(b"MSGF", 3, &service(826, false, 0, b""))].concat();
    let heard = play(&on_port(), &[Event::Up(&first), Event::LostUp(9), Event::Up(&tail)]);

    assert!(transactions(&heard)[1].contains(r#""service":"publish""#));
}

#[test]
fn it_is_known_on_any_port() {
    let entry = registry::by_name("opcua").unwrap();
    let probe = |data: &[u8]| testing::probe(entry, &flow(Transport::Tcp, 9999), data);

    let read = message(b"MSGF", 3, &service(631, false, 0, b""));
    for known in [hello(), acknowledge(), open(b"None", 1, b""), read] {
        assert_eq!(probe(&known), Probe::Certain);
        assert_eq!(probe(&known[..7]), Probe::Unsure);
        assert_eq!(probe(&known[..known.len() - 1]), Probe::Unsure);
    }
    assert_eq!(probe(&chunk(b"HELF", b"someone")), Probe::No);
    assert_eq!(probe(b"HELP"), Probe::No);
    let mut random = Random::new(48);
    for _ in 0..20_000 {
        let octets = [&b"MSGF\x50\0\0\0"[..], &random.octets(120)].concat();
        assert_ne!(probe(&octets), Probe::Certain, "{octets:?}");
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_channel() {
    let (hello, ask) = (hello(), open(b"None", 1, &service(446, false, 0, b"")));
    let heard = play_wanting(&on_port(), &[Event::Up(&hello), Event::Up(&ask)], Wants::default());

    assert_eq!(heard.path, ["opcua"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let (hello, acknowledge) = (hello(), acknowledge());
    let two = [
        open(b"None", 1, &service(446, false, 0, &numbers(&[0, 0, 1]))),
        message(b"MSGF", 2, &service(826, false, 0, b"")),
    ]
    .concat();
    torture(&on_port(), &[Event::Up(&hello), Event::Down(&acknowledge), Event::Up(&two)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("opcua").unwrap(), Transport::Tcp, 4840, &input);
    }

    #[test]
    fn no_service_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..200), n in 0usize..6) {
        let number = [446, 461, 467, 527, 631, 449][n];
        let ask = message(b"MSGF", 1, &service(number, number == 449, 0, &input));
        play(&on_port(), &[Event::Up(&ask), Event::Down(&ask)]);
    }
}
