//! Tokens to leaves and the expression over them, with types checked on the way.

mod comparison;
mod mistake;

use std::ops::Range;

use crate::error::{FilterError, Problem};
use crate::filter::Expr;
use crate::leaf::Leaf;
use crate::lexer::{Kind, Lexer, Token};
use crate::names::Names;

/// Longest filter text, in octets.
pub const MAX_LENGTH: usize = 64 << 10;
/// Most parentheses and `not` around one another.
pub const MAX_DEPTH: usize = 64;
/// Most different tests in one filter.
pub const MAX_LEAVES: usize = 256;
/// Most different regular expressions in one filter.
pub const MAX_PATTERNS: usize = 32;

/// Words that are never field names.
const KEYWORDS: [&str; 10] =
    ["and", "or", "not", "in", "contains", "startswith", "endswith", "matches", "true", "false"];

pub(crate) fn parse(text: &str, names: &dyn Names) -> Result<(Expr, Vec<Leaf>), FilterError> {
    if text.len() > MAX_LENGTH {
        let problem = Problem::new(
            format!("the filter is longer than {MAX_LENGTH} octets"),
            "ranges and networks instead of long lists, or several filters",
        );
        return Err(FilterError::new(text, MAX_LENGTH..MAX_LENGTH, problem));
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { text, lexer, token, names, leaves: Vec::new(), depth: 0 };
    let expr = parser.either()?;
    if parser.token.kind != Kind::End {
        return Err(parser.left_over());
    }
    Ok((expr, parser.leaves))
}

struct Parser<'t, 'n> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The token at hand, not yet used.
    token: Token<'t>,
    names: &'n dyn Names,
    leaves: Vec<Leaf>,
    depth: usize,
}

impl<'t> Parser<'t, '_> {
    /// Uses up the token at hand.
    fn take(&mut self) -> Result<Token<'t>, FilterError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn error(&self, span: Range<usize>, problem: Problem) -> FilterError {
        FilterError::new(self.text, span, problem)
    }

    /// `problem` at `token`, or at the part of it the problem names.
    fn error_at(&self, token: &Token<'_>, problem: Problem) -> FilterError {
        let shift = |offset: usize| token.start.saturating_add(offset);
        let span = match &problem.within {
            Some(part) => shift(part.start)..shift(part.end),
            None => token.span(),
        };
        self.error(span, problem)
    }

    fn at(&self, kind: Kind, keyword: &str) -> bool {
        self.token.kind == kind || self.token.is_keyword(keyword)
    }

    fn either(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.both()?];
        while self.at(Kind::Or, "or") {
            self.take()?;
            parts.push(self.both()?);
        }
        Ok(joined(parts, Expr::Any))
    }

    fn both(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.negation()?];
        while self.at(Kind::And, "and") {
            self.take()?;
            parts.push(self.negation()?);
        }
        Ok(joined(parts, Expr::All))
    }

    fn negation(&mut self) -> Result<Expr, FilterError> {
        if self.at(Kind::Not, "not") {
            self.deeper()?;
            self.take()?;
            let inner = self.negation()?;
            self.depth = self.depth.saturating_sub(1);
            return Ok(Expr::Not(Box::new(inner)));
        }
        if self.token.kind == Kind::Open {
            self.deeper()?;
            let open = self.take()?;
            let inner = self.either()?;
            self.depth = self.depth.saturating_sub(1);
            if self.token.kind == Kind::Close {
                self.take()?;
                return Ok(inner);
            }
            if self.token.kind == Kind::End {
                let problem = Problem::new("this parenthesis is not closed", "a ) at the end");
                return Err(self.error(open.span(), problem));
            }
            return Err(self.left_over());
        }
        self.comparison()
    }

    fn deeper(&mut self) -> Result<(), FilterError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            let problem = Problem::new(
                format!("more than {MAX_DEPTH} parentheses and `not` around one another"),
                "fewer of them; `in {…}` takes the place of many `or`",
            );
            return Err(self.error(self.token.span(), problem));
        }
        Ok(())
    }
}

fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

fn is_reserved(token: &Token<'_>) -> bool {
    KEYWORDS.iter().any(|keyword| token.is_keyword(keyword))
}
