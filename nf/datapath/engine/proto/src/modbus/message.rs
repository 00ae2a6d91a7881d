//! Octets → protocol data units: pure, no state, no panic.

use crate::Cursor;

/// Octets in front of the function code: transaction, protocol, length, unit.
pub const HEADER: usize = 7;
/// Octets that the length does not count.
pub const UNCOUNTED: usize = 6;
/// Longest unit with its header (Modbus Messaging on TCP/IP, §4.1).
pub const MAX_FRAME: usize = 260;
/// Set in the function code of an exception.
const EXCEPTION: u8 = 0x80;

/// A frame taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Ties a response to its request.
    pub transaction: u16,
    /// Device behind the server.
    pub unit: u8,
    /// Function code, without the mark of an exception.
    pub function: u8,
    /// It refuses the request.
    pub is_exception: bool,
    /// What follows the function code.
    pub body: &'a [u8],
}

/// What the octets in front are.
#[derive(Debug)]
pub enum Head<'a> {
    /// A frame of so many octets.
    Frame(Frame<'a>, usize),
    /// The beginning of one that needs so many octets.
    Partial(usize),
    /// Neither: another protocol number, or an impossible length.
    Bad,
}

/// Reads the frame in front.
pub fn head(data: &[u8]) -> Head<'_> {
    let mut c = Cursor::new(data);
    let Some(transaction) = c.u16() else { return Head::Partial(HEADER.saturating_add(1)) };
    let partial = |ok: bool| if ok { Head::Partial(HEADER.saturating_add(1)) } else { Head::Bad };
    if !c.rest().starts_with(&[0, 0]) {
        return partial(c.rest().is_empty() || c.rest() == [0]);
    }
    let (Some(_), Some(length)) = (c.u16(), c.u16()) else {
        return partial(c.rest().first().is_none_or(|&high| high == 0));
    };
    let length = usize::from(length);
    let whole = length.saturating_add(UNCOUNTED);
    if length < 2 || whole > MAX_FRAME {
        return Head::Bad;
    }
    let Some(counted) = c.take(length) else { return Head::Partial(whole) };
    let (&[unit, code], body) = counted.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
    let is_exception = code & EXCEPTION != 0;
    Head::Frame(Frame { transaction, unit, function: code & !EXCEPTION, is_exception, body }, whole)
}

/// The place of the first octets that can be a frame with a known function, behind a loss.
pub fn next_frame(data: &[u8]) -> Option<usize> {
    (0..data.len()).find(|&at| match head(data.get(at..).unwrap_or_default()) {
        Head::Frame(frame, _) => {
            frame.is_exception && is_known(frame.function) && frame.body.len() == 1
                || fits(&frame, true)
                || fits(&frame, false)
        }
        Head::Partial(_) => true,
        Head::Bad => false,
    })
}

/// What a unit says; what it does not say is absent.
#[derive(Clone, Debug, Default)]
pub struct Unit<'a> {
    /// Diagnostics and encapsulated transports: which one.
    pub subfunction: Option<u16>,
    /// First coil or register that is read, or the only one.
    pub address: Option<u16>,
    /// Coils or registers that are read or written.
    pub quantity: Option<u16>,
    /// First register that is written besides.
    pub write_address: Option<u16>,
    /// Registers that are written besides.
    pub write_quantity: Option<u16>,
    /// Contents of registers, or the value of a coil.
    pub values: Vec<u16>,
    /// Contents of coils and inputs, the lowest one in the lowest bit of the first octet.
    pub bits: &'a [u8],
    /// Masks of a mask write: and, or.
    pub masks: Option<(u16, u16)>,
    /// Identification of the device: number and text of each object.
    pub objects: Vec<(u8, &'a [u8])>,
}

fn registers(octets: &[u8]) -> Vec<u16> {
    octets.as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()
}

/// Whether a unit has exactly the shape of its function.
pub fn fits(frame: &Frame<'_>, is_request: bool) -> bool {
    let unit = if is_request { request(frame) } else { response(frame) };
    unit.is_some_and(|unit| has_sane_count(frame.function, &unit))
}

fn has_sane_count(function: u8, unit: &Unit<'_>) -> bool {
    let most = match function {
        1 | 2 => 2000,
        3 | 4 | 23 => 125,
        15 => 1968,
        16 => 123,
        _ => return true,
    };
    unit.quantity.is_none_or(|q| (1..=most).contains(&q))
        && unit.write_quantity.is_none_or(|q| (1..=121).contains(&q))
}

/// Takes a request apart; `None` when it has not the shape of its function.
pub fn request<'a>(frame: &Frame<'a>) -> Option<Unit<'a>> {
    let mut c = Cursor::new(frame.body);
    let mut unit = Unit::default();
    match frame.function {
        1..=4 => {
            unit.address = Some(c.u16()?);
            unit.quantity = Some(c.u16()?);
        }
        5 | 6 => {
            unit.address = Some(c.u16()?);
            unit.values = vec![c.u16()?];
        }
        7 | 11 | 12 | 17 => {}
        8 => {
            unit.subfunction = Some(c.u16()?);
            unit.values = registers(c.take(c.remaining() & !1)?);
        }
        15 | 16 => {
            unit.address = Some(c.u16()?);
            let quantity = c.u16()?;
            unit.quantity = Some(quantity);
            let octets = c.prefixed_u8()?;
            let wanted = if frame.function == 15 { quantity.div_ceil(8) } else { quantity << 1 };
            (octets.len() == usize::from(wanted)).then_some(())?;
            if frame.function == 15 {
                unit.bits = octets;
            } else {
                unit.values = registers(octets);
            }
        }
        20 | 21 => {
            c.prefixed_u8()?;
        }
        22 => {
            unit.address = Some(c.u16()?);
            unit.masks = Some((c.u16()?, c.u16()?));
        }
        23 => {
            unit.address = Some(c.u16()?);
            unit.quantity = Some(c.u16()?);
            unit.write_address = Some(c.u16()?);
            let written = c.u16()?;
            unit.write_quantity = Some(written);
            let octets = c.prefixed_u8()?;
            (octets.len() == usize::from(written << 1)).then_some(())?;
            unit.values = registers(octets);
        }
        24 => unit.address = Some(c.u16()?),
        43 => encapsulated(&mut c, &mut unit, true)?,
        _ => return None,
    }
    c.is_empty().then_some(unit)
}

/// Takes a response that is no exception apart; `None` when it has not the shape of its function.
pub fn response<'a>(frame: &Frame<'a>) -> Option<Unit<'a>> {
    let mut c = Cursor::new(frame.body);
    let mut unit = Unit::default();
    match frame.function {
        1 | 2 => unit.bits = c.prefixed_u8()?,
        3 | 4 | 23 => {
            let octets = c.prefixed_u8()?;
            (octets.len() & 1 == 0).then_some(())?;
            unit.values = registers(octets);
        }
        5 | 6 => {
            unit.address = Some(c.u16()?);
            unit.values = vec![c.u16()?];
        }
        7 => unit.values = vec![c.u8()?.into()],
        8 => {
            unit.subfunction = Some(c.u16()?);
            unit.values = registers(c.take(c.remaining() & !1)?);
        }
        11 => unit.values = vec![c.u16()?, c.u16()?],
        12 | 17 | 20 | 21 => {
            c.prefixed_u8()?;
        }
        15 | 16 => {
            unit.address = Some(c.u16()?);
            unit.quantity = Some(c.u16()?);
        }
        22 => {
            unit.address = Some(c.u16()?);
            unit.masks = Some((c.u16()?, c.u16()?));
        }
        24 => {
            let mut queue = Cursor::new(c.prefixed_u16()?);
            let count = queue.u16()?;
            unit.quantity = Some(count);
            unit.values = registers(queue.rest());
        }
        43 => encapsulated(&mut c, &mut unit, false)?,
        _ => return None,
    }
    c.is_empty().then_some(unit)
}

fn encapsulated<'a>(c: &mut Cursor<'a>, unit: &mut Unit<'a>, is_request: bool) -> Option<()> {
    const IDENTIFICATION: u8 = 14;
    let transport = c.u8()?;
    unit.subfunction = Some(transport.into());
    if transport != IDENTIFICATION {
        return c.skip(c.remaining());
    }
    // What is asked for; then the object, or conformity, whether more follows and where.
    c.skip(if is_request { 2 } else { 4 })?;
    if !is_request {
        for _ in 0..c.u8()? {
            let number = c.u8()?;
            unit.objects.push((number, c.prefixed_u8()?));
        }
    }
    Some(())
}

/// Whether the specification defines the function.
pub fn is_known(function: u8) -> bool {
    matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43)
}

/// The word for a function.
pub fn function_word(function: u8) -> &'static str {
    match function {
        1 => "read_coils",
        2 => "read_discrete_inputs",
        3 => "read_holding_registers",
        4 => "read_input_registers",
        5 => "write_single_coil",
        6 => "write_single_register",
        7 => "read_exception_status",
        8 => "diagnostics",
        11 => "get_comm_event_counter",
        12 => "get_comm_event_log",
        15 => "write_multiple_coils",
        16 => "write_multiple_registers",
        17 => "report_server_id",
        20 => "read_file_record",
        21 => "write_file_record",
        22 => "mask_write_register",
        23 => "read_write_multiple_registers",
        24 => "read_fifo_queue",
        43 => "encapsulated_interface_transport",
        65..=72 | 100..=110 => "user_defined",
        // A maker's own protocol to configure and program controllers.
        90 => "umas",
        _ => "unknown",
    }
}

/// The word for an exception.
pub fn exception_word(code: u8) -> &'static str {
    match code {
        1 => "illegal_function",
        2 => "illegal_data_address",
        3 => "illegal_data_value",
        4 => "server_device_failure",
        5 => "acknowledge",
        6 => "server_device_busy",
        7 => "negative_acknowledge",
        8 => "memory_parity_error",
        10 => "gateway_path_unavailable",
        11 => "gateway_target_failed_to_respond",
        _ => "unknown",
    }
}
