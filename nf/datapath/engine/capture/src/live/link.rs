//! One interface of a live source: its socket, those that are being drained, and its counters.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::arena::Arena;
use super::names::{self, ANY, Shape};
use super::pcap::Pcap;
use super::spec::{Interface, Through};
use super::tap::Tap;
use crate::af_packet::{ADDED, Failure, Group, Taken, Term, Why, wall_clock};
use crate::block::{Batch, PacketRef};
use crate::bpf::Filter;
use crate::error::{CaptureError, ErrorKind, system_text};
use crate::source::SourceStats;

/// After a hand-over the old socket stays open so long: what was stamped before is on its way.
const HAND_OVER_NS: u64 = 20_000_000;
/// Longest wait for the last packets of a socket that is closed.
const LONGEST_DRAIN: Duration = Duration::from_secs(12);

/// How an interface is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Packets are taken.
    #[default]
    Capturing,
    /// It is there, but it is not up.
    Down,
    /// It is not there.
    Waiting,
    /// It is there and cannot be opened.
    Failed,
    /// Nobody asks for it any more.
    Closed,
}

impl State {
    /// The word in output.
    pub fn name(self) -> &'static str {
        match self {
            State::Capturing => "capturing",
            State::Down => "down",
            State::Waiting => "waiting",
            State::Failed => "failed",
            State::Closed => "closed",
        }
    }
}

struct Held {
    tap: Box<dyn Tap>,
    /// Link type of its packets (`LINKTYPE_…`).
    link: u16,
    term: Term,
    closing: Option<Closing>,
    /// What of the tap's counters is in the link's.
    drops: u64,
    malformed: u64,
}

struct Closing {
    /// By the clock that packets are stamped by: what counts has come by then.
    come: u64,
    /// What has not been taken by then is lost.
    until: Instant,
}

/// See the module.
pub(super) struct Link {
    pub name: String,
    /// The number its packets carry.
    pub id: u16,
    pub settings: Interface,
    pub filter: Option<String>,
    pub state: State,
    /// Why it cannot be opened.
    pub trouble: Option<String>,
    /// How often it was opened.
    pub opened: u64,
    pub stats: SourceStats,
    /// In the order of their terms; the last one may be open for good.
    held: Vec<Held>,
    last: u64,
}

impl Link {
    pub fn new(name: String, id: u16, settings: Interface, filter: Option<String>) -> Self {
        Self {
            name,
            id,
            settings,
            filter,
            state: State::Waiting,
            trouble: None,
            opened: 0,
            stats: SourceStats::default(),
            held: Vec::new(),
            last: 0,
        }
    }

    /// Takes another socket in place of the one that it has.
    pub fn take_over(&mut self, mut tap: Box<dyn Tap>) {
        // What it dropped until now, the one before may still have.
        tap.count();
        let drops = tap.drops();
        let now = wall_clock();
        let after = if self.is_open() { now } else { 0 };
        self.close(now);
        self.held.push(Held {
            link: tap.shape().link,
            tap,
            term: Term { after, ..Term::ALL },
            closing: None,
            drops,
            malformed: 0,
        });
        self.opened += 1;
        self.state = State::Capturing;
        self.trouble = None;
    }

    /// Whether it has a socket that is not being closed.
    pub fn is_open(&self) -> bool {
        self.held.last().is_some_and(|held| held.closing.is_none())
    }

    /// Sockets that it has.
    pub fn sockets(&self) -> usize {
        self.held.len()
    }

    /// Whether there is no socket left, also none with packets still to be taken.
    pub fn is_drained(&self) -> bool {
        self.held.is_empty()
    }

    /// Number of the interface that is open.
    pub fn interface(&self) -> Option<i32> {
        self.held.last().filter(|held| held.closing.is_none()).map(|held| held.tap.interface())
    }

    /// Why nothing more comes of the socket that is open, though the interface may be there.
    pub fn broken(&self) -> Option<&str> {
        self.held.last().filter(|held| held.closing.is_none()).and_then(|held| held.tap.trouble())
    }

    /// Shape of its packets.
    pub fn shape(&self) -> Option<Shape> {
        self.held.last().map(|held| held.tap.shape())
    }

    /// Packets that each of its sockets has given.
    pub fn shares(&self) -> Vec<u64> {
        self.held.last().map(|held| held.tap.shares()).unwrap_or_default()
    }

    /// Octets of its rings.
    pub fn ring_bytes(&self) -> usize {
        self.held.last().map_or(0, |held| held.tap.ring_bytes())
    }

    /// Has the socket give what was stamped until `now`, and then close.
    pub fn close(&mut self, now: u64) {
        self.count_all();
        for held in self.held.iter_mut().filter(|held| held.closing.is_none()) {
            held.term.until = now;
            let until = Instant::now() + LONGEST_DRAIN;
            held.closing = Some(Closing { come: now.saturating_add(HAND_OVER_NS), until });
        }
    }

    /// Filters by another program.
    pub fn set_filter(&mut self, filter: Option<String>) -> Result<(), Failure> {
        if filter != self.filter {
            if let Some(held) = self.held.last_mut().filter(|held| held.closing.is_none()) {
                held.tap.set_filter(filter.clone().map(Filter::new))?;
            }
            self.filter = filter;
        }
        Ok(())
    }

    /// When its next packet was stamped, and which of its sockets has it.
    pub fn head(&mut self) -> Option<(u64, usize)> {
        let heads = self.held.iter_mut().enumerate();
        heads.filter_map(|(n, held)| Some((held.tap.head()?, n))).min()
    }

    /// Puts the next packet of a socket into the batch. `false`: there is none, or no room.
    pub fn take(
        &mut self,
        socket: usize,
        arena: &mut Arena,
        batch: &mut Batch,
    ) -> Result<bool, CaptureError> {
        let Some(held) = self.held.get_mut(socket) else { return Ok(false) };
        let size = self.settings.snap_length as usize + ADDED;
        let Some(room) = arena.room(size, batch) else { return Ok(false) };
        let Some(taken) = held.tap.take(room, held.term)? else { return Ok(false) };
        match taken {
            Taken::Left(Why::Other) => {}
            Taken::Left(Why::Filter) => {
                self.stats.seen += 1;
                self.stats.filtered += 1;
            }
            Taken::Packet { timestamp, captured, length } => {
                let stats = &mut self.stats;
                stats.seen += 1;
                stats.packets += 1;
                stats.bytes += u64::from(length);
                stats.captured_bytes += captured as u64;
                stats.truncated += u64::from((captured as u64) < u64::from(length));
                stats.clock_backward += u64::from(timestamp < self.last);
                self.last = timestamp;
                let block = u16::try_from(batch.blocks().len()).unwrap_or(u16::MAX);
                batch.push(PacketRef {
                    timestamp,
                    offset: arena.keep(captured),
                    captured: captured as u32,
                    length,
                    block,
                    link: held.link,
                    source: self.id,
                    interface: 0,
                });
            }
        }
        Ok(true)
    }

    /// Reads the kernel's counters, and lets go of sockets that have nothing left.
    pub fn count(&mut self, now: Instant) {
        self.count_all();
        let wall = wall_clock();
        let mut gone = Vec::new();
        for held in std::mem::take(&mut self.held) {
            let over = held.closing.as_ref().is_some_and(|closing| {
                held.tap.has_passed(closing.come, wall) || now >= closing.until
            });
            let side = if over { &mut gone } else { &mut self.held };
            side.push(held);
        }
        let_go(gone);
    }

    fn count_all(&mut self) {
        let stats = &mut self.stats;
        for held in &mut self.held {
            held.tap.count();
            // Of one that is being closed, what came after its term is another's.
            if held.closing.is_none() {
                stats.kernel_drops += held.tap.drops() - held.drops;
            }
            held.drops = held.tap.drops();
            stats.malformed += held.tap.malformed() - held.malformed;
            held.malformed = held.tap.malformed();
        }
    }

    /// Whether a socket is on its way out.
    pub fn is_closing(&self) -> bool {
        self.held.iter().any(|held| held.closing.is_some())
    }

    /// What to wait for packets at.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.held.iter().flat_map(|held| held.tap.descriptors())
    }

    /// Takes note of errors that sockets have: the interface went down, or away.
    pub fn hear_errors(&mut self) {
        self.held.iter_mut().for_each(|held| held.tap.hear_errors());
    }
}

/// Closes sockets. The kernel takes tens of milliseconds for each, which nobody else needs to wait.
fn let_go(gone: Vec<Held>) {
    if !gone.is_empty() {
        // Without a thread for it they have been closed here.
        let _closing =
            std::thread::Builder::new().name("nf-closing".into()).spawn(move || drop(gone));
    }
}

/// Opens a socket on an interface; its packets come from now on.
pub(super) fn open(
    name: &str,
    interface: i32,
    settings: &Interface,
    filter: Option<&str>,
) -> Result<Box<dyn Tap>, Failure> {
    let filter = filter.map(Filter::new);
    if settings.through == Through::Libpcap {
        return Ok(Box::new(Pcap::open(name, interface, settings, filter)?));
    }
    let loopback = names::list().ok().and_then(|all| {
        let is_loopback =
            |name: &str| names::nature(name).is_ok_and(|n| names::is_loopback(n.kind));
        all.into_iter().find(|(_, name)| is_loopback(name)).map(|(index, _)| index)
    });
    let shape = match name {
        ANY => Shape::COOKED,
        _ => {
            let nature = names::nature(name);
            Shape::of(nature.map_err(|e| Failure::System("ask for the kind of its link", e))?.kind)
        }
    };
    Ok(Box::new(Group::open(interface, shape, loopback, settings, filter)?))
}

/// What to tell of a failure to open.
pub(super) fn complaint(name: &str, failure: Failure) -> CaptureError {
    let (doing, error) = match failure {
        Failure::Known(error) => return error,
        Failure::System(doing, error) => (doing, error),
    };
    let what = format!("cannot {doing}: {}", system_text(&error));
    let place = format!("interface {name}");
    let (kind, hint) = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => (
            ErrorKind::Permission,
            "run as root, or give CAP_NET_RAW and CAP_NET_ADMIN to the Python that runs nf: \
             setcap cap_net_raw,cap_net_admin=eip \"$(readlink -f \"$(command -v python3)\")\"",
        ),
        Some(libc::ENODEV | libc::ENXIO | libc::ENETDOWN) => {
            (ErrorKind::NotFound, "ip link lists the interfaces; 'wait' waits for one to appear")
        }
        Some(libc::ENOMEM | libc::ENOBUFS) => (ErrorKind::Io, "ask for a smaller buffer"),
        Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::EINVAL | libc::ENOPROTOOPT) => {
            (ErrorKind::Unsupported, "a kernel from 5.4 on with packet sockets is needed")
        }
        _ => (ErrorKind::Io, "see packet(7), and dmesg for what the kernel says"),
    };
    CaptureError::new(kind, what, place, hint)
}

/// Whether the interface is just not there.
pub(super) fn is_absence(failure: &Failure) -> bool {
    let absent = |error: &io::Error| {
        matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO | libc::ENETDOWN))
    };
    matches!(failure, Failure::System(_, error) if absent(error))
}
