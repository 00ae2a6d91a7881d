"""What tells the application of a session, and how surely."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

NF = Path(sys.executable).with_name("nf")
BLOCK = "[ours]\ncategory = business\n"


def told(capture: Path, ours: Path, text: str) -> dict[int, tuple[str, str]]:
    """Application and confidence of each session over TCP or UDP, by its number."""
    ours.write_text(text)
    columns = "session_id,ip_proto,app,app_confidence,confidence"
    command = [str(NF), "read", "-o", "csv", "--apps", str(ours), "--fields", columns]
    run = subprocess.run([*command, str(capture)], capture_output=True, text=True, check=True)
    rows = csv.DictReader(run.stdout.splitlines())
    return {
        int(row["session_id"]): (row["app"], row["app_confidence"])
        for row in rows
        if row["ip_proto"] in ("6", "17")
    }


# Sessions of tls12.pcap: three ask for www.example.com, the last for nobody.
NAMED, NAMELESS = (3, 21, 39), 54


@pytest.mark.parametrize(
    ("clue", "sure"),
    [
        ("suffixes = example.com", "dpi"),
        ("hosts = www.example.com", "dpi"),
        ("shared = example.com", "partial"),
        ("ambiguous = true\nsuffixes = example.com", "partial"),
        ("certificates = Harbour Laboratory", "dpi"),
        ("certificates = WWW.example.com", "dpi"),
        ("tls_ports = 443", "port"),
    ],
)
def test_names_certificates_and_ports_tell(
    captures: Path, tmp_path: Path, clue: str, sure: str
) -> None:
    found = told(captures / "tls12.pcap", tmp_path / "ours.conf", f"{BLOCK}{clue}\n")

    assert {found[number] for number in (*NAMED, NAMELESS)} == {("ours", sure)}


def test_an_agreed_protocol_tells(captures: Path, tmp_path: Path) -> None:
    found = told(captures / "tls12.pcap", tmp_path / "ours.conf", f"{BLOCK}alpn = h2\n")
    assert [found[number] for number in NAMED] == [("ours", "dpi"), ("", ""), ("", "")]

    quic = told(captures / "quic-echo.pcap", tmp_path / "ours.conf", f"{BLOCK}alpn = echo\n")
    assert set(quic.values()) == {("ours", "dpi")}


def test_an_address_tells_only_where_no_name_does(captures: Path, tmp_path: Path) -> None:
    text = f"{BLOCK}addresses = 192.0.2.0/24\n"

    found = told(captures / "tls12.pcap", tmp_path / "ours.conf", text)

    # The last one's certificate has a name, too, and nobody knows it.
    assert {found[number] for number in (*NAMED, NAMELESS)} == {("", "")}
    nameless = told(captures / "quic-echo.pcap", tmp_path / "ours.conf", text)
    assert set(nameless.values()) == {("ours", "address")}


def test_an_address_says_nothing_of_protocols_that_have_no_applications(
    captures: Path, tmp_path: Path
) -> None:
    text = f"{BLOCK}addresses = 0.0.0.0/1 128.0.0.0/1\n"

    found = told(captures / "ntp.pcap", tmp_path / "ours.conf", text)

    assert ("ours", "address") not in set(found.values())


def test_what_is_certain_goes_before_what_is_shared(captures: Path, tmp_path: Path) -> None:
    text = (
        "[cdn]\ncategory = cdn\nambiguous = true\nsuffixes = example.com\n"
        "[maker]\ncategory = iot\ncertificates = Harbour Laboratory\n"
    )

    found = told(captures / "tls12.pcap", tmp_path / "ours.conf", text)

    assert {found[number] for number in NAMED} == {("maker", "dpi")}
