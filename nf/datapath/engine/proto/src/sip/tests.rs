//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe};

fn entry() -> &'static Entry {
    registry::by_name("sip").expect("registered")
}

fn udp() -> Flow {
    flow(Transport::Udp, 5060)
}

fn tcp() -> Flow {
    flow(Transport::Tcp, 5060)
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 8\r\n";
const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 5000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:hunter2\r\n";

fn common(seq: &str, branch: &str, tag: &str) -> String {
    format!(
        "Via: SIP/2.0/UDP 192.0.2.1:40000;branch=z9hG4bK{branch}\r\n\
         From: \"Ann\" <sip:ann@example.com>;tag=a1\r\nTo: <sip:bob@example.com>{tag}\r\n\
         Call-ID: call1@192.0.2.1\r\nCSeq: {seq}\r\n"
    )
}

fn body(description: &str) -> String {
    if description.is_empty() {
        return "Content-Length: 0\r\n\r\n".to_string();
    }
    let length = description.len();
    format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{description}")
}

fn request(method: &str, seq: u32, branch: &str, tag: &str, description: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\n{}Max-Forwards: 70\r\nUser-Agent: phone\r\n{}",
        common(&format!("{seq} {method}"), branch, tag),
        body(description)
    )
}

fn response(status: &str, seq: &str, branch: &str, description: &str) -> String {
    format!(
        "SIP/2.0 {status}\r\n{}Server: pbx\r\n{}",
        common(seq, branch, ";tag=b2"),
        body(description)
    )
}

fn call() -> [(bool, String); 7] {
    [
        (true, request("INVITE", 1, "i", "", OFFER)),
        (false, response("100 Trying", "1 INVITE", "i", "")),
        (false, response("180 Ringing", "1 INVITE", "i", "")),
        (false, response("200 OK", "1 INVITE", "i", ANSWER)),
        (true, request("ACK", 1, "k", ";tag=b2", "")),
        (false, request("BYE", 7, "y", ";tag=a1", "")),
        (true, response("200 OK", "7 BYE", "y", "")),
    ]
}

fn events(said: &[(bool, String)]) -> Vec<Event<'_>> {
    said.iter()
        .map(|(up, text)| match up {
            true => Event::Up(text.as_bytes()),
            false => Event::Down(text.as_bytes()),
        })
        .collect()
}

fn hear(said: &[(bool, String)]) -> Heard {
    play(&udp(), &events(said))
}

fn reported(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_call_is_reported_with_its_times_and_each_request_with_its_answer() {
    let heard = hear(&call());

    assert_eq!(heard.path, ["sip"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let said = reported(&heard);
    assert_eq!(said.len(), 3);
    assert_eq!(
        said[0],
        r#"{"kind":"request","method":"INVITE","uri":"sip:bob@example.com","from":"sip:ann@example.com","to":"sip:bob@example.com","call_id":"call1@192.0.2.1","seq":1,"user_agent":"phone","server":"pbx","status":200,"reason":"OK","authenticated":false,"clear_text":false,"request_mime":"application/sdp","mime":"application/sdp","request_length":89,"response_length":138,"media":["audio 192.0.2.2:5000 RTP/AVP PCMU"],"media_keys_seen":true,"retransmissions":0,"response_us":1000,"duration_us":3000}"#
    );
    for part in [
        r#""kind":"call","method":"INVITE""#,
        r#""status":200,"reason":"OK""#,
        r#""media":["audio 192.0.2.2:5000 RTP/AVP PCMU"]"#,
        r#""response_us":1000,"duration_us":5000,"ring_us":2000,"setup_us":3000,"talk_us":2000,"ended":"callee_hung_up""#,
    ] {
        assert!(said[1].contains(part), "{part} in {}", said[1]);
    }
    assert!(said[2].contains(r#""method":"BYE""#));
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn media_are_announced() {
    let heard = hear(&call());

    let said: Vec<_> =
        heard.expectations.iter().map(|e| (e.address.to_string(), e.port, e.proto.0)).collect();
    let (near, far) = ("192.0.2.1".to_string(), "192.0.2.2".to_string());
    assert_eq!(
        said,
        [
            (near.clone(), 4000, 298),
            (near, 4001, 1220),
            (far.clone(), 5000, 298),
            (far, 5001, 1220)
        ]
    );
}

#[test]
fn each_message_is_shown() {
    let heard = hear(&call());

    assert_eq!(heard.messages.len(), 7);
    assert_eq!(
        heard.messages[2].1,
        r#"{"request":false,"version":"2.0","status":180,"reason":"Ringing","from":"\"Ann\" <sip:ann@example.com>;tag=a1","to":"<sip:bob@example.com>;tag=b2","call_id":"call1@192.0.2.1","seq":1,"seq_method":"INVITE","branch":"z9hG4bKi","hops":1,"server":"pbx","body_length":0,"media":[]}"#
    );
}

#[test]
fn a_refused_call_and_a_cancelled_one_end_with_the_last_answer() {
    let refused = hear(&[
        (true, request("INVITE", 1, "i", "", OFFER)),
        (false, response("486 Busy Here", "1 INVITE", "i", "")),
    ]);
    assert!(reported(&refused)[0].contains(r#""kind":"call""#));
    assert!(reported(&refused)[0].contains(r#""ended":"refused""#));

    let cancelled = hear(&[
        (true, request("INVITE", 1, "i", "", OFFER)),
        (true, request("CANCEL", 1, "i", "", "")),
        (false, response("200 OK", "1 CANCEL", "i", "")),
        (false, response("487 Request Terminated", "1 INVITE", "i", "")),
    ]);
    assert_eq!(cancelled.transactions.len(), 3);
    assert!(reported(&cancelled)[1].contains(r#""ended":"cancelled""#));
}

#[test]
fn a_call_goes_on_when_credentials_are_asked_for() {
    let again = request("INVITE", 2, "j", "", OFFER).replace(
        "Max-Forwards",
        "Authorization: Digest username=\"ann\", response=\"hunter2\"\r\nMax-Forwards",
    );
    let heard = hear(&[
        (true, request("INVITE", 1, "i", "", OFFER)),
        (false, response("401 Unauthorized", "1 INVITE", "i", "")),
        (true, again),
        (false, response("200 OK", "2 INVITE", "j", ANSWER)),
    ]);

    let said = reported(&heard);
    assert_eq!(said.len(), 3);
    assert!(said[1].contains(r#""authenticated":true,"auth_user":"ann""#));
    assert!(said[2].contains(r#""setup_us":3000"#) && said[2].contains(r#""ended":"open""#));
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn repeated_messages_are_counted_once() {
    let [invite, _, _, ok, ..] = call();
    let heard = hear(&[invite.clone(), invite, ok.clone(), ok]);

    let said = reported(&heard);
    assert_eq!(said.len(), 2);
    assert!(said[0].contains(r#""retransmissions":1"#));
}

#[test]
fn nothing_depends_on_how_a_stream_is_cut() {
    let said = call();
    let heard = play(&tcp(), &events(&said));
    assert_eq!(heard.transactions.len(), 3);

    torture(&tcp(), &events(&said[2..])).unwrap();
    torture(&udp(), &events(&said[4..])).unwrap();
}

#[test]
fn messages_in_one_segment_are_taken_apart_and_line_ends_between_them_ignored() {
    let all =
        [request("OPTIONS", 1, "o", "", ""), "\r\n\r\n".into(), request("INFO", 2, "n", "", "")];
    let heard = play(&tcp(), &[Event::Up(all.concat().as_bytes())]);

    assert_eq!(heard.transactions.len(), 2);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_stream_goes_on_after_a_loss() {
    let [invite, _, _, ok, ..] = call();
    let rest = format!("m=audio 1 RTP/AVP 0\r\n{}", ok.1);
    let heard = play(
        &tcp(),
        &[
            Event::Up(invite.1.as_bytes()),
            Event::LostDown(500),
            Event::Down(b"st of a line\r\nMax-For"),
            Event::Down(rest.as_bytes()),
        ],
    );

    assert!(reported(&heard)[0].contains(r#""status":200"#));
}

#[test]
fn what_is_wrong_is_counted() {
    let odd = request("OPTIONS", 1, "o", "", "").replace("Max-Forwards: 70", "no header");
    let bare = "OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n".to_string();
    let short = request("INFO", 2, "n", "", OFFER).replace("m=audio", "m=");
    let basic = request("REGISTER", 3, "r", "", "")
        .replace("Max-Forwards: 70", "Authorization: Basic YTpodW50ZXIy");
    let heard = hear(&[
        (true, odd),
        (true, bare),
        (true, short),
        (true, basic),
        (true, "something else".to_string()),
        (true, "\r\n\r\n".to_string()),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "sip.malformed_header",
            "sip.header_missing",
            "sip.body_short",
            "sip.malformed_description",
            "sip.clear_text_password",
            "sip.malformed_start",
        ]
    );
    assert!(reported(&heard)[3].contains(r#""clear_text":true"#));
}

#[test]
fn requests_and_calls_are_bounded() {
    let said: Vec<_> = (0..80)
        .map(|n| {
            let invite = request("INVITE", 1, &format!("i{n}"), "", "");
            (true, invite.replace("call1", &format!("call{n}")))
        })
        .collect();
    let heard = hear(&said);

    assert_eq!(heard.transactions.len(), 160);
    let count = |word: &str| heard.anomalies.iter().filter(|a| *a == word).count();
    assert_eq!(count("sip.too_many_pending") + count("sip.too_many_calls"), 32);

    let long = vec![b'a'; 20_000];
    let first = request("OPTIONS", 1, "o", "", "");
    let heard = play(&tcp(), &[Event::Up(first.as_bytes()), Event::Up(&long)]);
    assert_eq!(heard.anomalies, ["sip.head_too_long"]);
}

#[test]
fn a_body_too_long_is_passed_over() {
    let first =
        request("MESSAGE", 1, "m", "", "").replace("Content-Length: 0", "Content-Length: 60000");
    let text = vec![b'x'; 60_000];
    let next = request("OPTIONS", 2, "o", "", "");
    let heard =
        play(&tcp(), &[Event::Up(first.as_bytes()), Event::Up(&text), Event::Up(next.as_bytes())]);

    assert_eq!(heard.transactions.len(), 2);
    assert!(reported(&heard)[0].contains(r#""request_length":60000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let other = flow(Transport::Udp, 9999);
    let of = |data: &[u8]| testing::probe(entry(), &other, data);
    assert_eq!(of(request("INVITE", 1, "i", "", "").as_bytes()), Probe::Certain);
    assert_eq!(of(b"OPTIONS * RTSP/1.0\r\n\r\n"), Probe::No);
    assert_eq!(of(b"NOTIFY * HTTP/1.1\r\n\r\n"), Probe::No);
    assert_eq!(of(b"GET / HTTP/1.1\r\n\r\n"), Probe::No);
    assert_eq!(of(b"INVITE"), Probe::No);
    assert_eq!(testing::probe(entry(), &tcp(), b"INV"), Probe::Unsure);
    assert_eq!(testing::probe(entry(), &tcp(), b"INVENT sip"), Probe::No);
    let mut random = testing::Random::new(314);
    for _ in 0..2_000 {
        assert_ne!(of(&random.octets(300)), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Udp, 5060, &input);
        fuzz_one(entry(), Transport::Tcp, 5060, &input);
    }
}
