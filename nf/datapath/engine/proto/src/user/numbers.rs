//! Numbers, names and field lists of the users' protocols, for the life of the process.
//!
//! A session may outlive the configuration that named its protocol, and rows outlive sessions.
//! So a name once given a number keeps it, and equal texts and lists are kept once: loading the
//! same plugins again takes no memory, and a changed one takes what has changed.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, PoisonError, RwLock};

use nf_fields::{Field, ProtoId};

/// Numbers from here on are users' protocols: MMT's and ours are far below.
const FIRST: u16 = 0x8000;

#[derive(Default)]
struct Known {
    names: Vec<(&'static str, u16)>,
    texts: HashSet<&'static str>,
    fields: HashMap<String, &'static [Field]>,
}

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// Whether a number is that of a user's protocol.
#[inline]
pub fn is_users(id: ProtoId) -> bool {
    id.0 >= FIRST
}

/// The name of a user's protocol.
pub fn name_of(id: ProtoId) -> Option<&'static str> {
    known(id).map(|(name, _)| name)
}

/// The number that the outside knows a protocol by.
pub fn public(id: ProtoId) -> u16 {
    known(id).map_or(id.0, |(_, public)| public)
}

fn known(id: ProtoId) -> Option<(&'static str, u16)> {
    let place = id.0.checked_sub(FIRST)?;
    // A panic elsewhere leaves whole entries behind.
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.names.get(usize::from(place)).copied()
}

/// The number of a protocol of this name and public id; `None` when there are too many.
pub(super) fn number(name: &str, public: u16) -> Option<ProtoId> {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let place = match known.names.iter().position(|n| *n == (name, public)) {
        Some(place) => place,
        None => {
            let name = known.text(name);
            known.names.push((name, public));
            known.names.len().saturating_sub(1)
        }
    };
    FIRST.checked_add(u16::try_from(place).ok()?).map(ProtoId)
}

/// A text for the life of the process.
pub(super) fn text(text: &str) -> &'static str {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).text(text)
}

/// A list of fields for the life of the process; `key` says all that is in it.
pub(super) fn fields(key: String, make: impl FnOnce() -> Vec<Field>) -> &'static [Field] {
    if let Some(fields) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).fields.get(&key) {
        return fields;
    }
    // `make` asks for texts, so that the lock must be free.
    let made = make();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.fields.entry(key).or_insert_with(|| made.leak())
}

impl Known {
    fn text(&mut self, text: &str) -> &'static str {
        if let Some(known) = self.texts.get(text) {
            return known;
        }
        let text: &'static str = String::from(text).leak();
        self.texts.insert(text);
        text
    }
}
