//! Arguments and results of procedures: pure, no state, no panic.

use nf_fields::Text;

use crate::rpc::{MAX_NAME, MAX_PATH, Xdr};

/// Most operations of a compound that are read.
const MAX_OPERATIONS: u32 = 64;

const VERSION_2: [&str; 18] = [
    "NULL",
    "GETATTR",
    "SETATTR",
    "ROOT",
    "LOOKUP",
    "READLINK",
    "READ",
    "WRITECACHE",
    "WRITE",
    "CREATE",
    "REMOVE",
    "RENAME",
    "LINK",
    "SYMLINK",
    "MKDIR",
    "RMDIR",
    "READDIR",
    "STATFS",
];
const VERSION_3: [&str; 22] = [
    "NULL",
    "GETATTR",
    "SETATTR",
    "LOOKUP",
    "ACCESS",
    "READLINK",
    "READ",
    "WRITE",
    "CREATE",
    "MKDIR",
    "SYMLINK",
    "MKNOD",
    "REMOVE",
    "RMDIR",
    "RENAME",
    "LINK",
    "READDIR",
    "READDIRPLUS",
    "FSSTAT",
    "FSINFO",
    "PATHCONF",
    "COMMIT",
];
/// Operations of version 4, from number 3 on.
const VERSION_4: [&str; 56] = [
    "ACCESS",
    "CLOSE",
    "COMMIT",
    "CREATE",
    "DELEGPURGE",
    "DELEGRETURN",
    "GETATTR",
    "GETFH",
    "LINK",
    "LOCK",
    "LOCKT",
    "LOCKU",
    "LOOKUP",
    "LOOKUPP",
    "NVERIFY",
    "OPEN",
    "OPENATTR",
    "OPEN_CONFIRM",
    "OPEN_DOWNGRADE",
    "PUTFH",
    "PUTPUBFH",
    "PUTROOTFH",
    "READ",
    "READDIR",
    "READLINK",
    "REMOVE",
    "RENAME",
    "RENEW",
    "RESTOREFH",
    "SAVEFH",
    "SECINFO",
    "SETATTR",
    "SETCLIENTID",
    "SETCLIENTID_CONFIRM",
    "VERIFY",
    "WRITE",
    "RELEASE_LOCKOWNER",
    "BACKCHANNEL_CTL",
    "BIND_CONN_TO_SESSION",
    "EXCHANGE_ID",
    "CREATE_SESSION",
    "DESTROY_SESSION",
    "FREE_STATEID",
    "GET_DIR_DELEGATION",
    "GETDEVICEINFO",
    "GETDEVICELIST",
    "LAYOUTCOMMIT",
    "LAYOUTGET",
    "LAYOUTRETURN",
    "SECINFO_NO_NAME",
    "SEQUENCE",
    "SET_SSV",
    "TEST_STATEID",
    "WANT_DELEGATION",
    "DESTROY_CLIENTID",
    "RECLAIM_COMPLETE",
];

/// The name of a procedure.
pub(super) fn name(version: u32, number: u32) -> Option<&'static str> {
    let number = usize::try_from(number).ok()?;
    match version {
        2 => VERSION_2.get(number).copied(),
        3 => VERSION_3.get(number).copied(),
        4 => ["NULL", "COMPOUND"].get(number).copied(),
        _ => None,
    }
}

/// The name of an operation of version 4.
pub(super) fn operation(number: u32) -> Option<&'static str> {
    VERSION_4.get(usize::try_from(number.checked_sub(3)?).ok()?).copied()
}

/// What arguments name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) file: Option<Text>,
    pub(super) new_file: Option<Text>,
    pub(super) offset: Option<u64>,
    pub(super) count: Option<u32>,
    pub(super) tag: Option<Text>,
    pub(super) minor: Option<u32>,
    pub(super) total: Option<u32>,
    pub(super) operations: Vec<u32>,
}

/// Reads arguments; `None` when they contradict themselves.
pub(super) fn arguments(version: u32, number: u32, octets: &[u8]) -> Option<Arguments> {
    let mut found = Arguments::default();
    let mut x = Xdr::new(octets);
    match version {
        2 => version_2(number, &mut x, &mut found)?,
        3 => version_3(number, &mut x, &mut found)?,
        4 if number == 1 => compound(&mut x, &mut found)?,
        _ => {}
    }
    Some(found)
}

/// Octets of a handle of version 2.
const HANDLE: usize = 32;

fn version_2(number: u32, x: &mut Xdr<'_>, found: &mut Arguments) -> Option<()> {
    match number {
        4 | 9 | 10 | 13 | 14 | 15 => {
            x.skip(HANDLE)?;
            found.file = Some(x.text(MAX_NAME)?);
            if number == 13 {
                found.new_file = Some(x.text(MAX_PATH)?);
            }
        }
        6 => {
            x.skip(HANDLE)?;
            found.offset = Some(x.u32()?.into());
            found.count = Some(x.u32()?);
        }
        8 => {
            x.skip(HANDLE)?;
            x.u32()?;
            found.offset = Some(x.u32()?.into());
            x.u32()?;
            found.count = Some(x.u32()?);
        }
        11 => {
            x.skip(HANDLE)?;
            found.file = Some(x.text(MAX_NAME)?);
            x.skip(HANDLE)?;
            found.new_file = Some(x.text(MAX_NAME)?);
        }
        12 => {
            x.skip(HANDLE)?;
            x.skip(HANDLE)?;
            found.new_file = Some(x.text(MAX_NAME)?);
        }
        _ => {}
    }
    Some(())
}

fn version_3(number: u32, x: &mut Xdr<'_>, found: &mut Arguments) -> Option<()> {
    if number == 0 {
        return Some(());
    }
    x.opaque()?;
    match number {
        3 | 8..=13 => found.file = Some(x.text(MAX_NAME)?),
        6 | 7 | 21 => {
            found.offset = Some(x.u64()?);
            found.count = Some(x.u32()?);
        }
        14 => {
            found.file = Some(x.text(MAX_NAME)?);
            x.opaque()?;
            found.new_file = Some(x.text(MAX_NAME)?);
        }
        15 => {
            x.opaque()?;
            found.new_file = Some(x.text(MAX_NAME)?);
        }
        _ => {}
    }
    Some(())
}

fn compound(x: &mut Xdr<'_>, found: &mut Arguments) -> Option<()> {
    found.tag = Some(x.text(MAX_NAME)?);
    found.minor = Some(x.u32()?);
    let total = x.u32()?;
    found.total = Some(total);
    for _ in 0..total.min(MAX_OPERATIONS) {
        let number = x.u32()?;
        found.operations.push(number);
        // What is not known cannot be stepped over, nor can what was cut off.
        if step(number, x, found).is_none() {
            break;
        }
    }
    Some(())
}

fn bitmap(x: &mut Xdr<'_>) -> Option<()> {
    let words = usize::try_from(x.u32()?).ok()?;
    x.skip(words.checked_mul(4)?)
}

fn attributes(x: &mut Xdr<'_>) -> Option<()> {
    bitmap(x)?;
    x.opaque().map(|_| ())
}

fn named(x: &mut Xdr<'_>) -> Option<Option<Text>> {
    Some(Some(x.text(MAX_NAME)?))
}

/// Steps over the arguments of an operation, and reads what they name.
fn step(number: u32, x: &mut Xdr<'_>, found: &mut Arguments) -> Option<()> {
    match number {
        // ACCESS, RECLAIM_COMPLETE
        3 | 58 => x.skip(4)?,
        // CLOSE
        4 => x.skip(20)?,
        // COMMIT
        5 => x.skip(12)?,
        // CREATE
        6 => {
            match x.u32()? {
                5 => found.new_file = Some(x.text(MAX_PATH)?),
                3 | 4 => x.skip(8)?,
                _ => {}
            }
            found.file = named(x)?;
            attributes(x)?;
        }
        // DELEGRETURN
        8 => x.skip(16)?,
        // GETATTR
        9 => bitmap(x)?,
        // GETFH, LOOKUPP, PUTPUBFH, PUTROOTFH, READLINK, RESTOREFH, SAVEFH
        10 | 16 | 23 | 24 | 27 | 31 | 32 => {}
        // LINK
        11 => found.new_file = named(x)?,
        // LOOKUP, REMOVE, SECINFO
        15 | 28 | 33 => found.file = named(x)?,
        // NVERIFY, VERIFY
        17 | 37 => attributes(x)?,
        18 => open(x, found)?,
        // OPEN_CONFIRM
        20 => x.skip(20)?,
        // OPEN_DOWNGRADE
        21 => x.skip(28)?,
        // PUTFH
        22 => x.opaque().map(|_| ())?,
        // READ
        25 => {
            x.skip(16)?;
            found.offset = Some(x.u64()?);
            found.count = Some(x.u32()?);
        }
        // READDIR
        26 => {
            x.skip(24)?;
            bitmap(x)?;
        }
        // RENAME
        29 => {
            found.file = named(x)?;
            found.new_file = named(x)?;
        }
        // RENEW, DESTROY_CLIENTID
        30 | 57 => x.skip(8)?,
        // SETATTR
        34 => {
            x.skip(16)?;
            attributes(x)?;
        }
        // SETCLIENTID
        35 => {
            x.skip(8)?;
            x.opaque()?;
            x.skip(4)?;
            x.opaque()?;
            x.opaque()?;
            x.skip(4)?;
        }
        // SETCLIENTID_CONFIRM, DESTROY_SESSION
        36 | 44 => x.skip(16)?,
        // WRITE
        38 => {
            x.skip(16)?;
            found.offset = Some(x.u64()?);
            x.skip(4)?;
            let mut ahead = *x;
            found.count = Some(ahead.u32()?);
            x.opaque()?;
        }
        // SEQUENCE
        53 => x.skip(32)?,
        _ => return None,
    }
    Some(())
}

fn open(x: &mut Xdr<'_>, found: &mut Arguments) -> Option<()> {
    // Sequence number, rights, what is denied, the client.
    x.skip(20)?;
    x.opaque()?;
    if x.u32()? == 1 {
        match x.u32()? {
            0 | 1 => attributes(x)?,
            2 => x.skip(8)?,
            3 => {
                x.skip(8)?;
                attributes(x)?;
            }
            _ => return None,
        }
    }
    match x.u32()? {
        0 | 3 => found.file = named(x)?,
        1 => x.skip(4)?,
        2 => {
            x.skip(16)?;
            found.file = named(x)?;
        }
        4 | 6 => {}
        5 => x.skip(16)?,
        _ => return None,
    }
    Some(())
}

/// The name of a status (RFC 1813, RFC 7530, RFC 8881).
pub(super) fn status(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "OK",
        1 => "ERR_PERM",
        2 => "ERR_NOENT",
        5 => "ERR_IO",
        6 => "ERR_NXIO",
        13 => "ERR_ACCESS",
        17 => "ERR_EXIST",
        18 => "ERR_XDEV",
        19 => "ERR_NODEV",
        20 => "ERR_NOTDIR",
        21 => "ERR_ISDIR",
        22 => "ERR_INVAL",
        27 => "ERR_FBIG",
        28 => "ERR_NOSPC",
        30 => "ERR_ROFS",
        31 => "ERR_MLINK",
        63 => "ERR_NAMETOOLONG",
        66 => "ERR_NOTEMPTY",
        69 => "ERR_DQUOT",
        70 => "ERR_STALE",
        71 => "ERR_REMOTE",
        99 => "ERR_WFLUSH",
        10001 => "ERR_BADHANDLE",
        10002 => "ERR_NOT_SYNC",
        10003 => "ERR_BAD_COOKIE",
        10004 => "ERR_NOTSUPP",
        10005 => "ERR_TOOSMALL",
        10006 => "ERR_SERVERFAULT",
        10007 => "ERR_BADTYPE",
        10008 => "ERR_DELAY",
        10009 => "ERR_SAME",
        10010 => "ERR_DENIED",
        10011 => "ERR_EXPIRED",
        10012 => "ERR_LOCKED",
        10013 => "ERR_GRACE",
        10014 => "ERR_FHEXPIRED",
        10016 => "ERR_WRONGSEC",
        10020 => "ERR_NOFILEHANDLE",
        10021 => "ERR_MINOR_VERS_MISMATCH",
        10022 => "ERR_STALE_CLIENTID",
        10023 => "ERR_STALE_STATEID",
        10024 => "ERR_OLD_STATEID",
        10025 => "ERR_BAD_STATEID",
        10026 => "ERR_BAD_SEQID",
        10036 => "ERR_BADXDR",
        10044 => "ERR_OP_ILLEGAL",
        10052 => "ERR_BADSESSION",
        _ => return None,
    })
}
