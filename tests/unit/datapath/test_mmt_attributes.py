"""Every attribute that MMT-DPI lists for a protocol that is parsed here has its name and id."""

import csv
from pathlib import Path

import pytest

import nf

# What is not there, and why; anything else that is missing is a mistake.
ABSENT = {
    ("meta", "args"): "a pointer that the caller of MMT's library gives to itself",
    ("meta", "probe_id"): "a probe has a number only once it is configured as a network function",
    ("ftp", "control_ip_session_id"): "a session does not know the numbers of others; the rows of "
    "control and data sessions carry their own",
    ("ftp", "data_ip_session_id"): "as control_ip_session_id",
    ("ip", "jitter"): "MMT does not say of what",
    ("ip", "l4s_queue_delay"): "read from a switch's own marking, which MMT does not describe",
    ("ip", "l4s_nb_drops"): "as l4s_queue_delay",
    ("ipv6", "fragment_overlapping"): "belongs to the reassembly of datagrams",
    ("ipv6", "ip6_outoforder"): "belongs to the reassembly of datagrams",
    ("tcp", "tcp_session_payload_up"): "the whole stream as one value belongs to reassembly",
    ("tcp", "tcp_session_payload_down"): "as tcp_session_payload_up",
    **{
        ("s1ap", name): "MMT's own bookkeeping of its peers, not in any message"
        for name in (
            "ue_id", "ue_status", "enb_status", "mme_status", "ue_entity", "enb_entity",
            "mme_entity",
        )
    },
}  # fmt: skip
NOT_PARSED = {"ndn", "ndn_http", "lps_data"}


@pytest.mark.shared
def test_every_listed_attribute_has_its_name_and_id(shared: Path) -> None:
    known = {name: p for p in nf.protocols() for name in (p.name, *p.aliases)}
    with (shared / "spec" / "dpi-attributes.csv").open(newline="") as file:
        listed = [row for row in csv.DictReader(file) if row["protocol"] not in NOT_PARSED]

    missing = []
    for row in listed:
        protocol = known[row["protocol"]]
        assert protocol.id == int(row["protocol_id"]), row
        found = any(
            attribute.id == int(row["attribute_id"])
            and row["attribute"] in (attribute.name, *attribute.aliases)
            for attribute in protocol.attributes
        )
        if not found:
            missing.append((row["protocol"], row["attribute"]))

    assert len(listed) > 500
    assert set(missing) == set(ABSENT)
