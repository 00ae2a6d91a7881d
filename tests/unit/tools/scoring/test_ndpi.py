import re
from dataclasses import replace
from typing import Any

import pytest

from tools.scoring import agreement, ndpi
from tools.scoring.engine import Reading

NAMES = ndpi.Names(
    protocols={"TLS": ["tls"], "DNS": ["dns"], "HTTP": ["http"]},
    applications={"Example": ["example", "example_cdn"]},
    tunnels=frozenset(("GTP",)),
)
FIRST, SECOND = "192.0.2.1", "192.0.2.2"


def line(
    protocol: str = "91/TLS",
    confidence: str = "DPI",
    ends: str = f"{FIRST}:40000 <-> {SECOND}:443",
    l4: str = "TCP",
    more: str = "",
) -> str:
    return (
        f"\t1\t{l4} {ends} [proto: {protocol}][IP: 0/Unknown][Encrypted]"
        f"[Confidence: {confidence}][FPC: 0/Unknown, Confidence: Unknown]{more}"
    )


def flow(**words: str) -> ndpi.Flow:
    (found,) = ndpi.flows([line(**words)])
    return found


def session(path: str = "ethernet.ip.tcp.tls", **other: Any) -> dict[str, Any]:
    # The other way round than nDPI's: a flow is the same in both directions.
    return {
        "session_id": 1,
        "src_ip": SECOND,
        "src_port": 443,
        "dst_ip": FIRST,
        "dst_port": 40000,
        "ip_proto": 6,
        "path": path,
        "protocol": path.rpartition(".")[2],
        "app": None,
        "server_name": None,
        "confidence": "dpi",
    } | other


def compare(
    text: str, sessions: list[dict[str, Any]], transactions: list[dict[str, Any]] | None = None
) -> agreement.Agreement:
    score = agreement.Agreement()
    reading = Reading(sessions, transactions or [])
    score.compare("a.pcap", ndpi.flows([text]), reading, NAMES, None)
    return score


def test_a_flow_has_protocol_application_and_both_ends() -> None:
    found = flow(protocol="91.7/TLS.Example.Part")

    assert (found.protocol, found.application) == ("TLS", "Example.Part")
    assert found.key == (6, frozenset(((FIRST, 40000), (SECOND, 443))))


def test_lines_that_are_no_flows_are_passed_over() -> None:
    assert list(ndpi.flows(["", "TLS\t299\t305728\t24", "\t1\t 192.0.2.1   \t 1"])) == []


def test_a_flow_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ndpi.Unreadable):
        list(ndpi.flows(["\t1\tTCP what is this [proto: 91/TLS]"]))
    with pytest.raises(ndpi.Unreadable):
        flow(l4="XYZ")
    with pytest.raises(ndpi.Unreadable):
        flow(ends="nowhere:1 -> 192.0.2.1:2")


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8:1:2::3::", "2001:db8:1:2:0:3::"),
        ("2001::db8::1:2:3", "2001::db8:0:1:2:3"),
    ],
)
def test_addresses_with_several_double_colons_are_understood(printed: str, meant: str) -> None:
    assert ndpi.canonical(printed) == ndpi.canonical(meant)


def test_ports_count_only_where_ndpi_knows_them() -> None:
    assert flow(l4="ICMP", ends=f"{FIRST}:8 -> {SECOND}:0").key == (
        1,
        frozenset(((FIRST, 0), (SECOND, 0))),
    )


def test_flows_in_ipv6_and_vlans_and_tunnels_are_read() -> None:
    found = flow(
        ends="[2001:db8::1]:1 -> [2001:db8::2]:2 [VLAN: 7]",
        protocol="GTP:5.7/DNS.Example",
        l4="UDP",
    )

    assert found.key == (17, frozenset((("2001:db8::1", 1), ("2001:db8::2", 2))))
    assert (found.tunnel, found.protocol, found.application) == ("GTP", "DNS", "Example")


def test_the_same_protocol_anywhere_in_the_path_agrees() -> None:
    score = compare(line(), [session("ethernet.ip.tcp.tls.http2")])

    assert score.protocols["tls"] == agreement.Count(expected=1, answered=1, agreed=1)
    assert score.differences == []


def test_an_agreement_by_port_only_is_marked_as_a_guess() -> None:
    score = compare(line(), [session(confidence="port")])

    assert score.protocols["tls"].guessed == 1


@pytest.mark.parametrize(
    ("sessions", "said", "answered"),
    [
        ([], "no session", 1),
        ([session("ethernet.ip.tcp", confidence="none")], "nothing", 0),
        ([session("ethernet.ip.tcp.http")], "http", 1),
    ],
)
def test_a_disagreement_says_what_was_said_instead(
    sessions: list[dict[str, Any]], said: str, answered: int
) -> None:
    score = compare(line(), sessions)

    assert score.protocols["tls"].agreed == 0
    assert score.protocols["tls"].answered == answered
    assert score.protocols["tls"].instead == {said: 1}
    assert [d.about for d in score.differences] == ["protocol tls"]


def test_flows_that_ndpi_guessed_do_not_count() -> None:
    score = compare(line(confidence="Match by port"), [])

    assert (score.flows, score.by_inspection, score.protocols) == (1, 0, {})


def test_flows_in_tunnels_that_are_not_opened_do_not_count() -> None:
    score = compare(line(protocol="CAPWAP:91/TLS"), [])

    assert (score.protocols, score.in_other_tunnels) == ({}, {"CAPWAP": 1})


def test_certainty_where_ndpi_has_another_verdict_is_told() -> None:
    score = compare(line(protocol="999/Strange"), [session()])

    assert score.without_counterpart == {"Strange": 1}
    assert score.contradicted == {"Strange -> tls": 1}


def test_a_protocol_out_of_the_scored_ones_does_not_count() -> None:
    score = agreement.Agreement()
    score.compare("a", ndpi.flows([line()]), Reading([session()], []), NAMES, frozenset(("dns",)))

    assert score.protocols == {}
    assert score.contradicted == {}


def test_any_word_of_the_table_agrees_for_an_application() -> None:
    text = line(protocol="91.7/TLS.Example")

    assert compare(text, [session(app="example_cdn")]).applications["Example"].agreed == 1
    assert compare(text, [session(app="other")]).applications["Example"].instead == {"other": 1}
    assert compare(line(protocol="91.8/TLS.Rare"), [session()]).without_application == {"Rare": 1}


def test_attributes_are_compared_with_the_transactions_of_the_session() -> None:
    text = line(more="[Hostname/SNI: WWW.example.org.][JA3S: " + "0" * 32 + "]")
    transaction = {"session_id": 1, "tls": {"server_name": "www.example.org", "ja3s": "f" * 32}}

    score = compare(text, [session()], [transaction])

    assert score.facts["server name"].agreed == 1
    assert score.facts["ja3s"].agreed == 0
    assert [d.about for d in score.differences] == ["ja3s (TLS)"]


def test_ja4_is_compared_as_it_is_defined() -> None:
    assert ndpi.as_defined("t12d0305h2_a_b", named=True, first_alpn="h2") == "t12d0305h2_a_b"
    assert ndpi.as_defined("t12d0305ht_a_b", named=True, first_alpn="http/1.1") == "t12d0305h1_a_b"
    assert ndpi.as_defined("t12d030500_a_b", named=False, first_alpn=None) == "t12i030500_a_b"
    assert ndpi.as_defined("t12i030500_a_b", named=False, first_alpn=None) == "t12d030500_a_b"


def test_an_interim_status_is_not_compared() -> None:
    assert "status" not in flow(protocol="7/HTTP", more="[StatusCode: 100]").facts
    assert flow(protocol="7/HTTP", more="[StatusCode: 404]").facts["status"] == "404"


def test_names_are_compared_as_ndpi_shortens_them() -> None:
    long = "a" * 30 + "." + "b" * 60 + ".org"

    assert agreement.same("server name", long[-79:], long)
    assert not agreement.same("server name", long[-40:], long)
    assert agreement.same("server name", "_.example.org", "*.example.org")


def test_the_table_names_protocols_in_the_projects_spelling() -> None:
    names = ndpi.Names.load()
    words = [word for table in (names.protocols, names.applications) for word in table.values()]

    assert all(words)
    spelling = re.compile(r"(?:(?:app|path|category):)?[a-z0-9_]+")
    assert all(spelling.fullmatch(word) for row in words for word in row)
    assert all(rule.about in ("protocol", "application") for rule in names.mistakes)
    assert all(rule.here and rule.reason for rule in names.mistakes)


def test_a_word_may_be_of_another_kind() -> None:
    row = session(app="example_video", category="streaming")

    assert agreement.says(row, ["tls"], "path")
    assert not agreement.says(row, ["tls"], "app")
    assert agreement.says(row, ["quic", "app:example_video"], "path")
    assert agreement.says(row, ["category:streaming"], "app")
    assert agreement.says(row, ["path:tls"], "app")


def test_a_verdict_under_a_rule_is_counted_apart() -> None:
    rule = ndpi.Mistake("protocol", "TLS", frozenset(("rdp",)), "because")
    names = replace(NAMES, mistakes=[rule])
    score = agreement.Agreement()
    rows = [session("ip.tcp.rdp")]

    score.compare("a", ndpi.flows([line(protocol="91/TLS")]), Reading(rows, []), names, None)

    assert score.mistakes == {"because": 1}
    assert score.protocols == {}
    guessed = [session("ip.tcp.rdp", confidence="port")]
    score.compare("a", ndpi.flows([line(protocol="91/TLS")]), Reading(guessed, []), names, None)
    assert score.protocols["tls"].agreed == 0
