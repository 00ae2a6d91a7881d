//! What the ends of a Point-to-Point link agree on: LCP (RFC 1661), PAP (RFC 1334), CHAP (RFC 1994)
//! with Microsoft's versions (RFC 2759), EAP (RFC 3748), IPCP (RFC 1332, RFC 1877), IPV6CP (RFC 5072)
//! and CCP (RFC 1962, RFC 3078).
//!
//! One transaction per request and its answer; of CHAP, from challenge to verdict; EAP's verdict is
//! one by itself. Echoes are none.
//! It has no session of its own: frames come on a serial line, or inside PPPoE, L2TP and GRE.
//!
//! Bounds: 16 unanswered requests per link, 255 octets of a text.

mod eap;
mod message;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use nf_fields::{Fields, ProtoId, Text};
use nf_wire::{id, ppp};

use crate::waiting::Waiting;
use crate::{Direction, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, anomalies, within};
use message::{Packet, code, protocol};

/// Most unanswered requests of a link.
const MAX_PENDING: usize = 16;
const MAX_TEXT: usize = 255;
const OVER: &[Over] = &[within("pppoe"), within("l2tp"), within("gre")];
pub(crate) const ID: ProtoId = id::PPP;

anomalies! {
    /// What can be wrong with it.
    pub enum PppAnomaly {
        /// A packet or an option that does not fit.
        MalformedPacket = "malformed_packet",
        /// A password is sent in clear (PAP).
        ClearPassword = "clear_password",
        /// A login is refused.
        LoginFailed = "login_failed",
        /// More unanswered requests than are kept; the oldest is given up.
        TooManyPending = "too_many_pending",
    }
}

/// A request and its answer.
#[derive(Debug, Default, Fields)]
pub struct PppTransaction {
    /// Protocol that speaks: lcp, pap, chap, eap, ipcp, ipv6cp or ccp.
    pub protocol: &'static str,
    /// What is asked: configure, terminate, authenticate, challenge, request…
    pub request: Option<&'static str>,
    /// What is answered: ack, nak, reject, response, success, failure.
    pub response: Option<&'static str>,
    /// Number that ties both together.
    pub identifier: u8,
    /// LCP: largest packet that the asker takes.
    pub mru: Option<u16>,
    /// LCP: how the asker wants the other to prove itself: pap, chap_md5, mschap, mschapv2, eap.
    pub auth_protocol: Option<&'static str>,
    /// LCP: number that tells a loop.
    pub magic_number: Option<u32>,
    /// EAP: what a request is of: identity, md5_challenge, tls, peap, mschapv2…
    pub eap_type: Option<&'static str>,
    /// EAP: what the other end would rather have, where it refuses.
    pub eap_wanted: Option<&'static str>,
    /// PAP, CHAP, EAP: name of who proves itself.
    pub user_name: Option<Text>,
    /// CHAP: name of who challenges.
    pub server_name: Option<Text>,
    /// PAP, CHAP: words of the verdict.
    pub reply_msg: Option<Text>,
    /// IPCP: address that the asker wants to have.
    pub address: Option<Ipv4Addr>,
    /// IPCP: address that it is told to take instead.
    pub offered_address: Option<Ipv4Addr>,
    /// IPCP: DNS server that is told.
    pub dns: Option<Ipv4Addr>,
    /// IPV6CP: interface identifier of the asker.
    pub interface_id: Option<u64>,
    /// CCP: how the asker can take packets compressed: mppc, stac, deflate, bsd, predictor…
    pub compression: Option<&'static str>,
    /// CCP: strongest encryption of Microsoft's that it offers, bits (RFC 3078).
    pub mppe_bits: Option<u8>,
    /// Microseconds until the answer.
    pub response_us: Option<u64>,
}

type Key = (u16, Direction, u8);

struct Pending {
    time: u64,
    record: PppTransaction,
}

/// What a link is agreeing on.
pub struct Ppp {
    /// By protocol, who asked, and identifier: both sides count for themselves.
    pending: Waiting<Key, Pending>,
    /// Whom EAP was told last.
    identity: Option<Text>,
}

impl Default for Ppp {
    fn default() -> Self {
        Self { pending: Waiting::new(MAX_PENDING), identity: None }
    }
}

impl Protocol for Ppp {
    const INFO: Info = Info {
        name: "ppp",
        id: ID,
        title: "Point-to-Point Protocol",
        spec: "RFC 1661, RFC 1332, RFC 1334, RFC 1994, RFC 3748, RFC 1962",
        over: OVER,
        reads_header: true,
        transaction: PppTransaction::fields,
        anomalies: PppAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        self.frame(seg.data, seg, out);
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(pending) = self.pending.pop() {
            out.transaction(pending.time, pending.record);
        }
    }
}

impl Ppp {
    /// Takes a frame, from its PPP header on; `out` speaks in PPP's name.
    pub(crate) fn frame(&mut self, frame: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let Ok(header) = ppp::Header::new_checked(frame) else { return };
        let number = header.protocol();
        let Some(word) = message::protocol_word(number) else { return };
        if !out.wants_transactions() {
            return;
        }
        let packet = frame.get(header.header_len()..).and_then(message::packet);
        let Some(packet) = packet else {
            if !seg.cut {
                out.anomaly(PppAnomaly::MalformedPacket);
            }
            return;
        };
        let sound = match number {
            protocol::PAP => self.pap(&packet, seg, out),
            protocol::CHAP => self.chap(&packet, seg, out),
            protocol::EAP => self.eap(&packet, seg, out),
            _ => self.configuration(number, word, &packet, seg, out),
        };
        if sound.is_none() && !seg.cut {
            out.anomaly(PppAnomaly::MalformedPacket);
        }
    }

    fn configuration(
        &mut self,
        number: u16,
        word: &'static str,
        packet: &Packet<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Option<()> {
        let mut record = PppTransaction { protocol: word, ..PppTransaction::default() };
        match packet.code {
            code::CONFIGURE_REQUEST => {
                record.request = Some("configure");
                let sound = message::options(number, packet.data, &mut record);
                self.ask(number, record, packet, seg, out);
                sound
            }
            code::TERMINATE_REQUEST => {
                record.request = Some("terminate");
                self.ask(number, record, packet, seg, out);
                Some(())
            }
            code::CONFIGURE_ACK | code::TERMINATE_ACK => {
                self.answer(number, "ack", packet, seg, out, |_| {});
                Some(())
            }
            code::CONFIGURE_REJECT => {
                self.answer(number, "reject", packet, seg, out, |_| {});
                Some(())
            }
            code::CONFIGURE_NAK => {
                let mut offered = PppTransaction::default();
                message::options(number, packet.data, &mut offered)?;
                self.answer(number, "nak", packet, seg, out, |record| {
                    record.offered_address = offered.address;
                    record.dns = offered.dns.or(record.dns);
                });
                Some(())
            }
            _ => Some(()),
        }
    }

    /// RFC 1334 §2.2.
    fn pap(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) -> Option<()> {
        let number = protocol::PAP;
        match packet.code {
            1 => {
                out.anomaly(PppAnomaly::ClearPassword);
                let name = message::counted(packet.data)?;
                let record = PppTransaction {
                    protocol: "pap",
                    request: Some("authenticate"),
                    user_name: Some(Text::bounded(name, MAX_TEXT)),
                    ..PppTransaction::default()
                };
                self.ask(number, record, packet, seg, out);
            }
            2 | 3 => {
                if packet.code == 3 {
                    out.anomaly(PppAnomaly::LoginFailed);
                }
                let word = if packet.code == 2 { "ack" } else { "nak" };
                let words = message::counted(packet.data).unwrap_or_default();
                self.answer(number, word, packet, seg, out, |record| {
                    record.reply_msg = said(words);
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// RFC 1994 §4: who challenges gives the verdict.
    fn chap(&mut self, packet: &Packet<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) -> Option<()> {
        let number = protocol::CHAP;
        let key = (number, seg.dir.reverse(), packet.identifier);
        match packet.code {
            1 => {
                let value = message::counted(packet.data)?;
                let name = packet.data.get(value.len().checked_add(1)?..)?;
                let record = PppTransaction {
                    protocol: "chap",
                    request: Some("challenge"),
                    server_name: said(name),
                    ..PppTransaction::default()
                };
                self.ask(number, record, packet, seg, out);
            }
            2 => {
                let value = message::counted(packet.data)?;
                let name = packet.data.get(value.len().checked_add(1)?..)?;
                if let Some(mut pending) = self.pending.take(&key) {
                    pending.record.user_name = said(name);
                    self.pending.put(key, pending);
                }
            }
            3 | 4 => {
                if packet.code == 4 {
                    out.anomaly(PppAnomaly::LoginFailed);
                }
                let word = if packet.code == 3 { "success" } else { "failure" };
                let back = Segment { dir: seg.dir.reverse(), ..*seg };
                self.answer(number, word, packet, &back, out, |record| {
                    record.reply_msg = said(packet.data);
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn ask(
        &mut self,
        number: u16,
        record: PppTransaction,
        packet: &Packet<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let identifier = packet.identifier;
        let record = PppTransaction { identifier, ..record };
        let pending = Pending { time: seg.time, record };
        if let Some(oldest) = self.pending.put((number, seg.dir, identifier), pending) {
            out.anomaly(PppAnomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }

    fn answer(
        &mut self,
        number: u16,
        word: &'static str,
        packet: &Packet<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
        add: impl FnOnce(&mut PppTransaction),
    ) {
        let identifier = packet.identifier;
        let key = (number, seg.dir.reverse(), identifier);
        let known = self.pending.take(&key);
        let start = known.as_ref().map(|pending| pending.time);
        let mut record = known.map_or_else(
            || PppTransaction {
                protocol: message::protocol_word(number).unwrap_or_default(),
                identifier,
                ..PppTransaction::default()
            },
            |pending| pending.record,
        );
        record.response = Some(word);
        record.response_us = start.map(|start| seg.time.saturating_sub(start) / 1000);
        add(&mut record);
        out.transaction(start.unwrap_or(seg.time), record);
    }
}

fn said(words: &[u8]) -> Option<Text> {
    (!words.is_empty()).then(|| Text::bounded(words, MAX_TEXT))
}
