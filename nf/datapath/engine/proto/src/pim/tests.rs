use nf_wire::id;

use crate::Flow;
use crate::testing::{self, Event::Up, Heard};

const HELLO: &[u8] = &[
    0x20, 0, 0, 0, 0, 1, 0, 2, 0, 105, 0, 2, 0, 4, 1, 0xf4, 9, 0xc4, 0, 19, 0, 4, 0, 0, 0, 1, 0,
    20, 0, 4, 1, 2, 3, 4, 0, 24, 0, 6, 1, 0, 192, 0, 2, 9,
];
const JOIN: &[u8] = &[
    0x23, 0, 0, 0, 1, 0, 192, 0, 2, 1, 0, 1, 0, 210, 1, 0, 0, 32, 239, 1, 1, 1, 0, 1, 0, 1, 1, 0,
    6, 32, 10, 0, 0, 9, 1, 0, 4, 32, 10, 0, 0, 7,
];

fn flow() -> Flow {
    testing::header_flow(id::PIM)
}

fn records(heard: &Heard) -> Vec<&str> {
    heard.transactions.iter().map(|(_, json)| json.as_str()).collect()
}

#[test]
fn hellos_and_joins_are_told_when_they_change() {
    let heard = testing::play(&flow(), &[Up(HELLO), Up(JOIN), Up(HELLO), Up(JOIN)]);

    assert_eq!(heard.anomalies, [""; 0]);
    assert_eq!(
        records(&heard),
        [
            concat!(
                r#"{"version":2,"type":"hello","hold_time_s":105,"dr_priority":1,"#,
                r#""generation_id":16909060,"propagation_delay_ms":500,"#,
                r#""override_interval_ms":2500,"addresses":["192.0.2.9"]}"#
            ),
            concat!(
                r#"{"version":2,"type":"join_prune","hold_time_s":210,"upstream":"192.0.2.1","#,
                r#""join_count":1,"joins":["* 239.1.1.1"],"prune_count":1,"#,
                r#""prunes":["10.0.0.7 239.1.1.1"]}"#
            ),
        ]
    );
}

#[test]
fn registers_asserts_and_rendezvous_points_are_told() {
    let mut packet = vec![0x45; 20];
    packet[12..20].copy_from_slice(&[10, 0, 0, 7, 239, 1, 1, 1]);
    let register = [&[0x21, 0, 0, 0, 0x40, 0, 0, 0][..], &packet].concat();
    let stop = [0x22, 0, 0, 0, 1, 0, 0, 32, 239, 1, 1, 1, 1, 0, 10, 0, 0, 7];
    let assert = [&[0x25, 0, 0, 0][..], &stop[4..], &[0x80, 0, 0, 110, 0, 0, 0, 20]].concat();
    let bootstrap = [0x24, 0, 0, 0, 0, 1, 30, 64, 1, 0, 192, 0, 2, 3];
    let candidate = [0x28, 0, 0, 0, 0, 192, 0, 150, 1, 0, 192, 0, 2, 4];
    let heard = testing::play(
        &flow(),
        &[Up(&register), Up(&stop), Up(&assert), Up(&bootstrap), Up(&candidate)],
    );

    assert_eq!(heard.anomalies, [""; 0]);
    let of = r#""group":"239.1.1.1","source":"10.0.0.7""#;
    assert_eq!(
        records(&heard),
        [
            format!(r#"{{"version":2,"type":"register",{of},"null_register":true}}"#),
            format!(r#"{{"version":2,"type":"register_stop",{of}}}"#),
            format!(r#"{{"version":2,"type":"assert",{of},"metric_preference":110,"metric":20}}"#),
            r#"{"version":2,"type":"bootstrap","bsr":"192.0.2.3","bsr_priority":64}"#.into(),
            r#"{"version":2,"type":"candidate_rp","hold_time_s":150,"rp":"192.0.2.4"}"#.into(),
        ]
    );
}

#[test]
fn what_does_not_fit_is_an_anomaly_and_long_lists_are_bounded() {
    let mut many = JOIN[..26].to_vec();
    many[22..26].copy_from_slice(&[0, 200, 0, 0]);
    many.extend(JOIN[26..34].repeat(200));
    let heard = testing::play(&flow(), &[Up(&JOIN[..30]), Up(&[0x30, 0, 0, 0]), Up(&many)]);

    assert_eq!(heard.anomalies, ["pim.malformed_message", "pim.malformed_message"]);
    let last = records(&heard)[1];
    assert!(last.contains(r#""join_count":200"#), "{last}");
    assert_eq!(last.matches("* 239").count(), super::MAX_LISTED);
}

#[test]
fn no_octets_make_it_panic() {
    testing::torture(&flow(), &[Up(HELLO), Up(JOIN)]).unwrap();
    testing::batter(&flow(), &[HELLO, JOIN]).unwrap();
}
