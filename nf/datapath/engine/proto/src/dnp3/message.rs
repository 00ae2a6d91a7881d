//! Application fragments (IEEE 1815 §4, objects of its annex A): pure, no state, no panic.

use nf_fields::Fields;

use crate::Cursor;

/// Most object headers that are looked at in one fragment.
const MAX_OBJECTS: usize = 64;
/// Most commands kept of one fragment.
const MAX_COMMANDS: usize = 32;

/// An object header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Fields)]
pub struct Dnp3Object {
    /// Kind of data.
    pub group: u8,
    /// Form of it.
    pub variation: u8,
    /// How the points are named.
    pub qualifier: u8,
    /// First point.
    pub start: Option<u32>,
    /// Last point.
    pub stop: Option<u32>,
    /// Points.
    pub count: Option<u32>,
}

/// A control relay output block: one output that is to be operated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Fields)]
pub struct Dnp3Command {
    /// Point.
    pub index: u32,
    /// Operation, and trip or close.
    pub control_code: u8,
    /// How often.
    pub count: u8,
    /// How long it is on.
    pub on_ms: u32,
    /// How long it is off.
    pub off_ms: u32,
    /// How it went.
    pub status: u8,
}

/// A fragment taken apart.
#[derive(Clone, Debug, Default)]
pub struct Fragment {
    /// First and final, confirmation wanted, unsolicited, sequence.
    pub control: u8,
    /// Function.
    pub function: u8,
    /// Internal indications of a response.
    pub indications: Option<u16>,
    /// Headers of its objects, as far as they can be found.
    pub objects: Vec<Dnp3Object>,
    /// Outputs that are to be operated.
    pub commands: Vec<Dnp3Command>,
    /// An object header that cannot be read, or data that end too soon.
    pub is_malformed: bool,
}

impl Fragment {
    /// Whether it is the last one of a message.
    pub fn is_final(&self) -> bool {
        self.control & 0x40 != 0
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u8 {
        self.control & 0x0f
    }
}

/// Whether an outstation says it.
pub fn is_response(function: u8) -> bool {
    matches!(function, 129..=131)
}

/// Whether a request is never answered.
pub fn is_unanswered(function: u8) -> bool {
    matches!(function, 0 | 6 | 8 | 10 | 12 | 33)
}

/// The word for a function.
pub fn function_word(function: u8) -> &'static str {
    const REQUESTS: [&str; 34] = [
        "confirm",
        "read",
        "write",
        "select",
        "operate",
        "direct_operate",
        "direct_operate_no_ack",
        "immediate_freeze",
        "immediate_freeze_no_ack",
        "freeze_clear",
        "freeze_clear_no_ack",
        "freeze_at_time",
        "freeze_at_time_no_ack",
        "cold_restart",
        "warm_restart",
        "initialize_data",
        "initialize_application",
        "start_application",
        "stop_application",
        "save_configuration",
        "enable_unsolicited",
        "disable_unsolicited",
        "assign_class",
        "delay_measurement",
        "record_current_time",
        "open_file",
        "close_file",
        "delete_file",
        "get_file_info",
        "authenticate_file",
        "abort_file",
        "activate_configuration",
        "authenticate_request",
        "authenticate_request_no_ack",
    ];
    match function {
        129 => "response",
        130 => "unsolicited_response",
        131 => "authenticate_response",
        _ => REQUESTS.get(usize::from(function)).copied().unwrap_or("unknown"),
    }
}

/// Words for the internal indications that are set.
pub fn indication_words(indications: u16) -> impl Iterator<Item = &'static str> {
    const WORDS: [&str; 16] = [
        "broadcast",
        "class_1_events",
        "class_2_events",
        "class_3_events",
        "need_time",
        "local_control",
        "device_trouble",
        "device_restart",
        "no_function_code_support",
        "object_unknown",
        "parameter_error",
        "event_buffer_overflow",
        "already_executing",
        "configuration_corrupt",
        "reserved_1",
        "reserved_2",
    ];
    // The first octet stands in the upper half, its lowest bit is the first word's.
    WORDS
        .into_iter()
        .enumerate()
        .filter(move |(bit, _)| indications.rotate_left(8) >> bit & 1 == 1)
        .map(|(_, w)| w)
}

/// Takes a fragment apart; `None` when it is too short for its header.
pub fn parse(data: &[u8]) -> Option<Fragment> {
    let mut c = Cursor::new(data);
    let mut fragment = Fragment { control: c.u8()?, function: c.u8()?, ..Fragment::default() };
    if is_response(fragment.function) {
        fragment.indications = Some(c.u16()?);
    }
    // Only these carry data behind the headers; the others name points.
    let has_data = is_response(fragment.function) || matches!(fragment.function, 2..=6 | 25..=33);
    while !c.is_empty() && fragment.objects.len() < MAX_OBJECTS {
        match object(&mut c, has_data, &mut fragment.commands) {
            Some((object, is_followed)) => {
                fragment.objects.push(object);
                if !is_followed {
                    break;
                }
            }
            None => {
                fragment.is_malformed = true;
                break;
            }
        }
    }
    Some(fragment)
}

/// One object header with its data; whether the next header's place is known.
fn object(
    c: &mut Cursor<'_>,
    has_data: bool,
    commands: &mut Vec<Dnp3Command>,
) -> Option<(Dnp3Object, bool)> {
    let [group, variation, qualifier] = c.array()?;
    let mut object = Dnp3Object { group, variation, qualifier, ..Dnp3Object::default() };
    let range = match qualifier & 0x0f {
        0 | 3 => Some((c.u8()?.into(), c.u8()?.into())),
        1 | 4 => Some((c.u16_le()?.into(), c.u16_le()?.into())),
        2 | 5 => Some((c.u32_le()?, c.u32_le()?)),
        _ => None,
    };
    if let Some((start, stop)) = range {
        (object.start, object.stop) = (Some(start), Some(stop));
        object.count = Some(stop.checked_sub(start)?.saturating_add(1));
    }
    match qualifier & 0x0f {
        7 => object.count = Some(c.u8()?.into()),
        8 => object.count = Some(c.u16_le()?.into()),
        9 => object.count = Some(c.u32_le()?),
        11 => object.count = Some(c.u8()?.into()),
        0..=6 => {}
        _ => return None,
    }
    let Some(count) = object.count else { return Some((object, true)) };
    let prefix = qualifier >> 4 & 7;
    if !has_data {
        // Points may still be named one by one.
        let named = usize::try_from(count).ok()?.checked_mul(index_octets(prefix)?)?;
        c.skip(named)?;
        return Some((object, true));
    }
    if matches!(prefix, 4..=6) {
        // Each object tells its own size.
        for _ in 0..count.min(u32::from(u16::MAX)) {
            let size = match prefix {
                4 => c.u8()?.into(),
                5 => c.u16_le()?.into(),
                _ => usize::try_from(c.u32_le()?).ok()?,
            };
            c.skip(size)?;
        }
        return Some((object, true));
    }
    let index = index_octets(prefix)?;
    let Some(size) = size_of(group, variation) else { return Some((object, false)) };
    let count = usize::try_from(count).ok()?;
    match size {
        Size::Bits(bits) if index == 0 => c.skip(count.checked_mul(bits)?.div_ceil(8))?,
        Size::Bits(_) => c.skip(count.checked_mul(index.checked_add(1)?)?)?,
        Size::Octets(octets) => {
            let all = c.take(count.checked_mul(octets.checked_add(index)?)?)?;
            if (group, variation) == (12, 1) {
                let pieces = all.chunks(octets.saturating_add(index));
                let room = MAX_COMMANDS.saturating_sub(commands.len());
                let read = pieces.enumerate().take(room).filter_map(|(nth, piece)| {
                    command(piece, index, object.start.unwrap_or(0), nth)
                });
                commands.extend(read);
            }
        }
    }
    Some((object, true))
}

fn command(piece: &[u8], index: usize, start: u32, nth: usize) -> Option<Dnp3Command> {
    let mut c = Cursor::new(piece);
    let index = match index {
        1 => c.u8()?.into(),
        2 => c.u16_le()?.into(),
        4 => c.u32_le()?,
        _ => start.saturating_add(u32::try_from(nth).ok()?),
    };
    Some(Dnp3Command {
        index,
        control_code: c.u8()?,
        count: c.u8()?,
        on_ms: c.u32_le()?,
        off_ms: c.u32_le()?,
        status: c.u8()?,
    })
}

fn index_octets(prefix: u8) -> Option<usize> {
    match prefix {
        0 => Some(0),
        1 => Some(1),
        2 => Some(2),
        3 => Some(4),
        _ => None,
    }
}

enum Size {
    Bits(usize),
    Octets(usize),
}

/// What one object of a form takes.
fn size_of(group: u8, variation: u8) -> Option<Size> {
    let octets = match (group, variation) {
        (1 | 10 | 80, 1) => return Some(Size::Bits(1)),
        (3, 1) => return Some(Size::Bits(2)),
        (1 | 3 | 10, 2) | (2 | 4 | 11 | 13, 1) => 1,
        (2 | 4 | 11 | 13, 2) => 7,
        (2 | 4, 3) => 3,
        (12, 1) => 11,
        (12, 2) => 11,
        (20 | 21, 1 | 3) | (22 | 23, 1 | 3) => 5,
        (20 | 21, 2 | 4) | (22 | 23, 2 | 4) => 3,
        (20, 5 | 7) | (21, 9 | 11) => 4,
        (20, 6 | 8) | (21, 10 | 12) => 2,
        (21, 5 | 7) | (22 | 23, 5 | 7) => 11,
        (21, 6 | 8) | (22 | 23, 6 | 8) => 9,
        (30 | 32 | 33 | 40 | 41 | 42 | 43, 1) => 5,
        (30 | 32 | 33 | 40 | 41 | 42 | 43, 2) => 3,
        (30, 3) => 4,
        (30, 4) => 2,
        (30 | 32 | 33, 5) | (40 | 41, 3) => 5,
        (30 | 32 | 33, 6) | (40 | 41, 4) => 9,
        (32 | 33 | 42 | 43, 3) => 11,
        (32 | 33 | 42 | 43, 4) => 9,
        (32 | 33, 7) => 11,
        (32 | 33, 8) => 15,
        (42 | 43, 5) => 5,
        (42 | 43, 6) => 9,
        (42 | 43, 7) => 11,
        (42 | 43, 8) => 15,
        (31, 1 | 7) => 5,
        (31, 2) => 3,
        (31, 3 | 4) => 11,
        (34, 1) => 2,
        (34, 2 | 3) => 4,
        (50, 1 | 3) | (51, 1 | 2) => 6,
        (50, 2) => 10,
        (50, 4) => 11,
        (52, 1 | 2) => 2,
        // Texts are as long as their variation says.
        (110 | 111, length) => length.into(),
        _ => return None,
    };
    Some(Size::Octets(octets))
}
