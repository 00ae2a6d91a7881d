//! LLMNR as the engine drives it.

use std::net::{IpAddr, Ipv4Addr};

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{Event, flow, fuzz_one, play, torture};
use crate::{Flow, registry};

const QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04host\0\0\x01\0\x01";
const RESPONSE: &[u8] = b"\x12\x34\x85\0\0\x01\0\x01\0\0\0\0\x04host\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x05";

#[test]
fn a_query_to_the_group_is_not_waited_for() {
    let group = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 252));
    let heard = play(
        &Flow { responder: group, ..flow(Transport::Udp, 5355) },
        &[Event::Up(QUERY), Event::Up(QUERY)],
    );

    assert_eq!(heard.path, ["llmnr"]);
    assert_eq!(heard.transactions.len(), 2);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"id":4660,"qname":"host","qtype":"A","qclass":"IN","opcode":"QUERY","#,
            r#""query_length":22}"#
        )
    );
}

#[test]
fn a_response_has_the_bits_of_its_own() {
    let heard = play(&flow(Transport::Udp, 5355), &[Event::Up(RESPONSE)]);

    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"id":4660,"qname":"host","qtype":"A","qclass":"IN","opcode":"QUERY","#,
            r#""rcode":"NOERROR","tc":false,"conflict":true,"tentative":true,"answers":["#,
            r#"{"name":"host","type":"A","ttl":30,"data":"192.0.2.5"}],"authorities":[],"#,
            r#""additionals":[],"response_length":38}"#
        )
    );
    assert_eq!(heard.answers[0].0, "host");
}

#[test]
fn over_a_stream_query_and_answer_pair() {
    let (up, down) = ([b"\0\x16", QUERY].concat(), [b"\0\x26", RESPONSE].concat());
    let events = [Event::Up(&up), Event::Down(&down)];
    let flow = flow(Transport::Tcp, 5355);
    let heard = play(&flow, &events);

    assert_eq!(heard.path, ["llmnr"]);
    assert_eq!(heard.transactions.len(), 1);
    assert!(heard.transactions[0].1.contains(r#""response_us":1000"#));
    torture(&flow, &events).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600), tcp: bool) {
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        fuzz_one(registry::by_name("llmnr").unwrap(), transport, 5355, &input);
    }
}
