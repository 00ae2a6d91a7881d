"""Subscribers who count messages and look into few: what they do costs as little as can be."""

import sys
from threading import Event, Thread
from typing import Any, Self

import grpc
from gnmi_pb import gnmi_pb2 as gnmi

__all__ = ["Subscribers", "stream"]

PATIENCE = 60.0
Caller = tuple[str, str]
"""User and password."""


def stream(port: int, request: bytes, caller: Caller) -> tuple[grpc.Channel, Any]:
    """A subscriber with a connection of its own, who gets octets."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
    call = channel.stream_stream("/gnmi.gNMI/Subscribe", None, None)
    metadata = (("username", caller[0]), ("password", caller[1]))
    return channel, call(iter([request]), metadata=metadata)


class Subscribers:
    """So many of them, each in a thread; a context, which ends them.

    Attributes:
        paths: What the first of them was told of, if it looks.
    """

    def __init__(
        self, port: int, request: bytes, count: int, caller: Caller, *, looks: bool = False
    ) -> None:
        """The context waits until each has been answered; with `looks` the first reads it all."""
        self.paths: set[bytes] = set()
        self._looks = looks
        self._counts = [0] * count
        self._begun = [Event() for _ in range(count)]
        self._streams = [stream(port, request, caller) for _ in range(count)]
        self._threads = [
            Thread(target=self._read, args=(number, call))
            for number, (_, call) in enumerate(self._streams)
        ]

    def __enter__(self) -> Self:
        """Starts all of them.

        Raises:
            RuntimeError: One gets no answer.
        """
        for thread in self._threads:
            thread.start()
        if not all(begun.wait(PATIENCE) for begun in self._begun):
            raise RuntimeError("a subscriber gets no answer")
        return self

    def __exit__(self, *raised: object) -> None:
        """Ends all of them."""
        for channel, call in self._streams:
            call.cancel()
            channel.close()
        for thread in self._threads:
            thread.join()

    @property
    def messages(self) -> int:
        """That they have got together."""
        return sum(self._counts)

    def _read(self, number: int, call: Any) -> None:
        try:
            for octets in call:
                self._counts[number] += 1
                if not self._begun[number].is_set():
                    self._begin(number, octets)
                if self._looks and number == 0:
                    response = gnmi.SubscribeResponse.FromString(octets)
                    self.paths |= {
                        one.path.SerializeToString(deterministic=True)
                        for one in response.update.update
                    }
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                sys.stderr.write(f"a subscriber was ended: {error.details()}\n")

    def _begin(self, number: int, octets: bytes) -> None:
        response = gnmi.SubscribeResponse.FromString(octets)
        # The bare server never says that it is in step.
        if response.sync_response or self._counts[number] >= IN_STEP:
            self._begun[number].set()


IN_STEP = 20
"""Messages after which a subscriber is in step in any case."""
