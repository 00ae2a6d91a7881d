//! What subscribers are told: everything, or what has changed since they were told last.

use std::sync::Arc;

use foldhash::{HashSet, HashSetExt};
use nf_libyang::Tree;

use crate::notify::{Messages, Newest, atomic};
use crate::picture::{Leaf, Picture};
use crate::walk::{Shown, WriteError};
use crate::wire;

/// One selection with one way of telling it.
pub struct Feed {
    shown: Shown,
    /// Octets of the path that every notification begins with.
    prefix: Vec<u8>,
    last: Arc<Picture>,
    /// Emptied, for its room: a feed needs as much the next time.
    spare: Picture,
}

/// One event: messages, and what they are made of, for subscribers who are too slow for them.
pub struct Told {
    /// SubscribeResponses.
    pub messages: Vec<Vec<u8>>,
    /// Paths that are gone.
    pub deletes: Vec<Vec<u8>>,
    /// Path of the container that is told as a whole.
    pub atomic: Option<Vec<u8>>,
    picture: Arc<Picture>,
    leaves: Vec<u32>,
}

impl Told {
    /// Path and field `val` of every update.
    pub fn updates(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.leaves.iter().map(|&number| {
            let leaf = self.picture.leaves()[number as usize];
            (self.picture.path(leaf), self.picture.value(leaf))
        })
    }
}

impl Feed {
    /// Nothing has been told yet.
    #[must_use]
    pub fn new(shown: Shown, prefix: Vec<u8>) -> Self {
        Self { shown, prefix, last: Arc::default(), spare: Picture::default() }
    }

    /// Takes note of what there is and tells nothing.
    ///
    /// # Errors
    /// More than can be written.
    pub fn note(&mut self, tree: &Tree) -> Result<(), WriteError> {
        self.last = Arc::new(self.shown.picture(tree, Picture::default())?);
        Ok(())
    }

    /// Everything that was noted last.
    #[must_use]
    pub fn noted(&self, timestamp: i64) -> Vec<Told> {
        self.told(&self.last, timestamp, &all(&self.last), Vec::new())
    }

    /// Everything there is, without taking note of it.
    ///
    /// # Errors
    /// More than can be written.
    pub fn now(&self, tree: &Tree, timestamp: i64) -> Result<Vec<Told>, WriteError> {
        let picture = Arc::new(self.shown.picture(tree, Picture::default())?);
        Ok(self.told(&picture, timestamp, &all(&picture), Vec::new()))
    }

    /// What is new, other or gone since the last time.
    ///
    /// # Errors
    /// More than can be written.
    pub fn look(&mut self, tree: &Tree, timestamp: i64) -> Result<Vec<Told>, WriteError> {
        self.compare(tree, timestamp, false)
    }

    /// Everything; of what is gone, that it is.
    ///
    /// # Errors
    /// More than can be written.
    pub fn sample(&mut self, tree: &Tree, timestamp: i64) -> Result<Vec<Told>, WriteError> {
        self.compare(tree, timestamp, true)
    }

    /// Messages out of parts, with how many values were left out of each.
    pub fn newest<'n>(
        &self,
        timestamp: i64,
        deletes: impl Iterator<Item = &'n [u8]>,
        updates: impl Iterator<Item = Newest<'n>>,
    ) -> Vec<Vec<u8>> {
        let mut messages = Messages::new(&self.prefix, timestamp);
        deletes.for_each(|path| messages.delete(path));
        updates.for_each(|update| messages.newest(update));
        messages.done()
    }

    fn compare(
        &mut self,
        tree: &Tree,
        timestamp: i64,
        everything: bool,
    ) -> Result<Vec<Told>, WriteError> {
        let now = Arc::new(self.shown.picture(tree, std::mem::take(&mut self.spare))?);
        let (changed, gone) = now.since(&self.last);
        let deletes = self.removed(&gone, &now);
        let leaves = if everything { all(&now) } else { changed };
        let before = std::mem::replace(&mut self.last, Arc::clone(&now));
        // Unless a slow subscriber may still need it.
        if let Ok(picture) = Arc::try_unwrap(before) {
            self.spare = picture.emptied();
        }
        Ok(self.told(&now, timestamp, &leaves, deletes))
    }

    /// Events that tell these leaves: loose ones together, containers that are told as a whole each
    /// by itself, with the values that have not changed, too.
    fn told(
        &self,
        picture: &Arc<Picture>,
        timestamp: i64,
        leaves: &[u32],
        deletes: Vec<Vec<u8>>,
    ) -> Vec<Told> {
        let leaf = |number: u32| picture.leaves()[number as usize];
        let mut loose = Vec::with_capacity(leaves.len());
        let mut groups: Vec<u32> = Vec::new();
        for &number in leaves {
            match leaf(number).group {
                0 => loose.push(number),
                // A group's leaves stand together.
                group if groups.last() != Some(&group) => groups.push(group),
                _ => {}
            }
        }
        let mut made = Vec::with_capacity(1 + groups.len());
        if !(loose.is_empty() && deletes.is_empty()) {
            let octets = loose.iter().map(|&number| picture.update(leaf(number)).len()).sum();
            let mut messages = Messages::with_room(&self.prefix, timestamp, octets);
            deletes.iter().for_each(|path| messages.delete(path));
            loose.iter().for_each(|&number| messages.update(picture.update(leaf(number))));
            let messages = messages.done();
            let picture = Arc::clone(picture);
            made.push(Told { messages, deletes, atomic: None, picture, leaves: loose });
        }
        // Both are in the order of the data.
        let mut number = 0;
        for group in groups {
            let mut mine = Vec::new();
            while let Some(leaf) = picture.leaves().get(number as usize)
                && leaf.group <= group
            {
                if leaf.group == group {
                    mine.push(number);
                }
                number += 1;
            }
            let path = picture.group_path(group);
            let members = mine.iter().map(|&number| leaf(number));
            let message = atomic(&self.prefix, timestamp, path, picture, members);
            made.push(Told {
                messages: vec![message],
                deletes: Vec::new(),
                atomic: Some(path.to_vec()),
                picture: Arc::clone(picture),
                leaves: mine,
            });
        }
        made
    }

    /// Paths to delete: an entry rather than each of its leaves, if its key is gone as well.
    ///
    /// A key that another feed tells of may still be there, and so may what lies above the pattern.
    fn removed(&self, gone: &[u32], now: &Picture) -> Vec<Vec<u8>> {
        if gone.is_empty() {
            return Vec::new();
        }
        let mut alive: HashSet<&[u8]> = HashSet::new();
        for &leaf in now.leaves() {
            alive.extend(heads(now.path(leaf)));
        }
        let leaf = |number: &u32| -> Leaf { self.last.leaves()[*number as usize] };
        let is_key =
            |leaf: Leaf| leaf.schema != u32::MAX && self.shown.schema.node(leaf.schema).is_key;
        let mut dead: HashSet<&[u8]> = HashSet::new();
        for leaf in gone.iter().map(leaf).filter(|&leaf| is_key(leaf)) {
            dead.extend(heads(self.last.path(leaf)).last());
        }
        let mut told: HashSet<&[u8]> = HashSet::new();
        let mut found = Vec::new();
        for leaf in gone.iter().map(leaf) {
            let path = self.last.path(leaf);
            // What lies above the pattern was not asked for; with `...` nobody knows where that ends.
            let least = if self.shown.pattern.is_deep() {
                usize::MAX
            } else {
                self.shown.pattern.len().max(1)
            };
            let entry = heads(path)
                .enumerate()
                .filter(|(length, _)| length + self.shown.skip >= least)
                .map(|(_, head)| head)
                .find(|head| dead.contains(head) && !alive.contains(head));
            let path = entry.unwrap_or(path);
            if told.insert(path) {
                found.push(path.to_vec());
            }
        }
        found
    }
}

fn all(picture: &Picture) -> Vec<u32> {
    (0..picture.leaves().len() as u32).collect()
}

/// The beginnings of a path that end before one of its elements, from the shortest on.
fn heads(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (field, _) = wire::first_field(path.get(at..)?)?;
        let head = &path[..at];
        at += field.len();
        Some(head)
    })
}
