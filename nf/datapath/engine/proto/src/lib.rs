//! One folder per protocol, their registry, and what the engine needs to run them.
//!
//! A protocol says what it is ([`Info`]), recognises its first octets ([`Protocol::probe`], pure)
//! and takes messages off an ordered stream ([`Protocol::parse`]). The engine keeps the state,
//! the incomplete tail of a stream and the session; the protocol speaks to it through [`Sink`]
//! only. To add one: its folder, and its line in [`registry`].
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod addresses;
mod anchors;
mod aper;
mod classify;
mod cursor;
mod dissect;
pub mod fuzzing;
mod info;
mod lines;
pub mod named;
mod news;
mod numbering;
mod ports;
mod protocol;
pub mod registry;
mod sasl;
mod sink;
pub mod testing;
pub mod user;
mod waiting;
mod windows;

// One folder per protocol, alphabetical; `make new-protocol` adds its line here.

pub mod amqp;
pub mod bacnet;
pub mod bgp;
pub mod bittorrent;
pub mod cdp;
pub mod cip;
pub mod coap;
pub mod cotp;
pub mod dcerpc;
pub mod dhcp;
pub mod diameter;
pub mod dicom;
pub mod dnp3;
pub mod dns;
pub mod dtls;
pub mod eigrp;
pub mod enip;
pub mod ftp;
pub mod gquic;
pub mod gtpv2;
pub mod h323;
pub mod hsrp;
pub mod http;
pub mod http2;
pub mod http3;
pub mod iec104;
pub mod imap;
pub mod int_report;
pub mod irc;
pub mod isakmp;
pub mod jabber;
pub mod kafka;
pub mod kerberos;
pub mod l2tp;
pub mod ldap;
pub mod lldp;
pub mod llmnr;
pub mod mdns;
pub mod mgcp;
pub mod modbus;
pub mod mongodb;
pub mod mqtt;
pub mod mysql;
pub mod nas_5g;
pub mod netbios;
pub mod netflow;
pub mod nfs;
pub mod ngap;
pub mod ntlm;
pub mod ntp;
pub mod opcua;
pub mod openvpn;
pub mod ospf;
pub mod pim;
pub mod pop;
pub mod postgres;
pub mod ppp;
pub mod pppoe;
pub mod pptp;
pub mod ptp;
pub mod quic;
pub mod radius;
pub mod rdp;
pub mod redis;
pub mod rip;
pub mod rpc;
pub mod rtcp;
pub mod rtp;
pub mod rtsp;
pub mod s1ap;
pub mod s7comm;
pub mod sdp;
pub mod sflow;
pub mod sip;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod socks;
pub mod ssdp;
pub mod ssh;
pub mod stp;
pub mod stun;
pub mod syslog;
pub mod tds;
pub mod telnet;
pub mod tftp;
pub mod tls;
pub mod tpkt;
pub mod vnc;
pub mod vrrp;
pub mod websocket;
pub mod wireguard;

#[cfg(test)]
mod template;

pub use classify::{Classifier, Excluded, ProtoSet};
pub use cursor::Cursor;
pub use dissect::{Context, Dissection, Dissector, Earlier, Limits};
pub use info::{AnomalyInfo, Carrier, Info, Over, Pattern, TimeoutClass, sctp, tcp, udp, within};
pub use nf_stream::Pool;
pub use protocol::{Action, Direction, Flow, Gap, Next, Parser, Probe, Protocol, Segment, Step};
pub use sink::{
    CertificateNames, Clue, Expectation, Fault, NameSource, Observer, Record, Sink, Transaction,
    Wants,
};

/// Declares a protocol's anomalies: `/// doc` and a variant each; the name is its snake_case.
///
/// The enum converts to the index that [`Sink::anomaly`] takes, and `INFOS` goes into
/// [`Info::anomalies`].
#[macro_export]
macro_rules! anomalies {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $( #[doc = $doc:literal] $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        $vis enum $name { $( #[doc = $doc] $variant ),* }
        impl $name {
            /// Names and sentences, in the order of the variants.
            $vis const INFOS: &'static [$crate::AnomalyInfo] =
                &[ $( $crate::AnomalyInfo { name: $word, doc: $doc } ),* ];
        }
        impl From<$name> for u8 {
            fn from(anomaly: $name) -> u8 { anomaly as u8 }
        }
    };
}
