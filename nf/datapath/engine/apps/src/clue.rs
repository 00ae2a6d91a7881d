//! What tells an application, besides a protocol of its own.

use crate::error::{Mistake, shown};
use crate::name::read_host;
use crate::ranges::Prefix;

/// Longest word or text of a clue.
const LONGEST: usize = 128;

/// A kind of clue, as a file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clue {
    /// A name of servers, with every name below it.
    Suffix,
    /// A name of one server.
    Host,
    /// A label of names that nothing else tells, such as `doh` in `doh.example.org`.
    Label,
    /// A word in labels below names that applications share, such as those of a CDN.
    Word,
    /// A protocol agreed on in a TLS handshake.
    Alpn,
    /// A common name or organisation in a certificate, of its holder or signer.
    Certificate,
    /// Addresses of servers.
    Address,
    /// A port on which servers speak TLS, DTLS or QUIC for this application only.
    TlsPort,
}

impl Clue {
    /// The key of its list in a file.
    pub fn key(self) -> &'static str {
        match self {
            Clue::Suffix => "suffixes",
            Clue::Host => "hosts",
            Clue::Label => "labels",
            Clue::Word => "words",
            Clue::Alpn => "alpn",
            Clue::Certificate => "certificates",
            Clue::Address => "addresses",
            Clue::TlsPort => "tls_ports",
        }
    }

    /// Reads one of a list: checked, and in the form in which it is compared.
    pub(crate) fn read(self, text: &str) -> Result<String, Mistake> {
        match self {
            Clue::Suffix | Clue::Host => read_host(text),
            Clue::Label | Clue::Word => read_label(text),
            Clue::Alpn => read_alpn(text),
            Clue::Certificate => read_certificate(text),
            Clue::Address => Prefix::read(text).map(|_| text.to_ascii_lowercase()),
            Clue::TlsPort => match text.parse::<u16>() {
                Ok(port) if port > 0 => Ok(port.to_string()),
                _ => Err(Mistake::new(format!("\"{}\" is no port", shown(text)), "1 to 65535")),
            },
        }
    }
}

fn read_label(text: &str) -> Result<String, Mistake> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    // Digits at the end number servers, and are not compared.
    if plain && !text.is_empty() && !text.ends_with(|c: char| c.is_ascii_digit()) {
        return Ok(text.into());
    }
    Err(Mistake::new(
        format!("\"{}\" is no word of a name", shown(text)),
        "small letters and digits, the last a letter: numbers behind a word are passed over",
    ))
}

fn read_alpn(text: &str) -> Result<String, Mistake> {
    if text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.into());
    }
    Err(Mistake::new(
        format!("\"{}\" is no ALPN value", shown(text)),
        "one of IANA's list of ALPN protocol ids, such as dot",
    ))
}

fn read_certificate(text: &str) -> Result<String, Mistake> {
    if text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Mistake::new(
        format!("\"{}\" is too long for a name in a certificate", shown(text)),
        format!("a common name or an organisation of at most {LONGEST} octets"),
    ))
}
