//! One frame for every header and every way the walk can take, with the path it must give.

use nf_fields::ProtoId;
use nf_wire::{LinkType, id};

use crate::build::*;

/// A frame and what the walk must find in it.
pub struct Case {
    pub name: &'static str,
    pub link: LinkType,
    pub frame: Vec<u8>,
    pub path: &'static str,
}

fn on(link: u32, name: &'static str, frame: Vec<u8>, path: &'static str) -> Case {
    Case { name, link: LinkType::from_dlt(link), frame, path }
}

fn eth(name: &'static str, frame: Vec<u8>, path: &'static str) -> Case {
    on(1, name, frame, path)
}

fn eth_ip(name: &'static str, protocol: u8, payload: &[u8], path: &'static str) -> Case {
    eth(name, ethernet(0x0800, &ipv4(protocol, payload)), path)
}

fn eth_udp(name: &'static str, port: u16, payload: &[u8], path: &'static str) -> Case {
    eth_ip(name, 17, &udp(40000, port, payload), path)
}

fn root(name: &'static str, proto: ProtoId, frame: Vec<u8>, path: &'static str) -> Case {
    let offset = 3;
    let frame = cat(&[&[0xee; 3], &frame]);
    Case { name, link: LinkType::Protocol { proto, offset }, frame, path }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    [links(), network(), transports(), tunnels(), roots()].into_iter().flatten().collect()
}

/// An IPv4 datagram with TCP, and one with UDP in IPv6.
fn ip4() -> Vec<u8> {
    ipv4(6, &tcp(1000, 80, b"GET"))
}

fn ip6() -> Vec<u8> {
    ipv6(17, &udp(1000, 53, b"query"))
}

fn links() -> Vec<Case> {
    let frame = || ethernet(0x0800, &ip4());
    let clear = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    vec![
        eth("ethernet", frame(), "ethernet.ip.tcp"),
        eth("one tag", ethernet(0x8100, &tag(5, 0x0800, &ip4())), "ethernet.8021q.ip.tcp"),
        eth(
            "three tags",
            ethernet(0x88a8, &tag(5, 0x8100, &tag(6, 0x9100, &tag(7, 0x86dd, &ip6())))),
            "ethernet.8021ad.8021q.8021ad.ipv6.udp",
        ),
        eth("length", ieee8023(&[0x42, 0x42, 3, 0, 0]), "ethernet.llc.stp"),
        eth("snap", ieee8023(&snap([0; 3], 0x0800, &ip4())), "ethernet.llc.ip.tcp"),
        eth(
            "tag behind snap",
            ieee8023(&snap([0; 3], 0x8100, &tag(9, 0x0800, &ip4()))),
            "ethernet.llc.8021q.ip.tcp",
        ),
        eth("cisco snap", ieee8023(&snap([0, 0, 12], 0x2000, &[2, 180])), "ethernet.llc.cdp"),
        eth("is-is", ieee8023(&[0xfe, 0xfe, 3, 0x83, 27]), "ethernet.llc.is_is"),
        eth("xid", ieee8023(&[0, 1, 0xaf, 0x81, 1, 0]), "ethernet.llc.xid"),
        eth("novell", ieee8023(&[0xff; 30]), "ethernet.ipx"),
        eth("lldp", ethernet(0x88cc, &[2, 7, 4]), "ethernet.lldp"),
        eth("batman", ethernet(0x4305, &[0; 20]), "ethernet.batman"),
        eth("unknown ethertype", ethernet(0x7777, &[0; 20]), "ethernet"),
        eth(
            "backbone",
            ethernet(0x88a8, &tag(1, 0x88e7, &cat(&[&[0, 0, 0, 9], &frame()]))),
            "ethernet.8021ad.8021ah.ethernet.ip.tcp",
        ),
        eth(
            "fabric path",
            ethernet(0x8903, &cat(&[&[0, 0x60], &frame()])),
            "ethernet.fabric_path.ethernet.ip.tcp",
        ),
        eth("mpls", ethernet(0x8847, &mpls(&[16, 17], &ip4())), "ethernet.mpls.ip.tcp"),
        eth("mpls to ipv6", ethernet(0x8847, &mpls(&[2], &ip6())), "ethernet.mpls.ipv6.udp"),
        eth(
            "pseudowire",
            ethernet(0x8847, &mpls(&[16], &cat(&[&[0; 4], &frame()]))),
            "ethernet.mpls.ethernet.ip.tcp",
        ),
        eth(
            "pseudowire without control word",
            ethernet(0x8848, &mpls(&[16], &frame())),
            "ethernet.mpls.ethernet.ip.tcp",
        ),
        eth(
            "pppoe session",
            ethernet(0x8864, &pppoe(&cat(&[&[0, 0x21], &ip4()]))),
            "ethernet.pppoe.ppp.ip.tcp",
        ),
        eth("pppoe discovery", ethernet(0x8863, &pppoe(&[1, 1, 0, 0])), "ethernet.pppoe"),
        eth("arp", ethernet(0x0806, &arp()), "ethernet.arp"),
        eth("rarp", ethernet(0x8035, &arp()), "ethernet.arp"),
        eth(
            "nsh",
            ethernet(0x894f, &cat(&[&[0x0f, 0xc2, 2, 1, 0, 0, 1, 255], &ip4()])),
            "ethernet.nsh.ip.tcp",
        ),
        on(0, "null", cat(&[&[2, 0, 0, 0], &ip4()]), "loopback.ip.tcp"),
        on(108, "loop", cat(&[&[0, 0, 0, 24], &ip6()]), "loopback.ipv6.udp"),
        on(101, "raw 4", ip4(), "ip.tcp"),
        on(12, "raw 6", ip6(), "ipv6.udp"),
        on(228, "raw ipv4", ip4(), "ip.tcp"),
        on(229, "raw ipv6", ip6(), "ipv6.udp"),
        on(113, "cooked", sll(0x0800, &ip4()), "sll.ip.tcp"),
        on(113, "cooked tag", sll(0x8100, &tag(3, 0x0800, &ip4())), "sll.8021q.ip.tcp"),
        on(113, "cooked llc", sll(4, &[0x42, 0x42, 3, 0]), "sll.llc.stp"),
        on(276, "cooked 2", sll2(0x86dd, &ip6()), "sll2.ipv6.udp"),
        on(276, "cooked 2 tag", sll2(0x8100, &tag(3, 0x0800, &ip4())), "sll2.8021q.ip.tcp"),
        on(9, "ppp", cat(&[&[0xff, 3, 0, 0x21], &ip4()]), "ppp.ip.tcp"),
        on(50, "cisco on a serial line", cat(&[&[0x0f, 0, 8, 0], &ip4()]), "hdlc.ip.tcp"),
        on(204, "ppp with direction", cat(&[&[1, 0xff, 3, 0, 0x57], &ip6()]), "ppp.ipv6.udp"),
        on(51, "pppoe", pppoe(&cat(&[&[0, 0x21], &ip4()])), "pppoe.ppp.ip.tcp"),
        on(100, "classical ip", snap([0; 3], 0x0800, &ip4()), "llc.ip.tcp"),
        on(
            104,
            "cisco hdlc",
            cat(&[&[0x0f, 0, 0x88, 0x47], &mpls(&[3], &ip4())]),
            "hdlc.mpls.ip.tcp",
        ),
        on(104, "slarp", vec![0x8f, 0, 0x80, 0x35, 0, 0, 0, 2], "hdlc"),
        on(104, "cisco osi", vec![0x0f, 0, 0xfe, 0xfe, 3, 0x83, 27], "hdlc.is_is"),
        on(219, "mpls link", mpls(&[0], &ip4()), "mpls.ip.tcp"),
        on(105, "data", ieee80211([0x08, 1], &cat(&[&clear, &ip4()])), "ieee80211.llc.ip.tcp"),
        on(
            127,
            "quality data with check sequence",
            radiotap(0x10, &ieee80211([0x88, 2], &cat(&[&[0, 0], &clear, &ip4(), &[9; 4]]))),
            "radiotap.ieee80211.llc.ip.tcp",
        ),
        on(
            127,
            "padded",
            radiotap(0x20, &ieee80211([0x88, 2], &cat(&[&[0, 0, 0, 0], &clear, &ip4()]))),
            "radiotap.ieee80211.llc.ip.tcp",
        ),
        on(
            105,
            "aggregate",
            ieee80211(
                [0x88, 1],
                &cat(&[
                    &[0x80, 0],
                    &[4; 12],
                    &(8 + ip4().len() as u16).to_be_bytes(),
                    &clear,
                    &ip4(),
                ]),
            ),
            "ieee80211.llc.ip.tcp",
        ),
        on(105, "encrypted", ieee80211([0x08, 0x41], &[0x55; 30]), "ieee80211"),
        on(105, "beacon", ieee80211([0x80, 0], &[0x55; 30]), "ieee80211"),
        on(192, "ppi", cat(&[&[0, 0, 8, 0, 1, 0, 0, 0], &frame()]), "ppi.ethernet.ip.tcp"),
        on(195, "802.15.4", vec![0x61, 0x88, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], "ieee802154"),
        on(230, "802.15.4 bare", vec![0x61, 0x88, 9, 1, 2, 3, 4, 5, 6], "ieee802154"),
    ]
}

fn network() -> Vec<Case> {
    let frame = |ip: &[u8]| ethernet(0x0800, ip);
    let frame6 = |ip: &[u8]| ethernet(0x86dd, ip);
    vec![
        eth(
            "options",
            frame(&ipv4_options(6, &[0x94, 4, 0, 0], &tcp(1, 2, b"x"))),
            "ethernet.ip.tcp",
        ),
        eth(
            "every extension header",
            frame6(&ipv6(
                0,
                &extension(60, &extension(43, &extension(60, &extension(6, &tcp(1, 2, b"x"))))),
            )),
            "ethernet.ipv6.tcp",
        ),
        eth(
            "authentication",
            frame6(&ipv6(51, &ah(60, &extension(17, &udp(1, 2, b"x"))))),
            "ethernet.ipv6.ah.udp",
        ),
        eth(
            "authentication in IPv4",
            frame(&ipv4(51, &ah(6, &tcp(1, 2, b"x")))),
            "ethernet.ip.ah.tcp",
        ),
        eth(
            "first fragment",
            frame(&ipv4_fragment(17, 0x2000, &udp(1, 2, &[0; 40]))),
            "ethernet.ip.udp",
        ),
        eth("later fragment", frame(&ipv4_fragment(17, 0x0005, &[0; 40])), "ethernet.ip"),
        eth(
            "first fragment of IPv6",
            frame6(&ipv6(44, &cat(&[&[6, 0, 0, 1, 0, 0, 0, 9], &tcp(1, 2, &[0; 40])]))),
            "ethernet.ipv6.tcp",
        ),
        eth(
            "later fragment of IPv6",
            frame6(&ipv6(44, &cat(&[&[6, 0, 0, 8, 0, 0, 0, 9], &[0; 40]]))),
            "ethernet.ipv6",
        ),
        eth(
            "fragmented tunnel",
            frame(&ipv4_fragment(17, 0x2000, &udp(1, 2152, &gtp(255, 1, &ip4())))),
            "ethernet.ip.udp",
        ),
        eth(
            "fragmented GRE",
            frame(&ipv4_fragment(47, 0x2000, &gre(0, 0x0800, &[], &ip4()))),
            "ethernet.ip.gre",
        ),
        eth(
            "mobility",
            frame6(&ipv6(135, &[59, 0, 5, 0, 0, 0, 0, 0])),
            "ethernet.ipv6.mobility_header",
        ),
        eth("hip", frame6(&ipv6(139, &[59, 4, 1, 0x11, 0, 0, 0, 0])), "ethernet.ipv6.hip"),
        eth("shim6", frame6(&ipv6(140, &extension(6, &tcp(1, 2, b"x")))), "ethernet.ipv6.tcp"),
        eth("nothing next", frame6(&ipv6(59, &[])), "ethernet.ipv6"),
        eth_ip("icmp", 1, &[8, 0, 0, 0, 0, 1, 0, 2, 0xaa], "ethernet.ip.icmp"),
        eth("icmpv6", frame6(&ipv6(58, &[128, 0, 0, 0, 0, 1, 0, 2])), "ethernet.ipv6.icmpv6"),
        eth_ip("igmp", 2, &[0x16, 0, 0, 0, 224, 0, 0, 9], "ethernet.ip.igmp"),
        eth_ip("ospf", 89, &[2, 1, 0, 16, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], "ethernet.ip.ospf"),
        eth_ip("pim", 103, &[0x20, 0, 0, 0], "ethernet.ip.pim"),
        eth_ip("vrrp", 112, &[0x31, 1, 100, 1], "ethernet.ip.vrrp"),
        eth_ip("esp", 50, &[0, 0, 0, 1, 0, 0, 0, 2, 0xcc], "ethernet.ip.esp"),
        eth_ip("unassigned", 200, &[0; 8], "ethernet.ip"),
    ]
}

fn transports() -> Vec<Case> {
    let data = chunk(0, &[0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 46, 0xab, 0xcd]);
    let sack = chunk(3, &[0; 12]);
    vec![
        eth_ip("tcp", 6, &tcp(1, 2, b"x"), "ethernet.ip.tcp"),
        eth_ip("udp", 17, &udp(1, 2, b"x"), "ethernet.ip.udp"),
        eth_ip(
            "sctp data",
            132,
            &sctp(&[&sack, &data, &data]),
            "ethernet.ip.sctp.sctp_sack.sctp_data",
        ),
        eth_ip("sctp init", 132, &sctp(&[&chunk(1, &[0; 16])]), "ethernet.ip.sctp.sctp_init"),
        eth_ip(
            "sctp cookie",
            132,
            &sctp(&[&chunk(11, &[]), &chunk(77, &[1]), &chunk(4, &[0, 1, 0, 4])]),
            "ethernet.ip.sctp.sctp_cookie_echo.sctp_heartbeat",
        ),
        eth_ip("sctp bare", 132, &sctp(&[]), "ethernet.ip.sctp"),
        eth_ip("udplite", 136, &udp(1, 2, b"x"), "ethernet.ip.udplite"),
        eth_ip("dccp", 33, &[0, 1, 0, 2, 4, 0, 0, 0, 0, 0, 0, 0], "ethernet.ip.dccp"),
    ]
}

fn tunnels() -> Vec<Case> {
    let frame = || ethernet(0x0800, &ip4());
    let ppp = || cat(&[&[0xff, 3, 0, 0x21], &ip4()]);
    let pptp = || gre(0x3081, 0x880b, &[(ppp().len() as u32) << 16 | 7, 1, 2], &ppp());
    vec![
        eth_ip("ip in ip", 4, &ip4(), "ethernet.ip.ip.tcp"),
        eth_ip("6in4", 41, &ip6(), "ethernet.ip.ipv6.udp"),
        eth("4in6", ethernet(0x86dd, &ipv6(4, &ip4())), "ethernet.ipv6.ip.tcp"),
        eth_ip("gre", 47, &gre(0, 0x0800, &[], &ip4()), "ethernet.ip.gre.ip.tcp"),
        eth_ip(
            "gre with all parts",
            47,
            &gre(0xb000, 0x6558, &[0, 77, 5], &frame()),
            "ethernet.ip.gre.ethernet.ip.tcp",
        ),
        eth_ip("gre keep-alive", 47, &gre(0, 0, &[], &[]), "ethernet.ip.gre"),
        eth_ip(
            "wccp",
            47,
            &gre(0, 0x883e, &[], &cat(&[&[0; 4], &ip4()])),
            "ethernet.ip.gre.ip.tcp",
        ),
        eth_ip(
            "mpls in gre",
            47,
            &gre(0, 0x8847, &[], &mpls(&[16], &ip4())),
            "ethernet.ip.gre.mpls.ip.tcp",
        ),
        eth_ip("pptp", 47, &pptp(), "ethernet.ip.gre.ppp.ip.tcp"),
        eth_ip("forged gre version", 47, &gre(3, 0x0800, &[], &ip4()), "ethernet.ip.gre"),
        eth_ip("erspan i", 47, &gre(0, 0x88be, &[], &frame()), "ethernet.ip.gre.ethernet.ip.tcp"),
        eth_ip(
            "erspan ii",
            47,
            &gre(0x1000, 0x88be, &[1], &cat(&[&[0x10, 1, 0, 9, 0, 0, 0, 0], &frame()])),
            "ethernet.ip.gre.erspan.ethernet.ip.tcp",
        ),
        eth_ip(
            "erspan iii",
            47,
            &gre(0x1000, 0x22eb, &[1], &cat(&[&[0x20, 1, 0, 9], &[0; 7], &[1], &[0; 8], &frame()])),
            "ethernet.ip.gre.erspan.ethernet.ip.tcp",
        ),
        eth_ip("etherip", 97, &cat(&[&[0x30, 0], &frame()]), "ethernet.ip.etherip.ethernet.ip.tcp"),
        eth_ip("mpls in ip", 137, &mpls(&[16], &ip4()), "ethernet.ip.mpls.ip.tcp"),
        eth_ip("l2tpv3", 115, &[0, 0, 0, 9, 0xaa], "ethernet.ip.l2tpv3"),
        eth_ip(
            "l2tpv3 control",
            115,
            &[0, 0, 0, 0, 0xc8, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0],
            "ethernet.ip.l2tp",
        ),
        eth_udp("gtp", 2152, &gtp(255, 1, &ip4()), "ethernet.ip.udp.gtp.ip.tcp"),
        eth_udp("gtp 5g", 2152, &gtp_5g(1, &ip6()), "ethernet.ip.udp.gtp.ipv6.udp"),
        eth_udp("gtp echo", 2152, &gtp(1, 0, &[]), "ethernet.ip.udp.gtp"),
        eth_udp(
            "gtp control",
            2123,
            &gtp(16, 0, &[2, 1, 2, 3, 4, 5, 6, 7, 8]),
            "ethernet.ip.udp.gtp",
        ),
        eth_udp("gtp prime", 3386, &[0x4e, 1, 0, 0, 0, 1], "ethernet.ip.udp.gtp"),
        eth_udp("not gtp", 2152, b"just some words", "ethernet.ip.udp"),
        eth(
            "telemetry in tcp",
            ethernet(0x0800, &marked(ipv4(6, &tcp(1, 80, &telemetry_1(b"GET"))))),
            "ethernet.ip.tcp.int",
        ),
        eth(
            "telemetry in udp over ipv6",
            ethernet(0x86dd, &marked(ipv6(17, &udp(1, 53, &telemetry_2(0, 0xb8, b"query"))))),
            "ethernet.ipv6.udp.int",
        ),
        eth(
            "telemetry before a tunnel",
            ethernet(
                0x0800,
                &marked(ipv4(17, &udp(1, 4789, &telemetry_2(0, 0, &vxlan(9, &frame()))))),
            ),
            "ethernet.ip.udp.int.vxlan.ethernet.ip.tcp",
        ),
        eth(
            "a marked tunnel without telemetry",
            ethernet(0x0800, &marked(ipv4(17, &udp(1, 4789, &vxlan(9, &frame()))))),
            "ethernet.ip.udp.vxlan.ethernet.ip.tcp",
        ),
        eth(
            "telemetry in a datagram that nothing marks",
            ethernet(0x0800, &ipv4(17, &udp(1, 53, &telemetry_2(0, 0, b"query")))),
            "ethernet.ip.udp",
        ),
        eth_udp(
            "telemetry by port",
            9000,
            &telemetry_2(1, 4789, &vxlan(9, &frame())),
            "ethernet.ip.udp.int.vxlan.ethernet.ip.tcp",
        ),
        eth_udp(
            "telemetry in a udp of its own",
            9000,
            &telemetry_2(2, 6, &tcp(1, 80, b"GET")),
            "ethernet.ip.udp.int.tcp",
        ),
        eth_udp("vxlan", 4789, &vxlan(9, &frame()), "ethernet.ip.udp.vxlan.ethernet.ip.tcp"),
        eth_udp(
            "vxlan of linux",
            8472,
            &vxlan(9, &frame()),
            "ethernet.ip.udp.vxlan.ethernet.ip.tcp",
        ),
        eth_udp(
            "vxlan with reserved bits",
            4789,
            &cat(&[&[0xff, 1, 0, 0, 0, 0, 9, 0], &frame()]),
            "ethernet.ip.udp.vxlan.ethernet.ip.tcp",
        ),
        eth_udp("not vxlan", 4789, &[0xff; 60], "ethernet.ip.udp"),
        eth_udp(
            "geneve",
            6081,
            &geneve(0x6558, 9, &frame()),
            "ethernet.ip.udp.geneve.ethernet.ip.tcp",
        ),
        eth_udp("l2tp", 1701, &l2tp(1, 2, &ppp()), "ethernet.ip.udp.l2tp.ppp.ip.tcp"),
        eth_udp(
            "l2tp control",
            1701,
            &[0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0],
            "ethernet.ip.udp.l2tp",
        ),
        eth_udp("not l2tp", 1701, &[0x12; 40], "ethernet.ip.udp"),
        eth_udp(
            "tzsp",
            37008,
            &cat(&[&[1, 0, 0, 1, 10, 1, 0xc8, 1], &frame()]),
            "ethernet.ip.udp.tzsp.ethernet.ip.tcp",
        ),
        eth_udp(
            "tunnels in tunnels",
            2152,
            &gtp(255, 1, &ipv4(17, &udp(1, 4789, &vxlan(2, &ethernet(0x0800, &ipv4(4, &ip4())))))),
            "ethernet.ip.udp.gtp.ip.udp.vxlan.ethernet.ip.ip.tcp",
        ),
    ]
}

fn roots() -> Vec<Case> {
    vec![
        root("ethernet root", id::ETHERNET, ethernet(0x0800, &ip4()), "ethernet.ip.tcp"),
        root("ip root", id::IP, ip4(), "ip.tcp"),
        root("tag root", id::DOT1Q, cat(&[&[0x81, 0], &tag(1, 0x0800, &ip4())]), "8021q.ip.tcp"),
        root("udp root", id::UDP, udp(1, 2152, &gtp(255, 7, &ip4())), "udp.gtp.ip.tcp"),
        root("gtp root", id::GTP, gtp(255, 7, &ip4()), "gtp.ip.tcp"),
        root("tcp root", id::TCP, tcp(1, 2, b"x"), "tcp"),
    ]
}
