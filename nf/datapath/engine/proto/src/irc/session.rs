//! Messages, and what a session learns from them.

use nf_fields::{ProtoId, Text, TextRef};

use super::message::{Message, offer, parse};
use super::record::{IrcMessage, IrcTransaction};
use super::{Anomaly, Irc, MAX_LINE, MAX_TEXT};
use crate::lines::{Lines, Part, has_word};
use crate::sasl::Login;
use crate::{Direction, NameSource, Segment, Sink, Step};

/// What follows STARTTLS.
const TLS: ProtoId = ProtoId(341);
/// The reply that begins TLS.
const RPL_STARTTLS: u16 = 670;

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

/// Whether the text of a message may be a password: what is said to the services that know users.
fn is_secret(found: &Message<'_>) -> bool {
    match found.command.as_str() {
        "PASS" | "OPER" | "AUTHENTICATE" => true,
        "PRIVMSG" | "SQUERY" | "NOTICE" => {
            let target = found.parameter(0).unwrap_or_default();
            has_word(target, b"Serv") || target.eq_ignore_ascii_case(b"Q") || {
                let said = found.last().unwrap_or_default();
                said.get(..9).is_some_and(|word| word.eq_ignore_ascii_case(b"IDENTIFY "))
            }
        }
        "NICKSERV" | "NS" | "CHANSERV" | "CS" => true,
        // The key of a channel.
        "JOIN" => found.parameters.len() > 1,
        _ => false,
    }
}

impl Irc {
    pub(super) fn lane(&mut self, dir: Direction) -> &mut Lines {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of lines.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            let Some(line) = self.lane(seg.dir).next(data, MAX_LINE) else {
                return Step::used(used);
            };
            used = used.saturating_add(line.taken);
            if line.part == Part::Start {
                out.anomaly(Anomaly::LineTooLong);
            }
            if line.part == Part::Rest || line.text.trim_ascii().is_empty() {
                continue;
            }
            let Some(found) = parse(line.text) else {
                out.anomaly(Anomaly::MalformedMessage);
                continue;
            };
            if self.message(seg, &found, out) {
                self.finish(out);
                return Step::handover(used, Some(TLS));
            }
        }
    }

    /// Takes a message; true when what follows is TLS.
    fn message(&mut self, seg: &Segment<'_>, found: &Message<'_>, out: &mut Sink<'_>) -> bool {
        let from_client = match self.client {
            Some(client) => client == seg.dir,
            None => {
                // Servers say who speaks, or address nobody by name.
                let asks = found.prefix.is_none()
                    && !matches!(found.command.as_str(), "NOTICE" | "ERROR" | "PING");
                self.client = Some(if asks { seg.dir } else { seg.dir.reverse() });
                asks
            }
        };
        let secret = is_secret(found);
        if out.wants_messages() {
            let targeted = found.parameters.len() > 1 || !found.trailing;
            out.message(&IrcMessage {
                from_client,
                prefix: found.prefix.map(TextRef),
                command: found.code().is_none().then_some(TextRef(found.command.as_bytes())),
                code: found.code(),
                target: found
                    .parameter(0)
                    .filter(|_| targeted && (!secret || found.command != "PASS"))
                    .filter(|_| found.command != "AUTHENTICATE")
                    .map(TextRef),
                text: found
                    .last()
                    .filter(|_| !secret && (found.parameters.len() > 1 || found.trailing))
                    .map(TextRef),
            });
        }
        if from_client {
            self.asked(seg, found, secret, out);
            return false;
        }
        self.told(seg, found, out)
    }

    fn asked(&mut self, seg: &Segment<'_>, found: &Message<'_>, secret: bool, out: &mut Sink<'_>) {
        let registering = !self.registration.reported;
        let first = found.parameter(0);
        match found.command.as_str() {
            "PING" | "PONG" => return,
            "CAP" | "STARTTLS" => {
                self.begin(seg.time);
                return;
            }
            "PASS" => {
                self.begin(seg.time);
                self.registration.login.get_or_insert_with(|| Login::in_clear(None));
                return;
            }
            "QUIT" if registering => self.registration.given_up = true,
            "AUTHENTICATE" => {
                self.begin(seg.time);
                let said = first.unwrap_or_default();
                match &mut self.registration.login {
                    Some(login) if !login.mechanism.is_empty() => login.response(said),
                    _ => self.registration.login = Some(Login::new(said)),
                }
                return;
            }
            "NICK" if registering => {
                self.begin(seg.time);
                self.nick = first.map(text);
                return;
            }
            "USER" if registering => {
                self.begin(seg.time);
                self.user = first.map(text);
                self.registration.real_name = found.last().filter(|_| found.trailing).map(text);
                return;
            }
            _ => {}
        }
        if !out.wants_transactions() {
            return;
        }
        let several = found.parameters.len() > 1;
        let mut record = IrcTransaction {
            command: Some(Text::from(found.command.as_str())),
            sender: self.nick.clone(),
            target: first.filter(|_| several || !found.trailing).map(text),
            text: found.last().filter(|_| !secret && (several || found.trailing)).map(text),
            clear_text: secret && found.command != "JOIN",
            ..self.known()
        };
        if found.command == "NICK" {
            self.nick = first.map(text);
        }
        offered(&mut record, found);
        out.transaction(seg.time, record);
    }

    fn begin(&mut self, time: u64) {
        if !std::mem::replace(&mut self.registration.begun, true) {
            self.registration.start = time;
        }
    }

    fn told(&mut self, seg: &Segment<'_>, found: &Message<'_>, out: &mut Sink<'_>) -> bool {
        if self.server.is_none()
            && let Some(name) = found.prefix.filter(|name| !name.contains(&b'!'))
        {
            if name.contains(&b'.') {
                out.server_name(NameSource::Host, name);
            }
            self.server = Some(text(name));
        }
        let code = found.code();
        match code {
            Some(RPL_STARTTLS) => return true,
            Some(1) => {
                self.nick = found.parameter(0).map(text).or(self.nick.take());
                self.answered(seg, found, out);
                // No TLS can begin any more.
                out.settled();
            }
            // Refusals: no nickname, a bad one, one in use, no registration, a password.
            Some(431..=433 | 436 | 437 | 451 | 462..=465 | 904 | 905) => {
                if matches!(code, Some(464 | 465 | 904)) {
                    out.anomaly(Anomaly::LoginFailed);
                }
                if !matches!(code, Some(451 | 462 | 904 | 905)) {
                    self.answered(seg, found, out);
                }
            }
            _ if found.command == "ERROR" => {
                // Some servers tell of a wrong password only so. Who gives up is told it, too.
                let open = self.registration.begun && !self.registration.reported;
                let asked = self.registration.login.is_some() && !self.registration.given_up;
                if open && asked {
                    out.anomaly(Anomaly::LoginFailed);
                }
                self.answered(seg, found, out);
            }
            _ if found.command == "NICK" => {
                let own = self.nick.as_ref().map(Text::as_bytes);
                if own.is_some() && found.nick() == own {
                    self.nick = found.parameter(0).map(text);
                }
            }
            _ => {
                let mut record = IrcTransaction {
                    command: Some(Text::from(found.command.as_str())),
                    sender: found.nick().map(text),
                    target: found.parameter(0).map(text),
                    ..self.known()
                };
                if offered(&mut record, found) {
                    out.transaction(seg.time, record);
                }
            }
        }
        false
    }

    /// A login has its answer.
    fn answered(&mut self, seg: &Segment<'_>, found: &Message<'_>, out: &mut Sink<'_>) {
        if !self.registration.begun || self.registration.reported {
            return;
        }
        let accepted = found.code() == Some(1);
        let mut record = self.login_record();
        record.code = found.code();
        record.reply = found.last().map(text);
        record.response_us = Some(seg.time.saturating_sub(self.registration.start) / 1000);
        out.transaction(self.registration.start, record);
        // After a refusal the client tries again.
        self.registration.reported = accepted;
        self.registration.begun = false;
    }

    fn known(&self) -> IrcTransaction {
        IrcTransaction {
            nick: self.nick.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            ..IrcTransaction::default()
        }
    }

    fn login_record(&self) -> IrcTransaction {
        let login = self.registration.login.as_ref();
        let mechanism = login.map(|login| login.mechanism.clone());
        let known = self.known();
        IrcTransaction {
            command: Some(Text::from("LOGIN")),
            user: login.and_then(|login| login.user.clone()).or(known.user),
            real_name: self.registration.real_name.clone(),
            sender: self.nick.clone(),
            auth_mechanism: mechanism.filter(|mechanism| !mechanism.is_empty()),
            clear_text: login.is_some_and(|login| login.clear_text),
            nick: known.nick,
            server: known.server,
            ..IrcTransaction::default()
        }
    }

    /// Reports a login without answer.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        if std::mem::take(&mut self.registration.begun) && !self.registration.reported {
            let record = self.login_record();
            out.transaction(self.registration.start, record);
        }
    }
}

/// Adds what is offered directly, if anything is.
fn offered(record: &mut IrcTransaction, found: &Message<'_>) -> bool {
    let Some(offer) = found.last().and_then(offer).filter(|_| found.command == "PRIVMSG") else {
        return false;
    };
    record.text = None;
    record.dcc_type = Some(text(offer.kind));
    record.dcc_file_name = (offer.kind == b"SEND").then(|| text(offer.file));
    record.dcc_file_size = offer.size;
    record.dcc_address = offer.address;
    record.dcc_port = offer.port;
    true
}
