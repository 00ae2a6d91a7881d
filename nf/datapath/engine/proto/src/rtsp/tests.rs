//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects)]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::{self, Entry};
use crate::testing::{self, Event, Heard, flow, fuzz_one, play, torture};
use crate::{Flow, Probe};

fn entry() -> &'static Entry {
    registry::by_name("rtsp").expect("registered")
}

fn ports() -> Flow {
    flow(Transport::Tcp, 8554)
}

const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=tone\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=control:stream=0\r\n";
const DESCRIBE: &str =
    "DESCRIBE rtsp://192.0.2.2:8554/tone RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: player\r\n\r\n";
const SETUP: &str = "SETUP rtsp://192.0.2.2:8554/tone/stream=0 RTSP/1.0\r\nCSeq: 3\r\n\
    Transport: RTP/AVP;unicast;client_port=4000-4001\r\n\r\n";
const READY: &str = "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 77;timeout=60\r\n\
    Transport: RTP/AVP;unicast;client_port=4000-4001;server_port=5000-5001\r\n\r\n";
const PLAY: &str = "PLAY rtsp://192.0.2.2:8554/tone RTSP/1.0\r\nCSeq: 4\r\nSession: 77\r\n\
    Range: npt=0-\r\n\r\n";
const PLAYING: &str = "RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 77\r\n\r\n";

fn described() -> String {
    format!(
        "RTSP/1.0 200 OK\r\nCSeq: 2\r\nServer: source\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{DESCRIPTION}",
        DESCRIPTION.len()
    )
}

fn framed(channel: u8, data: &[u8]) -> Vec<u8> {
    [&[b'$', channel][..], &(data.len() as u16).to_be_bytes(), data].concat()
}

fn hear(events: &[Event<'_>]) -> Heard {
    play(&ports(), events)
}

fn of<'a>(heard: &'a Heard, proto: &str) -> Vec<&'a str> {
    heard.transactions.iter().filter(|(p, _)| p == proto).map(|(_, t)| t.as_str()).collect()
}

#[test]
fn requests_are_reported_with_their_answers() {
    let answer = described();
    let heard = hear(&[
        Event::Up(DESCRIBE.as_bytes()),
        Event::Down(answer.as_bytes()),
        Event::Up(SETUP.as_bytes()),
        Event::Down(READY.as_bytes()),
    ]);

    assert_eq!(heard.path, ["rtsp"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        of(&heard, "rtsp"),
        [
            r#"{"method":"DESCRIBE","uri":"rtsp://192.0.2.2:8554/tone","version":"1.0","seq":2,"user_agent":"player","server":"source","status":200,"reason":"OK","authenticated":false,"clear_text":false,"mime":"application/sdp","request_length":0,"response_length":134,"media":["audio 0.0.0.0:0 RTP/AVP opus"],"response_us":1000}"#,
            r#"{"method":"SETUP","uri":"rtsp://192.0.2.2:8554/tone/stream=0","version":"1.0","seq":3,"session":"77","status":200,"reason":"OK","authenticated":false,"clear_text":false,"transport":"RTP/AVP;unicast;client_port=4000-4001;server_port=5000-5001","client_port":4000,"server_port":5000,"request_length":0,"response_length":0,"media":[],"response_us":1000}"#,
        ]
    );
    let said: Vec<_> = heard.expectations.iter().map(|e| (e.port, e.proto.0)).collect();
    assert_eq!(said, [(4000, 298), (4001, 1220), (5000, 298), (5001, 1220)]);
}

#[test]
fn media_between_the_messages_are_reported_as_theirs() {
    let answer = described();
    let packets: Vec<_> =
        (0..4).map(|n| framed(0, &crate::rtp::tests::packet(5, 111, n))).collect();
    let report = framed(1, &crate::rtcp::tests::sender_report());
    let mut down = PLAYING.as_bytes().to_vec();
    down.extend(packets.concat());
    let events = [
        Event::Up(DESCRIBE.as_bytes()),
        Event::Down(answer.as_bytes()),
        Event::Up(PLAY.as_bytes()),
        Event::Down(&down),
        Event::Down(&report),
    ];

    let heard = hear(&events);

    assert_eq!(heard.path, ["rtsp", "rtp"]);
    assert_eq!(of(&heard, "rtsp").len(), 2);
    assert!(of(&heard, "rtp")[0].contains(r#""codec":"opus","clock_rate":48000,"packets":4"#));
    assert!(of(&heard, "rtcp")[0].contains(r#""cname":"a@b.local""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    let answer = described();
    let frames = framed(1, &crate::rtcp::tests::sender_report());
    torture(
        &ports(),
        &[
            Event::Up(DESCRIBE.as_bytes()),
            Event::Down(answer.as_bytes()),
            Event::Down(&frames),
            Event::Up(PLAY.as_bytes()),
            Event::Down(PLAYING.as_bytes()),
        ],
    )
    .unwrap();
}

#[test]
fn a_stream_goes_on_after_a_loss() {
    let frame = framed(0, &crate::rtp::tests::packet(5, 0, 1));
    for (first, next) in [(&b"lost\r\n"[..], PLAYING.as_bytes()), (&frame, PLAYING.as_bytes())] {
        let heard = hear(&[
            Event::Up(PLAY.as_bytes()),
            Event::LostDown(90),
            Event::Down(first),
            Event::Down(next),
        ]);

        assert!(of(&heard, "rtsp")[0].contains(r#""status":200"#), "{heard:?}");
        assert_eq!(heard.anomalies, [""; 0]);
    }
}

#[test]
fn what_is_wrong_is_counted() {
    let basic = PLAY.replace("Session: 77", "Authorization: Basic YTpodW50ZXIy");
    let bare = "RTSP/1.0 200 OK\r\nodd\r\n\r\n";
    let broken = "RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Type: application/sdp\r\n\
        Content-Length: 3\r\n\r\nx=1";
    let frame = framed(0, b"\xff\xffnot media");
    let heard = hear(&[
        Event::Up(basic.as_bytes()),
        Event::Down(bare.as_bytes()),
        Event::Down(broken.as_bytes()),
        Event::Down(&frame),
        Event::Down(b"hello\r\n\r\n"),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "rtsp.clear_text_password",
            "rtsp.malformed_header",
            "rtsp.sequence_missing",
            "rtsp.unasked_answer",
            "rtsp.malformed_description",
            "rtsp.unasked_answer",
            "rtsp.foreign_frame",
            "rtsp.malformed_start",
        ]
    );
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn requests_are_bounded() {
    let requests: Vec<_> =
        (0..70).map(|n| PLAY.replace("CSeq: 4", &format!("CSeq: {n}"))).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r.as_bytes())).collect();

    let heard = hear(&events);

    assert_eq!(heard.anomalies.len(), 6);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let of = |data: &[u8]| testing::probe(entry(), &flow(Transport::Tcp, 9999), data);
    assert_eq!(of(PLAY.as_bytes()), Probe::Certain);
    assert_eq!(of(READY.as_bytes()), Probe::Certain);
    assert_eq!(of(b"PLAY rtsp"), Probe::Unsure);
    assert_eq!(of(b"PLAYING"), Probe::No);
    assert_eq!(of(b"OPTIONS sip:a SIP/2.0\r\n"), Probe::No);
    assert_eq!(of(b"OPTIONS * HTTP/1.1\r\n"), Probe::No);
    let mut random = testing::Random::new(299);
    for _ in 0..2_000 {
        assert_ne!(of(&random.octets(300)), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(entry(), Transport::Tcp, 554, &input);
    }
}
