//! Files of risks, read: the one that comes with the engine, and those of users.

use std::sync::OnceLock;

use super::Risks;

/// What comes with the engine.
const BUILTIN: &str = include_str!("risks.conf");
/// Most octets of a risk's name.
const LONGEST_NAME: usize = 64;

/// How much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Low,
    /// Worth a look.
    Medium,
    /// Worth an answer.
    High,
    /// Worth an alarm.
    Severe,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Severe => "severe",
        }
    }
}

/// Words of a file, and where they stand: file, line and column from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said<'t> {
    /// The words.
    pub text: &'t str,
    /// Name of the file.
    pub file: &'t str,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// What is wrong with a file of risks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What.
    pub what: String,
    /// `FILE:LINE:COLUMN`.
    pub place: String,
    /// What to try.
    pub hint: String,
}

impl Said<'_> {
    /// A mistake so many characters behind its beginning.
    pub(super) fn mistake(&self, what: String, hint: String, behind: usize) -> Mistake {
        let column = self.column.saturating_add(behind);
        Mistake { what, place: format!("{}:{}:{column}", self.file, self.line), hint }
    }
}

/// A risk: see `risks.conf` for what each part means.
#[derive(Clone, Debug, Default)]
pub struct Rule<'t> {
    /// Word in records.
    pub name: Said<'t>,
    /// One line for people.
    pub title: &'t str,
    /// How much it matters.
    pub severity: Severity,
    /// When it is said, in words.
    pub rule: &'t str,
    /// Conditions, any one of which is enough.
    pub when: Vec<Said<'t>>,
    /// Functions, any one of which is enough.
    pub tests: Vec<Said<'t>>,
}

/// Every rule that comes with the engine, in the order of the file.
///
/// # Panics
/// When the file that was built in has a mistake; tests read it.
pub fn all() -> &'static [Rule<'static>] {
    static RULES: OnceLock<Vec<Rule<'static>>> = OnceLock::new();
    RULES.get_or_init(|| {
        read("risks.conf", BUILTIN)
            .unwrap_or_else(|mistake| panic!("{}: {}", mistake.place, mistake.what))
    })
}

/// The engine's rules with those of files (name and text each): a rule with the name of an earlier
/// one takes its place.
///
/// # Errors
/// The first mistake in a file. Conditions are not compiled here.
pub fn with_files<'t>(files: &[(&'t str, &'t str)]) -> Result<Vec<Rule<'t>>, Mistake> {
    let mut rules: Vec<Rule<'t>> = all().to_vec();
    for (file, text) in files {
        for rule in read(file, text)? {
            match rules.iter_mut().find(|known| known.name.text == rule.name.text) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
        if rules.len() > Risks::CAPACITY
            && let Some(last) = rules.last()
        {
            let what = format!("more than {} risks in all", Risks::CAPACITY);
            return Err(last.name.mistake(what, "describe fewer".into(), 0));
        }
    }
    Ok(rules)
}

fn read<'t>(file: &'t str, text: &'t str) -> Result<Vec<Rule<'t>>, Mistake> {
    let mut rules: Vec<Rule<'t>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = line.trim();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let line = number.saturating_add(1);
        take(Said { text: words, file, line, column: indent.saturating_add(1) }, &mut rules)?;
    }
    rules.iter().try_for_each(check_whole)?;
    Ok(rules)
}

fn check_whole(rule: &Rule<'_>) -> Result<(), Mistake> {
    if rule.when.is_empty() && rule.tests.is_empty() {
        let what = format!("{} has no condition", rule.name.text);
        return Err(rule.name.mistake(what, "when = http.status == 418".into(), 0));
    }
    Ok(())
}

fn take<'t>(line: Said<'t>, rules: &mut Vec<Rule<'t>>) -> Result<(), Mistake> {
    if let Some(name) = line.text.strip_prefix('[') {
        let Some(name) = name.strip_suffix(']') else {
            return Err(line.mistake("a name without its end".into(), "[name]".into(), 0));
        };
        let said = Said { text: name, column: line.column.saturating_add(1), ..line };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            let hint = format!("small letters, digits and _, {LONGEST_NAME} at most");
            return Err(said.mistake(format!("{name:?} is no name of a risk"), hint, 0));
        }
        if let Some(first) = rules.iter().find(|rule| rule.name.text == name) {
            let what = format!("{name} is described twice, first in line {}", first.name.line);
            return Err(said.mistake(what, "add the conditions there".into(), 0));
        }
        rules.push(Rule { name: said, ..Rule::default() });
        return Ok(());
    }
    let Some(rule) = rules.last_mut() else {
        let what = "this stands before the first [name]".into();
        return Err(line.mistake(what, "begin with [name_of_the_risk]".into(), 0));
    };
    let Some((key, rest)) = line.text.split_once('=') else {
        return Err(line.mistake("key = value is expected".into(), KEYS.into(), 0));
    };
    let value = rest.trim();
    let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
    let before = key.chars().count().saturating_add(1).saturating_add(gap);
    let said = Said { text: value, column: line.column.saturating_add(before), ..line };
    match key.trim() {
        "title" => rule.title = value,
        "rule" => rule.rule = value,
        "when" => rule.when.push(said),
        "test" => rule.tests.push(said),
        "severity" => {
            let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Severe];
            let known = all.into_iter().find(|s| s.name() == value);
            rule.severity = known.ok_or_else(|| {
                let what = format!("{value:?} is no severity");
                said.mistake(what, "low, medium, high or severe".into(), 0)
            })?;
        }
        key => return Err(line.mistake(format!("there is no key {key:?}"), KEYS.into(), 0)),
    }
    Ok(())
}

const KEYS: &str = "severity, title, rule, when or test, then = and its value";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read_and_every_rule_is_whole() {
        let rules = read("risks.conf", BUILTIN).unwrap();

        assert!(rules.len() <= Risks::CAPACITY);
        for rule in &rules {
            assert!(!rule.title.is_empty() && rule.rule.ends_with('.'), "{}", rule.name.text);
        }
    }

    #[test]
    fn mistakes_have_their_line_and_column() {
        for (text, place, what) in [
            ("\n  title = x", "r.conf:2:3", "before the first [name]"),
            ("[a]\nnothing", "r.conf:2:1", "key = value is expected"),
            ("[a]\n\ncolour = red", "r.conf:3:1", "there is no key \"colour\""),
            ("[a]\nseverity =  big", "r.conf:2:13", "\"big\" is no severity"),
            ("[a]\nwhen = tls.version\n[b]", "r.conf:3:2", "b has no condition"),
            ("[A b]\n", "r.conf:1:2", "\"A b\" is no name"),
            ("[a\n", "r.conf:1:1", "a name without its end"),
            ("[a]\nwhen = x\n[a]\nwhen = y", "r.conf:3:2", "described twice, first in line 1"),
        ] {
            let mistake = read("r.conf", text).unwrap_err();
            assert_eq!(mistake.place, place);
            assert!(mistake.what.contains(what), "{}", mistake.what);
            assert!(!mistake.hint.is_empty());
        }
    }

    #[test]
    fn a_rule_of_the_users_takes_the_place_of_one_with_its_name() {
        let text = "[obsolete_tls]\nseverity = severe\nwhen = tls.version == \"TLS 1.2\"\n\
                    [ours]\nwhen = dns.qname matches \"^x\"";
        let rules = with_files(&[("ours.conf", text)]).unwrap();

        assert_eq!(rules.len(), all().len() + 1);
        let find = |name: &str| rules.iter().filter(|r| r.name.text == name).collect::<Vec<_>>();
        assert_eq!(find("obsolete_tls").len(), 1);
        assert_eq!(find("obsolete_tls")[0].severity, Severity::Severe);
        assert_eq!(find("ours")[0].severity, Severity::Low);
    }

    #[test]
    fn there_may_be_no_more_than_the_set_holds() {
        let text: String = (0..200).map(|n| format!("[r{n}]\nwhen = vlan == {n}\n")).collect();

        assert!(with_files(&[("many.conf", &text)]).unwrap_err().what.contains("128 risks"));
    }
}
