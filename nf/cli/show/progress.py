"""The progress bar on standard error."""

import time
from typing import IO

from nf.cli.show.columns import bar
from nf.cli.show.terminal import cut, is_terminal, style_for
from nf.cli.show.units import count, duration, octets, rate

__all__ = ["Progress"]

QUIET_SECONDS = 0.5
"""What is over by then shows no bar."""
BAR_WIDTH = 20
CLEAR = "\r\x1b[K"


class Progress:
    """One line that is rewritten in place; nothing where standard error is no terminal."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._wanted = is_terminal(out)
        self._begun = time.monotonic()
        self._shown = False

    def show(self, done: int, total: int, packets: int) -> None:
        """Shows how far reading has come.

        Args:
            done: Octets read.
            total: Octets to read; 0 where that is unknown.
            packets: Packets read.
        """
        seconds = time.monotonic() - self._begun
        if not self._wanted or seconds < QUIET_SECONDS:
            return
        width = style_for(self._out).width - 1
        self._out.write(CLEAR + cut(line(done, total, packets, seconds), width))
        self._out.flush()
        self._shown = True

    def clear(self) -> None:
        """Takes the line away, so that something else can be written there."""
        if self._shown:
            self._out.write(CLEAR)
            self._out.flush()
            self._shown = False


def line(done: int, total: int, packets: int, seconds: float) -> str:
    """The text of the line after so many seconds."""
    speed = done / seconds
    rates = f"{octets(speed)}/s · {rate(packets / seconds, 'packets/s')}"
    if total <= 0:
        return f"{octets(done)} · {count(packets)} packets · {rates}"
    done = min(done, total)
    left = f" · {duration((total - done) / speed)} left" if 0 < done < total else ""
    drawn = f"{bar(done, total, BAR_WIDTH):<{BAR_WIDTH}}"
    return f"{done / total:4.0%} {drawn} {octets(done)} of {octets(total)} · {rates}{left}"
