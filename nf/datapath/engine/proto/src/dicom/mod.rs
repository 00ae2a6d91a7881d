//! DICOM, medical images (PS3.7 and PS3.8 of the standard), over TCP. One transaction per
//! association with its answer, per command with its responses, and per release or abort. What a
//! data set holds is not read but for the patient's name, and only for who listens to messages.
//!
//! Bounds: PDUs other than data of 256 KiB, 64 KiB of a command set, 2 KiB of the front of a data
//! set; the rest of data goes by unread. 32 commands without response, 128 contexts. After a loss,
//! the next sound header is found.

mod command;
mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, TextRef};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
use message::{Associate, Header, kind};
pub use record::{DicomContext, DicomMessage, DicomTransaction};

/// Longest PDU that is read whole.
const MAX_PDU: u32 = 256 * 1024;
/// Longest command set.
const MAX_COMMAND: usize = 64 * 1024;
/// Octets of a data set in which the patient's name is looked for.
const FRONT: usize = 2048;
/// Most commands that wait for their responses.
const MAX_PENDING: usize = 32;

crate::anomalies! {
    /// What can be wrong with DICOM.
    pub enum Anomaly {
        /// A PDU of a kind that is not defined.
        UnknownPdu = "unknown_pdu",
        /// A PDU shorter or longer than its kind can be.
        InvalidLength = "invalid_length",
        /// An association's items that cannot be read.
        MalformedAssociation = "malformed_association",
        /// A title of an application that is longer than its place.
        TitleTooLong = "title_too_long",
        /// A fragment that is shorter than its header, or longer than its PDU.
        MalformedFragment = "malformed_fragment",
        /// Flags of a fragment that are not defined.
        InvalidFlags = "invalid_flags",
        /// A presentation context that no association can have.
        InvalidContext = "invalid_context",
        /// A command set that cannot be read, or is too long.
        MalformedCommand = "malformed_command",
        /// A command that is not defined.
        UnknownCommand = "unknown_command",
        /// Data without an association before.
        DataWithoutAssociation = "data_without_association",
        /// A response to no command that was seen.
        UnsolicitedResponse = "unsolicited_response",
        /// Too many commands without response: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

struct Asked {
    time: u64,
    dir: Direction,
    record: DicomTransaction,
}

/// One direction's octets.
#[derive(Default)]
struct Lane {
    /// The data PDU at work, and octets of it that are left.
    pdu: Option<(Header, u64)>,
    /// Octets that go by unread.
    skip: u64,
    /// A command set whose end is still to come.
    command: Vec<u8>,
    /// The next fragment of data begins a data set.
    is_front: bool,
    is_lost: bool,
    /// Command that data belong to.
    current: Option<(u16, bool)>,
}

/// A session.
pub struct Dicom {
    lanes: [Lane; 2],
    association: Option<Asked>,
    is_associated: bool,
    release: Option<Asked>,
    /// By number of the message and who asked.
    pending: Waiting<(u16, Direction), Asked>,
    is_blind: bool,
}

impl Protocol for Dicom {
    const INFO: Info = Info {
        name: "dicom",
        id: ProtoId(701),
        aliases: &["dimse"],
        title: "Digital imaging and communications in medicine",
        spec: "DICOM PS3.7, PS3.8",
        over: &[tcp(&[104, 11_112])],
        patterns: &[
            Pattern::start(&[1, 0, 0]),
            Pattern::start(&[2, 0, 0]),
            Pattern::start(&[4, 0, 0]),
        ],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 300 * 1024,
        message: DicomMessage::fields,
        transaction: DicomTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            association: None,
            is_associated: false,
            release: None,
            pending: Waiting::new(MAX_PENDING),
            is_blind: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let on_port = seg.on_port(104) || seg.on_port(11_112);
        if seg.data.len() < message::HEADER {
            return if seg.data.len() < 2 || seg.data.get(1) == Some(&0) {
                Probe::Unsure
            } else {
                Probe::No
            };
        }
        let Some(header) = message::header(seg.data) else { return Probe::No };
        match header.kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => associates(seg, &header, on_port),
            // In the midst of an association: a command set says its own length first.
            kind::DATA if message::is_sound(seg.data) => {
                const FRONT: usize = 12;
                const GROUP_LENGTH: &[u8] = &[0, 0, 0, 0, 4, 0, 0, 0];
                let Some(set) = seg.data.get(FRONT..) else { return Probe::Unsure };
                let is_odd = seg.data.get(10).is_some_and(|context| context & 1 == 1);
                let is_command = matches!(seg.data.get(11), Some(1 | 3));
                match (is_odd && is_command, set) {
                    (true, set) if set.starts_with(GROUP_LENGTH) => Probe::Certain,
                    (true, set) if GROUP_LENGTH.starts_with(set) => Probe::Unsure,
                    _ => Probe::No,
                }
            }
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let rest = seg.data.get(used..).unwrap_or_default();
            let lane = self.lane(seg.dir);
            if lane.skip > 0 {
                let here = usize::try_from(lane.skip).unwrap_or(usize::MAX).min(rest.len());
                lane.skip = lane.skip.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                used = used.saturating_add(here);
                if lane.skip > 0 {
                    return Step::used(used);
                }
                continue;
            }
            if rest.is_empty() {
                return Step::used(used);
            }
            if lane.is_lost {
                let at = (0..rest.len()).find(|&at| rest.get(at..).is_some_and(message::is_sound));
                let Some(at) = at else {
                    let kept = rest.len().min(message::HEADER.saturating_sub(1));
                    return Step::used(seg.data.len().saturating_sub(kept));
                };
                lane.is_lost = false;
                used = used.saturating_add(at);
                continue;
            }
            let taken = match lane.pdu {
                Some((header, left)) => self.fragment(&header, left, rest, seg, out),
                None => self.pdu(rest, seg, out),
            };
            match taken {
                Ok(taken) => used = used.saturating_add(taken),
                Err(need) => return Step::need(used, need),
            }
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        if lane.skip >= lost {
            // The loss fell into data that nobody reads.
            lane.skip = lane.skip.saturating_sub(lost);
            return Gap::Resume;
        }
        *lane = Lane { is_lost: true, ..Lane::default() };
        self.is_blind = true;
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        let rest = [self.association.take(), self.release.take()];
        while let Some(asked) = self.pending.pop() {
            out.transaction(asked.time, asked.record);
        }
        for asked in rest.into_iter().flatten() {
            out.transaction(asked.time, asked.record);
        }
    }
}

/// Whether octets are the request for an association or its acceptance.
fn associates(seg: &Segment<'_>, header: &Header, on_port: bool) -> Probe {
    const NAMED: &[u8] = b"1.2.840.10008.3.1.1.1";
    let body = seg.data.get(message::HEADER..).unwrap_or_default();
    if !(68..=MAX_PDU).contains(&header.length) || seg.data.get(1) != Some(&0) {
        return Probe::No;
    }
    // Version 1, titles of printable letters, the application's name behind the reserved octets.
    if body.len() >= 4 && !body.starts_with(&[0, 1, 0, 0]) {
        return Probe::No;
    }
    let titles = body.get(4..).unwrap_or_default();
    let titles = titles.get(..32).unwrap_or(titles);
    if !titles.iter().all(|&b| (b' '..0x7f).contains(&b) || (b == 0 && on_port)) {
        return Probe::No;
    }
    let window = body.get(68..).unwrap_or_default();
    if memchr::memmem::find(window.get(..256).unwrap_or(window), NAMED).is_some() {
        return Probe::Certain;
    }
    let is_all = u32::try_from(body.len()).is_ok_and(|n| n >= header.length);
    if is_all || window.len() >= 256 { Probe::No } else { Probe::Unsure }
}

impl Dicom {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// A PDU in front: octets taken, or needed.
    fn pdu(&mut self, rest: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> Result<usize, usize> {
        let Some(header) = message::header(rest) else { return Err(message::HEADER) };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let whole = message::HEADER.saturating_add(length);
        let is_short = match header.kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => header.length < 68,
            kind::DATA => header.length < 6,
            kind::ASSOCIATE_RJ | kind::RELEASE_RQ | kind::RELEASE_RP | kind::ABORT => {
                header.length != 4
            }
            _ => false,
        };
        if is_short {
            out.anomaly(Anomaly::InvalidLength);
        }
        if message::kind_word(header.kind) == "unknown" {
            out.anomaly(Anomaly::UnknownPdu);
        }
        if header.kind == kind::DATA {
            if !self.is_associated && !self.is_blind {
                out.anomaly(Anomaly::DataWithoutAssociation);
            }
            self.is_associated = true;
            if header.length < 6 {
                return Ok(self.odd(&header, whole, rest, seg.dir, out));
            }
            self.lane(seg.dir).pdu = Some((header, header.length.into()));
            return Ok(message::HEADER);
        }
        if header.length > MAX_PDU || message::kind_word(header.kind) == "unknown" {
            return Ok(self.odd(&header, whole, rest, seg.dir, out));
        }
        let Some(body) = rest.get(message::HEADER..whole) else { return Err(whole) };
        self.control(&header, body, seg, out);
        Ok(whole)
    }

    /// A PDU that cannot be what it says: it is told, and the next sound one is looked for.
    fn odd(
        &mut self,
        header: &Header,
        whole: usize,
        rest: &[u8],
        dir: Direction,
        out: &mut Sink<'_>,
    ) -> usize {
        if header.length > MAX_PDU {
            out.anomaly(Anomaly::InvalidLength);
        }
        out.message(&record::pdu(header));
        // Its length may be right though.
        let after = rest.get(whole..);
        let is_framed = after.is_some_and(|after| after.is_empty() || message::is_sound(after));
        if is_framed {
            return whole;
        }
        self.lane(dir).is_lost = true;
        message::HEADER
    }

    fn control(&mut self, header: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let base = record::pdu(header);
        match header.kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => match message::associate(body) {
                Some(made) => {
                    out.message(&base.associate(&made));
                    self.associate(header.kind, &made, seg, out);
                }
                None => {
                    out.message(&base);
                    out.anomaly(Anomaly::MalformedAssociation);
                }
            },
            kind::ASSOCIATE_RJ => {
                out.message(&base);
                self.answer(seg, out, |record| {
                    record.accepted = Some(false);
                    record.reason = body.get(1..4).map(<[u8]>::to_vec);
                });
            }
            kind::RELEASE_RQ => {
                out.message(&base);
                let record = DicomTransaction { kind: "release", ..DicomTransaction::default() };
                self.release = Some(Asked { time: seg.time, dir: seg.dir, record });
            }
            kind::RELEASE_RP => {
                out.message(&base);
                if let Some(mut asked) = self.release.take() {
                    asked.record.response_us = Some(seg.time.saturating_sub(asked.time) / 1000);
                    out.transaction(asked.time, asked.record);
                }
                self.is_associated = false;
            }
            _ => {
                out.message(&base);
                let record = DicomTransaction {
                    kind: "abort",
                    reason: body.get(2..4).map(<[u8]>::to_vec),
                    ..DicomTransaction::default()
                };
                out.transaction(seg.time, record);
                self.is_associated = false;
            }
        }
    }

    fn associate(
        &mut self,
        number: u8,
        made: &Associate<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if made.is_malformed {
            out.anomaly(Anomaly::MalformedAssociation);
        }
        if made.is_title_too_long {
            out.anomaly(Anomaly::TitleTooLong);
        }
        if number == kind::ASSOCIATE_AC {
            self.is_associated = true;
            self.answer(seg, out, |record| record.accept(made));
            out.settled();
            return;
        }
        let record = DicomTransaction::asked(made);
        let asked = Asked { time: seg.time, dir: seg.dir, record };
        if let Some(earlier) = self.association.replace(asked) {
            out.transaction(earlier.time, earlier.record);
        }
    }

    fn answer(
        &mut self,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
        add: impl FnOnce(&mut DicomTransaction),
    ) {
        if let Some(mut asked) = self.association.take_if(|asked| asked.dir != seg.dir) {
            add(&mut asked.record);
            asked.record.response_us = Some(seg.time.saturating_sub(asked.time) / 1000);
            out.transaction(asked.time, asked.record);
        }
    }

    /// A fragment in front, of a data PDU with `left` octets: octets taken, or needed.
    fn fragment(
        &mut self,
        header: &Header,
        left: u64,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Result<usize, usize> {
        let lane = self.lane(seg.dir);
        let Some(&[a, b, c, d, context, flags]) = rest.first_chunk::<6>() else {
            if left < 6 {
                out.anomaly(Anomaly::MalformedFragment);
                lane.pdu = None;
                lane.skip = left;
                return Ok(0);
            }
            return Err(message::PDV_HEADER);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let mut seen = record::pdu(header);
        seen.pdv_length = Some(length);
        seen.pdv_context = Some(context);
        seen.pdv_flags = Some(flags);
        let size = u64::from(length).saturating_add(4);
        if length < 2 || size > left {
            out.message(&seen);
            out.anomaly(Anomaly::MalformedFragment);
            lane.pdu = None;
            lane.skip = left;
            return Ok(0);
        }
        let data = usize::try_from(length.saturating_sub(2)).unwrap_or(usize::MAX);
        let is_command = flags & 1 == 1;
        let wanted = if is_command { data.min(MAX_COMMAND) } else { data.min(FRONT) };
        let wanted = if !is_command && !lane.is_front { 0 } else { wanted };
        let need = message::PDV_HEADER.saturating_add(wanted);
        let Some(octets) = rest.get(message::PDV_HEADER..need) else { return Err(need) };

        if flags > 3 {
            out.anomaly(Anomaly::InvalidFlags);
        }
        if context & 1 == 0 {
            out.anomaly(Anomaly::InvalidContext);
        }
        let left = left.saturating_sub(size);
        lane.pdu = (left > 0).then_some((*header, left));
        lane.skip = u64::try_from(data.saturating_sub(wanted)).unwrap_or(u64::MAX);
        let is_last = flags & 2 != 0;
        if is_command {
            self.command_part(octets, is_last && data <= MAX_COMMAND, context, seen, seg, out);
        } else {
            if out.wants_messages() {
                seen.patient_name = message::patient_name(octets).map(TextRef);
                out.message(&seen);
            }
            self.lane(seg.dir).is_front = is_last;
            self.data(u64::try_from(data).unwrap_or(u64::MAX), is_last, seg, out);
        }
        Ok(need)
    }
}
