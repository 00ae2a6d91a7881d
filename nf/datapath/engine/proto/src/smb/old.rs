//! Octets of version 1 → fields: pure, no state, no panic. MS-CIFS and MS-SMB.

use nf_fields::Text;

use super::message::{About, Handle, MAX_DIALECTS, MAX_NAME, at_most, new_name, times};
use super::record::SmbTransaction;
use super::words;
use crate::Cursor;
use crate::windows::{guid, utf16};

/// Octets of the header.
pub(super) const HEADER: usize = 32;
/// Most commands chained in a message that are read.
pub(super) const MAX_CHAIN: usize = 8;

const RESPONSE: u8 = 0x80;
/// Strings are UTF-16.
const UNICODE: u16 = 0x8000;
/// States have 32 bits.
const NT_STATES: u16 = 0x4000;

pub(super) const CLOSE: u8 = 0x04;
pub(super) const TRANSACTION: u8 = 0x25;
const TRANSACTION2: u8 = 0x32;
pub(super) const ECHO: u8 = 0x2b;
pub(super) const OPEN: u8 = 0x2d;
pub(super) const READ: u8 = 0x2e;
pub(super) const WRITE: u8 = 0x2f;
pub(super) const TREE_DISCONNECT: u8 = 0x71;
pub(super) const NEGOTIATE: u8 = 0x72;
pub(super) const SESSION_SETUP: u8 = 0x73;
const LOGOFF: u8 = 0x74;
pub(super) const TREE_CONNECT: u8 = 0x75;
const LOCKING: u8 = 0x24;
pub(super) const NT_CREATE: u8 = 0xa2;

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) command: u8,
    pub(super) status: u32,
    pub(super) flags: u8,
    pub(super) flags2: u16,
    pub(super) tree: u16,
    pub(super) process: u32,
    pub(super) user: u16,
    pub(super) message: u16,
}

impl Head {
    pub(super) fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }

    fn unicode(&self) -> bool {
        self.flags2 & UNICODE != 0
    }

    /// Whether the response tells of success, or of something like it.
    pub(super) fn succeeded(&self) -> bool {
        self.status == 0 || (self.flags2 & NT_STATES != 0 && self.status >> 30 == 2)
    }

    /// The state by name and by number.
    pub(super) fn state(&self) -> (Option<Text>, Text) {
        if self.flags2 & NT_STATES != 0 {
            let name = words::state(self.status).map(Text::from);
            return (name, Text::from(format!("{:#x}", self.status)));
        }
        let [class, _, low, high] = self.status.to_le_bytes();
        let code = u16::from_le_bytes([low, high]);
        let name = words::old_state(class, code).map(Text::from);
        (name, Text::from(format!("{code:#06x}")))
    }
}

/// The header at the front, magic included.
pub(super) fn head(data: &[u8]) -> Option<Head> {
    let mut c = Cursor::new(data);
    let magic = c.take(4)?;
    let command = c.u8()?;
    let status = c.u32_le()?;
    let (flags, flags2) = (c.u8()?, c.u16_le()?);
    let high = c.u16_le()?;
    // Signature, and reserved octets.
    c.skip(10)?;
    let (tree, low, user, message) = (c.u16_le()?, c.u16_le()?, c.u16_le()?, c.u16_le()?);
    let process = u32::from(high) << 16 | u32::from(low);
    let known = words::old_command(command).is_some();
    (magic == b"\xffSMB" && known).then_some(Head {
        command,
        status,
        flags,
        flags2,
        tree,
        process,
        user,
        message,
    })
}

/// A command's words and octets.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) words: &'a [u8],
    pub(super) octets: &'a [u8],
    /// Where the octets are in the message: strings are aligned to it.
    at: usize,
    message: &'a [u8],
}

/// The block at `at` of the message; its octets may go on behind what is here.
pub(super) fn block(message: &[u8], at: usize) -> Option<Block<'_>> {
    let mut c = Cursor::new(message.get(at..)?);
    let count = usize::from(c.u8()?);
    let words = c.take(count.saturating_mul(2))?;
    let length = usize::from(c.u16_le()?);
    let start = at.saturating_add(c.position());
    let rest = c.rest();
    // Large writes and reads say 0 or a part of their length here.
    Some(Block { words, octets: rest.get(..length).unwrap_or(rest), at: start, message })
}

/// The command chained to a block and where its block is.
pub(super) fn chained(command: u8, block: &Block<'_>, before: usize) -> Option<(u8, usize)> {
    let and_x = matches!(
        command,
        LOCKING | OPEN | READ | WRITE | SESSION_SETUP | LOGOFF | TREE_CONNECT | NT_CREATE
    );
    let &[next, _, low, high, ..] = block.words else {
        return None;
    };
    let at = usize::from(u16::from_le_bytes([low, high]));
    // A chain goes forward, so that it comes to an end.
    (and_x && next != 0xff && at > before).then_some((next, at))
}

/// A handle of 16 bits in the form of those of 128.
fn handle(number: u16) -> Handle {
    let mut whole = [0; 16];
    if let Some(front) = whole.first_chunk_mut::<2>() {
        *front = number.to_le_bytes();
    }
    whole
}

/// Reads strings one after the other.
struct Strings<'a> {
    c: Cursor<'a>,
    at: usize,
    unicode: bool,
}

impl<'a> Strings<'a> {
    fn new(block: &Block<'a>, unicode: bool) -> Self {
        Self { c: Cursor::new(block.octets), at: block.at, unicode }
    }

    fn align(&mut self) {
        if self.unicode && self.at.saturating_add(self.c.position()) & 1 == 1 {
            let _ = self.c.skip(1);
        }
    }

    fn next(&mut self) -> Option<Text> {
        if !self.unicode {
            return self.ascii();
        }
        self.align();
        let rest = self.c.rest();
        let end = rest.chunks_exact(2).position(|pair| pair == [0, 0]);
        let length = end.map_or(rest.len(), |units| units.saturating_mul(2));
        let text = self.c.take(length)?;
        let _ = self.c.skip(2);
        (!text.is_empty() || end.is_some()).then(|| utf16(text, MAX_NAME))
    }

    fn ascii(&mut self) -> Option<Text> {
        let rest = self.c.rest();
        let end = memchr::memchr(0, rest);
        let text = self.c.take(end.unwrap_or(rest.len()))?;
        let _ = self.c.skip(1);
        (!text.is_empty() || end.is_some()).then(|| Text::bounded(text, MAX_NAME))
    }
}

fn some(text: Option<Text>) -> Option<Text> {
    text.filter(|t| !t.is_empty())
}

/// Reads the request of a block into `record`; `None` when it contradicts itself.
pub(super) fn request<'a>(
    head: &Head,
    command: u8,
    block: &Block<'a>,
    record: &mut SmbTransaction,
) -> Option<About<'a>> {
    let mut about = About::default();
    let mut w = Cursor::new(block.words);
    let mut strings = Strings::new(block, head.unicode());
    match command {
        NEGOTIATE => record.client_dialects = Some(offered(block.octets)),
        SESSION_SETUP => session_setup(block, &mut strings, record, &mut about)?,
        TREE_CONNECT => {
            w.skip(6)?;
            let password = w.u16_le()?;
            strings.c.skip(password.into())?;
            record.share = strings.next();
        }
        NT_CREATE => {
            w.skip(15)?;
            record.access_mask = Some(w.u32_le()?);
            w.skip(16)?;
            record.disposition = words::disposition(w.u32_le()?);
            let options = w.u32_le()?;
            record.filename = strings.next();
            record.delete_on_close = Some(options & 0x1000 != 0);
            record.directory = (options & 1 != 0).then_some(true);
        }
        OPEN => record.filename = strings.next(),
        CLOSE => about.handle = Some(handle(w.u16_le()?)),
        READ => {
            w.skip(4)?;
            about.handle = Some(handle(w.u16_le()?));
        }
        WRITE => write(block, &mut w, &mut about)?,
        // The old commands name their files behind an octet that says so.
        0x00 | 0x01 | 0x02 | 0x03 | 0x06 | 0x08 | 0x09 | 0x0f | 0x10 => {
            strings.c.skip(1)?;
            record.filename = strings.next();
        }
        0x07 => {
            strings.c.skip(1)?;
            record.filename = strings.next();
            strings.c.skip(1)?;
            record.new_filename = strings.next();
        }
        TRANSACTION => transaction(block, &mut w, &mut strings, record, &mut about)?,
        TRANSACTION2 => transaction2(head, block, &mut w, record, &mut about)?,
        _ => {}
    }
    Some(about)
}

fn offered(octets: &[u8]) -> Vec<Text> {
    let names = octets.split(|&o| o == 0).filter_map(|name| name.strip_prefix(&[2]));
    names.take(MAX_DIALECTS).map(|name| Text::bounded(name, 64)).collect()
}

fn session_setup<'a>(
    block: &Block<'a>,
    strings: &mut Strings<'a>,
    record: &mut SmbTransaction,
    about: &mut About<'a>,
) -> Option<()> {
    let mut w = Cursor::new(block.words);
    w.skip(14)?;
    let first = usize::from(w.u16_le()?);
    match block.words.len() {
        24 => about.token = strings.c.take(first)?,
        26 => {
            let second = usize::from(w.u16_le()?);
            strings.c.skip(first)?;
            strings.c.skip(second)?;
            account(strings, record);
        }
        20 => {
            strings.c.skip(first)?;
            account(strings, record);
        }
        _ => return None,
    }
    record.native_os = some(strings.next());
    record.native_lm = some(strings.next());
    Some(())
}

fn account(strings: &mut Strings<'_>, record: &mut SmbTransaction) {
    let user = some(strings.next());
    let domain = some(strings.next());
    let anonymous = Some(user.is_none());
    record.ntlm = Some(crate::ntlm::Ntlm { user, domain, anonymous, ..Default::default() });
}

fn write<'a>(block: &Block<'a>, w: &mut Cursor<'_>, about: &mut About<'a>) -> Option<()> {
    w.skip(4)?;
    about.handle = Some(handle(w.u16_le()?));
    // Offset, time-out, mode, and what remains.
    w.skip(12)?;
    let high = w.u16_le()?;
    let low = w.u16_le()?;
    let offset = usize::from(w.u16_le()?);
    let length = u32::from(high) << 16 | u32::from(low);
    about.length = length.into();
    about.data = at_most(block.message, offset, usize::try_from(length).unwrap_or(usize::MAX));
    let before = offset.saturating_sub(block.at);
    about.padding = at_most(block.message, block.at, before.min(8));
    Some(())
}

fn transaction<'a>(
    block: &Block<'a>,
    w: &mut Cursor<'_>,
    strings: &mut Strings<'a>,
    record: &mut SmbTransaction,
    about: &mut About<'a>,
) -> Option<()> {
    w.skip(22)?;
    let (length, offset) = (w.u16_le()?, w.u16_le()?);
    let setup = w.u8()?;
    w.skip(1)?;
    record.filename = strings.next();
    about.length = length.into();
    about.data = at_most(block.message, offset.into(), length.into());
    // A call through a pipe: its kind, and the pipe.
    if setup >= 2 && w.u16_le()? == 0x26 {
        about.handle = Some(handle(w.u16_le()?));
        record.filename = None;
        record.function = Some("TRANSACT_NMPIPE".into());
    }
    Some(())
}

fn transaction2(
    head: &Head,
    block: &Block<'_>,
    w: &mut Cursor<'_>,
    record: &mut SmbTransaction,
    about: &mut About<'_>,
) -> Option<()> {
    w.skip(18)?;
    let (length, offset) = (w.u16_le()?, w.u16_le()?);
    let (data_length, data_offset) = (w.u16_le()?, w.u16_le()?);
    w.skip(2)?;
    let kind = w.u16_le()?;
    let parameters = at_most(block.message, offset.into(), length.into());
    let (function, before) = match kind {
        0x00 => ("TRANS2_OPEN2", 28),
        0x01 => ("TRANS2_FIND_FIRST2", 12),
        0x02 => ("TRANS2_FIND_NEXT2", 12),
        0x03 => ("TRANS2_QUERY_FS_INFORMATION", usize::MAX),
        0x05 => ("TRANS2_QUERY_PATH_INFORMATION", 6),
        0x06 => ("TRANS2_SET_PATH_INFORMATION", 6),
        0x07 => ("TRANS2_QUERY_FILE_INFORMATION", usize::MAX),
        0x08 => ("TRANS2_SET_FILE_INFORMATION", usize::MAX),
        0x0d => ("TRANS2_CREATE_DIRECTORY", 4),
        0x10 => ("TRANS2_GET_DFS_REFERRAL", 2),
        _ => return Some(()),
    };
    record.function = Some(function.into());
    if matches!(kind, 7 | 8) {
        // What is asked of an open file names it by its handle.
        about.handle = Cursor::new(parameters).u16_le().map(handle);
    }
    if let Some(name) = parameters.get(before..) {
        let name = if head.unicode() {
            utf16(name, MAX_NAME)
        } else {
            let end = memchr::memchr(0, name).unwrap_or(name.len());
            Text::bounded(name.get(..end).unwrap_or(name), MAX_NAME)
        };
        if kind == 1 || kind == 2 {
            record.pattern = Some(name);
        } else {
            record.filename = some(Some(name));
        }
    }
    if kind == 8 {
        let data = at_most(block.message, data_offset.into(), data_length.into());
        let class = parameters.get(2..4);
        match class {
            Some([0xf2, 0x03]) => record.new_filename = new_name(data),
            Some([0x02, 0x01] | [0xf5, 0x03]) => {
                record.delete_on_close = data.first().map(|&flag| flag != 0);
            }
            _ => {}
        }
    }
    Some(())
}

/// Reads the response of a block into `record`; `None` when it contradicts itself.
pub(super) fn response<'a>(
    head: &Head,
    command: u8,
    block: &Block<'a>,
    record: &mut SmbTransaction,
) -> Option<About<'a>> {
    let mut about = About::default();
    let mut w = Cursor::new(block.words);
    let mut strings = Strings::new(block, head.unicode());
    // A response that refuses has neither words nor octets.
    if block.words.is_empty() {
        return Some(about);
    }
    match command {
        NEGOTIATE => negotiated(block, &mut w, record)?,
        SESSION_SETUP => {
            w.skip(4)?;
            let action = w.u16_le()?;
            if block.words.len() >= 8 {
                let length = usize::from(w.u16_le()?);
                about.token = strings.c.take(length)?;
            }
            record.guest = (head.status == 0).then_some(action & 1 != 0);
            record.server_native_os = some(strings.next());
            record.server_native_lm = some(strings.next());
        }
        TREE_CONNECT => {
            let service = strings.ascii();
            about.share = match service.as_ref().map(Text::as_bytes) {
                Some(b"IPC") => 2,
                Some(b"LPT1:") => 3,
                _ => 1,
            };
            record.share_type = words::share_type(about.share).map(Text::from);
        }
        NT_CREATE => {
            w.skip(5)?;
            about.handle = Some(handle(w.u16_le()?));
            w.skip(4)?;
            times(&mut w, record)?;
            let attributes = w.u32_le()?;
            w.skip(8)?;
            record.size = Some(w.u64_le()?);
            record.directory = Some(attributes & 0x10 != 0);
        }
        OPEN => {
            w.skip(4)?;
            about.handle = Some(handle(w.u16_le()?));
        }
        READ => {
            w.skip(10)?;
            let low = w.u16_le()?;
            let offset = w.u16_le()?;
            let high = w.u16_le()?;
            let length = u32::from(high) << 16 | u32::from(low);
            about.length = length.into();
            let most = usize::try_from(length).unwrap_or(usize::MAX);
            about.data = at_most(block.message, offset.into(), most);
        }
        WRITE => {
            w.skip(4)?;
            let low = w.u16_le()?;
            w.skip(2)?;
            let high = w.u16_le().unwrap_or(0);
            about.length = (u32::from(high) << 16 | u32::from(low)).into();
        }
        TRANSACTION => {
            w.skip(12)?;
            let (length, offset) = (w.u16_le()?, w.u16_le()?);
            about.length = length.into();
            about.data = at_most(block.message, offset.into(), length.into());
        }
        _ => {}
    }
    Some(about)
}

fn negotiated(block: &Block<'_>, w: &mut Cursor<'_>, record: &mut SmbTransaction) -> Option<()> {
    let index = w.u16_le()?;
    record.dialect = match index {
        0xffff => None,
        _ => record.client_dialects.as_ref().and_then(|d| d.get(usize::from(index))).cloned(),
    };
    if block.words.len() < 34 {
        return Some(());
    }
    let security = w.u8()?;
    w.skip(16)?;
    let capabilities = w.u32_le()?;
    record.signing_required = Some(security & 8 != 0);
    // Passwords are sent as they are where this bit is not set.
    record.clear_text = (security & 2 == 0).then_some(true);
    if capabilities & 0x8000_0000 != 0
        && let Some(octets) = block.octets.first_chunk::<16>()
    {
        record.server_guid = Some(guid(*octets));
    }
    Some(())
}
