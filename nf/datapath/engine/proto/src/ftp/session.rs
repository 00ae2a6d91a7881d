//! Commands, their replies, and what a session learns from them.

use std::net::IpAddr;

use nf_fields::{ProtoId, Text, TextRef};

use super::data;
use super::message::{
    command, extended_passive, extended_port, host_port, number, quoted, reply, resolve,
};
use super::record::{FtpMessage, FtpTransaction};
use super::{
    Anomaly, Command, Endpoint, Ftp, MAX_PENDING, MAX_REPLY_LINES, MAX_TEXT, Reply, Status,
};
use crate::{Direction, Expectation, Flow, Segment, Sink};

/// What follows AUTH TLS.
pub(super) const TLS: ProtoId = ProtoId(341);

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

fn lent(text: &Option<Text>) -> Option<TextRef<'_>> {
    text.as_ref().map(|text| TextRef(text.as_bytes()))
}

/// Which way the data of a transfer go: 1 to the server, 2 to the client; and 1 for a file,
/// 2 for a listing.
fn transfer(verb: &str) -> Option<(u8, u8)> {
    match verb {
        "STOR" | "STOU" | "APPE" => Some((1, 1)),
        "RETR" => Some((2, 1)),
        "LIST" | "NLST" | "MLSD" => Some((2, 2)),
        _ => None,
    }
}

/// Whether the argument of a command is a path.
fn names_file(verb: &str) -> bool {
    transfer(verb).is_some()
        || matches!(
            verb,
            "DELE"
                | "SIZE"
                | "MDTM"
                | "MFMT"
                | "RNFR"
                | "RNTO"
                | "MKD"
                | "RMD"
                | "XMKD"
                | "XRMD"
                | "CWD"
                | "XCWD"
                | "MLST"
        )
}

/// The path in an argument: LIST may have options before it.
fn path_of<'a>(verb: &str, argument: &'a [u8]) -> &'a [u8] {
    let mut rest = argument;
    if matches!(verb, "LIST" | "NLST") {
        while rest.first() == Some(&b'-') {
            let end = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
        }
    }
    rest
}

/// A reply with all its lines.
pub(super) struct Answer<'a> {
    code: u16,
    text: &'a [u8],
    octets: u32,
    time: u64,
}

impl Ftp {
    /// Takes a line; true when what follows is TLS.
    pub(super) fn take_line(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) -> bool {
        let client = match self.client {
            Some(client) => client == seg.dir,
            None => {
                let replies = reply(line).is_some();
                let asks = !replies && command(line).is_some();
                if replies || asks {
                    self.client = Some(if asks { seg.dir } else { seg.dir.reverse() });
                }
                asks
            }
        };
        if client {
            self.take_command(seg, line, out);
            return false;
        }
        self.take_reply(seg, line, out)
    }

    fn take_command(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) {
        let Some(found) = command(line) else {
            if !line.trim_ascii().is_empty() {
                out.anomaly(Anomaly::CommandInvalid);
            }
            return;
        };
        let argument = text(found.argument);
        self.unasked = false;
        self.known.last_command = Some(Text::from(found.verb.as_str()));
        match found.verb.as_str() {
            "USER" => {
                self.known.user = Some(argument.clone());
                self.known.status = Status::UserNamed;
            }
            "PASS" => self.known.password = Some(argument.clone()),
            verb if names_file(verb) && !matches!(verb, "CWD" | "XCWD") => {
                let path = path_of(verb, found.argument);
                self.known.file_name = (!path.is_empty()).then(|| text(path));
            }
            _ => {}
        }
        if let Some((way, kind)) = transfer(&found.verb) {
            self.known.data_direction = Some(way);
            self.known.data_type = Some(kind);
        }
        if out.wants_messages() {
            let verb = found.verb.as_bytes();
            out.message(&FtpMessage {
                packet_type: 1,
                command: Some(TextRef(verb)),
                argument: (!found.argument.is_empty()).then_some(TextRef(found.argument)),
                packet_payload_len: u32::try_from(line.len()).unwrap_or(u32::MAX),
                ..self.message(seg.flow)
            });
        }
        self.pending.push_back(Command {
            verb: found.verb,
            argument,
            time: seg.time,
            answered: None,
            endpoint: None,
        });
        if self.pending.len() > MAX_PENDING {
            out.anomaly(Anomaly::PipelineOverflow);
            let oldest = self.pending.pop_front();
            self.report(oldest, None, 0, out);
        }
    }

    fn take_reply(&mut self, seg: &Segment<'_>, line: &[u8], out: &mut Sink<'_>) -> bool {
        let found = reply(line);
        let octets = u32::try_from(line.len()).unwrap_or(u32::MAX);
        let Some(mut open) = self.reply.take() else {
            let Some(found) = found else {
                if !line.trim_ascii().is_empty() {
                    out.anomaly(Anomaly::ReplyInvalid);
                }
                return false;
            };
            if found.more {
                let text = found.text.get(..MAX_TEXT).unwrap_or(found.text).to_vec();
                let (code, start) = (found.code, seg.time);
                self.reply = Some(Reply { code, text, lines: 1, octets, start });
                return false;
            }
            let answer = Answer { code: found.code, text: found.text, octets, time: seg.time };
            return self.take_answer(seg, &answer, out);
        };
        let last = found.is_some_and(|found| found.code == open.code && !found.more);
        let said = match found {
            Some(found) if found.code == open.code => found.text,
            _ => line.trim_ascii(),
        };
        if open.text.len() < MAX_TEXT && !said.is_empty() {
            if !open.text.is_empty() {
                open.text.push(b'\n');
            }
            let room = MAX_TEXT.saturating_sub(open.text.len());
            open.text.extend_from_slice(said.get(..room).unwrap_or(said));
        }
        open.lines = open.lines.saturating_add(1);
        open.octets = open.octets.saturating_add(octets);
        if !last && open.lines < MAX_REPLY_LINES {
            self.reply = Some(open);
            return false;
        }
        if !last {
            out.anomaly(Anomaly::ReplyTooLong);
        }
        let Reply { code, text, octets, start, .. } = open;
        self.take_answer(seg, &Answer { code, text: &text, octets, time: start }, out)
    }

    fn take_answer(&mut self, seg: &Segment<'_>, answer: &Answer<'_>, out: &mut Sink<'_>) -> bool {
        self.known.last_code = Some(answer.code);
        let preliminary = answer.code < 200;
        if let Some(command) = self.pending.front_mut()
            && command.answered.is_none()
        {
            command.answered = Some(answer.time);
            command.endpoint = self.known.endpoint.filter(|_| transfer(&command.verb).is_some());
        }
        if preliminary {
            if let Some(command) = self.pending.front()
                && transfer(&command.verb).is_some()
            {
                self.known.status = Status::Transferring;
                if command.verb == "STOU" {
                    self.name_unique(answer.text);
                }
            }
            self.tell_answer(seg.flow, answer, out);
            return false;
        }
        let command = self.pending.pop_front();
        if command.is_none() && !std::mem::take(&mut self.unasked) && answer.code != 421 {
            out.anomaly(Anomaly::ReplyWithoutCommand);
        }
        let secured = match &command {
            Some(command) => self.learn(seg, command, answer, out),
            None => false,
        };
        if answer.code == 421 {
            self.known.status = Status::Leaving;
        }
        self.tell_answer(seg.flow, answer, out);
        let moved = command.as_ref().is_some_and(|command| transfer(&command.verb).is_some());
        self.report(command, Some(answer), answer.time, out);
        if moved {
            // Each data connection serves one transfer.
            self.known.endpoint = None;
        }
        secured
    }

    /// What the final reply to a command tells of the session; true when TLS follows.
    fn learn(
        &mut self,
        seg: &Segment<'_>,
        command: &Command,
        answer: &Answer<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let good = (200..400).contains(&answer.code);
        let argument = command.argument.as_bytes();
        match command.verb.as_str() {
            "USER" | "PASS" | "ACCT" => match answer.code {
                230 | 232 => self.known.status = Status::LoggedIn,
                430 | 530 => {
                    self.known.status = Status::Connected;
                    out.anomaly(Anomaly::LoginFailed);
                }
                _ => {}
            },
            "AUTH" if answer.code == 234 => return true,
            "QUIT" => self.known.status = Status::Leaving,
            "REIN" if good => {
                self.known.user = None;
                self.known.password = None;
                self.known.status = Status::Connected;
            }
            "PWD" | "XPWD" | "MKD" | "XMKD" if answer.code == 257 => {
                let named = quoted(answer.text).filter(|_| command.verb.ends_with("PWD"));
                if let Some(name) = named {
                    self.known.directory = Some(text(&name));
                }
            }
            "CWD" | "XCWD" if good => self.change_directory(argument),
            "CDUP" | "XCUP" if good => self.change_directory(b".."),
            "TYPE" if good => self.known.transfer_type = Some(command.argument.clone()),
            "SYST" if answer.code == 215 => self.known.system = Some(text(answer.text)),
            "FEAT" if answer.code == 211 => self.known.features = Some(text(answer.text)),
            "SIZE" if answer.code == 213 => self.known.file_size = number(answer.text.trim_ascii()),
            "MDTM" if answer.code == 213 => {
                self.known.file_last_modified = Some(text(answer.text));
            }
            "PORT" | "EPRT" if good => {
                let place = match command.verb.as_str() {
                    "PORT" => host_port(argument),
                    _ => extended_port(argument),
                };
                self.await_data(seg.flow, place, false, out);
            }
            "PASV" if answer.code == 227 => {
                self.await_data(seg.flow, host_port(answer.text), true, out);
            }
            "EPSV" if answer.code == 229 => {
                let server = self.address(seg.flow, false);
                let place = extended_passive(answer.text).map(|port| (server, port));
                self.await_data(seg.flow, place, true, out);
            }
            "STOU" => {
                self.name_unique(answer.text);
                self.known.status = Status::LoggedIn;
            }
            verb if transfer(verb).is_some() => self.known.status = Status::LoggedIn,
            _ => {}
        }
        false
    }

    /// RFC 1123 §4.1.2.9: the server says which name it chose for STOU.
    fn name_unique(&mut self, said: &[u8]) {
        let mark = said.windows(5).position(|part| part.eq_ignore_ascii_case(b"FILE:"));
        if let Some(name) = mark.and_then(|at| said.get(at.saturating_add(5)..)) {
            self.known.file_name = Some(text(name.trim_ascii()));
        }
    }

    fn change_directory(&mut self, path: &[u8]) {
        let from = self.known.directory.as_ref().map(Text::as_bytes);
        if from.is_some() || path.starts_with(b"/") {
            let whole = resolve(from.unwrap_or_default(), path, MAX_TEXT);
            self.known.directory = Some(Text::from(whole));
        }
    }

    /// The address of the client or of the server.
    fn address(&self, flow: &Flow, client: bool) -> IpAddr {
        let up = self.client.unwrap_or(Direction::Up) == Direction::Up;
        if up == client { flow.initiator } else { flow.responder }
    }

    /// A data connection will be made to `place`.
    fn await_data(
        &mut self,
        flow: &Flow,
        place: Option<(IpAddr, u16)>,
        passive: bool,
        out: &mut Sink<'_>,
    ) {
        let Some((address, port)) = place else {
            out.anomaly(Anomaly::DataAddressInvalid);
            return;
        };
        self.known.endpoint = Some(Endpoint { address, port, passive });
        out.expect(Expectation { address, port, proto: data::ID });
        let own = self.address(flow, !passive);
        if own != address {
            out.anomaly(match passive {
                true => Anomaly::PassiveAddressForeign,
                false => Anomaly::PortBounce,
            });
            // A translated address: the connection goes to where the control connection does.
            out.expect(Expectation { address: own, port, proto: data::ID });
        }
    }

    fn message<'a>(&'a self, flow: &Flow) -> FtpMessage<'a> {
        let up = self.client.unwrap_or(Direction::Up) == Direction::Up;
        let (client_port, server_port) = match up {
            true => (flow.initiator_port, flow.responder_port),
            false => (flow.responder_port, flow.initiator_port),
        };
        let known = &self.known;
        let at_server = known.endpoint.filter(|endpoint| endpoint.passive);
        let at_client = known.endpoint.filter(|endpoint| !endpoint.passive);
        FtpMessage {
            session_connection_type: 1,
            server_control_addr: Some(self.address(flow, false)),
            server_control_port: server_port,
            client_control_addr: Some(self.address(flow, true)),
            client_control_port: client_port,
            user: lent(&known.user),
            password: lent(&known.password),
            features: lent(&known.features),
            system: lent(&known.system),
            status: known.status as u16,
            last_command: lent(&known.last_command),
            last_response_code: known.last_code,
            directory: lent(&known.directory),
            server_data_addr: at_server.map(|endpoint| endpoint.address),
            server_data_port: at_server.map(|endpoint| endpoint.port),
            client_data_addr: at_client.map(|endpoint| endpoint.address),
            client_data_port: at_client.map(|endpoint| endpoint.port),
            data_type: known.data_type,
            transfer_type: lent(&known.transfer_type),
            session_mode: known.endpoint.map(|endpoint| if endpoint.passive { 2 } else { 1 }),
            data_direction: known.data_direction,
            file_name: lent(&known.file_name),
            file_size: known.file_size,
            file_last_modified: lent(&known.file_last_modified),
            ..FtpMessage::default()
        }
    }

    fn tell_answer(&self, flow: &Flow, answer: &Answer<'_>, out: &mut Sink<'_>) {
        if out.wants_messages() {
            out.message(&FtpMessage {
                packet_type: 2,
                code: Some(answer.code),
                reply: Some(TextRef(answer.text)),
                packet_payload_len: answer.octets,
                ..self.message(flow)
            });
        }
    }

    /// Reports a command with its final reply, or what there is of the two.
    pub(super) fn report(
        &mut self,
        command: Option<Command>,
        answer: Option<&Answer<'_>>,
        time: u64,
        out: &mut Sink<'_>,
    ) {
        if !out.wants_transactions() {
            return;
        }
        let start = command.as_ref().map_or(time, |command| command.time);
        let mut record = FtpTransaction {
            code: answer.map(|answer| answer.code),
            reply: answer.filter(|answer| !answer.text.is_empty()).map(|answer| text(answer.text)),
            user: self.known.user.clone(),
            directory: self.known.directory.clone(),
            ..FtpTransaction::default()
        };
        if let Some(command) = command {
            self.fill(&mut record, command, answer);
        }
        out.transaction(start, record);
    }

    fn fill(&self, record: &mut FtpTransaction, command: Command, answer: Option<&Answer<'_>>) {
        let since = |time: u64| time.saturating_sub(command.time) / 1000;
        record.response_us = command.answered.map(since);
        record.duration_us = answer.map(|answer| since(answer.time));
        let verb = command.verb.as_str();
        let announced = matches!(verb, "PORT" | "EPRT" | "PASV" | "EPSV")
            && answer.is_some_and(|answer| answer.code < 300);
        let endpoint = if announced { self.known.endpoint } else { command.endpoint };
        if let Some(endpoint) = endpoint {
            record.data_address = Some(endpoint.address);
            record.data_port = Some(endpoint.port);
            record.mode = Some(if endpoint.passive { "passive" } else { "active" });
        }
        if verb == "STOU" {
            record.file = self.known.file_name.clone();
        } else if names_file(verb) {
            let path = path_of(verb, command.argument.as_bytes());
            record.file = (!path.is_empty()).then(|| text(path));
        }
        let shown = !matches!(verb, "PASS" | "ACCT") && !command.argument.is_empty();
        record.argument = shown.then_some(command.argument);
        record.command = Some(Text::from(command.verb));
    }
}
