//! The content of a mail (RFC 5322, RFC 2045): its header, the names of its attachments, its size.

use nf_fields::Text;

use super::{MAX_ATTACHMENTS, MAX_TEXT};
use crate::lines::without_end;

/// Most octets of an unfinished line that are kept; fields of a header are unfolded up to this.
const MAX_FIELD: usize = 2048;

/// Where in the content the next line lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    Body,
    /// The header of a part.
    Part,
}

/// What is kept of a mail's content. Octets come in any pieces.
#[derive(Debug, Default)]
pub(crate) struct Content {
    place: Place,
    /// A line of which the end has not come.
    partial: Vec<u8>,
    /// The rest of a line is of no interest.
    passing: bool,
    /// A field of a header whose continuation may follow.
    field: Vec<u8>,
    /// Octets, without the dots that transparency adds.
    pub(crate) size: u64,
    pub(crate) from: Option<Text>,
    pub(crate) to: Option<Text>,
    pub(crate) cc: Option<Text>,
    pub(crate) reply_to: Option<Text>,
    pub(crate) subject: Option<Text>,
    pub(crate) message_id: Option<Text>,
    pub(crate) in_reply_to: Option<Text>,
    pub(crate) date: Option<Text>,
    pub(crate) user_agent: Option<Text>,
    pub(crate) content_type: Option<Text>,
    pub(crate) attachments: Vec<Text>,
}

impl Content {
    /// Takes the next octets.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.size = self.size.saturating_add(octets.len() as u64);
        for line in octets.split_inclusive(|&b| b == b'\n') {
            let whole = line.ends_with(b"\n");
            match (self.passing, self.partial.is_empty(), whole) {
                (true, _, _) => self.passing = !whole,
                (false, true, true) => self.line(without_end(line)),
                (false, _, _) => self.keep(line, whole),
            }
        }
    }

    /// Octets were lost: the line they were in is not read on.
    pub(crate) fn lose(&mut self, lost: u64) {
        self.size = self.size.saturating_add(lost);
        self.partial.clear();
        self.passing = true;
    }

    /// The content is complete.
    pub(crate) fn finish(&mut self) {
        let line = std::mem::take(&mut self.partial);
        if !line.is_empty() {
            self.line(&line);
        }
        self.take_field();
    }

    fn keep(&mut self, piece: &[u8], whole: bool) {
        let room = MAX_FIELD.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if whole || self.partial.len() >= MAX_FIELD {
            let line = std::mem::take(&mut self.partial);
            self.line(without_end(&line));
            self.passing = !whole;
        }
    }

    fn line(&mut self, line: &[u8]) {
        match (self.place, line) {
            (Place::Body, [b'-', b'-', _, ..]) => self.place = Place::Part,
            (Place::Body, _) => {}
            (Place::Header | Place::Part, []) => {
                self.take_field();
                self.place = Place::Body;
            }
            (Place::Header | Place::Part, [b' ' | b'\t', rest @ ..]) => {
                if !self.field.is_empty() && self.field.len() < MAX_FIELD {
                    self.field.push(b' ');
                    self.field.extend_from_slice(rest.trim_ascii_start());
                    self.field.truncate(MAX_FIELD);
                }
            }
            (Place::Header | Place::Part, _) => {
                self.take_field();
                if line.contains(&b':') {
                    self.field.extend_from_slice(line.get(..MAX_FIELD).unwrap_or(line));
                } else if self.place == Place::Part && !line.starts_with(b"--") {
                    // Text that began with two hyphens.
                    self.place = Place::Body;
                }
            }
        }
    }

    fn take_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = field.iter().position(|&b| b == b':') else { return };
        let (name, value) = field.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        let name = name.trim_ascii().to_ascii_lowercase();
        if matches!(name.as_slice(), b"content-disposition" | b"content-type") {
            self.attachment(value);
        }
        if self.place == Place::Part || value.is_empty() {
            return;
        }
        let slot = match name.as_slice() {
            b"from" => &mut self.from,
            b"to" => &mut self.to,
            b"cc" => &mut self.cc,
            b"reply-to" => &mut self.reply_to,
            b"subject" => &mut self.subject,
            b"message-id" => &mut self.message_id,
            b"in-reply-to" => &mut self.in_reply_to,
            b"date" => &mut self.date,
            b"user-agent" | b"x-mailer" => &mut self.user_agent,
            b"content-type" => &mut self.content_type,
            _ => return,
        };
        slot.get_or_insert_with(|| Text::bounded(value, MAX_TEXT));
    }

    fn attachment(&mut self, value: &[u8]) {
        let Some(name) = file_name(value).filter(|name| !name.is_empty()) else { return };
        let name = Text::bounded(&name, MAX_TEXT);
        // A part may tell its name twice.
        if self.attachments.last() != Some(&name) && self.attachments.len() < MAX_ATTACHMENTS {
            self.attachments.push(name);
        }
    }
}

/// The parameters of a field: `; name=value` or `; name="value"`, names in lower case.
fn parameters(value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    const MAX_PARAMETERS: usize = 32;
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(semicolon) = memchr::memchr(b';', rest) {
        rest = rest.get(semicolon.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
        let Some(equals) = memchr::memchr2(b'=', b';', rest) else { break };
        let (name, tail) = rest.split_at_checked(equals).unwrap_or((rest, &[]));
        let Some(tail) = tail.strip_prefix(b"=") else { continue };
        let (value, after) = match tail.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted),
            None => {
                let end = memchr::memchr(b';', tail).unwrap_or(tail.len());
                let (value, after) = tail.split_at_checked(end).unwrap_or((tail, &[]));
                (value.trim_ascii().to_vec(), after)
            }
        };
        found.push((name.trim_ascii().to_ascii_lowercase(), value));
        rest = after;
        if found.len() >= MAX_PARAMETERS {
            break;
        }
    }
    found
}

/// What stands before the closing quote, and what behind it.
fn unquote(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = quoted;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match b {
            b'"' => break,
            b'\\' => {
                if let Some((&escaped, tail)) = rest.split_first() {
                    value.push(escaped);
                    rest = tail;
                }
            }
            _ => value.push(b),
        }
    }
    (value, rest)
}

/// The name of a file in Content-Disposition or Content-Type, also in the pieces and in the
/// encoding of RFC 2231.
fn file_name(value: &[u8]) -> Option<Vec<u8>> {
    let parameters = parameters(value);
    for base in [&b"filename"[..], b"name"] {
        let exact = |wanted: &[u8]| parameters.iter().find(|(name, _)| name == wanted);
        if let Some((_, name)) = exact(base) {
            return Some(name.clone());
        }
        if let Some((_, name)) = exact(&[base, b"*"].concat()) {
            return Some(percent_decoded(without_charset(name)));
        }
        let mut whole = Vec::new();
        for piece in 0..16u8 {
            let number = piece.to_string();
            let plain = [base, b"*", number.as_bytes()].concat();
            let coded = [plain.as_slice(), b"*"].concat();
            if let Some((_, name)) = exact(&plain) {
                whole.extend_from_slice(name);
            } else if let Some((_, name)) = exact(&coded) {
                let name = if piece == 0 { without_charset(name) } else { name };
                whole.extend_from_slice(&percent_decoded(name));
            } else {
                break;
            }
        }
        if !whole.is_empty() {
            return Some(whole);
        }
    }
    None
}

/// Without `charset'language'`.
fn without_charset(name: &[u8]) -> &[u8] {
    name.splitn(3, |&b| b == b'\'').nth(2).unwrap_or(name)
}

fn percent_decoded(coded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(coded.len());
    let mut rest = coded;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        let octet = (b == b'%').then(|| tail.split_first_chunk::<2>()).flatten();
        let digits = octet.and_then(|(digits, after)| {
            let text = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(text, 16).ok()?, after))
        });
        match digits {
            Some((value, after)) => {
                out.push(value);
                rest = after;
            }
            None => out.push(b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(octets: &[u8]) -> Content {
        let mut content = Content::default();
        content.push(octets);
        content.finish();
        content
    }

    fn text(text: &Option<Text>) -> &[u8] {
        text.as_ref().map(Text::as_bytes).unwrap_or_default()
    }

    #[test]
    fn fields_are_unfolded_and_end_with_the_header() {
        let content = of(b"Subject: a\r\n  long one\r\nFROM: x@y\r\n\r\nTo: nobody\r\n");

        assert_eq!(text(&content.subject), b"a long one");
        assert_eq!(text(&content.from), b"x@y");
        assert!(content.to.is_none());
        assert_eq!(content.size, 49);
    }

    #[test]
    fn names_of_attachments_are_kept() {
        let content = of(b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; name=\"a b.txt\"\r\nContent-Disposition: attachment;\r\n\
            \tfilename=\"a b.txt\"\r\n\r\n-- not a part\r\n\
            --b\r\nContent-Disposition: attachment; filename*0*=UTF-8''%e2%82%ac;\r\n\
            \tfilename*1=\".csv\"\r\n\r\nx\r\n--b--\r\n");

        let names: Vec<_> = content.attachments.iter().map(Text::as_bytes).collect();
        assert_eq!(names, [&b"a b.txt"[..], "\u{20ac}.csv".as_bytes()]);
    }

    #[test]
    fn pieces_do_not_matter() {
        let octets = b"Subject: one\r\n two\r\nMessage-ID: <1@x>\r\n\r\nbody";
        for at in 0..octets.len() {
            let mut content = Content::default();
            content.push(&octets[..at]);
            content.push(&octets[at..]);
            content.finish();

            assert_eq!(text(&content.subject), b"one two", "cut at {at}");
            assert_eq!(text(&content.message_id), b"<1@x>");
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut content = Content::default();
        for _ in 0..100 {
            content.push(&[b'x'; 1000]);
        }
        content.push(b"\nSubject: still here\n\n");

        assert!(content.partial.len() <= MAX_FIELD);
        assert_eq!(text(&content.subject), b"still here");
        assert_eq!(content.size, 100_022);
    }
}
