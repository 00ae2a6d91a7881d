"""Dumps of what engines read: with any number of threads, and names and files around them."""

from pathlib import Path
from typing import Any

import pytest

from nf._native import engine as _engine
from nf.datapath.config import EngineConfig
from nf.datapath.control import DumpEnded, DumpPackets
from nf.datapath.dumps import MOST_KEPT, Dumps
from nf.errors import CaptureError, ConfigurationError, EngineError, Refused

PATIENCE = 30.0


def read_whole(file: Path, threads: int, dumper: _engine.Dumper | None = None) -> dict[str, Any]:
    """Has an engine read a file, whose packets it offers to a dumper; what it counted."""
    engine = _engine.Engine(EngineConfig(files=(str(file),), threads=threads).to_json())
    if dumper is not None:
        engine.dump_to(dumper)
    while engine.poll(4096, 1.0) is not None:
        pass
    return engine.stats()


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_a_dump_of_a_capture_is_the_capture(captures: Path, tmp_path: Path, threads: int) -> None:
    told: list[DumpEnded] = []
    dumps = Dumps(tmp_path / "dumps", told.append)
    path = dumps.begin(DumpPackets(duration=600.0), [])
    before = read_whole(captures / "demo.pcap", threads, dumps.dumper)

    ended = dumps.stop()

    after = read_whole(path, threads)
    assert ended.packets == before["account"]["packets"] > 0
    for group in ("account", "anomalies", "decode_errors"):
        assert after[group] == before[group]
    assert after["ended_early"] is None
    # Whoever begins the next one finds the end of this one told.
    dumps.begin(DumpPackets(), [])
    assert told == [ended]
    assert dumps.end(PATIENCE)


def test_a_dump_joins_an_engine_before_its_start_only(captures: Path, tmp_path: Path) -> None:
    engine = _engine.Engine(EngineConfig(files=(str(captures / "demo.pcap"),)).to_json())
    engine.start()
    with pytest.raises(EngineError, match="before its start"):
        engine.dump_to(_engine.Dumper(str(tmp_path)))
    engine.stop()


def test_names_tell_the_time_and_none_is_given_twice(tmp_path: Path) -> None:
    dumps = Dumps(tmp_path / "dumps", lambda _: None)
    names = set()
    for _ in range(5):
        names.add(dumps.begin(DumpPackets(), []).name)
        dumps.stop()

    assert len(names) == 5
    assert all(name.startswith("dump-") and name.endswith(".pcapng") for name in names)
    assert {one["file"] for one in dumps.kept()} == names


def test_files_are_bounded_and_only_those_of_dumps_are_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    dumps = Dumps(folder, lambda _: None)
    folder.mkdir(mode=0o700)
    (folder / ".hidden").touch()
    (folder / "sub").mkdir()
    (tmp_path / "outside").touch()
    (folder / "link").symlink_to(tmp_path / "outside")
    for number in range(MOST_KEPT):
        (folder / f"n{number}").touch()

    with pytest.raises(Refused, match="kept"):
        dumps.begin(DumpPackets(), [])
    for name in ("../outside", "link", "sub", ".hidden", "none", ""):
        with pytest.raises(Refused, match="no dump"):
            dumps.delete(name)
    dumps.delete("n7")
    dumps.begin(DumpPackets(file="n7"), [])
    with pytest.raises(Refused, match="being written"):
        dumps.delete("n7")
    assert dumps.end(PATIENCE)


def test_what_is_wrong_has_the_name_of_the_order_s_leaf(tmp_path: Path) -> None:
    dumps = Dumps(tmp_path / "dumps", lambda _: None)
    for wanted, place in (
        (DumpPackets(filter="no such word"), "filter"),
        (DumpPackets(duration=-1.0), "duration"),
        (DumpPackets(octets=5), "size"),
        (DumpPackets(file="a/b"), "file"),
    ):
        with pytest.raises(ConfigurationError) as error:
            dumps.begin(wanted, [1])
        assert error.value.place == place
    with pytest.raises(Refused, match="no packets are being written"):
        dumps.stop()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "dumps").touch()
    dumps = Dumps(tmp_path / "dumps", lambda _: None)
    with pytest.raises(CaptureError):
        dumps.begin(DumpPackets(), [])
    assert "cannot be read" in dumps.stats()["text"]
