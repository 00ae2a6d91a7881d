//! What is recognised by its number alone: protocols over IP (IANA's registry), over Ethernet
//! and over LLC that have a word in the path and no view here.

use nf_fields::ProtoId;

use crate::header::HeaderInfo;
use crate::id;

macro_rules! names {
    ($( $id:ident $name:literal $spec:literal $doc:literal; )*) => {
        /// Registry entries without fields.
        pub(crate) const NAMES: &[HeaderInfo] =
            &[ $( HeaderInfo::name_only(id::$id, $name, $spec, $doc), )* ];
    };
}

names! {
    LLDP "lldp" "IEEE 802.1AB" "Link layer discovery.";
    STP "stp" "IEEE 802.1D" "Spanning tree BPDU; MMT's number also stands for IP protocol 118.";
    CDP "cdp" "Cisco" "Cisco discovery.";
    DTP "dtp" "Cisco" "Dynamic trunking.";
    VTP "vtp" "Cisco" "VLAN trunking.";
    UDLD "udld" "RFC 5171" "Unidirectional link detection.";
    PAGP "pagp" "Cisco" "Port aggregation.";
    XID "xid" "IEEE 802.2" "LLC exchange identification.";
    CTP "ctp" "DEC/Intel/Xerox Ethernet 2.0" "Configuration testing (loop-back frames).";
    BATMAN "batman" "batman-adv" "B.A.T.M.A.N. advanced mesh routing.";
    MACSEC "macsec" "IEEE 802.1AE" "Encrypted Ethernet payload.";
    EAPOL "eapol" "IEEE 802.1X" "EAP over LAN.";
    SLOW "slow" "IEEE 802.3 Annex 57A" "Slow protocols: LACP, marker, OAM.";
    PROFINET "profinet" "IEC 61158" "PROFINET real time.";
    GOOSE "goose" "IEC 61850-8-1" "Generic object oriented substation event.";
    SAMPLED_VALUES "sampled_values" "IEC 61850-9-2" "Sampled measured values.";
    ETHERCAT "ethercat" "IEC 61158" "EtherCAT frame.";
    WAKE_ON_LAN "wake_on_lan" "AMD magic packet" "Wake-up frame.";
    IPX "ipx" "Novell" "Internetwork packet exchange.";
    AARP "aarp" "AppleTalk" "AppleTalk address resolution.";
    CFM "cfm" "IEEE 802.1ag" "Connectivity fault management.";
    FCOE "fcoe" "INCITS FC-BB-5" "Fibre Channel over Ethernet.";
    PTP "ptp" "IEEE 1588" "Precision time over Ethernet, or IP protocol 123.";
    IS_IS "is_is" "ISO 10589" "IS-IS routing over LLC, or IP protocol 124.";
    IP_IN_IP "ip_in_ip" "RFC 2003" "IP in IP that cannot be followed.";
    GGP "ggp" "RFC 823" "Gateway to gateway.";
    ST "st" "RFC 1819" "Internet stream.";
    CBT "cbt" "RFC 2189" "Core based trees.";
    EGP "egp" "RFC 888" "Exterior gateway.";
    IGP "igp" "IANA" "Any private interior gateway.";
    BBN_RCC_MON "bbn_rcc_mon" "IANA" "BBN RCC monitoring.";
    NVP_II "nvp_ii" "RFC 741" "Network voice.";
    PUP "pup" "Xerox" "PARC universal packet.";
    ARGUS "argus" "IANA" "ARGUS.";
    EMCON "emcon" "IANA" "Emission control.";
    XNET "xnet" "IEN 158" "Cross net debugger.";
    CHAOS "chaos" "IANA" "Chaosnet.";
    MUX "mux" "IEN 90" "Multiplexing.";
    DCN_MEAS "dcn_meas" "IANA" "DCN measurement.";
    HMP "hmp" "RFC 869" "Host monitoring.";
    PRM "prm" "IANA" "Packet radio measurement.";
    XNS_IDP "xns_idp" "Xerox" "XNS internet datagram.";
    TRUNK_1 "trunk_1" "IANA" "Trunk 1.";
    TRUNK_2 "trunk_2" "IANA" "Trunk 2.";
    LEAF_1 "leaf_1" "IANA" "Leaf 1.";
    LEAF_2 "leaf_2" "IANA" "Leaf 2.";
    IRTP "irtp" "RFC 938" "Internet reliable transaction.";
    ISO_TP4 "iso_tp4" "RFC 905" "ISO transport class 4.";
    NETBLT "netblt" "RFC 969" "Bulk data transfer.";
    MFE_NSP "mfe_nsp" "IANA" "MFE network services.";
    MERIT_INP "merit_inp" "IANA" "MERIT internodal.";
    DCCP "dccp" "RFC 4340" "Datagram congestion control.";
    THREE_PC "3pc" "IANA" "Third party connect.";
    IDPR "idpr" "RFC 1479" "Inter-domain policy routing.";
    XTP "xtp" "IANA" "Xpress transport.";
    DDP "ddp" "AppleTalk" "AppleTalk datagram delivery.";
    IDPR_CMTP "idpr_cmtp" "IANA" "IDPR control message transport.";
    TP_PP "tp_pp" "IANA" "TP++ transport.";
    IL "il" "IANA" "IL transport.";
    SDRP "sdrp" "IANA" "Source demand routing.";
    IDRP "idrp" "IANA" "Inter-domain routing.";
    RSVP "rsvp" "RFC 2205" "Resource reservation.";
    MHRP "mhrp" "IANA" "Mobile host routing (now DSR's number).";
    BNA "bna" "IANA" "BNA.";
    I_NLSP "i_nlsp" "IANA" "Integrated net layer security.";
    SWIPE "swipe" "IANA" "IP with encryption.";
    NARP "narp" "RFC 1735" "NBMA address resolution.";
    MOBILE "mobile" "RFC 2004" "Minimal encapsulation for mobility.";
    TLSP "tlsp" "IANA" "Transport layer security (Kryptonet).";
    SKIP "skip" "IANA" "SKIP key management.";
    ANY_HIP "any_hip" "IANA" "Any host internal protocol.";
    CFTP "cftp" "IANA" "CFTP.";
    ANY_LOCAL "any_local" "IANA" "Any local network.";
    SAT_EXPAK "sat_expak" "IANA" "SATNET and backroom EXPAK.";
    KRYPTOLAN "kryptolan" "IANA" "Kryptolan.";
    RVD "rvd" "IANA" "MIT remote virtual disk.";
    IPPC "ippc" "IANA" "Internet pluribus packet core.";
    ANY_DFS "any_dfs" "IANA" "Any distributed file system.";
    SAT_MON "sat_mon" "IANA" "SATNET monitoring.";
    VISA "visa" "IANA" "VISA.";
    IPCV "ipcv" "IANA" "Internet packet core utility.";
    CPNX "cpnx" "IANA" "Computer protocol network executive.";
    CPHB "cphb" "IANA" "Computer protocol heart beat.";
    WSN "wsn" "IANA" "Wang span network.";
    PVP "pvp" "IANA" "Packet video.";
    BR_SAT_MON "br_sat_mon" "IANA" "Backroom SATNET monitoring.";
    SUN_ND "sun_nd" "IANA" "Sun ND, temporary.";
    WB_MON "wb_mon" "IANA" "Wideband monitoring.";
    WB_EXPAK "wb_expak" "IANA" "Wideband EXPAK.";
    ISO_IP "iso_ip" "IANA" "ISO internet.";
    VMTP "vmtp" "RFC 1045" "Versatile message transaction.";
    SECURE_VMTP "secure_vmtp" "IANA" "Secure VMTP.";
    VINES "vines" "IANA" "Banyan VINES.";
    IPTM "iptm" "IANA" "Internet protocol traffic manager.";
    NSFNET_IGP "nsfnet_igp" "IANA" "NSFNET interior gateway.";
    DGP "dgp" "IANA" "Dissimilar gateway.";
    TCF "tcf" "IANA" "TCF.";
    EIGRP "eigrp" "RFC 7868" "Enhanced interior gateway routing.";
    SPRITE_RPC "sprite_rpc" "IANA" "Sprite remote procedure call.";
    LARP "larp" "IANA" "Locus address resolution.";
    MTP "mtp" "IANA" "Multicast transport.";
    AX_25 "ax_25" "IANA" "AX.25 frames.";
    MICP "micp" "IANA" "Mobile internetworking control.";
    SCC_SP "scc_sp" "IANA" "Semaphore communications security.";
    ENCAP "encap" "RFC 1241" "Encapsulation header.";
    ANY_PES "any_pes" "IANA" "Any private encryption scheme.";
    GMTP "gmtp" "IANA" "GMTP.";
    IFMP "ifmp" "RFC 1953" "Ipsilon flow management.";
    PNNI "pnni" "IANA" "PNNI over IP.";
    PIM "pim" "RFC 7761" "Protocol independent multicast.";
    ARIS "aris" "IANA" "ARIS.";
    SCPS "scps" "CCSDS 714" "Space communications.";
    QNX "qnx" "IANA" "QNX.";
    IPCOMP "ipcomp" "RFC 3173" "IP payload compression.";
    SNP "snp" "IANA" "Sitara networks.";
    COMPAQ_PEER "compaq_peer" "IANA" "Compaq peer.";
    IPX_IN_IP "ipx_in_ip" "RFC 1234" "IPX in IP.";
    VRRP "vrrp" "RFC 9568" "Virtual router redundancy.";
    PGM "pgm" "RFC 3208" "Pragmatic general multicast.";
    ANY_0HOP "any_0hop" "IANA" "Any zero-hop protocol.";
    DDX "ddx" "IANA" "D-II data exchange.";
    IATP "iatp" "IANA" "Interactive agent transfer.";
    SRP "srp" "IANA" "SpectraLink radio.";
    UTI "uti" "IANA" "UTI.";
    SMP "smp" "IANA" "Simple message.";
    SM "sm" "IANA" "Simple multicast.";
    FIRE "fire" "IANA" "FIRE.";
    CRTP "crtp" "IANA" "Combat radio transport.";
    CRUDP "crudp" "IANA" "Combat radio user datagram.";
    SSCOPMCE "sscopmce" "ITU-T Q.2111" "SSCOPMCE.";
    IPLT "iplt" "IANA" "IPLT.";
    SPS "sps" "IANA" "Secure packet shield.";
    PIPE "pipe" "IANA" "Private IP encapsulation within IP.";
    FC "fc" "RFC 6172" "Fibre Channel.";
    RSVP_E2E_IGNORE "rsvp_e2e_ignore" "RFC 3175" "RSVP hidden end to end.";
    MOBILITY_HEADER "mobility_header" "RFC 6275" "Mobile IPv6 signalling.";
    UDPLITE "udplite" "RFC 3828" "Lightweight user datagram.";
    MPLS_IN_IP "mpls_in_ip" "RFC 4023" "MPLS in IP that cannot be followed.";
    MANET "manet" "RFC 5498" "Mobile ad hoc networks.";
    HIP "hip" "RFC 7401" "Host identity.";
    SHIM6 "shim6" "RFC 5533" "Site multihoming.";
    WESP "wesp" "RFC 5840" "Wrapped ESP.";
    ROHC "rohc" "RFC 5858" "Robust header compression.";
}

/// The path word of an IP protocol number; [`ProtoId::UNKNOWN`] where there is none.
#[inline]
pub fn ip_protocol(number: u8) -> ProtoId {
    BY_IP_PROTOCOL.get(usize::from(number)).copied().unwrap_or(ProtoId::UNKNOWN)
}

/// The IP protocol number that a path word stands for.
pub fn ip_protocol_number(id: ProtoId) -> Option<u8> {
    if id == ProtoId::UNKNOWN {
        return None;
    }
    BY_IP_PROTOCOL.iter().position(|&p| p == id).and_then(|n| u8::try_from(n).ok())
}

macro_rules! by_number {
    ($( $number:literal $id:ident, )*) => {
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        static BY_IP_PROTOCOL: [ProtoId; 256] = {
            let mut table = [ProtoId::UNKNOWN; 256];
            $( table[$number] = id::$id; )*
            table
        };
    };
}

by_number! {
    1 ICMP, 2 IGMP, 3 GGP, 4 IP_IN_IP, 5 ST, 6 TCP, 7 CBT, 8 EGP, 9 IGP, 10 BBN_RCC_MON,
    11 NVP_II, 12 PUP, 13 ARGUS, 14 EMCON, 15 XNET, 16 CHAOS, 17 UDP, 18 MUX, 19 DCN_MEAS,
    20 HMP, 21 PRM, 22 XNS_IDP, 23 TRUNK_1, 24 TRUNK_2, 25 LEAF_1, 26 LEAF_2, 28 IRTP,
    29 ISO_TP4, 30 NETBLT, 31 MFE_NSP, 32 MERIT_INP, 33 DCCP, 34 THREE_PC, 35 IDPR, 36 XTP,
    37 DDP, 38 IDPR_CMTP, 39 TP_PP, 40 IL, 41 IPV6, 42 SDRP, 45 IDRP, 46 RSVP, 47 GRE, 48 MHRP,
    49 BNA, 50 ESP, 51 AH, 52 I_NLSP, 53 SWIPE, 54 NARP, 55 MOBILE, 56 TLSP, 57 SKIP, 58 ICMPV6,
    61 ANY_HIP, 62 CFTP, 63 ANY_LOCAL, 64 SAT_EXPAK, 65 KRYPTOLAN, 66 RVD, 67 IPPC, 68 ANY_DFS,
    69 SAT_MON, 70 VISA, 71 IPCV, 72 CPNX, 73 CPHB, 74 WSN, 75 PVP, 76 BR_SAT_MON, 77 SUN_ND,
    78 WB_MON, 79 WB_EXPAK, 80 ISO_IP, 81 VMTP, 82 SECURE_VMTP, 83 VINES, 84 IPTM,
    85 NSFNET_IGP, 86 DGP, 87 TCF, 88 EIGRP, 89 OSPF, 90 SPRITE_RPC, 91 LARP, 92 MTP, 93 AX_25,
    94 IP_IN_IP, 95 MICP, 96 SCC_SP, 97 ETHERIP, 98 ENCAP, 99 ANY_PES, 100 GMTP, 101 IFMP,
    102 PNNI, 103 PIM, 104 ARIS, 105 SCPS, 106 QNX, 108 IPCOMP, 109 SNP, 110 COMPAQ_PEER,
    111 IPX_IN_IP, 112 VRRP, 113 PGM, 114 ANY_0HOP, 115 L2TP, 116 DDX, 117 IATP, 118 STP,
    119 SRP, 120 UTI, 121 SMP, 122 SM, 123 PTP, 124 IS_IS, 125 FIRE, 126 CRTP, 127 CRUDP,
    128 SSCOPMCE, 129 IPLT, 130 SPS, 131 PIPE, 132 SCTP, 133 FC, 134 RSVP_E2E_IGNORE,
    135 MOBILITY_HEADER, 136 UDPLITE, 137 MPLS_IN_IP, 138 MANET, 139 HIP, 140 SHIM6, 141 WESP,
    142 ROHC,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_numbers_have_their_words() {
        for (number, id) in [(6, id::TCP), (17, id::UDP), (89, id::OSPF), (103, id::PIM)] {
            assert_eq!(ip_protocol(number), id);
            assert_eq!(ip_protocol_number(id), Some(number));
        }
        assert_eq!(ip_protocol(255), ProtoId::UNKNOWN);
        assert_eq!(ip_protocol_number(id::ETHERNET), None);
        assert_eq!(ip_protocol_number(ProtoId::UNKNOWN), None);
    }
}
