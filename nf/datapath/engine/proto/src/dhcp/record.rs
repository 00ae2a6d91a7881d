//! What is reported: messages, and the exchanges of one client with one identifier.

use std::net::Ipv4Addr;

use nf_fields::{AsValue, Fields, Mac, Text, TextRef};

use super::message::{Message, kind_word};
use super::options::{self, Kind, code, items, trimmed};

/// Most octets kept of a text.
const MAX_TEXT: usize = 256;
/// Most addresses, routes or numbers kept of one option.
const MAX_LIST: usize = 64;

/// An option with its value in words.
#[derive(Clone, Debug, Fields)]
pub struct OptionRecord {
    /// Its number.
    pub code: u8,
    /// Its name, where it is known.
    pub name: Option<&'static str>,
    /// Its value; hexadecimal where its type is not known or does not fit.
    pub value: Text,
}

/// What a relay adds (RFC 3046).
#[derive(Clone, Debug, Default, Fields)]
pub struct RelayAgent {
    /// Circuit the client is on.
    pub circuit_id: Option<Text>,
    /// Far end of that circuit.
    pub remote_id: Option<Text>,
    /// Network the client's address is to be of (RFC 3527).
    pub link_selection: Option<Ipv4Addr>,
    /// Subscriber (RFC 3993).
    pub subscriber_id: Option<Text>,
    /// Address the client is to take for the server's (RFC 5107).
    pub server_override: Option<Ipv4Addr>,
    /// Numbers of all parts, in order.
    pub parts: Vec<u8>,
}

/// One message, as filters and events see it.
#[derive(Debug, Fields)]
pub struct DhcpMessage<'a> {
    /// 1 request, 2 reply.
    pub op: u8,
    /// Kind of hardware, 1 for Ethernet.
    pub htype: u8,
    /// Octets of a hardware address.
    pub hlen: u8,
    /// Relays that passed it on.
    pub hops: u8,
    /// Ties replies to requests.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// The client wants replies broadcast.
    pub broadcast: bool,
    /// Address the client has.
    pub ciaddr: Ipv4Addr,
    /// Address the client gets.
    pub yiaddr: Ipv4Addr,
    /// Server for the next step.
    pub siaddr: Ipv4Addr,
    /// Relay.
    pub giaddr: Ipv4Addr,
    /// Hardware address of the client.
    pub chaddr: Text,
    /// Name of the server.
    pub sname: Option<TextRef<'a>>,
    /// File to start from.
    pub file: Option<TextRef<'a>>,
    /// Message type; absent in plain BOOTP.
    pub message_type: Option<u8>,
    /// The options, in order.
    pub options: Vec<OptionRecord>,
}

/// Requests and replies of one client with one identifier; where two messages say different
/// things, the later one counts.
#[derive(Debug, Default, Fields)]
pub struct DhcpTransaction {
    /// Ties replies to requests.
    pub id: u32,
    /// The last message: discover, offer, request, decline, ack, nak, release, inform, …, or
    /// bootp_request and bootp_reply.
    #[field(name = "type")]
    pub kind: Text,
    /// All messages, in order.
    pub types: Vec<Text>,
    /// Hardware address of the client.
    pub client_mac: Option<Text>,
    /// Address the client had.
    pub client_ip: Option<Ipv4Addr>,
    /// Address the client gets.
    pub assigned_ip: Option<Ipv4Addr>,
    /// The server, by its identifier.
    pub server_ip: Option<Ipv4Addr>,
    /// Server for the next step.
    pub next_server_ip: Option<Ipv4Addr>,
    /// Relay.
    pub relay_ip: Option<Ipv4Addr>,
    /// Relays that passed it on.
    pub hops: Option<u8>,
    /// Seconds since the client began.
    pub secs: Option<u16>,
    /// Name the client gives itself.
    pub host_name: Option<Text>,
    /// Full name the client gives itself.
    pub fqdn: Option<Text>,
    /// Identifier the client gives itself: a hardware address, or hexadecimal.
    pub client_id: Option<Text>,
    /// What the client is.
    pub vendor_class: Option<Text>,
    /// Whom the client is for.
    pub user_class: Option<Text>,
    /// Address the client asks for.
    pub requested_ip: Option<Ipv4Addr>,
    /// Seconds the address is granted (or asked) for.
    pub lease_time: Option<u32>,
    /// Seconds after which to renew.
    pub renewal_time: Option<u32>,
    /// Seconds after which to ask any server.
    pub rebinding_time: Option<u32>,
    /// Mask of the client's network.
    pub subnet_mask: Option<Ipv4Addr>,
    /// Broadcast address of the client's network.
    pub broadcast: Option<Ipv4Addr>,
    /// Routers, the preferred one first.
    pub routers: Option<Vec<Ipv4Addr>>,
    /// Name servers, the preferred one first.
    pub dns_servers: Option<Vec<Ipv4Addr>>,
    /// Time servers.
    pub ntp_servers: Option<Vec<Ipv4Addr>>,
    /// Domain of the client.
    pub domain: Option<Text>,
    /// Domains to search in.
    pub domain_search: Option<Text>,
    /// Routes, each with its router.
    pub classless_routes: Option<Vec<Text>>,
    /// Largest packet on the client's link.
    pub mtu: Option<u16>,
    /// Where the proxy's configuration is.
    pub wpad: Option<Text>,
    /// Server to start from.
    pub boot_server: Option<Text>,
    /// File to start from.
    pub boot_file: Option<Text>,
    /// Why something was refused.
    pub message: Option<Text>,
    /// Largest message the client takes.
    pub max_message_size: Option<u16>,
    /// Numbers of the options the client asks for, in its order.
    pub params: Option<Vec<u8>>,
    /// Numbers of the options in the client's first message, in its order.
    pub client_options: Option<Vec<u8>>,
    /// What the relay added.
    pub option_82: Option<RelayAgent>,
    /// Further options, in words.
    pub other_options: Option<Vec<OptionRecord>>,
    /// Time from the first request to the first reply.
    pub response_us: Option<u64>,
}

/// A hardware address in words: with colons, as long as it is.
pub fn hardware(octets: &[u8]) -> Text {
    match <[u8; 6]>::try_from(octets) {
        Ok(mac) => Text::from(Mac(mac).to_string()),
        Err(_) => {
            let digits: Vec<_> = octets.iter().map(|b| format!("{b:02x}")).collect();
            Text::from(digits.join(":"))
        }
    }
}

/// The word for a message.
pub fn word(message: &Message<'_>) -> Text {
    match (message.kind(), message.op) {
        (Some(kind), _) => {
            kind_word(kind).map_or_else(|| Text::from(format!("type_{kind}")), Text::from)
        }
        (None, 1) => Text::from("bootp_request"),
        (None, _) => Text::from("bootp_reply"),
    }
}

/// An option in words, and whether its value fits its type.
pub fn option(number: u8, value: &[u8]) -> (OptionRecord, bool) {
    let known = options::known(number);
    let kind = known.map_or(Kind::Octets, |(_, kind)| kind);
    let mut text = Vec::new();
    let fits = options::write(kind, value, &mut text).is_some();
    if !fits {
        text.clear();
        // Octets always fit.
        options::write(Kind::Octets, value, &mut text);
    }
    let value = Text::bounded(&text, MAX_TEXT);
    (OptionRecord { code: number, name: known.map(|(name, _)| name), value }, fits)
}

/// The message for who listens to messages.
pub fn message<'a>(message: &Message<'a>) -> DhcpMessage<'a> {
    let text = |field: &'a [u8]| (!field.is_empty()).then_some(TextRef(field));
    DhcpMessage {
        op: message.op,
        htype: message.hardware,
        hlen: message.hardware_length,
        hops: message.hops,
        xid: message.xid,
        secs: message.secs,
        broadcast: message.broadcast,
        ciaddr: message.client_ip,
        yiaddr: message.your_ip,
        siaddr: message.next_server,
        giaddr: message.relay_ip,
        chaddr: hardware(message.hardware_address()),
        sname: text(message.server_name),
        file: text(message.file),
        message_type: message.kind(),
        options: message.options.list.iter().map(|(code, value)| option(*code, value).0).collect(),
    }
}

fn text(value: &[u8]) -> Option<Text> {
    let value = trimmed(value);
    (!value.is_empty()).then(|| Text::bounded(value, MAX_TEXT))
}

fn address(ip: Ipv4Addr) -> Option<Ipv4Addr> {
    (!ip.is_unspecified()).then_some(ip)
}

fn ip(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

fn ips(value: &[u8]) -> Option<Vec<Ipv4Addr>> {
    Some(items(value)?.take(MAX_LIST).map(|octets: [u8; 4]| Ipv4Addr::from(octets)).collect())
}

fn number32(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

fn number16(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_be_bytes)
}

/// A client's identifier: hardware addresses have their kind in front (RFC 2132 §9.14).
fn client_id(value: &[u8]) -> Option<Text> {
    match value {
        [] => None,
        [1, address @ ..] if address.len() == 6 => Some(hardware(address)),
        _ => Some(option(code::CLIENT_ID, value).0.value),
    }
}

/// Text that may come in pieces, each behind its length (RFC 3004), or, against the standard, as
/// it is.
fn user_class(value: &[u8]) -> Option<Text> {
    let mut c = crate::Cursor::new(value);
    let mut classes: Vec<&[u8]> = Vec::new();
    while !c.is_empty() {
        match c.prefixed_u8() {
            Some(class) => classes.push(class),
            None => return text(value),
        }
    }
    text(&classes.join(&b","[..]))
}

/// Octets of a relay: text where they are printable, else hexadecimal.
fn printable(value: &[u8]) -> Text {
    if !value.is_empty() && value.iter().all(|b| (b' '..=b'~').contains(b)) {
        return Text::bounded(value, MAX_TEXT);
    }
    let mut hex = Vec::new();
    // Octets always fit.
    options::write(Kind::Octets, value, &mut hex);
    Text::bounded(&hex, MAX_TEXT)
}

fn relay_agent(value: &[u8]) -> Option<RelayAgent> {
    let mut c = crate::Cursor::new(value);
    let mut agent = RelayAgent::default();
    while !c.is_empty() {
        let part = c.u8()?;
        let value = c.prefixed_u8()?;
        if agent.parts.len() < MAX_LIST {
            agent.parts.push(part);
        }
        match part {
            1 => agent.circuit_id = Some(printable(value)),
            2 => agent.remote_id = Some(printable(value)),
            5 => agent.link_selection = ip(value),
            6 => agent.subscriber_id = Some(printable(value)),
            11 => agent.server_override = ip(value),
            _ => {}
        }
    }
    Some(agent)
}

fn renew<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

impl DhcpTransaction {
    /// Adds what one message says. False when an option's value does not fit its type.
    pub fn add(&mut self, message: &Message<'_>) -> bool {
        self.id = message.xid;
        self.kind = word(message);
        if self.types.len() < MAX_LIST {
            self.types.push(self.kind.clone());
        }
        let mac = message.hardware_address();
        renew(&mut self.client_mac, (!mac.is_empty()).then(|| hardware(mac)));
        renew(&mut self.client_ip, address(message.client_ip));
        renew(&mut self.assigned_ip, address(message.your_ip));
        renew(&mut self.next_server_ip, address(message.next_server));
        renew(&mut self.relay_ip, address(message.relay_ip));
        renew(&mut self.hops, (message.hops > 0).then_some(message.hops));
        renew(&mut self.secs, (message.secs > 0).then_some(message.secs));
        renew(&mut self.boot_server, text(message.server_name));
        renew(&mut self.boot_file, text(message.file));
        if message.op == 1 && self.client_options.is_none() && message.has_options {
            let codes = message.options.list.iter().map(|(code, _)| *code);
            self.client_options = Some(codes.collect());
        }
        let mut fits = true;
        for (number, value) in &message.options.list {
            fits &= self.option(*number, value);
        }
        fits
    }

    fn option(&mut self, number: u8, value: &[u8]) -> bool {
        /// Sets the field when the value fits.
        fn set<T: AsValue>(field: &mut Option<T>, value: Option<T>) -> bool {
            let fits = value.is_some();
            renew(field, value);
            fits
        }
        match number {
            code::MESSAGE_TYPE | code::OVERLOAD => value.len() == 1,
            code::SUBNET_MASK => set(&mut self.subnet_mask, ip(value)),
            code::BROADCAST => set(&mut self.broadcast, ip(value)),
            code::REQUESTED_IP => set(&mut self.requested_ip, ip(value)),
            code::SERVER_ID => set(&mut self.server_ip, ip(value)),
            code::ROUTERS => set(&mut self.routers, ips(value)),
            code::DNS_SERVERS => set(&mut self.dns_servers, ips(value)),
            code::NTP_SERVERS => set(&mut self.ntp_servers, ips(value)),
            code::LEASE_TIME => set(&mut self.lease_time, number32(value)),
            code::RENEWAL_TIME => set(&mut self.renewal_time, number32(value)),
            code::REBINDING_TIME => set(&mut self.rebinding_time, number32(value)),
            code::MTU => set(&mut self.mtu, number16(value)),
            code::MAX_SIZE => set(&mut self.max_message_size, number16(value)),
            code::HOST_NAME => set(&mut self.host_name, text(value)),
            code::DOMAIN => set(&mut self.domain, text(value)),
            code::MESSAGE => set(&mut self.message, text(value)),
            code::VENDOR_CLASS => set(&mut self.vendor_class, text(value)),
            code::WPAD => set(&mut self.wpad, text(value)),
            code::TFTP_SERVER => set(&mut self.boot_server, text(value)),
            code::BOOT_FILE => set(&mut self.boot_file, text(value)),
            code::CLIENT_ID => set(&mut self.client_id, client_id(value)),
            code::USER_CLASS => set(&mut self.user_class, user_class(value)),
            code::CLIENT_FQDN => {
                set(&mut self.fqdn, options::fqdn(value).map(|n| Text::bounded(&n, MAX_TEXT)))
            }
            code::DOMAIN_SEARCH => {
                let (record, fits) = option(number, value);
                self.domain_search = Some(record.value);
                fits
            }
            code::CLASSLESS_ROUTES => {
                let routes = options::routes(value);
                let texts = |r: Vec<String>| r.into_iter().take(MAX_LIST).map(Text::from).collect();
                set(&mut self.classless_routes, routes.map(texts))
            }
            code::PARAMETERS => {
                self.params = Some(value.to_vec());
                true
            }
            code::RELAY_AGENT => set(&mut self.option_82, relay_agent(value)),
            _ => self.other(number, value),
        }
    }

    fn other(&mut self, number: u8, value: &[u8]) -> bool {
        let (record, fits) = option(number, value);
        let others = self.other_options.get_or_insert_default();
        let room = others.len() < MAX_LIST;
        match others.iter_mut().find(|o| o.code == number) {
            Some(earlier) => *earlier = record,
            None if room => others.push(record),
            None => {}
        }
        fits
    }
}
