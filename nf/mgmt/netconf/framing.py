"""Where a message of NETCONF ends (RFC 6242 sections 4.2 and 4.3).

Before both sides have said hello, and with base:1.0 for good, a message ends with `]]>]]>`. With
base:1.1 it comes in chunks that state their length.
"""

import re

__all__ = ["Deframer", "FramingError", "in_chunks", "with_mark"]

MARK = b"]]>]]>"
END = b"\n##\n"

_HEAD = re.compile(rb"\n#(?:([1-9][0-9]{0,9})|(#))\n")
_MAX_HEAD = 13
"""Octets of the longest head of a chunk: `\\n#4294967295\\n`."""
_MAX_CHUNK = 2**32 - 1


class FramingError(Exception):
    """The peer's octets cannot be told into messages any more: the session has to end."""


class Deframer:
    """Cuts octets, as they come, into messages.

    Attributes:
        limit: Octets of the longest message.
    """

    def __init__(self, limit: int) -> None:
        """Begins with the mark of base:1.0."""
        self.limit = limit
        self._octets = bytearray()
        self._searched = 0
        self._chunked = False
        self._parts: list[bytes] = []
        self._size = 0
        self._missing = 0

    @property
    def held(self) -> int:
        """Octets that wait for the rest of their message."""
        return len(self._octets) + self._size

    def use_chunks(self) -> None:
        """Both sides speak base:1.1: what follows comes in chunks."""
        self._chunked = True
        self._searched = 0

    def feed(self, octets: bytes) -> None:
        """Takes what has arrived."""
        self._octets += octets

    def next(self) -> bytes | None:
        """The next whole message; None when it is not all there.

        Raises:
            FramingError: It is too long, or its chunks are malformed.
        """
        return self._next_of_chunks() if self._chunked else self._next_before_mark()

    def _next_before_mark(self) -> bytes | None:
        end = self._octets.find(MARK, self._searched)
        if end < 0:
            self._searched = max(0, len(self._octets) - len(MARK) + 1)
            self._refuse_above_limit(len(self._octets))
            return None
        self._refuse_above_limit(end)
        message = bytes(self._octets[:end])
        del self._octets[: end + len(MARK)]
        self._searched = 0
        return message

    def _next_of_chunks(self) -> bytes | None:
        while True:
            if self._missing:
                if not self._octets:
                    return None
                part = bytes(self._octets[: self._missing])
                del self._octets[: len(part)]
                self._parts.append(part)
                self._missing -= len(part)
                continue
            head = _HEAD.match(self._octets)
            if head is None:
                self._refuse_what_is_no_head()
                return None
            # A match looks into the octets themselves: read it before they go.
            last, digits = head.group(2), head.group(1)
            del self._octets[: head.end()]
            if last:
                return self._whole()
            length = int(digits)
            if length > _MAX_CHUNK:
                raise FramingError(f"a chunk of {length} octets is longer than RFC 6242 permits")
            self._size += length
            self._refuse_above_limit(self._size)
            self._missing = length

    def _whole(self) -> bytes:
        if not self._parts:
            raise FramingError("a message without a chunk")
        message = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return message

    def _refuse_what_is_no_head(self) -> None:
        """Whether the octets can still become the head of a chunk."""
        start = bytes(self._octets[:_MAX_HEAD])
        if len(start) == _MAX_HEAD or not _begins_head(start):
            raise FramingError(f"{start[:12]!r} does not begin a chunk")

    def _refuse_above_limit(self, size: int) -> None:
        if size > self.limit:
            raise FramingError(f"a message of more than {self.limit} octets")


_BEGINNING = re.compile(rb"\n?|\n#(?:#|[1-9][0-9]{0,9})?")


def _begins_head(octets: bytes) -> bool:
    return _BEGINNING.fullmatch(octets) is not None


def with_mark(message: bytes) -> bytes:
    """A message as base:1.0 sends it."""
    return message + MARK


def in_chunks(message: bytes) -> bytes:
    """A message as base:1.1 sends it, in one chunk unless it is longer than one may be."""
    parts = [
        b"\n#%d\n%b" % (len(part), part)
        for part in (message[at : at + _MAX_CHUNK] for at in range(0, len(message), _MAX_CHUNK))
    ]
    return b"".join((*parts, END))
