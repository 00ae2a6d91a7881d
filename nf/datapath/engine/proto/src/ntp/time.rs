//! Times and spans of NTP as those of the engine.

const NANOS: u64 = 1_000_000_000;
/// Seconds from the era's start in 1900 to 1970.
const TO_UNIX: i64 = 2_208_988_800;
/// Seconds of an era.
const ERA: i64 = 1 << 32;

/// A timestamp: seconds since 1900 in the upper half, their fraction in the lower (RFC 5905 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Whether it says nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Nanoseconds since 1970, in the era that brings it next to `near` (same unit).
    pub fn unix(self, near: u64) -> Option<u64> {
        if self.is_zero() {
            return None;
        }
        let near = i64::try_from(near / NANOS).ok()?;
        let seconds = i64::from((self.0 >> 32) as u32).wrapping_sub(TO_UNIX);
        // How many eras off, rounded to the nearest.
        let off = near.wrapping_sub(seconds).wrapping_add(ERA / 2).div_euclid(ERA);
        let seconds = seconds.wrapping_add(off.wrapping_mul(ERA));
        let fraction = ((self.0 & 0xffff_ffff).wrapping_mul(NANOS)) >> 32;
        u64::try_from(seconds).ok()?.checked_mul(NANOS)?.checked_add(fraction)
    }

    /// Nanoseconds by which it is later than `near`; negative when earlier.
    pub fn after(self, near: u64) -> Option<i64> {
        i64::try_from(i128::from(self.unix(near)?).wrapping_sub(near.into())).ok()
    }
}

/// A span of 16 bits of seconds and 16 of their fraction, in microseconds.
pub fn span_us(short: u32) -> u64 {
    u64::from(short).wrapping_mul(1_000_000) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_are_told_by_what_is_near() {
        // 2023-11-14 22:13:20, and half a second.
        let now = 1_700_000_000 * NANOS;
        let stamp = NtpTime(((1_700_000_000u64 + 2_208_988_800) << 32) | 0x8000_0000);
        assert_eq!(stamp.unix(now), Some(now + NANOS / 2));
        assert_eq!(stamp.after(now), Some(500_000_000));
        assert_eq!(stamp.after(now + NANOS), Some(-500_000_000));
        assert_eq!(NtpTime(0).unix(now), None);
        // The first second of the era that begins in 2036.
        let rollover = 2_085_978_496u64;
        assert_eq!(NtpTime(1).unix(rollover * NANOS), Some(rollover * NANOS));
        assert_eq!(NtpTime(u64::MAX).unix(rollover * NANOS), Some(rollover * NANOS - 1));
        assert_eq!(NtpTime(1 << 32).unix(u64::MAX), None);
    }

    #[test]
    fn spans_become_microseconds() {
        assert_eq!(span_us(0x0001_8000), 1_500_000);
        assert_eq!(span_us(u32::MAX), 65_535_999_984);
    }
}
