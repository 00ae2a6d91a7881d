//! NT LAN Manager authentication (MS-NLMP), read inside its carriers: SMB, HTTP, DCE/RPC, SASL.
//!
//! Who logs in, from where, to which domain, and what software either end names. Challenges and
//! responses are what passwords can be guessed from: they are never kept.
//!
//! Bounds: a token is looked for in the first 4 KiB; 256 octets of any name; 16 target entries.

use nf_fields::{Fields, Text};

use crate::Cursor;
use crate::windows::utf16;

/// What every message begins with.
const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Octets in which a message is looked for (GSS-API wraps it).
const WINDOW: usize = 4096;
/// Longest name kept.
const MAX_NAME: usize = 256;
/// Most entries of the target's description read.
const MAX_ENTRIES: usize = 16;

/// Names are UTF-16.
const UNICODE: u32 = 0x0000_0001;
/// Who has no name.
const ANONYMOUS: u32 = 0x0000_0800;
/// The version of the software is there.
const VERSION: u32 = 0x0200_0000;

/// A login by NTLM as far as it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct Ntlm {
    /// User.
    pub user: Option<Text>,
    /// Domain of the user.
    pub domain: Option<Text>,
    /// Workstation of the user.
    pub workstation: Option<Text>,
    /// Version of the client's software: `10.0 build 19041 rev 15`.
    pub version: Option<Text>,
    /// Version of the server's software.
    pub server_version: Option<Text>,
    /// What the server says the client logs in to.
    pub target: Option<Text>,
    /// NetBIOS name of the server.
    pub server_nb_computer_name: Option<Text>,
    /// NetBIOS name of the server's domain.
    pub server_nb_domain_name: Option<Text>,
    /// DNS name of the server.
    pub server_dns_computer_name: Option<Text>,
    /// DNS name of the server's domain.
    pub server_dns_domain_name: Option<Text>,
    /// DNS name of the server's forest.
    pub server_tree_name: Option<Text>,
    /// Version of the response: 1 or 2.
    pub ntlm_version: Option<u8>,
    /// The client gave no name.
    pub anonymous: Option<bool>,
}

/// Which message it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client begins.
    Negotiate,
    /// The server's challenge.
    Challenge,
    /// The client's answer.
    Authenticate,
}

impl Ntlm {
    /// Adds what the first NTLM message in `octets` says; `None` when there is none that can be
    /// read.
    pub fn learn(&mut self, octets: &[u8]) -> Option<Kind> {
        let window = octets.get(..WINDOW).unwrap_or(octets);
        let at = memchr::memmem::find(window, SIGNATURE)?;
        let message = octets.get(at..)?;
        let mut c = Cursor::new(message);
        c.skip(SIGNATURE.len())?;
        match c.u32_le()? {
            1 => self.negotiate(message, c),
            2 => self.challenge(message, c),
            3 => self.authenticate(message, c),
            _ => None,
        }
    }

    /// Adds what the value of a header for authentication says (RFC 4559): `NTLM` or `Negotiate`
    /// and a token in base 64.
    pub fn learn_header(&mut self, value: &[u8]) -> Option<Kind> {
        let end = memchr::memchr(b' ', value)?;
        let (scheme, token) = value.split_at_checked(end)?;
        let known = [&b"NTLM"[..], b"Negotiate"].iter().any(|s| scheme.eq_ignore_ascii_case(s));
        if known { self.learn_coded(token) } else { None }
    }

    /// Adds what a token in base 64 says, as SASL carries it over lines of text.
    pub(crate) fn learn_coded(&mut self, token: &[u8]) -> Option<Kind> {
        self.learn(&base64(token))
    }

    /// As [`Ntlm::learn`], for carriers on which logins follow each other: a beginning forgets the
    /// login before.
    pub(crate) fn learn_anew(&mut self, octets: &[u8]) -> Option<Kind> {
        let mut begun = Ntlm::default();
        let kind = begun.learn(octets)?;
        if kind != Kind::Negotiate {
            return self.learn(octets);
        }
        *self = begun;
        Some(kind)
    }

    fn negotiate(&mut self, message: &[u8], mut c: Cursor<'_>) -> Option<Kind> {
        let flags = c.u32_le()?;
        if let (Some(domain), Some(workstation)) =
            (buffer(message, &mut c), buffer(message, &mut c))
        {
            // In this message they are in the code page of the client.
            set(&mut self.domain, Text::bounded(domain, MAX_NAME));
            set(&mut self.workstation, Text::bounded(workstation, MAX_NAME));
        }
        if flags & VERSION != 0 {
            self.version = version(&mut c).or(self.version.take());
        }
        Some(Kind::Negotiate)
    }

    fn challenge(&mut self, message: &[u8], mut c: Cursor<'_>) -> Option<Kind> {
        let target = buffer(message, &mut c)?;
        let flags = c.u32_le()?;
        // The challenge and reserved octets.
        c.skip(16)?;
        set(&mut self.target, text(target, flags));
        if let Some(info) = buffer(message, &mut c) {
            self.target_info(info);
        }
        if flags & VERSION != 0 {
            self.server_version = version(&mut c).or(self.server_version.take());
        }
        Some(Kind::Challenge)
    }

    fn target_info(&mut self, info: &[u8]) {
        let mut c = Cursor::new(info);
        for _ in 0..MAX_ENTRIES {
            let (Some(kind), Some(length)) = (c.u16_le(), c.u16_le()) else {
                return;
            };
            let Some(value) = c.take(length.into()) else {
                return;
            };
            let slot = match kind {
                0 => return,
                1 => &mut self.server_nb_computer_name,
                2 => &mut self.server_nb_domain_name,
                3 => &mut self.server_dns_computer_name,
                4 => &mut self.server_dns_domain_name,
                5 => &mut self.server_tree_name,
                _ => continue,
            };
            set(slot, utf16(value, MAX_NAME));
        }
    }

    fn authenticate(&mut self, message: &[u8], mut c: Cursor<'_>) -> Option<Kind> {
        // The response to the challenge in its old form.
        c.skip(8)?;
        let response = buffer(message, &mut c)?;
        let domain = buffer(message, &mut c)?;
        let user = buffer(message, &mut c)?;
        let workstation = buffer(message, &mut c)?;
        // The session's key.
        c.skip(8)?;
        let flags = c.u32_le().unwrap_or(UNICODE);
        set(&mut self.domain, text(domain, flags));
        set(&mut self.user, text(user, flags));
        set(&mut self.workstation, text(workstation, flags));
        self.anonymous = Some(flags & ANONYMOUS != 0 || user.is_empty());
        self.ntlm_version = match response.len() {
            0 => None,
            24 => Some(1),
            _ => Some(2),
        };
        if flags & VERSION != 0 {
            self.version = version(&mut c).or(self.version.take());
        }
        Some(Kind::Authenticate)
    }
}

/// What text in base 64 stands for, as far as it is such and within the window.
fn base64(text: &[u8]) -> Vec<u8> {
    let (mut out, mut held, mut bits) = (Vec::new(), 0u32, 0u32);
    for &letter in text.iter().filter(|&&o| o != b' ').take(WINDOW) {
        let value = match letter {
            b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            b'a'..=b'z' => letter.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => letter.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        held = held << 6 | u32::from(value);
        bits = bits.wrapping_add(6);
        if let Some(left) = bits.checked_sub(8) {
            bits = left;
            let [low, ..] = held.wrapping_shr(left).to_le_bytes();
            out.push(low);
        }
    }
    out
}

fn set(slot: &mut Option<Text>, value: Text) {
    if !value.is_empty() {
        *slot = Some(value);
    }
}

fn text(octets: &[u8], flags: u32) -> Text {
    if flags & UNICODE != 0 { utf16(octets, MAX_NAME) } else { Text::bounded(octets, MAX_NAME) }
}

/// The octets that a length, a capacity and an offset point at.
fn buffer<'a>(message: &'a [u8], c: &mut Cursor<'_>) -> Option<&'a [u8]> {
    let length = usize::from(c.u16_le()?);
    c.skip(2)?;
    let at = usize::try_from(c.u32_le()?).ok()?;
    if length == 0 {
        return Some(&[]);
    }
    message.get(at..)?.get(..length)
}

fn version(c: &mut Cursor<'_>) -> Option<Text> {
    let (major, minor, build) = (c.u8()?, c.u8()?, c.u16_le()?);
    c.skip(3)?;
    let revision = c.u8()?;
    Some(Text::from(format!("{major}.{minor} build {build} rev {revision}")))
}

#[cfg(test)]
pub(crate) mod tests;
