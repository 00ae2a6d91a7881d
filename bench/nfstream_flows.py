"""Counts a capture's flows with nfstream, in the virtual environment of the bench."""

import sys

from nfstream import NFStreamer  # type: ignore[import-not-found]

if __name__ == "__main__":
    stream = NFStreamer(
        source=sys.argv[1], n_meters=1, n_dissections=20, statistical_analysis=False
    )
    if not sum(1 for _ in stream):
        sys.exit("no flows")
