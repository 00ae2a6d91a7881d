//! What a parser tells the engine.

use std::net::IpAddr;

use nf_fields::{FieldSet, Fields, ProtoId};

/// A record that outlives the packet it came from.
pub trait Record: Fields + Send + Sync + 'static {}
impl<T: Fields + Send + Sync + 'static> Record for T {}

/// A question with its answer, a handshake, a transfer: what a protocol reports once complete.
pub struct Transaction {
    /// When it began: packet time in nanoseconds since the epoch.
    pub start: u64,
    /// Its fields.
    pub record: Box<dyn Record>,
}

/// Where a server's name was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum NameSource {
    /// Subject of a certificate.
    Certificate,
    /// The question of a DNS query.
    Query,
    /// HTTP Host or :authority.
    Host,
    /// TLS or QUIC server name indication.
    Sni,
}

/// What an application may be told by besides the name of its server. Valid for the call only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue<'a> {
    /// A protocol agreed on by ALPN, or the only one offered.
    Alpn(&'a [u8]),
    /// A certificate of either side.
    Certificate(&'a CertificateNames<'a>),
}

/// Names in a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames<'a> {
    /// Common name of its holder.
    pub holder: Option<&'a [u8]>,
    /// Common name of who signed it.
    pub signer: Option<&'a [u8]>,
    /// Organisations of both.
    pub organisations: &'a [&'a [u8]],
    /// Servers it is made for, wildcards allowed; none for a client's.
    pub servers: &'a [&'a [u8]],
}

/// A session announced by another one, such as an FTP data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Address of the end that will be connected to.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// What the session will be.
    pub proto: ProtoId,
}

/// What somebody listens for; a parser may leave out work nobody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Somebody reads this protocol's messages.
    pub messages: bool,
    /// What somebody reads of this protocol's transactions.
    pub transactions: FieldSet,
}

impl Wants {
    /// Nobody listens.
    pub const NOTHING: Self = Self { messages: false, transactions: FieldSet::NONE };
    /// Somebody reads all there is.
    pub const EVERYTHING: Self = Self { messages: true, transactions: FieldSet::ALL };
}

/// Why the engine ended a parser that had not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fault {
    /// An unfinished message exceeded `Info::max_pending`.
    MessageTooLong,
    /// The memory for unfinished messages of all sessions is used up.
    PoolExhausted,
    /// Octets were lost and the parser could not go on.
    Gap,
}

/// The engine's end of a [`Sink`].
pub trait Observer {
    /// A message went by; valid for the call only.
    fn message(&mut self, proto: ProtoId, message: &dyn Fields);
    /// A transaction that began at `start` (packet time, nanoseconds) is complete; whether it is
    /// to be kept, too.
    fn transaction(&mut self, proto: ProtoId, start: u64, record: &dyn Fields) -> bool;
    /// A transaction that is to be kept.
    fn keep(&mut self, proto: ProtoId, transaction: Transaction);
    /// The session's server is called `name`; whether that tells what the session is about, so
    /// that no [`Clue`] can tell more.
    fn server_name(&mut self, source: NameSource, name: &[u8]) -> bool;
    /// Something else tells what the session is about.
    fn clue(&mut self, clue: Clue<'_>);
    /// `name` resolves to `address` for `ttl` seconds.
    fn answer(&mut self, name: &[u8], address: IpAddr, ttl: u32);
    /// Another session is announced.
    fn expect(&mut self, expectation: Expectation);
    /// Something is wrong with the traffic.
    fn anomaly(&mut self, proto: ProtoId, index: u8);
    /// The engine itself gave up on a parser.
    fn fault(&mut self, proto: ProtoId, fault: Fault);
}

/// A parser's way to the engine.
pub struct Sink<'a> {
    observer: &'a mut dyn Observer,
    proto: ProtoId,
    wants: Wants,
    settled: bool,
    inner: [Option<ProtoId>; MAX_INSIDE],
    spoken: &'a [(ProtoId, Wants)],
}

/// Most protocols that one parser names within its own.
pub const MAX_INSIDE: usize = 4;

impl<'a> Sink<'a> {
    /// A sink for the parser of `proto`.
    pub fn new(observer: &'a mut dyn Observer, proto: ProtoId, wants: Wants) -> Self {
        Self::speaking(observer, proto, wants, &[])
    }

    /// A sink for the parser of `proto`, which reports for the protocols of `spoken`, too.
    pub fn speaking(
        observer: &'a mut dyn Observer,
        proto: ProtoId,
        wants: Wants,
        spoken: &'a [(ProtoId, Wants)],
    ) -> Self {
        Self { observer, proto, wants, settled: false, inner: [None; MAX_INSIDE], spoken }
    }

    /// A sink in the name of a protocol that this parser reads inside its own
    /// ([`crate::Info::speaks`]).
    pub fn of(&mut self, proto: ProtoId) -> Sink<'_> {
        let known = self.spoken.iter().find(|(id, _)| *id == proto);
        let wants = known.map_or(self.wants, |(_, wants)| *wants);
        Sink::speaking(self.observer, proto, wants, self.spoken)
    }

    /// Whether anybody reads anything that this parser can report.
    pub fn has_listener(&self) -> bool {
        let spoken = self.spoken.iter().map(|(_, wants)| *wants);
        spoken.chain([self.wants]).any(|wants| wants != Wants::default())
    }

    /// Whether anybody reads this protocol's messages: ask before building one.
    #[inline]
    pub fn wants_messages(&self) -> bool {
        self.wants.messages
    }

    /// Whether anybody reads this protocol's transactions: ask before collecting one.
    #[inline]
    pub fn wants_transactions(&self) -> bool {
        !self.wants.transactions.is_empty()
    }

    /// What anybody reads of this protocol's transactions: ask before making what costs much. The
    /// other fields of a record are expected to be there.
    #[inline]
    pub fn wanted_fields(&self) -> FieldSet {
        self.wants.transactions
    }

    /// Reports a message.
    #[inline]
    pub fn message(&mut self, message: &dyn Fields) {
        if self.wants.messages {
            self.observer.message(self.proto, message);
        }
    }

    /// Reports a complete transaction that began at `start` (packet time, nanoseconds).
    #[inline]
    pub fn transaction(&mut self, start: u64, record: impl Record) {
        if self.wants_transactions() {
            // Most listeners only look: what they do not keep needs no memory of its own.
            if self.observer.transaction(self.proto, start, &record) {
                let record = Box::new(record);
                self.observer.keep(self.proto, Transaction { start, record });
            }
        }
    }

    /// Says what the server of this session is called. Names are compared without case. Returns
    /// whether the name tells what the session is about, so that no [`Clue`] can tell more.
    #[inline]
    pub fn server_name(&mut self, source: NameSource, name: &[u8]) -> bool {
        self.observer.server_name(source, name)
    }

    /// Says what else may tell the application.
    #[inline]
    pub fn clue(&mut self, clue: Clue<'_>) {
        self.observer.clue(clue);
    }

    /// Says what a name resolves to, for `ttl` seconds.
    #[inline]
    pub fn answer(&mut self, name: &[u8], address: IpAddr, ttl: u32) {
        self.observer.answer(name, address, ttl);
    }

    /// Announces another session.
    #[inline]
    pub fn expect(&mut self, expectation: Expectation) {
        self.observer.expect(expectation);
    }

    /// Names a protocol within this one as path and verdict: one whose octets cannot be read, or
    /// that this parser reads itself. Several are named from the outermost one inwards; naming
    /// one again does nothing.
    #[inline]
    pub fn inside(&mut self, proto: ProtoId) {
        let free = self.inner.iter_mut().find(|p| p.is_none_or(|known| known == proto));
        if let Some(slot) = free {
            *slot = Some(proto);
        }
    }

    /// Counts an anomaly (see [`crate::anomalies!`]).
    #[inline]
    pub fn anomaly(&mut self, anomaly: impl Into<u8>) {
        self.observer.anomaly(self.proto, anomaly.into());
    }

    /// Says that nothing more will be learnt of what this session is (name, inner protocol,
    /// answers for others). Where nobody wants messages or transactions, parsing ends here.
    #[inline]
    pub fn settled(&mut self) {
        self.settled = true;
    }

    /// The protocols named by [`Sink::inside`].
    #[inline]
    pub fn inner(&self) -> [Option<ProtoId>; MAX_INSIDE] {
        self.inner
    }

    /// Whether [`Sink::settled`] was called.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.settled
    }
}
