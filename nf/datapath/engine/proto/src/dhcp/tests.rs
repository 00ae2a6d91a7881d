//! DHCP as the engine drives it.

use std::net::{IpAddr, Ipv4Addr};

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

/// A message of client and server with `yiaddr` 10.0.0.`host`.
fn message(op: u8, xid: u32, host: u8, options: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![op, 1, 6, 0];
    out.extend_from_slice(&xid.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(if host > 0 { &[10, 0, 0, 0] } else { &[0; 4] });
    if let Some(last) = out.last_mut() {
        *last = host;
    }
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&MAC);
    out.resize(236, 0);
    out.extend_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    options.iter().for_each(|option| out.extend_from_slice(option));
    out.push(255);
    out
}

fn discover(xid: u32) -> Vec<u8> {
    message(
        1,
        xid,
        0,
        &[
            b"\x35\x01\x01",
            b"\x3d\x07\x01\x02\0\0\0\0\x07",
            b"\x0c\x03pc\0",
            b"\x37\x03\x01\x03\x06",
        ],
    )
}

fn offer(xid: u32) -> Vec<u8> {
    message(2, xid, 9, &[b"\x35\x01\x02", b"\x36\x04\x0a\0\0\x01", b"\x33\x04\0\0\x0e\x10"])
}

fn request(xid: u32) -> Vec<u8> {
    message(1, xid, 0, &[b"\x35\x01\x03", b"\x32\x04\x0a\0\0\x09", b"\x36\x04\x0a\0\0\x01"])
}

fn ack(xid: u32) -> Vec<u8> {
    message(
        2,
        xid,
        9,
        &[
            b"\x35\x01\x05",
            b"\x01\x04\xff\xff\xff\0",
            b"\x03\x04\x0a\0\0\x01",
            b"\x06\x08\x0a\0\0\x01\x0a\0\0\x02",
            b"\x0f\x04test",
            b"\x1a\x02\x05\xdc",
            b"\x52\x0a\x01\x04port\x02\x02\x0a\x0b",
            b"\xe0\x02\x01\x02",
        ],
    )
}

fn flow() -> Flow {
    testing::flow(Transport::Udp, 67)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn the_four_steps_are_one_transaction() {
    let (d, o, r, a) = (discover(1), offer(1), request(1), ack(1));
    let heard = play(&flow(), &[Event::Up(&d), Event::Down(&o), Event::Up(&r), Event::Down(&a)]);

    assert_eq!(heard.path, ["dhcp"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"id":1,"type":"ack","types":["discover","offer","request","ack"],"#,
            r#""client_mac":"02:00:00:00:00:07","assigned_ip":"10.0.0.9","server_ip":"10.0.0.1","#,
            r#""host_name":"pc","client_id":"02:00:00:00:00:07","requested_ip":"10.0.0.9","#,
            r#""lease_time":3600,"subnet_mask":"255.255.255.0","routers":["10.0.0.1"],"#,
            r#""dns_servers":["10.0.0.1","10.0.0.2"],"domain":"test","mtu":1500,"#,
            r#""params":[1,3,6],"client_options":[53,61,12,55],"#,
            r#""option_82":{"circuit_id":"port","remote_id":"0a0b","parts":[1,2]},"#,
            r#""other_options":[{"code":224,"value":"0102"}],"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn what_is_broadcast_and_never_answered_is_reported_at_the_end() {
    let group = IpAddr::V4(Ipv4Addr::BROADCAST);
    let (d, r) = (discover(1), request(1));
    let heard =
        play(&Flow { responder: group, ..flow() }, &[Event::Up(&d), Event::Up(&d), Event::Up(&r)]);

    assert_eq!(heard.transactions.len(), 1);
    assert!(transactions(&heard)[0].contains(r#""types":["discover","discover","request"]"#));
}

#[test]
fn clients_behind_a_relay_are_told_apart() {
    let (one, mut two) = (discover(1), discover(1));
    two[33] = 8;
    let heard = play(&flow(), &[Event::Up(&one), Event::Up(&two), Event::Down(&ack(1))]);

    assert_eq!(heard.transactions.len(), 2);
    assert!(transactions(&heard)[0].contains(r#""types":["discover","ack"]"#));
}

#[test]
fn a_release_waits_for_nothing() {
    let release = message(1, 3, 0, &[b"\x35\x01\x07", b"\x38\x03bye"]);
    let heard = play(&flow(), &[Event::Up(&release), Event::Up(&discover(4))]);

    assert!(transactions(&heard)[0].contains(r#""type":"release""#));
    assert!(transactions(&heard)[0].contains(r#""message":"bye""#));
}

#[test]
fn bootp_has_no_options() {
    let mut plain = message(1, 5, 0, &[]);
    plain.truncate(236);
    plain.resize(300, 0);
    plain[108..113].copy_from_slice(b"image");
    let mut reply = plain.clone();
    reply[0] = 2;
    let heard = play(&flow(), &[Event::Up(&plain), Event::Down(&reply)]);

    let all = transactions(&heard)[0];
    assert!(all.contains(r#""types":["bootp_request","bootp_reply"]"#), "{all}");
    assert!(all.contains(r#""boot_file":"image","response_us":1000"#), "{all}");
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn messages_carry_every_option() {
    let heard = play(&flow(), &[Event::Up(&discover(1))]);

    assert!(heard.messages[0].1.starts_with(concat!(
        r#"{"op":1,"htype":1,"hlen":6,"hops":0,"xid":1,"secs":0,"broadcast":false,"#,
        r#""ciaddr":"0.0.0.0","yiaddr":"0.0.0.0","siaddr":"0.0.0.0","giaddr":"0.0.0.0","#,
        r#""chaddr":"02:00:00:00:00:07","message_type":1,"options":["#,
        r#"{"code":53,"name":"message_type","value":"1"},"#,
        r#"{"code":61,"name":"client_id","value":"01020000000007"},"#
    )));
}

#[test]
fn flaws_are_counted() {
    let first = discover(1);
    for (bytes, anomaly) in [
        (message(1, 2, 0, &[b"\x35\x01\x03", b"\x0c\x20x"]), "malformed_option"),
        (message(1, 2, 0, &[b"\x35\x01\x03"])[..243].to_vec(), "no_end_option"),
        (message(1, 2, 0, &[b"\x35\x01\x03", b"\x33\x02\0\0"]), "malformed_value"),
        (message(1, 2, 0, &[b"\x35\x01\x63"]), "unknown_type"),
        (vec![1, 1, 6, 0, 0], "malformed_message"),
    ] {
        let heard = play(&flow(), &[Event::Up(&first), Event::Up(&bytes)]);
        assert_eq!(heard.anomalies, [format!("dhcp.{anomaly}")]);
        let cut = play(&flow(), &[Event::Up(&first), Event::CutUp(&bytes)]);
        assert_eq!(cut.anomalies.is_empty(), anomaly != "unknown_type");
    }
}

#[test]
fn only_so_many_exchanges_wait() {
    let messages: Vec<_> = (0..70).map(discover).collect();
    let events: Vec<_> = messages.iter().map(|m| Event::Up(m)).collect();
    let heard = play(&flow(), &events);

    assert_eq!(heard.anomalies, ["dhcp.too_many_pending"; 6]);
    assert_eq!(heard.transactions.len(), 70);
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_message() {
    let (d, o) = (discover(1), offer(1));
    let heard = play_wanting(&flow(), &[Event::Up(&d), Event::Down(&o)], Wants::default());

    assert_eq!(heard.path, ["dhcp"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn the_mark_tells_it_on_any_port() {
    let entry = registry::by_name("dhcp").unwrap();
    let elsewhere = testing::flow(Transport::Udp, 9999);

    assert_eq!(testing::probe(entry, &elsewhere, &discover(1)), Probe::Certain);
    let mut plain = discover(1);
    plain[236] = 0;
    plain.resize(300, 0);
    assert_eq!(testing::probe(entry, &elsewhere, &plain), Probe::No);
    assert_eq!(testing::probe(entry, &flow(), &plain), Probe::Certain);
    assert_eq!(testing::probe(entry, &flow(), &plain[..236]), Probe::No);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("dhcp").unwrap();
    let mut random = Random::new(3);
    for port in [67, 9999] {
        for _ in 0..20_000 {
            let data = random.octets(400);
            assert_eq!(
                testing::probe(entry, &testing::flow(Transport::Udp, port), &data),
                Probe::No
            );
        }
    }
}

#[test]
fn datagrams_cut_or_lost_anywhere_do_no_harm() {
    let (d, a) = (discover(1), ack(1));
    torture(&flow(), &[Event::Up(&d), Event::Down(&a)]).unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("dhcp").unwrap(), Transport::Udp, 67, &input);
    }

    #[test]
    fn no_options_make_it_panic(options in prop::collection::vec(any::<u8>(), 0..300)) {
        play(&flow(), &[Event::Up(&message(1, 1, 0, &[&options]))]);
    }
}
