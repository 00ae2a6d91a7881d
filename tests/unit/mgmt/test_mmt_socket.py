"""The control socket of MMT-Probe: commands, replies, and who may listen where."""

import json
import os
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt import mmt_socket
from nf.mgmt.core import Core
from nf.mgmt.history import History
from nf.mgmt.mmt_socket import MmtSocket
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema import ModuleSet
from nf.mgmt.session import INTERNAL

PROBE = "nf-probe:probe"
Ask = Callable[[bytes], str]


class Notices(list[dict[str, Any]]):
    def publish(self, notification: dict[str, Any]) -> None:
        self.append(notification)


class Capture:
    """Stands in for the data path: knows whether it captures, and may refuse."""

    def __init__(self) -> None:
        self.running = False
        self.refuses = False

    def top(self) -> str:
        return PROBE

    def get(self) -> dict[str, Any]:
        status = "running" if self.running else "stopped"
        return {PROBE: {"nf-capture:capture": {"state": {"status": status}}}}

    def switch(self, on: bool) -> dict[str, Any]:
        if self.refuses:
            raise RpcErrors.of(tag="operation-failed", message="the data path does not answer")
        self.running = on
        return {}


@pytest.fixture(scope="module")
def model() -> Context:
    return Context(*ModuleSet.read().for_context())


@pytest.fixture
def capture() -> Capture:
    return Capture()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mmt.sock"


@pytest.fixture
def core(model: Context, capture: Capture, tmp_path: Path, path: Path) -> Iterator[Core]:
    core = Core(model, History(tmp_path / "state", "boot"), Notices())
    served = MmtSocket(core)
    core.providers.register(served)
    core.state.register(capture)
    core.operations.register("/nf-capture:start-capture", lambda *_: capture.switch(True))
    core.operations.register("/nf-capture:stop-capture", lambda *_: capture.switch(False))
    management = {"mmt-socket": {"enabled": True, "path": str(path)}}
    core.start(json.dumps({PROBE: {"id": 3, "management": management}}).encode())
    yield core
    served.stop()
    core.stop()


@pytest.fixture
def ask(core: Core, path: Path) -> Ask:
    assert core.providers

    def asked(command: bytes) -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(command)
            if not command.endswith(b"\0"):
                client.shutdown(socket.SHUT_WR)
            reply = b""
            while some := client.recv(65536):
                reply += some
        return reply.decode()

    return asked


def value(core: Core, node: str) -> str | None:
    return core.get_config(INTERNAL, "running").get(f"/{PROBE}/{node}")


def update(*lines: str) -> bytes:
    return ("update{\n" + "".join(f"{line}\n" for line in lines) + "}\0").encode()


@pytest.fixture
def many_files() -> Iterator[None]:
    """The process has more files open than select(2) knows of."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this process may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    yield
    for descriptor in opened:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_commands_are_taken_however_many_files_are_open(ask: Ask) -> None:
    assert ask(b"ls\0").startswith("82")


def test_a_client_that_cannot_be_accepted_waits_and_nobody_goes_round(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, failed = socket.socket.accept, []

    def full(listening: socket.socket) -> Any:
        if len(failed) < 2:
            failed.append(listening)
            raise OSError(24, "Too many open files")
        return real(listening)

    monkeypatch.setattr(mmt_socket, "PAUSE", 0.01)
    monkeypatch.setattr(socket.socket, "accept", full)
    assert ask(b"ls\0").startswith("82")
    assert caplog.text.count("could not be accepted") == 2


def test_ls_tells_how_many_options_there_are_and_then_each(ask: Ask) -> None:
    first, *others = ask(b"ls\0").splitlines()

    assert first == "82"
    assert len(others) == 82
    assert others[0] == "probe-id (uint32_t)"


def test_start_and_stop_tell_whether_anything_had_to_be_done(ask: Ask, capture: Capture) -> None:
    assert ask(b"start\0") == "0 Successfully processed the command: start\n"
    assert capture.running
    assert ask(b"start\0").startswith("1 ")
    assert ask(b"stop\0") == "0 Successfully processed the command: stop\n"
    assert not capture.running
    assert ask(b"stop\0").startswith("1 ")


def test_a_start_that_fails_is_told(ask: Ask, capture: Capture) -> None:
    capture.refuses = True

    assert ask(b"start\0") == "2 start: the data path does not answer\n"


def test_a_command_may_end_when_the_client_stops_sending(ask: Ask) -> None:
    assert ask(b"start").startswith("0 ")


@pytest.mark.parametrize("command", [b"", b"\0", b"lsx\0", b"LS\0", b"\xff\0", b"start now\0"])
def test_what_is_no_command_is_not_understood(ask: Ask, command: bytes) -> None:
    assert ask(command).startswith("2 ")


def test_an_update_is_in_force_when_it_is_answered(ask: Ask, core: Core) -> None:
    reply = ask(update("probe-id=7", 'stats-period="9"', ""))

    assert reply == "0 Successfully processed the command: update\n"
    assert value(core, "id") == "7"
    assert value(core, "nf-reports:reports/interval") == "9"


def test_an_update_that_begins_something_anew_says_so(ask: Ask, core: Core) -> None:
    assert ask(update("thread-nb=2")).startswith("1 ")
    assert value(core, "nf-dpi:engine/workers") == "2"
    assert ask(update("thread-nb=2")).startswith("0 ")


def test_options_that_belong_together_keep_what_is_not_updated(ask: Ask, core: Core) -> None:
    assert ask(update("input.source=eth0")).startswith("1 ")
    assert ask(update("input.mode=OFFLINE", "input.source=/a.pcap")).startswith("1 ")

    data = json.loads(core.get_config(INTERNAL, "running").to_json())[PROBE]
    assert data["nf-capture:capture"] == {"file": {"path": ["/a.pcap"]}}


def test_sets_are_given_without_braces(ask: Ask, core: Core) -> None:
    assert ask(update("session-report.output-channel=file,stdout")).startswith("0 ")

    data = json.loads(core.get_config(INTERNAL, "running").to_json())[PROBE]
    session = data["nf-reports:reports"]["session"]
    assert session["output"] == ["nf-types:file", "nf-types:stdout"]


@pytest.mark.parametrize(
    "command",
    [
        b"update\0",
        b"update{\n\0",
        b"update{\n}\0",
        update("probe-id"),
        update("probe-id=x"),
        update("probe-id=7", "nope=1"),
        update("session-timeout.live-session-timeout=3"),
        update("license=x"),
        update("redis-output.enable=true"),
        update("probe-id=7", "file-output.enable=true"),
        update(*["probe-id=7"] * 1100),
        b"update{" + b" " * 40_000 + b"}\0",
    ],
)
def test_a_wrong_update_is_not_understood_and_changes_nothing(
    ask: Ask, core: Core, command: bytes
) -> None:
    assert ask(command).startswith("2 ")
    assert value(core, "id") == "3"


def test_an_update_while_somebody_holds_the_lock_is_not_done(ask: Ask, core: Core) -> None:
    other = core.sessions.open("ada", "netconf-ssh", "192.0.2.1", recovery=True)
    core.lock(other, "running")

    assert ask(update("probe-id=7")).startswith("3 ")
    assert value(core, "id") == "3"


def test_the_history_says_who_has_updated(ask: Ask, core: Core) -> None:
    ask(update("probe-id=7"))

    newest = core.history.newest()
    assert newest is not None
    assert newest.note.protocol == "mmt"


def test_the_socket_goes_when_it_is_disabled(ask: Ask, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    # The reply still comes: the connection is older than the change.
    assert ask(update("dynamic-config.enable=false")).startswith("0 ")

    assert not path.exists()


def test_a_socket_that_somebody_left_behind_is_replaced(
    model: Context, tmp_path: Path, path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    core = Core(model, History(tmp_path / "state", "boot"), Notices())
    served = MmtSocket(core)
    core.providers.register(served)
    management = {"mmt-socket": {"enabled": True, "path": str(path)}}

    core.start(json.dumps({PROBE: {"management": management}}).encode())

    assert served.path == str(path)
    served.stop()
    core.stop()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "listener"])
def test_a_place_that_is_taken_is_refused_and_left_alone(
    core: Core, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "file":
            other.write_text("kept")
        else:
            listener.bind(str(other))
            listener.listen()
        tree = core.context.empty()
        tree.set(f"/{PROBE}/management/mmt-socket/path", str(other))
        config = (
            b'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
            + tree.to_xml()
            + b"</config>"
        )

        with pytest.raises(RpcErrors) as caught:
            core.edit_config(INTERNAL, "running", config)

        assert caught.value.errors[0].path == mmt_socket.PATH
        assert other.exists()


def test_a_client_that_never_ends_its_command_does_not_keep_others_out(
    ask: Ask, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmt_socket, "PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(path))
        slow.sendall(b"upd")

        assert ask(b"start\0").startswith("0 ")


def test_clients_are_served_one_after_the_other(ask: Ask, core: Core) -> None:
    replies: list[str] = []
    clients = [
        threading.Thread(target=lambda n=n: replies.append(ask(update(f"probe-id={n}"))))
        for n in range(20, 28)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert {reply[:2] for reply in replies} == {"0 "}
    assert len(replies) == 8
    assert value(core, "id") in {str(n) for n in range(20, 28)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_may_do_what_access_control_permits(
    ask: Ask, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nf.mgmt.mmt_socket.os.geteuid", lambda: 12345)
    monkeypatch.setattr(mmt_socket.struct, "unpack", lambda *_: (1, 65534, 65534))

    assert ask(update("probe-id=7")).startswith("3 ")
    assert value(core, "id") == "3"
