#![allow(clippy::arithmetic_side_effects, reason = "lengths of examples are small")]

use std::collections::HashSet;

use nf_wire::Transport;
use nf_wire::header::HEADERS;
use proptest::prelude::*;

use super::sign::{Company, Fit, Sign, Test};
use super::table::FIRST_DATAGRAMS;
use super::{BUILTIN, Table, Told, all, file};
use crate::registry::PROTOCOLS;
use crate::testing::Event::{Down, Up};
use crate::testing::{flow, play};
use crate::{Direction, Dissection, Flow, Pool};

fn path(transport: Transport, port: u16, events: &[crate::testing::Event<'_>]) -> Vec<String> {
    play(&flow(transport, port), events).path
}

fn read(sign: &str) -> Result<(), String> {
    let text = format!("[a]\nid = 1\nports = tcp/1 udp/1\nsign = {sign}\n");
    file::read(text.leak()).map(drop)
}

#[test]
fn the_file_can_be_read() {
    let entries = file::read(BUILTIN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(entries.len() >= 200, "{}", entries.len());
    let signed = entries.iter().filter(|e| !e.signs.is_empty()).count();
    assert!(signed >= 120, "{signed}");
}

#[test]
fn names_and_ids_are_taken_once_and_everything_is_described() {
    let (mut words, mut ids) = (HashSet::new(), HashSet::new());
    for named in all() {
        for word in named.aliases.iter().chain([&named.name]) {
            assert!(words.insert(*word), "{word} twice");
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(word.bytes().all(plain), "{word}");
        }
        assert!(ids.insert(named.id), "{} shares id {}", named.name, named.id.0);
        assert!(!named.title.is_empty() && !named.family.is_empty(), "{}", named.name);
        assert!(named.told() != "pattern" || !named.spec.is_empty(), "{}", named.name);
    }
}

#[test]
fn no_entry_has_the_name_or_id_of_a_parser_or_header() {
    for named in all() {
        for word in named.aliases.iter().chain([&named.name]) {
            let parser = PROTOCOLS.iter().find(|e| e.info.answers_to(word));
            assert!(parser.is_none(), "{}: {word} has a parser", named.name);
            let header = HEADERS.iter().find(|h| h.name == *word || h.aliases.contains(word));
            assert!(header.is_none(), "{}: {word} is a header", named.name);
        }
        let parser = PROTOCOLS.iter().find(|e| e.info.id == named.id);
        assert!(parser.is_none(), "{}: id {} has a parser", named.name, named.id.0);
        assert!(HEADERS.iter().all(|h| h.id != named.id), "{}: id of a header", named.name);
    }
}

/// A payload that bears the sign, as short as it can be, and whether there is one.
fn example(sign: &Sign) -> Vec<u8> {
    let mut data: Vec<u8> = Vec::new();
    let (mut reach, mut end) = (0, 0);
    for test in &sign.tests {
        reach = reach.max(match test {
            Test::Octets { at, value, .. } => at + value.len(),
            Test::Range { at, .. } => at + 1,
            Test::Counts { at, width, add, .. } => (at + width).max((-add).max(0) as usize),
            Test::Length { low, .. } => *low,
            Test::Tail { back, .. } => {
                end = end.max(*back);
                0
            }
            Test::Has(_) => 0,
        });
    }
    data.resize(reach + end, 0x77);
    for test in &sign.tests {
        match test {
            Test::Octets { at, value, mask } => {
                for (n, (v, m)) in value.iter().zip(mask).enumerate() {
                    data[at + n] = (data[at + n] & !m) | v;
                }
            }
            Test::Range { at, low, .. } => data[*at] = *low,
            _ => {}
        }
    }
    for test in &sign.tests {
        match test {
            Test::Has(value) => data.extend(value),
            Test::Tail { back, value } => {
                let at = data.len() - back;
                data[at..at + value.len()].copy_from_slice(value);
            }
            _ => {}
        }
    }
    for test in &sign.tests {
        if let Test::Counts { at, width, big, add } = test {
            let number = (data.len() as i64 + add) as u64;
            let octets = number.to_be_bytes();
            let mut octets = octets[8 - width..].to_vec();
            if !big {
                octets.reverse();
            }
            data[*at..at + width].copy_from_slice(&octets);
        }
    }
    data
}

fn tell(table: &Table, data: &[u8], dir: Direction, flow: &Flow) -> Told {
    table.tell(&crate::Segment { data, dir, time: 0, cut: false, ppid: 0, flow })
}

#[test]
fn an_identifier_of_sctp_tells_whatever_the_port() {
    let table = Table::new(&|_| true);
    let flow = flow(Transport::Sctp, 40_123);
    let at = |ppid| {
        let dir = Direction::Up;
        table.tell(&crate::Segment { data: &[0; 9], dir, time: 0, cut: false, ppid, flow: &flow })
    };
    let x2ap = all().iter().find(|named| named.name == "x2ap").unwrap();

    let Told::Entry(entry, Company::None) = at(27) else { panic!("{:?}", at(27)) };
    assert_eq!(table.id(entry), Some(x2ap.id));
    assert_eq!(x2ap.told(), "pattern");
    assert_eq!(at(0), Told::Nothing);
    assert_eq!(at(999), Told::Nothing);
}

#[test]
fn every_sign_can_be_borne_and_leads_to_its_entry() {
    let table = Table::new(&|_| true);
    for (number, named) in all().iter().enumerate() {
        for sign in &named.signs {
            let data = example(sign);
            let port = named.ports.iter().find(|p| p.0 == sign.carrier).map_or(1, |p| p.1);
            let dir = sign.dir.unwrap_or_default();
            let told = tell(&table, &data, dir, &flow(sign.carrier, port));
            let id = match told {
                Told::Entry(entry, _) => table.id(entry),
                _ => None,
            };
            assert_eq!(id, Some(named.id), "{number} {}: {told:?} {sign:?}", named.name);
        }
    }
}

#[test]
fn random_octets_bear_no_sign_in_a_million_sessions() {
    let mut expected = 0.0;
    for named in all() {
        for sign in named.signs.iter().filter(|s| !s.port) {
            let tries = match sign.carrier {
                Transport::Tcp => 1.0,
                _ => f64::from(FIRST_DATAGRAMS),
            };
            let once: f64 = tries * (-sign.bits).exp2();
            // Any other packet of the session may agree.
            let share = if sign.company == Company::None { once } else { once * once };
            assert!(share < 1e-7, "{}: {share:e} {sign:?}", named.name);
            expected += share;
        }
    }
    assert!(expected < 1e-6, "{expected:e}");
}

#[test]
fn weak_evidence_is_refused() {
    for (sign, part) in [
        (r#"tcp up 0:"ab""#, "bits of evidence"),
        (r#"tcp up 0:"abc""#, "bits of evidence"),
        (r#"udp up len:40"#, "whole octet"),
        (r#"udp any 0:4? be32@4=len"#, "whole octet"),
        (r#"tcp up port 0:41"#, "bits of evidence"),
        (r#"tcp up port len:4"#, "bits of evidence"),
        (r#"ip up 0:"abcd""#, "tcp, udp or sctp"),
        (r#"tcp sideways 0:"abcd""#, "up, down or any"),
        (r#"tcp up 0:"abcd"#, "closing"),
        (r#"tcp up 0:abc"#, "is no test"),
        (r#"tcp up 0:05-01"#, "is no test"),
    ] {
        let mistake = read(sign).unwrap_err();
        assert!(mistake.starts_with("4: ") && mistake.contains(part), "{sign}: {mistake}");
    }
    for sign in [
        r#"tcp up 0:"abcd""#,
        r#"tcp up port 0:"ab""#,
        r#"udp any twice 0:"ab""#,
        r#"udp any mutual 0:4? 5:ff be16@2=len-4"#,
        r#"udp up port be16@0=len"#,
    ] {
        assert_eq!(read(sign), Ok(()), "{sign}");
    }
}

#[test]
fn a_pattern_on_a_foreign_port_tells() {
    let greeting = [Down(b"@RSYNCD: 31.0\n")];
    assert_eq!(path(Transport::Tcp, 4000, &greeting), ["rsync"]);
    assert_eq!(path(Transport::Udp, 4000, &[Up(b"TS3INIT1\0e\0\0\x88")]), ["teamspeak"]);
}

#[test]
fn a_pattern_is_only_looked_for_where_a_stream_starts() {
    let late = [Up(b"\x91\x92\x93\x94\x95"), Up(b"@RSYNCD: 31.0\n")];
    assert_eq!(path(Transport::Tcp, 4000, &late), [""; 0]);
}

#[test]
fn a_stream_that_starts_in_small_pieces_is_waited_for() {
    let pieces = [Down(b"@RS"), Down(b"YNC"), Down(b"D: 31.0\n")];
    assert_eq!(path(Transport::Tcp, 4000, &pieces), ["rsync"]);
}

#[test]
fn mutual_signs_need_both_directions() {
    let mut request = vec![0; 74];
    request[1] = 1;
    request[3] = 70;
    let mut answer = request.clone();
    answer[1] = 2;
    assert_eq!(path(Transport::Udp, 50_001, &[Up(&request), Up(&request)]), [""; 0]);
    assert_eq!(path(Transport::Udp, 50_001, &[Up(&request), Down(&answer)]), ["discord"]);
}

#[test]
fn a_sign_that_needs_its_port_says_nothing_elsewhere() {
    let question = [Up(&b"get a\r\n"[..])];
    assert_eq!(path(Transport::Tcp, 11_211, &question), ["memcached"]);
    assert_eq!(path(Transport::Tcp, 4000, &question), [""; 0]);
}

#[test]
fn ports_alone_give_a_guess_and_parsers_go_first() {
    let shared = crate::testing::dissector(crate::registry::PROTOCOLS, Default::default()).unwrap();
    let guess = |transport, port| shared.port_guess(&flow(transport, port)).map(|id| id.0);
    assert_eq!(
        guess(Transport::Tcp, 873),
        all().iter().find(|n| n.name == "rsync").map(|n| n.id.0)
    );
    assert_eq!(guess(Transport::Tcp, 80), Some(153));
    assert_eq!(guess(Transport::Tcp, 40_123), None);
}

#[test]
fn what_a_parser_knows_is_never_a_pattern() {
    let mut dissection = Dissection::default();
    let shared = crate::testing::dissector(crate::registry::PROTOCOLS, Default::default()).unwrap();
    let mut heard = crate::testing::Heard::default();
    let mut pool = Pool::new(1 << 20);
    let mut cx = crate::Context { shared: &shared, pool: &mut pool, observer: &mut heard };
    let flow = flow(Transport::Tcp, 22);
    let data = b"SSH-2.0-OpenSSH_9.9\r\n";
    let dir = Direction::Down;
    dissection
        .feed(&mut cx, &crate::Segment { data, dir, time: 0, cut: false, ppid: 0, flow: &flow });
    dissection.end(&mut cx);
    assert_eq!(dissection.path().len(), 1);
    assert!(!dissection.is_by_pattern());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_payloads_are_nobodys(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..6),
        udp in any::<bool>(),
    ) {
        let table = Table::new(&|_| true);
        let transport = if udp { Transport::Udp } else { Transport::Tcp };
        for data in &packets {
            for dir in [Direction::Up, Direction::Down] {
                let told = tell(&table, data, dir, &flow(transport, 40_123));
                prop_assert!(!matches!(told, Told::Entry(_, Company::None)), "{told:?}");
            }
        }
    }

    #[test]
    fn shuffled_messages_are_nobodys(seed in any::<u64>(), which in any::<prop::sample::Index>()) {
        let table = Table::new(&|_| true);
        let signs: Vec<_> = all().iter().flat_map(|n| &n.signs).collect();
        let sign = which.get(&signs);
        let mut data = example(sign);
        data.extend(seed.to_be_bytes());
        let mut state = seed | 1;
        for at in (1..data.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            data.swap(at, (state >> 33) as usize % (at + 1));
        }
        // Few octets, mostly equal, may come out as they were.
        prop_assume!(sign.fit(&data, sign.carrier == Transport::Tcp) != Fit::Yes);
        let told = tell(&table, &data, sign.dir.unwrap_or_default(), &flow(sign.carrier, 40_123));
        prop_assert!(!matches!(told, Told::Entry(_, Company::None)), "{told:?} {data:?}");
    }
}
