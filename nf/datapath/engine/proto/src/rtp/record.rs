//! What RTP reports: packets, and one record per stream.

use nf_fields::{BinaryRef, Fields, Text, TextRef};

/// A packet, with what it is to its stream.
#[derive(Debug, Default, Fields)]
pub struct RtpMessage<'a> {
    /// Version: 2.
    #[field(id = 1)]
    pub version: u8,
    /// Padding follows the payload.
    #[field(id = 2, alias = "pad")]
    pub padding: u8,
    /// A header extension is there.
    #[field(id = 3, alias = "ext")]
    pub extension: u8,
    /// Number of contributing sources.
    #[field(id = 4, alias = "cc")]
    pub csrc_count: u8,
    /// Marker: begin of speech, end of a picture.
    #[field(id = 5, alias = "mark")]
    pub marker: u8,
    /// Payload type.
    #[field(id = 6, alias = "type")]
    pub payload_type: u8,
    /// Sequence number.
    #[field(id = 7, alias = "seqnb")]
    pub sequence: u16,
    /// When the payload was sampled, units of its clock.
    #[field(id = 8)]
    pub timestamp: u32,
    /// The stream.
    #[field(id = 9)]
    pub ssrc: u32,
    /// Contributing sources.
    #[field(id = 10)]
    pub csrc: Option<BinaryRef<'a>>,
    /// Rating R of the stream so far (E-model, upper bound), where the encoding has one.
    #[field(id = 11)]
    pub quality: Option<u64>,
    /// Interarrival jitter of the stream so far, timestamp units.
    #[field(id = 12)]
    pub jitter: u32,
    /// Difference between arrival and timestamp against the packet before, timestamp units.
    #[field(id = 13)]
    pub inter_jitter: u32,
    /// Time since the stream's packet before, microseconds.
    #[field(id = 14, alias = "inter_delay_us")]
    pub inter_delay: u32,
    /// Sequence numbers missing before this packet.
    #[field(id = 15)]
    pub loss: u16,
    /// The same where more than one is missing.
    #[field(id = 16)]
    pub burst_loss: u16,
    /// 1: it came after a later one.
    #[field(id = 17)]
    pub unorder: u16,
    /// 1: it had come before.
    #[field(id = 18)]
    pub duplicate: u16,
    /// How far it is behind the highest sequence number.
    #[field(id = 19)]
    pub order_err: u16,
    /// Encoding, where the payload type or the announcement tells.
    pub codec: Option<TextRef<'a>>,
    /// Octets of payload.
    pub payload_length: u16,
}

/// A stream from its first packet to its last.
#[derive(Debug, Default, Fields)]
pub struct RtpTransaction {
    /// The stream.
    pub ssrc: u32,
    /// Who sends: up, the initiator of the session; down, the responder.
    pub direction: Text,
    /// Payload type.
    pub payload_type: u8,
    /// Encoding, where the payload type or the announcement tells.
    pub codec: Option<Text>,
    /// Timestamp units per second: known, or guessed from the timestamps.
    pub clock_rate: Option<u32>,
    /// Packets that came.
    pub packets: u64,
    /// Octets of payload in them.
    pub octets: u64,
    /// Packets that should have come, by sequence numbers.
    pub expected: u64,
    /// Those that did not.
    pub lost: u64,
    /// The same, percent.
    pub loss_percent: f64,
    /// Runs of more than one lost packet.
    pub bursts: u32,
    /// Packets of the longest run.
    pub longest_burst: u32,
    /// Packets that came after a later one.
    pub unordered: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Times the stream went on at another sequence number.
    pub restarts: u32,
    /// Sequence number of the first packet.
    pub first_sequence: u16,
    /// Interarrival jitter at the end.
    pub jitter_us: Option<u32>,
    /// Highest interarrival jitter.
    pub jitter_max_us: Option<u32>,
    /// Longest time between two packets.
    pub longest_gap_us: u64,
    /// Rating R by the E-model (upper bound: the way's delay is not known).
    pub r_factor: Option<f64>,
    /// Mean opinion score of that rating.
    pub mos: Option<f64>,
    /// Keys were agreed by DTLS on the same ports: the payload is encrypted.
    pub encrypted: bool,
    /// From the first packet to the last.
    pub duration_us: u64,
}
