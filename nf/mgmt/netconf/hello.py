"""The hello of both sides (RFC 6241 section 8.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.xml import local, namespace

if TYPE_CHECKING:
    from lxml import etree

    from nf._native.yang import Context

__all__ = ["BASE_1_0", "BASE_1_1", "BadHello", "ClientHello", "capabilities", "hello", "read"]

BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
_CAPABILITY = "urn:ietf:params:netconf:capability:"
MAX_CAPABILITIES = 4096


class BadHello(Exception):
    """The client's first message is no hello that a session can begin with."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What the client can.

    Attributes:
        capabilities: As it listed them.
        chunks: Whether both sides speak base:1.1.
    """

    capabilities: frozenset[str]
    chunks: bool


def capabilities(context: "Context") -> tuple[str, ...]:
    """What the server can, in the order in which it is said.

    Modules of YANG 1.0 are listed, those of YANG 1.1 are in the YANG library (RFC 7950 section
    5.6.4).
    """
    ours = (
        BASE_1_0,
        BASE_1_1,
        f"{_CAPABILITY}writable-running:1.0",
        f"{_CAPABILITY}candidate:1.0",
        f"{_CAPABILITY}confirmed-commit:1.1",
        f"{_CAPABILITY}rollback-on-error:1.0",
        f"{_CAPABILITY}validate:1.1",
        f"{_CAPABILITY}startup:1.0",
        f"{_CAPABILITY}url:1.0?scheme=file",
        f"{_CAPABILITY}xpath:1.0",
        f"{_CAPABILITY}partial-lock:1.0",
        (
            f"{_CAPABILITY}with-defaults:1.0?basic-mode=explicit"
            "&also-supported=trim,report-all,report-all-tagged"
        ),
        f"{_CAPABILITY}with-operational-defaults:1.0",
        f"{_CAPABILITY}notification:1.0",
        f"{_CAPABILITY}interleave:1.0",
        f"{_CAPABILITY}yang-library:1.1?revision=2019-01-04&content-id={context.content_id()}",
    )
    return (*ours, *_modules_of_yang_1_0(context))


def _modules_of_yang_1_0(context: "Context") -> list[str]:
    found = []
    for module in context.modules():
        if not module["implemented"] or _is_yang_1_1(context, module["name"]):
            continue
        text = f"{module['namespace']}?module={module['name']}"
        if module["revision"]:
            text += f"&revision={module['revision']}"
        if module["features"]:
            text += f"&features={','.join(module['features'])}"
        if module["deviated_by"]:
            text += f"&deviations={','.join(module['deviated_by'])}"
        found.append(text)
    return sorted(found)


def _is_yang_1_1(context: "Context", module: str) -> bool:
    head = context.schema_text(module, None, "yang").partition("namespace")[0]
    return "yang-version" in head and "1.1" in head


def hello(session_id: int, listed: Sequence[str]) -> bytes:
    """The server's hello."""
    lines = "".join(f"<capability>{escape(one)}</capability>" for one in listed)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><hello xmlns="{BASE}">'
        f"<capabilities>{lines}</capabilities><session-id>{session_id}</session-id></hello>"
    ).encode()


def read(root: "etree._Element") -> ClientHello:
    """The client's hello, as it was read.

    Raises:
        BadHello: It is none, has a session-id, or no version in common with ours.
    """
    if (namespace(root), local(root)) != (BASE, "hello"):
        raise BadHello(f"the first message is {root.tag}, not a hello of NETCONF")
    if root.find(f"{{{BASE}}}session-id") is not None:
        raise BadHello("the hello of a client has no session-id")
    listed = root.findall(f"{{{BASE}}}capabilities/{{{BASE}}}capability")
    if len(listed) > MAX_CAPABILITIES:
        raise BadHello(f"more than {MAX_CAPABILITIES} capabilities")
    said = frozenset((one.text or "").strip() for one in listed)
    if not said & {BASE_1_0, BASE_1_1}:
        raise BadHello("the client speaks neither base:1.0 nor base:1.1")
    return ClientHello(said, BASE_1_1 in said)
