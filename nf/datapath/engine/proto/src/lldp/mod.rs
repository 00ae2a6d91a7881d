//! Link Layer Discovery Protocol (IEEE 802.1AB), with the parts of IEEE 802.1, 802.3 and of LLDP-MED
//! that name VLANs, frame sizes and devices. It has no session: see `Info::reads_header`.
//!
//! One transaction per announcement that differs from the port's last one.
//!
//! Bounds: 255 octets of a text, 8 management addresses, 16 names of VLANs.

#[cfg(test)]
mod tests;

use nf_fields::{Fields, Mac, Text};
use nf_wire::id;

use crate::news::News;
use crate::{
    Cursor, Flow, Info, Over, Probe, Protocol, Segment, Sink, Step, addresses, anomalies, within,
};

const MAX_TEXT: usize = 255;
const MAX_ADDRESSES: usize = 8;
const MAX_VLANS: usize = 16;
const OVER: &[Over] = &[within("ethernet")];

/// Organisations that define parts of their own.
mod organisation {
    pub(super) const IEEE_802_1: u32 = 0x00_80_c2;
    pub(super) const IEEE_802_3: u32 = 0x00_12_0f;
    pub(super) const TIA_MED: u32 = 0x00_12_bb;
}

anomalies! {
    /// What can be wrong with it.
    pub enum LldpAnomaly {
        /// Parts that do not fit, or not the three that must come first.
        MalformedMessage = "malformed_message",
    }
}

/// A name of a VLAN.
#[derive(Debug, Fields)]
pub struct LldpVlan {
    /// Identifier.
    pub id: u16,
    /// Name.
    pub name: Text,
}

/// One announcement.
#[derive(Debug, Default, Fields)]
pub struct LldpMessage {
    /// Hardware address it was sent from.
    pub src_mac: Option<Mac>,
    /// What kind of identifier tells the device: mac_address, network_address, local…
    pub chassis_id_type: &'static str,
    /// Identifier of the device.
    pub chassis_id: Text,
    /// What kind of identifier tells the port.
    pub port_id_type: &'static str,
    /// Identifier of the port.
    pub port_id: Text,
    /// Seconds for which it is good; 0 takes it back.
    pub ttl_s: u16,
    /// Words about the port.
    pub port_description: Option<Text>,
    /// Name of the device.
    pub system_name: Option<Text>,
    /// Words about the device.
    pub system_description: Option<Text>,
    /// What the device can be: bridge, router, telephone…
    pub capabilities: Option<Vec<&'static str>>,
    /// Which of these it is.
    pub enabled_capabilities: Option<Vec<&'static str>>,
    /// Addresses it is managed by.
    pub management_addresses: Option<Vec<Text>>,
    /// 802.1: VLAN of frames without a tag.
    pub port_vlan: Option<u16>,
    /// 802.1: names of VLANs.
    pub vlans: Option<Vec<LldpVlan>>,
    /// 802.3: largest frame.
    pub max_frame_size: Option<u16>,
    /// MED: kind of device, 1 to 3 an end point's class, 4 a part of the network.
    pub med_device_type: Option<u8>,
}

/// What one port says.
#[derive(Default)]
pub struct Lldp {
    told: News<Option<Mac>>,
}

impl Protocol for Lldp {
    const INFO: Info = Info {
        name: "lldp",
        id: id::LLDP,
        title: "Link Layer Discovery Protocol",
        spec: "IEEE 802.1AB",
        over: OVER,
        reads_header: true,
        message: LldpMessage::fields,
        transaction: LldpMessage::fields,
        anomalies: LldpAnomaly::INFOS,
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
                None => out.anomaly(LldpAnomaly::MalformedMessage),
            }
        }
        out.settled();
        Step::all(seg)
    }
}

/// IEEE 802.1AB §8: seven bits of type, nine of length, until the type 0.
fn message(data: &[u8]) -> Option<LldpMessage> {
    let mut record = LldpMessage::default();
    let mut c = Cursor::new(data);
    for number in 0_usize.. {
        let head = c.u16()?;
        let (kind, value) = (head >> 9, c.take(usize::from(head & 0x1ff))?);
        if kind == 0 && number >= 3 {
            break;
        }
        // The first three are given.
        let given = u16::try_from(number).unwrap_or(u16::MAX).saturating_add(1);
        if number < 3 && kind != given {
            return None;
        }
        part(kind, value, &mut record)?;
    }
    Some(record)
}

fn part(kind: u16, value: &[u8], record: &mut LldpMessage) -> Option<()> {
    let text = || Some(Text::bounded(value, MAX_TEXT));
    let mut c = Cursor::new(value);
    match kind {
        1 => {
            let (&kind, id) = value.split_first()?;
            record.chassis_id_type = match kind {
                1 => "chassis_component",
                2 => "interface_alias",
                3 => "port_component",
                4 => "mac_address",
                5 => "network_address",
                6 => "interface_name",
                7 => "local",
                _ => "unknown",
            };
            record.chassis_id = identifier(id, kind == 4, kind == 5)?;
        }
        2 => {
            let (&kind, id) = value.split_first()?;
            record.port_id_type = match kind {
                1 => "interface_alias",
                2 => "port_component",
                3 => "mac_address",
                4 => "network_address",
                5 => "interface_name",
                6 => "agent_circuit_id",
                7 => "local",
                _ => "unknown",
            };
            record.port_id = identifier(id, kind == 3, kind == 4)?;
        }
        3 => record.ttl_s = c.u16()?,
        4 => record.port_description = text(),
        5 => record.system_name = text(),
        6 => record.system_description = text(),
        7 => {
            record.capabilities = Some(capabilities(c.u16()?));
            record.enabled_capabilities = Some(capabilities(c.u16()?));
        }
        8 => {
            let address = address_text(c.prefixed_u8()?)?;
            let known = record.management_addresses.get_or_insert_default();
            if known.len() < MAX_ADDRESSES {
                known.push(address);
            }
        }
        127 => {
            let (oui, subtype) = (c.u24()?, c.u8()?);
            special(oui, subtype, &mut c, record)?;
        }
        _ => {}
    }
    Some(())
}

fn special(oui: u32, subtype: u8, c: &mut Cursor<'_>, record: &mut LldpMessage) -> Option<()> {
    match (oui, subtype) {
        (organisation::IEEE_802_1, 1) => record.port_vlan = Some(c.u16()?),
        (organisation::IEEE_802_1, 3) => {
            let id = c.u16()?;
            let name = Text::bounded(c.prefixed_u8()?, MAX_TEXT);
            let vlans = record.vlans.get_or_insert_default();
            if vlans.len() < MAX_VLANS {
                vlans.push(LldpVlan { id, name });
            }
        }
        (organisation::IEEE_802_3, 4) => record.max_frame_size = Some(c.u16()?),
        (organisation::TIA_MED, 1) => {
            c.skip(2)?;
            record.med_device_type = Some(c.u8()?);
        }
        _ => {}
    }
    Some(())
}

/// An identifier as text: of hardware or network addresses as these are written.
fn identifier(id: &[u8], hardware: bool, network: bool) -> Option<Text> {
    match <[u8; 6]>::try_from(id) {
        Ok(octets) if hardware => Some(Mac(octets).to_string().into()),
        _ if network => address_text(id),
        _ => Some(Text::bounded(id, MAX_TEXT)),
    }
}

/// An address behind the number of its family.
fn address_text(octets: &[u8]) -> Option<Text> {
    let (&family, address) = octets.split_first()?;
    let ip = match family {
        1 | 2 => addresses::address(address).filter(|ip| ip.is_ipv4() == (family == 1))?,
        6 => return Some(Mac(address.try_into().ok()?).to_string().into()),
        _ => return Some(Text::bounded(address, MAX_TEXT)),
    };
    Some(ip.to_string().into())
}

/// IEEE 802.1AB §8.5.8.
fn capabilities(bits: u16) -> Vec<&'static str> {
    const WORDS: [&str; 11] = [
        "other",
        "repeater",
        "bridge",
        "wlan_access_point",
        "router",
        "telephone",
        "docsis",
        "station",
        "c_vlan",
        "s_vlan",
        "two_port_relay",
    ];
    addresses::set_bits(bits.into(), &WORDS)
}
