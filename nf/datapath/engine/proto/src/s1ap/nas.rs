//! What is read of a phone's messages in the fourth generation (3GPP TS 24.301): who it is, and the
//! address it gets. Pure, no state, no panic.

use std::net::Ipv4Addr;

use crate::Cursor;

/// What a message tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nas {
    /// Kind of message of mobility.
    pub kind: u8,
    /// Subscriber.
    pub imsi: Option<String>,
    /// Temporary number.
    pub m_tmsi: Option<u32>,
    /// Address that a phone gets.
    pub address: Option<Ipv4Addr>,
}

/// Reads a message of mobility, as far as it is not ciphered.
pub fn read(octets: &[u8]) -> Option<Nas> {
    const MOBILITY: u8 = 7;
    let mut c = Cursor::new(octets);
    let first = c.u8()?;
    (first & 0x0f == MOBILITY).then_some(())?;
    if first >> 4 != 0 {
        c.skip(5)?;
        (c.u8()? == MOBILITY).then_some(())?;
    }
    let mut nas = Nas { kind: c.u8()?, ..Nas::default() };
    match nas.kind {
        // Attach request: key set and kind, then the identity. Identity response.
        0x41 => {
            c.skip(1)?;
            identity(c.prefixed_u8()?, &mut nas);
        }
        0x56 => identity(c.prefixed_u8()?, &mut nas),
        // Attach accept: result, a timer, areas, then the first bearer.
        0x42 => {
            c.skip(2)?;
            c.prefixed_u8()?;
            nas.address = bearer(c.prefixed_u16()?);
        }
        _ => {}
    }
    Some(nas)
}

fn identity(octets: &[u8], nas: &mut Nas) {
    const IMSI: u8 = 1;
    const GUTI: u8 = 6;
    let Some((&first, rest)) = octets.split_first() else { return };
    match first & 7 {
        IMSI => {
            let digits = rest.iter().flat_map(|b| [b & 0x0f, b >> 4]);
            let all = std::iter::once(first >> 4).chain(digits).take(15);
            let words: String =
                all.take_while(|&d| d < 10).map(|d| char::from(b'0'.saturating_add(d))).collect();
            nas.imsi = Some(words);
        }
        GUTI => {
            // Network, group and code of the core's node stand in front.
            let number = rest.get(6..).and_then(|b| b.first_chunk::<4>());
            nas.m_tmsi = number.map(|b| u32::from_be_bytes(*b));
        }
        _ => {}
    }
}

/// The address in the request that activates a bearer.
fn bearer(octets: &[u8]) -> Option<Ipv4Addr> {
    let mut c = Cursor::new(octets);
    c.skip(2)?;
    (c.u8()? == 0xc1).then_some(())?;
    c.prefixed_u8()?;
    c.prefixed_u8()?;
    match *c.prefixed_u8()? {
        [kind, a, b, c, d] if kind & 7 == 1 => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_read() {
        let attach = [7, 0x41, 0x71, 8, 0x09, 0x10, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98];

        assert_eq!(read(&attach).unwrap().imsi.as_deref(), Some("001010123456789"));
        assert_eq!(read(&attach[..7]), None);
        assert_eq!(read(&[2, 0x41]), None);
    }
}
