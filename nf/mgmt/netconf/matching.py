"""Whether a filter selects anything of a notification."""

from typing import TYPE_CHECKING

from nf.errors import YangError
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf.mgmt.events import Event
    from nf.mgmt.netconf.filters import Filter

__all__ = ["Matches"]


class Matches:
    """A filter as a test."""

    def __init__(self, chosen: "Filter") -> None:
        """Of any kind."""
        self._chosen = chosen

    def __call__(self, event: "Event") -> bool:
        """Whether it selects anything."""
        if self._chosen.wanted is not None and (
            f"{event.module}:{event.name}" not in self._chosen.wanted
        ):
            return False
        try:
            return not self._chosen.select(event.tree).is_empty()
        except (RpcErrors, YangError):
            # An expression can be about nodes that this notification does not have.
            return False
