//! What the filter language cannot say: fields compared with each other, and the look of names.

use std::sync::OnceLock;

use foldhash::HashMap;
use nf_fields::{Fields, ProtoId, Value};
use nf_proto::Carrier;
use nf_wire::{Transport, id};

use crate::catalog::{Catalog, Protocol};
use crate::row::{Confidence, SessionFacts};

/// The fields of a transaction that a function reads, in the order in which it names them.
pub(super) struct Chosen<'r> {
    pub record: &'r dyn Fields,
    pub places: &'r [usize],
}

impl<'r> Chosen<'r> {
    fn value(&self, number: usize) -> Value<'r> {
        self.places.get(number).map_or(Value::None, |place| self.record.get(*place))
    }

    fn text(&self, number: usize) -> Option<&'r [u8]> {
        match self.value(number) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Judges a transaction that began at so many nanoseconds since the epoch.
pub(super) type OfTransaction = fn(&Chosen<'_>, u64) -> bool;
/// Judges a session.
pub(super) type OfSession = fn(&SessionFacts) -> bool;

/// A function of the file.
pub(super) enum Test {
    /// Of a protocol's transactions, of which it reads some fields.
    Transaction { protocol: &'static str, fields: &'static [&'static str], test: OfTransaction },
    /// Of sessions.
    Session(OfSession),
}

/// All functions.
pub(super) const NAMES: [&str; 5] = [
    "certificate_out_of_date",
    "certificate_name_mismatch",
    "long_lived_certificate",
    "machine_made_name",
    "unusual_port",
];

const VALIDITY: &[&str] = &["not_before", "not_after"];

/// The function of that name.
pub(super) fn find(name: &str) -> Option<Test> {
    let tls = |fields, test| Test::Transaction { protocol: "tls", fields, test };
    Some(match name {
        "certificate_out_of_date" => tls(VALIDITY, certificate_out_of_date),
        "certificate_name_mismatch" => tls(&["server_name", "san"], certificate_name_mismatch),
        "long_lived_certificate" => tls(VALIDITY, long_lived_certificate),
        "machine_made_name" => {
            Test::Transaction { protocol: "dns", fields: &["qname"], test: machine_made_name }
        }
        "unusual_port" => Test::Session(unusual_port),
        _ => return None,
    })
}

const DAY_NS: u64 = 86_400_000_000_000;
/// Longest life of a certificate that browsers accept (CA/Browser Forum, Baseline Requirements).
const LONGEST_LIFE_NS: u64 = 398 * DAY_NS;
/// 2020-09-01, from when on the limit holds.
const LIMITED_SINCE_NS: u64 = 1_598_918_400_000_000_000;

/// When the certificate is valid, nanoseconds since the epoch; of [`VALIDITY`].
fn validity(chosen: &Chosen<'_>) -> Option<(u64, u64)> {
    let time = |n| nf_filter::time(std::str::from_utf8(chosen.text(n)?).ok()?);
    Some((time(0)?, time(1)?))
}

fn certificate_out_of_date(chosen: &Chosen<'_>, start: u64) -> bool {
    validity(chosen).is_some_and(|(from, to)| !(from..=to).contains(&start))
}

fn long_lived_certificate(chosen: &Chosen<'_>, _: u64) -> bool {
    validity(chosen).is_some_and(|(from, to)| {
        from >= LIMITED_SINCE_NS && to.saturating_sub(from) > LONGEST_LIFE_NS
    })
}

fn certificate_name_mismatch(chosen: &Chosen<'_>, _: u64) -> bool {
    let (Some(name), Value::List(names)) = (chosen.text(0), chosen.value(1)) else {
        return false;
    };
    let covers = |n: usize| matches!(names.item(n), Value::Text(san) if covers(san, name));
    !names.is_empty() && !(0..names.len()).any(covers)
}

/// Whether a subject alternative name stands for `name` (RFC 9525 §6.3).
fn covers(san: &[u8], name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    match san.strip_prefix(b"*.") {
        None => san.eq_ignore_ascii_case(name),
        Some(parent) => {
            let dot = name.iter().position(|&octet| octet == b'.');
            let rest = dot.and_then(|at| name.get(at + 1..));
            rest.is_some_and(|rest| rest.eq_ignore_ascii_case(parent))
        }
    }
}

/// Shortest label that is judged: below, chance makes many.
const SHORTEST: usize = 10;

fn machine_made_name(chosen: &Chosen<'_>, _: u64) -> bool {
    let Some(name) = chosen.text(0).and_then(|n| std::str::from_utf8(n).ok()) else {
        return false;
    };
    let name = name.trim_end_matches('.');
    let below = |top: &str| {
        name.len()
            .checked_sub(top.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(top))
    };
    // The shortest is asked first: it decides for most.
    registered_label(name).is_some_and(|label| label.len() >= SHORTEST)
        && !below(".arpa")
        && !below(".local")
        && registered_label(name)
            .is_some_and(|label| looks_machine_made(&label.to_ascii_lowercase()))
}

/// The label that somebody registered: the one below the public suffix, which is one label, or two
/// where a country has its own `co`, `com`, `ac`….
fn registered_label(name: &str) -> Option<&str> {
    let mut labels = name.rsplit('.');
    let top = labels.next()?;
    let second = labels.next()?;
    if top.len() == 2 && second.len() <= 3 { labels.next() } else { Some(second) }
}

/// Pairs of letters that words of European languages and romanised ones are made of; the others
/// hardly occur.
const USUAL_PAIRS: &str = "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng \
    se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di \
    fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po \
    we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab \
    gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu \
    rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au \
    ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip ub oi rl gu dr hr \
    cc tw ft wn nu af hu nn eo vo rv nf xp gn sm fl iz ok nl my gl aw ju oa eq sy sl ps jo lf nv je \
    nk kn gs dy hy ze ks xt bs ik dd pm ka zo ko ja ku za zi zu az ez uz oz ky iy uy wr yn ym yl yc \
    ya yp gg bb xi xa ax ox ix ux wl ws lv lk lp lm lc rf rp rb hn hl eu iu uk ek";

/// Whether two small letters are a usual pair: by first letter, a bit for each second one.
fn is_usual(pair: &[u8]) -> bool {
    static TABLE: OnceLock<[u32; 26]> = OnceLock::new();
    let place = |letter: u8| usize::from(letter.wrapping_sub(b'a'));
    let table = TABLE.get_or_init(|| {
        let mut table = [0; 26];
        for pair in USUAL_PAIRS.split_whitespace() {
            if let [first, second] = pair.as_bytes() {
                table[place(*first)] |= 1 << place(*second);
            }
        }
        table
    });
    let [first, second] = pair else { return false };
    table.get(place(*first)).is_some_and(|seconds| seconds >> (place(*second) & 31) & 1 == 1)
}

/// Whether a label of letters, digits and hyphens is no word of people's: judged by the share of
/// unusual pairs, by the longest run of consonants, and by how often letters and digits alternate.
fn looks_machine_made(label: &str) -> bool {
    let label = label.as_bytes();
    if label.len() < SHORTEST || label.starts_with(b"xn--") || label.contains(&b'-') {
        return false;
    }
    let digits = label.iter().filter(|b| b.is_ascii_digit()).count();
    let turns = label.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    if digits * 5 >= label.len() && turns >= 4 {
        return true;
    }
    let letters = |w: &&[u8]| w.iter().all(u8::is_ascii_lowercase);
    let pairs = label.windows(2).filter(letters).count();
    let unusual = label.windows(2).filter(letters).filter(|pair| !is_usual(pair)).count();
    let vowel = |b: &u8| b"aeiouy".contains(b);
    let longest = label.split(|b| vowel(b) || !b.is_ascii_lowercase()).map(<[u8]>::len).max();
    pairs >= SHORTEST - 2
        && (unusual * 5 >= pairs * 2 || (longest.unwrap_or(0) >= 6 && unusual * 4 >= pairs))
}

/// Protocols that are at home at ports agreed on elsewhere, whichever they are.
const ANYWHERE: &[&str] = &[
    "bittorrent",
    "dcerpc",
    "dtls",
    "ftp_data",
    "nfs",
    "rpc",
    "rtcp",
    "rtp",
    "stun",
    "tftp",
    "wireguard",
];

/// Ports that a protocol is at home at, by transport.
struct Home {
    tcp: Box<[u16]>,
    udp: Box<[u16]>,
    sctp: Box<[u16]>,
}

impl Home {
    fn of(protocol: &Protocol) -> Self {
        let ports = |carrier: Carrier, transport: Transport| {
            let parsed = protocol.info.into_iter().flat_map(|info| info.over);
            let parsed = parsed.filter(|over| over.carrier == carrier).flat_map(|over| over.ports);
            let named = protocol.named.into_iter().flat_map(|named| &named.ports);
            let named = named.filter(|port| port.0 == transport).map(|port| port.1);
            parsed.copied().chain(named).collect()
        };
        Self {
            tcp: ports(Carrier::Tcp, Transport::Tcp),
            udp: ports(Carrier::Udp, Transport::Udp),
            sctp: ports(Carrier::Sctp, Transport::Sctp),
        }
    }

    /// Where the engine's protocol is at home; nobody knows where those of users are.
    fn find(id: ProtoId) -> Option<&'static Self> {
        static HOMES: OnceLock<HashMap<ProtoId, Home>> = OnceLock::new();
        let homes = HOMES.get_or_init(|| {
            let known = Catalog::get().protocols().iter();
            let settled = known.filter(|protocol| !ANYWHERE.contains(&protocol.name));
            settled.map(|protocol| (protocol.id, Home::of(protocol))).collect()
        });
        homes.get(&id)
    }
}

fn unusual_port(session: &SessionFacts) -> bool {
    if session.confidence < Confidence::Pattern {
        return false;
    }
    // What the transport carries is judged, not what that carries in turn.
    let mut above =
        session.path.ids().iter().skip_while(|proto| ![id::TCP, id::UDP, id::SCTP].contains(proto));
    let Some(home) = above.nth(1).and_then(|proto| Home::find(*proto)) else {
        return false;
    };
    let ports = match session.key.transport() {
        Transport::Tcp => &home.tcp,
        Transport::Udp => &home.udp,
        Transport::Sctp => &home.sctp,
        Transport::Other => return false,
    };
    let ends = session.key.ends().map(|(_, port)| port);
    !ports.is_empty() && !ends.iter().any(|port| ports.contains(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_name() {
        assert!(NAMES.iter().all(|name| find(name).is_some()));
        assert!(find("moonshine").is_none());
    }

    #[test]
    fn a_certificate_covers_its_names_and_one_label_of_a_wildcard() {
        for (san, name) in [
            ("example.org", "EXAMPLE.org."),
            ("*.example.org", "www.example.org"),
            ("*.Example.org", "a-b.example.ORG"),
        ] {
            assert!(covers(san.as_bytes(), name.as_bytes()), "{san} {name}");
        }
        for (san, name) in [
            ("example.org", "www.example.org"),
            ("*.example.org", "example.org"),
            ("*.example.org", "a.b.example.org"),
            ("www.example.org", "www.example.com"),
        ] {
            assert!(!covers(san.as_bytes(), name.as_bytes()), "{san} {name}");
        }
    }

    #[test]
    fn the_label_below_the_public_suffix_is_judged() {
        assert_eq!(registered_label("www.example.org"), Some("example"));
        assert_eq!(registered_label("www.example.co.uk"), Some("example"));
        assert_eq!(registered_label("bbc.co.uk"), Some("bbc"));
        assert_eq!(registered_label("org"), None);
    }

    #[test]
    fn names_of_people_are_left_alone() {
        for label in [
            "wikipedia",
            "stackoverflow",
            "googleusercontent",
            "cloudflare",
            "microsoftonline",
            "akamaiedge",
            "deutschebahn",
            "volkswagen",
            "netzwelt",
            "rijksoverheid",
            "lemonde",
            "elpaisdigital",
            "corriere",
            "gazeta",
            "yandexcloud",
            "alibabacloud",
            "mercadolibre",
            "nordvpn",
            "letsencrypt",
            "doubleclick",
            "googlesyndication",
            "windowsupdate",
            "amazonaws",
            "fbcdn",
            "cloudfront",
            "trafficmanager",
            "scorecardresearch",
            "zalando",
            "rechtschreibung",
            "strengthsfinder",
            "frankfurter",
            "universitaet",
            "heise",
            "openstreetmap",
            "raspberrypi",
            "duckduckgo",
            "bundesregierung",
            "softwareupdates",
        ] {
            assert!(!looks_machine_made(label), "{label}");
        }
    }

    #[test]
    fn names_of_generators_are_told() {
        for label in [
            "xjkqzvwpfhbt",
            "qpwkzxjvbnmdfg",
            "kq3v9zx8w2jf7",
            "a1b2c3d4e5f6g7",
            "wzxhqkvjpdrtnm",
            "hgfkqwxzjvplmt",
            "x7k2m9q4z1v8",
            "vdfqkxwzjhgbpn",
        ] {
            assert!(looks_machine_made(label), "{label}");
        }
    }
}
