"""The control socket's rights follow the configuration, and access control those it lets in."""

import grp
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.errors import Refused
from nf.mgmt import local
from nf.mgmt.control_socket import GROUP, ControlSocket
from nf.mgmt.core import Core
from nf.mgmt.desk import Desk
from nf.mgmt.transaction import ProviderError
from nf.process.frames import Peer

OWN_GROUP = grp.getgrgid(os.getegid()).gr_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "mgmt.sock"))
    return folder / "mgmt.sock"


def wanted(**settings: str) -> dict[str, Any]:
    return {"nf-probe:probe": {"management": {"control-socket": settings}}}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mode_and_group_are_given_to_the_socket_and_its_folder(path: Path) -> None:
    provider = ControlSocket(path)

    provider.prepare(None, wanted(mode="660", group=OWN_GROUP), ()).apply()

    assert mode_of(path) == 0o660
    assert path.stat().st_gid == os.getegid()
    assert mode_of(path.parent) == 0o710


def test_without_a_right_for_others_the_folder_is_closed_again(path: Path) -> None:
    provider = ControlSocket(path)
    provider.prepare(None, wanted(mode="666"), ()).apply()
    assert mode_of(path.parent) == 0o711

    provider.prepare(None, wanted(mode="600"), ()).apply()

    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)


def test_a_group_that_is_not_there_is_refused_with_its_path(path: Path) -> None:
    with pytest.raises(ProviderError) as refused:
        ControlSocket(path).prepare(None, wanted(mode="660", group="no_such_group"), ())

    assert (refused.value.place, refused.value.app_tag) == (GROUP, "no-such-group")


def test_a_socket_that_is_not_there_yet_gets_its_rights_later(tmp_path: Path) -> None:
    path = tmp_path / "mgmt.sock"
    provider = ControlSocket(path)
    provider.prepare(None, wanted(mode="660"), ()).apply()
    path.touch(mode=0o600)

    provider.enforce()

    assert mode_of(path) == 0o660


def test_whom_the_socket_lets_in_access_control_still_judges(
    make_core: Callable[..., Core],
) -> None:
    desk = Desk(make_core())
    change = local.SetNode((("/nf-test:box/name", "x"),))

    with pytest.raises(Refused):
        desk.answer(Peer(pid=1, uid=65534, gid=65534), change)
    desk.answer(Peer(pid=1, uid=0, gid=0), change)
