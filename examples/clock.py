"""A protocol of your own: clocks being set (RFC 5905), as if nf did not know it.

python examples/clock.py CAPTURE…
nf read CAPTURE --plugin examples/clock.py --where clock.mode
"""

import sys
from collections import Counter
from collections.abc import Sequence

import nf

answers: Counter[str] = Counter()


@nf.protocol(id=960, parents=["udp port 123 weight 10"], header=48)
class Clock:
    """Clocks being set."""

    version = nf.attribute(0, mask=0b00111000, doc="Version of the protocol.")
    mode = nf.attribute(0, mask=0b00000111, doc="3 asks, 4 answers.")
    stratum = nf.attribute(1, doc="Servers between this one and a clock.")
    poll = nf.attribute(2, doc="Exponent of the seconds between questions.")
    source = nf.attribute(12, kind="ip", doc="Whom the server takes the time from.")
    seconds = nf.attribute(40, 4, doc="When it was sent, seconds since 1900.")

    @staticmethod
    def on_transactions(batch: Sequence[nf.Transaction]) -> None:
        """Counts what servers answered; gets messages in batches."""
        answers.update(one.dst_ip for one in batch if one.clock.mode == 4)


def main() -> None:
    """Prints who set whose clock, and how many answers each server gave."""
    sessions = nf.read(*sys.argv[1:], plugins=[Clock], where="clock.mode == 4")
    for session in sessions:
        print(session.src_ip, "is set by", session.dst_ip, session.path)
    for server, count in answers.most_common():
        print(server, "answered", count, "times")


if __name__ == "__main__":
    main()
