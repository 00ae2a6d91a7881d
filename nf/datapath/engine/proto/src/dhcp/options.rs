//! DHCP options (RFC 2132 and its successors): their names, the types of their values, and where
//! they lie in a message.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use crate::Cursor;
use crate::dns::name;

/// Codes this parser has fields for.
pub mod code {
    #![allow(missing_docs, reason = "the names are the registry's")]
    pub const PAD: u8 = 0;
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const DNS_SERVERS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const DOMAIN: u8 = 15;
    pub const MTU: u8 = 26;
    pub const BROADCAST: u8 = 28;
    pub const NTP_SERVERS: u8 = 42;
    pub const REQUESTED_IP: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_ID: u8 = 54;
    pub const PARAMETERS: u8 = 55;
    pub const MESSAGE: u8 = 56;
    pub const MAX_SIZE: u8 = 57;
    pub const RENEWAL_TIME: u8 = 58;
    pub const REBINDING_TIME: u8 = 59;
    pub const VENDOR_CLASS: u8 = 60;
    pub const CLIENT_ID: u8 = 61;
    pub const TFTP_SERVER: u8 = 66;
    pub const BOOT_FILE: u8 = 67;
    pub const USER_CLASS: u8 = 77;
    pub const CLIENT_FQDN: u8 = 81;
    pub const RELAY_AGENT: u8 = 82;
    pub const DOMAIN_SEARCH: u8 = 119;
    pub const CLASSLESS_ROUTES: u8 = 121;
    pub const WPAD: u8 = 252;
    pub const END: u8 = 255;
}

/// What kind of value an option has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: its presence says it.
    Flag,
    /// 0 or 1.
    Bool,
    /// One octet.
    U8,
    /// Two octets.
    U16,
    /// Four octets.
    U32,
    /// Four octets, signed.
    I32,
    /// Octets, each a number.
    Numbers8,
    /// Pairs of octets, each a number.
    Numbers16,
    /// One address.
    Ip,
    /// Addresses.
    Ips,
    /// Pairs of addresses.
    IpPairs,
    /// Text.
    Text,
    /// Names as DNS has them.
    Names,
    /// Destinations with the routers to them.
    Routes,
    /// Flags, two codes, a name.
    Fqdn,
    /// Octets of no type that is known here.
    Octets,
}

use Kind::{
    Bool, Flag, Fqdn, I32, Ip, IpPairs, Ips, Names, Numbers8, Numbers16, Octets, Routes, U8, U16,
    U32,
};

/// Known options, by code.
const OPTIONS: &[(u8, &str, Kind)] = &[
    (1, "subnet_mask", Ip),
    (2, "time_offset", I32),
    (3, "routers", Ips),
    (4, "time_servers", Ips),
    (5, "name_servers", Ips),
    (6, "dns_servers", Ips),
    (7, "log_servers", Ips),
    (8, "quote_servers", Ips),
    (9, "print_servers", Ips),
    (10, "impress_servers", Ips),
    (11, "resource_location_servers", Ips),
    (12, "host_name", Kind::Text),
    (13, "boot_file_size", U16),
    (14, "merit_dump_file", Kind::Text),
    (15, "domain", Kind::Text),
    (16, "swap_server", Ip),
    (17, "root_path", Kind::Text),
    (18, "extensions_path", Kind::Text),
    (19, "ip_forwarding", Bool),
    (20, "source_routing", Bool),
    (21, "policy_filter", IpPairs),
    (22, "max_datagram_reassembly", U16),
    (23, "ip_ttl", U8),
    (24, "mtu_timeout", U32),
    (25, "mtu_plateaus", Numbers16),
    (26, "mtu", U16),
    (27, "all_subnets_local", Bool),
    (28, "broadcast", Ip),
    (29, "mask_discovery", Bool),
    (30, "mask_supplier", Bool),
    (31, "router_discovery", Bool),
    (32, "router_solicitation", Ip),
    (33, "static_routes", IpPairs),
    (34, "trailer_encapsulation", Bool),
    (35, "arp_timeout", U32),
    (36, "ethernet_encapsulation", Bool),
    (37, "tcp_ttl", U8),
    (38, "tcp_keepalive_interval", U32),
    (39, "tcp_keepalive_garbage", Bool),
    (40, "nis_domain", Kind::Text),
    (41, "nis_servers", Ips),
    (42, "ntp_servers", Ips),
    (43, "vendor_specific", Octets),
    (44, "netbios_name_servers", Ips),
    (45, "netbios_datagram_servers", Ips),
    (46, "netbios_node_type", U8),
    (47, "netbios_scope", Kind::Text),
    (48, "x_font_servers", Ips),
    (49, "x_display_managers", Ips),
    (50, "requested_ip", Ip),
    (51, "lease_time", U32),
    (52, "overload", U8),
    (53, "message_type", U8),
    (54, "server_id", Ip),
    (55, "params", Numbers8),
    (56, "message", Kind::Text),
    (57, "max_message_size", U16),
    (58, "renewal_time", U32),
    (59, "rebinding_time", U32),
    (60, "vendor_class", Kind::Text),
    (61, "client_id", Octets),
    (62, "netware_domain", Kind::Text),
    (63, "netware_options", Octets),
    (64, "nis_plus_domain", Kind::Text),
    (65, "nis_plus_servers", Ips),
    (66, "tftp_server", Kind::Text),
    (67, "boot_file", Kind::Text),
    (68, "mobile_ip_agents", Ips),
    (69, "smtp_servers", Ips),
    (70, "pop3_servers", Ips),
    (71, "nntp_servers", Ips),
    (72, "www_servers", Ips),
    (73, "finger_servers", Ips),
    (74, "irc_servers", Ips),
    (75, "streettalk_servers", Ips),
    (76, "streettalk_directory_servers", Ips),
    (77, "user_class", Octets),
    (78, "slp_directory_agents", Octets),
    (79, "slp_service_scope", Octets),
    (80, "rapid_commit", Flag),
    (81, "client_fqdn", Fqdn),
    (82, "relay_agent", Octets),
    (83, "isns", Octets),
    (85, "nds_servers", Ips),
    (86, "nds_tree", Kind::Text),
    (87, "nds_context", Kind::Text),
    (88, "bcmcs_domains", Names),
    (89, "bcmcs_servers", Ips),
    (90, "authentication", Octets),
    (91, "last_transaction_time", U32),
    (92, "associated_ips", Ips),
    (93, "client_system", Numbers16),
    (94, "client_interface", Octets),
    (97, "client_machine_id", Octets),
    (98, "user_authentication", Kind::Text),
    (99, "geoconf_civic", Octets),
    (100, "posix_timezone", Kind::Text),
    (101, "tzdb_timezone", Kind::Text),
    (108, "ipv6_only_wait", U32),
    (112, "netinfo_address", Ips),
    (113, "netinfo_tag", Kind::Text),
    (114, "captive_portal", Kind::Text),
    (116, "auto_configure", U8),
    (117, "name_service_search", Numbers16),
    (118, "subnet_selection", Ip),
    (119, "domain_search", Names),
    (120, "sip_servers", Octets),
    (121, "classless_routes", Routes),
    (122, "cablelabs_configuration", Octets),
    (123, "geoconf", Octets),
    (124, "vendor_identifying_class", Octets),
    (125, "vendor_identifying_options", Octets),
    (128, "tftp_server_address", Octets),
    (136, "pana_agents", Ips),
    (137, "lost_server", Names),
    (138, "capwap_controllers", Ips),
    (141, "sip_ua_domains", Names),
    (145, "forcerenew_nonce", Numbers8),
    (146, "rdnss_selection", Octets),
    (150, "tftp_servers", Ips),
    (151, "status", Octets),
    (152, "base_time", U32),
    (153, "start_time_of_state", U32),
    (154, "query_start_time", U32),
    (155, "query_end_time", U32),
    (156, "dhcp_state", U8),
    (157, "data_source", U8),
    (159, "port_parameters", Octets),
    (161, "mud_url", Kind::Text),
    (175, "ipxe", Octets),
    (209, "pxe_configuration_file", Kind::Text),
    (210, "pxe_path_prefix", Kind::Text),
    (211, "pxe_reboot_time", U32),
    (212, "six_rd", Octets),
    (213, "access_domain", Names),
    (220, "subnet_allocation", Octets),
    (221, "virtual_subnet_selection", Octets),
    (249, "classless_routes_microsoft", Routes),
    (252, "wpad", Kind::Text),
];

/// Name and type of an option, if it is known.
pub fn known(code: u8) -> Option<(&'static str, Kind)> {
    let found = OPTIONS.binary_search_by_key(&code, |(c, ..)| *c).ok()?;
    OPTIONS.get(found).map(|(_, name, kind)| (*name, *kind))
}

/// Most different options of a message.
const MAX_OPTIONS: usize = 128;

/// Options in the order of their first appearance; a code that comes again goes on (RFC 3396).
#[derive(Default)]
pub struct Options<'a> {
    /// Code and value of each.
    pub list: Vec<(u8, Cow<'a, [u8]>)>,
    /// The end was marked.
    pub ended: bool,
    /// A length led beyond the end of its area.
    pub broken: bool,
}

impl<'a> Options<'a> {
    /// Reads one area: the options proper, or a field that is overloaded with more of them.
    pub fn read(&mut self, area: &'a [u8]) {
        let mut c = Cursor::new(area);
        self.ended = false;
        while let Some(code) = c.u8() {
            match code {
                code::PAD => {}
                code::END => {
                    self.ended = true;
                    return;
                }
                _ => match c.prefixed_u8() {
                    Some(value) => self.add(code, value),
                    None => {
                        self.broken = true;
                        return;
                    }
                },
            }
        }
    }

    fn add(&mut self, code: u8, value: &'a [u8]) {
        let room = self.list.len() < MAX_OPTIONS;
        match self.list.iter_mut().find(|(c, _)| *c == code) {
            Some((_, earlier)) => earlier.to_mut().extend_from_slice(value),
            None if room => self.list.push((code, Cow::Borrowed(value))),
            None => {}
        }
    }

    /// The value of an option.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.list.iter().find(|(c, _)| *c == code).map(|(_, value)| value.as_ref())
    }
}

/// A list of items of `N` octets each; `None` where the octets are no whole number of them.
pub fn items<const N: usize>(value: &[u8]) -> Option<impl Iterator<Item = [u8; N]>> {
    let (chunks, rest) = value.as_chunks::<N>();
    (rest.is_empty() && !chunks.is_empty()).then(|| chunks.iter().copied())
}

/// Text without the zero octets that some senders end it with.
pub fn trimmed(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let Some(shorter) = value.strip_suffix(b"\0") {
        value = shorter;
    }
    value
}

/// Appends the value in words; `None` where it does not fit its kind.
pub fn write(kind: Kind, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut text = String::new();
    match kind {
        Kind::Text => {
            out.extend_from_slice(trimmed(value));
            return Some(());
        }
        Names => return write_names(value, out),
        Fqdn => {
            out.extend_from_slice(&fqdn(value)?);
            return Some(());
        }
        Flag => value.is_empty().then_some(())?,
        Bool => text.push_str(match value {
            [0] => "false",
            [1] => "true",
            _ => return None,
        }),
        U8 => text = u8::from_be_bytes(value.try_into().ok()?).to_string(),
        U16 => text = u16::from_be_bytes(value.try_into().ok()?).to_string(),
        U32 => text = u32::from_be_bytes(value.try_into().ok()?).to_string(),
        I32 => text = i32::from_be_bytes(value.try_into().ok()?).to_string(),
        Ip => text = Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).to_string(),
        Numbers8 => text = joined(value.iter()),
        Numbers16 => text = joined(items(value)?.map(u16::from_be_bytes)),
        Ips => text = joined(items(value)?.map(|ip: [u8; 4]| Ipv4Addr::from(ip))),
        IpPairs => {
            let pairs = items(value)?.map(|[a, b, c, d, e, f, g, h]: [u8; 8]| {
                format!("{} {}", Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h))
            });
            text = joined(pairs);
        }
        Routes => text = joined(routes(value)?.into_iter()),
        Octets => text = value.iter().map(|b| format!("{b:02x}")).collect(),
    }
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn joined(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

/// Names in the encoding of DNS, compressed within the option (RFC 3397).
fn write_names(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut at = 0;
    while at < value.len() {
        let (name, end) = name::read(value, at).ok()?;
        if at > 0 {
            out.push(b',');
        }
        name.write(out);
        at = end;
    }
    Some(())
}

/// The name in a client's FQDN option (RFC 4702 §2): flags, two codes, then either encoding.
pub fn fqdn(value: &[u8]) -> Option<Vec<u8>> {
    let (head, name) = value.split_first_chunk::<3>()?;
    let [flags, ..] = *head;
    if flags & 4 == 0 {
        return Some(trimmed(name).to_vec());
    }
    // A name that is not fully qualified lacks the root.
    let whole = [name, b"\0"].concat();
    let mut text = Vec::new();
    name::read(&whole, 0).ok()?.0.write(&mut text);
    Some(text)
}

/// Routes of RFC 3442: prefix length, as many octets of it as count, router.
pub fn routes(value: &[u8]) -> Option<Vec<String>> {
    let mut c = Cursor::new(value);
    let mut routes = Vec::new();
    while !c.is_empty() {
        let length = c.u8().filter(|&n| n <= 32)?;
        let mut prefix = [0u8; 4];
        let significant = usize::from(length.div_ceil(8));
        prefix.get_mut(..significant)?.copy_from_slice(c.take(significant)?);
        let router = Ipv4Addr::from(c.array::<4>()?);
        routes.push(format!("{}/{length} {router}", Ipv4Addr::from(prefix)));
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: u8, value: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        write(known(code).unwrap().1, value, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(OPTIONS.is_sorted_by_key(|(code, ..)| code));
        assert_eq!(known(51), Some(("lease_time", U32)));
        assert_eq!(known(254), None);
    }

    #[test]
    fn values_are_shown_by_their_kind() {
        for (code, value, text) in [
            (1, &b"\xff\xff\xff\0"[..], "255.255.255.0"),
            (2, b"\xff\xff\xf1\xf0", "-3600"),
            (3, b"\xc0\0\x02\x01\xc0\0\x02\x02", "192.0.2.1,192.0.2.2"),
            (12, b"host\0", "host"),
            (19, b"\x01", "true"),
            (25, b"\0\x44\x01\x28", "68,296"),
            (33, b"\x0a\0\0\0\xc0\0\x02\x01", "10.0.0.0 192.0.2.1"),
            (55, b"\x01\x03\x06", "1,3,6"),
            (61, b"\x01\xab", "01ab"),
            (80, b"", ""),
            (81, b"\x04\0\0\x04host\x04test", "host.test"),
            (81, b"\x00\0\0host.test", "host.test"),
            (119, b"\x03eng\x04test\0\x02hr\xc0\x04", "eng.test,hr.test"),
            (
                121,
                b"\x18\x0a\x01\x02\xc0\0\x02\x01\0\xc0\0\x02\xfe",
                "10.1.2.0/24 192.0.2.1,0.0.0.0/0 192.0.2.254",
            ),
        ] {
            assert_eq!(shown(code, value).as_deref(), Some(text), "{code}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for (code, value) in [
            (1, &b"\xff\xff\xff"[..]),
            (3, b"\xc0\0\x02\x01\xc0"),
            (3, b""),
            (19, b"\x02"),
            (51, b"\0\0\x0e"),
            (80, b"x"),
            (81, b"\x04\0"),
            (119, b"\x03en"),
            (119, b"\xc0\0"),
            (121, b"\x21\x0a\x01\x02\x03\x04\xc0\0\x02\x01"),
            (121, b"\x18\x0a\x01"),
        ] {
            assert_eq!(shown(code, value), None, "{code}");
        }
    }

    #[test]
    fn a_code_that_comes_again_goes_on() {
        let mut options = Options::default();
        options.read(b"\x0c\x02ab\0\x0f\x01x\x0c\x01c\xff\x0c\x01d");

        assert_eq!(options.get(12), Some(&b"abc"[..]));
        assert_eq!(options.list.len(), 2);
        assert!(options.ended && !options.broken);
        options.read(b"\x0c\x09a");
        assert!(options.broken && !options.ended);
    }
}
