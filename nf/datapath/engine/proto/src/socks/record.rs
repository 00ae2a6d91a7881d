//! What SOCKS reports.

use std::net::IpAddr;

use nf_fields::{Fields, Text, TextRef};

use super::message::{self, Reply, Request};

/// Most octets kept of a name.
const MAX_TEXT: usize = 255;

/// A request, a reply, or a relayed datagram, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct SocksMessage<'a> {
    /// What it is: request, reply or datagram.
    pub kind: &'static str,
    /// Version, 4 or 5.
    pub version: u8,
    /// What the client asks for: connect, bind or udp_associate.
    pub command: Option<&'static str>,
    /// What the server answers.
    pub status: Option<&'static str>,
    /// Address it is about.
    pub address: Option<IpAddr>,
    /// Host it is about, where a name stands for the address.
    pub host: Option<TextRef<'a>>,
    /// Port it is about.
    pub port: u16,
    /// Datagram: number of the fragment.
    pub fragment: Option<u8>,
}

/// What a client asked of a proxy, and what came of it.
#[derive(Debug, Default, Fields)]
pub struct SocksTransaction {
    /// Version, 4 or 5.
    pub version: u8,
    /// Ways to log in that the client offers.
    pub methods: Option<Vec<&'static str>>,
    /// The one the server chose.
    pub method: Option<&'static str>,
    /// User the client named.
    pub user: Option<Text>,
    /// A password went in clear; it is not kept.
    pub password_seen: Option<bool>,
    /// The server accepted user and password.
    pub login_ok: Option<bool>,
    /// What the client asks for: connect, bind or udp_associate.
    pub command: Option<&'static str>,
    /// Address of the target.
    pub request_address: Option<IpAddr>,
    /// Host of the target, where the client leaves it to the proxy to resolve.
    pub request_host: Option<Text>,
    /// Port of the target.
    pub request_port: Option<u16>,
    /// Code of the answer.
    pub code: Option<u8>,
    /// What the code says.
    pub status: Option<&'static str>,
    /// Address the proxy uses for it.
    pub bound_address: Option<IpAddr>,
    /// Host the proxy uses for it.
    pub bound_host: Option<Text>,
    /// Port the proxy uses for it.
    pub bound_port: Option<u16>,
    /// Bind: who connected, by the second answer.
    pub peer_address: Option<IpAddr>,
    /// Bind: from which port.
    pub peer_port: Option<u16>,
    /// Time from request to (first) answer.
    pub response_us: Option<u64>,
}

impl SocksTransaction {
    /// Adds the request.
    pub fn asked(&mut self, request: &Request<'_>) {
        self.version = request.version;
        self.command = Some(message::command(request.command));
        self.request_address = request.target.address;
        self.request_host = request.target.host.map(|h| Text::bounded(h, MAX_TEXT));
        self.request_port = Some(request.target.port);
        if let Some(user) = request.user {
            self.user = Some(Text::bounded(user, MAX_TEXT));
        }
    }

    /// Adds the first answer.
    pub fn answered(&mut self, reply: &Reply<'_>) {
        self.code = Some(reply.code);
        self.status = Some(message::status(self.version, reply.code));
        self.bound_address = reply.bound.address;
        self.bound_host = reply.bound.host.map(|h| Text::bounded(h, MAX_TEXT));
        self.bound_port = Some(reply.bound.port);
    }
}
