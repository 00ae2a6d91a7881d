//! Times as RFC 3339 writes them, to nanoseconds since the UNIX epoch.

const DAY_S: i64 = 86_400;

/// Reads `2024-05-01`, `2024-05-01T12:00`, `2024-05-01 12:00:00.25+02:00`; without a zone the
/// time is UTC. `None` when it is no such time or lies outside 1970..2554.
pub fn read(text: &str) -> Option<u64> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    mark(&mut rest, "-")?;
    let month = digits(&mut rest, 2)?;
    mark(&mut rest, "-")?;
    let day = digits(&mut rest, 2)?;
    let days = days_since_epoch(year, month, day)?;
    let (mut seconds, mut nanoseconds) = (days.checked_mul(DAY_S)?, 0);
    if !rest.is_empty() {
        mark(&mut rest, "T").or_else(|| mark(&mut rest, "t")).or_else(|| mark(&mut rest, " "))?;
        let clock = clock(&mut rest)?;
        seconds = seconds.checked_add(clock.0)?.checked_sub(zone(rest)?)?;
        nanoseconds = clock.1;
    }
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

/// Whether `text` starts like a date, for messages.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut rest = text;
    digits(&mut rest, 4).is_some()
        && mark(&mut rest, "-").is_some()
        && digits(&mut rest, 2).is_some()
}

/// `HH:MM[:SS[.fraction]]` as seconds and nanoseconds.
fn clock(rest: &mut &str) -> Option<(i64, u64)> {
    let hours = digits(rest, 2).filter(|h| *h < 24)?;
    mark(rest, ":")?;
    let minutes = digits(rest, 2).filter(|m| *m < 60)?;
    let mut seconds = 0;
    let mut nanoseconds = 0;
    if mark(rest, ":").is_some() {
        // A leap second is the first second of the next minute.
        seconds = digits(rest, 2).filter(|s| *s <= 60)?;
        if mark(rest, ".").is_some() {
            nanoseconds = fraction(rest)?;
        }
    }
    let total = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    Some((total.checked_add(seconds)?, nanoseconds))
}

/// One to nine digits after the point, as nanoseconds.
fn fraction(rest: &mut &str) -> Option<u64> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let places = u32::try_from(length).ok().filter(|n| (1..=9).contains(n))?;
    let value = u64::try_from(digits(rest, length)?).ok()?;
    value.checked_mul(10u64.checked_pow(9u32.checked_sub(places)?)?)
}

/// Seconds east of UTC; the whole of `text` must be a zone or nothing.
fn zone(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let mut rest = text;
    let sign =
        if mark(&mut rest, "+").is_some() { 1i64 } else { mark(&mut rest, "-").map(|()| -1)? };
    let hours = digits(&mut rest, 2).filter(|h| *h < 24)?;
    mark(&mut rest, ":")?;
    let minutes = digits(&mut rest, 2).filter(|m| *m < 60)?;
    if !rest.is_empty() {
        return None;
    }
    sign.checked_mul(hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?)
}

/// Exactly `count` decimal digits off the front.
fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    if !head.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    *rest = tail;
    head.parse().ok()
}

fn mark(rest: &mut &str, mark: &str) -> Option<()> {
    *rest = rest.strip_prefix(mark)?;
    Some(())
}

/// Days from 1970-01-01 in the Gregorian calendar; `None` when there is no such day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) || year < 1970 {
        return None;
    }
    // Years that start in March keep the leap day last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * m + 2) / 5 + day - 1;
    let leap_days = y / 4 - y / 100 + y / 400;
    const TO_EPOCH: i64 = 719_468;
    Some(365 * y + leap_days + of_year - TO_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn dates_and_times_are_read() {
        assert_eq!(read("1970-01-01"), Some(0));
        assert_eq!(read("1970-01-02T00:00:01Z"), Some(86_401 * S));
        assert_eq!(read("2000-02-29T00:00:00Z"), Some(951_782_400 * S));
        assert_eq!(read("2024-05-01T12:00:00Z"), Some(1_714_564_800 * S));
        assert_eq!(read("2024-05-01 12:00"), Some(1_714_564_800 * S));
        assert_eq!(read("2024-05-01T14:00:00+02:00"), Some(1_714_564_800 * S));
        assert_eq!(read("2024-05-01T07:30:00-04:30"), Some(1_714_564_800 * S));
        assert_eq!(read("2024-05-01T12:00:00.25z"), Some(1_714_564_800 * S + 250_000_000));
        assert_eq!(read("2016-12-31T23:59:60Z"), read("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2023-02-29",
            "1900-02-29",
            "2024-05-01T",
            "2024-05-01T24:00:00Z",
            "2024-05-01T12:60Z",
            "2024-05-01T12:00:00.Z",
            "2024-05-01T12:00:00.1234567890Z",
            "2024-05-01T12:00:00Q",
            "2024-05-01T12:00:00+2",
            "1969-12-31",
            "9999-12-31",
            "é024-01-01",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = 0;
        for year in 1970..2110 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(days) = days_since_epoch(year, month, day) {
                        assert_eq!(days, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, 140 * 365 + 34);
    }
}
