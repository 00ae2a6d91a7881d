//! The file of risks, read.

use std::sync::OnceLock;

/// What comes with the engine.
const BUILTIN: &str = include_str!("risks.conf");

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

/// A risk: see `risks.conf` for what each part means.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Word in records.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// When it is said, in words.
    pub rule: &'static str,
    /// Conditions, any one of which is enough.
    pub when: Vec<&'static str>,
    /// Functions, any one of which is enough.
    pub tests: Vec<&'static str>,
}

/// Every rule, in the order of the file.
///
/// # Panics
/// When the file that was built in has a mistake; tests read it.
pub fn all() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| read(BUILTIN).unwrap_or_else(|mistake| panic!("risks.conf: {mistake}")))
}

fn read(text: &'static str) -> Result<Vec<Rule>, String> {
    let mut rules: Vec<Rule> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        take(line, &mut rules).map_err(|mistake| format!("{}: {mistake}", number + 1))?;
    }
    Ok(rules)
}

fn take(line: &'static str, rules: &mut Vec<Rule>) -> Result<(), String> {
    if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
        rules.push(Rule { name, ..Rule::default() });
        return Ok(());
    }
    let rule = rules.last_mut().ok_or("this stands before the first [name]")?;
    let (key, value) = line.split_once('=').ok_or("key = value is expected")?;
    let value = value.trim();
    match key.trim() {
        "title" => rule.title = value,
        "rule" => rule.rule = value,
        "when" => rule.when.push(value),
        "test" => rule.tests.push(value),
        "severity" => {
            let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Severe];
            let known = all.into_iter().find(|s| s.name() == value);
            rule.severity = known.ok_or("low, medium, high or severe is expected")?;
        }
        key => return Err(format!("there is no key {key:?}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{Judge, Risks};

    #[test]
    fn the_file_can_be_read_and_every_rule_is_whole() {
        let rules = read(BUILTIN).unwrap();

        assert!(rules.len() <= Risks::CAPACITY);
        for rule in &rules {
            assert!(!rule.title.is_empty() && rule.rule.ends_with('.'), "{}", rule.name);
            assert!(rule.when.len() + rule.tests.len() > 0, "{}", rule.name);
            let same = rules.iter().filter(|r| r.name == rule.name).count();
            assert_eq!(same, 1, "{}", rule.name);
        }
    }

    #[test]
    fn every_condition_compiles() {
        assert_eq!(Judge::compile().err(), None);
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, mistake) in [
            ("\ntitle = x", "2: this stands before the first [name]"),
            ("[a]\nnothing", "2: key = value is expected"),
            ("[a]\n\ncolour = red", "3: there is no key \"colour\""),
            ("[a]\nseverity = big", "2: low, medium, high or severe is expected"),
        ] {
            assert_eq!(read(text).unwrap_err(), mistake);
        }
    }
}
