//! Octets → CIP messages (CIP Networks Library, volume 1): pure, no state, no panic.

use crate::Cursor;

/// Set in the service of a response.
const RESPONSE: u8 = 0x80;
/// Most services that are looked at in one packet of several.
const MAX_SERVICES: usize = 32;
/// The class that makes connections.
const CONNECTION_MANAGER: u32 = 6;

/// Where a request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<'a> {
    /// Class.
    pub class: Option<u32>,
    /// Instance of it.
    pub instance: Option<u32>,
    /// Attribute of that.
    pub attribute: Option<u32>,
    /// Name of a tag.
    pub symbol: Option<&'a [u8]>,
}

/// A message taken apart.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    /// Service, without the mark of a response.
    pub service: u8,
    /// It answers.
    pub is_response: bool,
    /// Where a request goes.
    pub path: Path<'a>,
    /// General status of a response.
    pub status: Option<u8>,
    /// First word of the additional status.
    pub extended_status: Option<u16>,
    /// Services of a packet of several.
    pub services: Vec<u8>,
    /// It was sent by way of the connection manager.
    pub is_routed: bool,
    /// Octets behind the header.
    pub data: &'a [u8],
}

/// Takes a message apart; `None` when it is malformed.
pub fn parse(octets: &[u8]) -> Option<Message<'_>> {
    parse_at(octets, 0)
}

fn parse_at(octets: &[u8], depth: u8) -> Option<Message<'_>> {
    let mut c = Cursor::new(octets);
    let first = c.u8()?;
    let mut message = Message {
        service: first & !RESPONSE,
        is_response: first & RESPONSE != 0,
        ..Message::default()
    };
    if message.is_response {
        c.skip(1)?;
        message.status = Some(c.u8()?);
        let mut extended = Cursor::new(c.take(usize::from(c.rest().first().copied()?) << 1 | 1)?);
        extended.skip(1)?;
        message.extended_status = extended.u16_le();
        message.data = c.rest();
        if message.service == 0x0a {
            message.services = several(message.data);
        }
        return Some(message);
    }
    let words = c.u8()?;
    message.path = path(c.take(usize::from(words) << 1)?)?;
    message.data = c.rest();
    match message.service {
        0x0a => message.services = several(message.data),
        // Priority, ticks, length: the message that is to be passed on.
        0x52 if message.path.class == Some(CONNECTION_MANAGER) && depth == 0 => {
            let mut inner = Cursor::new(message.data);
            inner.skip(2)?;
            let length = inner.u16_le()?;
            let mut routed = parse_at(inner.take(length.into())?, 1)?;
            routed.is_routed = true;
            return Some(routed);
        }
        _ => {}
    }
    Some(message)
}

/// Services of a packet of several: their number, then the place of each.
fn several(data: &[u8]) -> Vec<u8> {
    let mut c = Cursor::new(data);
    let count = usize::from(c.u16_le().unwrap_or(0)).min(MAX_SERVICES);
    let places = (0..count).map_while(|_| c.u16_le());
    places.filter_map(|at| data.get(usize::from(at)).map(|s| s & !RESPONSE)).collect()
}

/// Reads the segments of a path.
fn path(octets: &[u8]) -> Option<Path<'_>> {
    let mut c = Cursor::new(octets);
    let mut path = Path::default();
    while let Some(segment) = c.u8() {
        match segment {
            // An electronic key.
            0x34 => c.skip(9)?,
            // Logical segments: type in bits 4 to 2, size in bits 1 and 0.
            0x20..=0x3f => {
                let value = match segment & 3 {
                    0 => c.u8()?.into(),
                    1 => {
                        c.skip(1)?;
                        c.u16_le()?.into()
                    }
                    2 => {
                        c.skip(1)?;
                        c.u32_le()?
                    }
                    _ => return None,
                };
                match segment >> 2 & 7 {
                    0 => path.class = path.class.or(Some(value)),
                    1 => path.instance = path.instance.or(Some(value)),
                    4 => path.attribute = path.attribute.or(Some(value)),
                    _ => {}
                }
            }
            0x91 => {
                let symbol = c.prefixed_u8()?;
                if symbol.len() & 1 == 1 {
                    c.skip(1)?;
                }
                path.symbol = path.symbol.or(Some(symbol));
            }
            // Ports: an address of one octet, or as many as are told.
            0x01..=0x0f => c.skip(1)?,
            0x11..=0x1f => {
                let length = c.u8()?;
                c.skip(usize::from(length).saturating_add(usize::from(length & 1)))?;
            }
            0x80 => {
                let words = c.u8()?;
                c.skip(usize::from(words) << 1)?;
            }
            _ => return None,
        }
    }
    Some(path)
}

/// The word for a service of a class.
pub fn service_word(service: u8, class: Option<u32>) -> &'static str {
    match (service, class) {
        (0x01, _) => "get_attributes_all",
        (0x02, _) => "set_attributes_all",
        (0x03, _) => "get_attribute_list",
        (0x04, _) => "set_attribute_list",
        (0x05, _) => "reset",
        (0x06, _) => "start",
        (0x07, _) => "stop",
        (0x08, _) => "create",
        (0x09, _) => "delete",
        (0x0a, _) => "multiple_service_packet",
        (0x0d, _) => "apply_attributes",
        (0x0e, _) => "get_attribute_single",
        (0x10, _) => "set_attribute_single",
        (0x11, _) => "find_next_object_instance",
        (0x14, _) => "error_response",
        (0x15, _) => "restore",
        (0x16, _) => "save",
        (0x17, _) => "no_operation",
        (0x18, _) => "get_member",
        (0x19, _) => "set_member",
        (0x1a, _) => "insert_member",
        (0x1b, _) => "remove_member",
        (0x1c, _) => "group_sync",
        (0x4e, Some(CONNECTION_MANAGER)) => "forward_close",
        (0x52, Some(CONNECTION_MANAGER)) => "unconnected_send",
        (0x54, Some(CONNECTION_MANAGER)) => "forward_open",
        (0x56, Some(CONNECTION_MANAGER)) => "get_connection_data",
        (0x57, Some(CONNECTION_MANAGER)) => "search_connection_data",
        (0x5a, Some(CONNECTION_MANAGER)) => "get_connection_owner",
        (0x5b, Some(CONNECTION_MANAGER)) => "large_forward_open",
        (0x4b, Some(0x67)) => "execute_pccc",
        (0x4c, _) => "read_tag",
        (0x4d, _) => "write_tag",
        (0x4e, _) => "read_modify_write_tag",
        (0x52, _) => "read_tag_fragmented",
        (0x53, _) => "write_tag_fragmented",
        (0x55, _) => "get_instance_attribute_list",
        _ => "other",
    }
}

/// The word for a class.
pub fn class_word(class: u32) -> &'static str {
    match class {
        0x01 => "identity",
        0x02 => "message_router",
        0x04 => "assembly",
        0x05 => "connection",
        0x06 => "connection_manager",
        0x0f => "parameter",
        0x37 => "file",
        0x43 => "time_sync",
        0x64 => "program",
        0x67 => "pccc",
        0x68 => "program_name",
        0x6b => "symbol",
        0x6c => "template",
        0x8b => "wall_clock",
        0xac => "controller",
        0xf4 => "port",
        0xf5 => "tcp_ip_interface",
        0xf6 => "ethernet_link",
        _ => "other",
    }
}

/// The word for a general status.
pub fn status_word(status: u8) -> &'static str {
    match status {
        0x00 => "success",
        0x01 => "connection_failure",
        0x02 => "resource_unavailable",
        0x03 => "invalid_parameter_value",
        0x04 => "path_segment_error",
        0x05 => "path_destination_unknown",
        0x06 => "partial_transfer",
        0x07 => "connection_lost",
        0x08 => "service_not_supported",
        0x09 => "invalid_attribute_value",
        0x0a => "attribute_list_error",
        0x0b => "already_in_requested_state",
        0x0c => "object_state_conflict",
        0x0d => "object_already_exists",
        0x0e => "attribute_not_settable",
        0x0f => "privilege_violation",
        0x10 => "device_state_conflict",
        0x11 => "reply_data_too_large",
        0x13 => "not_enough_data",
        0x14 => "attribute_not_supported",
        0x15 => "too_much_data",
        0x16 => "object_does_not_exist",
        0x1e => "embedded_service_error",
        0x1f => "vendor_specific_error",
        0x26 => "invalid_path_size",
        0xff => "general_error",
        _ => "other",
    }
}
