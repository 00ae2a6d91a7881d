//! The Extensible Authentication Protocol on a link (RFC 3748): requests with their responses, then
//! the verdict. What methods exchange is not taken apart.

use nf_fields::Text;

use super::message::{Packet, protocol};
use super::{MAX_TEXT, Ppp, PppAnomaly, PppTransaction, said};
use crate::{Cursor, Segment, Sink};

/// Types (IANA) with a meaning of their own: who are you, and a request's refusal.
const IDENTITY: u8 = 1;
const NAK: u8 = 3;

fn type_word(kind: u8) -> &'static str {
    match kind {
        IDENTITY => "identity",
        2 => "notification",
        NAK => "nak",
        4 => "md5_challenge",
        5 => "otp",
        6 => "gtc",
        13 => "tls",
        17 => "leap",
        18 => "sim",
        21 => "ttls",
        23 => "aka",
        25 => "peap",
        26 => "mschapv2",
        43 => "fast",
        47 => "psk",
        50 => "aka_prime",
        52 => "pwd",
        55 => "teap",
        254 => "expanded",
        _ => "other",
    }
}

impl Ppp {
    /// RFC 3748 §4.
    pub(super) fn eap(
        &mut self,
        packet: &Packet<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let number = protocol::EAP;
        let mut c = Cursor::new(packet.data);
        match packet.code {
            1 => {
                let kind = c.u8()?;
                let record = PppTransaction {
                    protocol: "eap",
                    request: Some("request"),
                    eap_type: Some(type_word(kind)),
                    ..PppTransaction::default()
                };
                self.ask(number, record, packet, seg, out);
            }
            2 => {
                let kind = c.u8()?;
                let mut wanted = None;
                match kind {
                    IDENTITY => self.identity = said(c.rest()),
                    NAK => wanted = c.u8().map(type_word),
                    _ => {}
                }
                let user_name = self.identity.as_ref().map(bounded);
                let word = if kind == NAK { "nak" } else { "response" };
                self.answer(number, word, packet, seg, out, |record| {
                    record.eap_wanted = wanted;
                    record.user_name = user_name;
                });
            }
            3 | 4 => {
                if packet.code == 4 {
                    out.anomaly(PppAnomaly::LoginFailed);
                }
                let word = if packet.code == 3 { "success" } else { "failure" };
                let record = PppTransaction {
                    protocol: "eap",
                    response: Some(word),
                    identifier: packet.identifier,
                    user_name: self.identity.as_ref().map(bounded),
                    ..PppTransaction::default()
                };
                out.transaction(seg.time, record);
            }
            _ => return None,
        }
        Some(())
    }
}

fn bounded(name: &Text) -> Text {
    Text::bounded(name.as_bytes(), MAX_TEXT)
}
