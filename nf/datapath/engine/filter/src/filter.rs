//! A parsed filter: tests on fields, and how they make one answer.

use std::sync::Arc;

use crate::error::FilterError;
use crate::leaf::{Leaf, Read};
use crate::names::Names;
use crate::parser;

/// How leaves make one answer. Leaves are numbers into [`Filter::leaves`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// The leaf holds.
    Leaf(usize),
    /// The inner expression does not hold.
    Not(Box<Expr>),
    /// Every one holds (`and`); at least two.
    All(Vec<Expr>),
    /// At least one holds (`or`); at least two.
    Any(Vec<Expr>),
}

impl Expr {
    fn evaluate(&self, leaf: &mut dyn FnMut(usize) -> bool) -> bool {
        match self {
            Expr::Leaf(index) => leaf(*index),
            Expr::Not(inner) => !inner.evaluate(leaf),
            Expr::All(parts) => parts.iter().all(|part| part.evaluate(leaf)),
            Expr::Any(parts) => parts.iter().any(|part| part.evaluate(leaf)),
        }
    }
}

/// A filter, ready to be asked. Clones share one copy.
#[derive(Clone, Debug)]
pub struct Filter {
    parsed: Arc<Parsed>,
}

#[derive(Debug)]
struct Parsed {
    text: Box<str>,
    expr: Expr,
    leaves: Box<[Leaf]>,
}

impl Filter {
    /// Parses `text`, asking `names` what its names stand for.
    pub fn parse(text: &str, names: &dyn Names) -> Result<Filter, FilterError> {
        let (expr, leaves) = parser::parse(text, names)?;
        let parsed = Parsed { text: text.into(), expr, leaves: leaves.into() };
        Ok(Filter { parsed: Arc::new(parsed) })
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.parsed.text
    }

    /// The tests it makes, each once, at most [`crate::MAX_LEAVES`].
    pub fn leaves(&self) -> &[Leaf] {
        &self.parsed.leaves
    }

    /// How the leaves make one answer.
    pub fn expr(&self) -> &Expr {
        &self.parsed.expr
    }

    /// The answer, given whether each leaf holds. Leaves that cannot change it are not asked.
    pub fn evaluate(&self, leaf: &mut dyn FnMut(usize) -> bool) -> bool {
        self.parsed.expr.evaluate(leaf)
    }

    /// The answer for a record whose slots `read` knows: it hands each value of a slot (none,
    /// one or several) to the function it is given.
    pub fn matches(&self, read: &mut Read<'_>) -> bool {
        let leaves = self.leaves();
        self.evaluate(&mut |index| leaves.get(index).is_some_and(|leaf| leaf.holds(read)))
    }
}
