//! Octets → encapsulation messages (CIP Networks Library, volume 2, chapter 2): pure, no state, no
//! panic.

use std::net::Ipv4Addr;

use crate::Cursor;

/// Octets of a header.
pub const HEADER: usize = 24;
/// Most items of a packet.
const MAX_ITEMS: u16 = 16;

/// Commands.
pub mod command {
    /// Lists what a target can do.
    pub const LIST_SERVICES: u16 = 0x04;
    /// Lists who is there.
    pub const LIST_IDENTITY: u16 = 0x63;
    /// Lists its interfaces.
    pub const LIST_INTERFACES: u16 = 0x64;
    /// Opens a session.
    pub const REGISTER_SESSION: u16 = 0x65;
    /// Ends it.
    pub const UNREGISTER_SESSION: u16 = 0x66;
    /// Request or response without connection.
    pub const SEND_RR_DATA: u16 = 0x6f;
    /// Request or response on a connection.
    pub const SEND_UNIT_DATA: u16 = 0x70;
}

/// A header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Command.
    pub command: u16,
    /// Octets that follow.
    pub length: u16,
    /// Session.
    pub session: u32,
    /// Status of a response.
    pub status: u32,
    /// Chosen by the client, repeated by the server.
    pub context: [u8; 8],
    /// Not used.
    pub options: u32,
}

impl Header {
    /// Octets of the whole message.
    pub fn whole(&self) -> usize {
        HEADER.saturating_add(self.length.into())
    }
}

/// Reads a header.
pub fn header(data: &[u8]) -> Option<Header> {
    let mut c = Cursor::new(data);
    Some(Header {
        command: c.u16_le()?,
        length: c.u16_le()?,
        session: c.u32_le()?,
        status: c.u32_le()?,
        context: c.array()?,
        options: c.u32_le()?,
    })
}

/// The word for a command.
pub fn command_word(number: u16) -> &'static str {
    match number {
        0x00 => "nop",
        command::LIST_SERVICES => "list_services",
        command::LIST_IDENTITY => "list_identity",
        command::LIST_INTERFACES => "list_interfaces",
        command::REGISTER_SESSION => "register_session",
        command::UNREGISTER_SESSION => "unregister_session",
        command::SEND_RR_DATA => "send_rr_data",
        command::SEND_UNIT_DATA => "send_unit_data",
        0x72 => "indicate_status",
        0x73 => "cancel",
        _ => "unknown",
    }
}

/// The word for a status.
pub fn status_word(status: u32) -> &'static str {
    match status {
        0x00 => "success",
        0x01 => "unsupported_command",
        0x02 => "insufficient_memory",
        0x03 => "incorrect_data",
        0x64 => "invalid_session",
        0x65 => "invalid_length",
        0x69 => "unsupported_version",
        _ => "unknown",
    }
}

/// What a packet of items carries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Items<'a> {
    /// Connection it belongs to.
    pub connection: Option<u32>,
    /// Number on that connection.
    pub sequence: Option<u16>,
    /// The message.
    pub message: Option<&'a [u8]>,
}

/// Reads the items behind the header of a data command; `None` when they do not fill it.
pub fn items(body: &[u8]) -> Option<Items<'_>> {
    let mut c = Cursor::new(body);
    c.skip(6)?;
    let mut items = Items::default();
    let count = c.u16_le()?;
    if count > MAX_ITEMS {
        return None;
    }
    for _ in 0..count {
        let kind = c.u16_le()?;
        let length = c.u16_le()?;
        let mut value = Cursor::new(c.take(length.into())?);
        match kind {
            0xa1 => items.connection = Some(value.u32_le()?),
            0xb1 => {
                items.sequence = Some(value.u16_le()?);
                items.message = Some(value.rest());
            }
            0xb2 => items.message = Some(value.rest()),
            _ => {}
        }
    }
    c.is_empty().then_some(items)
}

/// Who a target is.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Its own address.
    pub address: Ipv4Addr,
    /// Maker.
    pub vendor: u16,
    /// Kind of device.
    pub device_type: u16,
    /// Product.
    pub product_code: u16,
    /// Revision, major and minor.
    pub revision: [u8; 2],
    /// Serial number.
    pub serial: u32,
    /// Name of the product.
    pub name: &'a [u8],
    /// State.
    pub state: Option<u8>,
}

/// Reads the first identity of a response.
pub fn identity(body: &[u8]) -> Option<Identity<'_>> {
    let mut c = Cursor::new(body);
    let count = c.u16_le()?;
    let kind = c.u16_le()?;
    let length = c.u16_le()?;
    (count > 0 && kind == 0x0c).then_some(())?;
    let mut item = Cursor::new(c.take(length.into())?);
    // Version, family, port; eight octets behind the address are zero.
    item.skip(6)?;
    let address = Ipv4Addr::from(item.u32()?);
    item.skip(8)?;
    let vendor = item.u16_le()?;
    let device_type = item.u16_le()?;
    let product_code = item.u16_le()?;
    let revision = item.array()?;
    item.skip(2)?;
    let serial = item.u32_le()?;
    let name = item.prefixed_u8()?;
    Some(Identity {
        address,
        vendor,
        device_type,
        product_code,
        revision,
        serial,
        name,
        state: item.u8(),
    })
}
