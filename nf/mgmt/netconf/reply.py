"""What goes to the peer: replies, errors (RFC 6241 section 4) and notifications."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.names import ACTION, BASE, MANAGE_EVENT, NOTIFICATION
from nf.mgmt.netconf.xml import attributes
from nf.mgmt.rpc_error import RpcError

if TYPE_CHECKING:
    from nf.mgmt.events import Event

__all__ = [
    "OK",
    "Channel",
    "Reply",
    "complete",
    "errors",
    "notification",
    "qualified",
    "reply_to",
]

OK = b"<ok/>"
_OF_YANG = {"non-unique", "missing-choice"}
"""Children of error-info that RFC 7950 section 15 defines, in its namespace."""
_TEXT_INFO = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Channel(Protocol):
    """What an operation may ask of the session that carries it."""

    def subscribe(
        self,
        matches: "Callable[[Event], bool] | None",
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        """Begins to send notifications that match."""

    def notify(self, message: bytes, *, counted: bool = True) -> None:
        """Sends a notification."""

    @property
    def queued(self) -> int:
        """Octets that the peer has not taken yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply without its envelope.

    Attributes:
        body: Children of `<rpc-reply>`.
        failed: Whether they are errors.
        last: Whether the session ends after it.
        before: Called in the event loop right before the reply is sent.
    """

    body: bytes = OK
    failed: bool = False
    last: bool = False
    before: "Callable[[Channel], None] | None" = None


def reply_to(rpc: etree._Element | None, body: bytes) -> bytes:
    """A whole `<rpc-reply>` with every attribute of the `<rpc>` (RFC 6241 section 4.1)."""
    if rpc is None:
        return b'<rpc-reply xmlns="%b">%b</rpc-reply>' % (BASE.encode(), body)
    said = attributes(rpc)
    if len(said) == 1 and "message-id" in said:
        return b'<rpc-reply xmlns="%b" message-id=%b>%b</rpc-reply>' % (
            BASE.encode(),
            quoteattr(said["message-id"]).encode(),
            body,
        )
    used = {etree.QName(name).namespace for name in said}
    # The stubs of lxml know no default namespace, whose prefix is None.
    declared: Any = {
        prefix: uri for prefix, uri in rpc.nsmap.items() if prefix is not None and uri in used
    }
    declared[None] = BASE
    envelope = etree.Element(f"{{{BASE}}}rpc-reply", said, nsmap=declared)
    opened = etree.tostring(envelope).removesuffix(b"/>")
    return b"%b>%b</rpc-reply>" % (opened, body)


def notification(when: datetime, body: bytes) -> bytes:
    """A whole `<notification>` (RFC 5277 section 2.2.1)."""
    return b'<notification xmlns="%b"><eventTime>%b</eventTime>%b</notification>' % (
        NOTIFICATION.encode(),
        rfc3339(when).encode(),
        body,
    )


def complete(name: str) -> bytes:
    """`replayComplete` or `notificationComplete`."""
    return f'<{name} xmlns="{MANAGE_EVENT}"/>'.encode()


def errors(found: Iterable[RpcError], namespaces: Mapping[str, str]) -> bytes:
    """`<rpc-error>` for each; `namespaces` by module name, for the prefixes of paths."""
    return b"".join(_error(one, namespaces).encode() for one in found)


def _error(error: RpcError, namespaces: Mapping[str, str]) -> str:
    parts = [
        f"<error-type>{error.type}</error-type>",
        f"<error-tag>{escape(error.tag)}</error-tag>",
        f"<error-severity>{error.severity}</error-severity>",
    ]
    if error.app_tag:
        parts.append(f"<error-app-tag>{_text(error.app_tag)}</error-app-tag>")
    if error.path:
        parts.append(_path(error.path, namespaces))
    parts.append(f'<error-message xml:lang="en">{_text(error.message)}</error-message>')
    if error.info or error.details:
        info = "".join(_info(*one) for one in error.info)
        parts.append(f"<error-info>{info}{error.details}</error-info>")
    return f"<rpc-error>{''.join(parts)}</rpc-error>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _info(name: str, value: str) -> str:
    if not _TEXT_INFO.fullmatch(name):
        return ""
    opened = f'{name} xmlns="{ACTION}"' if name in _OF_YANG else name
    return f"<{opened}>{_text(value)}</{name}>"


_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_TOKEN = re.compile(
    rf"(?P<literal>'[^']*'|\"[^\"]*\")"
    rf"|(?P<slash>/)(?:(?P<module>{_NAME}):)?(?P<step>{_NAME})"
    rf"|(?P<bracket>\[\s*)(?:(?P<key_module>{_NAME}):)?(?P<key>{_NAME})"
)


def _path(path: str, namespaces: Mapping[str, str]) -> str:
    """`<error-path>`: an XPath in which every name has a prefix that is declared."""
    text, used = qualified(path, namespaces)
    declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in used.items())
    return f"<error-path{declared}>{_text(text)}</error-path>"


def qualified(path: str, namespaces: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A data path in which every name has a prefix, and the namespaces of those prefixes."""
    used: dict[str, str] = {}
    module = ""

    def with_prefix(token: re.Match[str]) -> str:
        nonlocal module
        if token["literal"] is not None:
            return token["literal"]
        if token["step"] is not None:
            module = token["module"] or module
            prefix, name, before = module, token["step"], "/"
        else:
            prefix, name, before = token["key_module"] or module, token["key"], token["bracket"]
        if prefix not in namespaces:
            return f"{before}{name}"
        used[prefix] = namespaces[prefix]
        return f"{before}{prefix}:{name}"

    return _TOKEN.sub(with_prefix, path), used
