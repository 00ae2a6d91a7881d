//! Every protocol with a parser, one line each.

use crate::{Flow, Info, Parser, Probe, Protocol, Segment};
use nf_fields::ProtoId;

/// A registered protocol.
#[derive(Debug)]
pub struct Entry {
    /// Its descriptor.
    pub info: Info,
    /// See [`Protocol::probe`].
    pub probe: fn(&Segment<'_>) -> Probe,
    /// See [`Protocol::new`].
    pub create: fn(&Flow) -> Box<dyn Parser>,
}

impl Entry {
    /// The entry of protocol `P`.
    pub const fn of<P: Protocol>() -> Self {
        Self { info: P::INFO, probe: P::probe, create: |flow| Box::new(P::new(flow)) }
    }
}

macro_rules! protocols {
    ($( $protocol:path ),* $(,)?) => {
        /// Every protocol with a parser.
        pub static PROTOCOLS: &[Entry] = &[ $( Entry::of::<$protocol>() ),* ];
    };
}

protocols! {
    // Alphabetical; `make new-protocol` adds its line here.
    crate::dhcp::Dhcp,
    crate::dns::Dns,
    crate::http::Http,
    crate::http3::Http3,
    crate::llmnr::Llmnr,
    crate::mdns::Mdns,
    crate::ntp::Ntp,
    crate::ssh::Ssh,
    crate::tls::Tls,
}

/// The entry that answers to `name`.
pub fn by_name(name: &str) -> Option<&'static Entry> {
    PROTOCOLS.iter().find(|e| e.info.answers_to(name))
}

/// The entry with `id`.
pub fn by_id(id: ProtoId) -> Option<&'static Entry> {
    PROTOCOLS.iter().find(|e| e.info.id == id)
}
