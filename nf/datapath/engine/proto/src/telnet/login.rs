//! Who logs in: what the server asks at the end of its line, and what the client types then.

use nf_fields::Text;

use crate::lines::has_word;

/// Octets of the server's last line that are kept.
const MAX_TAIL: usize = 80;
/// Octets of a line of the client that are kept.
const MAX_TYPED: usize = 64;
/// Octets of the server's answer to a password that are kept.
const MAX_ANSWER: usize = 256;

/// What the client is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    User,
    Password,
}

/// Follows the logins of a session. Passwords pass by and are not kept.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The server's line, as far as it has come.
    tail: Vec<u8>,
    asked: Asked,
    typed: Vec<u8>,
    /// What the server says to a password; absent while none waits for its answer.
    answer: Option<Vec<u8>>,
    pub(super) user: Option<Text>,
    pub(super) password_seen: bool,
    pub(super) attempts: u32,
    pub(super) accepted: Option<bool>,
    /// The first line of the server that says something.
    pub(super) banner: Option<Text>,
}

fn ends_with_prompt(tail: &[u8], words: &[&[u8]]) -> bool {
    let tail = tail.trim_ascii_end();
    let Some(tail) = tail.strip_suffix(b":") else { return false };
    words.iter().any(|word| {
        tail.len()
            .checked_sub(word.len())
            .and_then(|at| tail.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    })
}

impl Logins {
    /// The server shows something; true when it refuses a login.
    pub(super) fn shown(&mut self, data: &[u8]) -> bool {
        for &b in data {
            match b {
                b'\r' | b'\n' => {
                    if self.banner.is_none() && !self.tail.trim_ascii().is_empty() {
                        self.banner = Some(Text::bounded(self.tail.trim_ascii(), MAX_TAIL));
                    }
                    self.tail.clear();
                }
                0 => {}
                _ if self.tail.len() < MAX_TAIL => self.tail.push(b),
                _ => {}
            }
            if let Some(answer) = self.answer.as_mut().filter(|answer| answer.len() < MAX_ANSWER) {
                answer.push(b);
            }
        }
        let refused = self.answer.as_ref().is_some_and(|answer| {
            let words = [&b"incorrect"[..], b"invalid", b"fail", b"denied", b"refused", b"bad "];
            words.iter().any(|word| has_word(answer, word))
        });
        if refused {
            self.answer = None;
            self.accepted = Some(false);
        }
        refused
    }

    /// The client types something.
    pub(super) fn typed(&mut self, data: &[u8]) {
        if self.asked == Asked::Nothing {
            let user: [&[u8]; 4] = [b"login", b"username", b"user", b"user name"];
            let password: [&[u8]; 3] = [b"password", b"passcode", b"passwd"];
            if ends_with_prompt(&self.tail, &password) {
                self.asked = Asked::Password;
            } else if ends_with_prompt(&self.tail, &user) {
                self.asked = Asked::User;
            }
            self.typed.clear();
            if let Some(answer) = self.answer.take() {
                // Who is asked again was not let in; who is not, was, when anything was said.
                let again = self.asked != Asked::Nothing;
                let said = !answer.trim_ascii().is_empty();
                self.accepted = if again { Some(false) } else { said.then_some(true) };
            }
        }
        for &b in data {
            match b {
                b'\r' | b'\n' => self.entered(),
                // Erase a character, erase the line.
                0x08 | 0x7f => drop(self.typed.pop()),
                0x15 => self.typed.clear(),
                b' '..=b'~' | 0x80..
                    if self.asked == Asked::User && self.typed.len() < MAX_TYPED =>
                {
                    self.typed.push(b);
                }
                _ => {}
            }
        }
    }

    fn entered(&mut self) {
        match std::mem::take(&mut self.asked) {
            Asked::Nothing => {}
            Asked::User => {
                let name = std::mem::take(&mut self.typed);
                if !name.trim_ascii().is_empty() {
                    self.user = Some(Text::bounded(name.trim_ascii(), MAX_TYPED));
                }
            }
            Asked::Password => {
                self.password_seen = true;
                self.attempts = self.attempts.saturating_add(1);
                self.accepted = None;
                self.answer = Some(Vec::new());
            }
        }
        self.tail.clear();
    }

    /// Octets of either side were lost.
    pub(super) fn lose(&mut self) {
        self.asked = Asked::Nothing;
        self.tail.clear();
        self.typed.clear();
    }
}
