//! Octets → what two sides can agree on: proposals and their transforms.

use crate::Cursor;

/// Most transforms of a message that are looked at.
const MAX_TRANSFORMS: usize = 64;

/// Words for the algorithms of one proposal; the first of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    pub encryption: Option<String>,
    pub integrity: Option<String>,
    pub prf: Option<String>,
    pub group: Option<String>,
}

impl Suite {
    /// All of them, behind one another.
    pub fn text(&self) -> String {
        let parts = [&self.encryption, &self.integrity, &self.prf, &self.group];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("/")
    }
}

/// Proposals of version 2 (RFC 7296 §3.3): one suite each; `None` when malformed.
pub fn version2(body: &[u8], most: usize) -> Option<Vec<Suite>> {
    let mut suites = Vec::new();
    let mut c = Cursor::new(body);
    while !c.is_empty() {
        let mut proposal = framed(&mut c)?;
        let [_number, _protocol, spi, count] = proposal.array()?;
        proposal.skip(spi.into())?;
        let mut suite = Suite::default();
        for _ in 0..count {
            let mut transform = framed(&mut proposal)?;
            let [kind, _] = transform.array()?;
            let id = transform.u16()?;
            let mut bits = None;
            while !transform.is_empty() {
                let (format, value) = (transform.u16()?, transform.u16()?);
                if format & 0x8000 == 0 {
                    transform.skip(value.into())?;
                } else if format == 0x800e {
                    bits = Some(value);
                }
            }
            let (place, word) = match kind {
                1 => (&mut suite.encryption, encryption2(id)),
                2 => (&mut suite.prf, prf(id)),
                3 => (&mut suite.integrity, integrity(id)),
                4 => (&mut suite.group, group(id)),
                _ => continue,
            };
            if place.is_none() {
                *place = Some(sized(word, id, bits));
            }
        }
        if suites.len() < most {
            suites.push(suite);
        }
    }
    Some(suites)
}

/// Proposals of version 1 (RFC 2408 §3.4): one suite per transform; `None` when malformed.
pub fn version1(body: &[u8], most: usize) -> Option<Vec<Suite>> {
    let mut suites = Vec::new();
    let mut c = Cursor::new(body);
    // Domain of interpretation and situation.
    c.skip(8)?;
    let mut seen = 0usize;
    while !c.is_empty() {
        let mut proposal = framed(&mut c)?;
        let [_number, protocol, spi, _count] = proposal.array()?;
        proposal.skip(spi.into())?;
        while !proposal.is_empty() && seen < MAX_TRANSFORMS {
            seen = seen.saturating_add(1);
            let mut transform = framed(&mut proposal)?;
            let [_number, id] = transform.array()?;
            transform.skip(2)?;
            let suite = attributes1(&mut transform, protocol, id)?;
            if suites.len() < most {
                suites.push(suite);
            }
        }
    }
    Some(suites)
}

fn attributes1(c: &mut Cursor<'_>, protocol: u8, id: u8) -> Option<Suite> {
    let mut suite = Suite::default();
    let (mut cipher, mut bits) = (None, None);
    // Of what IKE protects, the transform itself is the cipher.
    let own = protocol == 1;
    while !c.is_empty() {
        let (format, value) = (c.u16()?, c.u16()?);
        if format & 0x8000 == 0 {
            c.skip(value.into())?;
            continue;
        }
        match (own, format & 0x7fff) {
            (true, 1) => cipher = Some(value),
            (true, 2) => suite.integrity = Some(sized(hash1(value), value, None)),
            (true, 4) | (false, 3) => suite.group = Some(sized(group(value), value, None)),
            (false, 5) => suite.integrity = Some(sized(auth1(value), value, None)),
            (true, 14) | (false, 6) => bits = Some(value),
            _ => {}
        }
    }
    suite.encryption = match cipher {
        Some(number) => Some(sized(cipher1(number), number, bits)),
        None if !own => Some(sized(esp1(id), id.into(), bits)),
        None => None,
    };
    Some(suite)
}

/// What one proposal or transform holds, behind the octets that say whether more follow.
fn framed<'a>(c: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    c.skip(2)?;
    let length = usize::from(c.u16()?).checked_sub(4)?;
    Some(Cursor::new(c.take(length)?))
}

fn sized(word: &'static str, number: u16, bits: Option<u16>) -> String {
    match (word, bits) {
        ("", _) => number.to_string(),
        (word, Some(bits)) => format!("{word}_{bits}"),
        (word, None) => word.to_string(),
    }
}

fn encryption2(id: u16) -> &'static str {
    match id {
        2 => "des",
        3 => "3des",
        11 => "null",
        12 => "aes_cbc",
        13 => "aes_ctr",
        14 => "aes_ccm_8",
        15 => "aes_ccm_12",
        16 => "aes_ccm_16",
        18 => "aes_gcm_8",
        19 => "aes_gcm_12",
        20 => "aes_gcm_16",
        23 => "camellia_cbc",
        28 => "chacha20_poly1305",
        _ => "",
    }
}

fn prf(id: u16) -> &'static str {
    match id {
        1 => "prf_hmac_md5",
        2 => "prf_hmac_sha1",
        4 => "prf_aes128_xcbc",
        5 => "prf_hmac_sha2_256",
        6 => "prf_hmac_sha2_384",
        7 => "prf_hmac_sha2_512",
        8 => "prf_aes128_cmac",
        _ => "",
    }
}

fn integrity(id: u16) -> &'static str {
    match id {
        0 => "none",
        1 => "hmac_md5_96",
        2 => "hmac_sha1_96",
        5 => "aes_xcbc_96",
        8 => "aes_cmac_96",
        12 => "hmac_sha2_256_128",
        13 => "hmac_sha2_384_192",
        14 => "hmac_sha2_512_256",
        _ => "",
    }
}

fn cipher1(id: u16) -> &'static str {
    match id {
        1 => "des",
        5 => "3des",
        6 => "cast",
        7 => "aes_cbc",
        8 => "camellia_cbc",
        _ => "",
    }
}

fn hash1(id: u16) -> &'static str {
    match id {
        1 => "md5",
        2 => "sha1",
        4 => "sha2_256",
        5 => "sha2_384",
        6 => "sha2_512",
        _ => "",
    }
}

fn esp1(id: u8) -> &'static str {
    match id {
        2 => "des",
        3 => "3des",
        11 => "null",
        12 => "aes_cbc",
        20 => "aes_gcm_16",
        _ => "",
    }
}

fn auth1(id: u16) -> &'static str {
    match id {
        1 => "hmac_md5",
        2 => "hmac_sha1",
        5 => "hmac_sha2_256",
        6 => "hmac_sha2_384",
        7 => "hmac_sha2_512",
        _ => "",
    }
}

/// The word for a group of a key exchange, the same in both versions.
pub fn group(id: u16) -> &'static str {
    match id {
        0 => "none",
        1 => "modp768",
        2 => "modp1024",
        5 => "modp1536",
        14 => "modp2048",
        15 => "modp3072",
        16 => "modp4096",
        17 => "modp6144",
        18 => "modp8192",
        19 => "ecp256",
        20 => "ecp384",
        21 => "ecp521",
        31 => "curve25519",
        32 => "curve448",
        35 => "ml_kem_512",
        36 => "ml_kem_768",
        37 => "ml_kem_1024",
        _ => "",
    }
}
