//! DNP3 as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use super::link;
use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

const MASTER: u16 = 1;
const OUTSTATION: u16 = 10;

fn on_port() -> Flow {
    flow(Transport::Tcp, 20_000)
}

fn frame(control: u8, data: &[u8]) -> Vec<u8> {
    let (destination, source) =
        if control & 0x80 != 0 { (OUTSTATION, MASTER) } else { (MASTER, OUTSTATION) };
    let mut out = vec![5, 0x64, (data.len() as u8).wrapping_add(5), control];
    out.extend_from_slice(&destination.to_le_bytes());
    out.extend_from_slice(&source.to_le_bytes());
    out.extend_from_slice(&link::crc(&out).to_le_bytes());
    for block in data.chunks(16) {
        out.extend_from_slice(block);
        out.extend_from_slice(&link::crc(block).to_le_bytes());
    }
    out
}

/// A request in one segment.
fn ask(fragment: &[u8]) -> Vec<u8> {
    frame(0xc4, &[&[0xc0], fragment].concat())
}

/// A response in one segment.
fn tell(fragment: &[u8]) -> Vec<u8> {
    frame(0x44, &[&[0xc0], fragment].concat())
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_read_and_its_response_make_a_transaction() {
    let read = ask(&[0xc3, 1, 60, 2, 6, 60, 3, 6]);
    let answer = tell(&[0xc3, 129, 0x90, 0x01, 30, 2, 0, 0, 1, 1, 5, 0, 1, 6, 0]);
    let heard = play(&on_port(), &[Event::Up(&read), Event::Down(&answer)]);

    assert_eq!(heard.path, ["dnp3"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"master":1,"outstation":10,"sequence":3,"function_code":1,"function":"read","#,
            r#""request_objects":[{"group":60,"variation":2,"qualifier":6},"#,
            r#"{"group":60,"variation":3,"qualifier":6}],"#,
            r#""reply_code":129,"reply":"response","iin":36865,"#,
            r#""indicators":["need_time","device_restart","no_function_code_support"],"#,
            r#""response_objects":[{"group":30,"variation":2,"qualifier":0,"start":0,"stop":1,"#,
            r#""count":2}],"response_fragments":1,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn an_operated_output_is_told() {
    let block = [12, 1, 0x28, 1, 0, 7, 0, 3, 1, 100, 0, 0, 0, 200, 0, 0, 0];
    let select = ask(&[&[0xc1, 3][..], &block, &[0]].concat());
    let answer = tell(&[&[0xc1, 129, 0, 0][..], &block, &[4]].concat());
    let heard = play(&on_port(), &[Event::Up(&select), Event::Down(&answer)]);

    assert!(
        transactions(&heard)[0].contains(concat!(
            r#""commands":[{"index":7,"control_code":3,"count":1,"on_ms":100,"off_ms":200,"#,
            r#""status":0}]"#
        )),
        "{heard:#?}"
    );
    assert!(transactions(&heard)[0].contains(r#""command_status":4"#));
}

#[test]
fn a_fragment_may_be_many_segments_and_a_response_many_fragments() {
    let read = ask(&[0xc5, 1, 1, 0, 6]);
    let points = [0x81u8; 30];
    let whole = [&[0x85, 129, 0, 0, 1, 2, 0, 0, 29][..], &points].concat();
    let (one, two) = whole.split_at(20);
    let first = frame(0x44, &[&[0x40], one].concat());
    let second = frame(0x44, &[&[0x81], two].concat());
    let last = tell(&[0x46, 129, 0, 0, 1, 2, 0, 30, 30, 1]);
    let heard = play(
        &on_port(),
        &[Event::Up(&read), Event::Down(&first), Event::Down(&second), Event::Down(&last)],
    );

    assert!(transactions(&heard)[0].contains(r#""response_fragments":2"#), "{heard:#?}");
    assert!(transactions(&heard)[0].contains(r#""start":30,"stop":30,"count":1"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn an_outstation_may_speak_unasked() {
    let unsolicited = tell(&[0xf0, 130, 2, 0, 2, 1, 0x17, 1, 4, 0x81]);
    let confirm = ask(&[0xd0, 0]);
    let heard = play(&on_port(), &[Event::Down(&unsolicited), Event::Up(&confirm)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""function":"unsolicited_response""#));
    assert!(heard.messages[0].1.contains(r#""confirm":true,"unsolicited":true"#));
    assert!(heard.messages[1].1.contains(r#""function":"confirm""#));
}

#[test]
fn frames_of_the_link_are_messages() {
    let heard = play(&on_port(), &[Event::Up(&frame(0xc9, b"")), Event::Down(&frame(0x0b, b""))]);

    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"source":1,"destination":10,"from_master":true,"#,
            r#""link_function":"request_link_status"}"#
        )
    );
    assert!(heard.messages[1].1.contains(r#""link_function":"link_status""#));
}

#[test]
fn flaws_are_counted() {
    let read = ask(&[0xc3, 1, 60, 2, 6]);
    let mut broken = read.clone();
    broken[11] ^= 1;
    for (bytes, anomaly) in [
        (broken, "bad_checksum"),
        ([b"abc".to_vec(), read.clone()].concat(), "no_frame"),
        (ask(&[0xc4, 77]), "unknown_function"),
        (ask(&[0xc4]), "malformed_fragment"),
        (ask(&[0xc4, 2, 50, 1, 7, 1, 0]), "malformed_fragment"),
        (ask(&[0xc4, 1, 1, 2, 0, 9, 3]), "malformed_fragment"),
        (frame(0xc4, &[0x85, 1, 2]), "segment_out_of_order"),
        (frame(0xcf, b""), "unknown_link_function"),
        (tell(&[0xc9, 129, 0, 0]), "unsolicited_reply"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&read), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("dnp3.{anomaly}")], "{heard:#?}");
    }
}

#[test]
fn a_fragment_does_not_grow_without_bound() {
    let first = frame(0xc4, &[0x40; 200]);
    let segments: Vec<_> =
        (1..30u8).map(|n| frame(0xc4, &[&[n], &[0; 199][..]].concat())).collect();
    let mut events = vec![Event::Up(&first)];
    events.extend(segments.iter().map(|s| Event::Up(s)));
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies[0], "dnp3.fragment_too_long");
}

#[test]
fn only_so_many_requests_wait() {
    let requests: Vec<_> = (0..40u8).map(|n| ask(&[0xc0 | n & 15, 1, 60, 2, 6])).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["dnp3.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 40);
}

#[test]
fn it_is_known_on_any_port_by_its_check() {
    let entry = registry::by_name("dnp3").unwrap();
    let read = ask(&[0xc3, 1, 60, 2, 6]);
    let mut broken = read.clone();
    broken[4] ^= 1;
    for port in [20_000, 9999] {
        let probe = |data: &[u8]| testing::probe(entry, &flow(Transport::Tcp, port), data);
        assert_eq!(probe(&read), Probe::Certain);
        assert_eq!(probe(&read[..9]), Probe::Unsure);
        assert_eq!(probe(&broken), Probe::No);
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let data = [&link::START[..], &random.octets(60)].concat();
            assert_ne!(probe(&random.octets(120)), Probe::Certain);
            assert!(data.len() < 10 || probe(&data) != Probe::Unsure);
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_frame() {
    let read = ask(&[0xc3, 1, 60, 2, 6]);
    let heard = play_wanting(&on_port(), &[Event::Up(&read)], Wants::default());

    assert_eq!(heard.path, ["dnp3"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let read = [ask(&[0xc3, 1, 60, 2, 6]), frame(0xc9, b"")].concat();
    let answer = tell(&[0xc3, 129, 0x90, 0x01, 30, 2, 0, 0, 1, 1, 5, 0, 1, 6, 0]);
    let events = [Event::Up(&read), Event::Down(&answer)];
    torture(&on_port(), &events).unwrap();
    torture(&flow(Transport::Udp, 20_000), &events).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("dnp3").unwrap(), Transport::Tcp, 20_000, &input);
    }

    #[test]
    fn no_fragment_makes_it_panic(input in prop::collection::vec(any::<u8>(), 0..240)) {
        let (asked, told) = (ask(&input), tell(&input));
        play(&on_port(), &[Event::Up(&asked), Event::Down(&told)]);
    }
}
