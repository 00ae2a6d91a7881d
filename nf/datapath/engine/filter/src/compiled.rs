//! Comparisons made ready: one look at the value decides.

use memchr::memmem::Finder;
use nf_fields::{Type, Value};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::error::Problem;
use crate::leaf::{Comparison, Order, address_bits};
use crate::literal::{Item, Literal, item_type, mac_number};
use crate::ranges::{Point, Ranges};

/// Most octets a compiled regular expression may take.
const PATTERN_SIZE: usize = 256 << 10;
/// Most octets the states made while matching may take, per thread and expression.
const PATTERN_CACHE: usize = 512 << 10;
/// Deepest nesting within a regular expression.
const PATTERN_DEPTH: u32 = 64;

#[derive(Clone, Debug)]
pub(crate) enum Compiled {
    Present,
    True,
    Never,
    Bool(bool),
    Uint(Ranges<u64>),
    Int(Ranges<i64>),
    Float(Ranges<f64>),
    Time(Ranges<u64>),
    Mac(Ranges<u64>),
    Ip(Ranges<u32>, Ranges<u128>),
    Equal(Box<[u8]>),
    Among(Box<[Box<[u8]>]>),
    Ordered(Order, Box<[u8]>),
    Contains(Box<Finder<'static>>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    /// With the length below which nothing matches.
    Matches(Regex, usize),
    /// Has one of these octets: what many an expression comes to.
    Has(Box<[bool; 256]>),
}

impl Compiled {
    /// Makes `comparison` ready for a field of type `ty`. Literals of another type, which the
    /// parser does not let pass, make a test that never holds.
    pub(crate) fn new(comparison: &Comparison, ty: Type) -> Result<Self, Problem> {
        Ok(match comparison {
            Comparison::Present => Self::Present,
            Comparison::True => Self::True,
            Comparison::Order(order, literal) => Self::ordered(*order, literal),
            Comparison::In(items) => Self::among(items, item_type(ty)),
            Comparison::Contains(part) => Self::Contains(Box::new(Finder::new(part).into_owned())),
            Comparison::StartsWith(part) => Self::StartsWith(part.clone()),
            Comparison::EndsWith(part) => Self::EndsWith(part.clone()),
            Comparison::Matches(pattern) => Self::matching(pattern)?,
        })
    }

    fn ordered(order: Order, literal: &Literal) -> Self {
        match literal {
            Literal::Bool(wanted) => Self::Bool(*wanted),
            Literal::Uint(v) => Self::Uint(Ranges::ordered(order, *v)),
            Literal::Int(v) => Self::Int(Ranges::ordered(order, *v)),
            Literal::Float(v) => Self::Float(Ranges::ordered(order, *v)),
            Literal::Time(v) => Self::Time(Ranges::ordered(order, *v)),
            Literal::Mac(v) => Self::Mac(Ranges::ordered(order, mac_number(*v))),
            Literal::Ip(v) => match address_bits(*v) {
                Ok(v4) => Self::Ip(Ranges::ordered(order, v4), Ranges::new(Vec::new())),
                Err(v6) => Self::Ip(Ranges::new(Vec::new()), Ranges::ordered(order, v6)),
            },
            Literal::Text(v) | Literal::Binary(v) if order == Order::Equal => {
                Self::Equal(v.clone())
            }
            Literal::Text(v) | Literal::Binary(v) => Self::Ordered(order, v.clone()),
        }
    }

    fn among(items: &[Item], ty: Type) -> Self {
        match ty {
            Type::Uint(_) => Self::Uint(collect(items, |l| match l {
                Literal::Uint(v) => Some(*v),
                _ => None,
            })),
            Type::Int => Self::Int(collect(items, |l| match l {
                Literal::Int(v) => Some(*v),
                _ => None,
            })),
            Type::Float => Self::Float(collect(items, |l| match l {
                Literal::Float(v) => Some(*v),
                _ => None,
            })),
            Type::Time => Self::Time(collect(items, |l| match l {
                Literal::Time(v) => Some(*v),
                _ => None,
            })),
            Type::Mac => Self::Mac(collect(items, |l| match l {
                Literal::Mac(v) => Some(mac_number(*v)),
                _ => None,
            })),
            Type::Ip => addresses(items),
            Type::Text | Type::Binary => texts(items),
            Type::Bool | Type::List(_) | Type::Record(_) => Self::Never,
        }
    }

    /// A regular expression that is one class of octets is a table.
    fn matching(pattern: &str) -> Result<Self, Problem> {
        let (regex, hir) = expression(pattern)?;
        let HirKind::Class(Class::Bytes(class)) = hir.kind() else {
            return Ok(Self::Matches(regex, hir.properties().minimum_len().unwrap_or(0)));
        };
        let mut has = Box::new([false; 256]);
        for range in class.ranges() {
            let octets = usize::from(range.start())..=usize::from(range.end());
            has.get_mut(octets).into_iter().flatten().for_each(|octet| *octet = true);
        }
        Ok(Self::Has(has))
    }

    #[inline]
    pub(crate) fn test(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (_, Value::None) => false,
            (Self::Present | Self::True, Value::List(list)) => !list.is_empty(),
            (_, Value::List(list)) => (0..list.len()).any(|at| self.test(list.item(at))),
            (Self::Present, _) => true,
            (Self::True, value) => is_true(value),
            (Self::Uint(set), Value::Uint(v)) => set.contains(v),
            (Self::Ip(v4, v6), Value::Ip(v)) => match address_bits(v) {
                Ok(v) => v4.contains(v),
                Err(v) => v6.contains(v),
            },
            (Self::Bool(wanted), Value::Bool(v)) => *wanted == v,
            (Self::Int(set), Value::Int(v)) => set.contains(v),
            (Self::Float(set), Value::Float(v)) => set.contains(v),
            (Self::Time(set), Value::Time(v)) => set.contains(v),
            (Self::Mac(set), Value::Mac(v)) => set.contains(mac_number(v)),
            (text, Value::Text(v) | Value::Binary(v)) => text.test_octets(v),
            _ => false,
        }
    }

    fn test_octets(&self, value: &[u8]) -> bool {
        match self {
            Self::Equal(wanted) => **wanted == *value,
            Self::Among(wanted) => wanted.binary_search_by(|w| (**w).cmp(value)).is_ok(),
            Self::Ordered(order, other) => order.accepts(value.cmp(other)),
            Self::Contains(finder) => finder.find(value).is_some(),
            Self::StartsWith(part) => value.starts_with(part),
            Self::EndsWith(part) => value.ends_with(part),
            Self::Matches(expression, least) => value.len() >= *least && expression.is_match(value),
            Self::Has(octets) => {
                value.iter().any(|octet| octets.get(usize::from(*octet)) == Some(&true))
            }
            _ => false,
        }
    }
}

fn is_true(value: Value<'_>) -> bool {
    match value {
        Value::None => false,
        Value::Bool(v) => v,
        Value::Uint(v) | Value::Time(v) => v != 0,
        Value::Int(v) => v != 0,
        Value::Float(v) => v != 0.0,
        Value::Text(v) | Value::Binary(v) => !v.is_empty(),
        Value::List(v) => !v.is_empty(),
        Value::Mac(_) | Value::Ip(_) | Value::Record(_) => true,
    }
}

fn collect<T: Point>(items: &[Item], point: impl Fn(&Literal) -> Option<T>) -> Ranges<T> {
    let range = |item: &Item| match item {
        Item::One(value) => point(value).map(|v| (v, v)),
        Item::Range(low, high) => point(low).zip(point(high)),
        Item::Prefix(..) => None,
    };
    Ranges::new(items.iter().filter_map(range).collect())
}

fn addresses(items: &[Item]) -> Compiled {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for item in items {
        let (low, high) = match item {
            Item::One(Literal::Ip(v)) => (address_bits(*v), address_bits(*v)),
            Item::Range(Literal::Ip(low), Literal::Ip(high)) => {
                (address_bits(*low), address_bits(*high))
            }
            Item::Prefix(address, bits) => {
                let bits = u32::from(*bits);
                let low = address_bits(*address);
                let last4 = |v: u32| v | u32::MAX.checked_shr(bits).unwrap_or(0);
                let last6 = |v: u128| v | u128::MAX.checked_shr(bits).unwrap_or(0);
                (low, low.map(last4).map_err(last6))
            }
            _ => continue,
        };
        match (low, high) {
            (Ok(low), Ok(high)) => v4.push((low, high)),
            (Err(low), Err(high)) => v6.push((low, high)),
            _ => {}
        }
    }
    Compiled::Ip(Ranges::new(v4), Ranges::new(v6))
}

fn texts(items: &[Item]) -> Compiled {
    let text = |item: &Item| match item {
        Item::One(Literal::Text(v) | Literal::Binary(v)) => Some(v.clone()),
        _ => None,
    };
    let mut wanted: Vec<Box<[u8]>> = items.iter().filter_map(text).collect();
    wanted.sort();
    wanted.dedup();
    Compiled::Among(wanted.into())
}

/// Compiles a regular expression on octets: classes such as `\w` are ASCII, and matching takes
/// time in proportion to the value, whatever the expression.
fn expression(pattern: &str) -> Result<(Regex, Hir), Problem> {
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(PATTERN_DEPTH)
        .build()
        .parse(pattern);
    let hir = parsed.map_err(|error| syntax_problem(&error))?;
    let regex = RegexBuilder::new(pattern)
        .unicode(false)
        .nest_limit(PATTERN_DEPTH)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_CACHE)
        .build()
        .map_err(|_| {
            Problem::new(
                "the regular expression is too large once compiled",
                "smaller repetitions, or `contains`, `startswith` and `endswith`",
            )
        })?;
    Ok((regex, hir))
}

fn syntax_problem(error: &regex_syntax::Error) -> Problem {
    let (message, span) = match error {
        regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span()),
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span()),
        other => {
            return Problem::new(format!("regular expression: {other}"), "another expression");
        }
    };
    // The pattern starts after the opening quote and is used as written.
    let place = |offset: usize| offset.saturating_add(1);
    Problem::new(
        format!("regular expression: {message}"),
        "a backslash before a character that is meant as itself: \\. \\( \\[",
    )
    .within(place(span.start.offset)..place(span.end.offset))
}
