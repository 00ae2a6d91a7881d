//! The walk over an edit's elements, beside the tree.

use std::ptr;

use libyang5_sys as ffi;
use roxmltree::Node as Element;

use super::element::{Asked, Insert, Op, schema_of};
use super::{DefaultOperation, Edit, ErrorOption, Stop};
use crate::change::Place;
use crate::diff::relocate;
use crate::instance::{Detached, Maker, depends_on_prefixes, keys};
use crate::path;
use crate::problem::{Error, Problem};
use crate::raw::{self, Node, Siblings};
use crate::xml;

/// Why an element was not carried out.
enum Fault {
    Wrong(Vec<Problem>),
    Stop,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Wrong(vec![problem])
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Wrong(error.problems)
    }
}

impl From<Stop> for Fault {
    fn from(_: Stop) -> Self {
        Self::Stop
    }
}

/// Where the walk is: a node of the tree, null above the top level.
#[derive(Clone, Copy)]
struct Level {
    parent: Node,
    schema: *const ffi::lysc_node,
    op: Op,
    /// The parent was inserted by this edit.
    fresh: bool,
}

/// An element that has its schema node and its operation.
struct Target<'e, 'a, 'i> {
    element: Element<'a, 'i>,
    schema: *const ffi::lysc_node,
    kind: u32,
    op: Op,
    asked: &'e Asked,
    at: Level,
}

impl Edit<'_> {
    pub(super) fn run(
        &mut self,
        content: Element<'_, '_>,
        default: DefaultOperation,
    ) -> Result<(), Stop> {
        let op = match default {
            DefaultOperation::Merge => Op::Merge,
            DefaultOperation::None => Op::None,
            DefaultOperation::Replace => {
                // What is there goes first; then everything is new.
                let all: Vec<Node> = Siblings(self.log.tree.root).collect();
                for node in all {
                    // SAFETY: a live top-level node.
                    if unsafe { raw::has_flag((*node).schema, ffi::LYS_CONFIG_W) } {
                        self.log.remove(node, false).or_else(|e| self.wrong(e.problems))?;
                    }
                }
                Op::Merge
            }
        };
        let top = Level { parent: ptr::null_mut(), schema: ptr::null(), op, fresh: false };
        self.level(content, top)
    }

    /// Notes what is wrong; goes on only when asked to.
    fn wrong(&mut self, problems: Vec<Problem>) -> Result<(), Stop> {
        self.problems.extend(problems);
        if self.option == ErrorOption::ContinueOnError { Ok(()) } else { Err(Stop) }
    }

    fn level(&mut self, element: Element<'_, '_>, at: Level) -> Result<(), Stop> {
        if !xml::text(element).trim().is_empty() {
            let what = "text between elements has no meaning here".to_string();
            let mut problem = Problem::new("bad-element", what)
                .of(element.tag_name().name())
                .on_line(xml::line(element));
            if !at.parent.is_null() {
                // SAFETY: the parent is live.
                problem = problem.at(unsafe { path::of(at.parent) });
            }
            self.wrong(vec![problem])?;
        }
        let mut maker = None;
        for child in xml::elements(element) {
            let mark = self.log.len();
            match self.one(&mut maker, child, at) {
                Ok(()) => {}
                Err(Fault::Stop) => return Err(Stop),
                Err(Fault::Wrong(problems)) => {
                    self.wrong(problems)?;
                    self.log.roll_back(mark).or_else(|e| self.wrong(e.problems))?;
                }
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        maker: &mut Option<Maker>,
        element: Element<'_, '_>,
        at: Level,
    ) -> Result<(), Fault> {
        // SAFETY: the level's schema node is null or live, as is its parent.
        let schema = unsafe { schema_of(self.log.tree, at.schema, element) }.map_err(|p| {
            let name = element.tag_name().name();
            p.at(format!("{}/{name}", parent_path(at.parent)))
        })?;
        let here = || place_of(at.parent, schema, None);
        let asked = Asked::of(element, schema).map_err(|p| p.at(here()))?;
        // SAFETY: a live schema node.
        let kind = unsafe { raw::node_type(schema) };
        // SAFETY: a live schema node.
        if kind == ffi::LYS_LEAF && unsafe { raw::has_flag(schema, ffi::LYS_KEY) } {
            if matches!(asked.op, Some(Op::Delete | Op::Remove)) {
                let what = "the key of a list entry goes with the entry only".to_string();
                return Err(Problem::new("bad-attribute", what).of("operation").at(here()).into());
            }
            return Ok(()); // taken with its entry
        }
        let op = asked.op.unwrap_or(at.op);
        let target = Target { element, schema, kind, op, asked: &asked, at };
        if matches!(op, Op::Delete | Op::Remove) && self.without_instance(&target) {
            return self.remove_all(&target);
        }
        if maker.is_none() {
            // SAFETY: the parent is null or live.
            *maker = Some(unsafe { Maker::below(self.log.tree, at.parent) }?);
        }
        match maker {
            Some(maker) => self.carry_out(maker, &target),
            None => Ok(()),
        }
    }

    /// Whether a deletion names no entry: all of a list or leaf-list, or a node that is alone.
    fn without_instance(&self, target: &Target<'_, '_, '_>) -> bool {
        match target.kind {
            ffi::LYS_LIST => xml::elements(target.element).next().is_none(),
            ffi::LYS_LEAFLIST => xml::text(target.element).is_empty(),
            _ => true,
        }
    }

    fn remove_all(&mut self, target: &Target<'_, '_, '_>) -> Result<(), Fault> {
        let siblings = self.log.children(target.at.parent);
        let all: Vec<Node> = Siblings(siblings)
            // SAFETY: live siblings.
            .filter(|&n| unsafe { (*n).schema == target.schema && is_set(n) })
            .collect();
        if all.is_empty() && target.op == Op::Delete {
            return Err(missing(target, None).into());
        }
        for node in all {
            self.log.remove(node, target.at.fresh)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, maker: &Maker, target: &Target<'_, '_, '_>) -> Result<(), Fault> {
        let made = maker.make(self.log.tree, target.element, target.schema).map_err(|mut e| {
            for problem in &mut e.problems {
                problem.path = Some(place_of(target.at.parent, target.schema, None));
                problem.line = Some(xml::line(target.element));
                if problem.tag == "malformed-message" || problem.tag == "operation-failed" {
                    problem.tag = "invalid-value";
                }
            }
            e
        })?;
        let found = self.find(target, &made);
        // SAFETY: what was found is live.
        let exists = found.filter(|&node| unsafe { is_set(node) });
        match target.op {
            Op::Delete | Op::Remove => match exists {
                Some(node) => Ok(self.log.remove(node, target.at.fresh)?),
                None if target.op == Op::Remove => Ok(()),
                None => Err(missing(target, Some(&made)).into()),
            },
            Op::Create if exists.is_some() => {
                let what = "the node exists already".to_string();
                let place = place_of(target.at.parent, target.schema, Some(made.node()));
                Err(Problem::new("data-exists", what)
                    .at(place)
                    .on_line(xml::line(target.element))
                    .into())
            }
            _ => self.store(maker, target, made, found),
        }
    }

    /// Merge, replace, create and none.
    fn store(
        &mut self,
        maker: &Maker,
        target: &Target<'_, '_, '_>,
        made: Detached,
        found: Option<Node>,
    ) -> Result<(), Fault> {
        let fresh = target.at.fresh;
        match target.kind {
            ffi::LYS_CONTAINER | ffi::LYS_LIST => self.store_inner(maker, target, made, found),
            ffi::LYS_LEAFLIST => {
                let place = self.place(maker, target, found)?;
                match found {
                    None if target.op == Op::None => Err(missing(target, Some(&made)).into()),
                    // SAFETY: what was found is live and below the level's parent.
                    Some(node) if unsafe { is_set(node) } => {
                        if let (Some(place), true) = (place, target.op != Op::None) {
                            // SAFETY: as above.
                            unsafe {
                                relocate(&mut self.log, node, target.at.parent, place, fresh)
                            }?;
                        }
                        Ok(())
                    }
                    Some(_) if target.op == Op::None => Ok(()),
                    Some(node) => {
                        self.log.remove(node, fresh)?;
                        self.insert(target, made, place.unwrap_or(Place::Usual))?;
                        Ok(())
                    }
                    None => {
                        self.insert(target, made, place.unwrap_or(Place::Usual))?;
                        Ok(())
                    }
                }
            }
            _ => self.store_value(target, made, found),
        }
    }

    /// A leaf or anydata.
    fn store_value(
        &mut self,
        target: &Target<'_, '_, '_>,
        made: Detached,
        found: Option<Node>,
    ) -> Result<(), Fault> {
        if target.op == Op::None {
            return found.map(drop).ok_or_else(|| missing(target, None).into());
        }
        if target.asked.is_default {
            return self.store_default(target, &made, found);
        }
        if let Some(node) = found {
            // SAFETY: both are live and of one schema node.
            let same = unsafe {
                is_set(node)
                    && ffi::lyd_compare_single(node, made.node(), 0) == ffi::LY_ERR::LY_SUCCESS
            };
            if same {
                return Ok(());
            }
            self.log.remove(node, target.at.fresh)?;
        }
        self.insert(target, made, Place::Usual)?;
        Ok(())
    }

    /// A value marked as the default one (RFC 6243, section 4.5.2) is not stored.
    fn store_default(
        &mut self,
        target: &Target<'_, '_, '_>,
        made: &Detached,
        found: Option<Node>,
    ) -> Result<(), Fault> {
        // SAFETY: leaves only have a default here, and a schema node's strings live.
        let matches = target.kind == ffi::LYS_LEAF
            && unsafe {
                let default = (*target.schema.cast::<ffi::lysc_node_leaf>()).dflt.str_;
                !default.is_null()
                    && ffi::lyd_value_compare(made.node().cast(), default, libc_len(default))
                        == ffi::LY_ERR::LY_SUCCESS
            };
        self.log.tree.forget_errors();
        if !matches {
            let what = "the value is marked as the default one, but is not".to_string();
            return Err(Problem::new("invalid-value", what)
                .at(place_of(target.at.parent, target.schema, None))
                .on_line(xml::line(target.element))
                .into());
        }
        // SAFETY: what was found is live.
        if let Some(node) = found.filter(|&n| unsafe { is_set(n) }) {
            self.log.remove(node, target.at.fresh)?;
        }
        Ok(())
    }

    fn store_inner(
        &mut self,
        maker: &Maker,
        target: &Target<'_, '_, '_>,
        made: Detached,
        found: Option<Node>,
    ) -> Result<(), Fault> {
        let fresh = target.at.fresh;
        let place = self.place(maker, target, found)?;
        // SAFETY: a live schema node.
        let always_there = target.kind == ffi::LYS_CONTAINER
            && unsafe { !raw::has_flag(target.schema, ffi::LYS_PRESENCE) };
        let (node, made_here) = match found {
            Some(node) if target.op != Op::Replace => {
                if let (Some(place), true) = (place, target.op != Op::None) {
                    // SAFETY: what was found is live and below the level's parent.
                    unsafe { relocate(&mut self.log, node, target.at.parent, place, fresh) }?;
                }
                (node, false)
            }
            Some(node) => {
                // SAFETY: what was found is live.
                let kept = unsafe { own_place(node) };
                let place = match place {
                    Some(Place::Before(n) | Place::After(n)) if n == node => kept,
                    Some(place) => place,
                    None => kept,
                };
                self.log.remove(node, fresh)?;
                (self.insert(target, made, place)?, true)
            }
            None if target.op == Op::None && !always_there => {
                return Err(missing(target, Some(&made)).into());
            }
            None => (self.insert(target, made, place.unwrap_or(Place::Usual))?, true),
        };
        let below =
            Level { parent: node, schema: target.schema, op: target.op, fresh: fresh || made_here };
        Ok(self.level(target.element, below)?)
    }

    fn insert(
        &mut self,
        target: &Target<'_, '_, '_>,
        made: Detached,
        place: Place,
    ) -> Result<Node, Fault> {
        self.clear_other_cases(target)?;
        let node = made.release();
        self.log.insert(node, target.at.parent, place, target.at.fresh)?;
        Ok(node)
    }

    /// A node of one case makes the nodes of the choice's other cases go (RFC 7950, section 7.9).
    fn clear_other_cases(&mut self, target: &Target<'_, '_, '_>) -> Result<(), Fault> {
        // SAFETY: schema nodes live; siblings are live until removed, and are collected before.
        unsafe {
            let mut case = (*target.schema).parent;
            while !case.is_null() && raw::node_type(case) == ffi::LYS_CASE {
                let choice = (*case).parent;
                let others: Vec<Node> = Siblings(self.log.children(target.at.parent))
                    .filter(|&n| {
                        case_within((*n).schema, choice).is_some_and(|other| other != case)
                    })
                    .collect();
                for node in others {
                    self.log.remove(node, target.at.fresh)?;
                }
                case = (*choice).parent;
            }
        }
        Ok(())
    }

    /// The node of the tree that an element means.
    fn find(&self, target: &Target<'_, '_, '_>, made: &Detached) -> Option<Node> {
        let siblings = self.log.children(target.at.parent);
        if siblings.is_null() {
            return None;
        }
        let mut found = ptr::null_mut();
        // SAFETY: siblings, schema node and the detached node are live.
        unsafe {
            if target.kind & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0 {
                ffi::lyd_find_sibling_first(siblings, made.node(), &raw mut found);
            } else {
                let schema = target.schema;
                ffi::lyd_find_sibling_val(siblings, schema, ptr::null(), 0, &raw mut found);
            }
        }
        self.log.tree.forget_errors();
        (!found.is_null()).then_some(found)
    }

    /// Where the element wants its entry; `None` when it says nothing.
    fn place(
        &self,
        maker: &Maker,
        target: &Target<'_, '_, '_>,
        found: Option<Node>,
    ) -> Result<Option<Place>, Fault> {
        let (text, before) = match &target.asked.insert {
            None => return Ok(None),
            Some(Insert::First) => return Ok(Some(Place::First)),
            Some(Insert::Last) => {
                let last = Siblings(self.log.children(target.at.parent))
                    // SAFETY: live siblings.
                    .filter(|&n| unsafe { (*n).schema } == target.schema)
                    .last();
                return Ok(Some(match (last, found) {
                    (Some(last), Some(_)) => Place::After(last),
                    _ => Place::Usual,
                }));
            }
            Some(Insert::Before(text)) => (text, true),
            Some(Insert::After(text)) => (text, false),
        };
        let anchor = self.anchor(maker, target, text).map_err(|what| {
            Problem::new("bad-attribute", what)
                .of(if target.kind == ffi::LYS_LIST { "key" } else { "value" })
                .app_tag("missing-instance")
                .at(place_of(target.at.parent, target.schema, None))
                .on_line(xml::line(target.element))
        })?;
        Ok(Some(if before { Place::Before(anchor) } else { Place::After(anchor) }))
    }

    /// The entry that `key` or `value` names.
    fn anchor(
        &self,
        maker: &Maker,
        target: &Target<'_, '_, '_>,
        text: &str,
    ) -> Result<Node, String> {
        let tree = &*self.log.tree;
        let unreadable = |e: Error| format!("{text} names no entry: {e}");
        // SAFETY: a live schema node; as many values as keys are given.
        let made = unsafe {
            if target.kind == ffi::LYS_LIST {
                let given = predicates(text)
                    .ok_or_else(|| format!("{text} is not of the form [key='value']"))?;
                let mut values = Vec::new();
                for key in keys(target.schema) {
                    let name = raw::text((*key).name).unwrap_or_default();
                    let (_, value) = given
                        .iter()
                        .find(|(given_name, _)| *given_name == name)
                        .ok_or_else(|| format!("{text} does not give the key {name}"))?;
                    values.push(raw::c_string(value).map_err(unreadable)?);
                }
                maker.entry_of(tree, target.schema, &values).map_err(unreadable)?
            } else if depends_on_prefixes((*target.schema.cast::<ffi::lysc_node_leaf>()).type_) {
                maker.value_in_scope(tree, target.element, text).map_err(unreadable)?
            } else {
                maker.term(tree, target.schema, text).map_err(unreadable)?
            }
        };
        self.find(target, &made).ok_or_else(|| format!("there is no entry {text}"))
    }
}

/// Whether a node was set by somebody, rather than being a default value or a container that only
/// holds such.
///
/// # Safety
/// The node is live.
unsafe fn is_set(node: Node) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*node).flags & ffi::LYD_DEFAULT == 0 }
}

/// # Safety
/// The entry is live.
unsafe fn own_place(node: Node) -> Place {
    // SAFETY: `prev` of a first sibling is the last one, which has no `next`.
    unsafe {
        let schema = (*node).schema;
        if !raw::user_ordered(schema) {
            return Place::Usual;
        }
        let previous = (*node).prev;
        if !(*previous).next.is_null() && (*previous).schema == schema {
            Place::After(previous)
        } else {
            Place::First
        }
    }
}

/// The case of a choice that a schema node lies in.
///
/// # Safety
/// Both are live schema nodes.
unsafe fn case_within(
    mut schema: *const ffi::lysc_node,
    choice: *const ffi::lysc_node,
) -> Option<*mut ffi::lysc_node> {
    // SAFETY: schema nodes and their parents live as long as the context.
    unsafe {
        loop {
            let parent = (*schema).parent;
            if parent.is_null() || raw::node_type(parent) & (ffi::LYS_CASE | ffi::LYS_CHOICE) == 0 {
                return None;
            }
            if std::ptr::eq(parent, choice) {
                return Some(schema.cast_mut());
            }
            schema = parent;
        }
    }
}

fn parent_path(parent: Node) -> String {
    // SAFETY: null or live.
    if parent.is_null() { String::new() } else { unsafe { path::of(parent) } }
}

/// The path of a node that need not be in the tree.
fn place_of(parent: Node, schema: *const ffi::lysc_node, made: Option<Node>) -> String {
    // SAFETY: the parent is null or live, the schema node is live, the detached node is ours.
    unsafe {
        let mut place = parent_path(parent);
        place.push('/');
        let module = (*schema).module.cast_const();
        if parent.is_null() || ffi::lyd_node_module(parent) != module {
            place.push_str(&raw::text((*module).name).unwrap_or_default());
            place.push(':');
        }
        place.push_str(&raw::text((*schema).name).unwrap_or_default());
        if let Some(node) = made {
            // The detached node's own path ends with its predicates.
            if raw::node_type(schema) & (ffi::LYS_LIST | ffi::LYS_LEAFLIST) != 0 {
                let own = path::of(node);
                if let Some(at) = own.find('[') {
                    place.push_str(&own[at..]);
                }
            }
        }
        place
    }
}

fn missing(target: &Target<'_, '_, '_>, made: Option<&Detached>) -> Problem {
    let place = place_of(target.at.parent, target.schema, made.map(Detached::node));
    Problem::new("data-missing", "the node does not exist".to_string())
        .at(place)
        .on_line(xml::line(target.element))
}

/// # Safety
/// `text` is NUL-terminated and live.
unsafe fn libc_len(text: *const std::ffi::c_char) -> u32 {
    // SAFETY: the caller's promise.
    u32::try_from(unsafe { std::ffi::CStr::from_ptr(text) }.to_bytes().len()).unwrap_or(u32::MAX)
}

/// `[a:name='x'][a:other="y"]` as names without prefixes and values.
fn predicates(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix('[')?.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (value, after) = after[1..].split_once(quote)?;
        rest = after.trim_start().strip_prefix(']')?.trim_start();
        let name = name.trim();
        let local = name.split_once(':').map_or(name, |(_, local)| local);
        found.push((local.to_string(), value.to_string()));
    }
    (!found.is_empty()).then_some(found)
}
