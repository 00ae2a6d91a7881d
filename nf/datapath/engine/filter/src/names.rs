//! What a filter's names stand for: the caller knows, the filter asks.

use nf_fields::{Field, Type};

/// Resolves the names a filter uses.
pub trait Names {
    /// What `name` stands for; `None` when it is unknown.
    fn resolve(&self, name: &str) -> Option<Resolved>;

    /// Every name there is, for suggestions; asked only when a name is unknown.
    fn all(&self) -> Vec<String>;
}

/// What one name stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Where the values are read, in the caller's numbering; one, or several for names such as
    /// `port` (either end) and `bytes` (both directions).
    pub slots: Vec<u32>,
    /// What to do with several slots.
    pub combine: Combine,
    /// Type of every slot.
    pub ty: Type,
    /// Unit of time the field counts in, where it does.
    pub unit: Option<Unit>,
}

impl Resolved {
    /// A name for one slot that holds `field`.
    pub fn field(slot: u32, field: &Field) -> Self {
        Self {
            slots: vec![slot],
            combine: Combine::One,
            ty: field.ty,
            unit: Unit::of_name(field.name),
        }
    }

    /// A name that holds when any of `slots` does.
    pub fn any(slots: Vec<u32>, ty: Type) -> Self {
        Self { slots, combine: Combine::Any, ty, unit: None }
    }

    /// A name for the sum of `slots`, which must be numbers.
    pub fn sum(slots: Vec<u32>, ty: Type) -> Self {
        Self { slots, combine: Combine::Sum, ty, unit: None }
    }
}

/// How the values of several slots become one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// There is only one slot.
    One,
    /// The test holds when it does for any slot.
    Any,
    /// The test is made on the sum of the slots that are present.
    Sum,
}

/// Unit of time a field counts in, told by the suffix of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `_ns`
    Nanoseconds,
    /// `_us`
    Microseconds,
    /// `_ms`
    Milliseconds,
    /// `_s`
    Seconds,
}

impl Unit {
    /// The unit a field's name ends in.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.rsplit_once('_')?.1 {
            "ns" => Unit::Nanoseconds,
            "us" => Unit::Microseconds,
            "ms" => Unit::Milliseconds,
            "s" => Unit::Seconds,
            _ => return None,
        })
    }

    /// The unit in nanoseconds.
    pub fn nanoseconds(self) -> u64 {
        match self {
            Unit::Nanoseconds => 1,
            Unit::Microseconds => 1_000,
            Unit::Milliseconds => 1_000_000,
            Unit::Seconds => 1_000_000_000,
        }
    }

    /// The unit's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "nanoseconds",
            Unit::Microseconds => "microseconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Seconds => "seconds",
        }
    }
}
