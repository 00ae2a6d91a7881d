//! BitTorrent as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, torture};
use crate::{Flow, Probe, registry};

const HASH: [u8; 20] = [0xab; 20];

fn greeting(peer: &[u8; 20]) -> Vec<u8> {
    [super::message::START, &[0, 0, 0, 0, 0, 0x10, 0, 1], &HASH, peer].concat()
}

fn wire(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len().saturating_add(1) as u32;
    [&length.to_be_bytes()[..], &[kind], body].concat()
}

fn on(transport: Transport) -> Flow {
    flow(transport, 6881)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn peers_greet_and_exchange_content() {
    let one = [greeting(b"-TR3000-abcdefghijkl"), wire(20, b"\0d1:v10:Harbour 42e")].concat();
    let two = [greeting(b"-AR1361-abcdefghijkl"), vec![0; 4], wire(5, &[0xff; 3])].concat();
    let piece = wire(7, &[0; 808]);
    let interested = wire(2, b"");
    let events = [Event::Up(&one), Event::Down(&two), Event::Down(&piece), Event::Up(&interested)];
    let heard = play(&flow(Transport::Tcp, 9999), &events);

    assert_eq!(heard.path, ["bittorrent"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"kind":"peers","info_hash":"abababababababababababababababababababab","#,
            r#""peer_id":"2d5452333030302d6162636465666768696a6b6c","client":"TR3000","#,
            r#""client_version":"Harbour 42","#,
            r#""other_peer_id":"2d4152313336312d6162636465666768696a6b6c","#,
            r#""other_client":"AR1361","dht":true,"messages_up":2,"messages_down":2,"#,
            r#""content_up":0,"content_down":800}"#
        )]
    );
    torture(&on(Transport::Tcp), &events).unwrap();
}

#[test]
fn lost_content_does_no_harm() {
    let one = greeting(b"-TR3000-abcdefghijkl");
    let piece = wire(7, &[0; 2008]);
    let events = [
        Event::Up(&one),
        Event::Down(&one),
        Event::Down(&piece[..1000]),
        Event::LostDown(500),
        Event::Down(&piece[1500..]),
        Event::Down(&piece),
    ];
    let heard = play(&on(Transport::Tcp), &events);
    assert!(transactions(&heard)[0].contains(r#""messages_down":2"#), "{heard:?}");
    assert!(transactions(&heard)[0].contains(r#""content_down":4000"#));
}

#[test]
fn the_hash_table_is_asked() {
    let ask = b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaa9:info_hash20:bbbbbbbbbbbbbbbbbbbbe\
        1:q9:get_peers1:t2:xy1:y1:qe";
    let told = b"d1:rd2:id20:cccccccccccccccccccc5:nodes0:5:token1:x6:valuesl6:123456ee\
        1:t2:xy1:v4:LT\x01\x021:y1:re";
    let no = b"d1:eli201e4:Stope1:t2:xy1:y1:ee";
    let heard =
        play(&flow(Transport::Udp, 9999), &[Event::Up(ask), Event::Down(told), Event::Up(ask)]);

    assert_eq!(heard.path, ["bittorrent"]);
    assert!(transactions(&heard)[0].starts_with(concat!(
        r#"{"kind":"dht","info_hash":"6262626262626262626262626262626262626262","#,
        r#""other_client_version":"LT","query":"get_peers""#
    )));
    assert!(transactions(&heard)[0].contains(r#""nodes":0,"peers":1,"response_us":1000"#));
    let heard = play(&on(Transport::Udp), &[Event::Up(ask), Event::Down(no)]);
    assert!(transactions(&heard)[0].contains(r#""error":201"#), "{heard:?}");
    torture(&on(Transport::Udp), &[Event::Up(ask), Event::Down(told)]).unwrap();
}

#[test]
fn a_tracker_is_asked() {
    let connect =
        [&[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80][..], &[0, 0, 0, 0, 0, 0, 0, 7]].concat();
    let connected = [0, 0, 0, 0, 0, 0, 0, 7, 9, 9, 9, 9, 9, 9, 9, 9];
    let announce = [
        &[9; 8][..],
        &[0, 0, 0, 1, 0, 0, 0, 8],
        &HASH,
        b"-TR3000-abcdefghijkl",
        &[0; 8],
        &[0, 0, 0, 0, 0, 0, 1, 0],
        &[0; 8],
        &[0, 0, 0, 2],
        &[0; 12],
        &[0x1a, 0xe1],
    ]
    .concat();
    let announced = [0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 7, 8, 0, 0, 0, 3, 0, 0, 0, 5];
    let events = [
        Event::Up(&connect),
        Event::Down(&connected),
        Event::Up(&announce),
        Event::Down(&announced),
    ];
    let heard = play(&flow(Transport::Udp, 9999), &events);

    let all = transactions(&heard);
    assert!(all[0].contains(r#""query":"connect""#), "{heard:?}");
    assert!(
        all[1].contains(r#""client":"TR3000","query":"announce","event":"started","left":256"#)
    );
    assert!(all[1].contains(r#""port":6881,"seeders":5,"leechers":3"#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_connection_by_datagrams_is_known_by_its_beginning() {
    let begin = [0x41, 0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0];
    let mut data = vec![0x01, 0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 1];
    data.extend_from_slice(&greeting(b"-TR3000-abcdefghijkl"));
    let mut more = data[..20].to_vec();
    more.extend_from_slice(&[7; 30]);
    let events = [Event::Up(&begin), Event::Up(&data), Event::Up(&more)];
    let heard = play(&flow(Transport::Udp, 9999), &events);

    assert_eq!(heard.path, ["bittorrent"]);
    assert!(transactions(&heard)[0].contains(r#""kind":"utp","info_hash":"abab"#));
    assert!(transactions(&heard)[0].contains(r#""content_up":30"#));
}

#[test]
fn flaws_are_counted() {
    let one = greeting(b"-TR3000-abcdefghijkl");
    let heard = play(&on(Transport::Tcp), &[Event::Up(&one), Event::Up(&[0xff; 9])]);
    assert_eq!(heard.anomalies, ["bittorrent.malformed_message"]);

    let begin = [0x41, 0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0];
    let heard = play(&on(Transport::Udp), &[Event::Up(&begin), Event::Up(b"hello there")]);
    assert_eq!(heard.anomalies, ["bittorrent.malformed_datagram"]);
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("bittorrent").unwrap();
    let mut random = Random::new(13);
    for first in [0x41, 0x01, b'd'] {
        for _ in 0..20_000 {
            let mut data = random.octets(60);
            data[0] = first;
            let said = testing::probe(entry, &on(Transport::Udp), &data);
            assert_ne!(said, Probe::Certain, "{data:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("bittorrent").unwrap(), Transport::Tcp, 6881, &input);
        fuzz_one(registry::by_name("bittorrent").unwrap(), Transport::Udp, 6881, &input);
    }
}
