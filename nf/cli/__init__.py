"""The `nf` command."""

import argparse
import sys
from collections.abc import Sequence

import nf

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="nf", description="A traffic probe.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("version", help="print the version")
    parser.parse_args(arguments)
    print(f"nf {nf.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
