//! Redis as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Heard, Random, flow, fuzz_one, play, play_wanting, torture};
use crate::{Flow, Probe, Wants, registry};

/// A command as clients send it.
fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len());
    for word in words {
        out += &format!("${}\r\n{word}\r\n", word.len());
    }
    out.into_bytes()
}

fn on_port() -> Flow {
    flow(Transport::Tcp, 6379)
}

fn transactions(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, t)| t.as_str()).collect()
}

#[test]
fn a_command_and_its_reply_make_a_transaction_on_any_port() {
    let heard = play(
        &flow(Transport::Tcp, 9),
        &[Event::Up(&command(&["set", "tide", "low"])), Event::Down(b"+OK\r\n")],
    );

    assert_eq!(heard.path, ["redis"]);
    assert_eq!(
        transactions(&heard),
        [concat!(
            r#"{"command":"SET","key":"tide","arguments":["tide","low"],"argument_count":2,"#,
            r#""password_seen":false,"reply_type":"string","reply":"OK","success":true,"#,
            r#""request_length":32,"response_length":5,"response_us":1000}"#
        )]
    );
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn pipelined_commands_get_their_replies_in_order() {
    let both = [command(&["GET", "a"]), command(&["LRANGE", "l", "0", "-1"])].concat();
    let heard = play(
        &on_port(),
        &[
            Event::Up(&both),
            Event::Down(b"$-1\r\n*2\r\n$1\r\na\r\n$2\r\nbc\r\n"),
            Event::Up(&command(&["INCR", "tide"])),
            Event::Down(b"-WRONGTYPE not a number\r\n"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""command":"GET""#) && said[0].contains(r#""reply_type":"null""#));
    assert!(said[1].contains(r#""reply_type":"array","reply_items":2,"success":true"#));
    assert!(
        said[2].contains(
            r#""error_code":"WRONGTYPE","error":"WRONGTYPE not a number","success":false"#
        )
    );
}

#[test]
fn passwords_are_seen_and_never_kept() {
    let secret = "lantern";
    let commands = [
        command(&["AUTH", secret]),
        command(&["auth", "keeper", secret]),
        command(&["HELLO", "3", "AUTH", "keeper", secret, "SETNAME", "x"]),
        command(&["CONFIG", "SET", "requirepass", secret]),
        command(&["ACL", "SETUSER", "keeper", "on", ">lantern"]),
        command(&["MIGRATE", "h", "1", "k", "0", "9", "AUTH", secret]),
        b"AUTH lantern\r\n".to_vec(),
    ];
    let events: Vec<_> = commands.iter().map(|c| Event::Up(c)).collect();
    let heard = play(&on_port(), &events);
    let said = transactions(&heard);

    assert_eq!(said.len(), 7);
    assert!(said.iter().all(|t| t.contains(r#""password_seen":true"#)), "{said:?}");
    assert!(
        said[1].contains(r#""username":"keeper""#) && said[2].contains(r#""username":"keeper""#)
    );
    assert!(said[6].contains(r#""inline":true"#));
    assert!(!format!("{heard:?}").contains(secret));
}

#[test]
fn version_three_is_read_with_its_pushes() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["HELLO", "3"])),
            Event::Down(b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"),
            Event::Down(b">2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\ntide\r\n"),
            Event::Up(&command(&["GET", "x"])),
            Event::Down(b"|1\r\n+ttl\r\n:3\r\n_\r\n"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""reply_type":"map","reply_items":4"#));
    assert!(said[1].contains(r#""reply_type":"push","reply":"invalidate","reply_items":2"#));
    assert!(said[2].contains(r#""reply_type":"null""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn messages_of_a_subscription_answer_nothing() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["SUBSCRIBE", "a", "b"])),
            Event::Down(b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
            Event::Down(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"),
            Event::Down(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),
            Event::Up(&command(&["UNSUBSCRIBE", "a"])),
            Event::Down(b"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[0].contains(r#""command":"SUBSCRIBE""#));
    assert!(said[2].contains(r#""key":"a""#) && said[2].contains(r#""reply":"message""#));
    assert!(said[3].contains(r#""command":"UNSUBSCRIBE""#) && said[3].contains("response_us"));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn a_client_may_ask_for_silence() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["CLIENT", "REPLY", "SKIP"])),
            Event::Up(&command(&["SET", "a", "1"])),
            Event::Up(&command(&["CLIENT", "REPLY", "OFF"])),
            Event::Up(&command(&["SET", "a", "2"])),
            Event::Up(&command(&["CLIENT", "REPLY", "ON"])),
            Event::Down(b"+OK\r\n"),
            Event::Up(&command(&["GET", "a"])),
            Event::Down(b"$1\r\n2\r\n"),
        ],
    );
    let said = transactions(&heard);

    assert!(said[5].contains(r#""command":"GET""#) && said[5].contains(r#""reply":"2""#));
    assert_eq!(said.iter().filter(|t| t.contains("response_us")).count(), 2);
}

#[test]
fn of_monitored_commands_nothing_is_kept() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["MONITOR"])),
            Event::Down(b"+OK\r\n"),
            Event::Down(b"+1700000000.1 [0 192.0.2.9:1] \"set\" \"secret\" \"x\"\r\n"),
        ],
    );

    assert_eq!(heard.transactions.len(), 2);
    assert!(!format!("{heard:?}").contains("secret"));
}

#[test]
fn parsing_ends_where_replication_begins() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["PSYNC", "?", "-1"])),
            Event::Down(b"+FULLRESYNC 0 0\r\n$9\r\nREDIS0011"),
            Event::Down(b"*1\r\n$4\r\nPING\r\n"),
        ],
    );

    assert_eq!(heard.transactions.len(), 1);
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn long_values_are_counted_and_not_held() {
    let long = command(&["SET", "k", &"x".repeat(200_000)]);
    let mut events: Vec<_> = long.chunks(1400).map(Event::Up).collect();
    events.push(Event::Down(b"+OK\r\n"));
    let heard = play(&on_port(), &events);

    let said = transactions(&heard);
    assert!(said[0].contains(r#""request_length":200031"#) && said[0].len() < 600, "{}", said[0]);
    assert!(heard.faults.is_empty());
}

#[test]
fn what_is_wrong_is_counted_and_the_session_goes_on() {
    let get = command(&["GET", "tide"]);
    for (octets, anomaly) in [
        (Event::Up(b"*2\r\n?\r\n"), "redis.malformed"),
        (Event::Up(b"$3\r\nGET\r\n"), "redis.malformed_command"),
        (Event::Down(b":1\r\n"), "redis.unasked_reply"),
    ] {
        let heard = play(
            &on_port(),
            &[
                Event::Up(&command(&["PING"])),
                Event::Down(b"+PONG\r\n"),
                octets,
                Event::Up(&get),
                Event::Down(b"$3\r\nlow\r\n"),
            ],
        );
        assert_eq!(heard.anomalies, [anomaly]);
        assert!(transactions(&heard).last().unwrap().contains(r#""reply":"low""#));
    }
}

#[test]
fn the_oldest_command_is_given_up_when_too_many_wait() {
    let many = command(&["PING"]).repeat(257);
    let heard = play(&on_port(), &[Event::Up(&many)]);

    assert_eq!(heard.anomalies, ["redis.too_many_pending"]);
    assert_eq!(heard.transactions.len(), 257);
}

#[test]
fn after_a_loss_new_commands_get_their_own_replies() {
    let heard = play(
        &on_port(),
        &[
            Event::Up(&command(&["GET", "a"])),
            Event::LostDown(50),
            Event::Down(b"end of a value\r\n"),
            Event::Up(&command(&["GET", "b"])),
            Event::Down(b"$1\r\nB\r\n"),
        ],
    );
    let said = transactions(&heard);

    assert!(!said[0].contains("reply"));
    assert!(said[1].contains(r#""key":"b""#) && said[1].contains(r#""reply":"B""#));
    assert_eq!(heard.anomalies, [""; 0]);
}

#[test]
fn loss_within_a_string_does_no_harm() {
    let long = command(&["SET", "k", &"x".repeat(3000)]);
    let heard = play(
        &on_port(),
        &[
            Event::Up(&long[..1000]),
            Event::LostUp(1000),
            Event::Up(&long[2000..]),
            Event::Down(b"+OK\r\n"),
        ],
    );

    assert!(transactions(&heard)[0].contains(r#""request_length":3029"#));
}

#[test]
fn replies_alone_are_known_on_the_port() {
    for data in [&b"+OK\r\n"[..], b"$3\r\nlow\r\n", b"-ERR unknown command\r\n"] {
        assert_eq!(play(&on_port(), &[Event::Down(data)]).path, ["redis"], "{data:?}");
        assert!(play(&flow(Transport::Tcp, 9), &[Event::Down(data)]).path.is_empty());
    }
}

#[test]
fn nothing_depends_on_how_the_stream_was_cut() {
    let one = [command(&["HSET", "boat", "name", "Heron"]), command(&["HGETALL", "boat"])].concat();
    torture(
        &on_port(),
        &[
            Event::Up(&one),
            Event::Down(b":1\r\n*2\r\n$4\r\nname\r\n$5\r\nHeron\r\n"),
            Event::Up(b"PING \"two words\"\r\n"),
            Event::Down(b"$9\r\ntwo words\r\n"),
        ],
    )
    .unwrap();
}

#[test]
fn where_nobody_listens_the_parser_ends_at_once() {
    let heard = play_wanting(&on_port(), &[Event::Up(&command(&["PING"]))], Wants::default());

    assert_eq!(heard.path, ["redis"]);
    assert!(heard.transactions.is_empty() && heard.messages.is_empty());
}

#[test]
fn other_octets_are_not_this_protocol() {
    let entry = registry::by_name("redis").unwrap();
    for data in [
        &b"*x\r\n"[..],
        b"*1\n$4\nPING\n",
        b"*1\r\n$4\r\nPI G\r\n",
        b"*1\r\n$4\r\nPINGS\r\n",
        b"+OK POP3 ready\r\n",
        b"* OK IMAP ready\r\n",
    ] {
        assert_eq!(testing::probe(entry, &flow(Transport::Tcp, 9), data), Probe::No, "{data:?}");
    }
    let mut random = Random::new(1);
    for n in 0..20_000u32 {
        let mut data = random.octets(120);
        data[0] = b"*+-$:"[n as usize % 5];
        for port in [6379, 9] {
            let said = testing::probe(entry, &flow(Transport::Tcp, port), &data);
            assert_ne!(said, Probe::Certain, "{data:x?}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_one(registry::by_name("redis").unwrap(), Transport::Tcp, 6379, &input);
    }
}
