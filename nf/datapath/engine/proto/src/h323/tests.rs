#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;

use crate::registry;
use crate::testing::{self, Event, Event::Down, Event::LostUp, Event::Pause, Event::Up};
use crate::{Expectation, Flow, Probe};

/// Writes the aligned packed encoding.
#[derive(Default)]
struct Bits {
    octets: Vec<u8>,
    /// Bits that the last octet has left.
    free: u32,
}

impl Bits {
    /// The lowest `count` bits of a number.
    fn bits(mut self, count: u32, number: u32) -> Self {
        for place in (0..count).rev() {
            if self.free == 0 {
                self.octets.push(0);
                self.free = 8;
            }
            self.free -= 1;
            let last = self.octets.last_mut().unwrap();
            *last |= u8::try_from(number >> place & 1).unwrap() << self.free;
        }
        self
    }

    /// Whole octets.
    fn octets(mut self, octets: &[u8]) -> Self {
        self.octets.extend(octets);
        self.free = 0;
        self
    }

    /// Octets behind their length.
    fn open(self, octets: &[u8]) -> Self {
        self.octets(&[u8::try_from(octets.len()).unwrap()]).octets(octets)
    }

    /// Version 4 of H.225.0.
    fn version(self) -> Self {
        self.open(&[0, 8, 0x91, 0x4a, 0, 4])
    }

    fn letters(self, text: &str) -> Self {
        let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        self.octets(&octets)
    }

    fn identifier(self, text: &str) -> Self {
        let count = u32::try_from(text.len()).unwrap();
        self.bits(7, count - 1).letters(text)
    }

    /// A number and a name.
    fn aliases(self, number: &str, name: &str) -> Self {
        let mut list = self.octets(&[2]).bits(2, 0);
        list = list.bits(7, u32::try_from(number.len()).unwrap() - 1).octets(&[]);
        for digit in number.bytes() {
            list = list.bits(4, u32::from(digit - b'0') + 3);
        }
        let last = u8::try_from(name.len()).unwrap() - 1;
        list.bits(2, 1).octets(&[last]).letters(name)
    }

    fn vendor(self) -> Self {
        let maker = self.bits(3, 0b011).bits(1, 0).octets(&[181, 0, 0, 21]);
        maker.octets(&[6]).octets(b"Harbour").octets(&[0]).octets(b"1")
    }

    /// A terminal with its vendor.
    fn terminal(self) -> Self {
        self.bits(7, 0b001_0001).vendor().bits(2, 0).bits(2, 0)
    }

    /// An address of IPv4 at 192.0.2.7.
    fn address(self, port: u16) -> Self {
        self.bits(4, 0).octets(&[192, 0, 2, 7]).octets(&port.to_be_bytes())
    }

    /// The only addition, at `number`: the call's identifier.
    fn identified(self, number: u32) -> Self {
        let present = self.bits(7, number).bits(number + 1, 1);
        present.open(&[&[0][..], &[7; 16]].concat())
    }
}

/// A body of H.225.0 with additions, as an element of Q.931.
fn user(body: u32, make: impl FnOnce(Bits) -> Bits) -> Vec<u8> {
    let start = Bits::default().bits(4, 0b0010).bits(1, 0).bits(3, body).bits(1, 1);
    let octets = make(start).octets;
    let length = u16::try_from(octets.len() + 1).unwrap();
    [&[0x7e], &length.to_be_bytes()[..], &[5], &octets].concat()
}

/// A message of the caller's or the callee's side about call 5.
fn message(kind: u8, from_callee: bool, elements: &[&[u8]]) -> Vec<u8> {
    let flag = if from_callee { 0x80 } else { 0 };
    let inside = [&[8, 2, flag, 5, kind], &elements.concat()[..]].concat();
    let length = u16::try_from(inside.len() + 4).unwrap();
    [&[3, 0], &length.to_be_bytes()[..], &inside].concat()
}

const CALLING: &[u8] = &[0x6c, 5, 0x01, 0x81, b'1', b'0', b'0'];
const CALLED: &[u8] = &[0x70, 4, 0x81, b'2', b'0', b'1'];
const DISPLAY: &[u8] = &[0x28, 3, b'A', b'n', b'n'];

fn setup() -> Vec<u8> {
    let body = user(0, |bits| {
        let bits = bits.bits(7, 0b011_0000).version().aliases("100", "Ann").terminal();
        let bits = bits.aliases("201", "Bob").bits(1, 0).octets(&[9; 16]);
        bits.bits(3, 0).bits(3, 0).identified(2)
    });
    // A bearer capability, and a shift by which one element belongs to another code set.
    message(
        5,
        false,
        &[&[4, 3, 0x88, 0x93, 0xa5], &[0x9d, 8, 1, 0xff], DISPLAY, CALLING, CALLED, &body],
    )
}

fn alerting() -> Vec<u8> {
    message(1, true, &[&user(3, |bits| bits.bits(1, 0).version().terminal().identified(0))])
}

fn connect() -> Vec<u8> {
    let body = user(2, |bits| {
        bits.bits(1, 1).version().address(5000).terminal().octets(&[9; 16]).identified(0)
    });
    message(7, true, &[&body])
}

fn release(from_callee: bool, cause: u8) -> Vec<u8> {
    let body = user(5, |bits| bits.bits(1, 1).version().bits(1, 0).bits(4, 11).identified(0));
    message(0x5a, from_callee, &[&[8, 2, 0x80, 0x80 | cause], &body])
}

fn calls() -> Flow {
    testing::flow(Transport::Tcp, 1720)
}

#[test]
fn a_call_has_parties_times_and_cause() {
    let (setup, alerting, connect) = (setup(), alerting(), connect());
    let release = release(false, 16);
    let events = [Up(&setup), Down(&alerting), Down(&connect), Pause(7_000_000), Up(&release)];
    let heard = testing::play(&calls(), &events);

    assert_eq!(heard.path, ["h323"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"kind":"call","reference":5,"call_id":"07070707070707070707070707070707","#,
            r#""caller_number":"100","caller_name":"Ann","callee_number":"201","#,
            r#""callee_name":"Bob","display":"Ann","caller_product":"Harbour","#,
            r#""callee_product":"Harbour","ring_us":1000,"setup_us":2000,"talk_us":8000,"#,
            r#""ended":"caller_hung_up","cause":16,"reason":"undefined_reason","#,
            r#""control_ip":"192.0.2.7","control_port":5000}"#
        )
    );
    let control = Expectation {
        address: [192, 0, 2, 7].into(),
        port: 5000,
        proto: crate::named::all().iter().find(|named| named.name == "h245").unwrap().id,
    };
    assert_eq!(heard.expectations, [control]);
    assert!(heard.messages[0].1.contains(r#""calling_number":"100","called_number":"201""#));
}

#[test]
fn a_refused_call_was_never_answered() {
    let (setup, release) = (setup(), release(true, 17));
    let heard = testing::play(&calls(), &[Up(&setup), Down(&release), Up(&setup)]);

    assert!(heard.transactions[0].1.contains(r#""ended":"refused","cause":17"#), "{heard:?}");
    assert!(!heard.transactions[0].1.contains("talk_us"));
    assert!(heard.transactions[1].1.contains(r#""ended":"open""#), "{heard:?}");
}

#[test]
fn plain_q931_is_a_call_on_its_port() {
    let setup = message(5, false, &[CALLING, CALLED]);
    let heard = testing::play(&calls(), &[Up(&setup), Up(&message(0x5a, false, &[]))]);

    assert!(heard.transactions[0].1.contains(r#""caller_number":"100","callee_number":"201""#));
    assert!(heard.transactions[0].1.contains(r#""ended":"cancelled""#));
    assert!(testing::play(&testing::flow(Transport::Tcp, 9999), &[Up(&setup)]).path.is_empty());
    let whole = testing::play(&testing::flow(Transport::Tcp, 9999), &[Up(&self::setup())]);
    assert_eq!(whole.path, ["h323"]);
}

#[test]
fn after_a_loss_the_next_frame_is_found() {
    let (setup, release) = (setup(), release(false, 16));
    let torn = [&[1, 2, 3][..], &release].concat();
    let heard = testing::play(&calls(), &[Up(&setup), LostUp(40), Up(&torn)]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert!(heard.transactions[0].1.contains(r#""cause":16"#), "{heard:?}");
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let setup = setup();
    let mut torn = message(5, false, &[CALLING]);
    torn[10] = 9;
    let heard = testing::play(&calls(), &[Up(&setup), Up(&torn), Up(&[9, 9, 9, 9, 9])]);

    assert_eq!(heard.anomalies, ["h323.malformed_message", "h323.invalid_header"]);
}

/// A message of RAS: its number, optional parts, and what follows its own number.
fn ras(number: u32, parts: (u32, u32), rest: impl FnOnce(Bits) -> Bits) -> Vec<u8> {
    let start = Bits::default().bits(6, number).bits(1, 0).bits(parts.0, parts.1);
    // Requests are numbered from 1.
    rest(start.octets(&[0, 41])).octets
}

fn registration() -> Vec<u8> {
    ras(3, (3, 0b011), |bits| {
        let bits = bits.version().bits(1, 1).octets(&[1]).address(1720);
        let bits = bits.octets(&[1]).address(1719).terminal();
        bits.aliases("100", "Ann").identifier("gate").vendor()
    })
}

fn registered() -> Vec<u8> {
    ras(4, (3, 0b001), |bits| {
        let bits = bits.version().octets(&[1]).address(1720);
        bits.identifier("gate").identifier("E1")
    })
}

fn admission() -> Vec<u8> {
    ras(9, (7, 0b010_0000), |bits| {
        let bits = bits.bits(3, 0).identifier("E1").aliases("201", "Bob").aliases("100", "Ann");
        bits.bits(2, 1).octets(&[5, 0]).octets(&[0, 5]).octets(&[9; 16]).bits(2, 0)
    })
}

fn gatekeeper() -> Flow {
    testing::flow(Transport::Udp, 1719)
}

fn play(events: &[Event<'_>]) -> Vec<String> {
    let heard = testing::play(&gatekeeper(), events);
    assert_eq!(heard.path, ["h323"], "{heard:?}");
    assert_eq!(heard.anomalies, [""; 0]);
    heard.transactions.into_iter().map(|(_, record)| record).collect()
}

#[test]
fn a_registration_is_reported_with_its_answer() {
    assert_eq!(
        play(&[Up(&registration()), Down(&registered())]),
        [concat!(
            r#"{"kind":"registration","caller_number":"100","caller_name":"Ann","#,
            r#""caller_product":"Harbour","confirmed":true,"gatekeeper":"gate","endpoint":"E1","#,
            r#""signalling_ip":"192.0.2.7","signalling_port":1720,"response_us":1000}"#
        )]
    );
}

#[test]
fn an_admission_is_granted_or_refused() {
    let granted = ras(10, (2, 0), |bits| bits.bits(2, 1).octets(&[2, 0]).bits(2, 0).address(1720));
    let refused = ras(11, (1, 0), |bits| bits.bits(1, 0).bits(3, 7));
    let said = play(&[Up(&admission()), Down(&granted), Up(&admission()), Down(&refused)]);

    let asked = concat!(
        r#"{"kind":"admission","reference":5,"caller_number":"100","caller_name":"Ann","#,
        r#""callee_number":"201","callee_name":"Bob","#
    );
    assert!(said[0].starts_with(asked), "{said:?}");
    assert!(said[0].contains(r#""signalling_port":1720,"bandwidth_bps":51200"#), "{said:?}");
    assert!(said[1].contains(r#""reason":"resource_unavailable","confirmed":false"#), "{said:?}");
    assert!(said[1].contains(r#""bandwidth_bps":128000"#), "{said:?}");
}

#[test]
fn requests_without_an_answer_are_reported_at_the_end() {
    let drop = ras(15, (1, 0), |bits| {
        bits.identifier("E1").octets(&[9; 16]).octets(&[0, 5]).bits(1, 0).bits(2, 1)
    });
    let said = play(&[Up(&drop)]);

    assert_eq!(
        said,
        [r#"{"kind":"disengage","reference":5,"reason":"normal_drop","endpoint":"E1"}"#]
    );
}

#[test]
fn an_answer_that_nobody_asked_for_is_an_anomaly() {
    let heard = testing::play(&gatekeeper(), &[Up(&registration()), Up(&registered())]);

    assert_eq!(heard.anomalies, ["h323.unasked_answer"]);
}

#[test]
fn random_octets_are_neither_calls_nor_requests() {
    let entry = registry::by_name("h323").unwrap();
    let at =
        |carrier, port, data: &[u8]| testing::probe(entry, &testing::flow(carrier, port), data);

    assert_eq!(at(Transport::Udp, 7777, &registration()), Probe::Certain);
    assert_eq!(at(Transport::Udp, 7777, &admission()), Probe::No);
    let mut random = testing::Random::new(1720);
    for _ in 0..20_000 {
        let octets = random.octets(60);
        assert_eq!(at(Transport::Udp, 7777, &octets), Probe::No, "{octets:02x?}");
        let framed = [&[3, 0, 0, 60, 8, 2], &octets[..]].concat();
        assert_ne!(at(Transport::Tcp, 9999, &framed), Probe::Certain, "{octets:02x?}");
    }
}

#[test]
fn no_octets_make_it_panic() {
    let (setup, alerting, connect) = (setup(), alerting(), connect());
    let release = release(false, 16);
    let whole = [Up(&setup[..]), Down(&alerting), Down(&connect), Up(&release)];
    testing::torture(&calls(), &whole).unwrap();
    testing::batter(&calls(), &[&setup, &connect, &release]).unwrap();
    let (registration, admission) = (registration(), admission());
    testing::torture(&gatekeeper(), &[Up(&registration), Up(&admission)]).unwrap();
    testing::batter(&gatekeeper(), &[&registration, &admission]).unwrap();
}
