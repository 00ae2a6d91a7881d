//! One test on one field: what it says, for whoever compiles it further, and how it is made.

use std::net::IpAddr;
use std::ops::Range;

use nf_fields::{Type, Value};

use crate::compiled::Compiled;
use crate::literal::{Item, Literal};
use crate::names::{Combine, Unit};

/// Order between a field's value and a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `==`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Order {
    /// Every order.
    pub const ALL: [Order; 5] =
        [Order::Equal, Order::Less, Order::LessOrEqual, Order::Greater, Order::GreaterOrEqual];

    /// Whether two values that compare as `found` stand in this order.
    pub fn accepts(self, found: std::cmp::Ordering) -> bool {
        match self {
            Order::Equal => found.is_eq(),
            Order::Less => found.is_lt(),
            Order::LessOrEqual => found.is_le(),
            Order::Greater => found.is_gt(),
            Order::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// What a leaf asks of a field. Literals are of the field's type and in its unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// There is a value, whichever; an empty list is none.
    Present,
    /// There is a value and it is not false, zero or empty (the field alone).
    True,
    /// The value stands in this order to the literal; texts compare by octets.
    Order(Order, Literal),
    /// The value is one of the items.
    In(Vec<Item>),
    /// The octets occur in the value.
    Contains(Box<[u8]>),
    /// The value starts with the octets.
    StartsWith(Box<[u8]>),
    /// The value ends with the octets.
    EndsWith(Box<[u8]>),
    /// The regular expression matches somewhere in the value.
    Matches(String),
}

/// One test on one field.
///
/// Leaves only ever ask whether there is a value that passes, so whoever sees a field's values
/// one after another may keep one bit per leaf and set it when one passes; what must hold for
/// all values (`!=`) is said with `not` in the [`crate::Expr`] around the leaves.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub(crate) name: Box<str>,
    pub(crate) slots: Box<[u32]>,
    pub(crate) combine: Combine,
    pub(crate) ty: Type,
    pub(crate) unit: Option<Unit>,
    pub(crate) comparison: Comparison,
    pub(crate) compiled: Compiled,
    pub(crate) span: Range<usize>,
}

impl Leaf {
    /// The field as the filter names it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the values are read; never empty.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// What to do with several slots.
    pub fn combine(&self) -> Combine {
        self.combine
    }

    /// Type of the field.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Unit of time the literals are in, where the field has one.
    pub fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// What is asked of the field.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// Where the test stands in the filter's text (its first place, where it stands in several).
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether `value` passes: an absent one never does, a list does when an item does, a value
    /// that is not of the field's type does not.
    ///
    /// Where [`Self::combine`] is [`Combine::Sum`] the value is the sum: see [`Self::holds`].
    #[inline]
    pub fn test(&self, value: Value<'_>) -> bool {
        self.compiled.test(value)
    }

    /// Whether the leaf holds for what `read` finds in its slots.
    pub fn holds(&self, read: &mut Read<'_>) -> bool {
        if self.combine == Combine::Sum {
            let mut sum = Sum::new(self.ty);
            for slot in &*self.slots {
                read(*slot, &mut |value| sum.add(value));
            }
            return self.test(sum.value());
        }
        self.slots.iter().any(|slot| {
            let mut held = false;
            read(*slot, &mut |value| held = held || self.test(value));
            held
        })
    }
}

/// Hands every value found in a slot to the function it is given; none where there is none.
pub type Read<'r> = dyn FnMut(u32, &mut dyn FnMut(Value<'_>)) + 'r;

/// The sum of the values of several slots; sums that do not fit stay at the largest value.
struct Sum {
    total: Value<'static>,
    zero: Value<'static>,
}

impl Sum {
    fn new(ty: Type) -> Self {
        let zero = match ty {
            Type::Int => Value::Int(0),
            Type::Float => Value::Float(0.0),
            _ => Value::Uint(0),
        };
        Self { total: Value::None, zero }
    }

    fn add(&mut self, value: Value<'_>) {
        if let Value::List(list) = value {
            (0..list.len()).for_each(|at| self.add(list.item(at)));
            return;
        }
        let total = if self.total.is_none() { self.zero } else { self.total };
        self.total = match (total, value) {
            (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.saturating_add(b)),
            (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(b)),
            (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
            _ => self.total,
        };
    }

    fn value(&self) -> Value<'static> {
        self.total
    }
}

/// Whether sums can be made of values of this type.
pub(crate) fn can_be_summed(ty: Type) -> bool {
    matches!(crate::literal::item_type(ty), Type::Uint(_) | Type::Int | Type::Float)
}

/// Splits an address for comparison within its family.
pub(crate) fn address_bits(address: IpAddr) -> Result<u32, u128> {
    match address {
        IpAddr::V4(v4) => Ok(v4.to_bits()),
        IpAddr::V6(v6) => Err(v6.to_bits()),
    }
}
