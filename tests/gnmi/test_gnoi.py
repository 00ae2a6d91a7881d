"""gNOI: time, restarts, health, and files that stay in their folders."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session
from nf.telemetry.gnmi.server import Target
from nf.telemetry.gnoi import file as gnoi_file
from nf.telemetry.gnoi import folders
from nf.telemetry.gnoi.proto import file_pb2 as file
from nf.telemetry.gnoi.proto import healthz_pb2 as healthz
from nf.telemetry.gnoi.proto import system_pb2 as system
from nf.telemetry.gnoi.proto import types_pb2 as types

from .client import Client

SECOND = 1_000_000_000


def call(client: Client, name: str, request: Any, answer: Any) -> Any:
    method = client.channel.unary_unary(name, type(request).SerializeToString, answer.FromString)
    return method(request, metadata=client.metadata, timeout=60)


def stream(client: Client, name: str, request: Any, answer: Any) -> list[Any]:
    method = client.channel.unary_stream(name, type(request).SerializeToString, answer.FromString)
    return list(method(request, metadata=client.metadata, timeout=60))


def on_system(client: Client, name: str, **fields: Any) -> Any:
    request, answer = getattr(system, f"{name}Request"), getattr(system, f"{name}Response")
    return call(client, f"/gnoi.system.System/{name}", request(**fields), answer)


def reboot(client: Client, **fields: Any) -> Any:
    return on_system(client, "Reboot", **{"method": system.COLD} | fields)


def component(text: str) -> types.Path:
    name, _, key = text.rstrip("]").rpartition("/")[2].partition("[name=")
    above = [one for one in text.partition("[")[0].split("/")[1:-1] if one]
    elems = [types.PathElem(name=one) for one in above]
    return types.Path(elem=[*elems, types.PathElem(name=name, key={"name": key} if key else {})])


class Restarts(list[str]):
    """Carries restart-process out, or refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.came = threading.Event()

    def __call__(self, session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise RpcErrors.of(tag="operation-failed", message="the monitor is silent")
        self.append(given["name"])
        self.came.set()
        return {}


@pytest.fixture
def restarts(core: Core) -> Restarts:
    made = Restarts()
    core.operations.register("/nf-probe:restart-process", made)
    return made


# System ----------------------------------------------------------------------------------------


def test_the_time_is_that_of_the_target(ada: Client) -> None:
    before = time.time_ns()
    told = on_system(ada, "Time").time

    assert before <= told <= time.time_ns()


def test_who_is_nobody_hears_not_even_the_time(connect: Callable[..., Client]) -> None:
    client = connect("ada", "wrong")

    assert client.refused(on_system, client, "Time").code == "UNAUTHENTICATED"


def test_a_reboot_restarts_the_process_that_captures(restarts: Restarts, ada: Client) -> None:
    reboot(ada)
    reboot(
        ada,
        method=system.WARM,
        subcomponents=[component("/probe/processes/process[name=datapath]")],
    )

    assert restarts == ["datapath", "datapath"]
    status = on_system(ada, "RebootStatus")
    assert (status.active, status.count) == (False, 2)
    assert status.status.status == system.RebootStatus.STATUS_SUCCESS


def test_a_reboot_can_be_later_and_be_cancelled(restarts: Restarts, ada: Client) -> None:
    reboot(ada, delay=3600 * SECOND, message="tonight")
    status = on_system(ada, "RebootStatus")

    assert (status.active, status.reason, status.method) == (True, "tonight", system.COLD)
    assert 3590 * SECOND < status.wait <= 3600 * SECOND
    assert status.when > time.time_ns()
    assert ada.refused(reboot, ada).code == "FAILED_PRECONDITION"
    on_system(ada, "CancelReboot")
    reboot(ada, delay=SECOND // 100)
    assert restarts.came.wait(60)
    assert restarts == ["datapath"]


def test_what_cannot_be_rebooted_is_said(restarts: Restarts, ada: Client) -> None:
    assert ada.refused(reboot, ada, method=system.HALT).code == "INVALID_ARGUMENT"
    assert ada.refused(reboot, ada, method=0).code == "INVALID_ARGUMENT"
    assert ada.refused(reboot, ada, delay=2**63).code == "INVALID_ARGUMENT"
    assert ada.refused(reboot, ada, message="x" * 1025).code == "INVALID_ARGUMENT"
    other = [component("/probe/capture")]
    assert ada.refused(reboot, ada, subcomponents=other).code == "NOT_FOUND"
    assert ada.refused(reboot, ada, subcomponents=other * 2).code == "INVALID_ARGUMENT"
    restarts.refuses = True
    refused = ada.refused(reboot, ada)
    assert (refused.code, "the monitor is silent" in refused.text) == ("UNAVAILABLE", True)
    assert on_system(ada, "RebootStatus").status.message == "the monitor is silent"
    assert restarts == []


def test_a_restart_that_has_begun_is_not_cancelled(core: Core, ada: Client) -> None:
    began, may_end = threading.Event(), threading.Event()

    def restart(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        began.set()
        may_end.wait(60)
        return {}

    core.operations.register("/nf-probe:restart-process", restart)
    reboot(ada, delay=1)
    assert began.wait(60)
    assert ada.refused(on_system, ada, "CancelReboot").code == "FAILED_PRECONDITION"
    may_end.set()


def test_a_defect_of_a_later_restart_is_told(
    core: Core, ada: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def restart(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError

    core.operations.register("/nf-probe:restart-process", restart)
    reboot(ada, delay=1)
    while (told := on_system(ada, "RebootStatus")).active:
        time.sleep(0.01)

    assert told.status.status == system.RebootStatus.STATUS_FAILURE
    assert "ZeroDivisionError" in told.status.message
    assert "the restart of datapath failed" in caplog.text


def test_a_reboot_needs_the_right_to_restart_processes(
    restarts: Restarts, connect: Callable[..., Client], target: Target
) -> None:
    guest = connect("guest")
    for name in ("Reboot", "RebootStatus", "CancelReboot"):
        assert guest.refused(on_system, guest, name).code == "PERMISSION_DENIED"
    assert restarts == []


# Health ----------------------------------------------------------------------------------------


class Processes:
    """State of two processes, one of which was restarted and does not run."""

    def __init__(self) -> None:
        self.datapath = "running"

    def top(self) -> str:
        return "nf-probe:probe"

    def get(self) -> dict[str, Any]:
        started = "2026-11-28T10:00:00.000000Z"
        listed = [
            {"name": "management", "state": "running", "restarts": 0, "started-at": started},
            {"name": "datapath", "state": self.datapath, "restarts": 3, "started-at": started},
        ]
        return {"nf-probe:probe": {"processes": {"process": listed}}}


def health(client: Client, path: types.Path) -> healthz.ComponentStatus:
    request = healthz.GetRequest(path=path)
    return call(client, "/gnoi.healthz.Healthz/Get", request, healthz.GetResponse).component


def test_health_is_that_of_the_processes(core: Core, ada: Client) -> None:
    processes = Processes()
    core.state.register(processes)
    where = component("/probe/processes/process[name=datapath]")

    assert health(ada, where).status == healthz.STATUS_HEALTHY
    assert health(ada, types.Path()).status == healthz.STATUS_HEALTHY
    processes.datapath = "stopped"
    assert health(ada, where).status == healthz.STATUS_UNHEALTHY
    whole = health(ada, component("/probe"))
    assert whole.status == healthz.STATUS_UNHEALTHY
    assert [one.status for one in whole.subcomponents] == [
        healthz.STATUS_HEALTHY,
        healthz.STATUS_UNHEALTHY,
    ]
    request = healthz.ListRequest(path=component("/probe"))
    listed = call(ada, "/gnoi.healthz.Healthz/List", request, healthz.ListResponse).statuses
    assert [one.id for one in listed] == ["datapath-restart-3"]
    assert listed[0].created.ToJsonString() == "2026-11-28T10:00:00Z"
    assert ada.refused(health, ada, component("/probe/nothing")).code == "NOT_FOUND"


def test_who_may_not_read_a_component_does_not_see_it(
    core: Core, ada: Client, connect: Callable[..., Client]
) -> None:
    core.state.register(Processes())
    rule = {
        "name": "r",
        "path": "/nf-probe:probe/processes",
        "access-operations": "read",
        "action": "deny",
    }
    ada.set(update={"/nacm/rule-list[name=g]": {"name": "g", "group": ["*"], "rule": [rule]}})
    guest = connect("guest")

    where = component("/probe/processes/process[name=datapath]")
    assert guest.refused(health, guest, where).code == "NOT_FOUND"
    assert health(ada, where).status == healthz.STATUS_HEALTHY


# Files -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, ada: Client) -> Path:
    """A folder that ada may write in; beside it lies one that nobody may."""
    inside, outside = tmp_path / "dump", tmp_path / "secret"
    inside.mkdir()
    outside.mkdir()
    (outside / "key").write_bytes(b"secret")
    at = f"/probe/telemetry/gnmi/folder[path={inside}]"
    ada.set(update={at: {"path": str(inside), "writable": True}})
    return inside


def get(client: Client, path: Path | str) -> bytes:
    *chunks, last = stream(
        client, "/gnoi.file.File/Get", file.GetRequest(remote_file=str(path)), file.GetResponse
    )
    content = b"".join(one.contents for one in chunks)
    assert last.hash.hash == hashlib.sha256(content).digest()
    return content


def messages(
    path: Path | str, content: bytes, *, digest: bytes | None = None, mode: int = 600
) -> Iterator[file.PutRequest]:
    opened = file.PutRequest.Details(remote_file=str(path), permissions=mode)
    yield file.PutRequest(open=opened)
    for at in range(0, len(content), 65536):
        yield file.PutRequest(contents=content[at : at + 65536])
    checked = hashlib.sha512(content).digest() if digest is None else digest
    yield file.PutRequest(hash=types.HashType(method=types.HashType.SHA512, hash=checked))


def put(client: Client, requests: Sequence[file.PutRequest] | Iterator[file.PutRequest]) -> Any:
    method = client.channel.stream_unary(
        "/gnoi.file.File/Put", file.PutRequest.SerializeToString, file.PutResponse.FromString
    )
    return method(iter(requests), metadata=client.metadata, timeout=60)


def stat(client: Client, path: Path | str) -> dict[str, file.StatInfo]:
    request = file.StatRequest(path=str(path))
    found = call(client, "/gnoi.file.File/Stat", request, file.StatResponse).stats
    return {one.path: one for one in found}


def remove(client: Client, path: Path | str) -> Any:
    request = file.RemoveRequest(remote_file=str(path))
    return call(client, "/gnoi.file.File/Remove", request, file.RemoveResponse)


def test_a_file_that_is_put_can_be_listed_got_and_removed(ada: Client, folder: Path) -> None:
    content = os.urandom(300_000)
    place = folder / "new" / "some.pcap"
    put(ada, messages(place, content))

    assert place.read_bytes() == content
    assert get(ada, place) == content
    told = stat(ada, place)[str(place)]
    assert (told.size, told.permissions) == (300_000, 600)
    assert told.last_modified == place.stat().st_mtime_ns
    assert set(stat(ada, folder)) == {str(folder / "new")}
    assert set(stat(ada, folder / "new")) == {str(place)}
    remove(ada, place)
    assert not place.exists()
    assert ada.refused(get, ada, place).code == "NOT_FOUND"


def test_an_empty_file_is_a_file(ada: Client, folder: Path) -> None:
    put(ada, messages(folder / "empty", b""))

    assert get(ada, folder / "empty") == b""


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{}/../secret/key",
        "{}/./x",
        "{}//x",
        "{}",
        "{}x/y",
        "secret",
        "",
        "/",
        "{}/a\0b",
    ],
)
def test_no_name_leads_out_of_the_folder(ada: Client, folder: Path, path: str) -> None:
    where = path.format(folder)
    for ask in (get, remove, lambda client, at: put(client, messages(at, b"x"))):
        assert ada.refused(ask, ada, where).code in ("INVALID_ARGUMENT", "PERMISSION_DENIED")
    if where != str(folder):
        assert ada.refused(stat, ada, where).code in ("INVALID_ARGUMENT", "PERMISSION_DENIED")
    assert list(folder.iterdir()) == []
    assert (folder.parent / "secret/key").read_bytes() == b"secret"


def test_no_link_leads_out_of_the_folder(ada: Client, folder: Path) -> None:
    secret = folder.parent / "secret"
    (folder / "file").symlink_to(secret / "key")
    (folder / "folder").symlink_to(secret)
    for path in (folder / "file", folder / "folder/key"):
        for ask in (get, stat, remove):
            assert ada.refused(ask, ada, path).code in ("FAILED_PRECONDITION", "PERMISSION_DENIED")
    assert ada.refused(put, ada, messages(folder / "folder/new", b"x")).code != "OK"
    put(ada, messages(folder / "file", b"mine"))

    assert (secret / "key").read_bytes() == b"secret"
    assert (folder / "file").read_bytes() == b"mine"
    assert sorted(one.name for one in secret.iterdir()) == ["key"]
    assert str(folder / "folder") not in stat(ada, folder)


def test_what_is_not_whole_leaves_nothing(ada: Client, folder: Path) -> None:
    (folder / "kept").write_bytes(b"old")
    where = folder / "kept"
    whole = list(messages(where, b"new content"))
    wrong = list(messages(where, b"new content", digest=b"\0" * 64))
    bare = file.PutRequest(hash=types.HashType(hash=b"x"))
    cases = {
        "DATA_LOSS": [wrong],
        "INVALID_ARGUMENT": [
            whole[:-1],
            whole[1:],
            [],
            [*whole[:-1], bare],
            [whole[0], whole[0]],
            [whole[0], file.PutRequest(contents=b"x" * 65537)],
            list(messages(where, b"x", mode=888)),
            list(messages(where, b"x", mode=4755)),
        ],
    }
    for code, sent in cases.items():
        for requests in sent:
            assert ada.refused(put, ada, requests).code == code
    assert [one.name for one in folder.iterdir()] == ["kept"]
    assert where.read_bytes() == b"old"


def test_a_pipe_holds_nobody_up(ada: Client, folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    assert ada.refused(get, ada, folder / "pipe").code == "FAILED_PRECONDITION"
    assert ada.refused(remove, ada, folder / "pipe").code == "FAILED_PRECONDITION"


def test_files_need_a_folder_that_may_be_written_and_a_rule(
    ada: Client, folder: Path, connect: Callable[..., Client]
) -> None:
    (folder / "x").write_bytes(b"1")
    guest = connect("guest")
    for ask in (get, stat, remove, lambda client, at: put(client, messages(at, b"y"))):
        assert guest.refused(ask, guest, folder / "x").code == "PERMISSION_DENIED"
    rule = {
        "name": "r",
        "module-name": "nf-telemetry",
        "rpc-name": "file-get",
        "access-operations": "exec",
        "action": "permit",
    }
    ada.set(update={"/nacm/rule-list[name=g]": {"name": "g", "group": ["*"], "rule": [rule]}})
    assert get(guest, folder / "x") == b"1"
    assert guest.refused(remove, guest, folder / "x").code == "PERMISSION_DENIED"

    ada.set(update={f"/probe/telemetry/gnmi/folder[path={folder}]/writable": False})
    assert get(ada, folder / "x") == b"1"
    assert ada.refused(remove, ada, folder / "x").code == "PERMISSION_DENIED"
    ada.set(delete=[f"/probe/telemetry/gnmi/folder[path={folder}]"])
    assert ada.refused(get, ada, folder / "x").code == "PERMISSION_DENIED"


def test_a_file_that_grows_is_told_as_it_was(ada: Client, folder: Path) -> None:
    content = os.urandom(8 << 20)
    (folder / "growing").write_bytes(content)
    method = ada.channel.unary_stream(
        "/gnoi.file.File/Get", file.GetRequest.SerializeToString, file.GetResponse.FromString
    )
    request = file.GetRequest(remote_file=str(folder / "growing"))
    answers = method(request, metadata=ada.metadata, timeout=60)
    first = next(answers)
    with (folder / "growing").open("ab") as opened:
        opened.write(b"later")
    *chunks, last = answers

    assert b"".join(one.contents for one in (first, *chunks)) == content
    assert last.hash.hash == hashlib.sha256(content).digest()


def test_the_innermost_folder_decides_however_it_is_written(ada: Client, folder: Path) -> None:
    (folder / "in").mkdir()
    long, inner = f"{folder}{'/' * 40}", f"{folder}/in"
    ada.set(
        delete=[f"/probe/telemetry/gnmi/folder[path={folder}]"],
        update={
            "/probe/telemetry/gnmi": {"folder": [{"path": long}, {"path": inner, "writable": True}]}
        },
    )
    put(ada, messages(folder / "in" / "x", b"1"))

    assert ada.refused(put, ada, messages(folder / "y", b"1")).code == "PERMISSION_DENIED"
    assert set(stat(ada, folder)) == {inner}
    assert get(ada, folder / "in" / "x") == b"1"


def test_names_that_are_no_text_are_listed(ada: Client, folder: Path) -> None:
    os.mkfifo(os.fsencode(folder) + b"/\xff")

    assert set(stat(ada, folder)) == {f"{folder}/\ufffd"}


def test_what_is_listed_and_moved_at_a_time_is_bounded(
    ada: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (folder / name).write_bytes(b"1")
    monkeypatch.setattr(folders, "MAX_LISTED", 2)
    assert ada.refused(stat, ada, folder).code == "RESOURCE_EXHAUSTED"
    monkeypatch.setattr(gnoi_file, "MAX_TRANSFERS", 0)
    assert ada.refused(get, ada, folder / "a").code == "RESOURCE_EXHAUSTED"
    assert ada.refused(put, ada, messages(folder / "d", b"1")).code == "RESOURCE_EXHAUSTED"


def test_a_put_that_stalls_is_given_up(
    ada: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gnoi_file, "PATIENCE", 0.05)
    given_up = threading.Event()

    def stalling() -> Iterator[file.PutRequest]:
        yield from list(messages(folder / "x", b"1"))[:2]
        given_up.wait(60)

    assert ada.refused(put, ada, stalling()).code == "DEADLINE_EXCEEDED"
    given_up.set()
    assert list(folder.iterdir()) == []


def test_what_a_client_names_at_length_is_told_in_short(ada: Client, folder: Path) -> None:
    name = "\u00e9" * 1300
    for ask, asked in ((get, f"{folder}/{name}"), (health, component(f"/{'x' * 100_000}"))):
        refused = ada.refused(ask, ada, asked)
        assert refused.code in ("NOT_FOUND", "FAILED_PRECONDITION")
        assert 0 < len(refused.text) < 3000


def test_reflection_and_health_know_the_services(ada: Client) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    method = ada.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    [answer] = method(iter([request]), timeout=60)
    known = {one.name for one in answer.list_services_response.service}

    assert {"gnmi.gNMI", "gnoi.system.System", "gnoi.healthz.Healthz", "gnoi.file.File"} <= known
    assert "gnoi.certificate.CertificateManagement" in known
    with pytest.raises(grpc.RpcError) as error:
        call(ada, "/gnoi.system.System/KillProcess", system.TimeRequest(), system.TimeResponse)
    assert error.value.code().name == "UNIMPLEMENTED"
