//! Names of commands, states and kinds.

/// Commands of version 2 and 3, by number.
const COMMANDS: [&str; 19] = [
    "SMB2_COMMAND_NEGOTIATE_PROTOCOL",
    "SMB2_COMMAND_SESSION_SETUP",
    "SMB2_COMMAND_SESSION_LOGOFF",
    "SMB2_COMMAND_TREE_CONNECT",
    "SMB2_COMMAND_TREE_DISCONNECT",
    "SMB2_COMMAND_CREATE",
    "SMB2_COMMAND_CLOSE",
    "SMB2_COMMAND_FLUSH",
    "SMB2_COMMAND_READ",
    "SMB2_COMMAND_WRITE",
    "SMB2_COMMAND_LOCK",
    "SMB2_COMMAND_IOCTL",
    "SMB2_COMMAND_CANCEL",
    "SMB2_COMMAND_KEEPALIVE",
    "SMB2_COMMAND_FIND",
    "SMB2_COMMAND_CHANGE_NOTIFY",
    "SMB2_COMMAND_GET_INFO",
    "SMB2_COMMAND_SET_INFO",
    "SMB2_COMMAND_OPLOCK_BREAK",
];

/// Commands of version 1.
const OLD_COMMANDS: &[(u8, &str)] = &[
    (0x00, "SMB1_COMMAND_CREATE_DIRECTORY"),
    (0x01, "SMB1_COMMAND_DELETE_DIRECTORY"),
    (0x02, "SMB1_COMMAND_OPEN"),
    (0x03, "SMB1_COMMAND_CREATE"),
    (0x04, "SMB1_COMMAND_CLOSE"),
    (0x05, "SMB1_COMMAND_FLUSH"),
    (0x06, "SMB1_COMMAND_DELETE"),
    (0x07, "SMB1_COMMAND_RENAME"),
    (0x08, "SMB1_COMMAND_QUERY_INFORMATION"),
    (0x09, "SMB1_COMMAND_SET_INFORMATION"),
    (0x0a, "SMB1_COMMAND_READ"),
    (0x0b, "SMB1_COMMAND_WRITE"),
    (0x0c, "SMB1_COMMAND_LOCK_BYTE_RANGE"),
    (0x0d, "SMB1_COMMAND_UNLOCK_BYTE_RANGE"),
    (0x0e, "SMB1_COMMAND_CREATE_TEMPORARY"),
    (0x0f, "SMB1_COMMAND_CREATE_NEW"),
    (0x10, "SMB1_COMMAND_CHECK_DIRECTORY"),
    (0x11, "SMB1_COMMAND_PROCESS_EXIT"),
    (0x12, "SMB1_COMMAND_SEEK"),
    (0x13, "SMB1_COMMAND_LOCK_AND_READ"),
    (0x14, "SMB1_COMMAND_WRITE_AND_UNLOCK"),
    (0x1a, "SMB1_COMMAND_READ_RAW"),
    (0x1d, "SMB1_COMMAND_WRITE_RAW"),
    (0x22, "SMB1_COMMAND_SET_INFORMATION2"),
    (0x23, "SMB1_COMMAND_QUERY_INFORMATION2"),
    (0x24, "SMB1_COMMAND_LOCKING_ANDX"),
    (0x25, "SMB1_COMMAND_TRANS"),
    (0x26, "SMB1_COMMAND_TRANS_SECONDARY"),
    (0x27, "SMB1_COMMAND_IOCTL"),
    (0x2b, "SMB1_COMMAND_ECHO"),
    (0x2c, "SMB1_COMMAND_WRITE_AND_CLOSE"),
    (0x2d, "SMB1_COMMAND_OPEN_ANDX"),
    (0x2e, "SMB1_COMMAND_READ_ANDX"),
    (0x2f, "SMB1_COMMAND_WRITE_ANDX"),
    (0x32, "SMB1_COMMAND_TRANS2"),
    (0x33, "SMB1_COMMAND_TRANS2_SECONDARY"),
    (0x34, "SMB1_COMMAND_FIND_CLOSE2"),
    (0x70, "SMB1_COMMAND_TREE_CONNECT"),
    (0x71, "SMB1_COMMAND_TREE_DISCONNECT"),
    (0x72, "SMB1_COMMAND_NEGOTIATE_PROTOCOL"),
    (0x73, "SMB1_COMMAND_SESSION_SETUP_ANDX"),
    (0x74, "SMB1_COMMAND_LOGOFF_ANDX"),
    (0x75, "SMB1_COMMAND_TREE_CONNECT_ANDX"),
    (0x80, "SMB1_COMMAND_QUERY_INFO_DISK"),
    (0x81, "SMB1_COMMAND_SEARCH"),
    (0x82, "SMB1_COMMAND_FIND"),
    (0x83, "SMB1_COMMAND_FIND_UNIQUE"),
    (0x84, "SMB1_COMMAND_FIND_CLOSE"),
    (0xa0, "SMB1_COMMAND_NT_TRANS"),
    (0xa1, "SMB1_COMMAND_NT_TRANS_SECONDARY"),
    (0xa2, "SMB1_COMMAND_NT_CREATE_ANDX"),
    (0xa4, "SMB1_COMMAND_NT_CANCEL"),
    (0xa5, "SMB1_COMMAND_NT_RENAME"),
];

/// States by number (MS-ERREF §2.3.1).
const STATES: &[(u32, &str)] = &[
    (0x0000_0000, "STATUS_SUCCESS"),
    (0x0000_0103, "STATUS_PENDING"),
    (0x0000_010b, "STATUS_NOTIFY_CLEANUP"),
    (0x0000_010c, "STATUS_NOTIFY_ENUM_DIR"),
    (0x0000_0104, "STATUS_REPARSE"),
    (0x8000_0005, "STATUS_BUFFER_OVERFLOW"),
    (0x8000_0006, "STATUS_NO_MORE_FILES"),
    (0x8000_002d, "STATUS_STOPPED_ON_SYMLINK"),
    (0xc000_0001, "STATUS_UNSUCCESSFUL"),
    (0xc000_0002, "STATUS_NOT_IMPLEMENTED"),
    (0xc000_0003, "STATUS_INVALID_INFO_CLASS"),
    (0xc000_0004, "STATUS_INFO_LENGTH_MISMATCH"),
    (0xc000_0008, "STATUS_INVALID_HANDLE"),
    (0xc000_000d, "STATUS_INVALID_PARAMETER"),
    (0xc000_000e, "STATUS_NO_SUCH_DEVICE"),
    (0xc000_000f, "STATUS_NO_SUCH_FILE"),
    (0xc000_0010, "STATUS_INVALID_DEVICE_REQUEST"),
    (0xc000_0011, "STATUS_END_OF_FILE"),
    (0xc000_0016, "STATUS_MORE_PROCESSING_REQUIRED"),
    (0xc000_0017, "STATUS_NO_MEMORY"),
    (0xc000_0022, "STATUS_ACCESS_DENIED"),
    (0xc000_0023, "STATUS_BUFFER_TOO_SMALL"),
    (0xc000_0024, "STATUS_OBJECT_TYPE_MISMATCH"),
    (0xc000_0033, "STATUS_OBJECT_NAME_INVALID"),
    (0xc000_0034, "STATUS_OBJECT_NAME_NOT_FOUND"),
    (0xc000_0035, "STATUS_OBJECT_NAME_COLLISION"),
    (0xc000_0037, "STATUS_PORT_DISCONNECTED"),
    (0xc000_0039, "STATUS_OBJECT_PATH_INVALID"),
    (0xc000_003a, "STATUS_OBJECT_PATH_NOT_FOUND"),
    (0xc000_0043, "STATUS_SHARING_VIOLATION"),
    (0xc000_0054, "STATUS_FILE_LOCK_CONFLICT"),
    (0xc000_0055, "STATUS_LOCK_NOT_GRANTED"),
    (0xc000_0056, "STATUS_DELETE_PENDING"),
    (0xc000_005e, "STATUS_NO_LOGON_SERVERS"),
    (0xc000_0061, "STATUS_PRIVILEGE_NOT_HELD"),
    (0xc000_0064, "STATUS_NO_SUCH_USER"),
    (0xc000_006a, "STATUS_WRONG_PASSWORD"),
    (0xc000_006d, "STATUS_LOGON_FAILURE"),
    (0xc000_006e, "STATUS_ACCOUNT_RESTRICTION"),
    (0xc000_006f, "STATUS_INVALID_LOGON_HOURS"),
    (0xc000_0070, "STATUS_INVALID_WORKSTATION"),
    (0xc000_0071, "STATUS_PASSWORD_EXPIRED"),
    (0xc000_0072, "STATUS_ACCOUNT_DISABLED"),
    (0xc000_0073, "STATUS_NONE_MAPPED"),
    (0xc000_007e, "STATUS_RANGE_NOT_LOCKED"),
    (0xc000_007f, "STATUS_DISK_FULL"),
    (0xc000_009a, "STATUS_INSUFFICIENT_RESOURCES"),
    (0xc000_00ac, "STATUS_PIPE_NOT_AVAILABLE"),
    (0xc000_00ad, "STATUS_INVALID_PIPE_STATE"),
    (0xc000_00ae, "STATUS_PIPE_BUSY"),
    (0xc000_00b0, "STATUS_PIPE_DISCONNECTED"),
    (0xc000_00b1, "STATUS_PIPE_CLOSING"),
    (0xc000_00b5, "STATUS_IO_TIMEOUT"),
    (0xc000_00ba, "STATUS_FILE_IS_A_DIRECTORY"),
    (0xc000_00bb, "STATUS_NOT_SUPPORTED"),
    (0xc000_00c9, "STATUS_NETWORK_NAME_DELETED"),
    (0xc000_00ca, "STATUS_NETWORK_ACCESS_DENIED"),
    (0xc000_00cb, "STATUS_BAD_DEVICE_TYPE"),
    (0xc000_00cc, "STATUS_BAD_NETWORK_NAME"),
    (0xc000_00d0, "STATUS_REQUEST_NOT_ACCEPTED"),
    (0xc000_00df, "STATUS_NO_SUCH_DOMAIN"),
    (0xc000_00e3, "STATUS_INVALID_OPLOCK_PROTOCOL"),
    (0xc000_00e5, "STATUS_INTERNAL_ERROR"),
    (0xc000_0101, "STATUS_DIRECTORY_NOT_EMPTY"),
    (0xc000_0103, "STATUS_NOT_A_DIRECTORY"),
    (0xc000_0120, "STATUS_CANCELLED"),
    (0xc000_0121, "STATUS_CANNOT_DELETE"),
    (0xc000_0128, "STATUS_FILE_CLOSED"),
    (0xc000_0133, "STATUS_TIME_DIFFERENCE_AT_DC"),
    (0xc000_0148, "STATUS_INVALID_LEVEL"),
    (0xc000_014b, "STATUS_PIPE_BROKEN"),
    (0xc000_015b, "STATUS_LOGON_TYPE_NOT_GRANTED"),
    (0xc000_0184, "STATUS_INVALID_DEVICE_STATE"),
    (0xc000_018b, "STATUS_NO_TRUST_SAM_ACCOUNT"),
    (0xc000_018d, "STATUS_TRUSTED_RELATIONSHIP_FAILURE"),
    (0xc000_0192, "STATUS_NETLOGON_NOT_STARTED"),
    (0xc000_0193, "STATUS_ACCOUNT_EXPIRED"),
    (0xc000_0199, "STATUS_NOLOGON_WORKSTATION_TRUST_ACCOUNT"),
    (0xc000_0203, "STATUS_USER_SESSION_DELETED"),
    (0xc000_0205, "STATUS_INSUFF_SERVER_RESOURCES"),
    (0xc000_0224, "STATUS_PASSWORD_MUST_CHANGE"),
    (0xc000_0225, "STATUS_NOT_FOUND"),
    (0xc000_0234, "STATUS_ACCOUNT_LOCKED_OUT"),
    (0xc000_0257, "STATUS_PATH_NOT_COVERED"),
    (0xc000_0275, "STATUS_NOT_A_REPARSE_POINT"),
    (0xc000_035c, "STATUS_NETWORK_SESSION_EXPIRED"),
    (0xc000_05bb, "STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP"),
    (0xc000_a000, "STATUS_INVALID_SIGNATURE"),
];

/// States of old clients: class, code (MS-CIFS §2.2.2.4).
const OLD_STATES: &[(u8, u16, &str)] = &[
    (1, 1, "DOS_BADFUNC"),
    (1, 2, "DOS_BADFILE"),
    (1, 3, "DOS_BADPATH"),
    (1, 4, "DOS_NOFIDS"),
    (1, 5, "DOS_NOACCESS"),
    (1, 6, "DOS_BADFID"),
    (1, 8, "DOS_NOMEM"),
    (1, 16, "DOS_REMCD"),
    (1, 18, "DOS_NOFILES"),
    (1, 32, "DOS_BADSHARE"),
    (1, 33, "DOS_LOCK"),
    (1, 50, "DOS_UNSUP"),
    (1, 80, "DOS_FILEXISTS"),
    (1, 87, "DOS_INVALIDPARAM"),
    (2, 1, "SRV_ERROR"),
    (2, 2, "SRV_BADPW"),
    (2, 4, "SRV_ACCESS"),
    (2, 5, "SRV_BADTID"),
    (2, 6, "SRV_BADNETNAME"),
    (2, 7, "SRV_BADDEVICE"),
    (2, 91, "SRV_BADUID"),
    (2, 0xffff, "SRV_NOSUPPORT"),
];

const CONTROLS: &[(u32, &str)] = &[
    (0x0006_0194, "FSCTL_DFS_GET_REFERRALS"),
    (0x0006_01b0, "FSCTL_DFS_GET_REFERRALS_EX"),
    (0x0009_00a4, "FSCTL_SET_REPARSE_POINT"),
    (0x0009_00a8, "FSCTL_GET_REPARSE_POINT"),
    (0x0009_00c0, "FSCTL_CREATE_OR_GET_OBJECT_ID"),
    (0x0009_8208, "FSCTL_FILE_LEVEL_TRIM"),
    (0x0011_000c, "FSCTL_PIPE_PEEK"),
    (0x0011_0018, "FSCTL_PIPE_WAIT"),
    (0x0011_c017, "FSCTL_PIPE_TRANSCEIVE"),
    (0x0014_0078, "FSCTL_SRV_REQUEST_RESUME_KEY"),
    (0x0014_01d4, "FSCTL_LMR_REQUEST_RESILIENCY"),
    (0x0014_01fc, "FSCTL_QUERY_NETWORK_INTERFACE_INFO"),
    (0x0014_0204, "FSCTL_VALIDATE_NEGOTIATE_INFO"),
    (0x0014_4064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"),
    (0x0014_40f2, "FSCTL_SRV_COPYCHUNK"),
    (0x0014_41bb, "FSCTL_SRV_READ_HASH"),
    (0x0014_80f2, "FSCTL_SRV_COPYCHUNK_WRITE"),
];

/// The name of a command of version 2 or 3.
pub(super) fn command(number: u16) -> Option<&'static str> {
    COMMANDS.get(usize::from(number)).copied()
}

/// The name of a command of version 1.
pub(super) fn old_command(number: u8) -> Option<&'static str> {
    OLD_COMMANDS.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// The name of a state.
pub(super) fn state(number: u32) -> Option<&'static str> {
    STATES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// The name of a state of old clients.
pub(super) fn old_state(class: u8, code: u16) -> Option<&'static str> {
    match (class, code) {
        (0, 0) => state(0),
        _ => OLD_STATES.iter().find(|(c, n, _)| (*c, *n) == (class, code)).map(|(_, _, s)| *s),
    }
}

/// The name of a control code.
pub(super) fn control(code: u32) -> Option<&'static str> {
    CONTROLS.iter().find(|(c, _)| *c == code).map(|(_, name)| *name)
}

/// What becomes of a file that is there, or not.
pub(super) fn disposition(number: u32) -> Option<&'static str> {
    [
        "FILE_SUPERSEDE",
        "FILE_OPEN",
        "FILE_CREATE",
        "FILE_OPEN_IF",
        "FILE_OVERWRITE",
        "FILE_OVERWRITE_IF",
    ]
    .get(usize::try_from(number).ok()?)
    .copied()
}

/// A dialect of version 2 or 3.
pub(super) fn dialect(number: u16) -> Option<&'static str> {
    Some(match number {
        0x0202 => "2.02",
        0x0210 => "2.10",
        0x0222 => "2.22",
        0x0224 => "2.24",
        0x02ff => "2.??",
        0x0300 => "3.00",
        0x0302 => "3.02",
        0x0310 => "3.10",
        0x0311 => "3.11",
        _ => return None,
    })
}

/// What a share is.
pub(super) fn share_type(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "FILE",
        2 => "PIPE",
        3 => "PRINT",
        _ => return None,
    })
}

/// A cipher for encrypted messages.
pub(super) fn cipher(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "AES-128-CCM",
        2 => "AES-128-GCM",
        3 => "AES-256-CCM",
        4 => "AES-256-GCM",
        _ => return None,
    })
}

/// A class of file information that is set: what it does.
pub(super) fn set_class(kind: u8, class: u8) -> Option<&'static str> {
    Some(match (kind, class) {
        (1, 4) => "FILE_BASIC_INFORMATION",
        (1, 10) => "FILE_RENAME_INFORMATION",
        (1, 11) => "FILE_LINK_INFORMATION",
        (1, 13) => "FILE_DISPOSITION_INFORMATION",
        (1, 14) => "FILE_POSITION_INFORMATION",
        (1, 19) => "FILE_ALLOCATION_INFORMATION",
        (1, 20) => "FILE_END_OF_FILE_INFORMATION",
        (1, 64) => "FILE_DISPOSITION_INFORMATION_EX",
        (1, 65) => "FILE_RENAME_INFORMATION_EX",
        (3, _) => "SECURITY_INFORMATION",
        _ => return None,
    })
}
