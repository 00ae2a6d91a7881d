"""Errors as the command prints them: what, where, what to try."""

import sys
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nf.cli import exits
from nf.cli.show.terminal import safe
from nf.errors import ConfigurationError, NfError, Refused

if TYPE_CHECKING:
    from nf.plugins.loading import Plugins

__all__ = ["complain", "exit_code", "nearest", "tell_of", "text_of"]

INDENT = "  "


def text_of(error: BaseException) -> str:
    """The lines of an error. What spans lines points into a text, so it keeps its columns."""
    if not isinstance(error, NfError):
        what, place, hint = _defect(error)
    else:
        what, place, hint = error.what, error.place, error.hint
    lines = [safe(line) for line in what.splitlines()]
    if len(lines) > 1:
        first = ["nf:", *(INDENT + line for line in lines)]
    else:
        first = [f"nf: {''.join(lines)}"]
    return "\n".join([*first, f"{INDENT}at: {safe(place)}", f"{INDENT}try: {safe(hint)}"])


def _defect(error: BaseException) -> tuple[str, str, str]:
    """The three parts of an error that nobody foresaw."""
    if isinstance(error, OSError) and error.strerror:
        place = str(error.filename) if error.filename else "standard output"
        return error.strerror.lower(), place, "check path, permissions and free space"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nf"
    return (
        f"a defect of nf: {type(error).__name__}: {error}",
        place,
        "run again with --debug, and report what it prints",
    )


def complain(error: BaseException, *, debug: bool) -> None:
    """Prints an error on standard error; with `debug` also how it came about."""
    if debug:
        traceback.print_exception(error)
    print(text_of(error), file=sys.stderr)


def tell_of(plugins: "Plugins") -> None:
    """Prints on standard error which plugins were refused, and what takes the place of what."""
    for error in plugins.refused:
        print(text_of(error).replace("nf:", "nf: plugin refused:", 1), file=sys.stderr)
    for note in plugins.notes:
        print(f"nf: {safe(note)}", file=sys.stderr)


def exit_code(error: BaseException) -> int:
    """The exit code that tells of an error."""
    is_wish = isinstance(error, ConfigurationError | Refused)
    return exits.CONFIGURATION if is_wish else exits.FAILED


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """What to try in place of an unknown word: the known ones that look like it."""
    from difflib import get_close_matches  # noqa: PLC0415  # not needed unless something is wrong

    found = get_close_matches(word, list(dict.fromkeys(known)), n=3, cutoff=0.6)
    return " or ".join(found) if found else otherwise
