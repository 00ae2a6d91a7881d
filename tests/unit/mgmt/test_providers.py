"""Providers prepare together, apply together, or abort in reverse order."""

import threading
from collections.abc import Sequence

import pytest

from nf.mgmt.changes import Change
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.transaction import Data, ProviderError, Providers

CHANGE = Change("update", "/m:a/b", "2", "1")


class Recorder:
    """Writes down what it is asked to do."""

    def __init__(
        self, name: str, log: list[str], watches: tuple[str, ...] = ("m:a",), fails: str = ""
    ) -> None:
        self.name, self.log, self.watches, self.fails = name, log, watches, fails
        self.seen: tuple[Data | None, Data] | None = None
        self.changes: Sequence[Change] = ()

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "Recorder":
        self.log.append(f"prepare {self.name}")
        self.seen, self.changes = (before, after), changes
        if self.fails == "prepare":
            raise ProviderError("/m:a/b", "no such interface", "no-interface")
        if self.fails == "crash":
            raise ZeroDivisionError("a defect")
        return self

    def apply(self) -> None:
        self.log.append(f"apply {self.name}")
        if self.fails == "apply":
            raise OSError("a defect")

    def abort(self) -> None:
        self.log.append(f"abort {self.name}")


def test_all_prepare_before_the_first_applies() -> None:
    log: list[str] = []
    providers = Providers()
    providers.register(Recorder("one", log))
    providers.register(Recorder("two", log))

    providers.prepare({}, {"m:a": {"b": 2}}, [CHANGE]).apply()

    assert log == ["prepare one", "prepare two", "apply one", "apply two"]


@pytest.mark.parametrize(("fails", "app_tag"), [("prepare", "no-interface"), ("crash", "internal")])
def test_when_one_refuses_those_before_abort_in_reverse_order(fails: str, app_tag: str) -> None:
    log: list[str] = []
    providers = Providers()
    for name in ("one", "two"):
        providers.register(Recorder(name, log))
    providers.register(Recorder("three", log, fails=fails))

    with pytest.raises(RpcErrors) as refused:
        providers.prepare({}, {"m:a": {}}, [CHANGE])

    assert log == ["prepare one", "prepare two", "prepare three", "abort two", "abort one"]
    assert refused.value.errors[0].app_tag == app_tag


def test_a_refusal_names_the_path_and_the_reason() -> None:
    providers = Providers()
    providers.register(Recorder("one", [], fails="prepare"))

    with pytest.raises(RpcErrors) as refused:
        providers.prepare({}, {}, [CHANGE])

    error = refused.value.errors[0]
    assert (error.path, error.message) == ("/m:a/b", "no such interface")


def test_who_is_late_is_refused_and_aborts_when_ready() -> None:
    late, aborted = threading.Event(), threading.Event()

    class Slow(Recorder):
        def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "Slow":
            late.wait(30)
            super().prepare(before, after, changes)
            return self

        def abort(self) -> None:
            aborted.set()

    providers = Providers(limit=0.05)
    providers.register(Slow("slow", []))

    with pytest.raises(RpcErrors) as refused:
        providers.prepare({}, {}, [CHANGE])
    late.set()

    assert refused.value.errors[0].app_tag == "prepare-timeout"
    assert aborted.wait(30)


def test_only_those_are_asked_whom_a_change_concerns_and_they_see_their_part() -> None:
    log: list[str] = []
    providers = Providers()
    concerned, other = Recorder("one", log), Recorder("two", log, watches=("m:z",))
    providers.register(concerned)
    providers.register(other)

    providers.prepare({"m:a": 1, "m:z": 1}, {"m:a": 2, "m:z": 1}, [CHANGE])

    assert log == ["prepare one"]
    assert concerned.seen == ({"m:a": 1}, {"m:a": 2})


def test_at_the_start_everybody_is_asked() -> None:
    log: list[str] = []
    providers = Providers()
    providers.register(Recorder("one", log))
    providers.register(Recorder("two", log, watches=("m:z",)))

    providers.prepare(None, {}, None)

    assert log == ["prepare one", "prepare two"]


def test_who_breaks_the_promise_not_to_fail_stops_nobody_and_is_named() -> None:
    log: list[str] = []
    providers = Providers()
    providers.register(Recorder("one", log, fails="apply"))
    providers.register(Recorder("two", log))

    applied = providers.prepare({}, {}, [CHANGE]).apply()

    assert {name: bool(trouble) for name, trouble in applied.items()} == {
        "one": True,
        "two": False,
    }
    assert log[-1] == "apply two"
