"""Messages that a collector needs besides data: templates, and options about the exporter.

Numbers are in network byte order. The templates are those of the engine, which writes the records.
A message has no time yet, and the count of its records in place of a sequence number, as those that
the engine makes: what belongs there is known when it is sent.
"""

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from nf._native.engine import IpfixExporter

__all__ = [
    "HEADER",
    "Counters",
    "Element",
    "Stamp",
    "elements",
    "introduction",
    "split",
    "statistics",
]

HEADER = struct.Struct("!HHIII")
"""Version, length, export time, sequence number, observation domain (RFC 7011, section 3.1)."""
VERSION = 10
TEMPLATES, OPTIONS_TEMPLATES = 2, 3
"""Numbers of sets (RFC 7011, section 3.3.2)."""
MEANINGS, STATISTICS = 300, 301
"""Our numbers for the templates of options."""
REVERSE_ENTERPRISE = 29305
"""Under which the responder's counters stand (RFC 5103, section 6.1)."""
VARIABLE = 65535
"""Length in a template of what tells its own length (RFC 7011, section 7)."""
MOST_AT_ONCE = 1200
"""Octets of records of options in one message, so that it fits a datagram."""
SEQUENCES = 1 << 32
EXPORTER = 1
"""There is one exporting process in a probe."""


class Element(NamedTuple):
    """An information element; numbers of type, semantics and unit are those of RFC 5610."""

    id: int
    owner: str
    length: int
    name: str
    data_type: int
    semantics: int
    units: int
    doc: str

    def specifier(self, enterprise: int) -> bytes:
        """As a field of a template (RFC 7011, section 3.2)."""
        if self.owner == "iana":
            return struct.pack("!HH", self.id, self.length)
        number = REVERSE_ENTERPRISE if self.owner == "reverse" else enterprise
        return struct.pack("!HHI", self.id | 0x8000, self.length, number)


@dataclass
class Counters:
    """What has been sent, and what not, since the exporter began."""

    messages: int = 0
    octets: int = 0
    records: int = 0
    dropped: int = 0


class Stamp:
    """Puts time and sequence number into the messages of one transport session, or one file."""

    def __init__(self) -> None:
        self._records = 0
        """Data records until now (RFC 7011, section 3.1)."""

    def put(self, message: bytes | memoryview) -> bytearray:
        """The message as it is sent now."""
        stamped = bytearray(message)
        version, length, _, records, domain = HEADER.unpack_from(stamped)
        HEADER.pack_into(stamped, 0, version, length, int(time.time()), self._records, domain)
        self._records = (self._records + records) % SEQUENCES
        return stamped


def split(messages: bytes) -> Iterator[memoryview]:
    """One message after the other."""
    rest = memoryview(messages)
    while rest:
        length = HEADER.unpack_from(rest)[1]
        yield rest[:length]
        rest = rest[length:]


def introduction(domain: int, enterprise: int) -> list[bytes]:
    """Messages that a collector needs before any record: templates, and what our elements mean."""
    return [*templates(domain, enterprise), *meanings(domain, enterprise)]


def elements(template: int) -> list[Element]:
    """Elements of a template, in their order."""
    return [Element(*one) for one in IpfixExporter.elements(template)]


def templates(domain: int, enterprise: int) -> list[bytes]:
    """Messages with all templates."""
    made = []
    for number in IpfixExporter.TEMPLATES:
        fields = elements(number)
        record = struct.pack("!HH", number, len(fields))
        record += b"".join(one.specifier(enterprise) for one in fields)
        made.append(_message(domain, TEMPLATES, record))
    options = (
        # RFC 5610, section 3.9: enterprise and element are the scope; type, semantics, unit, name
        # and description follow.
        (MEANINGS, 2, (346, 4, 303, 2, 339, 1, 344, 1, 345, 2, 341, VARIABLE, 340, VARIABLE)),
        # As RFC 7011, section 4.3, and what was sent: messages, octets, records.
        (STATISTICS, 1, (144, 4, 41, 8, 40, 8, 42, 8, 165, 8)),
    )
    records = b"".join(
        struct.pack(f"!HHH{len(fields)}H", number, len(fields) // 2, scope, *fields)
        for number, scope, fields in options
    )
    return [*made, _message(domain, OPTIONS_TEMPLATES, records)]


def meanings(domain: int, enterprise: int) -> list[bytes]:
    """Messages that tell name, type and meaning of the elements of our own (RFC 5610)."""
    own = {
        one.id: one
        for number in IpfixExporter.TEMPLATES
        for one in elements(number)
        if one.owner == "enterprise"
    }
    made, records, count = [], b"", 0
    for one in own.values():
        numbers = (enterprise, one.id, one.data_type, one.semantics, one.units)
        record = struct.pack("!IHBBH", *numbers) + _text(one.name) + _text(one.doc)
        if len(records) + len(record) > MOST_AT_ONCE:
            made.append(_message(domain, MEANINGS, records, count))
            records, count = b"", 0
        records, count = records + record, count + 1
    return [*made, _message(domain, MEANINGS, records, count)]


def statistics(domain: int, counted: Counters) -> bytes:
    """A message with what the exporter counted (RFC 7011, section 4.3)."""
    numbers = (counted.messages, counted.octets, counted.records, counted.dropped)
    return _message(domain, STATISTICS, struct.pack("!IQQQQ", EXPORTER, *numbers), 1)


def _text(text: str) -> bytes:
    octets = text.encode()
    return bytes((len(octets),)) + octets


def _message(domain: int, number: int, records: bytes, count: int = 0) -> bytes:
    body = struct.pack("!HH", number, 4 + len(records)) + records
    return HEADER.pack(VERSION, HEADER.size + len(body), 0, count, domain) + body
