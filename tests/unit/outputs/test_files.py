"""Record files: names, rotation, what is kept, and what happens when disk or process fails."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nf.datapath.settings import FileOutput
from nf.errors import ConfigurationError
from nf.outputs.base import Rows
from nf.outputs.file import Files

ROWS = Rows("session", 2, b'{"a":1}\n{"a":2}\n')


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(tmp_path: Path) -> FileOutput:
    return FileOutput(str(tmp_path / "out"), "data.jsonl", rotate_seconds=60, retain=0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(settings: FileOutput, clock: Clock) -> Files:
    files = Files(settings, wall=clock, clock=clock)
    files.check()
    return files


def put(files: Files, rows: Rows = ROWS) -> None:
    view = memoryview(rows.octets)
    while view:
        view = view[files.write(rows.kind, view) :]
    files.written(rows)
    files.tend()


def names(settings: FileOutput) -> list[str]:
    return sorted(path.name for path in Path(settings.directory).iterdir())


@contextmanager
def files_up_to(octets: int) -> Iterator[None]:
    """The system refuses to write beyond a place in a file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


def test_it_tells_where_files_are_and_how_many_are_complete(
    settings: FileOutput, clock: Clock
) -> None:
    files = made(settings, clock)
    put(files)
    assert files.state() == {"connection": settings.directory, "files": 0}

    files.close()
    assert files.state()["files"] == 1

    files.clear()
    assert files.state()["files"] == 0


def test_a_file_has_its_name_only_when_it_is_whole(settings: FileOutput, clock: Clock) -> None:
    files = made(settings, clock)
    put(files)
    assert names(settings) == [".1700000000.250000_session_data.jsonl.part"]

    clock.now += 59
    put(files)
    clock.now += 1
    files.tend()

    assert names(settings) == ["1700000000.250000_session_data.jsonl"]
    assert (Path(settings.directory) / names(settings)[0]).read_bytes() == ROWS.octets * 2


def test_each_kind_has_files_of_its_own(settings: FileOutput, clock: Clock) -> None:
    files = made(settings, clock)
    put(files)
    put(files, Rows("transaction", 1, b"{}\n"))
    files.close()
    assert names(settings) == [
        "1700000000.250000_session_data.jsonl",
        "1700000000.250000_transaction_data.jsonl",
    ]


def test_size_rotates_and_equal_times_make_different_names(
    settings: FileOutput, clock: Clock
) -> None:
    files = made(replace(settings, rotate_bytes=len(ROWS.octets)), clock)
    for _ in range(3):
        put(files)
    assert names(settings) == [f"1700000000.25000{n}_session_data.jsonl" for n in range(3)]


def test_only_the_last_ones_are_kept_and_no_strangers_deleted(
    settings: FileOutput, clock: Clock
) -> None:
    Path(settings.directory).mkdir()
    strangers = [
        "1.000000_session_other.jsonl",
        "1.000000_transaction_data.jsonl",
        "x_session_data",
    ]
    for name in strangers:
        (Path(settings.directory) / name).touch()
    files = made(replace(settings, rotate_bytes=1, retain=2), clock)
    for _ in range(5):
        clock.now += 1
        put(files)
    assert names(settings) == sorted(
        [
            *strangers,
            "1700000004.250000_session_data.jsonl",
            "1700000005.250000_session_data.jsonl",
        ]
    )


def test_without_rows_there_is_no_file(settings: FileOutput, clock: Clock) -> None:
    files = made(settings, clock)
    clock.now += 1000
    files.tend()
    files.close()
    assert names(settings) == []


@pytest.mark.parametrize("fsync", [False, True])
def test_a_full_disk_loses_nothing_once_there_is_room_again(
    settings: FileOutput, clock: Clock, fsync: bool
) -> None:
    files = made(replace(settings, fsync=fsync), clock)
    put(files)
    with files_up_to(len(ROWS.octets) + 3):
        view = memoryview(ROWS.octets)
        view = view[files.write("session", view) :]
        assert len(view) == len(ROWS.octets) - 3
        with pytest.raises(OSError, match="too large"):
            files.write("session", view)
        clock.now += 100
        files.tend()
        assert names(settings)[0].endswith(".part"), "half a block must not be rotated away"
    files.write("session", view)
    files.written(ROWS)
    files.tend()
    [name] = names(settings)
    assert (Path(settings.directory) / name).read_bytes() == ROWS.octets * 2


def test_closing_in_the_middle_of_a_block_leaves_whole_lines(
    settings: FileOutput, clock: Clock
) -> None:
    files = made(settings, clock)
    put(files)
    files.write("session", memoryview(ROWS.octets)[:11])
    files.close()
    [name] = names(settings)
    assert (Path(settings.directory) / name).read_bytes() == ROWS.octets


@pytest.mark.parametrize(
    ("left", "kept"),
    [(b'{"a":1}\n{"a', b'{"a":1}\n'), (b"", None), (b"torn", None), (b"x" * 200_000, None)],
)
def test_what_a_crash_left_is_taken_up_to_its_last_whole_line(
    settings: FileOutput, clock: Clock, left: bytes, kept: bytes | None
) -> None:
    Path(settings.directory).mkdir()
    (Path(settings.directory) / ".12.000000_session_data.jsonl.part").write_bytes(left)
    files = made(settings, clock)
    files.tend()
    if kept is None:
        assert names(settings) == []
    else:
        assert names(settings) == ["12.000000_session_data.jsonl"]
        assert (Path(settings.directory) / "12.000000_session_data.jsonl").read_bytes() == kept


def test_what_another_probe_is_writing_is_left_alone(settings: FileOutput, clock: Clock) -> None:
    one, other = made(settings, clock), made(settings, clock)
    put(one)
    other.tend()
    put(other)
    one.close()
    other.close()
    assert len(names(settings)) == 2


@pytest.mark.parametrize("name", ["", "a/b", "x.part"])
def test_a_name_that_is_none_is_refused(settings: FileOutput, clock: Clock, name: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        made(replace(settings, name=name), clock)
    assert told.value.place == "file.name"


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as told:
        made(FileOutput(str(tmp_path / "file" / "below")), clock)
    assert told.value.place == "file.directory"
