"""SSH, hello and framing (RFC 6242; RFC 6241 section 8.1), and peers that are slow or silent."""

from collections.abc import Callable

import asyncssh
import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.lazy import check_that_a_lazy_peer_is_bearable
from tests.netconf.peer import BASE, BASE_1_0, BASE_1_1, Loop, Peer, ssh_options
from tests.waiting import until

HELLO = f'<hello xmlns="{BASE}"><capabilities>{{}}</capabilities>{{}}</hello>'


def said(*capabilities: str, more: str = "") -> bytes:
    listed = "".join(f"<capability>{one}</capability>" for one in capabilities)
    return HELLO.format(listed, more).encode()


def test_the_hello_says_exactly_what_the_server_can(ada: Peer) -> None:
    short = [one.partition("?")[0] for one in ada.capabilities]
    prefix = "urn:ietf:params:netconf:"

    assert [one for one in short if one.startswith(prefix)] == [
        f"{prefix}{name}"
        for name in (
            "base:1.0",
            "base:1.1",
            "capability:writable-running:1.0",
            "capability:candidate:1.0",
            "capability:confirmed-commit:1.1",
            "capability:rollback-on-error:1.0",
            "capability:validate:1.1",
            "capability:startup:1.0",
            "capability:url:1.0",
            "capability:xpath:1.0",
            "capability:partial-lock:1.0",
            "capability:with-defaults:1.0",
            "capability:with-operational-defaults:1.0",
            "capability:notification:1.0",
            "capability:interleave:1.0",
            "capability:yang-library:1.1",
        )
    ]
    assert ada.session_id > 0


def test_modules_of_yang_1_0_are_in_the_hello_and_those_of_1_1_are_not(ada: Peer) -> None:
    listed = "\n".join(ada.capabilities)

    assert (
        "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring?module=ietf-netconf-monitoring"
        "&revision=2010-10-04" in listed
    )
    assert "module=nf-probe" not in listed


def test_the_content_id_is_the_one_of_the_library(ada: Peer, function: Alone) -> None:
    [library] = [one for one in ada.capabilities if ":yang-library:1.1?" in one]

    assert library.endswith(f"?revision=2019-01-04&content-id={function.core.context.content_id()}")


def test_a_client_of_base_1_0_is_answered_with_marks(connect: Connect) -> None:
    old = connect(versions=(BASE_1_0,))
    for _ in range(3):
        old.ok("<discard-changes/>")


def test_a_client_of_base_1_1_only_is_answered_in_chunks(connect: Connect) -> None:
    connect(versions=(BASE_1_1,)).ok("<discard-changes/>")


def test_a_request_that_comes_with_the_hello_is_answered(connect: Connect) -> None:
    eager = connect(hello=False)
    rpc = f'<rpc xmlns="{BASE}" message-id="1"><discard-changes/></rpc>'.encode()
    eager.send(said(BASE_1_1) + b"]]>]]>" + b"\n#%d\n%b\n##\n" % (len(rpc), rpc))
    eager.receive()
    eager._chunks = True

    assert eager.receive().get("message-id") == "1"


def test_octets_that_come_one_by_one_are_a_message(ada: Peer) -> None:
    rpc = f'<rpc xmlns="{BASE}" message-id="1"><discard-changes/></rpc>'.encode()
    for octet in b"".join(b"\n#1\n%c" % octet for octet in rpc) + b"\n##\n":
        ada.send(bytes([octet]))

    assert ada.receive().get("message-id") == "1"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"hello",
        b"<hello/>",
        said("urn:other"),
        said(),
        said(BASE_1_1, more="<session-id>4</session-id>"),
        f'<rpc xmlns="{BASE}" message-id="1"><get/></rpc>'.encode(),
        b"<!DOCTYPE hello>" + said(BASE_1_1),
    ],
)
def test_what_is_no_hello_ends_the_session_and_is_counted(
    connect: Connect, function: Alone, message: bytes
) -> None:
    peer = connect(hello=False)
    peer.send_marked(message)
    peer.receive()

    assert peer.closed_by_server()
    assert function.server.service.statistics.in_bad_hellos == 1


@pytest.mark.parametrize(
    "octets",
    [b"<rpc/>", b"\n#0\n", b"\n#4\nabcdX", b"]]>]]>", b"\n#99999999999\n", b"\n##\n"],
)
def test_malformed_chunks_end_the_session_only(ada: Peer, connect: Connect, octets: bytes) -> None:
    other = connect()
    other.send(octets)

    assert other.closed_by_server()
    ada.ok("<discard-changes/>")


def test_a_message_beyond_the_limit_ends_the_session(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start(**{"max-message-size": 65536})
    with Peer(loop, alone.server.ports["test"]) as peer:
        peer.send(b"\n#70000\n" + b"x" * 100)
        assert peer.closed_by_server()


def test_a_client_that_says_no_hello_is_not_waited_for(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start(**{"hello-timeout": 1})
    with Peer(loop, alone.server.ports["test"], hello=False) as peer:
        peer.receive()
        assert peer.closed_by_server()
    assert alone.server.service.statistics.in_bad_hellos == 1
    until(lambda: not alone.core.sessions.all())


def test_a_client_that_never_logs_in_is_not_waited_for(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start(**{"login-timeout": 1})

    async def silent() -> bytes:
        import asyncio  # noqa: PLC0415 - runs in the clients' loop

        reader, writer = await asyncio.open_connection("127.0.0.1", alone.server.ports["test"])
        octets = await reader.read()
        writer.close()
        return octets

    assert loop.run(silent()).startswith(b"SSH-2.0-")


def test_a_session_without_requests_is_ended(start: Callable[..., Alone], loop: Loop) -> None:
    alone = start(**{"idle-timeout": 1})
    with Peer(loop, alone.server.ports["test"]) as peer:
        peer.ok("<lock><target><running/></target></lock>")
        assert peer.closed_by_server()
    until(lambda: alone.core.locks.holder("running") is None)


def test_a_session_beyond_the_limit_is_refused(start: Callable[..., Alone], loop: Loop) -> None:
    alone = start(**{"max-sessions": 2})
    port = alone.server.ports["test"]
    with Peer(loop, port) as one, Peer(loop, port) as other:
        with pytest.raises(asyncssh.ChannelOpenError):
            Peer(loop, port)
        one.ok("<discard-changes/>")
        other.ok("<close-session/>")
        assert other.closed_by_server()
        until(lambda: len(alone.core.sessions.all()) == 1)
        with Peer(loop, port) as third:
            third.ok("<discard-changes/>")


def test_there_is_no_shell_and_no_other_subsystem(function: Alone, loop: Loop) -> None:
    async def ask(**what: str) -> None:
        port = function.server.ports["test"]
        async with asyncssh.connect("127.0.0.1", port, **ssh_options()) as connection:
            await connection.create_session(asyncssh.SSHClientSession, **what)

    for what in ({}, {"command": "id"}, {"subsystem": "sftp"}):
        with pytest.raises(asyncssh.ChannelOpenError):
            loop.run(ask(**what))


def test_what_was_asked_before_the_end_of_input_is_answered(ada: Peer) -> None:
    ada.ask("<get><filter/></get>")
    ada.ask("<get/>")
    ada.send_eof()

    assert ada.receive().get("message-id") == "101"
    assert ada.receive().get("message-id") == "102"
    assert ada.closed_by_server()


def test_a_peer_that_takes_nothing_holds_nobody_up_and_little_memory(
    ada: Peer, connect: Connect, function: Alone
) -> None:
    check_that_a_lazy_peer_is_bearable(ada, connect(window=2**30), function)


def test_endpoints_follow_the_configuration(
    ada: Peer, function: Alone, loop: Loop, connect: Connect
) -> None:
    def listen(content: str) -> str:
        return (
            '<edit-config><target><running/></target><config><probe xmlns="urn:nf:yang:nf-probe">'
            f"<management><netconf>{content}</netconf></management></probe></config></edit-config>"
        )

    ada.ok(listen("<listen><name>two</name><address>127.0.0.2</address><port>0</port></listen>"))
    two = function.server.ports["two"]
    with Peer(loop, two, host="127.0.0.2") as other:
        other.ok(
            listen(f'<listen xmlns:nc="{BASE}" nc:operation="delete"><name>two</name></listen>')
        )
        # The session through the endpoint that is gone goes on.
        other.ok("<discard-changes/>")
    until(lambda: "two" not in function.server.ports)
    with pytest.raises(OSError, match="Connect call failed"):
        Peer(loop, two, host="127.0.0.2")
    connect().ok("<discard-changes/>")


def test_the_host_key_stays_and_is_readable_by_its_owner_only(
    start: Callable[..., Alone],
) -> None:
    first = start().credentials.current.ssh.public
    again = start()
    path = again.core.history._folder / "ssh_host_ed25519_key"

    assert again.credentials.current.ssh.public == first
    assert path.stat().st_mode & 0o777 == 0o600
