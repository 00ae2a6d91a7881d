//! S1AP, between base stations and the core of the fourth generation (3GPP TS 36.413), over SCTP,
//! with what phones tell of themselves (TS 24.301). One transaction per procedure, with its outcome
//! where it has one.
//!
//! Bounds: 128 elements of a message, 64 procedures without outcome. Values in pieces of 16 KiB are
//! not read.

mod element;
mod nas;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, TextRef};

use crate::aper::{self, Message, Outcome};
use crate::waiting::Waiting;
use crate::{
    Cursor, Direction, Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, sctp,
};
use element::{Bearer, id};
pub use record::{S1apBearer, S1apMessage, S1apTransaction};

/// Port of the registry.
const PORT: u16 = 36_412;
/// What SCTP calls its messages.
const PPID: u32 = 18;
/// Most procedures that wait for their outcome.
const MAX_PENDING: usize = 64;
/// The procedure that brings a base station up.
const SETUP: u8 = 17;

crate::anomalies! {
    /// What can be wrong with S1AP.
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

/// Everything that is read of a message.
#[derive(Default)]
struct Read<'a> {
    mme_ue: Option<u32>,
    enb_ue: Option<u32>,
    nas: nas::Nas,
    has_nas: bool,
    m_tmsi: Option<u32>,
    asked: Vec<Bearer<'a>>,
    done: Vec<Bearer<'a>>,
    enb: Option<([u8; 3], u32)>,
    enb_name: Option<&'a [u8]>,
    mme: Option<u32>,
    mme_name: Option<&'a [u8]>,
    is_malformed: bool,
}

impl<'a> Read<'a> {
    fn of(message: &Message<'a>) -> Self {
        let mut read = Self::default();
        for element in &message.elements {
            read.is_malformed |= read.element(element.id, element.value).is_none();
        }
        let with_bearers: Vec<_> = read.asked.iter().filter_map(|b| b.nas).collect();
        with_bearers.into_iter().for_each(|octets| read.nas(octets));
        read
    }

    fn element(&mut self, number: u16, value: &'a [u8]) -> Option<()> {
        let small = |value: &[u8]| aper::number(value, 2).and_then(|n| u32::try_from(n).ok());
        match number {
            id::MME_UE => self.mme_ue = Some(small(value)?),
            id::ENB_UE => self.enb_ue = Some(small(value)?),
            id::UE_IDS => {
                let is_pair = value.first()? & 0xc0 == 0;
                let (core, station) = aper::pair(value, 2, if is_pair { 2 } else { 4 })?;
                self.mme_ue = u32::try_from(core).ok();
                self.enb_ue = station.filter(|_| is_pair).and_then(|n| u32::try_from(n).ok());
            }
            id::BEARERS | id::CONTEXT_BEARERS => self.asked = element::bearers(value)?,
            id::BEARERS_DONE | id::CONTEXT_BEARERS_DONE => {
                self.done = element::bearers_done(value)?;
            }
            id::NAS => self.nas(aper::octets(&mut Cursor::new(value))?),
            id::GLOBAL_ENB => self.enb = Some(element::global_enb(value)?),
            id::ENB_NAME => self.enb_name = Some(aper::name(value)?),
            id::MME_NAME => self.mme_name = Some(aper::name(value)?),
            id::S_TMSI => self.m_tmsi = Some(element::m_tmsi(value)?),
            id::SERVED_GUMMEIS => self.mme = Some(element::mme(value)?),
            _ => {}
        }
        Some(())
    }

    fn nas(&mut self, octets: &[u8]) {
        if let Some(nas) = nas::read(octets) {
            self.m_tmsi = self.m_tmsi.or(nas.m_tmsi);
            self.nas = nas;
            self.has_nas = true;
        }
    }
}

struct Procedure {
    time: u64,
    record: S1apTransaction,
}

/// A session.
pub struct S1ap {
    pending: Waiting<(u8, Option<u32>, Direction), Procedure>,
    /// Which end is the base station, once it is known.
    station: Option<Direction>,
}

impl Protocol for S1ap {
    const INFO: Info = Info {
        name: "s1ap",
        id: ProtoId(900),
        title: "S1 application protocol, base station to core of the fourth generation",
        spec: "3GPP TS 36.413",
        over: &[sctp(&[PORT])],
        ppids: &[PPID],
        weight: 45,
        timeout: TimeoutClass::Long,
        message: S1apMessage::fields,
        transaction: S1apTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let station = match (flow.initiator_port == PORT, flow.responder_port == PORT) {
            (true, false) => Some(Direction::Down),
            (false, true) => Some(Direction::Up),
            _ => None,
        };
        Self { pending: Waiting::new(MAX_PENDING), station }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(message) = aper::parse(seg.data) else { return Probe::No };
        let has = |number: u16| message.element(number).is_some();
        // Elsewhere it must be told from its sister of the fifth generation.
        let is_likely = procedure_word(message.procedure).is_some()
            && (seg.on_port(PORT)
                || seg.ppid == PPID
                || has(id::ENB_UE) && (has(id::MME_UE) || has(id::NAS))
                || message.procedure == SETUP && (has(id::GLOBAL_ENB) || has(id::SERVED_GUMMEIS)));
        if is_likely { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        match aper::parse(seg.data) {
            Some(message) => self.message(&message, seg, out),
            None if seg.cut => {}
            None => out.anomaly(Anomaly::MalformedMessage),
        }
        out.settled();
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(procedure) = self.pending.pop() {
            out.transaction(procedure.time, procedure.record);
        }
    }
}

impl S1ap {
    fn message(&mut self, message: &Message<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let word = procedure_word(message.procedure).unwrap_or_else(|| {
            out.anomaly(Anomaly::UnknownProcedure);
            "unknown"
        });
        let read = Read::of(message);
        if read.is_malformed {
            out.anomaly(Anomaly::MalformedElement);
        }
        // Messages that only a base station sends tell where it is.
        if message.outcome == Outcome::Initiating && matches!(message.procedure, 12 | 13 | SETUP) {
            self.station = Some(seg.dir);
        }
        if out.wants_messages() {
            out.message(&self.seen(message, &read, word, seg));
        }
        if out.wants_transactions() {
            self.procedure(message, &read, word, seg, out);
        }
    }

    fn seen<'a>(
        &self,
        message: &Message<'a>,
        read: &'a Read<'a>,
        procedure: &'static str,
        seg: &Segment<'_>,
    ) -> S1apMessage<'a> {
        let first = read.asked.first().or(read.done.first());
        let (up, down) = (Some(seg.flow.initiator), Some(seg.flow.responder));
        let (enb, mme) = match self.station {
            Some(Direction::Up) => (up, down),
            Some(Direction::Down) => (down, up),
            None => (None, None),
        };
        S1apMessage {
            procedure_code: message.procedure.into(),
            pdu_present: match message.outcome {
                Outcome::Initiating => 1,
                Outcome::Successful => 2,
                Outcome::Unsuccessful => 3,
            },
            imsi: read.nas.imsi.as_ref().map(|digits| TextRef(digits.as_bytes())),
            m_tmsi: read.m_tmsi,
            gtp_teid: first.and_then(|b| b.teid),
            qci: first.and_then(|b| b.qci),
            priority_level: first.and_then(|b| b.priority),
            ue_ipv4: read.nas.address,
            enb_id: read.enb.map(|(_, number)| number),
            enb_name: read.enb_name.map(TextRef),
            enb_ipv4: enb,
            enb_ue_id: read.enb_ue,
            mme_id: read.mme,
            mme_name: read.mme_name.map(TextRef),
            mme_ipv4: mme,
            mme_ue_id: read.mme_ue,
            procedure,
        }
    }

    fn procedure(
        &mut self,
        message: &Message<'_>,
        read: &Read<'_>,
        word: &'static str,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut record = S1apTransaction {
            procedure_code: message.procedure.into(),
            procedure: word,
            ..S1apTransaction::default()
        };
        if message.outcome == Outcome::Initiating {
            record.add(message, read);
            if !has_outcome(message.procedure) {
                out.transaction(seg.time, record);
                return;
            }
            let key = (message.procedure, read.enb_ue, seg.dir);
            if let Some(oldest) = self.pending.put(key, Procedure { time: seg.time, record }) {
                out.anomaly(Anomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let key = (message.procedure, read.enb_ue, seg.dir.reverse());
        let mut time = seg.time;
        if let Some(asked) = self.pending.take(&key) {
            record = asked.record;
            time = asked.time;
            record.response_us = Some(seg.time.saturating_sub(time) / 1000);
        }
        record.add(message, read);
        record.successful = Some(message.outcome == Outcome::Successful);
        out.transaction(time, record);
    }
}

/// Whether a procedure ends with a message of its own.
fn has_outcome(procedure: u8) -> bool {
    matches!(
        procedure,
        0 | 1 | 3..=7 | 9 | 14 | SETUP | 21 | 23 | 29 | 30 | 36 | 43 | 48 | 50 | 55 | 56
    )
}

fn procedure_word(procedure: u8) -> Option<&'static str> {
    const WORDS: [&str; 45] = [
        "handover_preparation",
        "handover_resource_allocation",
        "handover_notification",
        "path_switch_request",
        "handover_cancel",
        "e_rab_setup",
        "e_rab_modify",
        "e_rab_release",
        "e_rab_release_indication",
        "initial_context_setup",
        "paging",
        "downlink_nas_transport",
        "initial_ue_message",
        "uplink_nas_transport",
        "reset",
        "error_indication",
        "nas_non_delivery_indication",
        "s1_setup",
        "ue_context_release_request",
        "downlink_s1_cdma2000_tunnelling",
        "uplink_s1_cdma2000_tunnelling",
        "ue_context_modification",
        "ue_capability_info_indication",
        "ue_context_release",
        "enb_status_transfer",
        "mme_status_transfer",
        "deactivate_trace",
        "trace_start",
        "trace_failure_indication",
        "enb_configuration_update",
        "mme_configuration_update",
        "location_reporting_control",
        "location_reporting_failure_indication",
        "location_report",
        "overload_start",
        "overload_stop",
        "write_replace_warning",
        "enb_direct_information_transfer",
        "mme_direct_information_transfer",
        "private_message",
        "enb_configuration_transfer",
        "mme_configuration_transfer",
        "cell_traffic_trace",
        "kill",
        "downlink_ue_associated_lppa_transport",
    ];
    WORDS.get(usize::from(procedure)).copied()
}
