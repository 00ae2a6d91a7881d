//! What is known of a session: requests under way, shares, open files, and sums.

use std::collections::BTreeMap;

use nf_fields::Text;

use super::Anomaly;
use super::message::Handle;
use super::record::SmbTransaction;
use crate::Sink;
use crate::dcerpc::Association;
use crate::ntlm::Ntlm;

/// Most requests kept while they wait for their responses.
const MAX_PENDING: usize = 256;
/// Most open files kept.
pub(super) const MAX_FILES: usize = 256;
/// Most shares kept.
const MAX_TREES: usize = 64;
/// Messages after which nothing new is learnt of what the session is.
const ENOUGH: u32 = 32;

/// A request that waits for its response.
pub(super) struct Pending {
    pub(super) time: u64,
    pub(super) record: Box<SmbTransaction>,
    pub(super) handle: Option<Handle>,
    pub(super) length: u64,
}

/// A connected share.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) share: Text,
    pub(super) kind: u8,
}

/// An open file or pipe.
#[derive(Default)]
pub(super) struct File {
    pub(super) name: Text,
    pub(super) share: Option<Text>,
    pub(super) time: u64,
    pub(super) session: u64,
    pub(super) tree: u32,
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) pipe: Option<Box<Association>>,
}

/// What goes on within one message of several commands.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) name: Option<Text>,
    pub(super) handle: Option<Handle>,
}

/// The state of one session.
#[derive(Default)]
pub(super) struct State {
    /// By number; those of version 1 have the process in the upper half.
    pub(super) pending: BTreeMap<u64, Pending>,
    pub(super) trees: BTreeMap<u32, Tree>,
    pub(super) files: BTreeMap<Handle, File>,
    pub(super) chains: [Chain; 2],
    pub(super) dialect: Option<Text>,
    pub(super) version: u8,
    pub(super) ntlm: Ntlm,
    /// Requests reported or under way.
    pub(super) count: u64,
    messages: u32,
    sealed: Sealed,
    /// Responses to requests that were not seen are to be expected.
    pub(super) unasked: bool,
    /// Something was seen of this session, so that a response can be unasked.
    pub(super) begun: bool,
}

#[derive(Default)]
struct Sealed {
    messages: u64,
    octets: u64,
    session: u64,
    time: u64,
}

impl State {
    /// A message went by; where nobody listens a few are enough.
    pub(super) fn tick(&mut self, out: &mut Sink<'_>) {
        self.messages = self.messages.saturating_add(1);
        if self.messages >= ENOUGH {
            out.settled();
        }
    }

    pub(super) fn lose(&mut self) {
        self.unasked = true;
    }

    pub(super) fn keep(&mut self, number: u64, pending: Pending, out: &mut Sink<'_>) {
        self.begun = true;
        if let Some(earlier) = self.pending.remove(&number) {
            out.transaction(earlier.time, *earlier.record);
        }
        if self.pending.len() >= MAX_PENDING
            && let Some((_, oldest)) = self.pending.pop_first()
        {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, *oldest.record);
        }
        self.pending.insert(number, pending);
    }

    pub(super) fn connect(&mut self, id: u32, tree: Tree, out: &mut Sink<'_>) {
        if self.trees.len() >= MAX_TREES && !self.trees.contains_key(&id) {
            out.anomaly(Anomaly::TooManyOpen);
            self.trees.pop_first();
        }
        self.trees.insert(id, tree);
    }

    pub(super) fn open(&mut self, handle: Handle, file: File, out: &mut Sink<'_>) {
        if self.files.len() >= MAX_FILES
            && !self.files.contains_key(&handle)
            && let Some((_, oldest)) = self.files.pop_first()
        {
            out.anomaly(Anomaly::TooManyOpen);
            self.left_open(oldest, out);
        }
        self.files.insert(handle, file);
    }

    /// Adds what a session and a file say to the record of a request.
    pub(super) fn describe(&self, record: &mut SmbTransaction, handle: Option<&Handle>) {
        record.version = self.version;
        record.dialect = self.dialect.clone().or(record.dialect.take());
        if let Some(tree) = self.trees.get(&record.tree_id)
            && record.share.is_none()
        {
            record.share = Some(tree.share.clone());
        }
        if let Some(file) = handle.and_then(|h| self.files.get(h))
            && record.filename.is_none()
        {
            record.filename = Some(file.name.clone());
        }
    }

    /// Tells of a file that was never closed, if anything was read or written.
    fn left_open(&mut self, file: File, out: &mut Sink<'_>) {
        if file.read == 0 && file.written == 0 {
            return;
        }
        self.count = self.count.saturating_add(1);
        let record = SmbTransaction {
            id: self.count,
            version: self.version,
            dialect: self.dialect.clone(),
            command: "left_open".into(),
            session_id: file.session,
            tree_id: file.tree,
            share: file.share,
            filename: Some(file.name),
            bytes_read: Some(file.read),
            bytes_written: Some(file.written),
            ..SmbTransaction::default()
        };
        out.transaction(file.time, record);
    }

    pub(super) fn seal(&mut self, session: u64, octets: u64, time: u64) {
        if self.sealed.messages == 0 {
            self.sealed.time = time;
            self.sealed.session = session;
        }
        self.sealed.messages = self.sealed.messages.saturating_add(1);
        self.sealed.octets = self.sealed.octets.saturating_add(octets);
    }

    pub(super) fn end(&mut self, out: &mut Sink<'_>) {
        while let Some((_, mut pending)) = self.pending.pop_first() {
            self.describe(&mut pending.record, pending.handle.as_ref());
            out.transaction(pending.time, *pending.record);
        }
        while let Some((_, mut file)) = self.files.pop_first() {
            for (start, call) in file.pipe.as_mut().map(|p| p.give_up()).unwrap_or_default() {
                self.count = self.count.saturating_add(1);
                let record = SmbTransaction {
                    id: self.count,
                    version: self.version,
                    dialect: self.dialect.clone(),
                    command: "left_open".into(),
                    session_id: file.session,
                    tree_id: file.tree,
                    share: file.share.clone(),
                    filename: Some(file.name.clone()),
                    dcerpc: Some(call),
                    ..SmbTransaction::default()
                };
                out.transaction(start, record);
            }
            self.left_open(file, out);
        }
        if self.sealed.messages > 0 {
            self.count = self.count.saturating_add(1);
            let record = SmbTransaction {
                id: self.count,
                version: 3,
                dialect: self.dialect.clone(),
                command: "encrypted".into(),
                session_id: self.sealed.session,
                encrypted_messages: Some(self.sealed.messages),
                encrypted_bytes: Some(self.sealed.octets),
                ..SmbTransaction::default()
            };
            out.transaction(self.sealed.time, record);
        }
    }
}
