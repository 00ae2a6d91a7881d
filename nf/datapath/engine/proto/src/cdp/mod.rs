//! Cisco Discovery Protocol, versions 1 and 2, as Cisco describes its frames. It has no session:
//! see `Info::reads_header`.
//!
//! One transaction per announcement that differs from the port's last one.
//!
//! Bounds: 255 octets of a text, 8 addresses of a list.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nf_fields::{Fields, Mac, Text};
use nf_wire::id;

use crate::news::News;
use crate::{
    Cursor, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, addresses, anomalies, within,
};

const MAX_TEXT: usize = 255;
const MAX_ADDRESSES: usize = 8;
const OVER: &[Over] = &[within("llc")];

anomalies! {
    /// What can be wrong with it.
    pub enum CdpAnomaly {
        /// Parts that do not fit, or an unknown version.
        MalformedMessage = "malformed_message",
    }
}

/// One announcement.
#[derive(Debug, Default, Fields)]
pub struct CdpMessage {
    /// Hardware address it was sent from.
    pub src_mac: Option<Mac>,
    /// Version, 1 or 2.
    pub version: u8,
    /// Seconds for which it is good.
    pub ttl_s: u8,
    /// Name of the device.
    pub device_id: Option<Text>,
    /// Name of the port.
    pub port_id: Option<Text>,
    /// Addresses of the device.
    pub addresses: Option<Vec<IpAddr>>,
    /// Addresses it is managed by.
    pub management_addresses: Option<Vec<IpAddr>>,
    /// What the device is: router, bridge, switch, host…
    pub capabilities: Option<Vec<&'static str>>,
    /// What software it runs.
    pub software_version: Option<Text>,
    /// What hardware it is.
    pub platform: Option<Text>,
    /// Domain of VTP.
    pub vtp_domain: Option<Text>,
    /// VLAN of frames without a tag.
    pub native_vlan: Option<u16>,
    /// VLAN of telephones.
    pub voice_vlan: Option<u16>,
    /// Whether both sides may send at once.
    pub full_duplex: Option<bool>,
    /// Largest packet of the port.
    pub mtu: Option<u32>,
    /// Milliwatts that the device takes from the port.
    pub power_mw: Option<u16>,
}

/// What one port says.
#[derive(Default)]
pub struct Cdp {
    told: News<Option<Mac>>,
}

impl Protocol for Cdp {
    const INFO: Info = Info {
        name: "cdp",
        id: id::CDP,
        title: "Cisco Discovery Protocol",
        spec: "Cisco",
        over: OVER,
        reads_header: true,
        message: CdpMessage::fields,
        transaction: CdpMessage::fields,
        anomalies: CdpAnomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        if out.wants_messages() || out.wants_transactions() {
            match message(seg.data) {
                Some(mut record) => {
                    record.src_mac = seg.sender();
                    out.message(&record);
                    if self.told.is_new(record.src_mac, &record) {
                        out.transaction(seg.time, record);
                    }
                }
                None if seg.cut => {}
                None => out.anomaly(CdpAnomaly::MalformedMessage),
            }
        }
        out.settled();
        Step::all(seg)
    }
}

fn message(data: &[u8]) -> Option<CdpMessage> {
    let mut c = Cursor::new(data);
    let mut record = CdpMessage { version: c.u8()?, ttl_s: c.u8()?, ..CdpMessage::default() };
    if !matches!(record.version, 1 | 2) {
        return None;
    }
    c.skip(2)?;
    // What is shorter than a part's head fills the frame, and so do zeros.
    while c.remaining() >= 4 && c.rest().iter().any(|&b| b != 0) {
        let (kind, length) = (c.u16()?, c.u16()?);
        let value = c.take(usize::from(length).checked_sub(4)?)?;
        part(kind, value, &mut record)?;
    }
    Some(record)
}

fn part(kind: u16, value: &[u8], record: &mut CdpMessage) -> Option<()> {
    let text = || Some(Text::bounded(value, MAX_TEXT));
    let mut c = Cursor::new(value);
    match kind {
        0x01 => record.device_id = text(),
        0x02 => record.addresses = Some(addresses(&mut c)?),
        0x03 => record.port_id = text(),
        0x04 => record.capabilities = Some(capabilities(c.u32()?)),
        0x05 => record.software_version = text(),
        0x06 => record.platform = text(),
        0x09 => record.vtp_domain = text(),
        0x0a => record.native_vlan = Some(c.u16()?),
        0x0b => record.full_duplex = Some(c.u8()? == 1),
        0x0e => {
            c.skip(1)?;
            record.voice_vlan = Some(c.u16()?);
        }
        0x10 => record.power_mw = Some(c.u16()?),
        0x11 => record.mtu = Some(c.u32()?),
        0x16 => record.management_addresses = Some(addresses(&mut c)?),
        _ => {}
    }
    Some(())
}

/// A count, then of each address its kind of protocol, the protocol, and the address.
fn addresses(c: &mut Cursor<'_>) -> Option<Vec<IpAddr>> {
    let count = c.u32()?;
    let mut found = Vec::new();
    for _ in 0..count {
        c.skip(1)?;
        c.prefixed_u8()?;
        let address = c.prefixed_u16()?;
        // Those of other protocols are left out.
        if found.len() < MAX_ADDRESSES {
            found.extend(addresses::address(address));
        }
    }
    Some(found)
}

fn capabilities(bits: u32) -> Vec<&'static str> {
    const WORDS: [&str; 11] = [
        "router",
        "transparent_bridge",
        "source_route_bridge",
        "switch",
        "host",
        "igmp",
        "repeater",
        "voip_phone",
        "remotely_managed",
        "cvta",
        "two_port_relay",
    ];
    addresses::set_bits(bits, &WORDS)
}
