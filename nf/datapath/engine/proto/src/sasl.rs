//! What an exchange of SASL (RFC 4422) shows of a login: its mechanism, and the user's name where
//! a mechanism sends it in clear. Passwords are never kept.

use nf_fields::Text;

/// Most octets of a name that is kept.
const MAX_NAME: usize = 256;
/// Most octets of base64 that are decoded.
const MAX_CODED: usize = 1024;

/// What the next response of the client holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Other,
    /// PLAIN: authorisation identity, name, password.
    Plain,
    /// LOGIN: the name.
    LoginName,
    /// SCRAM: the first message.
    Scram,
    /// CRAM-MD5: the name and a digest.
    Cram,
    /// OAUTHBEARER and XOAUTH2.
    Bearer,
    /// EXTERNAL and ANONYMOUS: an identity.
    Identity,
}

/// One login.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    /// Mechanism, upper case.
    pub(crate) mechanism: Text,
    /// User's name, once seen.
    pub(crate) user: Option<Text>,
    /// A password or a token that can be used again was sent without encryption.
    pub(crate) clear_text: bool,
    stage: Stage,
}

impl Login {
    /// A login by `mechanism`.
    pub(crate) fn new(mechanism: &[u8]) -> Self {
        let mechanism = mechanism.get(..32).unwrap_or(mechanism).to_ascii_uppercase();
        let stage = match mechanism.as_slice() {
            b"PLAIN" => Stage::Plain,
            b"LOGIN" => Stage::LoginName,
            b"CRAM-MD5" => Stage::Cram,
            b"OAUTHBEARER" | b"XOAUTH2" => Stage::Bearer,
            b"EXTERNAL" | b"ANONYMOUS" => Stage::Identity,
            name if name.starts_with(b"SCRAM-") => Stage::Scram,
            _ => Stage::Other,
        };
        Self { mechanism: Text::from(mechanism), user: None, clear_text: false, stage }
    }

    /// A login that needs no mechanism: the password is sent as it is.
    pub(crate) fn in_clear(user: Option<Text>) -> Self {
        Self { user, clear_text: true, ..Self::default() }
    }

    /// Takes a response of the client in base64; `=` stands for an empty one, `*` gives up.
    pub(crate) fn response(&mut self, coded: &[u8]) {
        if matches!(coded, b"" | b"=" | b"*") {
            return;
        }
        let Some(said) = decode(coded) else { return };
        let stage = std::mem::take(&mut self.stage);
        let name = match stage {
            Stage::Other => None,
            Stage::Plain => {
                self.clear_text = true;
                let mut parts = said.split(|&b| b == 0);
                let authorised = parts.next();
                parts.next().or(authorised).map(<[u8]>::to_vec)
            }
            Stage::LoginName => {
                // What follows is the password.
                self.clear_text = true;
                Some(said)
            }
            Stage::Scram => {
                let field = said.split(|&b| b == b',').find_map(|part| part.strip_prefix(b"n="));
                field.map(<[u8]>::to_vec)
            }
            Stage::Cram => {
                let end = said.iter().rposition(|&b| b == b' ');
                end.and_then(|end| said.get(..end)).map(<[u8]>::to_vec)
            }
            Stage::Bearer => {
                self.clear_text = true;
                let parts = said.split(|&b| b == b',' || b == 1);
                let mut named = parts.filter_map(|part| {
                    part.strip_prefix(b"a=").or_else(|| part.strip_prefix(b"user="))
                });
                named.next().map(<[u8]>::to_vec)
            }
            Stage::Identity => Some(said),
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.user = Some(Text::bounded(&name, MAX_NAME));
        }
    }
}

/// Decodes base64 (RFC 4648), at most [`MAX_CODED`] octets of it; `None` when it is something
/// else.
fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let coded = coded.get(..MAX_CODED).unwrap_or(coded);
    let digits = coded.strip_suffix(b"==").or_else(|| coded.strip_suffix(b"=")).unwrap_or(coded);
    let mut out = Vec::with_capacity(digits.len());
    let (mut bits, mut held) = (0u32, 0u32);
    for &digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            let octet = bits.checked_shr(held).unwrap_or(0) & 0xff;
            out.push(u8::try_from(octet).unwrap_or(0));
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(mechanism: &[u8], responses: &[&[u8]]) -> (String, bool) {
        let mut login = Login::new(mechanism);
        responses.iter().for_each(|response| login.response(response));
        let name = login.user.map(|user| String::from_utf8_lossy(user.as_bytes()).into_owned());
        (name.unwrap_or_default(), login.clear_text)
    }

    #[test]
    fn names_are_found_in_every_mechanism_that_sends_them() {
        assert_eq!(user(b"plain", &[b"AGtlZXBlcgBsYW50ZXJu"]), ("keeper".into(), true));
        assert_eq!(user(b"LOGIN", &[b"a2VlcGVy", b"bGFudGVybg=="]), ("keeper".into(), true));
        assert_eq!(user(b"CRAM-MD5", &[b"a2VlcGVyIDAxMjM="]), ("keeper".into(), false));
        assert_eq!(user(b"SCRAM-SHA-1", &[b"biwsbj1rZWVwZXIscj1hYmM="]), ("keeper".into(), false));
        assert_eq!(user(b"GSSAPI", &[b"a2VlcGVy"]), (String::new(), false));
    }

    #[test]
    fn a_password_is_not_taken_for_a_name() {
        assert_eq!(user(b"LOGIN", &[b"*"]), (String::new(), false));
        assert_eq!(user(b"LOGIN", &[b"a2VlcGVy", b"bGFudGVybg=="]).0, "keeper");
        assert_eq!(user(b"PLAIN", &[b"not base64!"]), (String::new(), false));
        assert_eq!(user(b"PLAIN", &[b"="]), (String::new(), false));
    }
}
