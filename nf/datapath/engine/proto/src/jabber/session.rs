//! Elements, and what a stream becomes of them.

use nf_fields::{ProtoId, Text, TextRef};

use super::record::JabberMessage;
use super::xml::{Token, attribute, local, token};
use super::{Anomaly, Jabber, Lane, MAX_DEPTH, MAX_MECHANISMS, MAX_TAG, MAX_TEXT, Reading};
use crate::sasl::Login;
use crate::{Direction, NameSource, Next, Segment, Sink, Step};

/// What follows STARTTLS.
const TLS: ProtoId = ProtoId(341);

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

/// What an element leads to.
#[derive(PartialEq, Eq)]
enum After {
    Same,
    Tls,
    Nothing,
}

impl Jabber {
    pub(super) fn lane(&mut self, dir: Direction) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// Takes what there is of tags and text.
    pub(super) fn take(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        let mut used = 0usize;
        loop {
            let data = seg.data.get(used..).unwrap_or_default();
            if data.is_empty() {
                return Step::used(used);
            }
            if self.starting_tls && matches!(data, [0x16, 3, ..]) {
                self.secure(out);
                return Step::handover(used, Some(TLS));
            }
            if self.lane(seg.dir).lost {
                match stanza_start(data) {
                    Place::At(skipped) => {
                        used = used.saturating_add(skipped);
                        *self.lane(seg.dir) = Lane { depth: 1, ..Lane::default() };
                    }
                    Place::Perhaps(skipped) => return Step::used(used.saturating_add(skipped)),
                }
                continue;
            }
            // A token that waits for more ends with this at the earliest.
            let seen = std::mem::take(&mut self.lane(seg.dir).seen);
            let fresh = data.get(seen..).unwrap_or_default();
            let may_end = seen == 0 || memchr::memchr(b'>', fresh).is_some();
            let Some((found, taken)) = may_end.then(|| token(data)).flatten() else {
                if data.len() < MAX_TAG {
                    self.lane(seg.dir).seen = data.len();
                    return Step::used(used);
                }
                out.anomaly(Anomaly::TagTooLong);
                *self.lane(seg.dir) = Lane { lost: true, ..Lane::default() };
                return Step::all(seg);
            };
            used = used.saturating_add(taken);
            match self.token(seg, &found, out) {
                After::Same => {}
                After::Tls => {
                    self.secure(out);
                    return Step::handover(used, Some(TLS));
                }
                After::Nothing => return Step { next: Next::Nobody, ..Step::used(used) },
            }
        }
    }

    fn token(&mut self, seg: &Segment<'_>, found: &Token<'_>, out: &mut Sink<'_>) -> After {
        match *found {
            Token::Other => After::Same,
            Token::Text(said) => {
                let lane = self.lane(seg.dir);
                if lane.reading.is_some() {
                    let room = MAX_TEXT.saturating_sub(lane.text.len());
                    lane.text.extend_from_slice(said.get(..room).unwrap_or(said));
                }
                After::Same
            }
            Token::Open { name, attributes, empty } => {
                let name = local(name);
                if name == b"stream" && self.lane(seg.dir).depth <= 1 {
                    self.head(seg, attributes, out);
                    *self.lane(seg.dir) = Lane { depth: 1, ..Lane::default() };
                    return After::Same;
                }
                let after = self.open(seg, name, attributes, out);
                let lane = self.lane(seg.dir);
                lane.depth = lane.depth.saturating_add(1);
                if lane.depth > MAX_DEPTH {
                    out.anomaly(Anomaly::MalformedXml);
                    *self.lane(seg.dir) = Lane { lost: true, ..Lane::default() };
                    return After::Same;
                }
                if after != After::Same {
                    return after;
                }
                if empty { self.close(seg.dir, out) } else { After::Same }
            }
            Token::Close(_) => self.close(seg.dir, out),
        }
    }

    /// The head of a stream; there is another one after a login.
    fn head(&mut self, seg: &Segment<'_>, attributes: &[u8], out: &mut Sink<'_>) {
        let of = |name: &[u8]| attribute(attributes, name);
        // Only servers give a stream a name.
        let by_server = of(b"id").is_some();
        let client = *self.client.get_or_insert(match by_server {
            true => seg.dir.reverse(),
            false => seg.dir,
        });
        if !std::mem::replace(&mut self.begun, true) {
            self.start = seg.time;
        }
        self.tell(seg, b"stream", attributes, out);
        let record = &mut self.record;
        let kept = |name: &[u8]| of(name).map(text);
        if client == seg.dir {
            if let Some(name) = of(b"to").filter(|_| record.to.is_none()) {
                out.server_name(NameSource::Host, name);
            }
            record.to = kept(b"to").or(record.to.take());
            record.from = kept(b"from").or(record.from.take());
            record.namespace = kept(b"xmlns").or(record.namespace.take());
            record.version = kept(b"version").or(record.version.take());
            record.lang = kept(b"xml:lang").or(record.lang.take());
        } else {
            record.stream_id = kept(b"id").or(record.stream_id.take());
        }
        record.duration_us = seg.time.saturating_sub(self.start) / 1000;
    }

    fn tell(&self, seg: &Segment<'_>, name: &[u8], attributes: &[u8], out: &mut Sink<'_>) {
        if out.wants_messages() {
            let of = |name: &[u8]| attribute(attributes, name).map(TextRef);
            out.message(&JabberMessage {
                kind: TextRef(name),
                from_client: self.client == Some(seg.dir),
                from: of(b"from"),
                to: of(b"to"),
                sort: of(b"type"),
                id: of(b"id"),
                namespace: of(b"xmlns"),
            });
        }
    }

    fn open(
        &mut self,
        seg: &Segment<'_>,
        name: &[u8],
        attributes: &[u8],
        out: &mut Sink<'_>,
    ) -> After {
        // A stream that begins in its middle has no head.
        if !std::mem::replace(&mut self.begun, true) {
            self.start = seg.time;
            self.client.get_or_insert(seg.dir);
            self.lane(seg.dir).depth = 1;
        }
        let (client, dir) = (self.client == Some(seg.dir), seg.dir);
        if self.lane(dir).depth <= 1 {
            self.tell(seg, name, attributes, out);
            self.record.duration_us = seg.time.saturating_sub(self.start) / 1000;
            let lane = self.lane(dir);
            lane.depth = 1;
            lane.stanza = name.get(..32).unwrap_or(name).to_vec();
            return self.stanza(client, dir, name, attributes, out);
        }
        let lane = self.lane(dir);
        let reading = match (lane.stanza.as_slice(), name) {
            (b"features", b"mechanism") => Some(Reading::Mechanism),
            (b"authenticate", b"initial-response") if client => Some(Reading::Response),
            (b"iq", b"jid") if !client => Some(Reading::Jid),
            (b"iq", b"username") if client => Some(Reading::Username),
            _ => None,
        };
        if reading.is_some() {
            lane.reading = reading;
            lane.text.clear();
        }
        let stanza = lane.stanza.clone();
        match (stanza.as_slice(), name) {
            (b"features", b"starttls") => {
                self.record.starttls = Some("offered");
            }
            (b"features", b"required") if self.record.starttls.is_some() => {
                self.record.starttls = Some("required");
            }
            (b"iq", b"password") if client => {
                let mut login = Login::in_clear(None);
                login.user = self.login.take().and_then(|login| login.user);
                self.login = Some(login);
            }
            (b"error", b"text") => {}
            (b"error", condition) if self.record.stream_error.is_none() => {
                self.record.stream_error = Some(text(condition));
            }
            _ => {}
        }
        After::Same
    }

    /// An element of the stream itself.
    fn stanza(
        &mut self,
        client: bool,
        dir: Direction,
        name: &[u8],
        attributes: &[u8],
        out: &mut Sink<'_>,
    ) -> After {
        let record = &mut self.record;
        let more = |count: &mut u32| *count = count.saturating_add(1);
        match name {
            b"message" if client => more(&mut record.messages_up),
            b"message" => more(&mut record.messages_down),
            b"presence" => more(&mut record.presences),
            b"iq" => more(&mut record.iqs),
            b"starttls" if client => {
                self.starting_tls = true;
                return After::Same;
            }
            b"proceed" if !client => return After::Tls,
            b"compressed" if !client => return After::Nothing,
            b"auth" | b"authenticate" if client => {
                let mechanism = attribute(attributes, b"mechanism").unwrap_or_default();
                self.login = Some(Login::new(mechanism));
                let lane = self.lane(dir);
                lane.reading = (name == b"auth").then_some(Reading::Response);
                lane.text.clear();
            }
            b"response" if client => {
                let lane = self.lane(dir);
                lane.reading = Some(Reading::Response);
                lane.text.clear();
            }
            b"success" if !client => {
                record.authenticated = Some(true);
                // No TLS can begin any more.
                out.settled();
            }
            b"failure" if !client => {
                if std::mem::take(&mut self.starting_tls) {
                    return After::Same;
                }
                record.authenticated = Some(false);
                out.anomaly(Anomaly::LoginFailed);
            }
            _ => {}
        }
        if client && std::mem::take(&mut self.starting_tls) {
            out.anomaly(Anomaly::CommandAfterStartTls);
        }
        After::Same
    }

    fn close(&mut self, dir: Direction, out: &mut Sink<'_>) -> After {
        let lane = self.lane(dir);
        if lane.depth == 0 {
            out.anomaly(Anomaly::MalformedXml);
            return After::Same;
        }
        lane.depth = lane.depth.saturating_sub(1);
        let Some(reading) = lane.reading.take() else { return After::Same };
        let said = std::mem::take(&mut lane.text);
        let said = said.trim_ascii();
        match reading {
            Reading::Mechanism => {
                let list = &mut self.record.mechanisms;
                let said = text(said);
                if list.len() < MAX_MECHANISMS && !said.is_empty() && !list.contains(&said) {
                    list.push(said);
                }
            }
            Reading::Response => {
                if let Some(login) = &mut self.login {
                    login.response(said);
                }
            }
            Reading::Jid => self.record.jid = Some(text(said)),
            Reading::Username => {
                let clear = self.login.take().is_some_and(|login| login.clear_text);
                let mut login = Login::in_clear(Some(text(said)));
                login.clear_text = clear;
                self.login = Some(login);
            }
        }
        After::Same
    }

    fn secure(&mut self, out: &mut Sink<'_>) {
        self.record.tls = true;
        self.finish(out);
    }

    /// Reports the stream.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        if !std::mem::take(&mut self.begun) {
            return;
        }
        let mut record = std::mem::take(&mut self.record);
        if let Some(login) = self.login.take() {
            record.auth_mechanism = Some(login.mechanism).filter(|m| !m.is_empty());
            record.user = login.user;
            record.clear_text = login.clear_text;
        }
        out.transaction(self.start, *record);
    }
}

/// Where a stanza begins.
enum Place {
    /// Behind so many octets.
    At(usize),
    /// Not in so many octets; those behind may be its beginning.
    Perhaps(usize),
}

fn stanza_start(data: &[u8]) -> Place {
    const STARTS: [&[u8]; 4] = [b"<message", b"<presence", b"<iq ", b"<stream:stream"];
    let mut from = 0usize;
    while let Some(rest) = data.get(from..)
        && let Some(at) = memchr::memchr(b'<', rest)
    {
        let tag = rest.get(at..).unwrap_or_default();
        let place = from.saturating_add(at);
        if STARTS.iter().any(|start| tag.starts_with(start)) {
            return Place::At(place);
        }
        if STARTS.iter().any(|start| start.starts_with(tag)) {
            return Place::Perhaps(place);
        }
        from = place.saturating_add(1);
    }
    Place::Perhaps(data.len())
}
