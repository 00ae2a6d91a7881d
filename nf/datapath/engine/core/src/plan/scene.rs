//! What the engine itself knows when an attribute is read: packet, session, transport.

use nf_fields::{Field, Fields, ProtoId, Scope, Type, Value};
use nf_proto::Direction;
use nf_wire::IpLayer;

use crate::catalog::{Attribute, Source};
use crate::parcel::Item;
use crate::path::Path;
use crate::row::{Count, Owned};
use crate::session::Session;
use crate::transport::Segmented;

/// Everything that can be asked while a packet is at hand.
pub struct Scene<'a> {
    /// The packet.
    pub item: &'a Item,
    /// Its octets.
    pub frame: &'a [u8],
    /// Its session, and the packet's direction in it.
    pub session: Option<(&'a Session, Direction)>,
    /// What it meant to its TCP connection.
    pub(crate) segmented: Segmented,
}

/// Reads a value for a protocol (generic attributes need to know whose).
pub type Read = fn(&Scene<'_>, ProtoId) -> Owned;

impl Scene<'_> {
    /// The value of `attribute`, given the message or transaction at hand, if any.
    pub fn read(&self, attribute: &Attribute, at_hand: Option<(ProtoId, &dyn Fields)>) -> Owned {
        match attribute.source {
            Source::Header(header, position) => {
                let mut value = Owned::None;
                if let Some(octets) = self.header(attribute.proto) {
                    (header.visit)(octets, position.into(), &mut |v| value = Owned::of(v));
                }
                value
            }
            Source::Message(position) | Source::Transaction(position) => match at_hand {
                Some((proto, fields)) if proto == attribute.proto => {
                    Owned::of(value_of(fields, position, &attribute.field))
                }
                _ => Owned::None,
            },
            Source::Scene(read) => read(self, attribute.proto),
            Source::Overview(read) => read(self),
            Source::Census(count) => Owned::Count(count),
        }
    }

    /// Octets from the innermost header of `proto` to the end of its datagram: link padding is
    /// nobody's data.
    pub fn header(&self, proto: ProtoId) -> Option<&[u8]> {
        let layer = self.item.packet.layers().iter().rev().find(|l| l.proto == proto)?;
        let within = |ip: &&IpLayer| layer.offset >= ip.offset;
        let end = match self.item.packet.ips().iter().rev().find(within) {
            Some(ip) => ip.payload.saturating_add(ip.payload_captured) as usize,
            None => self.frame.len(),
        };
        self.frame.get(usize::from(layer.offset)..end.min(self.frame.len()))
    }
}

impl Scene<'_> {
    /// Octets behind the innermost header of `proto`.
    fn after(&self, proto: ProtoId) -> Option<&[u8]> {
        let layers = self.item.packet.layers();
        let at = layers.iter().rposition(|l| l.proto == proto)?;
        let data = self.header(proto)?;
        let start = match layers.get(at + 1) {
            Some(next) => usize::from(next.offset),
            None => self.item.packet.ips().last().map(|ip| ip.payload as usize)?,
        };
        data.get(start.checked_sub(usize::from(layers[at].offset))?..)
    }

    /// A value of the session, for a protocol that is on its path.
    fn of_path(&self, proto: ProtoId, read: impl Fn(&Session) -> Owned) -> Owned {
        let Some((session, _)) = self.session else { return Owned::None };
        let on_path = self.item.packet.layers().iter().any(|l| l.proto == proto)
            || session.dissection.path().contains(&proto);
        if on_path { read(session) } else { Owned::None }
    }

    fn sum(&self, proto: ProtoId, read: impl Fn(&Session) -> [u64; 2]) -> Owned {
        self.of_path(proto, |session| Owned::Uint(read(session).iter().sum()))
    }
}

/// The field at `position`, if the record at hand is of the kind the attribute means: a message
/// and a transaction of one protocol have lists of their own.
fn value_of<'v>(fields: &'v dyn Fields, position: u16, field: &Field) -> Value<'v> {
    let position = usize::from(position);
    match fields.field_list().get(position) {
        Some(found) if found.name == field.name => fields.get(position),
        _ => {
            let named = fields.field_list().iter().position(|f| f.name == field.name);
            named.map_or(Value::None, |p| fields.get(p))
        }
    }
}

const fn field(id: u16, name: &'static str, ty: Type, scope: Scope, doc: &'static str) -> Field {
    Field { name, id, ty, scope, aliases: &[], doc }
}

const U8: Type = Type::Uint(8);
const U16: Type = Type::Uint(16);
const U32: Type = Type::Uint(32);
const U64: Type = Type::Uint(64);

fn session<T>(scene: &Scene<'_>, read: impl Fn(&Session, Direction) -> T) -> Option<T> {
    scene.session.map(|(session, direction)| read(session, direction))
}

fn uint(value: Option<impl Into<u64>>) -> Owned {
    value.map_or(Owned::None, |v| Owned::Uint(v.into()))
}

fn when(condition: bool, value: u64) -> Owned {
    if condition { Owned::Uint(value) } else { Owned::None }
}

/// Attributes that come from the engine, by protocol (MMT-DPI's ids; see the specification).
pub static ATTRIBUTES: &[(&str, Field, Read)] = &[
    (
        "meta",
        field(1, "direction", U32, Scope::Packet, "0 from the initiator, 1 from the responder."),
        |s, _| uint(s.session.map(|(_, d)| d as u64)),
    ),
    ("meta", field(3, "utime", Type::Time, Scope::Packet, "Time stamp of the packet."), |s, _| {
        Owned::Time(s.item.at.timestamp)
    }),
    (
        "meta",
        field(4, "packet_len", U32, Scope::Packet, "Octets of the packet on the wire."),
        |s, _| Owned::Uint(s.item.at.length.into()),
    ),
    (
        "meta",
        field(5, "proto_hierarchy", Type::Text, Scope::Packet, "Protocol path of the packet."),
        |s, _| {
            let mut path: Path = s.item.packet.layers().iter().map(|l| l.proto).collect();
            if let Some((session, _)) = s.session {
                session.dissection.path().iter().for_each(|id| path.push(*id));
            }
            Owned::Text(path.to_string().into_bytes().into())
        },
    ),
    ("meta", field(6, "session", U64, Scope::Session, "Id of the packet's session."), |s, _| {
        uint(session(s, |x, _| x.id))
    }),
    (
        "meta",
        field(7, "classified", U8, Scope::Session, "1 once the session's protocol is certain."),
        |s, _| uint(session(s, |x, _| u64::from(!x.dissection.path().is_empty()))),
    ),
    (
        "meta",
        field(9, "source_id", U32, Scope::Session, "Number of the capture source."),
        |s, _| Owned::Uint(s.item.at.source.into()),
    ),
    (
        "meta",
        field(
            10,
            "packet_index",
            U64,
            Scope::Session,
            "Number of the packet in the capture, from 1.",
        ),
        |s, _| Owned::Uint(s.item.index),
    ),
    ("ip", field(4107, "session_id", U64, Scope::Packet, "Id of the session."), id_of_session),
    (
        "ip",
        field(4106, "session", U64, Scope::Event, "Id of a session, on its first packet."),
        first_of_session,
    ),
    (
        "ip",
        field(
            32,
            "l4s_marked",
            U8,
            Scope::Packet,
            "1 on a packet of an L4S sender: ECT(1), or congestion experienced (RFC 9331).",
        ),
        |s, _| uint(ecn(s).map(|ecn| u64::from(matches!(ecn, 1 | 3)))),
    ),
    (
        "ip",
        field(19, "client_addr", Type::Ip, Scope::Packet, "Address of the initiator."),
        client_address,
    ),
    (
        "ip",
        field(20, "server_addr", Type::Ip, Scope::Packet, "Address of the responder."),
        server_address,
    ),
    ("ip", field(21, "client_port", U16, Scope::Packet, "Port of the initiator."), client_port),
    ("ip", field(22, "server_port", U16, Scope::Packet, "Port of the responder."), server_port),
    ("ipv6", field(4107, "session_id", U64, Scope::Packet, "Id of the session."), id_of_session),
    (
        "ipv6",
        field(4106, "session", U64, Scope::Event, "Id of a session, on its first packet."),
        first_of_session,
    ),
    (
        "ipv6",
        field(11, "client_addr", Type::Ip, Scope::Packet, "Address of the initiator."),
        client_address,
    ),
    (
        "ipv6",
        field(12, "server_addr", Type::Ip, Scope::Packet, "Address of the responder."),
        server_address,
    ),
    ("ipv6", field(13, "client_port", U16, Scope::Packet, "Port of the initiator."), client_port),
    ("ipv6", field(14, "server_port", U16, Scope::Packet, "Port of the responder."), server_port),
    (
        "tcp",
        field(18, "rtt", U32, Scope::Event, "Microseconds of the handshake, when it completes."),
        |s, _| {
            if s.segmented.established {
                uint(session(s, |x, _| x.tcp.timing.handshake_us()).flatten())
            } else {
                Owned::None
            }
        },
    ),
    ("tcp", field(19, "syn_received", U32, Scope::Event, "1 on an opening segment."), |s, _| {
        when(
            s.header(nf_wire::id::TCP).and_then(|h| h.get(13)).is_some_and(|f| f & 0x12 == 0x02),
            1,
        )
    }),
    (
        "tcp",
        field(20, "retransmission", U32, Scope::Packet, "1 on a segment that carried nothing new."),
        |s, _| Owned::Uint(s.segmented.retransmission.into()),
    ),
    (
        "tcp",
        field(21, "outoforder", U32, Scope::Packet, "1 on a segment that came before its turn."),
        |s, _| Owned::Uint(s.segmented.out_of_order.into()),
    ),
    (
        "tcp",
        field(
            22,
            "tcp_session_retransmission",
            U32,
            Scope::Packet,
            "Segments of the session sent again, both directions.",
        ),
        |s, _| {
            uint(session(s, |x, _| {
                x.tcp.retransmissions.iter().map(|&n| u64::from(n)).sum::<u64>()
            }))
        },
    ),
    (
        "tcp",
        field(
            23,
            "tcp_session_payload_up_len",
            U64,
            Scope::Packet,
            "Payload octets of the initiator so far.",
        ),
        |s, _| uint(session(s, |x, _| x.payload[0])),
    ),
    (
        "tcp",
        field(
            25,
            "tcp_session_payload_down_len",
            U64,
            Scope::Packet,
            "Payload octets of the responder so far.",
        ),
        |s, _| uint(session(s, |x, _| x.payload[1])),
    ),
    (
        "tcp",
        field(27, "payload_len", U32, Scope::Packet, "Payload octets of the segment."),
        |s, _| uint(s.item.packet.ips().last().map(|ip| ip.payload_len)),
    ),
    ("tcp", field(28, "closed", U8, Scope::Event, "1 when the connection closes."), |s, _| {
        when(s.segmented.closed.is_some(), 1)
    }),
    (
        "tcp",
        field(29, "established", U8, Scope::Event, "1 when the handshake completes."),
        |s, _| when(s.segmented.established, 1),
    ),
];

const fn census(id: u16, name: &'static str, doc: &'static str) -> Field {
    field(id, name, U64, Scope::Packet, doc)
}

/// Counts of sessions.
pub static CENSUS: &[(&str, Field, Count)] = &[
    ("ip", census(27, "ip_session_count", "Sessions begun so far."), Count::Begun(4)),
    (
        "ip",
        census(28, "ip_active_session_count", "Sessions that have not ended."),
        Count::Active(4),
    ),
    ("ip", census(29, "ip_timedout_session_count", "Sessions ended by silence."), Count::Idle(4)),
    ("ipv6", census(23, "ip6_session_count", "Sessions begun so far."), Count::Begun(6)),
    (
        "ipv6",
        census(24, "ip6_active_session_count", "Sessions that have not ended."),
        Count::Active(6),
    ),
    (
        "ipv6",
        census(25, "ip6_timedout_session_count", "Sessions ended by silence."),
        Count::Idle(6),
    ),
];

/// Attributes every protocol has (MMT-DPI's generic ones that one packet can answer).
pub static GENERIC: &[(Field, Read)] = &[
    (
        field(
            4096,
            "p_hdr",
            Type::Binary,
            Scope::Packet,
            "First octets of the header (at most 64).",
        ),
        |s, proto| octets(s, proto, 64),
    ),
    (
        field(
            4097,
            "p_data",
            Type::Binary,
            Scope::Packet,
            "Octets from the header on, as captured.",
        ),
        |s, proto| octets(s, proto, usize::MAX),
    ),
    (
        field(
            4098,
            "p_payload",
            Type::Binary,
            Scope::Packet,
            "Octets after the header, as captured.",
        ),
        |s, proto| s.after(proto).map_or(Owned::None, |p| Owned::of(Value::Binary(p))),
    ),
    (
        field(4099, "packet_count", U64, Scope::SessionChanging, "Packets of the session so far."),
        |s, proto| s.sum(proto, |x| x.packets),
    ),
    (
        field(
            4100,
            "data_count",
            U64,
            Scope::SessionChanging,
            "Octets of the session so far, from the IP header up.",
        ),
        |s, proto| s.sum(proto, |x| x.bytes),
    ),
    (
        field(
            4101,
            "payload_count",
            U64,
            Scope::SessionChanging,
            "Octets of transport payload of the session so far.",
        ),
        |s, proto| s.sum(proto, |x| x.payload),
    ),
    (
        field(
            4102,
            "first_packet_time",
            Type::Time,
            Scope::Session,
            "Time of the session's first packet.",
        ),
        |s, proto| s.of_path(proto, |x| Owned::Time(x.start)),
    ),
    (
        field(
            4103,
            "last_packet_time",
            Type::Time,
            Scope::SessionChanging,
            "Time of the session's latest packet.",
        ),
        |s, proto| s.of_path(proto, |x| Owned::Time(x.end)),
    ),
    (
        field(
            4105,
            "stats",
            Type::Text,
            Scope::SessionChanging,
            "The counters and times above as one object.",
        ),
        |s, proto| s.of_path(proto, statistics),
    ),
    (field(4104, "p_data_len", U64, Scope::Packet, "How many octets p_data has."), |s, proto| {
        uint(s.header(proto).map(|h| h.len() as u64))
    }),
];

fn statistics(session: &Session) -> Owned {
    let sum = |both: [u64; 2]| both.iter().sum::<u64>();
    let mut json = Vec::new();
    for (key, value) in [
        ("{\"packet_count\":", Value::Uint(sum(session.packets))),
        (",\"data_count\":", Value::Uint(sum(session.bytes))),
        (",\"payload_count\":", Value::Uint(sum(session.payload))),
        (",\"first_packet_time\":", Value::Time(session.start)),
        (",\"last_packet_time\":", Value::Time(session.end)),
    ] {
        json.extend_from_slice(key.as_bytes());
        nf_fields::json::write_value(&mut json, value);
    }
    json.push(b'}');
    Owned::Json(json.into())
}

fn octets(scene: &Scene<'_>, proto: ProtoId, most: usize) -> Owned {
    scene
        .header(proto)
        .map_or(Owned::None, |h| Owned::of(Value::Binary(h.get(..most).unwrap_or(h))))
}

/// The session, if its own IP header is one of `proto`.
fn session_of<'a>(scene: &Scene<'a>, proto: ProtoId) -> Option<&'a Session> {
    let ip = scene.item.packet.ips().last()?;
    let header = scene.item.packet.layers().get(usize::from(ip.layer))?;
    scene.session.filter(|_| header.proto == proto).map(|(session, _)| session)
}

fn id_of_session(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    uint(session_of(scene, proto).map(|x| x.id))
}

fn first_of_session(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    let begun = |x: &&Session| x.first == scene.item.sequence;
    uint(session_of(scene, proto).filter(begun).map(|x| x.id))
}

/// Explicit congestion notification (RFC 3168 §5) of the innermost IPv4 header.
fn ecn(scene: &Scene<'_>) -> Option<u8> {
    scene.header(nf_wire::id::IP)?.get(1).map(|tos| tos & 3)
}

fn client_address(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    session_of(scene, proto).map_or(Owned::None, |x| Owned::Ip(x.flow().initiator))
}

fn server_address(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    session_of(scene, proto).map_or(Owned::None, |x| Owned::Ip(x.flow().responder))
}

fn client_port(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    uint(session_of(scene, proto).map(|x| x.flow().initiator_port))
}

fn server_port(scene: &Scene<'_>, proto: ProtoId) -> Owned {
    uint(session_of(scene, proto).map(|x| x.flow().responder_port))
}
