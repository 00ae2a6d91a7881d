//! Octets → messages of PPTP's control connection (RFC 2637 §2). Pure, bounded.

use nf_fields::Text;

use super::{MAX_MESSAGE, PptpTransaction};
use crate::Cursor;

/// Length, kind, a fixed number, type, and two octets of nothing.
pub const HEADER: usize = 12;
pub const MAGIC: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
const CONTROL: u16 = 1;

/// What a message is to others.
pub enum Role {
    /// Of this call.
    Request(u16),
    /// Of this call, as the asker numbers it.
    Answer(u16),
    Notice,
}

/// Type and octets of the message at the front; `Ok(None)`: more must come; `Err`: none begins.
pub fn header(data: &[u8]) -> Result<Option<(u16, usize)>, ()> {
    let mut c = Cursor::new(data);
    let (Some(length), Some(kind), Some(magic), Some(control)) =
        (c.u16(), c.u16(), c.array::<4>(), c.u16())
    else {
        let seen = data.get(4..).unwrap_or_default();
        let may_be = MAGIC.starts_with(seen.get(..4).unwrap_or(seen));
        return if may_be { Ok(None) } else { Err(()) };
    };
    let length = usize::from(length);
    let fits = (HEADER..=MAX_MESSAGE).contains(&length);
    let known = kind == CONTROL && magic == MAGIC && (1..=15).contains(&control);
    if fits && known { Ok(Some((control, length))) } else { Err(()) }
}

/// Reads what stands behind the header; `Some(None)` is a message that is no transaction.
pub fn read(kind: u16, body: &[u8], record: &mut PptpTransaction) -> Option<Option<Role>> {
    let mut c = Cursor::new(body);
    let c = &mut c;
    Some(Some(match kind {
        1 => {
            record.request = "start";
            record.version = Some(c.u16()?);
            c.skip(14)?;
            record.host_name = name(c)?;
            record.vendor = name(c)?;
            Role::Request(0)
        }
        2 => {
            record.request = "start";
            c.skip(2)?;
            result(c, record)?;
            c.skip(12)?;
            record.peer_host_name = name(c)?;
            record.peer_vendor = name(c)?;
            Role::Answer(0)
        }
        3 => {
            record.request = "stop";
            Role::Request(0)
        }
        4 => {
            record.request = "stop";
            result(c, record)?;
            Role::Answer(0)
        }
        7 => {
            record.request = "outgoing_call";
            let call = c.u16()?;
            record.call_id = Some(call);
            c.skip(22)?;
            let length = c.u16()?;
            c.skip(2)?;
            record.called_number = number(c, length)?;
            Role::Request(call)
        }
        8 => {
            record.request = "outgoing_call";
            record.peer_call_id = Some(c.u16()?);
            let call = c.u16()?;
            record.call_id = Some(call);
            result(c, record)?;
            c.skip(2)?;
            record.connect_speed_bps = Some(c.u32()?);
            Role::Answer(call)
        }
        9 => {
            record.request = "incoming_call";
            let call = c.u16()?;
            record.call_id = Some(call);
            c.skip(10)?;
            let lengths = [c.u16()?, c.u16()?];
            record.called_number = number(c, lengths[0])?;
            record.calling_number = number(c, lengths[1])?;
            Role::Request(call)
        }
        10 => {
            record.request = "incoming_call";
            record.peer_call_id = Some(c.u16()?);
            let call = c.u16()?;
            record.call_id = Some(call);
            result(c, record)?;
            Role::Answer(call)
        }
        12 => {
            record.request = "clear_call";
            record.call_id = Some(c.u16()?);
            Role::Notice
        }
        13 => {
            record.request = "disconnected";
            record.call_id = Some(c.u16()?);
            result(c, record)?;
            Role::Notice
        }
        _ => return Some(None),
    }))
}

fn result(c: &mut Cursor<'_>, record: &mut PptpTransaction) -> Option<()> {
    let [result, error] = c.array()?;
    record.result_code = Some(result);
    record.error_code = Some(error);
    Some(())
}

/// 64 octets that zeros fill up.
fn name(c: &mut Cursor<'_>) -> Option<Option<Text>> {
    number(c, 64)
}

/// As many of 64 octets as the length says.
fn number(c: &mut Cursor<'_>, length: u16) -> Option<Option<Text>> {
    let octets = c.take(64)?;
    let said = octets.get(..length.into()).unwrap_or(octets);
    let end = said.iter().position(|&b| b == 0).unwrap_or(said.len());
    Some((end > 0).then(|| Text::bounded(said, end)))
}
