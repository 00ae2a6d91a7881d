//! HTTP/2 (RFC 9113) with header compression (RFC 7541): with prior knowledge, behind an
//! upgrade from HTTP/1, or from the middle of a connection. One transaction per stream; what is
//! gRPC is named inside, its calls and messages are told in the streams' transactions.
//!
//! Bounds: 48 KiB of a frame other than DATA, 64 KiB and 64 frames of a header block, 1,024
//! fields of it, 64 KiB of compression table per direction, 256 open streams and 256 KiB of
//! their texts (then the oldest is reported as it is). Content is passed on as it comes; of what is in
//! records 64 octets are held, which tell what it is, and a message of DNS (RFC 8484) of at most 4 KiB,
//! which is reported as DNS where somebody listens to HTTP/2, too.
//!
//! Settled: with the first header block that names the server, or with the eighth without.

mod frame;
mod grpc;
mod hpack;
mod huffman;
mod record;
mod section;
mod session;
mod stream;
#[cfg(test)]
mod tests;

use nf_fields::{Fields, ProtoId};

use crate::dns::over_http::{self, OverHttp};
use crate::{
    Direction, Flow, Gap, Info, Next, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    tcp, within,
};
use frame::{Header, Likeness, PREFACE};
pub use grpc::Grpc;
use hpack::Table;
pub use record::{Http2Message, Http2Transaction};
use stream::Streams;

/// Most octets of a frame that is read whole.
const MAX_FRAME: u32 = 48 * 1024;
/// Most octets of a header block.
const MAX_BLOCK: usize = 64 * 1024;
/// Most frames of a header block.
const MAX_BLOCK_FRAMES: u8 = 64;

crate::anomalies! {
    /// What can be wrong with HTTP/2.
    pub enum Anomaly {
        /// A connection preface that is none.
        PrefaceInvalid = "preface_invalid",
        /// A frame longer than SETTINGS allow, or too long to be read.
        FrameTooLarge = "frame_too_large",
        /// A frame of a length that its type cannot have.
        FrameSizeInvalid = "frame_size_invalid",
        /// A frame on a stream where its type may not be.
        StreamInvalid = "stream_invalid",
        /// Padding that exceeds its frame.
        PaddingInvalid = "padding_invalid",
        /// Another frame within a header block.
        ContinuationMissing = "continuation_missing",
        /// A CONTINUATION outside a header block.
        ContinuationUnexpected = "continuation_unexpected",
        /// A header block of too many octets or frames.
        HeaderBlockTooLarge = "header_block_too_large",
        /// A header block that cannot be decompressed.
        HpackInvalid = "hpack_invalid",
        /// A header block of too many fields.
        TooManyFields = "too_many_fields",
        /// A pseudo-header field that is unknown, repeated or misplaced.
        PseudoHeaderInvalid = "pseudo_header_invalid",
        /// A field name with octets that it may not have.
        FieldNameInvalid = "field_name_invalid",
        /// A field value with NUL, CR or LF.
        FieldValueInvalid = "field_value_invalid",
        /// A field that belongs to HTTP/1 connections.
        ConnectionField = "connection_field",
        /// :authority and host name different hosts.
        AuthorityMismatch = "authority_mismatch",
        /// A setting with a value that it may not have.
        SettingInvalid = "setting_invalid",
        /// Too many open streams: the oldest was given up.
        TooManyStreams = "too_many_streams",
        /// The connection was ended with an error code.
        ConnectionError = "connection_error",
        /// Content of gRPC that is no row of messages.
        GrpcInvalid = "grpc_invalid",
    }
}

/// What a direction is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// At the beginning: the client's preface may be there.
    #[default]
    Begin,
    /// Between frames.
    Frame,
    /// In a DATA frame: octets of content, then of padding.
    Data { content: u32, padding: u32 },
    /// In a frame that is not read.
    Skip(u32),
    /// Out of step: looking for frames at the beginning of segments.
    Lost,
}

/// A header block of several frames.
#[derive(Debug, Default)]
struct Block {
    header: Header,
    said: Http2Message<'static>,
    octets: Vec<u8>,
    frames: u8,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Lane {
    stage: Stage,
    /// Header of the frame whose payload is being read.
    frame: Header,
    /// Its first piece of content has not come.
    fresh: bool,
    block: Option<Box<Block>>,
    table: Table,
    /// SETTINGS_MAX_FRAME_SIZE of the other end, if announced.
    max_frame: Option<u32>,
}

/// A connection of HTTP/2.
#[derive(Default)]
pub struct Http2 {
    lanes: [Lane; 2],
    /// The direction that asks.
    client: Option<Direction>,
    streams: Streams,
    /// Header blocks seen without a name of the server.
    nameless: u8,
    /// The server's name as reported last.
    named: Option<Box<[u8]>>,
    /// Messages of DNS in it.
    dns: OverHttp,
}

/// What became of the front of a segment.
enum Advance {
    Took(usize),
    /// So many octets are needed in all.
    Wait(usize),
}

impl Protocol for Http2 {
    const INFO: Info = Info {
        name: "http2",
        id: ProtoId(700),
        aliases: &["h2", "h2c"],
        title: "Hypertext Transfer Protocol, version 2",
        spec: "RFC 9113, RFC 7541",
        over: &[tcp(&[]), within("http"), within("tls")],
        patterns: &[Pattern::start(b"PRI * HTTP/2.0"), Pattern::start(b"\0")],
        weight: 25,
        timeout: TimeoutClass::Long,
        max_pending: 64 * 1024,
        message: Http2Message::fields,
        transaction: Http2Transaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[over_http::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        if seg.data.starts_with(PREFACE) {
            return Probe::Certain;
        }
        if PREFACE.starts_with(seg.data) {
            return Probe::Unsure;
        }
        match frame::likeness(seg.data) {
            Likeness::Frames => Probe::Certain,
            Likeness::Perhaps => Probe::Unsure,
            Likeness::Nothing => Probe::No,
        }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            match self.advance(&Segment { data, ..*seg }, out) {
                Advance::Took(n) => used = used.saturating_add(n),
                Advance::Wait(need) => return Step::need(used, need),
            }
            if out.is_settled() && !out.wants_messages() && !out.wants_transactions() {
                // Not even for what might be carried inside.
                return Step { next: Next::Nobody, ..Step::used(used) };
            }
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, _out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        let lost = u32::try_from(lost).unwrap_or(u32::MAX);
        lane.stage = match lane.stage {
            Stage::Data { content, padding } if lost < content => {
                Stage::Data { content: content.saturating_sub(lost), padding }
            }
            Stage::Skip(left) if lost < left => Stage::Skip(left.saturating_sub(lost)),
            _ => Stage::Lost,
        };
        match lane.stage {
            Stage::Lost => {
                lane.block = None;
                lane.table.lose();
                if let Some(client) = self.client {
                    self.streams.break_all(client == dir);
                }
            }
            _ => self.break_stream(dir),
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while self.streams.report_oldest(out) {}
        self.dns.end(out);
    }
}

impl Http2 {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Whether a direction asks; the initiator does unless seen otherwise.
    fn is_client(&self, dir: Direction) -> bool {
        self.client.unwrap_or(Direction::Up) == dir
    }

    fn break_stream(&mut self, dir: Direction) {
        let (id, request) = (self.lane(dir).frame.stream, self.is_client(dir));
        if let Some(stream) = self.streams.find(id) {
            stream.side(request).lose();
        }
    }
}
