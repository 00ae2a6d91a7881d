//! What RTCP reports: control packets, and one record per reporter and stream.

use nf_fields::{Fields, Text, TextRef};

/// A control packet; of several report blocks, the first.
#[derive(Debug, Default, Fields)]
pub struct RtcpMessage<'a> {
    /// Packet type: 200 sender report, 201 receiver report, 202 source description, 203 bye…
    pub packet_type: u8,
    /// The same as a word.
    pub kind: &'static str,
    /// Reports, sources or chunks in it; a format in feedback.
    pub count: u8,
    /// Octets of the packet.
    pub length: u32,
    /// Who sends it.
    pub ssrc: Option<u32>,
    /// Sender report: packets sent.
    pub packets_sent: Option<u32>,
    /// Sender report: octets of payload sent.
    pub octets_sent: Option<u32>,
    /// The stream that is reported on.
    pub source: Option<u32>,
    /// Loss since the report before, percent.
    pub loss_percent: Option<f64>,
    /// Packets lost since the beginning.
    pub lost: Option<i64>,
    /// Interarrival jitter, timestamp units.
    pub jitter: Option<u32>,
    /// Round trip between here and the reporter.
    pub rtt_us: Option<u64>,
    /// Canonical name of the sender.
    pub cname: Option<TextRef<'a>>,
    /// Why the sender leaves.
    pub reason: Option<TextRef<'a>>,
}

/// What one end said of its own stream and of one it receives.
#[derive(Clone, Debug, Default, Fields)]
pub struct RtcpTransaction {
    /// Who reports.
    pub ssrc: u32,
    /// Canonical name of the reporter.
    pub cname: Option<Text>,
    /// Control packets that carry reports.
    pub reports: u32,
    /// Packets the reporter had sent by its last report.
    pub packets_sent: Option<u32>,
    /// Octets of payload it had sent.
    pub octets_sent: Option<u32>,
    /// The stream it received.
    pub source: Option<u32>,
    /// Packets of that lost in all.
    pub lost: Option<i64>,
    /// Loss between the last two reports, percent.
    pub loss_percent: Option<f64>,
    /// The highest such loss.
    pub loss_percent_max: Option<f64>,
    /// Interarrival jitter, timestamp units.
    pub jitter: Option<u32>,
    /// The highest such jitter.
    pub jitter_max: Option<u32>,
    /// Round trip between here and the reporter, from its last answer to a sender report.
    pub rtt_us: Option<u64>,
    /// Longest such round trip.
    pub rtt_max_us: Option<u64>,
    /// Rating R that the receiver measured (extended reports).
    pub r_factor: Option<u8>,
    /// Listening quality that the receiver measured, as a mean opinion score.
    pub mos_lq: Option<f64>,
    /// Conversational quality that the receiver measured.
    pub mos_cq: Option<f64>,
    /// The reporter said goodbye.
    pub bye: bool,
    /// Why.
    pub reason: Option<Text>,
    /// The reports are encrypted: only who reports can be read.
    pub encrypted: bool,
}
