"""A gNMI target on a core with the tests' model, and a raw gRPC client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from gnmi_pb import gnmi_pb2 as gnmi

from nf._native.yang import Context
from nf.mgmt.core import Core
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.history import History
from nf.telemetry.gnmi.server import Target

from .client import Client, path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MODULES = [
    ("ietf-netconf", ["*"]),
    ("ietf-netconf-acm", ["*"]),
    ("ietf-netconf-notifications", ["*"]),
    ("ietf-origin", []),
    ("ietf-system", ["authentication", "local-users"]),
    ("nf-types", []),
    ("nf-probe", []),
    ("nf-telemetry", []),
    ("nf-lab", []),
]


class Notices(list[dict[str, Any]]):
    """Keeps what is published."""

    def publish(self, notification: dict[str, Any]) -> None:
        self.append(notification)


class Passwords:
    """Everybody's password is their name backwards."""

    def __init__(self) -> None:
        self.checks = 0
        self.gone: set[str] = set()

    def check_password(self, user: str, password: str, source: str) -> bool:
        self.checks += 1
        return password == user[::-1]

    def has(self, user: str) -> bool:
        return user not in self.gone


class Lab:
    """State of the lab; a test changes it."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.reads = 0

    def top(self) -> str:
        return "nf-lab:lab"

    def get(self) -> dict[str, Any]:
        self.reads += 1
        return {"nf-lab:lab": self.state} if self.state else {}


LISTEN = (
    b'{"nf-probe:probe":{"nf-telemetry:telemetry":{"gnmi":{"listen":[{"name":"test",'
    b'"address":"127.0.0.1","port":0}],"minimum-sample-interval":20,"change-interval":20}}},'
    b'"ietf-netconf-acm:nacm":{"groups":{"group":[{"name":"admins","user-name":["ada","bob"]}]},'
    b'"rule-list":[{"name":"admins","group":["admins"],"rule":[{"name":"all",'
    b'"module-name":"*","access-operations":"*","action":"permit"}]}]}}'
)
"""An endpoint on any port; `ada` and `bob` may do everything, others what is permitted to all."""


@pytest.fixture(scope="session")
def context() -> Context:
    folders = [HERE / "yang", ROOT / "yang", ROOT / "yang" / "ietf"]
    return Context([str(folder) for folder in folders], MODULES)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def passwords() -> Passwords:
    return Passwords()


@pytest.fixture
def core(context: Context, tmp_path: Path, lab: Lab) -> Core:
    core = Core(context, History(tmp_path / "state", "boot-1"), Notices())
    core.state.register(lab)
    return core


@pytest.fixture
def credentials(core: Core, tmp_path: Path) -> Iterator[Credentials]:
    made = Credentials(tmp_path / "state")
    made.attach(core)
    yield made
    made.stop()


@pytest.fixture
def start(
    core: Core, passwords: Passwords, credentials: Credentials
) -> Iterator[Callable[..., Target]]:
    """Starts the target with a first configuration."""
    targets: list[Target] = []

    def run(first: bytes = LISTEN) -> Target:
        target = Target(core, passwords, credentials)
        core.providers.register(target)
        target.start()
        targets.append(target)
        core.start(first)
        return target

    yield run
    for target in targets:
        target.stop()
    core.stop()


@pytest.fixture
def target(start: Callable[..., Target]) -> Target:
    return start()


@pytest.fixture
def connect(target: Target) -> Iterator[Callable[..., Client]]:
    """Makes clients by user."""
    made: list[Client] = []

    def make(user: str = "ada", password: str | None = None) -> Client:
        channel = grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}")
        client = Client(channel, user, user[::-1] if password is None else password)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def ada(connect: Callable[..., Client]) -> Client:
    """An administrator."""
    return connect("ada")


@pytest.fixture
def ports(ada: Client) -> Client:
    """An administrator who has configured the ports a and b."""
    ada.set(
        update={
            "/lab/port[name=a]/mtu": 9000,
            "/lab/port[name=b]": {"name": "b"},
        }
    )
    return ada


__all__ = ["gnmi", "path"]
