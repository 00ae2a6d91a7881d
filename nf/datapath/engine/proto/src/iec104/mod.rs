//! IEC 60870-5-104, telecontrol over TCP. One transaction per command with its confirmation and
//! end, per report of the controlled station, and per start, stop or test with its confirmation.
//!
//! Bounds: APDUs of 255 octets as the standard has them, 32 commands without end. Octets that are
//! no APDU are skipped up to the next one.

mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
use message::{Apci, Asdu, Head, cause};
pub use record::{Iec104Message, Iec104Transaction};
use record::{record, seen};

/// Port of the registry.
const PORT: u16 = 2404;
/// Longest APDU.
const MAX_APDU: usize = 255;
/// Most commands that wait for their end.
const MAX_PENDING: usize = 32;
/// Type of a read.
const READ: u8 = 102;
/// Address of every station.
const ALL_STATIONS: u16 = 0xffff;
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
        let is_command = message::is_command(asdu.kind);
        match asdu.cause {
            cause::ACTIVATION | cause::DEACTIVATION if is_command => self.ask(asdu, seg, out),
            // A read asks with the cause of its answer.
            cause::REQUEST if asdu.kind == READ => self.ask(asdu, seg, out),
            cause::ACTIVATION_CON
            | cause::DEACTIVATION_CON
            | cause::TERMINATION
            | cause::UNKNOWN_TYPE..=cause::UNKNOWN_OBJECT
                if is_command =>
            {
                self.confirm(asdu, seg, out);
            }
            _ => {
                if asdu.cause == cause::REQUEST
                    && let Some((command, _)) = self.asked(READ, asdu, seg)
                {
                    self.done(command, true, seg, out);
                }
                out.transaction(seg.time, record("report", asdu));
            }
        }
    }

    fn ask(&mut self, asdu: &Asdu, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let (station, object) = (asdu.common_address, asdu.object);
        let key = Key::Command { kind: asdu.kind, station, object, dir: seg.dir };
        self.wait(key, Command { time: seg.time, record: record("command", asdu) }, out);
    }

    /// The command of the other side that an ASDU is about, addressed to its station or to all.
    fn asked(&mut self, kind: u8, asdu: &Asdu, seg: &Segment<'_>) -> Option<(Command, Key)> {
        [asdu.common_address, ALL_STATIONS].into_iter().find_map(|station| {
            let dir = seg.dir.reverse();
            let key = Key::Command { kind, station, object: asdu.object, dir };
            self.pending.take(&key).map(|command| (command, key))
        })
    }

    fn confirm(&mut self, asdu: &Asdu, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some((mut command, key)) = self.asked(asdu.kind, asdu, seg) else {
            // The end, and the reason of a refusal, may follow what was reported already.
            let is_first = matches!(asdu.cause, cause::ACTIVATION_CON | cause::DEACTIVATION_CON);
            if !self.is_blind && is_first {
                out.anomaly(Anomaly::UnsolicitedConfirmation);
            }
            return;
        };
        if asdu.cause == cause::TERMINATION {
            let after = seg.time.saturating_sub(command.time) / 1000;
            command.record.terminated = Some(true);
            command.record.duration_us = Some(after);
            out.transaction(command.time, command.record);
            return;
        }
        let is_refused = asdu.is_negative || asdu.cause >= cause::UNKNOWN_TYPE;
        let goes_on = asdu.cause == cause::ACTIVATION_CON
            && message::is_terminated(asdu.kind, asdu.quality)
            && !is_refused;
        if goes_on {
            let after = seg.time.saturating_sub(command.time) / 1000;
            command.record.confirmed = Some(true);
            command.record.response_us.get_or_insert(after);
            self.wait(key, command, out);
            return;
        }
        self.done(command, !is_refused, seg, out);
    }

    fn done(&self, mut command: Command, is_well: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        command.record.confirmed = Some(is_well);
        command.record.response_us = Some(seg.time.saturating_sub(command.time) / 1000);
        out.transaction(command.time, command.record);
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
