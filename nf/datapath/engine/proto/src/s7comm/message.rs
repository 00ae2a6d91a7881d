//! Octets → S7 messages: pure, no state, no panic.

use nf_fields::Fields;

use crate::Cursor;

/// First octet of a message.
pub const MARK: u8 = 0x32;
/// Most items that are kept of a message.
const MAX_ITEMS: usize = 32;

/// Kinds of messages.
pub mod kind {
    /// A job.
    pub const JOB: u8 = 1;
    /// An acknowledgement without data.
    pub const ACK: u8 = 2;
    /// An acknowledgement with data.
    pub const ACK_DATA: u8 = 3;
    /// System services.
    pub const USERDATA: u8 = 7;
}

/// Functions of jobs.
pub mod function {
    /// Read variables.
    pub const READ: u8 = 0x04;
    /// Write variables.
    pub const WRITE: u8 = 0x05;
    /// Set up communication.
    pub const SETUP: u8 = 0xf0;
}

/// A header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// First octet.
    pub proto_id: u8,
    /// Kind.
    pub kind: u8,
    /// Not used.
    pub reserved: u16,
    /// Ties an acknowledgement to its job.
    pub reference: u16,
    /// Octets of parameters.
    pub parameters: u16,
    /// Octets of data.
    pub data: u16,
    /// Class and code of an error; acknowledgements only.
    pub error: Option<(u8, u8)>,
}

/// A variable that is read or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Fields)]
pub struct S7Item {
    /// Where: 0x81 inputs, 0x82 outputs, 0x83 flags, 0x84 data block, 0x1c counters, 0x1d timers.
    pub area: u8,
    /// Name of that.
    pub area_name: &'static str,
    /// Number of the data block.
    pub db: u16,
    /// First octet.
    pub address: u32,
    /// Bit within it.
    pub bit: u8,
    /// Kind of value.
    pub transport_size: u8,
    /// Values.
    pub count: u16,
}

/// What the parameters say.
#[derive(Clone, Debug, Default)]
pub struct Parameters<'a> {
    /// Function of a job or its acknowledgement.
    pub function: Option<u8>,
    /// Jobs at once that the caller takes, then the called one; octets of a message.
    pub setup: Option<(u16, u16, u16)>,
    /// Variables.
    pub items: Vec<S7Item>,
    /// Number of variables.
    pub count: Option<u8>,
    /// Name of a block, a file or a service.
    pub name: Option<&'a [u8]>,
    /// System services: 0 push, 4 request, 8 response.
    pub direction: Option<u8>,
    /// System services: group.
    pub group: Option<u8>,
    /// System services: function in the group.
    pub subfunction: Option<u8>,
    /// System services: code of an error.
    pub error: Option<u16>,
}

/// Reads a header, and gives what follows it.
pub fn header(octets: &[u8]) -> Option<(Header, Cursor<'_>)> {
    let mut c = Cursor::new(octets);
    let mut header = Header {
        proto_id: c.u8()?,
        kind: c.u8()?,
        reserved: c.u16()?,
        reference: c.u16()?,
        parameters: c.u16()?,
        data: c.u16()?,
        error: None,
    };
    if matches!(header.kind, kind::ACK | kind::ACK_DATA) {
        header.error = Some((c.u8()?, c.u8()?));
    }
    (header.proto_id == MARK).then_some((header, c))
}

/// Takes the parameters apart, as far as they are as their function has them: whether all are.
pub fn parameters<'a>(header: &Header, octets: &'a [u8]) -> (Parameters<'a>, bool) {
    let mut said = Parameters::default();
    let mut c = Cursor::new(octets);
    let is_sound = if header.kind == kind::USERDATA {
        userdata(&mut c, &mut said).is_some()
    } else {
        octets.is_empty() || job(&mut c, header.kind == kind::JOB, &mut said).is_some()
    };
    (said, is_sound)
}

fn userdata(c: &mut Cursor<'_>, said: &mut Parameters<'_>) -> Option<()> {
    c.skip(3)?;
    let length = c.u8()?;
    c.skip(1)?;
    let what = c.u8()?;
    said.direction = Some(what >> 4);
    said.group = Some(what & 0x0f);
    said.subfunction = Some(c.u8()?);
    c.skip(1)?;
    if length >= 8 {
        c.skip(2)?;
        said.error = Some(c.u16()?);
    }
    Some(())
}

fn job<'a>(c: &mut Cursor<'a>, is_job: bool, said: &mut Parameters<'a>) -> Option<()> {
    let function = c.u8()?;
    said.function = Some(function);
    match function {
        function::SETUP => {
            c.skip(1)?;
            said.setup = Some((c.u16()?, c.u16()?, c.u16()?));
        }
        function::READ | function::WRITE => {
            let count = c.u8()?;
            said.count = Some(count);
            if is_job {
                for _ in 0..count {
                    let read = item(c)?;
                    if said.items.len() < MAX_ITEMS {
                        said.items.extend(read);
                    }
                }
            }
        }
        // Block names follow flags and numbers.
        0x1a..=0x1f if is_job => {
            said.name = c.take(7).and_then(|_| c.prefixed_u8());
        }
        0x28 if is_job => {
            c.skip(7)?;
            let length = c.u16()?;
            c.skip(length.into())?;
            said.name = Some(c.prefixed_u8()?);
        }
        0x29 if is_job => {
            c.skip(5)?;
            said.name = Some(c.prefixed_u8()?);
        }
        _ => {}
    }
    Some(())
}

/// One variable's address; nothing for a form that is not read.
fn item(c: &mut Cursor<'_>) -> Option<Option<S7Item>> {
    const ANY: u8 = 0x10;
    c.skip(1)?;
    let mut inner = Cursor::new(c.prefixed_u8()?);
    // Items of odd length are filled up when others follow.
    if inner.remaining() & 1 == 1 && c.remaining() > 1 && c.rest().first() == Some(&0) {
        c.skip(1)?;
    }
    if inner.u8()? != ANY {
        return Some(None);
    }
    let transport_size = inner.u8()?;
    let count = inner.u16()?;
    let db = inner.u16()?;
    let area = inner.u8()?;
    let place = inner.u24()?;
    // Counters and timers are numbered; everything else is addressed by bits.
    let (address, bit) = if matches!(area, 0x1c | 0x1d) {
        (place, 0)
    } else {
        (place >> 3, u8::try_from(place & 7).unwrap_or(0))
    };
    let area_name = area_word(area);
    Some(Some(S7Item { area, area_name, db, address, bit, transport_size, count }))
}

/// Return codes of the items of an answer, 0xff is success.
pub fn return_codes(header: &Header, function: u8, count: u8, data: &[u8]) -> Vec<u8> {
    let mut c = Cursor::new(data);
    let mut codes = Vec::new();
    if header.kind != kind::ACK_DATA {
        return codes;
    }
    while codes.len() < usize::from(count).min(MAX_ITEMS) {
        let Some(code) = c.u8() else { break };
        codes.push(code);
        if function != function::READ {
            continue;
        }
        let (Some(size), Some(length)) = (c.u8(), c.u16()) else { break };
        // Lengths of bits, octets and integers are told in bits.
        let octets = if matches!(size, 3..=5) { length.div_ceil(8) } else { length };
        let is_last = codes.len() >= usize::from(count);
        let filled = if is_last { octets } else { octets.saturating_add(octets & 1) };
        if c.skip(filled.into()).is_none() {
            break;
        }
    }
    codes
}

/// The list that a request or response of system status is about, with its index.
pub fn status_list(data: &[u8]) -> Option<(u16, u16)> {
    let mut c = Cursor::new(data);
    c.skip(4)?;
    Some((c.u16()?, c.u16()?))
}

fn area_word(area: u8) -> &'static str {
    match area {
        0x03 => "system_info",
        0x05 => "system_flags",
        0x06 => "analog_inputs",
        0x07 => "analog_outputs",
        0x1c => "counters",
        0x1d => "timers",
        0x80 => "peripherals",
        0x81 => "inputs",
        0x82 => "outputs",
        0x83 => "flags",
        0x84 => "data_block",
        0x85 => "instance_data_block",
        0x86 => "local_data",
        0x87 => "unknown_area",
        _ => "other",
    }
}

/// The word for a kind of message.
pub fn kind_word(kind: u8) -> &'static str {
    match kind {
        kind::JOB => "job",
        kind::ACK => "ack",
        kind::ACK_DATA => "ack_data",
        kind::USERDATA => "userdata",
        _ => "unknown",
    }
}

/// The word for a function of jobs.
pub fn function_word(function: u8) -> &'static str {
    match function {
        0x00 => "cpu_services",
        function::READ => "read_variable",
        function::WRITE => "write_variable",
        0x1a => "request_download",
        0x1b => "download_block",
        0x1c => "download_ended",
        0x1d => "start_upload",
        0x1e => "upload",
        0x1f => "end_upload",
        0x28 => "plc_control",
        0x29 => "plc_stop",
        function::SETUP => "setup_communication",
        _ => "unknown",
    }
}

/// The word for a function of a group of system services.
pub fn service_word(group: u8, subfunction: u8) -> &'static str {
    match (group, subfunction) {
        (0, _) => "mode_transition",
        (1, _) => "programmer",
        (2, _) => "cyclic_data",
        (3, 1) => "list_blocks",
        (3, 2) => "list_blocks_of_type",
        (3, 3) => "block_info",
        (3, _) => "block",
        (4, 1) => "read_system_status",
        (4, 2) => "message_service",
        (4, 3) => "diagnostic_message",
        (4, _) => "cpu",
        (5, _) => "security",
        (6, _) => "program_block_send",
        (7, 1) => "read_clock",
        (7, 2) => "set_clock",
        (7, _) => "clock",
        (15, _) => "nc_programming",
        _ => "unknown",
    }
}
