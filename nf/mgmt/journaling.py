"""Whether changes can be carried out again from how they are written."""

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from nf._native.yang import Diff

__all__ = ["for_journal"]

_DEFAULT = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
_OPERATION = "{urn:ietf:params:xml:ns:yang:1}operation"
_MARK = b'default="true"'


def for_journal(diff: "Diff") -> bytes:
    """Changes as XML; empty where a journal would not bring them back as they were.

    A value that somebody has set, and that is the default's, is tagged as if it were implied
    (RFC 6243); whoever reads it back takes it for that. The whole configuration says it right.
    """
    text = diff.to_xml()
    # One look is enough for nearly all changes; text of a user's that looks so does no harm.
    return b"" if _MARK in text and _sets_a_default(text) else text


def _sets_a_default(text: bytes) -> bool:
    root = etree.fromstring(b"<changes>%b</changes>" % text)
    return any(not _is_deleted(one) for one in root.iter() if _DEFAULT in one.attrib)


def _is_deleted(node: "etree._Element") -> bool:
    """Whether it goes; what goes may be told from what is there by its place alone."""
    above: etree._Element | None = node
    while above is not None:
        if (operation := above.get(_OPERATION)) is not None:
            return operation == "delete"
        above = above.getparent()
    return False
