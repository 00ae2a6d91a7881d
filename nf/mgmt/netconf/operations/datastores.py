"""get-data and edit-data (RFC 8526)."""

from typing import TYPE_CHECKING, cast

from nf.mgmt.netconf.filters import ALL, Filter, of_subtree, of_xpath
from nf.mgmt.netconf.names import BASE, DATASTORES, NMDA, ORIGIN
from nf.mgmt.netconf.operations.editing import DEFAULT_OPERATIONS, config_of
from nf.mgmt.netconf.operations.reading import Defaults, data, with_defaults
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, identity, number, one_of, text, wrong
from nf.mgmt.netconf.xml import content, local, parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from lxml import etree

    from nf.mgmt.core import DefaultOperation
    from nf.mgmt.datastores import Store

__all__ = ["edit_data", "get_data"]

_BY_ORIGIN = ("origin-filter", "negated-origin-filter")
_ORIGINS = ("origin", "intended", "dynamic", "system", "learned", "default", "unknown")
_STORES = ("running", "candidate", "startup", "operational")


def get_data(request: Request) -> Reply:
    """A datastore, or part of it."""
    given = request.parameters(
        "datastore",
        "subtree-filter",
        "xpath-filter",
        "config-filter",
        "max-depth",
        "with-origin",
        "with-defaults",
        *_BY_ORIGIN,
        several=_BY_ORIGIN,
    )
    store = _store(given)
    chosen = _filter(request, given)
    config = one_of(given.get("config-filter"), "true", "false")
    defaults = with_defaults(given.get("with-defaults"))
    if store == "operational" and "with-defaults" not in given:
        # RFC 8342 section 5.3: what is in use, whoever chose it.
        defaults = "report-all"
    if any(name in given for name in _BY_ORIGIN):
        config, defaults = _by_origin(request, store, config, defaults)
    tree = request.core.get_data(
        request.session,
        store,
        config=None if config is None else config == "true",
        origin="with-origin" in given,
        wanted=chosen.wanted,
    )
    depth = _depth(given.get("max-depth"))
    part = chosen.select(tree) if depth is None else chosen.select_to_depth(tree, depth)
    return data(part, defaults, NMDA)


def _by_origin(
    request: Request, store: "Store", config: str | None, defaults: Defaults
) -> tuple[str | None, Defaults]:
    """What a choice by origin comes to: `config-filter` and the mode of defaults.

    Configuration here is either `intended` (somebody set it) or `default`.
    """
    named = {name: [_origin(one) for one in request.each(name)] for name in _BY_ORIGIN}
    if store != "operational":
        raise wrong("invalid-value", "origin-filter", "only operational has origins")
    if all(named.values()):
        raise wrong("bad-element", "negated-origin-filter", "there is one choice by origin at most")
    chosen = {
        one
        for one in ("intended", "default")
        if bool({one, "origin"} & {*named["origin-filter"], *named["negated-origin-filter"]})
        == bool(named["origin-filter"])
    }
    if chosen == {"default"} and config != "false":
        raise RpcErrors.of(
            type="protocol",
            tag="operation-not-supported",
            message="defaults alone cannot be chosen: ask report-all-tagged and choose there",
            info=(("bad-element", "origin-filter"),),
        )
    if chosen == {"intended"}:
        return config, "explicit"
    return (config if chosen else "false"), defaults


def _origin(node: "etree._Element") -> str:
    name = identity(node, ORIGIN)
    if name not in _ORIGINS:
        raise wrong("invalid-value", local(node), f"{name} is no origin")
    return name


def edit_data(request: Request) -> Reply:
    """Edits running or the candidate."""
    given = request.parameters("datastore", "default-operation", "config", "url")
    store = _store(given)
    given_config = parse(config_of(request, given), request.limits)
    operation = one_of(given.get("default-operation"), *DEFAULT_OPERATIONS)
    config = b'<config xmlns="%b">%b</config>' % (BASE.encode(), content(given_config))
    request.core.edit_config(
        request.session,
        store,
        config,
        default_operation=cast("DefaultOperation", operation or "merge"),
        error_option="rollback-on-error",
    )
    return Reply()


def _store(given: "dict[str, etree._Element]") -> "Store":
    if "datastore" not in given:
        raise wrong("missing-element", "datastore", "the datastore is missing")
    name = identity(given["datastore"], DATASTORES)
    if name not in _STORES:
        raise wrong("invalid-value", "datastore", f"there is no datastore {name} here")
    return cast("Store", name)


def _filter(request: Request, given: "dict[str, etree._Element]") -> Filter:
    subtree, xpath = given.get("subtree-filter"), given.get("xpath-filter")
    if subtree is not None and xpath is not None:
        raise wrong("bad-element", "xpath-filter", "there is one filter at most")
    if subtree is not None:
        return of_subtree(subtree, request.modules)
    if xpath is not None:
        return of_xpath(text(xpath), xpath, request.modules)
    return ALL


def _depth(node: "etree._Element | None") -> int | None:
    if node is None or text(node) == "unbounded":
        return None
    return number(node, 1, 65535)
