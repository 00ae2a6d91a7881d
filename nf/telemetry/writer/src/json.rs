//! JSON and JSON_IETF (RFC 7951): leaves, and containers and entries as objects.

use nf_libyang::{DataNode, Shape, Value};

use crate::schema::{Kept, Schema};
use crate::walk::WriteError;

/// How objects are written.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'s> {
    pub(crate) schema: &'s Schema,
    /// Names with their module where it changes and 64-bit numbers as text (RFC 7951).
    pub(crate) ietf: bool,
    /// Leaves that are wanted; keys come along with what else an entry has.
    pub(crate) kept: Option<&'s Kept>,
}

/// Levels without an end.
pub(crate) const ALL: u32 = u32::MAX;

impl Objects<'_> {
    /// A leaf's value, or a leaf-list's as an array.
    pub(crate) fn leaf(
        self,
        out: &mut Vec<u8>,
        shape: Shape,
        entries: &[DataNode<'_>],
    ) -> Result<(), WriteError> {
        match shape {
            Shape::Any => {
                for one in entries {
                    out.extend_from_slice(one.any_json()?.as_bytes());
                }
            }
            Shape::LeafList => {
                out.push(b'[');
                for (number, one) in entries.iter().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    self.plain(out, one.value());
                }
                out.push(b']');
            }
            _ => entries.iter().for_each(|one| self.plain(out, one.value())),
        }
        Ok(())
    }

    fn plain(self, out: &mut Vec<u8>, value: Value<'_>) {
        match value {
            Value::Unsigned { number, wide } => number_text(out, number, wide && self.ietf),
            Value::Signed { number, wide } => number_text(out, number, wide && self.ietf),
            Value::Bool(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            Value::Empty => out.extend_from_slice(b"[null]"),
            // The canonical form is a number of JSON as it stands, and exact.
            Value::Decimal(octets) if !self.ietf => out.extend_from_slice(octets),
            Value::Decimal(octets) | Value::Binary(octets) | Value::Text(octets) => {
                text(out, octets);
            }
        }
    }

    /// What is inside a container, an entry, or the top level, as an object.
    ///
    /// Returns false, and leaves nothing behind, where nothing of it is wanted.
    pub(crate) fn object<'t>(
        self,
        out: &mut Vec<u8>,
        inside: impl Iterator<Item = DataNode<'t>>,
        levels: u32,
        place: Place,
    ) -> Result<bool, WriteError> {
        let begin = out.len();
        out.push(b'{');
        let (mut kept, mut any) = (false, false);
        let mut inside = inside.peekable();
        while let Some(first) = inside.next() {
            any = true;
            let Some(number) = self.schema.number(first) else { continue };
            let node = self.schema.node(number);
            let mut entries = vec![first];
            if matches!(node.shape, Shape::List | Shape::LeafList) {
                while let Some(next) = inside.next_if(|one| one.schema() == first.schema()) {
                    entries.push(next);
                }
            }
            let before = out.len();
            if before > begin + 1 {
                out.push(b',');
            }
            if place.outermost && self.ietf {
                text(out, format!("{}:{}", node.module, node.name).as_bytes());
            } else {
                text(out, node.json_name(self.ietf).as_bytes());
            }
            out.push(b':');
            let wanted = match node.shape {
                Shape::None => false,
                Shape::Leaf | Shape::LeafList | Shape::Any => {
                    let wanted = self.kept.is_none_or(|kept| kept.has(number));
                    kept |= wanted;
                    if wanted || node.is_key {
                        self.leaf(out, node.shape, &entries)?;
                    }
                    wanted || node.is_key
                }
                _ if levels == 1 => false,
                shape => {
                    let levels = if levels == ALL { ALL } else { levels - 1 };
                    let wanted = self.inner(out, shape, &entries, levels)?;
                    kept |= wanted;
                    wanted
                }
            };
            if !wanted {
                out.truncate(before);
            }
        }
        out.push(b'}');
        let told = kept || (!any && !place.entry);
        if !told {
            out.truncate(begin);
        }
        Ok(told)
    }

    fn inner(
        self,
        out: &mut Vec<u8>,
        shape: Shape,
        entries: &[DataNode<'_>],
        levels: u32,
    ) -> Result<bool, WriteError> {
        let begin = out.len();
        if shape != Shape::List {
            let Some(one) = entries.first() else { return Ok(false) };
            let told = self.object(out, one.children(), levels, Place::INSIDE)?;
            // An empty container says something only where its presence does.
            let hollow = &out[begin..] == b"{}" && shape == Shape::Container { presence: false };
            if hollow {
                out.truncate(begin);
            }
            return Ok(told && !hollow);
        }
        out.push(b'[');
        for one in entries {
            let before = out.len();
            if before > begin + 1 {
                out.push(b',');
            }
            if !self.object(out, one.children(), levels, Place::ENTRY)? {
                out.truncate(before);
            }
        }
        let told = out.len() > begin + 1;
        if told {
            out.push(b']');
        } else {
            out.truncate(begin);
        }
        Ok(told)
    }
}

/// Where an object stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// It is the whole value: its members are qualified as those of a document (RFC 7951, section 4).
    pub(crate) outermost: bool,
    /// It is an entry of a list.
    pub(crate) entry: bool,
}

impl Place {
    const INSIDE: Self = Self { outermost: false, entry: false };
    const ENTRY: Self = Self { outermost: false, entry: true };
}

fn number_text(out: &mut Vec<u8>, number: impl std::fmt::Display, quoted: bool) {
    use std::io::Write;
    let written = if quoted { write!(out, "\"{number}\"") } else { write!(out, "{number}") };
    debug_assert!(written.is_ok(), "a vector takes everything");
}

/// A string of JSON.
fn text(out: &mut Vec<u8>, octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let written = serde_json::to_writer(out, text.as_ref());
    debug_assert!(written.is_ok(), "a vector takes everything");
}
