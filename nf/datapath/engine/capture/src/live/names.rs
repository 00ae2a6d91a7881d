//! The interfaces that there are.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The name that stands for every interface.
pub(crate) const ANY: &str = "any";

/// Numbers and names of the interfaces that there are now.
pub(crate) fn list() -> io::Result<Vec<(i32, String)>> {
    // SAFETY: takes nothing; gives an array that ends with index 0, or null.
    let array = unsafe { libc::if_nameindex() };
    if array.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    for n in 0.. {
        // SAFETY: the entry before was not the last one.
        let entry = unsafe { &*array.add(n) };
        if entry.if_index == 0 || entry.if_name.is_null() {
            break;
        }
        // SAFETY: the name ends with a zero and lives as long as the array.
        let name = unsafe { CStr::from_ptr(entry.if_name) };
        names.push((entry.if_index.cast_signed(), name.to_string_lossy().into_owned()));
    }
    // SAFETY: the array came from if_nameindex and is freed once.
    unsafe { libc::if_freenameindex(array) };
    Ok(names)
}

/// What the system says of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nature {
    /// Kind of its link (`ARPHRD_…`).
    pub kind: u16,
    /// Whether it is up.
    pub up: bool,
}

/// Asks about an interface.
pub(crate) fn nature(name: &str) -> io::Result<Nature> {
    // SAFETY: takes three numbers; the descriptor is new and owned by nobody else.
    let socket = unsafe {
        let descriptor = libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(descriptor)
    };
    // SAFETY: a request of zeros is one without a name.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    if name.is_empty() || name.len() > room {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    let ask = |number, request: &mut libc::ifreq| {
        // SAFETY: both requests read the name and fill in the union of this structure.
        match unsafe { libc::ioctl(socket.as_raw_fd(), number, request) } {
            0.. => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    ask(libc::SIOCGIFHWADDR as _, &mut request)?;
    // SAFETY: the request before filled in this member.
    let kind = unsafe { request.ifr_ifru.ifru_hwaddr.sa_family };
    ask(libc::SIOCGIFFLAGS as _, &mut request)?;
    // SAFETY: the request before filled in this member.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(Nature { kind, up: libc::c_int::from(flags) & libc::IFF_UP != 0 })
}

/// How packets of an interface are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Link type of the packets handed over (`LINKTYPE_…`).
    pub link: u16,
    /// The kernel leaves the link header out, and a header that says what it knew of it takes its
    /// place (`LINKTYPE_LINUX_SLL`).
    pub cooked: bool,
}

impl Shape {
    /// For interfaces of many kinds, or of one whose headers are not known.
    pub const COOKED: Self = Self { link: 113, cooked: true };

    /// By the kind of an interface (`ARPHRD_…` of `linux/if_arp.h`).
    pub fn of(kind: u16) -> Self {
        let link = match kind {
            1 | 772 => 1, // Ethernet, and loopback, which looks like it
            519 | 768 | 769 | 776 | 778 | 823 | 65534 => 101, // tunnels and tun: IP and nothing before
            801 => 105,                                       // 802.11
            802 => 119,                                       // with Prism headers
            803 => 127,                                       // with radiotap headers
            _ => return Self::COOKED,
        };
        Self { link, cooked: false }
    }
}

/// Whether the interface carries every packet twice, out and in.
pub(crate) fn is_loopback(kind: u16) -> bool {
    kind == 772
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there_and_looks_like_ethernet() {
        assert!(list().unwrap().iter().any(|(_, name)| name == "lo"));

        let lo = nature("lo").unwrap();

        assert!(is_loopback(lo.kind));
        assert_eq!(Shape::of(lo.kind), Shape { link: 1, cooked: false });
    }

    #[test]
    fn a_name_that_no_interface_can_have_is_no_device() {
        for name in ["", "a-name-that-is-far-too-long", "nf-is-not-there"] {
            assert_eq!(nature(name).unwrap_err().raw_os_error(), Some(libc::ENODEV), "{name}");
        }
    }
}
