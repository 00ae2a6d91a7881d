//! What is reported: messages, and exchanges of a request and its response.

use nf_fields::{BinaryRef, Fields, Text, TextRef, Timestamp};

use super::message::{self, Control, Message, Private, Time};
use super::time::span_us;

/// Most octets kept of a control message's data.
pub const MAX_DATA: usize = 1024;

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct NtpMessage<'a> {
    /// Version.
    pub version: u8,
    /// Mode: 1 and 2 symmetric, 3 client, 4 server, 5 broadcast, 6 control, 7 private.
    pub mode: u8,
    /// 0 none, 1 a second more, 2 a second less, 3 not synchronised.
    pub leap: Option<u8>,
    /// Distance from a reference clock.
    pub stratum: Option<u8>,
    /// Seconds between messages, as a power of two.
    pub poll: Option<i64>,
    /// Seconds a clock tells apart, as a power of two.
    pub precision: Option<i64>,
    /// Round trip to the reference clock.
    pub root_delay_us: Option<u64>,
    /// Error against the reference clock.
    pub root_dispersion_us: Option<u64>,
    /// Which reference: its name, or an address.
    pub reference_id: Option<Text>,
    /// When the clock was last set.
    pub reference_time: Option<Timestamp>,
    /// When the request left, by the client.
    pub origin_time: Option<Timestamp>,
    /// When the request came, by the server.
    pub receive_time: Option<Timestamp>,
    /// When this message left.
    pub transmit_time: Option<Timestamp>,
    /// Types of the extension fields.
    pub extensions: Option<Vec<u16>>,
    /// Key of the authenticator.
    pub key_id: Option<u32>,
    /// The authenticator.
    pub digest: Option<BinaryRef<'a>>,
    /// Control and private: whether it answers.
    pub response: Option<bool>,
    /// Control: operation.
    pub opcode: Option<u8>,
    /// Control and private: ties the parts of an answer together.
    pub sequence: Option<u16>,
    /// Control: state of the system or a peer.
    pub status: Option<u16>,
    /// Control: which peer.
    pub association: Option<u16>,
    /// Control: data.
    pub data: Option<TextRef<'a>>,
    /// Private: whose codes are used.
    pub implementation: Option<u8>,
    /// Private: what is asked.
    pub request_code: Option<u8>,
    /// Private: items that follow.
    pub items: Option<u16>,
    /// Private: octets of an item.
    pub item_size: Option<u16>,
}

/// A request and its response; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct NtpTransaction {
    /// Version of the response, or of the request where there is none.
    pub version: u8,
    /// Mode of the request: client, symmetric_active, symmetric_passive, control, private; server
    /// or broadcast where there was none.
    pub mode: Text,
    /// 0 none, 1 a second more, 2 a second less, 3 not synchronised.
    pub leap: Option<u8>,
    /// Distance of the server from a reference clock.
    pub stratum: Option<u8>,
    /// Seconds between messages, as a power of two.
    pub poll: Option<i64>,
    /// Seconds the server's clock tells apart, as a power of two.
    pub precision: Option<i64>,
    /// Round trip from the server to the reference clock.
    pub root_delay_us: Option<u64>,
    /// Error of the server against the reference clock.
    pub root_dispersion_us: Option<u64>,
    /// Reference of the server: its name, or an address.
    pub reference_id: Option<Text>,
    /// When the server's clock was last set.
    pub reference_time: Option<Timestamp>,
    /// When the request came, by the server.
    pub receive_time: Option<Timestamp>,
    /// When the response left, by the server.
    pub transmit_time: Option<Timestamp>,
    /// Code of a kiss-o'-death.
    pub kod: Option<Text>,
    /// Server's clock minus the capture's: the middle of what the server's two times and the
    /// capture times of request and response allow. Off by half the round trip at most.
    pub offset_us: Option<i64>,
    /// Time from request to response.
    pub response_us: Option<u64>,
    /// Time from request to response within the server, by its own clock.
    pub processing_us: Option<u64>,
    /// Key of the response's authenticator (of the request's where there is no response).
    pub key_id: Option<u32>,
    /// Types of the extension fields of both.
    pub extensions: Option<Vec<u16>>,
    /// Control and private: what is asked.
    pub operation: Option<Text>,
    /// Control: which peer.
    pub association: Option<u16>,
    /// Control: state of the system or the peer, by the response.
    pub status: Option<u16>,
    /// Control and private: code of a refusal.
    pub error: Option<u8>,
    /// Control: data of the response; of the request where there is none.
    pub data: Option<Text>,
    /// Private: items of the response.
    pub items: Option<u32>,
    /// Control and private: messages of the response.
    pub response_messages: Option<u32>,
    /// Octets of the request.
    pub request_length: Option<u32>,
    /// Octets of the response, of all its messages.
    pub response_length: Option<u64>,
}

fn text(octets: &[u8]) -> Option<Text> {
    (!octets.is_empty()).then(|| Text::bounded(octets, MAX_DATA))
}

fn reference(m: &Time<'_>) -> Option<Text> {
    let words = m.reference_words();
    (!words.is_empty()).then(|| Text::from(words))
}

/// The message for who listens to messages; `now` tells the era of its times.
pub fn message<'a>(message: &Message<'a>, now: u64) -> NtpMessage<'a> {
    match message {
        Message::Time(m) => time_message(m, now),
        Message::Control(m) => NtpMessage {
            version: m.version,
            mode: 6,
            response: Some(m.response),
            opcode: Some(m.opcode),
            sequence: Some(m.sequence),
            status: Some(m.status),
            association: Some(m.association),
            data: (!m.data.is_empty()).then_some(TextRef(m.data)),
            ..NtpMessage::default()
        },
        Message::Private(m) => NtpMessage {
            version: m.version,
            mode: 7,
            response: Some(m.response),
            sequence: Some(m.sequence.into()),
            implementation: Some(m.implementation),
            request_code: Some(m.request_code),
            items: Some(m.items),
            item_size: Some(m.item_size),
            ..NtpMessage::default()
        },
    }
}

fn time_message<'a>(m: &Time<'a>, now: u64) -> NtpMessage<'a> {
    NtpMessage {
        version: m.version,
        mode: m.mode,
        leap: Some(m.leap),
        stratum: Some(m.stratum),
        poll: Some(m.poll.into()),
        precision: Some(m.precision.into()),
        root_delay_us: Some(span_us(m.root_delay)),
        root_dispersion_us: Some(span_us(m.root_dispersion)),
        reference_id: reference(m),
        reference_time: m.reference.unix(now).map(Timestamp),
        origin_time: m.origin.unix(now).map(Timestamp),
        receive_time: m.receive.unix(now).map(Timestamp),
        transmit_time: m.transmit.unix(now).map(Timestamp),
        extensions: (!m.extensions.is_empty()).then(|| m.extensions.clone()),
        key_id: m.key,
        digest: (!m.digest.is_empty()).then_some(BinaryRef(m.digest)),
        ..NtpMessage::default()
    }
}

impl NtpTransaction {
    /// Begins with a request.
    pub fn asked(message: &Message<'_>, length: usize) -> Self {
        let mut record = Self { request_length: u32::try_from(length).ok(), ..Self::default() };
        match message {
            Message::Time(m) => {
                record.version = m.version;
                record.mode = Text::from(message::mode_word(m.mode));
                record.key_id = m.key;
                record.extensions = (!m.extensions.is_empty()).then(|| m.extensions.clone());
            }
            Message::Control(m) => {
                record.control(m);
                record.data = text(m.data);
            }
            Message::Private(m) => record.private(m),
        }
        record
    }

    /// Begins with a message that answers nothing that was seen, or is told to everybody.
    pub fn told(message: &Message<'_>) -> Self {
        let mut record = Self::asked(message, 0);
        record.request_length = None;
        record
    }

    fn control(&mut self, m: &Control<'_>) {
        self.version = m.version;
        self.mode = Text::from("control");
        self.association = Some(m.association);
        self.operation = Some(match message::opcode_word(m.opcode) {
            Some(word) => Text::from(word),
            None => Text::from(format!("opcode_{}", m.opcode)),
        });
    }

    fn private(&mut self, m: &Private) {
        self.version = m.version;
        self.mode = Text::from("private");
        self.operation = Some(match message::request_word(m.implementation, m.request_code) {
            Some(word) => Text::from(word),
            None => Text::from(format!("request_{}", m.request_code)),
        });
    }

    /// Adds what the server says of time; `asked` and `now` are capture times of both messages.
    pub fn served(&mut self, m: &Time<'_>, asked: Option<u64>, now: u64) {
        self.version = m.version;
        self.leap = Some(m.leap);
        self.stratum = Some(m.stratum);
        self.poll = Some(m.poll.into());
        self.precision = Some(m.precision.into());
        self.root_delay_us = Some(span_us(m.root_delay));
        self.root_dispersion_us = Some(span_us(m.root_dispersion));
        self.reference_id = reference(m);
        self.reference_time = m.reference.unix(now).map(Timestamp);
        self.receive_time = m.receive.unix(now).map(Timestamp);
        self.transmit_time = m.transmit.unix(now).map(Timestamp);
        self.key_id = m.key.or(self.key_id);
        if !m.extensions.is_empty() {
            self.extensions.get_or_insert_default().extend_from_slice(&m.extensions);
        }
        // A server of stratum 0 answers to say why it will not (RFC 5905 §7.4).
        let kiss = m.stratum == 0 && m.mode == message::SERVER;
        self.kod = kiss.then(|| self.reference_id.clone()).flatten();
        let Some(asked) = asked else { return };
        self.response_us = Some(now.saturating_sub(asked) / 1000);
        if let (Some(came), Some(left)) = (m.receive.after(asked), m.transmit.after(now)) {
            let middle = i128::from(came).wrapping_add(left.into()) / 2000;
            self.offset_us = i64::try_from(middle).ok();
        }
        if let (Some(came), Some(left)) = (self.receive_time, self.transmit_time) {
            self.processing_us = left.0.checked_sub(came.0).map(|ns| ns / 1000);
        }
    }

    /// Adds one message of a monitor's answer.
    pub fn controlled(&mut self, m: &Control<'_>) {
        if self.response_messages.is_none() {
            self.data = None;
        }
        self.status = Some(m.status);
        if m.error {
            let [code, _] = m.status.to_be_bytes();
            self.error = Some(code);
        }
        let mut data = self.data.take().unwrap_or_default().as_bytes().to_vec();
        data.extend_from_slice(m.data);
        self.data = text(&data);
        self.response_messages = Some(self.response_messages.unwrap_or(0).saturating_add(1));
    }

    /// Adds one message of a private answer.
    pub fn answered_privately(&mut self, m: &Private) {
        if m.error != 0 {
            self.error = Some(m.error);
        }
        self.items = Some(self.items.unwrap_or(0).saturating_add(m.items.into()));
        self.response_messages = Some(self.response_messages.unwrap_or(0).saturating_add(1));
    }
}
