"""One operation as its file gets it: who asks, what, and its parameters read strictly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from nf.mgmt.netconf.lanes import Lane
from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.xml import Limits, element, local, name_of, namespace
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from lxml import etree

    from nf.mgmt.core import Core
    from nf.mgmt.datastores import Store
    from nf.mgmt.netconf.files import ConfigFiles
    from nf.mgmt.netconf.subscribed.publisher import Publisher
    from nf.mgmt.session import Session

__all__ = [
    "Modules",
    "Operation",
    "Request",
    "identity",
    "moment",
    "number",
    "one_of",
    "text",
    "wrong",
]

_WRITABLE = ("running", "candidate", "startup")


@dataclass(frozen=True, slots=True)
class Modules:
    """Names and namespaces of the modules.

    Attributes:
        names: Module name by namespace.
        namespaces: Namespace by module name.
        operations: Namespace and name of every RPC of the schema.
    """

    names: Mapping[str, str]
    namespaces: Mapping[str, str]
    operations: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """An operation to be carried out.

    Attributes:
        core: Carries it out.
        session: Who asks.
        operation: The child of `<rpc>`.
        modules: For prefixes.
        publisher: Keeps subscriptions of RFC 8639 and RFC 8641.
        files: What URLs may name.
        limits: Of XML.
        subscribed: Whether the session has a subscription of RFC 5277 already.
    """

    core: "Core"
    session: "Session"
    operation: "etree._Element"
    modules: Modules
    publisher: "Publisher"
    files: "ConfigFiles"
    limits: Limits
    subscribed: bool = False

    def parameters(
        self, *names: str, several: tuple[str, ...] = (), **elsewhere: str
    ) -> "dict[str, etree._Element]":
        """Children of the operation by name, each at most once.

        Args:
            names: Of those in the operation's own namespace.
            several: Those of them that may be there more than once, see `each`.
            elsewhere: Namespaces of the others, with `_` for `-` in their names.

        Raises:
            RpcErrors: Something else is there.
        """
        own = namespace(self.operation)
        known = {name.replace("_", "-"): uri for name, uri in elsewhere.items()}
        known |= dict.fromkeys(names, own)
        found: dict[str, etree._Element] = {}
        for child in self.operation:
            uri, name = name_of(child)
            # ncclient sends a <config> that its user wrote without a namespace as it is.
            bare = name == "config" and name in names and not uri
            if known.get(name) != uri and not bare:
                raise wrong("unknown-element", name, f"{local(self.operation)} has no {name} here")
            if name in found and name not in several:
                raise wrong("bad-element", name, f"{name} is there twice")
            found[name] = child
        return found

    def each(self, name: str) -> "list[etree._Element]":
        """Every parameter of one name, in the operation's own namespace."""
        own = namespace(self.operation)
        return [one for one in self.operation if name_of(one) == (own, name)]

    def store(self, parameters: "Mapping[str, etree._Element]", name: str) -> "Store":
        """The datastore that `source` or `target` names.

        Raises:
            RpcErrors: It is missing, or names none.
        """
        return cast("Store", self._named(parameters, name)[0])

    def store_or_config(
        self, parameters: "Mapping[str, etree._Element]", name: str
    ) -> "Store | bytes":
        """The datastore that is named, or the `<config>` that is there, or at a URL, instead."""
        what, node = self._named(parameters, name, "config", "url")
        if what == "url":
            return self.config_at(node)
        return element(node) if what == "config" else cast("Store", what)

    def store_or_url(
        self, parameters: "Mapping[str, etree._Element]", name: str
    ) -> "tuple[Store, None] | tuple[None, str]":
        """The datastore that is named, or the URL that is there instead."""
        what, node = self._named(parameters, name, "url")
        return (None, text(node)) if what == "url" else (cast("Store", what), None)

    def config_at(self, url: "etree._Element") -> bytes:
        """The `<config>` of the file that an `<url>` names."""
        return element(self.files.read(text(url), self.limits))

    def _named(
        self, parameters: "Mapping[str, etree._Element]", name: str, *more: str
    ) -> "tuple[str, etree._Element]":
        if name not in parameters:
            raise wrong("missing-element", name, f"{local(self.operation)} needs a {name}")
        children = list(parameters[name])
        if len(children) != 1:
            raise wrong("missing-element", name, f"{name} names exactly one datastore")
        uri, what = name_of(children[0])
        bare = what == "config" and what in more and not uri
        if uri != BASE and not bare:
            raise wrong("unknown-namespace", what, f"{what} is in another namespace than NETCONF's")
        if what not in (*_WRITABLE, *more):
            raise wrong("unknown-element", what, f"{what} is no datastore here")
        return what, children[0]


@dataclass(frozen=True, slots=True)
class Operation:
    """How one operation is carried out.

    Attributes:
        namespace: Of its element.
        name: Of its element.
        module: Under which access control knows it.
        lane: Where it runs.
        run: Does it; in a thread, or in the event loop where it is light.
        light: Whether one is; None if none ever is.
    """

    namespace: str
    name: str
    module: str
    lane: Lane
    run: Callable[[Request], Reply]
    light: "Callable[[Core, Session, etree._Element], bool] | None" = None


def wrong(tag: str, name: str, message: str, *, attribute: bool = False) -> RpcErrors:
    """An error about one element or attribute of the request itself."""
    kind = "bad-attribute" if attribute else "bad-element"
    return RpcErrors.of(type="protocol", tag=tag, message=message, info=((kind, name),))


def text(node: "etree._Element") -> str:
    """Text of a leaf, without the space around it.

    Raises:
        RpcErrors: It has children.
    """
    if len(node):
        raise wrong("bad-element", local(node), f"{local(node)} has a value, not elements")
    return (node.text or "").strip()


def one_of(node: "etree._Element | None", *values: str) -> str | None:
    """Value of an enumeration; None when it is not there.

    Raises:
        RpcErrors: It is another.
    """
    if node is None:
        return None
    value = text(node)
    if value not in values:
        raise wrong("invalid-value", local(node), f"{local(node)} is one of {', '.join(values)}")
    return value


def number(node: "etree._Element", least: int, most: int) -> int:
    """An unsigned number.

    Raises:
        RpcErrors: It is none, or out of its range.
    """
    value = text(node)
    if not (value.isascii() and value.isdigit() and len(value) <= 10) or not (
        least <= int(value) <= most
    ):
        raise wrong("invalid-value", local(node), f"{local(node)} is {least} to {most}")
    return int(value)


def moment(node: "etree._Element | None") -> datetime | None:
    """A time of RFC 3339, in UTC; None where there is no element.

    Raises:
        RpcErrors: It is none, has no zone, or is none in UTC.
    """
    if node is None:
        return None
    try:
        when = datetime.fromisoformat(text(node))
        if when.tzinfo is None:
            raise wrong("invalid-value", local(node), "the zone is missing")
        return when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise wrong("invalid-value", local(node), str(error)) from error


def identity(node: "etree._Element", namespace_of_identity: str) -> str:
    """Name of an identity that has to be of one namespace.

    Raises:
        RpcErrors: It is of another, or its prefix is not declared.
    """
    prefix, _, name = text(node).rpartition(":")
    if node.nsmap.get(prefix or None) != namespace_of_identity or not name:
        raise wrong("invalid-value", local(node), f"{text(node)} is not of {namespace_of_identity}")
    return name
