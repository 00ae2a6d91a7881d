//! What there was at one moment: every update as octets, in one buffer.

use foldhash::{HashMap, HashMapExt};

/// One update of a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    /// Number of its schema node.
    pub(crate) schema: u32,
    /// The container that is told as a whole and has this leaf, counted from 1; 0 for none.
    pub(crate) group: u32,
    /// Where the field `update` begins, the path's octets, the field `val`, and the end.
    start: u32,
    path: u32,
    value: u32,
    end: u32,
}

/// Updates in the order of the data.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    octets: Vec<u8>,
    leaves: Vec<Leaf>,
    /// Paths of containers that are told as a whole.
    groups: Vec<Box<[u8]>>,
}

/// Octets of a picture at most: a place in it is 32 bits.
pub(crate) const MAX_OCTETS: usize = 512 << 20;

impl Picture {
    /// Empty again, with the room that it had.
    pub(crate) fn emptied(mut self) -> Self {
        self.octets.clear();
        self.leaves.clear();
        self.groups.clear();
        self
    }

    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Path of a group, counted from 1.
    pub(crate) fn group_path(&self, group: u32) -> &[u8] {
        group.checked_sub(1).map_or(&[], |at| &self.groups[at as usize])
    }

    /// The field `update` of a Notification.
    pub(crate) fn update(&self, leaf: Leaf) -> &[u8] {
        &self.octets[leaf.start as usize..leaf.end as usize]
    }

    /// Octets of the path.
    pub(crate) fn path(&self, leaf: Leaf) -> &[u8] {
        &self.octets[leaf.path as usize..leaf.value as usize]
    }

    /// The field `val` of the update.
    pub(crate) fn value(&self, leaf: Leaf) -> &[u8] {
        &self.octets[leaf.value as usize..leaf.end as usize]
    }

    /// A container that is told as a whole; its number, from 1.
    pub(crate) fn add_group(&mut self, path: &[u8]) -> u32 {
        self.groups.push(path.into());
        self.groups.len() as u32
    }

    /// Appends an update; false if it has no room any more.
    pub(crate) fn add(&mut self, schema: u32, group: u32, path: [&[u8]; 2], value: &[u8]) -> bool {
        use crate::wire::{head, sized_size};
        let path_size = path[0].len() + path[1].len();
        let content = sized_size(path_size) + value.len();
        if self.octets.len() + sized_size(content) > MAX_OCTETS {
            return false;
        }
        // Within MAX_OCTETS every place fits.
        let at = |octets: &Vec<u8>| octets.len() as u32;
        let out = &mut self.octets;
        let start = at(out);
        head(out, 0x22, content);
        head(out, 0x0A, path_size);
        let path_at = at(out);
        out.extend_from_slice(path[0]);
        out.extend_from_slice(path[1]);
        let value_at = at(out);
        out.extend_from_slice(value);
        let end = at(out);
        self.leaves.push(Leaf { schema, group, start, path: path_at, value: value_at, end });
        true
    }

    /// What is new or other than in an earlier picture, and what of that is gone; numbers of leaves
    /// of this one and of the earlier one, in order.
    pub(crate) fn since(&self, before: &Self) -> (Vec<u32>, Vec<u32>) {
        let mut changed = Vec::new();
        // What is there both times stands in the same order, and so mostly at the same place.
        let mut same = 0;
        for (old, new) in before.leaves.iter().zip(&self.leaves) {
            if old.schema != new.schema || before.path(*old) != self.path(*new) {
                break;
            }
            if before.value(*old) != self.value(*new) {
                changed.push(same);
            }
            same += 1;
        }
        let rest = &before.leaves[same as usize..];
        let mut known: HashMap<(u32, &[u8]), u32> = HashMap::with_capacity(rest.len());
        for (number, old) in (same..).zip(rest) {
            known.insert((old.schema, before.path(*old)), number);
        }
        for (number, new) in (same..).zip(&self.leaves[same as usize..]) {
            let old = known.remove(&(new.schema, self.path(*new)));
            let equal = old
                .is_some_and(|old| before.value(before.leaves[old as usize]) == self.value(*new));
            if !equal {
                changed.push(number);
            }
        }
        let mut gone: Vec<u32> = known.into_values().collect();
        gone.sort_unstable();
        (changed, gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(leaves: &[(u32, &str, &str)]) -> Picture {
        let mut made = Picture::default();
        for (schema, path, value) in leaves {
            assert!(made.add(*schema, 0, [path.as_bytes(), b""], value.as_bytes()));
        }
        made
    }

    #[test]
    fn values_that_differ_have_changed() {
        let before = picture(&[(1, "a", "1"), (2, "b", "2")]);
        let after = picture(&[(1, "a", "1"), (2, "b", "3")]);
        assert_eq!(after.since(&before), (vec![1], vec![]));
    }

    #[test]
    fn what_comes_and_goes_is_found_wherever_it_stands() {
        let before = picture(&[(1, "a", "1"), (2, "b", "2"), (3, "c", "3"), (4, "d", "4")]);
        let after = picture(&[(1, "a", "1"), (5, "x", "9"), (4, "d", "4"), (3, "c", "7")]);
        assert_eq!(after.since(&before), (vec![1, 3], vec![1]));
        assert_eq!(before.since(&after), (vec![1, 2], vec![1]));
    }

    #[test]
    fn equal_paths_of_two_schema_nodes_are_two_leaves() {
        let before = picture(&[(1, "a", "1")]);
        assert_eq!(picture(&[(2, "a", "1")]).since(&before), (vec![0], vec![0]));
    }
}
