"""A collector of IPFIX that knows nothing of nf: it reads what RFC 7011 and RFC 5610 say."""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

REGISTRY = {
    1: ("octetDeltaCount", "number"), 2: ("packetDeltaCount", "number"),
    4: ("protocolIdentifier", "number"), 7: ("sourceTransportPort", "number"),
    8: ("sourceIPv4Address", "address"), 11: ("destinationTransportPort", "number"),
    12: ("destinationIPv4Address", "address"), 27: ("sourceIPv6Address", "address"),
    28: ("destinationIPv6Address", "address"), 32: ("icmpTypeCodeIPv4", "number"),
    40: ("exportedOctetTotalCount", "number"), 41: ("exportedMessageTotalCount", "number"),
    42: ("exportedFlowRecordTotalCount", "number"), 95: ("applicationId", "octets"),
    96: ("applicationName", "text"), 136: ("flowEndReason", "number"),
    139: ("icmpTypeCodeIPv6", "number"), 144: ("exportingProcessId", "number"),
    152: ("flowStartMilliseconds", "number"), 153: ("flowEndMilliseconds", "number"),
    165: ("notSentFlowTotalCount", "number"), 239: ("biflowDirection", "number"),
    243: ("dot1qVlanId", "number"), 303: ("informationElementId", "number"),
    339: ("informationElementDataType", "number"), 340: ("informationElementDescription", "text"),
    341: ("informationElementName", "text"), 344: ("informationElementSemantics", "number"),
    345: ("informationElementUnits", "number"), 346: ("privateEnterpriseNumber", "number"),
    372: ("applicationCategoryName", "text"),
}  # fmt: skip
"""Of IANA's registry, as its page lists them."""
REVERSE = 29305
TEXT = 13
"""The type `string` (RFC 5610, section 3.1)."""


@dataclass
class Collector:
    """Templates and records of one transport session."""

    templates: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    meanings: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    records: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    sequence: int = 0
    messages: int = 0
    domains: set[int] = field(default_factory=set)

    def take(self, octets: bytes) -> None:
        """Reads whole messages."""
        while octets:
            version, length, _, sequence, domain = struct.unpack_from("!HHIII", octets)
            assert version == 10
            assert sequence == self.sequence, "records are missing"
            self.domains.add(domain)
            self.messages += 1
            self._sets(octets[16:length])
            octets = octets[length:]

    def flows(self) -> list[dict[str, Any]]:
        """Records that are of no options."""
        return [one for number in range(256, 260) for one in self.records.get(number, ())]

    def _sets(self, octets: bytes) -> None:
        while octets:
            number, length = struct.unpack_from("!HH", octets)
            body = octets[4:length]
            if number in {2, 3}:
                self._templates(body, scoped=number == 3)
            else:
                for record in self._records(number, body):
                    self.sequence += 1
                    self.records.setdefault(number, []).append(record)
            octets = octets[length:]

    def _templates(self, body: bytes, *, scoped: bool) -> None:
        at = 0
        while at < len(body):
            number, count = struct.unpack_from("!HH", body, at)
            at += 6 if scoped else 4
            fields = []
            for _ in range(count):
                element, length = struct.unpack_from("!HH", body, at)
                at += 4
                owner = 0
                if element & 0x8000:
                    [owner] = struct.unpack_from("!I", body, at)
                    at += 4
                fields.append((owner, element & 0x7FFF, length))
            self.templates[number] = fields

    def _records(self, number: int, body: bytes) -> Iterator[dict[str, Any]]:
        at = 0
        while at < len(body):
            record: dict[str, Any] = {}
            for owner, element, stated in self.templates[number]:
                length = stated
                if stated == 65535:
                    length, at = body[at], at + 1
                    if length == 255:
                        [length] = struct.unpack_from("!H", body, at)
                        at += 2
                name, form = self._named(owner, element)
                octets = body[at : at + length]
                assert len(octets) == length
                record[name] = value(form, octets)
                at += length
            if "informationElementName" in record:
                self._learn(record)
            yield record

    def _named(self, owner: int, element: int) -> tuple[str, str]:
        if owner == 0:
            return REGISTRY[element]
        if owner == REVERSE:
            name, form = REGISTRY[element]
            return f"reverse{name[0].upper()}{name[1:]}", form
        return self.meanings[owner, element]

    def _learn(self, record: dict[str, Any]) -> None:
        assert record["informationElementDescription"].endswith(".")
        form = "text" if record["informationElementDataType"] == TEXT else "number"
        key = record["privateEnterpriseNumber"], record["informationElementId"]
        self.meanings[key] = record["informationElementName"], form


def value(form: str, octets: bytes) -> Any:
    """What the octets of a value mean."""
    if form == "text":
        return octets.decode()
    if form == "address":
        return str(ipaddress.ip_address(octets))
    return octets if form == "octets" else int.from_bytes(octets)
