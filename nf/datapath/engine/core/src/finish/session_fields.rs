//! The fields of a session: name, type, explanation and value, each said once.

use nf_fields::{Field, Scope, Type, Value, json};

use super::community::community_id;
use super::view::RowView;
use crate::catalog;
use crate::row::What;

const fn field(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, id: 0, ty, scope: Scope::Session, aliases: &[], doc }
}

const U16: Type = Type::Uint(16);
const U32: Type = Type::Uint(32);
const U64: Type = Type::Uint(64);

/// The list, its readers, and a writer for the usual part of it.
macro_rules! session_fields {
    (
        default { $( $(#[doc = $doc:literal])+ $name:literal: $ty:expr => |$v:ident| $value:expr; )* }
        on_request { $( $(#[doc = $doc2:literal])+ $name2:literal: $ty2:expr => |$v2:ident| $value2:expr; )* }
    ) => {
        /// The fields of a session, in the order of columns.
        pub static SESSION_FIELDS: &[Field] = &[
            $( field($name, $ty, concat!($($doc),+).trim_ascii_start()), )*
            $( field($name2, $ty2, concat!($($doc2),+).trim_ascii_start()), )*
        ];

        /// How many of [`SESSION_FIELDS`] are written unless asked otherwise.
        pub const DEFAULT_SESSION_FIELDS: usize = [ $( $name ),* ].len();

        /// How each value is read.
        pub(super) static READ: &[for<'a> fn(&'a RowView<'_>) -> Value<'a>] = &[
            $( |$v| $value, )*
            $( |$v2| $value2, )*
        ];

        impl RowView<'_> {
            /// Writes the default fields as members of a JSON object, each with a comma before it.
            /// A straight line: every key, and of which kind every value is, is known here.
            pub fn write_default(&self, out: &mut Vec<u8>) {
                $(
                    out.extend_from_slice(concat!(",\"", $name, "\":").as_bytes());
                    let $v = self;
                    json::write_value(out, $value);
                )*
            }
        }
    };
}

session_fields! {
    default {
        /// Kind of the row: session, transaction or event.
        "type": Type::Text => |v| text(match v.row.what {
            What::Session => "session",
            What::Transaction { .. } => "transaction",
            What::Event { .. } => "event",
            });
        /// Number of the session's first packet in the capture; sessions within tunnels add 2^48
        /// per IP layer.
        "session_id": U64 => |v| Value::Uint(v.row.session.id);
        /// Time of the first packet, seconds since the epoch.
        "start": Type::Time => |v| Value::Time(v.row.session.start);
        /// Time of the last packet, seconds since the epoch.
        "end": Type::Time => |v| Value::Time(v.row.session.end);
        /// Address of the initiator.
        "src_ip": Type::Ip => |v| Value::Ip(v.source.0);
        /// Port of the initiator; 0 where there are no ports.
        "src_port": U16 => |v| Value::Uint(v.source.1.into());
        /// Address of the responder.
        "dst_ip": Type::Ip => |v| Value::Ip(v.target.0);
        /// Port of the responder; 0 where there are no ports.
        "dst_port": U16 => |v| Value::Uint(v.target.1.into());
        /// IP protocol number.
        "ip_proto": Type::Uint(8) => |v| Value::Uint(v.row.session.key.protocol().into());
        /// VLAN identifier: of the outermost tag, within tunnels of the tunnel's own.
        "vlan": U16 => |v| match v.row.session.vlan {
            0 => Value::None,
            tag => Value::Uint(u64::from(tag) - 1),
            };
        /// Protocol path seen from the initiator.
        "path": Type::Text => |v| text(v.row.names.path.as_deref().unwrap_or_default());
        /// Innermost protocol of the path.
        "protocol": Type::Text => |v| v.row.session.path.last()
            .map_or(Value::None, |id| text(catalog::name_of(id)));
        /// Application.
        "app": Type::Text => |v| v.app().map_or(Value::None, |app| text(&app.name));
        /// Category of the application.
        "category": Type::Text => |v| v.app().map_or(Value::None, |app| text(app.category.name()));
        /// How the protocol was found: user, dpi, pattern, port, address, none.
        "confidence": Type::Text => |v| text(v.row.session.confidence.name());
        /// Name of the server (SNI, Host, certificate or query).
        "server_name": Type::Text => |v| v.row.session.server_name.as_ref()
            .map_or(Value::None, |n| Value::Text(&n.name));
        /// Packets from the initiator.
        "packets_up": U64 => |v| Value::Uint(v.row.session.packets[0]);
        /// Packets from the responder.
        "packets_down": U64 => |v| Value::Uint(v.row.session.packets[1]);
        /// Octets from the initiator, from the IP header up.
        "bytes_up": U64 => |v| Value::Uint(v.row.session.bytes[0]);
        /// Octets from the responder, from the IP header up.
        "bytes_down": U64 => |v| Value::Uint(v.row.session.bytes[1]);
        /// Octets of transport payload from the initiator.
        "payload_up": U64 => |v| Value::Uint(v.row.session.payload[0]);
        /// Octets of transport payload from the responder.
        "payload_down": U64 => |v| Value::Uint(v.row.session.payload[1]);
        /// TCP segments the initiator sent again.
        "retransmissions_up": U32 => |v| Value::Uint(v.row.session.retransmissions[0].into());
        /// TCP segments the responder sent again.
        "retransmissions_down": U32 => |v| Value::Uint(v.row.session.retransmissions[1].into());
        /// Smallest round trip between probe and responder, microseconds.
        "rtt_us": U32 => |v| maybe(v.row.session.rtt_us);
        /// TCP handshake, from SYN to its last acknowledgement, microseconds.
        "handshake_us": U32 => |v| maybe(v.row.session.handshake_us);
        /// From the first request to the first octet of its answer, microseconds.
        "app_response_us": U32 => |v| maybe(v.row.session.app_response_us);
        /// Why it ended: fin, rst, idle, evicted, terminated, end_of_capture; active while it has not.
        "end_reason": Type::Text => |v| text(v.row.session.end_reason.name());
        /// Community ID, version 1, seed 0.
        "community_id": Type::Text => |v| {
            let s = &v.row.session;
            let id = || community_id(v.source, v.target, s.key.protocol(), s.icmp);
            Value::Text(v.community.get_or_init(id))
            };
    }
    on_request {
        /// Protocol path seen from the responder.
        "path_down": Type::Text => |v| text(v.row.names.path_down.as_deref().unwrap_or_default());
        /// Packets of sessions within this tunnel, from the initiator.
        "tunnel_packets_up": U64 => |v| Value::Uint(v.row.session.nested_packets[0]);
        /// Packets of sessions within this tunnel, from the responder.
        "tunnel_packets_down": U64 => |v| Value::Uint(v.row.session.nested_packets[1]);
        /// Octets of those packets, from this session's IP header up.
        "tunnel_bytes_up": U64 => |v| Value::Uint(v.row.session.nested_bytes[0]);
        /// Octets of those packets, from this session's IP header up.
        "tunnel_bytes_down": U64 => |v| Value::Uint(v.row.session.nested_bytes[1]);
        /// Risks that it shows, by name; nf risks explains them.
        "risks": Type::List(&Type::Text) => |v| Value::List(&v.row.session.risks);
        /// Severity of the gravest of them: low, medium, high or severe.
        "risk_severity": Type::Text => |v| v.severity()
            .map_or(Value::None, |severity| text(severity.name()));
        /// Anomalies counted on the session.
        "anomalies": U32 => |v| Value::Uint(v.row.session.anomalies.into());
        /// How the application was found: dpi, partial (by a name that others share), port, address.
        "app_confidence": Type::Text => |v| v.row.names.app
            .map_or(Value::None, |(_, confidence)| text(confidence.name()));
        /// Number of the application.
        "app_id": U16 => |v| v.app().map_or(Value::None, |app| Value::Uint(app.id.0.into()));
        /// Number of the protocol.
        "protocol_id": U16 => |v| v.row.session.path.last()
            .map_or(Value::None, |id| Value::Uint(nf_proto::user::public(id).into()));
    }
}

fn text(words: &str) -> Value<'_> {
    if words.is_empty() { Value::None } else { Value::Text(words.as_bytes()) }
}

fn maybe(value: Option<u32>) -> Value<'static> {
    value.map_or(Value::None, |v| Value::Uint(v.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_columns_end_with_the_community_id() {
        assert_eq!(SESSION_FIELDS[DEFAULT_SESSION_FIELDS - 1].name, "community_id");
    }

    #[test]
    fn explanations_are_whole_sentences() {
        for field in SESSION_FIELDS {
            assert!(!field.doc.starts_with(' ') && !field.doc.contains("  "), "{}", field.name);
            assert!(field.doc.ends_with('.'), "{}", field.name);
        }
    }
}
