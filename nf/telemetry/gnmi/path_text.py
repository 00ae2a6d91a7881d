"""Paths of gNMI as people write them (gnmi-path-strings): `/a/b[name=eth0]/c`."""

from collections.abc import Iterator

from gnmi_pb.gnmi_pb2 import Path, PathElem

from nf.telemetry.gnmi.errors import Refused, invalid

__all__ = ["path_from"]


def path_from(text: str) -> Path:
    """Reads a path; `/` is the root.

    Raises:
        Refused: INVALID_ARGUMENT for what is no path.
    """
    if not text.startswith("/"):
        raise invalid(f"{text!r} does not begin with /")
    elements = [] if text == "/" else list(_split(text))
    return Path(elem=[_element(one, text) for one in elements])


def _split(text: str) -> Iterator[str]:
    """Elements between slashes that stand in no brackets."""
    part, inside, escaped = "", False, False
    for character in text[1:]:
        if character == "/" and not inside:
            yield part
            part = ""
            continue
        part += character
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in "[]":
            inside = character == "["
    if inside:
        raise _wrong(text, "a [ has no ]")
    yield part


def _element(text: str, whole: str) -> PathElem:
    name, bracket, rest = text.partition("[")
    if not name:
        raise _wrong(whole, "an element is empty")
    made = PathElem(name=name)
    while bracket:
        key, equals, rest = rest.partition("=")
        value, rest = _value(rest)
        if not key or not equals or key in made.key:
            raise _wrong(whole, f"[{key}] is no key with a value, or is there twice")
        made.key[key] = value
        before, bracket, rest = rest.partition("[")
        if before:
            raise _wrong(whole, f"{before!r} follows a key")
    return made


def _value(text: str) -> tuple[str, str]:
    """A key's value up to its bracket, and what follows."""
    value, escaped = "", False
    for at, character in enumerate(text):
        if escaped:
            value, escaped = value + character, False
        elif character == "\\":
            escaped = True
        elif character == "]":
            return value, text[at + 1 :]
        else:
            value += character
    return value, ""


def _wrong(text: str, why: str) -> Refused:
    return invalid(f"{text!r} is no path: {why}", hint="write /name/list[key=value]/leaf")
