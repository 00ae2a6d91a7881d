use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

fn part(kind: u16, value: &[u8]) -> Vec<u8> {
    let head = kind << 9 | value.len() as u16;
    [&head.to_be_bytes()[..], value].concat()
}

fn start(ttl: u8) -> Vec<u8> {
    let ids = [part(1, &[4, 2, 0, 0, 0, 0, 9]), part(2, b"\x05port-7")].concat();
    [ids, part(3, &[0, ttl])].concat()
}

fn whole() -> Vec<u8> {
    let mut out = start(120);
    out.extend(part(4, b"to the harbour"));
    out.extend(part(5, b"switch-1"));
    out.extend(part(6, b"a switch"));
    out.extend(part(7, &[0, 0x14, 0, 4]));
    out.extend(part(8, &[5, 1, 192, 0, 2, 1, 2, 0, 0, 0, 1, 0]));
    out.extend(part(127, &[0, 0x80, 0xc2, 1, 0, 10]));
    out.extend(part(127, b"\x00\x80\xc2\x03\x00\x14\x04blue"));
    out.extend(part(127, &[0, 0x12, 0x0f, 4, 5, 0xee]));
    out.extend(part(127, &[0, 0x12, 0xbb, 1, 0, 0x0f, 4]));
    out.extend(part(0, &[]));
    out.extend([0; 8]);
    out
}

fn flow() -> Flow {
    testing::header_flow(id::LLDP)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn an_announcement_is_told_when_it_changes() {
    let gone = [start(0), part(0, &[])].concat();
    let heard = testing::play(&flow(), &[Up(&whole()), Up(&whole()), Up(&gone)]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert_eq!(
        told[0],
        concat!(
            r#"{"src_mac":"02:00:00:00:00:01","chassis_id_type":"mac_address","#,
            r#""chassis_id":"02:00:00:00:00:09","port_id_type":"interface_name","#,
            r#""port_id":"port-7","ttl_s":120,"port_description":"to the harbour","#,
            r#""system_name":"switch-1","system_description":"a switch","#,
            r#""capabilities":["bridge","router"],"enabled_capabilities":["bridge"],"#,
            r#""management_addresses":["192.0.2.1"],"port_vlan":10,"#,
            r#""vlans":[{"id":20,"name":"blue"}],"max_frame_size":1518,"med_device_type":4}"#
        )
    );
    assert!(told[1].contains(r#""ttl_s":0"#));
    assert_eq!((told.len(), heard.messages.len()), (2, 3));
}

#[test]
fn what_must_come_first_must_come_first() {
    let other = [part(2, b"\x05port-7"), part(1, b"\x07x"), part(3, &[0, 1])].concat();
    let endless = start(120);
    let early = [part(1, b"\x07x"), part(0, &[])].concat();
    let heard = testing::play(&flow(), &[Up(&other), Up(&endless), Up(&early)]);

    assert_eq!(heard.anomalies, ["lldp.malformed_message"; 3]);
    assert_eq!(records(&heard).len(), 0);
}

#[test]
fn lists_are_bounded() {
    let vlan = part(127, b"\x00\x80\xc2\x03\x00\x14\x04blue");
    let address = part(8, &[5, 1, 192, 0, 2, 1, 2, 0, 0, 0, 1, 0]);
    let many = [start(9), vlan.repeat(90), address.repeat(20), part(0, &[])].concat();
    let heard = testing::play(&flow(), &[Up(&many)]);

    assert_eq!(records(&heard)[0].matches("blue").count(), super::MAX_VLANS);
    assert_eq!(records(&heard)[0].matches("192.0.2.1").count(), super::MAX_ADDRESSES);
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(&whole())]).unwrap();
    testing::batter(&flow(), &[&whole()]).unwrap();
}
