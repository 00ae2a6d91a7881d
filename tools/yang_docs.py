"""Writes a page for each of our YANG modules: `python -m tools.yang_docs [--check]`.

`docs/yang/` has a page with the whole tree and one for each module. With --check nothing is
written, and a page that differs from what would be written is an error.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from nf.mgmt.schema import ModuleSet
from tools.yang_model import Model, Node, is_leaf, own_modules, resolve

DOCS = Path(__file__).resolve().parent.parent / "docs" / "yang"
MADE = "<!-- Written by `make docs` from the YANG modules; edit those. -->"
MANY = 50
"""A module with more identities than this gives their number only."""

INTRODUCTION = """\
The whole probe in YANG: options, state, operations, notifications. The modules are in the folder
`yang/` of the sources and in the package, where `yang/modules.toml` says which modules are
implemented with which features. Users and their keys are those of `ietf-system`, who may do what is
said in `ietf-netconf-acm`.

What the engine cannot do yet is modelled already, behind a feature that is off, so that no option
can be set that does nothing. `{feature}?` in a tree names it."""
RESETS = """\
A change takes effect while traffic is being analysed, and nothing is lost, except for these, of
which the model says with `nf:reset` what begins anew:"""


@cache
def model() -> Model:
    """All modules with all features."""
    return Model.ours()


def pages() -> dict[str, str]:
    """Every page: file name and text."""
    made = {"index.md": "".join(f"{line}\n" for line in _index())}
    for path in own_modules():
        made[f"{path.stem}.md"] = "".join(f"{line}\n" for line in _module(path.stem))
    return made


def _index() -> Iterator[str]:
    yield from ("# YANG", "", MADE, "", INTRODUCTION, "", "| module | about |", "|---|---|")
    for path in own_modules():
        yield f"| [{path.stem}]({path.stem}.md) | {_first_sentence(path.stem)} |"
    yield from ("", "## What begins anew", "", RESETS, "", "| node | begins anew |", "|---|---|")
    for node in model().nodes():
        for extension in node.extensions:
            if extension["name"] == "nf:reset":
                yield f"| `{node.path}` | {extension['argument']} |"
    yield from ("", "## Standard modules", "", "| module | features that are on |", "|---|---|")
    own = {path.stem for path in own_modules()}
    for name, features in ModuleSet.read().modules:
        if name not in own:
            yield f"| {name} | {' '.join(features)} |"


def _first_sentence(module: str) -> str:
    text = " ".join(_argument(model().modules[module], "description").split())
    return text.partition(". ")[0].rstrip(".") + "."


def _module(name: str) -> Iterator[str]:
    statement = model().modules[name]
    yield from (f"# {name}", "", MADE, "")
    for paragraph in _argument(statement, "description").split("\n\n"):
        yield from (" ".join(paragraph.split()), "")
    namespace, prefix = (_argument(statement, one) for one in ("namespace", "prefix"))
    yield f"Namespace `{namespace}`, prefix `{prefix}`."
    yield from _features(name, statement)
    yield from _identities(statement)
    nodes = list(model().nodes(name))
    if nodes:
        yield from ("", "## Tree", "", "```", *_tree(name), "```")
    yield from _table("Options", [node for node in nodes if node.config and is_leaf(node)])
    yield from _table("State", [node for node in nodes if node.config is False and is_leaf(node)])
    for kind, heading in (("rpc", "Operations"), ("notification", "Notifications")):
        found = [node for node in nodes if node.kind == kind]
        if found:
            yield from ("", f"## {heading}", "")
            yield from (f"- `{node.name}`: {_words(node.text('description'))}" for node in found)


def _features(name: str, statement: Any) -> Iterator[str]:
    chosen = ModuleSet.read()
    on = dict(chosen.modules).get(name, ())
    features = list(statement.search("feature"))
    if features:
        yield from ("", "## Features", "", "| feature | | |", "|---|---|---|")
    for feature in features:
        state = "on" if feature.arg in on else f"off: {chosen.off[name][feature.arg]}"
        yield f"| {feature.arg} | {_words(_argument(feature, 'description'))} | {state} |"


def _identities(statement: Any) -> Iterator[str]:
    identities = list(statement.search("identity"))
    if not identities:
        return
    yield from ("", f"## Identities ({len(identities)})", "")
    if len(identities) > MANY:
        yield "They stand for the [protocols](../protocols.md) of the engine."
        return
    yield from ("| identity | base | |", "|---|---|---|")
    for one in identities:
        bases = " ".join(base.arg for base in one.search("base"))
        yield f"| {one.arg} | {bases} | {_words(_argument(one, 'description'))} |"


def _tree(name: str) -> list[str]:
    return model().tree(name).rstrip("\n").splitlines()


def _table(heading: str, leaves: list[Node]) -> Iterator[str]:
    if not leaves:
        return
    yield from ("", f"## {heading}", "", "| leaf | type | default | |", "|---|---|---|---|")
    for leaf in leaves:
        default = leaf.text("default")
        shown = "" if default is None else f"`{default}`" if default else "empty"
        if leaf.text("mandatory") == "true":
            shown = "mandatory"
        yield f"| `{leaf.path}` | {_type(leaf)} | {shown} | {_words(leaf.text('description'))} |"


def _type(leaf: Node) -> str:
    """Type, range and units in one cell."""
    kind = leaf.statement.search_one("type")
    words = [kind.arg]
    if kind.arg == "enumeration":
        words = [" ".join(one.arg for one in kind.search("enum"))]
    elif kind.arg == "bits":
        words = [" ".join(one.arg for one in kind.search("bit"))]
    elif kind.arg == "identityref":
        words = [kind.search_one("base").arg]
    if (limits := resolve(kind, "range")) is not None:
        words.append(limits.arg)
    if (units := leaf.text("units")) is not None:
        words.append(units)
    many = "list of " if leaf.kind == "leaf-list" else ""
    return many + ", ".join(words).replace("|", "\\|")


def _argument(statement: Any, keyword: str) -> str:
    found = statement.search_one(keyword)
    return "" if found is None else str(found.arg)


def _words(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def stale(made: dict[str, str]) -> list[str]:
    """Pages that differ, and files that are no page."""
    here = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    different = [name for name, text in made.items() if here.get(name) != text]
    return different + sorted(set(here) - set(made))


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser(prog="python -m tools.yang_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    made = pages()
    for name in (different := stale(made)):
        if check:
            print(f"docs/yang/{name} is not what the modules say: make docs", file=sys.stderr)
        elif name in made:
            DOCS.mkdir(parents=True, exist_ok=True)
            (DOCS / name).write_text(made[name], encoding="utf-8")
        else:
            (DOCS / name).unlink()
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
