//! Network File System, versions 2 to 4.2 (RFC 1094, RFC 1813, RFC 7530, RFC 8881, RFC 7862), over
//! ONC RPC. One transaction per call with its reply; of a compound, its operations and the file
//! they name last.
//!
//! Bounds: 8 KiB of a message are read, 256 calls without reply, 64 operations of a compound, 255
//! octets of a name, 1 KiB of a path.

mod procedure;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::rpc::{
    self, Begin, Call, Calls, Framing, Message, NFS, Reply, WINDOW, Waiting, Xdr, flavor,
};
use crate::{
    Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, tcp, udp,
    within,
};
use procedure::Arguments;

/// The registered port.
const PORT: u16 = 2049;
/// MMT's number.
pub(crate) const ID: ProtoId = ProtoId(247);

crate::anomalies! {
    /// What can be wrong with NFS.
    pub enum Anomaly {
        /// Where a record should begin there is none.
        RecordInvalid = "record_invalid",
        /// A record that is neither call nor reply.
        MessageInvalid = "message_invalid",
        /// Arguments that contradict themselves.
        BodyInvalid = "body_invalid",
        /// A reply to no call that was seen.
        UnaskedReply = "unasked_reply",
        /// Too many calls without reply: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// A message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct NfsMessage<'a> {
    /// Number that ties a reply to its call.
    #[field(id = 1)]
    pub xid: u32,
    /// 0 for a call, 1 for a reply.
    #[field(id = 2)]
    pub message_type: u32,
    /// Version of the calls.
    #[field(id = 3)]
    pub rpc_version: Option<u32>,
    /// Number of the program called.
    #[field(id = 4)]
    pub program: Option<u32>,
    /// Its version.
    #[field(id = 5)]
    pub program_version: Option<u32>,
    /// Number of the procedure.
    #[field(id = 6)]
    pub procedure: Option<u32>,
    /// Tag of a compound.
    #[field(id = 7)]
    pub tag: Option<TextRef<'a>>,
    /// Minor version of a compound.
    #[field(id = 8)]
    pub minorversion: Option<u32>,
    /// Number of the operation on a file, the last one of a compound that names one.
    #[field(id = 9)]
    pub file_opcode: Option<u32>,
    /// File the call names.
    #[field(id = 10)]
    pub file_name: Option<TextRef<'a>>,
    /// New name of a file renamed, linked to, or what a symbolic link leads to.
    #[field(id = 11)]
    pub file_new_name: Option<TextRef<'a>>,
    /// Operations of a compound.
    #[field(id = 12)]
    pub nb_operations: Option<u32>,
    /// Status of a reply.
    pub status: Option<u32>,
}

/// A call with its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct NfsTransaction {
    /// Number that ties a reply to its call.
    pub xid: u32,
    /// Version: 2, 3 or 4.
    pub version: u32,
    /// Minor version of a compound.
    pub minor_version: Option<u32>,
    /// Name of the procedure.
    pub procedure: Text,
    /// Operations of a compound.
    pub operations: Option<Vec<Text>>,
    /// Tag of a compound.
    pub tag: Option<Text>,
    /// File the call names.
    pub filename: Option<Text>,
    /// New name of a file renamed, linked to, or what a symbolic link leads to.
    pub new_filename: Option<Text>,
    /// Where a read or write begins.
    pub offset: Option<u64>,
    /// Octets to be read or written.
    pub count: Option<u32>,
    /// Status of the reply: OK, ERR_NOENT…
    pub status: Option<Text>,
    /// Its number.
    pub status_code: Option<u32>,
    /// What became of the call itself: ACCEPTED, PROG_UNAVAIL…
    pub rpc_status: Option<&'static str>,
    /// How the caller proves who it is: NULL, UNIX, GSS…
    pub auth_type: Option<&'static str>,
    /// Machine the caller names.
    pub machine_name: Option<Text>,
    /// User number the caller names.
    pub uid: Option<u32>,
    /// Group number the caller names.
    pub gid: Option<u32>,
    /// Time from call to reply.
    pub response_us: Option<u64>,
}

/// The state of one session.
#[derive(Default)]
pub struct Nfs {
    framing: Framing,
    calls: Calls<NfsTransaction>,
}

impl Protocol for Nfs {
    const INFO: Info = Info {
        name: "nfs",
        id: ID,
        title: "Network File System, versions 2 to 4",
        spec: "RFC 1094, RFC 1813, RFC 7530, RFC 8881",
        over: &[tcp(&[PORT]), udp(&[PORT]), within("rpc")],
        patterns: rpc::PATTERNS,
        weight: 40,
        timeout: TimeoutClass::Long,
        max_pending: 2 * WINDOW,
        message: NfsMessage::fields,
        transaction: NfsTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        match rpc::program(seg) {
            Begin::Program(NFS) => Probe::Certain,
            Begin::Unsure => Probe::Unsure,
            Begin::Program(_) | Begin::No => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        let calls = &mut self.calls;
        let mut hear = |octets: &[u8], whole: bool| match rpc::message(octets) {
            Some(Message::Call(call)) => asked(calls, &call, whole, seg, out),
            Some(Message::Reply(reply)) => answered(calls, &reply, seg, out),
            None if whole => out.anomaly(Anomaly::MessageInvalid),
            None => {}
        };
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

/// The operation on a file: of a compound the last one that names or moves octets of one.
fn file_operation(call: &Call<'_>, found: &Arguments) -> Option<u32> {
    if call.version != 4 {
        return Some(call.procedure);
    }
    let about_files = [4, 5, 6, 11, 15, 18, 25, 26, 28, 29, 33, 34, 38];
    found.operations.iter().rev().find(|o| about_files.contains(o)).copied()
}

fn asked(
    calls: &mut Calls<NfsTransaction>,
    call: &Call<'_>,
    whole: bool,
    seg: &Segment<'_>,
    out: &mut Sink<'_>,
) {
    // Other programs on the same connection (access control lists) have no procedures here.
    let arguments = match call.program {
        NFS => procedure::arguments(call.version, call.procedure, call.arguments),
        _ => Some(Arguments::default()),
    };
    if arguments.is_none() && whole {
        out.anomaly(Anomaly::BodyInvalid);
    }
    let found = arguments.unwrap_or_default();
    if out.wants_messages() {
        out.message(&NfsMessage {
            xid: call.id,
            message_type: 0,
            rpc_version: Some(call.rpc_version),
            program: Some(call.program),
            program_version: Some(call.version),
            procedure: Some(call.procedure),
            tag: found.tag.as_ref().map(|t| TextRef(t.as_bytes())),
            minorversion: found.minor,
            file_opcode: file_operation(call, &found),
            file_name: found.file.as_ref().map(|t| TextRef(t.as_bytes())),
            file_new_name: found.new_file.as_ref().map(|t| TextRef(t.as_bytes())),
            nb_operations: found.total,
            status: None,
        });
    }
    if !out.wants_transactions() {
        return;
    }
    let name = match call.program {
        NFS => procedure::name(call.version, call.procedure),
        _ => None,
    };
    let named = |number: &u32| {
        procedure::operation(*number).map_or_else(|| Text::from(number.to_string()), Text::from)
    };
    let record = NfsTransaction {
        xid: call.id,
        version: call.version,
        minor_version: found.minor,
        procedure: name.map_or_else(|| Text::from(call.procedure.to_string()), Text::from),
        operations: found.total.map(|_| found.operations.iter().map(named).collect()),
        tag: found.tag.filter(|t| !t.is_empty()),
        filename: found.file,
        new_filename: found.new_file,
        offset: found.offset,
        count: found.count,
        auth_type: Some(flavor(call.caller.flavor)),
        machine_name: call.caller.machine.clone(),
        uid: call.caller.user,
        gid: call.caller.group,
        ..NfsTransaction::default()
    };
    if let Some((overflow, earlier)) = calls.keep(call.id, seg.time, record) {
        if overflow {
            out.anomaly(Anomaly::TooManyPending);
        }
        out.transaction(earlier.time, earlier.record);
    }
}

fn answered(
    calls: &mut Calls<NfsTransaction>,
    reply: &Reply<'_>,
    seg: &Segment<'_>,
    out: &mut Sink<'_>,
) {
    let code = match (reply.denied, reply.status) {
        (false, 0) => Xdr::new(reply.results).u32(),
        _ => None,
    };
    out.message(&NfsMessage {
        xid: reply.id,
        message_type: 1,
        status: code,
        ..NfsMessage::default()
    });
    if !out.wants_transactions() {
        return;
    }
    let Some(Waiting { time, mut record }) = calls.answer(reply.id) else {
        if calls.whole {
            out.anomaly(Anomaly::UnaskedReply);
        }
        return;
    };
    // The procedure that does nothing has no status.
    record.status_code = code.filter(|_| record.procedure.as_bytes() != b"NULL");
    record.status = record.status_code.map(|number| {
        procedure::status(number).map_or_else(|| Text::from(number.to_string()), Text::from)
    });
    record.rpc_status = Some(rpc::status(reply.denied, reply.status));
    record.response_us = Some(seg.time.saturating_sub(time) / 1000);
    out.transaction(time, record);
}
