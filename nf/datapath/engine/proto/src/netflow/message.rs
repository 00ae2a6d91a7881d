//! Octets → headers, templates and counts of NetFlow and IPFIX. Pure, bounded.

use super::template::{Kind, Put, Shape, Templates};
use super::{NetflowAnomaly, NetflowMessage};
use crate::Cursor;

/// Octets of version 5: header and record.
const HEADER_V5: usize = 24;
const RECORD_V5: usize = 48;
/// Most records of a datagram of version 5.
const MAX_V5: u16 = 30;
const HEADER_V9: usize = 20;
pub(super) const HEADER_IPFIX: usize = 16;
/// Most fields of a template.
const MAX_FIELDS: u16 = 512;
/// The lowest identifier of a template, and of the sets that it describes.
const FIRST_TEMPLATE: u16 = 256;
/// A day: how far an exporter's clock may be from the capture's.
const NEAR_S: u64 = 86_400;

/// How well octets fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Not at all.
    No,
    /// Lengths and counts agree.
    Whole,
    /// And the exporter's clock agrees with the capture's.
    Timely,
}

/// Whether header and lengths can stand together; `time` is the capture's, in nanoseconds.
pub(super) fn fit(data: &[u8], cut: bool, time: u64) -> Fit {
    let mut record = NetflowMessage::default();
    let Some(header) = header(data, &mut record) else {
        return Fit::No;
    };
    let body = data.get(header..).unwrap_or_default();
    let fits = match record.version {
        5 => {
            let count = record.count.unwrap_or(0);
            let octets = usize::from(count).saturating_mul(RECORD_V5);
            (1..=MAX_V5).contains(&count) && (octets == body.len() || cut)
        }
        _ if cut => true,
        version => {
            // Version 9 counts records, which have an octet at least.
            let count = usize::from(record.count.unwrap_or(1));
            (1..=body.len()).contains(&count) && are_sets(body, version)
        }
    };
    let now = time / 1_000_000_000;
    match fits {
        false => Fit::No,
        true if u64::from(record.export_time_s).abs_diff(now) < NEAR_S => Fit::Timely,
        true => Fit::Whole,
    }
}

/// Octets of the message of IPFIX at the front, by its own account.
pub(super) fn ipfix_length(data: &[u8]) -> Option<usize> {
    let mut c = Cursor::new(data);
    let (version, length) = (c.u16()?, usize::from(c.u16()?));
    (version == 10 && length >= HEADER_IPFIX).then_some(length)
}

/// Reads the header; how long it is.
fn header(data: &[u8], record: &mut NetflowMessage) -> Option<usize> {
    let mut c = Cursor::new(data);
    let (version, count) = (c.u16()?, c.u16()?);
    let length = match version {
        5 => {
            record.uptime_ms = Some(c.u32()?);
            record.export_time_s = c.u32()?;
            c.skip(4)?;
            record.sequence = c.u32()?;
            record.domain = c.u16()?.into();
            let sampling = c.u16()?;
            record.sampling_mode = Some(u8::try_from(sampling >> 14).ok()?);
            record.sampling_interval = Some(sampling & 0x3fff);
            HEADER_V5
        }
        9 => {
            record.uptime_ms = Some(c.u32()?);
            record.export_time_s = c.u32()?;
            record.sequence = c.u32()?;
            record.domain = c.u32()?;
            HEADER_V9
        }
        10 => {
            record.export_time_s = c.u32()?;
            record.sequence = c.u32()?;
            record.domain = c.u32()?;
            HEADER_IPFIX
        }
        _ => return None,
    };
    record.version = version;
    record.count = (version != 10).then_some(count);
    Some(length)
}

/// Fills `record` in as far as the octets go; `None` where they do not fit.
pub(super) fn parse(
    data: &[u8],
    templates: &mut Templates,
    record: &mut NetflowMessage,
    found: &mut dyn FnMut(NetflowAnomaly),
) -> Option<()> {
    let length = header(data, record)?;
    let body = data.get(length..)?;
    match record.version {
        5 => {
            let flows = body.len().checked_div(RECORD_V5)?;
            record.flow_count = u32::try_from(flows).ok()?;
            let told = record.count.map(u32::from);
            (Some(record.flow_count) == told && body.len().is_multiple_of(RECORD_V5)).then_some(())
        }
        10 if ipfix_length(data)? != data.len() => None,
        _ => sets(body, |id, value| set(id, value, templates, record, found)),
    }
}

/// Sets to the end, each with its identifier and a length that counts both.
fn sets(body: &[u8], mut each: impl FnMut(u16, &[u8]) -> Option<()>) -> Option<()> {
    let mut c = Cursor::new(body);
    while !c.is_empty() {
        let (id, length) = (c.u16()?, c.u16()?);
        each(id, c.take(usize::from(length).checked_sub(4)?)?)?;
    }
    Some(())
}

/// Whether sets fill the octets and have identifiers that the version knows.
fn are_sets(body: &[u8], version: u16) -> bool {
    let known = |id: u16| id >= FIRST_TEMPLATE || kind_of(id, version).is_some();
    sets(body, |id, _| known(id).then_some(())).is_some()
}

/// Which templates a set brings: sets 0 and 1 of version 9, 2 and 3 of IPFIX.
fn kind_of(id: u16, version: u16) -> Option<Kind> {
    match (version, id) {
        (9, 0) | (10, 2) => Some(Kind::Flows),
        (9, 1) | (10, 3) => Some(Kind::Options),
        _ => None,
    }
}

fn set(
    id: u16,
    value: &[u8],
    templates: &mut Templates,
    record: &mut NetflowMessage,
    found: &mut dyn FnMut(NetflowAnomaly),
) -> Option<()> {
    if let Some(kind) = kind_of(id, record.version) {
        return template_set(value, kind, templates, record, found);
    }
    if id < FIRST_TEMPLATE {
        return None;
    }
    let Some(template) = templates.get((record.domain, id)) else {
        record.unknown_sets = record.unknown_sets.saturating_add(1);
        return Some(());
    };
    let (count, whole) = template.shape.records(value);
    let slot = match template.kind {
        Kind::Flows => &mut record.flow_count,
        Kind::Options => &mut record.option_count,
    };
    *slot = slot.saturating_add(count);
    whole.then_some(())
}

/// RFC 3954 §5.2, §6.1; RFC 7011 §3.4.
fn template_set(
    value: &[u8],
    kind: Kind,
    templates: &mut Templates,
    record: &mut NetflowMessage,
    found: &mut dyn FnMut(NetflowAnomaly),
) -> Option<()> {
    let mut c = Cursor::new(value);
    let ipfix = record.version == 10;
    // What is shorter than a template fills the set.
    while c.remaining() >= 4 {
        let (id, mut fields) = (c.u16()?, c.u16()?);
        if id == 0 && !ipfix {
            break;
        }
        if ipfix && fields == 0 {
            // A template, or all of a kind, is taken back.
            record.withdrawn_count = record.withdrawn_count.saturating_add(1);
            templates.withdraw(record.domain, (id >= FIRST_TEMPLATE).then_some(id), kind);
            continue;
        }
        if kind == Kind::Options {
            let second = c.u16()?;
            if !ipfix {
                // Octets of scopes and of options, each field four.
                fields = fields.checked_add(second)? >> 2;
            }
        }
        if id < FIRST_TEMPLATE || fields > MAX_FIELDS {
            return None;
        }
        let mut lengths = Vec::with_capacity(fields.into());
        for _ in 0..fields {
            let (element, length) = (c.u16()?, c.u16()?);
            if ipfix && element & 0x8000 != 0 {
                c.skip(4)?;
            }
            lengths.push(length);
        }
        let slot = match kind {
            Kind::Flows => &mut record.template_count,
            Kind::Options => &mut record.option_template_count,
        };
        *slot = slot.saturating_add(1);
        match templates.put((record.domain, id), kind, Shape::new(lengths, ipfix)) {
            Put::New | Put::Again => {}
            Put::Changed => found(NetflowAnomaly::TemplateChanged),
            Put::Crowded => found(NetflowAnomaly::TooManyTemplates),
        }
    }
    Some(())
}
