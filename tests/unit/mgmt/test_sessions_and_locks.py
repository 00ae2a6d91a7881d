"""Sessions, what they hold, and what becomes of it."""

import pytest

from nf.mgmt.locks import Locks
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL, Session, Sessions


def open_sessions() -> tuple[Sessions, list[tuple[object, ...]]]:
    told: list[tuple[object, ...]] = []
    return (
        Sessions(
            lambda session: told.append(("started", session.id)),
            lambda session, reason, killer: told.append(("ended", session.id, reason, killer)),
        ),
        told,
    )


def test_ids_are_unique_while_sessions_are_open() -> None:
    sessions, _ = open_sessions()

    ids = {sessions.open("ada", "netconf-ssh", "::1").id for _ in range(100)}

    assert len(ids) == 100
    assert 0 not in ids


def test_a_killed_session_ends_once_and_names_its_killer() -> None:
    sessions, told = open_sessions()
    killed: list[bool] = []
    victim = sessions.open("bob", "netconf-ssh", "::1", kill=lambda: killed.append(True))
    killer = sessions.open("ada", "netconf-ssh", "::1")

    sessions.kill(killer, victim.id)
    sessions.close(victim, "dropped")

    assert killed == [True]
    assert [entry for entry in told if entry[0] == "ended"] == [
        ("ended", victim.id, "killed", killer.id)
    ]


def test_a_session_is_listed_until_what_it_held_is_given_back() -> None:
    listed: list[list[int]] = []
    sessions = Sessions(
        lambda _: None,
        lambda *_: listed.append([one.id for one in sessions.all()]),
    )
    session = sessions.open("ada", "netconf-ssh", "::1")

    sessions.close(session, "closed")

    assert listed == [[session.id]]
    assert sessions.all() == []


@pytest.mark.parametrize("which", ["own", "missing"])
def test_one_cannot_kill_oneself_or_nobody(which: str) -> None:
    sessions, _ = open_sessions()
    session = sessions.open("ada", "netconf-ssh", "::1")

    with pytest.raises(RpcErrors) as refused:
        sessions.kill(session, session.id if which == "own" else 4711)

    assert refused.value.errors[0].tag == "invalid-value"


def session(number: int) -> Session:
    return Session(number, f"user{number}", "netconf-ssh", "::1")


def test_a_lock_is_denied_with_the_holders_id() -> None:
    locks = Locks()
    locks.take(session(1), "running")

    for other in (1, 2):
        with pytest.raises(RpcErrors) as refused:
            locks.take(session(other), "running")
        assert refused.value.errors[0].tag == "lock-denied"
        assert refused.value.errors[0].info == (("session-id", "1"),)


def test_only_the_holder_writes_and_the_function_itself() -> None:
    locks = Locks()
    locks.take(session(1), "running")

    locks.may_write(session(1), "running")
    locks.may_write(INTERNAL, "running")
    locks.may_write(session(2), "candidate")
    with pytest.raises(RpcErrors) as refused:
        locks.may_write(session(2), "running")

    assert refused.value.errors[0].tag == "in-use"


def test_only_the_holder_unlocks() -> None:
    locks = Locks()
    locks.take(session(1), "running")

    with pytest.raises(RpcErrors):
        locks.release(session(2), "running")
    locks.release(session(1), "running")

    locks.take(session(2), "running")


def test_what_an_ended_session_held_is_free() -> None:
    locks = Locks()
    for store in ("running", "candidate"):
        locks.take(session(1), store)
    locks.take(session(2), "startup")

    assert sorted(locks.release_all(session(1))) == ["candidate", "running"]
    assert locks.holder("running") is None
    assert locks.holder("startup") is not None
