"""Reads what nDPI's own reader printed for a capture: flows, and what it read in each."""

import ipaddress
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("ndpi.toml")
MISTAKES = Path(__file__).with_name("ndpi_mistakes.toml")

FLOW = re.compile(
    r"^\t\d+\t(?P<l4>\S+) (?P<one>\S+) (?:<->|->) (?P<other>\S+) .*?"
    r"\[proto: (?:(?P<tunnel>[^\]/:]+):)*(?P<ids>\d+(?:\.\d+)?)/(?P<names>[^\]]+)\]"
    r".*?\[Confidence: (?P<confidence>[^\]]+)\]"
)
FACTS = {
    "server name": re.compile(r"\[Hostname/SNI: ([^\]]+)\]"),
    "ja4": re.compile(r"\[JA4: ([^\]]+)\]"),
    "ja3": re.compile(r"\[JA3C: ([0-9a-f]{32})\]"),
    "ja3s": re.compile(r"\[JA3S: ([0-9a-f]{32})\]"),
    "alpn": re.compile(r"\[\(Negotiated\) ALPN: ([^\]]+)\]"),
    "cipher": re.compile(r"\[Cipher: ([^\]]+)\]"),
    "certificate": re.compile(r"\[Certificate SHA-1: ([0-9A-F:]+)\]"),
    "status": re.compile(r"\[StatusCode: (\d+)\]"),
}
# What nDPI prints as the name of these flows is something else: a record of an answer, a banner.
OTHER_NAMES = frozenset(("MDNS", "SSH"))
OFFERED = re.compile(r"\[\(Advertised\) ALPNs: ([^;\]]+)")
# nDPI names a few IP protocols, and prints the number of any other.
L4_NUMBERS = {
    "ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "GRE": 47, "ESP": 50, "AH": 51, "ICMPV6": 58,
    "OSPF": 89, "PIM": 103, "PGM": 113, "VRRP": 112, "SCTP": 132,
}  # fmt: skip
# nDPI knows no ports of SCTP.
WITH_PORTS = frozenset((6, 17))

End = tuple[str, int]
Key = tuple[int, frozenset[End]]


class Unreadable(Exception):
    """A line of nDPI's output that looks like a flow and cannot be read."""


@dataclass(frozen=True)
class Flow:
    """One flow of nDPI."""

    key: Key
    protocol: str
    application: str | None
    tunnel: str | None
    confidence: str
    facts: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Mistake:
    """A kind of verdict of nDPI's that is held to be wrong."""

    about: str
    ndpi: str
    here: frozenset[str]
    reason: str


@dataclass(frozen=True)
class Names:
    """What nDPI's names are called here, and which of its verdicts are held to be wrong."""

    protocols: Mapping[str, Sequence[str]]
    applications: Mapping[str, Sequence[str]]
    tunnels: frozenset[str]
    mistakes: Sequence[Mistake] = ()

    @classmethod
    def load(cls, path: Path = TABLE, mistakes: Path = MISTAKES) -> "Names":
        """The reviewed tables beside this file."""
        table = tomllib.loads(path.read_text())
        rules = tomllib.loads(mistakes.read_text()).get("mistake", [])
        return cls(
            table["protocols"],
            table["applications"],
            frozenset(table["tunnels"]),
            [Mistake(r["about"], r["ndpi"], frozenset(r["here"]), r["reason"]) for r in rules],
        )

    def mistake(self, about: str, verdict: str, answers: Iterable[str]) -> Mistake | None:
        """The rule that a verdict of nDPI's and what is said here fall under."""
        said = set(answers)
        rules = (m for m in self.mistakes if (m.about, m.ndpi) == (about, verdict))
        return next((m for m in rules if m.here & said), None)


def flows(lines: Iterable[str]) -> Iterator[Flow]:
    """The flows among the lines that nDPI's reader printed."""
    for line in lines:
        found = FLOW.match(line)
        if found is None:
            if "[proto:" in line and line.startswith("\t"):
                raise Unreadable(line.strip()[:120])
            continue
        names = found["names"]
        protocol, application = (
            names.split(".", maxsplit=1) if "." in found["ids"] else (names, None)
        )
        number = l4_number(found["l4"])
        yield Flow(
            key=key_of(number, end_of(found["one"]), end_of(found["other"])),
            protocol=protocol,
            application=application,
            tunnel=found["tunnel"],
            confidence=found["confidence"],
            facts=stated_facts(line, protocol),
            text=f"{found['l4']} {found['one']} {found['other']}",
        )


def stated_facts(line: str, protocol: str) -> dict[str, str]:
    """What nDPI read in a flow besides its protocol, without what it is known to misspell."""
    facts = {name: match[1] for name, rule in FACTS.items() if (match := rule.search(line))}
    offered = OFFERED.search(line)
    if "ja4" in facts:
        facts["ja4"] = as_defined(
            facts["ja4"], named="server name" in facts, first_alpn=offered and offered[1]
        )
    if protocol in OTHER_NAMES:
        facts.pop("server name", None)
    if facts.get("status", "").startswith("1"):
        # It keeps the first status line, also when that is "100 Continue"; rows keep the last.
        del facts["status"]
    return facts


def as_defined(ja4: str, *, named: bool, first_alpn: str | None) -> str:
    """A JA4 of nDPI 4.11 as JA4 is defined.

    It tells names (`d`) from addresses (`i`), where a hello with a server name is told (`d`) from
    one without (`i`); and it writes the first two characters of the first ALPN value, where the
    first and the last are asked for.
    """
    head, *rest = ja4.split("_")
    # Its `i` means that the name is an address.
    named = named or head[3] == "i"
    head = head[:3] + ("d" if named else "i") + head[4:]
    if first_alpn:
        head = head[:-2] + first_alpn[0] + first_alpn[-1]
    return "_".join([head, *rest])


def l4_number(name: str) -> int:
    """IP protocol number of a name or number as nDPI prints it."""
    number = L4_NUMBERS.get(name.upper())
    if number is None:
        if not name.isdigit():
            raise Unreadable(f"IP protocol {name!r}")
        number = int(name)
    return number


def end_of(text: str) -> End:
    """Address and port of `1.2.3.4:5` or `[::1]:5`."""
    address, colon, port = text.rpartition(":")
    if not colon:
        address, port = text, "0"
    return address.strip("[]"), int(port)


def key_of(number: int, one: End, other: End) -> Key:
    """The same key for both directions; ports only where the protocol has them."""
    ends = (
        (canonical(address), port if number in WITH_PORTS else 0) for address, port in (one, other)
    )
    return number, frozenset(ends)


def canonical(address: str) -> str:
    """The usual spelling of an address.

    nDPI writes `::` for every group of zeros in IPv6, so there may be several; all but one of them
    stand for a single group.
    """
    parts = address.split("::")
    readings = [address] + [
        ":0:".join(parts[:kept]) + "::" + ":0:".join(parts[kept:]) for kept in range(1, len(parts))
    ]
    for reading in readings:
        try:
            return str(ipaddress.ip_address(reading))
        except ValueError:
            continue
    raise Unreadable(f"address {address!r}")
