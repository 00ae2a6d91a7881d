//! What users' protocols say of one packet: for the tests that a plugin brings along.

use nf_wire::Transport;

use super::{Claim, Users};
use crate::registry::PROTOCOLS;
use crate::testing::{Event, Heard, dissector, flow, play_on};
use crate::{Direction, Segment, Wants};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Path above the transport.
    pub path: Vec<String>,
    /// Every header as JSON, by protocol.
    pub said: Vec<(String, String)>,
}

/// Reads `data` as the first packet of a session over `carrier`, to `port` (over `ip`: of that
/// protocol number; over `ethernet`: of that type).
///
/// # Errors
/// When there is no such carrier.
pub fn examine(users: Users, carrier: &str, port: u16, data: &[u8]) -> Result<Examined, String> {
    let everything = Wants { messages: true, ..Wants::NOTHING };
    if carrier == "ethernet" {
        let users = users.listening(&move |_| everything);
        let mut heard = Heard::default();
        let path = users.read_payload(port, data, 0, &mut heard);
        return Ok(Examined {
            path: path.into_iter().map(|id| heard.name_of(id)).collect(),
            said: heard.messages,
        });
    }
    let transport = match carrier {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "sctp" => Transport::Sctp,
        "ip" => Transport::Other,
        other => return Err(format!("{other:?} carries nothing here")),
    };
    let mut ends = flow(transport, port);
    if transport == Transport::Other {
        ends.protocol = u8::try_from(port).unwrap_or_default();
    }
    let dir = Direction::Up;
    let claimed = users.claim(&Segment { data, dir, time: 0, cut: false, ppid: 0, flow: &ends });
    let shared = dissector(PROTOCOLS, everything)?.with_users(users, &move |_| everything);
    let heard = play_on(&shared, Heard::default(), &ends, &[Event::Up(data)]);
    Ok(match (claimed, heard.path.is_empty()) {
        // A stream too short to tell has no path yet.
        (Claim::Short, _) | (_, true) => Examined::default(),
        _ => Examined { path: heard.path, said: heard.messages },
    })
}
