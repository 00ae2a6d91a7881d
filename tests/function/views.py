"""One state as every view shows it: numbers by path, each read by the view's own means."""

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

from nf._native.yang import Context
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Instance, Place, leaves
from nf.telemetry.metrics.families import Family, families
from tests.gnmi.client import Client, values

Numbers = dict[str, str]


class Views:
    """Reads numbers of state; names of paths are without modules."""

    def __init__(self) -> None:
        self.schema = SchemaTree(Context(*ModuleSet.read().for_context()))
        self.families = {
            node: one for node, one in families(self.schema).items() if node.type != "enumeration"
        }
        self._samples: dict[str, Family] = {one.sample: one for one in self.families.values()}

    def of_json(self, text: str) -> Numbers:
        """Of RFC 7951 JSON, as `nf config get --state` prints it."""
        whole = Instance((), self.schema.root, json.loads(text))
        return {
            _text(leaf.place): _word(leaf.value)
            for leaf in leaves(whole, self.families.__contains__)
        }

    def of_xml(self, data: bytes) -> Numbers:
        """Of a `<data>` of NETCONF."""
        return dict(self._of_element("", self.schema.root, etree.fromstring(data)))

    def _of_element(
        self, path: str, node: SchemaNode, element: etree._Element
    ) -> Iterator[tuple[str, str]]:
        known = {child.name: child for child in node.children}
        for one in element:
            child = known.get(etree.QName(one).localname)
            if child is None:
                continue
            keys = "".join(
                f"[{key}={next(self._key(i) for i in one if etree.QName(i).localname == key)}]"
                for key in sorted(child.keys)
            )
            at = f"{path}/{child.name}{keys}"
            if not child.terminal:
                yield from self._of_element(at, child, one)
            elif child in self.families:
                text = one.text or ""
                yield at, _word(text == "true") if child.type == "boolean" else text

    def _key(self, element: etree._Element) -> str:
        """A key as the other views write it: an identity with its module in place of a prefix."""
        prefix, colon, name = (element.text or "").partition(":")
        namespace = element.nsmap.get(prefix) if colon else None
        modules = {where: module for module, where in self.schema.namespaces.items()}
        return f"{modules[namespace]}:{name}" if namespace else element.text or ""

    def of_gnmi(self, client: Client) -> tuple[Numbers, int]:
        """Of a Get in PROTO, and its time stamp."""
        answer = client.get("/", encoding="PROTO").notification[0]
        wanted = {_bare(node) for node in self.families}
        found = {
            at: _word(value)
            for at, value in values(answer).items()
            if "/".join(part.partition("[")[0] for part in _parts(at)) in wanted
        }
        return found, answer.timestamp

    def of_metrics(self, text: str) -> Numbers:
        """Of a scrape."""
        found = {}
        for line in text.splitlines():
            name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
            labels, _, value = rest.rpartition("} ") if "{" in line else ("", "", rest)
            family = self._samples.get(name)
            if family is not None:
                keys = [
                    word.partition('="')[2].removesuffix('"') for word in labels.split(",") if word
                ]
                found[self.path_of(family, keys)] = value
        return found

    def of_prometheus(self, result: list[dict[str, Any]]) -> Numbers:
        """Of the answer to a query."""
        found = {}
        for one in result:
            family = self._samples.get(one["metric"]["__name__"])
            if family is not None:
                # A label without a value is none to Prometheus.
                keys = [one["metric"].get(label, "") for label in family.labels]
                found[self.path_of(family, keys)] = one["value"][1]
        return found

    def path_of(self, family: Family, keys: list[str]) -> str:
        """The path of a sample, from its labels in the order of the lists' keys."""
        left = iter(keys)
        chain = [family.node]
        while (above := chain[0].parent) is not None:
            chain.insert(0, above)
        place: Place = tuple((node, tuple(next(left) for _ in node.keys)) for node in chain)
        return _text(place)


def _text(place: Place) -> str:
    return "".join(
        f"/{node.name}"
        + "".join(f"[{name}={value}]" for name, value in sorted(zip(node.keys, keys, strict=True)))
        for node, keys in place
    )


def _bare(node: SchemaNode) -> str:
    above = "" if node.parent is None else _bare(node.parent) + "/"
    return above + node.name


def _parts(path: str) -> Iterator[str]:
    """Elements of a path; a key's value may have slashes."""
    part, depth = "", 0
    for character in path[1:]:
        if character == "/" and depth == 0:
            yield part
            part = ""
            continue
        depth += (character == "[") - (character == "]")
        part += character
    yield part


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
