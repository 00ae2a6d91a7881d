"""The management of a probe on another machine, asked as the one of this machine is."""

from types import TracebackType
from typing import Any, Self

from nf._native.yang import Context
from nf.cli.remote.door import RemoteDoor
from nf.cli.remote.netconf import Netconf
from nf.cli.remote.ssh import Address, Channel
from nf.mgmt import local
from nf.mgmt.answering import Answering
from nf.mgmt.schema import ModuleSet

__all__ = ["RemoteClient"]


class RemoteClient:
    """Does over NETCONF what `LocalClient` asks for over the socket.

    Args:
        address: The machine.

    Raises:
        ChannelError: It cannot be reached.
    """

    def __init__(self, address: Address) -> None:
        self._channel = Channel(address)
        try:
            context = Context(*ModuleSet.read().for_context())
            self._session = Netconf(self._channel, str(address))
            self._door = RemoteDoor(self._session, context, str(address))
            self._answering = Answering(context)
        except BaseException:
            self._channel.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._session.close()
        finally:
            self._channel.close()

    def call(self, body: local.Call, seconds: float = 0.0) -> Any:
        """What a call asks for, see `LocalClient`.

        Raises:
            Refused: It cannot be done; nothing has changed.
            ChannelError: The function is gone.
        """
        del seconds  # a session of NETCONF waits as long as a change may take
        return self._answering.answer(self._door, body)
