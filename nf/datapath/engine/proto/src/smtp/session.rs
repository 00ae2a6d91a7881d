//! Commands, content, replies, and what a mail becomes of them.

use nf_fields::{ProtoId, Text, TextRef};

use super::message::{ReplyLine, chunk, command, is_host, parameter, path, reply};
use super::record::{SmtpMessage, SmtpTransaction};
use super::{
    Anomaly, MAX_LINE, MAX_PENDING, MAX_RECIPIENTS, MAX_REPLY_LINES, MAX_TEXT, Mail, Mode, Pending,
    Reply, Smtp,
};
use crate::lines::{Lines, Part, number, split_word};
use crate::sasl::Login;
use crate::{Direction, NameSource, Segment, Sink, Step};

/// What follows STARTTLS.
const TLS: ProtoId = ProtoId(341);

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

/// A reply with all its lines.
struct Answer<'a> {
    code: u16,
    text: &'a [u8],
    time: u64,
}

impl Answer<'_> {
    fn is_good(&self) -> bool {
        (200..300).contains(&self.code)
    }

    fn kept(&self) -> (u16, Text) {
        (self.code, text(self.text))
    }
}

impl Smtp {
    fn lane(&mut self, dir: Direction) -> &mut Lines {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of lines and content.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.start.get_or_insert(seg.time);
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            let from_client = self.client == Some(seg.dir);
            let taken = match self.mode {
                Mode::Data if from_client => self.data(data, seg.time, out),
                Mode::Chunk { left, last } if from_client => {
                    self.chunk(data, left, last, seg.time, out)
                }
                _ => {
                    if self.starting_tls && matches!(data, [0x16, 3, ..]) {
                        self.secure(out);
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
                        self.secure(out);
                        return Step::handover(used, Some(TLS));
                    }
                    continue;
                }
            };
            used = used.saturating_add(taken);
            if taken == 0 {
                return Step::used(used);
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
            match self.mode {
                Mode::Auth => self.response(seg, line, out),
                _ => self.command(seg, line, out),
            }
            return false;
        }
        self.reply_line(seg, line, out)
    }

    /// Lines of content up to the one that ends it; returns octets taken.
    fn data(&mut self, data: &[u8], time: u64, out: &mut Sink<'_>) -> usize {
        let mut used = 0usize;
        while let Some(rest) = data.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).map(|at| at.saturating_add(1));
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
            if self.line_start && end.is_none() && matches!(line, b"." | b".\r") {
                return used;
            }
            used = used.saturating_add(line.len());
            if self.line_start && matches!(line, b".\r\n" | b".\n") {
                if line == b".\n" || self.bare {
                    out.anomaly(Anomaly::BareLineFeedEnd);
                }
                self.mode = Mode::Command;
                self.content_ended(time, out);
                return used;
            }
            // Transparency: a dot was added to lines that begin with one.
            let said = match line {
                [b'.', said @ ..] if self.line_start => said,
                _ => line,
            };
            self.push(said);
            self.line_start = end.is_some();
            self.bare = !line.ends_with(b"\r\n");
        }
        used
    }

    fn chunk(
        &mut self,
        data: &[u8],
        left: u64,
        last: bool,
        time: u64,
        out: &mut Sink<'_>,
    ) -> usize {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
        self.push(data.get(..here).unwrap_or_default());
        let left = left.saturating_sub(here as u64);
        self.mode = Mode::Chunk { left, last };
        if left == 0 {
            self.mode = Mode::Command;
            match last {
                true => self.content_ended(time, out),
                false => self.wait(Pending::Chunk, out),
            }
        }
        here
    }

    fn push(&mut self, octets: &[u8]) {
        if let Some(mail) = &mut self.mail {
            mail.content.push(octets);
        }
    }

    fn content_ended(&mut self, time: u64, out: &mut Sink<'_>) {
        let Some(mut mail) = self.mail.take() else { return };
        mail.content.finish();
        mail.ended = Some(time);
        if out.wants_messages() {
            let size = Some(mail.content.size);
            out.message(&SmtpMessage { kind: "content", size, ..SmtpMessage::default() });
        }
        self.wait(Pending::Content(mail), out);
    }

    /// The mail whose content begins now.
    fn begin_content(&mut self, time: u64, out: &mut Sink<'_>) -> &mut Mail {
        if self.mail.is_none() {
            out.anomaly(Anomaly::ContentWithoutMail);
        }
        let start = Mail { start: time, ..Mail::default() };
        let mail = self.mail.get_or_insert_with(|| Box::new(start));
        mail.begun = true;
        mail
    }

    fn wait(&mut self, what: Pending, out: &mut Sink<'_>) {
        self.pending.push_back(what);
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::PipelineOverflow);
            if let Some(Pending::Content(mail) | Pending::Reset(Some(mail))) =
                self.pending.pop_front()
            {
                self.report(*mail, None, out);
            }
        }
    }

    fn command(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) {
        let Some(said) = command(line) else {
            out.anomaly(Anomaly::CommandInvalid);
            return;
        };
        self.unasked = false;
        if self.starting_tls {
            out.anomaly(Anomaly::CommandAfterStartTls);
            self.starting_tls = false;
        }
        let ahead = !self.pending.is_empty();
        let argument = match said.verb.as_str() {
            "AUTH" => split_word(said.argument).0,
            _ => said.argument,
        };
        if out.wants_messages() {
            out.message(&SmtpMessage {
                kind: "command",
                command: Some(TextRef(said.verb.as_bytes())),
                argument: (!argument.is_empty()).then_some(TextRef(argument)),
                ..SmtpMessage::default()
            });
        }
        let what = match said.verb.as_str() {
            "EHLO" | "HELO" | "LHLO" => Pending::Helo(text(argument)),
            "MAIL" => {
                self.begin_mail(seg.time, argument, out);
                Pending::Mail
            }
            "RCPT" => {
                self.recipient(argument, out);
                Pending::Recipient
            }
            "DATA" => {
                self.begin_content(seg.time, out);
                self.mode = Mode::Data;
                self.line_start = true;
                self.bare = false;
                Pending::Data
            }
            "BDAT" => match chunk(argument) {
                Some((left, last)) => {
                    let mail = self.begin_content(seg.time, out);
                    mail.pipelined |= ahead;
                    mail.chunks = Some(mail.chunks.unwrap_or(0).saturating_add(1));
                    self.mode = Mode::Chunk { left, last };
                    if left == 0 {
                        self.chunk(&[], 0, last, seg.time, out);
                    }
                    return;
                }
                None => {
                    out.anomaly(Anomaly::ChunkInvalid);
                    Pending::Other
                }
            },
            "RSET" => Pending::Reset(self.mail.take()),
            "STARTTLS" => {
                self.starting_tls = true;
                Pending::StartTls
            }
            "AUTH" => {
                let (mechanism, initial) = split_word(said.argument);
                let mut login = Login::new(mechanism);
                login.response(initial);
                self.login = Some(login);
                self.ntlm = None;
                self.learn_ntlm(initial);
                self.authenticated = None;
                self.mode = Mode::Auth;
                Pending::Auth
            }
            _ => Pending::Other,
        };
        if let Some(mail) = &mut self.mail {
            mail.pipelined |= ahead;
        }
        self.wait(what, out);
    }

    /// What a token of the login says, where NTLM makes it.
    fn learn_ntlm(&mut self, token: &[u8]) {
        let mut known = self.ntlm.clone().unwrap_or_default();
        if known.learn_coded(token).is_some() {
            self.ntlm = Some(known);
        }
    }

    /// A client's line in a login: no command unless it is plainly one.
    fn response(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) {
        let verb = command(line).map(|said| said.verb).unwrap_or_default();
        if matches!(verb.as_str(), "MAIL" | "RCPT" | "QUIT" | "NOOP" | "RSET" | "EHLO" | "HELO") {
            self.mode = Mode::Command;
            self.command(seg, line, out);
            return;
        }
        if let Some(login) = &mut self.login {
            login.response(line.trim_ascii());
        }
        self.learn_ntlm(line.trim_ascii());
        self.wait(Pending::Auth, out);
    }

    fn begin_mail(&mut self, time: u64, argument: &[u8], out: &mut Sink<'_>) {
        let found = path(argument, b"FROM");
        if found.is_none() {
            out.anomaly(Anomaly::PathInvalid);
        }
        // What a mail announces TLS for was said before: nothing more will be learnt.
        out.settled();
        if self.mail.as_ref().is_some_and(|mail| mail.count > 0 || mail.begun) {
            // The server will refuse a second sender.
            return;
        }
        let (sender, parameters) = found.unwrap_or_default();
        self.mail = Some(Box::new(Mail {
            start: time,
            from: text(sender),
            announced: parameter(parameters, b"SIZE").and_then(number),
            ..Mail::default()
        }));
    }

    fn recipient(&mut self, argument: &[u8], out: &mut Sink<'_>) {
        let found = path(argument, b"TO");
        if found.is_none() {
            out.anomaly(Anomaly::PathInvalid);
        }
        if let Some(mail) = &mut self.mail {
            mail.count = mail.count.saturating_add(1);
            if mail.recipients.len() < MAX_RECIPIENTS
                && let Some((recipient, _)) = found
            {
                mail.recipients.push(text(recipient));
            }
        }
    }

    fn reply_line(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) -> bool {
        let found = reply(line);
        let Some(ReplyLine { code, more, text }) = found else {
            if !line.trim_ascii().is_empty() {
                out.anomaly(Anomaly::ReplyInvalid);
            }
            return false;
        };
        let mut open = match self.reply.take() {
            Some(open) if open.code == code => open,
            // A reply that changes its code is another one.
            _ => Reply { code, text: Vec::new(), lines: 0 },
        };
        let room = MAX_TEXT.saturating_sub(open.text.len());
        if open.lines > 0 && room > 0 {
            open.text.push(b'\n');
        }
        open.text.extend_from_slice(text.get(..room.saturating_sub(1)).unwrap_or(text));
        open.lines = open.lines.saturating_add(1);
        if more && open.lines < MAX_REPLY_LINES {
            self.reply = Some(open);
            return false;
        }
        if more {
            out.anomaly(Anomaly::ReplyTooLong);
        }
        self.answer(&Answer { code, text: &open.text, time: seg.time }, out)
    }

    /// Takes a whole reply; true when what follows is TLS.
    fn answer(&mut self, answer: &Answer<'_>, out: &mut Sink<'_>) -> bool {
        if out.wants_messages() {
            out.message(&SmtpMessage {
                kind: "reply",
                code: Some(answer.code),
                reply: Some(TextRef(answer.text)),
                ..SmtpMessage::default()
            });
        }
        self.last = Some(answer.kept());
        let Some(what) = self.pending.pop_front() else {
            self.unasked_answer(answer, out);
            return false;
        };
        match what {
            Pending::Helo(name) => {
                if answer.is_good() {
                    // A greeting ends the mail before it; a refused one does not.
                    if let Some(mail) = self.mail.take() {
                        self.report(*mail, None, out);
                    }
                }
                if answer.is_good() || self.helo.is_none() {
                    self.helo = Some(name);
                }
            }
            Pending::Mail if !answer.is_good() => {
                if self.mail.as_ref().is_some_and(|mail| mail.count == 0 && !mail.begun)
                    && let Some(mail) = self.mail.take()
                {
                    self.report(*mail, Some(answer), out);
                }
            }
            Pending::Recipient if !answer.is_good() => {
                if let Some(mail) = &mut self.mail {
                    mail.rejected = mail.rejected.saturating_add(1);
                    mail.refusal = Some(answer.kept());
                }
            }
            Pending::Data if answer.code != 354 && self.mode == Mode::Data => {
                self.mode = Mode::Command;
                let dir = self.client.unwrap_or_default();
                self.lane(dir).restart();
                if let Some(mail) = self.mail.take() {
                    self.report(*mail, Some(answer), out);
                }
            }
            Pending::Chunk if !answer.is_good() => {
                if let Some(mail) = &mut self.mail {
                    mail.refusal = Some(answer.kept());
                }
            }
            Pending::Content(mail) => self.report(*mail, Some(answer), out),
            Pending::Reset(Some(mail)) => self.report(*mail, None, out),
            Pending::StartTls => {
                if answer.code == 220 {
                    return true;
                }
                self.starting_tls = false;
            }
            Pending::Auth => self.auth_answer(answer, out),
            _ => {}
        }
        false
    }

    fn unasked_answer(&mut self, answer: &Answer<'_>, out: &mut Sink<'_>) {
        if self.mode == Mode::Data {
            // The server holds the content to be complete.
            self.mode = Mode::Command;
            let dir = self.client.unwrap_or_default();
            self.lane(dir).restart();
            if let Some(mut mail) = self.mail.take() {
                mail.content.finish();
                self.report(*mail, Some(answer), out);
            }
            return;
        }
        if answer.code == 220 && self.server.is_none() {
            let (name, _) = split_word(answer.text.split(|&b| b == b'\n').next().unwrap_or(&[]));
            if is_host(name) {
                out.server_name(NameSource::Host, name);
            }
            self.server = (!name.is_empty()).then(|| text(name));
        }
        if !std::mem::take(&mut self.unasked) && answer.code != 421 {
            out.anomaly(Anomaly::ReplyWithoutCommand);
        }
    }

    fn auth_answer(&mut self, answer: &Answer<'_>, out: &mut Sink<'_>) {
        if answer.code == 334 {
            self.learn_ntlm(answer.text);
            return;
        }
        if self.mode == Mode::Auth {
            self.mode = Mode::Command;
        }
        self.authenticated = Some(answer.code == 235);
        if matches!(answer.code, 535 | 534 | 538) {
            out.anomaly(Anomaly::LoginFailed);
        }
    }

    /// Octets of one direction are missing.
    pub(super) fn lose(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) {
        if self.client != Some(dir) {
            self.lane(dir).lose();
            // Which replies are missing is not known: no later one may be given to a command that
            // it does not answer.
            self.reply = None;
            self.unasked = true;
            self.give_up_pending(out);
            return;
        }
        match self.mode {
            Mode::Data => {
                if let Some(mail) = &mut self.mail {
                    mail.content.lose(lost);
                }
                self.line_start = false;
                self.bare = false;
            }
            Mode::Chunk { left, last } if lost < left => {
                if let Some(mail) = &mut self.mail {
                    mail.content.lose(lost);
                }
                self.mode = Mode::Chunk { left: left.saturating_sub(lost), last };
            }
            Mode::Chunk { .. } | Mode::Command | Mode::Auth => {
                self.mode = Mode::Command;
                self.lane(dir).lose();
            }
        }
    }

    fn give_up_pending(&mut self, out: &mut Sink<'_>) {
        while let Some(what) = self.pending.pop_front() {
            match what {
                Pending::Content(mail) | Pending::Reset(Some(mail)) => {
                    self.report(*mail, None, out);
                }
                Pending::Helo(name) => self.helo = Some(name),
                _ => {}
            }
        }
    }

    /// What preceded TLS is told before it begins.
    fn secure(&mut self, out: &mut Sink<'_>) {
        self.tls = true;
        self.finish(out);
    }

    /// Reports what is there at the end of the session, or of its part in clear.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        self.give_up_pending(out);
        if let Some(mut mail) = self.mail.take() {
            mail.content.finish();
            self.report(*mail, None, out);
        }
        let said = self.server.is_some() || self.helo.is_some() || self.last.is_some();
        if self.mails == 0 && said && out.wants_transactions() {
            // Said once, also when the end follows the beginning of TLS.
            self.mails = 1;
            let record = self.session_record();
            out.transaction(self.start.unwrap_or_default(), record);
        }
    }

    /// What is known of the session.
    fn session_record(&self) -> SmtpTransaction {
        let login = self.login.as_ref();
        let (code, reply) = self.last.clone().unzip();
        SmtpTransaction {
            server: self.server.clone(),
            helo: self.helo.clone(),
            code,
            reply: reply.filter(|reply| !reply.is_empty()),
            auth_mechanism: login.map(|login| login.mechanism.clone()),
            user: login
                .and_then(|login| login.user.clone())
                .or_else(|| self.ntlm.as_ref().and_then(|ntlm| ntlm.user.clone())),
            ntlm: self.ntlm.clone(),
            authenticated: self.authenticated,
            clear_text: login.is_some_and(|login| login.clear_text),
            tls: self.tls,
            ..SmtpTransaction::default()
        }
    }

    fn report(&mut self, mail: Mail, answer: Option<&Answer<'_>>, out: &mut Sink<'_>) {
        self.mails = self.mails.saturating_add(1);
        if !out.wants_transactions() {
            return;
        }
        let since = |start: u64, end: u64| end.saturating_sub(start) / 1000;
        let said = answer.map(Answer::kept).or(mail.refusal);
        let status = match (answer, &said) {
            (Some(answer), _) if answer.is_good() => "accepted",
            (_, Some(_)) => "rejected",
            (_, None) => "aborted",
        };
        let (code, reply) = said.unzip();
        let content = mail.content;
        let record = SmtpTransaction {
            trans_depth: Some(self.mails),
            mail_from: Some(mail.from),
            rcpt_to: mail.recipients,
            recipients: mail.count,
            rejected: mail.rejected,
            from: content.from,
            to: content.to,
            cc: content.cc,
            reply_to: content.reply_to,
            subject: content.subject,
            message_id: content.message_id,
            in_reply_to: content.in_reply_to,
            date: content.date,
            user_agent: content.user_agent,
            content_type: content.content_type,
            attachments: content.attachments,
            size: mail.begun.then_some(content.size),
            announced_size: mail.announced,
            chunks: mail.chunks,
            pipelined: mail.pipelined,
            code,
            reply: reply.filter(|reply| !reply.is_empty()),
            status: Some(status),
            response_us: answer.and_then(|answer| Some(since(mail.ended?, answer.time))),
            duration_us: answer.map(|answer| since(mail.start, answer.time)),
            ..self.session_record()
        };
        out.transaction(mail.start, record);
    }
}
