"""Reads what nDPI's own reader printed for a capture, and compares it with the engine's rows.

Only flows that nDPI found by inspection count (`Confidence: DPI`); its guesses prove nothing. A
flow is the sessions of the same L4 protocol and the same two ends, in either direction: nDPI never
ends a flow, so one of its flows may be several sessions here.
"""

import ipaddress
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.scoring.engine import Reading, Row

TABLE = Path(__file__).with_name("ndpi.toml")

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
OFFERED = re.compile(r"\[\(Advertised\) ALPNs: ([^;\]]+)")
# nDPI names a few IP protocols, and prints the number of any other.
L4_NUMBERS = {
    "ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "GRE": 47, "ESP": 50, "AH": 51, "ICMPV6": 58,
    "OSPF": 89, "PIM": 103, "PGM": 113, "VRRP": 112, "SCTP": 132,
}  # fmt: skip
# nDPI knows no ports of SCTP.
WITH_PORTS = frozenset((6, 17))
# nDPI keeps this many octets of a name, from its end.
LONGEST_NAME = 79

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
class Names:
    """What nDPI's names are called here."""

    protocols: Mapping[str, Sequence[str]]
    applications: Mapping[str, Sequence[str]]
    tunnels: frozenset[str]

    @classmethod
    def load(cls, path: Path = TABLE) -> "Names":
        """The reviewed table beside this file."""
        table = tomllib.loads(path.read_text())
        return cls(table["protocols"], table["applications"], frozenset(table["tunnels"]))


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
            facts=stated_facts(line),
            text=f"{found['l4']} {found['one']} {found['other']}",
        )


def stated_facts(line: str) -> dict[str, str]:
    """What nDPI read in a flow besides its protocol, without what it is known to misspell."""
    facts = {name: match[1] for name, rule in FACTS.items() if (match := rule.search(line))}
    offered = OFFERED.search(line)
    if "ja4" in facts:
        facts["ja4"] = as_defined(
            facts["ja4"], named="server name" in facts, first_alpn=offered and offered[1]
        )
    if facts.get("status", "").startswith("1"):
        # It keeps the first status line, also when that is "100 Continue"; rows keep the last.
        del facts["status"]
    return facts


def as_defined(ja4: str, *, named: bool, first_alpn: str | None) -> str:
    """A JA4 of nDPI 4.11 as JA4 is defined.

    It writes `d` (for a domain) also when the hello names no server, and the first two characters
    of the first ALPN value, where the first and the last are asked for.
    """
    head, *rest = ja4.split("_")
    if not named:
        head = head[:3] + "i" + head[4:]
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


def sessions_by_key(sessions: Iterable[Row]) -> dict[Key, list[Row]]:
    """The engine's sessions under the keys of nDPI."""
    found: dict[Key, list[Row]] = {}
    for row in sessions:
        one = (row["src_ip"], row["src_port"] or 0)
        other = (row["dst_ip"], row["dst_port"] or 0)
        found.setdefault(key_of(row["ip_proto"], one, other), []).append(row)
    return found


@dataclass
class Count:
    """How often two verdicts were compared, and how often they were the same."""

    expected: int = 0
    answered: int = 0
    agreed: int = 0
    guessed: int = 0
    instead: dict[str, int] = field(default_factory=dict)

    def add(self, answer: str | None, *, agrees: bool, guess: bool = False) -> None:
        """Counts one comparison; `answer` is None where the engine says nothing."""
        self.expected += 1
        self.answered += answer is not None
        self.agreed += agrees
        self.guessed += agrees and guess
        if not agrees:
            said = answer if answer is not None else "nothing"
            self.instead[said] = self.instead.get(said, 0) + 1

    def merge(self, other: "Count") -> None:
        """Adds another count to this one."""
        self.expected += other.expected
        self.answered += other.answered
        self.agreed += other.agreed
        self.guessed += other.guessed
        for said, times in other.instead.items():
            self.instead[said] = self.instead.get(said, 0) + times


@dataclass(frozen=True)
class Difference:
    """One disagreement, for people to look at."""

    about: str
    capture: str
    flow: str
    expected: str
    got: str


@dataclass
class Agreement:
    """The comparison of many captures."""

    protocols: dict[str, Count] = field(default_factory=dict)
    applications: dict[str, Count] = field(default_factory=dict)
    facts: dict[str, Count] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    flows: int = 0
    by_inspection: int = 0
    in_other_tunnels: dict[str, int] = field(default_factory=dict)
    without_counterpart: dict[str, int] = field(default_factory=dict)
    without_application: dict[str, int] = field(default_factory=dict)
    contradicted: dict[str, int] = field(default_factory=dict)

    def compare(
        self,
        capture: str,
        flows_of_ndpi: Iterable[Flow],
        reading: Reading,
        names: Names,
        scored: frozenset[str] | None,
    ) -> None:
        """Compares one capture; only protocols in `scored` count (None: all of the table)."""
        sessions = sessions_by_key(reading.sessions)
        transactions = reading.by_session()
        for flow in flows_of_ndpi:
            self.flows += 1
            if flow.confidence != "DPI":
                continue
            self.by_inspection += 1
            if flow.tunnel is not None and flow.tunnel not in names.tunnels:
                count_up(self.in_other_tunnels, flow.tunnel)
                continue
            ours = sessions.get(flow.key, [])
            wanted = names.protocols.get(flow.protocol, ())
            if scored is not None:
                wanted = [word for word in wanted if word in scored]
            if not wanted:
                count_up(self.without_counterpart, flow.protocol)
                self._contradict(capture, flow, ours, names)
                continue
            self._compare_protocol(capture, flow, ours, wanted)
            self._compare_application(capture, flow, ours, names)
            self._compare_facts(capture, flow, ours, transactions)

    def _contradict(
        self, capture: str, flow: Flow, ours: Sequence[Row], names: Names
    ) -> None:
        """Notes where the engine is certain of something else than nDPI's verdict, which is out of
        its reach: false positives show only here.
        """
        known = names.protocols.get(flow.protocol, ())
        for row in ours:
            if row["confidence"] == "dpi" and not set(known) & set(row["path"].split(".")):
                pair = f"{flow.protocol} -> {row['protocol']}"
                count_up(self.contradicted, pair)
                self.differences.append(
                    Difference("contradiction", capture, flow.text, flow.protocol, row["path"])
                )
                return

    def _compare_protocol(
        self, capture: str, flow: Flow, ours: Sequence[Row], wanted: Sequence[str]
    ) -> None:
        count = self.protocols.setdefault(wanted[0], Count())
        agreeing = [row for row in ours if set(wanted) & set(row["path"].split("."))]
        if agreeing:
            by_inspection = any(row["confidence"] in ("dpi", "pattern") for row in agreeing)
            count.add(wanted[0], agrees=True, guess=not by_inspection)
            return
        answers = sorted({row["protocol"] for row in ours if row["confidence"] != "none"})
        answer = "+".join(answers) if answers else (None if ours else "no session")
        count.add(answer, agrees=False)
        got = "; ".join(sorted({f"{row['path']} ({row['confidence']})" for row in ours}))
        label = f"protocol {wanted[0]}"
        self.differences.append(
            Difference(label, capture, flow.text, flow.protocol, got or "no session")
        )

    def _compare_application(
        self, capture: str, flow: Flow, ours: Sequence[Row], names: Names
    ) -> None:
        if flow.application is None:
            return
        wanted = names.applications.get(flow.application)
        if not wanted:
            count_up(self.without_application, flow.application)
            return
        got = sorted({row["app"] for row in ours if row["app"]})
        agrees = bool(set(wanted) & set(got))
        answer = "+".join(got) if got else None
        self.applications.setdefault(flow.application, Count()).add(answer, agrees=agrees)
        if not agrees:
            name = flow.facts.get("server name", "no name")
            self.differences.append(
                Difference(
                    "application",
                    capture,
                    f"{flow.text} [{name}]",
                    flow.application,
                    answer or "nothing",
                )
            )

    def _compare_facts(
        self,
        capture: str,
        flow: Flow,
        ours: Sequence[Row],
        transactions: Mapping[int, Sequence[Row]],
    ) -> None:
        rows = [row for session in ours for row in transactions.get(session["session_id"], ())]
        for name, stated in flow.facts.items():
            got = facts_of(name, [*ours, *rows])
            agrees = any(same(name, stated, value) for value in got)
            self.facts.setdefault(name, Count()).add("another" if got else None, agrees=agrees)
            if not agrees:
                self.differences.append(
                    Difference(
                        f"{name} ({flow.protocol})",
                        capture,
                        flow.text,
                        stated,
                        ", ".join(sorted(got)) or "nothing",
                    )
                )


# Where a fact stands: the object of a transaction and the key in it.
PLACES: Mapping[str, Sequence[tuple[str, str]]] = {
    "server name": (
        ("http", "host"), ("http2", "host"), ("tls", "server_name"), ("quic", "server_name"),
        ("dns", "qname"), ("mdns", "qname"), ("llmnr", "qname"), ("dhcp", "host_name"),
    ),
    "ja4": (("tls", "ja4"), ("quic", "ja4")),
    "ja3": (("tls", "ja3"), ("quic", "ja3")),
    "ja3s": (("tls", "ja3s"), ("quic", "ja3s")),
    "alpn": (("tls", "alpn"), ("quic", "alpn")),
    "cipher": (("tls", "cipher"), ("quic", "cipher")),
    "certificate": (("tls", "fingerprint_sha1"),),
    "status": (("http", "status"), ("http2", "status")),
}  # fmt: skip


def facts_of(name: str, rows: Iterable[Row]) -> set[str]:
    """Every value of a fact that sessions and their transactions state."""
    found: set[str] = set()
    for row in rows:
        if name == "server name" and row.get("server_name"):
            found.add(row["server_name"])
        for protocol, key in PLACES[name]:
            value = (row.get(protocol) or {}).get(key)
            if value not in (None, ""):
                found.add(str(value))
    return found


def same(name: str, stated: str, got: str) -> bool:
    """Whether two spellings are the same value."""
    if name == "server name":
        stated, got = stated.lower().rstrip("."), got.lower().rstrip(".")
        return stated == got or (len(stated) >= LONGEST_NAME and got.endswith(stated))
    if name == "certificate":
        return stated.replace(":", "").lower() == got.replace(":", "").lower()
    return stated == got


def count_up(counts: dict[str, int], name: str) -> None:
    """Adds one under a name."""
    counts[name] = counts.get(name, 0) + 1
