//! What is written of a schema node, made once for a context.

use std::sync::Arc;

use nf_libyang::{Context, DataNode, Outline, Shape};

use crate::wire;

/// One schema node.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) module: String,
    pub(crate) shape: Shape,
    pub(crate) is_key: bool,
    /// Names of a list's keys.
    pub(crate) keys: Vec<String>,
    /// Places of the keys in the order of their names, in which a map is written.
    pub(crate) sorted: Vec<usize>,
    /// Told as a whole, in one notification that replaces what was known.
    pub(crate) atomic: bool,
    /// May be one value, as an object.
    pub(crate) aggregate: bool,
    /// Number of the first node that is not below this one.
    pub(crate) end: u32,
    /// A `PathElem` without keys as a field of `Path`; without and with the module's name.
    elements: [Box<[u8]>; 2],
    /// Name with the module where that changes.
    member: String,
}

impl Node {
    /// The name as a path has it.
    pub(crate) fn path_name(&self, qualified: bool) -> &str {
        if qualified { &self.member } else { &self.name }
    }

    /// Its element of a path, where it has no keys.
    pub(crate) fn element(&self, qualified: bool) -> &[u8] {
        &self.elements[usize::from(qualified)]
    }

    /// The name as a member of an object.
    pub(crate) fn json_name(&self, ietf: bool) -> &str {
        if ietf { &self.member } else { &self.name }
    }
}

/// All schema nodes, by the numbers of [`Outline`].
pub struct Schema {
    outline: Outline,
    nodes: Vec<Node>,
}

impl Schema {
    /// Reads the schema once.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        let outline = Outline::new(context);
        let nodes = outline
            .rows()
            .iter()
            .map(|row| {
                let member = if row.foreign {
                    format!("{}:{}", row.module, row.name)
                } else {
                    row.name.clone()
                };
                let mut sorted: Vec<usize> = (0..row.keys.len()).collect();
                sorted.sort_by(|&a, &b| row.keys[a].cmp(&row.keys[b]));
                let tagged = |name: &str| row.extensions.iter().any(|one| one == name);
                Node {
                    shape: row.shape,
                    is_key: row.is_key,
                    keys: row.keys.clone(),
                    sorted,
                    atomic: tagged("atomic"),
                    aggregate: tagged("aggregate"),
                    end: row.end,
                    elements: [element(&row.name), element(&member)],
                    name: row.name.clone(),
                    module: row.module.clone(),
                    member,
                }
            })
            .collect();
        Self { outline, nodes }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the context has no implemented module.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn node(&self, number: u32) -> &Node {
        &self.nodes[number as usize]
    }

    pub(crate) fn number(&self, data: DataNode<'_>) -> Option<u32> {
        self.outline.number(data.schema())
    }

    /// Whether all leaves below a node are wanted.
    pub(crate) fn all_kept(&self, number: u32, kept: &Kept) -> bool {
        (number..self.node(number).end).all(|below| {
            let terminal =
                matches!(self.node(below).shape, Shape::Leaf | Shape::LeafList | Shape::Any);
            !terminal || kept.has(below)
        })
    }
}

fn element(name: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    wire::wrapped(&mut out, 0x1A, |out| wire::sized(out, 0x0A, name.as_bytes()));
    out.into()
}

/// Which leaves are wanted, by number; shared by all feeds that want the same.
#[derive(Clone)]
pub struct Kept(Arc<[bool]>);

impl Kept {
    /// One octet for each schema node, zero for those that are not wanted.
    #[must_use]
    pub fn new(wanted: &[u8]) -> Self {
        Self(wanted.iter().map(|&octet| octet != 0).collect())
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.get(number as usize).copied().unwrap_or(false)
    }
}
