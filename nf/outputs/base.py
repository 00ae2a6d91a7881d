"""What an output is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from nf.datapath.settings import Channel

__all__ = ["Block", "Output", "Rows"]


class Block(Protocol):
    """Rows of one kind, as the engine hands them over."""

    @property
    def kind(self) -> str:
        """Kind of the rows."""

    def __len__(self) -> int: ...
    def to_jsonl(self) -> bytes:
        """JSON Lines."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows of one kind as one block of octets: JSON Lines, or what `Output.encode` makes."""

    kind: str
    count: int
    octets: bytes


class Output(ABC):
    """One channel. Its methods are called by one thread, and say with an `OSError` what fails.

    Attributes:
        name: Its name in the configuration and in events.
        channel: How much may wait for it, and how long.
    """

    def __init__(self, name: str, channel: Channel) -> None:
        """Nothing is opened before the first row."""
        self.name = name
        self.channel = channel

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What it writes to (`connection`), and what it alone counts; called by any thread."""

    def clear(self) -> None:  # noqa: B027  # most count nothing alone
        """Has what it alone counts begin at 0 again; called by any thread."""

    @abstractmethod
    def check(self) -> None:
        """Tells before anything is written whether it can work.

        Raises:
            ConfigurationError: A setting cannot work here.
        """

    def encode(self, block: Block) -> Rows | None:
        """Rows in a form of its own; None takes the JSON Lines that all others share.

        Called by the thread that hands rows over, one block at a time.
        """
        del block
        return None

    @abstractmethod
    def write(self, kind: str, octets: memoryview) -> int:
        """Writes from the start of `octets`; returns how many were taken, perhaps none yet.

        What is left is offered again, before anything else of that kind.
        """

    @abstractmethod
    def written(self, rows: Rows) -> None:
        """All octets of `rows` have been taken."""

    @abstractmethod
    def tend(self) -> None:
        """Called at least every `flush_seconds`: what has to happen with time."""

    @abstractmethod
    def close(self) -> None:
        """Ends; what was written is in its final place."""
