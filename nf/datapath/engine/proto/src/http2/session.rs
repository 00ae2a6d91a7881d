//! Frames of a connection in order, and what they mean for its streams.

use nf_fields::{BinaryRef, Text, TextRef};

use super::frame::{
    HEADER, Header, Likeness, PREFACE, error_name, flag, is_setting_valid, kind, likeness,
    settings, unpad,
};
use super::record::{Http2Message, Setting};
use super::section::{Kind, Section};
use super::{Advance, Anomaly, Block, Http2, MAX_BLOCK, MAX_BLOCK_FRAMES, MAX_FRAME, Stage};
use crate::http::value::{host_and_port, is_host};
use crate::{Cursor, Direction, NameSource, Segment, Sink};

/// Settings shown of one frame.
const MAX_SETTINGS: usize = 32;
/// Header blocks without a server's name after which none is waited for.
const MAX_NAMELESS: u8 = 8;

fn message<'a>(header: &Header) -> Http2Message<'a> {
    Http2Message {
        kind: Some(header.kind),
        flags: Some(header.flags),
        stream_id: header.stream,
        length: Some(header.length),
        ..Http2Message::default()
    }
}

fn shorter(left: u32, there: usize) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}

impl Http2 {
    /// One item off the front of a segment that is not empty.
    pub(super) fn advance(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let data = seg.data;
        match self.lane(seg.dir).stage {
            Stage::Begin => self.preface(seg, out),
            Stage::Frame => self.frame(seg, out),
            Stage::Data { content: 0, padding: 0 } | Stage::Skip(0) => {
                self.lane(seg.dir).stage = Stage::Frame;
                Advance::Took(0)
            }
            Stage::Data { content: 0, padding } => {
                let taken = shorter(padding, data.len());
                let padding = padding.saturating_sub(taken as u32);
                self.lane(seg.dir).stage = Stage::Data { content: 0, padding };
                Advance::Took(taken)
            }
            Stage::Data { content, padding } => {
                let taken = shorter(content, data.len());
                self.body_octets(seg.dir, data.get(..taken).unwrap_or_default(), out);
                let content = content.saturating_sub(taken as u32);
                self.lane(seg.dir).stage = Stage::Data { content, padding };
                if content == 0 {
                    self.end_stream(seg, self.frame_of(seg.dir), out);
                }
                Advance::Took(taken)
            }
            Stage::Skip(left) => {
                let taken = shorter(left, data.len());
                self.lane(seg.dir).stage = Stage::Skip(left.saturating_sub(taken as u32));
                Advance::Took(taken)
            }
            Stage::Lost => {
                if likeness(data) == Likeness::Nothing || data.len() < HEADER {
                    return Advance::Took(data.len());
                }
                self.lane(seg.dir).stage = Stage::Frame;
                Advance::Took(0)
            }
        }
    }

    fn frame_of(&self, dir: Direction) -> Header {
        let [up, down] = &self.lanes;
        match dir {
            Direction::Up => up.frame,
            Direction::Down => down.frame,
        }
    }

    /// The first octets of a direction: a preface, or frames at once.
    fn preface(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let lane = self.lane(seg.dir);
        if seg.data.starts_with(PREFACE) {
            lane.stage = Stage::Frame;
            self.client = Some(seg.dir);
            return Advance::Took(PREFACE.len());
        }
        if PREFACE.starts_with(seg.data) {
            return Advance::Wait(PREFACE.len());
        }
        if seg.data.starts_with(b"PRI ") {
            out.anomaly(Anomaly::PrefaceInvalid);
            lane.stage = Stage::Lost;
            return Advance::Took(seg.data.len());
        }
        if seg.data.len() < HEADER {
            return Advance::Wait(HEADER);
        }
        lane.stage = Stage::Frame;
        // A server begins with SETTINGS, a client with the preface: this is the middle.
        let begins = Header::read(seg.data)
            .is_some_and(|h| h.kind == kind::SETTINGS && h.flags & flag::ACK == 0);
        if !begins {
            lane.table.lose();
        }
        Advance::Took(0)
    }

    fn frame(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Advance {
        let Some(header) = Header::read(seg.data) else {
            return Advance::Wait(HEADER);
        };
        if header.kind == kind::DATA {
            return self.data(seg, header, out);
        }
        if header.length > MAX_FRAME {
            out.anomaly(Anomaly::FrameTooLarge);
            let lane = self.lane(seg.dir);
            lane.frame = header;
            lane.stage = Stage::Skip(header.length);
            if header.carries_fields() {
                lane.block = None;
                lane.table.lose();
            }
            return Advance::Took(HEADER);
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX).saturating_add(HEADER);
        let Some(payload) = seg.data.get(HEADER..length) else {
            return Advance::Wait(length);
        };
        self.judge(seg.dir, &header, out);
        if header.is_sized() {
            self.payload(seg, header, payload, out);
        } else if header.carries_fields() {
            self.lose_block(seg.dir);
        }
        Advance::Took(length)
    }

    /// Counts what is wrong with a frame header.
    fn judge(&mut self, dir: Direction, header: &Header, out: &mut Sink<'_>) {
        let most = self.lane(dir).max_frame.unwrap_or(16_384);
        if header.length > most {
            out.anomaly(Anomaly::FrameTooLarge);
        }
        if !header.is_sized() {
            out.anomaly(Anomaly::FrameSizeInvalid);
        }
        if !header.is_placed() {
            out.anomaly(Anomaly::StreamInvalid);
        }
        let within = self.lane(dir).block.as_ref().map(|block| block.header.stream);
        match (within, header.kind) {
            (Some(stream), kind::CONTINUATION) if stream == header.stream => {}
            (Some(_), _) => {
                out.anomaly(Anomaly::ContinuationMissing);
                self.lose_block(dir);
            }
            (None, kind::CONTINUATION) => out.anomaly(Anomaly::ContinuationUnexpected),
            (None, _) => {}
        }
    }

    fn lose_block(&mut self, dir: Direction) {
        let lane = self.lane(dir);
        lane.block = None;
        lane.table.lose();
    }

    /// The header of a DATA frame, with the padding's length if there is one.
    fn data(&mut self, seg: &Segment<'_>, header: Header, out: &mut Sink<'_>) -> Advance {
        let padded = header.has(flag::PADDED) && header.length > 0;
        let first = HEADER.saturating_add(usize::from(padded));
        let Some(front) = seg.data.get(..first) else {
            return Advance::Wait(first);
        };
        let padding = if padded { front.last().copied().unwrap_or(0).into() } else { 0u32 };
        let room = header.length.saturating_sub(u32::from(padded));
        self.judge(seg.dir, &header, out);
        let content = match room.checked_sub(padding) {
            Some(content) => content,
            None => {
                out.anomaly(Anomaly::PaddingInvalid);
                0
            }
        };
        let lane = self.lane(seg.dir);
        lane.frame = header;
        lane.stage = Stage::Data { content, padding: room.saturating_sub(content) };
        lane.fresh = true;
        if header.stream != 0 {
            self.streams.open(header.stream, seg.time);
            self.make_room(out);
        }
        if content == 0 {
            self.body_octets(seg.dir, &[], out);
        }
        if content == 0 {
            self.end_stream(seg, header, out);
        }
        Advance::Took(first)
    }

    /// Every octet of content comes by here, in order for its stream and without padding.
    fn body_octets(&mut self, dir: Direction, octets: &[u8], out: &mut Sink<'_>) {
        let header = self.frame_of(dir);
        let request = self.is_client(dir);
        if let Some(stream) = self.streams.find(header.stream) {
            let side = stream.side(request);
            side.begun = true;
            side.length = side.length.saturating_add(octets.len() as u64);
            if let Some(content) = &mut side.content {
                content.take(octets);
            }
            if !stream.count_messages(request, octets) {
                out.anomaly(Anomaly::GrpcInvalid);
            }
        }
        let fresh = std::mem::take(&mut self.lane(dir).fresh);
        if out.wants_messages() {
            let said = match fresh {
                true => Http2Message {
                    payload_stream_id: Some(header.stream),
                    payload_length: Some(header.length),
                    ..message(&header)
                },
                false => Http2Message { stream_id: header.stream, ..Http2Message::default() },
            };
            out.message(&Http2Message { payload_data: Some(BinaryRef(octets)), ..said });
        }
    }

    /// A frame that may end its direction of a stream.
    fn end_stream(&mut self, seg: &Segment<'_>, header: Header, out: &mut Sink<'_>) {
        if !header.has(flag::END_STREAM) || header.stream == 0 {
            return;
        }
        let request = self.is_client(seg.dir);
        if let Some(stream) = self.streams.find(header.stream) {
            stream.end_side(request, seg.time);
            let content = &mut stream.side(request).content;
            let carried = content.as_mut().and_then(|content| content.take_dns());
            if let Some(message) = carried {
                self.dns.message(&message, seg, out);
            }
        }
        self.streams.report_ended(header.stream, out);
    }

    fn payload(&mut self, seg: &Segment<'_>, header: Header, payload: &[u8], out: &mut Sink<'_>) {
        let mut octets = Cursor::new(payload);
        let mut said = message(&header);
        match header.kind {
            kind::HEADERS | kind::PUSH_PROMISE => {
                self.begin_block(seg, header, payload, said, out);
                return;
            }
            kind::CONTINUATION => {
                if out.wants_messages() {
                    out.message(&said);
                }
                self.continue_block(seg, header, payload, out);
                return;
            }
            kind::PRIORITY => read_priority(&mut octets, &mut said),
            kind::RST_STREAM => {
                said.error_code = octets.u32();
                self.reset(header.stream, said.error_code.unwrap_or(0), seg, out);
            }
            kind::SETTINGS if !header.has(flag::ACK) => {
                for (id, value) in settings(payload) {
                    if !is_setting_valid(id, value) {
                        out.anomaly(Anomaly::SettingInvalid);
                    } else if id == 5 {
                        // Whoever announces it receives what the other direction sends.
                        self.lane(seg.dir.reverse()).max_frame = Some(value);
                    }
                }
                let shown = settings(payload).take(MAX_SETTINGS);
                said.settings = out
                    .wants_messages()
                    .then(|| shown.map(|(id, value)| Setting { id, value }).collect());
            }
            kind::GOAWAY => {
                said.last_stream_id = octets.u32().map(|id| id & 0x7fff_ffff);
                said.error_code = octets.u32();
                if said.error_code.is_some_and(|code| code != 0) {
                    out.anomaly(Anomaly::ConnectionError);
                }
            }
            kind::WINDOW_UPDATE => said.window_increment = octets.u32().map(|n| n & 0x7fff_ffff),
            _ => {}
        }
        if out.wants_messages() {
            out.message(&said);
        }
    }

    fn reset(&mut self, id: u32, code: u32, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let client = self.is_client(seg.dir);
        let Some(stream) = self.streams.find(id) else {
            return;
        };
        // A server may end a stream so once it has answered (RFC 9113 §8.1).
        if code != 0 || client || !stream.response.ended {
            stream.record.error = Some(error_name(code));
        }
        self.streams.report(id, out);
    }

    fn begin_block(
        &mut self,
        seg: &Segment<'_>,
        header: Header,
        payload: &[u8],
        mut said: Http2Message<'static>,
        out: &mut Sink<'_>,
    ) {
        let Some(content) = unpad(&header, payload) else {
            out.anomaly(Anomaly::PaddingInvalid);
            self.lose_block(seg.dir);
            return;
        };
        let mut octets = Cursor::new(content);
        if header.kind == kind::PUSH_PROMISE {
            said.promised_stream_id = octets.u32().map(|id| id & 0x7fff_ffff);
        } else {
            said.header_length = Some(header.length);
            said.header_stream_id = Some(header.stream);
            if header.has(flag::PRIORITY) {
                read_priority(&mut octets, &mut said);
            }
        }
        said.header_method = octets.rest().first().copied();
        if header.has(flag::END_HEADERS) {
            self.block(seg, header, said, octets.rest(), out);
        } else {
            let block = Block { header, said, octets: octets.rest().to_vec(), frames: 1 };
            self.lane(seg.dir).block = Some(Box::new(block));
        }
    }

    fn continue_block(
        &mut self,
        seg: &Segment<'_>,
        header: Header,
        payload: &[u8],
        out: &mut Sink<'_>,
    ) {
        // Without its beginning, nothing can be made of it.
        let Some(mut block) = self.lane(seg.dir).block.take() else {
            self.lane(seg.dir).table.lose();
            return;
        };
        block.frames = block.frames.saturating_add(1);
        let length = block.octets.len().saturating_add(payload.len());
        if length > MAX_BLOCK || block.frames > MAX_BLOCK_FRAMES {
            out.anomaly(Anomaly::HeaderBlockTooLarge);
            self.lane(seg.dir).table.lose();
            return;
        }
        block.octets.extend_from_slice(payload);
        if header.has(flag::END_HEADERS) {
            let Block { header, said, octets, .. } = *block;
            self.block(seg, header, said, &octets, out);
        } else {
            self.lane(seg.dir).block = Some(block);
        }
    }

    /// A whole header block.
    fn block(
        &mut self,
        seg: &Segment<'_>,
        header: Header,
        said: Http2Message<'static>,
        octets: &[u8],
        out: &mut Sink<'_>,
    ) {
        let listened = out.wants_messages() || out.wants_transactions();
        let mut section = Section::new(listened);
        let table = &mut self.lane(seg.dir).table;
        let decoded = table.decode(octets, &mut |field| {
            if section.take(field)
                && out.wants_messages()
                && let (Some(name), Some(value)) = (field.name, field.value)
            {
                let line = [name, b": ", value].concat();
                out.message(&Http2Message {
                    header: Some(TextRef(&line)),
                    header_name: Some(TextRef(name)),
                    header_value: Some(TextRef(value)),
                    stream_id: header.stream,
                    ..Http2Message::default()
                });
            }
        });
        if decoded.is_err() {
            out.anomaly(Anomaly::HpackInvalid);
            table.lose();
        }
        self.judge_fields(&section, out);
        let promised = said.promised_stream_id;
        if out.wants_messages() {
            tell_block(said, &section, out);
        }
        self.apply(seg, header, promised, section, out);
    }

    fn judge_fields(&self, section: &Section, out: &mut Sink<'_>) {
        let faults = section.faults;
        let differ = match (&section.authority, &section.host) {
            (Some(authority), Some(host)) => {
                !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes())
            }
            _ => false,
        };
        let found = [
            (faults.too_many, Anomaly::TooManyFields),
            (faults.pseudo, Anomaly::PseudoHeaderInvalid),
            (faults.name, Anomaly::FieldNameInvalid),
            (faults.value, Anomaly::FieldValueInvalid),
            (faults.connection, Anomaly::ConnectionField),
            (differ, Anomaly::AuthorityMismatch),
        ];
        for (_, anomaly) in found.into_iter().filter(|(wrong, _)| *wrong) {
            out.anomaly(anomaly);
        }
    }

    fn apply(
        &mut self,
        seg: &Segment<'_>,
        header: Header,
        promised: Option<u32>,
        section: Section,
        out: &mut Sink<'_>,
    ) {
        if self.client.is_none() && promised.is_none() {
            self.client = match section.kind {
                Kind::Request => Some(seg.dir),
                Kind::Response => Some(seg.dir.reverse()),
                Kind::Neither => None,
            };
        }
        if section.grpc {
            out.inside(super::grpc::ID);
        }
        self.name_server(&section, out);
        let request = promised.is_some() || self.is_client(seg.dir);
        let id = promised.unwrap_or(header.stream);
        if id == 0 {
            return;
        }
        if let Some(target) = section.head.uri.as_ref().filter(|_| promised.is_none()) {
            self.dns.target(target.as_bytes(), seg, out);
        }
        self.streams.open(id, seg.time);
        let Some(stream) = self.streams.find(id) else {
            return;
        };
        let added = stream.take(request, section, seg.time);
        if promised.is_some() {
            stream.record.pushed = true;
            stream.end_side(true, seg.time);
        }
        self.streams.keep(added);
        if promised.is_none() {
            self.end_stream(seg, header, out);
        }
        self.make_room(out);
    }

    fn make_room(&mut self, out: &mut Sink<'_>) {
        while self.streams.is_full() {
            out.anomaly(Anomaly::TooManyStreams);
            self.streams.report_oldest(out);
        }
    }

    fn name_server(&mut self, section: &Section, out: &mut Sink<'_>) {
        let named = section.authority.as_ref().or(section.host.as_ref());
        let (host, _) = host_and_port(named.map_or(&[], Text::as_bytes));
        let host = host.strip_suffix(b".").unwrap_or(host);
        if !is_host(host) {
            self.nameless = self.nameless.saturating_add(1);
            if self.nameless >= MAX_NAMELESS {
                out.settled();
            }
            return;
        }
        if self.named.as_deref() != Some(host) {
            self.named = Some(host.into());
            out.server_name(NameSource::Host, host);
        }
        out.settled();
    }
}

fn read_priority(octets: &mut Cursor<'_>, said: &mut Http2Message<'_>) {
    said.dependency = octets.u32().map(|id| id & 0x7fff_ffff);
    said.weight = octets.u8().map(|weight| u16::from(weight).saturating_add(1));
}

fn tell_block(said: Http2Message<'static>, section: &Section, out: &mut Sink<'_>) {
    fn lent(text: &Option<Text>) -> Option<TextRef<'_>> {
        text.as_ref().map(|text| TextRef(text.as_bytes()))
    }
    out.message(&Http2Message {
        method: lent(&section.head.method),
        authority: lent(&section.authority),
        path: lent(&section.head.uri),
        status: section.status,
        headers_end: Some(section.fields),
        ..said
    });
}
