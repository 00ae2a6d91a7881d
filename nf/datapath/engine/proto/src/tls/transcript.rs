//! The transaction in the making: kept only while somebody wants it.

use nf_fields::{FieldSet, Text};

use super::TlsTransaction;
use super::certificate::Certificate;
use super::cipher::cipher_name;
use super::fingerprint::{self, Carried};
use super::handshake::{ClientHello, ServerHello, is_tls13};
use super::names::{alert_name, version_name};
use super::record::{Ssl2ClientHello, Ssl2ServerHello};
use crate::Sink;

/// Longest server or application protocol name kept.
const MAX_TEXT: usize = 255;
/// Most application protocols kept.
const MAX_ALPNS: usize = 32;
/// Most alerts kept.
const MAX_ALERTS: usize = 16;
/// Longest JA3 kept in full.
const MAX_JA3: usize = 4096;
/// Most offered cipher suites remembered to compare the server's choice with.
const MAX_OFFERED: usize = 512;

/// What a handshake has told so far.
pub(crate) struct Transcript {
    start: u64,
    carried: Carried,
    record: TlsTransaction,
    session_id: Vec<u8>,
    offered: Option<Vec<u16>>,
    has_hello: bool,
    /// Fields that somebody reads.
    wanted: FieldSet,
}

/// A cipher suite's name, or its number.
pub fn cipher_text(code: u16) -> Text {
    match cipher_name(code) {
        Some(name) => name.into(),
        None => format!("0x{code:04x}").into(),
    }
}

/// The offered application protocols, bounded.
pub fn alpn_texts(hello: &ClientHello<'_>) -> Vec<Text> {
    let names = hello.alpn.iter().take(MAX_ALPNS);
    names.map(|name| Text::bounded(name, MAX_TEXT)).collect()
}

impl Transcript {
    /// Begins at packet time `start`; fingerprints and names of certificates are made where they
    /// are `wanted`.
    pub fn new(start: u64, carried: Carried, wanted: FieldSet) -> Self {
        Self {
            start,
            carried,
            record: TlsTransaction::default(),
            session_id: Vec::new(),
            offered: None,
            has_hello: false,
            wanted,
        }
    }

    pub fn client_hello(&mut self, hello: &ClientHello<'_>) {
        let offered = hello.cipher_suites.iter();
        self.offered = (hello.cipher_suites.0.len() <= MAX_OFFERED.saturating_mul(2))
            .then(|| offered.collect());
        self.session_id = hello.session_id.to_vec();
        // A second hello answers a HelloRetryRequest: the fingerprint is that of the first.
        if std::mem::replace(&mut self.has_hello, true) {
            return;
        }
        let record = &mut self.record;
        record.server_name = hello.server_name.map(|n| Text::bounded(n, MAX_TEXT));
        record.client_alpns = alpn_texts(hello);
        record.client_version = Some(version_name(hello.best_version()));
        record.ech = hello.has_ech;
        if self.wanted.has_any(TlsTransaction::JA3 | TlsTransaction::JA3_FULL) {
            let ja3 = fingerprint::ja3(hello);
            record.ja3 = Some(fingerprint::md5_hex(&ja3).into());
            record.ja3_full = Some(Text::bounded(ja3.as_bytes(), MAX_JA3));
        }
        if self.wanted.has_any(TlsTransaction::JA4) {
            record.ja4 = Some(fingerprint::ja4(hello, self.carried).into());
        }
    }

    /// Returns whether the choice was among what was offered.
    pub fn server_hello(&mut self, hello: &ServerHello<'_>) -> bool {
        let version = hello.negotiated_version();
        let record = &mut self.record;
        record.version = Some(version_name(version));
        record.cipher = Some(cipher_text(hello.cipher_suite));
        record.alpn = hello.alpn.map(|n| Text::bounded(n, MAX_TEXT));
        if self.wanted.has_any(TlsTransaction::JA3S) {
            record.ja3s = Some(fingerprint::md5_hex(&fingerprint::ja3s(hello)).into());
        }
        record.resumed = if is_tls13(version) {
            hello.has_psk
        } else {
            !hello.session_id.is_empty() && hello.session_id == self.session_id
        };
        match &self.offered {
            Some(offered) => offered.contains(&hello.cipher_suite),
            None => true,
        }
    }

    /// Returns whether the certificate could be read.
    pub fn certificate(&mut self, read: &Certificate<'_>, count: usize, is_client: bool) -> bool {
        let record = &mut self.record;
        if is_client {
            record.client_subject = read.holder();
            return record.client_subject.is_some();
        }
        record.chain_length = u8::try_from(count).ok();
        read.describe(self.wanted, record)
    }

    pub fn ssl2_client(&mut self, hello: &Ssl2ClientHello) {
        self.record.client_version = Some(version_name(hello.version));
    }

    pub fn ssl2_server(&mut self, hello: &Ssl2ServerHello<'_>) {
        self.record.version = Some(version_name(2));
        self.record.resumed = hello.session_hit;
        if !hello.certificate.is_empty() {
            self.certificate(&Certificate::new(hello.certificate), 1, false);
        }
    }

    pub fn alert(&mut self, description: u8) {
        if self.record.alert.len() < MAX_ALERTS {
            self.record.alert.push(alert_name(description));
        }
    }

    pub fn establish(&mut self, time: u64) {
        self.record.established = true;
        if self.has_hello {
            self.record.handshake_us = Some(time.saturating_sub(self.start) / 1000);
        }
    }

    /// When the handshake began, and what it told.
    pub fn into_record(self) -> (u64, TlsTransaction) {
        (self.start, self.record)
    }

    pub fn report(self, out: &mut Sink<'_>) {
        out.transaction(self.start, self.record);
    }
}
