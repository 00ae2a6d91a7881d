"""A configuration of the model becomes an mmt-probe.conf, as far as that can say it.

What it cannot say stands in comments, by path and value, so that nobody takes the file for more
than it is. Pure, as the way there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nf.mgmt.legacy.codecs import OMIT, Unsayable, Writing
from nf.mgmt.legacy.importing import PROBE, STDOUT
from nf.mgmt.legacy.mapping import ROWS, TITLED, Row
from nf.mgmt.legacy.tokens import quoted
from nf.mgmt.legacy.vocabulary import Vocabulary

__all__ = ["Exported", "export_data", "written_options"]

MAX_SHOWN = 120

Tree = Mapping[str, Any]
Path = tuple[str, ...]


@dataclass(slots=True)
class Exported:
    """A file, and what it does not say.

    Attributes:
        text: The file.
        unsaid: Path, value and reason of what MMT-Probe has no option for.
    """

    text: str
    unsaid: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    """Lines of one section."""

    head: str
    lines: list[str] = field(default_factory=list)


class _Export:
    """Goes through the table once."""

    def __init__(self, data: Tree, vocabulary: Vocabulary) -> None:
        self._probe: Tree = data.get(PROBE, {})
        self._vocabulary = vocabulary
        enabled = tuple(
            name
            for name, channel in _get(self._probe, "nf-outputs:outputs", {}).items()
            if isinstance(channel, dict) and channel.get("enabled") is True
        )
        self._writing = Writing(vocabulary, enabled)
        self._said: set[Path] = set()
        self._refused: dict[Path, str] = {}
        self._sections: dict[str, _Section] = {}
        self.options: dict[str, str] = {}

    def run(self) -> None:
        """Writes every row."""
        for row in ROWS:
            if row.section not in TITLED:
                head = row.section.replace("reconstruct-data.", "reconstruct-data ")
                self._row(row, self._probe, (), head)
        for section, at in TITLED.items():
            for entry in _get(self._probe, at, []):
                head = f"{section} {quoted(entry['name'])}"
                base = (*at.split("/"), entry["name"])
                self._said.add((*base, "name"))
                for row in ROWS:
                    if row.section == section:
                        self._row(row, entry, base, head)
        if "stdout" in self._writing.named:
            self._said.add(tuple(STDOUT.split("/")))

    def _row(self, row: Row, tree: Tree, base: Path, head: str) -> None:
        if row.codec is None or self._vocabulary.lacks(row.feature):
            return
        found = tuple(_get(tree, path, OMIT) for path in row.paths)
        if all(one is OMIT for one in found) and not self._implied(row, tree, base):
            return
        ours = row.ours or (OMIT,) * len(row.paths)
        values = tuple(mine if one is OMIT else one for one, mine in zip(found, ours, strict=True))
        self._writing.remarks.clear()
        nodes = [(*base, *path.split("/")) for path in row.inside or row.paths]
        try:
            texts = row.codec.write(values, self._writing)
        except Unsayable as unsayable:
            self._refused.update(dict.fromkeys(nodes, str(unsayable)))
            return
        self._said.update(nodes)
        section = self._sections.setdefault(head, _Section(head))
        for option, text in zip(row.options, texts, strict=True):
            if text is not None:
                section.lines.append(f"{option.within} = {text}")
                if not base:
                    self.options[option.name] = text
        section.lines += [f"# {one}" for one in self._writing.remarks]

    @staticmethod
    def _implied(row: Row, tree: Tree, base: Path) -> bool:
        """Whether nf's default has to be written, because MMT-Probe's is another."""
        if row.implied == "always" or (row.implied and base):
            return True
        container = row.paths[0].rpartition("/")[0]
        return row.implied == "section" and _get(tree, container, OMIT) is not OMIT

    def unsaid(self) -> Iterator[tuple[str, str, str]]:
        """What no option says."""
        for path, value in _leaves(self._probe, ()):
            plain = next((one for one in self._refused if path[: len(one)] == one), None)
            if plain is not None:
                yield _text_of(path), _short(value), self._refused[plain]
            elif not any(path[: len(one)] == one for one in self._said):
                yield _text_of(path), _short(value), "MMT-Probe has no option for it"

    def text(self, unsaid: Iterable[tuple[str, str, str]], others: Iterable[str]) -> str:
        """The file."""
        lines = ["# Configuration of MMT-Probe, written by nf from its own."]
        for section in self._sections.values():
            if not section.head:
                lines += ["", *section.lines]
            else:
                lines += ["", f"{section.head} {{", *(f"    {one}" for one in section.lines), "}"]
        missing = [f"#   {path} = {value}: {why}" for path, value, why in unsaid]
        missing += [f"#   {name}: MMT-Probe has nothing like it" for name in others]
        if missing:
            lines += ["", "# What MMT-Probe cannot be told:", *missing]
        return "\n".join(lines) + "\n"


def export_data(data: Tree, vocabulary: Vocabulary) -> Exported:
    """Writes a configuration as an mmt-probe.conf.

    Args:
        data: RFC 7951 data in Python's types, without defaults.
        vocabulary: What this build has.
    """
    export = _Export(data, vocabulary)
    export.run()
    unsaid = list(export.unsaid())
    others = sorted(name for name in data if name != PROBE)
    return Exported(export.text(unsaid, others), unsaid + [(name, "", "") for name in others])


def written_options(data: Tree, vocabulary: Vocabulary) -> dict[str, str]:
    """Text of each option without a title, by full name, as a configuration has it."""
    export = _Export(data, vocabulary)
    export.run()
    return export.options


def _get(tree: Tree, path: str, otherwise: Any) -> Any:
    found: Any = tree
    for step in path.split("/"):
        if not isinstance(found, dict) or step not in found:
            return otherwise
        found = found[step]
    return found


def _leaves(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every leaf and leaf-list; an entry of a list has its first key's value as a step."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _leaves(child, (*path, name))
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for entry in node:
            # Entries of titled sections are told apart; the options of others are not.
            titled = "/".join(path) in TITLED.values()
            yield from _leaves(entry, (*path, entry["name"]) if titled else path)
    else:
        yield path, node


def _text_of(path: Path) -> str:
    return f"/{PROBE}/" + "/".join(path)


def _short(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(one if one.isprintable() else "." for one in text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
