//! Octets → control messages of L2TP. Pure, bounded.

use nf_fields::Text;

use super::{L2tpMessage, MAX_TEXT};
use crate::Cursor;

/// Fills `record` in as far as the octets go; `None` where they do not fit (RFC 2661 §3.1, §4.1;
/// RFC 3931 §3.2.1).
pub fn parse(octets: &[u8], record: &mut L2tpMessage) -> Option<()> {
    let mut c = Cursor::new(octets);
    c.skip(4)?;
    if record.version == 2 {
        record.tunnel_id = c.u16()?.into();
        record.session_id = Some(c.u16()?);
    } else {
        record.tunnel_id = c.u32()?;
    }
    (record.ns, record.nr) = (c.u16()?, c.u16()?);
    if c.is_empty() {
        record.message_type = "zlb";
        return Some(());
    }
    while !c.is_empty() {
        let head = c.u16()?;
        let (vendor, kind) = (c.u16()?, c.u16()?);
        let value = c.take(usize::from(head & 0x03ff).checked_sub(6)?)?;
        let hidden = head & 0x4000 != 0;
        if hidden {
            record.hidden_count = Some(record.hidden_count.unwrap_or(0).saturating_add(1));
        } else if vendor == 0 {
            attribute(kind, value, record)?;
        }
    }
    Some(())
}

/// RFC 2661 §4.4, RFC 3931 §5.4.
fn attribute(kind: u16, value: &[u8], record: &mut L2tpMessage) -> Option<()> {
    let mut c = Cursor::new(value);
    let text = || Some(Text::bounded(value, MAX_TEXT));
    match kind {
        0 => record.message_type = message_type(c.u16()?),
        1 => {
            record.result_code = Some(c.u16()?);
            if !c.is_empty() {
                record.error_code = Some(c.u16()?);
            }
            if !c.is_empty() {
                record.error_text = Some(Text::bounded(c.rest(), MAX_TEXT));
            }
        }
        7 => record.host_name = text(),
        8 => record.vendor_name = text(),
        9 => record.assigned_tunnel_id = Some(c.u16()?.into()),
        10 => record.receive_window = Some(c.u16()?),
        11 => record.challenge = Some(true),
        14 => record.assigned_session_id = Some(c.u16()?.into()),
        15 => record.call_serial = Some(c.u32()?),
        21 => record.called_number = text(),
        22 => record.calling_number = text(),
        24 => record.connect_speed_bps = Some(c.u32()?),
        30 => record.user_name = text(),
        61 => record.assigned_tunnel_id = Some(c.u32()?),
        63 => record.assigned_session_id = Some(c.u32()?),
        _ => {}
    }
    Some(())
}

/// RFC 2661 §3.2.
fn message_type(number: u16) -> &'static str {
    match number {
        1 => "sccrq",
        2 => "sccrp",
        3 => "scccn",
        4 => "stopccn",
        6 => "hello",
        7 => "ocrq",
        8 => "ocrp",
        9 => "occn",
        10 => "icrq",
        11 => "icrp",
        12 => "iccn",
        14 => "cdn",
        15 => "wen",
        16 => "sli",
        // Explicit acknowledgement of version 3.
        20 => "zlb",
        _ => "unknown",
    }
}
