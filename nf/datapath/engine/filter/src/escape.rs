//! Escapes in quoted texts.

use crate::error::Problem;

/// The octets a quoted text stands for.
pub(crate) fn unescape(inner: &str) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let rest = inner.get(at..).unwrap_or("");
        let (length, octets) = escape(rest).ok_or_else(|| {
            let shown: String = rest.chars().take(2).collect();
            // One for the opening quote.
            let start = at.saturating_add(1);
            Problem::new(
                format!("{shown} is no escape"),
                r#"\\ for a backslash; the escapes are \n \r \t \0 \" \' \\ \x41 \u{e9}"#,
            )
            .within(start..start.saturating_add(shown.len()))
        })?;
        out.extend_from_slice(&octets);
        for _ in 1..length {
            chars.next();
        }
    }
    Ok(out)
}

/// The escape at the start of `rest`: how many characters it has and the octets it means.
fn escape(rest: &str) -> Option<(usize, Vec<u8>)> {
    let plain = |octet: u8| Some((2, vec![octet]));
    match rest.chars().nth(1)? {
        'n' => plain(b'\n'),
        'r' => plain(b'\r'),
        't' => plain(b'\t'),
        '0' => plain(0),
        c @ ('"' | '\'' | '\\') => plain(u8::try_from(c).ok()?),
        'x' => {
            let digits = rest.get(2..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            Some((4, vec![u8::from_str_radix(digits, 16).ok()?]))
        }
        'u' => {
            let digits = rest.get(2..)?.strip_prefix('{')?.split_once('}')?.0;
            let plain =
                (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let code = plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
            let c = char::from_u32(code)?;
            let length = digits.len().saturating_add(4);
            Some((length, c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()))
        }
        _ => None,
    }
}
