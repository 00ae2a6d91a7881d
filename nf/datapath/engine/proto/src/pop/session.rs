//! Commands, their replies, and the lines that follow these.

use nf_fields::{ProtoId, Text, TextRef};

use super::message::{COMMANDS, Reply, command, has_lines, reply};
use super::record::{PopMessage, PopTransaction};
use super::{Anomaly, Command, Listing, MAX_LINE, MAX_PENDING, MAX_TEXT, Pop};
use crate::lines::{Lines, Part, split_word};
use crate::sasl::Login;
use crate::smtp::content::Content;
use crate::{Direction, Segment, Sink, Step};

/// What follows STLS.
const TLS: ProtoId = ProtoId(341);

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl Pop {
    fn lane(&mut self, dir: Direction) -> &mut Lines {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of lines and listings.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            if self.listing.is_some() && self.client == Some(seg.dir.reverse()) {
                let taken = self.listed(data, seg.time, out);
                used = used.saturating_add(taken);
                if taken == 0 {
                    return Step::used(used);
                }
                continue;
            }
            if self.starting_tls && matches!(data, [0x16, 3, ..]) {
                return Step::handover(used, Some(TLS));
            }
            let Some(line) = self.lane(seg.dir).next(data, MAX_LINE) else {
                return Step::used(used);
            };
            used = used.saturating_add(line.taken);
            if line.part == Part::Start {
                out.anomaly(Anomaly::LineTooLong);
            }
            if line.part != Part::Rest && self.line(seg, line.text, out) {
                return Step::handover(used, Some(TLS));
            }
        }
    }

    /// Takes a line; true when what follows is TLS.
    fn line(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) -> bool {
        let client = *self.client.get_or_insert_with(|| match reply(line) {
            Some(_) => seg.dir.reverse(),
            None => seg.dir,
        });
        if client == seg.dir {
            self.client_line(seg, line, out);
            return false;
        }
        self.server_line(seg, line, out)
    }

    fn client_line(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) {
        let said = command(line);
        let known = said.as_ref().is_some_and(|said| COMMANDS.contains(&said.verb.as_str()));
        if let Some(last) = self.pending.back_mut()
            && let Some(login) = last.login.as_mut().filter(|_| last.verb == "AUTH" && !known)
        {
            login.response(line.trim_ascii());
            self.user = login.user.clone().or(self.user.take());
            return;
        }
        let Some(said) = said else {
            out.anomaly(Anomaly::CommandInvalid);
            return;
        };
        self.unasked = false;
        if std::mem::take(&mut self.starting_tls) {
            out.anomaly(Anomaly::CommandAfterStartTls);
        }
        let (first, rest) = split_word(said.argument);
        let mut login = None;
        let argument = match said.verb.as_str() {
            "USER" => {
                self.user = Some(text(said.argument));
                said.argument
            }
            "PASS" => {
                login = Some(Login::in_clear(None));
                &[]
            }
            "APOP" => {
                self.user = Some(text(first));
                login = Some(Login::new(b"APOP"));
                first
            }
            "AUTH" if !first.is_empty() => {
                let mut tried = Login::new(first);
                tried.response(rest);
                self.user = tried.user.clone().or(self.user.take());
                login = Some(tried);
                first
            }
            _ => said.argument,
        };
        self.starting_tls = said.verb == "STLS";
        if out.wants_messages() {
            out.message(&PopMessage {
                kind: "command",
                command: Some(TextRef(said.verb.as_bytes())),
                argument: (!argument.is_empty()).then_some(TextRef(argument)),
                ..PopMessage::default()
            });
        }
        let argument = text(argument);
        self.pending.push_back(Command { verb: said.verb, argument, time: seg.time, login });
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::PipelineOverflow);
            if let Some(oldest) = self.pending.pop_front() {
                self.report(oldest, None, out);
            }
        }
    }

    fn server_line(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) -> bool {
        let Some(said) = reply(line) else {
            // What is left of a listing whose beginning was lost looks like anything.
            if !line.trim_ascii().is_empty() && !self.unasked {
                out.anomaly(Anomaly::ReplyInvalid);
            }
            return false;
        };
        if out.wants_messages() {
            out.message(&match said {
                Reply::Status { good, text } => PopMessage {
                    kind: "reply",
                    success: Some(good),
                    reply: (!text.is_empty()).then_some(TextRef(text)),
                    ..PopMessage::default()
                },
                Reply::Continue => PopMessage { kind: "continuation", ..PopMessage::default() },
            });
        }
        let Reply::Status { good, text: said } = said else { return false };
        let Some(command) = self.pending.pop_front() else {
            self.unasked_reply(seg, good, said, out);
            return false;
        };
        self.greeted = true;
        if good && has_lines(&command.verb, command.argument.as_bytes()) {
            self.line_start = true;
            self.listing = Some(Box::new(Listing {
                command,
                text: text(said),
                answered: seg.time,
                content: Content::default(),
            }));
            return false;
        }
        let secured = command.verb == "STLS" && good;
        match command.verb.as_str() {
            "PASS" | "APOP" | "AUTH" if !good => out.anomaly(Anomaly::LoginFailed),
            // No TLS can begin any more.
            "PASS" | "APOP" | "AUTH" => out.settled(),
            "STLS" => self.starting_tls = false,
            _ => {}
        }
        let record = PopTransaction {
            success: Some(good),
            reply: (!said.is_empty()).then(|| text(said)),
            response_us: Some(since(command.time, seg.time)),
            duration_us: Some(since(command.time, seg.time)),
            ..PopTransaction::default()
        };
        self.report(command, Some(record), out);
        secured
    }

    fn unasked_reply(&mut self, seg: &Segment<'_>, good: bool, said: &[u8], out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.greeted, true) {
            out.transaction(
                seg.time,
                PopTransaction {
                    success: Some(good),
                    reply: (!said.is_empty()).then(|| text(said)),
                    ..PopTransaction::default()
                },
            );
        }
        if !std::mem::take(&mut self.unasked) && good {
            out.anomaly(Anomaly::ReplyWithoutCommand);
        }
    }

    /// Lines of a listing up to the one that ends it; returns octets taken.
    fn listed(&mut self, data: &[u8], time: u64, out: &mut Sink<'_>) -> usize {
        let mut used = 0usize;
        while let Some(rest) = data.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).map(|at| at.saturating_add(1));
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
            if self.line_start && end.is_none() && matches!(line, b"." | b".\r") {
                return used;
            }
            used = used.saturating_add(line.len());
            if self.line_start && matches!(line, b".\r\n" | b".\n") {
                if let Some(listing) = self.listing.take() {
                    self.listing_ended(*listing, Some(time), out);
                }
                return used;
            }
            // A dot was added to lines that begin with one.
            let said = match line {
                [b'.', said @ ..] if self.line_start => said,
                _ => line,
            };
            if let Some(listing) = &mut self.listing {
                listing.content.push(said);
            }
            self.line_start = end.is_some();
        }
        used
    }

    fn listing_ended(&mut self, listing: Listing, time: Option<u64>, out: &mut Sink<'_>) {
        let Listing { command, text, answered, mut content } = listing;
        content.finish();
        let mut record = PopTransaction {
            success: Some(true),
            reply: (!text.is_empty()).then_some(text),
            size: Some(content.size),
            response_us: Some(since(command.time, answered)),
            duration_us: time.map(|time| since(command.time, time)),
            ..PopTransaction::default()
        };
        if matches!(command.verb.as_str(), "RETR" | "TOP") {
            record.from = content.from;
            record.to = content.to;
            record.subject = content.subject;
            record.message_id = content.message_id;
            record.date = content.date;
            record.attachments = content.attachments;
        }
        self.report(command, Some(record), out);
    }

    fn report(&self, command: Command, said: Option<PopTransaction>, out: &mut Sink<'_>) {
        if !out.wants_transactions() {
            return;
        }
        let login = command.login;
        let mechanism = login.as_ref().map(|login| login.mechanism.clone());
        let record = PopTransaction {
            argument: (!command.argument.is_empty()).then_some(command.argument),
            user: self.user.clone(),
            auth_mechanism: mechanism.filter(|mechanism| !mechanism.is_empty()),
            clear_text: login.is_some_and(|login| login.clear_text),
            command: Some(Text::from(command.verb)),
            ..said.unwrap_or_default()
        };
        out.transaction(command.time, record);
    }

    /// Octets of one direction are missing.
    pub(super) fn lose(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) {
        if self.client == Some(dir.reverse()) {
            if let Some(listing) = &mut self.listing {
                // Its end may be among what is lost; a reply will then be taken for a part of it.
                listing.content.lose(lost);
                self.line_start = false;
                return;
            }
            self.unasked = true;
            self.finish(out);
        }
        self.lane(dir).lose();
    }

    /// Reports the commands that got no reply.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        if let Some(listing) = self.listing.take() {
            self.listing_ended(*listing, None, out);
        }
        while let Some(command) = self.pending.pop_front() {
            self.report(command, None, out);
        }
    }
}

fn since(start: u64, end: u64) -> u64 {
    end.saturating_sub(start) / 1000
}
