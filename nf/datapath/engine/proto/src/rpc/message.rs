//! Octets → calls and replies (RFC 5531), and XDR (RFC 4506): pure, no state, no panic.

use nf_fields::Text;

use crate::Cursor;

/// Longest proof of who calls (RFC 5531 §8.2).
const MAX_AUTH: usize = 400;
/// Longest name kept.
pub(crate) const MAX_NAME: usize = 255;
/// Longest path kept.
pub(crate) const MAX_PATH: usize = 1024;

pub(crate) const PORTMAP: u32 = 100_000;
pub(crate) const NFS: u32 = 100_003;
pub(crate) const MOUNT: u32 = 100_005;

/// Reads values of XDR.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xdr<'a>(pub(crate) Cursor<'a>);

impl<'a> Xdr<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(Cursor::new(octets))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.0.u32()
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.0.u64()
    }

    pub(crate) fn skip(&mut self, n: usize) -> Option<()> {
        self.0.skip(n)
    }

    /// Octets behind their length, filled up to four.
    pub(crate) fn opaque(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.0.u32()?).ok()?;
        let octets = self.0.take(length)?;
        self.0.skip((length.wrapping_neg() & 3).min(self.0.remaining()))?;
        Some(octets)
    }

    pub(crate) fn text(&mut self, most: usize) -> Option<Text> {
        Some(Text::bounded(self.opaque()?, most))
    }
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) flavor: u32,
    pub(crate) machine: Option<Text>,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) id: u32,
    pub(crate) rpc_version: u32,
    pub(crate) program: u32,
    pub(crate) version: u32,
    pub(crate) procedure: u32,
    pub(crate) caller: Caller,
    pub(crate) arguments: &'a [u8],
}

/// A reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    pub(crate) id: u32,
    pub(crate) denied: bool,
    /// What became of an accepted call, or why it was denied.
    pub(crate) status: u32,
    pub(crate) results: &'a [u8],
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Call(Call<'a>),
    Reply(Reply<'a>),
}

/// Reads a message; `None` when it is none.
pub(crate) fn message(data: &[u8]) -> Option<Message<'_>> {
    let mut x = Xdr::new(data);
    let id = x.u32()?;
    match x.u32()? {
        0 => {
            let (rpc_version, program, version, procedure) =
                (x.u32()?, x.u32()?, x.u32()?, x.u32()?);
            if rpc_version != 2 {
                return None;
            }
            let flavor = x.u32()?;
            let credential = x.opaque().filter(|c| c.len() <= MAX_AUTH)?;
            x.u32()?;
            x.opaque().filter(|v| v.len() <= MAX_AUTH)?;
            let caller = caller(flavor, credential);
            let arguments = x.0.rest();
            let call = Call { id, rpc_version, program, version, procedure, caller, arguments };
            Some(Message::Call(call))
        }
        1 => {
            let denied = match x.u32()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            if !denied {
                x.u32()?;
                x.opaque().filter(|v| v.len() <= MAX_AUTH)?;
            }
            let status = x.u32()?;
            (status <= 5).then(|| Message::Reply(Reply { id, denied, status, results: x.0.rest() }))
        }
        _ => None,
    }
}

fn caller(flavor: u32, credential: &[u8]) -> Caller {
    let mut found = Caller { flavor, ..Caller::default() };
    if flavor == 1 {
        let mut x = Xdr::new(credential);
        if x.u32().is_some() {
            found.machine = x.text(MAX_NAME);
            found.user = x.u32();
            found.group = x.u32();
        }
    }
    found
}

/// Whether the octets are a call of a program whose number was given out (RFC 5531 §13).
pub(crate) fn is_call(data: &[u8], cut: bool) -> Option<u32> {
    match message(data) {
        Some(Message::Call(call)) => {
            let known = (100_000..0x6000_0000).contains(&call.program)
                && call.version <= 16
                && call.procedure <= 512
                && (matches!(call.caller.flavor, 0..=6) || call.caller.flavor >= 390_000);
            let whole = cut || data.len().is_multiple_of(4);
            (known && whole).then_some(call.program)
        }
        _ => None,
    }
}

/// The name of a kind of proof.
pub(crate) fn flavor(number: u32) -> &'static str {
    match number {
        0 => "NULL",
        1 => "UNIX",
        2 => "SHORT",
        3 => "DES",
        6 => "GSS",
        _ => "other",
    }
}

/// What became of a call.
pub(crate) fn status(denied: bool, number: u32) -> &'static str {
    match (denied, number) {
        (false, 0) => "ACCEPTED",
        (false, 1) => "PROG_UNAVAIL",
        (false, 2) => "PROG_MISMATCH",
        (false, 3) => "PROC_UNAVAIL",
        (false, 4) => "GARBAGE_ARGS",
        (false, _) => "SYSTEM_ERR",
        (true, 0) => "RPC_MISMATCH",
        (true, _) => "AUTH_ERROR",
    }
}

/// The name of a program.
pub(crate) fn program(number: u32) -> Option<&'static str> {
    Some(match number {
        100_000 => "portmapper",
        100_001 => "rstatd",
        100_002 => "rusersd",
        100_003 => "nfs",
        100_004 => "ypserv",
        100_005 => "mountd",
        100_007 => "ypbind",
        100_008 => "walld",
        100_009 => "yppasswdd",
        100_011 => "rquotad",
        100_012 => "sprayd",
        100_021 => "nlockmgr",
        100_024 => "status",
        100_026 => "bootparam",
        100_028 => "ypupdated",
        100_068 => "cmsd",
        100_083 => "ttdbserverd",
        100_227 => "nfs_acl",
        100_300 => "nisd",
        150_001 => "pcnfsd",
        395_183 => "vxi11_core",
        0x4000_0000 => "nfs_callback",
        _ => return None,
    })
}
