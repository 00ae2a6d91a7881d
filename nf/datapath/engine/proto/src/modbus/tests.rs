//! Modbus as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

fn on_port() -> Flow {
    flow(Transport::Tcp, 502)
}

fn frame(transaction: u16, unit: &[u8]) -> Vec<u8> {
    let mut out = transaction.to_be_bytes().to_vec();
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(unit.len() as u16).wrapping_add(1).to_be_bytes());
    out.push(9);
    out.extend_from_slice(unit);
    out
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_read_tells_what_was_read() {
    let ask = frame(1, &[3, 0, 10, 0, 2]);
    let tell = frame(1, &[3, 4, 0, 7, 1, 0]);
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell)]);

    assert_eq!(heard.path, ["modbus"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"transaction_id":1,"unit_id":9,"function_code":3,"#,
            r#""function":"read_holding_registers","address":10,"quantity":2,"#,
            r#""values":[7,256],"answered":true,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn writes_masks_and_bits_are_told() {
    for (ask, tell, words) in [
        (
            &[5u8, 0, 1, 0xff, 0][..],
            &[5u8, 0, 1, 0xff, 0][..],
            r#""function":"write_single_coil","address":1,"written":[65280],"answered""#,
        ),
        (
            &[15, 0, 1, 0, 9, 2, 0xcd, 1],
            &[15, 0, 1, 0, 9],
            r#""address":1,"quantity":9,"written_bits":"cd01","answered""#,
        ),
        (
            &[22, 0, 4, 0, 0xf2, 0, 0x25],
            &[22, 0, 4, 0, 0xf2, 0, 0x25],
            r#""address":4,"and_mask":242,"or_mask":37,"answered""#,
        ),
        (
            &[23, 0, 3, 0, 1, 0, 14, 0, 1, 2, 0, 255],
            &[23, 2, 0, 254],
            r#""quantity":1,"write_address":14,"write_quantity":1,"written":[255],"values":[254]"#,
        ),
        (&[1, 0, 0, 0, 8], &[1, 1, 0x81], r#""quantity":8,"bits":"81""#),
        (&[24, 0, 9], &[24, 0, 4, 0, 1, 0, 7], r#""address":9,"quantity":1,"values":[7]"#),
        (&[8, 0, 0, 1, 2], &[8, 0, 0, 1, 2], r#""subfunction":0"#),
        (&[7], &[7, 3], r#""values":[3]"#),
        (&[11], &[11, 0, 0, 0, 3], r#""values":[0,3]"#),
        (&[17], &[17, 2, 1, 0xff], r#""function":"report_server_id""#),
    ] {
        let (ask, tell) = (frame(1, ask), frame(1, tell));
        let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell)]);
        assert!(transactions(&heard)[0].contains(words), "{words}\n{heard:#?}");
        assert_eq!(heard.anomalies, [""; 0], "{words}");
    }
}

#[test]
fn a_device_identifies_itself() {
    let ask = frame(5, &[43, 14, 1, 0]);
    let tell = frame(5, b"\x2b\x0e\x01\x01\x00\x00\x03\x00\x02AB\x01\x01C\x02\x031.2");
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&tell)]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""subfunction":14,"vendor":"AB","product":"C","revision":"1.2""#),
        "{heard:#?}"
    );
}

#[test]
fn a_refusal_tells_its_exception() {
    let ask = frame(2, &[4, 0xff, 0, 0, 2]);
    let refusal = frame(2, &[0x84, 2]);
    let heard = play(&on_port(), &[Event::Up(&ask), Event::Down(&refusal)]);

    assert!(
        transactions(&heard)[0]
            .contains(r#""exception_code":2,"exception":"illegal_data_address","answered":true"#)
    );
    assert!(heard.messages[1].1.contains(r#""request":false,"exception_code":2"#));
}

#[test]
fn several_requests_may_wait_at_once() {
    let both = [frame(1, &[3, 0, 1, 0, 1]), frame(2, &[3, 0, 2, 0, 1])].concat();
    let answers = [frame(2, &[3, 2, 0, 22]), frame(1, &[3, 2, 0, 11])].concat();
    let heard = play(&on_port(), &[Event::Up(&both), Event::Down(&answers)]);

    assert!(transactions(&heard)[0].contains(r#""address":2,"quantity":1,"values":[22]"#));
    assert!(transactions(&heard)[1].contains(r#""address":1,"quantity":1,"values":[11]"#));
}

#[test]
fn flaws_are_counted() {
    let ask = frame(1, &[3, 0, 10, 0, 2]);
    for (up, down, anomaly) in [
        (frame(2, &[3, 0, 0, 0, 200]), frame(2, &[0x83, 3]), "invalid_quantity"),
        (frame(2, &[3, 0, 0, 0]), frame(2, &[0x83, 3]), "malformed_unit"),
        (frame(2, &[91, 1]), frame(2, &[0xdb, 1]), "invalid_function"),
        (ask.clone(), frame(1, &[0x83, 99]), "invalid_exception"),
        (ask.clone(), frame(9, &[3, 4, 0, 0, 0, 0]), "unsolicited_response"),
        (ask.clone(), frame(1, &[4, 4, 0, 0, 0, 0]), "function_mismatch"),
        (ask.clone(), frame(1, &[3, 2, 0, 0]), "value_mismatch"),
        (ask.clone(), b"\0\x01\0\0\x09\0\x09\x03".to_vec(), "invalid_header"),
    ] {
        let first = frame(7, &[1, 0, 0, 0, 1]);
        let answer = frame(7, &[1, 1, 1]);
        let heard = play(
            &on_port(),
            &[Event::Up(&first), Event::Down(&answer), Event::Up(&up), Event::Down(&down)],
        );
        assert_eq!(heard.anomalies.first(), Some(&format!("modbus.{anomaly}")), "{heard:#?}");
    }
}

#[test]
fn only_so_many_requests_wait() {
    let requests: Vec<_> = (0..40).map(|n| frame(n, &[3, 0, 0, 0, 1])).collect();
    let events: Vec<_> = requests.iter().map(|r| Event::Up(r)).collect();
    let heard = play(&on_port(), &events);

    assert_eq!(heard.anomalies, ["modbus.too_many_pending"; 8]);
    assert_eq!(heard.transactions.len(), 40);
}

#[test]
fn after_a_loss_the_next_frame_is_found() {
    let ask = frame(1, &[3, 0, 10, 0, 2]);
    let tail = [&[1u8, 2, 3, 4, 5][..], &frame(3, &[6, 0, 1, 0, 7])].concat();
    let heard = play(&on_port(), &[Event::Up(&ask), Event::LostUp(30), Event::Up(&tail)]);

    assert!(transactions(&heard)[1].contains(r#""function":"write_single_register","address":1"#));
}

#[test]
fn elsewhere_a_whole_request_is_needed() {
    let entry = registry::by_name("modbus").unwrap();
    let elsewhere = flow(Transport::Tcp, 5020);
    let probe = |data: &[u8]| testing::probe(entry, &elsewhere, data);

    assert_eq!(probe(&frame(1, &[3, 0, 10, 0, 2])), Probe::Certain);
    assert_eq!(probe(&frame(1, &[3, 0, 10, 0, 2])[..9]), Probe::Unsure);
    assert_eq!(probe(&frame(1, &[3, 0, 10, 9, 2])), Probe::No);
    assert_eq!(probe(&frame(1, &[7])), Probe::No);
    assert_eq!(probe(b"\0\x01\0\x01"), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("modbus").unwrap();
    let mut random = Random::new(502);
    for port in [502, 9999] {
        for _ in 0..20_000 {
            let data = random.octets(120);
            let said = testing::probe(entry, &flow(Transport::Tcp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_frame() {
    let ask = frame(1, &[3, 0, 10, 0, 2]);
    let heard = play_wanting(&on_port(), &[Event::Up(&ask)], Wants::default());

    assert_eq!(heard.path, ["modbus"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn segments_cut_or_lost_anywhere_do_no_harm() {
    let ask = frame(1, &[3, 0, 10, 0, 2]);
    let tell = frame(1, &[3, 4, 0, 7, 1, 0]);
    let both = [frame(2, &[16, 0, 1, 0, 1, 2, 0, 9]), frame(3, &[43, 14, 1, 0])].concat();
    torture(&on_port(), &[Event::Up(&ask), Event::Down(&tell), Event::Up(&both)]).unwrap();
    let elsewhere = flow(Transport::Tcp, 1502);
    torture(&elsewhere, &[Event::Up(&ask), Event::Down(&tell)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("modbus").unwrap(), Transport::Tcp, 502, &input);
        fuzz_one(registry::by_name("modbus").unwrap(), Transport::Udp, 502, &input);
    }
}
