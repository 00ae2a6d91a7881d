"""Configurations in files of one folder, by URL (RFC 6241 section 8.8).

`file:///NAME` is a file of that folder and nothing else: a name has no slash, so that no URL leads
anywhere else. Files are for nobody but the function to read.
"""

import os
import re
import threading
from pathlib import Path

from lxml import etree

from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.xml import Limits, MalformedMessage, local, namespace, parse
from nf.mgmt.rpc_error import RpcErrors
from nf.process.whole import replace_whole

__all__ = ["ConfigFiles"]

_URL = re.compile(r"file:///([A-Za-z0-9_-][A-Za-z0-9._-]{0,127})")
MAX_FILES = 64
MAX_OCTETS = 16 * 1024 * 1024
MAX_TOTAL = 64 * 1024 * 1024


class ConfigFiles:
    """The files that URLs may name."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made with the first file."""
        self._folder = folder
        self._writing = threading.Lock()

    def read(self, url: str, limits: Limits) -> etree._Element:
        """The `<config>` of a file.

        Raises:
            RpcErrors: There is no such file, or it is none of a configuration.
        """
        path = self._path(url)
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:  # noqa: PTH123
                text = file.read(MAX_OCTETS + 1)
        except OSError as error:
            raise _refused(url, f"cannot be read: {error.strerror}") from error
        if len(text) > MAX_OCTETS:
            raise _refused(url, f"has more than {MAX_OCTETS} octets")
        try:
            root = parse(text, limits)
        except MalformedMessage as error:
            raise _refused(url, str(error)) from error
        if (namespace(root), local(root)) != (BASE, "config"):
            raise _refused(url, "has no <config> of NETCONF as its root")
        return root

    def write(self, url: str, content: bytes) -> None:
        """Puts a configuration in a file, whole or not at all.

        Raises:
            RpcErrors: It cannot be written, or there are too many files, or they are too large.
        """
        path = self._path(url)
        text = b'<config xmlns="%b">%b</config>\n' % (BASE.encode(), content)
        if len(text) > MAX_OCTETS:
            raise _refused(url, f"would have more than {MAX_OCTETS} octets")
        try:
            with self._writing:
                self._write(url, path, text)
        except OSError as error:
            raise _refused(url, f"cannot be written: {error.strerror}") from error

    def delete(self, url: str) -> None:
        """Removes a file.

        Raises:
            RpcErrors: There is none, or it cannot be removed.
        """
        try:
            self._path(url).unlink()
        except OSError as error:
            raise _refused(url, f"cannot be deleted: {error.strerror}") from error

    def _write(self, url: str, path: Path, text: bytes) -> None:
        others = []
        if self._folder.exists():
            others = [one.lstat().st_size for one in self._folder.iterdir() if one != path]
        if len(others) >= MAX_FILES:
            raise _refused(url, f"would be one more than {MAX_FILES}: delete one")
        if sum(others) + len(text) > MAX_TOTAL:
            raise _refused(
                url, f"would make more than {MAX_TOTAL} octets of all files: delete some"
            )
        replace_whole(path, text)

    def _path(self, url: str) -> Path:
        found = _URL.fullmatch(url)
        if found is None:
            raise RpcErrors.of(
                type="protocol",
                tag="invalid-value",
                message="a URL here is file:///NAME, with letters, digits, dots and dashes",
                info=(("bad-element", "url"),),
            )
        return self._folder / found[1]


def _refused(url: str, why: str) -> RpcErrors:
    return RpcErrors.of(
        tag="operation-failed",
        message=f"{url} {why}",
        info=(("bad-element", "url"),),
    )
