//! Handshake messages taken off their records, and what each tells.

use nf_fields::TextRef;

use super::{MAX_MESSAGE, MAX_PENDING, Offer, Taken, Tls};
use crate::tls::certificate::{self, Certificate};
use crate::tls::handshake::{self, ClientHello, Form, ServerHello, kind};
use crate::tls::record::{self, Header, content};
use crate::tls::{Anomaly, names};
use crate::{Clue, Cursor, Direction, NameSource, Segment, Sink};

impl Tls {
    /// The first unconsumed record: its messages are read where they lie.
    pub(super) fn handshake_record(
        &mut self,
        header: Header,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Taken {
        let Some(fragment) = rest.get(record::HEADER_LEN..header.total()) else {
            if seg.cut && self.side(seg.dir).handled == 0 {
                return self.cut_hello(header, rest, seg, out);
            }
            return Taken::Need(header.total());
        };
        let side = self.side(seg.dir);
        if side.handled == 0 {
            side.records = side.records.saturating_add(1);
        }
        if fragment.is_empty() {
            out.anomaly(Anomaly::EmptyRecord);
        }
        let handled = side.handled;
        let fresh = fragment.get(handled..).unwrap_or_default();
        let done = self.messages(fresh, header, seg, out);
        let left = fresh.len().saturating_sub(done);
        let side = self.side(seg.dir);
        if left == 0 || side.is_opaque {
            side.forget();
            return Taken::Some(header.total());
        }
        side.handled = handled.saturating_add(done);
        side.walked = header.total();
        side.gathered = left;
        side.wanted = wanted(fresh.get(done..).unwrap_or_default());
        Taken::Some(0)
    }

    /// One more record of an unfinished message.
    pub(super) fn walk(&mut self, rest: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> Taken {
        let side = self.side(seg.dir);
        let walked = side.walked;
        let Some(header) = rest.get(walked..).and_then(Header::read) else {
            return Taken::Need(walked.saturating_add(record::HEADER_LEN));
        };
        if header.fault().is_some() || header.content != content::HANDSHAKE {
            out.anomaly(Anomaly::InterleavedRecord);
            side.forget();
            return Taken::Some(walked);
        }
        let end = walked.saturating_add(header.total());
        if rest.len() < end {
            return Taken::Need(end);
        }
        side.walked = end;
        side.gathered = side.gathered.saturating_add(header.length);
        side.records = side.records.saturating_add(1);
        if side.gathered < handshake::HEADER_LEN {
            return Taken::Some(0);
        }
        let records = rest.get(..end).unwrap_or_default();
        if side.wanted == 0 {
            side.wanted = wanted(&gather(records, side.handled, handshake::HEADER_LEN));
        }
        if side.gathered < side.wanted {
            return Taken::Some(0);
        }
        let all = gather(records, side.handled, side.gathered);
        let done = self.messages(&all, header, seg, out);
        let left = all.len().saturating_sub(done);
        let side = self.side(seg.dir);
        let is_opaque = side.is_opaque;
        side.forget();
        if left == 0 || is_opaque {
            return Taken::Some(end);
        }
        // The message that was waited for ended in this record; another one begins in it.
        side.handled = header.length.saturating_sub(left);
        Taken::Some(walked)
    }

    /// Reads the messages that are whole; returns how many octets are dealt with.
    fn messages(
        &mut self,
        data: &[u8],
        record: Header,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> usize {
        let mut at = 0usize;
        loop {
            let side = self.side(seg.dir);
            let rest = data.get(at..).unwrap_or_default();
            let passed = side.pass.min(rest.len());
            side.pass = side.pass.saturating_sub(passed);
            at = at.saturating_add(passed);
            let rest = rest.get(passed..).unwrap_or_default();
            let Some(header) = handshake::Header::read(rest) else {
                return at;
            };
            if self.is_encrypted(header, rest, seg.dir, out) {
                self.side(seg.dir).is_opaque = true;
                return data.len();
            }
            let body = rest.get(handshake::HEADER_LEN..header.total());
            if body.is_none() && !is_passed_over(header) {
                return at;
            }
            let name = match body {
                Some(body) => self.message(header, body, seg, out),
                None => {
                    if is_read(header.kind) {
                        out.anomaly(Anomaly::HandshakeTooLong);
                    }
                    None
                }
            };
            if out.wants_messages() {
                let mut message = self.message_of(record, seg.dir);
                message.server_name = name.map(TextRef);
                message.handshake_type = Some(header.kind);
                message.handshake_length = u32::try_from(header.length).ok();
                out.message(&message);
            }
            match body {
                Some(_) => at = at.saturating_add(header.total()),
                None => self.side(seg.dir).pass = header.total(),
            }
        }
    }

    /// Whether what looks like a message header cannot be one.
    fn is_encrypted(
        &mut self,
        header: handshake::Header,
        rest: &[u8],
        dir: Direction,
        out: &mut Sink<'_>,
    ) -> bool {
        let has_version = self.version.is_some();
        let has_hello = self.offered_version != 0;
        if self.side(dir).has_changed_cipher && !has_version {
            // Only hellos come in clear after that: those that follow a HelloRetryRequest.
            return !matches!(header.kind, kind::CLIENT_HELLO | kind::SERVER_HELLO)
                || header.total() < rest.len()
                || header.total() > MAX_MESSAGE;
        }
        if kind::is_known(header.kind) {
            return false;
        }
        if has_version || has_hello {
            out.anomaly(Anomaly::UnknownHandshake);
        }
        true
    }

    /// Reads a message; returns the server name of a ClientHello.
    fn message<'a>(
        &mut self,
        header: handshake::Header,
        body: &'a [u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<&'a [u8]> {
        match header.kind {
            kind::CLIENT_HELLO => return self.client_hello(body, true, seg, out),
            kind::SERVER_HELLO => self.server_hello(body, true, seg, out),
            kind::CERTIFICATE => self.certificate(body, seg, out),
            _ => {}
        }
        None
    }

    /// A hello of which the capture has only the front: what is there is used.
    fn cut_hello(
        &mut self,
        record: Header,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Taken {
        let mut c = Cursor::new(rest);
        let kind = c.skip(record::HEADER_LEN).and(c.u8());
        let side = self.side(seg.dir);
        side.records = side.records.saturating_add(1);
        side.skip = record.total();
        if c.skip(3).is_some() {
            match kind {
                Some(kind::CLIENT_HELLO) => {
                    self.client_hello(c.rest(), false, seg, out);
                }
                Some(kind::SERVER_HELLO) => self.server_hello(c.rest(), false, seg, out),
                _ => {}
            }
        }
        Taken::Some(0)
    }

    fn client_hello<'a>(
        &mut self,
        body: &'a [u8],
        whole: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<&'a [u8]> {
        let Some(hello) = ClientHello::parse(body, Form::Stream, whole) else {
            if whole {
                out.anomaly(Anomaly::MalformedClientHello);
            }
            return None;
        };
        if self.client.is_some_and(|client| client != seg.dir) {
            out.anomaly(Anomaly::UnexpectedHello);
            return None;
        }
        if hello.has_bad_extension {
            out.anomaly(Anomaly::MalformedExtension);
        }
        self.client = Some(seg.dir);
        self.offered_version = hello.best_version();
        self.is_tls13_only = hello.is_tls13_only();
        self.offer = Offer::of(&hello);
        if let Some(name) = hello.server_name {
            self.is_named = true;
            self.is_told = out.server_name(NameSource::Sni, name);
        }
        if let Some(transcript) = self.transcript(seg.time, out) {
            transcript.client_hello(&hello);
        }
        hello.server_name
    }

    fn server_hello(&mut self, body: &[u8], whole: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(hello) = ServerHello::parse(body, whole) else {
            if whole {
                out.anomaly(Anomaly::MalformedServerHello);
            }
            return;
        };
        if self.client == Some(seg.dir) {
            out.anomaly(Anomaly::UnexpectedHello);
            return;
        }
        if hello.has_bad_extension {
            out.anomaly(Anomaly::MalformedExtension);
        }
        self.client = Some(seg.dir.reverse());
        if hello.is_retry {
            return;
        }
        let version = hello.negotiated_version();
        self.version = Some(version);
        let is_tls13 = handshake::is_tls13(version);
        if !is_tls13
            && handshake::is_tls13(self.offered_version)
            && hello.random_tail.starts_with(b"DOWNGRD")
        {
            out.anomaly(Anomaly::Downgrade);
        }
        let inside = match (hello.alpn, self.offer) {
            (Some(name), _) => names::alpn_protocol(name),
            (None, Offer::One(only)) if is_tls13 => Some(only),
            _ => None,
        };
        if let Some(proto) = inside {
            out.inside(proto);
        }
        if let Some(name) = hello.alpn {
            out.clue(Clue::Alpn(name));
        }
        if let Some(transcript) = self.transcript(seg.time, out)
            && !transcript.server_hello(&hello)
        {
            out.anomaly(Anomaly::CipherNotOffered);
        }
    }

    fn certificate(&mut self, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some((first, count)) = certificate::chain(body) else {
            out.anomaly(Anomaly::MalformedCertificate);
            return;
        };
        let Some(read) = first.map(Certificate::new) else {
            return;
        };
        let is_client = self.client == Some(seg.dir);
        if !is_client {
            self.has_certificate = true;
            if !self.is_named
                && let Some(name) = read.host_name()
            {
                self.is_named = true;
                self.is_told = out.server_name(NameSource::Certificate, name);
            }
        }
        if !self.is_told {
            read.tell(is_client, out);
        }
        if let Some(transcript) = self.transcript(seg.time, out)
            && !transcript.certificate(&read, count, is_client)
        {
            out.anomaly(Anomaly::MalformedCertificate);
        }
    }
}

fn is_read(kind: u8) -> bool {
    matches!(kind, kind::CLIENT_HELLO | kind::SERVER_HELLO | kind::CERTIFICATE)
}

fn is_passed_over(header: handshake::Header) -> bool {
    !is_read(header.kind) || header.total() > MAX_MESSAGE
}

/// Octets it takes to deal with the message that begins in `data`; 0 when that cannot be told.
fn wanted(data: &[u8]) -> usize {
    match handshake::Header::read(data) {
        None => 0,
        Some(header) if is_passed_over(header) => handshake::HEADER_LEN,
        Some(header) => header.total(),
    }
}

/// The first `n` handshake octets of consecutive records, without the `handled` first ones.
fn gather(records: &[u8], handled: usize, n: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(n.min(MAX_PENDING));
    let (mut rest, mut handled) = (records, handled);
    while let Some(header) = Header::read(rest).filter(|_| out.len() < n) {
        let fragment = rest.get(record::HEADER_LEN..header.total()).unwrap_or_default();
        let fresh = fragment.get(handled..).unwrap_or_default();
        let room = n.saturating_sub(out.len());
        out.extend_from_slice(fresh.get(..room).unwrap_or(fresh));
        handled = 0;
        rest = rest.get(header.total()..).unwrap_or_default();
    }
    out
}
