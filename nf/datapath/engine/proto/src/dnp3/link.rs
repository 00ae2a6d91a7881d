//! Data link frames (IEEE 1815 §9) and transport segments (§8): pure, no state, no panic.

use crate::Cursor;

/// First octets of a frame.
pub const START: [u8; 2] = [0x05, 0x64];
/// Octets of a header with its check.
pub const HEADER: usize = 10;
/// Octets of user data that one check covers.
const BLOCK: usize = 16;

const TABLE: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut octet = 0u16;
    while octet < 256 {
        let mut value = octet;
        let mut bit = 0u8;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xa6bc } else { value >> 1 };
            bit = bit.wrapping_add(1);
        }
        #[allow(clippy::indexing_slicing)] // Evaluated by the compiler, which checks the bound.
        {
            table[octet as usize] = value;
        }
        octet = octet.wrapping_add(1);
    }
    table
};

/// The check of a block.
pub fn crc(octets: &[u8]) -> u16 {
    let step = |value: u16, &octet: &u8| {
        let at = usize::from((value ^ u16::from(octet)) & 0xff);
        value >> 8 ^ TABLE.get(at).copied().unwrap_or(0)
    };
    !octets.iter().fold(0, step)
}

/// A frame's header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Octets of user data, without checks.
    pub length: usize,
    /// Direction, primary and function.
    pub control: u8,
    /// Whom it is for.
    pub destination: u16,
    /// Who sent it.
    pub source: u16,
}

impl Header {
    /// Whether the master sent it.
    pub fn is_from_master(&self) -> bool {
        self.control & 0x80 != 0
    }

    /// The word for its function.
    pub fn function(&self) -> &'static str {
        let is_primary = self.control & 0x40 != 0;
        match (is_primary, self.control & 0x0f) {
            (true, 0) => "reset_link_states",
            (true, 2) => "test_link_states",
            (true, 3) => "confirmed_user_data",
            (true, 4) => "unconfirmed_user_data",
            (true, 9) => "request_link_status",
            (false, 0) => "ack",
            (false, 1) => "nack",
            (false, 11) => "link_status",
            (false, 15) => "not_supported",
            _ => "unknown",
        }
    }

    /// Whether it carries user data.
    pub fn has_data(&self) -> bool {
        matches!(self.control & 0x4f, 0x43 | 0x44)
    }

    /// Octets of the whole frame with its checks.
    pub fn whole(&self) -> usize {
        let checks = self.length.div_ceil(BLOCK).saturating_mul(2);
        HEADER.saturating_add(self.length).saturating_add(checks)
    }
}

/// Reads a header; `None` when its start, length or check is wrong or it is not all there.
pub fn header(data: &[u8]) -> Option<Header> {
    let mut c = Cursor::new(data);
    let covered = data.get(..HEADER.saturating_sub(2))?;
    (c.array()? == START).then_some(())?;
    let length = usize::from(c.u8()?).checked_sub(5)?;
    let header = Header { length, control: c.u8()?, destination: c.u16_le()?, source: c.u16_le()? };
    (c.u16_le()? == crc(covered)).then_some(header)
}

/// The user data of a whole frame; `None` when a check is wrong.
pub fn user_data(frame: &[u8], header: &Header) -> Option<Vec<u8>> {
    let mut c = Cursor::new(frame.get(HEADER..)?);
    let mut data = Vec::with_capacity(header.length);
    while data.len() < header.length {
        let block = c.take(BLOCK.min(header.length.saturating_sub(data.len())))?;
        (c.u16_le()? == crc(block)).then_some(())?;
        data.extend_from_slice(block);
    }
    Some(data)
}

/// Whether `data` can be the beginning of a frame.
pub fn may_be(data: &[u8]) -> bool {
    START.starts_with(data) || data.starts_with(&START)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_the_specified_one() {
        assert_eq!(crc(b"123456789"), 0xea82);
    }
}
