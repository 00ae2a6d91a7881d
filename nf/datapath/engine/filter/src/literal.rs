//! Values in a filter: what the words and quoted texts mean for a field of a given type.

use std::net::IpAddr;

use nf_fields::Type;

use crate::error::{Problem, shown};
use crate::escape::unescape;
use crate::lexer::{Kind, Token};
use crate::names::Unit;
use crate::number::{self, Number, Whole};
use crate::time;

/// A value a field is compared with, already of the field's type and in the field's unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// For [`Type::Bool`].
    Bool(bool),
    /// For [`Type::Uint`].
    Uint(u64),
    /// For [`Type::Int`].
    Int(i64),
    /// For [`Type::Float`]; never NaN or infinite.
    Float(f64),
    /// For [`Type::Text`].
    Text(Box<[u8]>),
    /// For [`Type::Binary`].
    Binary(Box<[u8]>),
    /// For [`Type::Mac`].
    Mac([u8; 6]),
    /// For [`Type::Ip`].
    Ip(IpAddr),
    /// For [`Type::Time`]: nanoseconds since the epoch.
    Time(u64),
}

/// One member of what stands after `in`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// This value.
    One(Literal),
    /// From the first to the second, both included.
    Range(Literal, Literal),
    /// Addresses that start with these bits; those after the prefix are zero.
    Prefix(IpAddr, u8),
}

/// The field a value is written for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// As the filter names it.
    pub(crate) name: &'a str,
    /// Type of the field, or of the items when it is a list.
    pub(crate) ty: Type,
    pub(crate) unit: Option<Unit>,
}

impl Place<'_> {
    fn is(&self) -> String {
        format!("`{}` is {}", shown(self.name), kind_of(self.ty))
    }
}

/// The type of the items where `ty` is a list, else `ty`.
pub(crate) fn item_type(ty: Type) -> Type {
    let mut ty = ty;
    while let Type::List(inner) = ty {
        ty = *inner;
    }
    ty
}

/// A field's type as messages say it.
pub(crate) fn kind_of(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "true or false",
        Type::Uint(8) => "a number (u8)",
        Type::Uint(16) => "a number (u16)",
        Type::Uint(32) => "a number (u32)",
        Type::Uint(_) => "a number (u64)",
        Type::Int => "a number (i64)",
        Type::Float => "a number (float)",
        Type::Text => "text",
        Type::Binary => "octets",
        Type::Mac => "a hardware address",
        Type::Ip => "an IP address",
        Type::Time => "a time",
        Type::List(_) => "a list",
        Type::Record(_) => "a record",
    }
}

/// Reads `token` as a value for `place`.
pub(crate) fn read(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    match place.ty {
        Type::Text => text(token, place),
        Type::Binary => binary(token, place),
        Type::Bool => boolean(token, place),
        Type::Uint(width) => whole(token, place, 0, i128::from(greatest(width)))
            .and_then(|v| u64::try_from(v).map_err(|_| mismatch(token, place)))
            .map(Literal::Uint),
        Type::Int => whole(token, place, i64::MIN.into(), i64::MAX.into())
            .and_then(|v| i64::try_from(v).map_err(|_| mismatch(token, place)))
            .map(Literal::Int),
        Type::Float => float(token, place),
        Type::Mac => mac(unquoted(token)).map(Literal::Mac).ok_or_else(|| mismatch(token, place)),
        Type::Ip => ip(token, place),
        Type::Time => timestamp(token, place),
        Type::List(_) | Type::Record(_) => Err(Problem::new(
            format!("{} with fields of its own", place.is()),
            format!("one of its fields, or `{}` alone: it is there", shown(place.name)),
        )),
    }
}

/// Reads `address/length` for an address field; `None` when `token` is no prefix.
pub(crate) fn prefix(token: &Token<'_>, place: Place<'_>) -> Option<Result<Item, Problem>> {
    let (address, length) = unquoted(token).split_once('/')?;
    let wrong = |most: u8| {
        let problem = Problem::new(
            format!("a prefix has 0 to {most} bits, not {}", shown(length)),
            format!("{}/{most}", shown(address)),
        );
        Err(problem)
    };
    let plain = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let bits = plain.then(|| length.parse::<u8>().ok()).flatten();
    match place.ty {
        Type::Ip => {
            let address = address.parse::<IpAddr>().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            Some(match bits.filter(|bits| *bits <= most) {
                Some(bits) => Ok(Item::Prefix(masked(address, bits), bits)),
                None => wrong(most),
            })
        }
        Type::Mac => {
            let address = mac_number(mac(address)?);
            Some(match bits.filter(|bits| *bits <= 48) {
                Some(bits) => {
                    let host = (1u64 << 48).wrapping_sub(1).checked_shr(bits.into()).unwrap_or(0);
                    let (low, high) = (mac_octets(address & !host), mac_octets(address | host));
                    Ok(Item::Range(Literal::Mac(low), Literal::Mac(high)))
                }
                None => wrong(48),
            })
        }
        _ => None,
    }
}

/// The octets of a hardware address as one number, first octet highest.
pub(crate) fn mac_number(octets: [u8; 6]) -> u64 {
    octets.iter().fold(0, |sum, octet| (sum << 8) | u64::from(*octet))
}

fn mac_octets(number: u64) -> [u8; 6] {
    let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
    [a, b, c, d, e, f]
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & !host).into())
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & !host).into())
        }
    }
}

/// Addresses and times may stand in quotes: programs that put a filter together often do.
fn unquoted<'t>(token: &Token<'t>) -> &'t str {
    if token.kind == Kind::Quoted { token.inner() } else { token.text }
}

fn greatest(width: u8) -> u64 {
    match width {
        8 => u8::MAX.into(),
        16 => u16::MAX.into(),
        32 => u32::MAX.into(),
        _ => u64::MAX,
    }
}

fn text(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    if token.kind != Kind::Quoted {
        return Err(Problem::new(
            format!("{}: a text value stands in quotes", place.is()),
            format!("\"{}\"", shown(token.text)),
        ));
    }
    unescape(token.inner()).map(|bytes| Literal::Text(bytes.into()))
}

fn binary(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    if token.kind == Kind::Quoted {
        return unescape(token.inner()).map(|bytes| Literal::Binary(bytes.into()));
    }
    let digits = token.text.strip_prefix("0x").or_else(|| token.text.strip_prefix("0X"));
    let octets = digits.filter(|d| !d.is_empty() && d.len() % 2 == 0).and_then(|digits| {
        let pair = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok()?;
            if text.starts_with('+') { None } else { u8::from_str_radix(text, 16).ok() }
        };
        digits.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>()
    });
    octets.map(|octets| Literal::Binary(octets.into())).ok_or_else(|| {
        let hint = "two hexadecimal digits for each octet, 0xc0ffee, or text in quotes";
        Problem::new(format!("{}, {}", place.is(), looks_like(token)), hint)
    })
}

fn boolean(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    if token.is_keyword("true") {
        Ok(Literal::Bool(true))
    } else if token.is_keyword("false") {
        Ok(Literal::Bool(false))
    } else {
        Err(mismatch(token, place))
    }
}

/// What to multiply and divide a number by so that it is in the field's unit.
fn factors(token: &Token<'_>, suffix: &str, place: Place<'_>) -> Result<(u64, u64), Problem> {
    if let Some(multiplier) = number::size(suffix) {
        return Ok((multiplier, 1));
    }
    let Some(nanoseconds) = number::nanoseconds(suffix) else {
        return Err(mismatch(token, place));
    };
    match place.unit {
        Some(unit) => Ok((nanoseconds, unit.nanoseconds())),
        None => Err(Problem::new(
            format!("`{}` does not count time, `{}` does", shown(place.name), shown(token.text)),
            "the number without a unit; a field that counts time ends in _ns, _us, _ms or _s",
        )),
    }
}

fn whole(token: &Token<'_>, place: Place<'_>, low: i128, high: i128) -> Result<i128, Problem> {
    let range = |value: &str| {
        Problem::new(
            format!("{}: {} is out of its range", place.is(), shown(value)),
            format!("a number from {low} to {high}"),
        )
    };
    if token.kind != Kind::Word {
        return Err(mismatch(token, place));
    }
    if let Some(value) = number::hexadecimal(token.text) {
        let value = i128::from(value);
        return if value <= high { Ok(value) } else { Err(range(token.text)) };
    }
    let number = Number::read(token.text).ok_or_else(|| mismatch(token, place))?;
    let (multiplier, divisor) = factors(token, number.suffix, place)?;
    match number.whole(multiplier, divisor) {
        Whole::Is(value) if (low..=high).contains(&value) => Ok(value),
        Whole::Is(_) | Whole::TooLarge => Err(range(token.text)),
        Whole::Fraction => {
            let counts = place.unit.filter(|_| divisor != 1 || multiplier != 1);
            let what = counts.map_or("units", Unit::name);
            Err(Problem::new(
                format!("`{}` counts whole {what}, `{}` is not", place.name, shown(token.text)),
                "a whole number, or < and > around it",
            ))
        }
    }
}

fn float(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    if token.kind != Kind::Word {
        return Err(mismatch(token, place));
    }
    if let Some(value) = number::hexadecimal(token.text) {
        return Ok(Literal::Float(value as f64));
    }
    let number = Number::read(token.text).ok_or_else(|| mismatch(token, place))?;
    let (multiplier, divisor) = factors(token, number.suffix, place)?;
    number.float(multiplier, divisor).map(Literal::Float).ok_or_else(|| {
        Problem::new(format!("{} is too large", shown(token.text)), "a number below 1.7e308")
    })
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut octets = [0u8; 6];
    let mut parts = text.split(separator);
    for octet in &mut octets {
        let part = parts.next()?;
        if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

fn ip(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    let text = unquoted(token);
    if let Ok(address) = text.parse() {
        return Ok(Literal::Ip(address));
    }
    let network =
        text.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    if network {
        return Err(Problem::new(
            format!("{} is a network, not an address", shown(text)),
            format!("{} in {}", shown(place.name), shown(text)),
        ));
    }
    Err(mismatch(token, place))
}

fn timestamp(token: &Token<'_>, place: Place<'_>) -> Result<Literal, Problem> {
    let text = unquoted(token);
    if let Some(nanoseconds) = time::read(text) {
        return Ok(Literal::Time(nanoseconds));
    }
    if time::looks_like(text) {
        return Err(Problem::new(
            format!("{} is no time between 1970 and 2554", shown(text)),
            "2024-05-01T12:00:00Z, or a day: 2024-05-01",
        ));
    }
    let number = Number::read(text).filter(|n| n.suffix.is_empty());
    let number = number.ok_or_else(|| mismatch(token, place))?;
    match number.whole(1_000_000_000, 1) {
        Whole::Is(nanoseconds) => u64::try_from(nanoseconds).ok(),
        Whole::Fraction | Whole::TooLarge => None,
    }
    .map(Literal::Time)
    .ok_or_else(|| {
        Problem::new(
            format!("{} is no time between 1970 and 2554", shown(text)),
            "seconds since 1970 with at most nine decimals, or 2024-05-01T12:00:00Z",
        )
    })
}

/// A value of the wrong type, with an example of the right one.
fn mismatch(token: &Token<'_>, place: Place<'_>) -> Problem {
    let inner = if token.kind == Kind::Quoted { token.inner() } else { "" };
    let hint = match place.ty {
        Type::Bool => "true or false",
        Type::Uint(_) | Type::Int | Type::Float if Number::read(inner).is_some() => {
            return Problem::new(
                format!("{}, {}", place.is(), looks_like(token)),
                format!("{} without quotes", shown(inner)),
            );
        }
        Type::Uint(_) | Type::Int => match place.unit {
            Some(_) => "a time span such as 200ms, 5s or 3min",
            None => "a number such as 80, 0x50, 1.5M or 64Ki",
        },
        Type::Float => "a number such as 0.5",
        Type::Mac => "00:11:22:33:44:55",
        Type::Ip => "192.0.2.1 or 2001:db8::1",
        Type::Time => "2024-05-01T12:00:00Z or seconds since 1970",
        Type::Text | Type::Binary | Type::List(_) | Type::Record(_) => "text in quotes",
    };
    Problem::new(format!("{}, {}", place.is(), looks_like(token)), hint)
}

/// What a value of the wrong type looks like.
fn looks_like(token: &Token<'_>) -> String {
    let word = token.text;
    let what = if token.kind == Kind::Quoted {
        "text"
    } else if token.is_keyword("true") || token.is_keyword("false") {
        "true or false"
    } else if word.parse::<IpAddr>().is_ok() {
        "an address"
    } else if word.split_once('/').is_some_and(|(a, _)| a.parse::<IpAddr>().is_ok()) {
        "a network"
    } else if mac(word).is_some() {
        "a hardware address"
    } else if time::looks_like(word) {
        "a time"
    } else if number::hexadecimal(word).is_some() {
        "a number"
    } else {
        match Number::read(word).map(|n| n.suffix) {
            Some(suffix) if number::size(suffix).is_some() => "a number",
            Some(suffix) if number::nanoseconds(suffix).is_some() => "a time span",
            Some("m") => return format!("`{word}` is neither M (a million) nor min (minutes)"),
            Some(suffix) if suffix.chars().all(char::is_alphabetic) => {
                return format!(
                    "`{}` is no unit (K M G T Ki Mi Gi Ti, ns us ms s min h d)",
                    shown(suffix)
                );
            }
            _ => "not",
        }
    };
    format!("{} is {what}", token.shown())
}

#[cfg(test)]
mod tests;
