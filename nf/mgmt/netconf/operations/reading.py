"""get, get-config (RFC 6241 sections 7.1 and 7.7), with RFC 6243's with-defaults."""

from typing import TYPE_CHECKING, Literal, cast

from nf.mgmt.netconf.filters import of_filter
from nf.mgmt.netconf.names import BASE, DEFAULTS
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, one_of

if TYPE_CHECKING:
    from lxml import etree

    from nf._native.yang import Tree

__all__ = ["Defaults", "data", "get", "get_config", "with_defaults"]


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


def with_defaults(node: "etree._Element | None") -> Defaults:
    """The mode that is asked for; `explicit` is the basic one."""
    mode = one_of(node, "explicit", "trim", "report-all", "report-all-tagged")
    return cast("Defaults", mode or "explicit")


def data(tree: "Tree", defaults: Defaults, namespace: str = BASE) -> Reply:
    """`<data>` with a tree in it."""
    own = b"" if namespace == BASE else b' xmlns="%b"' % namespace.encode()
    return Reply(b"<data%b>%b</data>" % (own, tree.to_xml(defaults=defaults)))
