//! Telnet (RFC 854, 855; RFC 1073, 1079, 1091, 1096, 1572, 2941, 2946). One transaction per
//! session: options, terminal, and who logged in, as far as prompts and answers show it.
//!
//! Bounds: negotiations of 512 octets, 64 options per side, 80 octets of the server's line, 64 of
//! the client's. Nothing else that is typed or shown is kept, and no password.
//!
//! After START_TLS the rest of the connection is handed to TLS; what is encrypted by Telnet's own
//! option is not read.

mod login;
mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId, Text, TextRef};

use crate::{
    Direction, Flow, Gap, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, anomalies, tcp,
};
use login::Logins;
use message::{
    DO, DONT, Piece, SB, WILL, WONT, command_name, option, option_name, piece, unescaped,
};
pub use record::{TelnetMessage, TelnetTransaction};

/// Longest negotiation that is read.
const MAX_NEGOTIATION: usize = 512;
/// Most options per side.
const MAX_OPTIONS: usize = 64;
/// Most octets of a text that is kept.
const MAX_TEXT: usize = 128;
/// What follows START_TLS.
const TLS: ProtoId = ProtoId(341);

anomalies! {
    /// What can be wrong with Telnet.
    pub enum Anomaly {
        /// An octet behind IAC that is no command, or a negotiation without end.
        MalformedCommand = "malformed_command",
        /// A login was refused.
        LoginFailed = "login_failed",
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// Options that this side performs.
    options: Vec<u8>,
    /// It encrypts what it sends.
    encrypts: bool,
    /// It has said that TLS follows.
    starts_tls: bool,
    data: u64,
}

/// A session.
pub struct Telnet {
    sides: [Side; 2],
    client: Option<Direction>,
    logins: Logins,
    record: Box<TelnetTransaction>,
    start: Option<u64>,
    end: u64,
}

impl Protocol for Telnet {
    const INFO: Info = Info {
        name: "telnet",
        id: ProtoId(357),
        title: "Telnet",
        spec: "RFC 854, RFC 855, RFC 1073, RFC 1079, RFC 1091, RFC 1096, RFC 1572, RFC 2941, RFC 2946",
        over: &[tcp(&[probe::PORT])],
        patterns: probe::PATTERNS,
        weight: 45,
        timeout: TimeoutClass::Long,
        max_pending: MAX_NEGOTIATION + 8,
        message: TelnetMessage::fields,
        transaction: TelnetTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(flow: &Flow) -> Self {
        let reversed = flow.initiator_port == probe::PORT && flow.responder_port != probe::PORT;
        Self {
            sides: Default::default(),
            client: Some(if reversed { Direction::Down } else { Direction::Up }),
            logins: Logins::default(),
            record: Box::default(),
            start: None,
            end: 0,
        }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        self.start.get_or_insert(seg.time);
        self.end = seg.time;
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            let side = self.side(seg.dir);
            if side.starts_tls && matches!(data, [0x16, 3, ..]) {
                self.record.tls = true;
                return Step::handover(used, Some(TLS));
            }
            if side.encrypts {
                side.data = side.data.saturating_add(data.len() as u64);
                return Step::all(seg);
            }
            let Some((found, taken)) = piece(data, MAX_NEGOTIATION) else {
                return Step::used(used);
            };
            used = used.saturating_add(taken);
            self.piece(seg.dir, &found, out);
        }
    }

    fn gap(&mut self, _dir: Direction, _lost: u64, _out: &mut Sink<'_>) -> Gap {
        self.logins.lose();
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        let Some(start) = self.start.take() else { return };
        let client = self.client.unwrap_or_default();
        let mut record = std::mem::take(&mut *self.record);
        let logins = std::mem::take(&mut self.logins);
        let names = |side: &Side| {
            side.options.iter().map(|&o| option_name(o).unwrap_or("unknown")).collect()
        };
        record.client_options = names(self.side(client));
        record.server_options = names(self.side(client.reverse()));
        record.data_bytes_up = self.side(client).data;
        record.data_bytes_down = self.side(client.reverse()).data;
        record.banner = logins.banner;
        record.user = logins.user.or(record.user);
        record.password_seen = logins.password_seen;
        record.clear_text = logins.password_seen;
        record.login_attempts = logins.attempts;
        record.login = logins.accepted.map(|good| if good { "accepted" } else { "rejected" });
        record.duration_us = self.end.saturating_sub(start) / 1000;
        out.transaction(start, record);
    }
}

impl Telnet {
    fn side(&mut self, dir: Direction) -> &mut Side {
        let [up, down] = &mut self.sides;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    fn piece(&mut self, dir: Direction, found: &Piece<'_>, out: &mut Sink<'_>) {
        let from_client = self.client == Some(dir);
        match *found {
            Piece::Data(data) => self.data(dir, data, out),
            Piece::Escaped => self.data(dir, &[0xff], out),
            Piece::Option { verb, option } => {
                self.tell(from_client, verb, Some(option), None, out);
                match verb {
                    WILL => self.performs(dir, option, true),
                    WONT => self.performs(dir, option, false),
                    // The other side may have offered it before; what it refuses is not performed.
                    DONT => self.performs(dir.reverse(), option, false),
                    DO => {}
                    _ => {}
                }
            }
            Piece::Negotiation { option, value } => {
                let value = unescaped(value);
                self.negotiation(dir, option, &value);
                let text = shown_value(option, &value).map(TextRef);
                self.tell(from_client, SB, Some(option), text, out);
            }
            Piece::Command(command) => self.tell(from_client, command, None, None, out),
            Piece::Malformed => out.anomaly(Anomaly::MalformedCommand),
        }
    }

    fn tell(
        &self,
        from_client: bool,
        command: u8,
        option: Option<u8>,
        value: Option<TextRef<'_>>,
        out: &mut Sink<'_>,
    ) {
        if out.wants_messages() {
            out.message(&TelnetMessage {
                from_client,
                command: command_name(command),
                option,
                option_name: option.and_then(option_name),
                value,
            });
        }
    }

    fn data(&mut self, dir: Direction, data: &[u8], out: &mut Sink<'_>) {
        let side = self.side(dir);
        side.data = side.data.saturating_add(data.len() as u64);
        if self.client == Some(dir) {
            // TLS is agreed on before anything is typed.
            out.settled();
            self.logins.typed(data);
        } else if self.logins.shown(data) {
            out.anomaly(Anomaly::LoginFailed);
        }
    }

    fn performs(&mut self, dir: Direction, option: u8, does: bool) {
        if does && option == option::AUTHENTICATION {
            self.record.authentication = true;
        }
        let options = &mut self.side(dir).options;
        options.retain(|&known| known != option);
        if does && options.len() < MAX_OPTIONS {
            options.push(option);
        }
    }

    fn negotiation(&mut self, dir: Direction, option: u8, value: &[u8]) {
        let kept = |value: &[u8]| (!value.is_empty()).then(|| Text::bounded(value, MAX_TEXT));
        match (option, value) {
            (option::TERMINAL_TYPE, [0, said @ ..]) => self.record.terminal_type = kept(said),
            (option::TERMINAL_SPEED, [0, said @ ..]) => self.record.terminal_speed = kept(said),
            (option::X_DISPLAY, [0, said @ ..]) => self.record.x_display = kept(said),
            (option::WINDOW_SIZE, &[a, b, c, d]) => {
                self.record.window_columns = Some(u16::from_be_bytes([a, b]));
                self.record.window_rows = Some(u16::from_be_bytes([c, d]));
            }
            (option::NEW_ENVIRON, [0 | 2, said @ ..]) => {
                if let Some(user) = variable(said, b"USER") {
                    self.record.user = kept(user);
                }
            }
            (option::ENCRYPT, [3, ..]) => {
                self.side(dir).encrypts = true;
                self.record.encrypted = true;
            }
            (option::START_TLS, [1, ..]) => self.side(dir).starts_tls = true,
            _ => {}
        }
    }
}

/// The text of a negotiation that tells something.
fn shown_value(option: u8, value: &[u8]) -> Option<&[u8]> {
    match (option, value) {
        (option::TERMINAL_TYPE | option::TERMINAL_SPEED | option::X_DISPLAY, [0, said @ ..]) => {
            Some(said)
        }
        _ => None,
    }
}

/// The value of a variable: 0 or 3 stands before a name, 1 before a value.
fn variable<'a>(list: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    list.split(|&b| b == 0 || b == 3).find_map(|entry| {
        let mut parts = entry.splitn(2, |&b| b == 1);
        let found = parts.next()? == name;
        parts.next().filter(|_| found)
    })
}
