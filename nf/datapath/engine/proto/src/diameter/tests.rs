//! Diameter as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

fn avp(code: u32, value: &[u8]) -> Vec<u8> {
    let length = value.len().saturating_add(8) as u32;
    let mut out = [&code.to_be_bytes()[..], &[0x40], &length.to_be_bytes()[1..], value].concat();
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn message(flags: u8, command: u32, application: u32, hop: u32, avps: &[Vec<u8>]) -> Vec<u8> {
    let body = avps.concat();
    let length = body.len().saturating_add(20) as u32;
    [
        &[1][..],
        &length.to_be_bytes()[1..],
        &[flags],
        &command.to_be_bytes()[1..],
        &application.to_be_bytes(),
        &hop.to_be_bytes(),
        &77u32.to_be_bytes(),
        &body,
    ]
    .concat()
}

fn request(hop: u32) -> Vec<u8> {
    let avps = [
        avp(263, b"mme;1;2"),
        avp(264, b"mme.example.org"),
        avp(296, b"example.org"),
        avp(293, b"hss.example.org"),
        avp(283, b"example.org"),
        avp(1, b"001010000000042"),
    ];
    message(0xc0, 316, 16_777_251, hop, &avps)
}

fn answer(hop: u32) -> Vec<u8> {
    let avps = [
        avp(263, b"mme;1;2"),
        avp(268, &2001u32.to_be_bytes()),
        avp(264, b"hss.example.org"),
        avp(296, b"example.org"),
    ];
    message(0x40, 316, 16_777_251, hop, &avps)
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 3868)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_request_and_its_answer_make_a_transaction() {
    let (ask, reply) = (request(5), answer(5));
    let events = [Event::Up(&ask), Event::Down(&reply)];
    for transport in [Transport::Tcp, Transport::Sctp] {
        let heard = play(&flow(transport, 13868), &events);

        assert_eq!(heard.path, ["diameter"]);
        assert_eq!(
            transactions(&heard),
            [concat!(
                r#"{"command":"update_location","command_code":316,"application":"s6a","#,
                r#""application_id":16777251,"session_id":"mme;1;2","#,
                r#""origin_host":"mme.example.org","origin_realm":"example.org","#,
                r#""destination_host":"hss.example.org","destination_realm":"example.org","#,
                r#""user_name":"001010000000042","retransmitted":false,"#,
                r#""answer_host":"hss.example.org","answer_realm":"example.org","#,
                r#""result_code":2001,"result":"success","error":false,"request_length":148,"#,
                r#""response_length":92,"response_us":1000}"#
            )]
        );
        assert_eq!(heard.anomalies, [""; 0]);
    }
    torture(&on_port(), &events).unwrap();
}

#[test]
fn answers_may_come_in_any_order_and_together() {
    let asked = [request(1), request(2)].concat();
    let told = [answer(2), answer(1)].concat();
    let events = [Event::Up(&asked), Event::Down(&told)];
    let heard = play(&on_port(), &events);

    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard).iter().all(|t| t.contains("response_us")));
    torture(&on_port(), &events).unwrap();
}

#[test]
fn an_applications_own_result_is_told() {
    let inner = [avp(266, &10415u32.to_be_bytes()), avp(298, &5001u32.to_be_bytes())].concat();
    let avps = [avp(264, b"hss.example.org"), avp(297, &inner)];
    let heard = play(
        &on_port(),
        &[Event::Up(&request(5)), Event::Down(&message(0x40, 316, 16_777_251, 5, &avps))],
    );

    assert!(
        transactions(&heard)[0]
            .contains(r#""experimental_result":5001,"result":"permanent_failure""#)
    );
}

#[test]
fn messages_have_every_part_of_the_header() {
    let heard = play(&on_port(), &[Event::Up(&request(5))]);

    assert!(heard.messages[0].1.starts_with(concat!(
        r#"{"version":1,"message_length":148,"flag_r":1,"flag_p":1,"flag_e":0,"flag_t":0,"#,
        r#""command_code":316,"application_id":16777251,"hop_to_hop_id":5,"end_to_end_id":77"#
    )));
}

#[test]
fn flaws_are_counted() {
    let mut short = request(6);
    short[27] = 200;
    let odd = message(0xf0, 316, 0, 7, &[]);
    for (bytes, anomaly) in
        [(answer(9), "unasked_answer"), (short, "malformed_attribute"), (odd, "malformed_header")]
    {
        let heard = play(&on_port(), &[Event::Up(&request(5)), Event::Down(&bytes)]);
        assert_eq!(heard.anomalies, [format!("diameter.{anomaly}")]);
    }
}

#[test]
fn after_a_loss_the_next_message_is_found() {
    let events =
        [Event::Up(&request(5)), Event::LostUp(50), Event::Up(b"rest"), Event::Up(&request(6))];
    assert_eq!(play(&on_port(), &events).messages.len(), 2);
}

#[test]
fn only_so_many_requests_wait() {
    let asked: Vec<u8> = (0..70).flat_map(request).collect();
    let heard = play(&on_port(), &[Event::Up(&asked)]);

    assert_eq!(heard.anomalies, ["diameter.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("diameter").unwrap();
    let mut random = Random::new(10);
    for _ in 0..20_000 {
        let mut data = random.octets(90);
        data[0] = 1;
        let said = testing::probe(entry, &on_port(), &data);
        assert_ne!(said, Probe::Certain, "{data:?}");
    }
    let nameless = message(0x80, 316, 0, 1, &[avp(263, b"x")]);
    assert_eq!(testing::probe(entry, &on_port(), &nameless), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("diameter").unwrap(), Transport::Tcp, 3868, &input);
        fuzz_one(registry::by_name("diameter").unwrap(), Transport::Sctp, 3868, &input);
    }
}
