"""MMT-DPI's attributes have the values that tshark reads on the project's captures.

`mmt_values.toml` names the fields that are compared. A listed attribute that is not compared stands
in `UNCOMPARED` with a reason.
"""

import csv
import ipaddress
import re
import shutil
import subprocess
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import nf
from tests.unit.datapath.test_mmt_attributes import ABSENT, NOT_PARSED

TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("mmt_values.toml").read_text()
)
Value = int | str

_OURS = "counted or remembered by the engine itself, no field of a packet"
_TREE = "a list or a structure, which tshark shows as many fields"
_STATE = "what the session knows by then; tshark shows it where it was said"
_ABSENT = "no capture of the project has it, or not where tshark reads it"
_OCTETS = "octets of the packet as they are"
# What is not compared, and why, by protocol; `*` ends the beginning of a name.
UNCOMPARED: dict[str, dict[str, str]] = {
    "meta": {_OURS: "direction utime proto_hierarchy session classified source_id packet_index"},
    "8021q": {"tshark counts it to the header around": "tpid"},
    "arp": {_OCTETS: "src_hard src_proto dst_hard dst_proto"},
    "dns": {_TREE: "queries answers auth_records"},
    "ethernet": {_ABSENT: "length"},
    "ftp": {
        _STATE: "session_connection_type server_* client_* user_name password session_features "
        "ftp_* last_* current_directory data_* transfer_type file_*",
        _OURS: "packet_type packet_payload_len",
        "tshark keeps only the words behind a code": "packet_reponse_value",
    },
    "gre": {_OURS: "seq_out seq_in seq_gap loss"},
    "gtp": {_ABSENT: "imsi_* next_hdr_type ext_pdu_length ext_pdu_next_hdr_type"},
    "http": {
        _ABSENT: "x_session_type xcdn_seen",
        _OURS: "msg_start header headers_end msg_end",
        _OCTETS: "data",
        "tshark has code and reason apart": "response",
    },
    "http2": {
        "tshark gives one field for frames of all types": "header_length header_stream_id "
        "payload_stream_id payload_length",
        "a number that MMT gives to methods": "header_method",
        _OCTETS: "payload_data",
    },
    "icmp": {_ABSENT: "gateway", _OCTETS: "data"},
    **{
        name: {"tshark cannot read it; tests/conformance has what the captures were made of": "*"}
        for name in ("int", "int_report")
    },
    "ip": {
        _OCTETS: "options",
        _ABSENT: "opts_type l4s_marked",
        _OURS: "padding_check client_* server_* ip_* session session_id",
    },
    "ipv6": {
        _OURS: "client_* server_* ip6_* ip_* redundent_extension_header session session_id",
        "the last of the headers' numbers, which tshark does not name": "next_proto",
    },
    "nfs": {_STATE: "tag minorversion file_* nb_operations"},
    "radius": {
        "attributes without a name of MMT's, by number": "avp*",
        "only the shared secret reads them": "user_password chap_password",
        _OCTETS: "state class message_authenticator",
        _ABSENT: "service_type framed_* callback_* idle_timeout acct_delay_time acct_authentic "
        "acct_terminate_cause event_timestamp nas_port_id nas_ipv6_address imsi imsi_mccmnc "
        "charg_* pdp_type cg_* qos_prof sgsn_* ggsn_* nsapi sess_stop_ind select_mode dns_ipv6 "
        "teardown_ind imei user_loc timezone camel_charg pkt_filter neg_dscp alloc_ip_type",
    },
    "rtp": {
        _OURS: "quality jitter inter_* loss burst_loss unorder duplicate order_err",
        _ABSENT: "csrc",
    },
    "smb": {_OCTETS: "padding payload", _ABSENT: "version nt_create_file"},
    "ssl": {_OURS: "tls_number_record"},
    "tcp": {
        _OURS: "rtt syn_received retransmission outoforder tcp_session_* closed established"
    },
    "sll": {_OCTETS: "addr"},
    **{
        name: {"of the chunk's header, compared as sctp's": "ch_*"}
        for name in ("sctp_data", "sctp_sack", "sctp_init")
    },
    "dtls": {_ABSENT: "content_length", _TREE: "client_hello_cipher_suite"},
    "quic_ietf": {_OURS: "rtt"},
    "dicom": {
        _TREE: "proto_version application_context presentation_context implementation_class_uid "
        "abstract_syntax transfer_syntax",
        _STATE: "command_* patient_name status affected_sop_class_uid message_id data_set_type",
    },
    "s1ap": {_STATE: "imsi m_tmsi gtp_teid ue_ipv4 enb_id enb_ipv4 mme_id mme_ipv4"},
}  # fmt: skip


def _is_excused(protocol: str, attribute: str) -> bool:
    words = " ".join(UNCOMPARED.get(protocol, {}).values()).split()
    exact = any(word == attribute for word in words)
    return exact or any(w.endswith("*") and attribute.startswith(w[:-1]) for w in words)


def _value(said: object) -> Value:
    if isinstance(said, int):
        return int(said)
    text = str(said).strip()
    if text in ("True", "False"):
        return int(text == "True")
    if re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"\d+", text) else text.lower()


def _in_our_units(said: str, units: str) -> Value:
    value = _value(said)
    if not units:
        return value
    operator, _, number = units.partition(" ")
    assert isinstance(value, int)
    operand = int(number)
    return {"/": value // operand, "*": value * operand, "+": value + operand}[operator]


def _as_number(value: Value) -> Value:
    return value if isinstance(value, int) else int(ipaddress.ip_address(value))


def tshark(capture: Path, about: dict[str, Any]) -> dict[int, list[list[Value]]]:
    """By frame, the values of each field, in the order of the table."""
    fields = [field.partition(" ") for field in about["fields"].values()]
    # One frame is one packet: what tshark brings together would be told with the last piece.
    command = ["tshark", "-r", str(capture), "-o", "ip.defragment:FALSE", "-T", "fields"]
    command += ["-E", "separator=\x1f", "-E", "aggregator=\x1e", "-e", "frame.number"]
    command += [word for name, _, _ in fields for word in ("-e", name)]
    command += ["-Y", about["frames"]] if "frames" in about else []
    command += about.get("options", [])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = {}
    for line in done.stdout.rstrip("\n").split("\n"):
        frame, *columns = line.split("\x1f")
        told[int(frame)] = [
            [_in_our_units(said, units) for said in column.split("\x1e") if said]
            for column, (_, _, units) in zip(columns, fields, strict=True)
        ]
    return told


def ours(capture: Path, name: str) -> dict[int, list[Value]]:
    """By packet, the values of an attribute."""
    told: dict[int, list[Value]] = defaultdict(list)
    for event in nf.read(capture, events={name: ["meta.packet_index", name]}):
        value = event.values[name]
        if value is not None:
            told[int(str(event.values["meta.packet_index"]))].append(_value(value))
    return told


def differences(
    theirs: dict[int, list[Value]], own: dict[int, list[Value]]
) -> Iterable[tuple[int, list[Value], list[Value]]]:
    """Frames where we say nothing, or something that tshark does not say.

    An attribute is told once per packet, of a packet with several such headers for the innermost.
    """
    for frame, values in theirs.items():
        said = own.get(frame, [])
        if said and isinstance(said[0], int):
            values = [_as_number(value) for value in values]  # noqa: PLW2901
        if values and (not said or Counter(said) - Counter(values)):
            yield frame, values, said


@pytest.mark.skipif(shutil.which("tshark") is None, reason="there is no tshark: apt-get install it")
@pytest.mark.parametrize("section", sorted(TABLE))
def test_values_are_those_that_tshark_reads(captures: Path, section: str) -> None:
    about = TABLE[section]
    protocol = about.get("protocol", section)
    compared: Counter[str] = Counter()
    for name in about["captures"]:
        told = tshark(captures / name, about)
        for column, attribute in enumerate(about["fields"]):
            theirs = {frame: values[column] for frame, values in told.items() if values[column]}
            own = ours(captures / name, f"{protocol}.{attribute}")
            compared[attribute] += len(theirs)
            different = list(differences(theirs, own))
            # What came in several packets is told with the first by one and the last by the other.
            everything = [
                Counter(str(value) for values in side.values() for value in values)
                for side in (theirs, own)
            ]
            assert not different or everything[0] == everything[1], (attribute, name, different[:3])

    assert [attribute for attribute in about["fields"] if not compared[attribute]] == []


@pytest.mark.shared
def test_every_listed_attribute_is_compared_or_excused(shared: Path) -> None:
    compared = {
        (about.get("protocol", section), attribute)
        for section, about in TABLE.items()
        for attribute in about["fields"]
    }
    with (shared / "spec" / "dpi-attributes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["protocol"] not in NOT_PARSED]
    listed = {(row["protocol"], row["attribute"]) for row in rows}

    neither = [one for one in sorted(listed - compared - ABSENT.keys()) if not _is_excused(*one)]
    both = [one for one in sorted(compared & listed) if _is_excused(*one)]

    assert len(compared & listed) > 250
    assert (neither, both) == ([], [])
