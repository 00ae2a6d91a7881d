"""gnoi.file.File: files below the folders that the configuration permits."""

import asyncio
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import grpc
from grpc import StatusCode

from nf.telemetry.gnmi.errors import Refused, invalid
from nf.telemetry.gnoi.folders import Folders, Place, refused
from nf.telemetry.gnoi.proto.file_pb2 import (
    GetRequest,
    GetResponse,
    PutRequest,
    PutResponse,
    RemoveRequest,
    RemoveResponse,
    StatInfo,
    StatRequest,
    StatResponse,
)
from nf.telemetry.gnoi.proto.types_pb2 import HashType

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session
    from nf.telemetry.gnmi.service import Service

__all__ = ["NAME", "FileService"]

NAME = "gnoi.file.File"
MODULE = "nf-telemetry"
CHUNK = 64 * 1024
MAX_FILE = 1 << 30
MAX_TRANSFERS = 16
"""Gets and Puts at a time."""
PATIENCE = 60.0
"""Seconds without a message after which a Put is given up."""
DEFAULT_PERMISSIONS = 640
HASHES: dict[int, Callable[[], Any]] = {
    HashType.SHA256: hashlib.sha256,
    HashType.SHA512: hashlib.sha512,
    HashType.MD5: lambda: hashlib.md5(usedforsecurity=False),
}


class FileService:
    """Handlers; access control asks for the operations file-get, file-stat, file-put, file-remove.

    Attributes:
        folders: In force; replaced, never modified.
    """

    def __init__(self, core: "Core", service: "Service") -> None:
        """Beside gNMI's service, whose callers and sessions it shares."""
        self._core = core
        self._service = service
        self.folders = Folders(())
        self._transfers = 0

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a server."""
        methods: dict[str, Any] = {
            "Get": grpc.unary_stream_rpc_method_handler(
                self._get, GetRequest.FromString, GetResponse.SerializeToString
            ),
            "Put": grpc.stream_unary_rpc_method_handler(
                self._put, PutRequest.FromString, PutResponse.SerializeToString
            ),
            "Stat": grpc.unary_unary_rpc_method_handler(
                self._stat, StatRequest.FromString, StatResponse.SerializeToString
            ),
            "Remove": grpc.unary_unary_rpc_method_handler(
                self._remove, RemoveRequest.FromString, RemoveResponse.SerializeToString
            ),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    def _permit(self, session: "Session", what: str) -> None:
        self._core.may_execute(session, MODULE, f"file-{what}")

    async def _get(self, request: GetRequest, context: Any) -> None:
        async def answer(session: "Session") -> None:
            self._permit(session, "get")
            with self._transfer():
                await self._tell(request.remote_file, context)

        await self._service.answered(context, answer)

    async def _tell(self, path: str, context: Any) -> None:
        """Sends what the file has now: one that is being written might never end."""
        digest = hashlib.sha256()
        with await asyncio.to_thread(self._open, path) as opened:
            left = os.fstat(opened.fileno()).st_size

            def read() -> bytes:
                chunk = opened.read(min(CHUNK, left))
                digest.update(chunk)
                return chunk

            try:
                while left and (chunk := await asyncio.to_thread(read)):
                    left -= len(chunk)
                    await context.write(GetResponse(contents=chunk))
            except OSError as error:
                raise refused(path, error) from error
        checked = HashType(method=HashType.SHA256, hash=digest.digest())
        await context.write(GetResponse(hash=checked))

    def _open(self, path: str) -> BinaryIO:
        """Opens a file; an object and no descriptor, whose number somebody else might get.

        A thread may be reading still when a call is cancelled; the object's lock lets it end.
        """
        with self.folders.place(path) as place:
            # Without O_NONBLOCK a pipe would hold the thread for ever.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(place.name, flags, dir_fd=place.folder)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise Refused(StatusCode.FAILED_PRECONDITION, "it is no file", place=path)
            return os.fdopen(descriptor, "rb")

    @contextmanager
    def _transfer(self) -> Iterator[None]:
        if self._transfers >= MAX_TRANSFERS:
            raise Refused(
                StatusCode.RESOURCE_EXHAUSTED,
                f"{MAX_TRANSFERS} files are on their way already",
                hint="wait until one of them is there",
            )
        self._transfers += 1
        try:
            yield
        finally:
            self._transfers -= 1

    async def _stat(self, request: StatRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "stat")
            found = await asyncio.to_thread(self.folders.listed, request.path)
            umask = _digits(_umask())
            return StatResponse(
                stats=[
                    StatInfo(
                        path=path,
                        last_modified=status.st_mtime_ns,
                        permissions=_digits(stat.S_IMODE(status.st_mode)),
                        size=status.st_size,
                        umask=umask,
                    )
                    for path, status in found
                ]
            )

        return await self._service.answered(context, answer)

    async def _remove(self, request: RemoveRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "remove")
            await asyncio.to_thread(self._unlink, request.remote_file)
            return RemoveResponse()

        return await self._service.answered(context, answer)

    def _unlink(self, path: str) -> None:
        with self.folders.place(path, write=True) as place:
            status = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                raise Refused(StatusCode.FAILED_PRECONDITION, "it is no file", place=path)
            os.unlink(place.name, dir_fd=place.folder)

    async def _put(self, requests: Any, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "put")
            first = await anext(requests, None)
            if first is None or first.WhichOneof("request") != "open":
                raise invalid("a Put begins with `open`", hint="say what is written first")
            mode = _mode(first.open.permissions or DEFAULT_PERMISSIONS)
            path = first.open.remote_file
            with self._transfer(), self.folders.place(path, write=True, make=True) as place:
                await self._receive(requests, place, mode)
            return PutResponse()

        return await self._service.answered(context, answer)

    async def _receive(self, requests: Any, place: Place, mode: int) -> None:
        """Writes under another name; only what has come whole takes the file's place."""
        temporary = f".{secrets.token_hex(8)}.put"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=place.folder)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                await _written(requests, opened, place.path)
                opened.flush()
                os.fchmod(opened.fileno(), mode)
                await asyncio.to_thread(os.fsync, opened.fileno())
            os.rename(temporary, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
        except BaseException:
            os.unlink(temporary, dir_fd=place.folder)
            raise


async def _written(requests: Any, opened: BinaryIO, path: str) -> None:
    digests = {method: make() for method, make in HASHES.items()}
    size = 0

    def write(contents: bytes) -> None:
        for digest in digests.values():
            digest.update(contents)
        opened.write(contents)

    while (request := await _next(requests, path)) is not None:
        kind = request.WhichOneof("request")
        if kind == "hash":
            digest = digests.get(request.hash.method)
            if digest is None:
                raise invalid("the hash has no method", hint="use SHA256, SHA512 or MD5")
            if digest.digest() != request.hash.hash:
                raise Refused(
                    StatusCode.DATA_LOSS, "the hash is not that of the contents", place=path
                )
            return
        if kind != "contents" or len(request.contents) > CHUNK:
            raise invalid(f"contents of {CHUNK} octets at most follow `open`")
        size += len(request.contents)
        if size > MAX_FILE:
            raise Refused(
                StatusCode.RESOURCE_EXHAUSTED, f"a file has {MAX_FILE} octets at most", place=path
            )
        await asyncio.to_thread(write, request.contents)
    raise invalid("the stream ended without a hash: nothing was written", place=path)


async def _next(requests: Any, path: str) -> Any:
    """The next message; None at the end of the stream."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await anext(requests, None)
    except TimeoutError as error:
        raise Refused(
            StatusCode.DEADLINE_EXCEEDED,
            f"nothing came for {PATIENCE:g} s: nothing was written",
            place=path,
            hint="put it again",
        ) from error


def _mode(digits: int) -> int:
    """644 means octal 644; what goes beyond the permissions of a file is refused."""
    try:
        mode = int(str(digits), 8)
    except ValueError as error:
        raise invalid(f"permissions {digits} are no octal digits") from error
    if mode > 0o777:
        raise invalid(f"permissions {digits} are beyond 777")
    return mode


def _digits(mode: int) -> int:
    return int(f"{mode:o}")


def _umask() -> int:
    """The mask of this process, which Linux tells only by changing it; /proc shows it."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
        found = next((line for line in status if line.startswith("Umask:")), "Umask: 0")
    return int(found.split()[1], 8)
