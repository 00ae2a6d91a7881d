//! Extensible Messaging and Presence Protocol, once called Jabber (RFC 6120, 6121; XEP-0078, 0138).
//! One transaction per stream: who wants what of whom, how they logged in, and how many stanzas
//! went by.
//!
//! Bounds: tags of 8 KiB (what exceeds that ends the reading of its direction until a stanza
//! begins a tag), 32 mechanisms, 1 KiB of any text that is kept. Of stanzas nothing is kept.
//!
//! After STARTTLS the rest of the connection is handed to TLS; a compressed stream is not read on.
//! Passwords are not kept.

mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod xml;

use nf_fields::{Fields, ProtoId};

use crate::sasl::Login;
use crate::{
    Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, tcp,
};
pub use record::{JabberMessage, JabberTransaction};

/// Longest tag that is read.
const MAX_TAG: usize = 8 * 1024;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 1024;
/// Most mechanisms that are kept.
const MAX_MECHANISMS: usize = 32;
/// Depth beyond which a stream is not believed.
const MAX_DEPTH: u32 = 256;

anomalies! {
    /// What can be wrong with XMPP.
    pub enum Anomaly {
        /// A tag that closes what is not open, or elements nested 256 deep.
        MalformedXml = "malformed_xml",
        /// A tag longer than 8 KiB.
        TagTooLong = "tag_too_long",
        /// Octets in clear behind STARTTLS, before TLS began.
        CommandAfterStartTls = "command_after_starttls",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// Elements whose text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Mechanism,
    /// A response of a login.
    Response,
    /// The address that is bound.
    Jid,
    /// The user of a login of the old kind.
    Username,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// Elements open.
    depth: u32,
    /// The stanza or the like that is open.
    stanza: Vec<u8>,
    reading: Option<Reading>,
    text: Vec<u8>,
    /// Octets of an unfinished token that were looked at.
    seen: usize,
    /// The place was lost: nothing is read until a stanza begins.
    lost: bool,
}

/// A session.
pub struct Jabber {
    lanes: [Lane; 2],
    client: Option<Direction>,
    record: Box<JabberTransaction>,
    login: Option<Login>,
    start: u64,
    /// The client wants TLS and has no answer yet.
    starting_tls: bool,
    /// There is something to report.
    begun: bool,
}

impl Protocol for Jabber {
    const INFO: Info = Info {
        name: "jabber",
        id: ProtoId(186),
        aliases: &["xmpp"],
        title: "Extensible Messaging and Presence Protocol",
        spec: "RFC 6120, RFC 6121, XEP-0078, XEP-0138",
        over: &[tcp(probe::PORTS)],
        patterns: probe::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: MAX_TAG + 1,
        message: JabberMessage::fields,
        transaction: JabberTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self {
            lanes: Default::default(),
            client: None,
            record: Box::default(),
            login: None,
            start: 0,
            starting_tls: false,
            begun: false,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.take(seg, out)
    }

    fn gap(&mut self, dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        *self.lane(dir) = Lane { lost: true, ..Lane::default() };
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.finish(out);
    }
}
