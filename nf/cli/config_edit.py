"""A text in the editor of whoever is at the terminal."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nf.errors import ConfigurationError, NfError

__all__ = ["edited_text"]


@contextmanager
def edited_text(text: str, suffix: str) -> Iterator[str]:
    """What a person makes of a text; it is kept in a file when it is refused.

    Args:
        text: What the editor begins with.
        suffix: Ending of the file's name, for the editor's colours.

    Raises:
        NfError: There is no editor, or it failed.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    if not command or shutil.which(command[0]) is None:
        raise NfError(
            f"there is no editor {' '.join(command)!r}",
            "$EDITOR",
            "set EDITOR to one that there is",
        )
    # The configuration has hashes of passwords in it: the file is its owner's alone.
    descriptor, name = tempfile.mkstemp(prefix="nf-", suffix=f".{suffix}")
    path = Path(name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    kept = False
    try:
        _edit(command, path)
        yield _read(path)
    except NfError as error:
        kept = path.read_bytes() != text.encode()
        if kept:
            error.hint += f"; what you wrote is in {path}: nf config import --replace {path}"
        raise
    finally:
        if not kept:
            path.unlink()


def _edit(command: list[str], path: Path) -> None:
    code = subprocess.run([*command, str(path)], check=False).returncode
    if code != 0:
        raise NfError(
            f"the editor ended with code {code}", command[0], "nothing was changed; try again"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        what = f"the text is not UTF-8 at octet {error.start}"
        raise ConfigurationError(what, str(path), "save it as UTF-8") from error
