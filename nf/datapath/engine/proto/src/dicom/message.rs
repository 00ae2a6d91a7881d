//! Octets → PDUs of the upper layer (DICOM PS3.8 §9.3), command sets (PS3.7 §6.3, annex E) and the
//! front of data sets (PS3.5 §7): pure, no state, no panic.

use crate::Cursor;

/// Octets of a PDU's header.
pub const HEADER: usize = 6;
/// Octets in front of a fragment's data: length, context, flags.
pub const PDV_HEADER: usize = 6;
/// Where the items of an association begin, behind the header.
const ITEMS: usize = 68;
/// Octets of an application entity's title.
const TITLE: usize = 16;
/// Name of the only application context.
const CONTEXT_NAME: &[u8] = b"1.2.840.10008.3.1.1.1";
/// Most contexts of an association: their numbers are odd octets.
const MAX_CONTEXTS: usize = 128;
/// Most elements of a set that are looked at.
const MAX_ELEMENTS: usize = 256;

/// Kinds of PDUs.
pub mod kind {
    /// Asks for an association.
    pub const ASSOCIATE_RQ: u8 = 1;
    /// Accepts it.
    pub const ASSOCIATE_AC: u8 = 2;
    /// Rejects it.
    pub const ASSOCIATE_RJ: u8 = 3;
    /// Data.
    pub const DATA: u8 = 4;
    /// Asks to end it.
    pub const RELEASE_RQ: u8 = 5;
    /// Ends it.
    pub const RELEASE_RP: u8 = 6;
    /// Breaks it off.
    pub const ABORT: u8 = 7;
}

/// A PDU's header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Kind.
    pub kind: u8,
    /// Octets that follow.
    pub length: u32,
}

/// Reads a header.
pub fn header(data: &[u8]) -> Option<Header> {
    let mut c = Cursor::new(data);
    let kind = c.u8()?;
    c.skip(1)?;
    Some(Header { kind, length: c.u32()? })
}

/// Whether octets are a header as the standard has it.
pub fn is_sound(data: &[u8]) -> bool {
    let Some(header) = header(data) else { return false };
    data.get(1) == Some(&0)
        && match header.kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => (68..=0x2_0000).contains(&header.length),
            kind::DATA => (6..=0x100_0000).contains(&header.length),
            kind::ASSOCIATE_RJ | kind::RELEASE_RQ | kind::RELEASE_RP | kind::ABORT => {
                header.length == 4
            }
            _ => false,
        }
}

/// A presentation context that is asked for or answered.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// Number.
    pub id: u8,
    /// Answer: 0 is acceptance.
    pub result: Option<u8>,
    /// What is to be done.
    pub abstract_syntax: &'a [u8],
    /// How data may be encoded; of an answer, how they are.
    pub transfer_syntaxes: Vec<&'a [u8]>,
}

/// A request for an association, or its acceptance.
#[derive(Clone, Debug, Default)]
pub struct Associate<'a> {
    /// Version of the protocol.
    pub version: u16,
    /// Who is called; longer than a title when it runs on into what follows.
    pub called: &'a [u8],
    /// Who calls.
    pub calling: &'a [u8],
    /// The title of the called one is longer than its place.
    pub is_title_too_long: bool,
    /// Name of the application context.
    pub application: &'a [u8],
    /// Presentation contexts.
    pub contexts: Vec<Context<'a>>,
    /// Longest PDU that is received.
    pub max_length: Option<u32>,
    /// Implementation.
    pub class_uid: &'a [u8],
    /// Its version.
    pub version_name: &'a [u8],
    /// How the user identifies.
    pub identity: Option<u8>,
    /// Who.
    pub user: &'a [u8],
    /// Items that cannot be read.
    pub is_malformed: bool,
}

fn trimmed(octets: &[u8]) -> &[u8] {
    let end =
        octets.iter().rposition(|b| !matches!(b, b' ' | 0)).map_or(0, |at| at.wrapping_add(1));
    octets.get(..end).unwrap_or_default().trim_ascii_start()
}

/// Takes the body of an association's request or acceptance apart; `None` when it ends before its
/// items.
pub fn associate(body: &[u8]) -> Option<Associate<'_>> {
    let mut c = Cursor::new(body);
    let version = c.u16()?;
    c.skip(2)?;
    let titles = c.rest();
    let mut made = Associate { version, ..Associate::default() };
    let called = c.take(TITLE)?;
    made.called = trimmed(called);
    made.calling = trimmed(c.take(TITLE)?);
    let reserved = c.take(32)?;
    let mut at = ITEMS;
    // A title that is longer than its place shifts what follows, or runs into it.
    if c.rest().first() != Some(&0x10)
        && let Some(found) = shifted_items(body)
    {
        let longer = found.saturating_sub(ITEMS);
        made.called = trimmed(titles.get(..TITLE.saturating_add(longer))?);
        made.calling = titles
            .get(TITLE.saturating_add(longer)..)
            .and_then(|rest| rest.get(..TITLE))
            .map_or(&[][..], trimmed);
        at = found;
    } else if reserved.iter().any(|&b| b != 0) && called.iter().all(|b| b.is_ascii_graphic()) {
        let run = titles.get(..ITEMS.saturating_sub(4)).unwrap_or(titles);
        let end = run.iter().position(|&b| b == 0).unwrap_or(run.len());
        made.called = trimmed(run.get(..end).unwrap_or_default());
    }
    made.is_title_too_long = made.called.len() > TITLE;
    let items = Cursor::new(body.get(at..).unwrap_or_default());
    made.is_malformed = items_of(items, &mut made).is_none();
    Some(made)
}

/// Where the items begin when they do not begin in their place.
fn shifted_items(body: &[u8]) -> Option<usize> {
    let name = memchr::memmem::find(body, CONTEXT_NAME)?;
    let at = name.checked_sub(4).filter(|&at| at > ITEMS)?;
    (body.get(at) == Some(&0x10)).then_some(at)
}

fn items_of<'a>(mut c: Cursor<'a>, made: &mut Associate<'a>) -> Option<()> {
    while !c.is_empty() {
        let kind = c.u8()?;
        c.skip(1)?;
        let value = c.prefixed_u16()?;
        match kind {
            0x10 => made.application = trimmed(value),
            0x20 | 0x21 if made.contexts.len() < MAX_CONTEXTS => {
                made.contexts.push(context(value, kind == 0x21)?);
            }
            0x20 | 0x21 => {}
            0x50 => user(Cursor::new(value), made)?,
            _ => {}
        }
    }
    Some(())
}

fn context(value: &[u8], is_answer: bool) -> Option<Context<'_>> {
    let mut c = Cursor::new(value);
    let mut context = Context { id: c.u8()?, ..Context::default() };
    c.skip(1)?;
    context.result = Some(c.u8()?).filter(|_| is_answer);
    c.skip(1)?;
    while !c.is_empty() {
        let kind = c.u8()?;
        c.skip(1)?;
        let name = trimmed(c.prefixed_u16()?);
        match kind {
            0x30 => context.abstract_syntax = name,
            0x40 => context.transfer_syntaxes.push(name),
            _ => {}
        }
    }
    Some(context)
}

fn user<'a>(mut c: Cursor<'a>, made: &mut Associate<'a>) -> Option<()> {
    while !c.is_empty() {
        let kind = c.u8()?;
        c.skip(1)?;
        let value = c.prefixed_u16()?;
        let mut inner = Cursor::new(value);
        match kind {
            0x51 => made.max_length = Some(inner.u32()?),
            0x52 => made.class_uid = trimmed(value),
            0x55 => made.version_name = trimmed(value),
            0x58 => {
                made.identity = Some(inner.u8()?);
                inner.skip(1)?;
                made.user = inner.prefixed_u16()?;
            }
            _ => {}
        }
    }
    Some(())
}

/// A command set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Command<'a> {
    /// Octets of the set behind this element.
    pub group_length: Option<u32>,
    /// What is to be done.
    pub field: Option<u16>,
    /// Number of the message.
    pub message_id: Option<u16>,
    /// Number of the message that is answered.
    pub responded_id: Option<u16>,
    /// Kind of object.
    pub sop_class: &'a [u8],
    /// Which object.
    pub sop_instance: &'a [u8],
    /// Where objects are to be moved.
    pub destination: &'a [u8],
    /// Whether data follow: 0x0101 for none.
    pub data_set_type: Option<u16>,
    /// How it went.
    pub status: Option<u16>,
    /// Words of an error.
    pub comment: &'a [u8],
    /// Objects that are to follow, went well, and failed.
    pub suboperations: [Option<u16>; 3],
    /// Elements that cannot be read.
    pub is_malformed: bool,
}

/// Takes a command set apart.
pub fn command(octets: &[u8]) -> Command<'_> {
    let mut made = Command::default();
    made.is_malformed = elements(octets, &mut made).is_none();
    made
}

fn elements<'a>(octets: &'a [u8], made: &mut Command<'a>) -> Option<()> {
    let mut c = Cursor::new(octets);
    for _ in 0..MAX_ELEMENTS {
        if c.is_empty() {
            break;
        }
        let (group, element, length) = (c.u16_le()?, c.u16_le()?, c.u32_le()?);
        let value = c.take(usize::try_from(length).ok()?)?;
        let mut inner = Cursor::new(value);
        let short = inner.u16_le();
        match (group, element) {
            (0, 0x0000) => made.group_length = Cursor::new(value).u32_le(),
            (0, 0x0002 | 0x0003) => made.sop_class = trimmed(value),
            (0, 0x0100) => made.field = short,
            (0, 0x0110) => made.message_id = short,
            (0, 0x0120) => made.responded_id = short,
            (0, 0x0600) => made.destination = trimmed(value),
            (0, 0x0800) => made.data_set_type = short,
            (0, 0x0900) => made.status = short,
            (0, 0x0902) => made.comment = trimmed(value),
            (0, 0x1000 | 0x1001) => made.sop_instance = trimmed(value),
            (0, 0x1020..=0x1022) => {
                let at = usize::from(element & 3);
                if let Some(place) = made.suboperations.get_mut(at) {
                    *place = short;
                }
            }
            (0, _) => {}
            _ => return None,
        }
    }
    Some(())
}

/// The patient's name in the front of a data set, explicit or implicit.
pub fn patient_name(octets: &[u8]) -> Option<&[u8]> {
    let mut c = Cursor::new(octets);
    for _ in 0..MAX_ELEMENTS {
        let (group, element) = (c.u16_le()?, c.u16_le()?);
        if (group, element) > (0x0010, 0x0010) {
            return None;
        }
        let [first, second] = c.rest().first_chunk::<2>().copied()?;
        let is_explicit = first.is_ascii_uppercase() && second.is_ascii_uppercase();
        let is_long = matches!(
            &[first, second],
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT"
        );
        let length = if !is_explicit {
            c.u32_le()?
        } else if is_long {
            c.skip(4)?;
            c.u32_le()?
        } else {
            c.skip(2)?;
            c.u16_le()?.into()
        };
        let value = c.take(usize::try_from(length).ok()?)?;
        if (group, element) == (0x0010, 0x0010) {
            return Some(trimmed(value));
        }
    }
    None
}

/// The word for a PDU's kind.
pub fn kind_word(number: u8) -> &'static str {
    match number {
        kind::ASSOCIATE_RQ => "a_associate_rq",
        kind::ASSOCIATE_AC => "a_associate_ac",
        kind::ASSOCIATE_RJ => "a_associate_rj",
        kind::DATA => "p_data_tf",
        kind::RELEASE_RQ => "a_release_rq",
        kind::RELEASE_RP => "a_release_rp",
        kind::ABORT => "a_abort",
        _ => "unknown",
    }
}

/// The word for a command, that of a response like its request's.
pub fn command_word(field: u16) -> &'static str {
    match field & 0x7fff {
        0x0001 => "c_store",
        0x0010 => "c_get",
        0x0020 => "c_find",
        0x0021 => "c_move",
        0x0030 => "c_echo",
        0x0100 => "n_event_report",
        0x0110 => "n_get",
        0x0120 => "n_set",
        0x0130 => "n_action",
        0x0140 => "n_create",
        0x0150 => "n_delete",
        0x0fff if field == 0x0fff => "c_cancel",
        _ => "unknown",
    }
}
