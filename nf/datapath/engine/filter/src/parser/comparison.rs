//! One comparison: a field, an operator and what it is compared with.

use super::{MAX_LEAVES, MAX_PATTERNS, Parser, is_reserved};
use crate::compiled::Compiled;
use crate::error::{FilterError, Problem, shown};
use crate::filter::Expr;
use crate::leaf::{Comparison, Leaf, Order, can_be_summed};
use crate::lexer::{Kind, Token};
use crate::literal::{self, Item, Literal, Place, item_type};
use crate::names::{Combine, Resolved, Unit};
use crate::operand::{self, RangePart};

/// A field name as it stands in the filter, and what it stands for.
struct Subject<'t> {
    name: &'t str,
    start: usize,
    resolved: Resolved,
    unit: Option<Unit>,
}

impl Subject<'_> {
    fn place(&self) -> Place<'_> {
        Place { name: self.name, ty: item_type(self.resolved.ty), unit: self.unit }
    }
}

impl<'t> Parser<'t, '_> {
    /// A field, alone or compared.
    pub(super) fn comparison(&mut self) -> Result<Expr, FilterError> {
        let subject = self.subject()?;
        let kind = self.token.kind;
        let order = match kind {
            Kind::Equal | Kind::NotEqual => Some(Order::Equal),
            Kind::Less => Some(Order::Less),
            Kind::LessEqual => Some(Order::LessOrEqual),
            Kind::Greater => Some(Order::Greater),
            Kind::GreaterEqual => Some(Order::GreaterOrEqual),
            _ => None,
        };
        if let Some(order) = order {
            let operator = self.take()?;
            let literal = self.ordered(&subject, order, &operator)?;
            let leaf = self.leaf(&subject, Comparison::Order(order, literal), &operator)?;
            self.no_chain()?;
            return match kind {
                Kind::NotEqual => self.none_of(&subject, leaf, &operator),
                _ => Ok(leaf),
            };
        }
        let negated = self.token.is_keyword("not");
        if negated {
            self.take()?;
        }
        let operator = self.token;
        let (comparison, operand) = self.word_comparison(&subject, negated)?;
        let leaf = self.leaf(&subject, comparison, &operand.unwrap_or(operator))?;
        self.no_chain()?;
        if negated { self.none_of(&subject, leaf, &operator) } else { Ok(leaf) }
    }

    /// The field name that starts a comparison.
    fn subject(&mut self) -> Result<Subject<'t>, FilterError> {
        let token = self.token;
        if token.kind != Kind::Word || is_reserved(&token) {
            return Err(self.no_subject());
        }
        let resolved = self.names.resolve(token.text).filter(|r| !r.slots.is_empty());
        let Some(resolved) = resolved else {
            // What follows only shapes the message; that it is wrong as well can wait.
            self.take().ok();
            return Err(self.unknown(&token));
        };
        if resolved.combine == Combine::Sum && !can_be_summed(resolved.ty) {
            let problem = Problem::new(
                format!("`{}` cannot be summed: it is no number", shown(token.text)),
                "the fields it stands for, one by one",
            );
            return Err(self.error_at(&token, problem));
        }
        self.take()?;
        let unit = resolved.unit.or_else(|| Unit::of_name(token.text));
        Ok(Subject { name: token.text, start: token.start, resolved, unit })
    }

    /// What stands after an operator such as `==`.
    fn ordered(
        &mut self,
        subject: &Subject<'_>,
        order: Order,
        operator: &Token<'_>,
    ) -> Result<Literal, FilterError> {
        operand::check_order(order, operator, subject.place())
            .map_err(|problem| self.error_at(operator, problem))?;
        let value = self.value(subject, operator)?;
        if let Some(Ok(_)) = literal::prefix(&value, subject.place()) {
            let problem = Problem::new(
                format!("{} is a set of addresses, not one address", shown(value.text)),
                format!("{} in {}", shown(subject.name), shown(value.text)),
            );
            return Err(self.error_at(&value, problem));
        }
        if self.token.kind == Kind::Dots {
            let problem = Problem::new(
                "a range is not one value",
                format!("{} in {}..…", shown(subject.name), shown(value.text)),
            );
            return Err(self.error(self.token.span(), problem));
        }
        literal::read(&value, subject.place()).map_err(|p| self.error_at(&value, p))
    }

    /// `in`, `contains` and their like, or nothing: the field alone. With it the value it is made
    /// from, where that can still be found wrong.
    fn word_comparison(
        &mut self,
        subject: &Subject<'_>,
        negated: bool,
    ) -> Result<(Comparison, Option<Token<'t>>), FilterError> {
        let operator = self.token;
        if operator.is_keyword("in") {
            operand::check_in(&operator, subject.place())
                .map_err(|problem| self.error_at(&operator, problem))?;
            self.take()?;
            return Ok((self.items(subject, &operator)?, None));
        }
        let octets = ["contains", "startswith", "endswith"];
        if octets.iter().any(|word| operator.is_keyword(word)) {
            operand::check_octets(&operator, subject.place())
                .map_err(|problem| self.error_at(&operator, problem))?;
            self.take()?;
            let value = self.value(subject, &operator)?;
            let literal = literal::read(&value, subject.place());
            let part = match literal.map_err(|problem| self.error_at(&value, problem))? {
                Literal::Text(part) | Literal::Binary(part) => part,
                _ => Box::default(),
            };
            let comparison = if operator.is_keyword("contains") {
                Comparison::Contains(part)
            } else if operator.is_keyword("startswith") {
                Comparison::StartsWith(part)
            } else {
                Comparison::EndsWith(part)
            };
            return Ok((comparison, None));
        }
        if operator.is_keyword("matches") {
            operand::check_octets(&operator, subject.place())
                .map_err(|problem| self.error_at(&operator, problem))?;
            self.take()?;
            return self.pattern(subject, &operator);
        }
        if negated {
            let problem = Problem::new(
                format!(
                    "`in`, `contains`, `startswith`, `endswith` or `matches` is missing before {}",
                    operator.shown()
                ),
                format!("{} not in {{…}}, or not {}", shown(subject.name), shown(subject.name)),
            );
            return Err(self.error_at(&operator, problem));
        }
        Ok((Comparison::True, None))
    }

    fn pattern(
        &mut self,
        subject: &Subject<'_>,
        operator: &Token<'_>,
    ) -> Result<(Comparison, Option<Token<'t>>), FilterError> {
        let value = self.value(subject, operator)?;
        if value.kind != Kind::Quoted {
            let problem = Problem::new(
                "a regular expression stands in quotes",
                format!("\"{}\"", shown(value.text)),
            );
            return Err(self.error_at(&value, problem));
        }
        Ok((Comparison::Matches(value.inner().into()), Some(value)))
    }

    /// What stands after `in`: one item, or several in braces.
    fn items(
        &mut self,
        subject: &Subject<'_>,
        operator: &Token<'_>,
    ) -> Result<Comparison, FilterError> {
        if self.token.kind == Kind::Open {
            let problem = Problem::new("a list stands in braces", "in {80, 443}");
            return Err(self.error(self.token.span(), problem));
        }
        if self.token.kind != Kind::OpenList {
            let item = self.item(subject, operator)?;
            return Ok(Comparison::In(vec![item]));
        }
        let open = self.take()?;
        let mut items = Vec::new();
        loop {
            if self.token.kind == Kind::CloseList && !items.is_empty() {
                self.take()?;
                return Ok(Comparison::In(items));
            }
            items.push(self.item(subject, &open)?);
            match self.token.kind {
                Kind::Comma => {
                    self.take()?;
                }
                Kind::CloseList => {}
                Kind::End => {
                    let problem = Problem::new("this list is not closed", "a } at its end");
                    return Err(self.error(open.span(), problem));
                }
                _ => {
                    let problem = Problem::new(
                        format!("a comma or }} is missing before {}", self.token.shown()),
                        "{80, 443, 8000..8099}",
                    );
                    return Err(self.error(self.token.span(), problem));
                }
            }
        }
    }

    fn item(&mut self, subject: &Subject<'_>, before: &Token<'_>) -> Result<Item, FilterError> {
        let first = self.value(subject, before)?;
        if self.token.kind == Kind::Dots {
            let dots = self.take()?;
            let last = self.value(subject, &dots)?;
            let range = operand::range(&first, &last, subject.place());
            return range.map_err(|(part, problem)| match part {
                RangePart::First => self.error_at(&first, problem),
                RangePart::Dots => self.error_at(&dots, problem),
                RangePart::Last => self.error_at(&last, problem),
                RangePart::Whole => self.error(first.start..last.end(), problem),
            });
        }
        operand::item(&first, subject.place()).map_err(|problem| self.error_at(&first, problem))
    }

    /// The value at hand; `before` is what it has to follow.
    fn value(
        &mut self,
        subject: &Subject<'_>,
        before: &Token<'_>,
    ) -> Result<Token<'t>, FilterError> {
        let token = self.token;
        let literal_keyword = token.is_keyword("true") || token.is_keyword("false");
        let word = token.kind == Kind::Word && (literal_keyword || !is_reserved(&token));
        if token.kind != Kind::Quoted && !word {
            let hint = operand::example(before, subject.place());
            let problem = if token.kind == Kind::OpenList {
                Problem::new("a list only follows `in`", format!("{} in {{…}}", subject.name))
            } else {
                Problem::new(format!("a value is missing before {}", token.shown()), hint)
            };
            return Err(self.error(token.span(), problem));
        }
        let field =
            word && !literal_keyword && !token.text.starts_with(|c: char| c.is_ascii_digit());
        let text = matches!(subject.place().ty, nf_fields::Type::Text);
        if field && !text && self.names.resolve(token.text).is_some() {
            let problem = Problem::new(
                format!("`{}` is a field: a field is compared with a value", shown(token.text)),
                operand::example(before, subject.place()),
            );
            return Err(self.error(token.span(), problem));
        }
        self.take()
    }

    /// Adds a leaf, or finds the one that makes the same test. What is wrong with a regular
    /// expression is found here, and is told at `operand`.
    fn leaf(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        operand: &Token<'_>,
    ) -> Result<Expr, FilterError> {
        let resolved = &subject.resolved;
        let same = |leaf: &Leaf| {
            *leaf.slots == *resolved.slots
                && leaf.combine == resolved.combine
                && leaf.comparison == comparison
        };
        if let Some(index) = self.leaves.iter().position(same) {
            return Ok(Expr::Leaf(index));
        }
        // The token at hand starts after the test, and blanks before it are not part of it.
        let before = self.text.get(subject.start..self.token.start).unwrap_or("").trim_end();
        let span = subject.start..subject.start.saturating_add(before.len());
        let patterns = |leaf: &&Leaf| matches!(leaf.comparison, Comparison::Matches(_));
        let too_many = if self.leaves.len() >= MAX_LEAVES {
            Some(format!("more than {MAX_LEAVES} different tests"))
        } else if matches!(comparison, Comparison::Matches(_))
            && self.leaves.iter().filter(patterns).count() >= MAX_PATTERNS
        {
            Some(format!("more than {MAX_PATTERNS} different regular expressions"))
        } else {
            None
        };
        if let Some(message) = too_many {
            let problem = Problem::new(message, "`in {…}` takes the place of many `==`");
            return Err(self.error(span, problem));
        }
        let compiled = Compiled::new(&comparison, resolved.ty)
            .map_err(|problem| self.error_at(operand, problem))?;
        self.leaves.push(Leaf {
            name: subject.name.into(),
            slots: resolved.slots.clone().into(),
            combine: resolved.combine,
            ty: resolved.ty,
            unit: subject.unit,
            comparison,
            compiled,
            span,
        });
        Ok(Expr::Leaf(self.leaves.len().saturating_sub(1)))
    }

    /// The field has a value and `leaf` holds for none.
    fn none_of(
        &mut self,
        subject: &Subject<'_>,
        leaf: Expr,
        operator: &Token<'_>,
    ) -> Result<Expr, FilterError> {
        let present = self.leaf(subject, Comparison::Present, operator)?;
        Ok(Expr::All(vec![present, Expr::Not(Box::new(leaf))]))
    }

    /// `1 < x < 5` and `a == b == c` have no meaning here.
    fn no_chain(&self) -> Result<(), FilterError> {
        if !operand::is_order(self.token.kind) {
            return Ok(());
        }
        let problem = Problem::new(
            "a comparison has one operator",
            "two comparisons with `and` between them, or `in 1..5`",
        );
        Err(self.error(self.token.span(), problem))
    }
}
