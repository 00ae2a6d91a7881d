"""get, get-config (RFC 6241 sections 7.1 and 7.7), with RFC 6243's with-defaults."""

from typing import TYPE_CHECKING, Literal, cast

from nf.mgmt.netconf.filters import of_filter
from nf.mgmt.netconf.names import BASE, DEFAULTS
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, one_of
from nf.mgmt.netconf.xml import local

if TYPE_CHECKING:
    from lxml import etree

    from nf._native.yang import Tree
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["Defaults", "data", "get", "get_config", "get_config_is_light", "with_defaults"]


Defaults = Literal["explicit", "trim", "report-all", "report-all-tagged"]
"""Modes of RFC 6243."""


def get(request: Request) -> Reply:
    """The running configuration with all state."""
    given = request.parameters("filter", with_defaults=DEFAULTS)
    chosen = of_filter(given.get("filter"), request.modules)
    defaults = with_defaults(given.get("with-defaults"))
    tree = request.core.get(request.session, chosen.wanted)
    return data(chosen.select(tree), defaults)


def get_config(request: Request) -> Reply:
    """A datastore of configuration."""
    given = request.parameters("source", "filter", with_defaults=DEFAULTS)
    source = request.store(given, "source")
    chosen = of_filter(given.get("filter"), request.modules)
    defaults = with_defaults(given.get("with-defaults"))
    tree = request.core.get_config(request.session, source)
    return data(chosen.select(tree), defaults)


def get_config_is_light(core: "Core", session: "Session", operation: "etree._Element") -> bool:
    """Whether the datastore is small, and no expression is asked of it: its cost is unknown."""
    for child in operation:
        if local(child) == "source":
            if len(child) != 1 or not core.is_light(session, local(child[0])):
                return False
        elif child.get("type", "subtree") != "subtree" or child.get(f"{{{BASE}}}type") is not None:
            return False
    return True


def with_defaults(node: "etree._Element | None") -> Defaults:
    """The mode that is asked for; `explicit` is the basic one."""
    mode = one_of(node, "explicit", "trim", "report-all", "report-all-tagged")
    return cast("Defaults", mode or "explicit")


def data(tree: "Tree", defaults: Defaults, namespace: str = BASE) -> Reply:
    """`<data>` with a tree in it."""
    own = b"" if namespace == BASE else b' xmlns="%b"' % namespace.encode()
    return Reply(b"<data%b>%b</data>" % (own, tree.to_xml(defaults=defaults)))
