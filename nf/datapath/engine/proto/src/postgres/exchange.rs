//! Requests that wait for their answers, in order, and what has been prepared.

use std::collections::VecDeque;

use super::message::Complaint;
use super::record::PostgresTransaction;
use super::{PostgresAnomaly, statement};
use crate::Sink;

/// Most requests that wait.
const MAX_PENDING: usize = 256;
/// Most statements, and portals, that are remembered.
const MAX_PREPARED: usize = 64;
/// Most octets of a name.
const MAX_NAME: usize = 64;

/// A request, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The message's type; 0 for a start, 1 for a request for encryption.
    pub(super) kind: u8,
    pub(super) start: u64,
    pub(super) record: PostgresTransaction,
}

/// A start, as a [`Request::kind`].
pub(super) const STARTUP: u8 = 0;
/// A request for encryption.
pub(super) const OFFER: u8 = 1;

/// A name, and what stands behind it.
type Named = (Box<[u8]>, Box<[u8]>);

#[derive(Debug, Default)]
struct Prepared(Vec<Named>);

impl Prepared {
    fn set(&mut self, name: &[u8], what: &[u8]) {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        let what = what.get(..statement::MAX_STATEMENT).unwrap_or(what);
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| **known == *name) {
            *known = what.into();
        } else {
            if self.0.len() >= MAX_PREPARED {
                self.0.remove(0);
            }
            self.0.push((name.into(), what.into()));
        }
    }

    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, what)| &**what)
    }
}

/// The requests of a session.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pending: VecDeque<Request>,
    statements: Prepared,
    portals: Prepared,
    /// Something was lost: answers may belong to requests that were not seen.
    torn: bool,
}

impl Exchange {
    /// A request that waits for its answer.
    pub(super) fn ask(&mut self, request: Request, out: &mut Sink<'_>) {
        if self.pending.len() >= MAX_PENDING
            && let Some(oldest) = self.pending.pop_front()
        {
            out.anomaly(PostgresAnomaly::TooManyPending);
            report(oldest, None, out);
        }
        self.pending.push_back(request);
    }

    /// A statement is prepared.
    pub(super) fn prepare(&mut self, name: &[u8], query: &[u8]) {
        self.statements.set(name, query);
    }

    /// A portal is made of a statement.
    pub(super) fn bind(&mut self, portal: &[u8], statement: &[u8]) {
        self.portals.set(portal, statement);
    }

    /// What a portal will execute: the statement's name and text.
    pub(super) fn portal(&self, portal: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
        let name = self.portals.get(portal)?;
        Some((name, self.statements.get(name)))
    }

    /// The request that is being answered.
    pub(super) fn front(&mut self) -> Option<&mut Request> {
        self.pending.front_mut()
    }

    /// The start, while it is being answered.
    pub(super) fn startup(&mut self) -> Option<&mut PostgresTransaction> {
        self.pending.front_mut().filter(|r| r.kind == STARTUP).map(|r| &mut r.record)
    }

    /// What the client prepared step by step has come that far: the request of that kind is
    /// answered, and not reported.
    pub(super) fn step_done(&mut self, kind: u8) {
        if self.pending.front().is_some_and(|request| request.kind == kind) {
            self.pending.pop_front();
        }
    }

    /// Takes the first request that waits, if its kind fits.
    fn first_if(&mut self, fits: impl Fn(u8) -> bool) -> Option<Request> {
        if self.pending.front().is_some_and(|request| fits(request.kind)) {
            return self.pending.pop_front();
        }
        None
    }

    /// The last of an answer to an execution.
    pub(super) fn executed(&mut self, time: u64, out: &mut Sink<'_>) {
        if let Some(request) = self.first_if(|kind| kind == b'E') {
            report(request, Some(time), out);
        }
    }

    /// The server says what went wrong. What waits behind is not carried out, up to the next
    /// point of synchronisation.
    pub(super) fn failed(&mut self, said: &Complaint<'_>, time: u64, out: &mut Sink<'_>) {
        let Some(front) = self.pending.front_mut() else {
            return;
        };
        front.record.complain(said);
        match front.kind {
            b'Q' | b'F' | b'S' => {}
            STARTUP | OFFER => self.answered(time, out),
            _ => {
                self.answered(time, out);
                while let Some(request) = self.first_if(|kind| kind != b'S') {
                    if request.kind == b'E' {
                        report(request, None, out);
                    }
                }
            }
        }
    }

    /// The front is answered.
    fn answered(&mut self, time: u64, out: &mut Sink<'_>) {
        if let Some(request) = self.pending.pop_front() {
            report(request, Some(time), out);
        }
    }

    /// The server is ready: all up to the request that ends in this is answered.
    pub(super) fn ready(&mut self, status: &'static str, time: u64, out: &mut Sink<'_>) {
        while let Some(mut request) = self.pending.pop_front() {
            let ends = matches!(request.kind, b'Q' | b'F' | b'S' | STARTUP);
            request.record.transaction_status = Some(status);
            if request.kind != b'S' {
                report(request, ends.then_some(time), out);
            }
            if ends {
                self.torn = false;
                return;
            }
        }
        if !std::mem::take(&mut self.torn) {
            out.anomaly(PostgresAnomaly::UnaskedAnswer);
        }
    }

    /// A request for encryption is answered.
    pub(super) fn offered(&mut self, accepted: bool, time: u64, out: &mut Sink<'_>) {
        if let Some(mut request) = self.first_if(|kind| kind == OFFER) {
            request.record.encrypted = Some(accepted);
            report(request, Some(time), out);
        }
    }

    /// Answers cannot be told apart any more from those to what waits.
    pub(super) fn tear(&mut self, out: &mut Sink<'_>) {
        self.torn = true;
        self.give_up_all(out);
    }

    /// Reports what waits as it is.
    pub(super) fn give_up_all(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop_front() {
            if matches!(request.kind, b'Q' | b'F' | b'E' | STARTUP | OFFER) {
                report(request, None, out);
            }
        }
    }
}

/// Reports a request, and when the last of its answer came.
fn report(request: Request, answered: Option<u64>, out: &mut Sink<'_>) {
    let Request { start, mut record, .. } = request;
    record.response_us = answered.map(|time| time.saturating_sub(start) / 1000);
    record.complete = answered.is_some();
    out.transaction(start, record);
}
