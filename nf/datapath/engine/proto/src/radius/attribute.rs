//! One packet as filters and events see it: its header, the attributes by name, and any attribute
//! by the number of its type. A table.

use std::net::IpAddr;

use nf_fields::{BinaryRef, TextRef, fields};

use super::message::{Packet, address, number};

/// A packet with its attributes indexed.
pub struct RadiusMessage<'a> {
    packet: &'a Packet<'a>,
    /// The first attribute of each type.
    standard: Box<[Option<&'a [u8]>; 256]>,
    /// The first attribute of each of 3GPP's.
    of_3gpp: [Option<&'a [u8]>; 32],
}

impl<'a> RadiusMessage<'a> {
    /// Indexes a packet.
    pub(super) fn new(packet: &'a Packet<'a>) -> Self {
        let mut standard = Box::new([None; 256]);
        let mut of_3gpp = [None; 32];
        for (kind, value) in packet.attributes() {
            if let Some(slot) = standard.get_mut(usize::from(kind)) {
                slot.get_or_insert(value);
            }
        }
        for (kind, value) in packet.of_3gpp() {
            if let Some(slot) = of_3gpp.get_mut(usize::from(kind)) {
                slot.get_or_insert(value);
            }
        }
        Self { packet, standard, of_3gpp }
    }

    fn standard(&self, kind: usize) -> Option<&'a [u8]> {
        self.standard.get(kind).copied().flatten()
    }

    fn of_3gpp(&self, kind: usize) -> Option<&'a [u8]> {
        self.of_3gpp.get(kind).copied().flatten()
    }

    fn octets_of(&self, kind: usize) -> Option<BinaryRef<'a>> {
        self.standard(kind).map(BinaryRef)
    }
}

fn text(value: &[u8]) -> Option<TextRef<'_>> {
    Some(TextRef(value))
}

fn octets(value: &[u8]) -> Option<BinaryRef<'_>> {
    Some(BinaryRef(value))
}

fn octet(value: &[u8]) -> Option<u8> {
    value.first().copied()
}

fn number16(value: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(value.try_into().ok()?))
}

fn number64(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.try_into().ok()?))
}

fields! { RadiusMessage {
    1 "code": u8 = |m| m.packet.code, "Code: 1 access request, 2 accept, 3 reject, 4 accounting request, 5 its response…";
    2 "id" | "identifier": u8 = |m| m.packet.id, "Number that ties a response to its request.";
    3 "len" | "length": u16 = |m| m.packet.length, "Octets of the packet.";
    4 "authenticator": BinaryRef<'_> = |m| BinaryRef(m.packet.authenticator), "Authenticator of the request or of the response.";
    5 "user_name": Option<TextRef<'_>> = |m| m.standard(1).and_then(text), "Name of the user.";
    6 "user_password": Option<BinaryRef<'_>> = |m| m.standard(2).and_then(octets), "Password, hidden by the shared secret.";
    7 "chap_password": Option<BinaryRef<'_>> = |m| m.standard(3).and_then(octets), "Response to a challenge of CHAP.";
    8 "nas_ip_address": Option<IpAddr> = |m| m.standard(4).and_then(address), "Address of the access server.";
    9 "nas_port": Option<u32> = |m| m.standard(5).and_then(number), "Port of the access server.";
    10 "service_type": Option<u32> = |m| m.standard(6).and_then(number), "Service that is asked for or granted.";
    11 "framed_protocol": Option<u32> = |m| m.standard(7).and_then(number), "Framing of the access: 1 PPP.";
    12 "framed_ip_address": Option<IpAddr> = |m| m.standard(8).and_then(address), "Address of the user.";
    13 "framed_ip_netmask": Option<IpAddr> = |m| m.standard(9).and_then(address), "Mask of that address.";
    14 "framed_mtu": Option<u32> = |m| m.standard(12).and_then(number), "Largest packet to the user.";
    15 "callback_number": Option<TextRef<'_>> = |m| m.standard(19).and_then(text), "Number to call back.";
    16 "callback_id": Option<TextRef<'_>> = |m| m.standard(20).and_then(text), "Name of a place to call back.";
    17 "state": Option<BinaryRef<'_>> = |m| m.standard(24).and_then(octets), "What a server wants back with the next request.";
    18 "class": Option<BinaryRef<'_>> = |m| m.standard(25).and_then(octets), "What a server wants in accounting.";
    19 "session_timeout": Option<u32> = |m| m.standard(27).and_then(number), "Seconds that the session may last.";
    20 "idle_timeout": Option<u32> = |m| m.standard(28).and_then(number), "Seconds that the session may idle.";
    21 "called_station_id": Option<TextRef<'_>> = |m| m.standard(30).and_then(text), "What was called: number, or address and name of an access point.";
    22 "calling_station_id": Option<TextRef<'_>> = |m| m.standard(31).and_then(text), "Who called: number or hardware address.";
    23 "nas_identifier": Option<TextRef<'_>> = |m| m.standard(32).and_then(text), "Name of the access server.";
    24 "acct_status_type": Option<u32> = |m| m.standard(40).and_then(number), "What accounting is about: 1 start, 2 stop, 3 interim update.";
    25 "acct_delay_time": Option<u32> = |m| m.standard(41).and_then(number), "Seconds for which the accounting was tried before.";
    26 "acct_input_octets": Option<u32> = |m| m.standard(42).and_then(number), "Octets from the user, modulo 2^32.";
    27 "acct_output_octets": Option<u32> = |m| m.standard(43).and_then(number), "Octets to the user, modulo 2^32.";
    28 "acct_session_id": Option<TextRef<'_>> = |m| m.standard(44).and_then(text), "Name of the session.";
    29 "acct_authentic": Option<u32> = |m| m.standard(45).and_then(number), "Who authenticated the user.";
    30 "acct_session_time": Option<u32> = |m| m.standard(46).and_then(number), "Seconds that the session has lasted.";
    31 "acct_input_packets": Option<u32> = |m| m.standard(47).and_then(number), "Packets from the user.";
    32 "acct_output_packets": Option<u32> = |m| m.standard(48).and_then(number), "Packets to the user.";
    33 "acct_terminate_cause": Option<u32> = |m| m.standard(49).and_then(number), "Why the session ended.";
    34 "event_timestamp": Option<u32> = |m| m.standard(55).and_then(number), "When it happened: seconds since 1970.";
    35 "nas_port_type": Option<u32> = |m| m.standard(61).and_then(number), "Kind of port: 15 Ethernet, 19 Wi-Fi.";
    36 "message_authenticator": Option<BinaryRef<'_>> = |m| m.standard(80).and_then(octets), "Digest over the packet.";
    37 "nas_port_id": Option<TextRef<'_>> = |m| m.standard(87).and_then(text), "Name of the port.";
    38 "nas_ipv6_address": Option<IpAddr> = |m| m.standard(95).and_then(address), "IPv6 address of the access server.";
    39 "framed_interface_id": Option<u64> = |m| m.standard(96).and_then(number64), "Interface identifier of the user.";
    40 "framed_ipv6_prefix": Option<BinaryRef<'_>> = |m| m.standard(97).and_then(octets), "IPv6 prefix of the user, as sent.";
    41 "framed_ipv6_pool": Option<TextRef<'_>> = |m| m.standard(100).and_then(text), "Pool from which the prefix is taken.";
    42 "imsi": Option<TextRef<'_>> = |m| m.of_3gpp(1).and_then(text), "3GPP: identity of the subscriber.";
    43 "charg_id": Option<u32> = |m| m.of_3gpp(2).and_then(number), "3GPP: number that charging goes by.";
    44 "pdp_type": Option<u32> = |m| m.of_3gpp(3).and_then(number), "3GPP: type of the context.";
    45 "cg_ip": Option<IpAddr> = |m| m.of_3gpp(4).and_then(address), "3GPP: address of the charging gateway.";
    46 "qos_prof": Option<TextRef<'_>> = |m| m.of_3gpp(5).and_then(text), "3GPP: quality of service.";
    47 "sgsn_ip": Option<IpAddr> = |m| m.of_3gpp(6).and_then(address), "3GPP: address of the SGSN.";
    48 "ggsn_ip": Option<IpAddr> = |m| m.of_3gpp(7).and_then(address), "3GPP: address of the GGSN.";
    49 "imsi_mccmnc": Option<TextRef<'_>> = |m| m.of_3gpp(8).and_then(text), "3GPP: country and network of the subscriber.";
    50 "ggsn_mccmnc": Option<TextRef<'_>> = |m| m.of_3gpp(9).and_then(text), "3GPP: country and network of the GGSN.";
    51 "nsapi": Option<u8> = |m| m.of_3gpp(10).and_then(octet), "3GPP: context of the subscriber, as a character.";
    52 "sess_stop_ind": Option<u8> = |m| m.of_3gpp(11).and_then(octet), "3GPP: the last context has ended.";
    53 "select_mode": Option<u8> = |m| m.of_3gpp(12).and_then(octet), "3GPP: how the access point was chosen, as a character.";
    54 "charg_charact": Option<TextRef<'_>> = |m| m.of_3gpp(13).and_then(text), "3GPP: characteristics of charging.";
    55 "cg_ipv6": Option<IpAddr> = |m| m.of_3gpp(14).and_then(address), "3GPP: IPv6 address of the charging gateway.";
    56 "sgsn_ipv6": Option<IpAddr> = |m| m.of_3gpp(15).and_then(address), "3GPP: IPv6 address of the SGSN.";
    57 "ggsn_ipv6": Option<IpAddr> = |m| m.of_3gpp(16).and_then(address), "3GPP: IPv6 address of the GGSN.";
    58 "dns_ipv6": Option<IpAddr> = |m| m.of_3gpp(17).and_then(address), "3GPP: IPv6 address of a DNS server, the first.";
    59 "sgsn_mccmnc": Option<TextRef<'_>> = |m| m.of_3gpp(18).and_then(text), "3GPP: country and network of the SGSN.";
    60 "teardown_ind": Option<u8> = |m| m.of_3gpp(19).and_then(octet), "3GPP: all contexts are to end.";
    61 "imei": Option<TextRef<'_>> = |m| m.of_3gpp(20).and_then(text), "3GPP: identity of the equipment.";
    62 "rat_type": Option<u8> = |m| m.of_3gpp(21).and_then(octet), "3GPP: radio access.";
    63 "user_loc": Option<BinaryRef<'_>> = |m| m.of_3gpp(22).and_then(octets), "3GPP: place of the subscriber, as sent.";
    64 "timezone": Option<u16> = |m| m.of_3gpp(23).and_then(number16), "3GPP: time zone of the subscriber, as sent.";
    65 "camel_charg": Option<BinaryRef<'_>> = |m| m.of_3gpp(24).and_then(octets), "3GPP: charging of CAMEL, as sent.";
    66 "pkt_filter": Option<BinaryRef<'_>> = |m| m.of_3gpp(25).and_then(octets), "3GPP: filter of packets, as sent.";
    67 "neg_dscp": Option<u8> = |m| m.of_3gpp(26).and_then(octet), "3GPP: class of service.";
    68 "alloc_ip_type": Option<u8> = |m| m.of_3gpp(27).and_then(octet), "3GPP: kind of address.";
    69 "avp1": Option<BinaryRef<'_>> = |m| m.octets_of(1), "First attribute of type 1, as sent.";
    70 "avp2": Option<BinaryRef<'_>> = |m| m.octets_of(2), "First attribute of type 2, as sent.";
    71 "avp3": Option<BinaryRef<'_>> = |m| m.octets_of(3), "First attribute of type 3, as sent.";
    72 "avp4": Option<BinaryRef<'_>> = |m| m.octets_of(4), "First attribute of type 4, as sent.";
    73 "avp5": Option<BinaryRef<'_>> = |m| m.octets_of(5), "First attribute of type 5, as sent.";
    74 "avp6": Option<BinaryRef<'_>> = |m| m.octets_of(6), "First attribute of type 6, as sent.";
    75 "avp7": Option<BinaryRef<'_>> = |m| m.octets_of(7), "First attribute of type 7, as sent.";
    76 "avp8": Option<BinaryRef<'_>> = |m| m.octets_of(8), "First attribute of type 8, as sent.";
    77 "avp9": Option<BinaryRef<'_>> = |m| m.octets_of(9), "First attribute of type 9, as sent.";
    78 "avp10": Option<BinaryRef<'_>> = |m| m.octets_of(10), "First attribute of type 10, as sent.";
    79 "avp11": Option<BinaryRef<'_>> = |m| m.octets_of(11), "First attribute of type 11, as sent.";
    80 "avp12": Option<BinaryRef<'_>> = |m| m.octets_of(12), "First attribute of type 12, as sent.";
    81 "avp13": Option<BinaryRef<'_>> = |m| m.octets_of(13), "First attribute of type 13, as sent.";
    82 "avp14": Option<BinaryRef<'_>> = |m| m.octets_of(14), "First attribute of type 14, as sent.";
    83 "avp15": Option<BinaryRef<'_>> = |m| m.octets_of(15), "First attribute of type 15, as sent.";
    84 "avp16": Option<BinaryRef<'_>> = |m| m.octets_of(16), "First attribute of type 16, as sent.";
    85 "avp17": Option<BinaryRef<'_>> = |m| m.octets_of(17), "First attribute of type 17, as sent.";
    86 "avp18": Option<BinaryRef<'_>> = |m| m.octets_of(18), "First attribute of type 18, as sent.";
    87 "avp19": Option<BinaryRef<'_>> = |m| m.octets_of(19), "First attribute of type 19, as sent.";
    88 "avp20": Option<BinaryRef<'_>> = |m| m.octets_of(20), "First attribute of type 20, as sent.";
    89 "avp21": Option<BinaryRef<'_>> = |m| m.octets_of(21), "First attribute of type 21, as sent.";
    90 "avp22": Option<BinaryRef<'_>> = |m| m.octets_of(22), "First attribute of type 22, as sent.";
    91 "avp23": Option<BinaryRef<'_>> = |m| m.octets_of(23), "First attribute of type 23, as sent.";
    92 "avp24": Option<BinaryRef<'_>> = |m| m.octets_of(24), "First attribute of type 24, as sent.";
    93 "avp25": Option<BinaryRef<'_>> = |m| m.octets_of(25), "First attribute of type 25, as sent.";
    94 "avp26": Option<BinaryRef<'_>> = |m| m.octets_of(26), "First attribute of type 26, as sent.";
    95 "avp27": Option<BinaryRef<'_>> = |m| m.octets_of(27), "First attribute of type 27, as sent.";
    96 "avp28": Option<BinaryRef<'_>> = |m| m.octets_of(28), "First attribute of type 28, as sent.";
    97 "avp29": Option<BinaryRef<'_>> = |m| m.octets_of(29), "First attribute of type 29, as sent.";
    98 "avp30": Option<BinaryRef<'_>> = |m| m.octets_of(30), "First attribute of type 30, as sent.";
    99 "avp31": Option<BinaryRef<'_>> = |m| m.octets_of(31), "First attribute of type 31, as sent.";
    100 "avp32": Option<BinaryRef<'_>> = |m| m.octets_of(32), "First attribute of type 32, as sent.";
    101 "avp33": Option<BinaryRef<'_>> = |m| m.octets_of(33), "First attribute of type 33, as sent.";
    102 "avp34": Option<BinaryRef<'_>> = |m| m.octets_of(34), "First attribute of type 34, as sent.";
    103 "avp35": Option<BinaryRef<'_>> = |m| m.octets_of(35), "First attribute of type 35, as sent.";
    104 "avp36": Option<BinaryRef<'_>> = |m| m.octets_of(36), "First attribute of type 36, as sent.";
    105 "avp37": Option<BinaryRef<'_>> = |m| m.octets_of(37), "First attribute of type 37, as sent.";
    106 "avp38": Option<BinaryRef<'_>> = |m| m.octets_of(38), "First attribute of type 38, as sent.";
    107 "avp39": Option<BinaryRef<'_>> = |m| m.octets_of(39), "First attribute of type 39, as sent.";
    108 "avp40": Option<BinaryRef<'_>> = |m| m.octets_of(40), "First attribute of type 40, as sent.";
    109 "avp41": Option<BinaryRef<'_>> = |m| m.octets_of(41), "First attribute of type 41, as sent.";
    110 "avp42": Option<BinaryRef<'_>> = |m| m.octets_of(42), "First attribute of type 42, as sent.";
    111 "avp43": Option<BinaryRef<'_>> = |m| m.octets_of(43), "First attribute of type 43, as sent.";
    112 "avp44": Option<BinaryRef<'_>> = |m| m.octets_of(44), "First attribute of type 44, as sent.";
    113 "avp45": Option<BinaryRef<'_>> = |m| m.octets_of(45), "First attribute of type 45, as sent.";
    114 "avp46": Option<BinaryRef<'_>> = |m| m.octets_of(46), "First attribute of type 46, as sent.";
    115 "avp47": Option<BinaryRef<'_>> = |m| m.octets_of(47), "First attribute of type 47, as sent.";
    116 "avp48": Option<BinaryRef<'_>> = |m| m.octets_of(48), "First attribute of type 48, as sent.";
    117 "avp49": Option<BinaryRef<'_>> = |m| m.octets_of(49), "First attribute of type 49, as sent.";
    118 "avp50": Option<BinaryRef<'_>> = |m| m.octets_of(50), "First attribute of type 50, as sent.";
    119 "avp51": Option<BinaryRef<'_>> = |m| m.octets_of(51), "First attribute of type 51, as sent.";
    120 "avp52": Option<BinaryRef<'_>> = |m| m.octets_of(52), "First attribute of type 52, as sent.";
    121 "avp53": Option<BinaryRef<'_>> = |m| m.octets_of(53), "First attribute of type 53, as sent.";
    122 "avp54": Option<BinaryRef<'_>> = |m| m.octets_of(54), "First attribute of type 54, as sent.";
    123 "avp55": Option<BinaryRef<'_>> = |m| m.octets_of(55), "First attribute of type 55, as sent.";
    124 "avp56": Option<BinaryRef<'_>> = |m| m.octets_of(56), "First attribute of type 56, as sent.";
    125 "avp57": Option<BinaryRef<'_>> = |m| m.octets_of(57), "First attribute of type 57, as sent.";
    126 "avp58": Option<BinaryRef<'_>> = |m| m.octets_of(58), "First attribute of type 58, as sent.";
    127 "avp59": Option<BinaryRef<'_>> = |m| m.octets_of(59), "First attribute of type 59, as sent.";
    128 "avp60": Option<BinaryRef<'_>> = |m| m.octets_of(60), "First attribute of type 60, as sent.";
    129 "avp61": Option<BinaryRef<'_>> = |m| m.octets_of(61), "First attribute of type 61, as sent.";
    130 "avp62": Option<BinaryRef<'_>> = |m| m.octets_of(62), "First attribute of type 62, as sent.";
    131 "avp63": Option<BinaryRef<'_>> = |m| m.octets_of(63), "First attribute of type 63, as sent.";
    132 "avp64": Option<BinaryRef<'_>> = |m| m.octets_of(64), "First attribute of type 64, as sent.";
    133 "avp65": Option<BinaryRef<'_>> = |m| m.octets_of(65), "First attribute of type 65, as sent.";
    134 "avp66": Option<BinaryRef<'_>> = |m| m.octets_of(66), "First attribute of type 66, as sent.";
    135 "avp67": Option<BinaryRef<'_>> = |m| m.octets_of(67), "First attribute of type 67, as sent.";
    136 "avp68": Option<BinaryRef<'_>> = |m| m.octets_of(68), "First attribute of type 68, as sent.";
    137 "avp69": Option<BinaryRef<'_>> = |m| m.octets_of(69), "First attribute of type 69, as sent.";
    138 "avp70": Option<BinaryRef<'_>> = |m| m.octets_of(70), "First attribute of type 70, as sent.";
    139 "avp71": Option<BinaryRef<'_>> = |m| m.octets_of(71), "First attribute of type 71, as sent.";
    140 "avp72": Option<BinaryRef<'_>> = |m| m.octets_of(72), "First attribute of type 72, as sent.";
    141 "avp73": Option<BinaryRef<'_>> = |m| m.octets_of(73), "First attribute of type 73, as sent.";
    142 "avp74": Option<BinaryRef<'_>> = |m| m.octets_of(74), "First attribute of type 74, as sent.";
    143 "avp75": Option<BinaryRef<'_>> = |m| m.octets_of(75), "First attribute of type 75, as sent.";
    144 "avp76": Option<BinaryRef<'_>> = |m| m.octets_of(76), "First attribute of type 76, as sent.";
    145 "avp77": Option<BinaryRef<'_>> = |m| m.octets_of(77), "First attribute of type 77, as sent.";
    146 "avp78": Option<BinaryRef<'_>> = |m| m.octets_of(78), "First attribute of type 78, as sent.";
    147 "avp79": Option<BinaryRef<'_>> = |m| m.octets_of(79), "First attribute of type 79, as sent.";
    148 "avp80": Option<BinaryRef<'_>> = |m| m.octets_of(80), "First attribute of type 80, as sent.";
    149 "avp81": Option<BinaryRef<'_>> = |m| m.octets_of(81), "First attribute of type 81, as sent.";
    150 "avp82": Option<BinaryRef<'_>> = |m| m.octets_of(82), "First attribute of type 82, as sent.";
    151 "avp83": Option<BinaryRef<'_>> = |m| m.octets_of(83), "First attribute of type 83, as sent.";
    152 "avp84": Option<BinaryRef<'_>> = |m| m.octets_of(84), "First attribute of type 84, as sent.";
    153 "avp85": Option<BinaryRef<'_>> = |m| m.octets_of(85), "First attribute of type 85, as sent.";
    154 "avp86": Option<BinaryRef<'_>> = |m| m.octets_of(86), "First attribute of type 86, as sent.";
    155 "avp87": Option<BinaryRef<'_>> = |m| m.octets_of(87), "First attribute of type 87, as sent.";
    156 "avp88": Option<BinaryRef<'_>> = |m| m.octets_of(88), "First attribute of type 88, as sent.";
    157 "avp89": Option<BinaryRef<'_>> = |m| m.octets_of(89), "First attribute of type 89, as sent.";
    158 "avp90": Option<BinaryRef<'_>> = |m| m.octets_of(90), "First attribute of type 90, as sent.";
    159 "avp91": Option<BinaryRef<'_>> = |m| m.octets_of(91), "First attribute of type 91, as sent.";
    160 "avp92": Option<BinaryRef<'_>> = |m| m.octets_of(92), "First attribute of type 92, as sent.";
    161 "avp93": Option<BinaryRef<'_>> = |m| m.octets_of(93), "First attribute of type 93, as sent.";
    162 "avp94": Option<BinaryRef<'_>> = |m| m.octets_of(94), "First attribute of type 94, as sent.";
    163 "avp95": Option<BinaryRef<'_>> = |m| m.octets_of(95), "First attribute of type 95, as sent.";
    164 "avp96": Option<BinaryRef<'_>> = |m| m.octets_of(96), "First attribute of type 96, as sent.";
    165 "avp97": Option<BinaryRef<'_>> = |m| m.octets_of(97), "First attribute of type 97, as sent.";
    166 "avp98": Option<BinaryRef<'_>> = |m| m.octets_of(98), "First attribute of type 98, as sent.";
    167 "avp99": Option<BinaryRef<'_>> = |m| m.octets_of(99), "First attribute of type 99, as sent.";
    168 "avp100": Option<BinaryRef<'_>> = |m| m.octets_of(100), "First attribute of type 100, as sent.";
    169 "avp101": Option<BinaryRef<'_>> = |m| m.octets_of(101), "First attribute of type 101, as sent.";
    170 "avp102": Option<BinaryRef<'_>> = |m| m.octets_of(102), "First attribute of type 102, as sent.";
    171 "avp224": Option<BinaryRef<'_>> = |m| m.octets_of(224), "First attribute of type 224, as sent.";
    172 "avp225": Option<BinaryRef<'_>> = |m| m.octets_of(225), "First attribute of type 225, as sent.";
    173 "avp226": Option<BinaryRef<'_>> = |m| m.octets_of(226), "First attribute of type 226, as sent.";
    174 "avp227": Option<BinaryRef<'_>> = |m| m.octets_of(227), "First attribute of type 227, as sent.";
    175 "avp228": Option<BinaryRef<'_>> = |m| m.octets_of(228), "First attribute of type 228, as sent.";
    176 "avp229": Option<BinaryRef<'_>> = |m| m.octets_of(229), "First attribute of type 229, as sent.";
    177 "avp230": Option<BinaryRef<'_>> = |m| m.octets_of(230), "First attribute of type 230, as sent.";
    178 "avp231": Option<BinaryRef<'_>> = |m| m.octets_of(231), "First attribute of type 231, as sent.";
    179 "avp232": Option<BinaryRef<'_>> = |m| m.octets_of(232), "First attribute of type 232, as sent.";
    180 "avp233": Option<BinaryRef<'_>> = |m| m.octets_of(233), "First attribute of type 233, as sent.";
    181 "avp234": Option<BinaryRef<'_>> = |m| m.octets_of(234), "First attribute of type 234, as sent.";
    182 "avp235": Option<BinaryRef<'_>> = |m| m.octets_of(235), "First attribute of type 235, as sent.";
    183 "avp236": Option<BinaryRef<'_>> = |m| m.octets_of(236), "First attribute of type 236, as sent.";
    184 "avp237": Option<BinaryRef<'_>> = |m| m.octets_of(237), "First attribute of type 237, as sent.";
    185 "avp238": Option<BinaryRef<'_>> = |m| m.octets_of(238), "First attribute of type 238, as sent.";
    186 "avp239": Option<BinaryRef<'_>> = |m| m.octets_of(239), "First attribute of type 239, as sent.";
    187 "avp240": Option<BinaryRef<'_>> = |m| m.octets_of(240), "First attribute of type 240, as sent.";
} }
