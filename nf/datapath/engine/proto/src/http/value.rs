//! Values of header fields that several places read (RFC 9110 §4, §8): pure. HTTP/2 reads them
//! as HTTP/1 does.

use nf_fields::Text;

use super::line::trim;

/// Most octets kept of a media type or another short word.
const MAX_WORD: usize = 128;

/// `type/subtype` of a Content-Type, lower case, without parameters.
pub(crate) fn media_type(value: &[u8]) -> Option<Text> {
    let end = value.iter().position(|&b| b == b';' || b == b',');
    let word = trim(value.get(..end.unwrap_or(value.len()))?);
    let word = word.get(..MAX_WORD).unwrap_or(word);
    (!word.is_empty()).then(|| Text::from(word.to_ascii_lowercase()))
}

/// The scheme of an Authorization value: never the credentials.
pub(crate) fn auth_scheme(value: &[u8]) -> Option<Text> {
    let word = value.split(|&b| b == b' ' || b == b'\t').next()?;
    let scheme = word.iter().all(|&b| super::line::is_tchar(b)) && word.len() <= 32;
    (scheme && !word.is_empty() && word.len() < value.len()).then(|| Text::from(word))
}

/// Host and port of `[userinfo@]host[:port]`; brackets stay off an IPv6 literal.
pub(crate) fn host_and_port(authority: &[u8]) -> (&[u8], Option<u16>) {
    let at = authority.iter().rposition(|&b| b == b'@');
    let place =
        at.map_or(authority, |at| authority.get(at.saturating_add(1)..).unwrap_or_default());
    if let Some(inner) = place.strip_prefix(b"[")
        && let Some(end) = inner.iter().position(|&b| b == b']')
        && let Some((host, rest)) = inner.split_at_checked(end)
    {
        return (host, rest.strip_prefix(b"]:").and_then(number));
    }
    match place.iter().rposition(|&b| b == b':') {
        Some(colon) => {
            let (host, rest) = place.split_at_checked(colon).unwrap_or((place, &[]));
            let digits = rest.strip_prefix(b":").unwrap_or_default();
            match number(digits) {
                Some(port) => (host, Some(port)),
                None if digits.is_empty() => (host, None),
                None => (place, None),
            }
        }
        None => (place, None),
    }
}

/// The authority of an absolute-form target (`scheme://authority/…`).
pub(crate) fn authority_of(target: &[u8]) -> Option<&[u8]> {
    let colon = target.iter().take(16).position(|&b| b == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let rest = rest.strip_prefix(b"://")?;
    let named = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    let end = rest.iter().position(|b| b"/?#".contains(b));
    let authority = rest.get(..end.unwrap_or(rest.len()))?;
    (named && !authority.is_empty()).then_some(authority)
}

/// Whether `host` can be a name or an address: what RFC 3986 allows, and underscores.
pub(crate) fn is_host(host: &[u8]) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(b) || *b >= 0x80)
}

/// A decimal number without sign.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b & 0xf))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn number(digits: &[u8]) -> Option<u16> {
    decimal(digits).and_then(|n| u16::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_lose_case_and_parameters() {
        let word = media_type(b"Text/HTML ; charset=utf-8").unwrap();
        assert_eq!(word.as_bytes(), b"text/html");
        assert_eq!(media_type(b" ;x"), None);
    }

    #[test]
    fn credentials_are_never_kept() {
        assert_eq!(auth_scheme(b"Basic dTpw").unwrap().as_bytes(), b"Basic");
        assert_eq!(auth_scheme(b"tokenwithoutscheme"), None);
    }

    #[test]
    fn authorities_split_into_host_and_port() {
        assert_eq!(host_and_port(b"a.test:81"), (&b"a.test"[..], Some(81)));
        assert_eq!(host_and_port(b"u:p@a.test"), (&b"a.test"[..], None));
        assert_eq!(host_and_port(b"[2001:db8::1]:8"), (&b"2001:db8::1"[..], Some(8)));
        assert_eq!(host_and_port(b"a.test:"), (&b"a.test"[..], None));
        assert_eq!(host_and_port(b"a.test:x"), (&b"a.test:x"[..], None));
    }

    #[test]
    fn absolute_targets_name_their_authority() {
        assert_eq!(authority_of(b"http://a.test:8/x?y"), Some(&b"a.test:8"[..]));
        assert_eq!(authority_of(b"/redirect?to=http://b.test/"), None);
        assert_eq!(authority_of(b"a.test:443"), None);
    }

    #[test]
    fn numbers_do_not_overflow() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), None);
        assert_eq!(decimal(b"+1"), None);
        assert_eq!(decimal(b""), None);
    }
}
