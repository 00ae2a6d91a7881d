//! Domain names: octets with compression (RFC 1035 §4.1.4) → bounded labels → text.

/// Most octets of a name, lengths of labels included (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;
/// Most pointers followed in one name; a real one needs one or two.
const MAX_POINTERS: usize = 32;

/// Why a name cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFlaw {
    /// The message ends inside it.
    Truncated,
    /// A pointer that does not point back, or too many of them.
    Pointer,
    /// A label of a reserved kind, or more than 255 octets.
    Label,
}

/// A name as labels behind their lengths, without the root's; ASCII letters are small.
#[derive(Clone, Copy)]
pub struct Name {
    octets: [u8; MAX_NAME],
    length: u8,
}

impl Default for Name {
    fn default() -> Self {
        Self { octets: [0; MAX_NAME], length: 0 }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_octets() == other.as_octets()
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// A place in a message whose octets may be lengths of labels or pointers.
enum Step<'a> {
    Label(&'a [u8], usize),
    Pointer(usize, usize),
    Root(usize),
}

fn step(message: &[u8], at: usize) -> Result<Step<'_>, NameFlaw> {
    let rest = message.get(at..).ok_or(NameFlaw::Truncated)?;
    let (&length, rest) = rest.split_first().ok_or(NameFlaw::Truncated)?;
    let after = at.wrapping_add(1);
    match length {
        0 => Ok(Step::Root(after)),
        1..=63 => {
            let label = rest.get(..usize::from(length)).ok_or(NameFlaw::Truncated)?;
            Ok(Step::Label(label, after.wrapping_add(label.len())))
        }
        0xc0.. => {
            let low = rest.first().ok_or(NameFlaw::Truncated)?;
            let target = usize::from(u16::from_be_bytes([length & 0x3f, *low]));
            Ok(Step::Pointer(target, after.wrapping_add(1)))
        }
        _ => Err(NameFlaw::Label),
    }
}

/// Where the name at `at` ends, without following its pointer.
pub fn skip(message: &[u8], mut at: usize) -> Result<usize, NameFlaw> {
    let start = at;
    loop {
        match step(message, at)? {
            Step::Label(_, next) if next.wrapping_sub(start) < MAX_NAME => at = next,
            Step::Label(..) => return Err(NameFlaw::Label),
            Step::Pointer(_, next) | Step::Root(next) => return Ok(next),
        }
    }
}

/// The name at `at`, and where it ends in place.
pub fn read(message: &[u8], at: usize) -> Result<(Name, usize), NameFlaw> {
    let mut name = Name::default();
    let mut used = 0usize;
    let mut end = None;
    // A pointer must lead before the labels it ends, so that following them comes to an end.
    let mut run_start = at;
    let mut at = at;
    let mut pointers = 0usize;
    loop {
        match step(message, at)? {
            Step::Label(label, next) => {
                let after = used.wrapping_add(label.len()).wrapping_add(1);
                // The root's own octet counts too.
                if after >= MAX_NAME {
                    return Err(NameFlaw::Label);
                }
                let place = name.octets.get_mut(used..after).ok_or(NameFlaw::Label)?;
                if let Some((length, octets)) = place.split_first_mut() {
                    *length = u8::try_from(label.len()).unwrap_or(0);
                    octets.copy_from_slice(label);
                    octets.make_ascii_lowercase();
                }
                used = after;
                at = next;
            }
            Step::Pointer(target, next) => {
                pointers = pointers.wrapping_add(1);
                if target >= run_start || pointers > MAX_POINTERS {
                    return Err(NameFlaw::Pointer);
                }
                end = end.or(Some(next));
                run_start = target;
                at = target;
            }
            Step::Root(next) => {
                name.length = u8::try_from(used).unwrap_or(0);
                return Ok((name, end.unwrap_or(next)));
            }
        }
    }
}

impl Name {
    /// Labels behind their lengths.
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or(&[])
    }

    /// The labels.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_octets();
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(length.into())?;
            rest = tail;
            Some(label)
        })
    }

    /// Appends the presentation form: labels between dots, `.` for the root, `\.` and `\DDD`
    /// where a label holds what would be read otherwise.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.length == 0 {
            out.push(b'.');
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            if label.iter().all(u8::is_ascii_alphanumeric) {
                out.extend_from_slice(label);
            } else {
                label.iter().for_each(|&octet| write_octet(octet, b".\\\"();@$", out));
            }
        }
    }
}

/// Appends one octet of presentation text; those in `special` get a backslash.
pub fn write_octet(octet: u8, special: &[u8], out: &mut Vec<u8>) {
    match octet {
        _ if special.contains(&octet) => out.extend_from_slice(&[b'\\', octet]),
        b'!'..=b'~' => out.push(octet),
        _ => {
            let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|d| d.wrapping_add(b'0'));
            out.push(b'\\');
            out.extend_from_slice(&digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &[u8], at: usize) -> Result<String, NameFlaw> {
        let (name, end) = read(message, at)?;
        assert_eq!(skip(message, at), Ok(end));
        let mut out = Vec::new();
        name.write(&mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn names_are_compressed_as_the_standard_shows() {
        // RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
        let mut message = [0u8; 93];
        message[20..32].copy_from_slice(b"\x01F\x03ISI\x04ARPA\x00");
        message[40..46].copy_from_slice(b"\x03FOO\xc0\x14");
        message[64..66].copy_from_slice(b"\xc0\x1a");

        assert_eq!(text(&message, 20).unwrap(), "f.isi.arpa");
        assert_eq!(text(&message, 40).unwrap(), "foo.f.isi.arpa");
        assert_eq!(text(&message, 64).unwrap(), "arpa");
        assert_eq!(text(&message, 92).unwrap(), ".");
        assert_eq!(read(&message, 40).unwrap().1, 46);
    }

    #[test]
    fn what_would_be_read_otherwise_is_escaped() {
        assert_eq!(text(b"\x03a.b\x04\x00 \xff\\\x00", 0).unwrap(), "a\\.b.\\000\\032\\255\\\\");
    }

    #[test]
    fn pointers_that_do_not_lead_back_are_refused() {
        assert_eq!(text(b"\xc0\x00", 0), Err(NameFlaw::Pointer));
        assert_eq!(text(b"\x01a\xc0\x00", 0), Err(NameFlaw::Pointer));
        assert_eq!(text(b"\xc0\x02\x01a\x00", 0), Err(NameFlaw::Pointer));
        assert_eq!(read(b"\xc0\x02\xc0\x00", 2), Err(NameFlaw::Pointer));
    }

    #[test]
    fn a_long_chain_of_pointers_is_refused() {
        let mut message = vec![0, 0];
        for target in (0..80u16).step_by(2) {
            message.extend_from_slice(&(0xc000 | target).to_be_bytes());
        }
        assert_eq!(text(&message, 64), Ok(".".to_string()));
        assert_eq!(read(&message, 80), Err(NameFlaw::Pointer));
    }

    #[test]
    fn limits_of_labels_and_names_hold() {
        let label = [&[63u8][..], &[b'x'; 63]].concat();
        let longest = [label.repeat(3), vec![61], vec![b'y'; 61], vec![0]].concat();
        let too_long = [label.repeat(3), vec![62], vec![b'y'; 62], vec![0]].concat();

        assert_eq!(longest.len(), 255);
        assert_eq!(text(&longest, 0).unwrap().len(), 253);
        assert_eq!(read(&too_long, 0), Err(NameFlaw::Label));
        assert_eq!(skip(&too_long, 0), Err(NameFlaw::Label));
        assert_eq!(read(b"\x40a\x00", 0), Err(NameFlaw::Label));
        assert_eq!(read(b"\x80a\x00", 0), Err(NameFlaw::Label));
        assert_eq!(read(b"\x03ab", 0), Err(NameFlaw::Truncated));
        assert_eq!(read(b"\x03abc", 0), Err(NameFlaw::Truncated));
        assert_eq!(read(b"\xc0", 0), Err(NameFlaw::Truncated));
    }
}
