"""How often the engine is certain of what is not there: of random, encrypted and shuffled octets.

Payloads that mean nothing must get no name with the confidence `dpi` or `pattern`. Of real
captures it is wrong where it contradicts what nDPI found by inspection (`agreement.py`).
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nf
from tools.scoring import frames
from tools.scoring.agreement import CERTAIN
from tools.scoring.frames import Ends, Frame

# Share of sessions, in percent, that may be named wrongly.
MOST_WRONG = 0.5
# Ports that many protocols have, so that whatever needs its port is asked, too.
PORTS = (
    *(21, 22, 25, 53, 69, 80, 110, 123, 137, 143, 161, 179, 389, 443, 445, 502, 514, 623, 853),
    *(1080, 1153, 1194, 1433, 1521, 1812, 1883, 1900, 2049, 3306, 3389, 3478, 4500, 5060, 5222),
    *(5223, 5353, 5432, 5683, 6000, 6379, 7351, 8000, 8080, 8801, 9092, 11211, 22023, 27017),
)
PACKETS = 6


@dataclass
class Wrong:
    """Sessions, and those that were given a name with certainty and without right."""

    sessions: int = 0
    wrong: int = 0
    named: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Percent of sessions."""
        return 100.0 * self.wrong / self.sessions if self.sessions else 0.0

    def add(self, path: str | None) -> None:
        """Counts a session; `path` where it was named wrongly."""
        self.sessions += 1
        if path is not None:
            self.wrong += 1
            self.named[path] = self.named.get(path, 0) + 1


def judge(found: Wrong, capture: Path, allowed: frozenset[str] = frozenset()) -> None:
    """Adds the sessions over TCP and UDP of a capture whose payloads mean nothing."""
    for row in nf.read(capture, report="session", threads=0):
        if row.ip_proto not in (frames.TCP, frames.UDP) or not row.payload_up + row.payload_down:
            continue
        carrier = "tcp" if row.ip_proto == frames.TCP else "udp"
        within = row.path.split(f"{carrier}.", maxsplit=1)
        is_named = row.confidence in CERTAIN and len(within) > 1
        is_right = not is_named or row.protocol in allowed
        found.add(None if is_right else within[-1])


def of_frames(made: Iterable[Frame], link: int, allowed: frozenset[str] = frozenset()) -> Wrong:
    """What is said of frames whose payloads mean nothing."""
    found = Wrong()
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "made.pcap"
        frames.write(capture, made, link)
        judge(found, capture, allowed)
    return found


def sessions(
    count: int, seed: int, payload: Callable[[random.Random], bytes], *, tcp: bool
) -> Iterator[Frame]:
    """Packets of sessions in both directions, with payloads as `payload` makes them."""
    chance = random.Random(seed)  # noqa: S311 (the same octets each time are wanted)
    for number in range(count):
        port = PORTS[number % len(PORTS)] if number % 2 else chance.randrange(1, 65_536)
        sent = {True: 0, False: 0}
        for packet in range(PACKETS):
            up = packet % 2 == 0
            octets = payload(chance)
            ends = Ends(number, port)
            yield frames.datagram(ends, octets, up=up, tcp=tcp, sent=sent[up])
            sent[up] += len(octets)


def uniform(chance: random.Random) -> bytes:
    """Octets without any order, as what is encrypted without a header."""
    return chance.randbytes(chance.choice((8, 12, 16, 20, 48, 64, 120, 256, 512, 1200)))


def like_tls(chance: random.Random) -> bytes:
    """A TLS record with encrypted contents."""
    octets = chance.randbytes(chance.randrange(32, 1200))
    return b"\x17\x03\x03" + len(octets).to_bytes(2, "big") + octets


def shuffled(capture: Path, seed: int) -> Iterator[Frame]:
    """The frames of a capture, the octets of each payload in another order."""
    chance = random.Random(seed)  # noqa: S311
    for frame in frames.read(capture):
        start = frames.payload_at(frame)
        if start is None:
            continue
        octets = bytearray(frame.data[start:])
        chance.shuffle(octets)
        # Where the order cannot be another one, or is not, nothing was shuffled.
        if not octets or octets != frame.data[start:]:
            yield Frame(frame.link, frame.data[:start] + bytes(octets))


def of_generated(count: int) -> dict[str, Wrong]:
    """What is said of `count` sessions of each kind that is made up."""
    tls = frozenset(("tls",))
    kinds: tuple[tuple[str, Callable[[random.Random], bytes], bool, frozenset[str]], ...] = (
        ("random octets over TCP", uniform, True, frozenset()),
        ("random octets over UDP", uniform, False, frozenset()),
        ("encrypted records over TCP", like_tls, True, tls),
        ("encrypted records over UDP", like_tls, False, frozenset()),
    )
    return {
        name: of_frames(sessions(count, seed, payload, tcp=tcp), frames.RAW_IP, allowed)
        for seed, (name, payload, tcp, allowed) in enumerate(kinds)
    }


def of_shuffled(captures: Iterable[Path], rounds: int = 1) -> Wrong:
    """What is said of captures whose payloads were shuffled, so many times each."""
    found = Wrong()
    for seed, capture in enumerate(capture for capture in captures for _ in range(rounds)):
        by_link: dict[int, list[Frame]] = {}
        for frame in shuffled(capture, seed):
            by_link.setdefault(frame.link, []).append(frame)
        for link, made in by_link.items():
            one = of_frames(made, link)
            found.sessions += one.sessions
            found.wrong += one.wrong
            for path, times in one.named.items():
                found.named[path] = found.named.get(path, 0) + times
    return found
