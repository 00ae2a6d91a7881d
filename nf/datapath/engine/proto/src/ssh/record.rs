//! What is reported: messages in clear, and the handshake of a session.

use md5::{Digest, Md5};
use nf_fields::{Fields, Text, TextRef};
use sha2::Sha256;

use super::message::{self, Banner, Offer};
use crate::Cursor;

/// Most octets kept of one name or comment.
const MAX_TEXT: usize = 256;
/// Most octets kept of the lists behind a fingerprint.
const MAX_LISTS: usize = 4096;

/// One message in clear, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct SshMessage<'a> {
    /// banner, or the message's name where it is known.
    pub kind: &'static str,
    /// Number of the message; absent for a banner.
    pub message_type: Option<u8>,
    /// It was sent by the client.
    pub from_client: bool,
    /// Banner: protocol version.
    pub version: Option<TextRef<'a>>,
    /// Banner: software.
    pub software: Option<TextRef<'a>>,
    /// Banner: comments.
    pub comments: Option<TextRef<'a>>,
    /// Offer: key exchanges.
    pub kex_algorithms: Option<TextRef<'a>>,
    /// Offer: host keys.
    pub host_key_algorithms: Option<TextRef<'a>>,
    /// Offer: ciphers from the client.
    pub ciphers_up: Option<TextRef<'a>>,
    /// Offer: ciphers to the client.
    pub ciphers_down: Option<TextRef<'a>>,
    /// Offer: authentication codes from the client.
    pub macs_up: Option<TextRef<'a>>,
    /// Offer: authentication codes to the client.
    pub macs_down: Option<TextRef<'a>>,
    /// Offer: compression from the client.
    pub compressions_up: Option<TextRef<'a>>,
    /// Offer: compression to the client.
    pub compressions_down: Option<TextRef<'a>>,
}

/// The handshake of a session, as far as it was seen.
#[derive(Debug, Default, Fields)]
pub struct SshTransaction {
    /// Protocol version of the client, such as 2.0.
    pub client_version: Option<Text>,
    /// Software of the client.
    pub client_software: Option<Text>,
    /// What the client says behind its software.
    pub client_comments: Option<Text>,
    /// Protocol version of the server.
    pub server_version: Option<Text>,
    /// Software of the server.
    pub server_software: Option<Text>,
    /// What the server says behind its software.
    pub server_comments: Option<Text>,
    /// Fingerprint of the client's offer (HASSH).
    pub hassh: Option<Text>,
    /// What the client's fingerprint is made of.
    pub hassh_algorithms: Option<Text>,
    /// Fingerprint of the server's offer (HASSHServer).
    pub hassh_server: Option<Text>,
    /// What the server's fingerprint is made of.
    pub hassh_server_algorithms: Option<Text>,
    /// Key exchange agreed on.
    pub kex: Option<Text>,
    /// Host key agreed on.
    pub host_key_algorithm: Option<Text>,
    /// Cipher from the client.
    pub cipher_up: Option<Text>,
    /// Cipher to the client.
    pub cipher_down: Option<Text>,
    /// Authentication code from the client; absent where the cipher has its own.
    pub mac_up: Option<Text>,
    /// Authentication code to the client; absent where the cipher has its own.
    pub mac_down: Option<Text>,
    /// Compression from the client.
    pub compression_up: Option<Text>,
    /// Compression to the client.
    pub compression_down: Option<Text>,
    /// Both sides count packets from the key exchange on (strict key exchange).
    pub strict_kex: Option<bool>,
    /// Kind of the server's host key.
    pub host_key_type: Option<Text>,
    /// SHA-256 of the server's host key, base 64 as tools print it.
    pub host_key_sha256: Option<Text>,
    /// Words of a side that ends the session before it has begun.
    pub refusal: Option<Text>,
    /// Both sides went on encrypted.
    pub encrypted: bool,
    /// Time from the first banner to the last message in clear.
    pub handshake_us: Option<u64>,
}

/// What one side offers, kept until the other side's offer comes.
#[derive(Debug, Default)]
pub struct KeptOffer {
    kex: Box<[u8]>,
    host_key: Box<[u8]>,
    pairs: [[Box<[u8]>; 2]; 3],
}

impl KeptOffer {
    /// Keeps the lists.
    pub fn of(offer: &Offer<'_>) -> Self {
        let pair = |[up, down]: [&[u8]; 2]| [up.into(), down.into()];
        Self {
            kex: offer.kex.into(),
            host_key: offer.host_key.into(),
            pairs: [pair(offer.ciphers), pair(offer.macs), pair(offer.compressions)],
        }
    }
}

fn text(octets: &[u8]) -> Text {
    Text::bounded(octets, MAX_TEXT)
}

/// Ciphers that authenticate what they encrypt.
fn has_own_code(cipher: &[u8]) -> bool {
    let known: [&[u8]; 6] = [
        b"chacha20-poly1305@openssh.com",
        b"chacha20-poly1305",
        b"aes128-gcm@openssh.com",
        b"aes256-gcm@openssh.com",
        b"AEAD_AES_128_GCM",
        b"AEAD_AES_256_GCM",
    ];
    known.contains(&cipher)
}

/// The fingerprint: MD5 of four lists, as its publication has it, and the lists.
fn fingerprint(offer: &Offer<'_>, way: usize) -> (Text, Text) {
    let of = |pair: &[&[u8]; 2]| pair.get(way).copied().unwrap_or_default().to_vec();
    let lists = [offer.kex.to_vec(), of(&offer.ciphers), of(&offer.macs), of(&offer.compressions)]
        .join(&b';');
    let hash = Md5::digest(&lists);
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    (Text::from(hex), Text::bounded(&lists, MAX_LISTS))
}

impl SshTransaction {
    /// Adds one side's identification.
    pub fn banner(&mut self, banner: &Banner<'_>, from_client: bool) {
        let version = Some(text(banner.version));
        let software = Some(text(banner.software));
        let comments = banner.comments.map(text);
        if from_client {
            self.client_version = version;
            self.client_software = software;
            self.client_comments = comments;
        } else {
            self.server_version = version;
            self.server_software = software;
            self.server_comments = comments;
        }
    }

    /// Adds why one side will not go on.
    pub fn refusal(&mut self, words: &[u8]) {
        self.refusal = Some(text(words));
    }

    /// Adds one side's fingerprint.
    pub fn offer(&mut self, offer: &Offer<'_>, from_client: bool) {
        let (hash, lists) = fingerprint(offer, usize::from(!from_client));
        if from_client {
            self.hassh = Some(hash);
            self.hassh_algorithms = Some(lists);
        } else {
            self.hassh_server = Some(hash);
            self.hassh_server_algorithms = Some(lists);
        }
    }

    /// Adds what both sides agree on. False when they cannot.
    pub fn agree(&mut self, client: &KeptOffer, server: &KeptOffer) -> bool {
        let agreed = |c: &[u8], s: &[u8]| message::agreed(c, s).map(text);
        self.kex = agreed(&client.kex, &server.kex);
        self.host_key_algorithm = agreed(&client.host_key, &server.host_key);
        let mut pairs = client
            .pairs
            .iter()
            .zip(&server.pairs)
            .flat_map(|(c, s)| c.iter().zip(s).map(|(c, s)| agreed(c, s)));
        let mut next = || pairs.next().flatten();
        (self.cipher_up, self.cipher_down) = (next(), next());
        (self.mac_up, self.mac_down) = (next(), next());
        (self.compression_up, self.compression_down) = (next(), next());
        for (cipher, mac) in
            [(&self.cipher_up, &mut self.mac_up), (&self.cipher_down, &mut self.mac_down)]
        {
            if cipher.as_ref().is_some_and(|c| has_own_code(c.as_bytes())) {
                *mac = None;
            }
        }
        let strict = |list: &[u8], mark: &[u8]| message::names(list).any(|name| name == mark);
        self.strict_kex = Some(
            strict(&client.kex, b"kex-strict-c-v00@openssh.com")
                && strict(&server.kex, b"kex-strict-s-v00@openssh.com"),
        );
        self.kex.is_some() && self.cipher_up.is_some() && self.cipher_down.is_some()
    }

    /// Adds the host key of a key exchange reply, behind its message number.
    pub fn host_key(&mut self, body: &[u8]) {
        let Some(key) = message::string(&mut Cursor::new(body)) else {
            return;
        };
        // A blob that does not begin with its kind is something else.
        let Some(kind) = message::string(&mut Cursor::new(key)) else {
            return;
        };
        if kind.is_empty() || !kind.iter().all(u8::is_ascii_graphic) {
            return;
        }
        let mut hash = Vec::new();
        crate::dns::text::base64(&Sha256::digest(key), &mut hash);
        while hash.last() == Some(&b'=') {
            hash.pop();
        }
        self.host_key_type = Some(text(kind));
        self.host_key_sha256 = Some(Text::from(hash));
    }
}

/// A banner for who listens to messages.
pub fn banner_message<'a>(banner: &Banner<'a>, from_client: bool) -> SshMessage<'a> {
    SshMessage {
        kind: "banner",
        from_client,
        version: Some(TextRef(banner.version)),
        software: Some(TextRef(banner.software)),
        comments: banner.comments.map(TextRef),
        ..SshMessage::default()
    }
}

/// A packet for who listens to messages; an offer's lists if it is one.
pub fn packet_message<'a>(
    number: u8,
    offer: Option<&Offer<'a>>,
    from_client: bool,
) -> SshMessage<'a> {
    let mut message = SshMessage {
        kind: word(number),
        message_type: Some(number),
        from_client,
        ..SshMessage::default()
    };
    if let Some(offer) = offer {
        let [ciphers_up, ciphers_down] = offer.ciphers.map(|l| Some(TextRef(l)));
        let [macs_up, macs_down] = offer.macs.map(|l| Some(TextRef(l)));
        let [compressions_up, compressions_down] = offer.compressions.map(|l| Some(TextRef(l)));
        message = SshMessage {
            kex_algorithms: Some(TextRef(offer.kex)),
            host_key_algorithms: Some(TextRef(offer.host_key)),
            ciphers_up,
            ciphers_down,
            macs_up,
            macs_down,
            compressions_up,
            compressions_down,
            ..message
        };
    }
    message
}

fn word(number: u8) -> &'static str {
    match number {
        1 => "disconnect",
        2 => "ignore",
        3 => "unimplemented",
        4 => "debug",
        message::KEXINIT => "kexinit",
        message::NEWKEYS => "newkeys",
        30..=49 => "key_exchange",
        _ => "other",
    }
}
