"""XML from peers, read without anything that it could hurt with.

No document type, so no entities of the peer's making; UTF-8 only (RFC 6241 section 3); limits on
depth and attributes that are checked in C, because a Python loop over a large edit would cost more
than the edit.
"""

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from lxml import etree

__all__ = [
    "Limits",
    "MalformedMessage",
    "Words",
    "attributes",
    "content",
    "element",
    "is_worn",
    "local",
    "name_of",
    "namespace",
    "parse",
]

_MAX_ATTRIBUTES = 64
_MAX_ATTRIBUTE = 65536
_SPACE = b" \t\r\n"
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
_NAMES = re.compile(
    # A prefix and what it stands for; what begins an element, or stands before a `=`.
    rb"[\s\"']xmlns([^\s=]*)\s*=\s*[\"']([^\"'<]*)|(?:<[/?]?|[\s\"'])([^\s<>/='\"!?]+)(?=[\s=/>?])"
)
_MOST_KNOWN = 256 * 1024
"""Octets of names that are kept for the life of the process."""
_MOST_READ = 4 * 1024 * 1024
"""Octets that a thread reads before another one takes its place."""
_ASIDE = re.compile(rb"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)


class MalformedMessage(Exception):
    """A message is no XML, or none that we take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message may ask of us.

    Attributes:
        depth: Most elements inside each other.
    """

    depth: int = 128


class Words:
    """Names that may be read in a thread that lives as long as the process.

    libxml2 keeps every name of an element, an attribute or a namespace that a thread ever read
    until the thread ends. So a peer's names are counted before they are read, and when there are
    many, only messages of known ones are read there.
    """

    def __init__(self) -> None:
        """None are known."""
        self._known: set[bytes] = set()
        self._room = _MOST_KNOWN

    def admit(self, message: bytes) -> bool:
        """Whether the message has known names, or such as there is room for."""
        fresh = set(chain.from_iterable(_NAMES.findall(message))) - self._known
        if not fresh:
            return True
        left = self._room - sum(map(len, fresh))
        if left < 0:
            return False
        self._room = left
        self._known |= fresh
        return True


class _Own(threading.local):
    """The parser of each thread: one that threads share would have them wait for each other."""

    def __init__(self) -> None:
        self.octets = 0
        self.parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            strip_cdata=True,
        )


_OWN = _Own()


def is_worn() -> bool:
    """Whether this thread has read so much that it should end, and its names with it."""
    return _OWN.octets > _MOST_READ


def parse(message: bytes, limits: Limits) -> etree._Element:
    """The root of a message.

    Raises:
        MalformedMessage: It is not well-formed, not UTF-8, has a document type, or is too deep.
    """
    text = message.lstrip(_SPACE)
    _OWN.octets += len(text)
    _refuse_encoding(text)
    _refuse_document_type(text)
    try:
        root = etree.fromstring(text, _OWN.parser)
    except etree.XMLSyntaxError as error:
        raise MalformedMessage(f"the message is not well-formed: {error}") from error
    except ValueError as error:
        raise MalformedMessage(f"the message cannot be read: {error}") from error
    if b"<!DOCTYPE" in text and root.getroottree().docinfo.internalDTD is not None:
        raise MalformedMessage("a document type is not permitted")
    _refuse_excess(root, text, limits)
    return root


def _refuse_encoding(text: bytes) -> None:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedMessage(f"the message is not UTF-8 at octet {error.start}") from error
    declared = _DECLARATION.match(text)
    if declared and (encoding := _ENCODING.search(declared.group())):
        name = encoding.group(1).decode("ascii", "replace")
        if name.lower() not in ("utf-8", "utf8"):
            raise MalformedMessage(f"the encoding has to be UTF-8, not {name}")


def _refuse_document_type(text: bytes) -> None:
    at = text.removeprefix(b"\xef\xbb\xbf")
    position = 0
    while aside := _ASIDE.match(at, position):
        position = aside.end()
    if at[position : position + 2] == b"<!":
        raise MalformedMessage("a document type is not permitted")


@lru_cache(maxsize=8)
def _too_deep(depth: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")


_TOO_MANY_ATTRIBUTES = etree.XPath(f"boolean(//*[count(@*) > {_MAX_ATTRIBUTES}])")
_TOO_LONG_ATTRIBUTE = etree.XPath(f"boolean(//@*[string-length(.) > {_MAX_ATTRIBUTE}])")


def _refuse_excess(root: etree._Element, text: bytes, limits: Limits) -> None:
    """Looks only for what so many octets can hold: most requests are too short for any of it."""
    if text.count(b"<") > limits.depth and _too_deep(limits.depth)(root):
        raise MalformedMessage(f"more than {limits.depth} elements are inside each other")
    if text.count(b"=") > _MAX_ATTRIBUTES and _TOO_MANY_ATTRIBUTES(root):
        raise MalformedMessage(f"an element has more than {_MAX_ATTRIBUTES} attributes")
    if len(text) > _MAX_ATTRIBUTE and _TOO_LONG_ATTRIBUTE(root):
        raise MalformedMessage(f"an attribute is longer than {_MAX_ATTRIBUTE} characters")


def attributes(node: etree._Element) -> dict[str, str]:
    """Attributes of an element; those of a namespace as `{uri}name`."""
    return {str(name): str(value) for name, value in node.attrib.items()}


def namespace(node: etree._Element) -> str:
    """Namespace of an element; empty without one."""
    return name_of(node)[0]


def local(node: etree._Element) -> str:
    """Name of an element without its namespace."""
    return name_of(node)[1]


def name_of(node: etree._Element) -> tuple[str, str]:
    """Namespace, empty without one, and name of an element."""
    uri, _, name = str(node.tag).rpartition("}")
    return uri[1:], name


def element(node: etree._Element) -> bytes:
    """An element as octets, with all namespaces that are declared where it stands."""
    return etree.tostring(node, with_tail=False)


def content(node: etree._Element) -> bytes:
    """The children of an element as octets, each as `element`."""
    return b"".join(element(child) for child in node)
