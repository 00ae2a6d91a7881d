//! What is wrong with a filter text, where, and what to try.

use std::fmt;
use std::ops::Range;

/// Most characters of the text shown around a mistake.
const EXCERPT: usize = 96;
/// Most characters shown before the mistake.
const BEFORE: usize = 56;

/// A mistake in a filter text.
///
/// `Display` gives three lines: the text, a caret under the mistake with what is wrong, and what
/// to try. There is no line break after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Where the mistake starts: octets from the start of the text.
    pub position: usize,
    /// How many octets it spans; 0 where something is missing.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to try.
    pub hint: String,
    excerpt: String,
    column: usize,
    width: usize,
}

impl FilterError {
    pub(crate) fn new(text: &str, span: Range<usize>, problem: Problem) -> Self {
        let position = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end).max(position);
        let (excerpt, column, width) = excerpt(text, position, end);
        Self {
            position,
            length: end.saturating_sub(position),
            message: one_line(&problem.message),
            hint: one_line(&problem.hint),
            excerpt,
            column,
            width,
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.excerpt)?;
        writeln!(
            f,
            "{:column$}{:^<width$} {}",
            "",
            "^",
            self.message,
            column = self.column,
            width = self.width
        )?;
        write!(f, "try: {}", self.hint)
    }
}

impl std::error::Error for FilterError {}

/// A mistake before its place in the whole text is known.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Octets within the token at hand; the whole token when absent.
    pub(crate) within: Option<Range<usize>>,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { within: None, message: message.into(), hint: hint.into() }
    }

    /// Narrows the mistake to a part of the token.
    pub(crate) fn within(mut self, part: Range<usize>) -> Self {
        self.within = Some(part);
        self
    }
}

/// A word of the text for use in a message: cut short when it is long.
pub(crate) fn shown(word: &str) -> String {
    const MOST: usize = 40;
    let printable = |c: char| if c.is_control() { '·' } else { c };
    if word.chars().count() <= MOST {
        return word.chars().map(printable).collect();
    }
    word.chars().take(MOST).map(printable).chain(['…']).collect()
}

/// Messages quote the text, and the text may hold anything: a message stays one line.
fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

fn floor_boundary(text: &str, position: usize) -> usize {
    let mut position = position.min(text.len());
    while !text.is_char_boundary(position) {
        position = position.saturating_sub(1);
    }
    position
}

/// The line around `start..end`, the column of `start` in it and the carets' width.
fn excerpt(text: &str, start: usize, end: usize) -> (String, usize, usize) {
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let before = before.rsplit('\n').next().unwrap_or("");
    let line_rest = rest.split('\n').next().unwrap_or("");
    let marked = rest.get(..end.saturating_sub(start)).unwrap_or("");
    let marked = marked.split('\n').next().unwrap_or("");

    let mut shown = String::new();
    let skipped = before.chars().count().saturating_sub(BEFORE);
    if skipped > 0 {
        shown.push('…');
    }
    shown.extend(before.chars().skip(skipped));
    let column = shown.chars().count();
    let room = EXCERPT.saturating_sub(column);
    shown.extend(line_rest.chars().take(room));
    if line_rest.chars().nth(room).is_some() {
        shown.push('…');
    }
    let shown = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (shown, column, marked.chars().count().clamp(1, room.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, span: Range<usize>) -> FilterError {
        FilterError::new(text, span, Problem::new("is wrong", "something else"))
    }

    #[test]
    fn three_lines_with_carets_under_the_mistake() {
        assert_eq!(
            error("a == b", 5..6).to_string(),
            "a == b\n     ^ is wrong\ntry: something else"
        );
        assert_eq!(error("abc", 0..3).to_string(), "abc\n^^^ is wrong\ntry: something else");
    }

    #[test]
    fn a_mistake_at_the_end_stands_after_the_text() {
        assert_eq!(error("a ==", 4..4).to_string(), "a ==\n    ^ is wrong\ntry: something else");
    }

    #[test]
    fn only_the_line_with_the_mistake_is_shown() {
        assert_eq!(
            error("a and\nb or\nc", 6..7).to_string(),
            "b or\n^ is wrong\ntry: something else"
        );
    }

    #[test]
    fn columns_count_characters_not_octets() {
        assert_eq!(error("é é", 3..5).to_string(), "é é\n  ^ is wrong\ntry: something else");
    }

    #[test]
    fn long_texts_are_cut_around_the_mistake() {
        let text = "x".repeat(5000);
        let shown = error(&text, 2000..2003).to_string();
        let mut lines = shown.lines();
        assert!(lines.next().unwrap().chars().count() <= EXCERPT + 2);
        assert_eq!(lines.next().unwrap().find('^'), Some(BEFORE + 1));
    }

    #[test]
    fn spans_off_a_character_boundary_are_moved_onto_one() {
        let e = error("é", 1..9);
        assert_eq!((e.position, e.length), (0, 2));
    }
}
