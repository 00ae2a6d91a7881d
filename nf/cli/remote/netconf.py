"""One session of NETCONF from the side of the client."""

import itertools
from xml.sax.saxutils import quoteattr

from lxml import etree

from nf.cli.remote.ssh import Channel
from nf.errors import ChannelError
from nf.mgmt.netconf.framing import Deframer, FramingError, in_chunks, with_mark
from nf.mgmt.netconf.hello import BASE_1_0, BASE_1_1
from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.xml import Limits, MalformedMessage, local, namespace, parse
from nf.mgmt.paths import parse as parse_path
from nf.mgmt.rpc_error import ErrorType, RpcError, RpcErrors

__all__ = ["Netconf"]

MAX_MESSAGE = 1 << 30
"""Octets of the longest reply that is taken."""
LIMITS = Limits()
TYPES: dict[str, ErrorType] = {
    "transport": "transport",
    "rpc": "rpc",
    "protocol": "protocol",
    "application": "application",
}
SECONDS = 90.0
"""As long as a change may take: all parts of the probe have to agree."""


class Netconf:
    """Asks; one operation at a time.

    Attributes:
        capabilities: What the function has said it can.

    Args:
        channel: The way there.
        place: What the function is called in errors.

    Raises:
        ChannelError: Whoever is there speaks no NETCONF.
    """

    def __init__(self, channel: Channel, place: str) -> None:
        self._channel = channel
        self._place = place
        self._ids = itertools.count(1)
        self._octets = Deframer(MAX_MESSAGE)
        self._chunks = False
        said = "".join(f"<capability>{one}</capability>" for one in (BASE_1_0, BASE_1_1))
        channel.send(
            with_mark(
                f"<hello xmlns={quoteattr(BASE)}><capabilities>{said}</capabilities>"
                "</hello>".encode()
            ),
            SECONDS,
        )
        hello = self._message()
        if (namespace(hello), local(hello)) != (BASE, "hello"):
            raise self._strange(f"it begins with <{local(hello)}>, not with a hello")
        listed = hello.iterfind(f"{{{BASE}}}capabilities/{{{BASE}}}capability")
        self.capabilities = frozenset((one.text or "").strip() for one in listed)
        if not self.capabilities & {BASE_1_0, BASE_1_1}:
            raise self._strange("it speaks neither base:1.0 nor base:1.1")
        self._chunks = BASE_1_1 in self.capabilities
        if self._chunks:
            self._octets.use_chunks()

    def has(self, capability: str) -> bool:
        """Whether the function can something, whatever the capability's parameters."""
        return any(one.partition("?")[0] == capability for one in self.capabilities)

    def ask(self, operation: bytes) -> etree._Element:
        """Has an operation carried out; gives its `<rpc-reply>`.

        Raises:
            RpcErrors: It is refused; nothing has changed.
            ChannelError: There is no answer, or none that can be understood.
        """
        number = str(next(self._ids))
        message = (
            f"<rpc xmlns={quoteattr(BASE)} message-id={quoteattr(number)}>".encode()
            + operation
            + b"</rpc>"
        )
        self._channel.send(in_chunks(message) if self._chunks else with_mark(message), SECONDS)
        reply = self._message()
        if (namespace(reply), local(reply)) != (BASE, "rpc-reply"):
            raise self._strange(f"it answers with <{local(reply)}>")
        if reply.get("message-id") != number:
            raise self._strange(f"it answers {reply.get('message-id')!r} where {number} was asked")
        errors = [
            _error(one)
            for one in reply.iterfind(f"{{{BASE}}}rpc-error")
            if one.findtext(f"{{{BASE}}}error-severity") != "warning"
        ]
        if errors:
            raise RpcErrors(errors)
        return reply

    def close(self) -> None:
        """Says goodbye.

        Raises:
            ChannelError: The connection broke before.
        """
        self.ask(b"<close-session/>")

    def _message(self) -> etree._Element:
        try:
            while (message := self._octets.next()) is None:
                self._octets.feed(self._channel.receive(SECONDS))
            return parse(message, LIMITS)
        except (FramingError, MalformedMessage) as error:
            raise self._strange(str(error)) from error

    def _strange(self, what: str) -> ChannelError:
        return ChannelError(
            f"whoever is there speaks no NETCONF: {what}", self._place, "check host and port"
        )


def _brief(path: str | None) -> str | None:
    """A path whose names have a module only where it changes, as this command writes them."""
    try:
        steps = parse_path(path) if path else ()
    except ValueError:
        return path  # not one of data, such as a place in the message
    made, module = "", ""
    for step in steps:
        made += f"/{step.module}:{step.name}" if step.module != module else f"/{step.name}"
        made += "".join(f"[{key}={_quoted(value)}]" for key, value in step.keys)
        module = step.module
    return made or path


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _error(node: etree._Element) -> RpcError:
    def text(name: str) -> str | None:
        found = node.findtext(f"{{{BASE}}}error-{name}")
        return found.strip() if found is not None else None

    info = node.find(f"{{{BASE}}}error-info")
    return RpcError(
        TYPES.get(text("type") or "", "application"),
        text("tag") or "operation-failed",
        text("message") or "the function does not say why",
        _brief(text("path")),
        text("app-tag"),
        "error",
        tuple((local(one), one.text or "") for one in info) if info is not None else (),
    )
