//! What H.323 reports: messages, calls, and requests to gatekeepers.

use std::net::IpAddr;

use nf_fields::{Binary, Fields, Text, TextRef};

/// A message of call signalling or to and from a gatekeeper.
#[derive(Debug, Default, Fields)]
pub struct H323Message<'a> {
    /// Kind: of call signalling as Q.931 names it, of RAS what is asked for.
    pub kind: &'static str,
    /// RAS: request, confirm, reject or notice.
    pub role: Option<&'static str>,
    /// Number of the call, or of the request.
    pub reference: u16,
    /// The callee's side sends it.
    pub from_callee: bool,
    /// Number of who calls.
    pub calling_number: Option<TextRef<'a>>,
    /// Number that is called.
    pub called_number: Option<TextRef<'a>>,
    /// What is to be shown of the sender.
    pub display: Option<TextRef<'a>>,
    /// Why a call ends, as Q.850 numbers causes.
    pub cause: Option<u8>,
    /// The same, or why a request is refused, as H.225.0 names reasons.
    pub reason: Option<&'static str>,
    /// Product of the sender.
    pub product: Option<TextRef<'a>>,
}

/// A call from its set-up to its end, or a request to a gatekeeper with its answer.
#[derive(Clone, Debug, Default, Fields)]
pub struct H323Transaction {
    /// call; of RAS what is asked for: gatekeeper, registration, unregistration, admission, bandwidth,
    /// disengage, location, info, resources or service_control.
    pub kind: &'static str,
    /// Number of the call at the side that began it; of RAS, the one that is asked about.
    pub reference: Option<u16>,
    /// Ties all messages of a call together, at all parties.
    pub call_id: Option<Binary>,
    /// Number of the caller, or of who asks.
    pub caller_number: Option<Text>,
    /// Name of the caller, or of who asks.
    pub caller_name: Option<Text>,
    /// Number of the callee.
    pub callee_number: Option<Text>,
    /// Name of the callee.
    pub callee_name: Option<Text>,
    /// What is to be shown of the caller.
    pub display: Option<Text>,
    /// Product of the caller, or of who asks.
    pub caller_product: Option<Text>,
    /// Product of the callee.
    pub callee_product: Option<Text>,
    /// Call: time from set-up until the callee's end rang.
    pub ring_us: Option<u64>,
    /// Call: time from set-up until it was answered.
    pub setup_us: Option<u64>,
    /// Call: time from answer to release.
    pub talk_us: Option<u64>,
    /// Call: how it ended: caller_hung_up, callee_hung_up, cancelled, refused, open.
    pub ended: Option<&'static str>,
    /// Call: why it ended, as Q.850 numbers causes (16: somebody hung up; 17: busy).
    pub cause: Option<u8>,
    /// Why it ended or was refused, as H.225.0 names reasons.
    pub reason: Option<&'static str>,
    /// Call: address at which H.245 was agreed on.
    pub control_ip: Option<IpAddr>,
    /// Its port.
    pub control_port: Option<u16>,
    /// RAS: whether the gatekeeper agreed; absent without an answer.
    pub confirmed: Option<bool>,
    /// RAS: name of the gatekeeper.
    pub gatekeeper: Option<Text>,
    /// RAS: name that the gatekeeper gave to the endpoint.
    pub endpoint: Option<Text>,
    /// RAS: address for call signalling, of the answer or of who asks.
    pub signalling_ip: Option<IpAddr>,
    /// Its port.
    pub signalling_port: Option<u16>,
    /// RAS: bandwidth that is asked for or granted, bits per second.
    pub bandwidth_bps: Option<u64>,
    /// RAS: time from request to answer.
    pub response_us: Option<u64>,
}
