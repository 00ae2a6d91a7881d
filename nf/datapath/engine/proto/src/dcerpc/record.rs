//! What DCE/RPC reports: PDUs as they go by, and one record per bind and per call.

use nf_fields::{Fields, Text, TextRef};

use crate::ntlm::Ntlm;

/// A PDU, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct DcerpcMessage<'a> {
    /// Version of the protocol: 5 on connections, 4 in datagrams.
    pub version: u8,
    /// Its minor version.
    pub minor_version: Option<u8>,
    /// Kind of PDU by name.
    pub kind: Option<&'static str>,
    /// Kind of PDU by number.
    pub packet_type: u8,
    /// Flags.
    pub flags: u8,
    /// Octets of the fragment, header included.
    pub length: u32,
    /// Number of the call.
    pub call_id: u32,
    /// Number of the context a request or response belongs to.
    pub context_id: Option<u16>,
    /// Number of the operation.
    pub opnum: Option<u16>,
    /// UUID of the interface.
    pub interface_uuid: Option<TextRef<'a>>,
    /// Status of a fault.
    pub fault_status: Option<u32>,
    /// Octets of the stub in this fragment.
    pub stub_length: Option<u32>,
}

/// An interface a client wants to speak to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct DcerpcInterface {
    /// Number of the context.
    pub context_id: u16,
    /// Its name, when well known.
    pub name: Option<&'static str>,
    /// Its UUID.
    pub uuid: Text,
    /// Its version: `3.0`.
    pub version: Text,
    /// The server's answer: 0 accepted, 1 refused by the user, 2 refused by the provider, 3 features
    /// negotiated.
    pub ack_result: Option<u16>,
}

/// A call with its answer, or a bind with its.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct DcerpcTransaction {
    /// bind, alter_context or request.
    pub request: Text,
    /// response, fault, bind_ack…; absent when there was none.
    pub response: Option<Text>,
    /// Number of the call.
    pub call_id: u32,
    /// Version of the protocol: 5.0, 5.1 or 4.0.
    pub rpc_version: Text,
    /// Name of the interface called.
    pub interface: Option<Text>,
    /// UUID of the interface called.
    pub interface_uuid: Option<Text>,
    /// Version of the interface called.
    pub interface_version: Option<Text>,
    /// Number of the operation.
    pub opnum: Option<u16>,
    /// Name of the operation.
    pub operation: Option<Text>,
    /// Interfaces of a bind.
    pub interfaces: Option<Vec<DcerpcInterface>>,
    /// Endpoint the server names: a port or a pipe.
    pub endpoint: Option<Text>,
    /// Status of a fault or reason of a refusal.
    pub fault_status: Option<u32>,
    /// Fragments of the request.
    pub request_fragments: u32,
    /// Octets of the request's stub.
    pub request_length: u64,
    /// Fragments of the response.
    pub response_fragments: u32,
    /// Octets of the response's stub.
    pub response_length: u64,
    /// Kind of authentication: 9 negotiated, 10 NTLM, 16 Kerberos, 68 netlogon.
    pub auth_type: Option<u8>,
    /// Level of authentication: 2 connect, 5 signed, 6 encrypted.
    pub auth_level: Option<u8>,
    /// Login by NTLM.
    pub ntlm: Option<Ntlm>,
    /// Time from the request to its answer.
    pub response_us: Option<u64>,
}
