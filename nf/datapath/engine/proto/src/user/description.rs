//! A protocol of the user's as plain data: what both front ends, the decorator and the plugin
//! file, hand to the engine.

use serde::Deserialize;

/// See the module. Places are octets from the start of the protocol's header.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Description {
    /// Path word and filter word.
    pub name: String,
    /// Its number, 1 to 999.
    pub id: u16,
    /// One line for people.
    pub title: String,
    /// Where it was written, for messages.
    pub place: String,
    /// Octets that a message has at least.
    pub header: usize,
    /// How a stream falls into messages; without it every segment is one.
    pub frame: Option<Frame>,
    /// What carries it.
    pub parents: Vec<Parent>,
    /// Shapes of a first message, of which any one is enough; all octets of a shape must be there.
    pub patterns: Vec<Vec<Octets>>,
    /// What can be asked of a message.
    pub attributes: Vec<Attribute>,
    /// What comes after the header.
    pub next: Option<Next>,
}

/// A number in a header.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Number {
    /// Where it starts.
    pub offset: usize,
    /// Octets, 1 to 8.
    pub length: usize,
    /// Bits that belong to it; 0 means all.
    pub mask: u64,
    /// The least octet comes first.
    pub little: bool,
}

/// The length of a message: a number in it, and a constant.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Frame {
    /// The number.
    pub number: Number,
    /// What is added to it.
    pub add: i64,
}

/// A carrier.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Parent {
    /// `tcp`, `udp`, `sctp`, `ip` or `ethernet`.
    pub carrier: String,
    /// Ports of either side; of `ip` the protocol numbers, of `ethernet` the types.
    pub numbers: Vec<u16>,
    /// Lower goes first; a protocol of the user's goes before a built-in one of equal weight.
    pub weight: u8,
}

/// Octets at a place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Octets {
    /// Where.
    pub offset: usize,
    /// Which.
    pub value: Vec<u8>,
    /// Bits that count; empty means all.
    pub mask: Vec<u8>,
}

/// What can be asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Attribute {
    /// Its word.
    pub name: String,
    /// Its number within the protocol.
    pub id: u16,
    /// `uint`, `float`, `text`, `binary`, `mac` or `ip`.
    pub kind: String,
    /// Where it starts.
    pub offset: usize,
    /// How many octets; 0 means to the end of the message.
    pub length: usize,
    /// Bits of a number that belong to it; 0 means all.
    pub mask: u64,
    /// The least octet of a number comes first.
    pub little: bool,
    /// `packet`, `session`, `session-changing` or `event`.
    pub scope: String,
    /// One sentence.
    pub doc: String,
}

/// What comes after the header, by a number in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Next {
    /// The number.
    pub number: Number,
    /// What its values mean.
    pub cases: Vec<Case>,
    /// What any other value means.
    pub otherwise: Option<Case>,
}

/// A protocol and where it starts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Case {
    /// The number's value; of no meaning for the default.
    pub value: u64,
    /// Name of the protocol.
    pub protocol: String,
    /// Octets from the start of this header.
    pub offset: usize,
}
