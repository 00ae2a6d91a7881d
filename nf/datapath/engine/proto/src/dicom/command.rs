//! Commands with their responses and data.

use super::message::{self, Command};
use super::{Anomaly, Asked, Dicom, DicomMessage, DicomTransaction, MAX_COMMAND};
use crate::{Direction, Segment, Sink};

impl Dicom {
    /// A part of a command set.
    pub(super) fn command_part<'a>(
        &mut self,
        octets: &'a [u8],
        is_last: bool,
        context: u8,
        seen: DicomMessage<'a>,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let lane = self.lane(seg.dir);
        if lane.command.len().saturating_add(octets.len()) > MAX_COMMAND {
            lane.command = Vec::new();
            out.message(&seen);
            out.anomaly(Anomaly::MalformedCommand);
            return;
        }
        if !is_last {
            lane.command.extend_from_slice(octets);
            out.message(&seen);
            return;
        }
        let earlier = std::mem::take(&mut lane.command);
        let joined;
        let whole = if earlier.is_empty() {
            octets
        } else {
            joined = [&earlier, octets].concat();
            &joined
        };
        let made = message::command(whole);
        out.message(&seen.command(&made));
        if made.is_malformed || made.field.is_none() {
            out.anomaly(Anomaly::MalformedCommand);
        } else if made.field.is_some_and(|f| message::command_word(f) == "unknown") {
            out.anomaly(Anomaly::UnknownCommand);
        }
        out.settled();
        if out.wants_transactions() {
            self.command(&made, context, seg, out);
        }
        self.lane(seg.dir).is_front = true;
    }

    fn command(&mut self, made: &Command<'_>, context: u8, seg: &Segment<'_>, out: &mut Sink<'_>) {
        const CANCEL: u16 = 0x0fff;
        const NO_DATA: u16 = 0x0101;
        let Some(field) = made.field else { return };
        let has_data = made.data_set_type.is_some_and(|kind| kind != NO_DATA);
        let is_response = field & 0x8000 != 0;
        if !is_response {
            let id = made.message_id.unwrap_or(0);
            let record = DicomTransaction::command(made, context);
            let asked = Asked { time: seg.time, dir: seg.dir, record };
            if field == CANCEL {
                out.transaction(asked.time, asked.record);
                return;
            }
            self.lane(seg.dir).current = has_data.then_some((id, false));
            self.wait((id, seg.dir), asked, out);
            return;
        }
        let id = made.responded_id.unwrap_or(0);
        let key = (id, seg.dir.reverse());
        let is_pending = matches!(made.status, Some(0xff00 | 0xff01));
        let mut asked = match self.pending.take(&key) {
            Some(asked) => asked,
            None => {
                if !self.is_blind {
                    out.anomaly(Anomaly::UnsolicitedResponse);
                }
                let record = DicomTransaction::command(made, context);
                Asked { time: seg.time, dir: seg.dir.reverse(), record }
            }
        };
        let after = seg.time.saturating_sub(asked.time) / 1000;
        asked.record.response_us.get_or_insert(after);
        asked.record.respond(made);
        if is_pending || has_data {
            self.lane(seg.dir).current = has_data.then_some((id, !is_pending));
            self.wait(key, asked, out);
            return;
        }
        asked.record.duration_us = Some(after);
        out.transaction(asked.time, asked.record);
    }

    /// Counts octets of a data set for its command.
    pub(super) fn data(
        &mut self,
        octets: u64,
        is_last: bool,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some((id, is_end)) = self.lane(seg.dir).current else { return };
        if is_last {
            self.lane(seg.dir).current = None;
        }
        for dir in [seg.dir, seg.dir.reverse()] {
            let Some(mut asked) = self.pending.take(&(id, dir)) else { continue };
            let is_request = dir == seg.dir;
            let place = if is_request {
                &mut asked.record.request_data
            } else {
                &mut asked.record.response_data
            };
            *place = Some(place.unwrap_or(0).saturating_add(octets));
            if is_end && is_last && !is_request {
                asked.record.duration_us = Some(seg.time.saturating_sub(asked.time) / 1000);
                out.transaction(asked.time, asked.record);
            } else {
                self.wait((id, dir), asked, out);
            }
            return;
        }
    }

    fn wait(&mut self, key: (u16, Direction), asked: Asked, out: &mut Sink<'_>) {
        if let Some(oldest) = self.pending.put(key, asked) {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }
}
