"""Who comes in: users, passwords and keys of the configuration (RFC 7317)."""

import base64
import json

import asyncssh
import pytest

from nf.mgmt import crypt_hash
from nf.mgmt.crypt_hash import sha_crypt
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.users import Failures
from tests.netconf.conftest import PASSWORD, Connect
from tests.netconf.peer import BASE, Peer

SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"


def user(content: str, target: str = "running") -> str:
    return (
        f"<edit-config><target><{target}/></target><config>"
        f'<system xmlns="{SYSTEM}"><authentication><user>{content}</user></authentication></system>'
        "</config></edit-config>"
    )


def key_of(key: asyncssh.SSHKey, name: str = "k") -> str:
    return (
        f"<authorized-key><name>{name}</name><algorithm>{key.get_algorithm()}</algorithm>"
        f"<key-data>{base64.b64encode(key.public_data).decode()}</key-data></authorized-key>"
    )


def test_a_password_and_a_key_are_taken(connect: Connect, ada_key: asyncssh.SSHKey) -> None:
    connect(password=PASSWORD).ok("<discard-changes/>")
    connect(password=None, key=ada_key).ok("<discard-changes/>")


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("ada", ""), ("nobody", PASSWORD), ("", PASSWORD), ("admin", "admin")],
)
def test_anything_else_is_refused(connect: Connect, name: str, password: str) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        connect(name, password)


def test_a_key_of_another_is_refused(connect: Connect, ada_key: asyncssh.SSHKey) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        connect("bob", None, key=ada_key)
    with pytest.raises(asyncssh.PermissionDenied):
        connect("ada", None, key=asyncssh.generate_private_key("ssh-ed25519"))


def test_a_user_that_is_added_comes_in_and_one_that_is_removed_does_not(
    ada: Peer, connect: Connect
) -> None:
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    ada.ok(user(f"<name>eve</name>{key_of(key)}"))
    connect("eve", None, key=key).ok("<close-session/>")
    ada.ok(
        user("<name>eve</name>").replace(
            "<user>", f'<user xmlns:nc="{BASE}" nc:operation="delete">'
        )
    )
    with pytest.raises(asyncssh.PermissionDenied):
        connect("eve", None, key=key)


@pytest.mark.parametrize("target", ["running", "candidate"])
def test_a_password_in_clear_text_is_hashed_before_anybody_can_see_it(
    ada: Peer, connect: Connect, function: Alone, target: str
) -> None:
    ada.ok(user("<name>eve</name><password>$0$very secret</password>", target))
    data = ada.data(f"<get-config><source><{target}/></source></get-config>")
    shown = data.findtext(f".//{{{SYSTEM}}}user[{{{SYSTEM}}}name='eve']/{{{SYSTEM}}}password")
    assert shown is not None
    assert shown.startswith("$6$")
    if target == "candidate":
        ada.ok("<commit/>")

    connect("eve", "very secret").ok("<close-session/>")
    folder = function.core.history._folder
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"very secret" in octets for octets in kept)


def test_a_password_in_clear_text_is_not_kept_in_startup_either(ada: Peer, function: Alone) -> None:
    ada.ok(
        "<copy-config><target><startup/></target><source><config>"
        f'<system xmlns="{SYSTEM}"><authentication><user><name>eve</name>'
        "<password>$0$very secret</password></user></authentication></system>"
        "</config></source></copy-config>"
    )
    startup = function.core.history.startup()

    assert startup is not None
    [eve] = json.loads(startup.data)["ietf-system:system"]["authentication"]["user"]
    assert eve["password"].startswith("$6$")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("<password>$1$old$rdnrlpEGFyeLPdOIHCG3J0</password>", "password"),
        ("<password>$6$rounds=900000000$salt$" + "a" * 86 + "</password>", "password"),
        (
            (
                "<authorized-key><name>k</name><algorithm>ssh-rsa</algorithm>"
                "<key-data>AAAA</key-data></authorized-key>"
            ),
            "key-data",
        ),
    ],
)
def test_what_nobody_could_log_in_with_is_refused_with_its_path(
    ada: Peer, content: str, path: str
) -> None:
    refusal = ada.refused(user(f"<name>eve</name>{content}"))

    assert refusal.path is not None
    assert refusal.path.endswith(path)


def test_who_guesses_has_to_wait_longer_each_time() -> None:
    now = 1000.0
    failures = Failures(lambda: now)
    for _ in range(failures.FREE - 1):
        failures.failed("192.0.2.1")
    assert failures.wait("192.0.2.1") == 0
    waits = []
    for _ in range(10):
        failures.failed("192.0.2.1")
        waits.append(failures.wait("192.0.2.1"))

    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == failures.LONGEST
    assert failures.wait("192.0.2.2") == 0
    now += failures.LONGEST
    assert failures.wait("192.0.2.1") == 0
    failures.succeeded("192.0.2.1")
    failures.failed("192.0.2.1")
    assert failures.wait("192.0.2.1") == 0


def test_who_guesses_for_ever_waits_as_long_as_ever() -> None:
    failures = Failures(lambda: 1000.0)
    for _ in range(3000):
        failures.failed("192.0.2.1")
    assert failures.wait("192.0.2.1") == failures.LONGEST


def test_no_more_sources_are_remembered_than_the_limit() -> None:
    failures = Failures()
    failures.REMEMBERED = 100
    for number in range(1000):
        failures.failed(str(number))

    assert len(failures._failed) == 100


def test_who_has_failed_too_often_is_refused_even_with_the_right_password(
    connect: Connect, function: Alone, ada_key: asyncssh.SSHKey
) -> None:
    for _ in range(Failures.FREE + 4):
        function.users.failures.failed("127.0.0.1")

    with pytest.raises(asyncssh.PermissionDenied):
        connect()
    # A key cannot be guessed: whoever has one is not kept out by those who guess.
    connect(password=None, key=ada_key).ok("<discard-changes/>")


def test_for_a_user_who_is_not_there_a_hash_is_made_all_the_same(
    function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(password: bytes, setting: str) -> str:
        made.append(setting)
        return sha_crypt(password, setting)

    monkeypatch.setattr(crypt_hash, "sha_crypt", counted)
    assert not function.users.check_password("nobody", "x", "192.0.2.9")

    assert made == [crypt_hash.DUMMY]
