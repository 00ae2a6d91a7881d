"""Sessions are judged by what they show, where somebody asks."""

import json
from pathlib import Path

import pytest

import nf


def risks_of(capture: Path, *, threads: int = 0) -> list[str]:
    """Every risk of every session, sorted."""
    sessions = nf.read(capture, risks=True, threads=threads)
    return sorted(risk for session in sessions for risk in session.risks)


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("ftp-active.pcap", {"clear_text_credentials"}),
        ("imap.pcap", {"clear_text_credentials", "malformed_traffic", "unusual_port"}),
        ("tls-old.pcap", {"obsolete_tls", "self_signed_certificate", "long_lived_certificate"}),
        ("tls-rsa.pcap", {"long_lived_certificate"}),
        ("smb1.pcap", {"obsolete_smb"}),
        ("ssh-banners.pcap", {"obsolete_ssh", "unusual_port", "malformed_traffic"}),
        ("tcp-odd.pcap", {"connection_refused"}),
        ("arp.pcap", set()),
        ("ntp.pcap", set()),
    ],
)
def test_a_capture_shows_its_risks(captures: Path, capture: str, expected: set[str]) -> None:
    assert set(risks_of(captures / capture)) == expected


def test_risks_do_not_depend_on_threads(captures: Path) -> None:
    one = risks_of(captures / "demo.pcap")

    assert "certificate_name_mismatch" in one
    assert all(risks_of(captures / "demo.pcap", threads=n) == one for n in (1, 2, 3))


def test_nobody_pays_who_does_not_ask(captures: Path) -> None:
    [session, *_] = nf.read(captures / "ftp-active.pcap")
    batch = next(iter(nf.read(captures / "ftp-active.pcap").batches()))

    assert session.risks == ()
    assert "risks" not in json.loads(batch.to_jsonl().splitlines()[0])
    with pytest.raises(nf.ConfigurationError, match="risks"):
        batch.to_jsonl(["risks"])


def test_a_filter_on_risks_has_sessions_judged(captures: Path) -> None:
    capture = captures / "ftp-active.pcap"

    told = [s.protocol for s in nf.read(capture, where='risks == "clear_text_credentials"')]
    others = [s.protocol for s in nf.read(capture, where='risks != "clear_text_credentials"')]

    assert set(told) == {"ftp"}
    assert "ftp" not in others


def test_every_risk_is_explained() -> None:
    assert len({risk.name for risk in nf.risks()}) == len(nf.risks()) >= 20
    for risk in nf.risks():
        assert risk.severity in {"low", "medium", "high", "severe"}
        assert risk.title
        assert risk.rule.endswith(".")


OURS = """
# Ours.
[asked_for_example]
severity = severe
title = An example
rule = Somebody asked for a name below example.
when = dns.qname matches "example"

  [small_talk]
  when = packets < 4 and protocol == "dns"
"""


def test_rules_of_ones_own_are_judged_and_have_their_severity(
    captures: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text(OURS)
    sessions = list(nf.read(captures / "dns.pcap", risk_files=[ours]))

    grave = [one for one in sessions if "asked_for_example" in one.risks]
    small = [one for one in sessions if one.risks == ["small_talk"]]
    assert {one.risk_severity for one in grave} == {"severe"}
    assert {one.risk_severity for one in small} <= {"low"}
    assert {one.risk_severity for one in sessions if not one.risks} <= {None}
    assert any("small_talk" in one.risks for one in sessions)
    where = 'risk_severity == "severe"'
    found = list(nf.read(captures / "dns.pcap", risk_files=[ours], where=where))
    assert [one.session_id for one in found] == [one.session_id for one in grave] != []


def test_a_rule_of_ones_own_takes_the_place_of_the_one_with_its_name(
    captures: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text("[clear_text_credentials]\nseverity = low\nwhen = packets > 1000000\n")

    kept = [one for one in nf.risks([ours]) if one.name == "clear_text_credentials"]
    sessions = nf.read(captures / "ftp-active.pcap", risk_files=[ours])

    assert [(one.severity, one.when) for one in kept] == [("low", ("packets > 1000000",))]
    assert not any("clear_text_credentials" in one.risks for one in sessions)


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("title = x", ":1:1", "before the first"),
        ("[a]\nseverity = grim\nwhen = vlan == 1", ":2:12", "no severity"),
        ('[a]\nwhen = dns.qname == "x" and dsn.id', ":2:29", "dsn.id"),
        ("[a]\n\n   when = htp.uri", ":3:11", "htp.uri"),
        ("[a]\ntest = guess", ":2:8", "no test"),
        ("[a]\ntitle = x", ":1:2", "no condition"),
        ("[a]\nwhen = dns.id and http.uri", ":2:8", "more than one record"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_column(
    captures: Path, tmp_path: Path, text: str, place: str, part: str
) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text(text)

    for refuse in (
        lambda: nf.risks([ours]),
        lambda: nf.read(captures / "dns.pcap", risk_files=[ours], risks=False),
    ):
        with pytest.raises(nf.ConfigurationError, match=part) as caught:
            refuse()
        assert caught.value.place.startswith(f"{ours}{place}")
        assert caught.value.hint


def test_any_text_is_refused_or_read(tmp_path: Path) -> None:
    ours = tmp_path / "ours.conf"
    for text in ("[", "[]", "]", "=", "[a]\n=", "[a]\nwhen =", "\0", "[a]\nwhen = é ü", "é = ü"):
        ours.write_text(text)
        with pytest.raises(nf.ConfigurationError):
            nf.risks([ours])
    with pytest.raises(nf.ConfigurationError, match="cannot be read"):
        nf.risks([tmp_path / "none"])
