//! Numbers of risks: bits of a set, given to names once for the life of the process, because rows
//! outlive the configuration that their risks are from.

use std::sync::{PoisonError, RwLock};

use super::{Risks, rules};

static NAMES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// The number of a risk; none when so many names have been seen that a set has no more room.
pub(super) fn number(name: &str) -> Option<usize> {
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    if names.is_empty() {
        names.extend(rules::all().iter().map(|rule| rule.name.text));
    }
    if let Some(known) = names.iter().position(|known| *known == name) {
        return Some(known);
    }
    if names.len() >= Risks::CAPACITY {
        return None;
    }
    // Kept for good: at most as many as a set has bits, and short.
    names.push(Box::leak(name.into()));
    names.len().checked_sub(1)
}

/// The name of a number.
pub(super) fn name(number: usize) -> Option<&'static str> {
    NAMES.read().unwrap_or_else(PoisonError::into_inner).get(number).copied()
}
