//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::Up, Heard};
use crate::{Probe, Wants, registry};

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inner = parts.concat();
    let length = inner.len() as u32;
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        _ => {
            out.push(0x84);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(&inner);
    out
}

fn octets(text: &[u8]) -> Vec<u8> {
    element(4, &[text])
}

fn number(n: u8) -> Vec<u8> {
    vec![2, 1, n]
}

fn message(id: u8, op: &[u8]) -> Vec<u8> {
    element(0x30, &[&number(id), op])
}

fn bind(id: u8, name: &[u8], password: &[u8]) -> Vec<u8> {
    message(id, &element(0x60, &[&number(3), &octets(name), &element(0x80, &[password])]))
}

fn result(id: u8, tag: u8, code: u8, said: &[u8]) -> Vec<u8> {
    message(id, &element(tag, &[&[0x0a, 1, code], &octets(b""), &octets(said)]))
}

fn search(id: u8) -> Vec<u8> {
    let filter = element(0xa3, &[&octets(b"uid"), &octets(b"ada")]);
    let limits: &[u8] = &[0x0a, 1, 2, 0x0a, 1, 0, 2, 1, 5, 2, 1, 0, 1, 1, 0];
    let wanted = element(0x30, &[&octets(b"cn"), &octets(b"mail")]);
    message(id, &element(0x63, &[&octets(b"dc=example"), limits, &filter, &wanted]))
}

fn entry(id: u8) -> Vec<u8> {
    message(id, &element(0x64, &[&octets(b"uid=ada,dc=example"), &element(0x30, &[])]))
}

fn extended(id: u8, oid: &[u8]) -> Vec<u8> {
    message(id, &element(0x77, &[&element(0x80, &[oid])]))
}

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

fn flow(transport: Transport) -> crate::Flow {
    testing::flow(transport, 389)
}

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&flow(Transport::Tcp), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[track_caller]
fn assert_has(json: &str, parts: &[&str]) {
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
}

/// A login, a search and the farewell.
fn visit() -> [Vec<u8>; 5] {
    [
        bind(1, b"cn=keeper", b"lantern"),
        result(1, 0x61, 0, b""),
        search(2),
        [entry(2), entry(2), result(2, 0x65, 4, b"enough")].concat(),
        message(3, &[0x42, 0]),
    ]
}

fn events(visit: &[Vec<u8>; 5]) -> [Event<'_>; 5] {
    let [a, b, c, d, e] = visit;
    [Up(a), Down(b), Up(c), Down(d), Up(e)]
}

#[test]
fn each_request_is_a_transaction_with_its_result() {
    let heard = play(&events(&visit()));

    assert_eq!(heard.path, ["ldap"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let records = records(&heard);
    assert_eq!(records.len(), 3);
    assert_has(
        records[0],
        &[
            r#"{"message_id":1,"operation":"bind_request","object":"cn=keeper","version":3"#,
            r#""auth":"simple","clear_text":true"#,
            r#""result_code":0,"result":"success""#,
            r#""response_us":1000,"duration_us":1000"#,
        ],
    );
    assert_has(
        records[1],
        &[
            r#""operation":"search_request","object":"dc=example""#,
            r#""scope":"sub","deref_aliases":"never","size_limit":5,"time_limit":0"#,
            r#""types_only":false,"filter":"(uid=ada)","attributes":["cn","mail"]"#,
            r#""result_code":4,"result":"size_limit_exceeded","diagnostic":"enough","entries":2"#,
        ],
    );
    assert_has(records[2], &[r#""operation":"unbind_request""#]);
    assert!(!format!("{heard:?}").contains("lantern"));
}

#[test]
fn each_message_is_told() {
    let heard = play(&events(&visit()));

    assert_eq!(heard.messages.len(), 7);
    assert_eq!(
        heard.messages[3].1,
        r#"{"message_id":2,"operation":"search_result_entry","object":"uid=ada,dc=example"}"#
    );
}

#[test]
fn changes_of_entries_are_told_with_what_they_change() {
    let name = octets(b"uid=ada");
    let list = element(0x30, &[&octets(b"a"), &octets(b"b")]);
    let compare = element(0x30, &[&octets(b"cn"), &octets(b"secret")]);
    let control = element(0xa0, &[&element(0x30, &[&octets(b"1.2.3")])]);
    let heard = play(&[
        Up(&message(1, &element(0x68, &[&name, &list]))),
        Down(&result(1, 0x69, 68, b"there")),
        Up(&message(2, &element(0x66, &[&name, &list]))),
        Down(&result(2, 0x67, 0, b"")),
        Up(&message(3, &element(0x6c, &[&name, &octets(b"uid=b"), &[1, 1, 0xff]]))),
        Down(&result(3, 0x6d, 0, b"")),
        Up(&message(4, &element(0x6e, &[&name, &compare]))),
        Down(&result(4, 0x6f, 6, b"")),
        Up(&element(0x30, &[&number(5), &element(0x4a, &[b"uid=b"]), &control])),
        Down(&result(5, 0x6b, 32, b"")),
        Up(&message(6, &element(0x50, &[b"\x05"]))),
        Down(&message(
            0,
            &element(
                0x78,
                &[&[0x0a, 1, 52], &octets(b""), &octets(b"down"), &element(0x8a, &[b"1.9"])],
            ),
        )),
    ]);

    let records = records(&heard);
    assert_eq!(records.len(), 7);
    assert_has(
        records[0],
        &[r#""operation":"add_request""#, r#""changes":2"#, r#""result":"entry_already_exists""#],
    );
    assert_has(records[2], &[r#""operation":"mod_dn_request""#, r#""new_name":"uid=b""#]);
    assert_has(records[3], &[r#""attributes":["cn"]"#, r#""result":"compare_true""#]);
    assert_has(records[4], &[r#""object":"uid=b""#, r#""controls":["1.2.3"]"#]);
    assert_has(records[5], &[r#""operation":"abandon_request""#, r#""abandoned_id":5"#]);
    assert_has(records[6], &[r#""operation":"unsolicited_notification""#, r#""oid":"1.9""#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

/// The first octets of a client hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";

#[test]
fn what_follows_starttls_is_tls() {
    let ask = extended(1, START_TLS);
    let heard = play(&[Up(&ask), Down(&result(1, 0x78, 0, b"")), Up(HELLO)]);
    assert_eq!(heard.path, ["ldap", "tls"]);
    assert_has(records(&heard)[0], &[r#""oid":"1.3.6.1.4.1.1466.20037""#]);

    let heard = play(&[Up(&ask), Down(&result(1, 0x78, 2, b"")), Up(&search(2))]);
    assert_eq!(heard.path, ["ldap"]);
    assert_eq!(heard.anomalies, [""; 0]);

    let heard = play(&[Up(&ask), Up(&search(2))]);
    assert_eq!(heard.anomalies, ["ldap.request_after_starttls"]);
}

#[test]
fn nothing_is_read_of_a_protected_session() {
    let sasl = element(0xa3, &[&octets(b"GSS-SPNEGO"), &octets(b"token")]);
    let ask = message(1, &element(0x60, &[&number(3), &octets(b""), &sasl]));
    let heard = play(&[
        Up(&ask),
        Down(&result(1, 0x61, 0, b"")),
        Up(b"\x00\x00\x00\x10\x05\x04\x06\xff\x00\x00"),
        Down(b"\x00\x00\x00\x10\x05\x04\x06\xff\x00\x00"),
    ]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_has(
        records(&heard)[0],
        &[r#""auth":"sasl","auth_mechanism":"GSS-SPNEGO","clear_text":false"#],
    );
}

#[test]
fn a_login_by_ntlm_is_told() {
    let bind = |id, token: &[u8]| {
        let sasl = element(0xa3, &[&octets(b"GSS-SPNEGO"), &octets(token)]);
        message(id, &element(0x60, &[&number(3), &octets(b""), &sasl]))
    };
    let begin = [&b"NTLMSSP\0\x01\0\0\0"[..], &[0; 20]].concat();
    let answer = crate::ntlm::tests::answer(1, &[7; 60]);
    let heard = play(&[
        Up(&bind(1, &begin)),
        Down(&result(1, 0x61, 14, b"")),
        Up(&bind(2, &answer)),
        Down(&result(2, 0x61, 49, b"")),
        Up(&bind(3, &begin)),
    ]);

    let records = records(&heard);
    let user = r#""ntlm":{"user":"keeper","domain":"HARBOUR","workstation":"HERON""#;
    assert_has(records[1], &[r#""auth":"sasl","auth_mechanism":"GSS-SPNEGO""#, user]);
    assert!(!records[0].contains("keeper") && !records[2].contains("keeper"));
    assert_eq!(heard.anomalies, ["ldap.login_failed"]);
}

#[test]
fn a_refused_login_is_an_anomaly() {
    let heard = play(&[Up(&bind(1, b"cn=x", b"y")), Down(&result(1, 0x61, 49, b""))]);

    assert_eq!(heard.anomalies, ["ldap.login_failed"]);
    assert_has(records(&heard)[0], &[r#""result":"invalid_credentials""#]);
}

#[test]
fn a_long_entry_is_counted_and_skipped() {
    let value = octets(&vec![b'x'; 70_000]);
    let long = message(2, &element(0x64, &[&octets(b"uid=a"), &element(0x30, &[&value])]));
    let (head, tail) = long.split_at(40);
    let heard = play(&[Up(&search(2)), Down(head), Down(tail), Down(&result(2, 0x65, 0, b""))]);

    assert_has(records(&heard)[0], &[r#""entries":1"#, r#""result":"success""#]);
    assert_eq!(heard.anomalies, ["ldap.message_too_long"]);
}

#[test]
fn parsing_goes_on_behind_a_loss() {
    let heard = play(&[
        Up(&search(2)),
        Down(&entry(2)),
        LostDown(100),
        Down(b"the end of an entry"),
        Down(&result(2, 0x65, 0, b"")),
    ]);

    assert_has(records(&heard)[0], &[r#""result":"success""#, r#""entries":1"#]);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn datagrams_may_hold_several_messages() {
    let heard = testing::play(
        &flow(Transport::Udp),
        &[Up(&search(1)), Down(&[entry(1), result(1, 0x65, 0, b"")].concat()), Up(b"\x30\x05\x02")],
    );

    assert_eq!(heard.path, ["ldap"]);
    assert_has(records(&heard)[0], &[r#""entries":1"#]);
    assert_eq!(heard.anomalies, ["ldap.malformed_message"]);
}

#[test]
fn odd_messages_are_anomalies() {
    let flood: Vec<u8> = (0..130).flat_map(|_| search(9)).collect();
    let heard = play(&[
        Up(&search(2)),
        Down(&result(7, 0x65, 0, b"")),
        Down(&message(2, &element(0x65, &[b"xx"]))),
        Up(&flood),
        Up(b"no message at all"),
    ]);

    assert_eq!(
        heard.anomalies,
        [
            "ldap.unasked_result",
            "ldap.malformed_message",
            "ldap.too_many_pending",
            "ldap.too_many_pending",
            "ldap.too_many_pending",
            "ldap.malformed_message",
        ]
    );
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    testing::torture(&flow(Transport::Tcp), &events(&visit())).unwrap();
    testing::torture(&testing::flow(Transport::Tcp, 10_389), &events(&visit())).unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_with_the_login() {
    let nobody = Wants::NOTHING;
    let heard = testing::play_wanting(&flow(Transport::Tcp), &events(&visit()), nobody);

    assert_eq!(heard.path, ["ldap"]);
    assert!(heard.messages.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], transport: Transport) -> Probe {
    let entry = registry::by_id(ProtoId(198)).unwrap();
    testing::probe(entry, &testing::flow(transport, 9999), data)
}

#[test]
fn the_probe_tells_ldap_from_its_likes() {
    assert_eq!(probe(&search(1), Transport::Tcp), Probe::Certain);
    assert_eq!(probe(&search(1), Transport::Udp), Probe::Certain);
    assert_eq!(probe(&message(3, &[0x42, 0]), Transport::Tcp), Probe::Certain);
    assert_eq!(probe(&search(1)[..20], Transport::Tcp), Probe::Unsure);
    assert_eq!(probe(&search(1)[..20], Transport::Udp), Probe::No);
    // SNMP has a text where LDAP has its operation.
    let snmp = element(0x30, &[&number(1), &octets(b"public"), &element(0xa0, &[&number(1)])]);
    assert_eq!(probe(&snmp, Transport::Udp), Probe::No);
    assert_eq!(probe(b"0 bottles of beer", Transport::Tcp), Probe::No);
    assert_eq!(probe(&element(0x30, &[b"\x06\x03abc"]), Transport::Tcp), Probe::No);
}

#[test]
fn random_octets_are_not_ldap() {
    let mut random = testing::Random::new(198);
    for _ in 0..20_000 {
        let mut octets = random.octets(1500);
        assert_ne!(probe(&octets, Transport::Udp), Probe::Certain);
        octets[0] = 0x30;
        assert_ne!(probe(&octets, Transport::Tcp), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(198)).unwrap(), Transport::Tcp, 389, &input);
        testing::fuzz_one(registry::by_id(ProtoId(198)).unwrap(), Transport::Udp, 389, &input);
    }

    #[test]
    fn no_damaged_message_makes_it_panic(at in 0usize..80, value: u8, which in 0usize..5) {
        let mut octets = visit()[which].clone();
        if let Some(octet) = octets.get_mut(at) {
            *octet = value;
        }
        play(&[Up(&octets)]);
        testing::play(&flow(Transport::Udp), &[Up(&octets)]);
    }
}
