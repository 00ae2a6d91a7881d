"""Which rows go where, and what becomes of outputs when the settings change."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nf.datapath.settings import FileOutput, Settings, StdoutOutput
from nf.errors import ConfigurationError
from nf.outputs.fanout import Fanout

PATIENCE = 20.0


def silent(*_: object) -> None:
    pass


@dataclass
class Lines:
    """Rows that are JSON Lines already; None where nobody may ask for them."""

    kind: str
    octets: bytes | None
    count: int = 1

    def __len__(self) -> int:
        return self.count

    def to_jsonl(self) -> bytes:
        assert self.octets is not None, "rows that nobody wants were made octets"
        return self.octets


def lines(folder: Path) -> dict[str, bytes]:
    return {path.name.split("_", 1)[1]: path.read_bytes() for path in sorted(folder.iterdir())}


def settings(folder: Path, **more: object) -> Settings:
    given = {"reports": ("session",), "rotate_seconds": 0, "name": "x"} | more
    return Settings(file=FileOutput(str(folder), **given))  # type: ignore[arg-type]


def test_rows_go_to_whoever_wants_their_kind_and_no_others_are_made(tmp_path: Path) -> None:
    fanout = Fanout(silent, silent)
    fanout.offer(Lines("session", None))
    fanout.apply(fanout.prepare(settings(tmp_path)))
    fanout.offer(Lines("session", b"1\n"))
    fanout.offer(Lines("session", None, 0))
    fanout.offer(Lines("transaction", None))
    assert fanout.close(PATIENCE) == 0
    assert lines(tmp_path) == {"session_x": b"1\n"}


def test_an_output_that_stays_as_it_is_goes_on_and_its_counters_too(tmp_path: Path) -> None:
    fanout = Fanout(silent, silent)
    fanout.apply(fanout.prepare(settings(tmp_path)))
    fanout.offer(Lines("session", b"1\n"))
    fanout.apply(fanout.prepare(settings(tmp_path)))
    fanout.offer(Lines("session", b"2\n"))
    [counted] = fanout.stats()
    assert counted["queued_rows"] + counted["written_rows"] == 2
    fanout.close(PATIENCE)
    assert lines(tmp_path) == {"session_x": b"1\n2\n"}


def test_an_output_that_is_exchanged_writes_what_it_has(tmp_path: Path) -> None:
    fanout = Fanout(silent, silent)
    fanout.apply(fanout.prepare(settings(tmp_path / "a")))
    fanout.offer(Lines("session", b"1\n"))
    fanout.apply(fanout.prepare(settings(tmp_path / "b")))
    fanout.offer(Lines("session", b"2\n"))
    fanout.close(PATIENCE)
    assert lines(tmp_path / "a") == {"session_x": b"1\n"}
    assert lines(tmp_path / "b") == {"session_x": b"2\n"}


def test_what_cannot_work_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    fanout = Fanout(silent, silent)
    fanout.apply(fanout.prepare(settings(tmp_path / "a")))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError):
        fanout.prepare(settings(tmp_path / "file"))
    fanout.offer(Lines("session", b"1\n"))
    fanout.close(PATIENCE)
    assert lines(tmp_path / "a") == {"session_x": b"1\n"}


def test_outputs_that_are_no_longer_asked_for_end(tmp_path: Path) -> None:
    fanout = Fanout(silent, silent)
    fanout.apply(fanout.prepare(settings(tmp_path)))
    fanout.offer(Lines("session", b"1\n"))
    fanout.apply(fanout.prepare(Settings()))
    assert fanout.stats() == []
    fanout.close(PATIENCE)
    assert lines(tmp_path) == {"session_x": b"1\n"}


def test_events_that_go_different_ways_are_told_apart(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    fanout = Fanout(silent, silent)
    both = replace(
        settings(tmp_path, reports=("event",), events=("http.method", "dns.qname")),
        stdout=StdoutOutput(reports=("event",), events=("dns.qname",)),
    )
    fanout.apply(fanout.prepare(both))
    rows = [b'{"type":"event","event":"http.method"}\n', b'{"type":"event","event":"dns.qname"}\n']
    fanout.offer(Lines("event", b"".join(rows), 2))
    fanout.close(PATIENCE)
    assert lines(tmp_path) == {"event_x": b"".join(rows)}
    assert capfdbinary.readouterr().out == rows[1]
