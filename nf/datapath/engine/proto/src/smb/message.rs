//! Octets of versions 2 and 3 → fields: pure, no state, no panic.

use nf_fields::Text;

use super::record::SmbTransaction;
use super::words;
use crate::Cursor;
use crate::windows::{guid, time, utf16};

/// Octets of the header.
pub(super) const HEADER: usize = 64;
/// Octets of the header of an encrypted message.
pub(super) const TRANSFORM: usize = 52;
/// Longest name of a file kept.
pub(super) const MAX_NAME: usize = 1024;
/// Most dialects kept of an offer.
pub(super) const MAX_DIALECTS: usize = 32;

/// It is a response.
const RESPONSE: u32 = 0x01;
/// The response comes later; no tree is named.
const ASYNC: u32 = 0x02;
/// It goes on with what the message before it named.
const RELATED: u32 = 0x04;

pub(super) const NEGOTIATE: u16 = 0;
pub(super) const SESSION_SETUP: u16 = 1;
pub(super) const TREE_CONNECT: u16 = 3;
pub(super) const TREE_DISCONNECT: u16 = 4;
pub(super) const CREATE: u16 = 5;
pub(super) const CLOSE: u16 = 6;
pub(super) const FLUSH: u16 = 7;
pub(super) const READ: u16 = 8;
pub(super) const WRITE: u16 = 9;
pub(super) const LOCK: u16 = 10;
pub(super) const IOCTL: u16 = 11;
pub(super) const CANCEL: u16 = 12;
pub(super) const QUERY_DIRECTORY: u16 = 14;
pub(super) const CHANGE_NOTIFY: u16 = 15;
pub(super) const QUERY_INFO: u16 = 16;
pub(super) const SET_INFO: u16 = 17;

/// A handle: of version 1, its number in the first two octets.
pub(super) type Handle = [u8; 16];
/// The handle that stands for the one before.
pub(super) const SAME: Handle = [0xff; 16];

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) command: u16,
    pub(super) status: u32,
    pub(super) flags: u32,
    pub(super) next: u32,
    pub(super) message: u64,
    pub(super) tree: u32,
    pub(super) session: u64,
}

impl Head {
    pub(super) fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }

    pub(super) fn is_related(&self) -> bool {
        self.flags & RELATED != 0
    }
}

/// The header at the front, magic included.
pub(super) fn head(data: &[u8]) -> Option<Head> {
    let mut c = Cursor::new(data);
    let magic = c.take(4)?;
    let size = c.u16_le()?;
    c.skip(2)?;
    let status = c.u32_le()?;
    let command = c.u16_le()?;
    c.skip(2)?;
    let flags = c.u32_le()?;
    let next = c.u32_le()?;
    let message = c.u64_le()?;
    c.skip(4)?;
    let tree = c.u32_le()?;
    let session = c.u64_le()?;
    c.skip(16)?;
    let tree = if flags & ASYNC == 0 { tree } else { 0 };
    let aligned = next == 0 || (next >= 64 && next % 8 == 0);
    (magic == b"\xfeSMB" && size == 64 && command <= 18 && aligned).then_some(Head {
        command,
        status,
        flags,
        next,
        message,
        tree,
        session,
    })
}

/// What a message is about besides what goes into the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct About<'a> {
    /// Handle it names.
    pub(super) handle: Option<Handle>,
    /// Data it carries, as far as they are here.
    pub(super) data: &'a [u8],
    /// How many octets of data there are in all.
    pub(super) length: u64,
    /// Octets before the data.
    pub(super) padding: &'a [u8],
    /// Token of a login.
    pub(super) token: &'a [u8],
    /// Kind of a share.
    pub(super) share: u8,
}

/// `length` octets at `offset` of the message.
fn at(message: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    if length == 0 {
        return Some(&[]);
    }
    message.get(offset..)?.get(..length)
}

/// As many of them as are here.
pub(super) fn at_most(message: &[u8], offset: usize, length: usize) -> &[u8] {
    let rest = message.get(offset..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Reads a request into `record`; `None` when it contradicts itself.
pub(super) fn request<'a>(
    head: &Head,
    message: &'a [u8],
    record: &mut SmbTransaction,
) -> Option<About<'a>> {
    let mut c = Cursor::new(message.get(HEADER..)?);
    let mut about = About::default();
    match head.command {
        NEGOTIATE => negotiate(message, &mut c, record)?,
        SESSION_SETUP => {
            c.skip(12)?;
            let (offset, length) = (c.u16_le()?, c.u16_le()?);
            about.token = at_most(message, offset.into(), length.into());
        }
        TREE_CONNECT => {
            c.skip(4)?;
            let (offset, length) = (c.u16_le()?, c.u16_le()?);
            record.share = Some(utf16(at(message, offset.into(), length.into())?, MAX_NAME));
        }
        CREATE => create(message, &mut c, record)?,
        CLOSE | FLUSH => {
            c.skip(8)?;
            about.handle = Some(c.array()?);
        }
        READ => {
            c.skip(16)?;
            about.handle = Some(c.array()?);
        }
        WRITE => {
            c.skip(2)?;
            let (offset, length) = (c.u16_le()?, c.u32_le()?);
            c.skip(8)?;
            about.handle = Some(c.array()?);
            c.skip(16)?;
            about.length = length.into();
            about.data = at_most(message, offset.into(), size(length));
            let before = usize::from(offset).saturating_sub(HEADER.saturating_add(48));
            about.padding = c.rest().get(..before).unwrap_or_default();
        }
        IOCTL => {
            c.skip(4)?;
            let code = c.u32_le()?;
            about.handle = Some(c.array()?);
            let (offset, length) = (c.u32_le()?, c.u32_le()?);
            about.length = length.into();
            about.data = at_most(message, size(offset), size(length));
            record.function = Some(control(code));
        }
        LOCK | CHANGE_NOTIFY => {
            c.skip(8)?;
            about.handle = Some(c.array()?);
        }
        QUERY_DIRECTORY => {
            c.skip(8)?;
            about.handle = Some(c.array()?);
            let (offset, length) = (c.u16_le()?, c.u16_le()?);
            record.pattern = Some(utf16(at(message, offset.into(), length.into())?, MAX_NAME));
        }
        QUERY_INFO => {
            c.skip(24)?;
            about.handle = Some(c.array()?);
        }
        SET_INFO => about.handle = Some(set_info(message, &mut c, record)?),
        _ => {}
    }
    Some(about)
}

fn control(code: u32) -> Text {
    words::control(code).map_or_else(|| Text::from(format!("{code:#010x}")), Text::from)
}

fn negotiate(message: &[u8], c: &mut Cursor<'_>, record: &mut SmbTransaction) -> Option<()> {
    c.skip(2)?;
    let count = usize::from(c.u16_le()?);
    let security = c.u16_le()?;
    c.skip(6)?;
    record.client_guid = Some(guid(c.array()?));
    let (offset, contexts) = (c.u32_le()?, c.u16_le()?);
    c.skip(2)?;
    let mut dialects = Vec::new();
    let mut newest = 0;
    for _ in 0..count.min(MAX_DIALECTS) {
        let number = c.u16_le()?;
        newest = newest.max(number);
        dialects.push(dialect(number));
    }
    record.client_dialects = Some(dialects);
    record.signing_required = Some(security & 2 != 0);
    if newest == 0x0311 {
        for (kind, value) in contexts_of(message, size(offset), contexts) {
            if kind == 5 {
                record.share = Some(utf16(value, MAX_NAME));
            }
        }
    }
    Some(())
}

/// The name of a dialect, or its number.
pub(super) fn dialect(number: u16) -> Text {
    words::dialect(number).map_or_else(|| Text::from(format!("{number:#06x}")), Text::from)
}

/// Contexts of a negotiation, as far as they can be read.
fn contexts_of(message: &[u8], offset: usize, count: u16) -> Vec<(u16, &[u8])> {
    let mut c = Cursor::new(message.get(offset..).unwrap_or_default());
    let mut found = Vec::new();
    for _ in 0..count.min(16) {
        let odd = c.position().wrapping_neg() & 7;
        let read = |c: &mut Cursor<'_>| {
            c.skip(odd)?;
            let (kind, length) = (c.u16_le()?, c.u16_le()?);
            c.skip(4)?;
            Some((kind, length))
        };
        let Some((kind, length)) = read(&mut c) else {
            break;
        };
        let Some(value) = c.take(length.into()) else {
            break;
        };
        found.push((kind, value));
    }
    found
}

fn create(message: &[u8], c: &mut Cursor<'_>, record: &mut SmbTransaction) -> Option<()> {
    c.skip(24)?;
    record.access_mask = Some(c.u32_le()?);
    // Attributes, and what is shared.
    c.skip(8)?;
    record.disposition = words::disposition(c.u32_le()?);
    let options = c.u32_le()?;
    let (offset, length) = (c.u16_le()?, c.u16_le()?);
    record.filename = Some(utf16(at(message, offset.into(), length.into())?, MAX_NAME));
    record.delete_on_close = Some(options & 0x1000 != 0);
    record.directory = (options & 1 != 0).then_some(true);
    Some(())
}

fn set_info(message: &[u8], c: &mut Cursor<'_>, record: &mut SmbTransaction) -> Option<Handle> {
    c.skip(2)?;
    let (kind, class) = (c.u8()?, c.u8()?);
    let length = c.u32_le()?;
    let offset = c.u16_le()?;
    c.skip(6)?;
    let handle = c.array()?;
    record.function = words::set_class(kind, class).map(Text::from);
    let information = at_most(message, offset.into(), size(length));
    match (kind, class) {
        (1, 10 | 11 | 65) => record.new_filename = new_name(information),
        (1, 13 | 64) => record.delete_on_close = information.first().map(|flag| flag & 1 != 0),
        _ => {}
    }
    Some(handle)
}

/// The new name in information for a rename.
pub(super) fn new_name(information: &[u8]) -> Option<Text> {
    let mut c = Cursor::new(information);
    c.skip(16)?;
    let length = c.u32_le()?;
    Some(utf16(c.take(size(length))?, MAX_NAME))
}

/// Reads a response into `record`; `None` when it contradicts itself.
pub(super) fn response<'a>(
    head: &Head,
    message: &'a [u8],
    record: &mut SmbTransaction,
) -> Option<About<'a>> {
    let mut c = Cursor::new(message.get(HEADER..)?);
    let mut about = About::default();
    match head.command {
        NEGOTIATE => about.token = negotiated(message, &mut c, record)?,
        SESSION_SETUP => {
            c.skip(2)?;
            let flags = c.u16_le()?;
            let (offset, length) = (c.u16_le()?, c.u16_le()?);
            about.token = at_most(message, offset.into(), length.into());
            record.guest = (head.status == 0).then_some(flags & 1 != 0);
        }
        TREE_CONNECT => {
            c.skip(2)?;
            about.share = c.u8()?;
            record.share_type = words::share_type(about.share).map(Text::from);
        }
        CREATE => {
            c.skip(8)?;
            times(&mut c, record)?;
            // What is allocated.
            c.skip(8)?;
            record.size = Some(c.u64_le()?);
            let attributes = c.u32_le()?;
            c.skip(4)?;
            about.handle = Some(c.array()?);
            record.directory = Some(attributes & 0x10 != 0);
        }
        READ => {
            c.skip(2)?;
            let offset = c.u8()?;
            c.skip(1)?;
            let length = c.u32_le()?;
            about.length = length.into();
            about.data = at_most(message, offset.into(), size(length));
        }
        WRITE => {
            c.skip(4)?;
            about.length = c.u32_le()?.into();
        }
        IOCTL => {
            c.skip(4)?;
            record.function = Some(control(c.u32_le()?));
            // The handle, and what came in.
            c.skip(24)?;
            let (offset, length) = (c.u32_le()?, c.u32_le()?);
            about.length = length.into();
            about.data = at_most(message, size(offset), size(length));
        }
        _ => {}
    }
    Some(about)
}

fn negotiated<'a>(
    message: &'a [u8],
    c: &mut Cursor<'_>,
    record: &mut SmbTransaction,
) -> Option<&'a [u8]> {
    c.skip(2)?;
    let security = c.u16_le()?;
    let number = c.u16_le()?;
    let contexts = c.u16_le()?;
    record.server_guid = Some(guid(c.array()?));
    c.skip(8)?;
    record.max_read_size = Some(c.u32_le()?);
    record.max_write_size = Some(c.u32_le()?);
    c.skip(16)?;
    let (offset, length) = (c.u16_le()?, c.u16_le()?);
    let list = c.u32_le()?;
    record.signing_required = Some(security & 2 != 0);
    record.dialect = Some(dialect(number));
    if number == 0x0311 {
        for (kind, value) in contexts_of(message, size(list), contexts) {
            if let (2, &[_, _, low, high, ..]) = (kind, value) {
                record.cipher = words::cipher(u16::from_le_bytes([low, high])).map(Text::from);
            }
        }
    }
    Some(at_most(message, offset.into(), length.into()))
}

/// The four times of a file.
pub(super) fn times(c: &mut Cursor<'_>, record: &mut SmbTransaction) -> Option<()> {
    record.created = time(c.u64_le()?);
    record.accessed = time(c.u64_le()?);
    record.modified = time(c.u64_le()?);
    record.changed = time(c.u64_le()?);
    Some(())
}

/// The session of an encrypted message, and how many octets it has in clear.
pub(super) fn transform(data: &[u8]) -> Option<(u64, u32)> {
    let mut c = Cursor::new(data);
    let magic = c.take(4)?;
    c.skip(32)?;
    let length = c.u32_le()?;
    c.skip(4)?;
    let session = c.u64_le()?;
    (magic == b"\xfdSMB").then_some((session, length))
}
