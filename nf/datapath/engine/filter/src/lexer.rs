//! Text to tokens, one at a time, so that the first mistake in the text is the one reported.

use crate::error::{FilterError, Problem, shown};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A field name, a keyword or an unquoted value.
    Word,
    /// A value in quotes; the token's text includes them.
    Quoted,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Not,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dots,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t str,
    pub(crate) start: usize,
}

impl<'t> Token<'t> {
    pub(crate) fn span(&self) -> std::ops::Range<usize> {
        self.start..self.end()
    }

    pub(crate) fn end(&self) -> usize {
        self.start.saturating_add(self.text.len())
    }

    /// What stands between the quotes, as written.
    pub(crate) fn inner(&self) -> &'t str {
        self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or("")
    }

    /// Whether this is the keyword `word`, in any case.
    pub(crate) fn is_keyword(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// The token as messages name it.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::End => "the end".into(),
            Kind::Quoted => shown(self.text),
            _ => format!("`{}`", shown(self.text)),
        }
    }
}

/// Punctuation, longer before shorter.
const MARKS: [(&str, Kind); 19] = [
    ("==", Kind::Equal),
    ("!=", Kind::NotEqual),
    ("<=", Kind::LessEqual),
    (">=", Kind::GreaterEqual),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("..", Kind::Dots),
    ("≠", Kind::NotEqual),
    ("≤", Kind::LessEqual),
    ("≥", Kind::GreaterEqual),
    ("=", Kind::Equal),
    ("<", Kind::Less),
    (">", Kind::Greater),
    ("!", Kind::Not),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("{", Kind::OpenList),
    ("}", Kind::CloseList),
    (",", Kind::Comma),
];

pub(crate) struct Lexer<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, position: 0 }
    }

    /// The next token; [`Kind::End`] at and after the end.
    pub(crate) fn next(&mut self) -> Result<Token<'t>, FilterError> {
        let rest = self.text.get(self.position..).unwrap_or("");
        let blank = rest.len().saturating_sub(rest.trim_start().len());
        self.position = self.position.saturating_add(blank);
        let rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Ok(self.take(Kind::End, 0));
        };
        if first == '"' || first == '\'' {
            return self.quoted(rest, first);
        }
        let mark = MARKS.iter().find(|(mark, _)| rest.starts_with(mark));
        if let Some(&(mark, kind)) = mark {
            return Ok(self.take(kind, mark.len()));
        }
        match word_length(rest) {
            0 => Err(self.unexpected(first)),
            length => Ok(self.take(Kind::Word, length)),
        }
    }

    fn take(&mut self, kind: Kind, length: usize) -> Token<'t> {
        let start = self.position;
        self.position = start.saturating_add(length);
        Token { kind, text: self.text.get(start..self.position).unwrap_or(""), start }
    }

    fn quoted(&mut self, rest: &str, quote: char) -> Result<Token<'t>, FilterError> {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                return Ok(self.take(Kind::Quoted, at.saturating_add(1)));
            }
        }
        let problem = Problem::new(
            "the text that starts here does not end",
            format!("a closing {quote}; a {quote} inside the text is written \\{quote}"),
        );
        Err(FilterError::new(self.text, self.position..self.text.len(), problem))
    }

    fn unexpected(&self, c: char) -> FilterError {
        let hint = match c {
            '&' => "`and` or `&&`",
            '|' => "`or` or `||`",
            '~' => "`matches \"expression\"`",
            '[' | ']' => "a list in braces, {80, 443}; an IPv6 address without brackets",
            '“' | '”' | '‘' | '’' | '`' | '«' | '»' => {
                "straight quotes: \"text\" or 'text'"
            }
            _ => "text that holds such characters in quotes: \"text\"",
        };
        let shown = if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let problem = Problem::new(format!("{shown} has no meaning here"), hint);
        let end = self.position.saturating_add(c.len_utf8());
        FilterError::new(self.text, self.position..end, problem)
    }
}

/// Octets of the word at the start of `rest`: names, numbers, addresses and times are all words.
/// Two dots end a word, so that `1..5` is a range.
fn word_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let double_dot = c == '.' && matches!(chars.peek(), Some((_, '.')));
        let part = c.is_ascii_alphanumeric()
            || matches!(c, '_' | '.' | ':' | '/' | '-' | '+' | '%' | 'µ' | 'μ');
        if double_dot || !part {
            return at;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(Kind, &str)> {
        let mut lexer = Lexer::new(text);
        let mut out = Vec::new();
        loop {
            let token = lexer.next().unwrap();
            if token.kind == Kind::End {
                return out;
            }
            out.push((token.kind, token.text));
        }
    }

    #[test]
    fn words_are_names_numbers_addresses_and_times() {
        for word in
            ["http.status", "8021q.vid", "-5", "1.5M", "10.0.0.0/8", "2001:db8::1", "::1", "3µs"]
        {
            assert_eq!(tokens(word), [(Kind::Word, word)]);
        }
        let time = "2024-05-01T12:00:00.5+02:00";
        assert_eq!(tokens(time), [(Kind::Word, time)]);
    }

    #[test]
    fn punctuation_needs_no_blanks() {
        let kinds: Vec<_> = tokens("!(a>=1&&b!=2)||c=3").into_iter().map(|t| t.0).collect();
        use Kind::*;
        assert_eq!(
            kinds,
            [
                Not,
                Open,
                Word,
                GreaterEqual,
                Word,
                And,
                Word,
                NotEqual,
                Word,
                Close,
                Or,
                Word,
                Equal,
                Word
            ]
        );
    }

    #[test]
    fn two_dots_part_words() {
        assert_eq!(
            tokens("1..1024"),
            [(Kind::Word, "1"), (Kind::Dots, ".."), (Kind::Word, "1024")]
        );
        assert_eq!(tokens("::1..::5").len(), 3);
    }

    #[test]
    fn quotes_hold_the_other_quote_and_escaped_ones() {
        assert_eq!(tokens(r#""it's""#), [(Kind::Quoted, r#""it's""#)]);
        assert_eq!(tokens(r#"'a\'b'"#), [(Kind::Quoted, r#"'a\'b'"#)]);
        assert_eq!(tokens(r#""a\\" b"#).len(), 2);
    }

    #[test]
    fn an_open_quote_is_reported_where_it_opens() {
        let e = Lexer::new("   \"abc").next().unwrap_err();
        assert_eq!((e.position, e.length), (3, 4));
    }

    #[test]
    fn stray_characters_are_reported() {
        for text in ["&", "|", "~", "[", "“", "é", "\u{0}"] {
            let e = Lexer::new(text).next().unwrap_err();
            assert_eq!(e.position, 0, "{text:?}");
            assert!(!e.hint.is_empty());
        }
    }
}
