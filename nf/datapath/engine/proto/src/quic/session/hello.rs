//! The hellos in an Initial's CRYPTO frames, and what each tells.

use nf_fields::Text;

use super::super::stream::CryptoStream;
use super::super::{Anomaly, parameters, version};
use super::Quic;
use crate::gquic::message::Message;
use crate::tls::fingerprint::{self, Carried};
use crate::tls::handshake::{self, ClientHello, Form, ServerHello, kind};
use crate::tls::names::only_protocol;
use crate::tls::{alpn_texts, cipher_text};
use crate::{Clue, NameSource, Segment, Sink};

/// Longest text kept.
const MAX_TEXT: usize = 255;
/// Longest JA3 kept in full.
const MAX_JA3: usize = 4096;

impl Quic {
    /// Takes a CRYPTO frame.
    pub(super) fn crypto(
        &mut self,
        version: u32,
        offset: u64,
        data: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let side = self.side(seg.dir);
        if side.has_hello {
            return;
        }
        // The usual hello is whole in one frame and is read where it lies.
        let is_fresh = offset == 0 && side.crypto.contiguous().is_empty();
        if is_fresh
            && let Some(length) = message_length(version, data)
            && self.hello(version, data.get(..length).unwrap_or(data), seg, out)
        {
            self.side(seg.dir).has_hello = true;
            return;
        }
        let side = self.side(seg.dir);
        if side.crypto.add(offset, data).is_err() {
            out.anomaly(Anomaly::HandshakeTooLong);
            side.has_hello = true;
            side.crypto = CryptoStream::default();
            self.is_settled = true;
            return;
        }
        let stream = std::mem::take(&mut side.crypto);
        let mut at = side.retried;
        let mut has_hello = false;
        while !has_hello {
            let rest = stream.contiguous().get(at..).unwrap_or_default();
            let Some(length) = message_length(version, rest) else {
                break;
            };
            has_hello = self.hello(version, rest.get(..length).unwrap_or(rest), seg, out);
            at = at.saturating_add(length);
        }
        let side = self.side(seg.dir);
        side.has_hello = has_hello;
        side.retried = at;
        if !has_hello {
            side.crypto = stream;
        }
    }

    /// A handshake message is whole; returns whether it was the direction's hello.
    fn hello(
        &mut self,
        version: u32,
        message: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let is_client = self.client == Some(seg.dir);
        self.is_settled |= is_client;
        if version::has_google_handshake(version) {
            if is_client {
                self.google_hello(message, seg, out);
            }
            return true;
        }
        let header = handshake::Header::read(message);
        let body = message.get(handshake::HEADER_LEN..).unwrap_or_default();
        match header.map(|h| h.kind) {
            Some(kind::CLIENT_HELLO) if is_client => self.client_hello(version, body, seg, out),
            Some(kind::SERVER_HELLO) if !is_client => return self.server_hello(body, seg, out),
            _ => out.anomaly(Anomaly::MalformedHello),
        }
        true
    }

    fn client_hello(&mut self, version: u32, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(hello) = ClientHello::parse(body, Form::Stream, true) else {
            out.anomaly(Anomaly::MalformedHello);
            return;
        };
        if hello.has_bad_extension {
            out.anomaly(Anomaly::MalformedExtension);
        }
        if let Some(name) = hello.server_name {
            out.server_name(NameSource::Sni, name);
        }
        if let Some(proto) = only_protocol(hello.alpn) {
            out.inside(proto);
        }
        // What is agreed on is encrypted; who offers one thing gets it.
        let mut offered = hello.alpn.iter();
        if let (Some(only), None) = (offered.next(), offered.next()) {
            out.clue(Clue::Alpn(only));
        }
        let Some(record) = self.record(seg.time, out) else {
            return;
        };
        let ja3 = fingerprint::ja3(&hello);
        record.server_name = hello.server_name.map(|n| Text::bounded(n, MAX_TEXT));
        record.client_alpns = alpn_texts(&hello);
        record.alpn = match record.client_alpns.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        record.ech = hello.has_ech;
        record.ja3 = Some(fingerprint::md5_hex(&ja3).into());
        record.ja3_full = Some(Text::bounded(ja3.as_bytes(), MAX_JA3));
        record.ja4 = Some(fingerprint::ja4(&hello, Carried::Quic).into());
        let agent = hello.quic_parameters.and_then(|parameters| {
            if version::has_early_parameters(version) {
                parameters::early_user_agent(parameters)
            } else {
                parameters::user_agent(parameters)
            }
        });
        record.user_agent = agent.map(|a| Text::bounded(a, MAX_TEXT));
    }

    /// Returns false for a HelloRetryRequest: the hello is still to come.
    fn server_hello(&mut self, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> bool {
        let Some(hello) = ServerHello::parse(body, true) else {
            out.anomaly(Anomaly::MalformedHello);
            return true;
        };
        if hello.has_bad_extension {
            out.anomaly(Anomaly::MalformedExtension);
        }
        if hello.is_retry {
            return false;
        }
        if let Some(record) = self.record(seg.time, out) {
            record.cipher = Some(cipher_text(hello.cipher_suite));
            record.resumed = hello.has_psk;
            record.ja3s = Some(fingerprint::md5_hex(&fingerprint::ja3s(&hello)).into());
        }
        true
    }

    fn google_hello(&mut self, message: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Some(hello) = Message::parse(message) else {
            out.anomaly(Anomaly::MalformedHello);
            return;
        };
        if let Some(name) = hello.server_name() {
            out.server_name(NameSource::Sni, name);
        }
        if let Some(record) = self.record(seg.time, out) {
            record.server_name = hello.server_name().map(|n| Text::bounded(n, MAX_TEXT));
            record.user_agent = hello.user_agent().map(|a| Text::bounded(a, MAX_TEXT));
        }
    }
}

/// Octets of the handshake message at the front of `data`, if all of them are there.
fn message_length(version: u32, data: &[u8]) -> Option<usize> {
    if version::has_google_handshake(version) {
        return Message::parse(data).map(|m| m.total);
    }
    let total = handshake::Header::read(data)?.total();
    (data.len() >= total).then_some(total)
}
