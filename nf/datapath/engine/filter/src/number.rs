//! Numbers as people write them, kept exact: `1.5M` is 1500000 and `0.1` is not a whole number.

/// A decimal number and what follows it.
#[derive(Clone, Debug)]
pub(crate) struct Number<'t> {
    negative: bool,
    /// All digits as one whole number; `None` when there are more than fit.
    mantissa: Option<u128>,
    /// Power of ten that puts the point back.
    exponent: i32,
    /// Sign, digits, point and exponent without underscores, for the float reading.
    plain: String,
    /// What stands after the number: a size or time suffix, or something else altogether.
    pub(crate) suffix: &'t str,
}

/// A number read as a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Is(i128),
    Fraction,
    TooLarge,
}

impl<'t> Number<'t> {
    /// Reads `[-]digits[.digits][e[+-]digits]`; `None` when `word` does not start with a number.
    pub(crate) fn read(word: &'t str) -> Option<Self> {
        let (negative, unsigned) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (whole, rest) = split_digits(unsigned);
        let (fraction, rest) = match rest.strip_prefix('.').map(split_digits) {
            Some((digits, rest)) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                (digits, rest)
            }
            _ => ("", rest),
        };
        let (power, rest) = split_power(rest);

        let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).collect::<Vec<u8>>();
        let (whole, mut fraction) = (digits(whole), digits(fraction));
        while fraction.last() == Some(&b'0') {
            fraction.pop();
        }
        let mantissa = whole.iter().chain(&fraction).try_fold(0u128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u128::from(digit.wrapping_sub(b'0')))
        });
        let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
        let plain = format!(
            "{}{}.{}e{power}",
            if negative { "-" } else { "" },
            String::from_utf8_lossy(&whole),
            String::from_utf8_lossy(&fraction),
        );
        Some(Self {
            negative,
            mantissa,
            exponent: power.saturating_sub(places),
            plain,
            suffix: rest,
        })
    }

    /// The number times `multiplier` over `divisor`, if that is whole.
    pub(crate) fn whole(&self, multiplier: u64, divisor: u64) -> Whole {
        let Some(mantissa) = self.mantissa else { return Whole::TooLarge };
        if mantissa == 0 {
            return Whole::Is(0);
        }
        let power = 10u128.checked_pow(self.exponent.unsigned_abs());
        let mut over = Some(u128::from(divisor.max(1)));
        let mut under = mantissa.checked_mul(u128::from(multiplier));
        if self.exponent >= 0 {
            under = under.zip(power).and_then(|(value, power)| value.checked_mul(power));
        } else {
            over = over.zip(power).and_then(|(value, power)| value.checked_mul(power));
        }
        let Some(under) = under else { return Whole::TooLarge };
        // A divisor beyond 128 bits is larger than what it divides.
        let Some(over) = over else { return Whole::Fraction };
        match (under.checked_rem(over), under.checked_div(over).map(i128::try_from)) {
            (Some(0), Some(Ok(value))) if self.negative => Whole::Is(value.wrapping_neg()),
            (Some(0), Some(Ok(value))) => Whole::Is(value),
            (Some(0), _) => Whole::TooLarge,
            _ => Whole::Fraction,
        }
    }

    /// The nearest double of the number times `multiplier` over `divisor`; `None` when infinite.
    pub(crate) fn float(&self, multiplier: u64, divisor: u64) -> Option<f64> {
        let value = self.plain.parse::<f64>().ok()?;
        let value = value * multiplier as f64 / divisor.max(1) as f64;
        value.is_finite().then_some(value)
    }
}

/// How many a size suffix stands for; an empty one is 1.
pub(crate) fn size(suffix: &str) -> Option<u64> {
    Some(match suffix {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "ki" | "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    })
}

/// How many nanoseconds a time suffix stands for.
pub(crate) fn nanoseconds(suffix: &str) -> Option<u64> {
    const SECOND: u64 = 1_000_000_000;
    Some(match suffix {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "min" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    })
}

/// Reads `0x…`; `None` when `word` is not hexadecimal or has more than 64 bits.
pub(crate) fn hexadecimal(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"))?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_') {
        return None;
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    u64::from_str_radix(&digits, 16).ok()
}

/// Splits after the digits (and underscores between them) at the start.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Splits off `e[+-]digits`; anything else stays in the rest.
fn split_power(text: &str) -> (i32, &str) {
    let Some(after) = text.strip_prefix(['e', 'E']) else { return (0, text) };
    let (negative, unsigned) = match after.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, after.strip_prefix('+').unwrap_or(after)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    let Some((digits, rest)) = unsigned.split_at_checked(end) else { return (0, text) };
    if digits.is_empty() {
        return (0, text);
    }
    // Beyond this every number is zero or too large; the rest only has to stay in range.
    let power = digits.parse::<i32>().unwrap_or(i32::MAX).min(10_000);
    (if negative { power.wrapping_neg() } else { power }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(word: &str) -> Whole {
        let n = Number::read(word).unwrap();
        n.whole(size(n.suffix).unwrap(), 1)
    }

    #[test]
    fn sizes_are_exact() {
        assert_eq!(whole("1M"), Whole::Is(1_000_000));
        assert_eq!(whole("1.5M"), Whole::Is(1_500_000));
        assert_eq!(whole("0.1Ki"), Whole::Fraction);
        assert_eq!(whole("0.5Ki"), Whole::Is(512));
        assert_eq!(whole("1_000_000"), Whole::Is(1_000_000));
        assert_eq!(whole("-3"), Whole::Is(-3));
        assert_eq!(whole("18446744073709551615"), Whole::Is(u64::MAX.into()));
        assert_eq!(whole("2.0"), Whole::Is(2));
        assert_eq!(whole("1e3"), Whole::Is(1000));
        assert_eq!(whole("1.5e1"), Whole::Is(15));
        assert_eq!(whole("15e-1"), Whole::Fraction);
    }

    #[test]
    fn absurd_numbers_are_told() {
        assert_eq!(whole(&"9".repeat(400)), Whole::TooLarge);
        assert_eq!(whole("1e9999999999"), Whole::TooLarge);
        assert_eq!(whole("1e-9999999999"), Whole::Fraction);
        assert_eq!(whole("0e9999999999"), Whole::Is(0));
        assert_eq!(Number::read("1e400").unwrap().float(1, 1), None);
        assert_eq!(Number::read("1e-9999").unwrap().float(1, 1), Some(0.0));
    }

    #[test]
    fn what_follows_the_number_is_left() {
        assert_eq!(Number::read("10.0.0.1").unwrap().suffix, ".0.1");
        assert_eq!(Number::read("2024-05-01").unwrap().suffix, "-05-01");
        assert_eq!(Number::read("5e").unwrap().suffix, "e");
        assert_eq!(Number::read("200ms").unwrap().suffix, "ms");
        assert!(Number::read("x5").is_none());
        assert!(Number::read("-").is_none());
        assert!(Number::read("").is_none());
    }

    #[test]
    fn floats_come_from_the_same_text() {
        assert_eq!(Number::read("0.1").unwrap().float(1, 1), Some(0.1));
        assert_eq!(Number::read("-2.5e-3").unwrap().float(1, 1), Some(-0.0025));
    }

    #[test]
    fn hexadecimal_has_at_most_64_bits() {
        assert_eq!(hexadecimal("0xff"), Some(255));
        assert_eq!(hexadecimal("0xFFFF_FFFF_FFFF_FFFF"), Some(u64::MAX));
        assert_eq!(hexadecimal("0x1_0000_0000_0000_0000"), None);
        assert_eq!(hexadecimal("0x"), None);
        assert_eq!(hexadecimal("0xg"), None);
    }
}
