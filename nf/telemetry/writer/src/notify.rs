//! SubscribeResponses: headers around the updates of a picture.

use crate::picture::{Leaf, Picture};
use crate::wire;

/// Updates and deletes in one Notification at most; 100 and more cost next to nothing each.
pub const MAX_UPDATES: usize = 1000;

/// Octets of one Notification at most, about; clients accept 4 MiB unless told otherwise.
pub const MAX_OCTETS: usize = 1 << 20;

/// What is left to tell a slow subscriber: path, field `val`, and how many values were left out.
pub type Newest<'n> = (&'n [u8], &'n [u8], u64);

/// Fills messages up, one after the other.
pub(crate) struct Messages<'m> {
    prefix: &'m [u8],
    timestamp: i64,
    made: Vec<Vec<u8>>,
    parts: Vec<u8>,
    count: usize,
}

impl<'m> Messages<'m> {
    /// With the octets of a prefix; time in nanoseconds since 1970.
    pub(crate) fn new(prefix: &'m [u8], timestamp: i64) -> Self {
        Self::with_room(prefix, timestamp, 0)
    }

    /// The same, for about so many octets.
    pub(crate) fn with_room(prefix: &'m [u8], timestamp: i64, octets: usize) -> Self {
        let parts = Vec::with_capacity(octets.min(MAX_OCTETS));
        Self { prefix, timestamp, made: Vec::new(), parts, count: 0 }
    }

    /// A path that is gone.
    pub(crate) fn delete(&mut self, path: &[u8]) {
        wire::sized(&mut self.parts, 0x2A, path);
        self.counted();
    }

    /// The field `update` as it stands.
    pub(crate) fn update(&mut self, field: &[u8]) {
        self.parts.extend_from_slice(field);
        self.counted();
    }

    /// An update out of its parts.
    pub(crate) fn newest(&mut self, (path, value, left_out): Newest<'_>) {
        wire::wrapped(&mut self.parts, 0x22, |out| {
            wire::sized(out, 0x0A, path);
            out.extend_from_slice(value);
            if left_out > 0 {
                out.push(0x20);
                wire::varint(out, left_out);
            }
        });
        self.counted();
    }

    fn counted(&mut self) {
        self.count += 1;
        if self.count >= MAX_UPDATES || self.parts.len() >= MAX_OCTETS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.count > 0 {
            self.made.push(response(self.timestamp, self.prefix, &self.parts, false));
            self.parts.clear();
            self.count = 0;
        }
    }

    /// All messages.
    pub(crate) fn done(mut self) -> Vec<Vec<u8>> {
        self.flush();
        self.made
    }
}

/// A container as a whole: it replaces all that was known below it.
pub(crate) fn atomic(
    prefix: &[u8],
    timestamp: i64,
    group_path: &[u8],
    picture: &Picture,
    leaves: impl Iterator<Item = Leaf>,
) -> Vec<u8> {
    let mut parts = Vec::new();
    for leaf in leaves {
        // A path below the group begins with the group's.
        let path = &picture.path(leaf)[group_path.len()..];
        let value = picture.value(leaf);
        wire::head(&mut parts, 0x22, wire::sized_size(path.len()) + value.len());
        wire::sized(&mut parts, 0x0A, path);
        parts.extend_from_slice(value);
    }
    response(timestamp, &[prefix, group_path].concat(), &parts, true)
}

fn response(timestamp: i64, prefix: &[u8], parts: &[u8], atomic: bool) -> Vec<u8> {
    let time = timestamp.cast_unsigned();
    let mut size = 1 + wire::varint_size(time) + parts.len();
    if !prefix.is_empty() {
        size += wire::sized_size(prefix.len());
    }
    if atomic {
        size += 2;
    }
    let mut out = Vec::with_capacity(wire::sized_size(size));
    wire::head(&mut out, 0x0A, size);
    out.push(0x08);
    wire::varint(&mut out, time);
    if !prefix.is_empty() {
        wire::sized(&mut out, 0x12, prefix);
    }
    out.extend_from_slice(parts);
    if atomic {
        out.extend_from_slice(&[0x30, 1]);
    }
    out
}
