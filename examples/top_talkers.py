"""Who talked most: hosts by octets, with the applications that they used.

python examples/top_talkers.py CAPTURE…
"""

import sys
from collections import Counter, defaultdict

import nf

MOST = 10


def main() -> None:
    """Prints the ten hosts that sent and received most."""
    octets: Counter[str] = Counter()
    apps: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for session in nf.read(*sys.argv[1:]):
        volume = session.bytes_up + session.bytes_down
        for host in (session.src_ip, session.dst_ip):
            octets[host] += volume
            apps[host][session.app or session.protocol or "unknown"] += volume
    for host, volume in octets.most_common(MOST):
        used = ", ".join(name for name, _ in apps[host].most_common(3))
        print(f"{volume:>12,}  {host:<28}  {used}")


if __name__ == "__main__":
    main()
