//! Sessions as the engine plays them.

use nf_fields::ProtoId;
use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, Event::Down, Event::LostDown, Event::LostUp, Event::Up, Heard};
use crate::{NameSource, Probe, Wants, registry};

const NOBODY: Wants = Wants::NOTHING;

fn play(events: &[Event<'_>]) -> Heard {
    testing::play(&testing::flow(Transport::Tcp, 80), events)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

fn messages<'h>(heard: &'h Heard, word: &str) -> Vec<&'h str> {
    let key = format!("\"{word}\":");
    heard.messages.iter().map(|(_, json)| json.as_str()).filter(|j| j.contains(&key)).collect()
}

/// RFC 8484 §4.1.1 and §4.2.2.
const QUERY: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\0\x80\0\x04\xc0\0\x02\x01";

#[test]
fn dns_in_bodies_and_targets_is_reported_as_such() {
    let head = "Content-Type: application/dns-message\r\nContent-Length: ";
    let post = format!("POST /dns-query HTTP/1.1\r\nHost: dns.example\r\n{head}33\r\n\r\n");
    let get = concat!(
        "GET /dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB HTTP/1.1\r\n",
        "Host: dns.example\r\nAccept: application/dns-message\r\n\r\n"
    );
    let answer = [format!("HTTP/1.1 200 OK\r\n{head}49\r\n\r\n").as_bytes(), ANSWER].concat();
    let events = [
        Event::Up(&[post.as_bytes(), QUERY].concat()),
        Event::Down(&answer),
        Event::Up(get.as_bytes()),
        Event::Down(&answer),
    ];
    let heard = play(&events);

    assert_eq!(heard.path, ["http", "dns"]);
    assert_eq!(heard.anomalies, [""; 0]);
    let of = |proto: &str| -> Vec<&str> {
        heard.transactions.iter().filter(|(p, _)| p == proto).map(|(_, t)| t.as_str()).collect()
    };
    assert_eq!(of("http").len(), 2);
    assert_eq!(of("dns").len(), 2);
    for told in of("dns") {
        assert!(told.contains("www.example.com") && told.contains("192.0.2.1"), "{told}");
    }
    assert_eq!(heard.answers.len(), 2);
}

#[test]
fn first_octets_tell_what_a_body_is() {
    let answer =
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 6\r\n\r\nMZ\x90\0\x03\0";
    let events =
        [Event::Up(b"GET /cat.png HTTP/1.1\r\nHost: a.example\r\n\r\n"), Event::Down(answer)];
    let heard = play(&events);

    let told = &heard.transactions[0].1;
    assert!(told.contains(r#""mime":"image/png","response_content":"executable""#), "{told}");
    assert!(!told.contains("request_content"), "{told}");
}

#[test]
fn a_request_and_its_response_are_one_transaction() {
    let heard = play(&[
        Up(b"POST /form?x=1 HTTP/1.1\r\nHost: Www.Example.org:8080\r\nUser-Agent: probe/1\r\n\
             Referer: http://example.org/\r\nContent-Type: application/JSON; charset=x\r\n\
             Cookie: a=b\r\nAuthorization: Basic dXNlcjpwYXNz\r\nX-Forwarded-For: 192.0.2.9\r\n\
             Content-Length: 5\r\n\r\nab"),
        Up(b"cde"),
        Down(
            b"HTTP/1.1 201 Created here\r\nServer: test\r\nContent-Type: Text/Plain;q=1\r\n\
               Location: /new\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz",
        ),
    ]);

    assert_eq!(heard.path, ["http"]);
    assert_eq!(heard.names, [(NameSource::Host, "Www.Example.org".into())]);
    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"method":"POST","host":"Www.Example.org","host_port":8080,"uri":"/form?x=1","#,
            r#""version":"1.1","user_agent":"probe/1","referer":"http://example.org/","#,
            r#""status":201,"reason":"Created here","mime":"text/plain","#,
            r#""request_mime":"application/json","response_content":"text","#,
            r#""request_content":"text","server":"test","location":"/new","#,
            r#""x_forwarded_for":"192.0.2.9","cookie":"a=b","auth":"Basic","#,
            r#""content_encoding":"gzip","content_length":3,"request_length":5,"#,
            r#""response_length":3,"response_us":1000,"complete":true,"request_headers":8,"#,
            r#""response_headers":5}"#
        )]
    );
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn messages_tell_start_headers_data_and_end() {
    let heard = play(&[
        Up(b"PUT /x HTTP/1.0\r\nHost: a.test\r\nX-Session-Type: s\r\nX-CDN: y\r\n\
             Connection: close\r\nAccept: */*\r\nContent-Length: 2\r\n\r\nhi"),
        Down(b"HTTP/1.0 200 OK\r\n\r\nwhole"),
    ]);

    assert_eq!(messages(&heard, "msg_start").len(), 2);
    assert_eq!(
        messages(&heard, "header")[0],
        r#"{"message":1,"request":true,"header":"Host: a.test","header_name":"Host","header_value":"a.test"}"#
    );
    assert_eq!(
        messages(&heard, "headers_end")[0],
        concat!(
            r#"{"message":1,"request":true,"method":"PUT","host":"a.test","uri":"/x","#,
            r#""version":"1.0","connection":"close","accept":"*/*","x_session_type":"s","#,
            r#""content_len":"2","xcdn_seen":1,"headers_end":6}"#
        )
    );
    assert_eq!(
        messages(&heard, "headers_end")[1],
        r#"{"message":2,"request":false,"response":"200 OK","status":200,"version":"1.0","headers_end":0}"#
    );
    assert_eq!(
        messages(&heard, "data"),
        [
            r#"{"message":1,"request":true,"data":"hi"}"#,
            r#"{"message":2,"request":false,"data":"whole"}"#
        ]
    );
    assert_eq!(messages(&heard, "msg_end").len(), 2);
}

#[test]
fn pipelined_requests_meet_their_responses_in_order() {
    let heard = play(&[
        Up(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Up(b"\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Down(b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"),
        Down(b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n"),
        Down(b"HTTP/1.1 204 No Content\r\n\r\n"),
    ]);

    let seen: Vec<_> = records(&heard)
        .iter()
        .map(|json| {
            let (_, uri) = json.split_once("\"uri\":\"").unwrap();
            let (_, status) = json.split_once("\"status\":").unwrap();
            (uri[..2].to_string(), status[..3].to_string(), json.contains("\"complete\":true"))
        })
        .collect();
    let expected = [("/1", "200"), ("/2", "200"), ("/3", "304"), ("/4", "204")];
    assert_eq!(seen, expected.map(|(uri, status)| (uri.into(), status.into(), true)));
    assert_eq!(heard.names.len(), 1);
}

#[test]
fn chunks_and_trailers_make_a_body() {
    let heard = play(&[
        Up(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        Down(b"2;ext=\"v\"\r\nde\r\n0\r\nExpires: never\r\n\r\n"),
        Up(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]);

    assert_eq!(records(&heard).len(), 2);
    assert!(records(&heard)[0].contains(r#""transfer_encoding":"chunked""#));
    assert!(records(&heard)[0].contains(r#""response_length":5"#));
    assert!(records(&heard)[1].contains(r#""complete":false"#));
    assert!(!records(&heard)[1].contains("status"));
    assert!(messages(&heard, "header").iter().any(|m| m.contains("Expires: never")));
    assert_eq!(heard.anomalies, ["http.chunk_extension"]);
}

#[test]
fn a_body_may_last_until_the_connection_closes() {
    let heard = play(&[
        Up(b"GET / HTTP/1.0\r\n\r\n"),
        Down(b"HTTP/1.0 200 OK\r\n\r\nabc"),
        Down(b"HTTP/1.1 200 OK\r\n"),
    ]);

    assert_eq!(records(&heard).len(), 1);
    assert!(records(&heard)[0].contains(r#""response_length":20"#));
    assert!(records(&heard)[0].contains(r#""complete":true"#));
}

#[test]
fn what_was_connected_to_is_recognised_behind_the_answer() {
    let heard = play(&[
        Up(b"CONNECT inner.test:80 HTTP/1.1\r\nHost: inner.test:80\r\n\r\n"),
        Down(b"HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno"),
        Up(b"CONNECT inner.test:80 HTTP/1.1\r\nHost: inner.test:80\r\nProxy-Authorization: x y\r\n\r\n"),
        Down(b"HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\n"),
        Up(b"GET /inside HTTP/1.1\r\nHost: inner.test\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);

    assert_eq!(heard.path, ["http", "http"]);
    assert_eq!(records(&heard).len(), 3);
    assert!(records(&heard)[1].contains(r#""host":"inner.test","host_port":80"#));
    assert!(records(&heard)[2].contains(r#""uri":"/inside""#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn a_tunnel_is_entered_though_nobody_listens() {
    let flow = testing::flow(Transport::Tcp, 3128);
    let events = [
        Up(b"CONNECT [2001:db8::5]:80 HTTP/1.1\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\n\r\n"),
        Up(b"GET / HTTP/1.1\r\nHost: inner.test\r\n\r\n"),
    ];

    let heard = testing::play_wanting(&flow, &events, NOBODY);

    assert_eq!(heard.path, ["http", "http"]);
    let names: Vec<_> = heard.names.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["2001:db8::5", "inner.test"]);
}

#[test]
fn octets_of_the_tunnel_may_overtake_its_answer() {
    let heard = play(&[
        Up(b"CONNECT inner.test:80 HTTP/1.0\r\n\r\n"),
        Up(b"\x16\x03\x01 not a line"),
        Down(b"HTTP/1.0 200 OK\r\n\r\n"),
    ]);

    assert_eq!(heard.path, ["http"]);
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);

    let heard = play(&[
        Up(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: http\r\n\r\n"),
        Up(b"GET /inside HTTP/1.1"),
        Down(b"HTTP/1.1 101 Switching\r\nUpgrade: http\r\n\r\n"),
        Up(b"\r\nHost: b.test\r\n\r\n"),
    ]);
    assert_eq!(heard.path, ["http", "http"]);
    assert!(records(&heard)[1].contains(r#""uri":"/inside""#));
}

#[test]
fn an_upgrade_leaves_http_only_if_accepted() {
    let ask = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: frob/2\r\n\r\n";
    let refused = play(&[Up(ask), Down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Up(ask)]);
    assert_eq!(refused.transactions.len(), 2);

    let heard = play(&[
        Up(ask),
        Down(b"HTTP/1.1 101 Switching\r\nUpgrade: frob\r\nConnection: Upgrade\r\n\r\n\x81\x01x"),
        Up(b"\x81\x81abcdx"),
    ]);
    assert_eq!(records(&heard).len(), 1);
    assert!(records(&heard)[0].contains(r#""upgrade":"frob""#));
    assert!(records(&heard)[0].contains(r#""status":101"#));
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn a_capture_may_begin_with_the_response() {
    let heard = play(&[
        Up(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        Down(b"GET /later HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        Up(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ]);

    assert_eq!(heard.anomalies, ["http.response_without_request"]);
    assert_eq!(records(&heard).len(), 2);
    assert!(records(&heard)[0].starts_with(r#"{"version":"1.1","status":200"#));
    assert!(records(&heard)[1].contains(r#""uri":"/later""#));
    assert!(records(&heard)[1].contains(r#""status":404"#));
}

#[test]
fn http_0_9_is_a_line_and_octets_until_close() {
    let heard = play(&[Up(b"GET /old\r\n"), Down(b"<html>"), Down(b"</html>")]);

    assert_eq!(
        records(&heard),
        [concat!(
            r#"{"method":"GET","uri":"/old","version":"0.9","request_length":0,"#,
            r#""response_length":13,"response_us":1000,"complete":true,"request_headers":0,"#,
            r#""response_headers":0}"#
        )]
    );
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn octets_behind_a_0_9_request_are_told_apart() {
    let late =
        play(&[Up(b"GET /x\r\n"), Up(b"Host: a.test\r\n\r\n"), Down(b"HTTP/1.1 200 OK\r\n")]);
    assert_eq!(late.anomalies, ["http.version_missing"]);
    assert_eq!(late.names[0].1, "a.test");

    let junk = play(&[Up(b"GET /x\r\n"), Up(b"junk in a line\r\n"), Down(b"<p>")]);
    assert_eq!(junk.anomalies, ["http.data_after_simple_request"]);
    assert_eq!(junk.transactions.len(), 1);
}

/// Each pair: what the client sends, and what must be counted.
#[test]
fn what_is_wrong_is_counted() {
    let long = [b"GET /x HTTP/1.1\r\nHost: a\r\nLong: ", &[b'l'; 40_000][..], b"\r\n\r\n"].concat();
    let mut many = b"GET /x HTTP/1.1\r\nHost: a\r\n".to_vec();
    (0..600).for_each(|_| many.extend_from_slice(b"A: b\r\n"));
    many.extend_from_slice(b"\r\n");
    let cases: &[(&[u8], &[&str])] = &[
        (b"GET  /x  HTTP/1.1\r\nHost: a\r\n\r\n", &["request_line_spacing"]),
        (b"GET /x HTTP/1.1\nHost: a\n\n", &["bare_lf"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", &["obsolete_fold"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", &["header_without_colon"]),
        (b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n", &["header_name_invalid"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", &["header_value_invalid"]),
        (b"GET /x HTTP/1.1\r\nA: b\r\n\r\n", &["host_missing"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", &["host_repeated"]),
        (b"GET /x HTTP/1.1\r\nHost: a<b>\r\n\r\n", &["host_invalid"]),
        (b"GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", &["host_mismatch"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
         &["content_length_repeated"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 1\r\n\r\n", &["content_length_conflict"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", &["content_length_invalid"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         &["content_length_and_transfer_encoding"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", &["transfer_encoding_invalid"]),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", &["chunk_invalid"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n\x01\x02junk\r\n", &["garbage"]),
        (b"GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.7\r\n\r\n", &["version_unknown"]),
        (&long, &["line_too_long"]),
        (&many, &["too_many_headers"]),
    ];
    for (octets, expected) in cases {
        let heard = play(&[Up(octets), Down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
        let expected: Vec<_> = expected.iter().map(|word| format!("http.{word}")).collect();
        assert_eq!(heard.anomalies, expected, "{}", String::from_utf8_lossy(octets));
        assert!(records(&heard)[0].contains("\"status\":200"), "{:?}", expected);
    }
}

#[test]
fn a_pipeline_without_answers_is_bounded() {
    let flood = b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n".repeat(70);
    let heard = play(&[Up(&flood)]);

    assert_eq!(heard.anomalies, vec!["http.pipeline_overflow"; 6]);
    assert_eq!(heard.transactions.len(), 70);

    let fat = [b"GET /", &[b'x'; 4000][..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat().repeat(40);
    assert!(play(&[Up(&fat)]).anomalies.contains(&"http.pipeline_overflow".to_string()));
}

#[test]
fn an_overlong_target_is_kept_in_part() {
    let long = [b"GET /", &[b'u'; 50_000][..], b" HTTP/1.1\r\nHost: a.test\r\n\r\n"].concat();
    let heard = play(&[Up(&long[..2000]), Up(&long[2000..])]);

    assert_eq!(heard.anomalies, ["http.line_too_long"]);
    assert_eq!(heard.names[0].1, "a.test");
    assert_eq!(heard.faults, []);
}

#[test]
fn lost_octets_within_a_body_do_not_matter() {
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let by_length = play(&[
        Up(ask),
        Down(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab"),
        LostDown(90),
        Down(b"12345678"),
        Up(ask),
        Down(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert!(records(&by_length)[0].contains(r#""response_length":10"#));
    assert!(records(&by_length)[0].contains(r#""complete":false"#));
    assert!(records(&by_length)[1].contains(r#""complete":true"#));

    let chunked = play(&[
        Up(ask),
        Down(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n12"),
        LostDown(8),
        Down(b"\r\n0\r\n\r\n"),
    ]);
    assert!(chunked.anomalies.is_empty(), "{:?}", chunked.anomalies);
}

#[test]
fn a_stream_that_lost_its_place_finds_the_next_message() {
    let heard = play(&[
        Up(b"GET /1 HTTP/1.1\r\nHost: a\r\nUser-"),
        LostUp(500),
        Up(b"rest of it\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        LostDown(3000),
        Down(b"tail\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    ]);

    assert_eq!(records(&heard).len(), 2);
    assert!(records(&heard)[0].contains(r#""uri":"/1""#));
    assert!(records(&heard)[0].contains(r#""complete":false"#));
    assert!(records(&heard)[1].contains(r#""status":404"#));
    assert_eq!(heard.faults, []);
}

#[test]
fn nothing_depends_on_how_the_stream_is_cut() {
    let events = [
        Up(b"\r\nGET http://a.test/1 HTTP/1.1\r\nHost: a.test\r\nA: b\r\n\tc\r\n\r\n"),
        Down(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nT: u\r\n\r\n"),
        Up(b"POST /2 HTTP/1.1\nHost: b.test\nContent-Length: 3\n\nabcHEAD /3 HTTP/1.0\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"),
        Up(b"CONNECT c.test:443 HTTP/1.1\r\n\r\n"),
        Down(b"HTTP/1.1 200 OK\r\n\r\n"),
    ];
    testing::torture(&testing::flow(Transport::Tcp, 80), &events).unwrap();
    let simple = [Up(b"GET /old\r\n"), Down(b"HTML")];
    testing::torture(&testing::flow(Transport::Tcp, 80), &simple).unwrap();
}

#[test]
fn byte_by_byte_delivery_costs_no_more_than_the_octets() {
    let long = [b"GET /x HTTP/1.1\r\nHost: a\r\nA: ", &[b'a'; 30_000][..], b"\r\n\r\n"].concat();
    let (line, rest) = long.split_at(17);
    let events: Vec<_> = [line].into_iter().chain(rest.chunks(1)).map(Up).collect();
    let heard = play(&events);

    assert_eq!(heard.transactions.len(), 1);
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn the_parser_ends_with_the_first_header_section_where_nobody_listens() {
    let flow = testing::flow(Transport::Tcp, 80);
    let events =
        [Up(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\nnonsense\r\n"), Down(b"more nonsense")];

    let heard = testing::play_wanting(&flow, &events, NOBODY);

    assert_eq!(heard.names, [(NameSource::Host, "a.test".into())]);
    assert!(heard.anomalies.is_empty() && heard.transactions.is_empty());
}

fn probe(data: &[u8], port: u16) -> Probe {
    let entry = registry::by_id(ProtoId(153)).unwrap();
    testing::probe(entry, &testing::flow(Transport::Tcp, port), data)
}

#[test]
fn the_probe_knows_http() {
    for (data, answer) in [
        (&b"GET / HTTP/1.1\r\n"[..], Probe::Certain),
        (b"FROB-1 /x HTTP/1.0\n", Probe::Certain),
        (b"\r\n\r\nPOST /x HTTP/1.1\r\nA", Probe::Certain),
        (b"HTTP/1.1 200 OK\r\n", Probe::Certain),
        (b"HTTP/1.0 404 Not", Probe::Certain),
        (b"G", Probe::Unsure),
        (b"GET /index", Probe::Unsure),
        (b"HTTP/1", Probe::Unsure),
        (b"\r\n", Probe::Unsure),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Probe::No),
        (b"OPTIONS * RTSP/1.0\r\n", Probe::No),
        (b"INVITE sip:a@b SIP/2.0\r\n", Probe::No),
        (b"HTTP/2 200\r\n", Probe::No),
        (b"EHLO mail.example.org\r\n", Probe::No),
        (b"GET key\r\n", Probe::No),
        (b"220 ftp ready\r\n", Probe::No),
        (b"\x16\x03\x01\x02\x00\x01\x00", Probe::No),
        (b"SSH-2.0-x\r\n", Probe::No),
        (b"This is prose of many words that goes on and on and never ends", Probe::No),
    ] {
        assert_eq!(probe(data, 7777), answer, "{}", String::from_utf8_lossy(data));
    }
    let long = [b"GET /", &[b'x'; 2000][..]].concat();
    assert_eq!(probe(&long, 7777), Probe::Certain);
    assert_eq!(probe(b"GET /old\r\n", 80), Probe::Certain);
    assert_eq!(probe(b"GET /old\r\n", 7777), Probe::Unsure);
    assert_eq!(probe(b"GET /x gap\r\nHost: a\r\n\r\n", 7777), Probe::Certain);
}

#[test]
fn random_octets_are_not_http() {
    let mut random = testing::Random::new(153);
    for _ in 0..20_000 {
        assert_ne!(probe(&random.octets(120), 80), Probe::Certain);
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..600)) {
        testing::fuzz_one(registry::by_id(ProtoId(153)).unwrap(), Transport::Tcp, 80, &input);
    }

    #[test]
    fn no_mixture_of_its_words_makes_it_panic(
        picks in prop::collection::vec((0usize..20, 0u8..16), 0..60)
    ) {
        const WORDS: [&[u8]; 20] = [
            b"GET / HTTP/1.1\r\n", b"\r\n", b"Host: a\r\n", b"Content-Length: 5\r\n", b"\n",
            b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK\r\n", b"5\r\n", b"hello",
            b"0\r\n\r\n", b" folded\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"Upgrade: http\r\n",
            b"HTTP/1.1 101 x\r\n\r\n", b"HEAD /x\r\n", b"\r", b"HTTP/1.1 100 c\r\n\r\n", b": \r\n",
            b"HTTP/1.0 204 n\r\n\r\n", b"\x00\xff",
        ];
        let mut input = Vec::new();
        for (word, control) in picks {
            let control = if control > 7 { control & 1 } else { control & 5 | (control & 6) >> 1 & 2 };
            input.extend_from_slice(&[control, WORDS[word].len() as u8]);
            input.extend_from_slice(WORDS[word]);
        }
        testing::fuzz_one(registry::by_id(ProtoId(153)).unwrap(), Transport::Tcp, 80, &input);
    }
}
