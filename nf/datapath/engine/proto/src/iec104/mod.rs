//! IEC 60870-5-104, telecontrol over TCP. One transaction per command with its confirmation and
//! end, per report of the controlled station, and per start, stop or test with its confirmation.
//!
//! Bounds: APDUs of 255 octets as the standard has them, 32 commands without end. Octets that are
//! no APDU are skipped up to the next one.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
use message::{Apci, Asdu, Head, cause};

/// Port of the registry.
const PORT: u16 = 2404;
/// Longest APDU.
const MAX_APDU: usize = 255;
/// Most commands that wait for their end.
const MAX_PENDING: usize = 32;
/// Numbers of APDUs go round at this one.
const MODULUS: u16 = 0x8000;

crate::anomalies! {
    /// What can be wrong with IEC 104.
    pub enum Anomaly {
        /// Octets that are no APDU; the next one is looked for.
        InvalidHeader = "invalid_header",
        /// An ASDU whose objects do not fill it as its type and number say.
        MalformedAsdu = "malformed_asdu",
        /// A type that is not defined.
        UnknownType = "unknown_type",
        /// A cause of transmission that is not defined.
        UnknownCause = "unknown_cause",
        /// An APDU whose number does not follow the one before.
        SequenceGap = "sequence_gap",
        /// An acknowledgement of APDUs that were not sent.
        AcknowledgesUnsent = "acknowledges_unsent",
        /// A confirmation of no command that was seen.
        UnsolicitedConfirmation = "unsolicited_confirmation",
        /// Too many commands without end: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// One APDU, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct Iec104Message {
    /// Kind: i, s or u.
    pub kind: &'static str,
    /// Number of the APDU.
    pub send_sequence: Option<u16>,
    /// Number of the one that is expected next.
    pub receive_sequence: Option<u16>,
    /// What an unnumbered one does.
    pub function: Option<&'static str>,
    /// Type of the ASDU.
    pub type_id: Option<u8>,
    /// Name of the type.
    pub type_name: Option<&'static str>,
    /// Objects.
    pub objects: Option<u8>,
    /// Why it is sent.
    pub cause: Option<u8>,
    /// Name of that.
    pub cause_name: Option<&'static str>,
    /// A confirmation that refuses.
    pub negative: Option<bool>,
    /// Not for real.
    pub test: Option<bool>,
    /// Whose command it is.
    pub originator: Option<u8>,
    /// Station.
    pub common_address: Option<u16>,
    /// First object.
    pub object: Option<u32>,
    /// Value of the first object.
    pub value: Option<f64>,
}

/// A command with its confirmation, a report, or a start, stop or test.
#[derive(Debug, Default, Fields)]
pub struct Iec104Transaction {
    /// What it is: command, report or control.
    pub kind: &'static str,
    /// Type of the ASDU; for a control what it does.
    pub type_name: &'static str,
    /// Type of the ASDU.
    pub type_id: Option<u8>,
    /// Why it is sent.
    pub cause: Option<u8>,
    /// Name of that.
    pub cause_name: Option<&'static str>,
    /// Whose command it is.
    pub originator: Option<u8>,
    /// Station.
    pub common_address: Option<u16>,
    /// Objects.
    pub objects: Option<u8>,
    /// First object.
    pub object: Option<u32>,
    /// Value of the first object, for the types that have one number.
    pub value: Option<f64>,
    /// Quality of the value, or the qualifier of a command.
    pub quality: Option<u8>,
    /// Not for real.
    pub test: Option<bool>,
    /// Whether it was confirmed (true) or refused (false).
    pub confirmed: Option<bool>,
    /// Whether the station said that it is done.
    pub terminated: Option<bool>,
    /// Time until the confirmation.
    pub response_us: Option<u64>,
    /// Time until the end.
    pub duration_us: Option<u64>,
}

/// What a confirmation is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Command { kind: u8, station: u16, object: Option<u32>, dir: Direction },
    Control { function: u8, dir: Direction },
}

struct Command {
    time: u64,
    record: Iec104Transaction,
}

/// Numbers of one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// Number that the next APDU has; unknown at first and after a loss.
    next: Option<u16>,
    is_lost: bool,
}

/// A session.
pub struct Iec104 {
    lanes: [Lane; 2],
    pending: Waiting<Key, Command>,
    is_blind: bool,
}

impl Protocol for Iec104 {
    const INFO: Info = Info {
        name: "iec104",
        id: ProtoId(1323),
        aliases: &["iec_60870_5_104", "iec60870_104"],
        title: "IEC 60870-5-104, telecontrol",
        spec: "IEC 60870-5-104, IEC 60870-5-101",
        over: &[tcp(&[PORT])],
        patterns: &[Pattern::start(&[message::START])],
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: MAX_APDU,
        message: Iec104Message::fields,
        transaction: Iec104Transaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { lanes: Default::default(), pending: Waiting::new(MAX_PENDING), is_blind: false }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::head(seg.data) {
            // Six octets of which none can differ.
            Head::Apdu(Apci::Unnumbered { .. }, ..) => Probe::Certain,
            Head::Apdu(Apci::Supervisory { .. }, ..) if seg.on_port(PORT) => Probe::Unsure,
            Head::Apdu(Apci::Information { .. }, asdu, _) if seg.on_port(PORT) => {
                let is_known = message::asdu(asdu).is_some_and(|a| {
                    message::kind_word(a.kind) != "unknown"
                        && message::cause_word(a.cause) != "unknown"
                        && !a.is_misfit
                });
                if is_known { Probe::Certain } else { Probe::No }
            }
            Head::Partial(_) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            if rest.is_empty() {
                return Step::used(used);
            }
            match message::head(rest) {
                Head::Apdu(apci, asdu, whole) => {
                    self.set_lost(seg.dir, false);
                    self.apdu(apci, asdu, seg, out);
                    out.settled();
                    used = used.saturating_add(whole);
                }
                Head::Partial(need) => return Step::need(used, need),
                Head::Bad => {
                    if !self.lane(seg.dir).is_lost {
                        out.anomaly(Anomaly::InvalidHeader);
                        self.lose(seg.dir);
                    }
                    let after = rest.get(1..).unwrap_or_default();
                    let next = memchr::memchr(message::START, after);
                    let skip = next.map_or(rest.len(), |at| at.saturating_add(1));
                    used = used.saturating_add(skip);
                }
            }
        }
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lose(dir);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(command) = self.pending.pop() {
            out.transaction(command.time, command.record);
        }
    }
}

impl Iec104 {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn set_lost(&mut self, dir: Direction, is_lost: bool) {
        self.lane(dir).is_lost = is_lost;
    }

    fn lose(&mut self, dir: Direction) {
        *self.lane(dir) = Lane { next: None, is_lost: true };
        self.is_blind = true;
    }

    fn apdu(&mut self, apci: Apci, octets: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut said = None;
        match apci {
            Apci::Information { sent, received } => {
                let lane = self.lane(seg.dir);
                if lane.next.is_some_and(|next| next != sent) {
                    out.anomaly(Anomaly::SequenceGap);
                }
                lane.next = Some(sent.wrapping_add(1) % MODULUS);
                self.acknowledged(received, seg.dir, out);
                said = message::asdu(octets);
                match &said {
                    Some(asdu) => check(asdu, out),
                    None => out.anomaly(Anomaly::MalformedAsdu),
                }
            }
            Apci::Supervisory { received } => self.acknowledged(received, seg.dir, out),
            Apci::Unnumbered { function } => self.control(function, seg, out),
        }
        if out.wants_messages() {
            out.message(&seen(apci, said.as_ref()));
        }
        if let Some(asdu) = said.filter(|_| out.wants_transactions()) {
            self.asdu(&asdu, seg, out);
        }
    }

    /// The sender expects the number `received` next of the other side.
    fn acknowledged(&mut self, received: u16, dir: Direction, out: &mut Sink<'_>) {
        let other = self.lane(dir.reverse());
        if let Some(next) = other.next {
            let behind = next.wrapping_sub(received) % MODULUS;
            if behind >= MODULUS / 2 {
                out.anomaly(Anomaly::AcknowledgesUnsent);
            }
        }
    }

    fn control(&mut self, function: u8, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let word = message::function_word(function);
        if !out.wants_transactions() {
            return;
        }
        // A confirmation has the bit next to its request's.
        let asked = function >> 1 & 0x54 | 3;
        if word.ends_with("_act") {
            let record =
                Iec104Transaction { kind: "control", type_name: word, ..Default::default() };
            let key = Key::Control { function, dir: seg.dir };
            self.wait(key, Command { time: seg.time, record }, out);
        } else if let Some(mut command) =
            self.pending.take(&Key::Control { function: asked, dir: seg.dir.reverse() })
        {
            command.record.confirmed = Some(true);
            command.record.response_us = Some(seg.time.saturating_sub(command.time) / 1000);
            out.transaction(command.time, command.record);
        }
    }

    fn asdu(&mut self, asdu: &Asdu, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let key = |dir: Direction| Key::Command {
            kind: asdu.kind,
            station: asdu.common_address,
            object: asdu.object,
            dir,
        };
        match asdu.cause {
            cause::ACTIVATION | cause::DEACTIVATION if message::is_command(asdu.kind) => {
                let command = Command { time: seg.time, record: record("command", asdu) };
                self.wait(key(seg.dir), command, out);
            }
            // A read asks with the cause of its answer.
            5 if asdu.kind == 102 => out.transaction(seg.time, record("command", asdu)),
            // Codes from 44 on refuse a command.
            cause::ACTIVATION_CON | cause::DEACTIVATION_CON | cause::TERMINATION | 44..=47
                if message::is_command(asdu.kind) =>
            {
                let Some(mut command) = self.pending.take(&key(seg.dir.reverse())) else {
                    if !self.is_blind && asdu.cause != cause::TERMINATION {
                        out.anomaly(Anomaly::UnsolicitedConfirmation);
                    }
                    return;
                };
                let after = Some(seg.time.saturating_sub(command.time) / 1000);
                let is_refused = asdu.is_negative || asdu.cause >= 44;
                if asdu.cause == cause::TERMINATION {
                    command.record.terminated = Some(true);
                    command.record.duration_us = after;
                } else {
                    command.record.confirmed = Some(!is_refused);
                    command.record.response_us = after;
                    let goes_on = asdu.cause == cause::ACTIVATION_CON
                        && message::is_terminated(asdu.kind, asdu.quality);
                    if goes_on && !is_refused {
                        self.wait(key(seg.dir.reverse()), command, out);
                        return;
                    }
                }
                out.transaction(command.time, command.record);
            }
            _ => out.transaction(seg.time, record("report", asdu)),
        }
    }

    fn wait(&mut self, key: Key, command: Command, out: &mut Sink<'_>) {
        if let Some(oldest) = self.pending.put(key, command) {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }
}

fn check(asdu: &Asdu, out: &mut Sink<'_>) {
    if asdu.is_misfit {
        out.anomaly(Anomaly::MalformedAsdu);
    }
    if message::kind_word(asdu.kind) == "unknown" {
        out.anomaly(Anomaly::UnknownType);
    }
    if message::cause_word(asdu.cause) == "unknown" {
        out.anomaly(Anomaly::UnknownCause);
    }
}

fn record(kind: &'static str, asdu: &Asdu) -> Iec104Transaction {
    Iec104Transaction {
        kind,
        type_name: message::kind_word(asdu.kind),
        type_id: Some(asdu.kind),
        cause: Some(asdu.cause),
        cause_name: Some(message::cause_word(asdu.cause)),
        originator: Some(asdu.originator),
        common_address: Some(asdu.common_address),
        objects: Some(asdu.count),
        object: asdu.object,
        value: asdu.value,
        quality: asdu.quality,
        test: asdu.is_test.then_some(true),
        ..Iec104Transaction::default()
    }
}

fn seen(apci: Apci, asdu: Option<&Asdu>) -> Iec104Message {
    let mut message = match apci {
        Apci::Information { sent, received } => Iec104Message {
            kind: "i",
            send_sequence: Some(sent),
            receive_sequence: Some(received),
            ..Iec104Message::default()
        },
        Apci::Supervisory { received } => Iec104Message {
            kind: "s",
            receive_sequence: Some(received),
            ..Iec104Message::default()
        },
        Apci::Unnumbered { function } => Iec104Message {
            kind: "u",
            function: Some(message::function_word(function)),
            ..Iec104Message::default()
        },
    };
    if let Some(asdu) = asdu {
        message.type_id = Some(asdu.kind);
        message.type_name = Some(message::kind_word(asdu.kind));
        message.objects = Some(asdu.count);
        message.cause = Some(asdu.cause);
        message.cause_name = Some(message::cause_word(asdu.cause));
        message.negative = Some(asdu.is_negative);
        message.test = Some(asdu.is_test);
        message.originator = Some(asdu.originator);
        message.common_address = Some(asdu.common_address);
        message.object = asdu.object;
        message.value = asdu.value;
    }
    message
}
