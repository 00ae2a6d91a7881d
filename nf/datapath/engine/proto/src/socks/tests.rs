//! SOCKS as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, NameSource, Probe, registry};

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
const REQUEST: &[u8] = b"\x05\x01\x00\x03\x0fwww.example.com\x00\x50";
const REPLY: &[u8] = b"\x05\x00\x00\x01\xc0\x00\x02\x09\x9c\x40";

fn on_port() -> Flow {
    flow(Transport::Tcp, 1080)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    let own = heard.transactions.iter().filter(|(p, _)| p == "socks");
    own.map(|(_, t)| t.as_str()).collect()
}

#[test]
fn what_is_tunnelled_is_handed_over() {
    let events = [
        Event::Up(b"\x05\x02\x00\x02"),
        Event::Down(b"\x05\x00"),
        Event::Up(REQUEST),
        Event::Down(REPLY),
        Event::Up(HTTP),
    ];
    for port in [1080, 9999] {
        let heard = play(&flow(Transport::Tcp, port), &events);

        assert_eq!(heard.path, ["socks", "http"]);
        assert_eq!(
            transactions(&heard),
            [concat!(
                r#"{"version":5,"methods":["none","password"],"method":"none","#,
                r#""command":"connect","request_host":"www.example.com","request_port":80,"#,
                r#""code":0,"status":"succeeded","bound_address":"192.0.2.9","#,
                r#""bound_port":40000,"response_us":1000}"#
            )]
        );
        assert!(heard.names.contains(&(NameSource::Host, "www.example.com".to_string())));
    }
    torture(&on_port(), &events).unwrap();
}

#[test]
fn a_login_is_told_without_its_password() {
    let events = [
        Event::Up(b"\x05\x01\x02"),
        Event::Down(b"\x05\x02"),
        Event::Up(b"\x01\x04crew\x06secret"),
        Event::Down(b"\x01\x00"),
        Event::Up(REQUEST),
        Event::Down(b"\x05\x05\x00\x01\0\0\0\0\0\0"),
    ];
    let heard = play(&flow(Transport::Tcp, 8888), &events);

    let [record] = transactions(&heard)[..] else { panic!("{heard:?}") };
    assert!(record.contains(r#""user":"crew","password_seen":true,"login_ok":true"#));
    assert!(record.contains(r#""status":"connection_refused""#));
    assert!(!format!("{heard:?}").contains("secret"));
    torture(&on_port(), &events).unwrap();
}

#[test]
fn a_refused_login_is_an_anomaly() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x05\x01\x02"),
            Event::Down(b"\x05\x02"),
            Event::Up(b"\x01\x04crew\x06secret"),
            Event::Down(b"\x01\x01"),
        ],
    );

    assert_eq!(heard.anomalies, ["socks.login_failed"]);
    assert!(transactions(&heard)[0].contains(r#""login_ok":false"#));
}

#[test]
fn version_four_has_one_request() {
    let events = [
        Event::Up(b"\x04\x01\x00\x50\xc0\x00\x02\x63crew\x00"),
        Event::Down(b"\x00\x5a\x00\x50\xc0\x00\x02\x63"),
        Event::Up(HTTP),
    ];
    let heard = play(&flow(Transport::Tcp, 9999), &events);

    assert_eq!(heard.path, ["socks", "http"]);
    assert!(transactions(&heard)[0].contains(
        r#""version":4,"user":"crew","command":"connect","request_address":"192.0.2.99""#
    ));
    torture(&on_port(), &events).unwrap();

    let named = play(
        &on_port(),
        &[
            Event::Up(b"\x04\x01\x01\xbb\x00\x00\x00\x01\x00mail.example.com\x00"),
            Event::Down(b"\x00\x5b\0\0\0\0\0\0"),
        ],
    );
    let record = transactions(&named)[0];
    assert!(record.contains(r#""request_host":"mail.example.com","request_port":443"#));
    assert!(record.contains(r#""code":91,"status":"failure""#));
}

#[test]
fn a_bound_port_is_answered_twice() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x05\x01\x00"),
            Event::Down(b"\x05\x00"),
            Event::Up(b"\x05\x02\x00\x01\xc0\x00\x02\x63\x00\x15"),
            Event::Down(b"\x05\x00\x00\x01\xc0\x00\x02\x02\x20\x00"),
            Event::Down(b"\x05\x00\x00\x01\xc0\x00\x02\x63\x00\x14"),
            Event::Down(HTTP),
        ],
    );

    assert!(transactions(&heard)[0].contains(r#""peer_address":"192.0.2.99","peer_port":20"#));
    assert_eq!(heard.path, ["socks", "http"]);
}

#[test]
fn an_association_is_announced_and_its_datagrams_are_read() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(b"\x05\x01\x00"),
            Event::Down(b"\x05\x00"),
            Event::Up(b"\x05\x03\x00\x01\0\0\0\0\0\0"),
            Event::Down(b"\x05\x00\x00\x01\0\0\0\0\x20\x00"),
        ],
    );
    let [expected] = heard.expectations[..] else { panic!("{heard:?}") };
    assert_eq!((expected.address.to_string().as_str(), expected.port), ("192.0.2.2", 0x2000));

    let relayed = b"\0\0\0\x03\x0bexample.com\x00\x35hello";
    let heard = play(&flow(Transport::Udp, 0x2000), &[Event::Up(relayed)]);
    assert_eq!(heard.path, ["socks"]);
    assert_eq!(
        heard.messages[0].1,
        r#"{"kind":"datagram","version":5,"host":"example.com","port":53,"fragment":0}"#
    );
}

#[test]
fn nonsense_ends_the_parser() {
    let heard = play(&on_port(), &[Event::Up(b"\x05\x01\x00"), Event::Up(b"\x05\x09\x00\x01")]);
    assert_eq!(heard.anomalies, ["socks.malformed_request"]);

    let heard = play(&on_port(), &[Event::Up(b"\x05\x01\x00"), Event::Down(b"HTTP")]);
    assert_eq!(heard.anomalies, ["socks.malformed_reply"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("socks").unwrap();
    let mut random = Random::new(6);
    for first in [4, 5] {
        for _ in 0..40_000 {
            let mut data = random.octets(60);
            data[0] = first;
            let said = testing::probe(entry, &flow(Transport::Tcp, 9999), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("socks").unwrap(), Transport::Tcp, 1080, &input);
        fuzz_one(registry::by_name("socks").unwrap(), Transport::Udp, 1080, &input);
    }
}
