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
