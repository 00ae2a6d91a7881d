//! What HTTP/2 reports: messages as frames go by, and one record per stream.

use nf_fields::{BinaryRef, Fields, Text, TextRef};

/// A frame (with what its header block or the first piece of its content says), one field of a
/// header block (`header`, `header_name`, `header_value`), or a further piece of content.
#[derive(Debug, Default, Fields)]
pub struct Http2Message<'a> {
    /// Frame type.
    #[field(id = 1, name = "type", alias = "frame_type")]
    pub kind: Option<u8>,
    /// Frame flags.
    pub flags: Option<u8>,
    /// Stream identifier.
    pub stream_id: u32,
    /// Octets of the frame's payload.
    pub length: Option<u32>,
    /// First octet of a header block: 130 for GET and 131 for POST as encoders usually begin.
    #[field(id = 2)]
    pub header_method: Option<u8>,
    /// Octets of a HEADERS frame's payload.
    #[field(id = 3)]
    pub header_length: Option<u32>,
    /// Stream of a HEADERS frame.
    #[field(id = 4)]
    pub header_stream_id: Option<u32>,
    /// Stream of a DATA frame.
    #[field(id = 5)]
    pub payload_stream_id: Option<u32>,
    /// Octets of a DATA frame's payload.
    #[field(id = 16)]
    pub payload_length: Option<u32>,
    /// A piece of a DATA frame's content, padding removed.
    #[field(id = 17)]
    pub payload_data: Option<BinaryRef<'a>>,
    /// :method of the header block.
    pub method: Option<TextRef<'a>>,
    /// :authority of the header block.
    pub authority: Option<TextRef<'a>>,
    /// :path of the header block.
    pub path: Option<TextRef<'a>>,
    /// :status of the header block.
    pub status: Option<u16>,
    /// One decoded field: `name: value`.
    #[field(scope = "event")]
    pub header: Option<TextRef<'a>>,
    /// Name of that field.
    #[field(scope = "event")]
    pub header_name: Option<TextRef<'a>>,
    /// Value of that field.
    #[field(scope = "event")]
    pub header_value: Option<TextRef<'a>>,
    /// Decoded fields of a whole header block.
    #[field(scope = "event")]
    pub headers_end: Option<u32>,
    /// Stream promised by PUSH_PROMISE.
    pub promised_stream_id: Option<u32>,
    /// Last stream of GOAWAY.
    pub last_stream_id: Option<u32>,
    /// Error code of RST_STREAM or GOAWAY.
    pub error_code: Option<u32>,
    /// Increment of WINDOW_UPDATE.
    pub window_increment: Option<u32>,
    /// Stream depended on, of PRIORITY or HEADERS.
    pub dependency: Option<u32>,
    /// Weight, 1 to 256, of PRIORITY or HEADERS.
    pub weight: Option<u16>,
    /// Settings of SETTINGS.
    pub settings: Option<Vec<Setting>>,
}

/// One setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Fields)]
pub struct Setting {
    /// Identifier (RFC 9113 §6.5.2).
    pub id: u16,
    /// Value.
    pub value: u32,
}

/// A stream: a request with its response.
#[derive(Debug, Default, Fields)]
pub struct Http2Transaction {
    /// Stream identifier.
    pub stream_id: u32,
    /// Request method.
    pub method: Option<Text>,
    /// Host asked for, without port: of :authority, else of the host field.
    pub host: Option<Text>,
    /// Port named with the host.
    pub host_port: Option<u16>,
    /// :path.
    pub uri: Option<Text>,
    /// :scheme.
    pub scheme: Option<Text>,
    /// :protocol of an extended CONNECT (RFC 8441).
    pub protocol: Option<Text>,
    /// Always `2`.
    pub version: &'static str,
    /// user-agent field.
    pub user_agent: Option<Text>,
    /// referer field.
    pub referer: Option<Text>,
    /// Status code of the final response.
    pub status: Option<u16>,
    /// Media type of the response, lower case, without parameters.
    pub mime: Option<Text>,
    /// Media type of the request.
    pub request_mime: Option<Text>,
    /// What the first octets of the response's body are, as transferred: text, image, media, font,
    /// document, archive, script, executable, or else binary.
    pub response_content: Option<&'static str>,
    /// The same of the request's body.
    pub request_content: Option<&'static str>,
    /// server field.
    pub server: Option<Text>,
    /// location field of the response.
    pub location: Option<Text>,
    /// x-forwarded-for field of the request.
    pub x_forwarded_for: Option<Text>,
    /// cookie fields, joined.
    pub cookie: Option<Text>,
    /// Scheme of the authorization field; credentials are not kept.
    pub auth: Option<Text>,
    /// content-encoding of the response.
    pub content_encoding: Option<Text>,
    /// content-length the response declared.
    pub content_length: Option<u64>,
    /// Octets of DATA of the request that were seen.
    pub request_length: Option<u64>,
    /// Octets of DATA of the response that were seen.
    pub response_length: Option<u64>,
    /// Microseconds from the request's last frame to the response's first.
    pub response_us: Option<u64>,
    /// Request and response were seen whole.
    pub complete: bool,
    /// Fields of the request.
    pub request_headers: Option<u32>,
    /// Fields of the response.
    pub response_headers: Option<u32>,
    /// The stream carries gRPC.
    pub grpc: bool,
    /// Service of the call.
    pub grpc_service: Option<Text>,
    /// Method of the call.
    pub grpc_method: Option<Text>,
    /// Messages of gRPC in the request.
    pub grpc_request_messages: Option<u32>,
    /// Messages of gRPC in the response.
    pub grpc_response_messages: Option<u32>,
    /// grpc-status of the trailers.
    pub grpc_status: Option<u32>,
    /// grpc-message of the trailers.
    pub grpc_message: Option<Text>,
    /// The server offered it without being asked.
    pub pushed: bool,
    /// Error code with which the stream was reset, by name.
    pub error: Option<&'static str>,
}
