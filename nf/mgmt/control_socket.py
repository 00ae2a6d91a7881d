"""Who may open the local control socket: its mode and group, from the configuration.

Whoever is neither root nor the probe's own user is subject to access control like anybody else.
"""

import grp
import os
from collections.abc import Sequence
from pathlib import Path

from nf.mgmt.changes import Change
from nf.mgmt.transaction import Data, ProviderError

__all__ = ["ControlSocket"]

PROBE = "nf-probe:probe"
GROUP = "/nf-probe:probe/management/control-socket/group"

FOR_GROUP, FOR_OTHERS = 0o060, 0o006


class ControlSocket:
    """The provider that keeps the socket's rights.

    Args:
        path: The socket; the folder around it lets through whom the socket lets in.
    """

    name = "control socket"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rights = _Rights(0o600, None)

    def prepare(self, _before: Data | None, after: Data, _changes: Sequence[Change]) -> "_Prepared":
        """See `Provider`: the group has to exist."""
        wanted = after.get(PROBE, {}).get("management", {}).get("control-socket", {})
        group = wanted.get("group")
        try:
            number = None if group is None else grp.getgrnam(group).gr_gid
        except KeyError as error:
            raise ProviderError(
                GROUP, f"this machine has no group {group}", "no-such-group"
            ) from error
        return _Prepared(self, _Rights(int(wanted.get("mode", "600"), 8), number))

    def take(self, rights: "_Rights") -> None:
        """Rights that hold from now on."""
        self._rights = rights
        self.enforce()

    def enforce(self) -> None:
        """Gives the socket its rights, if it is there; the server makes it for its owner alone."""
        if not self._path.exists():
            return
        mode, group = self._rights.mode, self._rights.group
        through = 0o700 | (0o010 if mode & FOR_GROUP else 0) | (0o001 if mode & FOR_OTHERS else 0)
        if group is not None:
            os.chown(self._path.parent, -1, group)
            os.chown(self._path, -1, group)
        self._path.parent.chmod(through)
        self._path.chmod(mode)


class _Rights:
    """Mode bits, and the number of a group or None for the process's."""

    def __init__(self, mode: int, group: int | None) -> None:
        self.mode, self.group = mode, group


class _Prepared:
    def __init__(self, socket: ControlSocket, rights: _Rights) -> None:
        self._socket, self._rights = socket, rights

    def apply(self) -> None:
        """See `Prepared`."""
        self._socket.take(self._rights)

    def abort(self) -> None:
        """See `Prepared`: nothing was taken."""
