//! SSDP as the engine drives it.

use nf_wire::Transport;
use proptest::prelude::*;

use crate::testing::{self, Event, flow, fuzz_one, play, torture};
use crate::{Probe, registry};

const SEARCH: &[u8] = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
    MAN: \"ssdp:discover\"\r\nMX: 2\r\nST: upnp:rootdevice\r\n\r\n";
const ALIVE: &[u8] = b"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\
    Cache-Control: no-cache, max-age = 1800\r\nLocation: http://192.0.2.2/d.xml\r\n\
    NT: upnp:rootdevice\r\nNTS: ssdp:alive\r\nServer: harbour/1\r\n\
    USN: uuid:7::upnp:rootdevice\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\
    USN: uuid:7::upnp:rootdevice\r\nEXT:\r\nLOCATION: http://192.0.2.2/d.xml\r\n\r\n";

#[test]
fn a_search_and_its_answer_are_told() {
    let heard = play(&flow(Transport::Udp, 9999), &[Event::Up(SEARCH), Event::Down(ANSWER)]);

    assert_eq!(heard.path, ["ssdp"]);
    assert_eq!(
        heard.transactions[0].1,
        concat!(
            r#"{"kind":"search","host":"239.255.255.250:1900","target":"upnp:rootdevice","#,
            r#""mx":2,"length":101}"#
        )
    );
    assert_eq!(
        heard.transactions[1].1,
        concat!(
            r#"{"kind":"response","target":"upnp:rootdevice","usn":"uuid:7::upnp:rootdevice","#,
            r#""location":"http://192.0.2.2/d.xml","length":110}"#
        )
    );
    torture(&flow(Transport::Udp, 1900), &[Event::Up(SEARCH), Event::Up(ALIVE)]).unwrap();
}

#[test]
fn an_announcement_tells_how_long_it_holds() {
    let heard = play(&flow(Transport::Udp, 1900), &[Event::Up(ALIVE)]);

    let record = &heard.transactions[0].1;
    assert!(record.contains(r#""kind":"alive""#));
    assert!(record.contains(r#""server":"harbour/1","max_age":1800"#), "{record}");
}

#[test]
fn flaws_are_counted() {
    let flawed = b"NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nno header\r\n\r\n";
    let heard = play(&flow(Transport::Udp, 1900), &[Event::Up(flawed), Event::Up(b"hello there")]);

    assert_eq!(heard.anomalies, ["ssdp.malformed_header", "ssdp.malformed_message"]);
}

#[test]
fn other_answers_are_not_this_protocol() {
    let entry = registry::by_name("ssdp").unwrap();
    let said = testing::probe(
        entry,
        &flow(Transport::Udp, 1900),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(said, Probe::No);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(registry::by_name("ssdp").unwrap(), Transport::Udp, 1900, &input);
    }
}
