//! HTTP/3 (RFC 9114): a name for what QUIC carries under ALPN `h3`. Its octets are encrypted, so
//! nothing is ever recognised or parsed here.

use nf_fields::ProtoId;

use crate::{Flow, Info, Probe, Protocol, Segment, Sink, Step, TimeoutClass, within};

/// HTTP/3's number.
pub const ID: ProtoId = ProtoId(1112);

/// See the module.
pub struct Http3;

impl Protocol for Http3 {
    const INFO: Info = Info {
        name: "http3",
        id: ID,
        aliases: &["h3"],
        title: "Hypertext Transfer Protocol, version 3",
        spec: "RFC 9114",
        over: &[within("quic")],
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
