//! Octets → header, questions and resource records (RFC 1035 §4): where they lie, not what they
//! say. No allocation.

use crate::Cursor;

use super::name::{self, Name, NameFlaw};

/// Octets of a header.
pub const HEADER: usize = 12;
/// Least octets of a question: the root's name, type and class.
const MIN_QUESTION: usize = 5;
/// Least octets of a record: the root's name, type, class, time to live and length.
const MIN_RECORD: usize = 11;

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Ties an answer to its question.
    pub id: u16,
    /// QR, opcode, AA, TC, RD, RA, Z, AD, CD, rcode.
    pub flags: u16,
    /// Questions (zones of an update).
    pub qdcount: u16,
    /// Answers (prerequisites of an update).
    pub ancount: u16,
    /// Authority records (updates).
    pub nscount: u16,
    /// Additional records.
    pub arcount: u16,
}

impl Header {
    /// The header at the start of `message`.
    pub fn read(message: &[u8]) -> Option<Self> {
        let mut c = Cursor::new(message);
        Some(Self {
            id: c.u16()?,
            flags: c.u16()?,
            qdcount: c.u16()?,
            ancount: c.u16()?,
            nscount: c.u16()?,
            arcount: c.u16()?,
        })
    }

    /// Whether bit `n`, counted from the least, is set.
    pub fn bit(&self, n: u32) -> bool {
        self.flags.wrapping_shr(n) & 1 == 1
    }

    /// Whether it is a response.
    pub fn is_response(&self) -> bool {
        self.bit(15)
    }

    /// The operation.
    pub fn opcode(&self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// Whether the answer was cut to fit the datagram.
    pub fn is_truncated(&self) -> bool {
        self.bit(9)
    }

    /// Lower four bits of the response code.
    pub fn rcode(&self) -> u16 {
        self.flags & 0xf
    }

    /// Least octets a message with these counts has.
    pub fn least_length(&self) -> usize {
        let records =
            [self.ancount, self.nscount, self.arcount].map(usize::from).iter().sum::<usize>();
        HEADER
            .saturating_add(usize::from(self.qdcount).saturating_mul(MIN_QUESTION))
            .saturating_add(records.saturating_mul(MIN_RECORD))
    }
}

/// Which list a record stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers, or an update's prerequisites.
    Answer,
    /// Authorities, or an update's changes.
    Authority,
    /// Additional data.
    Additional,
}

/// A question: where its name lies, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Offset of the name in the message.
    pub name: usize,
    /// Type.
    pub kind: u16,
    /// Class.
    pub class: u16,
}

/// A resource record: where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Offset of the owner's name in the message.
    pub name: usize,
    /// Type.
    pub kind: u16,
    /// Class, or what OPT makes of it.
    pub class: u16,
    /// Time to live, or what OPT makes of it.
    pub ttl: u32,
    /// Offset of the data.
    pub data: usize,
    /// Octets of the data.
    pub length: usize,
}

impl RawRecord {
    /// The data.
    pub fn octets<'m>(&self, message: &'m [u8]) -> &'m [u8] {
        message.get(self.data..self.data.saturating_add(self.length)).unwrap_or(&[])
    }
}

/// Takes questions and records off a message, in order.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> Reader<'m> {
    /// Behind the header of `message`.
    pub fn new(message: &'m [u8]) -> Self {
        Self { message, at: HEADER }
    }

    /// Octets not taken.
    pub fn remaining(&self) -> usize {
        self.message.len().saturating_sub(self.at)
    }

    fn cursor_behind_name(&self) -> Result<Cursor<'m>, NameFlaw> {
        let end = name::skip(self.message, self.at)?;
        Ok(Cursor::new(self.message.get(end..).unwrap_or(&[])))
    }

    fn move_to(&mut self, cursor: &Cursor<'_>) {
        self.at = self.message.len().saturating_sub(cursor.remaining());
    }

    /// The next question.
    pub fn question(&mut self) -> Result<Question, NameFlaw> {
        let mut c = self.cursor_behind_name()?;
        let (Some(kind), Some(class)) = (c.u16(), c.u16()) else {
            return Err(NameFlaw::Truncated);
        };
        let question = Question { name: self.at, kind, class };
        self.move_to(&c);
        Ok(question)
    }

    /// The next resource record.
    pub fn record(&mut self) -> Result<RawRecord, NameFlaw> {
        let mut c = self.cursor_behind_name()?;
        let (Some(kind), Some(class), Some(ttl), Some(data)) =
            (c.u16(), c.u16(), c.u32(), c.prefixed_u16())
        else {
            return Err(NameFlaw::Truncated);
        };
        let end = self.message.len().saturating_sub(c.remaining());
        let record = RawRecord {
            name: self.at,
            kind,
            class,
            ttl,
            data: end.saturating_sub(data.len()),
            length: data.len(),
        };
        self.move_to(&c);
        Ok(record)
    }
}

/// The question's name.
pub fn asked(message: &[u8], question: &Question) -> Result<Name, NameFlaw> {
    name::read(message, question.name).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_records_are_taken_in_order() {
        let message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\
            \x01a\0\0\x01\0\x01\
            \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
        let header = Header::read(message).unwrap();
        let mut reader = Reader::new(message);

        let question = reader.question().unwrap();
        let record = reader.record().unwrap();

        assert!(header.is_response());
        assert_eq!((header.opcode(), header.rcode(), header.least_length()), (0, 0, 28));
        assert_eq!(question, Question { name: 12, kind: 1, class: 1 });
        assert_eq!((record.name, record.ttl), (19, 60));
        assert_eq!(record.octets(message), [192, 0, 2, 1]);
        assert_eq!(reader.remaining(), 0);
        assert_eq!(reader.record(), Err(NameFlaw::Truncated));
    }
}
