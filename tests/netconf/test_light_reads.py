"""Which reads the event loop carries out itself, and that nobody can tell."""

import threading
from typing import Any

import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import BOX, NS, Peer

ROWS = "".join(f"<port><name>p{number}</name></port>" for number in range(1500))


@pytest.fixture
def threads(function: Alone, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that have read, oldest first."""
    names: list[str] = []
    read = function.core.get_config

    def noted(*given: Any) -> Any:
        names.append(threading.current_thread().name)
        return read(*given)

    monkeypatch.setattr(function.core, "get_config", noted)
    return names


def config(source: str = "running", filtering: str = "") -> str:
    return f"<get-config><source><{source}/></source>{filtering}</get-config>"


def test_a_small_configuration_is_read_in_the_event_loop(ada: Peer, threads: list[str]) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    for request in (
        config(),
        config("candidate"),
        config(filtering=f'<filter type="subtree"><box xmlns="{BOX}"/></filter>'),
        config(filtering=f'<filter><box xmlns="{BOX}"><name/></box></filter>'),
    ):
        assert ada.data(request).findtext("t:box/t:name", namespaces=NS) == "x"

    assert threads == ["nf-netconf"] * 4


@pytest.mark.parametrize(
    "filtering",
    [
        '<filter type="xpath" xmlns:t="urn:nf:test" select="/t:box"/>',
        '<filter nc:type="xpath" xmlns:t="urn:nf:test" nc:select="/t:box"/>',
        f'<filter type="subtree"><box xmlns="{BOX}"><name/></box>{" " * 2048}</filter>',
    ],
)
def test_what_may_cost_more_is_not(ada: Peer, threads: list[str], filtering: str) -> None:
    ada.ok(ada.edit("<name>x</name>"))

    assert ada.data(config(filtering=filtering)).findtext("t:box/t:name", namespaces=NS) == "x"
    assert threads == ["nf-netconf-read-0"]


def test_a_large_configuration_is_not(ada: Peer, threads: list[str]) -> None:
    ada.ok(ada.edit(ROWS))
    assert len(ada.data(config()).findall("t:box/t:port", NS)) == 1500
    ada.ok(ada.edit('<port nc:operation="delete"><name>p0</name></port>'))
    ada.data(config())

    assert [name.rpartition("-")[0] for name in threads] == ["nf-netconf-read"] * 2


def test_a_candidate_that_was_edited_is_not(ada: Peer, threads: list[str]) -> None:
    ada.ok(ada.edit("<name>x</name>", target="candidate"))

    assert ada.data(config("candidate")).findtext("t:box/t:name", namespaces=NS) == "x"
    assert threads == ["nf-netconf-read-0"]


def test_neither_is_what_a_session_may_not_read_whole(connect: Connect, threads: list[str]) -> None:
    with connect("bob") as bob:
        bob.data(config())

    assert [name.rpartition("-")[0] for name in threads] == ["nf-netconf-read"]


def test_requests_that_come_at_once_are_answered_in_their_order(
    ada: Peer, threads: list[str]
) -> None:
    requests = [
        config() if number % 3 else ada.edit(f"<name>n{number}</name>") for number in range(60)
    ]
    asked = [ada.ask(request) for request in requests]
    replies = [ada.receive() for _ in requests]

    assert [one.get("message-id") for one in replies] == asked
    assert set(threads) <= {"nf-netconf", "nf-netconf-read-0"}
    for number, reply in enumerate(replies):
        if number % 3:
            told = reply.findtext("nc:data/t:box/t:name", namespaces=NS)
            assert told == f"n{number - number % 3}"
