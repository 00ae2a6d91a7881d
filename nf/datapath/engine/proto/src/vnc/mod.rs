//! Remote Framebuffer, the protocol of VNC (RFC 6143, and VeNCrypt as its community documents it).
//! One transaction per session: versions, security, how the login went, the screen. What follows
//! the handshake is pictures and keys, which are not read; VeNCrypt's TLS is handed over.
//!
//! Bounds: 255 kinds of security, texts of 4 KiB of which 256 octets are kept. Challenges and their
//! responses are never kept.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
use message::{BANNER, SCREEN};

/// Ports of displays 0 to 3.
const PORTS: &[u16] = &[5900, 5901, 5902, 5903];
/// What VeNCrypt turns to.
const TLS: ProtoId = ProtoId(341);
/// Longest text a server may send.
const MAX_SENT: usize = 4096;
/// Octets of a text kept.
const MAX_TEXT: usize = 256;

crate::anomalies! {
    /// What can be wrong with VNC.
    pub enum Anomaly {
        /// Octets that are no version where one should be.
        VersionInvalid = "version_invalid",
        /// The server refuses to speak with this client.
        Refused = "refused",
        /// A login was refused.
        LoginFailed = "login_failed",
        /// A text longer than 4 KiB.
        TextTooLong = "text_too_long",
        /// The client chose what was not offered.
        SecurityNotOffered = "security_not_offered",
    }
}

/// A part of the handshake, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct VncMessage<'a> {
    /// version, security_types, security_type, security_result, shared or screen.
    pub kind: &'static str,
    /// It was sent by the server.
    pub from_server: bool,
    /// Version: `003.008`.
    pub version: Option<TextRef<'a>>,
    /// Kind of security chosen.
    pub security_type: Option<u8>,
    /// Result of the login: 0 is success.
    pub security_result: Option<u32>,
    /// Name of the desktop.
    pub desktop_name: Option<TextRef<'a>>,
}

/// The handshake of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct VncTransaction {
    /// Version the server names: `003.008`.
    pub server_version: Option<Text>,
    /// Version the client names.
    pub client_version: Option<Text>,
    /// Kinds of security the server offers.
    pub security_types: Option<Vec<u8>>,
    /// Kind of security taken.
    pub security_type: Option<u8>,
    /// Its name.
    pub authentication_method: Option<&'static str>,
    /// Kind of VeNCrypt taken.
    pub security_subtype: Option<&'static str>,
    /// The login was accepted; absent where it is encrypted or did not end.
    pub auth_success: Option<bool>,
    /// Why the server refuses.
    pub failure_reason: Option<Text>,
    /// Other clients may stay.
    pub share_flag: Option<bool>,
    /// Name of the desktop.
    pub desktop_name: Option<Text>,
    /// Width of the screen.
    pub width: Option<u16>,
    /// Height of the screen.
    pub height: Option<u16>,
    /// Bits of a pixel.
    pub bits_per_pixel: Option<u8>,
    /// Bits of a pixel that count.
    pub depth: Option<u8>,
    /// Time from the first octet to the end of the handshake.
    pub duration_us: Option<u64>,
}

/// What comes next, and from whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    ServerVersion,
    ClientVersion,
    Offer,
    OldOffer,
    Choice,
    Challenge,
    Response,
    Result,
    Reason,
    ClientInit,
    ServerInit,
    /// VeNCrypt: versions of both, the server's answer, the offer, the choice, the answer.
    EncryptVersion,
    EncryptAnswer,
    EncryptOffer,
    EncryptChoice,
    EncryptGo,
    Done,
}

impl Stage {
    fn is_servers(self) -> bool {
        !matches!(
            self,
            Stage::ClientVersion
                | Stage::Choice
                | Stage::Response
                | Stage::ClientInit
                | Stage::EncryptAnswer
                | Stage::EncryptChoice
        )
    }
}

/// The state of one session.
#[derive(Default)]
pub struct Vnc {
    stage: Stage,
    server: Option<Direction>,
    minor: u16,
    start: u64,
    latest: u64,
    record: VncTransaction,
}

/// What became of the octets at hand.
enum Took {
    Octets(usize),
    Need(usize),
    Over,
    Tls(usize),
}

impl Protocol for Vnc {
    const INFO: Info = Info {
        name: "vnc",
        id: ProtoId(388),
        aliases: &["rfb"],
        title: "Remote Framebuffer, the protocol of VNC",
        spec: "RFC 6143",
        over: &[tcp(PORTS)],
        patterns: &[Pattern::start(b"RFB ")],
        weight: 30,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_SENT,
        message: VncMessage::fields,
        transaction: VncTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match message::banner(seg.data) {
            Some((3..=5, _)) => Probe::Certain,
            None if message::may_be_banner(seg.data) => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if self.server.is_none() {
            // The server speaks first.
            self.server = Some(seg.dir);
            self.start = seg.time;
        }
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            let theirs = self.server == Some(seg.dir);
            if data.is_empty() || theirs != self.stage.is_servers() {
                return Step::used(used);
            }
            self.latest = seg.time;
            match self.advance(data, theirs, out) {
                Took::Octets(n) => used = used.saturating_add(n),
                Took::Need(n) => return Step::need(used, n),
                Took::Over => {
                    return Step::done();
                }
                Took::Tls(n) => return Step::handover(used.saturating_add(n), Some(TLS)),
            }
        }
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        // The handshake has no marks by which to find its place again.
        Gap::GiveUp
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        let mut record = std::mem::take(&mut self.record);
        record.duration_us = Some(self.latest.saturating_sub(self.start) / 1000);
        out.transaction(self.start, record);
    }
}

impl Vnc {
    fn tell(&self, kind: &'static str, told: VncMessage<'_>, out: &mut Sink<'_>) {
        out.message(&VncMessage { kind, from_server: self.stage.is_servers(), ..told });
    }

    /// One part of the handshake off the front; `data` is not empty.
    fn advance(&mut self, data: &[u8], server: bool, out: &mut Sink<'_>) -> Took {
        let first = data.first().copied().unwrap_or(0);
        match self.stage {
            Stage::ServerVersion | Stage::ClientVersion => self.version(data, server, out),
            Stage::Offer => self.offer(data, out),
            Stage::OldOffer => {
                let Some(&number) = data.first_chunk::<4>() else {
                    return Took::Need(4);
                };
                // Of four octets only the last says anything.
                let number = u8::try_from(u32::from_be_bytes(number)).unwrap_or(0);
                self.record.security_types = Some(vec![number]);
                self.choose(number, out);
                Took::Octets(4)
            }
            Stage::Choice => {
                if self.record.security_types.as_ref().is_some_and(|t| !t.contains(&first)) {
                    out.anomaly(Anomaly::SecurityNotOffered);
                }
                self.choose(first, out);
                Took::Octets(1)
            }
            Stage::Challenge | Stage::Response => {
                if data.len() < 16 {
                    return Took::Need(16);
                }
                self.stage =
                    if self.stage == Stage::Challenge { Stage::Response } else { Stage::Result };
                Took::Octets(16)
            }
            Stage::Result => self.result(data, out),
            Stage::Reason => {
                let Some((&length, text)) = data.split_first_chunk::<4>() else {
                    return Took::Need(4);
                };
                let length = u32::from_be_bytes(length) as usize;
                if length > MAX_SENT {
                    out.anomaly(Anomaly::TextTooLong);
                    return self.over(out);
                }
                let Some(text) = text.get(..length) else {
                    return Took::Need(length.saturating_add(4));
                };
                self.record.failure_reason = Some(Text::bounded(text, MAX_TEXT));
                self.over(out)
            }
            Stage::ClientInit => {
                self.record.share_flag = Some(first != 0);
                self.tell("shared", VncMessage::default(), out);
                self.stage = Stage::ServerInit;
                Took::Octets(1)
            }
            Stage::ServerInit => self.screen(data, out),
            Stage::Done => self.over(out),
            _ => self.encrypt(data, first, out),
        }
    }

    fn version(&mut self, data: &[u8], server: bool, out: &mut Sink<'_>) -> Took {
        if data.len() < BANNER {
            return Took::Need(BANNER);
        }
        let Some((major, minor)) = message::banner(data) else {
            out.anomaly(Anomaly::VersionInvalid);
            return self.over(out);
        };
        let text = data.get(4..11).unwrap_or_default();
        self.tell(
            "version",
            VncMessage { version: Some(TextRef(text)), ..VncMessage::default() },
            out,
        );
        if server {
            self.record.server_version = Some(Text::from(text));
            self.stage = Stage::ClientVersion;
            self.minor = minor;
        } else {
            self.record.client_version = Some(Text::from(text));
            // The older of both is spoken; versions that were never published count as 3.3.
            let spoken = if major == 3 { minor.min(self.minor) } else { self.minor };
            self.minor = match spoken {
                7 => 7,
                8.. => 8,
                _ => 3,
            };
            self.stage = if self.minor == 3 { Stage::OldOffer } else { Stage::Offer };
        }
        Took::Octets(BANNER)
    }

    fn offer(&mut self, data: &[u8], out: &mut Sink<'_>) -> Took {
        let Some((&count, rest)) = data.split_first() else {
            return Took::Need(1);
        };
        if count == 0 {
            out.anomaly(Anomaly::Refused);
            self.record.auth_success = Some(false);
            self.stage = Stage::Reason;
            return Took::Octets(1);
        }
        let Some(kinds) = rest.get(..usize::from(count)) else {
            return Took::Need(usize::from(count).saturating_add(1));
        };
        self.record.security_types = Some(kinds.to_vec());
        self.tell("security_types", VncMessage::default(), out);
        self.stage = Stage::Choice;
        Took::Octets(kinds.len().saturating_add(1))
    }

    fn choose(&mut self, number: u8, out: &mut Sink<'_>) {
        self.record.security_type = Some(number);
        self.record.authentication_method = Some(message::security_name(number));
        let told = VncMessage { security_type: Some(number), ..VncMessage::default() };
        self.tell("security_type", told, out);
        // VeNCrypt may still lead to TLS.
        if number != 19 {
            out.settled();
        }
        self.stage = match number {
            0 => {
                out.anomaly(Anomaly::Refused);
                self.record.auth_success = Some(false);
                Stage::Reason
            }
            1 if self.minor < 8 => Stage::ClientInit,
            1 => Stage::Result,
            2 => Stage::Challenge,
            19 => Stage::EncryptVersion,
            _ => Stage::Done,
        };
    }

    fn result(&mut self, data: &[u8], out: &mut Sink<'_>) -> Took {
        let Some(&number) = data.first_chunk::<4>() else {
            return Took::Need(4);
        };
        let number = u32::from_be_bytes(number);
        self.record.auth_success = Some(number == 0);
        let told = VncMessage { security_result: Some(number), ..VncMessage::default() };
        self.tell("security_result", told, out);
        if number == 0 {
            self.stage = Stage::ClientInit;
        } else {
            out.anomaly(Anomaly::LoginFailed);
            if self.minor < 8 {
                return self.over(out);
            }
            self.stage = Stage::Reason;
        }
        Took::Octets(4)
    }

    fn screen(&mut self, data: &[u8], out: &mut Sink<'_>) -> Took {
        let Some(screen) = message::screen(data) else {
            return Took::Need(SCREEN);
        };
        if screen.name_length > MAX_SENT {
            out.anomaly(Anomaly::TextTooLong);
            return self.over(out);
        }
        let whole = screen.name_length.saturating_add(SCREEN);
        let Some(name) = data.get(SCREEN..whole) else {
            return Took::Need(whole);
        };
        let record = &mut self.record;
        (record.width, record.height) = (Some(screen.width), Some(screen.height));
        record.bits_per_pixel = Some(screen.bits_per_pixel);
        record.depth = Some(screen.depth);
        record.desktop_name = Some(Text::bounded(name, MAX_TEXT));
        let told = VncMessage { desktop_name: Some(TextRef(name)), ..VncMessage::default() };
        self.tell("screen", told, out);
        self.over(out)
    }

    /// The parts of VeNCrypt before its TLS.
    fn encrypt(&mut self, data: &[u8], first: u8, out: &mut Sink<'_>) -> Took {
        match self.stage {
            Stage::EncryptVersion if data.len() < 2 => Took::Need(2),
            Stage::EncryptVersion => {
                self.stage = Stage::EncryptAnswer;
                Took::Octets(2)
            }
            Stage::EncryptAnswer if data.len() < 2 => Took::Need(2),
            Stage::EncryptAnswer => {
                self.stage = Stage::EncryptOffer;
                Took::Octets(2)
            }
            Stage::EncryptOffer => {
                let Some(&[answer, count]) = data.first_chunk::<2>() else {
                    return Took::Need(2);
                };
                let whole = usize::from(count).saturating_mul(4).saturating_add(2);
                if answer != 0 {
                    return self.over(out);
                }
                if data.len() < whole {
                    return Took::Need(whole);
                }
                self.stage = Stage::EncryptChoice;
                Took::Octets(whole)
            }
            Stage::EncryptChoice => {
                let Some(&number) = data.first_chunk::<4>() else {
                    return Took::Need(4);
                };
                let number = u32::from_be_bytes(number);
                self.record.security_subtype = Some(message::subtype_name(number));
                // All others begin with TLS.
                if number == 256 {
                    return self.over(out);
                }
                self.stage = Stage::EncryptGo;
                Took::Octets(4)
            }
            _ if first == 1 => {
                self.stage = Stage::Done;
                Took::Tls(1)
            }
            _ => self.over(out),
        }
    }

    fn over(&mut self, out: &mut Sink<'_>) -> Took {
        self.stage = Stage::Done;
        out.settled();
        Took::Over
    }
}
