"""Filters of get, get-config and get-data, and how much state they make us gather."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lxml import etree

from nf.errors import YangError
from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.request import Modules, wrong
from nf.mgmt.netconf.xml import attributes, content, local, namespace
from nf.mgmt.netconf.xpath import refused, tops_of, with_modules
from nf.mgmt.paths import parse
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.state import Everything, Wanted

if TYPE_CHECKING:
    from nf._native.yang import Tree

__all__ = ["ALL", "Filter", "of_filter", "of_subtree", "of_xpath"]

_MAX_BRANCHES = 256


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of a tree is asked for.

    Attributes:
        kind: `all` selects everything.
        text: The content of a subtree filter, or an expression with module names as prefixes.
        wanted: Top-level nodes that can be in the answer.
        node: The element of a subtree filter.
    """

    kind: Literal["all", "subtree", "xpath"]
    text: bytes | str = b""
    wanted: Wanted = Everything
    node: Any = field(default=None, repr=False)

    def select(self, tree: "Tree") -> "Tree":
        """The part.

        Raises:
            RpcErrors: The expression is none.
        """
        if isinstance(self.text, str):
            try:
                return tree.select_xpath(self.text)
            except YangError as error:
                raise refused(str(error.args[0])) from error
        if self.kind == "all":
            return tree
        return tree.select_subtree(self.text)

    def select_to_depth(self, tree: "Tree", depth: int) -> "Tree":
        """The part, with no more than `depth` levels from what the filter selects (RFC 8526).

        A selected node is level 1. Nodes that are selected at different places are cut one by one.
        """
        if self.kind == "all":
            return tree.at_depth(depth)
        parts = self._by_level(tree)
        if not parts:
            return self.select(tree)
        cut = [part.at_depth(level + depth - 1) for level, part in parts]
        whole = cut[0]
        for more in cut[1:]:
            whole.merge(more)
        return whole

    def _by_level(self, tree: "Tree") -> "list[tuple[int, Tree]]":
        if isinstance(self.text, str):
            selected = self.select(tree)
            levels: dict[int, list[str]] = {}
            for path, _ in selected.find(self.text):
                levels.setdefault(len(parse(path)), []).append(path)
            if len(levels) == 1:
                return [(next(iter(levels)), selected)]
            return [
                (level, selected.select_xpath(" | ".join(paths)))
                for level, paths in sorted(levels.items())
            ]
        found: dict[int, list[bytes]] = {}
        for level, text in _branches(self.node):
            found.setdefault(level, []).append(text)
        return [
            (level, tree.select_subtree(b"".join(texts))) for level, texts in sorted(found.items())
        ]


ALL = Filter("all")


def of_filter(node: etree._Element | None, modules: Modules) -> Filter:
    """The `<filter>` of get, get-config and create-subscription.

    Raises:
        RpcErrors: It is of an unknown type, or has no expression.
    """
    if node is None:
        return ALL
    said = {name.removeprefix(f"{{{BASE}}}"): value for name, value in attributes(node).items()}
    kind = said.get("type", "subtree")
    if kind == "subtree":
        return of_subtree(node, modules)
    if kind != "xpath":
        raise RpcErrors.of(
            type="protocol",
            tag="bad-attribute",
            message="a filter is of type subtree or xpath",
            info=(("bad-attribute", "type"), ("bad-element", "filter")),
        )
    if "select" not in said:
        raise RpcErrors.of(
            type="protocol",
            tag="missing-attribute",
            message="a filter of type xpath needs the attribute select",
            info=(("bad-attribute", "select"), ("bad-element", "filter")),
        )
    return of_xpath(said["select"], node, modules)


def of_subtree(node: etree._Element, modules: Modules) -> Filter:
    """A subtree filter (RFC 6241 section 6)."""
    if (node.text or "").strip():
        raise wrong("bad-element", local(node), "a subtree filter has elements, not text")
    tops: set[str] | None = set()
    for child in node:
        uri = namespace(child)
        if not uri:
            # Section 6.2.1: without a namespace every namespace is meant.
            tops = None
            break
        if tops is not None and uri in modules.names:
            tops.add(f"{modules.names[uri]}:{local(child)}")
    return Filter("subtree", content(node), tops, node)


def of_xpath(expression: str, node: etree._Element, modules: Modules) -> Filter:
    """An XPath filter (RFC 6241 section 8.9), with the prefixes that `node` declares."""
    if not expression.strip():
        raise refused("the expression is empty")
    text = with_modules(expression, node.nsmap, modules.names)
    return Filter("xpath", text, tops_of(text))


def _branches(node: etree._Element) -> list[tuple[int, bytes]]:
    """A subtree filter as one filter per selected node, with that node's level.

    Selected are selection nodes (empty elements), and containment nodes below which there are only
    content match nodes.
    """
    found: list[tuple[int, bytes]] = []

    def walk(chain: list[etree._Element]) -> None:
        here = chain[-1]
        inner = [child for child in here if len(child) or not (child.text or "").strip()]
        if len(chain) > 1 and not inner:
            found.append((len(chain) - 1, _alone(chain)))
            if len(found) > _MAX_BRANCHES:
                raise RpcErrors.of(
                    type="protocol",
                    tag="too-big",
                    message=f"with max-depth a filter selects at most {_MAX_BRANCHES} nodes",
                )
        for child in inner:
            walk([*chain, child])

    walk([node])
    return found


def _alone(chain: list[etree._Element]) -> bytes:
    """A filter with one branch, and the content match nodes beside it."""
    branch: etree._Element | None = None
    for node in reversed(chain[1:]):
        declared: Any = node.nsmap
        copy = etree.Element(node.tag, attributes(node), nsmap=declared)
        for child in node:
            if not len(child) and (child.text or "").strip():
                copy.append(deepcopy(child))
        if branch is not None:
            copy.append(branch)
        branch = copy
    return b"" if branch is None else etree.tostring(branch)
