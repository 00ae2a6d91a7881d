//! Which fields of a record somebody reads.

use std::ops::BitOr;

/// A set of a record's fields, by position. The derive gives each field of a record a set of its
/// own: `TlsTransaction::JA3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u128);

impl FieldSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u128::MAX);

    /// The field at `position`. Those from 127 on share a bit: who asks for one gets them all.
    pub const fn one(position: usize) -> Self {
        Self(1 << if position < 127 { position } else { 127 })
    }

    /// These and `others`.
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether nobody reads any.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of `others` is among them.
    pub const fn has_any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl BitOr for FieldSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let both = FieldSet::one(0) | FieldSet::one(126);

        assert!(both.has_any(FieldSet::one(126)) && both.has_any(FieldSet::ALL));
        assert!(!both.has_any(FieldSet::one(1)) && !both.has_any(FieldSet::NONE));
        assert!(FieldSet::one(127).has_any(FieldSet::one(4000)));
        assert!(FieldSet::NONE.is_empty() && !FieldSet::one(4000).is_empty());
    }
}
