//! Whether a datagram is made of DTLS records: pure.

use super::record::{Fragment, Record, content};
use crate::{Cursor, Probe, Segment};

/// Records looked at.
const MAX_RECORDS: usize = 8;

pub(super) fn probe(seg: &Segment<'_>) -> Probe {
    let mut rest = seg.data;
    for _ in 0..MAX_RECORDS {
        let record = match Record::parse(rest, 0) {
            Some(record) if !record.short && fits(&record, seg.cut) => record,
            _ => return Probe::No,
        };
        match rest.get(record.total..) {
            Some([]) => return Probe::Certain,
            // A datagram that begins with a record may go on with those that hide their length.
            Some([0x20..=0x3f, ..]) => return Probe::Certain,
            Some(tail) => rest = tail,
            // Its end was not captured.
            None if seg.cut => return Probe::Certain,
            None => return Probe::No,
        }
    }
    Probe::Certain
}

/// Whether what a record holds can be what it says.
fn fits(record: &Record<'_>, cut: bool) -> bool {
    let length = record.length;
    let clear = record.epoch == 0;
    match record.content {
        content::HANDSHAKE if clear => {
            let mut c = Cursor::new(record.fragment);
            let first = Fragment::parse(&mut c, !cut);
            first.is_some_and(|fragment| !fragment.data.is_empty() || fragment.length == 0)
        }
        content::CHANGE_CIPHER_SPEC => matches!(length, 1 | 3) && record.epoch < 2,
        content::ALERT if clear => length == 2 && matches!(record.fragment, [1 | 2, 0..=121]),
        // Encrypted: a nonce or a tag at least; keys change rarely.
        content::HANDSHAKE | content::ALERT | content::APPLICATION_DATA => {
            length >= 16 && record.epoch < 16 && record.sequence < 1 << 40 && !clear
        }
        _ => false,
    }
}
