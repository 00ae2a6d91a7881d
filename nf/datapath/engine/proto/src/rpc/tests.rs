//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::Probe;
use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

fn opaque(text: &str) -> Vec<u8> {
    let mut out = words(&[u32::try_from(text.len()).unwrap()]);
    out.extend(text.as_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// A call by user 1000 of a machine called heron.
fn call(id: u32, program: u32, version: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
    let who = [words(&[1]), opaque("heron"), words(&[1000, 100, 0])].concat();
    let length = u32::try_from(who.len()).unwrap();
    let head = words(&[id, 0, 2, program, version, procedure, 1, length]);
    [&head[..], &who, &words(&[0, 0]), arguments].concat()
}

fn reply(id: u32, results: &[u8]) -> Vec<u8> {
    [&words(&[id, 1, 0, 0, 0, 0])[..], results].concat()
}

fn record(message: &[u8]) -> Vec<u8> {
    [&words(&[0x8000_0000 | u32::try_from(message.len()).unwrap()])[..], message].concat()
}

fn heard(transport: Transport, events: &[Event<'_>]) -> Heard {
    play(&testing::flow(transport, 111), events)
}

#[test]
fn the_port_mapper_announces_where_a_program_waits() {
    let asked = call(7, 100_000, 2, 3, &words(&[100_003, 3, 6, 0]));
    let told = reply(7, &words(&[2050]));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.path, ["rpc"]);
    let expected = heard.expectations.first().unwrap();
    assert_eq!((expected.port, expected.proto), (2050, crate::nfs::ID));
    let said = &heard.transactions[0].1;
    for part in [
        r#""program_name":"portmapper","program_version":2,"procedure":3,"procedure_name":"GETPORT""#,
        r#""status":"ACCEPTED","auth_type":"UNIX","machine_name":"heron","uid":1000,"gid":100"#,
        r#""mapped_program":100003,"mapped_version":3,"mapped_port":2050"#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn an_address_of_the_newer_port_mapper_holds_its_port() {
    let arguments = [words(&[100_005, 3]), opaque("tcp"), opaque(""), opaque("rpcb")].concat();
    let asked = call(8, 100_000, 4, 3, &arguments);
    let told = reply(8, &opaque("192.0.2.2.8.1"));
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.expectations.first().unwrap().port, 2049);
    assert!(heard.transactions[0].1.contains(r#""mapped_address":"192.0.2.2.8.1""#));
}

#[test]
fn a_mount_names_its_directory() {
    let asked = record(&call(9, 100_005, 3, 1, &opaque("/srv/charts")));
    let told = record(&reply(9, &words(&[13])));
    let events = [Event::Up(&asked), Event::Down(&told)];
    let heard = heard(Transport::Tcp, &events);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""procedure_name":"MNT""#));
    assert!(said.contains(r#""path":"/srv/charts","mount_status":13"#), "{said}");
    torture(&testing::flow(Transport::Tcp, 111), &events).unwrap();
}

#[test]
fn a_record_may_have_several_fragments() {
    let message = call(9, 100_005, 3, 1, &opaque("/srv/charts"));
    let (first, second) = message.split_at(60);
    let pieces = [&words(&[60])[..], first].concat();
    let octets = [pieces, record(second)].concat();
    let whole = record(&message);
    let heard = heard(Transport::Tcp, &[Event::Up(&whole), Event::Up(&octets)]);

    assert_eq!(heard.transactions.len(), 2);
    assert!(heard.transactions.iter().all(|(_, t)| t.contains("/srv/charts")));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let asked = call(9, 100_021, 4, 0, &[]);
    let told = words(&[9, 1, 0, 0, 0, 1]);
    let heard = heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);

    assert!(heard.transactions[0].1.contains(r#""status":"PROG_UNAVAIL""#));
}

#[test]
fn what_lies_is_counted() {
    let asked = call(9, 100_005, 3, 1, &opaque("/srv"));
    let long = call(10, 100_005, 3, 1, &words(&[500, 0]));
    let told = reply(99, &[]);
    let heard = heard(
        Transport::Udp,
        &[Event::Up(&asked), Event::Up(&long), Event::Down(&told), Event::Down(b"no message")],
    );

    assert_eq!(heard.anomalies, ["rpc.body_invalid", "rpc.unasked_reply", "rpc.message_invalid"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("rpc").unwrap();
    for transport in [Transport::Udp, Transport::Tcp] {
        let flow = testing::flow(transport, 111);
        let nfs = call(1, 100_003, 3, 0, &[]);
        let none = call(1, 7, 3, 0, &[]);
        for octets in [&nfs, &none, &record(&nfs), &record(&none)] {
            assert_eq!(testing::probe(entry, &flow, octets), Probe::No);
        }
        let mut random = testing::Random::new(1);
        for _ in 0..2000 {
            assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..300),
        version in 2u32..5,
        procedure in 0u32..14,
    ) {
        for program in [100_000, 100_005] {
            let asked = call(1, program, version, procedure, &input);
            let told = reply(1, &input);
            heard(Transport::Udp, &[Event::Up(&asked), Event::Down(&told)]);
        }
        fuzz_one(by_name("rpc").unwrap(), Transport::Tcp, 111, &input);
        fuzz_one(by_name("rpc").unwrap(), Transport::Udp, 111, &input);
    }
}
