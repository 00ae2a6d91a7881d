//! NGAP, between base stations and the core of 5G (3GPP TS 38.413), over SCTP, and the messages of
//! phones (NAS) inside. One transaction per procedure, with its outcome where it has one; the path
//! is `ngap.nas_5g`.
//!
//! Bounds: 128 elements of a message, 64 procedures without outcome. Values in pieces of 16 KiB are
//! not read.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text};

use crate::aper::{self, Message, Outcome};
use crate::nas_5g;
use crate::waiting::Waiting;
use crate::{Direction, Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, sctp};

/// Port of the registry.
/// NGAP's number.
pub(crate) const ID: ProtoId = ProtoId(903);
const PORT: u16 = 38_412;
/// What SCTP calls its messages.
const PPID: u32 = 60;
/// Most procedures that wait for their outcome.
const MAX_PENDING: usize = 64;
/// Most octets of a name kept.
const MAX_NAME: usize = 150;

/// Numbers of elements.
mod element {
    pub(super) const AMF_NAME: u16 = 1;
    pub(super) const AMF_UE_ID: u16 = 10;
    pub(super) const CAUSE: u16 = 15;
    pub(super) const GLOBAL_RAN_NODE: u16 = 27;
    pub(super) const NAS: u16 = 38;
    pub(super) const RAN_NODE_NAME: u16 = 82;
    pub(super) const RAN_UE_ID: u16 = 85;
    pub(super) const UE_IDS: u16 = 114;
}

/// The procedure that brings a base station up.
const SETUP: u8 = 21;

crate::anomalies! {
    /// What can be wrong with NGAP.
    pub enum Anomaly {
        /// A message whose elements do not fill it.
        MalformedMessage = "malformed_message",
        /// An element that cannot be read.
        MalformedElement = "malformed_element",
        /// A procedure that is not defined.
        UnknownProcedure = "unknown_procedure",
        /// Too many procedures without outcome: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct NgapMessage {
    /// Procedure.
    #[field(id = 1)]
    pub procedure_code: u16,
    /// 1 a procedure begins, 2 it went well, 3 it did not.
    #[field(id = 2)]
    pub pdu_present: u8,
    /// The core's number of a phone.
    #[field(id = 3)]
    pub amf_ue_id: Option<u64>,
    /// The base station's number of a phone.
    #[field(id = 4)]
    pub ran_ue_id: Option<u64>,
    /// Name of the procedure.
    pub procedure: &'static str,
}

/// A procedure with its outcome.
#[derive(Debug, Default, Fields)]
pub struct NgapTransaction {
    /// Procedure.
    pub procedure_code: u16,
    /// Name of the procedure.
    pub procedure: &'static str,
    /// The core's number of a phone.
    pub amf_ue_id: Option<u64>,
    /// The base station's number of a phone.
    pub ran_ue_id: Option<u64>,
    /// Whether it went well; absent where there is no outcome.
    pub successful: Option<bool>,
    /// Kind of cause: radio, transport, nas, protocol or misc.
    pub cause_group: Option<&'static str>,
    /// Number of the cause in its group.
    pub cause: Option<u8>,
    /// Mobile network of a base station.
    pub plmn: Option<Text>,
    /// Name of the base station.
    pub ran_node_name: Option<Text>,
    /// Name of the core's node.
    pub amf_name: Option<Text>,
    /// Elements of the first message.
    pub elements: u32,
    /// Time until the outcome.
    pub response_us: Option<u64>,
}

struct Procedure {
    time: u64,
    record: NgapTransaction,
}

/// A session.
pub struct Ngap {
    pending: Waiting<(u8, Option<u64>, Direction), Procedure>,
    /// Which end is the core, once it is known.
    core: Option<Direction>,
}

impl Protocol for Ngap {
    const INFO: Info = Info {
        name: "ngap",
        id: ID,
        title: "NG application protocol, base station to core of 5G",
        spec: "3GPP TS 38.413",
        over: &[sctp(&[PORT])],
        ppids: &[PPID],
        weight: 45,
        timeout: TimeoutClass::Long,
        message: NgapMessage::fields,
        transaction: NgapTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[nas_5g::ID],
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let core = match (flow.initiator_port == PORT, flow.responder_port == PORT) {
            (true, false) => Some(Direction::Up),
            (false, true) => Some(Direction::Down),
            _ => None,
        };
        Self { pending: Waiting::new(MAX_PENDING), core }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(message) = aper::parse(seg.data) else { return Probe::No };
        let has = |id: u16| message.element(id).is_some();
        // Elsewhere it must be told from its sister of the fourth generation.
        let is_likely = procedure_word(message.procedure).is_some()
            && (seg.on_port(PORT)
                || seg.ppid == PPID
                || has(element::RAN_UE_ID) && (has(element::AMF_UE_ID) || has(element::NAS))
                || message.procedure == SETUP
                    && (has(element::GLOBAL_RAN_NODE) || has(element::AMF_NAME)));
        if is_likely { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        match aper::parse(seg.data) {
            Some(message) => self.message(&message, seg, out),
            None if seg.cut => {}
            None => out.anomaly(Anomaly::MalformedMessage),
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(procedure) = self.pending.pop() {
            out.transaction(procedure.time, procedure.record);
        }
    }
}

impl Ngap {
    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let word = procedure_word(message.procedure);
        if word.is_none() {
            out.anomaly(Anomaly::UnknownProcedure);
        }
        let word = word.unwrap_or("unknown");
        let amf = message.element(element::AMF_UE_ID).map(|v| aper::number(v, 3));
        let ran = message.element(element::RAN_UE_ID).map(|v| aper::number(v, 2));
        if amf == Some(None) || ran == Some(None) {
            out.anomaly(Anomaly::MalformedElement);
        }
        let (mut amf, mut ran) = (amf.flatten(), ran.flatten());
        match message.element(element::UE_IDS) {
            Some(value @ [first, ..]) if first >> 6 == 0 => {
                if let Some((core, station)) = aper::pair(value, 3, 1) {
                    (amf, ran) = (Some(core), station);
                }
            }
            Some(value @ [first, ..]) if first >> 6 == 1 => {
                amf = aper::pair(value, 3, 3).map(|(core, _)| core);
            }
            _ => {}
        }
        let pdu_present = match message.outcome {
            Outcome::Initiating => 1,
            Outcome::Successful => 2,
            Outcome::Unsuccessful => 3,
        };
        out.message(&NgapMessage {
            procedure_code: message.procedure.into(),
            pdu_present,
            amf_ue_id: amf,
            ran_ue_id: ran,
            procedure: word,
        });
        let record = NgapTransaction {
            procedure_code: message.procedure.into(),
            procedure: word,
            amf_ue_id: amf,
            ran_ue_id: ran,
            elements: u32::try_from(message.elements.len()).unwrap_or(u32::MAX),
            ..NgapTransaction::default()
        };
        self.procedure(message, record, seg, out);
        self.nas(message, seg, out);
    }

    fn procedure(
        &mut self,
        message: &Message<'_>,
        mut record: NgapTransaction,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_transactions() {
            return;
        }
        let key = |dir: Direction, ran: Option<u64>| (message.procedure, ran, dir);
        if message.outcome == Outcome::Initiating {
            record.add(message);
            if !has_outcome(message.procedure) {
                out.transaction(seg.time, record);
                return;
            }
            let key = key(seg.dir, record.ran_ue_id);
            let procedure = Procedure { time: seg.time, record };
            if let Some(oldest) = self.pending.put(key, procedure) {
                out.anomaly(Anomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let waiting = self.pending.take(&key(seg.dir.reverse(), record.ran_ue_id));
        let is_answered = waiting.is_some();
        let mut procedure = waiting.unwrap_or(Procedure { time: seg.time, record });
        procedure.record.add(message);
        procedure.record.successful = Some(message.outcome == Outcome::Successful);
        if is_answered {
            let after = seg.time.saturating_sub(procedure.time) / 1000;
            procedure.record.response_us = Some(after);
        }
        out.transaction(procedure.time, procedure.record);
    }

    fn nas(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        // Messages that only one side sends tell which is the core.
        match message.procedure {
            4 => self.core = Some(seg.dir),
            15 | 46 => self.core = Some(seg.dir.reverse()),
            _ => {}
        }
        let Some(value) = message.element(element::NAS) else { return };
        let mut c = crate::Cursor::new(value);
        let Some(octets) = aper::octets(&mut c).filter(|_| c.is_empty()) else {
            out.anomaly(Anomaly::MalformedElement);
            return;
        };
        out.inside(nas_5g::ID);
        let from_network = self.core == Some(seg.dir);
        nas_5g::take(octets, from_network, seg.time, &mut out.of(nas_5g::ID));
        out.settled();
    }
}

impl NgapTransaction {
    /// Adds what a message tells besides.
    fn add(&mut self, message: &Message<'_>) {
        let name = |id: u16| {
            let letters = message.element(id).and_then(aper::name)?;
            Some(Text::bounded(letters, MAX_NAME))
        };
        self.ran_node_name = self.ran_node_name.take().or_else(|| name(element::RAN_NODE_NAME));
        self.amf_name = self.amf_name.take().or_else(|| name(element::AMF_NAME));
        if let Some(&[_, a, b, c, ..]) = message.element(element::GLOBAL_RAN_NODE) {
            self.plmn = Some(Text::from(aper::plmn([a, b, c])));
        }
        if let Some((group, number)) = message.element(element::CAUSE).and_then(cause) {
            self.cause_group = Some(group);
            self.cause = Some(number);
        }
    }
}

/// Group and number of a cause: three bits of choice, one of extension, and as many as the group
/// needs.
fn cause(value: &[u8]) -> Option<(&'static str, u8)> {
    let first = *value.first()?;
    let bits = u16::from_be_bytes([first, value.get(1).copied().unwrap_or(0)]);
    let (group, width) = match first >> 5 {
        0 => ("radio", 6u32),
        1 => ("transport", 1),
        2 => ("nas", 2),
        3 => ("protocol", 3),
        4 => ("misc", 3),
        _ => return None,
    };
    (first & 0x10 == 0).then_some(())?;
    let number = (bits << 4).checked_shr(16u32.checked_sub(width)?)?;
    Some((group, u8::try_from(number).ok()?))
}

/// Whether a procedure ends with a message of its own.
fn has_outcome(procedure: u8) -> bool {
    matches!(procedure, 0 | 10 | 12 | 13 | 14 | 20 | 21 | 25..=29 | 32 | 35 | 40 | 41 | 43 | 51 | 58..=60)
}

fn procedure_word(procedure: u8) -> Option<&'static str> {
    Some(match procedure {
        0 => "amf_configuration_update",
        1 => "amf_status_indication",
        2 => "cell_traffic_trace",
        3 => "deactivate_trace",
        4 => "downlink_nas_transport",
        5 => "downlink_non_ue_associated_nrppa_transport",
        6 => "downlink_ran_configuration_transfer",
        7 => "downlink_ran_status_transfer",
        8 => "downlink_ue_associated_nrppa_transport",
        9 => "error_indication",
        10 => "handover_cancel",
        11 => "handover_notification",
        12 => "handover_preparation",
        13 => "handover_resource_allocation",
        14 => "initial_context_setup",
        15 => "initial_ue_message",
        16 => "location_report",
        17 => "location_reporting_control",
        18 => "location_reporting_failure_indication",
        19 => "nas_non_delivery_indication",
        20 => "ng_reset",
        SETUP => "ng_setup",
        22 => "overload_start",
        23 => "overload_stop",
        24 => "paging",
        25 => "path_switch_request",
        26 => "pdu_session_resource_modify",
        27 => "pdu_session_resource_modify_indication",
        28 => "pdu_session_resource_release",
        29 => "pdu_session_resource_setup",
        30 => "pdu_session_resource_notify",
        31 => "private_message",
        32 => "pws_cancel",
        33 => "pws_failure_indication",
        34 => "pws_restart_indication",
        35 => "ran_configuration_update",
        36 => "reroute_nas_request",
        37 => "rrc_inactive_transition_report",
        38 => "trace_failure_indication",
        39 => "trace_start",
        40 => "ue_context_modification",
        41 => "ue_context_release",
        42 => "ue_context_release_request",
        43 => "ue_radio_capability_check",
        44 => "ue_radio_capability_info_indication",
        45 => "ue_tnla_binding_release",
        46 => "uplink_nas_transport",
        47 => "uplink_non_ue_associated_nrppa_transport",
        48 => "uplink_ran_configuration_transfer",
        49 => "uplink_ran_status_transfer",
        50 => "uplink_ue_associated_nrppa_transport",
        51 => "write_replace_warning",
        52 => "secondary_rat_data_usage_report",
        53 => "uplink_rim_information_transfer",
        54 => "downlink_rim_information_transfer",
        55 => "retrieve_ue_information",
        56 => "ue_information_transfer",
        57 => "ran_cp_relocation_indication",
        58 => "ue_context_resume",
        59 => "ue_context_suspend",
        60 => "ue_radio_capability_id_mapping",
        61 => "handover_success",
        62 => "uplink_ran_early_status_transfer",
        63 => "downlink_ran_early_status_transfer",
        64 => "amf_cp_relocation_indication",
        65 => "connection_establishment_indication",
        _ => return None,
    })
}
