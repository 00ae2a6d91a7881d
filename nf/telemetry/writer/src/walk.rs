//! From a tree to a picture: what a pattern selects, written leaf by leaf.

use std::fmt;
use std::iter::Peekable;
use std::sync::Arc;

use nf_libyang::{DataNode, DataNodes, Shape, Tree};

use crate::json::{ALL, Objects, Place};
use crate::pattern::{Pattern, Positions};
use crate::picture::{MAX_OCTETS, Picture};
use crate::schema::{Kept, Node, Schema};
use crate::{value, wire};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON without RFC 7951.
    Json,
    /// RFC 7951.
    JsonIetf,
    /// Scalars of protobuf.
    Proto,
}

/// Data that cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// More octets than a picture holds.
    TooLarge,
    /// libyang's reasons.
    Yang(nf_libyang::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "what is selected takes more than {} MiB; select less at once",
                MAX_OCTETS >> 20
            ),
            Self::Yang(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

impl From<nf_libyang::Error> for WriteError {
    fn from(error: nf_libyang::Error) -> Self {
        Self::Yang(error)
    }
}

/// What of the data is told, and how it is written.
#[derive(Clone)]
pub struct Shown {
    /// The model.
    pub schema: Arc<Schema>,
    /// Leaves that are wanted.
    pub kept: Kept,
    /// Where they are.
    pub pattern: Pattern,
    /// How values are written.
    pub encoding: Encoding,
    /// Elements that the prefix of a message has, and a path therefore lacks.
    pub skip: usize,
    /// Whether names have their module before them.
    pub qualified: bool,
    /// Levels below what the pattern selects; 0 for all.
    pub depth: u32,
    /// Whether containers that the schema marks may be one value.
    pub aggregate: bool,
}

/// What a Get is answered with.
#[derive(Debug, Default)]
pub struct Selected {
    /// Fields `update` of a Notification, one after the other.
    pub updates: Vec<u8>,
    /// How many nodes the pattern selects.
    pub found: usize,
    /// Whether none of them has nodes below it.
    pub only_terminals: bool,
}

/// Where a walk is.
#[derive(Clone, Copy)]
struct At {
    positions: Positions,
    /// Levels whose leaves are told; 0 where nothing is selected.
    levels: u32,
    /// Elements that lead here.
    length: usize,
    group: u32,
}

impl Shown {
    /// Everything that there is now, put into an empty picture.
    pub(crate) fn picture(&self, tree: &Tree, empty: Picture) -> Result<Picture, WriteError> {
        let mut walk = Walk::new(self, empty);
        walk.below(tree.view(), self.root())?;
        Ok(walk.picture)
    }

    /// What a Get tells: each leaf in PROTO, what the pattern selects as a whole otherwise.
    ///
    /// `before` are fields of `Path` that every path begins with.
    ///
    /// # Errors
    /// More than can be written.
    pub fn selected(&self, tree: &Tree, before: &[u8]) -> Result<Selected, WriteError> {
        let mut walk = Walk::new(self, Picture::default());
        walk.path.extend_from_slice(before);
        walk.selected = Some(Selected { only_terminals: true, ..Selected::default() });
        let at = self.root();
        if at.levels != 0 {
            walk.select_root(tree)?;
        }
        walk.below(tree.view(), at)?;
        let mut selected = walk.selected.take().unwrap_or_default();
        for &leaf in walk.picture.leaves() {
            selected.updates.extend_from_slice(walk.picture.update(leaf));
        }
        Ok(selected)
    }

    fn root(&self) -> At {
        let positions = self.pattern.start();
        let levels = if self.pattern.selects(positions) { self.levels() } else { 0 };
        At { positions, levels, length: 0, group: 0 }
    }

    fn levels(&self) -> u32 {
        if self.depth == 0 { ALL } else { self.depth }
    }

    fn objects(&self) -> Objects<'_> {
        let ietf = self.encoding == Encoding::JsonIetf;
        Objects { schema: &self.schema, ietf, kept: Some(&self.kept) }
    }
}

struct Walk<'w> {
    shown: &'w Shown,
    picture: Picture,
    /// Present for a Get, which counts what is selected.
    selected: Option<Selected>,
    /// Octets of the path that leads to where the walk is.
    path: Vec<u8>,
    /// The value that is being written.
    value: Vec<u8>,
}

impl<'w> Walk<'w> {
    fn new(shown: &'w Shown, picture: Picture) -> Self {
        Self { shown, picture, selected: None, path: Vec::new(), value: Vec::new() }
    }

    /// Recursion is as deep as the schema.
    fn below(&mut self, inside: DataNodes<'_>, at: At) -> Result<(), WriteError> {
        let shown = self.shown;
        let mut inside = inside.peekable();
        let mut entry = 0;
        let mut last = None;
        while let Some(data) = inside.next() {
            entry = if last == Some(data.schema()) { entry + 1 } else { 1 };
            last = Some(data.schema());
            let Some(number) = shown.schema.number(data) else { continue };
            let node = shown.schema.node(number);
            match node.shape {
                Shape::None => {}
                Shape::Leaf | Shape::LeafList | Shape::Any => {
                    self.terminal(data, &mut inside, number, at)?;
                }
                Shape::Container { .. } | Shape::List => {
                    self.inner(data, number, entry, at)?;
                }
            }
        }
        Ok(())
    }

    fn terminal<'t>(
        &mut self,
        data: DataNode<'t>,
        inside: &mut Peekable<DataNodes<'t>>,
        number: u32,
        at: At,
    ) -> Result<(), WriteError> {
        let shown = self.shown;
        let node = shown.schema.node(number);
        let mut selects = false;
        if at.positions != 0 {
            selects = shown.pattern.selects(shown.pattern.step(at.positions, node, |_| None));
        }
        let told = (at.levels != 0 || selects) && shown.kept.has(number);
        if selects && let Some(selected) = &mut self.selected {
            selected.found += 1;
        }
        if !told {
            if node.shape == Shape::LeafList {
                while inside.next_if(|one| one.schema() == data.schema()).is_some() {}
            }
            return Ok(());
        }
        if self.selected.is_some() && !selects && shown.encoding != Encoding::Proto {
            return Ok(()); // it is part of an object
        }
        self.value.clear();
        if node.shape == Shape::LeafList || shown.encoding != Encoding::Proto {
            let mut entries = vec![data];
            if node.shape == Shape::LeafList {
                while let Some(next) = inside.next_if(|one| one.schema() == data.schema()) {
                    entries.push(next);
                }
            }
            self.entries(node, &entries)?;
        } else if node.shape == Shape::Any {
            let text = data.any_json()?;
            wire::wrapped(&mut self.value, 0x1A, |out| wire::sized(out, 0x5A, text.as_bytes()));
        } else {
            wire::wrapped(&mut self.value, 0x1A, |out| value::scalar(out, data.value()));
        }
        let own: &[u8] = if at.length < shown.skip { &[] } else { node.element(shown.qualified) };
        self.add(number, at.group, own)
    }

    /// The value of a leaf-list, or any of JSON.
    fn entries(&mut self, node: &Node, entries: &[DataNode<'_>]) -> Result<(), WriteError> {
        let shown = self.shown;
        if shown.encoding == Encoding::Proto {
            wire::wrapped(&mut self.value, 0x1A, |out| {
                value::scalars(out, entries.iter().map(|one| one.value()));
            });
            return Ok(());
        }
        let mut text = Vec::new();
        shown.objects().leaf(&mut text, node.shape, entries)?;
        self.json_value(&text);
        Ok(())
    }

    fn json_value(&mut self, text: &[u8]) {
        let tag = if self.shown.encoding == Encoding::JsonIetf { 0x5A } else { 0x52 };
        wire::wrapped(&mut self.value, 0x1A, |out| wire::sized(out, tag, text));
    }

    fn inner(
        &mut self,
        data: DataNode<'_>,
        number: u32,
        entry: usize,
        at: At,
    ) -> Result<(), WriteError> {
        let shown = self.shown;
        let node = shown.schema.node(number);
        let mut positions = 0;
        if at.positions != 0 {
            positions = if node.shape == Shape::List && shown.pattern.asks_keys(at.positions) {
                shown.pattern.step(at.positions, node, |key| {
                    data.children().nth(key).map(DataNode::canonical)
                })
            } else {
                shown.pattern.step(at.positions, node, |_| None)
            };
        }
        let selects = shown.pattern.selects(positions);
        let mut levels = match at.levels {
            ALL => ALL,
            levels => levels.saturating_sub(1),
        };
        if selects {
            levels = levels.max(shown.levels());
        }
        if levels == 0 && positions == 0 {
            return Ok(());
        }
        let before = self.path.len();
        if at.length >= shown.skip {
            self.push(node, data, entry);
        }
        let done = self.inside(data, number, At { positions, levels, ..at }, selects);
        self.path.truncate(before);
        done
    }

    /// Inside a container or entry whose path is there already.
    fn inside(
        &mut self,
        data: DataNode<'_>,
        number: u32,
        at: At,
        selects: bool,
    ) -> Result<(), WriteError> {
        let shown = self.shown;
        let node = shown.schema.node(number);
        if selects && let Some(selected) = &mut self.selected {
            selected.found += 1;
            selected.only_terminals = false;
            if shown.encoding != Encoding::Proto {
                self.object(data, number, shown.objects(), shown.levels())?;
            }
        }
        let whole = shown.aggregate
            && at.levels != 0
            && node.aggregate
            && shown.schema.all_kept(number, &shown.kept);
        if whole {
            let all = Objects { kept: None, ..shown.objects() };
            return self.object(data, number, all, ALL);
        }
        let mut at = At { length: at.length + 1, ..at };
        if node.atomic && at.group == 0 {
            at.group = self.picture.add_group(&self.path);
        }
        self.below(data.children(), at)
    }

    /// A container or entry as one value.
    fn object(
        &mut self,
        data: DataNode<'_>,
        number: u32,
        objects: Objects<'_>,
        levels: u32,
    ) -> Result<(), WriteError> {
        let entry = self.shown.schema.node(number).shape == Shape::List;
        let place = Place { outermost: true, entry };
        let mut text = Vec::new();
        if objects.object(&mut text, data.children(), levels, place)? {
            self.value.clear();
            self.json_value(&text);
            self.add(number, 0, &[])?;
        }
        Ok(())
    }

    /// The root is what a Get without elements selects.
    fn select_root(&mut self, tree: &Tree) -> Result<(), WriteError> {
        let shown = self.shown;
        if let Some(selected) = &mut self.selected {
            selected.found += 1;
            selected.only_terminals = false;
        }
        if shown.encoding != Encoding::Proto {
            let place = Place { outermost: true, entry: false };
            let mut text = Vec::new();
            if shown.objects().object(&mut text, tree.view(), shown.levels(), place)? {
                self.value.clear();
                self.json_value(&text);
                self.add(u32::MAX, 0, &[])?;
            }
        }
        Ok(())
    }

    fn add(&mut self, number: u32, group: u32, own: &[u8]) -> Result<(), WriteError> {
        if self.picture.add(number, group, [&self.path, own], &self.value) {
            Ok(())
        } else {
            Err(WriteError::TooLarge)
        }
    }

    /// Appends a node's element to the path; a list's with its keys, which are its first children.
    fn push(&mut self, node: &Node, data: DataNode<'_>, entry: usize) {
        if node.shape != Shape::List {
            self.path.extend_from_slice(node.element(self.shown.qualified));
            return;
        }
        let name = node.path_name(self.shown.qualified);
        wire::wrapped(&mut self.path, 0x1A, |out| {
            wire::sized(out, 0x0A, name.as_bytes());
            if node.keys.is_empty() {
                key(out, "index", entry.to_string().as_bytes());
            }
            for &at in &node.sorted {
                let value = data.children().nth(at).map_or(&[][..], DataNode::canonical);
                key(out, &node.keys[at], value);
            }
        });
    }
}

/// An entry of the map `key` of a `PathElem`.
fn key(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let size = wire::sized_size(name.len()) + wire::sized_size(value.len());
    wire::head(out, 0x12, size);
    wire::sized(out, 0x0A, name.as_bytes());
    wire::sized(out, 0x12, value);
}
