//! One stream of packets: order, loss and jitter (RFC 3550 §6.4.1, §A.1, §A.3, §A.8).

use super::packet::Packet;
use super::quality::Seen;

/// Sequence numbers behind the highest that are remembered one by one.
const WINDOW: u16 = 128;
/// Most sequence numbers a stream may skip (RFC 3550 §A.1).
const MAX_DROPOUT: u16 = 3000;
/// Packets after which an unknown clock may be guessed, and how long they must take.
const GUESS_PACKETS: u64 = 8;
const GUESS_TIME: u64 = 100_000_000;
/// Rates of clocks in use.
const RATES: [u32; 9] = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 90_000];

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Sequence numbers missing before it.
    pub loss: u16,
    /// It came after a later one.
    pub unorder: bool,
    /// It had come before.
    pub duplicate: bool,
    /// How far it is behind the highest number.
    pub order_err: u16,
    /// The stream goes on at another number, as after a restart of its sender.
    pub restart: bool,
    /// Time since the packet before it, microseconds.
    pub inter_delay_us: u32,
    /// Difference of that from the timestamps' difference, timestamp units.
    pub inter_jitter: u32,
}

/// The state of one stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Time of the first packet.
    pub start: u64,
    /// Time of the last packet.
    pub last: u64,
    /// Packets that came, repeated ones too.
    pub packets: u64,
    /// Octets of payload in them.
    pub octets: u64,
    /// Number of the first packet.
    pub first_sequence: u16,
    /// Packets that came again.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub unordered: u64,
    /// Times the stream went on at another number.
    pub restarts: u32,
    /// Runs of more than one lost packet.
    pub bursts: u32,
    /// The longest of them.
    pub longest_burst: u32,
    /// Longest time between packets, microseconds.
    pub longest_gap_us: u64,
    /// Highest jitter, timestamp units.
    pub jitter_max: f64,
    /// Payload type that most recently came.
    pub payload_type: u8,
    /// Timestamp units per second, as far as known.
    pub clock: Option<u32>,
    jitter: f64,
    expected: u64,
    unique: u64,
    highest: u16,
    /// Bit n: the number n behind the highest has come.
    window: u128,
    runs: u64,
    run: u32,
    next_after_jump: Option<u16>,
    first_timestamp: u32,
    last_timestamp: u32,
    /// Two packets followed each other.
    sequential: bool,
}

impl Stream {
    /// A stream that begins with `packet`.
    pub fn new(packet: &Packet<'_>, time: u64, clock: Option<u32>) -> Self {
        Self {
            start: time,
            last: time,
            packets: 1,
            octets: octets(packet),
            first_sequence: packet.sequence,
            duplicates: 0,
            unordered: 0,
            restarts: 0,
            bursts: 0,
            longest_burst: 0,
            longest_gap_us: 0,
            jitter_max: 0.0,
            payload_type: packet.payload_type,
            clock,
            jitter: 0.0,
            expected: 1,
            unique: 1,
            highest: packet.sequence,
            window: u128::MAX,
            runs: 0,
            run: 0,
            next_after_jump: None,
            first_timestamp: packet.timestamp,
            last_timestamp: packet.timestamp,
            sequential: false,
        }
    }

    /// Whether packets have followed each other: one alone may be anything.
    pub fn is_confirmed(&self) -> bool {
        self.sequential
    }

    /// Interarrival jitter, timestamp units.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Packets that did not come.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.unique)
    }

    /// Packets that should have come.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// `units` of the clock in microseconds.
    pub fn us(&self, units: f64) -> Option<f64> {
        self.clock.map(|clock| units * 1e6 / f64::from(clock))
    }

    /// What the rating is made of.
    pub fn seen(&self) -> Seen {
        Seen {
            expected: self.expected,
            lost: self.lost(),
            runs: self.runs.max(u64::from(self.lost() > 0)),
            jitter_ms: self.us(self.jitter).unwrap_or(0.0) / 1000.0,
        }
    }

    /// Takes the next packet.
    pub fn take(&mut self, packet: &Packet<'_>, time: u64, clock: Option<u32>) -> Place {
        let mut place = self.place(packet.sequence);
        self.packets = self.packets.saturating_add(1);
        self.octets = self.octets.saturating_add(octets(packet));
        self.payload_type = packet.payload_type;
        let delay = time.saturating_sub(self.last);
        self.longest_gap_us = self.longest_gap_us.max(delay / 1000);
        place.inter_delay_us = u32::try_from(delay / 1000).unwrap_or(u32::MAX);
        if clock.is_some() {
            self.clock = clock;
        }
        self.guess_clock(packet, time);
        if !place.duplicate && !place.restart {
            self.hear(packet, delay, &mut place);
        }
        self.last = time;
        self.last_timestamp = packet.timestamp;
        place
    }

    /// Updates the jitter.
    fn hear(&mut self, packet: &Packet<'_>, delay: u64, place: &mut Place) {
        let Some(clock) = self.clock else { return };
        let sent = packet.timestamp.wrapping_sub(self.last_timestamp).cast_signed();
        // A pause of the sender moves the timestamp without meaning; as RFC 3550 has it, the
        // difference counts all the same.
        #[allow(clippy::cast_precision_loss)]
        let arrived = delay as f64 * f64::from(clock) / 1e9;
        let difference = (arrived - f64::from(sent)).abs();
        self.jitter += (difference - self.jitter) / 16.0;
        self.jitter_max = self.jitter_max.max(self.jitter);
        place.inter_jitter = whole(difference);
    }

    /// The rate of a clock that the payload type does not tell, from timestamps and arrivals.
    fn guess_clock(&mut self, packet: &Packet<'_>, time: u64) {
        let passed = time.saturating_sub(self.start);
        if self.clock.is_some() || self.packets < GUESS_PACKETS || passed < GUESS_TIME {
            return;
        }
        let units = packet.timestamp.wrapping_sub(self.first_timestamp);
        #[allow(clippy::cast_precision_loss)]
        let rate = f64::from(units) * 1e9 / passed as f64;
        let near = |known: &&u32| (rate / f64::from(**known) - 1.0).abs() < 0.08;
        self.clock = RATES.iter().find(near).copied();
    }

    fn place(&mut self, sequence: u16) -> Place {
        let ahead = sequence.wrapping_sub(self.highest);
        let jump = std::mem::take(&mut self.next_after_jump);
        match ahead {
            0 => {
                self.duplicates = self.duplicates.saturating_add(1);
                Place { duplicate: true, ..Place::default() }
            }
            1..MAX_DROPOUT => {
                self.sequential |= ahead == 1;
                self.advance(ahead);
                Place { loss: ahead.saturating_sub(1), ..Place::default() }
            }
            _ => {
                let behind = self.highest.wrapping_sub(sequence);
                if behind < WINDOW {
                    return self.late(behind);
                }
                if jump == Some(sequence) {
                    self.restart(sequence);
                    return Place { restart: true, ..Place::default() };
                }
                self.next_after_jump = Some(sequence.wrapping_add(1));
                self.unordered = self.unordered.saturating_add(1);
                Place { unorder: true, order_err: behind, ..Place::default() }
            }
        }
    }

    /// A number within the window behind the highest one.
    fn late(&mut self, behind: u16) -> Place {
        let bit = 1u128.checked_shl(behind.into()).unwrap_or(0);
        if self.window & bit != 0 {
            self.duplicates = self.duplicates.saturating_add(1);
            return Place { duplicate: true, order_err: behind, ..Place::default() };
        }
        self.window |= bit;
        self.unique = self.unique.saturating_add(1);
        self.unordered = self.unordered.saturating_add(1);
        Place { unorder: true, order_err: behind, ..Place::default() }
    }

    /// Moves the window so that the highest number is `by` higher.
    fn advance(&mut self, by: u16) {
        for _ in 0..by.min(WINDOW) {
            let came = self.window >> WINDOW.saturating_sub(1) & 1 == 1;
            self.leave(came, 1);
            self.window <<= 1;
        }
        // What was skipped beyond the window never was in it.
        self.leave(false, by.saturating_sub(WINDOW));
        self.window |= 1;
        self.highest = self.highest.wrapping_add(by);
        self.expected = self.expected.saturating_add(by.into());
        self.unique = self.unique.saturating_add(1);
    }

    /// Numbers leave the window, come or lost for good.
    fn leave(&mut self, came: bool, count: u16) {
        if !came {
            self.run = self.run.saturating_add(count.into());
        } else if self.run > 0 {
            self.runs = self.runs.saturating_add(1);
            if self.run > 1 {
                self.bursts = self.bursts.saturating_add(1);
            }
            self.longest_burst = self.longest_burst.max(self.run);
            self.run = 0;
        }
    }

    /// Counts the runs of loss that are still in the window: at the end of the stream.
    pub fn finish(&mut self) {
        for _ in 0..WINDOW {
            let came = self.window >> WINDOW.saturating_sub(1) & 1 == 1;
            self.leave(came, 1);
            self.window = self.window << 1 | 1;
        }
    }

    fn restart(&mut self, sequence: u16) {
        self.finish();
        self.window = u128::MAX;
        self.highest = sequence;
        self.restarts = self.restarts.saturating_add(1);
        // The packet that jumped and this one.
        self.expected = self.expected.saturating_add(2);
        self.unique = self.unique.saturating_add(2);
        self.unordered = self.unordered.saturating_sub(1);
    }
}

fn octets(packet: &Packet<'_>) -> u64 {
    u64::try_from(packet.payload.len()).unwrap_or(u64::MAX)
}

/// Rounded to a whole number, within bounds.
pub fn whole(value: f64) -> u32 {
    // The conversion saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = value.round() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16) -> Packet<'static> {
        let timestamp = u32::from(sequence.wrapping_add(1000)).wrapping_mul(160);
        Packet {
            padding: false,
            extension: false,
            csrc_count: 0,
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc: 7,
            csrc: &[],
            payload: b"12345678",
            bad_padding: false,
        }
    }

    fn stream(numbers: &[u16]) -> (Stream, Vec<Place>) {
        let mut stream = Stream::new(&packet(numbers[0]), 0, Some(8000));
        let places = numbers[1..]
            .iter()
            .zip(1..)
            .map(|(&n, at)| stream.take(&packet(n), 20_000_000u64.wrapping_mul(at), Some(8000)));
        let places = places.collect();
        stream.finish();
        (stream, places)
    }

    #[test]
    fn a_stream_in_order_has_no_loss_and_no_jitter() {
        let (stream, places) = stream(&[65534, 65535, 0, 1]);

        assert_eq!((stream.lost(), stream.expected(), stream.unordered), (0, 4, 0));
        assert_eq!((stream.jitter(), stream.bursts), (0.0, 0));
        assert!(places.iter().all(|p| p.loss == 0 && !p.unorder && p.inter_delay_us == 20_000));
    }

    #[test]
    fn loss_is_counted_in_runs() {
        let (stream, places) = stream(&[1, 2, 4, 5, 9, 10]);

        assert_eq!((stream.lost(), stream.expected()), (4, 10));
        assert_eq!((stream.bursts, stream.longest_burst, stream.runs), (1, 3, 2));
        assert_eq!(places.iter().map(|p| p.loss).collect::<Vec<_>>(), [0, 1, 0, 3, 0]);
    }

    #[test]
    fn late_packets_are_not_lost_and_repeated_ones_are_counted() {
        let (stream, places) = stream(&[1, 3, 2, 2, 3, 4]);

        assert_eq!((stream.lost(), stream.unordered, stream.duplicates), (0, 1, 2));
        assert!(places[1].unorder && places[1].order_err == 1);
        assert!(places[2].duplicate && places[3].duplicate);
        assert_eq!(stream.bursts, 0);
    }

    #[test]
    fn a_long_dropout_is_one_burst() {
        let (stream, _) = stream(&[1, 2, 1003, 1004]);

        assert_eq!((stream.lost(), stream.bursts, stream.longest_burst), (1000, 1, 1000));
    }

    #[test]
    fn a_jump_that_goes_on_is_a_restart() {
        let (stream, places) = stream(&[1, 2, 40_000, 40_001, 40_002]);

        assert!(places[2].restart);
        assert_eq!((stream.restarts, stream.lost(), stream.expected()), (1, 0, 5));
    }

    #[test]
    fn late_arrival_is_jitter() {
        let mut stream = Stream::new(&packet(1), 0, Some(8000));
        stream.take(&packet(2), 36_000_000, Some(8000));

        assert_eq!(stream.jitter(), 8.0);
    }

    #[test]
    fn an_unknown_clock_is_guessed_from_the_timestamps() {
        let mut stream = Stream::new(&packet(0), 0, None);
        for n in 1..10u16 {
            stream.take(&packet(n), u64::from(n) * 20_000_000, None);
        }

        assert_eq!(stream.clock, Some(8000));
    }
}
