//! What S1AP reports.

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, Text, TextRef};

use super::Read;
use super::element::{self, id};
use crate::aper::{self, Message};

/// Most octets of a name kept.
const MAX_NAME: usize = 150;

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct S1apMessage<'a> {
    /// Procedure.
    #[field(id = 1)]
    pub procedure_code: u16,
    /// 1 a procedure begins, 2 it went well, 3 it did not.
    #[field(id = 2)]
    pub pdu_present: u8,
    /// Subscriber.
    #[field(id = 3)]
    pub imsi: Option<TextRef<'a>>,
    /// A phone's temporary number.
    #[field(id = 4)]
    pub m_tmsi: Option<u32>,
    /// Number of the first bearer's tunnel.
    #[field(id = 5)]
    pub gtp_teid: Option<u32>,
    /// Class of quality of the first bearer.
    #[field(id = 6)]
    pub qci: Option<u8>,
    /// Priority of the first bearer.
    #[field(id = 7)]
    pub priority_level: Option<u8>,
    /// Address that a phone gets.
    #[field(id = 9)]
    pub ue_ipv4: Option<Ipv4Addr>,
    /// Number of the base station.
    #[field(id = 11)]
    pub enb_id: Option<u32>,
    /// Name of the base station.
    #[field(id = 12)]
    pub enb_name: Option<TextRef<'a>>,
    /// Address of the base station.
    #[field(id = 13)]
    pub enb_ipv4: Option<IpAddr>,
    /// The base station's number of a phone.
    #[field(id = 14)]
    pub enb_ue_id: Option<u32>,
    /// Group and code of the core's node.
    #[field(id = 16)]
    pub mme_id: Option<u32>,
    /// Name of the core's node.
    #[field(id = 17)]
    pub mme_name: Option<TextRef<'a>>,
    /// Address of the core's node.
    #[field(id = 18)]
    pub mme_ipv4: Option<IpAddr>,
    /// The core's number of a phone.
    #[field(id = 19)]
    pub mme_ue_id: Option<u32>,
    /// Name of the procedure.
    pub procedure: &'static str,
}

/// A procedure with its outcome.
#[derive(Debug, Default, Fields)]
pub struct S1apTransaction {
    /// Procedure.
    pub procedure_code: u16,
    /// Name of the procedure.
    pub procedure: &'static str,
    /// The core's number of a phone.
    pub mme_ue_id: Option<u32>,
    /// The base station's number of a phone.
    pub enb_ue_id: Option<u32>,
    /// Whether it went well; absent where there is no outcome.
    pub successful: Option<bool>,
    /// Kind of cause: radio, transport, nas, protocol or misc.
    pub cause_group: Option<&'static str>,
    /// Number of the cause in its group.
    pub cause: Option<u8>,
    /// Subscriber.
    pub imsi: Option<Text>,
    /// A phone's temporary number.
    pub m_tmsi: Option<u32>,
    /// Address that a phone gets.
    pub ue_ipv4: Option<Ipv4Addr>,
    /// Kind of a phone's message.
    pub nas_type: Option<u8>,
    /// Bearers.
    pub bearers: Option<Vec<S1apBearer>>,
    /// Mobile network of a base station.
    pub plmn: Option<Text>,
    /// Number of the base station.
    pub enb_id: Option<u32>,
    /// Name of the base station.
    pub enb_name: Option<Text>,
    /// Group and code of the core's node.
    pub mme_id: Option<u32>,
    /// Name of the core's node.
    pub mme_name: Option<Text>,
    /// Time until the outcome.
    pub response_us: Option<u64>,
}

/// A bearer, with both ends of its tunnel as far as they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct S1apBearer {
    /// Number.
    pub id: u8,
    /// Class of quality.
    pub qci: Option<u8>,
    /// Priority, 1 is highest.
    pub priority_level: Option<u8>,
    /// Address of the core's end.
    pub core_address: Option<IpAddr>,
    /// Tunnel at the core's end.
    pub core_teid: Option<u32>,
    /// Address of the base station's end.
    pub enb_address: Option<IpAddr>,
    /// Tunnel at the base station's end.
    pub enb_teid: Option<u32>,
}

impl S1apTransaction {
    /// Adds what a message tells.
    pub(super) fn add(&mut self, message: &Message<'_>, read: &Read<'_>) {
        let name = |letters: &[u8]| Text::bounded(letters, MAX_NAME);
        self.mme_ue_id = read.mme_ue.or(self.mme_ue_id);
        self.enb_ue_id = read.enb_ue.or(self.enb_ue_id);
        self.imsi = read.nas.imsi.as_ref().map(|d| name(d.as_bytes())).or(self.imsi.take());
        self.m_tmsi = read.m_tmsi.or(self.m_tmsi);
        self.ue_ipv4 = read.nas.address.or(self.ue_ipv4);
        self.nas_type = read.has_nas.then_some(read.nas.kind).or(self.nas_type);
        self.enb_name = read.enb_name.map(name).or(self.enb_name.take());
        self.mme_name = read.mme_name.map(name).or(self.mme_name.take());
        self.mme_id = read.mme.or(self.mme_id);
        if let Some((network, number)) = read.enb {
            self.plmn = Some(Text::from(aper::plmn(network)));
            self.enb_id = Some(number);
        }
        if let Some((group, number)) = message.element(id::CAUSE).and_then(element::cause) {
            self.cause_group = Some(group);
            self.cause = Some(number);
        }
        for bearer in &read.asked {
            self.bearers.get_or_insert_default().push(S1apBearer {
                id: bearer.id,
                qci: bearer.qci,
                priority_level: bearer.priority,
                core_address: bearer.address,
                core_teid: bearer.teid,
                ..S1apBearer::default()
            });
        }
        for bearer in &read.done {
            let bearers = self.bearers.get_or_insert_default();
            let (address, teid) = (bearer.address, bearer.teid);
            match bearers.iter_mut().find(|b| b.id == bearer.id) {
                Some(known) => (known.enb_address, known.enb_teid) = (address, teid),
                None => bearers.push(S1apBearer {
                    id: bearer.id,
                    enb_address: address,
                    enb_teid: teid,
                    ..S1apBearer::default()
                }),
            }
        }
    }
}
