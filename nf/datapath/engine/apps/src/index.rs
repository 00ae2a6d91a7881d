//! All clues, ready for look-ups.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::clue::Clue;
use crate::name::LONGEST_HOST;
use crate::ranges::{Prefix, Ranges};
use crate::table::{Builder, Table};
use crate::{AppRef, Told};

/// Labels at the end of a name that are a registered domain, more or less: they are brands and
/// tell nothing of what a server does.
const DOMAIN_LABELS: usize = 2;

/// Names in a certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct CertificateNames<'a> {
    /// Common name of its holder.
    pub holder: Option<&'a [u8]>,
    /// Common name of who signed it.
    pub signer: Option<&'a [u8]>,
    /// Organisations of both.
    pub organisations: &'a [&'a [u8]],
    /// Names of servers it is made for, wildcards allowed.
    pub servers: &'a [&'a [u8]],
}

impl CertificateNames<'_> {
    /// Whether it is one of Tor's relays: both parties have invented names, 8 to 20 letters of
    /// base 32 between `www.` and `.net` or `.com`, and nothing else (tor, `tortls.c`).
    fn is_of_a_tor_relay(&self) -> bool {
        let invented = |name: Option<&[u8]>, end: &[u8]| {
            let name = name.and_then(|name| name.strip_prefix(b"www."));
            name.and_then(|name| name.strip_suffix(end)).is_some_and(|name| {
                (8..=20).contains(&name.len())
                    && name.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
            })
        };
        self.organisations.is_empty()
            && invented(self.holder, b".net")
            && invented(self.signer, b".com")
    }
}

type Words = HashMap<Box<[u8]>, AppRef>;

/// Clues on their way into [`Clues`].
#[derive(Default)]
pub(crate) struct Index {
    names: Builder,
    prefixes: Vec<(Prefix, AppRef)>,
    clues: Clues,
}

impl Index {
    /// Adds a clue that [`Clue::read`] accepted.
    pub(crate) fn insert(&mut self, kind: Clue, text: &str, app: AppRef, shared: bool) {
        let words = match kind {
            Clue::Suffix | Clue::Host => {
                return self.names.insert(text, kind == Clue::Host, app, shared);
            }
            Clue::Address => {
                return self.prefixes.extend(Prefix::read(text).ok().map(|prefix| (prefix, app)));
            }
            Clue::TlsPort => {
                return self.clues.tls_ports.extend(text.parse().ok().map(|port: u16| (port, app)));
            }
            Clue::Label => &mut self.clues.labels,
            Clue::Word => &mut self.clues.words,
            Clue::Alpn => &mut self.clues.alpn,
            Clue::Certificate => &mut self.clues.certificates,
        };
        words.insert(text.as_bytes().into(), app);
    }

    /// Everything added; relays of Tor belong to `tor`.
    pub(crate) fn build(self, tor: Option<AppRef>) -> Clues {
        let ranges = Ranges::new(self.prefixes);
        Clues { names: self.names.build(), ranges, tor, ..self.clues }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clues {
    names: Table,
    labels: Words,
    words: Words,
    alpn: Words,
    certificates: Words,
    tls_ports: HashMap<u16, AppRef>,
    tor: Option<AppRef>,
    ranges: Ranges,
}

impl Clues {
    #[inline]
    pub(crate) fn by_server(&self, name: &[u8]) -> Option<Told> {
        match self.names.lookup(name) {
            Some((app, false)) => Some(Told { app, certain: true }),
            Some((app, true)) => {
                let app = self.by_parts(name, true).unwrap_or(app);
                Some(Told { app, certain: false })
            }
            None => self.by_parts(name, false).map(|app| Told { app, certain: false }),
        }
    }

    /// The application that a label tells, or a word in one.
    fn by_parts(&self, name: &[u8], shared: bool) -> Option<AppRef> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.len() > LONGEST_HOST {
            return None;
        }
        let name = match name.iter().any(u8::is_ascii_uppercase) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        let labels = name.split(|b| *b == b'.');
        let own = labels.clone().count().saturating_sub(DOMAIN_LABELS);
        labels.take(own).find_map(|label| {
            let whole = self.labels.get(without_number(label));
            let word = |word: &[u8]| self.words.get(without_number(word));
            let part = || label.split(|b| *b == b'-').find_map(word);
            whole.or_else(|| if shared { part() } else { None }).copied()
        })
    }

    pub(crate) fn by_alpn(&self, value: &[u8]) -> Option<AppRef> {
        self.alpn.get(value).copied()
    }

    pub(crate) fn by_certificate(&self, names: &CertificateNames<'_>) -> Option<Told> {
        let party = |name: &[u8]| self.certificates.get(&*name.to_ascii_lowercase()).copied();
        let parties = names.holder.into_iter().chain(names.signer);
        let mut parties = parties.chain(names.organisations.iter().copied());
        let tor = || self.tor.filter(|_| names.is_of_a_tor_relay());
        if let Some(app) = parties.find_map(party).or_else(tor) {
            return Some(Told { app, certain: true });
        }
        let told = names
            .servers
            .iter()
            .filter_map(|name| self.by_server(name.strip_prefix(b"*.").unwrap_or(name)));
        told.min_by_key(|told| !told.certain)
    }

    pub(crate) fn by_address(&self, address: IpAddr) -> Option<AppRef> {
        self.ranges.lookup(address)
    }

    pub(crate) fn by_tls_port(&self, port: u16) -> Option<AppRef> {
        self.tls_ports.get(&port).copied()
    }
}

/// `doh` of `doh-2`, `cdn` of `cdn07`.
fn without_number(label: &[u8]) -> &[u8] {
    let end = label.iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |at| at.saturating_add(1));
    let word = label.get(..end).unwrap_or(label);
    match word.strip_suffix(b"-") {
        Some(stem) if end < label.len() => stem,
        _ => word,
    }
}
