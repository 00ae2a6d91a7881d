"""Certificates are told of before they end, once for each stage."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from nf.mgmt.credentials.expiry import ExpiryWatch
from nf.mgmt.credentials.material import Dated

ENDS = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Calendar:
    """A day that goes on, and what is told on it."""

    def __init__(self, *dated: Dated, warned_before: int = 30) -> None:
        self.now = ENDS - 100 * DAY
        self.told: list[dict[str, Any]] = []
        self.dated = list(dated)
        self.watch = ExpiryWatch(
            lambda: (self.dated, warned_before), self.told.append, lambda: self.now
        )

    def at(self, before: timedelta) -> int:
        """Goes to a time before the end; how many are told of."""
        self.now = ENDS - before
        self.told.clear()
        self.watch.look()
        return len(self.told)


def certificate(path: str = "/c", ends: datetime = ENDS, fingerprint: str = "04:00") -> Dated:
    return Dated(path, f"CN={path}", fingerprint, ends)


def test_it_is_told_once_in_each_stage() -> None:
    calendar = Calendar(certificate())
    days = [31, 30, 29, 8, 7, 6, 2, 1, 0.5, 0, -1, -50]

    told = {day: calendar.at(timedelta(days=day)) for day in days}

    assert [day for day, count in told.items() if count] == [30, 7, 1, 0]
    assert max(told.values()) == 1


def test_a_stage_that_was_slept_through_is_told_once() -> None:
    calendar = Calendar(certificate())

    assert calendar.at(timedelta(hours=1)) == 1
    assert calendar.at(timedelta(minutes=59)) == 0


def test_a_short_warning_leaves_the_earlier_stages_out() -> None:
    calendar = Calendar(certificate(), warned_before=3)
    told = {day: calendar.at(timedelta(days=day)) for day in (30, 7, 3, 1, 0)}

    assert [day for day, count in told.items() if count] == [3, 1, 0]


def test_a_certificate_that_takes_the_place_of_another_has_stages_of_its_own() -> None:
    calendar = Calendar(certificate())
    calendar.at(DAY)
    calendar.dated = [certificate(ends=ENDS + 20 * DAY, fingerprint="04:01")]

    assert calendar.at(DAY) == 1


def test_what_expires_first_is_listed_first() -> None:
    later = certificate("/later", ENDS + 5 * DAY)
    never = certificate("/never", ENDS + 1000 * DAY)
    calendar = Calendar(never, later, certificate("/first"))
    calendar.at(20 * DAY)

    assert [one.path for one in calendar.watch.expiring()] == ["/first", "/later"]
    assert [one.path for one in calendar.watch.expiring(21 * DAY)] == ["/first"]


def test_the_notification_names_the_certificate() -> None:
    calendar = Calendar(certificate())
    calendar.at(DAY)

    assert calendar.told == [
        {
            "nf-credentials:certificate-expiry": {
                "path": "/c",
                "subject": "CN=/c",
                "expiration-date": "2026-06-01T00:00:00Z",
            }
        }
    ]


def test_whoever_watches_gets_what_ends_before_long_at_every_look() -> None:
    calendar, seen = Calendar(certificate()), []
    calendar.watch = ExpiryWatch(
        lambda: (calendar.dated, 30),
        calendar.told.append,
        lambda: calendar.now,
        lambda listed: seen.append([one.path for one in listed]),
    )
    for days in (40, 20, 19):
        calendar.at(timedelta(days=days))
    calendar.dated.clear()
    calendar.at(timedelta(days=18))

    assert seen == [[], ["/c"], ["/c"], []]


def test_a_look_that_fails_is_not_the_last() -> None:
    looks = threading.Semaphore(0)

    def looked(_: Any) -> None:
        looks.release()
        raise ZeroDivisionError

    watch = ExpiryWatch(lambda: ([certificate()], 30), lambda _: None, looked=looked)
    watch.start()
    for _ in range(2):
        watch.changed()
        assert looks.acquire(timeout=20)
    watch.stop()
