"""A transaction core on a small model of the tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt.core import Core
from nf.mgmt.history import History
from nf.mgmt.rpc_error import RpcError, RpcErrors
from nf.mgmt.session import Session

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

MODULES = [
    ("ietf-netconf", ["*"]),
    ("ietf-netconf-acm", ["*"]),
    ("ietf-netconf-notifications", ["*"]),
    ("ietf-origin", []),
    ("nf-test", []),
]

BOX = "urn:nf:test"


class Notices(list[dict[str, Any]]):
    """Keeps what is published."""

    def publish(self, notification: dict[str, Any]) -> None:
        self.append(notification)

    def named(self, name: str) -> list[dict[str, Any]]:
        """Contents of the notifications of one name."""
        return [entry[key] for entry in self for key in entry if key.endswith(f":{name}")]


@pytest.fixture(scope="session")
def context() -> Context:
    return Context([str(HERE / "yang"), str(ROOT / "yang" / "ietf")], MODULES)


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def make_core(context: Context, tmp_path: Path, notices: Notices) -> Iterator[Callable[..., Core]]:
    """Makes cores on one state folder, one after the other, as processes would."""
    made: list[Core] = []

    def make(boot: str = "boot-1", **options: Any) -> Core:
        core = Core(context, History(tmp_path / "state", boot), notices)
        for provider in options.get("providers", ()):
            core.providers.register(provider)
        core.start(options.get("first", b"{}"))
        made.append(core)
        return core

    yield make
    for core in made:
        core.stop()


@pytest.fixture
def core(make_core: Callable[..., Core]) -> Core:
    return make_core()


@pytest.fixture
def ada(core: Core) -> Session:
    """An administrator."""
    return core.sessions.open("ada", "netconf-ssh", "192.0.2.1", recovery=True)


@pytest.fixture
def bob(core: Core) -> Session:
    """Another administrator."""
    return core.sessions.open("bob", "netconf-ssh", "192.0.2.2", recovery=True)


def config(content: str) -> bytes:
    """A `<config>` with something in the box."""
    return (
        '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
        ' xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
        f'<box xmlns="{BOX}">{content}</box></config>'
    ).encode()


def box(core: Core, store: str = "running") -> dict[str, Any]:
    """What is in the box, without defaults."""
    tree = core._tree(store)  # type: ignore[arg-type]
    return tree.to_data(defaults=False).get("nf-test:box", {})


def refused(act: Callable[..., Any], *args: Any, **options: Any) -> RpcError:
    """The first error of what must be refused."""
    with pytest.raises(RpcErrors) as error:
        act(*args, **options)
    return error.value.errors[0]
