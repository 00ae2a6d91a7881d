//! Which words name applications, and which names servers may have in a file.

use crate::error::{Mistake, shown};

/// Longest name of a server (RFC 1035 §2.3.4, without the root's dot).
pub(crate) const LONGEST_HOST: usize = 253;
/// Longest label of it.
const LONGEST_LABEL: usize = 63;
/// Longest name of an application.
const LONGEST_WORD: usize = 64;

/// Checks the word of an application: snake_case.
pub(crate) fn check_word(word: &str) -> Result<(), Mistake> {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if word.len() <= LONGEST_WORD && word.split('_').all(part) {
        return Ok(());
    }
    let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let folded: String = word.chars().take(LONGEST_WORD).map(fold).collect();
    let parts: Vec<&str> = folded.split('_').filter(|part| !part.is_empty()).collect();
    let hint = match parts.as_slice() {
        [] => "a name such as my_shop".into(),
        parts => parts.join("_"),
    };
    Err(Mistake::new(
        format!("\"{}\" is no name: small letters and digits, parted by single _", shown(word)),
        hint,
    ))
}

/// Checks a server's name as a file has it; gives it in small letters without a final dot.
pub(crate) fn read_host(text: &str) -> Result<String, Mistake> {
    let wrong = |why: &str, hint: String| {
        let hint = if hint.is_empty() { "a name such as shop.example".into() } else { hint };
        Err(Mistake::new(format!("\"{}\" {why}", shown(text)), hint))
    };
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or("");
        return wrong("is an address of a page, not a name", shown(host));
    }
    if let Some((host, _)) = text.split_once(['/', ':']) {
        return wrong("is more than a name", shown(host));
    }
    if let Some(rest) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
        return wrong("needs no * and no dot: a suffix covers every name below it", shown(rest));
    }
    if text.contains(['"', '\'', '[', ']']) {
        return wrong(
            "is written without quotes and brackets",
            shown(&text.replace(['"', '\'', '[', ']'], "")),
        );
    }
    if !text.is_ascii() {
        return wrong("is not as names are on the wire", "its form in ASCII, xn--…".into());
    }
    let host = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if host.len() > LONGEST_HOST || !host.split('.').all(label) {
        return wrong(
            "is no name of a server",
            "labels of 1 to 63 letters, digits, - and _ with dots between".into(),
        );
    }
    Ok(host.to_ascii_lowercase())
}
