//! S7comm, the protocol of Siemens S7-300/400 controllers, and the name of its successor
//! S7comm-plus. The maker publishes no specification; what is read here is common knowledge of it.
//! One transaction per job or request with its answer.
//!
//! It has no octets of its own on the wire: the parser of TPKT reads it and reports in its name.
//! Bounds: 32 jobs without answer, 32 variables of a job.

mod message;

use nf_fields::{Fields, ProtoId, Text};

use crate::waiting::Waiting;
use crate::{Cursor, Direction, Flow, Info, Probe, Protocol, Segment, Sink, Step, within};
use message::{Header, Parameters, kind};
pub use message::{MARK, S7Item};

/// S7comm's number.
pub const ID: ProtoId = ProtoId(639);
/// S7comm-plus' number.
pub const PLUS: ProtoId = ProtoId(1322);
/// First octet of a message of S7comm-plus.
pub const PLUS_MARK: u8 = 0x72;
/// Most jobs that wait for their answers.
const MAX_PENDING: usize = 32;
/// Most octets of a name kept.
const MAX_NAME: usize = 64;

crate::anomalies! {
    /// What can be wrong with S7comm.
    pub enum Anomaly {
        /// A header that does not fit its message.
        MalformedHeader = "malformed_header",
        /// Parameters that are not as their function has them.
        MalformedParameters = "malformed_parameters",
        /// A function that is not known.
        UnknownFunction = "unknown_function",
        /// An answer to no job that was seen.
        UnsolicitedAnswer = "unsolicited_answer",
        /// Too many jobs without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct S7commMessage {
    /// First octet: 0x32.
    #[field(id = 1)]
    pub proto_id: u8,
    /// Kind: 1 job, 2 and 3 acknowledgement, 7 system services.
    #[field(id = 2)]
    pub rosctr: u8,
    /// Not used.
    #[field(id = 3)]
    pub reserved: u16,
    /// Ties an acknowledgement to its job.
    #[field(id = 4, alias = "pdu_reference")]
    pub pdur: u16,
    /// Octets of parameters.
    #[field(id = 5)]
    pub param_length: u16,
    /// Octets of data.
    #[field(id = 6)]
    pub data_length: u16,
    /// Class of an error.
    pub error_class: Option<u8>,
    /// Code of an error.
    pub error_code: Option<u16>,
    /// Function of a job or its acknowledgement.
    pub function_code: Option<u8>,
    /// Name of the function.
    pub function: Option<&'static str>,
    /// Variables that are read or written.
    pub items: Option<Vec<S7Item>>,
}

/// A job or request and its answer; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct S7commTransaction {
    /// Kind of the request: job or userdata; push for what was not asked for.
    pub kind: &'static str,
    /// Ties the answer to its job.
    pub pdu_reference: u16,
    /// Function.
    pub function_code: Option<u8>,
    /// Name of the function.
    pub function: &'static str,
    /// System services: group.
    pub group: Option<u8>,
    /// Variables that are read or written.
    pub items: Option<Vec<S7Item>>,
    /// Block, file or service a job names.
    pub name: Option<Text>,
    /// Jobs at once, as agreed.
    pub max_jobs: Option<u16>,
    /// Octets of a message, as agreed.
    pub pdu_size: Option<u16>,
    /// List of system status that is read.
    pub status_list: Option<u16>,
    /// Index in that list.
    pub status_index: Option<u16>,
    /// Class of an error.
    pub error_class: Option<u8>,
    /// Code of an error.
    pub error_code: Option<u16>,
    /// How it went per variable: 255 is success.
    pub return_codes: Option<Vec<u8>>,
    /// Octets of data of the request.
    pub request_length: Option<u16>,
    /// Octets of data of the answer.
    pub response_length: Option<u16>,
    /// Time from request to answer.
    pub response_us: Option<u64>,
}

/// A message of S7comm-plus.
#[derive(Debug, Default, Fields)]
pub struct S7commPlusMessage {
    /// Version: 1 connect, 2 data, 3 data with integrity, 254 and 255 keep alive.
    pub version: u8,
    /// Octets that follow the header.
    pub length: u16,
}

/// Whether octets are a message of either.
pub fn is_likely(octets: &[u8]) -> bool {
    match octets.first() {
        Some(&MARK) => message::header(octets).is_some_and(|(h, c)| is_whole(&h, &c)),
        // The length of what follows, and the same mark at the end.
        Some(&PLUS_MARK) => plus_length(octets).is_some_and(|(version, length)| {
            let behind = octets.get(usize::from(length).saturating_add(4)..);
            matches!(version, 1..=3) && behind.is_some_and(|b| b == [PLUS_MARK, version, 0, 0])
        }),
        _ => false,
    }
}

fn is_whole(header: &Header, c: &Cursor<'_>) -> bool {
    let told = usize::from(header.parameters).saturating_add(header.data.into());
    message::kind_word(header.kind) != "unknown" && header.reserved == 0 && told == c.remaining()
}

fn plus_length(octets: &[u8]) -> Option<(u8, u16)> {
    let mut c = Cursor::new(octets);
    c.skip(1)?;
    Some((c.u8()?, c.u16()?))
}

/// Reports a message of S7comm-plus.
pub fn plus(octets: &[u8], out: &mut Sink<'_>) {
    if let Some((version, length)) = plus_length(octets) {
        out.message(&S7commPlusMessage { version, length });
    }
}

struct Job {
    time: u64,
    record: S7commTransaction,
}

/// The jobs of a session.
pub struct Conversation {
    pending: Waiting<(u16, Direction), Job>,
    /// Jobs may have been missed.
    is_blind: bool,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { pending: Waiting::new(MAX_PENDING), is_blind: false }
    }
}

impl Conversation {
    /// Some octets were not seen.
    pub fn missed(&mut self) {
        self.is_blind = true;
    }

    /// Takes a message.
    pub fn take(&mut self, octets: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let read = message::header(octets).filter(|(header, c)| is_whole(header, c));
        let Some((header, mut c)) = read else {
            out.anomaly(Anomaly::MalformedHeader);
            return;
        };
        let octets = c.take(header.parameters.into()).unwrap_or_default();
        let (said, is_sound) = message::parameters(&header, octets);
        if !is_sound {
            out.anomaly(Anomaly::MalformedParameters);
        }
        if said.function.is_some_and(|f| message::function_word(f) == "unknown") {
            out.anomaly(Anomaly::UnknownFunction);
        }
        if out.wants_messages() {
            out.message(&seen(&header, &said));
        }
        if out.wants_transactions() {
            self.reply_or_job(&header, &said, c.rest(), seg, out);
        }
    }

    fn reply_or_job(
        &mut self,
        header: &Header,
        said: &Parameters<'_>,
        data: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let is_answer = match header.kind {
            kind::JOB => false,
            kind::USERDATA => said.direction == Some(8),
            _ => true,
        };
        if !is_answer {
            let mut record = S7commTransaction::of(header, said);
            record.asked(header, said, data);
            if header.kind == kind::USERDATA && said.direction == Some(0) {
                record.kind = "push";
                out.transaction(seg.time, record);
                return;
            }
            let job = Job { time: seg.time, record };
            if let Some(oldest) = self.pending.put((header.reference, seg.dir), job) {
                out.anomaly(Anomaly::TooManyPending);
                out.transaction(oldest.time, oldest.record);
            }
            return;
        }
        let key = (header.reference, seg.dir.reverse());
        let Some(mut job) = self.pending.take(&key) else {
            if !self.is_blind {
                out.anomaly(Anomaly::UnsolicitedAnswer);
            }
            let mut record = S7commTransaction::of(header, said);
            record.told(header, said, data);
            out.transaction(seg.time, record);
            return;
        };
        job.record.told(header, said, data);
        job.record.response_us = Some(seg.time.saturating_sub(job.time) / 1000);
        out.transaction(job.time, job.record);
    }

    /// Reports jobs without answer.
    pub fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(job) = self.pending.pop() {
            out.transaction(job.time, job.record);
        }
    }
}

fn seen(header: &Header, said: &Parameters<'_>) -> S7commMessage {
    S7commMessage {
        proto_id: header.proto_id,
        rosctr: header.kind,
        reserved: header.reserved,
        pdur: header.reference,
        param_length: header.parameters,
        data_length: header.data,
        error_class: header.error.map(|(class, _)| class),
        error_code: header.error.map(|(_, code)| code.into()).or(said.error),
        function_code: said.function.or(said.subfunction),
        function: word(said),
        items: (!said.items.is_empty()).then(|| said.items.clone()),
    }
}

fn word(said: &Parameters<'_>) -> Option<&'static str> {
    let service = said.group.zip(said.subfunction);
    let service = service.map(|(group, sub)| message::service_word(group, sub));
    said.function.map(message::function_word).or(service)
}

impl S7commTransaction {
    fn of(header: &Header, said: &Parameters<'_>) -> Self {
        Self {
            kind: message::kind_word(header.kind),
            pdu_reference: header.reference,
            function_code: said.function.or(said.subfunction),
            function: word(said).unwrap_or("none"),
            group: said.group,
            ..Self::default()
        }
    }

    fn asked(&mut self, header: &Header, said: &Parameters<'_>, data: &[u8]) {
        self.request_length = Some(header.data);
        self.items = (!said.items.is_empty()).then(|| said.items.clone());
        self.name = said.name.map(|name| Text::bounded(name, MAX_NAME));
        self.setup(said);
        self.status(data);
    }

    fn told(&mut self, header: &Header, said: &Parameters<'_>, data: &[u8]) {
        self.response_length = Some(header.data);
        self.setup(said);
        self.status(data);
        let code = header.error.map(|(_, code)| code.into()).or(said.error);
        self.error_class = header.error.map(|(class, _)| class).filter(|&class| class != 0);
        self.error_code = code.filter(|&code| code != 0);
        if let (Some(function), Some(count)) = (said.function, said.count) {
            let codes = message::return_codes(header, function, count, data);
            self.return_codes = (!codes.is_empty()).then_some(codes);
        }
    }

    fn setup(&mut self, said: &Parameters<'_>) {
        if let Some((_, jobs, size)) = said.setup {
            self.max_jobs = Some(jobs);
            self.pdu_size = Some(size);
        }
    }

    fn status(&mut self, data: &[u8]) {
        if self.function == "read_system_status"
            && self.status_list.is_none()
            && let Some((list, index)) = message::status_list(data)
        {
            self.status_list = Some(list);
            self.status_index = Some(index);
        }
    }
}

/// See the module.
pub struct S7comm;

impl Protocol for S7comm {
    const INFO: Info = Info {
        name: "s7comm",
        id: ID,
        aliases: &["s7"],
        title: "Siemens S7 communication",
        spec: "unpublished",
        over: &[within("cotp")],
        message: S7commMessage::fields,
        transaction: S7commTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}

/// See the module.
pub struct S7commPlus;

impl Protocol for S7commPlus {
    const INFO: Info = Info {
        name: "s7comm_plus",
        id: PLUS,
        aliases: &["s7commplus", "s7plus"],
        title: "Siemens S7 communication plus",
        spec: "unpublished",
        over: &[within("cotp")],
        message: S7commPlusMessage::fields,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}
