//! The registry is a public interface: numbers and words that rules and reports depend on.

use std::collections::HashSet;

use nf_fields::{Type, Value};
use nf_wire::header::{HEADERS, by_id, by_name};
use nf_wire::name::ip_protocol_number;

/// Number and name.
type Attribute = (u16, &'static str);

/// Protocol number and name, then its attributes as MMT-DPI numbers them.
const MMT: &[(u16, &str, &[Attribute])] = &[
    (7, "8021q", &[(1, "tpid"), (2, "pcp"), (3, "dei"), (4, "vid")]),
    (15, "ah", &[]),
    (
        30,
        "arp",
        &[
            (1, "ar_hrd"),
            (2, "ar_pro"),
            (3, "ar_hln"),
            (4, "ar_pln"),
            (5, "ar_op"),
            (6, "ar_sha"),
            (7, "ar_sip"),
            (8, "ar_tha"),
            (9, "ar_tip"),
            (10, "src_hard"),
            (11, "src_proto"),
            (12, "dst_hard"),
            (13, "dst_proto"),
        ],
    ),
    (97, "esp", &[]),
    (99, "ethernet", &[(1, "proto"), (2, "dst"), (3, "src"), (4, "length")]),
    (
        137,
        "gre",
        &[
            (1, "proto"),
            (2, "flags"),
            (3, "checksum"),
            (4, "key"),
            (5, "seqnb"),
            (6, "cflag"),
            (7, "kflag"),
            (8, "sflag"),
            (9, "version"),
        ],
    ),
    (
        141,
        "gtp",
        &[
            (1, "version"),
            (2, "proto_type"),
            (3, "reserved"),
            (4, "flag_ext_hdr"),
            (5, "flag_seq_num"),
            (6, "flag_ndpu_num"),
            (7, "flags"),
            (8, "msg_type"),
            (9, "length"),
            (10, "teid"),
            (11, "seq_num"),
            (12, "imsi_mmc"),
            (13, "imsi_mnc"),
            (14, "next_hdr_type"),
            (15, "ext_pdu_length"),
            (16, "ext_pdu_type"),
            (17, "ext_pdu_qfi"),
            (18, "ext_pdu_next_hdr_type"),
        ],
    ),
    (
        163,
        "icmp",
        &[
            (1, "type"),
            (2, "code"),
            (3, "checksum"),
            (4, "identifier"),
            (5, "seq_nb"),
            (6, "gateway"),
            (7, "data"),
        ],
    ),
    (164, "icmpv6", &[(1, "type"), (2, "code"), (3, "checksum")]),
    (166, "igmp", &[]),
    (
        178,
        "ip",
        &[
            (1, "version"),
            (2, "header_len"),
            (3, "proto_tos"),
            (4, "tot_len"),
            (5, "identification"),
            (6, "rf_flag"),
            (7, "df_flag"),
            (8, "mf_flag"),
            (9, "frag_offset"),
            (10, "proto_ttl"),
            (11, "proto_id"),
            (12, "checksum"),
            (13, "src"),
            (14, "dst"),
            (15, "options"),
            (16, "opts_type"),
            (17, "padding_check"),
            (30, "ecn"),
        ],
    ),
    (
        182,
        "ipv6",
        &[
            (1, "version"),
            (2, "TC"),
            (3, "flow_label"),
            (4, "len"),
            (5, "next_hdr"),
            (6, "next_proto"),
            (7, "hop_limit"),
            (8, "src"),
            (9, "dst"),
            (16, "ip6_ext_headers_count"),
            (17, "redundent_extension_header"),
        ],
    ),
    (196, "l2tp", &[]),
    (
        260,
        "ospf",
        &[
            (1, "version"),
            (2, "type"),
            (3, "len"),
            (4, "router_id"),
            (5, "area_id"),
            (6, "checksum"),
            (7, "instance_id"),
        ],
    ),
    (278, "ppp", &[]),
    (279, "pppoe", &[]),
    (
        304,
        "sctp",
        &[
            (1, "src_port"),
            (2, "dest_port"),
            (3, "verif_tag"),
            (4, "checksum"),
            (5, "ch_type"),
            (6, "ch_flags"),
            (7, "ch_length"),
        ],
    ),
    (
        354,
        "tcp",
        &[
            (1, "src_port"),
            (2, "dest_port"),
            (3, "seq_nb"),
            (4, "ack_nb"),
            (5, "data_offset"),
            (6, "flags"),
            (7, "fin"),
            (8, "syn"),
            (9, "rst"),
            (10, "psh"),
            (11, "ack"),
            (12, "urg"),
            (13, "ece"),
            (14, "cwr"),
            (15, "window"),
            (16, "checksum"),
            (17, "urg_pointer"),
            (30, "tsval"),
            (31, "tsecr"),
        ],
    ),
    (376, "udp", &[(1, "src_port"), (2, "dest_port"), (3, "len"), (4, "checksum")]),
    (461, "etherip", &[]),
    (624, "sll", &[(1, "pkttype"), (2, "hatype"), (3, "halen"), (4, "addr"), (6, "protocol")]),
    (
        631,
        "sctp_data",
        &[
            (1, "ch_type"),
            (2, "ch_flags"),
            (3, "ch_length"),
            (4, "data_tsn"),
            (5, "data_stream"),
            (6, "data_ssn"),
            (7, "data_ppid"),
        ],
    ),
    (
        632,
        "sctp_sack",
        &[
            (1, "ch_type"),
            (2, "ch_flags"),
            (3, "ch_length"),
            (4, "sack_cum_tsn"),
            (5, "sack_a_rwnd"),
            (6, "sack_num_gap_blocks"),
            (7, "sack_num_dup_tsn"),
        ],
    ),
    (
        633,
        "sctp_init",
        &[
            (1, "ch_type"),
            (2, "ch_flags"),
            (3, "ch_length"),
            (4, "init_ini_tag"),
            (5, "init_a_rwnd"),
            (6, "init_num_out_streams"),
            (7, "init_num_in_streams"),
            (8, "init_ini_tsn"),
        ],
    ),
    (641, "llc", &[(1, "dsap"), (2, "ssap"), (3, "control_field")]),
    (656, "8021ad", &[]),
    (
        658,
        "int",
        &[
            (1, "instruction_bits"),
            (2, "num_hop"),
            (3, "latency"),
            (4, "hop_switch_ids"),
            (5, "hop_ingress_port_ids"),
            (6, "hop_egress_port_ids"),
            (7, "hop_latencies"),
            (8, "hop_queue_ids"),
            (9, "hop_queue_occups"),
            (10, "hop_ingress_times"),
            (11, "hop_egress_times"),
            (12, "hop_lv2_ingress_port_ids"),
            (13, "hop_lv2_egress_port_ids"),
            (14, "hop_tx_utilizes"),
            (15, "hop_l4s_mark"),
            (16, "hop_l4s_drop"),
            (17, "hop_l4s_mark_probability"),
            (18, "is_switch_id"),
            (19, "is_in_egress_port_id"),
            (20, "is_hop_latency"),
            (21, "is_queue_id_occup"),
            (22, "is_ingress_time"),
            (23, "is_egress_time"),
            (24, "is_lv2_in_egress_port_id"),
            (25, "is_tx_utilize"),
            (26, "is_l4s_mark_drop"),
            (27, "is_cloud_gaming"),
            (28, "cg_ip_src"),
            (29, "cg_ip_dst"),
            (30, "cg_nb_pkt_down"),
            (31, "cg_mean_pkt_size_down"),
            (32, "cg_mean_iat_down"),
            (33, "cg_sum_pkt_size_down"),
            (34, "cg_nb_pkt_up"),
            (35, "cg_mean_pkt_size_up"),
            (36, "cg_mean_iat_up"),
            (37, "cg_sum_ptk_size_up"),
        ],
    ),
];

#[test]
fn numbers_and_names_are_unique() {
    let mut ids = HashSet::new();
    let mut names = HashSet::new();
    for info in HEADERS {
        assert!(ids.insert(info.id), "{} twice", info.id.0);
        for name in info.aliases.iter().chain([&info.name]) {
            assert!(names.insert(*name), "{name} twice");
        }
        assert!(info.id.0 > 0 && info.id.0 < 1100, "{}", info.name);
        assert!(!info.doc.is_empty() && info.doc.ends_with('.'), "{}", info.name);
        assert!(!info.spec.is_empty(), "{}", info.name);
    }
}

#[test]
fn fields_are_unique_within_their_header() {
    for info in HEADERS {
        let mut ids = HashSet::new();
        let mut names = HashSet::new();
        for field in (info.fields)() {
            assert!(field.id == 0 || ids.insert(field.id), "{}.{}", info.name, field.name);
            for name in field.aliases.iter().chain([&field.name]) {
                assert!(names.insert(*name), "{}.{name} twice", info.name);
            }
            assert!(!field.doc.is_empty(), "{}.{}", info.name, field.name);
        }
    }
}

#[test]
fn mmt_numbers_and_names_stand() {
    for &(id, name, attributes) in MMT {
        let info = by_name(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((info.id.0, info.name), (id, name));
        for &(id, attribute) in attributes {
            let field = (info.fields)().iter().find(|field| field.name == attribute);
            assert_eq!(field.map(|field| field.id), Some(id), "{name}.{attribute}");
        }
        if !attributes.is_empty() {
            let numbered = (info.fields)().iter().filter(|field| field.id != 0).count();
            assert_eq!(numbered, attributes.len(), "{name} has numbers MMT has not");
        }
    }
}

#[test]
fn every_ip_protocol_word_is_registered() {
    for number in 0..=255 {
        let id = nf_wire::name::ip_protocol(number);
        if id.0 != 0 {
            assert!(by_id(id).is_some(), "{number}");
            assert!(ip_protocol_number(id).is_some());
        }
    }
}

#[test]
fn lookups_answer_to_aliases_and_refuse_strangers() {
    assert_eq!(by_name("vlan").map(|h| h.name), Some("8021q"));
    assert_eq!(by_name("ipv4").map(|h| h.id.0), Some(178));
    assert!(by_name("nonsense").is_none());
    assert!(by_id(nf_fields::ProtoId(65535)).is_none());
}

fn has_type(value: Value<'_>, ty: Type) -> bool {
    match (value, ty) {
        (Value::None, _) => true,
        (Value::Uint(n), Type::Uint(bits)) => bits == 64 || n >> bits == 0,
        (Value::Bool(_), Type::Bool) | (Value::Int(_), Type::Int) => true,
        (Value::Mac(_), Type::Mac) | (Value::Ip(_), Type::Ip) => true,
        (Value::Binary(_), Type::Binary) | (Value::Text(_), Type::Text) => true,
        (Value::List(list), Type::List(ty)) => (0..list.len()).all(|i| has_type(list.item(i), *ty)),
        _ => false,
    }
}

#[test]
fn values_have_the_type_their_field_promises() {
    for case in crate::case::cases() {
        for layer in crate::walk(case.link, &case.frame).layers() {
            let info = by_id(layer.proto).unwrap();
            for (position, field) in (info.fields)().iter().enumerate() {
                let bytes = &case.frame[usize::from(layer.offset)..];
                (info.visit)(bytes, position, &mut |value| {
                    let fits = has_type(value, field.ty);
                    assert!(fits, "{}.{} gave {value:?}", info.name, field.name);
                });
            }
        }
    }
}
