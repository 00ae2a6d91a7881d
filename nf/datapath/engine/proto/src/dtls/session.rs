//! A DTLS session's state: records of both directions, and what the handshake has told so far.

use nf_fields::{FieldSet, Text, TextRef};

use super::Anomaly;
use super::assembly::{Assembly, MAX_MESSAGE, Outcome};
use super::record::{Fragment, Record, content};
use super::report::{DtlsMessage, DtlsTransaction, profile_text};
use crate::rtp::bundle::{Bundle, Kind};
use crate::tls::certificate::{self, Certificate};
use crate::tls::extension::code;
use crate::tls::fingerprint::Carried;
use crate::tls::handshake::{self, ClientHello, Form, ServerHello, kind};
use crate::tls::names;
use crate::tls::transcript::Transcript;
use crate::{Clue, Cursor, Direction, NameSource, Segment, Sink};

/// Most records read of a datagram.
const MAX_RECORDS: usize = 64;
/// Most protection profiles kept.
const MAX_PROFILES: usize = 16;
/// Datagrams after which the session is not watched for media, unless somebody listens.
const WATCHED: u32 = 64;

/// State of one DTLS session.
#[derive(Default)]
pub struct Dtls {
    sides: [Side; 2],
    /// Who says, or must have said, the ClientHello.
    client: Option<Direction>,
    transcript: Option<Box<Transcript>>,
    extra: Extra,
    version: Option<u16>,
    is_named: bool,
    /// The name told what the session is about; else the certificate may.
    is_told: bool,
    is_established: bool,
    others: Bundle,
    seen: u32,
}

/// One direction.
#[derive(Default)]
struct Side {
    assembly: Assembly,
    /// Bit n: the message with number n has been read.
    read: u64,
    /// Handshake records under new keys went by.
    has_finished: bool,
    /// Octets of the connection id that the other end wants in what this side sends.
    id_length: usize,
}

/// What datagrams add to TLS's record.
#[derive(Default)]
struct Extra {
    profile: Option<Text>,
    offered_profiles: Vec<Text>,
    has_cookie: bool,
    has_connection_id: bool,
}

impl Dtls {
    fn side(&mut self, dir: Direction) -> &mut Side {
        let [up, down] = &mut self.sides;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes a datagram of the session, whosever it is.
    pub(super) fn datagram(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let taken = match Kind::of(seg.data) {
            Kind::Dtls => {
                self.others.secure();
                self.records(seg, out)
            }
            kind => self.others.take(kind, seg, out),
        };
        if !taken && !seg.cut {
            out.anomaly(Anomaly::ForeignDatagram);
        }
        self.seen = self.seen.saturating_add(1);
        if self.others.is_closed() || self.seen >= WATCHED {
            self.others.close();
            out.settled();
        }
    }

    /// Takes a datagram's records; false when it does not begin with one.
    pub(crate) fn records(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let id = self.side(seg.dir).id_length;
        let mut rest = seg.data;
        for count in 0..MAX_RECORDS {
            if rest.is_empty() {
                break;
            }
            let Some(record) = Record::parse(rest, id) else {
                if count > 0 && !seg.cut {
                    out.anomaly(Anomaly::MalformedRecord);
                }
                return count > 0;
            };
            let whole = rest.len() >= record.total;
            if !whole && !seg.cut {
                out.anomaly(Anomaly::MalformedRecord);
                return count > 0;
            }
            self.record(&record, whole, seg, out);
            rest = rest.get(record.total..).unwrap_or_default();
        }
        true
    }

    /// Reports the handshake, unless that has been done.
    pub(super) fn conclude(&mut self, out: &mut Sink<'_>) {
        let Some(transcript) = self.transcript.take() else {
            return;
        };
        let (start, record) = transcript.into_record();
        let extra = std::mem::take(&mut self.extra);
        let record = DtlsTransaction {
            srtp_profile: extra.profile,
            client_srtp_profiles: extra.offered_profiles,
            cookie_exchange: extra.has_cookie,
            connection_id: extra.has_connection_id,
            ..DtlsTransaction::from(record)
        };
        out.transaction(start, record);
    }

    pub(super) fn end_others(&mut self, out: &mut Sink<'_>) {
        self.others.end(out);
    }

    fn record(&mut self, record: &Record<'_>, whole: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let clear = record.epoch == 0 && !record.short;
        let mut message = DtlsMessage {
            content_type: record.content,
            version: record.version,
            epoch: record.epoch,
            sequence_number: record.sequence,
            length: u16::try_from(record.length).unwrap_or(u16::MAX),
            ..DtlsMessage::default()
        };
        match (record.content, record.fragment) {
            (content::HANDSHAKE, fragment) if clear => {
                self.handshake(fragment, whole, &message, seg, out);
                return;
            }
            (content::HANDSHAKE, _) => self.side(seg.dir).has_finished = true,
            (content::ALERT, &[level, description]) if clear => {
                message.alert_level = Some(level);
                message.alert_description = Some(description);
                if let Some(transcript) = &mut self.transcript {
                    transcript.alert(description);
                }
                if level == 2 {
                    self.conclude(out);
                }
            }
            _ => {}
        }
        out.message(&message);
        if !self.is_established && self.completes(record, seg.dir) {
            self.is_established = true;
            if let Some(transcript) = &mut self.transcript {
                transcript.establish(seg.time);
            }
            self.conclude(out);
        }
    }

    /// Whether the handshake is complete with this record.
    fn completes(&mut self, record: &Record<'_>, dir: Direction) -> bool {
        if record.short {
            // Data of DTLS 1.3 has epoch 3; the client's comes after its last word.
            return record.epoch == 3 && self.client == Some(dir) && self.version.is_some();
        }
        let own = self.side(dir).has_finished;
        let other = self.side(dir.reverse()).has_finished;
        let is_data = matches!(record.content, content::APPLICATION_DATA | content::CONNECTION_ID);
        // Behind a connection id the content is hidden: data from both ends will do.
        own && (other || (is_data && record.epoch > 0))
    }

    /// Fragments of handshake messages in clear.
    fn handshake(
        &mut self,
        data: &[u8],
        whole: bool,
        record: &DtlsMessage<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut c = Cursor::new(data);
        while !c.is_empty() {
            let Some(fragment) = Fragment::parse(&mut c, whole) else {
                if whole {
                    out.anomaly(Anomaly::MalformedFragment);
                }
                return;
            };
            let mut message = DtlsMessage {
                client_hello_cipher_suite: None,
                server_name: None,
                handshake_type: Some(fragment.kind),
                handshake_length: u32::try_from(fragment.length).ok(),
                message_sequence: Some(fragment.sequence),
                fragment_offset: u32::try_from(fragment.offset).ok(),
                fragment_length: u32::try_from(fragment.data.len()).ok(),
                ..*record
            };
            let cut = !whole && c.is_empty();
            let assembled = self.fragment(&fragment, cut, seg, out);
            let body = match &assembled {
                Some(body) => Some(body.as_slice()),
                None if fragment.data.len() == fragment.length => Some(fragment.data),
                None => None,
            };
            // What was put together is shown with the fragment that completes it.
            let hello = body
                .filter(|_| fragment.kind == kind::CLIENT_HELLO && out.wants_messages())
                .and_then(|body| ClientHello::parse(body, Form::Datagram, true));
            if let Some(hello) = hello {
                message.client_hello_cipher_suite = Some(hello.cipher_suites.iter().collect());
                message.server_name = hello.server_name.map(TextRef);
            }
            out.message(&message);
        }
    }

    /// Reads the message that `fragment` completes; returns it where it was in several.
    fn fragment(
        &mut self,
        fragment: &Fragment<'_>,
        cut: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Vec<u8>> {
        if fragment.kind == kind::HELLO_VERIFY_REQUEST {
            self.extra.has_cookie = true;
            return None;
        }
        let is_read =
            matches!(fragment.kind, kind::CLIENT_HELLO | kind::SERVER_HELLO | kind::CERTIFICATE);
        if !is_read {
            return None;
        }
        if self.is_established && fragment.kind == kind::CLIENT_HELLO && fragment.sequence == 0 {
            self.begin_again(out);
        }
        let bit = 1u64.checked_shl(fragment.sequence.into()).unwrap_or(0);
        if self.side(seg.dir).read & bit != 0 {
            return None;
        }
        if cut || fragment.data.len() == fragment.length {
            self.side(seg.dir).read |= bit;
            self.message(fragment.kind, fragment.data, !cut, seg, out);
            return None;
        }
        if fragment.length > MAX_MESSAGE {
            self.side(seg.dir).read |= bit;
            out.anomaly(Anomaly::HandshakeTooLong);
            return None;
        }
        match self.side(seg.dir).assembly.add(fragment) {
            Outcome::Waiting => None,
            Outcome::Refused => {
                out.anomaly(Anomaly::FragmentsInconsistent);
                None
            }
            Outcome::Whole(body) => {
                self.side(seg.dir).read |= bit;
                self.message(fragment.kind, &body, true, seg, out);
                Some(body)
            }
        }
    }

    /// A new handshake in clear on the same ports: its client has started anew.
    fn begin_again(&mut self, out: &mut Sink<'_>) {
        self.conclude(out);
        for side in &mut self.sides {
            side.assembly.clear();
            side.read = 0;
            side.has_finished = false;
            side.id_length = 0;
        }
        self.client = None;
        self.version = None;
        self.is_established = false;
    }

    fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        whole: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        match kind {
            kind::CLIENT_HELLO => self.client_hello(body, whole, seg, out),
            kind::SERVER_HELLO => self.server_hello(body, whole, seg, out),
            _ if whole => self.certificate(body, seg, out),
            _ => {}
        }
    }

    fn transcript(&mut self, time: u64, out: &Sink<'_>) -> Option<&mut Transcript> {
        if !out.wants_transactions() || self.is_established {
            return None;
        }
        // The fields of DTLS have other places than those of TLS; and handshakes are rare.
        let new = || Box::new(Transcript::new(time, Carried::Datagram, FieldSet::ALL));
        Some(self.transcript.get_or_insert_with(new))
    }

    fn client_hello(&mut self, body: &[u8], whole: bool, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(hello) = ClientHello::parse(body, Form::Datagram, whole) else {
            if whole {
                out.anomaly(Anomaly::MalformedClientHello);
            }
            return;
        };
        if self.client.is_some_and(|client| client != seg.dir) {
            out.anomaly(Anomaly::UnexpectedHello);
            return;
        }
        if hello.has_bad_extension {
            out.anomaly(Anomaly::MalformedExtension);
        }
        self.client = Some(seg.dir);
        if let Some(name) = hello.server_name {
            self.is_named = true;
            self.is_told = out.server_name(NameSource::Sni, name);
        }
        self.want_ids(hello.extensions.find(code::CONNECTION_ID), seg.dir);
        if let Some(transcript) = self.transcript(seg.time, out) {
            transcript.client_hello(&hello);
            let list = hello.extensions.find(code::USE_SRTP).unwrap_or_default();
            let profiles = Cursor::new(list).prefixed_u16().unwrap_or_default();
            let profiles = handshake::Numbers(profiles).iter().take(MAX_PROFILES);
            self.extra.offered_profiles = profiles.map(profile_text).collect();
        }
    }

    /// Whoever says hello with a connection id wants it in what the other end sends.
    fn want_ids(&mut self, extension: Option<&[u8]>, dir: Direction) {
        let id = extension.and_then(|data| Cursor::new(data).prefixed_u8());
        self.side(dir.reverse()).id_length = id.map_or(0, <[u8]>::len);
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
            self.extra.has_cookie = true;
            return;
        }
        let version = hello.negotiated_version();
        self.version = Some(version);
        if let Some(proto) = hello.alpn.and_then(names::alpn_protocol) {
            out.inside(proto);
        }
        if let Some(name) = hello.alpn {
            out.clue(Clue::Alpn(name));
        }
        let ids = hello.extensions.find(code::CONNECTION_ID);
        // In DTLS 1.3 it counts as well; without an answer, the client's wish is void.
        self.extra.has_connection_id = ids.is_some();
        if ids.is_none() {
            self.side(seg.dir).id_length = 0;
        }
        self.want_ids(ids, seg.dir);
        let list = hello.extensions.find(code::USE_SRTP).unwrap_or_default();
        let profile = Cursor::new(list).prefixed_u16().unwrap_or_default();
        self.extra.profile = handshake::Numbers(profile).iter().next().map(profile_text);
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
        if !is_client
            && !self.is_named
            && let Some(name) = read.host_name()
        {
            self.is_named = true;
            self.is_told = out.server_name(NameSource::Certificate, name);
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
