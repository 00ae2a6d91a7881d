"""A core and a NETCONF server on loopback, with the whole model and the box of the tests."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from nf._native.yang import Context
from nf.mgmt.crypt_hash import sha_crypt
from nf.mgmt.day0 import First
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.schema import ModuleSet
from tests.netconf.peer import Loop, Peer

BOX_MODULE = Path(__file__).parents[1] / "unit" / "mgmt" / "yang"
PASSWORD = "correct horse"  # noqa: S105 - of the tests


@pytest.fixture(scope="session")
def context() -> Context:
    search, modules = ModuleSet.read().for_context()
    return Context([*search, str(BOX_MODULE)], [*modules, ("nf-test", ["*"])])


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def ada_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(scope="session")
def configuration(ada_key: asyncssh.SSHKey) -> dict[str, Any]:
    """Ada may everything; bob may nothing but what anybody may; both have one password."""
    hashed = sha_crypt(PASSWORD.encode(), "$6$rounds=1000$tests")
    key = {
        "name": "laptop",
        "algorithm": ada_key.get_algorithm(),
        "key-data": base64.b64encode(ada_key.public_data).decode(),
    }
    return {
        "ietf-system:system": {
            "authentication": {
                "user": [
                    {"name": "ada", "password": hashed, "authorized-key": [key]},
                    {"name": "bob", "password": hashed},
                ]
            }
        },
        "ietf-netconf-acm:nacm": {
            "groups": {"group": [{"name": "admins", "user-name": ["ada"]}]},
            "rule-list": [
                {
                    "name": "admins",
                    "group": ["admins"],
                    "rule": [
                        {
                            "name": "all",
                            "module-name": "*",
                            "access-operations": "*",
                            "action": "permit",
                        }
                    ],
                }
            ],
        },
        "nf-probe:probe": {
            "management": {
                "netconf": {"listen": [{"name": "test", "address": "127.0.0.1", "port": 0}]}
            }
        },
    }


@pytest.fixture
def start(
    context: Context, tmp_path: Path, configuration: dict[str, Any]
) -> Iterator[Callable[..., Alone]]:
    """Starts functions on one state folder, one after the other."""
    running: list[Alone] = []

    def begin(boot: str = "boot-1", also: dict[str, Any] | None = None, **management: Any) -> Alone:
        for one in running:
            one.stop()
        running.clear()
        data = json.loads(json.dumps(configuration))
        data["nf-probe:probe"]["management"]["netconf"].update(management)
        data["nf-probe:probe"]["management"].update(also or {})
        made = First(json.dumps(data).encode(), None)
        alone, _ = Alone.start(context, tmp_path / "state", boot=boot, first=lambda: made)
        running.append(alone)
        return alone

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def function(start: Callable[..., Alone]) -> Alone:
    return start()


Connect = Callable[..., Peer]


@pytest.fixture
def connect(function: Alone, loop: Loop) -> Iterator[Connect]:
    """Makes clients, and ends them."""
    made: list[Peer] = []

    def begin(user: str = "ada", password: str | None = PASSWORD, **options: Any) -> Peer:
        made.append(Peer(loop, function.server.ports["test"], user, password, **options))
        return made[-1]

    yield begin
    for one in made:
        one.close()


@pytest.fixture
def ada(connect: Connect) -> Peer:
    return connect()
