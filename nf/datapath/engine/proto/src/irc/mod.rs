//! Internet Relay Chat (RFC 1459, RFC 2812; IRCv3 capabilities, tags, SASL and STARTTLS; CTCP's
//! DCC). One transaction per login with its answer, one per further command of the client, and one
//! per file or chat that is offered.
//!
//! Bounds: lines of 9 KiB, tags included (what exceeds that is skipped), 16 parameters, 512 octets
//! of any text that is kept. Texts that may be passwords are not kept.
//!
//! After STARTTLS the rest of the connection is handed to TLS.

mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text};

use crate::lines::Lines;
use crate::sasl::Login;
use crate::{
    Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, tcp,
};
pub use record::{IrcMessage, IrcTransaction};

/// Longest line: tags of 8,191 octets and a message of 512.
const MAX_LINE: usize = 9 * 1024;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 512;

anomalies! {
    /// What can be wrong with IRC.
    pub enum Anomaly {
        /// A line longer than 9 KiB.
        LineTooLong = "line_too_long",
        /// A line that is no message.
        MalformedMessage = "malformed_message",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// A login under way.
#[derive(Debug, Default)]
struct Registration {
    start: u64,
    real_name: Option<Text>,
    login: Option<Login>,
    /// Something of it was seen.
    begun: bool,
    reported: bool,
    /// The client left before it was answered.
    given_up: bool,
}

/// A session.
pub struct Irc {
    lanes: [Lines; 2],
    client: Option<Direction>,
    nick: Option<Text>,
    user: Option<Text>,
    server: Option<Text>,
    registration: Registration,
}

impl Protocol for Irc {
    const INFO: Info = Info {
        name: "irc",
        id: ProtoId(183),
        title: "Internet Relay Chat",
        spec: "RFC 1459, RFC 2812, IRCv3",
        over: &[tcp(probe::PORTS)],
        patterns: probe::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: MAX_LINE + 1,
        message: IrcMessage::fields,
        transaction: IrcTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            nick: None,
            user: None,
            server: None,
            registration: Registration::default(),
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.lane(dir).lose();
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.finish(out);
    }
}
