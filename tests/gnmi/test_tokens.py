"""Tokens in the place of a password."""

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.telemetry.gnmi.server import Target
from nf.telemetry.gnmi.tokens import Tokens

from .client import Client
from .conftest import Passwords


class Bearer(Client):
    """Shows a token, or whatever is said in its place."""

    def __init__(self, target: Target, said: str) -> None:
        super().__init__(grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}"), None, None)
        self.metadata = [("authorization", said)]


@pytest.fixture
def bearer(target: Target) -> Any:
    made: list[Client] = []

    def connect(said: str) -> Client:
        made.append(Bearer(target, said))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def operate(core: Core, who: str, name: str, *, recovery: bool = False, **given: Any) -> Any:
    session = core.sessions.open(who, "netconf-ssh", "192.0.2.1", recovery=recovery)
    leaves = "".join(f"<{leaf}>{value}</{leaf}>" for leaf, value in given.items())
    asked = f'<{name} xmlns="urn:nf:yang:nf-telemetry">{leaves}</{name}>'
    try:
        return core.operate(session, asked.encode()).decode()
    finally:
        core.sessions.close(session, "closed")


def leaf(answer: str, name: str) -> str:
    return answer.partition(f"<{name} ")[2].partition(">")[2].partition("<")[0]


def test_a_token_is_as_good_as_the_password_of_its_user(
    core: Core, target: Target, bearer: Callable[[str], Client]
) -> None:
    answer = operate(core, "ada", "issue-token")
    client = bearer(f"Bearer {leaf(answer, 'token')}")

    client.set(update={"/lab/port[name=a]/mtu": 9000})
    assert client.read("/lab/port[name=a]/mtu") == {"/lab/port[name=a]/mtu": 9000}
    assert bearer(f"bearer  {leaf(answer, 'token')}").capabilities()


def test_access_control_is_that_of_the_user(
    core: Core, ports: Client, bearer: Callable[[str], Client]
) -> None:
    answer = operate(core, "guest", "issue-token", recovery=True, user="guest")
    client = bearer(f"Bearer {leaf(answer, 'token')}")

    refused = client.refused(client.set, update={"/lab/port[name=a]/mtu": 1000})
    assert refused.code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", "Bearer nf_wrong", "Basic YWRhOmFkYQ==", "nf_x"],
)
def test_what_is_no_token_lets_nobody_in(
    core: Core, target: Target, bearer: Callable[[str], Client], said: str
) -> None:
    operate(core, "ada", "issue-token")
    client = bearer(said)

    assert client.refused(client.capabilities).code == "UNAUTHENTICATED"


def test_a_token_that_is_revoked_or_over_or_of_nobody_is_not_accepted(
    core: Core, target: Target, passwords: Passwords, bearer: Callable[[str], Client]
) -> None:
    answers = [operate(core, "ada", "issue-token") for _ in range(3)]
    brief = operate(core, "ada", "issue-token", lifetime=1)
    clients = [bearer(f"Bearer {leaf(one, 'token')}") for one in (*answers, brief)]

    operate(core, "ada", "revoke-token", id=leaf(answers[0], "id"))
    assert clients[0].refused(clients[0].capabilities).code == "UNAUTHENTICATED"
    assert clients[1].capabilities()
    until = time.monotonic() + 30
    while target.tokens.user_of(leaf(brief, "token")) is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert clients[3].refused(clients[3].capabilities).code == "UNAUTHENTICATED"
    passwords.gone.add("ada")
    assert clients[1].refused(clients[1].capabilities).code == "UNAUTHENTICATED"


def test_nobody_has_a_token_for_somebody_else(core: Core, target: Target) -> None:
    other = leaf(operate(core, "bob", "issue-token"), "id")
    for name, given in (("issue-token", {"user": "bob"}), ("revoke-token", {"id": other})):
        with pytest.raises(RpcErrors) as error:
            operate(core, "ada", name, **given)
        assert error.value.errors[0].app_tag == "token-user"
    with pytest.raises(RpcErrors) as error:
        operate(core, "guest", "issue-token")
    assert error.value.errors[0].tag == "access-denied"
    with pytest.raises(RpcErrors) as error:
        operate(core, "ada", "revoke-token", id="nowhere")
    assert error.value.errors[0].tag == "data-missing"


def test_the_state_lists_tokens_without_giving_them_away(core: Core, ada: Client) -> None:
    answer = operate(core, "ada", "issue-token")

    [shown] = ada.read("/probe/telemetry/gnmi/token").values()
    assert shown["user" if "user" in shown else "nf-telemetry:user"] == "ada"
    assert leaf(answer, "token") not in json.dumps(shown)


def test_tokens_outlive_the_process_as_digests_that_others_cannot_read(
    core: Core, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    before = Tokens(file)
    before.register(core.operations)
    core.start()
    answer = operate(core, "root", "issue-token", recovery=True, user="ada")
    token = leaf(answer, "token")

    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    after = Tokens(file)
    assert after.user_of(token) == "ada"
    assert after.user_of(token[:-1]) is None
    operate(core, "root", "revoke-token", recovery=True, id=leaf(answer, "id"))
    assert Tokens(file).user_of(token) is None
    core.stop()


def test_a_broken_file_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    for content in ("", "{", "[1]", '[{"id": "x"}]', '{"a": 1}'):
        file.write_text(content)
        assert Tokens(file).valid() == []
