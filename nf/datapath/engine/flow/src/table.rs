//! The table of sessions: open addressing over compact slots, values in pages that never move.
//!
//! A slot is one word: the upper half of the hash and a position in the pages. Eight slots share
//! a cache line, so that a million sessions need one line of index and the session's own. The
//! index doubles when half full: a small one stays in the caches, and moving slots takes no look
//! at the values. Deletion shifts back, so that no tombstones gather.

/// A value's place. Stale once the value is removed: the generation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle {
    index: u32,
    generation: u32,
}

/// Values in a page: so many that the system's huge pages fit into one.
const PAGE: usize = 16_384;
/// Slots of a fresh table.
const FIRST_SLOTS: usize = 4096;
/// Cache lines of a value fetched ahead; values keep what every packet needs in front.
const LINES: usize = 5;

/// One word: the upper half of the hash, and a position + 1. All zero is a free slot, so that a
/// fresh index is untouched zero pages.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
struct Slot(u64);

impl Slot {
    const FREE: Slot = Slot(0);

    #[inline]
    fn new(tag: u32, position: u32) -> Self {
        Slot(u64::from(tag) << 32 | u64::from(position.wrapping_add(1)))
    }

    #[inline]
    fn is_free(self) -> bool {
        self.0 == 0
    }

    #[inline]
    fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    fn position(self) -> u32 {
        (self.0 as u32).wrapping_sub(1)
    }
}

#[repr(C)]
struct Cell<T> {
    hash: u64,
    generation: u32,
    value: Option<T>,
}

/// Values by hash and key equality, at most `capacity` of them.
pub struct Table<T> {
    slots: Vec<u64>,
    mask: usize,
    pages: Vec<Vec<Cell<T>>>,
    free: Vec<u32>,
    len: usize,
    capacity: usize,
}

impl<T> Table<T> {
    /// A table for at most `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: vec![0; FIRST_SLOTS],
            mask: FIRST_SLOTS.wrapping_sub(1),
            pages: Vec::new(),
            free: Vec::new(),
            len: 0,
            capacity: capacity.clamp(1, (u32::MAX >> 1) as usize),
        }
    }

    /// Values in the table.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether an insertion would be refused.
    pub fn is_full(&self) -> bool {
        self.len >= self.capacity
    }

    /// Octets of the index and of the pages allocated so far.
    pub fn memory(&self) -> usize {
        let pages = self.pages.len().saturating_mul(PAGE).saturating_mul(size_of::<Cell<T>>());
        self.slots.len().saturating_mul(size_of::<Slot>()).saturating_add(pages)
    }

    #[inline]
    fn slot(&self, at: usize) -> Option<Slot> {
        self.slots.get(at).map(|&word| Slot(word))
    }

    #[inline]
    fn set_slot(&mut self, at: usize, slot: Slot) {
        if let Some(word) = self.slots.get_mut(at) {
            *word = slot.0;
        }
    }

    /// Where the search for `hash` begins. From the tag, so that moving slots about needs no
    /// look at the values.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        tag as usize & self.mask
    }

    #[inline]
    fn tag(hash: u64) -> u32 {
        (hash >> 32) as u32
    }

    #[inline]
    fn cell(&self, index: u32) -> Option<&Cell<T>> {
        let index = index as usize;
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    #[inline]
    fn cell_mut(&mut self, index: u32) -> Option<&mut Cell<T>> {
        let index = index as usize;
        self.pages.get_mut(index / PAGE)?.get_mut(index % PAGE)
    }

    /// Asks the processor to fetch the slots of `hash`; the first of two stages.
    #[inline]
    pub fn prefetch_slot(&self, hash: u64) {
        if let Some(slot) = self.slots.get(self.home(Self::tag(hash))) {
            prefetch(slot);
        }
    }

    /// Asks the processor to fetch the value behind the first slot with the tag of `hash`.
    #[inline]
    pub fn prefetch_value(&self, hash: u64) {
        let mut at = self.home(Self::tag(hash));
        for _ in 0..4 {
            let Some(slot) = self.slot(at) else { return };
            if slot.is_free() {
                return;
            }
            if slot.tag() == Self::tag(hash) {
                if let Some(cell) = self.cell(slot.position()) {
                    prefetch(cell);
                }
                return;
            }
            at = at.wrapping_add(1) & self.mask;
        }
    }

    /// The value with `hash` for which `equal` holds.
    #[inline]
    pub fn find(&self, hash: u64, equal: impl Fn(&T) -> bool) -> Option<Handle> {
        let mut at = self.home(Self::tag(hash));
        loop {
            let slot = self.slot(at)?;
            if slot.is_free() {
                return None;
            }
            if slot.tag() == Self::tag(hash) {
                let cell = self.cell(slot.position())?;
                if cell.hash == hash && cell.value.as_ref().is_some_and(&equal) {
                    return Some(Handle { index: slot.position(), generation: cell.generation });
                }
            }
            at = at.wrapping_add(1) & self.mask;
        }
    }

    /// The value behind a handle that is not stale.
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        let cell = self.cell(handle.index)?;
        if cell.generation != handle.generation {
            return None;
        }
        cell.value.as_ref()
    }

    /// As [`Table::get`], to change it.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let cell = self.cell_mut(handle.index)?;
        if cell.generation != handle.generation {
            return None;
        }
        cell.value.as_mut()
    }

    /// Adds a value; gives it back when the table is full. The caller has looked for it before.
    pub fn insert(&mut self, hash: u64, value: T) -> Result<Handle, T> {
        if self.is_full() {
            return Err(value);
        }
        if self.len >= self.slots.len() / 2 {
            self.double();
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(),
        };
        let Some(cell) = self.cell_mut(index) else {
            return Err(value);
        };
        cell.hash = hash;
        cell.value = Some(value);
        let generation = cell.generation;
        let mut at = self.home(Self::tag(hash));
        while self.slot(at).is_some_and(|slot| !slot.is_free()) {
            at = at.wrapping_add(1) & self.mask;
        }
        self.set_slot(at, Slot::new(Self::tag(hash), index));
        self.len = self.len.saturating_add(1);
        Ok(Handle { index, generation })
    }

    /// Twice the slots. The tags say where each belongs.
    #[cold]
    fn double(&mut self) {
        let old = std::mem::take(&mut self.slots);
        let size = old.len().saturating_mul(2);
        self.slots = vec![0; size];
        self.mask = size.wrapping_sub(1);
        for slot in old.into_iter().map(Slot).filter(|slot| !slot.is_free()) {
            let mut at = self.home(slot.tag());
            while self.slot(at).is_some_and(|taken| !taken.is_free()) {
                at = at.wrapping_add(1) & self.mask;
            }
            self.set_slot(at, slot);
        }
    }

    /// Adds one cell; pages are allocated whole, so that values never move.
    fn grow(&mut self) -> u32 {
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            let mut page = Vec::with_capacity(PAGE);
            ask_for_huge_pages(&mut page);
            self.pages.push(page);
        }
        let full = self.pages.len().saturating_sub(1).saturating_mul(PAGE);
        let Some(page) = self.pages.last_mut() else {
            return u32::MAX;
        };
        page.push(Cell { hash: 0, generation: 0, value: None });
        u32::try_from(full.saturating_add(page.len()).saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Drops a value where it lies, and frees its place.
    pub fn remove(&mut self, handle: Handle) {
        if let Some(hash) = self.drop_value(handle) {
            self.free.push(handle.index);
            self.unlink(hash, handle.index);
        }
    }

    /// As [`Table::remove`], of a table that will not be searched any more: the slot stays.
    pub fn clear(&mut self, handle: Handle) {
        self.drop_value(handle);
    }

    /// The hash of what was dropped.
    #[inline]
    fn drop_value(&mut self, handle: Handle) -> Option<u64> {
        let cell = self.cell_mut(handle.index).filter(|c| c.generation == handle.generation)?;
        cell.value.as_ref()?;
        cell.value = None;
        cell.generation = cell.generation.wrapping_add(1);
        let hash = cell.hash;
        self.len = self.len.saturating_sub(1);
        Some(hash)
    }

    /// Frees the slot that points at `index` and shifts back what probed past it.
    fn unlink(&mut self, hash: u64, index: u32) {
        let mut hole = self.home(Self::tag(hash));
        while self.slot(hole).is_some_and(|slot| slot.position() != index) {
            hole = hole.wrapping_add(1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = at.wrapping_add(1) & self.mask;
            let Some(slot) = self.slot(at).filter(|slot| !slot.is_free()) else { break };
            // May move back only as far as its home.
            let reach = at.wrapping_sub(self.home(slot.tag())) & self.mask;
            if reach >= at.wrapping_sub(hole) & self.mask {
                self.set_slot(hole, slot);
                hole = at;
            }
        }
        self.set_slot(hole, Slot::FREE);
    }

    /// Some value's handle, by a number of the caller's choice: cheap sampling for eviction.
    pub fn sample(&self, number: u64) -> Option<Handle> {
        let cells = self.pages.len().saturating_mul(PAGE) as u64;
        let index = u32::try_from(number.checked_rem(cells)?).ok()?;
        let cell = self.cell(index)?;
        cell.value.as_ref()?;
        Some(Handle { index, generation: cell.generation })
    }

    /// Handles of all values, in the order of their places.
    pub fn handles(&self) -> impl Iterator<Item = Handle> + '_ {
        self.pages.iter().flatten().enumerate().filter_map(|(index, cell)| {
            cell.value.as_ref()?;
            Some(Handle { index: u32::try_from(index).ok()?, generation: cell.generation })
        })
    }
}

/// Has the system back the room of `page` with huge pages where it can: a first touch for every
/// two megabytes, and not for every four kilobytes.
fn ask_for_huge_pages<T>(page: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const SMALL: usize = 4096;
        let room = page.spare_capacity_mut();
        let skip = room.as_ptr().cast::<u8>().align_offset(SMALL);
        let length = size_of_val(room).saturating_sub(skip) & !SMALL.wrapping_sub(1);
        // SAFETY: the range lies in the room of `page`, and the advice changes none of its content.
        // Nothing depends on whether it is followed.
        unsafe {
            let start = room.as_mut_ptr().cast::<u8>().add(skip.min(size_of_val(room)));
            libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = page;
}

#[inline]
fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first = std::ptr::from_ref(place).cast::<i8>();
        for line in 0..LINES.min(size_of::<T>().div_ceil(64)) {
            // SAFETY: a prefetch is a hint; it reads nothing and cannot fault. The address is
            // computed from a reference and never dereferenced.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(line.wrapping_mul(64))) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may overflow and fail")]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A small deterministic generator; tests must not depend on chance.
    fn next(state: &mut u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 11
    }

    #[test]
    fn agrees_with_a_map_under_random_use() {
        let mut table = Table::new(5000);
        let mut model: HashMap<u64, Handle> = HashMap::new();
        let mut state = 1;

        for _ in 0..200_000 {
            let key = next(&mut state) % 9000;
            // Few distinct homes, so that runs collide and wrap.
            let hash = ((key % 3700) | 0xffff_e000).wrapping_mul(0x1_0000_0001);
            let found = table.find(hash, |&v| v == key);
            assert_eq!(found, model.get(&key).copied());
            match found {
                Some(handle) if next(&mut state).is_multiple_of(2) => {
                    table.remove(handle);
                    assert_eq!(table.get(handle), None);
                    model.remove(&key);
                }
                Some(_) => {}
                None if model.len() < 5000 => {
                    model.insert(key, table.insert(hash, key).unwrap());
                }
                None => assert_eq!(table.insert(hash, key), Err(key)),
            }
        }
        assert_eq!(table.len(), model.len());
        assert_eq!(table.handles().count(), model.len());
    }

    #[test]
    fn a_stale_handle_finds_nothing_even_when_the_place_is_used_again() {
        let mut table = Table::new(4);
        let old = table.insert(1, "old").unwrap();
        table.remove(old);

        let new = table.insert(1, "new").unwrap();

        assert_eq!(table.get(old), None);
        assert_eq!(table.get(new), Some(&"new"));
    }
}
