//! Several files to one set of applications: later files extend, override and replace.

use std::collections::{BTreeSet, HashMap, HashSet};

use nf_fields::ProtoId;

use crate::clue::Clue;
use crate::error::{AppsError, Mistake};
use crate::file::{At, Block, FoundClue, read};
use crate::index::Index;
use crate::{App, AppRef, Apps};

/// Ids for applications of users' files.
pub(crate) const USER_IDS: std::ops::RangeInclusive<u16> = 30_000..=49_999;
/// Where ids start that are given to users' applications without one.
const FIRST_GIVEN_ID: u16 = 50_000;
/// Most applications; so many ids are free from [`FIRST_GIVEN_ID`] up.
const MOST_APPS: usize = 15_000;
/// Most names of servers and other clues in all files.
const MOST_CLUES: usize = 1 << 20;

/// The application whose relays have certificates of a form of their own.
const TOR: &str = "tor_project";

/// One of the files.
struct Source<'f> {
    file: &'f str,
    text: &'f str,
    /// Comes with the engine, so its ids are the engine's.
    builtin: bool,
}

impl Source<'_> {
    fn error(&self, line: usize, mistake: Mistake) -> AppsError {
        AppsError::new(self.file, self.text, line, mistake)
    }
}

/// An application while files are read.
struct Draft {
    name: String,
    id: Option<u16>,
    app: App,
}

/// Which application a clue stands for, and which file says so.
#[derive(Clone, Copy)]
struct Claim {
    app: usize,
    file: usize,
    line: usize,
    shared: bool,
}

#[derive(Default)]
struct Merge {
    drafts: Vec<Draft>,
    /// Names and aliases.
    words: HashMap<String, usize>,
    ids: HashMap<u16, usize>,
    clues: HashMap<(Clue, String), Claim>,
}

/// Reads the files in order; the first `builtin` of them come with the engine.
pub(crate) fn merge(files: &[(&str, &str)], builtin: usize) -> Result<Apps, AppsError> {
    let mut merge = Merge::default();
    for (number, (file, text)) in files.iter().enumerate() {
        let source = Source { file, text, builtin: number < builtin };
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for block in read(file, text)? {
            let line = block.name.line;
            let app = merge.block(&source, number, block)?;
            if let Some(first) = seen.insert(app, line) {
                let mistake = Mistake::new(
                    format!("this application has a block in line {first} already"),
                    "one block with the lines of both",
                );
                return Err(source.error(line, mistake));
            }
        }
    }
    Ok(merge.finish())
}

impl Merge {
    /// Takes one block in; gives the application it is about.
    fn block(
        &mut self,
        source: &Source<'_>,
        file: usize,
        block: Block,
    ) -> Result<usize, AppsError> {
        let replace = block.replace.as_ref().filter(|replace| replace.value);
        let app = match (self.words.get(&block.name.value), replace) {
            (Some(&app), replace) => {
                if replace.is_some() {
                    self.clear(app);
                }
                app
            }
            (None, Some(replace)) => {
                let mistake = Mistake::new(
                    format!("there is no application \"{}\" to replace", block.name.value),
                    "the block without this line: it adds the application",
                );
                return Err(source.error(replace.line, mistake));
            }
            (None, None) => self.add(source, &block)?,
        };
        self.set_id(source, app, block.id)?;
        for alias in block.aliases {
            match self.words.get(&alias.value) {
                Some(&other) if other != app => {
                    let other = self.name_of(other);
                    let mistake = Mistake::new(
                        format!("\"{}\" stands for {other} already", alias.value),
                        "another alias, or none",
                    );
                    return Err(source.error(alias.line, mistake));
                }
                _ => drop(self.words.insert(alias.value, app)),
            }
        }
        if let Some(draft) = self.drafts.get_mut(app) {
            if let Some(category) = block.category {
                draft.app.category = category.value;
            }
            if let Some(ambiguous) = block.ambiguous {
                draft.app.ambiguous = ambiguous.value;
            }
        }
        for FoundClue { kind, shared, text: At { value, line } } in block.clues {
            self.claim(source, (kind, value), Claim { app, file, line, shared })?;
        }
        Ok(app)
    }

    fn add(&mut self, source: &Source<'_>, block: &Block) -> Result<usize, AppsError> {
        let name = &block.name.value;
        let Some(category) = &block.category else {
            let mistake = Mistake::new(
                format!("the new application \"{name}\" has no category"),
                "category = web, or another word; an application that exists has the name it has",
            );
            return Err(source.error(block.name.line, mistake));
        };
        let app = self.drafts.len();
        if app >= MOST_APPS {
            let mistake =
                Mistake::new(format!("more than {MOST_APPS} applications"), "fewer of them");
            return Err(source.error(block.name.line, mistake));
        }
        self.words.insert(name.clone(), app);
        self.drafts.push(Draft {
            name: name.clone(),
            id: None,
            app: App {
                name: name.as_str().into(),
                id: ProtoId::UNKNOWN,
                category: category.value,
                ambiguous: false,
                aliases: Box::default(),
                suffixes: Box::default(),
                hosts: Box::default(),
                shared: Box::default(),
                clues: Box::default(),
            },
        });
        Ok(app)
    }

    /// Forgets what earlier files say of an application, except its name, id and category.
    fn clear(&mut self, app: usize) {
        self.clues.retain(|_, claim| claim.app != app);
        let Some(draft) = self.drafts.get_mut(app) else { return };
        draft.app.ambiguous = false;
        let name = draft.name.clone();
        self.words.retain(|word, of| *of != app || *word == name);
    }

    fn set_id(
        &mut self,
        source: &Source<'_>,
        app: usize,
        id: Option<At<u16>>,
    ) -> Result<(), AppsError> {
        let had = self.drafts.get(app).and_then(|draft| draft.id);
        let Some(At { value: id, line }) = id else { return Ok(()) };
        if had == Some(id) {
            return Ok(());
        }
        let mistake = if let Some(had) = had {
            Some(Mistake::new(
                format!("\"{}\" has the id {had} already", self.name_of(app)),
                "the block without this line: records keep one id for an application",
            ))
        } else if let Some(&other) = self.ids.get(&id) {
            Some(Mistake::new(
                format!("{id} is the id of {} already", self.name_of(other)),
                "another number, or no id: one is given",
            ))
        } else if !source.builtin && !USER_IDS.contains(&id) {
            Some(Mistake::new(
                format!("{id} is not among the ids for your own applications"),
                format!(
                    "a number from {} to {}, or no id: one is given",
                    USER_IDS.start(),
                    USER_IDS.end()
                ),
            ))
        } else {
            None
        };
        if let Some(mistake) = mistake {
            return Err(source.error(line, mistake));
        }
        self.ids.insert(id, app);
        if let Some(draft) = self.drafts.get_mut(app) {
            draft.id = Some(id);
        }
        Ok(())
    }

    /// Gives a clue to an application; a later file takes it from an earlier one.
    fn claim(
        &mut self,
        source: &Source<'_>,
        clue: (Clue, String),
        claim: Claim,
    ) -> Result<(), AppsError> {
        if let Some(first) = self.clues.get(&clue).filter(|first| first.file == claim.file) {
            let mistake = Mistake::new(
                format!(
                    "\"{}\" stands in line {} already, for {}",
                    clue.1,
                    first.line,
                    self.name_of(first.app)
                ),
                "one of the two",
            );
            return Err(source.error(claim.line, mistake));
        }
        if self.clues.len() >= MOST_CLUES {
            let mistake = Mistake::new(
                format!("more than {MOST_CLUES} names of servers and other clues"),
                "suffixes that cover many of them",
            );
            return Err(source.error(claim.line, mistake));
        }
        self.clues.insert(clue, claim);
        Ok(())
    }

    fn name_of(&self, app: usize) -> String {
        self.drafts.get(app).map_or_else(String::new, |draft| draft.name.clone())
    }

    fn finish(self) -> Apps {
        let taken: HashSet<u16> = self.ids.keys().copied().collect();
        let mut free = (FIRST_GIVEN_ID..=u16::MAX).filter(|id| !taken.contains(id));
        let mut apps: Vec<App> = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            // The ids last for the most applications there may be.
            let id = draft.id.or_else(|| free.next()).unwrap_or(0);
            apps.push(App { id: ProtoId(id), ..draft.app });
        }

        let mut lists = vec![Lists::default(); apps.len()];
        let mut by_name = HashMap::with_capacity(self.words.len());
        for (word, app) in &self.words {
            let alias = apps.get(*app).is_some_and(|app| *app.name != **word);
            if let Some(lists) = lists.get_mut(*app).filter(|_| alias) {
                lists.aliases.insert(word.as_str().into());
            }
            if let Some(app) = AppRef::new(*app) {
                by_name.insert(word.as_str().into(), app);
            }
        }
        let mut index = Index::default();
        for ((kind, text), claim) in &self.clues {
            if let Some(lists) = lists.get_mut(claim.app) {
                lists.keep(*kind, claim.shared, text);
            }
            let ambiguous = apps.get(claim.app).is_some_and(|app| app.ambiguous);
            if let Some(app) = AppRef::new(claim.app) {
                index.insert(*kind, text, app, claim.shared || ambiguous);
            }
        }
        for (app, lists) in apps.iter_mut().zip(lists) {
            lists.give(app);
        }
        let ids = apps.iter().enumerate();
        let by_id = ids.filter_map(|(at, app)| Some((app.id, AppRef::new(at)?))).collect();
        let index = index.build(by_name.get(TOR).copied());
        Apps { apps: apps.into(), by_name, by_id, index }
    }
}

/// What is told of one application, in order.
#[derive(Clone, Default)]
struct Lists {
    aliases: BTreeSet<Box<str>>,
    suffixes: BTreeSet<Box<str>>,
    shared: BTreeSet<Box<str>>,
    hosts: BTreeSet<Box<str>>,
    others: BTreeSet<(Clue, Box<str>)>,
}

impl Lists {
    fn keep(&mut self, kind: Clue, shared: bool, text: &str) {
        match kind {
            Clue::Suffix if shared => self.shared.insert(text.into()),
            Clue::Suffix => self.suffixes.insert(text.into()),
            Clue::Host => self.hosts.insert(text.into()),
            other => self.others.insert((other, text.into())),
        };
    }

    fn give(self, app: &mut App) {
        app.aliases = self.aliases.into_iter().collect();
        app.suffixes = self.suffixes.into_iter().collect();
        app.shared = self.shared.into_iter().collect();
        app.hosts = self.hosts.into_iter().collect();
        app.clues = self.others.into_iter().collect();
    }
}
