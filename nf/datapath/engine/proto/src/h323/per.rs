//! What H.225.0 is made of, in the aligned packed encoding (ITU-T X.691): bits, lengths, and the
//! types that many messages share.

use std::net::IpAddr;

/// Most items of a list.
const MAX_ITEMS: usize = 64;
/// Most letters kept of a name.
const MAX_NAME: usize = 128;
/// What dialled digits are numbered by.
const DIGITS: &[u8; 13] = b"#*,0123456789";

/// Where a reader is, in bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Per<'a> {
    data: &'a [u8],
    at: usize,
}

/// An address with its port.
pub(super) type Endpoint = (IpAddr, u16);

/// What somebody is called: by digits, and by a name or address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Aliases {
    pub(super) number: Option<String>,
    pub(super) name: Option<String>,
}

impl<'a> Per<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        let octet = self.data.get(self.at / 8)?;
        let bit = octet >> (!self.at & 7) & 1;
        self.at = self.at.saturating_add(1);
        Some(bit == 1)
    }

    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        let mut number = 0u32;
        for _ in 0..count {
            number = number << 1 | u32::from(self.bit()?);
        }
        Some(number)
    }

    /// The next `count` octets from the next whole one.
    pub(super) fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let start = self.at.div_ceil(8);
        let end = start.checked_add(count)?;
        let octets = self.data.get(start..end)?;
        self.at = end.checked_mul(8)?;
        Some(octets)
    }

    fn octet(&mut self) -> Option<u8> {
        self.octets(1)?.first().copied()
    }

    /// A whole number of two octets.
    pub(super) fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.octets(2)?.first_chunk()?))
    }

    /// A length in one or two octets; longer values come in pieces, which H.323 does not need.
    fn length(&mut self) -> Option<usize> {
        let first = self.octet()?;
        match first >> 6 {
            0 | 1 => Some(first.into()),
            2 => Some(usize::from(first & 0x3f) << 8 | usize::from(self.octet()?)),
            _ => None,
        }
    }

    /// Octets behind their length.
    pub(super) fn open(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.octets(length)
    }

    /// A choice of one among those that `bits` can number; `None` inside when it is a later one,
    /// which has been passed over.
    pub(super) fn choice(&mut self, bits: u32) -> Option<Option<u32>> {
        if self.bit()? {
            self.later_choice()?;
            return Some(None);
        }
        self.bits(bits).map(Some)
    }

    /// The number of an alternative that a later version added, and its octets.
    pub(super) fn later_choice(&mut self) -> Option<(u32, &'a [u8])> {
        // More than 64 would be numbered in another way, and nothing in H.225.0 has that.
        (!self.bit()?).then_some(())?;
        let number = self.bits(6)?;
        Some((number, self.open()?))
    }

    /// What later versions added to a sequence, by number.
    pub(super) fn additions(&mut self, mut each: impl FnMut(usize, &'a [u8])) -> Option<()> {
        (!self.bit()?).then_some(())?;
        let count = usize::try_from(self.bits(6)?).ok()?.saturating_add(1);
        let mut present = 0u64;
        for number in 0..count {
            present |= u64::from(self.bit()?) << number;
        }
        for number in (0..count).filter(|number| present >> number & 1 == 1) {
            each(number, self.open()?);
        }
        Some(())
    }

    fn skip_additions(&mut self, are_there: bool) -> Option<()> {
        if are_there { self.additions(|_, _| {}) } else { Some(()) }
    }

    /// Items behind their count.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.length()?;
        (count <= MAX_ITEMS).then_some(())?;
        (0..count).try_for_each(|_| item(self))
    }

    /// A number whose octets, less one, are counted in two bits.
    pub(super) fn long_number(&mut self) -> Option<u32> {
        let count = usize::try_from(self.bits(2)?).ok()?.saturating_add(1);
        Some(self.octets(count)?.iter().fold(0, |n, &octet| n << 8 | u32::from(octet)))
    }

    /// Letters of two octets; their count, less one, stands in `bits` bits, or in an octet.
    fn letters(&mut self, bits: u32) -> Option<String> {
        let count = if bits == 8 { u32::from(self.octet()?) } else { self.bits(bits)? };
        let count = usize::try_from(count).ok()?.saturating_add(1);
        let octets = self.octets(count.checked_mul(2)?)?;
        let units = octets.chunks_exact(2).map(|pair| match *pair {
            [high, low] => u16::from_be_bytes([high, low]),
            _ => 0,
        });
        let letters = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Some(letters.take(MAX_NAME).collect())
    }

    /// Identifier of a gatekeeper or an endpoint.
    pub(super) fn identifier(&mut self) -> Option<String> {
        self.letters(7)
    }

    /// Version of H.225.0: whether it is one.
    pub(super) fn protocol(&mut self) -> Option<bool> {
        // itu-t recommendation h 2250 version.
        Some(self.open()?.starts_with(&[0, 8, 0x91, 0x4a, 0]))
    }

    pub(super) fn non_standard(&mut self) -> Option<()> {
        match self.choice(1)? {
            Some(0) => drop(self.open()?),
            Some(_) => self.maker()?,
            None => {}
        }
        self.open().map(drop)
    }

    /// A maker by country and number.
    fn maker(&mut self) -> Option<()> {
        let later = self.bit()?;
        self.octets(4)?;
        self.skip_additions(later)
    }

    /// A maker with product and version; the product.
    pub(super) fn vendor(&mut self) -> Option<Option<&'a [u8]>> {
        let (later, has_product, has_version) = (self.bit()?, self.bit()?, self.bit()?);
        self.maker()?;
        let product = if has_product { Some(self.short_octets()?) } else { None };
        if has_version {
            self.short_octets()?;
        }
        self.skip_additions(later)?;
        Some(product)
    }

    /// Up to 256 octets.
    fn short_octets(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.octet()?).saturating_add(1);
        self.octets(length)
    }

    /// A part of an endpoint that says nothing but makers' own.
    fn plain_part(&mut self) -> Option<()> {
        let (later, has_own) = (self.bit()?, self.bit()?);
        if has_own {
            self.non_standard()?;
        }
        self.skip_additions(later)
    }

    fn gateway(&mut self) -> Option<()> {
        let (later, has_protocols, has_own) = (self.bit()?, self.bit()?, self.bit()?);
        if has_protocols {
            self.list(|per| match per.choice(4)? {
                Some(0) => per.non_standard(),
                Some(_) => per.supported_protocol(),
                None => Some(()),
            })?;
        }
        if has_own {
            self.non_standard()?;
        }
        self.skip_additions(later)
    }

    fn supported_protocol(&mut self) -> Option<()> {
        self.plain_part()
    }

    /// What kind of endpoint it is; its product.
    pub(super) fn endpoint_type(&mut self) -> Option<Option<&'a [u8]>> {
        let later = self.bit()?;
        let has = self.bits(6)?;
        let has = |part: u32| has & 0x20 >> part != 0;
        if has(0) {
            self.non_standard()?;
        }
        let product = if has(1) { self.vendor()? } else { None };
        if has(2) {
            self.plain_part()?;
        }
        if has(3) {
            self.gateway()?;
        }
        for part in [4, 5] {
            if has(part) {
                self.plain_part()?;
            }
        }
        self.bits(2)?;
        self.skip_additions(later)?;
        Some(product)
    }

    /// An address of IP; `None` inside for those of other networks.
    pub(super) fn transport(&mut self) -> Option<Option<Endpoint>> {
        let Some(kind) = self.choice(3)? else { return Some(None) };
        let address = match kind {
            0 => IpAddr::from(*self.octets(4)?.first_chunk::<4>()?),
            1 => {
                let later = self.bit()?;
                let address = *self.octets(4)?.first_chunk::<4>()?;
                let port = self.word()?;
                self.list(|per| per.octets(4).map(drop))?;
                self.choice(1)?;
                self.skip_additions(later)?;
                return Some(Some((address.into(), port)));
            }
            2 => return self.octets(12).map(|_| None),
            3 => {
                let later = self.bit()?;
                let address = *self.octets(16)?.first_chunk::<16>()?;
                let port = self.word()?;
                self.skip_additions(later)?;
                return Some(Some((address.into(), port)));
            }
            4 => return self.octets(16).map(|_| None),
            5 => {
                let length = usize::try_from(self.bits(5)?).ok()?.saturating_add(1);
                return self.octets(length).map(|_| None);
            }
            _ => return self.non_standard().map(|()| None),
        };
        Some(Some((address, self.word()?)))
    }

    /// Several; the first one of IP.
    pub(super) fn transports(&mut self) -> Option<Option<Endpoint>> {
        let mut first = None;
        self.list(|per| {
            let found = per.transport()?;
            first = first.or(found);
            Some(())
        })?;
        Some(first)
    }

    /// Names of one party; the first of each kind counts.
    pub(super) fn aliases(&mut self) -> Option<Aliases> {
        let mut found = Aliases::default();
        self.list(|per| per.alias(&mut found))?;
        Some(found)
    }

    fn alias(&mut self, found: &mut Aliases) -> Option<()> {
        if self.bit()? {
            const URL: u32 = 0;
            const EMAIL: u32 = 2;
            let (kind, octets) = self.later_choice()?;
            if matches!(kind, URL | EMAIL)
                && let Some((_, letters)) = octets.split_first_chunk::<2>()
            {
                let letters = letters.get(..MAX_NAME).unwrap_or(letters);
                found.name.get_or_insert_with(|| String::from_utf8_lossy(letters).into_owned());
            }
            return Some(());
        }
        if self.bit()? {
            let name = self.letters(8)?;
            found.name.get_or_insert(name);
            return Some(());
        }
        let count = self.bits(7)?.saturating_add(1);
        self.octets(0)?;
        let mut number = String::new();
        for _ in 0..count {
            let digit = usize::try_from(self.bits(4)?).ok()?;
            number.push(char::from(*DIGITS.get(digit)?));
        }
        found.number.get_or_insert(number);
        Some(())
    }

    /// Services of the call, which say nothing that is reported.
    pub(super) fn call_services(&mut self) -> Option<()> {
        let later = self.bit()?;
        self.bits(7)?;
        let inner_later = self.bit()?;
        self.bits(2)?;
        self.skip_additions(inner_later)?;
        self.skip_additions(later)
    }

    /// A list of whole numbers, which say nothing that is reported.
    pub(super) fn words(&mut self) -> Option<()> {
        self.list(|per| per.word().map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_digits_and_names() {
        // Two: digits 1*2 (three of four bits each), then the name "Jö".
        let octets = [2, 0x01, 0x00, 0x41, 0x54, 1, 0, b'J', 0, 0xf6];
        // Extension, choice and seven bits of a length stand in nine bits.
        let found = Per::new(&octets).aliases().unwrap();

        assert_eq!(found.number.as_deref(), Some("1*2"));
        assert_eq!(found.name.as_deref(), Some("Jö"));
    }

    #[test]
    fn addresses_of_both_versions_are_read() {
        let four = [0, 192, 0, 2, 1, 0x06, 0xb8];
        assert_eq!(Per::new(&four).transport(), Some(Some(([192, 0, 2, 1].into(), 1720))));
        let mut six = vec![0x30];
        six.extend([0x20; 16]);
        six.extend([0x06, 0xb8]);
        assert_eq!(Per::new(&six).transport(), Some(Some(([0x20; 16].into(), 1720))));
    }

    #[test]
    fn what_is_missing_ends_reading() {
        assert_eq!(Per::new(&[0, 192, 0, 2]).transport(), None);
        assert_eq!(Per::new(&[200]).aliases(), None);
        assert_eq!(Per::new(&[]).bit(), None);
        assert_eq!(Per::new(&[0xc1, 0]).open(), None);
    }
}
