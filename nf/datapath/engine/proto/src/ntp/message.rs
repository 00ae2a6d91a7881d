//! Octets → messages: time (RFC 5905 §7.3), control (RFC 9327) and private ones.

use std::net::Ipv4Addr;

use crate::Cursor;

use super::time::NtpTime;

/// Octets of a time message without extensions and authenticator.
pub const TIME: usize = 48;
/// Octets of a private message's header.
pub const PRIVATE: usize = 8;
/// Most extension fields that are looked at.
const MAX_EXTENSIONS: usize = 16;

/// Mode 1.
pub const SYMMETRIC_ACTIVE: u8 = 1;
/// Mode 2.
pub const SYMMETRIC_PASSIVE: u8 = 2;
/// Mode 3.
pub const CLIENT: u8 = 3;
/// Mode 4.
pub const SERVER: u8 = 4;
/// Mode 5.
pub const BROADCAST: u8 = 5;

/// Words for the modes.
const MODES: [&str; 8] = [
    "reserved",
    "symmetric_active",
    "symmetric_passive",
    "client",
    "server",
    "broadcast",
    "control",
    "private",
];

/// The word for a mode.
pub fn mode_word(mode: u8) -> &'static str {
    MODES.get(usize::from(mode)).copied().unwrap_or("reserved")
}

/// A message of any mode.
#[derive(Debug)]
pub enum Message<'a> {
    /// Modes 0 to 5.
    Time(Time<'a>),
    /// Mode 6.
    Control(Control<'a>),
    /// Mode 7.
    Private(Private),
}

/// A message that carries time.
#[derive(Debug)]
pub struct Time<'a> {
    /// 0 none, 1 a second more, 2 a second less, 3 not synchronised.
    pub leap: u8,
    /// Version.
    pub version: u8,
    /// Mode.
    pub mode: u8,
    /// Distance from a reference clock.
    pub stratum: u8,
    /// Seconds between messages, as a power of two.
    pub poll: i8,
    /// Seconds a clock tells apart, as a power of two.
    pub precision: i8,
    /// Round trip to the reference clock, 16.16 bits of seconds.
    pub root_delay: u32,
    /// Error against the reference clock, 16.16 bits of seconds.
    pub root_dispersion: u32,
    /// Which reference.
    pub reference_id: [u8; 4],
    /// When the clock was last set.
    pub reference: NtpTime,
    /// When the request left, by the client.
    pub origin: NtpTime,
    /// When the request came, by the server.
    pub receive: NtpTime,
    /// When this message left.
    pub transmit: NtpTime,
    /// Types of the extension fields.
    pub extensions: Vec<u16>,
    /// Key of the authenticator.
    pub key: Option<u32>,
    /// The authenticator.
    pub digest: &'a [u8],
    /// What follows the message is neither.
    pub odd_tail: bool,
}

/// A message to or from a monitor.
#[derive(Debug)]
pub struct Control<'a> {
    /// Version.
    pub version: u8,
    /// It answers.
    pub response: bool,
    /// It refuses.
    pub error: bool,
    /// More of the answer follows.
    pub more: bool,
    /// Operation.
    pub opcode: u8,
    /// Ties answers to requests.
    pub sequence: u16,
    /// State of the system or a peer; with an error, its code in the upper half.
    pub status: u16,
    /// Which peer, 0 for the system.
    pub association: u16,
    /// Place of the data in the whole answer.
    pub offset: u16,
    /// Octets of data, as far as they are there.
    pub data: &'a [u8],
    /// Fewer octets than it counts.
    pub short: bool,
    /// What follows the data: up to three octets that fill it, or an authenticator.
    pub tail: &'a [u8],
    /// The bits in front of the version, which are zero.
    pub reserved: u8,
}

/// A message of the reference implementation's own.
#[derive(Debug)]
pub struct Private {
    /// Version.
    pub version: u8,
    /// It answers.
    pub response: bool,
    /// More of the answer follows.
    pub more: bool,
    /// Place of this message in the answer.
    pub sequence: u8,
    /// Whose codes are used.
    pub implementation: u8,
    /// What is asked.
    pub request_code: u8,
    /// Code of a refusal.
    pub error: u8,
    /// Items that follow.
    pub items: u16,
    /// Octets of an item.
    pub item_size: u16,
}

/// Takes a message apart; `None` when it is shorter than its mode asks for.
pub fn parse(data: &[u8]) -> Option<Message<'_>> {
    let first = *data.first()?;
    match first & 7 {
        6 => control(data).map(Message::Control),
        7 => private(data).map(Message::Private),
        _ => time(data).map(Message::Time),
    }
}

fn time(data: &[u8]) -> Option<Time<'_>> {
    let mut c = Cursor::new(data);
    let [first, stratum, poll, precision] = c.array()?;
    let mut time = Time {
        leap: first >> 6,
        version: first >> 3 & 7,
        mode: first & 7,
        stratum,
        poll: i8::from_be_bytes([poll]),
        precision: i8::from_be_bytes([precision]),
        root_delay: c.u32()?,
        root_dispersion: c.u32()?,
        reference_id: c.array()?,
        reference: NtpTime(c.u64()?),
        origin: NtpTime(c.u64()?),
        receive: NtpTime(c.u64()?),
        transmit: NtpTime(c.u64()?),
        extensions: Vec::new(),
        key: None,
        digest: &[],
        odd_tail: false,
    };
    time.tail(c);
    Some(time)
}

impl<'a> Time<'a> {
    /// Extension fields, then an authenticator: what is left tells which (RFC 7822 §7.5).
    fn tail(&mut self, mut c: Cursor<'a>) {
        loop {
            match c.remaining() {
                0 => return,
                // A refusal of an authenticator, or one of 128 or 160 bits.
                4 | 20 | 24 => break,
                _ if self.version >= 4 && self.extension(&mut c) => {}
                // 64 bits in older versions, 256 in newer ones.
                12 | 36 => break,
                _ => {
                    self.odd_tail = true;
                    return;
                }
            }
        }
        self.key = c.u32();
        self.digest = c.rest();
    }

    /// Takes an extension field; false when there is none.
    fn extension(&mut self, c: &mut Cursor<'a>) -> bool {
        let mut ahead = *c;
        let (Some(kind), Some(length)) = (ahead.u16(), ahead.u16()) else {
            return false;
        };
        let rest = usize::from(length).checked_sub(4).and_then(|n| ahead.take(n));
        let sound = length >= 16 && length % 4 == 0 && rest.is_some();
        if sound {
            *c = ahead;
            if self.extensions.len() < MAX_EXTENSIONS {
                self.extensions.push(kind);
            }
        }
        sound
    }

    /// The reference in words: its name, or an address of four octets.
    pub fn reference_words(&self) -> String {
        let id = self.reference_id;
        if self.stratum > 1 {
            return Ipv4Addr::from(id).to_string();
        }
        let end = id.iter().position(|&b| b == 0).unwrap_or(id.len());
        let name = id.get(..end).unwrap_or(&id);
        if name.iter().all(u8::is_ascii_graphic) {
            return String::from_utf8_lossy(name).into_owned();
        }
        id.iter().map(|b| format!("{b:02x}")).collect()
    }
}

fn control(data: &[u8]) -> Option<Control<'_>> {
    let mut c = Cursor::new(data);
    let [first, second] = c.array()?;
    let (sequence, status) = (c.u16()?, c.u16()?);
    let (association, offset) = (c.u16()?, c.u16()?);
    let count = usize::from(c.u16()?);
    Some(Control {
        version: first >> 3 & 7,
        response: second & 0x80 != 0,
        error: second & 0x40 != 0,
        more: second & 0x20 != 0,
        opcode: second & 0x1f,
        sequence,
        status,
        association,
        offset,
        short: c.remaining() < count,
        data: c.rest().get(..count).unwrap_or(c.rest()),
        tail: c.rest().get(count..).unwrap_or(&[]),
        reserved: first >> 6,
    })
}

fn private(data: &[u8]) -> Option<Private> {
    let mut c = Cursor::new(data);
    let [first, sequence, implementation, request_code] = c.array()?;
    let (counts, sizes) = (c.u16()?, c.u16()?);
    Some(Private {
        version: first >> 3 & 7,
        response: first & 0x80 != 0,
        more: first & 0x40 != 0,
        sequence: sequence & 0x7f,
        implementation,
        request_code,
        error: (counts >> 12) as u8,
        items: counts & 0xfff,
        item_size: sizes & 0xfff,
    })
}

/// The word for an operation of a control message.
pub fn opcode_word(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        1 => "read_status",
        2 => "read_variables",
        3 => "write_variables",
        4 => "read_clock_variables",
        5 => "write_clock_variables",
        6 => "set_trap",
        7 => "trap",
        8 => "configure",
        9 => "save_configuration",
        10 => "read_mru",
        11 => "read_ordered_list",
        12 => "request_nonce",
        31 => "unset_trap",
        _ => return None,
    })
}

/// The word for what a private message asks, in the codes of the usual implementation.
pub fn request_word(implementation: u8, code: u8) -> Option<&'static str> {
    if !matches!(implementation, 0 | 2 | 3) {
        return None;
    }
    Some(match code {
        0 => "peer_list",
        1 => "peer_list_sum",
        2 => "peer_info",
        3 => "peer_stats",
        4 => "sys_info",
        5 => "sys_stats",
        6 => "io_stats",
        7 => "mem_stats",
        8 => "loop_info",
        9 => "timer_stats",
        10 => "config",
        11 => "unconfig",
        12 => "set_sys_flag",
        13 => "clr_sys_flag",
        16 => "get_restrict",
        17 => "resaddflags",
        18 => "ressubflags",
        19 => "unrestrict",
        20 => "monlist",
        21 => "reset_stats",
        22 => "reset_peer",
        23 => "reread_keys",
        26 => "trustkey",
        27 => "untrustkey",
        28 => "auth_info",
        29 => "traps",
        30 => "add_trap",
        31 => "clr_trap",
        32 => "request_key",
        33 => "control_key",
        34 => "get_control_stats",
        35 => "get_leap_info",
        36 => "get_clock_info",
        39 => "get_kernel",
        42 => "monlist_1",
        44 => "if_stats",
        45 => "if_reload",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(version: u8, tail: &[u8]) -> (Vec<u16>, Option<u32>, bool) {
        let mut data = vec![version << 3 | 3];
        data.resize(TIME, 0);
        data.extend_from_slice(tail);
        match parse(&data) {
            Some(Message::Time(t)) => (t.extensions, t.key, t.odd_tail),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_follows_a_message_is_told_by_its_length() {
        let field = [&b"\x01\x04\0\x10"[..], &[0; 12]].concat();
        let mac = [&b"\0\0\0\x07"[..], &[1; 16]].concat();

        assert_eq!(tail(4, &[]), (vec![], None, false));
        assert_eq!(tail(4, &mac), (vec![], Some(7), false));
        assert_eq!(tail(4, &[0, 0, 0, 0]), (vec![], Some(0), false));
        assert_eq!(tail(4, &field), (vec![0x104], None, false));
        let both = [&field[..], &mac].concat();
        assert_eq!(tail(4, &both), (vec![0x104], Some(7), false));
        let long = [&b"\0\0\0\x07"[..], &[1; 32]].concat();
        assert_eq!(tail(4, &long), (vec![], Some(7), false));
        assert_eq!(tail(3, &[0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2]), (vec![], Some(1), false));
        assert_eq!(tail(4, b"\x01\x04\0\x10abcd"), (vec![], None, true));
        assert_eq!(tail(4, b"abc"), (vec![], None, true));
        assert_eq!(tail(3, &field), (vec![], None, true));
    }

    #[test]
    fn references_are_names_or_addresses() {
        let mut data = [0u8; TIME];
        data[12..16].copy_from_slice(b"GPS\0");
        let words = |data: &[u8]| match parse(data) {
            Some(Message::Time(t)) => t.reference_words(),
            other => panic!("{other:?}"),
        };
        data[1] = 1;
        assert_eq!(words(&data), "GPS");
        data[1] = 2;
        assert_eq!(words(&data), "71.80.83.0");
        data[1] = 0;
        data[12] = 0xff;
        assert_eq!(words(&data), "ff505300");
    }
}
