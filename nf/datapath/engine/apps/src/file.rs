//! The text of a file of applications to its blocks; what they mean together is [`crate::merge`]'s.

use crate::category::Category;
use crate::clue::Clue;
use crate::error::{AppsError, Mistake, shown};
use crate::name::check_word;

/// Something with the line it stands in.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) line: usize,
}

/// One application's block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) name: At<String>,
    pub(crate) id: Option<At<u16>>,
    pub(crate) category: Option<At<Category>>,
    pub(crate) ambiguous: Option<At<bool>>,
    pub(crate) replace: Option<At<bool>>,
    pub(crate) aliases: Vec<At<String>>,
    pub(crate) clues: Vec<FoundClue>,
}

/// A clue and what a file says of it.
#[derive(Clone, Debug)]
pub(crate) struct FoundClue {
    pub(crate) kind: Clue,
    /// Other applications are served under this suffix, too.
    pub(crate) shared: bool,
    pub(crate) text: At<String>,
}

/// A key whose words may go on in the next line.
#[derive(Clone, Copy)]
enum ListKey {
    Aliases,
    Shared,
    Clues(Clue),
}

impl ListKey {
    fn from_name(key: &str) -> Option<Self> {
        const CLUES: [Clue; 8] = [
            Clue::Suffix,
            Clue::Host,
            Clue::Label,
            Clue::Word,
            Clue::Alpn,
            Clue::Certificate,
            Clue::Address,
            Clue::TlsPort,
        ];
        match key {
            "aliases" => Some(ListKey::Aliases),
            "shared" => Some(ListKey::Shared),
            _ => CLUES.into_iter().find(|clue| clue.key() == key).map(ListKey::Clues),
        }
    }
}

const KEYS: &str = "id, category, suffixes, shared, hosts, labels, words, alpn, certificates, \
    addresses, tls_ports, aliases, ambiguous or replace";

/// Reads a whole file.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Block>, AppsError> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut list = None;
    for (index, raw) in text.lines().enumerate() {
        let line = index.saturating_add(1);
        let content = raw.split('#').next().unwrap_or("");
        // An editor may have put a byte order mark at the start.
        let content = content.trim_start_matches('\u{feff}').trim();
        if content.is_empty() {
            continue;
        }
        read_line(content, line, &mut blocks, &mut list)
            .map_err(|mistake| AppsError::new(file, text, line, mistake))?;
    }
    Ok(blocks)
}

fn read_line(
    content: &str,
    line: usize,
    blocks: &mut Vec<Block>,
    list: &mut Option<ListKey>,
) -> Result<(), Mistake> {
    if let Some(rest) = content.strip_prefix('[') {
        let Some(name) = rest.strip_suffix(']') else {
            return Err(Mistake::new("the ] after the name is missing", "[name]"));
        };
        let name = name.trim();
        check_word(name)?;
        *list = None;
        blocks.push(Block::new(name, line));
        return Ok(());
    }
    let Some(block) = blocks.last_mut() else {
        return Err(Mistake::new("this stands before the first [name]", "[name] in a line above"));
    };
    let Some((key, value)) = content.split_once('=') else {
        return match *list {
            Some(key) => block.extend(key, content, line),
            None => Err(Mistake::new(
                format!("\"{}\" belongs to no list", shown(content)),
                "key = value, or [name] for the next application",
            )),
        };
    };
    let (key, value) = (key.trim(), value.trim());
    *list = ListKey::from_name(key);
    match *list {
        Some(list) => block.extend(list, value, line),
        None => block.set(key, value, line),
    }
}

impl Block {
    fn new(name: &str, line: usize) -> Self {
        Self {
            name: At { value: name.into(), line },
            id: None,
            category: None,
            ambiguous: None,
            replace: None,
            aliases: Vec::new(),
            clues: Vec::new(),
        }
    }

    fn extend(&mut self, key: ListKey, words: &str, line: usize) -> Result<(), Mistake> {
        // Names in certificates have blanks in them: a line has one of them.
        if matches!(key, ListKey::Clues(Clue::Certificate)) {
            return self.take(key, words, line);
        }
        for word in words.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
            self.take(key, word, line)?;
        }
        Ok(())
    }

    fn take(&mut self, key: ListKey, word: &str, line: usize) -> Result<(), Mistake> {
        let (kind, shared) = match key {
            ListKey::Aliases => {
                check_word(word)?;
                self.aliases.push(At { value: word.into(), line });
                return Ok(());
            }
            ListKey::Shared => (Clue::Suffix, true),
            ListKey::Clues(kind) => (kind, false),
        };
        let text = At { value: kind.read(word)?, line };
        self.clues.push(FoundClue { kind, shared, text });
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str, line: usize) -> Result<(), Mistake> {
        match key {
            "id" => once(&mut self.id, key, read_id(value)?, line),
            "category" => once(&mut self.category, key, read_category(value)?, line),
            "ambiguous" => once(&mut self.ambiguous, key, read_bool(value)?, line),
            "replace" => once(&mut self.replace, key, read_bool(value)?, line),
            _ => Err(Mistake::new(format!("there is no key \"{}\"", shown(key)), KEYS)),
        }
    }
}

fn once<T>(slot: &mut Option<At<T>>, key: &str, value: T, line: usize) -> Result<(), Mistake> {
    if let Some(first) = slot {
        return Err(Mistake::new(
            format!("{key} stands in line {} already", first.line),
            "one of the two",
        ));
    }
    *slot = Some(At { value, line });
    Ok(())
}

fn read_id(value: &str) -> Result<u16, Mistake> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|id| digits && *id > 0).ok_or_else(|| {
        Mistake::new(format!("\"{}\" is no id", shown(value)), "a number from 1 to 65535")
    })
}

fn read_category(value: &str) -> Result<Category, Mistake> {
    Category::from_name(value).ok_or_else(|| {
        let words: Vec<&str> = Category::ALL.iter().map(|category| category.name()).collect();
        Mistake::new(format!("there is no category \"{}\"", shown(value)), words.join(", "))
    })
}

fn read_bool(value: &str) -> Result<bool, Mistake> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Mistake::new(
            format!("\"{}\" is neither true nor false", shown(value)),
            "true or false",
        )),
    }
}
