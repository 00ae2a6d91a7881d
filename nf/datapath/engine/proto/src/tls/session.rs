//! A TLS session's state: records of both directions, and what the handshake has told so far.

mod messages;

use nf_fields::ProtoId;

use super::certificate::Certificate;
use super::fingerprint::Carried;
use super::handshake::{self, ClientHello};
use super::record::{self, Header, HeaderFault, Ssl2ClientHello, Ssl2ServerHello, content};
use super::transcript::Transcript;
use super::{Anomaly, TlsMessage, names};
use crate::{Direction, NameSource, Segment, Sink, Step};

/// Longest handshake message that is read.
const MAX_MESSAGE: usize = 48 * 1024;
/// Longest run of records waited for: a message of [`MAX_MESSAGE`] in rather short ones.
pub(super) const MAX_PENDING: usize = 128 * 1024;
/// Least octets of the record with which a TLS 1.3 client ends its handshake: a Finished message
/// of the shortest hash, its content type and the tag. An encrypted alert is shorter.
const LEAST_FINISHED: usize = 4 + 32 + 1 + 16;

/// State of one TLS session.
#[derive(Default)]
pub struct Tls {
    sides: [Side; 2],
    /// Who says, or must have said, the ClientHello.
    client: Option<Direction>,
    offer: Offer,
    /// Highest version offered.
    offered_version: u16,
    is_tls13_only: bool,
    /// Version in force.
    version: Option<u16>,
    is_named: bool,
    /// The name told what the session is about; else the certificate may.
    is_told: bool,
    has_certificate: bool,
    /// The client began in SSLv2's form.
    is_ssl2: bool,
    /// What is still in clear has gone by.
    is_over: bool,
    is_established: bool,
    transcript: Option<Box<Transcript>>,
}

/// One direction.
#[derive(Default)]
struct Side {
    /// Octets still to come of a record whose content is of no interest.
    skip: usize,
    /// Handshake octets at the front of the first unconsumed record that have been dealt with.
    handled: usize,
    /// Octets of the unconsumed records that hold the begin of an unfinished message.
    walked: usize,
    /// Handshake octets in them that are not dealt with.
    gathered: usize,
    /// How many of these it takes to go on; 0 while not even the message's header is there.
    wanted: usize,
    /// Handshake octets still to come of a message that is passed over.
    pass: usize,
    records: u16,
    has_changed_cipher: bool,
    /// Handshake records are encrypted.
    is_opaque: bool,
    /// An encrypted handshake record has followed the change of cipher.
    has_finished: bool,
    has_data: bool,
    /// Octets were lost: the next record's begin is to be found.
    is_lost: bool,
}

impl Side {
    fn forget(&mut self) {
        self.handled = 0;
        self.walked = 0;
        self.gathered = 0;
        self.wanted = 0;
    }
}

/// What the client's ALPN can still tell of the protocol inside.
#[derive(Clone, Copy, Default)]
enum Offer {
    #[default]
    Nothing,
    /// All names of one protocol.
    One(ProtoId),
    /// Several, at least one of which has a name.
    Several,
}

/// What became of the front of the octets.
enum Taken {
    Some(usize),
    Need(usize),
    NotMine,
    End,
}

impl Tls {
    fn side(&mut self, dir: Direction) -> &mut Side {
        let [up, down] = &mut self.sides;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// See [`crate::Protocol::parse`].
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut at = 0usize;
        loop {
            let rest = seg.data.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return Step::used(at);
            }
            match self.advance(rest, seg, out) {
                Taken::Some(n) => at = at.saturating_add(n),
                Taken::Need(n) => return Step::need(at, n),
                Taken::NotMine => return Step::not_mine(),
                Taken::End => {
                    self.conclude(out);
                    return Step::done();
                }
            }
            if self.is_settled() {
                out.settled();
                if !out.wants_messages() && (self.is_established || !out.wants_transactions()) {
                    return Step::done();
                }
            }
        }
    }

    /// See [`crate::Protocol::gap`].
    pub(super) fn lose(&mut self, dir: Direction, lost: u64) {
        let from_server = self.client != Some(dir);
        let side = self.side(dir);
        side.forget();
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        match side.skip.checked_sub(lost) {
            Some(left) if side.skip > 0 => side.skip = left,
            _ => {
                side.skip = 0;
                side.pass = 0;
                side.is_lost = true;
                self.is_over |= from_server;
            }
        }
    }

    /// Reports the handshake, unless that has been done.
    pub(super) fn conclude(&mut self, out: &mut Sink<'_>) {
        if let Some(transcript) = self.transcript.take() {
            transcript.report(out);
        }
    }

    fn is_settled(&self) -> bool {
        if self.is_over {
            return true;
        }
        match self.version {
            Some(version) => self.is_told || self.has_certificate || handshake::is_tls13(version),
            None => {
                let needs_server = match self.offer {
                    Offer::Nothing => false,
                    Offer::One(_) => true,
                    Offer::Several => !self.is_tls13_only,
                };
                let has_hello = self.offered_version != 0;
                has_hello && !needs_server && (self.is_told || self.is_tls13_only)
            }
        }
    }

    /// Whether handshake records after a ChangeCipherSpec go on in clear or do not come at all.
    fn is_modern(&self) -> bool {
        handshake::is_tls13(self.version.unwrap_or(self.offered_version))
    }

    fn has_begun(&self) -> bool {
        self.sides.iter().any(|s| s.records > 0 || s.is_lost)
    }

    fn advance(&mut self, rest: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> Taken {
        let side = self.side(seg.dir);
        if side.skip > 0 {
            let n = side.skip.min(rest.len());
            side.skip = side.skip.saturating_sub(n);
            return Taken::Some(n);
        }
        if side.walked > 0 {
            return self.walk(rest, seg, out);
        }
        let Some(header) = Header::read(rest) else {
            return Taken::Need(record::HEADER_LEN);
        };
        if let Some(fault) = header.fault() {
            return self.stumble(fault, rest, seg, out);
        }
        side.is_lost = false;
        if header.content == content::HANDSHAKE && !side.is_opaque {
            return self.handshake_record(header, rest, seg, out);
        }
        self.plain_record(header, rest, seg, out)
    }

    /// These octets are no record header.
    fn stumble(
        &mut self,
        fault: HeaderFault,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Taken {
        if self.side(seg.dir).is_lost {
            return Taken::Some(rest.len());
        }
        let has_ssl2_header = rest.first().is_some_and(|first| first & 0x80 != 0);
        if !self.has_begun() {
            if has_ssl2_header && rest.len() < Ssl2ClientHello::FIXED {
                return Taken::Need(Ssl2ClientHello::FIXED);
            }
            return match Ssl2ClientHello::parse(rest) {
                Some(hello) => self.ssl2_client(&hello, seg, out),
                None => Taken::NotMine,
            };
        }
        if self.is_ssl2 && has_ssl2_header && self.client != Some(seg.dir) {
            return self.ssl2_server(rest, out);
        }
        out.anomaly(match fault {
            HeaderFault::Content => Anomaly::UnknownContentType,
            HeaderFault::Version => Anomaly::BadRecordVersion,
            HeaderFault::Length => Anomaly::RecordTooLong,
        });
        Taken::End
    }

    fn ssl2_client(
        &mut self,
        hello: &Ssl2ClientHello,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Taken {
        self.client = Some(seg.dir);
        self.is_ssl2 = true;
        self.offered_version = hello.version;
        self.side(seg.dir).records = 1;
        self.side(seg.dir).skip = hello.total;
        if let Some(transcript) = self.transcript(seg.time, out) {
            transcript.ssl2_client(hello);
        }
        Taken::Some(0)
    }

    fn ssl2_server(&mut self, rest: &[u8], out: &mut Sink<'_>) -> Taken {
        let Some(&[first, second]) = rest.first_chunk::<2>() else {
            return Taken::Need(2);
        };
        let length = usize::from(u16::from_be_bytes([first & 0x7f, second]));
        let total = length.saturating_add(2);
        if rest.len() < total {
            return Taken::Need(total);
        }
        let Some(hello) = Ssl2ServerHello::parse(rest) else {
            out.anomaly(Anomaly::MalformedServerHello);
            return Taken::End;
        };
        self.version = Some(2);
        if !hello.certificate.is_empty()
            && let Some(name) = Certificate::new(hello.certificate).host_name()
        {
            out.server_name(NameSource::Certificate, name);
        }
        if let Some(transcript) = &mut self.transcript {
            transcript.ssl2_server(&hello);
        }
        // What follows is encrypted in ways nobody looks into any more.
        Taken::End
    }

    /// A record that holds no handshake message in clear.
    fn plain_record(
        &mut self,
        header: Header,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Taken {
        let looked_at = match header.content {
            content::ALERT if header.length == 2 => 2,
            content::HEARTBEAT if !self.is_modern() => header.length.min(3),
            _ => 0,
        };
        let Some(body) =
            rest.get(record::HEADER_LEN..).and_then(|fragment| fragment.get(..looked_at))
        else {
            return Taken::Need(looked_at.saturating_add(record::HEADER_LEN));
        };
        let is_modern = self.is_modern();
        let side = self.side(seg.dir);
        side.records = side.records.saturating_add(1);
        side.skip = header.length;
        let mut alert = None;
        let mut is_end = false;
        match header.content {
            content::CHANGE_CIPHER_SPEC => {
                side.has_changed_cipher = true;
                side.is_opaque |= !is_modern;
                self.is_over |= !is_modern;
                if header.length != 1 {
                    out.anomaly(Anomaly::MalformedRecord);
                }
            }
            content::ALERT => match *body {
                [level, description] if !side.has_finished => {
                    alert = Some((level, description));
                    is_end = level == 2;
                    self.is_over |= is_end;
                    if let Some(transcript) = &mut self.transcript {
                        transcript.alert(description);
                    }
                    if !matches!(level, 1 | 2) {
                        out.anomaly(Anomaly::MalformedRecord);
                    }
                }
                _ if header.length == 0 => out.anomaly(Anomaly::EmptyRecord),
                _ => {}
            },
            content::HANDSHAKE => {
                side.has_finished |= side.has_changed_cipher;
            }
            content::HEARTBEAT if !side.is_opaque => {
                // One octet of kind, two of payload length, the payload, 16 of padding.
                if let &[1, a, b] = body
                    && usize::from(u16::from_be_bytes([a, b])).saturating_add(19) > header.length
                {
                    out.anomaly(Anomaly::HeartbeatOverread);
                }
            }
            content::APPLICATION_DATA => {
                side.has_data = true;
                self.is_over = true;
            }
            _ => {}
        }
        if out.wants_messages() {
            let mut message = self.message_of(header, seg.dir);
            message.alert_level = alert.map(|(level, _)| level);
            message.alert_description = alert.map(|(_, description)| description);
            out.message(&message);
        }
        if !self.is_established && self.completes(header, seg.dir) {
            self.is_established = true;
            if let Some(transcript) = &mut self.transcript {
                transcript.establish(seg.time);
            }
            self.conclude(out);
        }
        if is_end {
            return Taken::End;
        }
        Taken::Some(record::HEADER_LEN)
    }

    /// Whether the handshake is complete with this record.
    fn completes(&mut self, header: Header, dir: Direction) -> bool {
        let is_modern = self.is_modern();
        let is_client = self.client == Some(dir);
        let has_version = self.version.is_some();
        let [own, other] = [dir, dir.reverse()].map(|d| {
            let side = self.side(d);
            (side.has_finished, side.has_data, side.records)
        });
        if is_modern {
            return has_version
                && header.content == content::APPLICATION_DATA
                && is_client
                && other.1
                && header.length >= LEAST_FINISHED;
        }
        let is_heard_alone = other.2 == 0 && header.content == content::APPLICATION_DATA;
        own.0 && (other.0 || is_heard_alone)
    }

    fn message_of<'a>(&mut self, header: Header, dir: Direction) -> TlsMessage<'a> {
        TlsMessage {
            server_name: None,
            record_number: self.side(dir).records,
            content_type: header.content,
            version: header.version,
            length: u16::try_from(header.length).unwrap_or(u16::MAX),
            handshake_type: None,
            handshake_length: None,
            alert_level: None,
            alert_description: None,
        }
    }

    fn transcript(&mut self, time: u64, out: &Sink<'_>) -> Option<&mut Transcript> {
        if !out.wants_transactions() || self.is_established {
            return None;
        }
        let new = || Box::new(Transcript::new(time, Carried::Tcp, out.wanted_fields()));
        Some(self.transcript.get_or_insert_with(new))
    }
}

impl Offer {
    fn of(hello: &ClientHello<'_>) -> Self {
        match names::only_protocol(hello.alpn) {
            Some(only) => Offer::One(only),
            None if hello.alpn.iter().any(|n| names::alpn_protocol(n).is_some()) => Offer::Several,
            None => Offer::Nothing,
        }
    }
}
