//! DNP3 (IEEE 1815-2012) over TCP and UDP: link frames with their checks, transport segments,
//! application fragments. One transaction per request with all fragments of its response, and one
//! per unsolicited response.
//!
//! Bounds: 16 messages in parts of 4 KiB each, 32 requests without response, 64 object headers and
//! 32 commands of a fragment. Octets that are no frame are skipped up to the next one.

mod link;
mod message;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};
use nf_wire::Transport;

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp,
};
use link::Header;
use message::Fragment;
pub use message::{Dnp3Command, Dnp3Object};
pub use record::{Dnp3Message, Dnp3Transaction};

/// Port of the registry.
const PORT: u16 = 20_000;
/// Longest frame: 250 octets of user data with their checks.
const MAX_FRAME: usize = 292;
/// Longest fragment that is put together.
const MAX_FRAGMENT: usize = 4096;
/// Most fragments that are put together at once.
const MAX_ASSEMBLIES: usize = 16;
/// Most requests that wait for their responses.
const MAX_PENDING: usize = 32;

crate::anomalies! {
    /// What can be wrong with DNP3.
    pub enum Anomaly {
        /// Octets between frames, or a frame whose header's check is wrong.
        NoFrame = "no_frame",
        /// A check of user data is wrong.
        BadChecksum = "bad_checksum",
        /// A link function that is not defined.
        UnknownLinkFunction = "unknown_link_function",
        /// A transport segment that does not follow the one before.
        SegmentOutOfOrder = "segment_out_of_order",
        /// A fragment longer than any device takes.
        FragmentTooLong = "fragment_too_long",
        /// A fragment that ends within its header, or objects that cannot be read.
        MalformedFragment = "malformed_fragment",
        /// A function that is not defined.
        UnknownFunction = "unknown_function",
        /// A response to no request that was seen.
        UnsolicitedReply = "unsolicited_reply",
        /// Too many requests without response: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

struct Assembly {
    next: u8,
    octets: Vec<u8>,
}

struct Request {
    time: u64,
    record: Dnp3Transaction,
}

/// A session.
pub struct Dnp3 {
    assemblies: Waiting<(u16, u16), Assembly>,
    /// By master, outstation and the sequence of the fragment that comes next.
    pending: Waiting<(u16, u16, u8), Request>,
    /// Requests may have been missed.
    is_blind: bool,
}

impl Protocol for Dnp3 {
    const INFO: Info = Info {
        name: "dnp3",
        id: ProtoId(1321),
        aliases: &["dnp"],
        title: "Distributed Network Protocol 3",
        spec: "IEEE 1815-2012",
        over: &[tcp(&[PORT]), udp(&[PORT])],
        patterns: &[Pattern::start(&link::START)],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: MAX_FRAME,
        message: Dnp3Message::fields,
        transaction: Dnp3Transaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            assemblies: Waiting::new(MAX_ASSEMBLIES),
            pending: Waiting::new(MAX_PENDING),
            is_blind: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match link::header(seg.data) {
            Some(header) if header.function() != "unknown" => Probe::Certain,
            None if seg.flow.transport == Transport::Tcp
                && seg.data.len() < link::HEADER
                && link::may_be(seg.data) =>
            {
                Probe::Unsure
            }
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
            let skip = memchr::memmem::find(rest, &link::START);
            if skip != Some(0) {
                let kept = usize::from(rest.last() == Some(&link::START[0]));
                let skip = skip.unwrap_or(rest.len().saturating_sub(kept));
                if skip == 0 {
                    return Step::need(used, link::HEADER);
                }
                out.anomaly(Anomaly::NoFrame);
                self.is_blind = true;
                used = used.saturating_add(skip);
                continue;
            }
            let Some(header) = link::header(rest) else {
                if rest.len() < link::HEADER {
                    return Step::need(used, link::HEADER);
                }
                out.anomaly(Anomaly::NoFrame);
                self.is_blind = true;
                used = used.saturating_add(link::START.len());
                continue;
            };
            let whole = header.whole();
            let Some(frame) = rest.get(..whole) else { return Step::need(used, whole) };
            self.frame(frame, &header, seg, out);
            out.settled();
            used = used.saturating_add(whole);
        }
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.is_blind = true;
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop() {
            out.transaction(request.time, request.record);
        }
    }
}

impl Dnp3 {
    fn frame(&mut self, frame: &[u8], header: &Header, seg: &Segment<'_>, out: &mut Sink<'_>) {
        if header.function() == "unknown" {
            out.anomaly(Anomaly::UnknownLinkFunction);
        }
        let Some(data) = link::user_data(frame, header) else {
            out.anomaly(Anomaly::BadChecksum);
            return;
        };
        if !header.has_data() {
            if out.wants_messages() {
                out.message(&record::message(header, None));
            }
            return;
        }
        let Some(octets) = self.assemble(&data, header, out) else { return };
        let Some(fragment) = message::parse(&octets) else {
            out.anomaly(Anomaly::MalformedFragment);
            return;
        };
        if fragment.is_malformed {
            out.anomaly(Anomaly::MalformedFragment);
        }
        if message::function_word(fragment.function) == "unknown" {
            out.anomaly(Anomaly::UnknownFunction);
        }
        if out.wants_messages() {
            out.message(&record::message(header, Some(&fragment)));
        }
        if out.wants_transactions() {
            self.fragment(header, &fragment, seg.time, out);
        }
    }

    /// Adds a transport segment; gives the fragment that is complete with it.
    fn assemble(&mut self, data: &[u8], header: &Header, out: &mut Sink<'_>) -> Option<Vec<u8>> {
        let (&control, body) = data.split_first()?;
        let (is_final, is_first, sequence) =
            (control & 0x80 != 0, control & 0x40 != 0, control & 0x3f);
        let key = (header.source, header.destination);
        let earlier = self.assemblies.take(&key);
        let mut octets = match earlier {
            _ if is_first => Vec::new(),
            Some(assembly) if assembly.next == sequence => assembly.octets,
            _ => {
                if !self.is_blind {
                    out.anomaly(Anomaly::SegmentOutOfOrder);
                }
                return None;
            }
        };
        octets.extend_from_slice(body);
        if octets.len() > MAX_FRAGMENT {
            out.anomaly(Anomaly::FragmentTooLong);
            return None;
        }
        if is_final {
            return Some(octets);
        }
        let next = sequence.wrapping_add(1) & 0x3f;
        self.assemblies.put(key, Assembly { next, octets });
        None
    }

    fn fragment(&mut self, header: &Header, fragment: &Fragment, time: u64, out: &mut Sink<'_>) {
        let sequence = fragment.sequence();
        if !message::is_response(fragment.function) {
            let mut record = Dnp3Transaction::of(header, fragment);
            record.asked(fragment);
            // A confirmation says nothing that its response did not.
            if fragment.function == 0 {
                return;
            }
            if message::is_unanswered(fragment.function) {
                out.transaction(time, record);
                return;
            }
            let key = (header.source, header.destination, sequence);
            self.wait(key, Request { time, record }, out);
            return;
        }
        let key = (header.destination, header.source, sequence);
        let is_unsolicited = fragment.function == 130;
        let waiting = if is_unsolicited { None } else { self.pending.take(&key) };
        let mut request = waiting.unwrap_or_else(|| {
            if !is_unsolicited && !self.is_blind {
                out.anomaly(Anomaly::UnsolicitedReply);
            }
            Request { time, record: Dnp3Transaction::of(header, fragment) }
        });
        if request.record.reply_code.is_none() && request.record.function_code < 129 {
            request.record.response_us = Some(time.saturating_sub(request.time) / 1000);
        }
        request.record.told(fragment);
        if fragment.is_final() {
            out.transaction(request.time, request.record);
        } else {
            let (master, outstation, sequence) = key;
            self.wait((master, outstation, sequence.wrapping_add(1) & 0x0f), request, out);
        }
    }

    fn wait(&mut self, key: (u16, u16, u8), request: Request, out: &mut Sink<'_>) {
        if let Some(oldest) = self.pending.put(key, request) {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }
}
