//! NetFlow version 5 (Cisco) and 9 (RFC 3954), and IPFIX (RFC 7011): what exporters say of flows,
//! by header and number; the flows themselves are not told. IPFIX may come over TCP and SCTP, too.
//!
//! One transaction per message, which over UDP is a datagram.
//!
//! Bounds: 128 templates of a session with 512 fields each, 32 domains whose numbers are followed.

mod message;
mod template;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::numbering::{Numbering, Standing};
use crate::{
    Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, anomalies, sctp, tcp, udp,
};
use message::{Fit, HEADER_IPFIX};
use template::Templates;

const IPFIX_PORT: u16 = 4739;
const OVER: &[Over] =
    &[udp(&[2055, 2056, IPFIX_PORT, 9995, 9996]), tcp(&[IPFIX_PORT]), sctp(&[IPFIX_PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum NetflowAnomaly {
        /// Sets or records that do not fit.
        MalformedMessage = "malformed_message",
        /// Numbers were left out: flows of the exporter are missing.
        SequenceGap = "sequence_gap",
        /// A number behind the expected one: it came late, or the exporter began anew.
        SequenceBehind = "sequence_behind",
        /// A template was announced again with other fields.
        TemplateChanged = "template_changed",
        /// More templates than are kept: the oldest was given up.
        TooManyTemplates = "too_many_templates",
    }
}

/// One message.
#[derive(Debug, Default, Fields)]
pub struct NetflowMessage {
    /// Version: 5, 9, or 10, which is IPFIX.
    pub version: u16,
    /// Records that the header counts; IPFIX does not.
    pub count: Option<u16>,
    /// Part of the exporter that speaks: its engine (5), source (9) or observation domain (IPFIX).
    pub domain: u32,
    /// Number: of flows before it (5), of records before it (IPFIX) or of datagrams (9).
    pub sequence: u32,
    /// Numbers left out before it: lost flows (5), records (IPFIX) or datagrams (9).
    pub lost: Option<u32>,
    /// Milliseconds since the exporter began.
    pub uptime_ms: Option<u32>,
    /// Seconds since 1970 at the exporter.
    pub export_time_s: u32,
    /// Version 5: how flows were sampled.
    pub sampling_mode: Option<u8>,
    /// Version 5: one packet of so many was looked at.
    pub sampling_interval: Option<u16>,
    /// Templates of flows that it brings.
    pub template_count: u32,
    /// Templates of options that it brings.
    pub option_template_count: u32,
    /// Templates that it takes back.
    pub withdrawn_count: u32,
    /// Flows that it tells, as far as their templates are known.
    pub flow_count: u32,
    /// Records about the exporter itself.
    pub option_count: u32,
    /// Sets whose template is not known.
    pub unknown_sets: u32,
}

/// The state of one session.
#[derive(Default)]
pub struct Netflow {
    templates: Templates,
    numbers: Numbering<u32>,
}

impl Protocol for Netflow {
    const INFO: Info = Info {
        name: "netflow",
        id: ProtoId(243),
        aliases: &["ipfix", "cflow"],
        title: "NetFlow and IPFIX",
        spec: "Cisco NetFlow version 5, RFC 3954, RFC 7011",
        over: OVER,
        patterns: &[
            Pattern::start(b"\x00\x05"),
            Pattern::start(b"\x00\x09"),
            Pattern::start(b"\x00\x0a"),
        ],
        weight: 60,
        message: NetflowMessage::fields,
        transaction: NetflowMessage::fields,
        anomalies: NetflowAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    /// Lengths must agree to the last octet; elsewhere than on its ports, clocks too.
    fn probe(seg: &Segment<'_>) -> Probe {
        let mut data = seg.data;
        if seg.flow.transport == Transport::Tcp {
            let Some(length) = message::ipfix_length(data) else {
                return if data.len() < 4 { Probe::Unsure } else { Probe::No };
            };
            data = match data.get(..length) {
                Some(whole) => whole,
                None => return Probe::Unsure,
            };
        }
        let on_port = OVER.iter().flat_map(|over| over.ports).any(|&port| seg.on_port(port));
        match message::fit(data, seg.cut, seg.time) {
            Fit::Timely => Probe::Certain,
            Fit::Whole if on_port => Probe::Certain,
            Fit::Whole | Fit::No => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        if !out.wants_messages() && !out.wants_transactions() {
            return Step::all(seg);
        }
        if seg.flow.transport != Transport::Tcp {
            self.message(seg.data, seg, out);
            return Step::all(seg);
        }
        if seg.data.len() < HEADER_IPFIX {
            return Step::need(0, HEADER_IPFIX);
        }
        let Some(length) = message::ipfix_length(seg.data) else {
            out.anomaly(NetflowAnomaly::MalformedMessage);
            return Step::done();
        };
        match seg.data.get(..length) {
            Some(whole) => {
                self.message(whole, seg, out);
                Step::used(length)
            }
            None => Step::need(0, length),
        }
    }
}

impl Netflow {
    fn message(&mut self, data: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut record = NetflowMessage::default();
        let mut found = |anomaly: NetflowAnomaly| out.anomaly(anomaly);
        let sound = message::parse(data, &mut self.templates, &mut record, &mut found).is_some();
        if !sound && !seg.cut {
            out.anomaly(NetflowAnomaly::MalformedMessage);
        }
        if record.version == 0 {
            return;
        }
        self.follow(&mut record, sound, out);
        out.message(&record);
        out.transaction(seg.time, record);
    }

    /// Numbers count datagrams (9), or records, which are known where no template is missing.
    fn follow(&mut self, record: &mut NetflowMessage, sound: bool, out: &mut Sink<'_>) {
        let records = record.flow_count.saturating_add(record.option_count);
        let step = if record.version == 9 { 1 } else { records };
        match self.numbers.follow(record.domain, record.sequence, step) {
            Standing::First | Standing::Next => {}
            Standing::Ahead(lost) => {
                record.lost = Some(lost);
                out.anomaly(NetflowAnomaly::SequenceGap);
            }
            Standing::Behind => out.anomaly(NetflowAnomaly::SequenceBehind),
        }
        let countable = record.version == 9 || (sound && record.unknown_sets == 0);
        if !countable {
            self.numbers.lose_track(&record.domain);
        }
    }
}
