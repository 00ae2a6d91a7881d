//! SSH as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Fault, Flow, Probe, Wants, registry};

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    let mut out = length.to_be_bytes().to_vec();
    out.push(u8::try_from(padding).unwrap());
    out.extend_from_slice(payload);
    out.resize(out.len() + padding, 0);
    out
}

fn string(octets: &[u8]) -> Vec<u8> {
    [&u32::try_from(octets.len()).unwrap().to_be_bytes(), octets].concat()
}

fn offer(lists: [&str; 8]) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend_from_slice(&[9; 16]);
    for list in lists.into_iter().chain(["", ""]) {
        payload.extend_from_slice(&string(list.as_bytes()));
    }
    payload.extend_from_slice(&[0; 5]);
    packet(&payload)
}

const CLIENT: [&str; 8] = [
    "curve25519-sha256,ecdh-sha2-nistp256,kex-strict-c-v00@openssh.com",
    "ssh-ed25519,rsa-sha2-512",
    "aes128-gcm@openssh.com,aes128-ctr",
    "aes128-ctr,aes256-ctr",
    "hmac-sha2-256",
    "hmac-sha2-512,hmac-sha2-256",
    "none,zlib",
    "zlib@openssh.com,none",
];
const SERVER: [&str; 8] = [
    "ecdh-sha2-nistp256,curve25519-sha256",
    "rsa-sha2-512",
    "aes128-ctr,aes128-gcm@openssh.com",
    "aes256-ctr,aes128-ctr",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
];

struct Session {
    up: [Vec<u8>; 3],
    down: [Vec<u8>; 2],
}

fn session() -> Session {
    let key = [string(b"ssh-rsa"), string(b"\x01\0\x01"), string(&[7; 32])].concat();
    let reply = packet(&[&[31][..], &string(&key), &string(b"f"), &string(b"sig")].concat());
    let newkeys = packet(&[21]);
    Session {
        up: [
            [&b"SSH-2.0-Client_1.0 for tests\r\n"[..], &offer(CLIENT)].concat(),
            packet(&[&[30][..], &string(&[1; 32])].concat()),
            [newkeys.clone(), vec![0xee; 100]].concat(),
        ],
        down: [
            [&b"Keep out!\r\nSSH-2.0-Server_2.0\r\n"[..], &offer(SERVER)].concat(),
            [reply, newkeys, vec![0xdd; 100]].concat(),
        ],
    }
}

fn events(session: &Session) -> Vec<Event<'_>> {
    vec![
        Event::Up(&session.up[0]),
        Event::Down(&session.down[0]),
        Event::Up(&session.up[1]),
        Event::Down(&session.down[1]),
        Event::Up(&session.up[2]),
    ]
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 22)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_handshake_is_a_transaction() {
    let heard = play(&on_port(), &events(&session()));

    assert_eq!(heard.path, ["ssh"]);
    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"client_version":"2.0","client_software":"Client_1.0","#,
            r#""client_comments":"for tests","server_version":"2.0","#,
            r#""server_software":"Server_2.0","hassh":"767ecc949876086d365b7319cfaa20ec","#,
            r#""hassh_algorithms":"curve25519-sha256,ecdh-sha2-nistp256,"#,
            r#"kex-strict-c-v00@openssh.com;aes128-gcm@openssh.com,aes128-ctr;hmac-sha2-256;"#,
            r#"none,zlib","hassh_server":"d156dd1f0f0bfb72457d060eb6b50972","#,
            r#""hassh_server_algorithms":"ecdh-sha2-nistp256,curve25519-sha256;"#,
            r#"aes256-ctr,aes128-ctr;hmac-sha2-256;none","kex":"curve25519-sha256","#,
            r#""host_key_algorithm":"rsa-sha2-512","cipher_up":"aes128-gcm@openssh.com","#,
            r#""cipher_down":"aes128-ctr","mac_down":"hmac-sha2-256","compression_up":"none","#,
            r#""compression_down":"none","strict_kex":false,"host_key_type":"ssh-rsa","#,
            r#""host_key_sha256":"tliKS97qeK0KMsyKIPY2jItm913ttzu13VgwqLQI4Gk","encrypted":true,"handshake_us":4000}"#
        )]
    );
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    torture(&on_port(), &events(&session())).unwrap();
}

#[test]
fn messages_in_clear_are_told() {
    let heard = play(&on_port(), &events(&session()));

    let kinds: Vec<_> =
        heard.messages.iter().map(|(_, m)| m.split('"').nth(3).unwrap().to_string()).collect();
    assert_eq!(
        kinds,
        [
            "banner",
            "kexinit",
            "banner",
            "kexinit",
            "key_exchange",
            "key_exchange",
            "newkeys",
            "newkeys"
        ]
    );
    assert!(heard.messages[3].1.contains(r#""ciphers_down":"aes256-ctr,aes128-ctr""#));
}

#[test]
fn banners_alone_are_reported_at_the_end() {
    let heard =
        play(&on_port(), &[Event::Down(b"SSH-1.99-Old\n"), Event::Up(b"SSH-1.5-Older thing\r\n")]);

    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"client_version":"1.5","client_software":"Older","client_comments":"thing","#,
            r#""server_version":"1.99","server_software":"Old","encrypted":false}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_session_first_seen_from_its_server_keeps_its_roles() {
    let reversed = Flow { initiator_port: 22, responder_port: 40_000, ..on_port() };
    let heard = play(&reversed, &[Event::Up(b"SSH-2.0-Server\r\n")]);

    assert!(transactions(&heard)[0].contains(r#""server_software":"Server""#));
}

#[test]
fn a_loss_in_clear_ends_one_direction() {
    let s = session();
    let events =
        [Event::Down(&s.down[0]), Event::LostUp(9), Event::Up(b"x"), Event::Down(&s.down[1])];
    let heard = play(&on_port(), &events);

    assert_eq!(heard.faults, []);
    assert!(transactions(&heard)[0].contains(r#""server_software":"Server_2.0""#));
    let both = [&events[..2], &[Event::LostDown(1)]].concat();
    assert_eq!(play(&on_port(), &both).faults, [("ssh".to_string(), Fault::Gap)]);
}

#[test]
fn a_server_that_greets_first_is_recognised() {
    let s = session();
    let heard = play(
        &flow(Transport::Tcp, 2222),
        &[Event::Down(&s.down[0]), Event::Up(&s.up[0]), Event::Down(&s.down[1])],
    );

    assert!(transactions(&heard)[0].contains(r#""server_software":"Server_2.0""#));
    assert!(transactions(&heard)[0].contains(r#""kex":"curve25519-sha256""#));
    let page = b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n";
    assert!(!play(&on_port(), &[Event::Down(page)]).path.contains(&"ssh".to_string()));
}

#[test]
fn a_refusal_in_words_is_kept() {
    let heard = play(
        &on_port(),
        &[Event::Down(b"SSH-2.0-b\r\nProtocol mismatch.\r\n"), Event::Up(b"hello\r\n")],
    );

    assert!(transactions(&heard)[0].contains(r#""refusal":"Protocol mismatch.""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_group_exchange_has_its_reply_elsewhere() {
    let only = |kex| {
        let mut lists = SERVER;
        lists[0] = kex;
        offer(lists)
    };
    let kex = "diffie-hellman-group-exchange-sha256";
    let key = [string(b"ssh-dss"), string(b"\x01")].concat();
    let group = packet(&[&[31][..], &string(b"p"), &string(b"g")].concat());
    let reply = packet(&[&[33][..], &string(&key)].concat());
    let up = [&b"SSH-2.0-a\r\n"[..], &only(kex)].concat();
    let down = [&b"SSH-2.0-b\r\n"[..], &only(kex), &group, &reply].concat();
    let heard = play(&on_port(), &[Event::Up(&up), Event::Down(&down)]);

    assert!(transactions(&heard)[0].contains(r#""host_key_type":"ssh-dss""#), "{heard:#?}");
}

#[test]
fn flaws_are_counted() {
    let hello = &b"SSH-2.0-a\r\n"[..];
    let mut nothing = CLIENT;
    nothing[0] = "unheard-of";
    let alien = [hello, &offer(nothing)].concat();
    let ours = [hello, &offer(SERVER)].concat();
    for (up, down, anomaly) in [
        (hello, b"SSH-2-b\r\n".to_vec(), "malformed_banner"),
        (hello, b"SSH-2.0-".repeat(40), "malformed_banner"),
        (hello, b"hello\n".repeat(65), "malformed_banner"),
        (hello, [hello, &[0xff; 16]].concat(), "malformed_packet"),
        (hello, [hello, &packet(&[20, 0, 0])].concat(), "malformed_offer"),
        (&alien, ours, "nothing_in_common"),
    ] {
        let heard = play(&on_port(), &[Event::Up(up), Event::Down(&down)]);
        assert_eq!(heard.anomalies, [format!("ssh.{anomaly}")]);
    }
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_first_line() {
    let heard = play_wanting(&on_port(), &events(&session()), Wants::default());

    assert_eq!(heard.path, ["ssh"]);
    assert!(heard.transactions.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("ssh").unwrap();
    for data in [&b"SSH_2.0-x"[..], b"SSH-x", b"220 ready\r\n", b"GET / HTTP/1.1\r\n", b"SSH-2.0"] {
        assert_ne!(testing::probe(entry, &on_port(), data), Probe::Certain);
    }
    let mut random = Random::new(5);
    for _ in 0..10_000 {
        let data = random.octets(60);
        assert_ne!(testing::probe(entry, &on_port(), &data), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..900)) {
        fuzz_one(registry::by_name("ssh").unwrap(), Transport::Tcp, 22, &input);
    }

    #[test]
    fn no_change_of_a_handshake_makes_it_panic(
        changes in prop::collection::vec((0..3usize, any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut s = session();
        for (which, at, octet) in changes {
            let part = if which < 2 { &mut s.down[which] } else { &mut s.up[0] };
            let at = at.index(part.len());
            part[at] = octet;
        }
        play(&on_port(), &events(&s));
    }
}
