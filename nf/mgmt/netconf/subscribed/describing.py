"""A filter as a subscriber is told of it."""

import re
from collections.abc import Mapping
from typing import Literal
from xml.sax.saxutils import escape

from nf.mgmt.netconf.filters import Filter

__all__ = ["filter_told"]

_PREFIX = re.compile(r"([^\W\d][\w.-]*):(?!:)")


def filter_told(
    target: Literal["stream", "datastore"],
    uri: str,
    chosen: Filter,
    namespaces: Mapping[str, str],
) -> str:
    """The element of a filter that stands in the subscription itself; empty for none.

    Args:
        target: What it is a filter of, which its name begins with.
        uri: Namespace of the element.
        chosen: The filter; prefixes of an expression are names of modules.
        namespaces: Of modules, by name.
    """
    if chosen.kind == "all":
        return ""
    name = f"{target}-{chosen.kind}-filter"
    if isinstance(chosen.text, bytes):
        return f'<{name} xmlns="{uri}">{chosen.text.decode()}</{name}>'
    modules = sorted(set(_PREFIX.findall(chosen.text)) & namespaces.keys())
    declared = "".join(f' xmlns:{one}="{escape(namespaces[one])}"' for one in modules)
    return f'<{name} xmlns="{uri}"{declared}>{escape(chosen.text)}</{name}>'
