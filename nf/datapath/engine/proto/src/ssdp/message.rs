//! Octets → messages of SSDP: a start line and headers. Pure, bounded.

/// Most header lines of a message.
const MAX_LINES: usize = 64;

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Search,
    Notify,
    Response,
}

/// Header lines that are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    pub host: Option<&'a [u8]>,
    pub man: Option<&'a [u8]>,
    pub mx: Option<u32>,
    /// What is searched for, or what is announced.
    pub target: Option<&'a [u8]>,
    pub nts: Option<&'a [u8]>,
    pub usn: Option<&'a [u8]>,
    pub location: Option<&'a [u8]>,
    pub server: Option<&'a [u8]>,
    pub user_agent: Option<&'a [u8]>,
    pub max_age: Option<u32>,
    /// Some line is no header.
    pub flawed: bool,
}

const STARTS: [(&[u8], Kind); 3] = [
    (b"M-SEARCH * HTTP/1.1\r\n", Kind::Search),
    (b"NOTIFY * HTTP/1.1\r\n", Kind::Notify),
    (b"HTTP/1.1 200 OK\r\n", Kind::Response),
];

/// Takes a datagram apart; `None` when it does not begin as a message.
pub fn parse(data: &[u8]) -> Option<(Kind, Headers<'_>)> {
    let (kind, rest) =
        STARTS.iter().find_map(|(start, kind)| Some((*kind, data.strip_prefix(*start)?)))?;
    let mut headers = Headers::default();
    let mut rest = rest;
    for _ in 0..MAX_LINES {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            headers.flawed |= !rest.is_empty();
            break;
        };
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        headers.line(line);
    }
    Some((kind, headers))
}

impl<'a> Headers<'a> {
    fn line(&mut self, line: &'a [u8]) {
        let Some((name, value)) =
            memchr::memchr(b':', line).and_then(|at| line.split_at_checked(at))
        else {
            self.flawed = true;
            return;
        };
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        let place = match name.trim_ascii().to_ascii_uppercase().as_slice() {
            b"HOST" => &mut self.host,
            b"MAN" => &mut self.man,
            b"ST" | b"NT" => &mut self.target,
            b"NTS" => &mut self.nts,
            b"USN" => &mut self.usn,
            b"LOCATION" => &mut self.location,
            b"SERVER" => &mut self.server,
            b"USER-AGENT" => &mut self.user_agent,
            b"MX" => {
                self.mx = number(value);
                return;
            }
            b"CACHE-CONTROL" => {
                self.max_age = max_age(value);
                return;
            }
            _ => return,
        };
        *place = Some(value);
    }
}

/// Seconds for which an announcement holds.
fn max_age(value: &[u8]) -> Option<u32> {
    let at = memchr::memmem::find(&value.to_ascii_lowercase(), b"max-age")?;
    let rest = value.get(at.saturating_add(7)..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"=")?.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    number(rest.get(..digits)?)
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
