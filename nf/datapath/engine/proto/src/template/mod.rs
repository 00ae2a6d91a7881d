//! Template: counters kept by a server, one line per request and answer. An invented protocol.
//!
//! It exists to be imitated: `make new-protocol` copies it, and its tests keep it true. A client
//! writes `TALLY 7 ADD apples 3`, the server answers `TALLY 7 OK 12` (the new total) or
//! `TALLY 7 NO reason`, in any order; the number after the first word ties an answer to its
//! request. One transaction per request with its answer.
//!
//! Bounds: 512 octets per line, 16 unanswered requests. What exceeds them is an anomaly.

mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text, TextRef};
use nf_wire::Transport;

use crate::{
    Direction, Flow, Gap, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    anomalies, tcp,
};
use message::{Line, Said};

/// Most octets of a line, its end included.
const MAX_LINE: usize = 512;
/// Most requests kept while they wait for their answers.
const MAX_PENDING: usize = 16;
/// Most octets of a text kept in a transaction.
const MAX_TEXT: usize = 128;

const OVER: &[Over] = &[tcp(&[7001])];

anomalies! {
    /// What can be wrong with it.
    pub enum TemplateAnomaly {
        /// A line that is neither request nor answer.
        MalformedLine = "malformed_line",
        /// A line longer than any implementation sends; it is skipped.
        LineTooLong = "line_too_long",
        /// An answer to a request nobody made.
        UnaskedAnswer = "unasked_answer",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// One line, as filters and events see it.
#[derive(Debug, Fields)]
pub struct TemplateMessage<'a> {
    /// Number that ties an answer to its request.
    pub tag: u32,
    /// What the line says: add, ok or no.
    pub kind: &'static str,
    /// Counter a request is about.
    pub name: Option<TextRef<'a>>,
    /// By how much a request raises it.
    pub count: Option<u64>,
    /// What it stands at after that.
    pub total: Option<u64>,
    /// Why a request is refused.
    pub reason: Option<TextRef<'a>>,
}

/// A request and its answer.
#[derive(Debug, Fields)]
pub struct TemplateTransaction {
    /// Number that ties the answer to its request.
    pub tag: u32,
    /// Counter the request is about.
    pub name: Text,
    /// By how much it is raised.
    pub count: u64,
    /// Whether the server did it; absent when it never answered.
    pub done: Option<bool>,
    /// What the counter stands at after that.
    pub total: Option<u64>,
    /// Why the server refused.
    pub reason: Option<Text>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

struct Request {
    tag: u32,
    time: u64,
    name: Text,
    count: u64,
}

/// The state of one session.
pub struct Template {
    /// Unanswered requests, oldest first.
    pending: VecDeque<Request>,
    /// Per direction: octets are skipped until the next line begins.
    skipping: [bool; 2],
}

impl Protocol for Template {
    const INFO: Info = Info {
        name: "template",
        id: ProtoId(1199),
        title: "Counters on a server, an invented example",
        spec: "its own module documentation",
        over: OVER,
        patterns: &[Pattern::start(b"TALLY ")],
        weight: 30,
        timeout: TimeoutClass::Default,
        max_pending: MAX_LINE,
        message: TemplateMessage::fields,
        transaction: TemplateTransaction::fields,
        anomalies: TemplateAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: VecDeque::new(), skipping: [false; 2] }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::first_line(seg.data) {
            Some((line, _)) if message::parse(line).is_some() => Probe::Certain,
            Some(_) => Probe::No,
            // The line goes on: in a datagram it never will.
            None if seg.flow.transport != Transport::Tcp => Probe::No,
            None if seg.data.len() < MAX_LINE && message::may_be(seg.data) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut rest = seg.data;
        let mut consumed = 0usize;
        while let Some((line, length)) = message::first_line(rest) {
            if self.skips(seg.dir) {
                self.set_skipping(seg.dir, false);
            } else {
                self.line(line, seg, out);
            }
            consumed = consumed.saturating_add(length);
            rest = seg.data.get(consumed..).unwrap_or_default();
        }
        // Nothing more can be learnt of what this session is: where nobody listens, it ends here.
        out.settled();
        if rest.len() >= MAX_LINE {
            if !self.skips(seg.dir) {
                out.anomaly(TemplateAnomaly::LineTooLong);
            }
            self.set_skipping(seg.dir, true);
            consumed = seg.data.len();
        }
        Step::used(consumed)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.set_skipping(dir, true);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop_front() {
            report(request, None, out);
        }
    }
}

impl Template {
    fn skips(&self, dir: Direction) -> bool {
        self.skipping.get(dir.index()).copied().unwrap_or(false)
    }

    fn set_skipping(&mut self, dir: Direction, skip: bool) {
        if let Some(flag) = self.skipping.get_mut(dir.index()) {
            *flag = skip;
        }
    }

    fn line(&mut self, text: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(line) = message::parse(text) else {
            out.anomaly(TemplateAnomaly::MalformedLine);
            return;
        };
        if out.wants_messages() {
            out.message(&line.message());
        }
        match line.said {
            Said::Add { name, count } if out.wants_transactions() => {
                if self.pending.len() >= MAX_PENDING
                    && let Some(oldest) = self.pending.pop_front()
                {
                    out.anomaly(TemplateAnomaly::TooManyPending);
                    report(oldest, None, out);
                }
                self.pending.push_back(Request {
                    tag: line.tag,
                    time: seg.time,
                    name: Text::bounded(name, MAX_TEXT),
                    count,
                });
            }
            Said::Add { .. } => {}
            Said::Ok { .. } | Said::No { .. } => self.answer(&line, seg.time, out),
        }
    }

    fn answer(&mut self, line: &Line<'_>, time: u64, out: &mut Sink<'_>) {
        let position = self.pending.iter().position(|r| r.tag == line.tag);
        match position.and_then(|p| self.pending.remove(p)) {
            Some(request) => report(request, Some((line, time)), out),
            // Without a listener no request is remembered, so that none can be missed.
            None if out.wants_transactions() => out.anomaly(TemplateAnomaly::UnaskedAnswer),
            None => {}
        }
    }
}

/// Reports a request with its answer and the time of that, if there was one.
fn report(request: Request, answer: Option<(&Line<'_>, u64)>, out: &mut Sink<'_>) {
    let said = answer.map(|(line, _)| line.said);
    let record = TemplateTransaction {
        tag: request.tag,
        name: request.name,
        count: request.count,
        done: said.map(|s| matches!(s, Said::Ok { .. })),
        total: match said {
            Some(Said::Ok { total }) => Some(total),
            _ => None,
        },
        reason: match said {
            Some(Said::No { reason }) => Some(Text::bounded(reason, MAX_TEXT)),
            _ => None,
        },
        response_us: answer.map(|(_, time)| time.saturating_sub(request.time) / 1000),
    };
    out.transaction(request.time, record);
}
