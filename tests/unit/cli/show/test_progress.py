import io

import pytest

from nf.cli.show import progress
from nf.cli.show.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("COLUMNS", "100")
    return clock


def test_a_short_reading_shows_no_bar(clock: Clock) -> None:
    out = Terminal()
    bar = Progress(out)
    clock.now += 0.4

    bar.show(5, 10, 1)
    bar.clear()

    assert out.getvalue() == ""


def test_a_long_reading_shows_how_far_it_is_and_takes_it_away(clock: Clock) -> None:
    out = Terminal()
    bar = Progress(out)
    clock.now += 2

    bar.show(500_000_000, 1_000_000_000, 4_000_000)
    bar.clear()
    bar.clear()

    shown, cleared = out.getvalue().split("\r\x1b[K")[1:]
    assert shown == (
        " 50% ██████████           500 MB of 1.0 GB · 250 MB/s · 2.0 Mpackets/s · 2.0 s left"
    )
    assert cleared == ""


def test_an_unknown_length_shows_what_was_read(clock: Clock) -> None:
    out = Terminal()
    bar = Progress(out)
    clock.now += 1

    bar.show(1_000, 0, 10)

    assert out.getvalue().endswith("1.0 kB · 10 packets · 1.0 kB/s · 10 packets/s")


def test_where_nobody_watches_nothing_is_shown(clock: Clock) -> None:
    out = io.StringIO()
    bar = Progress(out)
    clock.now += 10

    bar.show(1, 2, 3)

    assert out.getvalue() == ""
