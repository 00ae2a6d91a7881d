//! Simple Service Discovery Protocol over UDP (UPnP Device Architecture 2.0, §1).
//!
//! One transaction per message: a search, an announcement or a farewell, an answer. Answers come
//! from other ports than the search went to, each in a session of its own, so none is waited for.
//!
//! Bounds: 64 header lines of a message, 255 octets of a text.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text};

use crate::{
    Flow, Info, Over, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, udp,
};
use message::{Headers, Kind};

/// Most octets kept of a text.
const MAX_TEXT: usize = 255;
const PORT: u16 = 1900;
const OVER: &[Over] = &[udp(&[PORT])];

anomalies! {
    /// What can be wrong with it.
    pub enum SsdpAnomaly {
        /// A datagram that does not begin as a message.
        MalformedMessage = "malformed_message",
        /// A line that is no header.
        MalformedHeader = "malformed_header",
    }
}

/// One message.
#[derive(Debug, Default, Fields)]
pub struct SsdpMessage {
    /// What it is: search, alive, byebye, update or response; notify where it does not say.
    pub kind: &'static str,
    /// Where it is sent, by its own words.
    pub host: Option<Text>,
    /// What is searched for, or what is there.
    pub target: Option<Text>,
    /// Name of the thing that is there, which no other has.
    pub usn: Option<Text>,
    /// Where its description is.
    pub location: Option<Text>,
    /// Software that announces or answers.
    pub server: Option<Text>,
    /// Software that searches.
    pub user_agent: Option<Text>,
    /// Search: seconds within which answers may come.
    pub mx: Option<u32>,
    /// Seconds for which the announcement holds.
    pub max_age: Option<u32>,
    /// Octets of the message.
    pub length: u32,
}

/// Nothing of a session is remembered.
pub struct Ssdp;

impl Protocol for Ssdp {
    const INFO: Info = Info {
        name: "ssdp",
        id: ProtoId(339),
        aliases: &["upnp"],
        title: "Simple Service Discovery Protocol",
        spec: "UPnP Device Architecture 2.0",
        over: OVER,
        patterns: &[
            Pattern::start(b"M-SEARCH * HTTP/1.1"),
            Pattern::start(b"NOTIFY * HTTP/1.1"),
            Pattern::start(b"HTTP/1.1 200 OK"),
        ],
        weight: 30,
        timeout: TimeoutClass::Short,
        message: SsdpMessage::fields,
        transaction: SsdpMessage::fields,
        anomalies: SsdpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let certain = match message::parse(seg.data) {
            Some((Kind::Search, h)) => h.man.is_some() || h.target.is_some(),
            Some((Kind::Notify, h)) => h.nts.is_some() || h.usn.is_some(),
            Some((Kind::Response, h)) => h.target.is_some() && h.usn.is_some(),
            None => false,
        };
        if certain { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match message::parse(seg.data) {
            Some((kind, headers)) => report(kind, &headers, seg, out),
            None if seg.cut => {}
            None => out.anomaly(SsdpAnomaly::MalformedMessage),
        }
        Step::all(seg)
    }
}

fn report(kind: Kind, h: &Headers<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
    if h.flawed && !seg.cut {
        out.anomaly(SsdpAnomaly::MalformedHeader);
    }
    if !out.wants_messages() && !out.wants_transactions() {
        return;
    }
    let kept =
        |text: Option<&[u8]>| text.filter(|t| !t.is_empty()).map(|t| Text::bounded(t, MAX_TEXT));
    let record = SsdpMessage {
        kind: match (kind, h.nts) {
            (Kind::Search, _) => "search",
            (Kind::Response, _) => "response",
            (Kind::Notify, Some(b"ssdp:alive")) => "alive",
            (Kind::Notify, Some(b"ssdp:byebye")) => "byebye",
            (Kind::Notify, Some(b"ssdp:update")) => "update",
            (Kind::Notify, _) => "notify",
        },
        host: kept(h.host),
        target: kept(h.target),
        usn: kept(h.usn),
        location: kept(h.location),
        server: kept(h.server),
        user_agent: kept(h.user_agent),
        mx: h.mx,
        max_age: h.max_age,
        length: u32::try_from(seg.data.len()).unwrap_or(u32::MAX),
    };
    out.message(&record);
    out.transaction(seg.time, record);
}
