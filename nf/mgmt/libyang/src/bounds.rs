//! How deep and how long input may be before libyang, which recurses, sees it.

use crate::problem::{Error, Problem};

/// Deepest nesting of elements, objects and arrays.
pub(crate) const MAX_DEPTH: usize = 128;

/// Longest input, in octets; libyang counts in 32 bits at places.
pub(crate) const MAX_LENGTH: usize = 1 << 30;

/// Longest XPath expression, in octets.
pub(crate) const MAX_EXPRESSION: usize = 1 << 16;

fn too_big(message: String) -> Error {
    Problem::new("too-big", message).into()
}

fn check_length(data: &[u8]) -> Result<(), Error> {
    if data.len() > MAX_LENGTH {
        return Err(too_big(format!("the input has {} octets, at most {MAX_LENGTH}", data.len())));
    }
    Ok(())
}

/// Refuses XML that is nested too deep. Not a parser: comments, CDATA and the like may make it
/// count wrongly, but never too little for well-formed input.
pub(crate) fn check_xml(data: &[u8]) -> Result<(), Error> {
    check_length(data)?;
    let mut depth = 0_usize;
    let mut rest = data;
    while let Some(at) = rest.iter().position(|&b| b == b'<') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            rest = after(rest, b"-->");
        } else if rest.starts_with(b"![CDATA[") {
            rest = after(rest, b"]]>");
        } else if rest.starts_with(b"?") {
            rest = after(rest, b"?>");
        } else if rest.starts_with(b"/") {
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
            if depth > MAX_DEPTH {
                return Err(too_big(format!("elements are nested deeper than {MAX_DEPTH}")));
            }
            if start_tag_closes_itself(&mut rest) {
                depth -= 1;
            }
        }
    }
    Ok(())
}

fn after<'a>(data: &'a [u8], mark: &[u8]) -> &'a [u8] {
    data.windows(mark.len()).position(|w| w == mark).map_or(&[], |at| &data[at + mark.len()..])
}

/// Skips a start tag, whose attribute values may hold `>` and `/`.
fn start_tag_closes_itself(rest: &mut &[u8]) -> bool {
    let mut quote = None;
    let mut before = 0;
    for (n, &octet) in rest.iter().enumerate() {
        match quote {
            Some(mark) if octet == mark => quote = None,
            Some(_) => {}
            None if octet == b'"' || octet == b'\'' => quote = Some(octet),
            None if octet == b'>' => {
                *rest = &rest[n + 1..];
                return before == b'/';
            }
            None => {}
        }
        before = octet;
    }
    *rest = &[];
    false
}

/// Refuses JSON that is malformed or nested too deep. libyang would say so itself, but 5.4 frees a
/// node twice when an operation is followed by what is no JSON.
pub(crate) fn check_json(data: &[u8]) -> Result<(), Error> {
    check_length(data)?;
    let checked: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(data);
    checked.map(drop).map_err(|e| {
        let line = u32::try_from(e.line()).unwrap_or(u32::MAX);
        Error::from(Problem::new("malformed-message", format!("not JSON: {e}")).on_line(line))
    })?;
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for &octet in data {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(too_big(format!("values are nested deeper than {MAX_DEPTH}")));
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses an expression that is too long.
pub(crate) fn check_expression(text: &str) -> Result<(), Error> {
    if text.len() > MAX_EXPRESSION {
        return Err(too_big(format!("the expression is longer than {MAX_EXPRESSION} octets")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_through_comments_cdata_and_quotes() {
        let fine = "<a><!-- <b><c> --><![CDATA[<d>]]><e x='>/' y=\"<\"/></a>".repeat(200);
        assert!(check_xml(fine.as_bytes()).is_ok());
        assert!(check_xml("<a>".repeat(MAX_DEPTH).as_bytes()).is_ok());
        assert!(check_xml("<a>".repeat(MAX_DEPTH + 1).as_bytes()).is_err());
    }

    #[test]
    fn brackets_in_json_text_do_not_count_as_nesting() {
        assert!(check_json(br#"{"a":"[[[[\"[[[["}"#).is_ok());
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert!(check_json(deep.as_bytes()).is_err());
        assert!(check_json(br#"{"a":{}}4"#).is_err());
    }
}
