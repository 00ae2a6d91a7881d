//! Removing the protection of Initial packets (RFC 9001 §5): their keys follow from the first
//! connection id, so that everyone on the path can authenticate and read them.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::AeadInOut;
use sha2::{Digest, Sha256};

use super::version::Protection;

/// Octets of the tag.
const TAG: usize = 16;

/// HMAC-SHA256 (RFC 2104) of `parts` under a key of at most one block.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let mut inner = Sha256::new_with_prefix(padded(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new_with_prefix(padded(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// HKDF-Expand-Label (RFC 8446 §7.1) with an empty context, for up to one block of output.
fn expand<const N: usize>(secret: &[u8; 32], label: &[u8]) -> [u8; N] {
    const { assert!(N <= 32) };
    let length = u8::try_from(label.len()).unwrap_or(u8::MAX).wrapping_add(6);
    let block = hmac(secret, &[&[0, N as u8, length], b"tls13 ", label, &[0, 1]]);
    block.first_chunk().copied().unwrap_or([0; N])
}

/// Keys of one direction.
pub struct Keys {
    aead: Aes128Gcm,
    iv: [u8; 12],
    header: Aes128,
}

/// Keys of a connection's Initial packets.
pub struct InitialKeys {
    /// Of what the client sends.
    pub client: Keys,
    /// Of what the server sends.
    pub server: Keys,
}

/// A packet without its protection.
pub struct Opened {
    /// Packet number.
    pub number: u64,
    /// Octets it took.
    pub number_len: u8,
    /// Bits that must be zero are.
    pub is_reserved_zero: bool,
    /// Frames.
    pub payload: Vec<u8>,
}

impl InitialKeys {
    /// From the destination connection id of the client's first Initial.
    pub fn derive(protection: &Protection, dcid: &[u8]) -> Self {
        let secret = hmac(protection.salt, &[dcid]);
        let [key, iv, header] = *protection.labels;
        let keys = |label: &[u8]| {
            let secret = expand::<32>(&secret, label);
            Keys {
                aead: Aes128Gcm::new(&expand::<16>(&secret, key).into()),
                iv: expand(&secret, iv),
                header: Aes128::new(&expand::<16>(&secret, header).into()),
            }
        };
        Self { client: keys(b"client in"), server: keys(b"server in") }
    }
}

impl Keys {
    /// Five octets to lay over the first octet and the packet number.
    fn mask(&self, sample: [u8; 16]) -> [u8; 5] {
        let mut block = Block::from(sample);
        self.header.encrypt_block(&mut block);
        block.first_chunk().copied().unwrap_or_default()
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        let octets = number.to_be_bytes();
        nonce.iter_mut().skip(4).zip(octets).for_each(|(n, o)| *n ^= o);
        nonce
    }

    /// Opens `packet`, of which the number starts at `number_at`; `largest` is the largest number
    /// seen before. `None` when the tag says that it was not made with these keys.
    pub fn open(&self, packet: &[u8], number_at: usize, largest: Option<u64>) -> Option<Opened> {
        let sample = packet.get(number_at.checked_add(4)?..)?.first_chunk::<16>()?;
        let [first_mask, number_mask @ ..] = self.mask(*sample);
        let first = packet.first()? ^ (first_mask & 0x0f);
        let number_len = first & 3;
        let payload_at = number_at.checked_add(usize::from(number_len))?.checked_add(1)?;

        let mut header = packet.get(..payload_at)?.to_vec();
        *header.first_mut()? = first;
        let mut truncated = 0u64;
        for (octet, mask) in header.iter_mut().skip(number_at).zip(number_mask) {
            *octet ^= mask;
            truncated = truncated << 8 | u64::from(*octet);
        }
        let number_len = number_len.wrapping_add(1);
        let number = full_number(truncated, number_len, largest);

        let sealed = packet.get(payload_at..)?;
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = tag.try_into().ok()?;
        let mut payload = body.to_vec();
        self.aead
            .decrypt_inout_detached(
                &self.nonce(number).into(),
                &header,
                payload.as_mut_slice().into(),
                &tag.into(),
            )
            .ok()?;
        Some(Opened { number, number_len, is_reserved_zero: first & 0x0c == 0, payload })
    }
}

/// The number nearest to what is expected that ends in the `length` octets sent (RFC 9000 §A.3).
fn full_number(truncated: u64, length: u8, largest: Option<u64>) -> u64 {
    let window = 1u64 << u32::from(length).wrapping_mul(8);
    let half = window >> 1;
    let expected = largest.map_or(0, |l| l.saturating_add(1));
    let candidate = (expected & !window.wrapping_sub(1)) | truncated;
    if candidate.saturating_add(half) <= expected {
        candidate.saturating_add(window)
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate.wrapping_sub(window)
    } else {
        candidate
    }
}

#[cfg(test)]
pub mod sealing {
    //! The other way round, for tests that make packets.

    use super::*;

    impl Keys {
        /// Protects a packet whose header ends with a packet number of `number_len` octets.
        pub fn seal(
            &self,
            header: &[u8],
            number_len: usize,
            number: u64,
            frames: &[u8],
        ) -> Vec<u8> {
            let mut body = frames.to_vec();
            let nonce = self.nonce(number).into();
            let sealed =
                self.aead.encrypt_inout_detached(&nonce, header, body.as_mut_slice().into());
            let tag = sealed.expect("sealing");
            let mut packet = [header, &body, tag.as_slice()].concat();
            let number_at = header.len().wrapping_sub(number_len);
            let sample = packet[number_at.wrapping_add(4)..].first_chunk::<16>();
            let mask = self.mask(*sample.expect("sample"));
            packet[0] ^= mask[0] & 0x0f;
            for (octet, mask) in packet[number_at..header.len()].iter_mut().zip(&mask[1..]) {
                *octet ^= mask;
            }
            packet
        }
    }

    impl Keys {
        pub(crate) fn iv(&self) -> [u8; 12] {
            self.iv
        }
    }

    #[test]
    fn keys_are_those_of_the_standards_examples() {
        use crate::quic::version::{V1, V2, protection};
        let dcid = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let ivs = |version| {
            let keys = InitialKeys::derive(&protection(version).expect("known"), &dcid);
            [keys.client.iv(), keys.server.iv()].map(|iv| crate::tls::fingerprint::hex(&iv))
        };

        // RFC 9001 §A.1 and RFC 9369 §A.1.
        assert_eq!(ivs(V1), ["fa044b2f42a3fd3b46fb255c", "0ac1493ca1905853b0bba03e"]);
        assert_eq!(ivs(V2), ["91f73e2351d8fa91660e909f", "dd13c276499c0249d3310652"]);
    }

    #[test]
    fn packet_numbers_are_completed_as_in_the_standards_example() {
        // RFC 9000 §A.3.
        assert_eq!(full_number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(full_number(3, 1, None), 3);
        assert_eq!(full_number(0, 1, Some(255)), 256);
    }
}
