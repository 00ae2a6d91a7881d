//! Protocol paths: the layers of a packet or session, outermost first.

use foldhash::HashMap;
use std::sync::Arc;

use nf_fields::ProtoId;

use crate::catalog;

/// Longest path (MMT's).
pub const MAX_PATH: usize = 16;

/// A path by value; small enough to copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    ids: [ProtoId; MAX_PATH],
    len: u8,
}

impl Path {
    /// Adds a protocol; a path that is full stays as it is.
    pub fn push(&mut self, id: ProtoId) {
        if let Some(slot) = self.ids.get_mut(usize::from(self.len)) {
            *slot = id;
            self.len += 1;
        }
    }

    /// Takes the innermost protocol away.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        if let Some(slot) = self.ids.get_mut(usize::from(self.len)) {
            *slot = ProtoId::UNKNOWN;
        }
    }

    /// The protocols.
    pub fn ids(&self) -> &[ProtoId] {
        &self.ids[..usize::from(self.len)]
    }

    /// The innermost protocol.
    pub fn last(&self) -> Option<ProtoId> {
        self.ids().last().copied()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl FromIterator<ProtoId> for Path {
    fn from_iter<I: IntoIterator<Item = ProtoId>>(ids: I) -> Self {
        let mut path = Path::default();
        ids.into_iter().for_each(|id| path.push(id));
        path
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, id) in self.ids().iter().enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            f.write_str(catalog::name_of(*id))?;
        }
        Ok(())
    }
}

/// Paths by number, so that a session keeps four octets and not thirty-four.
#[derive(Default)]
pub struct PathTable {
    paths: Vec<Path>,
    numbers: HashMap<Path, u32>,
    /// The last number given: paths come in runs.
    last: u32,
}

impl PathTable {
    /// The number of `path`.
    pub fn number(&mut self, path: Path) -> u32 {
        if self.paths.get(self.last as usize) == Some(&path) {
            return self.last;
        }
        if let Some(&number) = self.numbers.get(&path) {
            self.last = number;
            return number;
        }
        // Paths are made of known headers, sixteen at most; a forger could still make millions.
        if self.paths.len() >= 65_536 {
            return 0;
        }
        let number = self.paths.len() as u32;
        self.paths.push(path);
        self.numbers.insert(path, number);
        number
    }

    /// The path with `number`.
    pub fn get(&self, number: u32) -> Path {
        self.paths.get(number as usize).copied().unwrap_or_default()
    }
}

/// The text of paths, made once each.
#[derive(Default)]
pub struct PathTexts {
    known: HashMap<Path, Arc<str>>,
    /// The last one given: paths come in runs.
    last: Option<(Path, Arc<str>)>,
}

impl PathTexts {
    /// `ethernet.ip.tcp.tls`; none of a path without protocols.
    pub fn text(&mut self, path: &Path) -> Option<Arc<str>> {
        if path.is_empty() {
            return None;
        }
        if let Some((last, text)) = &self.last
            && last == path
        {
            return Some(Arc::clone(text));
        }
        let text = match self.known.get(path) {
            Some(text) => Arc::clone(text),
            None => self.make(path),
        };
        self.last = Some((*path, Arc::clone(&text)));
        Some(text)
    }

    fn make(&mut self, path: &Path) -> Arc<str> {
        let text: Arc<str> = path.to_string().into();
        if self.known.len() < 65_536 {
            self.known.insert(*path, Arc::clone(&text));
        }
        text
    }
}
