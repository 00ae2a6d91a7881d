//! L2TP version 3 data over IP (RFC 3931 §4.1.1). What follows the session identifier (cookie,
//! sublayer, frame) was agreed when the session was set up, so the walk ends here.

use nf_fields::fields;

use crate::header::{HeaderInfo, header};
use crate::read::be32;
use crate::{Fault, id};

/// Octets of the header.
pub const HEADER_LEN: usize = 4;

/// A data header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks the length once; session 0 stands for control messages.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        match bytes.first_chunk() {
            None => Err(Fault::Truncated),
            Some([0, 0, 0, 0]) => Err(Fault::Malformed),
            Some(head) => Ok(Self { head }),
        }
    }

    /// Session identifier.
    pub fn session_id(&self) -> u32 {
        be32(self.head, 0..4)
    }
}

fields! { Header {
    0 "session_id": u32 = |h| h.session_id(), "Session identifier.";
} }

/// Registry entry.
pub const INFO: HeaderInfo =
    header!(Header, id::L2TPV3, "l2tpv3", "RFC 3931", "L2TP data over IP.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_0_is_not_data() {
        assert_eq!(Header::new_checked(&[0, 1, 0, 0]).unwrap().session_id(), 65536);
        assert_eq!(Header::new_checked(&[0; 4]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0; 3]).err(), Some(Fault::Truncated));
    }
}
