//! Numbers of the DNS parameter registries and the words for them.

use nf_fields::Text;

/// Type numbers this parser tells apart.
pub mod kind {
    #![allow(missing_docs, reason = "the names are the registry's")]
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const MD: u16 = 3;
    pub const MF: u16 = 4;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const MB: u16 = 7;
    pub const MG: u16 = 8;
    pub const MR: u16 = 9;
    pub const PTR: u16 = 12;
    pub const HINFO: u16 = 13;
    pub const MINFO: u16 = 14;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const RP: u16 = 17;
    pub const AFSDB: u16 = 18;
    pub const X25: u16 = 19;
    pub const ISDN: u16 = 20;
    pub const RT: u16 = 21;
    pub const SIG: u16 = 24;
    pub const KEY: u16 = 25;
    pub const PX: u16 = 26;
    pub const AAAA: u16 = 28;
    pub const LOC: u16 = 29;
    pub const SRV: u16 = 33;
    pub const NAPTR: u16 = 35;
    pub const KX: u16 = 36;
    pub const CERT: u16 = 37;
    pub const DNAME: u16 = 39;
    pub const OPT: u16 = 41;
    pub const DS: u16 = 43;
    pub const SSHFP: u16 = 44;
    pub const RRSIG: u16 = 46;
    pub const NSEC: u16 = 47;
    pub const DNSKEY: u16 = 48;
    pub const DHCID: u16 = 49;
    pub const NSEC3: u16 = 50;
    pub const NSEC3PARAM: u16 = 51;
    pub const TLSA: u16 = 52;
    pub const SMIMEA: u16 = 53;
    pub const NINFO: u16 = 56;
    pub const CDS: u16 = 59;
    pub const CDNSKEY: u16 = 60;
    pub const OPENPGPKEY: u16 = 61;
    pub const CSYNC: u16 = 62;
    pub const ZONEMD: u16 = 63;
    pub const SVCB: u16 = 64;
    pub const HTTPS: u16 = 65;
    pub const SPF: u16 = 99;
    pub const NID: u16 = 104;
    pub const L32: u16 = 105;
    pub const L64: u16 = 106;
    pub const LP: u16 = 107;
    pub const EUI48: u16 = 108;
    pub const EUI64: u16 = 109;
    pub const TSIG: u16 = 250;
    pub const IXFR: u16 = 251;
    pub const AXFR: u16 = 252;
    pub const URI: u16 = 256;
    pub const CAA: u16 = 257;
    pub const AVC: u16 = 258;
    pub const WALLET: u16 = 262;
    pub const TA: u16 = 32768;
    pub const DLV: u16 = 32769;
}

/// Names of the types from 1 up; empty where the registry has none.
const TYPES: [&str; 67] = [
    "A",
    "NS",
    "MD",
    "MF",
    "CNAME",
    "SOA",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "PTR",
    "HINFO",
    "MINFO",
    "MX",
    "TXT",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAP-PTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "NXT",
    "EID",
    "NIMLOC",
    "SRV",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "SINK",
    "OPT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "",
    "HIP",
    "NINFO",
    "RKEY",
    "TALINK",
    "CDS",
    "CDNSKEY",
    "OPENPGPKEY",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "HTTPS",
    "DSYNC",
    "HHIT",
];

/// Names of the types beyond the dense range.
const FURTHER_TYPES: [(u16, &str); 28] = [
    (68, "BRID"),
    (99, "SPF"),
    (100, "UINFO"),
    (101, "UID"),
    (102, "GID"),
    (103, "UNSPEC"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (128, "NXNAME"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (261, "RESINFO"),
    (262, "WALLET"),
    (263, "CLA"),
];

/// The word for a type, if it is registered.
pub fn known_type(number: u16) -> Option<&'static str> {
    let dense = usize::from(number).checked_sub(1).and_then(|i| TYPES.get(i));
    if let Some(word) = dense {
        return (!word.is_empty()).then_some(word);
    }
    match number {
        kind::TA => Some("TA"),
        kind::DLV => Some("DLV"),
        _ => {
            let found = FURTHER_TYPES.binary_search_by_key(&number, |(n, _)| *n).ok()?;
            FURTHER_TYPES.get(found).map(|(_, word)| *word)
        }
    }
}

/// The word for a type; `TYPE1234` where it has none (RFC 3597 §5).
pub fn type_word(number: u16) -> Text {
    known_type(number).map_or_else(|| Text::from(format!("TYPE{number}")), Text::from)
}

/// The word for a class; `CLASS1234` where it has none.
pub fn class_word(number: u16) -> Text {
    match number {
        1 => Text::from("IN"),
        3 => Text::from("CH"),
        4 => Text::from("HS"),
        254 => Text::from("NONE"),
        255 => Text::from("ANY"),
        _ => Text::from(format!("CLASS{number}")),
    }
}

/// Whether the class is one that queries are made in.
pub fn is_known_class(number: u16) -> bool {
    matches!(number, 1 | 3 | 4 | 254 | 255)
}

/// The word for an operation, if it is registered.
pub fn known_opcode(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "QUERY",
        1 => "IQUERY",
        2 => "STATUS",
        4 => "NOTIFY",
        5 => "UPDATE",
        6 => "DSO",
        _ => return None,
    })
}

/// The word for an operation.
pub fn opcode_word(number: u8) -> Text {
    known_opcode(number).map_or_else(|| Text::from(format!("OPCODE{number}")), Text::from)
}

/// Words for the response codes from 0 up; empty where there is none.
const RCODES: [&str; 24] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
    "",
    "",
    "",
    "",
    "BADVERS",
    "BADKEY",
    "BADTIME",
    "BADMODE",
    "BADNAME",
    "BADALG",
    "BADTRUNC",
    "BADCOOKIE",
];

/// The word for a response code.
pub fn rcode_word(number: u16) -> Text {
    match RCODES.get(usize::from(number)) {
        Some(word) if !word.is_empty() => Text::from(*word),
        _ => Text::from(format!("RCODE{number}")),
    }
}

/// The word for a key of a service binding (RFC 9460 §14.3.2), if it is registered.
pub fn service_key(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        8 => "ohttp",
        9 => "tls-supported-groups",
        10 => "docpath",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_at_their_numbers() {
        for (number, word) in [
            (kind::A, "A"),
            (kind::AAAA, "AAAA"),
            (kind::SRV, "SRV"),
            (kind::NAPTR, "NAPTR"),
            (kind::OPT, "OPT"),
            (kind::RRSIG, "RRSIG"),
            (kind::TLSA, "TLSA"),
            (kind::SVCB, "SVCB"),
            (kind::HTTPS, "HTTPS"),
            (kind::SPF, "SPF"),
            (255, "ANY"),
            (kind::CAA, "CAA"),
            (kind::DLV, "DLV"),
        ] {
            assert_eq!(known_type(number), Some(word));
        }
        assert_eq!(known_type(0), None);
        assert_eq!(known_type(54), None);
        assert_eq!(type_word(65_280).as_bytes(), b"TYPE65280");
        assert!(FURTHER_TYPES.is_sorted());
        assert_eq!(rcode_word(3).as_bytes(), b"NXDOMAIN");
        assert_eq!(rcode_word(23).as_bytes(), b"BADCOOKIE");
        assert_eq!(rcode_word(13).as_bytes(), b"RCODE13");
        assert_eq!(class_word(7).as_bytes(), b"CLASS7");
        assert_eq!(opcode_word(5).as_bytes(), b"UPDATE");
    }
}
