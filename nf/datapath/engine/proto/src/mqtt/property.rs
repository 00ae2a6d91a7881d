//! Properties of MQTT 5.0 (§2.2.2): identifiers, each with a value of its type.

use std::fmt::Write;

use nf_fields::{Fields, Text};

use super::message::{Varint, varint};
use crate::Cursor;

/// Most properties of a packet that a record keeps.
const MAX_KEPT: usize = 32;
/// Most octets of a name or value that a record keeps.
const MAX_TEXT: usize = 256;

/// The properties of a packet, whole and of known types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties<'a>(&'a [u8]);

/// One property, as a record has it.
#[derive(Clone, Debug, PartialEq, Eq, Fields)]
pub struct Property {
    /// Name of the property in words of the standard, or of a user property.
    pub name: Text,
    /// Its value; of authentication data only the length in octets.
    pub value: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u32),
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Pair(&'a [u8], &'a [u8]),
}

/// Topic alias.
const TOPIC_ALIAS: u8 = 35;
const AUTHENTICATION_DATA: u8 = 22;

fn name(id: u8) -> &'static str {
    match id {
        1 => "payload_format_indicator",
        2 => "message_expiry_interval",
        3 => "content_type",
        8 => "response_topic",
        9 => "correlation_data",
        11 => "subscription_identifier",
        17 => "session_expiry_interval",
        18 => "assigned_client_identifier",
        19 => "server_keep_alive",
        21 => "authentication_method",
        22 => "authentication_data",
        23 => "request_problem_information",
        24 => "will_delay_interval",
        25 => "request_response_information",
        26 => "response_information",
        28 => "server_reference",
        31 => "reason_string",
        33 => "receive_maximum",
        34 => "topic_alias_maximum",
        35 => "topic_alias",
        36 => "maximum_qos",
        37 => "retain_available",
        39 => "maximum_packet_size",
        40 => "wildcard_subscription_available",
        41 => "subscription_identifier_available",
        42 => "shared_subscription_available",
        _ => "unknown",
    }
}

fn next<'a>(c: &mut Cursor<'a>) -> Option<(u8, Value<'a>)> {
    let id = c.u8()?;
    let value = match id {
        1 | 23 | 25 | 36 | 37 | 40..=42 => Value::Number(c.u8()?.into()),
        19 | 33..=35 => Value::Number(c.u16()?.into()),
        2 | 17 | 24 | 39 => Value::Number(c.u32()?),
        11 => match varint(c) {
            Varint::Value(value) => Value::Number(value),
            _ => return None,
        },
        3 | 8 | 18 | 21 | 26 | 28 | 31 => Value::Text(c.prefixed_u16()?),
        9 | 22 => Value::Binary(c.prefixed_u16()?),
        38 => Value::Pair(c.prefixed_u16()?, c.prefixed_u16()?),
        _ => return None,
    };
    Some((id, value))
}

/// Takes the properties at the front of `c`, all of them readable.
pub(super) fn read<'a>(c: &mut Cursor<'a>) -> Option<Properties<'a>> {
    let Varint::Value(length) = varint(c) else {
        return None;
    };
    let octets = c.take(usize::try_from(length).ok()?)?;
    let mut inside = Cursor::new(octets);
    while !inside.is_empty() {
        next(&mut inside)?;
    }
    Some(Properties(octets))
}

impl<'a> Properties<'a> {
    pub(super) const EMPTY: Self = Self(&[]);

    fn iter(self) -> impl Iterator<Item = (u8, Value<'a>)> {
        let mut c = Cursor::new(self.0);
        std::iter::from_fn(move || next(&mut c))
    }

    /// The alias for a topic.
    pub(super) fn topic_alias(self) -> Option<u16> {
        self.iter().find_map(|(id, value)| match value {
            Value::Number(alias) if id == TOPIC_ALIAS => u16::try_from(alias).ok(),
            _ => None,
        })
    }

    /// As records have them; `None` when there are none.
    pub(super) fn keep(self) -> Option<Vec<Property>> {
        let kept: Vec<_> =
            self.iter().take(MAX_KEPT).map(|(id, value)| property(id, value)).collect();
        (!kept.is_empty()).then_some(kept)
    }
}

fn property(id: u8, value: Value<'_>) -> Property {
    let text = |octets: &[u8]| Text::bounded(octets, MAX_TEXT);
    let value = match value {
        Value::Pair(name, value) => return Property { name: text(name), value: text(value) },
        Value::Number(number) => Text::from(number.to_string()),
        Value::Binary(octets) if id == AUTHENTICATION_DATA => Text::from(octets.len().to_string()),
        Value::Binary(octets) => {
            Text::from(octets.iter().take(MAX_TEXT / 2).fold(String::new(), |mut hex, octet| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{octet:02x}");
                hex
            }))
        }
        Value::Text(octets) => text(octets),
    };
    Property { name: Text::from(name(id)), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_types() {
        let octets =
            b"\x1a\x21\0\x14\x26\0\x01k\0\x01v\x0b\x80\x01\x16\0\x02pw\x09\0\x02\xca\xfe\x23\0\x07";
        let read = read(&mut Cursor::new(octets)).unwrap();

        let said: Vec<_> = read.keep().unwrap().into_iter().map(|p| (p.name, p.value)).collect();
        let expected = [
            ("receive_maximum", "20"),
            ("k", "v"),
            ("subscription_identifier", "128"),
            ("authentication_data", "2"),
            ("correlation_data", "cafe"),
            ("topic_alias", "7"),
        ];
        assert_eq!(said, expected.map(|(name, value)| (Text::from(name), Text::from(value))));
        assert_eq!(read.topic_alias(), Some(7));
    }

    #[test]
    fn an_unknown_or_unfinished_property_spoils_all() {
        for wrong in [&b"\x02\x63\0"[..], b"\x02\x21\0", b"\x05\x21\0\x01", b"\xff\xff\xff\xff\x01"]
        {
            assert_eq!(read(&mut Cursor::new(wrong)), None);
        }
        assert_eq!(read(&mut Cursor::new(b"\0")), Some(Properties::EMPTY));
    }
}
