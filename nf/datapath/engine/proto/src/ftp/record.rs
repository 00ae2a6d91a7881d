//! What FTP reports: messages as lines go by, and one record per command.

use std::net::IpAddr;

use nf_fields::{Fields, Text, TextRef};

/// A command or a reply, with what is known of the session.
#[derive(Debug, Default, Fields)]
pub struct FtpMessage<'a> {
    /// Kind of connection: 1, control.
    #[field(id = 1, scope = "session")]
    pub session_connection_type: u8,
    /// Address of the server.
    #[field(id = 2, scope = "session")]
    pub server_control_addr: Option<IpAddr>,
    /// Port of the server.
    #[field(id = 3, scope = "session")]
    pub server_control_port: u16,
    /// Address of the client.
    #[field(id = 4, scope = "session")]
    pub client_control_addr: Option<IpAddr>,
    /// Port of the client.
    #[field(id = 5, scope = "session")]
    pub client_control_port: u16,
    /// User named last.
    #[field(id = 7, alias = "user_name", scope = "session-changing")]
    pub user: Option<TextRef<'a>>,
    /// Password given last.
    #[field(id = 8, scope = "session-changing")]
    pub password: Option<TextRef<'a>>,
    /// Features the server listed.
    #[field(id = 9, alias = "session_features", scope = "session-changing")]
    pub features: Option<TextRef<'a>>,
    /// System the server named.
    #[field(id = 10, alias = "ftp_server_system", scope = "session")]
    pub system: Option<TextRef<'a>>,
    /// How far the session is: 1 connected, 2 user named, 3 logged in, 4 transferring, 5 leaving.
    #[field(id = 11, alias = "ftp_status", scope = "session-changing")]
    pub status: u16,
    /// Command sent last.
    #[field(id = 12, scope = "session-changing")]
    pub last_command: Option<TextRef<'a>>,
    /// Code of the last reply.
    #[field(id = 13, scope = "session-changing")]
    pub last_response_code: Option<u16>,
    /// Working directory.
    #[field(id = 14, alias = "current_directory", scope = "session-changing")]
    pub directory: Option<TextRef<'a>>,
    /// Address on which the server waits for the data connection.
    #[field(id = 15, scope = "session")]
    pub server_data_addr: Option<IpAddr>,
    /// Port on which the server waits for the data connection.
    #[field(id = 16, scope = "session")]
    pub server_data_port: Option<u16>,
    /// Address on which the client waits for the data connection.
    #[field(id = 17, scope = "session")]
    pub client_data_addr: Option<IpAddr>,
    /// Port on which the client waits for the data connection.
    #[field(id = 18, scope = "session")]
    pub client_data_port: Option<u16>,
    /// What is transferred: 1 a file, 2 a listing.
    #[field(id = 20, scope = "session")]
    pub data_type: Option<u8>,
    /// Argument of TYPE in force.
    #[field(id = 21, scope = "session")]
    pub transfer_type: Option<TextRef<'a>>,
    /// How the data connection is made: 1 active, 2 passive.
    #[field(id = 22, alias = "ftp_session_mode", scope = "session")]
    pub session_mode: Option<u8>,
    /// Which way data go: 1 to the server, 2 to the client.
    #[field(id = 23, scope = "session")]
    pub data_direction: Option<u8>,
    /// File named last.
    #[field(id = 24, scope = "session")]
    pub file_name: Option<TextRef<'a>>,
    /// Size the server told of a file.
    #[field(id = 25, scope = "session")]
    pub file_size: Option<u64>,
    /// Time of change the server told of a file.
    #[field(id = 26, scope = "session")]
    pub file_last_modified: Option<TextRef<'a>>,
    /// 1 for a command, 2 for a reply.
    #[field(id = 27)]
    pub packet_type: u8,
    /// Command.
    #[field(id = 28, alias = "packet_request")]
    pub command: Option<TextRef<'a>>,
    /// Argument of the command.
    #[field(id = 29, alias = "packet_request_parameter")]
    pub argument: Option<TextRef<'a>>,
    /// Reply code.
    #[field(id = 30, alias = "packet_response_code")]
    pub code: Option<u16>,
    /// Reply text; lines are joined by line feeds.
    #[field(id = 31, alias = "packet_reponse_value", alias = "packet_response_value")]
    pub reply: Option<TextRef<'a>>,
    /// Octets of the command or of the reply with all its lines.
    #[field(id = 32)]
    pub packet_payload_len: u32,
}

/// A command with its final reply; without a command, a greeting or farewell.
#[derive(Debug, Default, Fields)]
pub struct FtpTransaction {
    /// Command, upper case.
    pub command: Option<Text>,
    /// Its argument; a password is left out.
    pub argument: Option<Text>,
    /// Code of the final reply.
    pub code: Option<u16>,
    /// Text of the final reply; lines are joined by line feeds.
    pub reply: Option<Text>,
    /// User named last.
    pub user: Option<Text>,
    /// File or directory that the command is about, as sent.
    pub file: Option<Text>,
    /// Working directory, once known.
    pub directory: Option<Text>,
    /// Address of the data connection's waiting end.
    pub data_address: Option<IpAddr>,
    /// Its port.
    pub data_port: Option<u16>,
    /// How the data connection is made: `active` or `passive`.
    pub mode: Option<&'static str>,
    /// Microseconds from the command to the first reply, be it preliminary.
    pub response_us: Option<u64>,
    /// Microseconds from the command to the final reply.
    pub duration_us: Option<u64>,
}
