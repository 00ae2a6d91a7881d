//! Which operators a type has, and what may stand after them.

use nf_fields::Type;

use crate::error::{Problem, shown};
use crate::leaf::Order;
use crate::lexer::{Kind, Token};
use crate::literal::{self, Item, Literal, Place, kind_of};

/// Whether the token is one of `== != < <= > >=`.
pub(crate) fn is_order(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Equal
            | Kind::NotEqual
            | Kind::Less
            | Kind::LessEqual
            | Kind::Greater
            | Kind::GreaterEqual
    )
}

/// `== !=` are for every type but records; the others need an order people agree on.
pub(crate) fn check_order(
    order: Order,
    operator: &Token<'_>,
    place: Place<'_>,
) -> Result<(), Problem> {
    let name = shown(place.name);
    let hint = match place.ty {
        Type::Record(_) => return Err(no_operator(operator, place, record_hint(&name))),
        _ if order == Order::Equal => return Ok(()),
        Type::Bool => format!("{name} == true"),
        Type::Ip => {
            format!("{name} in 192.0.2.1..192.0.2.99, or a network: {name} in 192.0.2.0/24")
        }
        Type::Mac => format!("{name} in 00:11:22:00:00:00/24"),
        Type::Binary => format!("{name} == 0xc0ffee"),
        _ => return Ok(()),
    };
    Err(no_operator(operator, place, hint))
}

/// `in` needs more than two possible values.
pub(crate) fn check_in(operator: &Token<'_>, place: Place<'_>) -> Result<(), Problem> {
    let name = shown(place.name);
    match place.ty {
        Type::Record(_) => Err(no_operator(operator, place, record_hint(&name))),
        Type::Bool => Err(no_operator(operator, place, format!("{name} == true"))),
        _ => Ok(()),
    }
}

/// `contains` and its like look into octets.
pub(crate) fn check_octets(operator: &Token<'_>, place: Place<'_>) -> Result<(), Problem> {
    let name = shown(place.name);
    match place.ty {
        Type::Text | Type::Binary => Ok(()),
        Type::Record(_) => Err(no_operator(operator, place, record_hint(&name))),
        Type::Bool => Err(no_operator(operator, place, format!("{name} == true"))),
        Type::Ip => Err(no_operator(operator, place, format!("{name} in 192.0.2.0/24"))),
        Type::Mac => Err(no_operator(operator, place, format!("{name} in 00:11:22:00:00:00/24"))),
        _ => Err(no_operator(
            operator,
            place,
            format!("{name} == value; of a list it holds when any item is equal"),
        )),
    }
}

fn no_operator(operator: &Token<'_>, place: Place<'_>, hint: String) -> Problem {
    let message = format!(
        "`{}` is {}, which `{}` does not apply to",
        shown(place.name),
        kind_of(place.ty),
        shown(operator.text)
    );
    Problem::new(message, hint)
}

fn record_hint(name: &str) -> String {
    format!("one of its fields, or `{name}` alone: it is there")
}

/// One item after `in`.
pub(crate) fn item(token: &Token<'_>, place: Place<'_>) -> Result<Item, Problem> {
    match literal::prefix(token, place) {
        Some(prefix) => prefix,
        None => literal::read(token, place).map(Item::One),
    }
}

/// Which part of a range is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangePart {
    First,
    Dots,
    Last,
    Whole,
}

/// The range from `first` to `last`, both included.
pub(crate) fn range(
    first: &Token<'_>,
    last: &Token<'_>,
    place: Place<'_>,
) -> Result<Item, (RangePart, Problem)> {
    if matches!(place.ty, Type::Text | Type::Binary | Type::Bool) {
        let problem = Problem::new(
            format!("`{}` is {}, which has no ranges", shown(place.name), kind_of(place.ty)),
            "{\"one\", \"two\"}, or startswith",
        );
        return Err((RangePart::Dots, problem));
    }
    let low = literal::read(first, place).map_err(|problem| (RangePart::First, problem))?;
    let high = literal::read(last, place).map_err(|problem| (RangePart::Last, problem))?;
    let (message, hint) = match in_order(&low, &high) {
        Some(true) => return Ok(Item::Range(low, high)),
        Some(false) => (
            "the range ends before it starts",
            format!("{}..{}", shown(last.text), shown(first.text)),
        ),
        None => (
            "the range starts and ends in different address families",
            "two ranges: {192.0.2.1..192.0.2.9, 2001:db8::1..2001:db8::9}".into(),
        ),
    };
    Err((RangePart::Whole, Problem::new(message, hint)))
}

fn in_order(low: &Literal, high: &Literal) -> Option<bool> {
    match (low, high) {
        (Literal::Uint(a), Literal::Uint(b)) | (Literal::Time(a), Literal::Time(b)) => Some(a <= b),
        (Literal::Int(a), Literal::Int(b)) => Some(a <= b),
        (Literal::Float(a), Literal::Float(b)) => Some(a <= b),
        (Literal::Mac(a), Literal::Mac(b)) => Some(a <= b),
        (Literal::Ip(a), Literal::Ip(b)) if a.is_ipv4() == b.is_ipv4() => Some(a <= b),
        _ => None,
    }
}

/// A comparison that would be right here.
pub(crate) fn example(before: &Token<'_>, place: Place<'_>) -> String {
    let value = match place.ty {
        Type::Bool => "true",
        Type::Uint(_) | Type::Int if place.unit.is_some() => "200ms",
        Type::Uint(_) | Type::Int => "80",
        Type::Float => "0.5",
        Type::Text => "\"text\"",
        Type::Binary => "0xc0ffee",
        Type::Mac => "00:11:22:33:44:55",
        Type::Ip => "192.0.2.1",
        Type::Time => "2024-05-01T12:00:00Z",
        Type::List(_) | Type::Record(_) => "value",
    };
    match before.kind {
        Kind::OpenList => format!("in {{{value}}}"),
        Kind::Dots => format!("a range with both ends, or {} >= {value}", shown(place.name)),
        _ => format!("{} {} {value}", shown(place.name), shown(before.text)),
    }
}
