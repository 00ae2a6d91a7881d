//! The protocol as the engine drives it.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use nf_wire::Transport;
use proptest::prelude::*;

use crate::registry::by_name;
use crate::testing::{self, Event, Heard, fuzz_one, play, torture};
use crate::{NameSource, Probe};

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}

struct Head {
    command: u16,
    status: u32,
    flags: u32,
    next: u32,
    message: u64,
    tree: u32,
}

/// A message of version 2; `status` of a request is ignored.
fn message(head: &Head, body: &[u8]) -> Vec<u8> {
    let mut out = b"\xfeSMB\x40\0\0\0".to_vec();
    out.extend(head.status.to_le_bytes());
    out.extend(head.command.to_le_bytes());
    out.extend([1, 0]);
    out.extend(head.flags.to_le_bytes());
    out.extend(head.next.to_le_bytes());
    out.extend(head.message.to_le_bytes());
    out.extend([0; 4]);
    out.extend(head.tree.to_le_bytes());
    out.extend(0x77u64.to_le_bytes());
    out.extend([0; 16]);
    out.extend(body);
    out
}

fn ask(command: u16, number: u64, tree: u32, body: &[u8]) -> Vec<u8> {
    message(&Head { command, status: 0, flags: 0, next: 0, message: number, tree }, body)
}

fn answer(command: u16, number: u64, tree: u32, status: u32, body: &[u8]) -> Vec<u8> {
    message(&Head { command, status, flags: 1, next: 0, message: number, tree }, body)
}

fn negotiate() -> [Vec<u8>; 2] {
    let mut asked = vec![36, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    asked.extend([7; 16]);
    asked.extend([0; 8]);
    asked.extend([0x10, 2, 0, 3]);
    let mut told = vec![65, 0, 3, 0, 0, 3, 0, 0];
    told.extend([9; 16]);
    told.extend([0; 4]);
    told.extend([0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    told.extend([0; 16]);
    told.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    [framed(&ask(0, 0, 0, &asked)), framed(&answer(0, 0, 0, 0, &told))]
}

fn connect(number: u64, tree: u32, kind: u8) -> [Vec<u8>; 2] {
    let path = wide("\\\\quay\\charts");
    let mut asked = vec![9, 0, 0, 0, 72, 0];
    asked.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
    asked.extend(path);
    let mut told = vec![16, 0, kind, 0];
    told.extend([0; 12]);
    [framed(&ask(3, number, 0, &asked)), framed(&answer(3, number, tree, 0, &told))]
}

fn create_request(name: &str) -> Vec<u8> {
    let name = wide(name);
    let mut asked = vec![57, 0, 0, 0, 2, 0, 0, 0];
    asked.extend([0; 16]);
    asked.extend(0x0012_0089u32.to_le_bytes());
    asked.extend([0; 8]);
    asked.extend(1u32.to_le_bytes());
    asked.extend(0x40u32.to_le_bytes());
    asked.extend(120u16.to_le_bytes());
    asked.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    asked.extend([0; 8]);
    asked.extend(name);
    asked
}

fn create_response(handle: [u8; 16]) -> Vec<u8> {
    let mut told = vec![89, 0, 0, 0, 1, 0, 0, 0];
    for _ in 0..4 {
        told.extend(133_500_000_000_000_000u64.to_le_bytes());
    }
    told.extend(4096u64.to_le_bytes());
    told.extend(700u64.to_le_bytes());
    told.extend([0x20, 0, 0, 0, 0, 0, 0, 0]);
    told.extend(handle);
    told.extend([0; 8]);
    told
}

fn close_request(handle: [u8; 16]) -> Vec<u8> {
    [&[24, 0, 0, 0, 0, 0, 0, 0][..], &handle].concat()
}

fn read_request(handle: [u8; 16]) -> Vec<u8> {
    let mut asked = vec![49, 0, 0x50, 0, 0xbc, 2, 0, 0];
    asked.extend([0; 8]);
    asked.extend(handle);
    asked.extend([0; 17]);
    asked
}

fn read_response(data: &[u8]) -> Vec<u8> {
    let mut told = vec![17, 0, 80, 0];
    told.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    told.extend([0; 8]);
    told.extend(data);
    told
}

fn write_request(handle: [u8; 16], data: &[u8]) -> Vec<u8> {
    let mut asked = vec![49, 0, 112, 0];
    asked.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    asked.extend([0; 8]);
    asked.extend(handle);
    asked.extend([0; 16]);
    asked.extend(data);
    asked
}

fn write_response(length: u32) -> Vec<u8> {
    let mut told = vec![17, 0, 0, 0];
    told.extend(length.to_le_bytes());
    told.extend([0; 9]);
    told
}

const HANDLE: [u8; 16] = [5; 16];

/// A file opened, read and written, and closed.
fn visit() -> Vec<Vec<u8>> {
    let data = vec![b'x'; 700];
    let [n1, n2] = negotiate();
    let [t1, t2] = connect(1, 4, 1);
    vec![
        n1,
        n2,
        t1,
        t2,
        framed(&ask(5, 2, 4, &create_request("letters\\first.txt"))),
        framed(&answer(5, 2, 4, 0, &create_response(HANDLE))),
        framed(&ask(8, 3, 4, &read_request(HANDLE))),
        framed(&answer(8, 3, 4, 0, &read_response(&data))),
        framed(&ask(9, 4, 4, &write_request(HANDLE, &data[..90]))),
        framed(&answer(9, 4, 4, 0, &write_response(90))),
        framed(&ask(6, 5, 4, &close_request(HANDLE))),
        framed(&answer(6, 5, 4, 0, &[60; 60])),
    ]
}

fn in_turn(octets: &[Vec<u8>]) -> Vec<Event<'_>> {
    let event = |(n, o)| if n % 2 == 0 { Event::Up(o) } else { Event::Down(o) };
    octets.iter().map(Vec::as_slice).enumerate().map(event).collect()
}

fn heard(events: &[Event<'_>]) -> Heard {
    play(&testing::flow(Transport::Tcp, 445), events)
}

#[test]
fn a_file_is_told_with_its_sums_when_it_is_closed() {
    let octets = visit();
    let heard = heard(&in_turn(&octets));

    assert_eq!(heard.path, ["smb"]);
    assert_eq!(heard.names, [(NameSource::Host, "quay".to_string())]);
    assert_eq!(heard.anomalies, [""; 0]);
    let said: Vec<_> = heard.transactions.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    assert!(said[0].contains(r#""command":"SMB2_COMMAND_NEGOTIATE_PROTOCOL","status":"STATUS_SUCCESS","status_code":"0x0""#));
    assert!(said[0].contains(r#""client_dialects":["2.10","3.00"]"#));
    assert!(said[1].contains(r#""share":"\\\\quay\\charts","share_type":"FILE""#));
    assert!(said[2].contains(r#""filename":"letters\\first.txt""#));
    assert!(said[2].contains(r#""disposition":"FILE_OPEN""#));
    assert!(said[2].contains(r#""size":700"#));
    assert!(said[3].contains(r#""command":"SMB2_COMMAND_CLOSE""#));
    assert!(said[3].contains(r#""filename":"letters\\first.txt""#));
    assert!(said[3].contains(r#""bytes_read":700,"bytes_written":90"#));
    assert!(said[3].contains(r#""version":3,"dialect":"3.00""#));
}

#[test]
fn a_file_left_open_is_told_at_the_end() {
    let octets = visit();
    let heard = heard(&in_turn(&octets[..10]));

    let last = &heard.transactions.last().unwrap().1;
    assert!(last.contains(r#""command":"left_open""#), "{last}");
    assert!(last.contains(r#""bytes_read":700,"bytes_written":90"#));
}

#[test]
fn a_refusal_is_told_by_name() {
    let asked = framed(&ask(5, 2, 4, &create_request("missing.txt")));
    let told = framed(&answer(5, 2, 4, 0xc000_0034, &[9, 0, 0, 0, 0, 0, 0, 0, 0]));
    let heard = heard(&[Event::Up(&asked), Event::Down(&told)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""status":"STATUS_OBJECT_NAME_NOT_FOUND","status_code":"0xc0000034""#));
    assert!(said.contains(r#""filename":"missing.txt""#));
}

#[test]
fn commands_of_one_message_share_their_file() {
    let mut create = create_request("ebb.txt");
    create.resize(create.len().next_multiple_of(8), 0);
    let next = u32::try_from(64 + create.len()).unwrap();
    let first = Head { command: 5, status: 0, flags: 0, next, message: 2, tree: 4 };
    let second = Head { command: 6, status: 0, flags: 4, next: 0, message: 3, tree: 4 };
    let mut asked = message(&first, &create);
    asked.extend(message(&second, &close_request([0xff; 16])));
    let told_create = create_response(HANDLE);
    let next = u32::try_from(64 + told_create.len()).unwrap();
    let first = Head { command: 5, status: 0, flags: 1, next, message: 2, tree: 4 };
    let second = Head { command: 6, status: 0, flags: 5, next: 0, message: 3, tree: 4 };
    let mut told = message(&first, &told_create);
    told.extend(message(&second, &[60; 60]));
    let (asked, told) = (framed(&asked), framed(&told));

    let heard = heard(&[Event::Up(&asked), Event::Down(&told)]);

    assert_eq!(heard.transactions.len(), 2);
    let closed = &heard.transactions[1].1;
    assert!(closed.contains(r#""filename":"ebb.txt""#), "{closed}");
    assert!(closed.contains(r#""bytes_read":0"#));
    assert!(heard.messages[0].1.contains(r#""compound":true"#));
}

#[test]
fn what_is_encrypted_is_counted() {
    let mut sealed = b"\xfdSMB".to_vec();
    sealed.extend([0; 32]);
    sealed.extend(100u32.to_le_bytes());
    sealed.extend([0, 0, 1, 0]);
    sealed.extend(9u64.to_le_bytes());
    sealed.extend([3; 100]);
    let sealed = framed(&sealed);

    let heard = heard(&[Event::Up(&sealed), Event::Down(&sealed)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""command":"encrypted""#));
    assert!(said.contains(r#""encrypted_messages":2,"encrypted_bytes":304"#), "{said}");
    assert!(heard.messages[0].1.contains(r#""encrypted":true"#));
}

/// A message of version 1.
fn old(command: u8, response: bool, words: &[u8], octets: &[u8]) -> Vec<u8> {
    let mut out = b"\xffSMB".to_vec();
    out.push(command);
    out.extend([0; 4]);
    out.push(if response { 0x88 } else { 8 });
    out.extend([0x01, 0xc0]);
    out.extend([0; 12]);
    out.extend([1, 0, 2, 0, 3, 0, 4, 0]);
    out.push(u8::try_from(words.len() / 2).unwrap());
    out.extend(words);
    out.extend(u16::try_from(octets.len()).unwrap().to_le_bytes());
    out.extend(octets);
    framed(&out)
}

#[test]
fn version_1_names_dialect_share_and_file() {
    let asked = old(0x72, false, &[], b"\x02LANMAN1.0\0\x02NT LM 0.12\0");
    let mut words = vec![1, 0, 3];
    words.extend([0; 31]);
    let told = old(0x72, true, &words, &[0; 8]);
    let share = [&[0][..], &wide("\\\\QUAY\\CHARTS\0"), b"?????\0"].concat();
    let connect = old(0x75, false, &[0xff, 0, 0, 0, 0, 0, 1, 0], &share);
    let connected = old(0x75, true, &[0xff, 0, 0, 0, 1, 0], b"A:\0\0");
    let heard = heard(&[
        Event::Up(&asked),
        Event::Down(&told),
        Event::Up(&connect),
        Event::Down(&connected),
    ]);

    let said: Vec<_> = heard.transactions.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(heard.anomalies, [""; 0]);
    assert!(said[0].contains(r#""version":1,"dialect":"NT LM 0.12""#), "{said:#?}");
    assert!(said[0].contains(r#""client_dialects":["LANMAN1.0","NT LM 0.12"]"#));
    assert!(said[1].contains(r#""share":"\\\\QUAY\\CHARTS","share_type":"FILE""#), "{}", said[1]);
}

#[test]
fn what_version_1_asks_of_an_open_file_has_its_name() {
    let mut words = vec![0xff, 0, 0, 0, 0, 22, 0];
    words.resize(48, 0);
    let open = old(0xa2, false, &words, &[&[0][..], &wide("\\tides.txt\0")].concat());
    let mut words = vec![0xff, 0, 0, 0, 0, 9, 0, 1];
    words.resize(68, 0);
    let opened = old(0xa2, true, &words, &[]);
    let mut words = vec![4, 0, 0, 0, 2, 0, 0, 4];
    words.resize(18, 0);
    // Four octets of parameters behind header, words, count and three octets that fill.
    words.extend([4, 0, 68, 0, 0, 0, 0, 0, 1, 0, 7, 0]);
    let query = old(0x32, false, &words, &[0, 0, 0, 9, 0, 7, 1]);
    let heard = heard(&[Event::Up(&open), Event::Down(&opened), Event::Up(&query)]);

    let said = &heard.transactions.last().unwrap().1;
    assert!(said.contains(r#""function":"TRANS2_QUERY_FILE_INFORMATION""#), "{said}");
    assert!(said.contains("tides.txt"), "{said}");
}

#[test]
fn an_offer_of_version_1_may_be_answered_by_version_2() {
    let asked = old(0x72, false, &[], b"\x02NT LM 0.12\0\x02SMB 2.???\0");
    let [_, told] = negotiate();
    let heard = heard(&[Event::Up(&asked), Event::Down(&told)]);

    let said = &heard.transactions[0].1;
    assert!(said.contains(r#""command":"SMB1_COMMAND_NEGOTIATE_PROTOCOL""#), "{said}");
    assert!(said.contains(r#""dialect":"3.00""#));
    assert!(said.contains("SMB 2.???"));
}

#[test]
fn a_call_through_a_pipe_is_told_with_its_interface() {
    let mut bind = vec![5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0];
    bind.extend([0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
    bind.extend([
        0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1,
        0x88, 3, 0, 0, 0,
    ]);
    bind.extend([
        0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48,
        0x60, 2, 0, 0, 0,
    ]);
    let mut call = vec![5, 0, 0, 3, 0x10, 0, 0, 0, 28, 0, 0, 0, 2, 0, 0, 0];
    call.extend([4, 0, 0, 0, 0, 0, 15, 0, 1, 2, 3, 4]);
    let mut result = vec![5, 0, 2, 3, 0x10, 0, 0, 0, 32, 0, 0, 0, 2, 0, 0, 0];
    result.extend([8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let [n1, n2] = negotiate();
    let [t1, t2] = connect(1, 4, 2);
    let octets = vec![
        n1,
        n2,
        t1,
        t2,
        framed(&ask(5, 2, 4, &create_request("srvsvc"))),
        framed(&answer(5, 2, 4, 0, &create_response(HANDLE))),
        framed(&ask(9, 3, 4, &write_request(HANDLE, &bind))),
        framed(&answer(9, 3, 4, 0, &write_response(72))),
        framed(&ask(9, 4, 4, &write_request(HANDLE, &call))),
        framed(&answer(9, 4, 4, 0, &write_response(28))),
        framed(&ask(8, 5, 4, &read_request(HANDLE))),
        framed(&answer(8, 5, 4, 0, &read_response(&result))),
    ];

    let heard = heard(&in_turn(&octets));

    let called = heard.transactions.iter().find(|(_, t)| t.contains(r#""opnum":15"#));
    let called = &called.unwrap().1;
    assert!(called.contains(r#""interface":"srvsvc""#), "{called}");
    assert!(called.contains(r#""operation":"NetrShareEnum""#));
    assert!(called.contains(r#""request_length":4,"response_fragments":1,"response_length":8"#));
}

#[test]
fn a_frame_is_found_again_after_a_loss() {
    let octets = visit();
    let mut events = in_turn(&octets);
    events.insert(8, Event::LostUp(5000));

    let heard = heard(&events);

    assert!(heard.transactions.last().unwrap().1.contains(r#""bytes_written":90"#));
}

#[test]
fn what_lies_in_its_lengths_is_counted() {
    let long = framed(&ask(3, 1, 0, &[9, 0, 0, 0, 72, 0, 0xff, 0xff, 1, 1]));
    let chained = Head { command: 5, status: 0, flags: 0, next: 4096, message: 2, tree: 4 };
    let out_of_frame = framed(&message(&chained, &create_request("x")));
    let heard = heard(&[Event::Up(&long), Event::Up(&out_of_frame), Event::Up(b"\x33garbage")]);

    let wrong = ["smb.body_invalid", "smb.chain_invalid", "smb.frame_invalid"];
    assert_eq!(heard.anomalies, wrong);
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let octets = visit();
    torture(&testing::flow(Transport::Tcp, 445), &in_turn(&octets)).unwrap();
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = by_name("smb").unwrap();
    let flow = testing::flow(Transport::Tcp, 445);
    let unknown = framed(&ask(99, 0, 0, &[0; 40]));
    for octets in [&b"GET / HTTP/1.1\r\n"[..], b"\0\0\0\x50\xfeSMA", &unknown, b"\x81\0\0\x44 CK"] {
        assert_eq!(testing::probe(entry, &flow, octets), Probe::No, "{octets:?}");
    }
    let mut random = testing::Random::new(1);
    for _ in 0..2000 {
        assert_ne!(testing::probe(entry, &flow, &random.octets(300)), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..300),
        command in 0u16..19,
        response in any::<bool>(),
        old_version in any::<bool>(),
    ) {
        let octets = if old_version {
            old(u8::try_from(command).unwrap() | 0x70, response, &[], &input)
        } else if response {
            framed(&answer(command, 1, 4, 0, &input))
        } else {
            framed(&ask(command, 1, 4, &input))
        };
        heard(&[Event::Up(&octets), Event::Down(&octets)]);
        fuzz_one(by_name("smb").unwrap(), Transport::Tcp, 445, &input);
    }
}
