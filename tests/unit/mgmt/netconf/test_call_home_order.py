"""Which endpoint is tried when, and after how long (RFC 8071 section 4.1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nf.mgmt.netconf.call_home.order import Order, seconds_to_next
from nf.mgmt.netconf.call_home.settings import Endpoint, Periodic, Strategy, clients_of

ENDPOINTS = [Endpoint(name, "ssh", name, 4334) for name in "abc"]


def order(last: str = "", choose: int = 0, **strategy: object) -> Order:
    return Order(ENDPOINTS, Strategy(**strategy), lambda _: choose, last)  # type: ignore[arg-type]


def tried(one: Order, times: int) -> str:
    """Names of the endpoints in the order of their turns, all of which fail."""
    names = ""
    for _ in range(times):
        names += one.current.name
        one.failed()
    return names


def test_each_endpoint_has_its_attempts_and_then_the_next_its_own() -> None:
    assert tried(order(max_attempts=2), 8) == "aabbccaa"


@pytest.mark.parametrize(
    ("strategy", "first"),
    [("first-listed", "a"), ("last-connected", "b"), ("random-selection", "c")],
)
def test_the_strategy_says_who_is_first(strategy: str, first: str) -> None:
    assert order("b", 2, start_with=strategy).current.name == first


def test_an_endpoint_that_is_not_listed_any_more_is_not_the_last() -> None:
    assert order("gone", start_with="last-connected").current.name == "a"


def test_after_a_connection_the_strategy_decides_again() -> None:
    one = order(start_with="last-connected", max_attempts=1)
    one.failed()
    one.connected()
    one.again()
    again = order(start_with="first-listed", max_attempts=1)
    again.failed()
    again.connected()
    again.again()

    assert (one.current.name, again.current.name) == ("b", "a")


def test_waiting_doubles_up_to_its_bound_and_a_connection_makes_it_short_again() -> None:
    one = order(interval=1, longest=10)

    assert [one.failed() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    one.connected()
    assert one.failed() == 1


@given(some.floats(1, 3600), some.floats(1, 3600), some.integers(1, 50))
def test_nobody_waits_longer_than_the_bound(first: float, longest: float, failures: int) -> None:
    one = order(interval=first, longest=max(first, longest))
    waits = [one.failed() for _ in range(failures)]

    assert waits == sorted(waits)
    assert max(waits) <= max(first, longest)


NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "seconds"),
    [
        (None, 3600 - 600),
        (NOW - timedelta(minutes=50), 600),
        (NOW + timedelta(minutes=10), 600),
        (NOW + timedelta(days=3, minutes=10), 600),
        (NOW, 3600),
    ],
)
def test_periods_begin_at_the_anchor(anchor: datetime | None, seconds: float) -> None:
    begun = NOW - timedelta(minutes=10)

    assert seconds_to_next(Periodic(3600, anchor, 0), begun, NOW) == seconds


def test_what_is_not_said_has_the_defaults_of_the_model() -> None:
    entry = {"name": "c", "endpoints": {"endpoint": [
        {"name": "s", "address": "h"}, {"name": "t", "address": "h", "transport": "tls"}
    ]}}  # fmt: skip
    [client] = clients_of({"netconf-client": [entry]})

    assert [one.port for one in client.endpoints] == [4334, 4335]
    assert client.periodic is None
    assert client.strategy == Strategy("first-listed", 5, 3, 1, 300)
