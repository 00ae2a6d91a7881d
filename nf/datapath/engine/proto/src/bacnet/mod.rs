//! BACnet/IP (ANSI/ASHRAE 135, annex J) over UDP: virtual link, network and application layer. One
//! transaction per request with its answer, per unconfirmed service, and per message of the two
//! lower layers. A password is never kept: that one was seen is.
//!
//! Bounds: 32 requests without answer, 64 tags of a message, 64 octets of a name.

mod message;
#[cfg(test)]
mod tests;
mod words;

use std::net::Ipv4Addr;

use nf_fields::{Binary, Fields, ProtoId, Text};

use crate::waiting::Waiting;
use crate::{
    Direction, Flow, Info, Pattern, Probe, Protocol, Segment, Sink, Step, TimeoutClass, udp,
};
use message::{Apdu, Kind, Link, Network, Said};

/// Port of the registry.
const PORT: u16 = 47_808;
/// Most requests that wait for their answers.
const MAX_PENDING: usize = 32;
/// Most octets of a text kept.
const MAX_TEXT: usize = 64;

crate::anomalies! {
    /// What can be wrong with BACnet.
    pub enum Anomaly {
        /// A datagram that is no message of the virtual link, or is longer or shorter than it says.
        MalformedLink = "malformed_link",
        /// A network layer that cannot be read.
        MalformedNetwork = "malformed_network",
        /// A message of the application that cannot be read.
        MalformedMessage = "malformed_message",
        /// Arguments of a service that cannot be read.
        MalformedArguments = "malformed_arguments",
        /// An answer to no request that was seen.
        UnsolicitedAnswer = "unsolicited_answer",
        /// Too many requests without answer: the oldest was given up.
        TooManyPending = "too_many_pending",
    }
}

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct BacnetMessage {
    /// Function of the virtual link.
    pub link_function: &'static str,
    /// Kind of message: confirmed, unconfirmed, an answer's kind, or network.
    pub kind: Option<&'static str>,
    /// Ties an answer to its request.
    pub invoke_id: Option<u8>,
    /// Service, or message of the network layer.
    pub service: Option<&'static str>,
    /// Number of the service.
    pub service_code: Option<u8>,
    /// Kind of object.
    pub object_type: Option<&'static str>,
    /// Number of the object.
    pub object_instance: Option<u32>,
    /// Property.
    pub property_id: Option<u32>,
}

/// A request and its answer, or a message that is not answered.
#[derive(Debug, Default, Fields)]
pub struct BacnetTransaction {
    /// What it is: confirmed, unconfirmed, network or link.
    pub kind: &'static str,
    /// Service, or what the lower layers do.
    pub service: &'static str,
    /// Number of the service.
    pub service_code: Option<u8>,
    /// Ties the answer to its request.
    pub invoke_id: Option<u8>,
    /// Function of the virtual link.
    pub link_function: &'static str,
    /// Address a forwarded message came from.
    pub origin_address: Option<Ipv4Addr>,
    /// Network it is for.
    pub destination_network: Option<u16>,
    /// Network it is from.
    pub source_network: Option<u16>,
    /// Address in that network.
    pub source_address: Option<Binary>,
    /// Priority on the network: 3 is life safety.
    pub network_priority: Option<u8>,
    /// Kind of object.
    pub object_type: Option<&'static str>,
    /// Number of that kind.
    pub object_type_id: Option<u16>,
    /// Number of the object.
    pub object_instance: Option<u32>,
    /// Name of the object.
    pub object_name: Option<Text>,
    /// Property.
    pub property: Option<&'static str>,
    /// Number of the property.
    pub property_id: Option<u32>,
    /// Place in an array.
    pub array_index: Option<u32>,
    /// Priority of a write.
    pub priority: Option<u32>,
    /// Lowest device that is asked for.
    pub low_limit: Option<u32>,
    /// Highest one.
    pub high_limit: Option<u32>,
    /// Longest message a device takes.
    pub max_apdu: Option<u32>,
    /// Maker of a device.
    pub vendor_id: Option<u32>,
    /// State that a device is told to take.
    pub state: Option<u32>,
    /// A password went by in clear.
    pub password_seen: Option<bool>,
    /// How it ended: ack, error, reject or abort; absent when there was no answer.
    pub result: Option<&'static str>,
    /// Class of an error.
    pub error_class: Option<u32>,
    /// Code of an error, reason of a reject or abort, or result of the virtual link.
    pub error_code: Option<u32>,
    /// Messages the answer came in.
    pub response_messages: Option<u32>,
    /// Time from request to the first message of the answer.
    pub response_us: Option<u64>,
}

struct Request {
    time: u64,
    record: BacnetTransaction,
}

/// A session.
pub struct Bacnet {
    pending: Waiting<(u8, Direction), Request>,
}

impl Protocol for Bacnet {
    const INFO: Info = Info {
        name: "bacnet",
        id: ProtoId(1326),
        aliases: &["bacnet_ip", "bvlc"],
        title: "BACnet/IP, building automation",
        spec: "ANSI/ASHRAE 135-2020",
        over: &[udp(&[PORT])],
        patterns: &[Pattern::start(&[message::MARK])],
        weight: 40,
        timeout: TimeoutClass::Default,
        message: BacnetMessage::fields,
        transaction: BacnetTransaction::fields,
        anomalies: Anomaly::INFOS,
        ..Info::DEFAULT
    };

    fn new(_flow: &Flow) -> Self {
        Self { pending: Waiting::new(MAX_PENDING) }
    }

    fn probe(seg: &Segment<'_>) -> Probe {
        let Some(link) = message::link(seg.data) else { return Probe::No };
        let is_likely = match link.network.map(message::network) {
            Some(Some(network)) => {
                let apdu = message::apdu(network.apdu);
                network.kind.is_some() && seg.on_port(PORT)
                    || apdu.is_some_and(|apdu| is_likely(&apdu))
            }
            Some(None) => false,
            // The other functions have next to no shape.
            None => seg.on_port(PORT),
        };
        if is_likely { Probe::Certain } else { Probe::No }
    }

    fn parse(&mut self, seg: &Segment<'_>, out: &mut Sink<'_>) -> Step {
        out.settled();
        match message::link(seg.data) {
            Some(link) => self.link(&link, seg, out),
            None if seg.cut => {}
            None => out.anomaly(Anomaly::MalformedLink),
        }
        Step::all(seg)
    }

    fn end(&mut self, out: &mut Sink<'_>) {
        while let Some(request) = self.pending.pop() {
            out.transaction(request.time, request.record);
        }
    }
}

fn is_likely(apdu: &Apdu<'_>) -> bool {
    let is_named = match (apdu.kind, apdu.service) {
        (Kind::Unconfirmed, Some(service)) => words::unconfirmed(service) != "other",
        (_, Some(service)) => words::confirmed(service) != "other",
        _ => true,
    };
    is_named && !message::arguments(apdu).is_malformed
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Confirmed => "confirmed",
        Kind::Unconfirmed => "unconfirmed",
        Kind::SimpleAck => "simple_ack",
        Kind::ComplexAck => "complex_ack",
        Kind::SegmentAck => "segment_ack",
        Kind::Error => "error",
        Kind::Reject => "reject",
        Kind::Abort => "abort",
    }
}

fn service_word(apdu: &Apdu<'_>) -> Option<&'static str> {
    Some(match apdu.kind {
        Kind::Unconfirmed => words::unconfirmed(apdu.service?),
        _ => words::confirmed(apdu.service?),
    })
}

impl Bacnet {
    fn link(&mut self, link: &Link<'_>, seg: &Segment<'_>, out: &mut Sink<'_>) {
        let mut base = BacnetTransaction {
            kind: "link",
            service: words::link(link.function),
            link_function: words::link(link.function),
            origin_address: link.origin.map(|(address, _)| address),
            error_code: link.code.filter(|_| link.function == 0).map(u32::from),
            ..BacnetTransaction::default()
        };
        let Some(octets) = link.network else {
            out.message(&BacnetMessage {
                link_function: base.link_function,
                ..BacnetMessage::default()
            });
            out.transaction(seg.time, base);
            return;
        };
        let Some(network) = message::network(octets) else {
            out.anomaly(Anomaly::MalformedNetwork);
            return;
        };
        base.destination_network = network.destination;
        base.network_priority = Some(network.priority).filter(|&priority| priority > 0);
        base.source_network = network.source;
        base.source_address = (!network.source_address.is_empty())
            .then(|| Binary::bounded(network.source_address, MAX_TEXT));
        self.network(&network, base, seg, out);
    }

    fn network(
        &mut self,
        network: &Network<'_>,
        mut base: BacnetTransaction,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        if let Some(kind) = network.kind {
            base.kind = "network";
            base.service = words::network(kind);
            base.service_code = Some(kind);
            out.message(&BacnetMessage {
                link_function: base.link_function,
                kind: Some("network"),
                service: Some(base.service),
                service_code: Some(kind),
                ..BacnetMessage::default()
            });
            out.transaction(seg.time, base);
            return;
        }
        let Some(apdu) = message::apdu(network.apdu) else {
            out.anomaly(Anomaly::MalformedMessage);
            return;
        };
        let said = message::arguments(&apdu);
        if said.is_malformed {
            out.anomaly(Anomaly::MalformedArguments);
        }
        out.message(&BacnetMessage {
            link_function: base.link_function,
            kind: Some(kind_word(apdu.kind)),
            invoke_id: apdu.invoke,
            service: service_word(&apdu),
            service_code: apdu.service,
            object_type: said.object.map(|(kind, _)| words::object(kind)),
            object_instance: said.object.map(|(_, instance)| instance),
            property_id: said.property,
        });
        if out.wants_transactions() {
            self.apdu(&apdu, &said, base, seg, out);
        }
    }

    fn apdu(
        &mut self,
        apdu: &Apdu<'_>,
        said: &Said<'_>,
        mut base: BacnetTransaction,
        seg: &Segment<'_>,
        out: &mut Sink<'_>,
    ) {
        let invoke = apdu.invoke.unwrap_or(0);
        match apdu.kind {
            Kind::Unconfirmed => {
                base.kind = "unconfirmed";
                base.ask(apdu, said);
                out.transaction(seg.time, base);
            }
            // Later parts of a request belong to its first one.
            Kind::Confirmed if apdu.part.is_some_and(|part| part > 0) => {}
            Kind::Confirmed => {
                base.kind = "confirmed";
                base.ask(apdu, said);
                let request = Request { time: seg.time, record: base };
                self.wait((invoke, seg.dir), request, out);
            }
            Kind::SegmentAck => {}
            _ => {
                let key = (invoke, seg.dir.reverse());
                let Some(mut request) = self.pending.take(&key) else {
                    out.anomaly(Anomaly::UnsolicitedAnswer);
                    base.kind = "confirmed";
                    base.ask(apdu, said);
                    base.tell(apdu, said);
                    out.transaction(seg.time, base);
                    return;
                };
                let after = seg.time.saturating_sub(request.time) / 1000;
                request.record.response_us.get_or_insert(after);
                request.record.tell(apdu, said);
                if apdu.has_more {
                    self.wait(key, request, out);
                } else {
                    out.transaction(request.time, request.record);
                }
            }
        }
    }

    fn wait(&mut self, key: (u8, Direction), request: Request, out: &mut Sink<'_>) {
        if let Some(oldest) = self.pending.put(key, request) {
            out.anomaly(Anomaly::TooManyPending);
            out.transaction(oldest.time, oldest.record);
        }
    }
}

impl BacnetTransaction {
    fn ask(&mut self, apdu: &Apdu<'_>, said: &Said<'_>) {
        self.service = service_word(apdu).unwrap_or("none");
        self.service_code = apdu.service;
        self.invoke_id = apdu.invoke;
        self.object_type = said.object.map(|(kind, _)| words::object(kind));
        self.object_type_id = said.object.map(|(kind, _)| kind);
        self.object_instance = said.object.map(|(_, instance)| instance);
        self.object_name = said.name.map(|name| Text::bounded(name, MAX_TEXT));
        self.property = said.property.map(words::property);
        self.property_id = said.property;
        self.array_index = said.index;
        self.priority = said.priority;
        (self.low_limit, self.high_limit) = said.limits.unzip();
        self.max_apdu = said.max_apdu;
        self.vendor_id = said.vendor;
        self.state = said.state;
        self.password_seen = said.has_password.then_some(true);
    }

    fn tell(&mut self, apdu: &Apdu<'_>, said: &Said<'_>) {
        self.result = Some(match apdu.kind {
            Kind::Error => "error",
            Kind::Reject => "reject",
            Kind::Abort => "abort",
            _ => "ack",
        });
        if let Some((class, code)) = said.error {
            self.error_class = Some(class);
            self.error_code = Some(code);
        }
        self.error_code = apdu.reason.map(u32::from).or(self.error_code);
        self.response_messages = Some(self.response_messages.unwrap_or(0).saturating_add(1));
    }
}
