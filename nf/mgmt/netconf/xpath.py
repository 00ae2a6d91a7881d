"""XPath of a request, whose prefixes its XML declares, in the form that our trees understand.

There a prefix is the name of a module. Only names are touched; what the expression means is for
libyang.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from nf.mgmt.rpc_error import RpcErrors

__all__ = ["MAX_LENGTH", "tops_of", "with_modules"]

MAX_LENGTH = 8192

_NAME = r"[^\W\d][\w.-]*"
_TOKEN = re.compile(
    rf"(?P<literal>'[^']*'|\"[^\"]*\")"
    rf"|(?P<axis>{_NAME})(?=\s*::)"
    rf"|(?P<prefix>{_NAME}):(?P<name>{_NAME}|\*)"
    rf"|(?P<word>{_NAME})"
    rf"|(?P<other>::|\s+|.)",
    re.DOTALL,
)
_IDENTITY = re.compile(rf"\A(?P<quote>['\"])(?P<prefix>{_NAME}):(?P<name>{_NAME})(?P=quote)\Z")
_TAKE_IDENTITY = {"derived-from", "derived-from-or-self"}


def with_modules(
    expression: str, prefixes: Mapping[str | None, str], modules: Mapping[str, str]
) -> str:
    """Puts module names in the place of prefixes.

    Args:
        expression: As the request has it.
        prefixes: Namespace by prefix, where the expression stands.
        modules: Module name by namespace.

    Raises:
        RpcErrors: `invalid-value`: a prefix is not declared, or stands for no module of ours.
    """
    if len(expression) > MAX_LENGTH:
        raise refused(f"an expression has at most {MAX_LENGTH} characters")

    def module_of(prefix: str) -> str:
        uri = prefixes.get(prefix)
        if uri is None:
            raise refused(f"the prefix {prefix} is not declared")
        if uri not in modules:
            raise refused(f"the prefix {prefix} stands for {uri}, which no module here has")
        return modules[uri]

    return "".join(_translated(expression, module_of))


def _translated(expression: str, module_of: Callable[[str], str]) -> Iterator[str]:
    # Of every parenthesis that is open, whether it belongs to a function that takes an identity.
    opened: list[bool] = []
    before = ""
    for token in _TOKEN.finditer(expression):
        text = token.group()
        if token["prefix"] is not None:
            text = f"{module_of(token['prefix'])}:{token['name']}"
        elif token["literal"] is not None and opened and opened[-1]:
            text = _IDENTITY.sub(
                lambda found: (
                    f"{found['quote']}{module_of(found['prefix'])}:{found['name']}{found['quote']}"
                ),
                text,
            )
        elif text == "(":
            opened.append(before in _TAKE_IDENTITY)
        elif text == ")" and opened:
            opened.pop()
        if not text.isspace():
            before = text
        yield text


_TOP = re.compile(rf"\s*/(?P<top>{_NAME}:{_NAME})(?=[/\[\s]|$)")
_CONCERNS_OTHERS = re.compile(r"\||\.\.|::|//|current|deref|\(\s*/|[\[=<>+,]\s*/")


def tops_of(expression: str) -> Collection[str] | None:
    """Qualified names of the top-level nodes that a translated expression can look at.

    None where that is not plain to see; then all state is gathered.
    """
    found = _TOP.match(expression)
    if found is None or _CONCERNS_OTHERS.search(expression):
        return None
    return (found["top"],)


def refused(message: str) -> RpcErrors:
    """An expression that cannot be used."""
    return RpcErrors.of(
        type="protocol",
        tag="invalid-value",
        message=message,
        info=(("bad-attribute", "select"), ("bad-element", "filter")),
    )
