"""Writes `yang/nf-protocols.yang` from the catalog: `python -m tools.yang_protocols [--check]`.

Every protocol of the engine becomes an identity. With --check nothing is written, and a module that
differs from what would be written is an error. The revision stays until the list changes.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator

import nf
from nf.mgmt.identities import identity_of
from nf.mgmt.schema import YANG_DIR
from nf.records import Protocol

MODULE = YANG_DIR / "nf-protocols.yang"
REVISION = "2026-11-28"
"""Of the module that is written. After a release, another list needs a later one."""

HEAD = f"""\
module nf-protocols {{
  yang-version 1.1;
  namespace "urn:nf:yang:nf-protocols";
  prefix nfp;

  import nf-types {{
    prefix nft;
  }}

  organization
    "nf, a traffic probe that is a network function";
  contact
    "The maintainers of nf, through the issue tracker of the project.";
  description
    "The protocols that the engine knows, written by make docs from what
     it knows.  The name of an identity is that of the protocol with
     hyphens for underscores; n- stands before a digit.  Protocols whose
     headers packets can begin with are link types, too.";

  revision {REVISION} {{
    description
      "First revision.";
    reference
      "nf, chapter Protocols of the manual";
  }}

  identity protocol {{
    description
      "A protocol that the engine knows.";
  }}
"""


def identities(known: Iterable[Protocol]) -> Iterator[str]:
    """The text of each protocol's identity, in the order of names.

    Raises:
        ValueError: Two protocols would have one identity.
    """
    taken: dict[str, str] = {}
    for one in sorted(known, key=lambda one: identity_of(one.name)):
        name = identity_of(one.name)
        if name in taken:
            raise ValueError(f"{one.name} and {taken[name]} are both {name}")
        taken[name] = one.name
        yield "\n".join(_identity(name, one))


def _identity(name: str, one: Protocol) -> Iterator[str]:
    yield f"  identity {name} {{"
    yield "    base protocol;"
    if one.told == "header":
        yield "    base nft:link-type;"
    yield "    description"
    yield f"{_quoted(_sentence(one.title or one.name))};"
    if one.spec:
        yield "    reference"
        yield f"{_quoted(one.spec)};"
    yield "  }"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _quoted(text: str) -> str:
    """A double-quoted string of YANG on lines of at most 72 columns."""
    escaped = re.sub(r'(["\\])', r"\\\1", " ".join(text.split()))
    lines = textwrap.wrap(escaped, 62, break_long_words=False, break_on_hyphens=False)
    return "\n".join(
        f"{'      ' if number == 0 else '       '}{line}"
        for number, line in enumerate(_around(lines))
    )


def _around(lines: list[str]) -> list[str]:
    return [f'"{lines[0]}', *lines[1:-1], f'{lines[-1]}"'] if lines[1:] else [f'"{lines[0]}"']


def text_of(known: Iterable[Protocol] | None = None) -> str:
    """What the module has to be."""
    return "\n".join([HEAD, *identities(nf.protocols() if known is None else known), "}\n"])


def main(arguments: list[str] | None = None) -> int:
    """Writes the module, or compares it."""
    parser = argparse.ArgumentParser(prog="python -m tools.yang_protocols", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    wanted = text_of()
    if MODULE.exists() and MODULE.read_text(encoding="utf-8") == wanted:
        return 0
    if check:
        print(f"{MODULE.name} is not what the engine knows: make docs", file=sys.stderr)
        return 1
    MODULE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
