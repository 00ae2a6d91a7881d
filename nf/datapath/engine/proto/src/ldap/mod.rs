//! Lightweight Directory Access Protocol (RFC 4511, RFC 4515; over UDP RFC 1798 and the pings of
//! MS-ADTS). One transaction per request with its result.
//!
//! Bounds: messages of 64 KiB (longer ones are counted by their head and skipped), 128 requests
//! without result (then the oldest is reported as it is), filters nested 16 deep, 32 attributes and
//! controls, 1 KiB of any text that is kept.
//!
//! After StartTLS the rest of the connection is handed to TLS; a session that SASL protects is not
//! read on. Passwords are not kept.

mod ber;
mod filter;
mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use nf_fields::{Fields, ProtoId, Text};

use crate::ntlm::Ntlm;
use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
    udp,
};
pub use record::{LdapMessage, LdapTransaction};

/// Longest message that is read.
const MAX_MESSAGE: usize = 64 * 1024;
/// Most requests without result.
const MAX_PENDING: usize = 128;
/// Most attributes and controls that are kept.
const MAX_ATTRIBUTES: usize = 32;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;

crate::anomalies! {
    /// What can be wrong with LDAP.
    pub enum Anomaly {
        /// Octets that are no message; nothing is read behind them until one begins a segment.
        MalformedMessage = "malformed_message",
        /// A message longer than 64 KiB; it is skipped.
        MessageTooLong = "message_too_long",
        /// A result of no request that was seen.
        UnaskedResult = "unasked_result",
        /// Too many requests without result: the oldest was given up.
        TooManyPending = "too_many_pending",
        /// Octets in clear behind StartTLS, before TLS began.
        RequestAfterStartTls = "request_after_starttls",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Octets of a long message that are still to come.
    skip: usize,
    /// The place was lost.
    lost: bool,
}

/// A request that waits for its result.
#[derive(Debug, Default)]
struct Request {
    time: u64,
    answered: Option<u64>,
    record: LdapTransaction,
}

/// A session.
pub struct Ldap {
    lanes: [Lane; 2],
    pending: VecDeque<Request>,
    /// Results may belong to requests that were not seen.
    lossy: bool,
    /// StartTLS waits for its result.
    starting_tls: bool,
    /// SASL may have set a layer of protection up.
    protected: bool,
    mechanism: Option<Text>,
    /// The login by NTLM as far as it went.
    ntlm: Ntlm,
}

impl Protocol for Ldap {
    const INFO: Info = Info {
        name: "ldap",
        id: ProtoId(198),
        aliases: &["cldap"],
        title: "Lightweight Directory Access Protocol",
        spec: "RFC 4511, RFC 4513, RFC 4515, RFC 1798",
        over: &[tcp(probe::PORTS), udp(&[389])],
        patterns: &[Pattern::start(b"\x30")],
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: MAX_MESSAGE + 8,
        message: LdapMessage::fields,
        transaction: LdapTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            pending: VecDeque::new(),
            lossy: false,
            starting_tls: false,
            protected: false,
            mechanism: None,
            ntlm: Ntlm::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lossy = true;
        let lane = self.lane(dir);
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        if lost <= lane.skip {
            lane.skip = lane.skip.saturating_sub(lost);
        } else {
            lane.skip = 0;
            lane.lost = true;
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop_front() {
            session::report(request, out);
        }
    }
}
