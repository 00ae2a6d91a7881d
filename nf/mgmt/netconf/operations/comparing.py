"""compare (RFC 9144)."""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from lxml import etree

from nf.errors import YangError
from nf.mgmt.netconf.filters import ALL, Filter, of_subtree, of_xpath
from nf.mgmt.netconf.names import COMPARE, DATASTORES, ORIGIN
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, identity, text, wrong
from nf.mgmt.netconf.subscribed.changes import Edit, edits, told, with_source

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.datastores import Store

__all__ = ["compare"]

log = logging.getLogger(__name__)

_STORES = ("running", "candidate", "startup", "operational")


def compare(request: Request) -> Reply:
    """Says what makes one datastore into the other."""
    given = request.parameters(
        "source", "target", "all", "report-origin", "subtree-filter", "xpath-filter"
    )
    source, target = _store(given, "source"), _store(given, "target")
    if source == target:
        raise wrong("invalid-value", "target", f"source and target are both {source}")
    origin = "report-origin" in given
    if origin and "operational" not in (source, target):
        raise wrong("invalid-value", "report-origin", "only operational has origins")
    chosen = _filter(request, given)
    before = _tree(request, source, chosen, everything="all" in given)
    after = _tree(request, target, chosen, everything="all" in given)
    if before.is_empty() and after.is_empty():
        return Reply(f'<no-matches xmlns="{COMPARE}"/>'.encode())
    found = with_source(edits(before, after, request.publisher.ordered), before)
    if origin:
        running = request.core.get_config(request.session, "running")
        found = [
            _with_origin(one, running, of_source=source == "operational")
            if running.exists(one.target)
            else one
            for one in found
        ]
    return Reply(
        f'<differences xmlns="{COMPARE}"><yang-patch><patch-id>{source} to {target}</patch-id>'
        f"{told(found)}</yang-patch></differences>".encode()
    )


def _with_origin(edit: Edit, running: "Tree", *, of_source: bool) -> Edit:
    """Says where a value of operational comes from: somebody has set it, or it is the default."""
    is_default = not running.select_xpath(edit.target).to_xml(defaults="explicit")
    origin = "default" if is_default else "intended"
    if of_source:
        return replace(edit, source=_annotated(edit.source, origin))
    return replace(edit, value=_annotated(edit.value, origin))


def _annotated(value: bytes, origin: str) -> bytes:
    if not value:
        return value
    node = etree.fromstring(value)
    declared = etree.Element("outer", nsmap={"or": ORIGIN})
    declared.append(node)
    node.set(f"{{{ORIGIN}}}origin", f"or:{origin}")
    return etree.tostring(node, with_tail=False)


def _tree(request: Request, store: "Store", chosen: Filter, *, everything: bool) -> "Tree":
    """The part of a datastore that is compared, with the defaults that are in use in it."""
    tree = request.core.get_data(
        request.session,
        store,
        config=True if store == "operational" and not everything else None,
        wanted=chosen.wanted,
    )
    if store in ("candidate", "startup"):
        # Defaults come with validation, which running has been through already.
        tree = tree.copy()
        try:
            tree.validate()
        except YangError as error:
            # What is not valid yet can be compared all the same; its defaults are those it has.
            log.info("%s is compared as it is: %s", store, error.what)
    return chosen.select(tree)


def _store(given: "dict[str, etree._Element]", name: str) -> "Store":
    if name not in given:
        raise wrong("missing-element", name, f"compare needs a {name}")
    store = identity(given[name], DATASTORES)
    if store not in _STORES:
        raise wrong("invalid-value", name, f"there is no datastore {store} here")
    return cast("Store", store)


def _filter(request: Request, given: "dict[str, etree._Element]") -> Filter:
    subtree, xpath = given.get("subtree-filter"), given.get("xpath-filter")
    if subtree is not None and xpath is not None:
        raise wrong("bad-element", "xpath-filter", "there is one filter at most")
    if subtree is not None:
        return of_subtree(subtree, request.modules)
    if xpath is not None:
        return of_xpath(text(xpath), xpath, request.modules)
    return ALL
