"""`nf plugin`: checks plugins, and writes one to start from."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from keyword import iskeyword
from pathlib import Path

from nf.cli import exits
from nf.cli.show.terminal import safe, style_for
from nf.errors import ConfigurationError
from nf.plugins.checking import check
from nf.plugins.diagnostics import Diagnostic, Severity
from nf.plugins.skeleton import free_id, in_language, in_python

__all__ = ["configure", "run"]

DESCRIPTION = """\
Checks plugins: protocols of yours, for --plugin of nf read; or writes one to start from.

check tells mistakes with their places and runs the tests that files bring along.
new writes NAME.plugin (--file) or NAME.py (--python), with comments, which works as it is.
"""
EXAMPLES = """\
examples:
  nf plugin new gauge                     gauge.plugin in this directory
  nf plugin new gauge --python --output - gauge.py on standard output
  nf plugin check gauge.plugin
  nf plugin check plugins/ --json         for scripts: one array of remarks

exit codes of check: 0 no errors, 7 errors
"""
COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "cyan"}


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.usage = (
        "nf plugin check FILE|DIR… [--json]\n       nf plugin new NAME [--file|--python] [options]"
    )
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("verb", choices=["check", "new"], help="what to do")
    parser.add_argument("what", nargs="+", metavar="FILE|DIR|NAME", help="plugins, or a name")
    parser.add_argument("--json", action="store_true", help="check: print one array of remarks")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--file", action="store_true", help="new: a plugin file; the default")
    form.add_argument("--python", action="store_true", help="new: a Python plugin")
    parser.add_argument("--id", type=int, metavar="N", help="new: its number; default: a free one")
    parser.add_argument("--output", metavar="PATH", help="new: write there; - is standard output")


def run(arguments: Namespace) -> int:
    """Checks, or writes."""
    return _check(arguments) if arguments.verb == "check" else _new(arguments)


def _check(arguments: Namespace) -> int:
    for option in ("file", "python", "id", "output"):
        if getattr(arguments, option):
            raise ConfigurationError(
                f"nf plugin check has no --{option}", f"--{option}", "it belongs to nf plugin new"
            )
    found = check(Path(name) for name in arguments.what)
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
    else:
        _print(found)
    is_wrong = any(one.severity == "error" for one in found)
    return exits.CONFIGURATION if is_wrong else exits.OK


def _print(remarks: Sequence[Diagnostic]) -> None:
    style = style_for(sys.stdout)
    for one in remarks:
        first, *others = one.text().splitlines()
        what = first.partition(": ")[2]
        print(f"{style.paint(one.severity, COLOURS[one.severity])}: {safe(what)}")
        for line in others:
            print(safe(line))
    counts = Counter(one.severity for one in remarks)
    words = [
        f"{counts[kind]} {kind}{'s' * (counts[kind] != 1)}" for kind in COLOURS if counts[kind]
    ]
    print(", ".join(words) or "nothing to complain of")


def _new(arguments: Namespace) -> int:
    name, *others = arguments.what
    if others:
        raise ConfigurationError("one name at a time", "nf plugin new", f"nf plugin new {name}")
    if arguments.json:
        raise ConfigurationError("nf plugin new prints no JSON", "--json", "leave it out")
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if not plain or name[0].isdigit() or len(name) > 64 or iskeyword(name):
        raise ConfigurationError(
            f"{name!r} cannot be a name", "NAME", "small letters, digits and _, a letter first"
        )
    number = arguments.id if arguments.id is not None else free_id()
    if not 1 <= number <= 999:
        raise ConfigurationError(f"{number} is no id", "--id", "1 to 999")
    text = (in_python if arguments.python else in_language)(name, number)
    target = arguments.output or name + (".py" if arguments.python else ".plugin")
    if target == "-":
        print(text, end="")
        return exits.OK
    try:
        with Path(target).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        what = "there is a file of that name, and it stays"
        raise ConfigurationError(what, target, "--output PATH, or another name") from error
    print(f"{target}: change it, then nf plugin check {target}")
    return exits.OK
