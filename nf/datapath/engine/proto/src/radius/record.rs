//! What RADIUS reports: one record per request with its response.

use std::net::IpAddr;

use nf_fields::{Fields, Text};

use super::MAX_TEXT;
use super::message::{Packet, address, number, word};

/// A request with its response.
#[derive(Debug, Default, Fields)]
pub struct RadiusTransaction {
    /// Number that ties the response to the request.
    pub id: u8,
    /// What was asked: `access_request`, `accounting_request`, `coa_request`…
    pub request: Option<&'static str>,
    /// What was answered: `access_accept`, `access_reject`, `access_challenge`…
    pub response: Option<&'static str>,
    /// Name of the user.
    pub user_name: Option<Text>,
    /// How the user is authenticated: `pap`, `chap`, `ms_chap` or `eap`.
    pub auth: Option<&'static str>,
    /// Address of the access server.
    pub nas_ip_address: Option<IpAddr>,
    /// Name of the access server.
    pub nas_identifier: Option<Text>,
    /// Port of the access server.
    pub nas_port: Option<u32>,
    /// Name of that port.
    pub nas_port_id: Option<Text>,
    /// Kind of that port: 15 Ethernet, 19 Wi-Fi.
    pub nas_port_type: Option<u32>,
    /// Service that is asked for.
    pub service_type: Option<u32>,
    /// What was called: number, or address and name of an access point.
    pub called_station_id: Option<Text>,
    /// Who called: number or hardware address.
    pub calling_station_id: Option<Text>,
    /// Address of the user, as granted or else as told.
    pub framed_ip_address: Option<IpAddr>,
    /// End of a tunnel at the user's side.
    pub tunnel_client: Option<Text>,
    /// What the access server says of the connection.
    pub connect_info: Option<Text>,
    /// What the server wants the user to read.
    pub reply_msg: Option<Text>,
    /// Seconds that the session may last.
    pub session_timeout_s: Option<u32>,
    /// What accounting is about: `start`, `stop`, `interim_update`, `on` or `off`.
    pub acct_status_type: Option<&'static str>,
    /// Name of the session.
    pub acct_session_id: Option<Text>,
    /// Seconds that the session has lasted.
    pub acct_session_time_s: Option<u32>,
    /// Octets from the user.
    pub acct_input_bytes: Option<u64>,
    /// Octets to the user.
    pub acct_output_bytes: Option<u64>,
    /// Packets from the user.
    pub acct_input_packets: Option<u32>,
    /// Packets to the user.
    pub acct_output_packets: Option<u32>,
    /// Why the session ended.
    pub acct_terminate_cause: Option<u32>,
    /// Identity of a mobile subscriber.
    pub imsi: Option<Text>,
    /// Identity of mobile equipment.
    pub imei: Option<Text>,
    /// Times the request was sent again.
    pub retransmissions: u32,
    /// Microseconds from the request to its response.
    pub response_us: Option<u64>,
}

fn text(packet: &Packet<'_>, kind: u8) -> Option<Text> {
    packet.find(kind).filter(|value| !value.is_empty()).map(|value| Text::bounded(value, MAX_TEXT))
}

fn of_3gpp(packet: &Packet<'_>, kind: u8) -> Option<Text> {
    let found = packet.of_3gpp().find(|(found, _)| *found == kind);
    found.map(|(_, value)| Text::bounded(value, MAX_TEXT))
}

fn counted(packet: &Packet<'_>, low: u8, high: u8) -> Option<u64> {
    let low = packet.find(low).and_then(number)?;
    let high = packet.find(high).and_then(number).unwrap_or(0);
    Some(u64::from(high) << 32 | u64::from(low))
}

fn status(kind: u32) -> Option<&'static str> {
    Some(match kind {
        1 => "start",
        2 => "stop",
        3 => "interim_update",
        7 => "on",
        8 => "off",
        15 => "failed",
        _ => return None,
    })
}

/// Microsoft's number among vendors.
const MICROSOFT: u32 = 311;

fn auth(packet: &Packet<'_>) -> Option<&'static str> {
    if packet.find(79).is_some() {
        Some("eap")
    } else if packet.has_vendor(MICROSOFT, &[1, 25]) {
        Some("ms_chap")
    } else if packet.find(3).is_some() {
        Some("chap")
    } else {
        packet.find(2).map(|_| "pap")
    }
}

impl RadiusTransaction {
    /// What a request tells.
    pub(super) fn asked(&mut self, packet: &Packet<'_>) {
        let whole = |kind| packet.find(kind).and_then(number);
        self.id = packet.id;
        self.request = word(packet.code);
        self.user_name = text(packet, 1);
        self.auth = auth(packet);
        self.nas_ip_address = packet.find(4).or_else(|| packet.find(95)).and_then(address);
        self.nas_identifier = text(packet, 32);
        self.nas_port = whole(5);
        self.nas_port_id = text(packet, 87);
        self.nas_port_type = whole(61);
        self.service_type = whole(6);
        self.called_station_id = text(packet, 30);
        self.calling_station_id = text(packet, 31);
        self.framed_ip_address = packet.find(8).and_then(address);
        self.tunnel_client = tunnel_end(packet);
        self.connect_info = text(packet, 77);
        self.acct_status_type = whole(40).and_then(status);
        self.acct_session_id = text(packet, 44);
        self.acct_session_time_s = whole(46);
        self.acct_input_bytes = counted(packet, 42, 52);
        self.acct_output_bytes = counted(packet, 43, 53);
        self.acct_input_packets = whole(47);
        self.acct_output_packets = whole(48);
        self.acct_terminate_cause = whole(49);
        self.imsi = of_3gpp(packet, 1);
        self.imei = of_3gpp(packet, 20);
    }

    /// What a response tells.
    pub(super) fn answered(&mut self, packet: &Packet<'_>) {
        self.id = packet.id;
        self.response = word(packet.code);
        self.reply_msg = text(packet, 18);
        self.session_timeout_s = packet.find(27).and_then(number);
        let address = packet.find(8).and_then(address);
        self.framed_ip_address = address.or(self.framed_ip_address);
        self.user_name = text(packet, 1).or(self.user_name.take());
        self.tunnel_client = self.tunnel_client.take().or_else(|| tunnel_end(packet));
    }
}

/// Tunnel-Client-Endpoint; the octet in front of some tells which of several tunnels is meant.
fn tunnel_end(packet: &Packet<'_>) -> Option<Text> {
    let value = packet.find(66)?;
    let value = match value {
        [0..=0x1f, rest @ ..] => rest,
        _ => value,
    };
    Some(Text::bounded(value, MAX_TEXT))
}
