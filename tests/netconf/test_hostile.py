"""Messages that mean harm: each is refused or ends its session; the server serves on."""

import random
from collections.abc import Callable

import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import BASE, BOX, Closed, Loop, Peer

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">'
    + b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + f'<!ELEMENT x ANY>]><rpc xmlns="{BASE}" message-id="1"><get>&l9;</get></rpc>'.encode()
)
OUTSIDE = (
    f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rpc xmlns="{BASE}" message-id="1">'
    "<get>&f;</get></rpc>"
).encode()
DEEP = (
    f'<rpc xmlns="{BASE}" message-id="1"><get><filter>'.encode()
    + b"<a>" * 100_000
    + b"</a>" * 100_000
    + b"</filter></get></rpc>"
)
WIDE = (
    f'<rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
    f'<filter type="xpath" select="{"(" * 1_000_000}"/></get-config></rpc>'
).encode()


@pytest.mark.parametrize(
    "message", [LAUGHS, OUTSIDE, DEEP, WIDE], ids=["laughs", "file", "deep", "wide"]
)
def test_a_message_that_means_harm_is_malformed(
    connect: Connect, ada: Peer, message: bytes
) -> None:
    peer = connect()
    peer.send_message(message)
    reply = peer.receive_octets()

    assert b"<error-tag>malformed-message</error-tag>" in reply
    assert b"root:" not in reply
    peer.ok("<discard-changes/>")
    ada.ok("<discard-changes/>")


def test_a_deep_edit_is_refused(ada: Peer) -> None:
    deep = "<a>" * 100 + "</a>" * 100
    assert ada.refused(ada.edit(deep)).tag == "unknown-element"


def test_an_expression_that_is_too_long_or_nested_is_refused(ada: Peer) -> None:
    for expression in ("/t:box" * 2000, "(" * 4000 + "1" + ")" * 4000):
        refusal = ada.refused(
            "<get-config><source><running/></source>"
            f'<filter xmlns:t="{BOX}" type="xpath" select="{expression}"/></get-config>'
        )
        assert refusal.tag == "invalid-value"


def test_values_with_every_odd_character_come_back_as_they_were(ada: Peer) -> None:
    odd = "a&lt;&amp;&gt;&quot;&apos;]]&gt; \N{GRINNING FACE} \u202e"
    ada.ok(ada.edit(f"<name>{odd}</name>"))

    assert ada.box()["name"] == "a<&>\"']]> \N{GRINNING FACE} \u202e"


def test_a_name_like_a_path_does_not_leave_its_key(ada: Peer) -> None:
    ada.ok(ada.edit("<port><name>a'] | /* | /t:x['</name></port>"))
    refusal = ada.refused(ada.edit("<port><name>a'] | /* | /t:x['</name><mtu>1</mtu></port>"))
    assert refusal.tag == "invalid-value"


def test_a_chunk_that_never_ends_is_given_up_with_its_session(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start(**{"idle-timeout": 1})
    with Peer(loop, alone.server.ports["test"]) as peer:
        peer.send(b"\n#1000\n<rpc")
        assert peer.closed_by_server()


def test_random_damage_never_stops_the_server(
    ada: Peer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(20261128)  # noqa: S311 - has to be the same each time
    good = (
        f'<rpc xmlns="{BASE}" message-id="1"><edit-config><target><candidate/></target>'
        f'<config><box xmlns="{BOX}"><name>x</name><port><name>a</name></port></box></config>'
        "</edit-config></rpc>"
    ).encode()
    peer = connect()
    for _ in range(300):
        damaged = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(damaged))
            if dice.random() < 0.5:
                damaged[at] = dice.randrange(256)
            else:
                del damaged[at : at + dice.randint(1, 20)]
        try:
            peer.send_message(bytes(damaged))
            peer.receive_octets()
        except Closed:
            peer = connect()

    ada.ok("<discard-changes/>")
    # What the server did not foresee is logged with its traceback.
    assert not [record for record in caplog.records if record.exc_info]
