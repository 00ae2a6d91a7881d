//! Calls: from the invitation over ringing and answer to the end.

use nf_fields::Text;

use super::record::SipTransaction;
use crate::Direction;

/// A call that has not ended.
pub(super) struct Call {
    pub(super) id: Text,
    pub(super) start: u64,
    /// Which way the invitation went.
    dir: Direction,
    answered: Option<u64>,
    cancelled: bool,
    pub(super) record: SipTransaction,
}

impl Call {
    /// A call that begins with the invitation in `record`.
    pub(super) fn new(id: Text, start: u64, dir: Direction, invitation: &SipTransaction) -> Self {
        let record = SipTransaction { kind: "call", ..invitation.clone() };
        Self { id, start, dir, answered: None, cancelled: false, record }
    }

    /// The invitation came again, mostly with credentials.
    pub(super) fn invite(&mut self, invitation: &SipTransaction) {
        self.record.seq = invitation.seq;
        self.record.authenticated |= invitation.authenticated;
        self.record.auth_user = invitation.auth_user.clone();
        self.record.clear_text |= invitation.clear_text;
        self.describe(&invitation.media, invitation.media_keys_seen);
    }

    /// A description of media went by.
    pub(super) fn describe(&mut self, media: &[Text], keys: bool) {
        if !media.is_empty() {
            self.record.media = media.to_vec();
        }
        self.record.media_keys_seen |= keys;
    }

    /// A response to the invitation; true when the call is over with it.
    pub(super) fn answer(&mut self, status: u16, reason: &Text, time: u64) -> bool {
        let since = time.saturating_sub(self.start) / 1000;
        self.record.response_us = self.record.response_us.or(Some(since));
        match status {
            100 => return false,
            101..=199 => {
                self.record.ring_us = self.record.ring_us.or(Some(since));
                return false;
            }
            _ => {}
        }
        self.record.status = Some(status);
        self.record.reason = Some(reason.clone());
        match status {
            200..=299 => {
                if self.answered.is_none() {
                    self.answered = Some(time);
                    self.record.setup_us = Some(since);
                }
                false
            }
            // The caller will try again: with credentials, elsewhere, or with other wishes.
            300..=399 | 401 | 407 | 422 | 491 | 494 => false,
            _ if self.answered.is_some() => false,
            _ => {
                self.record.ended = Some(if self.cancelled { "cancelled" } else { "refused" });
                true
            }
        }
    }

    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// Somebody hangs up.
    pub(super) fn hang_up(&mut self, dir: Direction, time: u64) {
        let word = if dir == self.dir { "caller_hung_up" } else { "callee_hung_up" };
        self.record.ended = Some(word);
        self.record.talk_us = self.answered.map(|answered| time.saturating_sub(answered) / 1000);
        self.record.duration_us = Some(time.saturating_sub(self.start) / 1000);
    }

    /// The record, of a call that may go on unseen.
    pub(super) fn into_record(mut self) -> SipTransaction {
        self.record.ended = self.record.ended.or(Some("open"));
        self.record
    }
}
