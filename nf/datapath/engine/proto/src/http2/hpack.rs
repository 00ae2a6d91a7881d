//! Header compression (RFC 7541): blocks to fields, with the table that both ends keep.
//!
//! Bounds: 64 KiB of table, whatever the encoder announces. A table of which the beginning was
//! not seen is usable: new entries get the low indexes, and older ones are simply unknown.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::huffman;
use crate::Cursor;

/// Most octets of a table, counted as RFC 7541 §4.1 does.
const MAX_TABLE: usize = 64 * 1024;
/// What an entry costs beside its octets.
const OVERHEAD: usize = 32;

/// RFC 7541 Appendix A; index 1 first.
#[rustfmt::skip]
const STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""), (b":method", b"GET"), (b":method", b"POST"), (b":path", b"/"),
    (b":path", b"/index.html"), (b":scheme", b"http"), (b":scheme", b"https"),
    (b":status", b"200"), (b":status", b"204"), (b":status", b"206"), (b":status", b"304"),
    (b":status", b"400"), (b":status", b"404"), (b":status", b"500"), (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"), (b"accept-language", b""), (b"accept-ranges", b""),
    (b"accept", b""), (b"access-control-allow-origin", b""), (b"age", b""), (b"allow", b""),
    (b"authorization", b""), (b"cache-control", b""), (b"content-disposition", b""),
    (b"content-encoding", b""), (b"content-language", b""), (b"content-length", b""),
    (b"content-location", b""), (b"content-range", b""), (b"content-type", b""), (b"cookie", b""),
    (b"date", b""), (b"etag", b""), (b"expect", b""), (b"expires", b""), (b"from", b""),
    (b"host", b""), (b"if-match", b""), (b"if-modified-since", b""), (b"if-none-match", b""),
    (b"if-range", b""), (b"if-unmodified-since", b""), (b"last-modified", b""), (b"link", b""),
    (b"location", b""), (b"max-forwards", b""), (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""), (b"range", b""), (b"referer", b""), (b"refresh", b""),
    (b"retry-after", b""), (b"server", b""), (b"set-cookie", b""),
    (b"strict-transport-security", b""), (b"transfer-encoding", b""), (b"user-agent", b""),
    (b"vary", b""), (b"via", b""), (b"www-authenticate", b""),
];

/// A block that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// One field of a block; what was sent before the table could be followed is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

#[derive(Debug)]
struct Entry {
    name: Box<[u8]>,
    value: Box<[u8]>,
}

impl Entry {
    fn size(&self) -> usize {
        self.name.len().saturating_add(self.value.len()).saturating_add(OVERHEAD)
    }
}

/// One direction's decoder.
#[derive(Debug)]
pub(super) struct Table {
    /// Newest first.
    entries: VecDeque<Entry>,
    size: usize,
    limit: usize,
    /// Older entries exist that were not seen.
    partial: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, limit: 4096, partial: false }
    }
}

impl Table {
    /// What was in the table is no longer known.
    pub(super) fn lose(&mut self) {
        self.entries.clear();
        self.size = 0;
        self.partial = true;
    }

    /// Decodes a whole block, field by field.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        each: &mut dyn FnMut(Field<'_>),
    ) -> Result<(), Invalid> {
        let mut octets = Cursor::new(block);
        while let Some(first) = octets.u8() {
            if first & 0x80 != 0 {
                let index = integer(&mut octets, first, 0x7f).ok_or(Invalid)?;
                each(self.lookup(index)?);
                continue;
            }
            if first & 0xe0 == 0x20 {
                let limit = integer(&mut octets, first, 0x1f).ok_or(Invalid)?;
                self.resize(limit);
                continue;
            }
            let indexed = first & 0x40 != 0;
            let prefix = if indexed { 0x3f } else { 0x0f };
            let index = integer(&mut octets, first, prefix).ok_or(Invalid)?;
            let literal = match index {
                0 => Some(string(&mut octets).ok_or(Invalid)?),
                _ => None,
            };
            let value = string(&mut octets).ok_or(Invalid)?;
            let name = match &literal {
                Some(name) => Some(name.as_ref()),
                None => self.lookup(index)?.name,
            };
            each(Field { name, value: Some(&value) });
            if indexed {
                // An unknown name still takes its place.
                let name = name.unwrap_or_default().into();
                self.insert(Entry { name, value: value.into() });
            }
        }
        Ok(())
    }

    fn lookup(&self, index: usize) -> Result<Field<'_>, Invalid> {
        let position = index.checked_sub(1).ok_or(Invalid)?;
        if let Some(&(name, value)) = STATIC.get(position) {
            return Ok(Field { name: Some(name), value: Some(value) });
        }
        match self.entries.get(position.saturating_sub(STATIC.len())) {
            Some(entry) => {
                let name = (!entry.name.is_empty()).then_some(&*entry.name);
                Ok(Field { name, value: Some(&entry.value) })
            }
            None if self.partial => Ok(Field { name: None, value: None }),
            None => Err(Invalid),
        }
    }

    fn resize(&mut self, limit: usize) {
        self.partial |= limit > MAX_TABLE;
        self.limit = limit.min(MAX_TABLE);
        self.evict(0);
    }

    fn insert(&mut self, entry: Entry) {
        let size = entry.size();
        self.evict(size);
        if size <= self.limit {
            self.size = self.size.saturating_add(size);
            self.entries.push_front(entry);
        }
    }

    /// Makes room for `size` octets.
    fn evict(&mut self, size: usize) {
        while self.size.saturating_add(size) > self.limit
            && let Some(entry) = self.entries.pop_back()
        {
            self.size = self.size.saturating_sub(entry.size());
        }
    }
}

/// An integer whose first octet is `first`, of which `prefix` are the bits (RFC 7541 §5.1).
fn integer(octets: &mut Cursor<'_>, first: u8, prefix: u8) -> Option<usize> {
    let mut value = u32::from(first & prefix);
    if value < u32::from(prefix) {
        return usize::try_from(value).ok();
    }
    for shift in [0u32, 7, 14, 21] {
        let octet = octets.u8()?;
        let part = u32::from(octet & 0x7f).wrapping_shl(shift);
        value = value.checked_add(part)?;
        if octet & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}

fn string<'a>(octets: &mut Cursor<'a>) -> Option<Cow<'a, [u8]>> {
    let first = octets.u8()?;
    let length = integer(octets, first, 0x7f)?;
    let raw = octets.take(length)?;
    if first & 0x80 == 0 { Some(Cow::Borrowed(raw)) } else { huffman::decode(raw).map(Cow::Owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    fn read(table: &mut Table, hex: &str) -> Result<String, Invalid> {
        let mut lines = Vec::new();
        table.decode(&octets(hex), &mut |field| {
            let text = |octets: Option<&[u8]>| {
                octets.map_or("?".into(), |o| String::from_utf8_lossy(o).into_owned())
            };
            lines.push(format!("{}={}", text(field.name), text(field.value)));
        })?;
        Ok(lines.join(" "))
    }

    /// RFC 7541 Appendix C.4: requests with Huffman coding on one connection.
    #[test]
    fn requests_of_the_rfc_decode() {
        let mut table = Table::default();
        let common = ":method=GET :scheme=http :path=/ :authority=www.example.com";

        assert_eq!(read(&mut table, "828684418cf1e3c2e5f23a6ba0ab90f4ff").unwrap(), common);
        assert_eq!(table.size, 57);
        assert_eq!(
            read(&mut table, "828684be5886a8eb10649cbf").unwrap(),
            format!("{common} cache-control=no-cache")
        );
        assert_eq!(table.size, 110);
        assert_eq!(
            read(&mut table, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf").unwrap(),
            ":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value"
        );
        assert_eq!(table.size, 164);
    }

    /// RFC 7541 Appendix C.5: responses without Huffman coding, table of 256 octets.
    #[test]
    fn entries_are_evicted_as_the_rfc_does() {
        let mut table = Table { limit: 256, ..Table::default() };
        let date = "4d6f6e2c203231204f637420323031332032303a31333a323120474d54";
        let place = "68747470733a2f2f7777772e6578616d706c652e636f6d";

        let first = read(&mut table, &format!("4803333032580770726976617465611d{date}6e17{place}"));
        assert!(first.unwrap().starts_with(":status=302 cache-control=private date=Mon,"));
        assert_eq!(table.size, 222);
        let second = read(&mut table, "4803333037c1c0bf").unwrap();
        assert!(second.ends_with("location=https://www.example.com"));
        assert_eq!((table.size, table.entries.len()), (222, 4));
    }

    #[test]
    fn a_table_seen_from_its_middle_knows_what_is_new() {
        let mut table = Table::default();
        assert_eq!(read(&mut table, "be"), Err(Invalid));
        table.lose();

        assert_eq!(read(&mut table, "be").unwrap(), "?=?");
        assert_eq!(read(&mut table, "7f000161").unwrap(), "?=a");
        assert_eq!(read(&mut table, "4001620163be bf c0").unwrap(), "b=c b=c ?=a ?=?");
    }

    #[test]
    fn what_is_no_block_is_invalid() {
        for hex in ["80", "ff80808080807f", "41", "4105 61", "4181 00", "40", "3fffffffffff"] {
            assert_eq!(read(&mut Table::default(), hex), Err(Invalid), "{hex}");
        }
    }

    #[test]
    fn the_table_is_bounded_whatever_is_announced() {
        let mut table = Table::default();
        read(&mut table, "3fe1ffff03").unwrap();
        assert_eq!((table.limit, table.partial), (MAX_TABLE, true));
        for _ in 0..100_000 {
            read(&mut table, "4001620163").unwrap();
        }
        assert!(table.size <= MAX_TABLE);
        read(&mut table, "20").unwrap();
        assert_eq!((table.size, table.entries.len()), (0, 0));
    }
}
