//! The information elements of a flow record: what each is, and how its value is written.
//!
//! A session is a flow of both directions (RFC 5103): what the initiator sent stands in elements of
//! IANA's registry, what the responder sent in the same ones under the number for reverse elements.

use std::net::IpAddr;

use nf_fields::{List, Value};

use super::Flow;
use crate::catalog;
use crate::row::EndReason;

/// Under whose number an element stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// IANA's registry.
    Iana,
    /// The same for the other direction (RFC 5103, section 6.1).
    Reverse,
    /// The operator's own enterprise number.
    Enterprise,
}

/// The enterprise number of reverse elements.
pub const REVERSE: u32 = 29305;
/// The length in a template that says: each value tells its own (RFC 7011, section 7).
pub const VARIABLE: u16 = 65535;

/// An abstract data type with its number (RFC 5610, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the registry's names")]
pub enum DataType {
    OctetArray = 0,
    Unsigned8 = 1,
    Unsigned16 = 2,
    Unsigned32 = 3,
    Unsigned64 = 4,
    String = 13,
    DateTimeMilliseconds = 15,
    Ipv4Address = 18,
    Ipv6Address = 19,
}

impl DataType {
    const fn length(self) -> u16 {
        match self {
            DataType::Unsigned8 => 1,
            DataType::Unsigned16 => 2,
            DataType::Unsigned32 | DataType::Ipv4Address => 4,
            // The only one here is applicationId, see `application`.
            DataType::OctetArray => 7,
            DataType::Unsigned64 | DataType::DateTimeMilliseconds => 8,
            DataType::Ipv6Address => 16,
            DataType::String => VARIABLE,
        }
    }
}

/// What a value means, with its number (RFC 5610, section 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the registry's names")]
pub enum Semantics {
    Default = 0,
    Quantity = 1,
    DeltaCounter = 3,
    Identifier = 4,
}

/// Writes one value.
pub(super) type Write = fn(&mut Vec<u8>, &Flow<'_>);

/// One element.
#[derive(Debug)]
pub struct Element {
    /// Its number.
    pub id: u16,
    /// Whose.
    pub owner: Owner,
    /// Name in the registry, or ours.
    pub name: &'static str,
    /// Type.
    pub data_type: DataType,
    /// Meaning.
    pub semantics: Semantics,
    /// Number of its unit (RFC 5610, section 3.7); 0 for none.
    pub units: u16,
    /// What it tells, where no registry does.
    pub doc: &'static str,
    pub(super) write: Write,
}

impl Element {
    /// Octets of a value, or [`VARIABLE`].
    pub fn length(&self) -> u16 {
        self.data_type.length()
    }

    const fn iana(id: u16, name: &'static str, data_type: DataType, write: Write) -> Self {
        let semantics = Semantics::Default;
        Self { id, owner: Owner::Iana, name, data_type, semantics, units: 0, doc: "", write }
    }

    const fn counter(id: u16, owner: Owner, name: &'static str, write: Write) -> Self {
        let (data_type, semantics) = (DataType::Unsigned64, Semantics::DeltaCounter);
        Self { id, owner, name, data_type, semantics, units: 0, doc: "", write }
    }

    const fn text(id: u16, name: &'static str, doc: &'static str, write: Write) -> Self {
        let (owner, data_type) = (Owner::Enterprise, DataType::String);
        Self { id, owner, name, data_type, semantics: Semantics::Default, units: 0, doc, write }
    }

    const fn number(
        id: u16,
        name: &'static str,
        units: u16,
        doc: &'static str,
        write: Write,
    ) -> Self {
        let (owner, data_type) = (Owner::Enterprise, DataType::Unsigned32);
        Self { id, owner, name, data_type, semantics: Semantics::Quantity, units, doc, write }
    }
}

const PACKETS: u16 = 2;
const MICROSECONDS: u16 = 5;

/// What begins the records of sessions over IPv4.
pub static IPV4: &[Element] = &[
    Element::iana(8, "sourceIPv4Address", DataType::Ipv4Address, |out, flow| {
        address(out, flow.ends()[0].0)
    }),
    Element::iana(12, "destinationIPv4Address", DataType::Ipv4Address, |out, flow| {
        address(out, flow.ends()[1].0)
    }),
    Element::iana(32, "icmpTypeCodeIPv4", DataType::Unsigned16, icmp),
];

/// What begins the records of sessions over IPv6.
pub static IPV6: &[Element] = &[
    Element::iana(27, "sourceIPv6Address", DataType::Ipv6Address, |out, flow| {
        address(out, flow.ends()[0].0)
    }),
    Element::iana(28, "destinationIPv6Address", DataType::Ipv6Address, |out, flow| {
        address(out, flow.ends()[1].0)
    }),
    Element::iana(139, "icmpTypeCodeIPv6", DataType::Unsigned16, icmp),
];

/// What follows in all records.
pub static COMMON: &[Element] = &[
    Element::iana(152, "flowStartMilliseconds", DataType::DateTimeMilliseconds, |out, flow| {
        put(out, (flow.start / NS_PER_MS).to_be_bytes());
    }),
    Element::iana(153, "flowEndMilliseconds", DataType::DateTimeMilliseconds, |out, flow| {
        put(out, (flow.row.session.end / NS_PER_MS).to_be_bytes());
    }),
    Element::iana(7, "sourceTransportPort", DataType::Unsigned16, |out, flow| {
        put(out, flow.ends()[0].1.to_be_bytes());
    }),
    Element::iana(11, "destinationTransportPort", DataType::Unsigned16, |out, flow| {
        put(out, flow.ends()[1].1.to_be_bytes());
    }),
    Element::iana(4, "protocolIdentifier", DataType::Unsigned8, |out, flow| {
        put(out, [flow.row.session.key.protocol()]);
    }),
    Element::iana(243, "dot1qVlanId", DataType::Unsigned16, |out, flow| {
        put(out, flow.row.session.vlan.saturating_sub(1).to_be_bytes());
    }),
    // RFC 5103, section 6.3: the first packet's sender, which is who opens where that is seen.
    Element::iana(BIFLOW_DIRECTION, "biflowDirection", DataType::Unsigned8, |out, _| put(out, [1])),
    Element::iana(136, "flowEndReason", DataType::Unsigned8, |out, flow| {
        put(out, [end_reason(flow.row.session.end_reason)]);
    }),
    Element::counter(1, Owner::Iana, "octetDeltaCount", |out, flow| {
        put(out, flow.counts(false)[0].to_be_bytes());
    }),
    Element::counter(2, Owner::Iana, "packetDeltaCount", |out, flow| {
        put(out, flow.counts(false)[1].to_be_bytes());
    }),
    Element::counter(1, Owner::Reverse, "reverseOctetDeltaCount", |out, flow| {
        put(out, flow.counts(true)[0].to_be_bytes());
    }),
    Element::counter(2, Owner::Reverse, "reversePacketDeltaCount", |out, flow| {
        put(out, flow.counts(true)[1].to_be_bytes());
    }),
    Element::iana(95, "applicationId", DataType::OctetArray, application),
    Element::iana(96, "applicationName", DataType::String, |out, flow| {
        text(out, flow.view.app().map_or(b"", |app| app.name.as_bytes()));
    }),
    Element::iana(372, "applicationCategoryName", DataType::String, |out, flow| {
        text(out, flow.view.app().map_or(b"", |app| app.category.name().as_bytes()));
    }),
    Element {
        id: 1,
        owner: Owner::Enterprise,
        name: "sessionId",
        data_type: DataType::Unsigned64,
        semantics: Semantics::Identifier,
        units: 0,
        doc: "Number of the session, as session_id of its row.",
        write: |out, flow| put(out, flow.row.session.id.to_be_bytes()),
    },
    Element::text(2, "protocolPath", "Protocol path seen from the initiator.", |out, flow| {
        text(out, flow.row.names.path.as_deref().unwrap_or_default().as_bytes());
    }),
    Element::text(3, "protocolName", "Innermost protocol of the path.", |out, flow| {
        let last = flow.row.session.path.last();
        text(out, last.map_or("", catalog::name_of).as_bytes());
    }),
    Element::text(
        4,
        "classificationConfidence",
        "How the protocol was found: user, dpi, pattern, port, address, none.",
        |out, flow| text(out, flow.row.session.confidence.name().as_bytes()),
    ),
    Element::text(5, "serverName", "Name of the server.", |out, flow| {
        text(out, flow.row.session.server_name.as_ref().map_or(b"", |server| &server.name));
    }),
    Element::text(6, "risks", "Risks that it shows, with commas between.", risks),
    Element::number(
        7,
        "initiatorRetransmissions",
        PACKETS,
        "TCP segments the initiator has sent again since the session began.",
        |out, flow| put(out, flow.row.session.retransmissions[0].to_be_bytes()),
    ),
    Element::number(
        8,
        "responderRetransmissions",
        PACKETS,
        "TCP segments the responder has sent again since the session began.",
        |out, flow| put(out, flow.row.session.retransmissions[1].to_be_bytes()),
    ),
    Element::number(
        9,
        "roundTripMicroseconds",
        MICROSECONDS,
        "Smallest round trip between probe and responder; 0 when none was seen.",
        |out, flow| put(out, flow.row.session.rtt_us.unwrap_or(0).to_be_bytes()),
    ),
    Element::number(
        10,
        "handshakeMicroseconds",
        MICROSECONDS,
        "TCP handshake, from SYN to its last acknowledgement; 0 when none was seen.",
        |out, flow| put(out, flow.row.session.handshake_us.unwrap_or(0).to_be_bytes()),
    ),
    Element::number(
        11,
        "applicationResponseMicroseconds",
        MICROSECONDS,
        "From the first request to the first octet of its answer; 0 when none was seen.",
        |out, flow| put(out, flow.row.session.app_response_us.unwrap_or(0).to_be_bytes()),
    ),
];

impl Element {
    /// Whether it has a meaning in records of both directions only.
    pub fn is_of_both(&self) -> bool {
        self.owner == Owner::Reverse || (self.owner == Owner::Iana && self.id == BIFLOW_DIRECTION)
    }
}

const BIFLOW_DIRECTION: u16 = 239;
const NS_PER_MS: u64 = 1_000_000;
/// Most octets of a text, so that one octet tells its length and a record fits a datagram.
const LONGEST_TEXT: usize = 253;
/// Classification engine "proprietary layer 7, with enterprise number" (RFC 6759, section 4.1).
const PANA_L7_PEN: u8 = 20;

fn put<const N: usize>(out: &mut Vec<u8>, octets: [u8; N]) {
    out.extend_from_slice(&octets);
}

/// A text as UTF-8 (RFC 7011, section 6.1.6): strays are replaced, and what is too long is cut where
/// a character ends.
pub(super) fn text(out: &mut Vec<u8>, octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let end = (0..=LONGEST_TEXT.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    let text = text.get(..end.unwrap_or(0)).unwrap_or_default();
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => put(out, v4.octets()),
        IpAddr::V6(v6) => put(out, v6.octets()),
    }
}

fn icmp(out: &mut Vec<u8>, flow: &Flow<'_>) {
    put(out, flow.row.session.icmp.unwrap_or_default());
}

fn application(out: &mut Vec<u8>, flow: &Flow<'_>) {
    out.push(PANA_L7_PEN);
    put(out, flow.enterprise.to_be_bytes());
    put(out, flow.view.app().map_or(0, |app| app.id.0).to_be_bytes());
}

fn risks(out: &mut Vec<u8>, flow: &Flow<'_>) {
    let mut names = Vec::new();
    let risks = flow.row.session.risks;
    for position in 0..risks.len() {
        let Value::Text(name) = risks.item(position) else { continue };
        // A name is told whole or not at all.
        if names.len() + 1 + name.len() > LONGEST_TEXT {
            break;
        }
        if !names.is_empty() {
            names.push(b',');
        }
        names.extend_from_slice(name);
    }
    text(out, &names);
}

/// RFC 5102, section 5.11.3.
fn end_reason(reason: EndReason) -> u8 {
    match reason {
        EndReason::Idle => 1,
        EndReason::Active => 2,
        EndReason::Fin | EndReason::Rst => 3,
        EndReason::Terminated | EndReason::EndOfCapture => 4,
        EndReason::Evicted => 5,
    }
}
