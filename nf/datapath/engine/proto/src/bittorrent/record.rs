//! What BitTorrent reports.

use nf_fields::{Binary, BinaryRef, Fields, Text, TextRef};

/// One handshake or datagram, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct BittorrentMessage<'a> {
    /// What it is: handshake, dht_query, dht_response, dht_error, tracker_request,
    /// tracker_response or utp.
    pub kind: &'static str,
    /// Torrent it is about.
    pub info_hash: Option<BinaryRef<'a>>,
    /// Peer that sends it.
    pub peer_id: Option<BinaryRef<'a>>,
    /// Hash table: what is asked, such as get_peers.
    pub query: Option<TextRef<'a>>,
    /// Hash table: node that sends it.
    pub node_id: Option<BinaryRef<'a>>,
    /// Tracker: what is asked, such as announce.
    pub action: Option<&'static str>,
    /// Transport over UDP: kind of the packet, 0 data to 4 beginning.
    pub utp_type: Option<u8>,
    /// Transport over UDP: number of the packet.
    pub utp_sequence: Option<u16>,
}

/// A connection of peers, or a question with its answer.
#[derive(Debug, Default, Fields)]
pub struct BittorrentTransaction {
    /// What it is: peers, dht, tracker or utp.
    pub kind: &'static str,
    /// Torrent it is about.
    pub info_hash: Option<Binary>,
    /// Identifier of the one who began.
    pub peer_id: Option<Binary>,
    /// Client of the one who began, as the identifier tells it.
    pub client: Option<Text>,
    /// Client of the one who began, in its own words.
    pub client_version: Option<Text>,
    /// Identifier of the other.
    pub other_peer_id: Option<Binary>,
    /// Client of the other, as the identifier tells it.
    pub other_client: Option<Text>,
    /// Client of the other, in its own words.
    pub other_client_version: Option<Text>,
    /// Peers: both know the distributed hash table.
    pub dht: Option<bool>,
    /// Peers: messages of the one who began.
    pub messages_up: Option<u64>,
    /// Peers: messages of the other.
    pub messages_down: Option<u64>,
    /// Peers: octets of content from the one who began.
    pub content_up: Option<u64>,
    /// Peers: octets of content from the other.
    pub content_down: Option<u64>,
    /// Hash table: what is asked. Tracker: the same.
    pub query: Option<Text>,
    /// Hash table: node that asks.
    pub node_id: Option<Binary>,
    /// Hash table: identifier that is looked for.
    pub target: Option<Binary>,
    /// Hash table: node that answers.
    pub other_node_id: Option<Binary>,
    /// Hash table: how many nodes the answer names.
    pub nodes: Option<u32>,
    /// Hash table: how many peers the answer names.
    pub peers: Option<u32>,
    /// Tracker: what the client tells: started, stopped, completed or none.
    pub event: Option<&'static str>,
    /// Tracker: octets the client lacks.
    pub left: Option<u64>,
    /// Tracker: port on which the client waits.
    pub port: Option<u16>,
    /// Tracker: how many have everything.
    pub seeders: Option<u32>,
    /// Tracker: how many have not.
    pub leechers: Option<u32>,
    /// The answer tells an error; the hash table's has a number.
    pub error: Option<i64>,
    /// Time from question to answer.
    pub response_us: Option<u64>,
}
