//! Octets → chunks and the parts of services that are reported (OPC 10000-6 §6.7, §7.1; 10000-4):
//! pure, no state, no panic.

use crate::Cursor;

use super::binary::{self, Id, NodeId};

/// Octets of a chunk's header.
pub const HEADER: usize = 8;
/// How every policy's name begins.
const POLICY: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#";

/// Kinds of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client begins.
    Hello,
    /// The server agrees.
    Acknowledge,
    /// Either refuses.
    Error,
    /// The server begins.
    ReverseHello,
    /// A channel is opened.
    Open,
    /// A service.
    Message,
    /// A channel is closed.
    Close,
}

/// A chunk's header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Kind.
    pub kind: Kind,
    /// F for the last, C for one before it, A for the end of what is given up.
    pub place: u8,
    /// Octets of the chunk with this header.
    pub size: usize,
}

/// Reads a header; `None` when it is none.
pub fn header(data: &[u8]) -> Option<Header> {
    let mut c = Cursor::new(data);
    let kind = match &c.array::<3>()? {
        b"HEL" => Kind::Hello,
        b"ACK" => Kind::Acknowledge,
        b"ERR" => Kind::Error,
        b"RHE" => Kind::ReverseHello,
        b"OPN" => Kind::Open,
        b"MSG" => Kind::Message,
        b"CLO" => Kind::Close,
        _ => return None,
    };
    let place = c.u8()?;
    let size = usize::try_from(c.u32_le()?).ok()?;
    let is_whole = place == b'F' || (kind == Kind::Message && matches!(place, b'C' | b'A'));
    (is_whole && size > HEADER).then_some(Header { kind, place, size })
}

/// Whether `data` can be the beginning of a header.
pub fn may_be(data: &[u8]) -> bool {
    let kinds: [&[u8]; 7] = [b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"MSG", b"CLOF"];
    kinds.iter().any(|kind| kind.starts_with(data) || data.starts_with(kind))
}

/// What both sides take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// Version of the protocol.
    pub version: u32,
    /// Longest chunk that is received.
    pub receive: u32,
    /// Longest chunk that is sent.
    pub send: u32,
    /// Longest message, 0 for any.
    pub message: u32,
    /// Chunks of a message, 0 for any.
    pub chunks: u32,
    /// Address that is asked for.
    pub url: Option<&'a [u8]>,
}

/// Reads a hello or its acknowledgement.
pub fn limits(body: &[u8], is_hello: bool) -> Option<Limits<'_>> {
    let mut c = Cursor::new(body);
    let mut limits = Limits {
        version: c.u32_le()?,
        receive: c.u32_le()?,
        send: c.u32_le()?,
        message: c.u32_le()?,
        chunks: c.u32_le()?,
        url: None,
    };
    if is_hello {
        limits.url = Some(binary::string(&mut c)?);
    }
    c.is_empty().then_some(limits)
}

/// Reads code and reason of an error.
pub fn error(body: &[u8]) -> Option<(u32, &[u8])> {
    let mut c = Cursor::new(body);
    Some((c.u32_le()?, binary::string(&mut c)?))
}

/// A chunk of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Channel.
    pub channel: u32,
    /// Policy that an opening names, without what all names begin with.
    pub policy: Option<&'a [u8]>,
    /// A certificate is there.
    pub has_certificate: bool,
    /// Ties a response to its request; meaningless when it is encrypted.
    pub request: u32,
    /// The rest.
    pub body: &'a [u8],
}

/// Reads what follows the header of a chunk of a channel.
pub fn chunk(body: &[u8], is_open: bool) -> Option<Chunk<'_>> {
    let mut c = Cursor::new(body);
    let channel = c.u32_le()?;
    let mut policy = None;
    let mut has_certificate = false;
    if is_open {
        let name = binary::string(&mut c)?;
        policy = Some(name.strip_prefix(POLICY)?);
        has_certificate = !binary::string(&mut c)?.is_empty();
        binary::string(&mut c)?;
    } else {
        c.skip(4)?;
    }
    // A number of the chunk, then of the request.
    c.skip(4)?;
    let request = c.u32_le()?;
    Some(Chunk { channel, policy, has_certificate, request, body: c.rest() })
}

/// A service's request or response.
#[derive(Clone, Debug, Default)]
pub struct Service<'a> {
    /// Number of its encoding.
    pub number: u16,
    /// It answers.
    pub is_response: bool,
    /// Status of a response.
    pub status: Option<u32>,
    /// Nodes or methods it is about.
    pub items: Option<u32>,
    /// The first of them.
    pub node: Option<NodeId<'a>>,
    /// Mode of a channel that is opened: 1 none, 2 sign, 3 sign and encrypt.
    pub mode: Option<u32>,
    /// Number of a channel that was opened.
    pub channel: Option<u32>,
    /// Name of a client's session.
    pub session_name: Option<&'a [u8]>,
    /// How a user identifies: number of the token's type.
    pub token: Option<u16>,
    /// Who.
    pub user: Option<&'a [u8]>,
    /// A password went by unencrypted.
    pub has_clear_password: bool,
}

/// Takes a service apart; `None` when it is none that is known: encrypted, mostly.
pub fn service(body: &[u8]) -> Option<Service<'_>> {
    let mut c = Cursor::new(body);
    let NodeId { namespace: 0, id: Id::Number(number) } = binary::node(&mut c)? else {
        return None;
    };
    let number = u16::try_from(number).ok()?;
    let (_, is_response) = service_word(number)?;
    let mut service = Service { number, is_response, ..Service::default() };
    // What cannot be read further is simply not told.
    if is_response {
        response(&mut c, &mut service)?;
    } else {
        request_header(&mut c)?;
        let _ = request(&mut c, &mut service);
    }
    Some(service)
}

fn request_header(c: &mut Cursor<'_>) -> Option<()> {
    // Token of the session; time, handle, diagnostics; an entry for audits; patience.
    binary::node(c)?;
    c.skip(16)?;
    binary::string(c)?;
    c.skip(4)?;
    binary::object(c)?;
    Some(())
}

fn response(c: &mut Cursor<'_>, service: &mut Service<'_>) -> Option<()> {
    c.skip(12)?;
    service.status = Some(c.u32_le()?);
    if service.number == 449 {
        let mut c = *c;
        let read = (|| {
            // No diagnostics, no texts, nothing additional; then the version.
            (c.u8()? == 0).then_some(())?;
            (binary::count(&mut c)? == 0).then_some(())?;
            binary::object(&mut c)?;
            c.skip(4)?;
            c.u32_le()
        })();
        service.channel = read;
    }
    Some(())
}

fn request<'a>(c: &mut Cursor<'a>, service: &mut Service<'a>) -> Option<()> {
    match service.number {
        // Open secure channel: version, kind of request, mode.
        446 => {
            c.skip(8)?;
            service.mode = Some(c.u32_le()?);
        }
        // Create session: a description of the client, then three texts.
        461 => {
            binary::string(c)?;
            binary::string(c)?;
            localized(c)?;
            c.skip(4)?;
            binary::string(c)?;
            binary::string(c)?;
            for _ in 0..binary::count(c)? {
                binary::string(c)?;
            }
            binary::string(c)?;
            binary::string(c)?;
            service.session_name = Some(binary::string(c)?);
        }
        467 => activate(c, service)?,
        // Read: greatest age and which times.
        631 => {
            c.skip(12)?;
            nodes(c, service)?;
        }
        // Write, call.
        673 | 712 => nodes(c, service)?,
        // Browse: a view, and how many answers.
        527 => {
            binary::node(c)?;
            c.skip(16)?;
            nodes(c, service)?;
        }
        _ => {}
    }
    Some(())
}

fn nodes<'a>(c: &mut Cursor<'a>, service: &mut Service<'a>) -> Option<()> {
    let count = binary::count(c)?;
    service.items = Some(count);
    if count > 0 {
        service.node = Some(binary::node(c)?);
    }
    Some(())
}

fn localized(c: &mut Cursor<'_>) -> Option<()> {
    let mask = c.u8()?;
    for bit in [1, 2] {
        if mask & bit != 0 {
            binary::string(c)?;
        }
    }
    Some(())
}

fn activate<'a>(c: &mut Cursor<'a>, service: &mut Service<'a>) -> Option<()> {
    const USER_NAME: u16 = 324;
    // Signature, certificates of software, languages.
    binary::string(c)?;
    binary::string(c)?;
    for _ in 0..binary::count(c)? {
        binary::string(c)?;
        binary::string(c)?;
    }
    for _ in 0..binary::count(c)? {
        binary::string(c)?;
    }
    let (kind, octets) = binary::object(c)?;
    if let Id::Number(number) = kind.id {
        service.token = u16::try_from(number).ok();
    }
    if service.token == Some(USER_NAME) {
        let mut token = Cursor::new(octets);
        binary::string(&mut token)?;
        service.user = Some(binary::string(&mut token)?);
        let password = binary::string(&mut token)?;
        let algorithm = binary::string(&mut token)?;
        service.has_clear_password = !password.is_empty() && algorithm.is_empty();
    }
    Some(())
}

/// The word for how a user identifies.
pub fn token_word(number: u16) -> &'static str {
    match number {
        321 => "anonymous",
        324 => "user_name",
        327 => "certificate",
        940 => "issued",
        _ => "other",
    }
}

/// The word for an encoding's number, and whether it is a response's.
pub fn service_word(number: u16) -> Option<(&'static str, bool)> {
    const FAULT: u16 = 397;
    // Numbers of requests; the response's is three more.
    const SERVICES: [(u16, &str); 37] = [
        (422, "find_servers"),
        (428, "get_endpoints"),
        (437, "register_server"),
        (446, "open_secure_channel"),
        (452, "close_secure_channel"),
        (461, "create_session"),
        (467, "activate_session"),
        (473, "close_session"),
        (479, "cancel"),
        (488, "add_nodes"),
        (494, "add_references"),
        (500, "delete_nodes"),
        (506, "delete_references"),
        (527, "browse"),
        (533, "browse_next"),
        (554, "translate_browse_paths"),
        (560, "register_nodes"),
        (566, "unregister_nodes"),
        (615, "query_first"),
        (621, "query_next"),
        (631, "read"),
        (664, "history_read"),
        (673, "write"),
        (700, "history_update"),
        (712, "call"),
        (751, "create_monitored_items"),
        (763, "modify_monitored_items"),
        (769, "set_monitoring_mode"),
        (775, "set_triggering"),
        (781, "delete_monitored_items"),
        (787, "create_subscription"),
        (793, "modify_subscription"),
        (799, "set_publishing_mode"),
        (826, "publish"),
        (832, "republish"),
        (841, "transfer_subscriptions"),
        (847, "delete_subscriptions"),
    ];
    if number == FAULT {
        return Some(("service_fault", true));
    }
    SERVICES.iter().find_map(|&(request, word)| match number.checked_sub(request)? {
        0 => Some((word, false)),
        3 => Some((word, true)),
        _ => None,
    })
}
