//! What syslog reports: each message, once as it goes by and once to keep.

use nf_fields::{Fields, Text, TextRef};

use super::MAX_TEXT;
use super::message::{Message, facility, severity};

/// A message as it goes by.
#[derive(Debug, Default, Fields)]
pub struct SyslogMessage<'a> {
    /// Facility and severity as one number.
    pub priority: u8,
    /// What kind of program speaks: `kern`, `mail`, `local0`…
    pub facility: &'static str,
    /// How grave it is: `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug`.
    pub severity: &'static str,
    /// 1 for the form of RFC 5424; absent for the one before.
    pub version: Option<u8>,
    /// When it was written, as sent.
    pub timestamp: Option<TextRef<'a>>,
    /// Machine that wrote it.
    pub host: Option<TextRef<'a>>,
    /// Program that wrote it.
    pub app_name: Option<TextRef<'a>>,
    /// Process that wrote it.
    pub proc_id: Option<TextRef<'a>>,
    /// Kind of message.
    pub msg_id: Option<TextRef<'a>>,
    /// Structured data, as sent.
    pub structured_data: Option<TextRef<'a>>,
    /// Text.
    pub message: Option<TextRef<'a>>,
}

/// A message.
#[derive(Debug, Default, Fields)]
pub struct SyslogTransaction {
    /// Facility and severity as one number.
    pub priority: u8,
    /// What kind of program speaks: `kern`, `mail`, `local0`…
    pub facility: &'static str,
    /// How grave it is: `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug`.
    pub severity: &'static str,
    /// 1 for the form of RFC 5424; absent for the one before.
    pub version: Option<u8>,
    /// When it was written, as sent.
    pub timestamp: Option<Text>,
    /// Machine that wrote it.
    pub host: Option<Text>,
    /// Program that wrote it.
    pub app_name: Option<Text>,
    /// Process that wrote it.
    pub proc_id: Option<Text>,
    /// Kind of message.
    pub msg_id: Option<Text>,
    /// Structured data, as sent.
    pub structured_data: Option<Text>,
    /// Text.
    pub message: Option<Text>,
}

pub(super) fn message<'a>(found: &Message<'a>) -> SyslogMessage<'a> {
    SyslogMessage {
        priority: found.priority,
        facility: facility(found.priority),
        severity: severity(found.priority),
        version: found.version,
        timestamp: found.timestamp.map(TextRef),
        host: found.host.map(TextRef),
        app_name: found.app.map(TextRef),
        proc_id: found.process.map(TextRef),
        msg_id: found.id.map(TextRef),
        structured_data: found.data.map(TextRef),
        message: Some(found.text).filter(|text| !text.is_empty()).map(TextRef),
    }
}

pub(super) fn transaction(found: &Message<'_>) -> SyslogTransaction {
    let kept = |octets: Option<&[u8]>| octets.map(|octets| Text::bounded(octets, MAX_TEXT));
    SyslogTransaction {
        priority: found.priority,
        facility: facility(found.priority),
        severity: severity(found.priority),
        version: found.version,
        timestamp: kept(found.timestamp),
        host: kept(found.host),
        app_name: kept(found.app),
        proc_id: kept(found.process),
        msg_id: kept(found.id),
        structured_data: kept(found.data),
        message: kept(Some(found.text).filter(|text| !text.is_empty())),
    }
}
