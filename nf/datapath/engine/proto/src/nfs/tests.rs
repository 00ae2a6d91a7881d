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

fn call(id: u32, version: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
    let head = words(&[id, 0, 2, 100_003, version, procedure, 0, 0, 0, 0]);
    [&head[..], arguments].concat()
}

fn reply(id: u32, results: &[u8]) -> Vec<u8> {
    [&words(&[id, 1, 0, 0, 0, 0])[..], results].concat()
}

fn record(message: &[u8]) -> Vec<u8> {
    [&words(&[0x8000_0000 | u32::try_from(message.len()).unwrap()])[..], message].concat()
}

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Udp, 2049), events)
}

fn one(version: u32, procedure: u32, arguments: &[u8], results: &[u8]) -> Heard {
    let (asked, told) = (call(1, version, procedure, arguments), reply(1, results));
    heard(&[Event::Up(&asked), Event::Down(&told)])
}

#[test]
fn a_lookup_of_version_3_names_its_file() {
    let heard = one(3, 3, &[opaque("handle"), opaque("tides.txt")].concat(), &words(&[2]));

    assert_eq!(heard.path, ["nfs"]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"xid":1,"version":3,"procedure":"LOOKUP","filename":"tides.txt","#,
            r#""status":"ERR_NOENT","status_code":2,"rpc_status":"ACCEPTED","auth_type":"NULL","#,
            r#""response_us":1000}"#
        )
    );
    let told = &heard.messages[0].1;
    assert!(told.contains(r#""program":100003,"program_version":3,"procedure":3"#), "{told}");
    assert!(told.contains(r#""file_opcode":3,"file_name":"tides.txt""#));
}

#[test]
fn a_rename_names_both_files() {
    let arguments = [opaque("handle"), opaque("tide"), opaque("handle"), opaque("ebb")].concat();
    let heard = one(3, 14, &arguments, &words(&[0]));

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""filename":"tide","new_filename":"ebb","status":"OK""#), "{said}");
}

#[test]
fn version_2_has_handles_of_32_octets() {
    let arguments = [vec![7; 32], words(&[512, 700, 0])].concat();
    let heard = one(2, 6, &arguments, &words(&[0]));

    assert!(heard.transactions[0].1.contains(r#""procedure":"READ","offset":512,"count":700"#));
}

#[test]
fn a_compound_names_its_operations() {
    let arguments = [
        opaque("open"),
        words(&[1, 5]),
        words(&[53, 0, 0, 0, 0, 1, 0, 0, 1]),
        words(&[22]),
        opaque("handle"),
        words(&[18, 0, 1, 0, 1, 2]),
        opaque("owner"),
        words(&[0, 0]),
        opaque("tides.txt"),
        words(&[10, 9, 1, 0x18]),
    ]
    .concat();
    let heard = one(4, 1, &arguments, &words(&[13, 0, 0]));

    let said = &heard.transactions[0].1;
    for part in [
        r#""version":4,"minor_version":1,"procedure":"COMPOUND""#,
        r#""operations":["SEQUENCE","PUTFH","OPEN","GETFH","GETATTR"],"tag":"open""#,
        r#""filename":"tides.txt","status":"ERR_ACCESS""#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(heard.messages[0].1.contains(r#""file_opcode":18"#));
    assert!(heard.messages[0].1.contains(r#""nb_operations":5"#));
}

#[test]
fn the_end_of_a_long_write_is_not_needed() {
    let arguments = [opaque("handle"), words(&[0, 0, 30_000, 2, 30_000]), vec![7; 30_000]].concat();
    let (asked, told) = (record(&call(1, 3, 7, &arguments)), record(&reply(1, &words(&[0]))));
    let next = record(&call(2, 3, 0, &[]));
    let heard = play(
        &testing::flow(Transport::Tcp, 2049),
        &[Event::Up(&asked), Event::Up(&next), Event::Down(&told)],
    );

    assert_eq!(heard.transactions.len(), 2);
    assert!(heard.transactions[0].1.contains(r#""procedure":"WRITE","offset":0,"count":30000"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let asked = record(&call(1, 3, 3, &[opaque("handle"), opaque("tides.txt")].concat()));
    let told = record(&reply(1, &words(&[0])));
    let events = [Event::Up(&asked), Event::Down(&told)];

    torture(&testing::flow(Transport::Tcp, 2049), &events).unwrap();
}

#[test]
fn a_name_that_leads_out_of_its_call_is_counted() {
    let heard = one(3, 3, &[opaque("handle"), words(&[900])].concat(), &words(&[0]));

    assert_eq!(heard.anomalies, ["nfs.body_invalid"]);
}

#[test]
fn a_stream_is_found_again_at_a_segment_after_a_loss() {
    let asked = record(&call(1, 3, 3, &[opaque("handle"), opaque("tides.txt")].concat()));
    let told = record(&reply(1, &words(&[0])));
    let heard = play(
        &testing::flow(Transport::Tcp, 2049),
        &[Event::Up(&asked), Event::LostDown(90), Event::Down(b"an end"), Event::Down(&told)],
    );

    assert!(heard.transactions[0].1.contains(r#""status":"OK""#));
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("nfs").unwrap();
    for transport in [Transport::Udp, Transport::Tcp] {
        let flow = testing::flow(transport, 2049);
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
        procedure in 0u32..22,
    ) {
        one(version, procedure, &input, &input);
        fuzz_one(by_name("nfs").unwrap(), Transport::Tcp, 2049, &input);
        fuzz_one(by_name("nfs").unwrap(), Transport::Udp, 2049, &input);
    }
}
