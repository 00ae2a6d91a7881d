//! Zone transfers (RFC 5936, RFC 1995): one query, a response of many messages.

use nf_wire::Transport;

use super::message::{Header, RawRecord, Reader};
use super::name;
use super::words::kind;

/// Where a transfer stands: it ends with the record of authority it began with.
#[derive(Debug)]
pub struct Transfer {
    kind: u16,
    serial: Option<u32>,
    records: u64,
}

impl Transfer {
    /// A transfer, when a query of this type asks for one.
    pub fn begin(kind: u16, transport: Transport) -> Option<Self> {
        let asks = matches!(kind, kind::AXFR | kind::IXFR) && transport == Transport::Tcp;
        asks.then_some(Self { kind, serial: None, records: 0 })
    }

    /// Takes a message of the response; true when it is the last.
    pub fn takes(&mut self, message: &[u8], header: &Header) -> bool {
        if header.rcode() != 0 {
            return true;
        }
        let mut reader = Reader::new(message);
        for _ in 0..header.qdcount {
            if reader.question().is_err() {
                return true;
            }
        }
        let mut last = None;
        for _ in 0..header.ancount {
            let Ok(record) = reader.record() else {
                return true;
            };
            last = (record.kind == kind::SOA).then(|| serial(message, &record)).flatten();
            if self.records == 0 {
                match last {
                    Some(serial) => self.serial = Some(serial),
                    // What does not begin with the record of authority is no transfer.
                    None => return true,
                }
            }
            self.records = self.records.saturating_add(1);
        }
        let ended = self.records > 1 && last.is_some() && last == self.serial;
        // One record alone says that there is nothing newer (RFC 1995 §2).
        let nothing_newer = self.kind == kind::IXFR && self.records == 1;
        ended || nothing_newer || header.ancount == 0
    }
}

/// The serial number of a record of authority.
fn serial(message: &[u8], record: &RawRecord) -> Option<u32> {
    let end = name::skip(message, record.data).ok()?;
    let end = name::skip(message, end).ok()?;
    message.get(end..)?.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}
