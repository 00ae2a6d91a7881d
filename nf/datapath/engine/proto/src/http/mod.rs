//! HTTP/0.9 to HTTP/1.1 (RFC 9110, RFC 9112). One transaction per request and its response.
//!
//! Bounds: lines of 32 KiB (what exceeds that is skipped), 64 requests without response and
//! 128 KiB of their texts (then the oldest is reported as it is), 4 KiB of a target and 1 KiB
//! of any other value in records. Bodies are passed on as they come; of those in records 64 octets
//! are held, which tell what they are, and a message of DNS (RFC 8484) of at most 4 KiB, which is
//! reported as DNS where somebody listens to HTTP, too.
//!
//! Settled: when the header section of a request ends that does not ask to leave HTTP (the name
//! of the server is known then). After a request with CONNECT or Upgrade the response decides.
//! A session of which only responses are seen is settled with the second.

mod body;
pub(crate) mod content;
mod exchange;
pub(crate) mod head;
pub(crate) mod line;
mod probe;
mod reading;
mod record;
mod session;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use nf_fields::{Fields, ProtoId};

use crate::dns::over_http::{self, OverHttp};
use crate::{
    Direction, Flow, Gap, Info, Next, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass,
    tcp, within,
};
use body::{Body, Piece};
use exchange::Exchanges;
use line::LineFinder;
use reading::Reading;
pub use record::{HttpMessage, HttpTransaction};

/// Longest line read whole.
const MAX_LINE: usize = 32 * 1024;
/// Most header lines of a message that are read for more than framing.
const MAX_HEADERS: u32 = 512;

crate::anomalies! {
    /// What can be wrong with HTTP.
    pub enum Anomaly {
        /// Octets where a start line should be that are none.
        Garbage = "garbage",
        /// A request line with white space that does not belong there.
        RequestLineSpacing = "request_line_spacing",
        /// A request line without version, and header lines behind it.
        VersionMissing = "version_missing",
        /// A version that is neither 1.0 nor 1.1.
        VersionUnknown = "version_unknown",
        /// A start line or header line longer than 32 KiB.
        LineTooLong = "line_too_long",
        /// More than 512 header lines.
        TooManyHeaders = "too_many_headers",
        /// Lines that end with a line feed alone.
        BareLf = "bare_lf",
        /// A header line continued on the next line.
        ObsoleteFold = "obsolete_fold",
        /// A header line without colon or name.
        HeaderWithoutColon = "header_without_colon",
        /// White space before a header's colon, or a name that is no token.
        HeaderNameInvalid = "header_name_invalid",
        /// A control octet in a header value.
        HeaderValueInvalid = "header_value_invalid",
        /// An HTTP/1.1 request without Host.
        HostMissing = "host_missing",
        /// Several Host headers.
        HostRepeated = "host_repeated",
        /// A host that cannot be one.
        HostInvalid = "host_invalid",
        /// Host header and absolute target name different hosts.
        HostMismatch = "host_mismatch",
        /// Content-Length given several times.
        ContentLengthRepeated = "content_length_repeated",
        /// Content-Length given several times with different values.
        ContentLengthConflict = "content_length_conflict",
        /// A Content-Length that is no number.
        ContentLengthInvalid = "content_length_invalid",
        /// Both Content-Length and Transfer-Encoding.
        LengthAndCoding = "content_length_and_transfer_encoding",
        /// A request's Transfer-Encoding that does not end with chunked.
        TransferEncodingInvalid = "transfer_encoding_invalid",
        /// A chunk whose size or end is not what it must be.
        ChunkInvalid = "chunk_invalid",
        /// A chunk extension.
        ChunkExtension = "chunk_extension",
        /// A response to no request that was seen.
        ResponseWithoutRequest = "response_without_request",
        /// Too many requests without response: the oldest was given up.
        PipelineOverflow = "pipeline_overflow",
        /// Octets behind a request without version that are neither header nor request.
        DataAfterSimpleRequest = "data_after_simple_request",
    }
}

/// What a direction is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Between messages.
    #[default]
    Start,
    /// In the header section.
    Headers,
    /// Behind a request line without version.
    Simple,
    /// In the content.
    Body(Body),
    /// Out of step: looking for the next start line.
    Lost,
}

/// One direction of a session.
#[derive(Debug, Default)]
struct Lane {
    stage: Stage,
    finder: LineFinder,
    /// The rest of an overlong line is being thrown away.
    skipping: bool,
    /// Arrival of the first octet of the start line.
    first: Option<u64>,
    /// The message whose header section or body is being read.
    reading: Option<Reading>,
}

/// What became of the front of a segment.
enum Advance {
    /// So many octets were taken, or something else moved on.
    Took(usize),
    /// More octets are needed.
    Wait,
    /// So many octets were taken; the rest belongs to another protocol.
    Leave(usize, Option<ProtoId>),
}

/// A session of HTTP/1.
#[derive(Default)]
pub struct Http {
    lanes: [Lane; 2],
    /// The direction that asks.
    client: Option<Direction>,
    exchanges: Exchanges,
    /// Messages begun.
    messages: u32,
    /// Responses seen before any request.
    unasked: u8,
    /// The server's name as reported last.
    named: Option<Box<[u8]>>,
    /// Messages of DNS in it.
    dns: OverHttp,
}

impl Protocol for Http {
    const INFO: Info = Info {
        name: "http",
        id: ProtoId(153),
        title: "Hypertext Transfer Protocol, versions 0.9 to 1.1",
        spec: "RFC 9110, RFC 9112",
        over: &[tcp(&[80, 8080, 8000, 8008, 3128]), within("tls")],
        // The first pattern asks about every first payload, since any token is a method. The
        // others ask again when a stream that began in the middle comes to its next message.
        patterns: &[
            Pattern::start(b""),
            Pattern::start(b"HTTP/1."),
            Pattern::start(b"GET "),
            Pattern::start(b"POST "),
            Pattern::start(b"HEAD "),
            Pattern::start(b"PUT "),
            Pattern::start(b"OPTIONS "),
            Pattern::start(b"CONNECT "),
        ],
        weight: 30,
        timeout: TimeoutClass::Long,
        max_pending: 64 * 1024,
        message: HttpMessage::fields,
        transaction: HttpTransaction::fields,
        anomalies: Anomaly::INFOS,
        speaks: &[over_http::ID],
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self::default()
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        probe::probe(seg)
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
                Advance::Wait => return Step::used(used),
                Advance::Leave(n, proto) => return Step::handover(used.saturating_add(n), proto),
            }
            if out.is_settled() && !out.wants_messages() && !out.wants_transactions() {
                // Not even for what might be carried inside.
                return Step { next: Next::Nobody, ..Step::used(used) };
            }
        }
    }

    fn gap(&mut self, dir: Direction, lost: u64, out: &mut Sink<'_>) -> Gap {
        let lane = self.lane(dir);
        lane.finder.reset();
        let within_content = match &mut lane.stage {
            Stage::Body(body) => body.skip(lost),
            _ => false,
        };
        if !within_content {
            self.lose(dir, out);
            return Gap::Resume;
        }
        let whole = matches!(lane.stage, Stage::Body(body) if body.is_whole());
        if let Some(half) = self.half(dir) {
            half.broken = true;
            if let Some(content) = &mut half.content {
                content.lose();
            }
        }
        if whole {
            self.finish_message(dir, None, out);
        }
        Gap::Resume
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        for dir in [Direction::Up, Direction::Down] {
            match self.lane(dir).stage {
                // Only the end of the connection ends such a body.
                Stage::Body(Body::UntilClose) | Stage::Simple => {
                    self.finish_message(dir, None, out)
                }
                Stage::Headers | Stage::Body(_) => self.lose(dir, out),
                Stage::Start | Stage::Lost => {}
            }
        }
        while self.exchanges.report_oldest(out) {}
        self.dns.end(out);
    }
}

impl Http {
    fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// One item off the front of a segment that is not empty.
    fn advance(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let lane = self.lane(seg.dir);
        if lane.skipping {
            let end = memchr::memchr(b'\n', seg.data);
            lane.skipping = end.is_none();
            return Advance::Took(end.map_or(seg.data.len(), |at| at.saturating_add(1)));
        }
        match lane.stage {
            Stage::Start => self.start(seg, out),
            Stage::Headers => self.header(seg, out),
            Stage::Simple => self.after_simple(seg, out),
            Stage::Body(body) => self.content(seg, body, out),
            Stage::Lost => self.find(seg),
        }
    }

    /// Looks for a start line, a line at a time.
    fn find(&mut self, seg: &Segment<'_>) -> Advance {
        let client = self.client;
        let lane = self.lane(seg.dir);
        let Some(length) = lane.finder.line(seg.data) else {
            if seg.data.len() > MAX_LINE {
                lane.finder.reset();
                return Advance::Took(seg.data.len());
            }
            return Advance::Wait;
        };
        let (line, _) = line::chomp(seg.data.get(..length).unwrap_or_default());
        if reading::is_start(line, seg.dir, client) {
            lane.stage = Stage::Start;
            return Advance::Took(0);
        }
        Advance::Took(length)
    }

    fn content(&mut self, seg: &Segment<'_>, mut body: Body, out: &mut Sink<'_>) -> Advance {
        let lane = self.lane(seg.dir);
        let piece = body.advance(seg.data, &mut lane.finder);
        lane.stage = Stage::Body(body);
        let front = |n: usize| seg.data.get(..n).unwrap_or_default();
        match piece {
            Piece::Content(n) => {
                self.body_octets(seg.dir, front(n), out);
                if body.is_whole() {
                    self.finish_message(seg.dir, Some(seg), out);
                }
                Advance::Took(n)
            }
            Piece::Framing(n) => Advance::Took(n),
            Piece::Extended(n) => {
                self.note(seg.dir, Anomaly::ChunkExtension, out);
                Advance::Took(n)
            }
            Piece::Trailer(n) => {
                self.trailer(seg.dir, front(n), out);
                Advance::Took(n)
            }
            Piece::End(n) => {
                self.finish_message(seg.dir, Some(seg), out);
                Advance::Took(n)
            }
            Piece::Short => Advance::Wait,
            Piece::Wrong => {
                out.anomaly(Anomaly::ChunkInvalid);
                self.lose(seg.dir, out);
                Advance::Took(0)
            }
        }
    }

    /// Every octet of every body comes by here, in order and without its transfer coding.
    fn body_octets(&mut self, dir: Direction, octets: &[u8], out: &mut Sink<'_>) {
        if let Some(half) = self.half(dir) {
            half.length = half.length.saturating_add(octets.len() as u64);
            if let Some(content) = &mut half.content {
                content.take(octets);
            }
        }
        if out.wants_messages()
            && let Some(reading) = &self.lane(dir).reading
        {
            reading.tell_data(octets, out);
        }
    }
}
