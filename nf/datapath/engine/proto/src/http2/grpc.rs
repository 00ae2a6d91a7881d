//! gRPC over HTTP/2: a name for the streams whose content type says so, and the messages in their
//! content (each behind a flag and a length). What is known of a call stands in its stream's record.

use nf_fields::{ProtoId, Text};

use crate::{Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, within};

/// gRPC's number.
pub const ID: ProtoId = ProtoId(1243);
/// Octets before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// Most octets of a name that a record keeps.
const MAX_NAME: usize = 256;

/// See the module.
pub struct Grpc;

impl Protocol for Grpc {
    const INFO: Info = Info {
        name: "grpc",
        id: ID,
        title: "gRPC remote procedure calls",
        spec: "gRPC over HTTP/2",
        over: &[within("http2")],
        timeout: TimeoutClass::Long,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self
    }

    fn probe(_seg: &Segment<'_>) -> Probe {
        Probe::No
    }

    fn parse(&mut self, _seg: &Segment<'_>, _out: &mut Sink<'_>) -> Step {
        Step::done()
    }
}

/// The messages of one direction of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Messages {
    pub(super) count: u32,
    /// Octets of the message that are still to come.
    left: u32,
    prefix: [u8; PREFIX],
    /// Octets of the prefix that are there.
    there: usize,
}

impl Messages {
    /// Takes content of a stream, in order; false when a prefix is none.
    pub(super) fn take(&mut self, mut octets: &[u8]) -> bool {
        while !octets.is_empty() {
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX);
                let (taken, rest) = octets.split_at(octets.len().min(most));
                self.left = self.left.saturating_sub(taken.len() as u32);
                octets = rest;
                continue;
            }
            if let (Some((&first, rest)), Some(place)) =
                (octets.split_first(), self.prefix.get_mut(self.there))
            {
                *place = first;
                octets = rest;
                self.there = self.there.saturating_add(1);
            }
            if self.there < PREFIX {
                continue;
            }
            let [flag, length @ ..] = self.prefix;
            // The highest bit marks the trailers of gRPC for browsers.
            if flag & 0x7e != 0 {
                return false;
            }
            self.there = 0;
            self.left = u32::from_be_bytes(length);
            self.count = self.count.saturating_add(u32::from(flag & 0x80 == 0));
        }
        true
    }
}

/// Service and method of a path.
pub(super) fn called(path: &[u8]) -> Option<(Text, Text)> {
    let path = path.strip_prefix(b"/")?;
    let slash = memchr::memrchr(b'/', path)?;
    let (service, method) = path.split_at_checked(slash)?;
    let method = method.get(1..).filter(|method| !method.is_empty() && !service.is_empty())?;
    Some((Text::bounded(service, MAX_NAME), Text::bounded(method, MAX_NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let octets = b"\0\0\0\0\x02ab\x01\0\0\0\0\0\0\0\0\x01c\x80\0\0\0\x01t";
        for size in 1..octets.len() {
            let mut messages = Messages::default();
            assert!(octets.chunks(size).all(|piece| messages.take(piece)));
            assert_eq!((messages.count, messages.left, messages.there), (3, 0, 0));
        }
        assert!(!Messages::default().take(b"\x02\0\0\0\x01"));
    }

    #[test]
    fn a_path_names_service_and_method() {
        let read = called(b"/harbour.Tides/Get").unwrap();
        assert_eq!(read, (Text::from("harbour.Tides"), Text::from("Get")));
        for wrong in [&b"/Get"[..], b"harbour/Get", b"//", b"/harbour/"] {
            assert_eq!(called(wrong), None);
        }
    }
}
