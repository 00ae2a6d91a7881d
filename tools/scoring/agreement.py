"""Compares the engine's rows with the flows of nDPI.

Only flows that nDPI found by inspection count (`Confidence: DPI`); its guesses prove nothing. A
flow is the sessions of the same L4 protocol and the same two ends, in either direction: nDPI never
ends a flow, so one of its flows may be several sessions here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.scoring.engine import Reading, Row
from tools.scoring.ndpi import Flow, Key, Names, key_of

# nDPI keeps this many octets of a name, from its end.
LONGEST_NAME = 79
# And it writes `_` for what it does not expect in one.
ODD = re.compile(r"[^a-z0-9._:-]")


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
    mistakes: dict[str, int] = field(default_factory=dict)
    # Flows of which the engine is certain, and those where nDPI is certain of something else.
    certain: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
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
            self._compare_protocol(capture, flow, ours, wanted, names)
            self._compare_application(capture, flow, ours, names)
            self._compare_facts(capture, flow, ours, transactions)

    def _contradict(self, capture: str, flow: Flow, ours: Sequence[Row], names: Names) -> None:
        """Notes that the engine is certain of something else than a verdict out of its reach.

        False positives show only here.
        """
        known = names.protocols.get(flow.protocol, ())
        for row in ours:
            if row["confidence"] == "dpi" and not says(row, known, "path"):
                if mistake := names.mistake("protocol", flow.protocol, [row["protocol"]]):
                    count_up(self.mistakes, mistake.reason)
                    return
                pair = f"{flow.protocol} -> {row['protocol']}"
                count_up(self.contradicted, pair)
                self.certain += 1
                count_up(self.wrong, pair)
                self.differences.append(
                    Difference("contradiction", capture, flow.text, flow.protocol, row["path"])
                )
                return

    def _compare_protocol(
        self,
        capture: str,
        flow: Flow,
        ours: Sequence[Row],
        wanted: Sequence[str],
        names: Names,
    ) -> None:
        agreeing = [row for row in ours if says(row, wanted, "path")]
        told = {row["protocol"] for row in ours if row["confidence"] in CERTAIN}
        mistake = None if agreeing else names.mistake("protocol", flow.protocol, told)
        if mistake is not None:
            count_up(self.mistakes, mistake.reason)
            return
        count = self.protocols.setdefault(bare(wanted[0]), Count())
        if told:
            self.certain += 1
            if not agreeing:
                count_up(self.wrong, f"{flow.protocol} -> {'+'.join(sorted(told))}")
        if agreeing:
            # A header is no guess, though nothing was inspected (`none`).
            guesses = all(row["confidence"] in ("port", "address") for row in agreeing)
            count.add(bare(wanted[0]), agrees=True, guess=guesses)
            return
        answers = sorted({row["protocol"] for row in ours if row["confidence"] != "none"})
        answer = "+".join(answers) if answers else (None if ours else "no session")
        count.add(answer, agrees=False)
        got = "; ".join(sorted({f"{row['path']} ({row['confidence']})" for row in ours}))
        label = f"protocol {bare(wanted[0])}"
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
        agrees = any(says(row, wanted, "app") for row in ours)
        # A protocol of the path may be the answer, too.
        answer = "+".join(got) if got else (bare(wanted[0]) if agrees else None)
        mistake = None if agrees else names.mistake("application", flow.application, got)
        if mistake is not None:
            count_up(self.mistakes, mistake.reason)
            return
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


# Confidences of verdicts that stand for more than a port or an address.
CERTAIN = frozenset(("dpi", "pattern"))


def says(row: Row, words: Iterable[str], kind: str) -> bool:
    """Whether a session is one of `words`, which are of `kind` unless they say another."""
    ways = {
        "path": row["path"].split("."),
        "app": [row["app"]],
        "category": [row.get("category")],
    }
    for word in words:
        stated, colon, name = word.rpartition(":")
        if name in ways[stated if colon else kind]:
            return True
    return False


def bare(word: str) -> str:
    """A word of the table without its kind."""
    return word.rpartition(":")[2]


# Where a fact stands: the object of a transaction and the key in it.
PLACES: Mapping[str, Sequence[tuple[str, str]]] = {
    "server name": (
        ("http", "host"), ("http2", "host"), ("tls", "server_name"), ("quic", "server_name"),
        ("gquic", "server_name"), ("dtls", "server_name"), ("dns", "qname"), ("mdns", "qname"),
        ("llmnr", "qname"), ("dhcp", "host_name"),
        ("stun", "realm"), ("turn", "realm"), ("mgcp", "endpoint"), ("ssdp", "host"),
        ("netbios", "name"), ("netbios", "source_name"), ("smb", "source_name"),
    ),
    "ja4": (("tls", "ja4"), ("dtls", "ja4"), ("quic", "ja4")),
    "ja3": (("tls", "ja3"), ("dtls", "ja3"), ("quic", "ja3")),
    "ja3s": (("tls", "ja3s"), ("dtls", "ja3s"), ("quic", "ja3s")),
    "alpn": (("tls", "alpn"), ("dtls", "alpn"), ("quic", "alpn")),
    "cipher": (("tls", "cipher"), ("dtls", "cipher"), ("quic", "cipher")),
    "certificate": (("tls", "fingerprint_sha1"), ("dtls", "fingerprint_sha1")),
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
                # Only the domain of an endpoint of MGCP is a name.
                found.add(str(value).rpartition("@")[2] if key == "endpoint" else str(value))
    return found


def same(name: str, stated: str, got: str) -> bool:
    """Whether two spellings are the same value."""
    if name == "server name":
        stated, got = (ODD.sub("_", text.lower().rstrip(".")) for text in (stated, got))
        return stated == got or (len(stated) >= LONGEST_NAME and got.endswith(stated))
    if name == "certificate":
        return stated.replace(":", "").lower() == got.replace(":", "").lower()
    return stated == got


def count_up(counts: dict[str, int], name: str) -> None:
    """Adds one under a name."""
    counts[name] = counts.get(name, 0) + 1
