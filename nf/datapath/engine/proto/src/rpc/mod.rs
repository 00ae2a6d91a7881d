//! ONC Remote Procedure Call (RFC 5531) over UDP and, in records, over TCP: port mapper (RFC 1833),
//! mount (RFC 1813 appendix I), and any other program by number. NFS, which it carries too, is a
//! protocol of its own. One transaction per call with its reply; ports that the port mapper gives
//! out are announced to the engine.
//!
//! Bounds: 8 KiB of a message are read, 256 calls without reply, 255 octets of a name, 1 KiB of a
//! path.

mod exchange;
mod message;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};

use nf_fields::{Fields, ProtoId, Text};

use crate::{
    Direction, Expectation, Flow, Gap, Info, Pattern, Probe, Protocol, Segment, Sink, Step,
    TimeoutClass, tcp, udp,
};
pub(crate) use exchange::{Begin, Calls, Framing, WINDOW, Waiting, program};
pub(crate) use message::{
    Call, MAX_NAME, MAX_PATH, Message, NFS, Reply, Xdr, flavor, message, status,
};
use message::{MOUNT, PORTMAP};

/// The port mapper's port.
const PORT: u16 = 111;
/// Ours: MMT has no name for it.
pub(crate) const ID: ProtoId = ProtoId(1270);

/// Where a call has these octets: not a reply, version 2 (of datagrams, and of streams).
pub(crate) const PATTERNS: &[Pattern] =
    &[Pattern::at(4, b"\0\0\0\0\0\0\0\x02"), Pattern::at(8, b"\0\0\0\0\0\0\0\x02")];

crate::anomalies! {
    /// What can be wrong with remote procedure calls.
    pub enum Anomaly {
        /// Where a record should begin there is none.
        RecordInvalid = "record_invalid",
        /// A record that is neither call nor reply.
        MessageInvalid = "message_invalid",
        /// Arguments or results that contradict themselves.
        BodyInvalid = "body_invalid",
        /// A reply to no call that was seen.
        UnaskedReply = "unasked_reply",
        /// Too many calls without reply: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// A message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct RpcMessage {
    /// Number that ties a reply to its call.
    pub xid: u32,
    /// 0 for a call, 1 for a reply.
    pub message_type: u32,
    /// Version of the calls.
    pub rpc_version: Option<u32>,
    /// Number of the program called.
    pub program: Option<u32>,
    /// Its version.
    pub program_version: Option<u32>,
    /// Number of the procedure.
    pub procedure: Option<u32>,
    /// What became of the call.
    pub status: Option<&'static str>,
}

/// A call with its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct RpcTransaction {
    /// Number that ties a reply to its call.
    pub xid: u32,
    /// Number of the program called.
    pub program: u32,
    /// Its name, when well known.
    pub program_name: Option<&'static str>,
    /// Its version.
    pub program_version: u32,
    /// Number of the procedure.
    pub procedure: u32,
    /// Its name, when known.
    pub procedure_name: Option<&'static str>,
    /// What became of the call: ACCEPTED, PROG_UNAVAIL…
    pub status: Option<&'static str>,
    /// How the caller proves who it is: NULL, UNIX, GSS…
    pub auth_type: Option<&'static str>,
    /// Machine the caller names.
    pub machine_name: Option<Text>,
    /// User number the caller names.
    pub uid: Option<u32>,
    /// Group number the caller names.
    pub gid: Option<u32>,
    /// Program the port mapper is asked for.
    pub mapped_program: Option<u32>,
    /// Version of it.
    pub mapped_version: Option<u32>,
    /// Port where it waits; 0 for nowhere.
    pub mapped_port: Option<u32>,
    /// Address where it waits, as the port mapper writes it.
    pub mapped_address: Option<Text>,
    /// Directory to be mounted.
    pub path: Option<Text>,
    /// Status of a mount: 0 is success.
    pub mount_status: Option<u32>,
    /// Time from call to reply.
    pub response_us: Option<u64>,
}

/// The state of one session.
#[derive(Default)]
pub struct Rpc {
    framing: Framing,
    calls: Calls<RpcTransaction>,
}

impl Protocol for Rpc {
    const INFO: Info = Info {
        name: "rpc",
        id: ID,
        aliases: &["oncrpc", "sunrpc", "portmapper"],
        title: "ONC Remote Procedure Call, with port mapper and mount",
        spec: "RFC 5531, RFC 1833, RFC 1813",
        over: &[udp(&[PORT]), tcp(&[PORT])],
        patterns: PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Default,
        max_pending: 2 * WINDOW,
        message: RpcMessage::fields,
        transaction: RpcTransaction::fields,
        speaks: &[],
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match program(seg) {
            Begin::Program(NFS) | Begin::No => Probe::No,
            Begin::Program(_) => Probe::Certain,
            Begin::Unsure => Probe::Unsure,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let calls = &mut self.calls;
        let mut hear = |octets: &[u8], whole: bool| heard(calls, octets, whole, seg, out);
        let (step, flaw) = self.framing.take(seg, &mut hear);
        if flaw.is_some() {
            out.anomaly(Anomaly::RecordInvalid);
        }
        step
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.calls.whole = false;
        self.framing.gap(dir, lost);
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(waiting) = self.calls.next() {
            out.transaction(waiting.time, waiting.record);
        }
    }
}

fn heard(
    calls: &mut Calls<RpcTransaction>,
    octets: &[u8],
    whole: bool,
    seg: &Segment<'_>,
    out: &mut Sink<'_>,
) {
    match message(octets) {
        Some(Message::Call(call)) => asked(calls, &call, whole, seg, out),
        Some(Message::Reply(reply)) => answered(calls, &reply, seg, out),
        None if whole => out.anomaly(Anomaly::MessageInvalid),
        None => {}
    }
}

fn asked(
    calls: &mut Calls<RpcTransaction>,
    call: &Call<'_>,
    whole: bool,
    seg: &Segment<'_>,
    out: &mut Sink<'_>,
) {
    out.message(&RpcMessage {
        xid: call.id,
        message_type: 0,
        rpc_version: Some(call.rpc_version),
        program: Some(call.program),
        program_version: Some(call.version),
        procedure: Some(call.procedure),
        status: None,
    });
    // Only the port mapper announces other sessions.
    if call.program != PORTMAP {
        out.settled();
    }
    let mut record = RpcTransaction {
        xid: call.id,
        program: call.program,
        program_name: message::program(call.program),
        program_version: call.version,
        procedure: call.procedure,
        procedure_name: procedure(call.program, call.version, call.procedure),
        auth_type: Some(flavor(call.caller.flavor)),
        machine_name: call.caller.machine.clone(),
        uid: call.caller.user,
        gid: call.caller.group,
        ..RpcTransaction::default()
    };
    if arguments(call, &mut record).is_none() && whole {
        out.anomaly(Anomaly::BodyInvalid);
    }
    // Kept even where nobody reads records: the reply may announce a session.
    if let Some((overflow, earlier)) = calls.keep(call.id, seg.time, record) {
        if overflow {
            out.anomaly(Anomaly::TooManyPending);
        }
        out.transaction(earlier.time, earlier.record);
    }
}

fn procedure(program: u32, version: u32, number: u32) -> Option<&'static str> {
    let names: &[&'static str] = match (program, version) {
        (PORTMAP, 2) => &["NULL", "SET", "UNSET", "GETPORT", "DUMP", "CALLIT"],
        (PORTMAP, _) => &[
            "NULL",
            "SET",
            "UNSET",
            "GETADDR",
            "DUMP",
            "BCAST",
            "GETTIME",
            "UADDR2TADDR",
            "TADDR2UADDR",
            "GETVERSADDR",
            "INDIRECT",
            "GETADDRLIST",
            "GETSTAT",
        ],
        (MOUNT, _) => &["NULL", "MNT", "DUMP", "UMNT", "UMNTALL", "EXPORT"],
        _ if number == 0 => &["NULL"],
        _ => return None,
    };
    names.get(usize::try_from(number).ok()?).copied()
}

fn arguments(call: &Call<'_>, record: &mut RpcTransaction) -> Option<()> {
    let mut x = Xdr::new(call.arguments);
    match (call.program, call.version, call.procedure) {
        (PORTMAP, 2, 1..=3) => {
            record.mapped_program = Some(x.u32()?);
            record.mapped_version = Some(x.u32()?);
            x.u32()?;
            let port = x.u32()?;
            record.mapped_port = (call.procedure == 1).then_some(port);
        }
        (PORTMAP, 3.., 1..=3 | 9) => {
            record.mapped_program = Some(x.u32()?);
            record.mapped_version = Some(x.u32()?);
            x.opaque()?;
            let address = x.text(MAX_NAME)?;
            record.mapped_address = (call.procedure == 1).then_some(address);
        }
        (MOUNT, _, 1 | 3) => record.path = Some(x.text(MAX_PATH)?),
        _ => {}
    }
    Some(())
}

fn answered(
    calls: &mut Calls<RpcTransaction>,
    reply: &Reply<'_>,
    seg: &Segment<'_>,
    out: &mut Sink<'_>,
) {
    out.message(&RpcMessage {
        xid: reply.id,
        message_type: 1,
        status: Some(status(reply.denied, reply.status)),
        ..RpcMessage::default()
    });
    let Some(Waiting { time, mut record }) = calls.answer(reply.id) else {
        if calls.whole {
            out.anomaly(Anomaly::UnaskedReply);
        }
        return;
    };
    record.status = Some(status(reply.denied, reply.status));
    record.response_us = Some(seg.time.saturating_sub(time) / 1000);
    if !reply.denied && reply.status == 0 {
        results(reply, &mut record);
        announce(&record, seg, out);
    }
    out.transaction(time, record);
}

fn results(reply: &Reply<'_>, record: &mut RpcTransaction) {
    let mut x = Xdr::new(reply.results);
    match (record.program, record.program_version, record.procedure) {
        (PORTMAP, 2, 3) => record.mapped_port = x.u32(),
        (PORTMAP, 3.., 3 | 9) => {
            record.mapped_address = x.text(MAX_NAME);
            record.mapped_port =
                record.mapped_address.as_ref().and_then(|a| universal(a.as_bytes()));
        }
        (MOUNT, _, 1) => record.mount_status = x.u32(),
        _ => {}
    }
}

/// The port of an address in the universal form, whose last two parts it is.
fn universal(address: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(address).ok()?;
    let mut parts = text.rsplit('.');
    let low: u8 = parts.next()?.parse().ok()?;
    let high: u8 = parts.next()?.parse().ok()?;
    Some(u16::from_be_bytes([high, low]).into())
}

fn announce(record: &RpcTransaction, seg: &Segment<'_>, out: &mut Sink<'_>) {
    let asked = matches!(record.procedure, 3 | 9) && record.program == PORTMAP;
    let port = record.mapped_port.and_then(|p| u16::try_from(p).ok()).filter(|&p| p != 0);
    let Some((port, true)) = port.map(|p| (p, asked)) else {
        return;
    };
    // A program waits on the machine that was asked.
    let server = match seg.dir {
        Direction::Up => seg.flow.initiator,
        Direction::Down => seg.flow.responder,
    };
    let proto = if record.mapped_program == Some(NFS) { crate::nfs::ID } else { ID };
    if server != IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        out.expect(Expectation { address: server, port, proto });
    }
}
