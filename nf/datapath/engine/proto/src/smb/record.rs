//! What SMB reports: messages as they go by, and one record per request with its response.

use nf_fields::{BinaryRef, Fields, Text, TextRef, Timestamp};

use crate::dcerpc::DcerpcTransaction;
use crate::ntlm::Ntlm;

/// A message, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct SmbMessage<'a> {
    /// Version of the message: 1, or 2 for versions 2 and 3.
    #[field(id = 1)]
    pub version: u8,
    /// Octets between the head of a write and its data.
    #[field(id = 2)]
    pub padding: Option<BinaryRef<'a>>,
    /// File that the message creates or opens.
    #[field(id = 3)]
    pub nt_create_file: Option<TextRef<'a>>,
    /// Data of a write or read, as far as they come with its head.
    #[field(id = 4)]
    pub payload: Option<BinaryRef<'a>>,
    /// Number of the command.
    #[field(id = 5)]
    pub command: u8,
    /// Name of the command.
    pub command_name: Option<&'static str>,
    /// It is a response.
    pub is_response: bool,
    /// Status of a response.
    pub status_code: Option<u32>,
    /// Number that ties a response to its request.
    pub message_id: u64,
    /// Number of the login.
    pub session_id: u64,
    /// Number of the connected share.
    pub tree_id: u32,
    /// Flags.
    pub flags: u32,
    /// It goes with others in one message.
    pub compound: bool,
    /// It is encrypted: nothing else can be read.
    pub encrypted: bool,
    /// It is compressed: nothing else is read.
    pub compressed: bool,
}

/// A request with its response; what was read and written is summed up when a file is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Fields)]
pub struct SmbTransaction {
    /// Number of the request within the session, from 1.
    pub id: u64,
    /// Version in force: 1, 2 or 3.
    pub version: u8,
    /// Dialect in force.
    pub dialect: Option<Text>,
    /// Name of the command.
    pub command: Text,
    /// Status of the response; absent when there was none.
    pub status: Option<Text>,
    /// Its number: `0xc0000022`.
    pub status_code: Option<Text>,
    /// Number of the login.
    pub session_id: u64,
    /// Number of the connected share.
    pub tree_id: u32,
    /// Dialects the client offers.
    pub client_dialects: Option<Vec<Text>>,
    /// GUID of the client.
    pub client_guid: Option<Text>,
    /// GUID of the server.
    pub server_guid: Option<Text>,
    /// Most octets read at once.
    pub max_read_size: Option<u32>,
    /// Most octets written at once.
    pub max_write_size: Option<u32>,
    /// Messages must be signed.
    pub signing_required: Option<bool>,
    /// Cipher the server chose.
    pub cipher: Option<Text>,
    /// How the login is proven: ntlm, kerberos, or `password` for one in clear.
    pub auth: Option<&'static str>,
    /// Login by NTLM, or the names of a login without extended security.
    pub ntlm: Option<Ntlm>,
    /// Realm of the Kerberos ticket.
    pub kerberos_realm: Option<Text>,
    /// Service the Kerberos ticket is for.
    pub kerberos_service: Option<Text>,
    /// The login is a guest's.
    pub guest: Option<bool>,
    /// A password went by in clear.
    pub clear_text: Option<bool>,
    /// System the client names.
    pub native_os: Option<Text>,
    /// Software the client names.
    pub native_lm: Option<Text>,
    /// System the server names.
    pub server_native_os: Option<Text>,
    /// Software the server names.
    pub server_native_lm: Option<Text>,
    /// Share: `\\server\name`.
    pub share: Option<Text>,
    /// What the share is: FILE, PIPE or PRINT.
    pub share_type: Option<Text>,
    /// File, directory or pipe.
    pub filename: Option<Text>,
    /// New name of a file renamed or linked.
    pub new_filename: Option<Text>,
    /// The file is a directory.
    pub directory: Option<bool>,
    /// What to do with a file that is there, or not: FILE_OPEN…
    pub disposition: Option<&'static str>,
    /// The file goes with its last handle.
    pub delete_on_close: Option<bool>,
    /// Rights asked for, as a mask.
    pub access_mask: Option<u32>,
    /// When the file was created.
    pub created: Option<Timestamp>,
    /// When it was read last.
    pub accessed: Option<Timestamp>,
    /// When it was written last.
    pub modified: Option<Timestamp>,
    /// When it was changed last.
    pub changed: Option<Timestamp>,
    /// Size of the file.
    pub size: Option<u64>,
    /// Handle of the file.
    pub fuid: Option<Text>,
    /// Octets read from the file, told when it is closed.
    pub bytes_read: Option<u64>,
    /// Octets written to the file, told when it is closed.
    pub bytes_written: Option<u64>,
    /// Control code or class of information.
    pub function: Option<Text>,
    /// Pattern of a search in a directory.
    pub pattern: Option<Text>,
    /// Call through a pipe.
    pub dcerpc: Option<DcerpcTransaction>,
    /// Encrypted messages of the session, told at its end.
    pub encrypted_messages: Option<u64>,
    /// Octets of these.
    pub encrypted_bytes: Option<u64>,
    /// Time from request to response.
    pub response_us: Option<u64>,
}
