//! The header section of one message, line by line.

use std::borrow::Cow;

use nf_fields::{ProtoId, TextRef};

use super::head::{Framing, Head, Name};
use super::line::{HeaderLine, Version, header_line, request_line, status_line, trim, unfold};
use super::record::HttpMessage;
use super::value::host_and_port;
use super::{Anomaly, MAX_HEADERS};
use crate::{Direction, Sink, registry};

/// A message of which the end has not been seen.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) request: bool,
    /// Number of its exchange.
    pub(super) exchange: u64,
    /// Ordinal in the session.
    pub(super) ordinal: u32,
    pub(super) version: Option<Version>,
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// An Upgrade header was there, and whom its first word names.
    pub(super) upgrade: Option<Option<ProtoId>>,
    pub(super) host: bool,
    pub(super) headers: u32,
    /// Anomalies counted for this message already, one bit each.
    pub(super) noted: u32,
    /// Kept only if somebody listens.
    pub(super) head: Option<Box<Head>>,
    /// Authority of the target, then Host: what the server is called.
    pub(super) authority: Option<Box<[u8]>>,
}

/// Whether `line` can begin a message in this direction.
pub(super) fn is_start(line: &[u8], dir: Direction, client: Option<Direction>) -> bool {
    if line.starts_with(b"HTTP/") {
        client != Some(dir) && status_line(line).is_some()
    } else {
        client != Some(dir.reverse())
            && request_line(line).is_some_and(|line| line.version.is_some())
    }
}

impl Reading {
    pub(super) fn note(&mut self, anomaly: Anomaly, out: &mut Sink<'_>) {
        let bit = 1u32.wrapping_shl(u32::from(anomaly as u8));
        if self.noted & bit == 0 {
            self.noted |= bit;
            out.anomaly(anomaly);
        }
    }

    pub(super) fn message<'a>(&self) -> HttpMessage<'a> {
        HttpMessage { message: self.ordinal, request: self.request, ..HttpMessage::default() }
    }

    pub(super) fn tell_data(&self, octets: &[u8], out: &mut Sink<'_>) {
        out.message(&HttpMessage { data: Some(TextRef(octets)), ..self.message() });
    }

    pub(super) fn tell_header(&self, name: &[u8], value: &[u8], out: &mut Sink<'_>) {
        let line = [name, b": ", value].concat();
        out.message(&HttpMessage {
            header: Some(TextRef(&line)),
            header_name: Some(TextRef(name)),
            header_value: Some(TextRef(value)),
            ..self.message()
        });
    }

    /// A message begins; what it is follows with its header section.
    pub(super) fn tell_start(&self, out: &mut Sink<'_>) {
        out.message(&HttpMessage { msg_start: Some(self.ordinal), ..self.message() });
    }

    /// All that the start line and the header section said.
    pub(super) fn tell_head(&self, out: &mut Sink<'_>) {
        let Some(head) = &self.head else { return };
        out.message(&HttpMessage {
            message: self.ordinal,
            request: self.request,
            status: (!self.request).then_some(self.status),
            version: self.version.map(Version::word),
            headers_end: Some(self.headers),
            ..HttpMessage::of(head)
        });
    }
}

impl Reading {
    /// One header line, its folds still in it.
    pub(super) fn field(&mut self, line: &[u8], out: &mut Sink<'_>) {
        self.headers = self.headers.saturating_add(1);
        if self.headers == MAX_HEADERS.saturating_add(1) {
            out.anomaly(Anomaly::TooManyHeaders);
        }
        let Some(mut line) = header_line(line) else {
            self.note(Anomaly::HeaderWithoutColon, out);
            return;
        };
        if line.spaced || !line.token {
            self.note(Anomaly::HeaderNameInvalid, out);
        }
        let unfolded: Cow<'_, [u8]> = if line.value.contains(&b'\n') {
            self.note(Anomaly::ObsoleteFold, out);
            Cow::Owned(unfold(line.value))
        } else {
            Cow::Borrowed(line.value)
        };
        line.value = &unfolded;
        if line.value.iter().any(|&b| (b < b' ' && b != b'\t') || b == 0x7f) {
            self.note(Anomaly::HeaderValueInvalid, out);
        }
        let name = Name::of(line.name);
        self.framing.read(name, &line);
        match name {
            Name::Host => self.read_host(&line, out),
            Name::Upgrade => self.read_upgrade(&line),
            _ => {}
        }
        if self.headers > MAX_HEADERS {
            return;
        }
        if let Some(head) = &mut self.head {
            head.keep(name, line.value);
        }
        if out.wants_messages() {
            self.tell_header(line.name, line.value, out);
        }
    }

    fn read_host(&mut self, line: &HeaderLine<'_>, out: &mut Sink<'_>) {
        if !self.request {
            return;
        }
        if self.host {
            self.note(Anomaly::HostRepeated, out);
            return;
        }
        self.host = true;
        match &self.authority {
            Some(authority) => {
                let (named, _) = host_and_port(authority);
                let (host, _) = host_and_port(line.value);
                if !named.eq_ignore_ascii_case(host) {
                    self.note(Anomaly::HostMismatch, out);
                }
            }
            None => self.authority = Some(line.value.into()),
        }
    }

    fn read_upgrade(&mut self, line: &HeaderLine<'_>) {
        let first = line.value.split(|&b| b == b',').next().map(trim);
        let word = first.and_then(|word| word.split(|&b| b == b'/').next());
        let word = word.unwrap_or_default().to_ascii_lowercase();
        let known = std::str::from_utf8(&word).ok().and_then(registry::by_name);
        self.upgrade.get_or_insert(known.map(|entry| entry.info.id));
    }

    /// Counts what the framing fields contradict themselves in.
    pub(super) fn judge_framing(&mut self, out: &mut Sink<'_>) {
        let framing = self.framing;
        let found = [
            (framing.length_conflict, Anomaly::ContentLengthConflict),
            (framing.length_repeated() && !framing.length_conflict, Anomaly::ContentLengthRepeated),
            (framing.length_invalid, Anomaly::ContentLengthInvalid),
            (framing.coded && framing.length.is_some(), Anomaly::LengthAndCoding),
            (self.request && framing.coded && !framing.chunked, Anomaly::TransferEncodingInvalid),
        ];
        for (_, anomaly) in found.into_iter().filter(|(wrong, _)| *wrong) {
            self.note(anomaly, out);
        }
    }
}
