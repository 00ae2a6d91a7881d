//! The registry of headers: what each is called, where it is defined and how its fields are read.
//!
//! Adding a header is one file and one line in the list below.

use nf_fields::{Field, ProtoId, Value};

use crate::name::NAMES;

/// What the outside may know of a header, and how it reads a field of it.
#[derive(Clone, Copy, Debug)]
pub struct HeaderInfo {
    /// MMT-DPI's number, or ours from 1000 up.
    pub id: ProtoId,
    /// Word in paths, filters and rules.
    pub name: &'static str,
    /// Other words it answers to.
    pub aliases: &'static [&'static str],
    /// One line for people.
    pub doc: &'static str,
    /// Where it is defined.
    pub spec: &'static str,
    /// Its fields; empty when the header is recognised by name only.
    pub fields: fn() -> &'static [Field],
    /// Reads the field at a position. The octets run from the start of the header to the end of
    /// what may belong to it (the captured frame, at most); the value is [`Value::None`] when the
    /// header does not hold or the field is absent.
    pub visit: Visit,
}

/// Octets of a header, position of a field, and who takes its value.
pub type Visit = fn(bytes: &[u8], position: usize, sink: &mut dyn FnMut(Value<'_>));

impl HeaderInfo {
    /// Whether `name` is this header's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// A header that is recognised, and not taken apart.
    pub(crate) const fn name_only(
        id: ProtoId,
        name: &'static str,
        spec: &'static str,
        doc: &'static str,
    ) -> HeaderInfo {
        HeaderInfo {
            id,
            name,
            aliases: &[],
            doc,
            spec,
            fields: || &[],
            visit: |_, _, sink| sink(Value::None),
        }
    }
}

/// The registry entry of a view: `header!(View, id, "name" | "alias", "spec", "doc")`.
macro_rules! header {
    ($view:ident, $id:expr, $name:literal $(| $alias:literal)*, $spec:literal, $doc:literal) => {
        $crate::header::HeaderInfo {
            id: $id,
            name: $name,
            aliases: &[ $( $alias ),* ],
            doc: $doc,
            spec: $spec,
            fields: <$view<'_> as nf_fields::Fields>::fields,
            visit: |bytes, position, sink| match $view::new_checked(bytes) {
                Ok(view) => sink(nf_fields::Fields::get(&view, position)),
                Err(_) => sink(nf_fields::Value::None),
            },
        }
    };
}
pub(crate) use header;

/// Headers with a view, one line each.
const VIEWS: &[&HeaderInfo] = &[
    &crate::ethernet::INFO,
    &crate::vlan::INFO_8021Q,
    &crate::vlan::INFO_8021AD,
    &crate::pbb::INFO,
    &crate::fabric_path::INFO,
    &crate::mpls::INFO,
    &crate::pppoe::INFO,
    &crate::ppp::INFO,
    &crate::hdlc::INFO,
    &crate::llc::INFO,
    &crate::loopback::INFO,
    &crate::sll::INFO,
    &crate::sll2::INFO,
    &crate::ppi::INFO,
    &crate::radiotap::INFO,
    &crate::ieee80211::INFO,
    &crate::ieee802154::INFO,
    &crate::arp::INFO,
    &crate::ipv4::INFO,
    &crate::ipv6::INFO,
    &crate::icmp::INFO,
    &crate::icmpv6::INFO,
    &crate::igmp::INFO,
    &crate::ospf::INFO,
    &crate::tcp::INFO,
    &crate::udp::INFO,
    &crate::int::INFO,
    &crate::sctp::INFO,
    &crate::sctp_chunk::INFO_DATA,
    &crate::sctp_chunk::INFO_SACK,
    &crate::sctp_chunk::INFO_INIT,
    &crate::sctp_chunk::INFO_HEARTBEAT,
    &crate::sctp_chunk::INFO_ABORT,
    &crate::sctp_chunk::INFO_SHUTDOWN,
    &crate::sctp_chunk::INFO_ERROR,
    &crate::sctp_chunk::INFO_COOKIE_ECHO,
    &crate::sctp_chunk::INFO_ECNE,
    &crate::sctp_chunk::INFO_CWR,
    &crate::sctp_chunk::INFO_SHUTDOWN_COMPLETE,
    &crate::sctp_chunk::INFO_AUTH,
    &crate::sctp_chunk::INFO_I_DATA,
    &crate::sctp_chunk::INFO_RE_CONFIG,
    &crate::sctp_chunk::INFO_PAD,
    &crate::sctp_chunk::INFO_FORWARD_TSN,
    &crate::sctp_chunk::INFO_ASCONF,
    &crate::sctp_chunk::INFO_I_FORWARD_TSN,
    &crate::ah::INFO,
    &crate::esp::INFO,
    &crate::gre::INFO,
    &crate::erspan::INFO,
    &crate::etherip::INFO,
    &crate::l2tp::INFO,
    &crate::l2tpv3::INFO,
    &crate::gtp::INFO,
    &crate::vxlan::INFO,
    &crate::geneve::INFO,
    &crate::nsh::INFO,
    &crate::tzsp::INFO,
];

const COUNT: usize = VIEWS.len().saturating_add(NAMES.len());

/// Views first, then what is recognised by name only.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, which rejects an index out of range"
)]
const ALL: [&HeaderInfo; COUNT] = {
    let mut all = [VIEWS[0]; COUNT];
    let mut i = 0;
    while i < COUNT {
        all[i] = if i < VIEWS.len() { VIEWS[i] } else { &NAMES[i - VIEWS.len()] };
        i += 1;
    }
    all
};

/// Every header this crate can find in a frame.
pub static HEADERS: &[&HeaderInfo] = &ALL;

/// The entry with this number. A search, so not for every packet.
pub fn by_id(id: ProtoId) -> Option<&'static HeaderInfo> {
    HEADERS.iter().find(|h| h.id == id).copied()
}

/// The entry with this name or alias.
pub fn by_name(name: &str) -> Option<&'static HeaderInfo> {
    HEADERS.iter().find(|h| h.answers_to(name)).copied()
}
