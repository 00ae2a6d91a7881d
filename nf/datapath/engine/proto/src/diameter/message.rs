//! Octets → Diameter messages: pure, bounded.

use crate::Cursor;

/// Octets of the header.
pub const HEADER: usize = 20;
/// Longest message that is read.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Most attributes of a message that are looked at.
const MAX_ATTRIBUTES: usize = 512;

/// Attributes that are reported (RFC 6733 §4.5, RFC 8506).
pub mod avp {
    pub const USER_NAME: u32 = 1;
    pub const SESSION_ID: u32 = 263;
    pub const ORIGIN_HOST: u32 = 264;
    pub const RESULT_CODE: u32 = 268;
    pub const ERROR_MESSAGE: u32 = 281;
    pub const DESTINATION_REALM: u32 = 283;
    pub const DESTINATION_HOST: u32 = 293;
    pub const ORIGIN_REALM: u32 = 296;
    pub const EXPERIMENTAL_RESULT: u32 = 297;
    pub const EXPERIMENTAL_CODE: u32 = 298;
    pub const PRODUCT_NAME: u32 = 269;
    pub const REQUEST_NUMBER: u32 = 415;
    pub const REQUEST_TYPE: u32 = 416;
}

/// The header (RFC 6733 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub length: u32,
    pub flags: u8,
    pub command: u32,
    pub application: u32,
    pub hop_by_hop: u32,
    pub end_to_end: u32,
}

impl Header {
    pub fn is_request(&self) -> bool {
        self.flags & 0x80 != 0
    }
}

/// The header at the front; `Ok(None)`: more must come; `Err`: none.
pub fn header(data: &[u8]) -> Result<Option<Header>, ()> {
    let read = |c: &mut Cursor<'_>| {
        c.skip(1)?;
        Some(Header {
            length: c.u24()?,
            flags: c.u8()?,
            command: c.u24()?,
            application: c.u32()?,
            hop_by_hop: c.u32()?,
            end_to_end: c.u32()?,
        })
    };
    if data.first().is_some_and(|&version| version != 1) {
        return Err(());
    }
    let Some(header) = read(&mut Cursor::new(data)) else {
        return Ok(None);
    };
    // A request that is an error, or an answer that is sent again, cannot be.
    let odd = matches!(header.flags & 0xa0, 0xa0) || header.flags & 0x0f != 0;
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    let fits = (HEADER..=MAX_MESSAGE).contains(&length) && length % 4 == 0;
    if fits && !odd { Ok(Some(header)) } else { Err(()) }
}

/// An attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub code: u32,
    pub vendor: Option<u32>,
    pub value: &'a [u8],
}

/// The next attribute with its padding; `None` when it does not fit.
fn attribute<'a>(c: &mut Cursor<'a>) -> Option<Attribute<'a>> {
    let mut ahead = *c;
    let code = ahead.u32()?;
    let flags = ahead.u8()?;
    let length = usize::try_from(ahead.u24()?).ok()?;
    (flags & 0x1f == 0).then_some(())?;
    let (vendor, before) =
        if flags & 0x80 != 0 { (Some(ahead.u32()?), 12usize) } else { (None, 8) };
    let value = ahead.take(length.checked_sub(before)?)?;
    // The last one's padding may be left out.
    let padding = length.wrapping_neg() & 3;
    ahead.skip(padding.min(ahead.remaining()))?;
    *c = ahead;
    Some(Attribute { code, vendor, value })
}

/// Calls `each` for the attributes; false when they do not fill `octets`.
pub fn attributes<'a>(octets: &'a [u8], mut each: impl FnMut(Attribute<'a>)) -> bool {
    let mut c = Cursor::new(octets);
    for _ in 0..MAX_ATTRIBUTES {
        if c.is_empty() {
            return true;
        }
        match attribute(&mut c) {
            Some(found) => each(found),
            None => return false,
        }
    }
    true
}

/// Four octets as a number.
pub fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*value.first_chunk::<4>().filter(|_| value.len() == 4)?))
}

/// The word for a command.
pub fn command(code: u32) -> &'static str {
    match code {
        257 => "capabilities_exchange",
        258 => "re_auth",
        260 => "aa_mobile_node",
        265 => "aa",
        268 => "eap",
        271 => "accounting",
        272 => "credit_control",
        274 => "abort_session",
        275 => "session_termination",
        280 => "device_watchdog",
        282 => "disconnect_peer",
        300 | 283 => "user_authorization",
        301 | 284 => "server_assignment",
        302 | 285 => "location_info",
        303 | 286 => "multimedia_auth",
        304 | 287 => "registration_termination",
        305 | 288 => "push_profile",
        306 => "user_data",
        307 => "profile_update",
        308 => "subscribe_notifications",
        309 => "push_notification",
        316 => "update_location",
        317 => "cancel_location",
        318 => "authentication_information",
        319 => "insert_subscriber_data",
        320 => "delete_subscriber_data",
        321 => "purge_ue",
        322 => "reset",
        323 => "notify",
        324 => "me_identity_check",
        8_388_620 => "provide_location",
        8_388_635 => "spending_limit",
        _ => "other",
    }
}

/// The word for an application.
pub fn application(id: u32) -> &'static str {
    match id {
        0 => "base",
        1 => "nasreq",
        2 => "mobile_ipv4",
        3 => "accounting",
        4 => "credit_control",
        5 => "eap",
        6 => "sip",
        16_777_216 => "cx",
        16_777_217 => "sh",
        16_777_236 => "rx",
        16_777_238 => "gx",
        16_777_250 => "sta",
        16_777_251 => "s6a",
        16_777_252 => "s13",
        16_777_255 => "slg",
        16_777_264 => "swm",
        16_777_265 => "swx",
        16_777_266 => "gxx",
        16_777_267 => "s9",
        16_777_272 => "s6b",
        16_777_302 => "sy",
        16_777_303 => "sd",
        0xffff_ffff => "relay",
        _ => "other",
    }
}

/// The word for the class of a result.
pub fn result(code: u32) -> &'static str {
    match code / 1000 {
        1 => "informational",
        2 => "success",
        3 => "protocol_error",
        4 => "transient_failure",
        5 => "permanent_failure",
        _ => "unknown",
    }
}
