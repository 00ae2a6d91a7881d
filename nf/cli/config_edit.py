"""A text in the editor of whoever is at the terminal."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from nf.errors import NfError

__all__ = ["edited_text"]


def edited_text(text: str, suffix: str) -> str:
    """What a person makes of a text.

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
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        code = subprocess.run([*command, name], check=False).returncode
        if code != 0:
            raise NfError(
                f"the editor ended with code {code}", command[0], "nothing was changed; try again"
            )
        return path.read_text(encoding="utf-8")
    finally:
        path.unlink(missing_ok=True)
