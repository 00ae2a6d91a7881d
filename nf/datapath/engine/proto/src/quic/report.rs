//! What QUIC reports: a message per packet, a transaction per handshake.

use nf_fields::{Binary, BinaryRef, Fields, Text};

/// A packet as far as it can be read.
#[derive(Default, Fields)]
pub struct QuicMessage<'a> {
    /// 1 for a long header, 0 for a short one.
    #[field(id = 1)]
    pub header_form: u8,
    /// Kind of a long header: 0 Initial, 1 0-RTT, 2 Handshake, 3 Retry.
    #[field(id = 2)]
    pub long_packet_type: Option<u8>,
    /// Latency spin bit of a short header.
    #[field(id = 3)]
    pub spin_bit: Option<u8>,
    /// Version of a long header.
    #[field(id = 4)]
    pub version: Option<u32>,
    /// Octets of the destination connection id.
    #[field(id = 5)]
    pub dst_conn_id_len: Option<u16>,
    /// Destination connection id.
    #[field(id = 6)]
    pub dst_conn_id: Option<BinaryRef<'a>>,
    /// Octets of the source connection id.
    #[field(id = 7)]
    pub src_conn_id_len: Option<u16>,
    /// Source connection id.
    #[field(id = 8)]
    pub src_conn_id: Option<BinaryRef<'a>>,
    /// Octets of packet number and payload, as the header says.
    #[field(id = 9)]
    pub length: Option<u32>,
    /// Octets of the packet number (Initial packets only: it is encrypted).
    #[field(id = 10)]
    pub packet_number_len: Option<u8>,
    /// Packet number (Initial packets only).
    #[field(id = 11)]
    pub packet_number: Option<u32>,
    /// Octets of the token.
    #[field(id = 12)]
    pub token_len: Option<u16>,
    /// Token of an Initial or Retry.
    #[field(id = 13)]
    pub token: Option<BinaryRef<'a>>,
    /// Round trip time by the spin bit: between two of its edges in this direction.
    #[field(id = 14, alias = "rtt")]
    pub rtt_us: Option<u64>,
}

/// A handshake.
#[derive(Debug, Default, Fields)]
pub struct QuicTransaction {
    /// Version: "1", "2", "draft-29", ….
    pub version: Option<Text>,
    /// Name the client asked for.
    pub server_name: Option<Text>,
    /// Application protocol, where the client offered only one (the answer is encrypted).
    pub alpn: Option<Text>,
    /// Application protocols the client offered.
    pub client_alpns: Vec<Text>,
    /// Cipher suite the server chose.
    pub cipher: Option<Text>,
    /// JA3 of the client's hello.
    pub ja3: Option<Text>,
    /// JA3 before hashing.
    pub ja3_full: Option<Text>,
    /// JA3S of the server's hello.
    pub ja3s: Option<Text>,
    /// JA4 of the client's hello.
    pub ja4: Option<Text>,
    /// The program, where the client's transport parameters name it.
    pub user_agent: Option<Text>,
    /// Destination connection id of the client's first packet.
    pub dcid: Option<Binary>,
    /// Source connection id of the client's first packet.
    pub scid: Option<Binary>,
    /// The client's hello has an encrypted hello within, or GREASE that looks like one.
    pub ech: bool,
    /// An earlier session was resumed.
    pub resumed: bool,
    /// The client sent early data.
    pub early_data: bool,
    /// The server asked the client to start again with a token.
    pub retry: bool,
    /// The handshake was completed.
    pub established: bool,
    /// Error code with which either side closed the connection during the handshake.
    pub error_code: Option<u64>,
    /// From the client's first packet to its first one after the handshake.
    pub handshake_us: Option<u64>,
}
