use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

fn bpdu(version: u8, kind: u8, flags: u8) -> Vec<u8> {
    let mut out = vec![0, 0, version, kind, flags, 0x80, 0x0a, 2, 0, 0, 0, 0, 9, 0, 0, 0, 4];
    out.extend([0x90, 0, 2, 0, 0, 0, 0, 8, 0x80, 1, 1, 0, 20, 0, 2, 0, 15, 0]);
    out
}

fn multiple() -> Vec<u8> {
    let mut out = bpdu(3, 2, 0x7c);
    out.extend([0, 0, 80, 0]);
    out.extend(*b"harbour\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    out.extend([0, 3]);
    out.extend([7; 16]);
    out.extend([0, 0, 0, 5, 0x80, 0, 2, 0, 0, 0, 0, 7, 19]);
    out.extend([0x7c, 0x80, 1, 2, 0, 0, 0, 0, 9, 0, 0, 0, 6, 0x70, 0x80, 18]);
    out
}

fn flow() -> Flow {
    testing::header_flow(id::STP)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn a_bpdu_is_told_when_it_changes() {
    let (plain, changed) = (bpdu(0, 0, 0), bpdu(0, 0, 1));
    let heard =
        testing::play(&flow(), &[Up(&plain), Up(&plain), Up(&changed), Up(&[0, 0, 0, 0x80])]);

    assert_eq!(heard.anomalies, ["stp.topology_change", "stp.topology_change"]);
    let told = records(&heard);
    assert_eq!(
        told[0],
        concat!(
            r#"{"src_mac":"02:00:00:00:00:01","version":"stp","type":"config","flags":[],"#,
            r#""root_priority":32768,"root_extension":10,"root_mac":"02:00:00:00:00:09","#,
            r#""root_cost":4,"bridge_priority":36864,"bridge_extension":0,"#,
            r#""bridge_mac":"02:00:00:00:00:08","port_id":32769,"message_age_ms":1000,"#,
            r#""max_age_ms":20000,"hello_time_ms":2000,"forward_delay_ms":15000}"#
        )
    );
    assert!(told[1].contains(r#""flags":["topology_change"]"#));
    assert!(told[2].contains(r#""type":"tcn"}"#));
    assert_eq!(told.len(), 3);
}

#[test]
fn ports_have_roles_and_regions_have_instances() {
    let rapid = [bpdu(2, 2, 0x3c), vec![0, 0, 0, 0, 2, 0, 20]].concat();
    let heard = testing::play(&flow(), &[Up(&rapid), Up(&multiple())]);

    assert_eq!(heard.anomalies, [""; 0]);
    let told = records(&heard);
    assert!(told[0].contains(concat!(
        r#""version":"rstp","type":"rst","vlan":20,"port_role":"designated","#,
        r#""flags":["learning","forwarding"]"#
    )));
    assert!(told[1].contains(r#""version":"mstp""#));
    assert!(told[1].ends_with(concat!(
        r#""mst_name":"harbour","mst_revision":3,"mst_internal_cost":5,"mst_remaining_hops":19,"#,
        r#""mst_instances":[{"id":1,"root_priority":32768,"root_mac":"02:00:00:00:00:09","#,
        r#""root_cost":6,"bridge_priority":28672,"port_priority":128,"remaining_hops":18}]}"#
    )));
}

#[test]
fn what_does_not_fit_is_an_anomaly() {
    let mut other = bpdu(0, 0, 0);
    other[3] = 7;
    let mut short = multiple();
    short[37] = 200;
    let heard = testing::play(&flow(), &[Up(&other), Up(&short), Up(&bpdu(0, 0, 0)[..30])]);

    assert_eq!(heard.anomalies, ["stp.malformed_message"; 3]);
    assert_eq!(records(&heard).len(), 0);
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(&bpdu(2, 2, 0)), Up(&multiple())]).unwrap();
    testing::batter(&flow(), &[&bpdu(0, 0, 1), &multiple()]).unwrap();
}
