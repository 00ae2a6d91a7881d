//! mDNS as the engine drives it.

use std::net::{IpAddr, Ipv4Addr};

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{Event, flow, fuzz_one, play, torture};
use crate::{Flow, registry};

const QUERY: &[u8] = b"\0\0\0\0\0\x02\0\0\0\0\0\0\
    \x04_ipp\x04_tcp\x05local\0\0\x0c\x80\x01\
    \x04host\xc0\x16\0\x01\0\x01";
const RESPONSE: &[u8] = b"\0\0\x84\0\0\0\0\x01\0\0\0\x01\
    \x04_ipp\x04_tcp\x05local\0\0\x0c\0\x01\0\0\0\x78\0\x07\x04desk\xc0\x0c\
    \x04host\xc0\x16\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\0\x02\x05";

fn to_group() -> Flow {
    Flow {
        responder: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)),
        initiator_port: 5353,
        ..flow(Transport::Udp, 5353)
    }
}

#[test]
fn each_message_to_the_group_is_a_transaction() {
    let heard = play(&to_group(), &[Event::Up(QUERY), Event::Up(RESPONSE)]);

    assert_eq!(heard.path, ["mdns"]);
    let all: Vec<_> = heard.transactions.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(
        all,
        [
            concat!(
                r#"{"id":0,"qname":"_ipp._tcp.local","qtype":"PTR","qclass":"IN","queries":["#,
                r#"{"name":"_ipp._tcp.local","type":"PTR","class":"IN","unicast":true},"#,
                r#"{"name":"host.local","type":"A","class":"IN"}],"opcode":"QUERY","#,
                r#""query_length":44}"#
            ),
            concat!(
                r#"{"id":0,"opcode":"QUERY","rcode":"NOERROR","aa":true,"tc":false,"answers":["#,
                r#"{"name":"_ipp._tcp.local","type":"PTR","ttl":120,"data":"desk._ipp._tcp.local"}],"#,
                r#""authorities":[],"additionals":[{"name":"host.local","type":"A","ttl":120,"#,
                r#""data":"192.0.2.5","cache_flush":true}],"response_length":67}"#
            ),
        ]
    );
    assert_eq!(heard.answers.len(), 1);
    assert_eq!(heard.answers[0].0, "host.local");
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_question_to_one_host_pairs_with_its_answer() {
    let flow = flow(Transport::Udp, 5353);
    let heard = play(&flow, &[Event::Up(QUERY), Event::Down(RESPONSE)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(heard.transactions[0].1.contains(r#""response_us":1000"#));
}

#[test]
fn on_other_ports_it_is_dns() {
    let heard = play(&flow(Transport::Udp, 53), &[Event::Up(QUERY)]);

    assert_eq!(heard.path, ["dns"]);
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    torture(&to_group(), &[Event::Up(QUERY), Event::Up(RESPONSE)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("mdns").unwrap(), Transport::Udp, 5353, &input);
    }
}
