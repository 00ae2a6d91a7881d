"""Writes the pages that list what the engine knows: `python -m tools.reference [--check]`.

`docs/protocols.md` and `docs/risks.md` come from the engine itself. With --check nothing is
written, and a page that differs from what would be written is an error.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import nf

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = "<!-- Written by `make docs` from what the engine knows; edit that. -->"
TOLD = {
    "dpi": (
        "Parsed in depth",
        "Recognised by what they say; their messages become transactions, attributes, anomalies.",
    ),
    "header": ("Headers", "Found on the way from the link to the transport, and told in the path."),
    "pattern": (
        "Told by a pattern",
        "Recognised by octets of their first packets (`confidence` is `pattern`), not parsed.",
    ),
    "port": ("Told by a port", "A guess where nothing else speaks (`confidence` is `port`)."),
    "name": (
        "Known by name",
        "MMT-DPI has an id for them, but nothing in a packet tells them honestly.",
    ),
}
"""Heading and explanation of each way in which protocols are told."""

ABOUT_PROTOCOLS = """\
`nf protocols NAME` lists the attributes of one. Ids are MMT-DPI's where it has the protocol, and so
are the names or else aliases. Protocols of your own are added by [plugins](plugins.md)."""
ABOUT_RISKS = """\
What a session shows by itself that somebody should look at; none proves an attack.
`nf read --risks` adds their names to each row, `nf.read(…, risks=True)` to each session, and a
filter such as `risks == "obsolete_tls"` finds them. Sessions are judged only when somebody asks. A
condition on a protocol's fields holds when some transaction of the session meets it; one on fields
of the session is judged when the session is reported. The field `risk_severity` has the severity of
the gravest.

## Rules of your own

A file in the same form extends the rules, or replaces one by its name:

```
# What our network does not do.
[lookups_elsewhere]
severity = high
title = A name was asked of a server that is not ours
rule = DNS to an address outside 10.0.0.0/8.
when = protocol == "dns" and not dst_ip in 10.0.0.0/8

[obsolete_tls]
severity = severe
when = tls.version in {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2"}
```

Each `when` is a condition in the [filter language](filter.md), any one of which is enough; all its
words are fields of one protocol's transactions, or all are fields of the session. `severity` is low
(unless said), medium, high or severe; `title` and `rule` are for people; `test` is one of the
engine's own functions, as in `core/src/risk/risks.conf`. `nf risks --file FILE` checks and lists
it;
`nf read --risks=FILE`, `nf.read(…, risk_files=[…])` and the leaf-list
`/nf-probe:probe/nf-dpi:engine/risks/file` judge by it. Of several files the later one counts. A
mistake is refused with file, line and column. There may be 128 names of risks in the life of a
process."""


def protocols() -> Iterator[str]:
    """Lines of the page on protocols."""
    known = sorted(nf.protocols(), key=lambda one: one.name)
    yield "# Protocols"
    yield ""
    yield MADE
    yield ""
    yield ABOUT_PROTOCOLS
    for way, (heading, explanation) in TOLD.items():
        rows = [one for one in known if one.told == way]
        yield ""
        yield f"## {heading} ({len(rows)})"
        yield ""
        yield explanation
        yield ""
        yield "| name | id | | described in | attributes |"
        yield "|---|---|---|---|---|"
        for one in rows:
            names = " ".join([f"`{one.name}`", *(f"`{alias}`" for alias in one.aliases)])
            title, spec = one.title.replace("|", "\\|"), one.spec.replace("|", "\\|")
            yield f"| {names} | {one.id} | {title} | {spec} | {len(one.attributes)} |"


def risks() -> Iterator[str]:
    """Lines of the page on risks."""
    yield "# Risks"
    yield ""
    yield MADE
    yield ""
    yield ABOUT_RISKS
    for one in sorted(nf.risks(), key=lambda one: one.name):
        yield ""
        yield f"## {one.name}"
        yield ""
        yield f"{one.title}. Severity: {one.severity}."
        yield ""
        yield one.rule
        if one.when:
            yield ""
            yield "```"
            yield from one.when
            yield "```"


PAGES = {"protocols.md": protocols, "risks.md": risks}


def text_of(page: str) -> str:
    """What a page has to be."""
    return "".join(f"{line}\n" for line in PAGES[page]())


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    stale = [page for page in PAGES if text_of(page) != _read(DOCS / page)]
    for page in stale:
        if check:
            print(f"docs/{page} is not what the engine knows: make docs", file=sys.stderr)
        else:
            (DOCS / page).write_text(text_of(page))
    return 1 if check and stale else 0


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
