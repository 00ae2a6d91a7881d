//! What a record may keep of a statement: its beginning, without passwords.

use nf_fields::Text;

/// Most octets of a statement that a record keeps.
pub(crate) const MAX_STATEMENT: usize = 1024;

/// Words behind which a literal is a password.
const WORDS: [&[u8]; 3] = [b"password", b"identified", b"secret"];

/// The beginning of a statement, with passwords left out; says whether there were any.
pub(crate) fn kept(statement: &[u8]) -> (Text, bool) {
    let bounded = statement.get(..MAX_STATEMENT).unwrap_or(statement);
    let lower = bounded.to_ascii_lowercase();
    let first = WORDS.iter().filter_map(|word| find(&lower, word)).min();
    let Some(first) = first else {
        return (Text::from(bounded), false);
    };
    let (head, tail) = bounded.split_at_checked(first).unwrap_or((bounded, &[]));
    let mut out = head.to_vec();
    let mut seen = false;
    let mut rest = tail;
    while let Some(open) = rest.iter().position(|b| matches!(b, b'\'' | b'"' | b'$')) {
        let (before, literal) = rest.split_at_checked(open).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let quote = literal.first().copied().unwrap_or(b'\'');
        let inside = literal.get(1..).unwrap_or_default();
        // A parameter is no literal, and a name in double quotes may be anybody's.
        if quote == b'$' && inside.first().is_some_and(u8::is_ascii_digit) {
            out.push(quote);
            rest = inside;
            continue;
        }
        let end = literal_end(inside, quote);
        out.extend_from_slice(&[quote, b'*', b'*', b'*', quote]);
        seen = true;
        rest = inside.get(end..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    (Text::from(out), seen)
}

/// Where what follows a literal begins; its end may be cut off. What a `$` opens ends with a tag of
/// the writer's choice: it is left out with all that follows.
fn literal_end(inside: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, &octet) in inside.iter().enumerate() {
        match octet {
            _ if quote == b'$' => break,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if octet == quote => return at.saturating_add(1),
            _ => {}
        }
    }
    inside.len()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_behind_a_password_are_left_out() {
        for (statement, shown) in [
            ("select 'x'", "select 'x'"),
            ("ALTER USER keeper PASSWORD 'lantern'", "ALTER USER keeper PASSWORD '***'"),
            (
                "CREATE USER 'k'@'h' IDENTIFIED BY 'lan\\'tern' REQUIRE SSL",
                "CREATE USER 'k'@'h' IDENTIFIED BY '***' REQUIRE SSL",
            ),
            ("alter role k password $$lantern$$;", "alter role k password $***$"),
            ("select password from t where id = $1", "select password from t where id = $1"),
            ("SET PASSWORD = 'lant", "SET PASSWORD = '***'"),
        ] {
            assert_eq!(kept(statement.as_bytes()).0, Text::from(shown));
        }
    }

    #[test]
    fn only_the_beginning_is_kept() {
        assert_eq!(kept(&[b'x'; 5000]).0.as_bytes().len(), MAX_STATEMENT);
    }
}
