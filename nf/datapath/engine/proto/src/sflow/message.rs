//! Octets → datagrams of sFlow. Pure, bounded.

use super::SflowMessage;
use crate::Cursor;

/// Most samples of a datagram.
const MAX_SAMPLES: u32 = 1024;
/// Most records of a sample.
const MAX_RECORDS: u32 = 256;
/// The record with the beginning of a packet.
const RAW_HEADER: u32 = 1;

/// The datagram as far as it fits, and whether it fits to its last octet; nothing where not even
/// the header does.
pub(super) fn parse(data: &[u8]) -> Option<(SflowMessage, bool)> {
    let mut c = Cursor::new(data);
    let mut record = header(&mut c)?;
    let sound = record.sample_count <= MAX_SAMPLES && samples(&mut c, &mut record).is_some();
    Some((record, sound && c.is_empty()))
}

fn header(c: &mut Cursor<'_>) -> Option<SflowMessage> {
    if c.u32()? != 5 {
        return None;
    }
    let agent_address = match c.u32()? {
        1 => c.ipv4()?,
        2 => c.ipv6()?,
        _ => return None,
    };
    let (sub_agent_id, sequence) = (c.u32()?, c.u32()?);
    let (uptime_ms, sample_count) = (c.u32()?, c.u32()?);
    Some(SflowMessage {
        version: 5,
        agent_address,
        sub_agent_id,
        sequence,
        lost: None,
        uptime_ms,
        sample_count,
        flow_samples: 0,
        counter_samples: 0,
        discarded_samples: 0,
        other_samples: 0,
        header_count: 0,
        frame_bytes: 0,
        counter_count: 0,
        sampling_rate: None,
        dropped_samples: None,
    })
}

fn samples(c: &mut Cursor<'_>, record: &mut SflowMessage) -> Option<()> {
    for _ in 0..record.sample_count {
        let (format, length) = (c.u32()?, c.u32()?);
        let body = c.take(usize::try_from(length).ok()?)?;
        let slot = match format {
            1 | 3 => &mut record.flow_samples,
            2 | 4 => &mut record.counter_samples,
            5 => &mut record.discarded_samples,
            _ => &mut record.other_samples,
        };
        *slot = slot.saturating_add(1);
        sample(format, body, record)?;
    }
    Some(())
}

/// The formats with 3 and 4 write source and interfaces in two words each.
fn sample(format: u32, body: &[u8], record: &mut SflowMessage) -> Option<()> {
    let mut c = Cursor::new(body);
    match format {
        1 | 3 => {
            c.skip(if format == 1 { 8 } else { 12 })?;
            record.sampling_rate = Some(c.u32()?);
            c.skip(4)?;
            record.dropped_samples = Some(c.u32()?);
            c.skip(if format == 1 { 8 } else { 16 })?;
            records(&mut c, |kind, value| packet(kind, value, record))?;
        }
        2 | 4 => {
            c.skip(if format == 2 { 8 } else { 12 })?;
            records(&mut c, |_, _| {
                record.counter_count = record.counter_count.saturating_add(1);
                Some(())
            })?;
        }
        5 => {
            // Number, source in two words, how many more, both interfaces and the reason.
            c.skip(28)?;
            records(&mut c, |kind, value| packet(kind, value, record))?;
        }
        _ => return Some(()),
    }
    c.is_empty().then_some(())
}

fn records(c: &mut Cursor<'_>, mut each: impl FnMut(u32, &[u8]) -> Option<()>) -> Option<()> {
    let count = c.u32()?;
    if count > MAX_RECORDS {
        return None;
    }
    for _ in 0..count {
        let (kind, length) = (c.u32()?, c.u32()?);
        each(kind, c.take(usize::try_from(length).ok()?)?)?;
    }
    Some(())
}

/// The beginning of a packet: its link, its octets on the wire, those stripped, and those here.
fn packet(kind: u32, value: &[u8], record: &mut SflowMessage) -> Option<()> {
    if kind != RAW_HEADER {
        return Some(());
    }
    let mut c = Cursor::new(value);
    c.skip(4)?;
    let frame = c.u32()?;
    c.skip(4)?;
    let here = usize::try_from(c.u32()?).ok()?;
    record.header_count = record.header_count.saturating_add(1);
    record.frame_bytes = record.frame_bytes.saturating_add(frame.into());
    (here <= c.remaining() && c.remaining().saturating_sub(here) < 4).then_some(())
}
