//! The state of one association: bound interfaces and calls that wait for their answers.

use std::collections::BTreeMap;

use nf_fields::Text;

use super::interfaces;
use super::message::{self, Head};
use super::record::{DcerpcInterface, DcerpcTransaction};
use crate::ntlm::Ntlm;

/// Most contexts of an association that are kept.
const MAX_CONTEXTS: usize = 64;
/// Most calls kept while they wait for their answers.
const MAX_PENDING: usize = 64;

/// A call or bind on its way.
struct Pending {
    time: u64,
    record: DcerpcTransaction,
}

/// Where the endpoint mapper says a service waits.
pub(super) type Endpoint = ([u8; 4], u16);

/// What a PDU completed.
#[derive(Default)]
pub(crate) struct Said {
    /// When the finished call began, and the call.
    pub(crate) finished: Vec<(u64, DcerpcTransaction)>,
    /// Endpoints announced.
    pub(super) endpoints: Vec<Endpoint>,
    /// An answer to no call that was seen.
    pub(super) unasked: bool,
    /// The oldest call was given up.
    pub(super) overflow: bool,
    /// The body contradicts its header.
    pub(super) malformed: bool,
}

/// The state of one association.
#[derive(Default)]
pub(crate) struct Association {
    contexts: Vec<(u16, DcerpcInterface)>,
    pending: BTreeMap<u32, Pending>,
    ntlm: Ntlm,
    auth: Option<(u8, u8)>,
}

impl Association {
    /// Whether the endpoint mapper is spoken to, whose answers announce other sessions.
    pub(super) fn maps_endpoints(&self) -> bool {
        self.contexts.iter().any(|(_, interface)| interface.name == Some("epmapper"))
    }

    /// Takes one PDU; its end may be missing.
    pub(crate) fn hear(&mut self, head: &Head, pdu: &[u8], time: u64) -> Said {
        let mut said = Said::default();
        let (body, auth) = message::split(head, pdu);
        if let Some((kind, level, token)) = auth {
            self.auth = Some((kind, level));
            self.ntlm.learn(token);
        }
        let whole = pdu.len() >= usize::from(head.length);
        let done = match head.kind {
            message::BIND | message::ALTER => self.bind(head, body, time, &mut said),
            message::BIND_ACK | message::ALTER_ACK => self.bound(head, body, time, &mut said),
            message::BIND_NAK => self.answered(head, time, &mut said, None),
            message::REQUEST => self.request(head, body, whole, time, &mut said),
            message::RESPONSE => self.response(head, body, whole, time, &mut said),
            message::FAULT => {
                let status = message::fault(head, body);
                self.answered(head, time, &mut said, status)
            }
            _ => Some(()),
        };
        said.malformed = done.is_none() && whole;
        said
    }

    fn bind(&mut self, head: &Head, body: &[u8], time: u64, said: &mut Said) -> Option<()> {
        let contexts = message::contexts(head, body)?;
        let interfaces: Vec<_> = contexts
            .into_iter()
            .map(|c| DcerpcInterface {
                context_id: c.id,
                name: interfaces::name(c.uuid.as_bytes()),
                uuid: c.uuid,
                version: version(c.version),
                ack_result: None,
            })
            .collect();
        for interface in &interfaces {
            self.contexts.retain(|(id, _)| *id != interface.context_id);
            if self.contexts.len() < MAX_CONTEXTS {
                self.contexts.push((interface.context_id, interface.clone()));
            }
        }
        let record = DcerpcTransaction { interfaces: Some(interfaces), ..self.record(head) };
        self.keep(head.call, Pending { time, record }, said);
        Some(())
    }

    fn bound(&mut self, head: &Head, body: &[u8], time: u64, said: &mut Said) -> Option<()> {
        let (endpoint, results) = message::bind_results(head, body)?;
        if let Some(pending) = self.pending.get_mut(&head.call) {
            if !endpoint.is_empty() {
                pending.record.endpoint = Some(endpoint);
            }
            let interfaces = pending.record.interfaces.iter_mut().flatten();
            for (interface, result) in interfaces.zip(results) {
                interface.ack_result = Some(result);
            }
        }
        self.answered(head, time, said, None)
    }

    fn request(
        &mut self,
        head: &Head,
        body: &[u8],
        whole: bool,
        time: u64,
        said: &mut Said,
    ) -> Option<()> {
        let (context, operation, stub) = message::request(head, body)?;
        let length = stub_length(head, body, stub, whole);
        if head.flags & message::FIRST == 0
            && let Some(pending) = self.pending.get_mut(&head.call)
        {
            let record = &mut pending.record;
            record.request_fragments = record.request_fragments.saturating_add(1);
            record.request_length = record.request_length.saturating_add(length);
            return Some(());
        }
        let mut record = self.record(head);
        record.opnum = Some(operation);
        if let Some((_, interface)) = self.contexts.iter().find(|(id, _)| *id == context) {
            name(&mut record, interface.name, &interface.uuid, &interface.version, operation);
        }
        record.request_fragments = 1;
        record.request_length = length;
        self.keep(head.call, Pending { time, record }, said);
        Some(())
    }

    fn response(
        &mut self,
        head: &Head,
        body: &[u8],
        whole: bool,
        time: u64,
        said: &mut Said,
    ) -> Option<()> {
        let (_, stub) = message::response(head, body)?;
        let length = stub_length(head, body, stub, whole);
        if let Some(pending) = self.pending.get_mut(&head.call) {
            let record = &mut pending.record;
            record.response_fragments = record.response_fragments.saturating_add(1);
            record.response_length = record.response_length.saturating_add(length);
            let mapped = record.interface.as_ref().is_some_and(|i| i.as_bytes() == b"epmapper");
            if mapped && record.opnum == Some(3) {
                said.endpoints = message::endpoints(stub, head.little);
            }
        }
        if head.flags & message::LAST == 0 && self.pending.contains_key(&head.call) {
            return Some(());
        }
        self.answered(head, time, said, None)
    }

    fn answered(
        &mut self,
        head: &Head,
        time: u64,
        said: &mut Said,
        status: Option<u32>,
    ) -> Option<()> {
        let Some(mut pending) = self.pending.remove(&head.call) else {
            said.unasked = true;
            return Some(());
        };
        pending.record.response = message::kind_name(head.kind).map(Text::from);
        pending.record.fault_status = status;
        pending.record.response_us = Some(time.saturating_sub(pending.time) / 1000);
        self.login(&mut pending.record);
        said.finished.push((pending.time, pending.record));
        Some(())
    }

    fn record(&self, head: &Head) -> DcerpcTransaction {
        DcerpcTransaction {
            request: message::kind_name(head.kind).unwrap_or_default().into(),
            call_id: head.call,
            rpc_version: Text::from(format!("5.{}", head.minor)),
            ..DcerpcTransaction::default()
        }
    }

    fn login(&self, record: &mut DcerpcTransaction) {
        if let Some((kind, level)) = self.auth {
            record.auth_type = Some(kind);
            record.auth_level = Some(level);
        }
        if self.ntlm != Ntlm::default() {
            record.ntlm = Some(self.ntlm.clone());
        }
    }

    fn keep(&mut self, call: u32, pending: Pending, said: &mut Said) {
        // A number used again: the earlier call was never answered.
        if let Some(earlier) = self.pending.remove(&call) {
            said.finished.push((earlier.time, earlier.record));
        }
        if self.pending.len() >= MAX_PENDING
            && let Some((_, oldest)) = self.pending.pop_first()
        {
            said.overflow = true;
            said.finished.push((oldest.time, oldest.record));
        }
        self.pending.insert(call, pending);
    }

    /// Gives up what waits for an answer, oldest number first.
    pub(crate) fn give_up(&mut self) -> Vec<(u64, DcerpcTransaction)> {
        let mut left = Vec::new();
        while let Some((_, mut pending)) = self.pending.pop_first() {
            self.login(&mut pending.record);
            left.push((pending.time, pending.record));
        }
        left
    }
}

/// Octets of the stub in the whole fragment, whose end may be missing here.
fn stub_length(head: &Head, body: &[u8], stub: &[u8], whole: bool) -> u64 {
    // Padding before a trailer is known only when all is there.
    if whole && head.auth != 0 {
        return stub.len() as u64;
    }
    let before = body.len().saturating_sub(stub.len()).saturating_add(message::HEADER);
    let trailer = if head.auth == 0 { 0 } else { usize::from(head.auth).saturating_add(8) };
    usize::from(head.length).saturating_sub(before).saturating_sub(trailer) as u64
}

/// How a version of an interface is written.
pub(super) fn version((major, minor): (u16, u16)) -> Text {
    Text::from(format!("{major}.{minor}"))
}

/// Names what is called.
pub(super) fn name(
    record: &mut DcerpcTransaction,
    interface: Option<&'static str>,
    uuid: &Text,
    version: &Text,
    operation: u16,
) {
    record.interface = interface.map(Text::from);
    record.interface_uuid = Some(uuid.clone());
    record.interface_version = Some(version.clone());
    record.operation = interface.and_then(|i| interfaces::operation(i, operation)).map(Text::from);
}
