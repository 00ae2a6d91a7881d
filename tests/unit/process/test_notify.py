"""The notification protocol, against systemd's own tool where it is installed."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nf.errors import NfError
from nf.process.notify import Notifier, parse


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.settimeout(20)
    listening.bind(str(tmp_path / "notify"))
    yield listening
    listening.close()


def test_readiness_heartbeat_and_end_are_told(ears: socket.socket) -> None:
    notifier = Notifier(ears.getsockname())
    notifier.ready("capturing")
    notifier.alive()
    notifier.stopping("a\nb")
    assert [ears.recv(4096) for _ in range(3)] == [
        b"READY=1\nSTATUS=capturing",
        b"WATCHDOG=1",
        b"STOPPING=1\nSTATUS=a b",
    ]
    notifier.close()


def test_abstract_addresses_are_understood() -> None:
    name = f"nf-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(20)
        listening.bind("\0" + name)
        notifier = Notifier("@" + name)
        notifier.alive()
        assert listening.recv(100) == b"WATCHDOG=1"
        notifier.close()


def test_what_nobody_takes_is_counted_and_disturbs_nobody(ears: socket.socket) -> None:
    notifier = Notifier(ears.getsockname())
    for _ in range(100_000):
        notifier.alive()
        if notifier.unheard:
            break
    assert notifier.unheard == 1
    notifier.close()
    Notifier().alive()
    gone = Notifier(ears.getsockname() + "-gone")
    gone.alive()
    assert gone.unheard == 1
    gone.close()


def test_the_variables_are_taken_out_of_the_environment() -> None:
    given = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier.from_environment(given)
    assert given == {}
    assert notifier.is_heard
    assert notifier.watchdog_seconds == 2.5
    notifier.close()


def test_a_watchdog_that_is_anothers_is_none() -> None:
    notifier = Notifier.from_environment({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"})
    assert notifier.watchdog_seconds == 0
    assert not notifier.is_heard


@pytest.mark.parametrize(
    "variables",
    [{"NOTIFY_SOCKET": "relative"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}],
)
def test_variables_without_a_meaning_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(NfError):
        Notifier.from_environment(variables)


@pytest.mark.parametrize(
    ("datagram", "values"),
    [
        (b"READY=1\nSTATUS=a=b", {"READY": "1", "STATUS": "a=b"}),
        (b"", {}),
        (b"nonsense\n=x\n\n", {}),
        (b"STATUS=\xff\xfe", {"STATUS": "\ufffd\ufffd"}),
    ],
)
def test_datagrams_are_parsed_whatever_is_in_them(datagram: bytes, values: dict[str, str]) -> None:
    assert parse(datagram) == values


@pytest.mark.skipif(shutil.which("systemd-notify") is None, reason="systemd-notify is not here")
def test_what_systemds_own_tool_sends_is_understood(ears: socket.socket) -> None:
    subprocess.run(
        ["systemd-notify", "--no-block", "--ready", "--status=working"],
        env=os.environ | {"NOTIFY_SOCKET": ears.getsockname()},
        check=True,
        timeout=20,
    )
    assert parse(ears.recv(4096)).items() >= {"READY": "1", "STATUS": "working"}.items()
