"""A parser may leave out what nobody reads. What is read must not depend on what else is."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

import nf

OF_PROTOCOL = {
    "tls": ("tls12.pcap", "tls-client-certificate.pcap", "tls-old.pcap", "smtp-starttls.pcap"),
    "dtls": ("dtls.pcap", "dtls-srtp.pcap"),
    "dns": ("dns.pcap", "dns-operations.pcap", "dns-tcp.pcap", "dns-malformed.pcap"),
    "mdns": ("mdns.pcap", "mdns-queries.pcap"),
}
"""Protocols whose parsers look at which fields are wanted, and captures with them."""


def transaction_fields(protocol: str) -> list[str]:
    (found,) = [known for known in nf.protocols() if known.name == protocol]
    said_by_messages = {it.name for it in found.attributes if it.source == "message"}
    own = [it.name for it in found.attributes if it.source == "transaction"]
    return [name for name in own if name not in said_by_messages]


def told(values: Iterable[tuple[int, object]]) -> Counter[tuple[int, str]]:
    """Sessions and what they say; empty lists trigger no event."""
    return Counter((session, repr(said)) for session, said in values if said not in (None, [], ()))


@pytest.mark.parametrize("protocol", sorted(OF_PROTOCOL))
def test_a_field_asked_for_alone_is_the_same_as_among_all(captures: Path, protocol: str) -> None:
    files = [captures / name for name in OF_PROTOCOL[protocol]]
    rows = [
        row
        for row in nf.read(*files, report="transaction", threads=0)
        if row.transaction_protocol == protocol
    ]
    fields = transaction_fields(protocol)
    assert rows
    assert len(fields) > 5

    for field in fields:
        name = f"{protocol}.{field}"
        alone = nf.read(*files, events={name: [name]}, threads=0)

        said = told((event.session_id, event.values[name]) for event in alone)
        assert said == told((row.session_id, getattr(row.fields, field)) for row in rows), field


def test_risks_do_not_depend_on_what_else_is_read(captures: Path) -> None:
    files = sorted(captures.glob("*.pcap"))
    chosen = nf.read(*files, threads=0, risks=True)
    watched = nf.read(
        *files, threads=0, risks=True, where="tls.ja3 or dns.answers or dns.qname or packets >= 0"
    )

    # Anomalies show as a risk.
    plain = {row.session_id: row.risks for row in chosen}
    assert plain == {row.session_id: row.risks for row in watched}
    assert any("malformed_traffic" in risks for risks in plain.values())
