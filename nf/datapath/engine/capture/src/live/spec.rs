//! What is captured, as it is asked for.

use glob::Pattern;

use super::names::ANY;
use crate::error::{CaptureError, ErrorKind};
use crate::libpcap::Libpcap;

/// Largest snap length: what libpcap's programs accept of a packet.
pub const MOST_SNAP: u32 = 262_144;
/// Bounds of a ring.
pub const BUFFER_BYTES: std::ops::RangeInclusive<usize> = 128 << 10..=4 << 30;

/// Sockets of an interface.
pub const SOCKETS: std::ops::RangeInclusive<u16> = 1..=64;

/// An interface, or all whose names match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name, pattern with `*`, `?` and `[…]`, or `any`.
    pub name: String,
    /// How packets are taken.
    pub through: Through,
    /// Sockets that share its packets by session, each with a ring.
    pub sockets: u16,
    /// Takes up frames for other hosts, too.
    pub promiscuous: bool,
    /// Octets kept of a packet.
    pub snap_length: u32,
    /// Size of the ring that the kernel fills, of each socket.
    pub buffer_bytes: usize,
    /// How long the kernel may wait until it hands over what it has.
    pub read_timeout_ms: u32,
    /// Takes what this host sends, too.
    pub outgoing: bool,
    /// Is waited for where it is not there yet.
    pub wait: bool,
    /// Filter in libpcap's language, beside the one for all; empty for none.
    pub bpf: String,
}

/// How packets are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Through {
    /// Linux' packet sockets, by a ring that is shared with the kernel.
    #[default]
    AfPacket,
    /// libpcap, loaded when it is needed.
    Libpcap,
}

impl Through {
    /// The word in output.
    pub fn name(self) -> &'static str {
        match self {
            Through::AfPacket => "af-packet",
            Through::Libpcap => "libpcap",
        }
    }
}

impl Interface {
    /// An interface with the usual settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            through: Through::default(),
            sockets: 1,
            promiscuous: true,
            snap_length: MOST_SNAP,
            buffer_bytes: 32 << 20,
            read_timeout_ms: 50,
            outgoing: true,
            wait: false,
            bpf: String::new(),
        }
    }

    /// Whether the name is a pattern.
    pub fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?', '['])
    }

    /// Whether an interface of this name is meant.
    pub(crate) fn means(&self, name: &str) -> bool {
        if !self.is_pattern() {
            return self.name == name;
        }
        name != ANY && Pattern::new(&self.name).is_ok_and(|pattern| pattern.matches(name))
    }

    /// The filter, together with the one for all.
    pub(crate) fn filter(&self, common: &str) -> Option<String> {
        match (common.trim(), self.bpf.trim()) {
            ("", "") => None,
            ("", one) | (one, "") => Some(one.into()),
            (common, own) => Some(format!("({common}) and ({own})")),
        }
    }
}

/// What is captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveSpec {
    /// From where; of several that mean the same interface the first one counts.
    pub interfaces: Vec<Interface>,
    /// Filter for all, in libpcap's language; empty for none.
    pub bpf: String,
}

impl LiveSpec {
    /// Refuses what cannot be.
    pub(crate) fn check(&self) -> Result<(), CaptureError> {
        let refuse = |n: usize, setting: &str, what: String, hint: &str| {
            let place = format!("interfaces[{n}].{setting}");
            Err(CaptureError::new(ErrorKind::Options, what, place, hint))
        };
        for (n, one) in self.interfaces.iter().enumerate() {
            if one.name.is_empty() {
                return refuse(n, "name", "an interface has no name".into(), "name one, as eth0");
            }
            if one.is_pattern()
                && let Err(error) = Pattern::new(&one.name)
            {
                let what = format!("{:?} is no pattern: {}", one.name, error.msg);
                return refuse(n, "name", what, "use *, ? and […], as in eth*");
            }
            if !(1..=MOST_SNAP).contains(&one.snap_length) {
                let what = format!("{} octets are no snap length", one.snap_length);
                return refuse(n, "snap_length", what, "1 to 262144 octets");
            }
            if !BUFFER_BYTES.contains(&one.buffer_bytes) {
                let what = format!("a buffer cannot have {} octets", one.buffer_bytes);
                return refuse(n, "buffer_bytes", what, "131072 to 4294967296 octets");
            }
            if !SOCKETS.contains(&one.sockets) {
                let what = format!("{} sockets cannot share an interface", one.sockets);
                return refuse(n, "sockets", what, "1 to 64 sockets");
            }
            if one.through == Through::Libpcap {
                if one.sockets > 1 {
                    let what = "libpcap reads an interface by one socket".to_string();
                    return refuse(n, "sockets", what, "1, or capture through af-packet");
                }
                if one.buffer_bytes > i32::MAX as usize {
                    let what = format!("libpcap takes no buffer of {} octets", one.buffer_bytes);
                    return refuse(n, "buffer_bytes", what, "2147483647 octets or less");
                }
                let place = format!("interfaces[{n}].source");
                Libpcap::get("captures there", &place, "capture through af-packet")?;
            }
            let rings = usize::from(one.sockets).saturating_mul(one.buffer_bytes);
            if rings > *BUFFER_BYTES.end() {
                let (sockets, bytes) = (one.sockets, one.buffer_bytes);
                let what = format!("{sockets} sockets of {bytes} octets each take {rings} octets");
                return refuse(n, "sockets", what, "4294967296 octets in all, or less");
            }
            if !(1..=10_000).contains(&one.read_timeout_ms) {
                let what = format!("{} ms are no read timeout", one.read_timeout_ms);
                return refuse(n, "read_timeout_ms", what, "1 to 10000 milliseconds");
            }
            if self.interfaces.iter().take(n).any(|before| before.name == one.name) {
                let what = format!("{:?} is there twice", one.name);
                return refuse(n, "name", what, "name an interface once");
            }
        }
        Ok(())
    }

    /// The settings for an interface of this name.
    pub(crate) fn settings(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.means(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_interfaces_that_match_it_and_never_any() {
        let one = Interface::new("eth*");
        assert!(one.means("eth0") && one.means("eth") && !one.means("veth0"));
        assert!(!Interface::new("*").means(ANY) && Interface::new(ANY).means(ANY));
    }

    #[test]
    fn filters_of_an_interface_and_of_all_must_both_hold() {
        let mut one = Interface::new("eth0");
        assert_eq!(one.filter(" "), None);
        one.bpf = "tcp or udp".into();
        assert_eq!(one.filter("").as_deref(), Some("tcp or udp"));
        assert_eq!(one.filter("ip or arp").as_deref(), Some("(ip or arp) and (tcp or udp)"));
    }

    #[test]
    fn settings_that_cannot_be_are_refused_with_their_place() {
        let of = |change: fn(&mut Interface)| {
            let mut second = Interface::new("eth1");
            change(&mut second);
            let interfaces = vec![Interface::new("eth0"), second];
            LiveSpec { interfaces, bpf: String::new() }.check().map_err(|error| error.place)
        };
        assert_eq!(of(|_| {}), Ok(()));
        let place = |setting: &str| Err(format!("interfaces[1].{setting}"));
        assert_eq!(of(|i| i.name = String::new()), place("name"));
        assert_eq!(of(|i| i.name = "eth0".into()), place("name"));
        assert_eq!(of(|i| i.name = "eth[".into()), place("name"));
        assert_eq!(of(|i| i.snap_length = 0), place("snap_length"));
        assert_eq!(of(|i| i.buffer_bytes = 1), place("buffer_bytes"));
        assert_eq!(of(|i| i.sockets = 0), place("sockets"));
        assert_eq!(of(|i| i.sockets = 65), place("sockets"));
        assert_eq!(of(|i| (i.sockets, i.buffer_bytes) = (64, 128 << 20)), place("sockets"));
        assert_eq!(of(|i| (i.sockets, i.buffer_bytes) = (64, 64 << 20)), Ok(()));
        assert_eq!(of(|i| i.through = Through::Libpcap), Ok(()));
        assert_eq!(of(|i| (i.through, i.sockets) = (Through::Libpcap, 2)), place("sockets"));
        assert_eq!(of(|i| i.read_timeout_ms = 0), place("read_timeout_ms"));
    }
}
