//! Paths with wildcards. A pattern is followed as the set of its elements that may come next, so
//! that every node is visited once, however many ways `...` opens.

use std::fmt;

use nf_libyang::Shape;

use crate::schema::Node;

/// Longest pattern: a set of positions is one integer.
const MAX_ELEMENTS: usize = 64;

const ANY: &str = "*";
const DEEP: &str = "...";

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Name of the node, `*` for any, `...` for any number of nodes.
    pub name: String,
    /// Module of the node, where the path says it.
    pub module: Option<String>,
    /// Names and values of keys; the value `*` is any, and so is a key that is left out.
    pub keys: Vec<(String, String)>,
}

/// A pattern that cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternError;

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pattern has {MAX_ELEMENTS} elements at most")
    }
}

impl std::error::Error for PatternError {}

/// A path with wildcards.
#[derive(Debug, Clone)]
pub struct Pattern {
    elements: Vec<Element>,
    deep: bool,
}

/// Positions in a pattern: bit `i` says that the first `i` elements are behind us.
pub(crate) type Positions = u128;

impl Pattern {
    /// Of elements.
    ///
    /// # Errors
    /// There are too many.
    pub fn new(elements: Vec<Element>) -> Result<Self, PatternError> {
        if elements.len() > MAX_ELEMENTS {
            return Err(PatternError);
        }
        let deep = elements.iter().any(|one| one.name == DEEP);
        Ok(Self { elements, deep })
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether `...` is among them.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep
    }

    /// Where a walk begins.
    pub(crate) fn start(&self) -> Positions {
        self.passed(1)
    }

    /// Whether a node at these positions is selected.
    pub(crate) fn selects(&self, positions: Positions) -> bool {
        positions >> self.elements.len() & 1 != 0
    }

    /// Positions after a step to a node; `key` gives the value of the node's n-th key.
    pub(crate) fn step<'k>(
        &self,
        positions: Positions,
        node: &Node,
        key: impl Fn(usize) -> Option<&'k [u8]>,
    ) -> Positions {
        let mut after = 0;
        for (at, element) in self.elements.iter().enumerate() {
            if positions >> at & 1 == 0 {
                continue;
            }
            if element.name == DEEP {
                after |= 1 << at;
            } else if element.takes(node) && element.takes_keys(node, &key) {
                after |= 1 << (at + 1);
            }
        }
        self.passed(after)
    }

    /// Whether a step to an entry of a list depends on its keys.
    pub(crate) fn asks_keys(&self, positions: Positions) -> bool {
        let asks = |(at, one): (usize, &Element)| positions >> at & 1 != 0 && !one.keys.is_empty();
        self.elements.iter().enumerate().any(asks)
    }

    /// `...` stands for no node as well.
    fn passed(&self, mut positions: Positions) -> Positions {
        for (at, element) in self.elements.iter().enumerate() {
            if element.name == DEEP && positions >> at & 1 != 0 {
                positions |= 1 << (at + 1);
            }
        }
        positions
    }
}

impl Element {
    fn takes(&self, node: &Node) -> bool {
        (self.name == ANY || self.name == node.name)
            && self.module.as_ref().is_none_or(|module| *module == node.module)
    }

    fn takes_keys<'k>(&self, node: &Node, key: &impl Fn(usize) -> Option<&'k [u8]>) -> bool {
        if node.shape != Shape::List {
            return self.keys.is_empty();
        }
        self.keys.iter().all(|(name, value)| {
            let local = name.rsplit_once(':').map_or(name.as_str(), |(_, local)| local);
            value == ANY
                || node
                    .keys
                    .iter()
                    .position(|one| one == local)
                    .and_then(key)
                    .is_some_and(|found| found == value.as_bytes())
        })
    }
}
