//! Random edits against a plain model of the part of the zoo that they touch.

mod support;

use std::collections::BTreeMap;

use nf_libyang::{DefaultOperation, Diff, ErrorOption, Tree};
use proptest::prelude::*;
use support::{config, edit_with, xml, zoo};

/// What the tree should hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    limit: Option<u32>,
    tags: Vec<String>,
    queue: Vec<String>,
    rules: Vec<(String, Option<String>)>,
    enclosures: BTreeMap<String, Option<u32>>,
    food: BTreeMap<&'static str, u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Merge,
    Replace,
    Create,
    Delete,
    Remove,
}

#[derive(Debug, Clone)]
enum Place {
    Unsaid,
    First,
    Last,
    Before(usize),
    After(usize),
}

#[derive(Debug, Clone)]
enum Step {
    Limit(Op, u32),
    Tag(Op, usize),
    Queue(Op, usize, Place),
    Rule(Op, usize, Place, Option<u8>),
    Enclosure(Op, usize, Option<u32>),
    Food(Op, usize, u16),
}

const NAMES: [&str; 5] = ["a", "b", "c'", "d&e", "<f>"];
const FOODS: [&str; 4] = ["meat-kg", "bales", "carrots", "apples"];

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Merge),
        1 => Just(Op::Replace),
        1 => Just(Op::Create),
        1 => Just(Op::Delete),
        2 => Just(Op::Remove),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        3 => Just(Place::Unsaid),
        1 => Just(Place::First),
        1 => Just(Place::Last),
        1 => (0..NAMES.len()).prop_map(Place::Before),
        1 => (0..NAMES.len()).prop_map(Place::After),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        (op(), 0..4_u32).prop_map(|(o, v)| Step::Limit(o, v)),
        (op(), name.clone()).prop_map(|(o, n)| Step::Tag(o, n)),
        (op(), name.clone(), place()).prop_map(|(o, n, p)| Step::Queue(o, n, p)),
        (op(), name.clone(), place(), any::<Option<u8>>())
            .prop_map(|(o, n, p, a)| Step::Rule(o, n, p, a)),
        (op(), name, prop::option::of(0..9_u32)).prop_map(|(o, n, s)| Step::Enclosure(o, n, s)),
        (op(), 0..FOODS.len(), 0..4_u16).prop_map(|(o, f, v)| Step::Food(o, f, v)),
    ]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;")
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Merge => "merge",
        Op::Replace => "replace",
        Op::Create => "create",
        Op::Delete => "delete",
        Op::Remove => "remove",
    }
}

/// The attributes for a place; `key` wraps the neighbour's name.
fn insertion(op: Op, place: &Place, name: &str, key: &dyn Fn(&str) -> String) -> String {
    if matches!(op, Op::Delete | Op::Remove) {
        return String::new();
    }
    let attribute = if name == "queue" { "value" } else { "key" };
    match place {
        Place::Unsaid => String::new(),
        Place::First => "yang:insert='first'".to_string(),
        Place::Last => "yang:insert='last'".to_string(),
        Place::Before(n) => {
            format!("yang:insert='before' yang:{attribute}='{}'", escaped(&key(NAMES[*n])))
        }
        Place::After(n) => {
            format!("yang:insert='after' yang:{attribute}='{}'", escaped(&key(NAMES[*n])))
        }
    }
}

fn element(step: &Step) -> String {
    match step {
        Step::Limit(o, v) if matches!(o, Op::Delete | Op::Remove) => {
            let _ = v;
            format!("<limit nc:operation='{}'/>", word(*o))
        }
        Step::Limit(o, v) => format!("<limit nc:operation='{}'>{v}</limit>", word(*o)),
        Step::Tag(o, n) => {
            format!("<tag nc:operation='{}'>{}</tag>", word(*o), escaped(NAMES[*n]))
        }
        Step::Queue(o, n, p) => format!(
            "<queue nc:operation='{}' {}>{}</queue>",
            word(*o),
            insertion(*o, p, "queue", &str::to_string),
            escaped(NAMES[*n])
        ),
        Step::Rule(o, n, p, a) => format!(
            "<rules><rule nc:operation='{}' {}><id>{}</id>{}</rule></rules>",
            word(*o),
            insertion(*o, p, "rule", &|name| format!("[id=\"{name}\"]")),
            escaped(NAMES[*n]),
            a.filter(|_| !matches!(o, Op::Delete | Op::Remove))
                .map_or(String::new(), |a| format!("<action>{a}</action>"))
        ),
        Step::Enclosure(o, n, s) => format!(
            "<enclosure nc:operation='{}'><name>{}</name>{}</enclosure>",
            word(*o),
            escaped(NAMES[*n]),
            s.filter(|_| !matches!(o, Op::Delete | Op::Remove))
                .map_or(String::new(), |s| format!("<size>{s}</size>"))
        ),
        Step::Food(o, f, v) => {
            let value =
                if matches!(o, Op::Delete | Op::Remove) { String::new() } else { v.to_string() };
            let name = FOODS[*f];
            let leaf = format!("<{name} nc:operation='{}'>{value}</{name}>", word(*o));
            if name == "bales" { format!("<hay>{leaf}</hay>") } else { leaf }
        }
    }
}

/// The index at which an entry goes among the others.
type Position = Box<dyn Fn(&[String]) -> usize>;

/// Where an entry goes; `Err` when its neighbour is missing.
fn position(names: &[String], name: &str, place: &Place) -> Result<(bool, Position), ()> {
    let named = |n: usize| names.iter().any(|x| x == NAMES[n]);
    Ok(match place {
        Place::Unsaid => (false, Box::new(<[String]>::len)),
        Place::First => (true, Box::new(|_| 0)),
        Place::Last => (true, Box::new(<[String]>::len)),
        Place::Before(n) | Place::After(n) if !named(*n) => return Err(()),
        Place::Before(n) | Place::After(n) if NAMES[*n] == name => {
            (false, Box::new(<[String]>::len))
        }
        Place::Before(n) => {
            let n = *n;
            (true, Box::new(move |rest| rest.iter().position(|x| x == NAMES[n]).unwrap_or(0)))
        }
        Place::After(n) => {
            let n = *n;
            (
                true,
                Box::new(move |rest| rest.iter().position(|x| x == NAMES[n]).map_or(0, |p| p + 1)),
            )
        }
    })
}

impl Model {
    /// Carries one step out; `Err` when NETCONF says that it is an error.
    fn run(&mut self, step: &Step) -> Result<(), ()> {
        match step {
            Step::Limit(o, v) => single(*o, &mut self.limit, *v),
            Step::Tag(o, n) => {
                let name = NAMES[*n].to_string();
                let found = self.tags.iter().position(|t| *t == name);
                match (o, found) {
                    (Op::Create, Some(_)) | (Op::Delete, None) => return Err(()),
                    (Op::Delete | Op::Remove, Some(at)) => drop(self.tags.remove(at)),
                    (Op::Merge | Op::Replace | Op::Create, None) => self.tags.push(name),
                    _ => {}
                }
                self.tags.sort();
                Ok(())
            }
            Step::Queue(o, n, p) => ordered(*o, &mut self.queue, NAMES[*n], p).map(drop),
            Step::Rule(o, n, p, a) => {
                let mut names: Vec<String> = self.rules.iter().map(|r| r.0.clone()).collect();
                let old: BTreeMap<_, _> = self.rules.iter().cloned().collect();
                ordered(*o, &mut names, NAMES[*n], p)?;
                let action = a.map(|a| a.to_string());
                self.rules = names
                    .into_iter()
                    .map(|name| {
                        let before = old.get(&name).cloned().flatten();
                        let now = match (name == NAMES[*n], o) {
                            (true, Op::Replace) => action.clone(),
                            (true, Op::Merge | Op::Create) => action.clone().or(before),
                            _ => before,
                        };
                        (name, now)
                    })
                    .collect();
                Ok(())
            }
            Step::Enclosure(o, n, s) => {
                let name = NAMES[*n].to_string();
                let exists = self.enclosures.contains_key(&name);
                match o {
                    Op::Create if exists => return Err(()),
                    Op::Delete if !exists => return Err(()),
                    Op::Delete | Op::Remove => drop(self.enclosures.remove(&name)),
                    Op::Replace | Op::Create => drop(self.enclosures.insert(name, *s)),
                    Op::Merge => {
                        let size = self.enclosures.entry(name).or_default();
                        *size = s.or(*size);
                    }
                }
                Ok(())
            }
            Step::Food(o, f, v) => {
                let name = FOODS[*f];
                let mut value = self.food.get(name).copied();
                single(*o, &mut value, *v)?;
                match value {
                    None => drop(self.food.remove(name)),
                    Some(v) => {
                        let gone: &[&str] = match name {
                            "meat-kg" => &["bales", "carrots", "apples"],
                            "bales" => &["meat-kg"],
                            "carrots" => &["meat-kg", "apples"],
                            _ => &["meat-kg", "carrots"],
                        };
                        for other in gone {
                            self.food.remove(other);
                        }
                        self.food.insert(name, v);
                    }
                }
                // <hay> itself comes into being on the way to <bales>, also to remove it.
                if name == "bales" && !matches!(o, Op::Delete) {
                    self.food.remove("meat-kg");
                }
                Ok(())
            }
        }
    }

    fn xml(&self) -> String {
        let mut out = String::new();
        let mut put = |text: String| out.push_str(&text);
        if let Some(v) = self.limit {
            put(format!("<limit>{v}</limit>"));
        }
        for t in &self.tags {
            put(format!("<tag>{}</tag>", printed(t)));
        }
        for q in &self.queue {
            put(format!("<queue>{}</queue>", printed(q)));
        }
        if !self.rules.is_empty() {
            put("<rules>".to_string());
            for (id, action) in &self.rules {
                let action =
                    action.as_ref().map_or(String::new(), |a| format!("<action>{a}</action>"));
                put(format!("<rule><id>{}</id>{action}</rule>", printed(id)));
            }
            put("</rules>".to_string());
        }
        for name in FOODS {
            if let Some(v) = self.food.get(name) {
                let leaf = format!("<{name}>{v}</{name}>");
                put(if name == "bales" { format!("<hay>{leaf}</hay>") } else { leaf });
            }
        }
        for (name, size) in &self.enclosures {
            let size = size.map_or(String::new(), |s| format!("<size>{s}</size>"));
            put(format!("<enclosure><name>{}</name>{size}</enclosure>", printed(name)));
        }
        out
    }
}

/// As libyang escapes text.
fn printed(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn single<T: Copy>(op: Op, slot: &mut Option<T>, value: T) -> Result<(), ()> {
    match (op, slot.is_some()) {
        (Op::Create, true) | (Op::Delete, false) => return Err(()),
        (Op::Delete | Op::Remove, _) => *slot = None,
        _ => *slot = Some(value),
    }
    Ok(())
}

fn ordered(op: Op, names: &mut Vec<String>, name: &str, place: &Place) -> Result<(), ()> {
    let found = names.iter().position(|x| x == name);
    match (op, found) {
        (Op::Create, Some(_)) | (Op::Delete, None) => return Err(()),
        (Op::Delete | Op::Remove, Some(at)) => {
            names.remove(at);
            return Ok(());
        }
        (Op::Remove, None) => return Ok(()),
        _ => {}
    }
    let (moves, position) = position(names, name, place)?;
    if let Some(at) = found {
        if !moves {
            return Ok(());
        }
        names.remove(at);
    }
    let at = position(names);
    names.insert(at, name.to_string());
    Ok(())
}

fn content(tree: &Tree) -> String {
    let text = xml(tree);
    text.strip_prefix("<zoo xmlns=\"urn:example:zoo\">")
        .and_then(|t| t.strip_suffix("</zoo>"))
        .map_or(String::new(), str::to_string)
}

fn run(tree: &mut Tree, steps: &[Step], option: ErrorOption) -> Result<Diff, bool> {
    let text: String = steps.iter().map(element).collect();
    edit_with(tree, &text, DefaultOperation::Merge, option).map_err(|f| f.applied.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_do_what_the_model_does_and_lead_back(
        edits in prop::collection::vec(prop::collection::vec(step(), 1..8), 1..6)
    ) {
        let zoo = zoo();
        let mut tree = config(&zoo, "");
        let mut model = Model::default();
        let first = tree.copy().expect("copies");
        let mut done: Vec<Diff> = Vec::new();
        let mut states = vec![content(&tree)];
        for steps in &edits {
            let mut wanted = model.clone();
            let fine = steps.iter().all(|step| wanted.run(step).is_ok());
            match run(&mut tree, steps, ErrorOption::RollbackOnError) {
                Ok(diff) => {
                    prop_assert!(fine, "was not refused: {steps:?}");
                    model = wanted;
                    done.push(diff);
                    states.push(content(&tree));
                }
                Err(_) => prop_assert!(!fine, "was refused: {steps:?}"),
            }
            prop_assert_eq!(content(&tree), model.xml(), "after {:?}", steps);
            let parsed = config(&zoo, &content(&tree));
            prop_assert_eq!(content(&parsed), model.xml());
        }
        let mut forward = first;
        for (diff, state) in done.iter().zip(&states[1..]) {
            forward.apply(diff).expect("fits");
            prop_assert_eq!(&content(&forward), state);
        }
        for (diff, state) in done.iter().zip(&states).rev() {
            tree.apply(&diff.reversed().expect("reverses")).expect("fits");
            prop_assert_eq!(&content(&tree), state);
        }
    }
}
