//! Octets → packets of OpenVPN: what goes in clear, with whatever wraps it.

use crate::Cursor;

/// Octets of a packet's number and time, under tls-auth and tls-crypt.
const REPLAY: usize = 8;
/// Octets of the codes tls-auth can put before those: SHA-1, SHA-256, SHA-512, MD5.
const CODES: [usize; 4] = [20, 32, 64, 16];
/// Most acknowledgements a packet may carry.
const MAX_ACKS: u8 = 8;
/// Octets of tls-crypt before what it encrypts, behind the session: replay and code.
const CRYPT: usize = REPLAY + 32;

pub const SOFT_RESET: u8 = 3;
pub const CONTROL: u8 = 4;
pub const ACK: u8 = 5;
pub const DATA_V1: u8 = 6;
pub const CLIENT_RESET: u8 = 7;
pub const SERVER_RESET: u8 = 8;
pub const DATA_V2: u8 = 9;
pub const CLIENT_RESET_V3: u8 = 10;
pub const WRAPPED_CONTROL: u8 = 11;

/// What protects control packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Nothing but TLS itself.
    Clear,
    /// A code of so many octets, and a number against replay.
    Auth(usize),
    /// Everything behind the session identifier is encrypted.
    Crypt,
}

impl Wrap {
    pub fn word(self) -> &'static str {
        match self {
            Wrap::Clear => "none",
            Wrap::Auth(_) => "tls_auth",
            Wrap::Crypt => "tls_crypt",
        }
    }
}

/// A packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    pub opcode: u8,
    pub key_id: u8,
    /// Of control packets.
    pub session: Option<u64>,
    pub acks: u8,
    /// Session of the peer, behind acknowledgements.
    pub remote: Option<u64>,
    pub number: Option<u32>,
    /// Of the second form of data.
    pub peer: Option<u32>,
    /// What a control packet carries of TLS, where that is in clear.
    pub payload: &'a [u8],
}

/// Opcode and key of a packet; `None` when the first octet is none's.
pub fn first(octet: u8) -> Option<(u8, u8)> {
    let (opcode, key) = (octet >> 3, octet & 7);
    (1..=WRAPPED_CONTROL).contains(&opcode).then_some((opcode, key))
}

/// Takes a packet apart that is wrapped as said.
pub fn parse(data: &[u8], wrap: Wrap) -> Option<Packet<'_>> {
    let mut c = Cursor::new(data);
    let (opcode, key_id) = first(c.u8()?)?;
    let mut packet = Packet { opcode, key_id, ..Packet::default() };
    match opcode {
        DATA_V1 => return (!c.is_empty()).then_some(packet),
        DATA_V2 => {
            packet.peer = Some(c.u24()?);
            return (!c.is_empty()).then_some(packet);
        }
        _ => packet.session = Some(c.u64()?),
    }
    match wrap {
        Wrap::Clear => {}
        Wrap::Auth(code) => {
            c.skip(code)?;
            let [number, time] = [c.u32()?, c.u32()?];
            // Numbers begin anew with the connection.
            (number > 0 && number < 1 << 24 && time > 0).then_some(())?;
        }
        Wrap::Crypt => {
            // A number of acknowledgements at least is encrypted, so that something is there.
            c.skip(CRYPT)?;
            return (!c.is_empty()).then_some(packet);
        }
    }
    packet.acks = c.u8()?;
    if packet.acks > MAX_ACKS {
        return None;
    }
    if packet.acks > 0 {
        c.skip(usize::from(packet.acks).saturating_mul(4))?;
        packet.remote = Some(c.u64()?);
    }
    if opcode == ACK {
        return c.is_empty().then_some(packet);
    }
    packet.number = Some(c.u32()?);
    packet.payload = c.rest();
    Some(packet)
}

/// How the first packet of a side is wrapped, judged strictly.
pub fn wrap_of(data: &[u8]) -> Option<Wrap> {
    let (opcode, key) = first(*data.first()?)?;
    if key != 0 || !matches!(opcode, CLIENT_RESET | SERVER_RESET | CLIENT_RESET_V3) {
        return None;
    }
    let resets = |wrap| {
        let packet = parse(data, wrap)?;
        let fresh = packet.number == Some(0) && packet.payload.is_empty();
        // Only an answer acknowledges.
        let acks = if opcode == CLIENT_RESET { packet.acks == 0 } else { packet.acks <= 1 };
        (fresh && acks && packet.session != Some(0)).then_some(wrap)
    };
    if opcode == CLIENT_RESET_V3 {
        return crypt_of(data);
    }
    let codes = CODES.iter().find_map(|&code| resets(Wrap::Auth(code)));
    resets(Wrap::Clear).or(codes).or_else(|| crypt_of(data))
}

/// Set in the numbers of a side that negotiates before TLS begins; only with a key of each client's
/// own (tls-crypt-v2) are there such.
const EARLY_NEGOTIATION: u32 = 0x0f00_0000;

/// Whether the replay number that tls-crypt leaves in clear is a first one.
fn crypt_of(data: &[u8]) -> Option<Wrap> {
    let mut c = Cursor::new(data);
    c.skip(9)?;
    let [number, time] = [c.u32()?, c.u32()?];
    let opcode = first(*data.first()?)?.0;
    // One of the first packets, sent after the year 2010. Numbers count from 1, or from the mark.
    let plain = (1..=16).contains(&number);
    let marked = number.checked_sub(EARLY_NEGOTIATION).is_some_and(|number| number <= 16);
    let early = plain || (marked && opcode != CLIENT_RESET);
    let recent = (1_262_304_000..=4_102_444_800).contains(&time);
    let length = data.len();
    let fits = match opcode {
        CLIENT_RESET => length == 54,
        // An answer acknowledges, and may say what it is capable of.
        SERVER_RESET => length == 54 || length >= 60,
        // A key of the client's follows.
        CLIENT_RESET_V3 => length > 300,
        _ => false,
    };
    (early && recent && fits).then_some(Wrap::Crypt)
}

/// The word for a kind of packet.
pub fn kind(opcode: u8) -> &'static str {
    match opcode {
        1 => "hard_reset_client_v1",
        2 => "hard_reset_server_v1",
        SOFT_RESET => "soft_reset",
        CONTROL => "control",
        ACK => "ack",
        DATA_V1 => "data_v1",
        CLIENT_RESET => "hard_reset_client_v2",
        SERVER_RESET => "hard_reset_server_v2",
        DATA_V2 => "data_v2",
        CLIENT_RESET_V3 => "hard_reset_client_v3",
        _ => "control_wrapped_key",
    }
}
