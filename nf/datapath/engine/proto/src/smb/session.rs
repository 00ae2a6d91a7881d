//! Messages in order: requests find their responses, files their sums, pipes their calls.

use nf_fields::{BinaryRef, Text, TextRef};

use super::message::{self, About, Handle, Head, SAME};
use super::record::{SmbMessage, SmbTransaction};
use super::state::{Chain, File, MAX_FILES, Pending, State, Tree};
use super::{Anomaly, old, words};
use crate::dcerpc::{self, Association, DcerpcTransaction};
use crate::{NameSource, Segment, Sink, kerberos};

/// Most PDUs of DCE/RPC read from one write or read.
const MAX_PDUS: usize = 8;
const MORE_PROCESSING: u32 = 0xc000_0016;
const PENDING: u32 = 0x0000_0103;
/// Data that go to a pipe and come back at once.
const TRANSCEIVE: &[u8] = b"FSCTL_PIPE_TRANSCEIVE";

/// What a response does to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Negotiate,
    SetUp,
    Connect,
    Disconnect,
    Open,
    Close,
    Read,
    Write,
    /// Goes to a pipe and comes back.
    Transceive,
    /// Of no interest when it succeeds.
    Quiet,
    Other,
}

fn act(command: u16) -> Act {
    match command {
        message::NEGOTIATE => Act::Negotiate,
        message::SESSION_SETUP => Act::SetUp,
        message::TREE_CONNECT => Act::Connect,
        message::TREE_DISCONNECT => Act::Disconnect,
        message::CREATE => Act::Open,
        message::CLOSE => Act::Close,
        message::READ => Act::Read,
        message::WRITE => Act::Write,
        message::IOCTL => Act::Transceive,
        message::CANCEL => Act::Quiet,
        _ => Act::Other,
    }
}

fn old_act(command: u8) -> Act {
    match command {
        old::NEGOTIATE => Act::Negotiate,
        old::SESSION_SETUP => Act::SetUp,
        old::TREE_CONNECT => Act::Connect,
        old::TREE_DISCONNECT => Act::Disconnect,
        old::NT_CREATE | old::OPEN => Act::Open,
        old::CLOSE => Act::Close,
        old::READ => Act::Read,
        old::WRITE => Act::Write,
        old::TRANSACTION => Act::Transceive,
        _ => Act::Other,
    }
}

impl State {
    /// A message of version 2 or 3, of whose `length` octets the first are in `octets`.
    pub(super) fn message(
        &mut self,
        head: &Head,
        octets: &[u8],
        length: usize,
        chained: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let newer = self.dialect.as_ref().is_some_and(|d| d.as_bytes().starts_with(b"3"));
        self.version = if newer { 3 } else { 2 };
        let mut record = SmbTransaction::default();
        let refused =
            head.is_response() && head.status >> 30 == 3 && head.status != MORE_PROCESSING;
        let about = if refused {
            Some(About::default())
        } else if head.is_response() {
            message::response(head, octets, &mut record)
        } else {
            message::request(head, octets, &mut record)
        };
        if about.is_none() && (octets.len() >= length || octets.len() >= super::DATA_WINDOW) {
            out.anomaly(Anomaly::BodyInvalid);
        }
        let about = about.unwrap_or_default();
        if out.wants_messages() {
            let compound = chained || head.is_related();
            out.message(&SmbMessage {
                version: 2,
                command: u8::try_from(head.command).unwrap_or(u8::MAX),
                command_name: words::command(head.command),
                is_response: head.is_response(),
                status_code: head.is_response().then_some(head.status),
                message_id: head.message,
                session_id: head.session,
                tree_id: head.tree,
                flags: head.flags,
                compound,
                ..told(&about, &record, out.wants_messages())
            });
        }
        record.command = words::command(head.command).unwrap_or_default().into();
        record.session_id = head.session;
        record.tree_id = head.tree;
        let act = act(head.command);
        let key = head.message;
        self.tick(out);
        if head.is_response() {
            let name = words::state(head.status).map(Text::from);
            let code = Text::from(format!("{:#x}", head.status));
            let success = head.status >> 30 != 3;
            let answer = Answer {
                key,
                act,
                state: (name, code),
                success,
                status: head.status,
                head_tree: head.tree,
            };
            self.respond(answer, record, &about, seg, out);
        } else if head.command != message::CANCEL {
            self.follow(head, &mut record, seg);
            self.request(key, act, record, &about, seg, out);
        }
    }

    /// Lets a command of a chain go on with the file of the one before it.
    fn follow(&mut self, head: &Head, record: &mut SmbTransaction, seg: &Segment<'_>) {
        let [up, down] = &mut self.chains;
        let chain = if seg.dir.index() == 0 { up } else { down };
        if !head.is_related() {
            *chain = Chain::default();
        }
        if head.command == message::CREATE {
            chain.name = record.filename.clone();
        } else if head.is_related() && record.filename.is_none() {
            record.filename = chain.name.clone();
        }
    }

    /// A message of version 1: a command, and those chained to it.
    pub(super) fn old_message(
        &mut self,
        head: &old::Head,
        octets: &[u8],
        length: usize,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        self.version = 1;
        self.tick(out);
        let (mut command, mut at) = (head.command, old::HEADER);
        for _ in 0..old::MAX_CHAIN {
            let Some(block) = old::block(octets, at) else {
                if octets.len() >= length {
                    out.anomaly(Anomaly::BodyInvalid);
                }
                return;
            };
            self.old_command(head, command, &block, seg, out);
            match old::chained(command, &block, at) {
                Some(next) => (command, at) = next,
                None => return,
            }
        }
    }

    fn old_command(
        &mut self,
        head: &old::Head,
        command: u8,
        block: &old::Block<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut record = SmbTransaction::default();
        let key = u64::from(head.process) << 24 | u64::from(head.message) << 8 | u64::from(command);
        if command == old::NEGOTIATE && head.is_response() {
            let asked = self.pending.get(&key);
            record.client_dialects = asked.and_then(|p| p.record.client_dialects.clone());
        }
        let about = if head.is_response() {
            old::response(head, command, block, &mut record)
        } else {
            old::request(head, command, block, &mut record)
        };
        if about.is_none() {
            out.anomaly(Anomaly::BodyInvalid);
        }
        let about = about.unwrap_or_default();
        if out.wants_messages() {
            out.message(&SmbMessage {
                version: 1,
                command,
                command_name: words::old_command(command),
                is_response: head.is_response(),
                status_code: head.is_response().then_some(head.status),
                message_id: head.message.into(),
                session_id: head.user.into(),
                tree_id: head.tree.into(),
                flags: head.flags.into(),
                compound: command != head.command,
                ..told(&about, &record, true)
            });
        }
        let name = words::old_command(command);
        record.command = name.map_or_else(|| Text::from(format!("{command:#04x}")), Text::from);
        record.session_id = head.user.into();
        record.tree_id = head.tree.into();
        let act = if command == old::ECHO { Act::Quiet } else { old_act(command) };
        if head.is_response() {
            let success = head.succeeded();
            let answer = Answer {
                key,
                act,
                state: head.state(),
                success,
                status: head.status,
                head_tree: head.tree.into(),
            };
            self.respond(answer, record, &about, seg, out);
        } else {
            self.request(key, act, record, &about, seg, out);
        }
    }

    fn request(
        &mut self,
        key: u64,
        act: Act,
        mut record: SmbTransaction,
        about: &About<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        match act {
            Act::Negotiate | Act::Connect => {
                if let Some(share) = &record.share {
                    let server = share.as_bytes().strip_prefix(b"\\\\").unwrap_or(share.as_bytes());
                    let server = server.split(|&o| o == b'\\').next().unwrap_or_default();
                    if is_name(server) {
                        out.server_name(NameSource::Host, server);
                    }
                }
                if act == Act::Negotiate {
                    record.share = None;
                } else {
                    out.settled();
                }
            }
            Act::SetUp => self.login(about.token, &mut record),
            _ => {}
        }
        if !out.wants_transactions() {
            return;
        }
        self.count = self.count.saturating_add(1);
        record.id = self.count;
        if let Some(handle) = about.handle {
            record.fuid = (handle != SAME).then(|| crate::windows::guid(handle));
            if matches!(act, Act::Write | Act::Transceive) {
                self.pipe(&handle, about.data, seg.time);
            }
        }
        if matches!(act, Act::Read | Act::Write) {
            record.function = None;
        }
        let pending = Pending {
            time: seg.time,
            record: Box::new(record),
            handle: about.handle,
            length: about.length,
        };
        self.keep(key, pending, out);
    }

    fn login(&mut self, token: &[u8], record: &mut SmbTransaction) {
        if token.is_empty() {
            if let Some(ntlm) = &record.ntlm {
                self.ntlm = ntlm.clone();
            }
        } else if self.ntlm.learn(token).is_some() {
            record.auth = Some("ntlm");
            record.ntlm = Some(self.ntlm.clone());
        } else if let Some(ticket) = kerberos::ticket(token) {
            record.auth = Some("kerberos");
            record.kerberos_realm = Some(ticket.realm);
            record.kerberos_service = Some(ticket.service);
        }
    }

    fn respond(
        &mut self,
        answer: Answer,
        said: SmbTransaction,
        about: &About<'_>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if answer.status == PENDING && answer.success {
            // The answer proper comes later.
            return;
        }
        if answer.act == Act::Negotiate {
            self.dialect = said.dialect.clone().or(self.dialect.take());
            if said.dialect.as_ref().is_some_and(|d| d.as_bytes().starts_with(b"3")) {
                self.version = 3;
            }
        }
        if answer.act == Act::SetUp && answer.success_or_more() {
            self.ntlm.learn(about.token);
        }
        if answer.act == Act::SetUp && !answer.success_or_more() {
            out.anomaly(Anomaly::LoginFailed);
        }
        if !out.wants_transactions() {
            return;
        }
        let found = self.pending.remove(&answer.key).or_else(|| {
            // An offer of version 1 may be answered by version 2, whose numbers begin at 0.
            let first = answer.act == Act::Negotiate && answer.key == 0;
            let old = first.then(|| self.pending.iter().find(|(key, _)| *key & 0xff == 0x72))?;
            let key = *old?.0;
            self.pending.remove(&key)
        });
        let Some(mut pending) = found else {
            let known = self.begun && !self.unasked && answer.key != u64::MAX;
            if known {
                out.anomaly(Anomaly::UnaskedResponse);
            }
            return;
        };
        let mut record = std::mem::take(&mut *pending.record);
        if pending.handle == Some(SAME) {
            pending.handle = self.chain_handle(seg);
            record.fuid = pending.handle.map(crate::windows::guid);
        }
        let success = answer.success;
        merge(&mut record, said);
        (record.status, record.status_code) =
            (answer.state.0.clone(), Some(answer.state.1.clone()));
        record.response_us = Some(seg.time.saturating_sub(pending.time) / 1000);
        let mut calls = Vec::new();
        match answer.act {
            Act::SetUp if record.ntlm.is_some() => record.ntlm = Some(self.ntlm.clone()),
            Act::Connect if success => {
                record.tree_id = answer.head_tree;
                let share = record.share.clone().unwrap_or_default();
                self.connect(answer.head_tree, Tree { share, kind: about.share }, out);
            }
            Act::Open if success => {
                if let Some(handle) = about.handle {
                    record.fuid = Some(crate::windows::guid(handle));
                    self.opened(handle, &record, pending.time, seg, out);
                }
            }
            Act::Read if success => {
                calls = self.read(pending.handle, about, seg.time);
            }
            Act::Write if success => {
                if let Some(file) = pending.handle.and_then(|h| self.files.get_mut(&h)) {
                    let length = if about.length == 0 { pending.length } else { about.length };
                    file.written = file.written.saturating_add(length);
                }
            }
            Act::Transceive if success => {
                if let Some(handle) = pending.handle {
                    calls = self.pipe(&handle, about.data, seg.time);
                }
            }
            _ => {}
        }
        self.describe(&mut record, pending.handle.as_ref());
        match answer.act {
            Act::Close if success => self.closed(pending.handle, &mut record),
            Act::Disconnect if success => {
                self.trees.remove(&record.tree_id);
            }
            _ => {}
        }
        if calls.is_empty() {
            let silent = matches!(answer.act, Act::Read | Act::Write | Act::Quiet) && success;
            let piped = record.function.as_ref().is_some_and(|f| f.as_bytes() == TRANSCEIVE);
            if !(silent || piped && success) {
                out.transaction(pending.time, record);
            }
            return;
        }
        for (start, call) in calls {
            out.transaction(start, SmbTransaction { dcerpc: Some(call), ..record.clone() });
        }
    }

    fn chain_handle(&mut self, seg: &Segment<'_>) -> Option<Handle> {
        self.chains.get(seg.dir.index()).and_then(|chain| chain.handle)
    }

    fn opened(
        &mut self,
        handle: Handle,
        record: &SmbTransaction,
        time: u64,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if let Some(chain) = self.chains.get_mut(seg.dir.index()) {
            chain.handle = Some(handle);
        }
        let tree = self.trees.get(&record.tree_id);
        let pipe = tree.is_some_and(|t| t.kind == 2);
        let file = File {
            name: record.filename.clone().unwrap_or_default(),
            share: tree.map(|t| t.share.clone()),
            time,
            session: record.session_id,
            tree: record.tree_id,
            pipe: pipe.then(Box::default),
            ..File::default()
        };
        self.open(handle, file, out);
    }

    fn closed(&mut self, handle: Option<Handle>, record: &mut SmbTransaction) {
        if let Some(file) = handle.and_then(|h| self.files.remove(&h)) {
            record.bytes_read = Some(file.read);
            record.bytes_written = Some(file.written);
        }
    }

    fn read(
        &mut self,
        handle: Option<Handle>,
        about: &About<'_>,
        time: u64,
    ) -> Vec<(u64, DcerpcTransaction)> {
        let Some(handle) = handle else {
            return Vec::new();
        };
        if let Some(file) = self.files.get_mut(&handle) {
            file.read = file.read.saturating_add(about.length);
        }
        self.pipe(&handle, about.data, time)
    }

    /// Reads the PDUs that go through a pipe.
    fn pipe(&mut self, handle: &Handle, data: &[u8], time: u64) -> Vec<(u64, DcerpcTransaction)> {
        let mut calls = Vec::new();
        let Some(mut head) = dcerpc::head(data) else {
            return calls;
        };
        // A pipe may have been opened before the first octet seen.
        if !self.files.contains_key(handle) && self.files.len() < MAX_FILES {
            self.files.insert(*handle, File { time, ..File::default() });
        }
        let Some(file) = self.files.get_mut(handle) else {
            return calls;
        };
        let pipe: &mut Association = file.pipe.get_or_insert_default();
        let mut rest = data;
        for _ in 0..MAX_PDUS {
            let length = usize::from(head.length);
            let pdu = rest.get(..length).unwrap_or(rest);
            calls.extend(pipe.hear(&head, pdu, time).finished);
            rest = rest.get(length..).unwrap_or_default();
            match dcerpc::head(rest) {
                Some(next) => head = next,
                None => break,
            }
        }
        calls
    }

    /// A message of which only the outermost header is in clear.
    pub(super) fn encrypted(&mut self, octets: &[u8], length: u64, time: u64, out: &mut Sink<'_>) {
        let Some((session, _)) = message::transform(octets) else {
            out.anomaly(Anomaly::HeaderInvalid);
            return;
        };
        out.message(&SmbMessage {
            version: 2,
            encrypted: true,
            session_id: session,
            ..SmbMessage::default()
        });
        self.seal(session, length, time);
        self.tick(out);
    }

    /// A compressed message.
    pub(super) fn compressed(&mut self, out: &mut Sink<'_>) {
        out.message(&SmbMessage { version: 2, compressed: true, ..SmbMessage::default() });
        // What it answers, or asks, is not known.
        self.unasked = true;
        self.tick(out);
    }
}

/// Whether a server is called by a name instead of its address.
fn is_name(server: &[u8]) -> bool {
    let text = std::str::from_utf8(server).unwrap_or_default();
    !server.is_empty() && text.parse::<std::net::IpAddr>().is_err()
}

/// A response's identity and outcome.
struct Answer {
    key: u64,
    act: Act,
    state: (Option<Text>, Text),
    success: bool,
    status: u32,
    head_tree: u32,
}

impl Answer {
    fn success_or_more(&self) -> bool {
        self.success || self.status == MORE_PROCESSING
    }
}

/// The parts of a message that both versions have.
fn told<'a>(about: &About<'a>, record: &'a SmbTransaction, wanted: bool) -> SmbMessage<'a> {
    if !wanted {
        return SmbMessage::default();
    }
    let create = record.disposition.is_some() || record.access_mask.is_some();
    SmbMessage {
        padding: (!about.padding.is_empty()).then_some(BinaryRef(about.padding)),
        nt_create_file: record
            .filename
            .as_ref()
            .filter(|_| create)
            .map(|name| TextRef(name.as_bytes())),
        payload: (!about.data.is_empty()).then_some(BinaryRef(about.data)),
        ..SmbMessage::default()
    }
}

/// Adds what a response says to the record of its request.
fn merge(record: &mut SmbTransaction, said: SmbTransaction) {
    fn or<T>(slot: &mut Option<T>, value: Option<T>) {
        if value.is_some() {
            *slot = value;
        }
    }
    or(&mut record.dialect, said.dialect);
    or(&mut record.server_guid, said.server_guid);
    or(&mut record.max_read_size, said.max_read_size);
    or(&mut record.max_write_size, said.max_write_size);
    or(&mut record.signing_required, said.signing_required);
    or(&mut record.cipher, said.cipher);
    or(&mut record.guest, said.guest);
    or(&mut record.clear_text, said.clear_text);
    or(&mut record.server_native_os, said.server_native_os);
    or(&mut record.server_native_lm, said.server_native_lm);
    or(&mut record.share_type, said.share_type);
    or(&mut record.directory, said.directory);
    or(&mut record.created, said.created);
    or(&mut record.accessed, said.accessed);
    or(&mut record.modified, said.modified);
    or(&mut record.changed, said.changed);
    or(&mut record.size, said.size);
    or(&mut record.function, said.function);
}
