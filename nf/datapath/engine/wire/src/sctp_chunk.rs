//! SCTP chunks (RFC 9260 §3.3, RFC 3758, RFC 4820, RFC 4895, RFC 5061, RFC 6525, RFC 8260).
//!
//! A chunk and its acknowledgement share a layer name, as they share their layout; `ch_type`
//! tells them apart.

use nf_fields::{ProtoId, fields};

use crate::header::{HeaderInfo, header};
use crate::read::{be16, be32, octet};
use crate::{Fault, id};

/// Octets of a chunk header.
pub const HEADER_LEN: usize = 4;

/// Type of a DATA chunk.
pub const DATA: u8 = 0;
/// Type of an INIT chunk.
pub const INIT: u8 = 1;
/// Type of an INIT ACK chunk.
pub const INIT_ACK: u8 = 2;
/// Type of an I-DATA chunk (RFC 8260).
pub const I_DATA: u8 = 64;

/// Other chunk types.
mod kind {
    pub(super) use super::{DATA, INIT, INIT_ACK};
    pub(super) const SACK: u8 = 3;
}

/// What a DATA or I-DATA chunk carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserData<'a> {
    /// Transmission sequence number.
    pub number: u32,
    /// A message begins with it.
    pub first: bool,
    /// A message ends with it.
    pub last: bool,
    /// Payload protocol identifier (IANA), which says what the message is; 0 where nothing is said.
    pub protocol: u32,
    /// Its part of the message, as far as it was captured.
    pub payload: &'a [u8],
    /// Some of it was not captured.
    pub cut: bool,
}

/// Reads a chunk with data; `octets` are the chunk's, header included, without padding. `None`
/// for other chunks, and where the header is not there as a whole.
pub fn user_data<'a>(chunk: &Header<'_>, octets: &'a [u8]) -> Option<UserData<'a>> {
    const LAST: u8 = 1;
    const FIRST: u8 = 2;
    let header = match chunk.kind() {
        DATA => 16,
        I_DATA => 20,
        _ => return None,
    };
    let payload = octets.get(header..)?;
    let first = chunk.flags() & FIRST != 0;
    let protocol = match chunk.kind() {
        DATA => be32(octets, field::DATA_PROTOCOL),
        // Further pieces have a number in its place.
        _ if first => be32(octets, field::I_DATA_PROTOCOL),
        _ => 0,
    };
    Some(UserData {
        number: be32(octets, field::FIRST_WORD),
        first,
        protocol,
        last: chunk.flags() & LAST != 0,
        payload,
        cut: octets.len() < usize::from(chunk.length()),
    })
}

mod field {
    use std::ops::Range;
    pub(super) const TYPE: usize = 0;
    pub(super) const FLAGS: usize = 1;
    pub(super) const LENGTH: Range<usize> = 2..4;
    pub(super) const FIRST_WORD: Range<usize> = 4..8;
    pub(super) const SECOND_WORD: Range<usize> = 8..12;
    pub(super) const THIRD_WORD_HIGH: Range<usize> = 12..14;
    pub(super) const THIRD_WORD_LOW: Range<usize> = 14..16;
    pub(super) const DATA_STREAM: Range<usize> = 8..10;
    pub(super) const DATA_SEQUENCE: Range<usize> = 10..12;
    pub(super) const DATA_PROTOCOL: Range<usize> = 12..16;
    pub(super) const I_DATA_PROTOCOL: Range<usize> = 16..20;
    pub(super) const INIT_TSN: Range<usize> = 16..20;
}

/// A chunk length with its padding to four octets.
pub(crate) fn padded(length: u16) -> usize {
    usize::from(length).saturating_add(3) & !3
}

/// Any chunk.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    head: &'a [u8; HEADER_LEN],
}

impl<'a> Header<'a> {
    /// Checks that the chunk's length covers its header.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
        let head = bytes.first_chunk().ok_or(Fault::Truncated)?;
        let header = Self { head };
        if usize::from(header.length()) < HEADER_LEN { Err(Fault::Malformed) } else { Ok(header) }
    }

    /// Type.
    #[inline]
    pub fn kind(&self) -> u8 {
        octet(self.head, field::TYPE)
    }

    /// Flags.
    #[inline]
    pub fn flags(&self) -> u8 {
        octet(self.head, field::FLAGS)
    }

    /// Octets of the chunk without padding.
    #[inline]
    pub fn length(&self) -> u16 {
        be16(self.head, field::LENGTH)
    }

    /// The layer this chunk is; [`ProtoId::UNKNOWN`] for a type not assigned.
    pub fn proto(&self) -> ProtoId {
        match self.kind() {
            kind::DATA => id::SCTP_DATA,
            kind::INIT | kind::INIT_ACK => id::SCTP_INIT,
            kind::SACK => id::SCTP_SACK,
            4 | 5 => id::SCTP_HEARTBEAT,
            6 => id::SCTP_ABORT,
            7 | 8 => id::SCTP_SHUTDOWN,
            9 => id::SCTP_ERROR,
            10 | 11 => id::SCTP_COOKIE_ECHO,
            12 => id::SCTP_ECNE,
            13 => id::SCTP_CWR,
            14 => id::SCTP_SHUTDOWN_COMPLETE,
            15 => id::SCTP_AUTH,
            64 => id::SCTP_I_DATA,
            128 | 193 => id::SCTP_ASCONF,
            130 => id::SCTP_RE_CONFIG,
            132 => id::SCTP_PAD,
            192 => id::SCTP_FORWARD_TSN,
            194 => id::SCTP_I_FORWARD_TSN,
            _ => ProtoId::UNKNOWN,
        }
    }
}

fields! { Header {
    1 "ch_type": u8 = |h| h.kind(), "Type of the chunk.";
    2 "ch_flags": u8 = |h| h.flags(), "Flags of the chunk.";
    3 "ch_length": u16 = |h| h.length(), "Octets of the chunk without padding.";
} }

/// A chunk type with fixed fields: its view, the types that may be in it and its octets.
macro_rules! chunk_view {
    ($(#[$doc:meta])* $view:ident, $length:literal, $kinds:pat) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $view<'a> {
            head: &'a [u8; $length],
        }

        impl<'a> $view<'a> {
            /// Checks type and length once.
            pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Fault> {
                let chunk = Header::new_checked(bytes)?;
                if !matches!(chunk.kind(), $kinds) || usize::from(chunk.length()) < $length {
                    return Err(Fault::Malformed);
                }
                bytes.first_chunk().map(|head| Self { head }).ok_or(Fault::Truncated)
            }
        }
    };
}

chunk_view! {
    /// A DATA chunk.
    Data, 16, kind::DATA
}
fields! { Data {
    1 "ch_type": u8 = |c| octet(c.head, field::TYPE), "Type of the chunk.";
    2 "ch_flags": u8 = |c| octet(c.head, field::FLAGS), "Flags of the chunk.";
    3 "ch_length": u16 = |c| be16(c.head, field::LENGTH), "Octets of the chunk without padding.";
    4 "data_tsn": u32 = |c| be32(c.head, field::FIRST_WORD), "Transmission sequence number.";
    5 "data_stream": u16 = |c| be16(c.head, field::DATA_STREAM), "Stream identifier.";
    6 "data_ssn": u16 = |c| be16(c.head, field::DATA_SEQUENCE), "Stream sequence number.";
    7 "data_ppid": u32 = |c| be32(c.head, field::DATA_PROTOCOL), "Payload protocol identifier.";
} }

impl Data<'_> {
    /// Payload protocol identifier (IANA), which says what the user data is.
    pub fn payload_protocol(&self) -> u32 {
        be32(self.head, field::DATA_PROTOCOL)
    }
}

chunk_view! {
    /// A selective acknowledgement.
    Sack, 16, kind::SACK
}
fields! { Sack {
    1 "ch_type": u8 = |c| octet(c.head, field::TYPE), "Type of the chunk.";
    2 "ch_flags": u8 = |c| octet(c.head, field::FLAGS), "Flags of the chunk.";
    3 "ch_length": u16 = |c| be16(c.head, field::LENGTH), "Octets of the chunk without padding.";
    4 "sack_cum_tsn": u32 = |c| be32(c.head, field::FIRST_WORD), "Cumulative acknowledgement.";
    5 "sack_a_rwnd": u32 = |c| be32(c.head, field::SECOND_WORD), "Advertised receiver window.";
    6 "sack_num_gap_blocks": u16 = |c| be16(c.head, field::THIRD_WORD_HIGH), "Gap blocks.";
    7 "sack_num_dup_tsn": u32 = |c| be16(c.head, field::THIRD_WORD_LOW).into(), "Duplicate numbers.";
} }

chunk_view! {
    /// INIT or INIT ACK.
    Init, 20, kind::INIT | kind::INIT_ACK
}
fields! { Init {
    1 "ch_type": u8 = |c| octet(c.head, field::TYPE), "1 INIT, 2 INIT ACK.";
    2 "ch_flags": u8 = |c| octet(c.head, field::FLAGS), "Flags of the chunk.";
    3 "ch_length": u16 = |c| be16(c.head, field::LENGTH), "Octets of the chunk without padding.";
    4 "init_ini_tag": u32 = |c| be32(c.head, field::FIRST_WORD), "Initiate tag.";
    5 "init_a_rwnd": u32 = |c| be32(c.head, field::SECOND_WORD), "Advertised receiver window.";
    6 "init_num_out_streams": u16 = |c| be16(c.head, field::THIRD_WORD_HIGH), "Outbound streams.";
    7 "init_num_in_streams": u16 = |c| be16(c.head, field::THIRD_WORD_LOW), "Inbound streams, at most.";
    8 "init_ini_tsn": u32 = |c| be32(c.head, field::INIT_TSN), "Initial sequence number.";
} }

macro_rules! entries {
    ($( $entry:ident $view:ident $id:ident $name:literal $spec:literal $doc:literal; )*) => { $(
        #[doc = concat!("Registry entry of `", $name, "`.")]
        pub const $entry: HeaderInfo = header!($view, id::$id, $name, $spec, $doc);
    )* };
}

entries! {
    INFO_DATA Data SCTP_DATA "sctp_data" "RFC 9260" "User data.";
    INFO_SACK Sack SCTP_SACK "sctp_sack" "RFC 9260" "Selective acknowledgement.";
    INFO_INIT Init SCTP_INIT "sctp_init" "RFC 9260" "Start of an association, and its answer.";
    INFO_HEARTBEAT Header SCTP_HEARTBEAT "sctp_heartbeat" "RFC 9260" "Heartbeat, and its answer.";
    INFO_ABORT Header SCTP_ABORT "sctp_abort" "RFC 9260" "Abort.";
    INFO_SHUTDOWN Header SCTP_SHUTDOWN "sctp_shutdown" "RFC 9260" "Shutdown, and its answer.";
    INFO_ERROR Header SCTP_ERROR "sctp_error" "RFC 9260" "Operation error.";
    INFO_COOKIE_ECHO Header SCTP_COOKIE_ECHO "sctp_cookie_echo" "RFC 9260" "State cookie, and its answer.";
    INFO_ECNE Header SCTP_ECNE "sctp_ecne" "RFC 9260" "Congestion notification echo.";
    INFO_CWR Header SCTP_CWR "sctp_cwr" "RFC 9260" "Congestion window reduced.";
    INFO_SHUTDOWN_COMPLETE Header SCTP_SHUTDOWN_COMPLETE "sctp_shutdown_complete" "RFC 9260" "End of a shutdown.";
    INFO_AUTH Header SCTP_AUTH "sctp_auth" "RFC 4895" "Authentication of the chunks behind it.";
    INFO_I_DATA Header SCTP_I_DATA "sctp_i_data" "RFC 8260" "User data that may interleave.";
    INFO_RE_CONFIG Header SCTP_RE_CONFIG "sctp_re_config" "RFC 6525" "Stream reconfiguration.";
    INFO_PAD Header SCTP_PAD "sctp_pad" "RFC 4820" "Padding.";
    INFO_FORWARD_TSN Header SCTP_FORWARD_TSN "sctp_forward_tsn" "RFC 3758" "Abandoned data.";
    INFO_ASCONF Header SCTP_ASCONF "sctp_asconf" "RFC 5061" "Address configuration, and its answer.";
    INFO_I_FORWARD_TSN Header SCTP_I_FORWARD_TSN "sctp_i_forward_tsn" "RFC 8260" "Abandoned data that may interleave.";
}

#[cfg(test)]
mod tests {
    use nf_fields::{Fields, Value};

    use super::*;

    fn values(view: &dyn Fields) -> Vec<u64> {
        (0..view.field_list().len())
            .map(|i| match view.get(i) {
                Value::Uint(n) => n,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn data_sack_and_init_have_their_fields() {
        let data = [0, 3, 0, 18, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 46, 0xab, 0xcd];
        assert_eq!(values(&Data::new_checked(&data).unwrap()), [0, 3, 18, 1, 2, 3, 46]);
        assert_eq!(Data::new_checked(&data).unwrap().payload_protocol(), 46);
        let sack = [3, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 0, 0, 2, 0, 1];
        assert_eq!(values(&Sack::new_checked(&sack).unwrap()), [3, 0, 16, 9, 65536, 2, 1]);
        let init = [2, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 10, 0, 11, 0, 0, 0, 8];
        assert_eq!(values(&Init::new_checked(&init).unwrap()), [2, 0, 20, 7, 65536, 10, 11, 8]);
    }

    #[test]
    fn a_view_refuses_other_chunks_and_short_ones() {
        let mut sack = [3, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 0, 0, 2, 0, 1];
        assert_eq!(Data::new_checked(&sack).err(), Some(Fault::Malformed));
        assert_eq!(Sack::new_checked(&sack[..15]).err(), Some(Fault::Truncated));
        sack[3] = 12;
        assert_eq!(Sack::new_checked(&sack).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0, 0, 0, 3]).err(), Some(Fault::Malformed));
        assert_eq!(Header::new_checked(&[0, 0, 0]).err(), Some(Fault::Truncated));
    }

    #[test]
    fn assigned_types_have_a_layer() {
        let proto = |kind| Header::new_checked(&[kind, 0, 0, 4]).unwrap().proto();
        for kind in (0..=15).chain([64, 128, 130, 132, 192, 193, 194]) {
            assert_ne!(proto(kind), ProtoId::UNKNOWN, "{kind}");
        }
        assert_eq!(proto(77), ProtoId::UNKNOWN);
        assert_eq!(padded(5), 8);
    }

    #[test]
    fn user_data_is_read_from_both_kinds_of_chunk_as_far_as_it_was_captured() {
        let whole = [0, 3, 0, 18, 0, 0, 0, 9, 0, 1, 0, 2, 0, 0, 0, 60, b'h', b'i'];
        let chunk = Header::new_checked(&whole).unwrap();
        let read = user_data(&chunk, &whole).unwrap();
        assert_eq!((read.number, read.first, read.last), (9, true, true));
        assert_eq!((read.payload, read.cut), (&b"hi"[..], false));

        let cut = user_data(&chunk, &whole[..17]).unwrap();
        assert_eq!((cut.payload, cut.cut), (&b"h"[..], true));
        assert_eq!(user_data(&chunk, &whole[..15]), None);

        let mut interleaved = [0u8; 21];
        interleaved[..4].copy_from_slice(&[64, 2, 0, 21]);
        interleaved[20] = b'x';
        let chunk = Header::new_checked(&interleaved).unwrap();
        let read = user_data(&chunk, &interleaved).unwrap();
        assert_eq!((read.payload, read.first, read.last), (&b"x"[..], true, false));

        let sack = [3, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(user_data(&Header::new_checked(&sack).unwrap(), &sack), None);
    }
}
