//! Commands, their completions, and what a session learns from them.

use nf_fields::{ProtoId, Text, TextRef};

use super::message::{self, Response, literal, response, status, string};
use super::record::{ImapMessage, ImapTransaction};
use super::{Anomaly, Command, Imap, Lane, MAX_LINE, MAX_LITERAL, MAX_PENDING, MAX_TEXT};
use crate::lines::Part;
use crate::sasl::Login;
use crate::{Direction, Next, Segment, Sink, Step};

/// What follows STARTTLS.
const TLS: ProtoId = ProtoId(341);

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

fn some(octets: &[u8]) -> Option<TextRef<'_>> {
    (!octets.is_empty()).then_some(TextRef(octets))
}

/// Commands whose first argument is a mailbox.
fn names_mailbox(verb: &str) -> bool {
    matches!(
        verb,
        "SELECT"
            | "EXAMINE"
            | "CREATE"
            | "DELETE"
            | "RENAME"
            | "SUBSCRIBE"
            | "UNSUBSCRIBE"
            | "STATUS"
            | "APPEND"
            | "GETQUOTAROOT"
            | "SETACL"
            | "DELETEACL"
            | "GETACL"
            | "LISTRIGHTS"
            | "MYRIGHTS"
            | "GETMETADATA"
            | "SETMETADATA"
    )
}

impl Lane {
    /// Adds a piece of a line to what stands before it.
    fn add(&mut self, octets: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.front.len());
        self.front.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// Takes octets of a literal; returns how many.
    fn take_literal(&mut self, data: &[u8]) -> usize {
        let here = usize::try_from(self.literal).unwrap_or(usize::MAX).min(data.len());
        let octets = data.get(..here).unwrap_or_default();
        if self.keeps {
            // As a quoted string, which it could have been.
            for &b in octets {
                match b {
                    b'"' | b'\\' => self.add(&[b'\\', b]),
                    b'\r' | b'\n' | 0 => self.add(b" "),
                    _ => self.add(&[b]),
                }
            }
        }
        self.literal = self.literal.saturating_sub(here as u64);
        self.literals = self.literals.saturating_add(here as u64);
        if self.literal == 0 && self.keeps {
            self.add(b"\"");
        }
        here
    }

    /// A line that ends with a literal goes on behind it.
    fn begin_literal(&mut self, before: &[u8], length: u64, from_client: bool) {
        self.add(before);
        self.literal = length;
        self.keeps = from_client && length <= MAX_LITERAL;
        if self.keeps {
            self.add(b"\"");
            if length == 0 {
                self.add(b"\"");
            }
        }
    }
}

/// What a line leads to.
enum After {
    Same,
    Tls,
    Nothing,
}

impl Imap {
    pub(super) fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of lines and literals.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            let from_client = self.client.is_none_or(|client| client == seg.dir);
            let starting_tls = self.starting_tls;
            let lane = self.lane(seg.dir);
            if data.is_empty() {
                return Step::used(used);
            }
            if lane.literal > 0 {
                used = used.saturating_add(lane.take_literal(data));
                continue;
            }
            if starting_tls && matches!(data, [0x16, 3, ..]) {
                return Step::handover(used, Some(TLS));
            }
            let Some(line) = lane.lines.next(data, MAX_LINE) else {
                return Step::used(used);
            };
            used = used.saturating_add(line.taken);
            if line.part == Part::Start {
                out.anomaly(Anomaly::LineTooLong);
            }
            if line.part == Part::Rest {
                continue;
            }
            if line.part == Part::Whole
                && let Some((before, length)) = literal(line.text)
            {
                lane.begin_literal(before, length, from_client);
                continue;
            }
            let literals = std::mem::take(&mut lane.literals);
            let after = if lane.front.is_empty() {
                self.line(seg, line.text, literals, out)
            } else {
                lane.add(line.text);
                let whole = std::mem::take(&mut lane.front);
                self.line(seg, &whole, literals, out)
            };
            match after {
                After::Same => {}
                After::Tls => return Step::handover(used, Some(TLS)),
                After::Nothing => return Step { next: Next::Nobody, ..Step::used(used) },
            }
        }
    }

    fn line(&mut self, seg: &Segment<'_>, line: &[u8], literals: u64, out: &mut Sink<'_>) -> After {
        let client = *self.client.get_or_insert_with(|| match response(line) {
            Some(_) => seg.dir.reverse(),
            None => seg.dir,
        });
        if client == seg.dir {
            self.client_line(seg, line, literals, out);
            return After::Same;
        }
        self.server_line(seg, line, literals, out)
    }

    fn client_line(&mut self, seg: &Segment<'_>, line: &[u8], literals: u64, out: &mut Sink<'_>) {
        if let Some(last) = self.pending.back_mut() {
            match last.verb.as_str() {
                "IDLE" if line.eq_ignore_ascii_case(b"DONE") => return,
                // A line with a space is no response of a login.
                "AUTHENTICATE" if !line.contains(&b' ') => {
                    if let Some(login) = &mut last.login {
                        login.response(line.trim_ascii());
                        self.user = login.user.clone().or(self.user.take());
                    }
                    return;
                }
                _ => {}
            }
        }
        let Some(said) = message::command(line) else {
            if !line.trim_ascii().is_empty() {
                out.anomaly(Anomaly::CommandInvalid);
            }
            return;
        };
        if std::mem::take(&mut self.starting_tls) {
            out.anomaly(Anomaly::CommandAfterStartTls);
        }
        let (first, rest) = string(said.argument);
        let mut login = None;
        let argument = match said.verb.as_str() {
            "LOGIN" => {
                login = Some(Login::in_clear(Some(text(&first))));
                self.user = Some(text(&first));
                first.as_slice()
            }
            "AUTHENTICATE" => {
                let mut tried = Login::new(&first);
                tried.response(rest);
                self.user = tried.user.clone();
                login = Some(tried);
                first.as_slice()
            }
            "STARTTLS" => {
                self.starting_tls = true;
                said.argument
            }
            _ => said.argument,
        };
        if out.wants_messages() {
            out.message(&ImapMessage {
                kind: "command",
                tag: Some(TextRef(said.tag)),
                command: Some(TextRef(said.verb.as_bytes())),
                argument: some(argument),
                ..ImapMessage::default()
            });
        }
        let mailbox = names_mailbox(&said.verb).then(|| text(&first));
        self.pending.push_back(Command {
            tag: text(said.tag),
            argument: text(argument),
            verb: said.verb,
            mailbox,
            time: seg.time,
            literals_up: literals,
            login,
            ..Command::default()
        });
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::PipelineOverflow);
            if let Some(oldest) = self.pending.pop_front() {
                self.report(oldest, None, out);
            }
        }
    }

    fn server_line(
        &mut self,
        seg: &Segment<'_>,
        line: &[u8],
        literals: u64,
        out: &mut Sink<'_>,
    ) -> After {
        let Some(said) = response(line) else {
            if !line.trim_ascii().is_empty() {
                out.anomaly(Anomaly::ResponseInvalid);
            }
            return After::Same;
        };
        if out.wants_messages() {
            out.message(&message_of(&said));
        }
        if let Some(first) = self.pending.front_mut() {
            first.answered.get_or_insert(seg.time);
            first.literals_down = first.literals_down.saturating_add(literals);
        }
        match said {
            Response::Continue => After::Same,
            Response::Untagged { number, word, rest } => {
                self.untagged(seg, number, word, rest, out);
                After::Same
            }
            Response::Tagged { tag, status, text } => self.complete(seg, tag, status, text, out),
        }
    }

    fn untagged(
        &mut self,
        seg: &Segment<'_>,
        number: Option<u64>,
        word: &[u8],
        rest: &[u8],
        out: &mut Sink<'_>,
    ) {
        if !std::mem::replace(&mut self.greeted, true) && self.pending.is_empty() {
            if let (None, Some(status)) = (number, status(word)) {
                out.transaction(
                    seg.time,
                    ImapTransaction {
                        status: Some(status),
                        text: Some(text(rest)),
                        ..ImapTransaction::default()
                    },
                );
            }
            return;
        }
        let fetched = word.eq_ignore_ascii_case(b"FETCH");
        if word.eq_ignore_ascii_case(b"EXISTS") {
            self.exists = number;
        }
        if let Some(first) = self.pending.front_mut() {
            first.responses = first.responses.saturating_add(1);
            first.fetched = first.fetched.saturating_add(u32::from(fetched));
        }
    }

    fn complete(
        &mut self,
        seg: &Segment<'_>,
        tag: &[u8],
        status: &'static str,
        said: &[u8],
        out: &mut Sink<'_>,
    ) -> After {
        self.greeted = true;
        let position = self.pending.iter().position(|command| command.tag.as_bytes() == tag);
        let Some(command) = position.and_then(|at| self.pending.remove(at)) else {
            if !self.lossy {
                out.anomaly(Anomaly::UnaskedCompletion);
            }
            return After::Same;
        };
        let good = status == "OK";
        let after = match command.verb.as_str() {
            "STARTTLS" => {
                self.starting_tls = false;
                if good { After::Tls } else { After::Same }
            }
            "COMPRESS" if good => After::Nothing,
            "LOGIN" | "AUTHENTICATE" => {
                if good {
                    // No TLS can begin any more, and no other name be told.
                    out.settled();
                } else {
                    out.anomaly(Anomaly::LoginFailed);
                }
                After::Same
            }
            "SELECT" | "EXAMINE" => {
                self.mailbox = command.mailbox.clone().filter(|_| good);
                After::Same
            }
            "CLOSE" | "UNSELECT" if good => {
                self.mailbox = None;
                self.exists = None;
                After::Same
            }
            _ => After::Same,
        };
        self.report(command, Some((status, said, seg.time)), out);
        after
    }

    fn report(
        &mut self,
        command: Command,
        answer: Option<(&'static str, &[u8], u64)>,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_transactions() {
            return;
        }
        let since = |time: u64| time.saturating_sub(command.time) / 1000;
        let login = command.login.as_ref();
        let mechanism = login.map(|login| login.mechanism.clone());
        let start = command.time;
        out.transaction(
            start,
            ImapTransaction {
                tag: Some(command.tag),
                status: answer.map(|(status, ..)| status),
                text: answer.map(|(_, said, _)| text(said)).filter(|said| !said.is_empty()),
                user: login.and_then(|login| login.user.clone()).or_else(|| self.user.clone()),
                auth_mechanism: mechanism.filter(|mechanism| !mechanism.is_empty()),
                clear_text: login.is_some_and(|login| login.clear_text),
                mailbox: command.mailbox.or_else(|| self.mailbox.clone()),
                exists: self.exists,
                responses: command.responses,
                fetched: command.fetched,
                literal_bytes_up: command.literals_up,
                literal_bytes_down: command.literals_down,
                response_us: command.answered.map(since),
                duration_us: answer.map(|(.., time)| since(time)),
                argument: (!command.argument.is_empty()).then_some(command.argument),
                command: Some(Text::from(command.verb)),
            },
        );
    }

    /// Reports the commands that never completed.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        while let Some(command) = self.pending.pop_front() {
            self.report(command, None, out);
        }
    }
}

fn message_of<'a>(said: &Response<'a>) -> ImapMessage<'a> {
    match *said {
        Response::Continue => ImapMessage { kind: "continuation", ..ImapMessage::default() },
        Response::Untagged { number, word, rest } => ImapMessage {
            kind: "untagged",
            response: Some(TextRef(word)),
            number,
            status: status(word).filter(|_| number.is_none()),
            text: some(rest),
            ..ImapMessage::default()
        },
        Response::Tagged { tag, status, text } => ImapMessage {
            kind: "completion",
            tag: Some(TextRef(tag)),
            status: Some(status),
            text: some(text),
            ..ImapMessage::default()
        },
    }
}
