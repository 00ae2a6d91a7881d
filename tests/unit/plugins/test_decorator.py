"""Protocols described by classes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import nf


@nf.protocol(id=952, parents=["udp port 7009"], length=("size", 2), patterns=[{1: b"x"}])
class Probe:
    """What is probed.

    The rest is for readers of the code.
    """

    size = nf.attribute(0, doc="How much follows.")
    letter = nf.attribute(1, 1, "text")
    high = nf.attribute(2, 2, mask=0xFFF0)
    low = nf.attribute(2, 2, mask=0x000F)
    turned = nf.attribute(2, 2, order="host")
    body = nf.attribute(2, kind="binary")


def test_a_class_becomes_a_protocol() -> None:
    assert (Probe.name, Probe.id, Probe.description.title) == ("probe", 952, "What is probed.")
    assert Probe.description.place.partition(":")[0] == __file__


def test_one_packet_is_examined() -> None:
    found = Probe.examine(b"\x02x\x12\x34", "udp", 7009)

    assert found.path == ("probe",)
    [(name, values)] = found.headers
    assert name == "probe"
    assert values == {
        "size": 2, "letter": "x", "high": 0x123, "low": 4, "turned": 0x3412, "body": "1234",
    }  # fmt: skip
    assert Probe.examine(b"\x02y\x12\x34", "udp", 7009).path == ()
    assert Probe.examine(b"\x02x\x12\x34", "udp", 7010).path == ()


def test_numbers_of_all_widths_addresses_and_floats() -> None:
    @nf.protocol(id=953, parents=["ip protocol 253"])
    class Wide:
        mac = nf.attribute(0, kind="mac")
        four = nf.attribute(6, kind="ip")
        six = nf.attribute(10, 16, kind="ip")
        real = nf.attribute(26, kind="float")
        real8 = nf.attribute(30, 8, kind="float")
        long = nf.attribute(38, 8)

    import struct  # noqa: PLC0415

    octets = bytes(range(6)) + bytes([192, 0, 2, 1]) + bytes([0x20, 1]) + bytes(13) + b"\x01"
    octets += struct.pack("!fdQ", 1.5, -2.25, 2**64 - 1)

    [(_, values)] = Wide.examine(octets, "ip", 253).headers

    assert values == {
        "mac": "00:01:02:03:04:05", "four": "192.0.2.1", "six": "2001::1", "real": 1.5,
        "real8": -2.25, "long": 2**64 - 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"id": 1000}, "no id"),
        ({"id": 354}, "header"),
        ({"id": 953, "name": "A"}, "no name"),
        ({"id": 953, "parents": ["http"]}, "cannot carry"),
        ({"id": 953, "parents": ["udp port"]}, "parents"),
        ({"id": 953, "parents": ["udp"]}, "neither port nor pattern"),
        ({"id": 953, "length": "nothing"}, "length: no attribute 'nothing'"),
        ({"id": 953, "switch": "nothing"}, "switch: no attribute 'nothing'"),
        ({"id": 953, "cases": {1: "dns"}}, "cases without"),
        ({"id": 953, "patterns": [{0: b""}], "parents": ["udp"]}, "no octets"),
    ],
)
def test_what_contradicts_itself_is_refused_where_the_class_is(
    arguments: dict[str, object], part: str
) -> None:
    with pytest.raises(nf.ConfigurationError) as caught:

        @nf.protocol(**arguments)  # type: ignore[arg-type]
        class Wrong:
            kind = nf.attribute(0)

    assert part in caught.value.what
    assert __file__ in caught.value.place


def test_functions_of_the_class_get_batches(capture: Path) -> None:
    transactions: list[nf.Transaction] = []
    sessions: list[nf.Session] = []
    batches: list[int] = []

    @nf.protocol(id=950, parents=["udp port 7001", "tcp port 7001"], length=("length", 6))
    class Gauge:
        kind = nf.attribute(0, mask=0x0F)
        length = nf.attribute(4, 2)

        @staticmethod
        def on_transactions(batch: Sequence[nf.Transaction]) -> None:
            batches.append(len(batch))
            transactions.extend(batch)

        @staticmethod
        def on_sessions(batch: Sequence[nf.Session]) -> None:
            sessions.extend(batch)

    rows = list(nf.read(capture, report="protocol", plugins=[Gauge]))

    # Only what was asked for comes out of the reading.
    assert all(isinstance(row, nf.ProtocolTraffic) for row in rows)
    assert len(transactions) == 30 + 10 + 6 + 60
    assert {one.gauge.kind for one in transactions} == {1, 2, 3, 4, 5}
    assert len(sessions) == 30 + 30 + 6 + 30
    assert max(batches) > 10
