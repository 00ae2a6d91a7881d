//! What to say where the text does not go on as it should.

use super::Parser;
use crate::error::{FilterError, Problem};
use crate::lexer::{Kind, Token};
use crate::nearest::nearest;
use crate::operand;

impl Parser<'_, '_> {
    pub(super) fn no_subject(&mut self) -> FilterError {
        let token = self.token;
        let example = "a field name, as in app == \"youtube\" and bytes > 1M";
        let value =
            token.kind == Kind::Quoted || token.is_keyword("true") || token.is_keyword("false");
        let problem = if value {
            Problem::new(
                format!("a comparison starts with a field, {} is a value", token.shown()),
                "the field first: field == value",
            )
        } else if self.text.trim().is_empty() {
            Problem::new("the filter is empty", example)
        } else {
            Problem::new(format!("a field name is missing before {}", token.shown()), example)
        };
        self.error(token.span(), problem)
    }

    /// An unknown name; the token after it is at hand.
    pub(super) fn unknown(&self, token: &Token<'_>) -> FilterError {
        let turned = operand::is_order(self.token.kind)
            && token.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '+'));
        let near = nearest(token.text, self.names.all());
        let problem = if turned && near.is_empty() {
            Problem::new(
                format!("a comparison starts with a field, {} is a value", token.shown()),
                "the field first: field == value",
            )
        } else {
            let hint = match near.as_slice() {
                [] => "a name that `nf protocols NAME` lists, such as http.host".into(),
                [one] => one.clone(),
                [first @ .., last] => format!("{} or {last}", first.join(", ")),
            };
            Problem::new(format!("there is no field {}", token.shown()), hint)
        };
        self.error_at(token, problem)
    }

    /// Something stands after a complete expression.
    pub(super) fn left_over(&self) -> FilterError {
        let token = self.token;
        let problem = match token.kind {
            Kind::Close => Problem::new("there is no ( for this )", "the same text without it"),
            Kind::Word | Kind::Quoted | Kind::Open | Kind::Not => Problem::new(
                format!("`and` or `or` is missing before {}", token.shown()),
                "`and` or `or` between two tests; text with blanks in quotes",
            ),
            _ => Problem::new(
                format!("{} has no meaning here", token.shown()),
                "`and` or `or` and another test, or the end",
            ),
        };
        self.error(token.span(), problem)
    }
}
