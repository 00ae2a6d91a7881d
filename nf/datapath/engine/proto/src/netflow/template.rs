//! Templates that exporters announce, and how many records a set holds by them.

use std::collections::VecDeque;

use crate::Cursor;

/// Most templates of a session.
pub(super) const MAX_TEMPLATES: usize = 128;
/// Length of a field that says itself how long it is (RFC 7011 §7).
const VARIABLE: u16 = 0xffff;

/// What records of a template tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Flows.
    Flows,
    /// The exporter itself: interfaces, sampling.
    Options,
}

/// How long records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All alike.
    Fixed(u32),
    /// Each field by its length, some of which vary.
    Varying(Box<[u16]>),
}

impl Shape {
    /// Of the lengths of its fields; only IPFIX has some that vary.
    pub(super) fn new(lengths: Vec<u16>, ipfix: bool) -> Self {
        if ipfix && lengths.contains(&VARIABLE) {
            return Shape::Varying(lengths.into());
        }
        let total = lengths.iter().map(|&n| u32::from(n));
        Shape::Fixed(total.fold(0, u32::saturating_add))
    }

    /// Records in the octets of a set, and whether what is left can only fill it up.
    pub(super) fn records(&self, value: &[u8]) -> (u32, bool) {
        match self {
            Shape::Fixed(size) => {
                let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
                match length.checked_div(*size) {
                    Some(count) => (count, true),
                    None => (0, value.is_empty()),
                }
            }
            Shape::Varying(lengths) => {
                let mut c = Cursor::new(value);
                let mut count: u32 = 0;
                // Each record has at least the octet that tells a length.
                while let Some(rest) = record_behind(c, lengths) {
                    c = rest;
                    count = count.saturating_add(1);
                }
                // A set is filled up to four octets at most.
                (count, c.remaining() < 4)
            }
        }
    }
}

/// Where the record ends whose fields have these lengths.
fn record_behind<'a>(mut c: Cursor<'a>, lengths: &[u16]) -> Option<Cursor<'a>> {
    for &length in lengths {
        let octets = match length {
            VARIABLE => match c.u8()? {
                255 => c.u16()?,
                short => short.into(),
            },
            fixed => fixed,
        };
        c.skip(octets.into())?;
    }
    Some(c)
}

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    key: (u32, u16),
    pub(super) kind: Kind,
    pub(super) shape: Shape,
}

/// What became of an announced template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    New,
    Again,
    /// The same number had other fields.
    Changed,
    /// The oldest was given up for it.
    Crowded,
}

/// Templates of a session by domain and number, in the order of their first announcement.
#[derive(Debug, Default)]
pub(super) struct Templates(VecDeque<Template>);

impl Templates {
    pub(super) fn put(&mut self, key: (u32, u16), kind: Kind, shape: Shape) -> Put {
        if let Some(known) = self.0.iter_mut().find(|known| known.key == key) {
            let same = known.kind == kind && known.shape == shape;
            (known.kind, known.shape) = (kind, shape);
            return if same { Put::Again } else { Put::Changed };
        }
        let crowded = self.0.len() >= MAX_TEMPLATES;
        if crowded {
            self.0.pop_front();
        }
        self.0.push_back(Template { key, kind, shape });
        if crowded { Put::Crowded } else { Put::New }
    }

    pub(super) fn get(&self, key: (u32, u16)) -> Option<&Template> {
        self.0.iter().find(|known| known.key == key)
    }

    /// Takes back template `id` of a domain, or all of a kind.
    pub(super) fn withdraw(&mut self, domain: u32, id: Option<u16>, kind: Kind) {
        self.0.retain(|known| {
            let meant = id.map_or(known.kind == kind, |id| known.key.1 == id);
            known.key.0 != domain || !meant
        });
    }
}
