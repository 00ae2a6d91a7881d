//! NTP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{
    self, Event, Heard, Random, START, flow, fuzz_one, play, play_wanting, torture,
};
use crate::{Flow, Probe, Wants, registry};

/// The packet time of the tests as NTP has it, plus milliseconds.
fn stamp(after_ms: u64) -> [u8; 8] {
    let seconds = START / 1_000_000_000 + 2_208_988_800;
    let fraction = (after_ms << 32) / 1000;
    (seconds << 32 | fraction).to_be_bytes()
}

/// A message of `mode` with its origin, receive and transmit times.
fn time(first: u8, stratum: u8, id: &[u8; 4], times: [[u8; 8]; 3]) -> Vec<u8> {
    let mut out = vec![first, stratum, 6, 0xe7, 0, 0, 0x80, 0, 0, 1, 0, 0];
    out.extend_from_slice(id);
    out.extend_from_slice(&stamp(0));
    times.iter().for_each(|t| out.extend_from_slice(t));
    out
}

const NONE: [u8; 8] = [0; 8];

fn client() -> Vec<u8> {
    time(0x23, 0, &[0; 4], [NONE, NONE, stamp(100)])
}

fn server() -> Vec<u8> {
    // The request came 20 ms after it was captured, and was answered 4 ms later.
    time(0x24, 2, &[192, 0, 2, 9], [stamp(100), stamp(20), stamp(24)])
}

fn on_port() -> Flow {
    flow(Transport::Udp, 123)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_client_and_its_server_make_a_transaction() {
    let heard = play(&on_port(), &[Event::Up(&client()), Event::Down(&server())]);

    assert_eq!(heard.path, ["ntp"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":4,"mode":"client","leap":0,"stratum":2,"poll":6,"precision":-25,"#,
            r#""root_delay_us":500000,"root_dispersion_us":1000000,"reference_id":"192.0.2.9","#,
            r#""reference_time":1700000000.000000000,"receive_time":1700000000.019999999,"#,
            r#""transmit_time":1700000000.023999999,"offset_us":21499,"response_us":1000,"#,
            r#""processing_us":4000,"request_length":48,"response_length":48}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_kiss_tells_its_code() {
    let kiss = time(0xe4, 0, b"RATE", [stamp(100), stamp(1), stamp(1)]);
    let heard = play(&on_port(), &[Event::Up(&client()), Event::Down(&kiss)]);

    assert!(transactions(&heard)[0].contains(r#""kod":"RATE""#), "{heard:#?}");
}

#[test]
fn a_response_must_return_the_origin() {
    let forged = time(0x24, 2, &[192, 0, 2, 9], [stamp(99), stamp(20), stamp(24)]);
    let heard =
        play(&on_port(), &[Event::Up(&client()), Event::Down(&forged), Event::Down(&server())]);

    assert_eq!(heard.anomalies, ["ntp.bogus_origin"]);
    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard)[0].contains(r#""mode":"server""#));
    assert!(transactions(&heard)[1].contains(r#""mode":"client""#));
}

#[test]
fn peers_answer_and_ask_at_once() {
    let one = time(0x21, 2, &[192, 0, 2, 1], [NONE, NONE, stamp(1)]);
    let two = time(0x22, 3, &[192, 0, 2, 1], [stamp(1), stamp(2), stamp(3)]);
    let three = time(0x21, 2, &[192, 0, 2, 1], [stamp(3), stamp(4), stamp(5)]);
    let heard = play(&on_port(), &[Event::Up(&one), Event::Down(&two), Event::Up(&three)]);

    let all = transactions(&heard);
    assert_eq!(all.len(), 3);
    assert!(all[0].contains(r#""mode":"symmetric_active","leap":0,"stratum":3"#));
    assert!(all[1].contains(r#""mode":"symmetric_passive","leap":0,"stratum":2"#));
    assert!(!all[2].contains("response_us"));
}

#[test]
fn broadcasts_and_unanswered_requests_are_reported() {
    let broadcast = time(0x25, 1, b"GPS\0", [NONE, NONE, stamp(7)]);
    let heard = play(&on_port(), &[Event::Up(&broadcast), Event::Up(&client())]);

    assert!(transactions(&heard)[0].contains(r#""mode":"broadcast""#));
    assert!(transactions(&heard)[0].contains(r#""reference_id":"GPS""#));
    assert_eq!(transactions(&heard)[1], r#"{"version":4,"mode":"client","request_length":48}"#);
}

#[test]
fn a_monitors_answer_may_be_many_messages() {
    let ask = b"\x16\x02\0\x07\0\0\0\0\0\0\0\0";
    let first = b"\x16\xa2\0\x07\x06\x15\0\0\0\0\0\x04leap";
    let last = b"\x16\x82\0\x07\x06\x15\0\0\0\x04\0\x02=0\0\0";
    let heard = play(&on_port(), &[Event::Up(ask), Event::Down(first), Event::Down(last)]);

    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":2,"mode":"control","response_us":1000,"operation":"read_variables","#,
            r#""association":0,"status":1557,"data":"leap=0","response_messages":2,"#,
            r#""request_length":12,"response_length":32}"#
        )]
    );
    let refused = b"\x16\xc2\0\x07\x05\0\0\x09\0\0\0\0";
    let heard = play(&on_port(), &[Event::Up(ask), Event::Down(refused)]);
    assert!(transactions(&heard)[0].contains(r#""error":5"#));
}

#[test]
fn a_list_of_clients_is_counted() {
    let ask = [&b"\x17\0\x03\x2a\0\0\0\0"[..], &[0; 40]].concat();
    let part = |first: u8, sequence: u8| {
        [&[first, sequence, 3, 0x2a, 0, 6, 0, 72][..], &[1; 432]].concat()
    };
    let (one, two) = (part(0xd7, 0), part(0x97, 1));
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&one), Event::Down(&two)]);

    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"version":2,"mode":"private","response_us":1000,"operation":"monlist_1","#,
            r#""items":12,"response_messages":2,"request_length":48,"response_length":880}"#
        )]
    );
}

#[test]
fn messages_carry_every_part() {
    let mut authenticated = client();
    authenticated.extend_from_slice(&[0, 0, 0, 9]);
    authenticated.extend_from_slice(&[0xab; 16]);
    let heard = play(&on_port(), &[Event::Up(&authenticated)]);

    assert_eq!(
        heard.messages[0].1,
        concat!(
            r#"{"version":4,"mode":3,"leap":0,"stratum":0,"poll":6,"precision":-25,"#,
            r#""root_delay_us":500000,"root_dispersion_us":1000000,"#,
            r#""reference_time":1700000000.000000000,"transmit_time":1700000000.099999999,"#,
            r#""key_id":9,"digest":"abababababababababababababababab"}"#
        )
    );
}

#[test]
fn flaws_are_counted() {
    let mut tail = client();
    tail.extend_from_slice(b"abc");
    for (bytes, anomaly) in [
        (tail, "malformed_tail"),
        (vec![0x23; 40], "malformed_message"),
        (b"\x16\x82\0\x07\x06\x15\0\0\0\0\0\x09leap".to_vec(), "malformed_message"),
    ] {
        let heard = play(&on_port(), &[Event::Up(&client()), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("ntp.{anomaly}")]);
        let cut = play(&on_port(), &[Event::Up(&client()), Event::CutUp(&bytes)]);
        assert_eq!(cut.anomalies, [""; 0]);
    }
}

#[test]
fn only_so_many_requests_wait() {
    let requests: Vec<_> =
        (0..20).map(|n| time(0x23, 0, &[0; 4], [NONE, NONE, stamp(n)])).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["ntp.too_many_pending"; 4]);
    assert_eq!(heard.transactions.len(), 20);
}

#[test]
fn a_client_that_hides_all_it_can_is_known() {
    let mut hidden = vec![0x23, 0, 6, 0x20];
    hidden.resize(40, 0);
    hidden.extend_from_slice(&stamp(100));
    let events = [Event::Up(&hidden), Event::Down(&server())];
    assert!(transactions(&play(&on_port(), &events))[0].contains("response_us"));

    // One that writes what nobody does is known by its answer.
    hidden[1] = 99;
    let events = [Event::Up(&hidden), Event::Down(&server())];
    let heard = play(&on_port(), &events);
    assert_eq!(heard.path, ["ntp"]);
    assert!(transactions(&heard)[0].contains("response_us"));
}

#[test]
fn elsewhere_the_times_must_be_near() {
    let entry = registry::by_name("ntp").unwrap();
    let elsewhere = flow(Transport::Udp, 10_123);
    let probe = |data: &[u8]| testing::probe(entry, &elsewhere, data);

    assert_eq!(probe(&client()), Probe::Certain);
    assert_eq!(probe(&server()), Probe::Certain);
    assert_eq!(probe(&time(0x23, 0, &[0; 4], [NONE, NONE, [0x11; 8]])), Probe::No);
    assert_eq!(probe(b"\x16\x02\0\x07\0\0\0\0\0\0\0\0"), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("ntp").unwrap();
    let mut random = Random::new(4);
    for port in [123, 9999] {
        for _ in 0..20_000 {
            let data = random.octets(120);
            let said = testing::probe(entry, &flow(Transport::Udp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let events = [Event::Up(&client()), Event::Down(&server())];
    let heard = play_wanting(&on_port(), &events, Wants::default());

    assert_eq!(heard.path, ["ntp"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    torture(&on_port(), &[Event::Up(&client()), Event::Down(&server())]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("ntp").unwrap(), Transport::Udp, 123, &input);
    }

    #[test]
    fn no_times_make_it_panic(times: [u64; 4], now: u64, spans: [u32; 2]) {
        let mut data = client();
        data[4..8].copy_from_slice(&spans[0].to_be_bytes());
        data[8..12].copy_from_slice(&spans[1].to_be_bytes());
        for (place, time) in data[16..].chunks_exact_mut(8).zip(times) {
            place.copy_from_slice(&time.to_be_bytes());
        }
        let mut answer = data.clone();
        answer[0] = 0x24;
        answer[24..32].copy_from_slice(&times[3].to_be_bytes());
        let pause = Event::Pause(now / 4);
        play(&on_port(), &[Event::Up(&client()), pause, Event::Up(&data), Event::Down(&answer)]);
    }
}
