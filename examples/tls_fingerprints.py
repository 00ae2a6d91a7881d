"""Which clients use which TLS: JA4 fingerprints, with the names that they asked for.

python examples/tls_fingerprints.py CAPTURE…
"""

import sys
from collections import defaultdict

import nf


def main() -> None:
    """Prints each fingerprint with its clients and the names of their servers."""
    clients: defaultdict[str, set[str]] = defaultdict(set)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for handshake in nf.read(*sys.argv[1:], report="transaction", where="tls.ja4"):
        ja4 = handshake.tls.ja4
        clients[ja4].add(handshake.src_ip)
        if handshake.tls.server_name:
            names[ja4].add(handshake.tls.server_name)
    for ja4 in sorted(clients, key=lambda ja4: (-len(names[ja4]), ja4)):
        print(f"{ja4}  {', '.join(sorted(clients[ja4]))}")
        for name in sorted(names[ja4]):
            print(f"    {name}")


if __name__ == "__main__":
    main()
