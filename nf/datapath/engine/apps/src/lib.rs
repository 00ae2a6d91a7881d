//! Applications by the names of their servers (SNI, Host, queried names), and by what else tells
//! them: ALPN values, names in certificates, addresses, ports.
//!
//! The table is compiled from text: `applications.conf` beside this crate, which says how blocks
//! are written, and files of the user in the same form. A later file
//!
//! - adds applications: a block with a new name (it needs a category; without an id one is given);
//! - extends them: a block with a name or alias that is known adds its names, and its category
//!   and `ambiguous` count;
//! - replaces them: with `replace = true` what earlier files say of the application is forgotten,
//!   except its id and category;
//! - moves clues: a suffix, host, address… that an earlier file gives to another application is
//!   taken from it.
//!
//! A look-up finds the longest suffix that ends a name at a dot, whatever its capitals, without
//! allocating. Names may be hostile: they are never read beyond 253 octets, and a hash that meets
//! another costs one comparison.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod category;
mod clue;
mod error;
mod file;
mod index;
mod merge;
mod name;
mod ranges;
mod table;

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use nf_fields::ProtoId;

pub use category::Category;
pub use clue::Clue;
pub use error::AppsError;
pub use index::CertificateNames;

/// The applications that come with the engine.
const BUILTIN: (&str, &str) = ("applications.conf", include_str!("../applications.conf"));

/// One application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its word in filters and records.
    pub name: Box<str>,
    /// MMT-DPI's id where MMT knows it, else 2000 or above.
    pub id: ProtoId,
    /// What it is for.
    pub category: Category,
    /// Its servers serve other applications too, so a name says little.
    pub ambiguous: bool,
    /// Other words it answers to, in order.
    pub aliases: Box<[Box<str>]>,
    /// Names that stand for it, with every name below them, in order.
    pub suffixes: Box<[Box<str>]>,
    /// Names that stand for it alone, in order.
    pub hosts: Box<[Box<str>]>,
    /// As `suffixes`, where other applications are served below them, too, in order.
    pub shared: Box<[Box<str>]>,
    /// What else tells it, in order.
    pub clues: Box<[(Clue, Box<str>)]>,
}

/// An application that something told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub app: AppRef,
    /// What told it tells no other.
    pub certain: bool,
}

/// An application in one [`Apps`]. Another `Apps` may have another application there: what is
/// kept for longer is its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppRef(NonZeroU16);

impl AppRef {
    fn new(index: usize) -> Option<Self> {
        let number = u16::try_from(index.checked_add(1)?).ok()?;
        NonZeroU16::new(number).map(Self)
    }

    fn index(self) -> usize {
        usize::from(self.0.get()).wrapping_sub(1)
    }
}

/// All applications, ready for look-ups.
#[derive(Clone, Debug)]
pub struct Apps {
    apps: Box<[App]>,
    by_name: HashMap<Box<str>, AppRef>,
    by_id: HashMap<ProtoId, AppRef>,
    index: index::Clues,
}

impl Apps {
    /// The applications that come with the engine.
    pub fn builtin() -> Apps {
        match Self::with_files(&[]) {
            Ok(apps) => apps,
            Err(error) => unreachable!("a test reads the built-in applications: {error}"),
        }
    }

    /// The applications that come with the engine, then those of `files` (name and text each), in
    /// this order.
    pub fn with_files(files: &[(&str, &str)]) -> Result<Apps, AppsError> {
        let mut all = vec![BUILTIN];
        all.extend_from_slice(files);
        merge::merge(&all, 1)
    }

    /// The application of a server's name as it is on the wire: without a port, in any case, with
    /// or without the root's dot.
    #[inline]
    pub fn lookup(&self, name: &[u8]) -> Option<AppRef> {
        self.by_server(name).map(|told| told.app)
    }

    /// As [`Apps::lookup`], with how much the name tells.
    #[inline]
    pub fn by_server(&self, name: &[u8]) -> Option<Told> {
        self.index.by_server(name)
    }

    /// The application of a protocol agreed on in a TLS handshake.
    pub fn by_alpn(&self, value: &[u8]) -> Option<AppRef> {
        self.index.by_alpn(value)
    }

    /// The application of a server's certificate.
    pub fn by_certificate(&self, names: &CertificateNames<'_>) -> Option<Told> {
        self.index.by_certificate(names)
    }

    /// The application whose servers have this address.
    pub fn by_address(&self, address: IpAddr) -> Option<AppRef> {
        self.index.by_address(address)
    }

    /// The application of what is encrypted towards this port.
    pub fn by_tls_port(&self, port: u16) -> Option<AppRef> {
        self.index.by_tls_port(port)
    }

    /// The application itself; `None` only for a reference from another `Apps`.
    #[inline]
    pub fn get(&self, app: AppRef) -> Option<&App> {
        self.apps.get(app.index())
    }

    /// The application of this name or alias.
    pub fn by_name(&self, name: &str) -> Option<AppRef> {
        self.by_name.get(name).copied()
    }

    /// The application with this id.
    pub fn by_id(&self, id: ProtoId) -> Option<AppRef> {
        self.by_id.get(&id).copied()
    }

    /// Every application, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = (AppRef, &App)> {
        self.apps.iter().enumerate().filter_map(|(at, app)| Some((AppRef::new(at)?, app)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.apps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }
}
