"""Which addresses names led to: the answers of every DNS lookup, as CSV.

python examples/dns_answers.py CAPTURE… > answers.csv
"""

import csv
import sys

import nf


def main() -> None:
    """Writes one line per answer."""
    out = csv.writer(sys.stdout)
    out.writerow(["ts", "client", "server", "name", "type", "ttl", "data", "response_us"])
    for lookup in nf.read(*sys.argv[1:], report="transaction", where='dns.opcode == "QUERY"'):
        for answer in lookup.dns.answers or []:
            out.writerow(
                [
                    f"{lookup.ts:.6f}",
                    lookup.src_ip,
                    lookup.dst_ip,
                    answer["name"],
                    answer["type"],
                    answer["ttl"],
                    answer["data"],
                    lookup.dns.response_us,
                ]
            )


if __name__ == "__main__":
    main()
