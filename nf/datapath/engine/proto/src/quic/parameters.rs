//! Transport parameters in the client's hello (RFC 9000 §18): the user agent that Chrome adds.

use super::packet::{prefixed, varint};
use crate::Cursor;

/// Google's parameter with the name of the program.
const USER_AGENT: u64 = 0x3129;
/// Most parameters looked at.
const MAX_PARAMETERS: usize = 64;

/// The user agent among `parameters`, if there is one.
pub fn user_agent(parameters: &[u8]) -> Option<&[u8]> {
    let mut c = Cursor::new(parameters);
    for _ in 0..MAX_PARAMETERS {
        let id = varint(&mut c)?;
        let value = prefixed(&mut c)?;
        if id == USER_AGENT {
            return Some(value);
        }
    }
    None
}

/// The same for drafts before 27, with lengths and ids of two octets.
pub fn early_user_agent(parameters: &[u8]) -> Option<&[u8]> {
    let mut c = Cursor::new(Cursor::new(parameters).prefixed_u16()?);
    for _ in 0..MAX_PARAMETERS {
        let id = c.u16()?;
        let value = c.prefixed_u16()?;
        if u64::from(id) == USER_AGENT {
            return Some(value);
        }
    }
    None
}
