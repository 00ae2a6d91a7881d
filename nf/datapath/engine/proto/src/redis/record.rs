//! What Redis reports: values as they go by, and one record per command with its reply.

use nf_fields::{Fields, Text, TextRef};

use super::message::Value;

/// Most octets of an argument or reply that a record keeps.
const MAX_TEXT: usize = 256;
/// Most arguments that a record keeps.
const MAX_ARGUMENTS: usize = 4;

/// A command, a reply or a push.
#[derive(Debug, Default, Fields)]
pub struct RedisMessage<'a> {
    /// What it is: command, reply or push.
    pub kind: &'static str,
    /// Name of a command, upper case.
    pub command: Option<TextRef<'a>>,
    /// Key that a command is about.
    pub key: Option<TextRef<'a>>,
    /// Type of a reply or push.
    pub value_type: Option<&'static str>,
    /// Items of an aggregate; words of a command.
    pub items: u64,
    /// Octets of it.
    pub length: u64,
    /// What a reply says is wrong.
    pub error: Option<TextRef<'a>>,
}

/// A command and its reply, or what the server says unasked.
#[derive(Debug, Default, Fields)]
pub struct RedisTransaction {
    /// Name of the command, upper case; absent of what the server says unasked.
    pub command: Option<Text>,
    /// Key that the command is about; the channel of a push.
    pub key: Option<Text>,
    /// The first arguments; never those that hold passwords.
    pub arguments: Option<Vec<Text>>,
    /// Words of the command besides its name.
    pub argument_count: Option<u64>,
    /// User that logs in.
    pub username: Option<Text>,
    /// A password was sent in clear; it is not kept.
    pub password_seen: bool,
    /// The command was sent as a line of words.
    pub inline: Option<bool>,
    /// Type of the reply: string, error, integer, bulk, array, map, push and so on.
    pub reply_type: Option<&'static str>,
    /// A simple reply, at most 256 octets of it.
    pub reply: Option<Text>,
    /// Items of a reply that is an aggregate.
    pub reply_items: Option<u64>,
    /// First word of an error: ERR, WRONGTYPE, NOAUTH and so on.
    pub error_code: Option<Text>,
    /// What the server says is wrong.
    pub error: Option<Text>,
    /// Whether the server did it; absent when it did not answer.
    pub success: Option<bool>,
    /// Octets of the command.
    pub request_length: Option<u64>,
    /// Octets of the reply.
    pub response_length: Option<u64>,
    /// Time from command to reply.
    pub response_us: Option<u64>,
}

/// The word for a type.
pub(super) fn type_word(value: &Value) -> &'static str {
    match value.kind {
        _ if value.null => "null",
        b'+' => "string",
        b'-' | b'!' => "error",
        b':' => "integer",
        b'$' => "bulk",
        b'=' => "verbatim",
        b',' => "double",
        b'(' => "big_number",
        b'#' => "boolean",
        b'*' => "array",
        b'%' => "map",
        b'~' => "set",
        b'>' => "push",
        _ => "other",
    }
}

/// Whether a reply is an error.
pub(super) fn is_error(value: &Value) -> bool {
    matches!(value.kind, b'-' | b'!') && !value.null
}

/// Commands whose first argument is no key.
const KEYLESS: &[&[u8]] = &[
    b"ACL",
    b"ASKING",
    b"AUTH",
    b"BGREWRITEAOF",
    b"BGSAVE",
    b"CLIENT",
    b"CLUSTER",
    b"COMMAND",
    b"CONFIG",
    b"DBSIZE",
    b"DEBUG",
    b"DISCARD",
    b"ECHO",
    b"EVAL",
    b"EVALSHA",
    b"EVALSHA_RO",
    b"EVAL_RO",
    b"EXEC",
    b"FAILOVER",
    b"FCALL",
    b"FCALL_RO",
    b"FLUSHALL",
    b"FLUSHDB",
    b"FUNCTION",
    b"HELLO",
    b"INFO",
    b"KEYS",
    b"LASTSAVE",
    b"LATENCY",
    b"LOLWUT",
    b"MEMORY",
    b"MIGRATE",
    b"MODULE",
    b"MONITOR",
    b"MULTI",
    b"OBJECT",
    b"PING",
    b"PSUBSCRIBE",
    b"PSYNC",
    b"PUBSUB",
    b"PUNSUBSCRIBE",
    b"QUIT",
    b"RANDOMKEY",
    b"READONLY",
    b"READWRITE",
    b"REPLCONF",
    b"REPLICAOF",
    b"RESET",
    b"ROLE",
    b"SAVE",
    b"SCAN",
    b"SCRIPT",
    b"SELECT",
    b"SHUTDOWN",
    b"SLAVEOF",
    b"SLOWLOG",
    b"SWAPDB",
    b"SYNC",
    b"TIME",
    b"UNWATCH",
    b"WAIT",
    b"WAITAOF",
    b"XGROUP",
    b"XINFO",
    b"XREAD",
    b"XREADGROUP",
    b"BITOP",
    b"LMPOP",
    b"ZMPOP",
    b"BLMPOP",
    b"BZMPOP",
    b"SINTERCARD",
    b"ZINTERCARD",
    b"ZDIFF",
    b"ZINTER",
    b"ZUNION",
];

/// The key that a command of that name is about.
pub(super) fn key<'a>(name: &[u8], command: &'a Value) -> Option<&'a [u8]> {
    let first = command.texts.get(1).map(Vec::as_slice)?;
    (!KEYLESS.contains(&name)).then_some(first)
}

fn same(word: &[u8], other: &[u8]) -> bool {
    word.eq_ignore_ascii_case(other)
}

/// Arguments that hold a password: from which on nothing is kept, and whose password it is.
fn secret(name: &[u8], command: &Value) -> Option<(usize, Option<usize>)> {
    let behind = |word: &[u8]| {
        let at = command.texts.iter().skip(1).position(|text| same(text, word))?;
        Some(at.saturating_add(2))
    };
    match name {
        b"AUTH" => Some((1, (command.items > 2).then_some(1))),
        b"HELLO" => behind(b"AUTH").map(|at| (at, Some(at))),
        b"MIGRATE" => {
            let plain = behind(b"AUTH").map(|at| (at, None));
            plain.or_else(|| behind(b"AUTH2").map(|at| (at, Some(at))))
        }
        b"CONFIG" if same(command.text(1), b"SET") => {
            let holds = |text: &Vec<u8>| {
                let word = text.to_ascii_lowercase();
                word.windows(4).any(|w| w == b"pass" || w == b"auth")
            };
            command.texts.iter().skip(2).any(holds).then_some((2, None))
        }
        b"ACL" if same(command.text(1), b"SETUSER") => {
            let holds = |text: &Vec<u8>| matches!(text.first(), Some(b'>' | b'<' | b'#' | b'!'));
            command.texts.iter().skip(3).any(holds).then_some((3, Some(2)))
        }
        _ => None,
    }
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

impl RedisTransaction {
    /// The record that a command of that name begins.
    pub(super) fn ask(name: &[u8], command: &Value) -> Self {
        let secret = secret(name, command);
        let shown = secret.map_or(usize::MAX, |(from, _)| from);
        let kept = command.texts.iter().enumerate().skip(1).take(MAX_ARGUMENTS);
        let arguments: Vec<_> =
            kept.filter(|(at, _)| *at < shown).map(|(_, octets)| text(octets)).collect();
        Self {
            command: Some(text(name)),
            key: key(name, command).map(text),
            arguments: (!arguments.is_empty()).then_some(arguments),
            argument_count: Some(command.items.saturating_sub(1)),
            username: secret.and_then(|(_, user)| command.texts.get(user?)).map(|u| text(u)),
            password_seen: secret.is_some(),
            inline: (command.kind == 0).then_some(true),
            request_length: Some(command.octets),
            ..Self::default()
        }
    }

    /// Adds the reply; what an aggregate holds is not shown.
    pub(super) fn answer(&mut self, reply: &Value) {
        self.reply_type = Some(type_word(reply));
        self.response_length = Some(reply.octets);
        self.success = Some(!is_error(reply));
        if is_error(reply) {
            let words = reply.text(0);
            let code = words.split(|&b| b == b' ').next().unwrap_or_default();
            self.error_code = Some(text(code));
            self.error = Some(text(words));
        } else if reply.is_aggregate() {
            self.reply_items = Some(reply.items);
        } else if !reply.null {
            self.reply = Some(text(reply.text(0)));
        }
    }
}
