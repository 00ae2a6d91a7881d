"""Frames of the channels between processes: four octets of length, then one msgpack array.

The array is `[kind, id, body]`; the body is decoded only once it is known whose it is, so that one
wrong body fails one call and not the connection. A channel begins with a hello of each side; the
versions must be equal, since both sides come from one installation.
"""

import os
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from nf.errors import ChannelError

__all__ = [
    "HEADER",
    "MOST_OCTETS",
    "VERSION",
    "Envelope",
    "Failure",
    "Hello",
    "Kind",
    "Peer",
    "check_hello",
    "decode_body",
    "decode_envelope",
    "encode",
    "length_of",
]

VERSION = 1
"""Goes up with every change of a message."""
MOST_OCTETS = 32 << 20
"""Longest frame: a configuration with many plugins is a few hundred kilobytes."""
HEADER = struct.Struct(">I")
CREDENTIALS = struct.Struct("3i")


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 0
    CALL = 1
    ANSWER = 2
    FAILURE = 3
    EVENT = 4


class Envelope(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One frame. `id` is the caller's number of the call; 0 where there is none."""

    kind: Kind
    id: int
    body: msgspec.Raw


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First frame of each side."""

    channel: str
    """Which channel this is: `datapath`, `management` or `monitor`."""
    version: int
    pid: int


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a call failed: see `nf.errors.NfError`, and the tags of RFC 6241 where there are some."""

    what: str
    place: str
    hint: str
    app_tag: str = ""
    refused: bool = True
    """The call was understood and has changed nothing; otherwise something broke."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says (SO_PEERCRED, unix(7))."""

    pid: int
    uid: int
    gid: int

    @classmethod
    def of(cls, connection: Any) -> "Peer":
        """The peer of a connected UNIX socket."""
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        return cls(*CREDENTIALS.unpack(found))

    @property
    def is_trusted(self) -> bool:
        """Root, or the user that this process runs as."""
        return self.uid in {0, os.geteuid()}


_encoder = msgspec.msgpack.Encoder()
_envelopes = msgspec.msgpack.Decoder(Envelope)
_hellos = msgspec.msgpack.Decoder(Hello)


def encode(kind: Kind, number: int, body: Any) -> bytes:
    """A whole frame.

    Raises:
        ChannelError: It would be longer than a receiver takes.
    """
    content = _encoder.encode(Envelope(kind, number, msgspec.Raw(_encoder.encode(body))))
    if len(content) > MOST_OCTETS:
        raise ChannelError(
            f"a message of {len(content)} octets is too long for a channel",
            type(body).__name__,
            f"ask for less; the limit is {MOST_OCTETS} octets",
        )
    return HEADER.pack(len(content)) + content


def length_of(header: bytes) -> int:
    """Octets that follow a frame's header.

    Raises:
        ChannelError: More than is taken, or none.
    """
    [length] = HEADER.unpack(header)
    if not 0 < length <= MOST_OCTETS:
        raise ChannelError(
            f"a frame of {length} octets", "channel", f"frames have 1 to {MOST_OCTETS} octets"
        )
    return int(length)


def decode_envelope(content: bytes) -> Envelope:
    """The frame in `content`.

    Raises:
        ChannelError: There is none.
    """
    try:
        return _envelopes.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _malformed(error) from error


def decode_body(body: msgspec.Raw, decoder: "msgspec.msgpack.Decoder[Any]") -> Any:
    """The body of a frame, as what `decoder` takes.

    Raises:
        ChannelError: It is something else.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed(error) from error


def check_hello(envelope: Envelope, channel: str) -> Hello:
    """The peer's hello.

    Raises:
        ChannelError: It is none, or of another channel or version.
    """
    if envelope.kind is not Kind.HELLO:
        raise ChannelError("a channel begins with a hello", channel, "is the peer nf at all?")
    hello: Hello = decode_body(envelope.body, _hellos)
    if hello.channel != channel or hello.version != VERSION:
        raise ChannelError(
            f"the peer speaks {hello.channel} {hello.version}, not {channel} {VERSION}",
            f"process {hello.pid}",
            "restart all processes of nf: one is of another version",
        )
    return hello


def _malformed(error: Exception) -> ChannelError:
    return ChannelError(f"a malformed message: {error}", "channel", "report it: this is a defect")
