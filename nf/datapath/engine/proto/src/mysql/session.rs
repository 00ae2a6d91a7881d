//! Packets in order: greeting, login, commands.

use nf_fields::TextRef;

use super::answer::Command;
use super::message::{self, Header, capability, command, string};
use super::record::{MysqlMessage, MysqlTransaction};
use super::{Login, Mysql, MysqlAnomaly, Phase};
use crate::postgres::statement;
use crate::{Cursor, Protocol, Segment, Sink, Step};

impl Mysql {
    /// A packet of the client; what was consumed is filled in by the caller.
    pub(super) fn of_client(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        match self.phase {
            Phase::Greeting | Phase::Login if header.sequence == 1 => {
                self.phase = Phase::Proof;
                return self.log_in(header, body, seg, out);
            }
            Phase::Proof => {
                if let Some(login) = &mut self.login {
                    login.record.password_seen |= login.record.asks_password() && !body.is_empty();
                }
                return Step::default();
            }
            // A session that began earlier.
            Phase::Greeting | Phase::Login => self.phase = Phase::Commands,
            Phase::Commands => {}
        }
        out.settled();
        // A file, and other answers to the server, go on in the numbers of the command.
        if header.sequence != 0 {
            self.commands.upload(header.length);
            return Step::default();
        }
        let Some((&code, rest)) = body.split_first() else {
            return Step::default();
        };
        let Some(word) = message::word(code) else {
            out.anomaly(MysqlAnomaly::UnknownCommand);
            return Step::default();
        };
        self.command(header, code, word, rest, seg, out)
    }

    fn log_in(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        let login = self.login.get_or_insert_with(|| Box::new(begun(seg.time)));
        let Some(said) = message::login(body) else {
            out.anomaly(MysqlAnomaly::MalformedLogin);
            return Step::default();
        };
        self.capabilities = said.capabilities;
        login.record.login(&said);
        login.record.password_seen |= login.record.asks_password();
        let kind = if said.asks_tls { "tls_request" } else { "login" };
        let shown = MysqlMessage {
            user: (!said.asks_tls).then_some(TextRef(said.user)),
            ..MysqlMessage::default()
        };
        tell(kind, header, shown, out);
        if said.asks_tls {
            self.report_login(None, out);
            return Step::handover(0, Some(crate::tls::Tls::INFO.id));
        }
        Step::default()
    }

    fn command(
        &mut self,
        header: &Header,
        code: u8,
        word: &'static str,
        rest: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        let mut c = Cursor::new(rest);
        let mut record = MysqlTransaction { command: word, ..MysqlTransaction::default() };
        let query = match code {
            command::QUERY => self.query(rest),
            command::PREPARE => Some(rest),
            _ => None,
        };
        if let Some(query) = query {
            record.statement(query);
        }
        if out.wants_messages() {
            let shown = query.filter(|query| !statement::kept(query).1);
            let said = MysqlMessage {
                command: Some(word),
                query: shown.map(TextRef),
                ..MysqlMessage::default()
            };
            tell("command", header, said, out);
        }
        match code {
            command::INIT_DB | 5 | 6 => record.name(rest),
            command::EXECUTE | command::BULK_EXECUTE | command::FETCH | command::RESET => {
                record.statement_id = message::u32(&mut c);
                if let Some(query) = record.statement_id.and_then(|id| self.commands.prepared(id)) {
                    record.statement(query);
                }
            }
            command::CLOSE | command::LONG_DATA => {
                record.statement_id = message::u32(&mut c);
                if let Some(id) = record.statement_id.filter(|_| code == command::CLOSE) {
                    self.commands.forget(id);
                }
            }
            command::CHANGE_USER => {
                self.change_user(rest, seg.time);
                return Step::default();
            }
            _ => {}
        }
        // These are not answered.
        if matches!(code, command::QUIT | command::CLOSE | command::LONG_DATA) {
            out.transaction(seg.time, record);
            return Step::default();
        }
        // What follows is the server's log, without end.
        if matches!(code, command::BINLOG_DUMP | command::BINLOG_DUMP_GTID) {
            out.transaction(seg.time, record);
            return Step::done();
        }
        if out.wants_transactions() {
            self.commands.ask(Command::new(code, seg.time, record), out);
        }
        Step::default()
    }

    /// The text of a query, which values may come before.
    fn query<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        if self.capabilities & capability::QUERY_ATTRIBUTES == 0 {
            // Of a session that began earlier it is not known.
            return Some(rest.strip_prefix(b"\0\x01").unwrap_or(rest));
        }
        let mut c = Cursor::new(rest);
        let (values, _sets) = (message::number(&mut c)?, message::number(&mut c)?);
        (values == 0).then_some(c.rest())
    }

    fn change_user(&mut self, rest: &[u8], time: u64) {
        let mut c = Cursor::new(rest);
        let mut login = begun(time);
        login.record.command = "change_user";
        let user = string(&mut c).unwrap_or_default();
        let _proof = c.prefixed_u8();
        let database = string(&mut c).filter(|name| !name.is_empty());
        let said = message::Login {
            user,
            database,
            capabilities: self.capabilities,
            ..Default::default()
        };
        login.record.login(&said);
        self.login = Some(Box::new(login));
        self.phase = Phase::Proof;
    }

    /// A packet of the server; what was consumed is filled in by the caller.
    pub(super) fn of_server(
        &mut self,
        header: &Header,
        body: &[u8],
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        if matches!(body.first(), Some(0xff))
            && let Some((code, _, words)) = message::error(body)
        {
            let said = MysqlMessage {
                error_code: Some(code),
                error: Some(TextRef(words)),
                ..MysqlMessage::default()
            };
            tell("error", header, said, out);
        }
        match self.phase {
            Phase::Greeting => self.greet(header, body, seg, out),
            Phase::Login => {}
            Phase::Proof => return self.believe(header, body, seg.time, out),
            Phase::Commands => {
                out.settled();
                self.commands.answer(body, header.length, seg.time, out);
            }
        }
        Step::default()
    }

    fn greet(&mut self, header: &Header, body: &[u8], seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut login = begun(seg.time);
        if let Some((code, state, words)) =
            message::error(body).filter(|_| body.first() == Some(&0xff))
        {
            login.record.failed(code, state, words);
            out.transaction(seg.time, login.record);
            return;
        }
        let Some(said) = message::greeting(body) else {
            out.anomaly(MysqlAnomaly::MalformedGreeting);
            return;
        };
        let shown =
            MysqlMessage { server_version: Some(TextRef(said.version)), ..MysqlMessage::default() };
        tell("greeting", header, shown, out);
        login.record.greeting(&said);
        self.login = Some(Box::new(login));
        self.phase = Phase::Login;
    }

    /// What the server makes of the proof.
    fn believe(&mut self, header: &Header, body: &[u8], time: u64, out: &mut Sink<'_>) -> Step {
        let Some(login) = &mut self.login else {
            self.phase = Phase::Commands;
            return Step::default();
        };
        match body.first() {
            Some(0) => {
                tell("ok", header, MysqlMessage::default(), out);
                login.record.success = Some(true);
            }
            Some(0xff) => {
                if let Some((code, state, words)) = message::error(body) {
                    login.record.failed(code, state, words);
                }
            }
            Some(0xfe) => {
                let plugin = body.get(1..).unwrap_or_default();
                let plugin = plugin.split(|&b| b == 0).next().unwrap_or_default();
                login.record.method(if plugin.is_empty() { b"mysql_old_password" } else { plugin });
                return Step::default();
            }
            _ => return Step::default(),
        }
        let packs = login.record.compressed == Some(true) && login.record.success == Some(true);
        self.report_login(Some(time), out);
        self.phase = Phase::Commands;
        out.settled();
        if packs { Step::done() } else { Step::default() }
    }
}

fn begun(start: u64) -> Login {
    let record = MysqlTransaction { command: "login", ..MysqlTransaction::default() };
    Login { start, record }
}

fn tell(kind: &'static str, header: &Header, said: MysqlMessage<'_>, out: &mut Sink<'_>) {
    if out.wants_messages() {
        let length = u32::try_from(header.length).unwrap_or(u32::MAX);
        out.message(&MysqlMessage { kind, sequence: header.sequence, length, ..said });
    }
}
