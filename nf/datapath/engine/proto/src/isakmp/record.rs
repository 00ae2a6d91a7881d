//! What IKE reports.

use nf_fields::{Binary, BinaryRef, Fields, Text};

use super::message::{self, Header, Kind};
use super::proposal::{self, Suite};
use crate::Cursor;

/// Most proposals, vendors or notifications of an exchange that are kept.
const MAX_LISTED: usize = 16;
/// Most octets of an unknown vendor that are written.
const MAX_VENDOR: usize = 32;

/// One message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct IsakmpMessage<'a> {
    /// What the datagram is: ike, esp or keepalive.
    pub kind: &'static str,
    /// Major version, 1 or 2.
    pub version: Option<u8>,
    /// Exchange it is of.
    pub exchange: Option<&'static str>,
    /// Identifier the initiator chose.
    pub initiator_spi: Option<BinaryRef<'a>>,
    /// Identifier the responder chose.
    pub responder_spi: Option<BinaryRef<'a>>,
    /// Number of the message.
    pub message_id: Option<u32>,
    /// It answers (version 2).
    pub response: Option<bool>,
    /// What follows the header is encrypted.
    pub encrypted: Option<bool>,
    /// It goes past a translator of addresses.
    pub nat_traversal: Option<bool>,
    /// Octets of the message.
    pub length: Option<u32>,
}

impl<'a> IsakmpMessage<'a> {
    /// Something else on the same ports.
    pub fn carried(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    /// A message.
    pub fn of(h: &'a Header, marked: bool) -> Self {
        let chosen = |spi: &'a [u8; 8]| (spi != &[0; 8]).then_some(BinaryRef(spi));
        Self {
            kind: "ike",
            version: Some(h.major),
            exchange: Some(message::exchange(h.major, h.exchange)),
            initiator_spi: chosen(&h.initiator),
            responder_spi: chosen(&h.responder),
            message_id: Some(h.id),
            response: (h.major == 2).then_some(h.is_response()),
            encrypted: Some(h.encrypted()),
            nat_traversal: Some(marked),
            length: Some(h.length),
        }
    }
}

/// An exchange.
#[derive(Debug, Default, Fields)]
pub struct IsakmpTransaction {
    /// Major version, 1 or 2.
    pub version: u8,
    /// Exchange, such as ike_sa_init or identity_protection.
    pub exchange: &'static str,
    /// Identifier the initiator chose.
    pub initiator_spi: Binary,
    /// Identifier the responder chose.
    pub responder_spi: Option<Binary>,
    /// Number of its messages.
    pub message_id: u32,
    /// Suites the one who began it proposes.
    pub offered: Option<Vec<Text>>,
    /// Cipher the other chose.
    pub alg_enc: Option<Text>,
    /// Authentication code the other chose.
    pub alg_auth: Option<Text>,
    /// Pseudorandom function the other chose.
    pub alg_prf: Option<Text>,
    /// Group of the key exchange the other chose.
    pub alg_dh: Option<Text>,
    /// Extensions and products that were announced; unknown ones as octets.
    pub vendors: Option<Vec<Text>>,
    /// What was notified in clear.
    pub notifications: Option<Vec<Text>>,
    /// Some of it was encrypted.
    pub encrypted: bool,
    /// It went past a translator of addresses.
    pub nat_traversal: bool,
    /// Messages of the one who began it.
    pub requests: u32,
    /// Messages of the other.
    pub responses: u32,
    /// Time from the first message to the other's first.
    pub response_us: Option<u64>,
}

impl IsakmpTransaction {
    /// An exchange that begins.
    pub fn begun(h: &Header) -> Self {
        Self {
            version: h.major,
            exchange: message::exchange(h.major, h.exchange),
            initiator_spi: Binary::from(&h.initiator[..]),
            message_id: h.id,
            ..Self::default()
        }
    }

    /// Adds what the header of a message tells.
    pub fn count(&mut self, h: &Header, answers: bool, marked: bool) {
        if h.responder != [0; 8] {
            self.responder_spi = Some(Binary::from(&h.responder[..]));
        }
        self.encrypted |= h.encrypted();
        self.nat_traversal |= marked;
        let counted = if answers { &mut self.responses } else { &mut self.requests };
        *counted = counted.saturating_add(1);
    }

    /// Adds what payloads in clear tell; false when they are malformed.
    pub fn read(&mut self, h: &Header, body: &[u8], answers: bool) -> bool {
        let mut sound = true;
        let whole = message::payloads(h, body, |payload| match payload.kind {
            Kind::Association => {
                let suites = match h.major {
                    1 => proposal::version1(payload.body, MAX_LISTED),
                    _ => proposal::version2(payload.body, MAX_LISTED),
                };
                match suites {
                    Some(suites) if answers => self.chosen(suites.into_iter().next()),
                    Some(suites) => {
                        let texts = suites.iter().map(|s| Text::from(s.text()));
                        self.offered = Some(texts.collect());
                    }
                    None => sound = false,
                }
            }
            Kind::Vendor => self.vendor(payload.body),
            Kind::Notify => sound &= self.notified(h.major, payload.body).is_some(),
            _ => {}
        });
        whole && sound
    }

    fn chosen(&mut self, suite: Option<Suite>) {
        let Some(suite) = suite else { return };
        self.alg_enc = suite.encryption.map(Text::from);
        self.alg_auth = suite.integrity.map(Text::from);
        self.alg_prf = suite.prf.map(Text::from);
        self.alg_dh = suite.group.map(Text::from);
    }

    fn vendor(&mut self, octets: &[u8]) {
        let text = match message::vendor(octets) {
            Some(word) => Text::from(word),
            None => {
                let hex = octets.iter().take(MAX_VENDOR).map(|b| format!("{b:02x}"));
                Text::from(hex.collect::<String>())
            }
        };
        add(&mut self.vendors, text);
    }

    fn notified(&mut self, major: u8, octets: &[u8]) -> Option<()> {
        let mut c = Cursor::new(octets);
        if major == 1 {
            // Domain of interpretation.
            c.skip(4)?;
        }
        let [_protocol, spi] = c.array()?;
        let number = c.u16()?;
        c.skip(spi.into())?;
        let text = match message::notification(major, number) {
            "other" => Text::from(number.to_string()),
            word => Text::from(word),
        };
        add(&mut self.notifications, text);
        Some(())
    }
}

/// Adds what is not there yet, within bounds.
fn add(list: &mut Option<Vec<Text>>, text: Text) {
    let list = list.get_or_insert_default();
    if list.len() < MAX_LISTED && !list.contains(&text) {
        list.push(text);
    }
}
