"""The key by which the server proves that it is itself: made at the first start, never again."""

import os
from pathlib import Path

import asyncssh

from nf.errors import ConfigurationError

__all__ = ["host_key"]

_NAME = "ssh_host_ed25519_key"


def host_key(folder: Path) -> asyncssh.SSHKey:
    """The key in a folder; made there if there is none.

    Raises:
        ConfigurationError: It cannot be read, or not be written.
    """
    path = folder / _NAME
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return asyncssh.read_private_key(path)
    except OSError as error:
        raise ConfigurationError(
            f"the host key cannot be used: {error.strerror}",
            str(path),
            "let the process read and write the folder",
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigurationError(
            f"the host key is damaged: {error}",
            str(path),
            "restore it; or remove it, and clients have to accept a new one",
        ) from error


def _make(path: Path) -> None:
    """Writes the whole key under another name first: a crash leaves all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    octets = asyncssh.generate_private_key("ssh-ed25519", comment="nf").export_private_key()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
