//! Remote Desktop Protocol (MS-RDPBCGR over X.224 and T.125): one transaction per connection, from
//! its request to the protocol the server selects or, where that is RDP's own security, to what
//! client and server say of themselves. TLS is handed over; pictures and keys are not read.
//!
//! A request for a connection of X.224 alone is not this protocol: a cookie, a negotiation or a
//! conference of T.124 must be in it or follow.
//!
//! Bounds: units of 8 KiB, 31 channels, 256 octets of a text.

mod message;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Direction, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp,
};
use message::{Confirm, HEADER, MAX_UNIT};

/// The registered port.
const PORT: u16 = 3389;
/// What most connections turn to.
const TLS: ProtoId = ProtoId(341);

crate::anomalies! {
    /// What can be wrong with RDP.
    pub enum Anomaly {
        /// Octets that are no unit where one should be.
        UnitInvalid = "unit_invalid",
        /// The server selects none of the protocols asked for.
        NegotiationFailed = "negotiation_failed",
        /// The server selects what the client did not ask for.
        ProtocolNotRequested = "protocol_not_requested",
        /// What a client says of itself cannot be read.
        ClientDataInvalid = "client_data_invalid",
    }
}

/// A unit of the connection's beginning, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct RdpMessage<'a> {
    /// connection_request, connection_confirm, connect_initial or connect_response.
    pub kind: &'static str,
    /// User the client names in clear.
    pub cookie: Option<TextRef<'a>>,
    /// Mask of the protocols asked for.
    pub requested_protocols: Option<u32>,
    /// Protocol selected.
    pub selected_protocol: Option<u32>,
    /// Why none is selected.
    pub failure_code: Option<u32>,
    /// Name of the client.
    pub client_name: Option<TextRef<'a>>,
}

/// The beginning of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct RdpTransaction {
    /// User the client names in clear.
    pub cookie: Option<Text>,
    /// Token that leads to one of several servers.
    pub routing_token: Option<Text>,
    /// Protocols the client asks for: rdp, tls, credssp, rdstls, credssp_ex, aad.
    pub requested_protocols: Option<Vec<&'static str>>,
    /// Protocol the server selects.
    pub selected_protocol: Option<&'static str>,
    /// Why it selects none.
    pub failure: Option<&'static str>,
    /// How it ends: encrypted, success or failed; absent when it does not end.
    pub result: Option<&'static str>,
    /// Version of the client: `v5`, `v10.7`.
    pub client_version: Option<&'static str>,
    /// Build of the client's software.
    pub client_build: Option<u32>,
    /// Name of the client.
    pub client_name: Option<Text>,
    /// Product number of the client.
    pub client_dig_product_id: Option<Text>,
    /// Keyboard layout, as Windows numbers languages.
    pub keyboard_layout: Option<u32>,
    /// Kind of keyboard.
    pub keyboard_type: Option<u32>,
    /// Width of the desktop.
    pub desktop_width: Option<u16>,
    /// Height of the desktop.
    pub desktop_height: Option<u16>,
    /// Bits of a pixel asked for.
    pub requested_color_depth: Option<u16>,
    /// Channels the client wants besides the screen.
    pub client_channels: Option<Vec<Text>>,
    /// Mask of encryption methods the client has.
    pub client_encryption_methods: Option<u32>,
    /// Encryption method the server takes: 1 is 40 bits, 2 128 bits, 8 56 bits, 16 FIPS.
    pub encryption_method: Option<u32>,
    /// Encryption level the server takes: 0 none to 4 FIPS.
    pub encryption_level: Option<u32>,
    /// Time from the request to the confirm.
    pub response_us: Option<u64>,
}

/// The state of one session.
#[derive(Default)]
pub struct Rdp {
    record: RdpTransaction,
    started: Option<u64>,
    requested: Option<u32>,
    /// The server has answered.
    confirmed: bool,
}

impl Protocol for Rdp {
    const INFO: Info = Info {
        name: "rdp",
        id: ProtoId(290),
        aliases: &["ms_wbt"],
        title: "Remote Desktop Protocol",
        spec: "MS-RDPBCGR, RFC 1006, ITU-T T.125",
        over: &[tcp(&[PORT])],
        patterns: &[Pattern::start(b"\x03\x00")],
        weight: 35,
        timeout: TimeoutClass::Long,
        max_pending: 2 * MAX_UNIT,
        message: RdpMessage::fields,
        transaction: RdpTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let data = seg.data;
        let Some(length) = message::unit(data) else {
            let short = data.len() < HEADER && b"\x03\0".starts_with(data.get(..2).unwrap_or(data));
            return if short { Probe::Unsure } else { Probe::No };
        };
        if length > MAX_UNIT {
            return Probe::No;
        }
        let Some(unit) = data.get(..length) else {
            let may = data.get(5).is_none_or(|&code| code == 0xe0 || code == 0xf0);
            return if may { Probe::Unsure } else { Probe::No };
        };
        if message::is_connect(unit) {
            return Probe::Certain;
        }
        match message::request(unit) {
            Some(request) if request.is_telling() => Probe::Certain,
            Some(_) => follows(data.get(length..).unwrap_or_default()),
            None => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        // TLS may begin though the answer that selects it was not captured.
        if self.started.is_some() && seg.data.starts_with(b"\x16\x03") {
            self.finish("encrypted", out);
            return Step::handover(0, Some(TLS));
        }
        if seg.data.len() < HEADER {
            return Step::need(0, HEADER);
        }
        let Some(length) = message::unit(seg.data).filter(|&n| n <= MAX_UNIT) else {
            out.anomaly(Anomaly::UnitInvalid);
            return Step::done();
        };
        let Some(unit) = seg.data.get(..length) else {
            return Step::need(0, length);
        };
        self.unit(unit, seg, out)
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        Gap::GiveUp
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        self.report(out);
    }
}

/// Whether a conference follows a request that says nothing.
fn follows(rest: &[u8]) -> Probe {
    if rest.is_empty() {
        return Probe::Unsure;
    }
    match message::unit(rest) {
        Some(length) if length <= MAX_UNIT => match rest.get(..length) {
            Some(unit) if message::is_connect(unit) => Probe::Certain,
            Some(_) => Probe::No,
            None => Probe::Unsure,
        },
        None if rest.len() < HEADER => Probe::Unsure,
        _ => Probe::No,
    }
}

impl Rdp {
    fn report(&mut self, out: &mut Sink<'_>) {
        if let Some(start) = self.started.take() {
            out.transaction(start, std::mem::take(&mut self.record));
        }
    }

    fn finish(&mut self, result: &'static str, out: &mut Sink<'_>) {
        self.record.result = Some(result);
        self.report(out);
        out.settled();
    }

    fn unit(&mut self, unit: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if let Some(request) = message::request(unit) {
            self.started = Some(seg.time);
            out.message(&RdpMessage {
                kind: "connection_request",
                cookie: request.cookie.as_ref().map(|t| TextRef(t.as_bytes())),
                requested_protocols: request.protocols,
                ..RdpMessage::default()
            });
            self.requested = request.protocols;
            self.record.requested_protocols = request.protocols.map(message::protocols);
            self.record.cookie = request.cookie;
            self.record.routing_token = request.token;
            return Step::used(unit.len());
        }
        if let Some(confirm) = message::confirm(unit) {
            return self.confirm(confirm, unit.len(), seg, out);
        }
        if message::is_connect(unit) {
            self.started.get_or_insert(seg.time);
            match message::client(unit) {
                Some(client) => self.client(client, out),
                None => out.anomaly(Anomaly::ClientDataInvalid),
            }
            return Step::used(unit.len());
        }
        if let Some((method, level)) = message::server(unit) {
            out.message(&RdpMessage { kind: "connect_response", ..RdpMessage::default() });
            self.record.encryption_method = Some(method);
            self.record.encryption_level = Some(level);
            self.finish("success", out);
            return Step::done();
        }
        // Whatever follows is the session's own.
        if self.confirmed {
            self.finish("success", out);
            return Step::done();
        }
        Step::used(unit.len())
    }

    fn confirm(
        &mut self,
        confirm: Confirm,
        length: usize,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        let mut told = RdpMessage { kind: "connection_confirm", ..RdpMessage::default() };
        match confirm {
            Confirm::Plain => {}
            Confirm::Selected(number) => told.selected_protocol = Some(number),
            Confirm::Failure(number) => told.failure_code = Some(number),
        }
        out.message(&told);
        self.confirmed = true;
        let start = *self.started.get_or_insert(seg.time);
        self.record.response_us = Some(seg.time.saturating_sub(start) / 1000);
        match confirm {
            Confirm::Plain | Confirm::Selected(0) => {
                self.record.selected_protocol = Some("rdp");
                Step::used(length)
            }
            Confirm::Selected(number) => {
                if self.requested.is_some_and(|mask| mask & number == 0) {
                    out.anomaly(Anomaly::ProtocolNotRequested);
                }
                self.record.selected_protocol = Some(message::protocol(number));
                self.finish("encrypted", out);
                Step::handover(length, Some(TLS))
            }
            Confirm::Failure(number) => {
                out.anomaly(Anomaly::NegotiationFailed);
                self.record.failure = Some(message::failure(number));
                self.finish("failed", out);
                Step::used(length)
            }
        }
    }

    fn client(&mut self, client: message::Client, out: &mut Sink<'_>) {
        out.message(&RdpMessage {
            kind: "connect_initial",
            client_name: Some(TextRef(client.name.as_bytes())),
            ..RdpMessage::default()
        });
        let record = &mut self.record;
        record.client_version = message::version(client.version);
        record.client_build = Some(client.build);
        record.client_name = Some(client.name);
        record.client_dig_product_id = client.product_id;
        record.keyboard_layout = Some(client.keyboard_layout);
        record.keyboard_type = Some(client.keyboard_type);
        record.desktop_width = Some(client.width);
        record.desktop_height = Some(client.height);
        record.requested_color_depth = Some(client.color_depth);
        record.client_encryption_methods = client.encryption_methods;
        record.client_channels = (!client.channels.is_empty()).then_some(client.channels);
    }
}
