//! What a listener would make of a stream: the E-model (ITU-T G.107) with what one point on the
//! way can know.
//!
//! Rating R = 93.2 - Idd - Ie,eff; 93.2 is the model's value for all its defaults (no echo, no
//! noise beyond the standard's). Known here are loss, its burstiness and jitter. Not known are the
//! way's delay and the receiver's buffer: the delay is taken to be that of a buffer of twice the
//! jitter and nothing else, so that the rating is an upper bound where the way is long. Ie and Bpl
//! are those of ITU-T G.113 Appendix I; for G.711 its Bpl with concealment of lost packets.
//! Encodings without such a value get no rating.

/// What the encoding alone impairs, and how robust it is against loss.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Impairment {
    ie: f64,
    bpl: f64,
}

fn impairment(codec: &[u8]) -> Option<Impairment> {
    let (ie, bpl) = match codec.to_ascii_uppercase().as_slice() {
        b"PCMU" | b"PCMA" => (0.0, 25.1),
        b"G723" => (15.0, 16.1),
        b"G729" => (11.0, 19.0),
        b"GSM-EFR" => (5.0, 10.0),
        _ => return None,
    };
    Some(Impairment { ie, bpl })
}

/// What a stream's sequence numbers and arrival times have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Packets that should have come.
    pub expected: u64,
    /// Those that did not.
    pub lost: u64,
    /// Runs of consecutive lost packets.
    pub runs: u64,
    /// Jitter in milliseconds.
    pub jitter_ms: f64,
}

/// The transmission rating R, 0 to 93.2.
pub fn rating(codec: &[u8], seen: &Seen) -> Option<f64> {
    let Impairment { ie, bpl } = impairment(codec)?;
    let share = if seen.expected == 0 { 0.0 } else { ratio(seen.lost, seen.expected) };
    // Mean length of the bursts against that of random loss (G.107 §7.3).
    let burst = if seen.runs == 0 { 1.0 } else { ratio(seen.lost, seen.runs) * (1.0 - share) };
    let burst = burst.max(1.0);
    let percent = share * 100.0;
    let effective = ie + (95.0 - ie) * percent / (percent / burst + bpl);
    Some((93.2 - delay_impairment(2.0 * seen.jitter_ms) - effective).clamp(0.0, 93.2))
}

/// Idd of G.107 §7.4: delays up to 100 ms do no harm.
fn delay_impairment(delay_ms: f64) -> f64 {
    if delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let root = |value: f64| (1.0 + value.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// The mean opinion score of a rating (G.107 Annex B), to two digits.
pub fn opinion(rating: f64) -> f64 {
    let score = if rating <= 0.0 {
        1.0
    } else {
        1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6
    };
    (score.max(1.0) * 100.0).round() / 100.0
}

/// `part` of `whole`.
pub fn ratio(part: u64, whole: u64) -> f64 {
    // Counts of packets are far below what a double holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let (part, whole) = (part as f64, whole as f64);
    part / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(codec: &[u8], lost: u64, runs: u64, jitter_ms: f64) -> f64 {
        let seen = Seen { expected: 1000, lost, runs, jitter_ms };
        opinion(rating(codec, &seen).unwrap())
    }

    #[test]
    fn a_perfect_stream_has_the_models_default_score() {
        assert_eq!(score(b"PCMU", 0, 0, 0.0), 4.41);
        assert_eq!(score(b"G729", 0, 0, 0.0), 4.1);
    }

    #[test]
    fn loss_lowers_the_score_and_bursts_lower_it_more() {
        let random = score(b"PCMA", 50, 48, 1.0);
        let bursts = score(b"PCMA", 50, 10, 1.0);

        assert!(bursts < random && random < 4.41, "{bursts} {random}");
        assert_eq!(score(b"PCMA", 1000, 1, 0.0), 1.18);
    }

    #[test]
    fn only_long_delays_do_harm() {
        assert_eq!(score(b"PCMA", 0, 0, 40.0), 4.41);
        assert!(score(b"PCMA", 0, 0, 200.0) < 4.0);
    }

    #[test]
    fn encodings_without_measured_impairment_get_no_rating() {
        assert_eq!(rating(b"opus", &Seen::default()), None);
    }
}
