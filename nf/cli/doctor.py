"""`nf doctor`: what works on this machine, and what to do where something does not."""

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap

from nf.cli import exits
from nf.cli.listing import add_format, print_json
from nf.cli.show.terminal import Style, safe, style_for, width_of
from nf.datapath.machine import Check, Verdict, examine

__all__ = ["configure", "run"]

DESCRIPTION = """\
Looks at rights, interfaces, kernel features and limits, and says for each whether the probe works
with it, works less well, or not at all, and what to do.

Nothing is changed. Run it as the user, and in the container, that the probe runs as.
"""
EXAMPLES = """\
examples:
  nf doctor                     what works here
  nf doctor -o json             the same for a script
  nf doctor --state-dir /var/lib/nf

exit codes:
  0 everything that live capture needs is there (it may be limited), 1 something is missing
"""
SIGNS: dict[Verdict, tuple[str, str]] = {
    "ok": ("✔", "green"),
    "limited": ("!", "yellow"),
    "missing": ("✘", "red"),
}


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "--state-dir", type=Path, metavar="FOLDER", help="look at this state folder as well"
    )
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints the findings."""
    checks = examine(arguments.state_dir)
    missing = any(check.verdict == "missing" for check in checks)
    if arguments.format == "json":
        print_json([asdict(check) for check in checks])
    else:
        _print(checks, style_for(sys.stdout))
    return exits.FAILED if missing else exits.OK


def _print(checks: list[Check], style: Style) -> None:
    width = max(width_of(check.topic) for check in checks)
    for check in checks:
        sign, colour = SIGNS[check.verdict]
        print(f"{style.paint(sign, colour)} {check.topic:<{width}}  {safe(check.found)}")
        for line in wrap(check.advice, max(style.width - width - 8, 24)):
            print(f"{'':<{width + 4}}→ {line}" if line else "")
    counts = Counter(check.verdict for check in checks)
    print()
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in SIGNS if counts[verdict]))
