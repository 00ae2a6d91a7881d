"""A plugin of the tests: it writes down what its functions hear, and one of them never works."""

import json
from collections.abc import Iterable
from pathlib import Path

import nf

HEARD = Path(__file__).with_suffix(".heard")


def note(kind: str, records: Iterable[nf.Session | nf.Event]) -> None:
    """Writes a line for each record."""
    with HEARD.open("a") as file:
        for one in records:
            file.write(json.dumps([kind, one.session_id]) + "\n")


@nf.protocol(id=961, parents=["udp port 5000 weight 10"], header=4)
class Known:
    """Packets that the tests send."""

    first = nf.attribute(0, 1)

    @staticmethod
    def on_sessions(batch: list[nf.Session]) -> None:
        note("session", batch)

    @staticmethod
    def on_transactions(batch: list[nf.Transaction]) -> None:
        note("transaction", batch)

    @staticmethod
    def on_first(batch: list[nf.Event]) -> None:
        assert all(one.values["known.first"] == ord("k") for one in batch)
        note("event", batch)

    @staticmethod
    def on_packets(batch: list[nf.Event]) -> None:  # noqa: ARG004  # it fails whatever comes
        raise ValueError("this one never works")

    @staticmethod
    def classify(batch: list[nf.Session]) -> dict[int, str]:
        return {one.session_id: "rsync" for one in batch if one.dst_port == 5001}
