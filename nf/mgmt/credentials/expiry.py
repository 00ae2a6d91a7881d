"""Tells of certificates that will cease to be good."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nf.mgmt.credentials.material import Dated

__all__ = ["ExpiryWatch", "rfc3339"]

log = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds between two looks; a commit has one at once."""
STAGES = (timedelta(days=7), timedelta(days=1), timedelta(0))
"""Each tells once more, after the warning that the configuration asks for."""


class ExpiryWatch:
    """Looks at what is dated and tells once for each stage of its end.

    Args:
        dated: What is in force, with the days before its end at which it is told of first.
        publish: Takes the notification.
        now: The time.
        looked: Gets what ends before long, or has ended, at every look.
    """

    def __init__(
        self,
        dated: Callable[[], tuple[Sequence[Dated], int]],
        publish: Callable[[dict[str, Any]], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        looked: Callable[[Sequence[Dated]], None] = lambda _: None,
    ) -> None:
        self._dated = dated
        self._publish = publish
        self._now = now
        self._looked = looked
        self._told: dict[tuple[str, str], int] = {}
        self._look = threading.Event()
        self._over = False
        self._thread: threading.Thread | None = None

    def expiring(self, within: timedelta | None = None) -> list[Dated]:
        """What ends within a time, the first first; what has ended, too.

        Args:
            within: None for the time that the configuration says.
        """
        listed, days = self._dated()
        until = self._now() + (timedelta(days=days) if within is None else within)
        return sorted((one for one in listed if one.ends <= until), key=lambda one: one.ends)

    def look(self) -> None:
        """Tells what has not been told yet."""
        now = self._now()
        listed, days = self._dated()
        stages = (timedelta(days=days), *(one for one in STAGES if one < timedelta(days=days)))
        told: dict[tuple[str, str], int] = {}
        for one in listed:
            known = one.path, one.fingerprint
            reached = sum(one.ends - now <= stage for stage in stages)
            if reached > self._told.get(known, 0):
                self._tell(one, now)
            told[known] = max(reached, self._told.get(known, 0)) if reached else 0
        self._told = told
        self._looked(self.expiring())

    def _tell(self, one: Dated, now: datetime) -> None:
        ends = rfc3339(one.ends)
        word = "has expired" if one.ends <= now else "expires"
        log.warning("%s of %s %s: %s", one.path, one.subject or "nobody", word, ends)
        told = {"path": one.path, "subject": one.subject, "expiration-date": ends}
        self._publish({"nf-credentials:certificate-expiry": told})

    def changed(self) -> None:
        """Has it look at once; never blocks."""
        self._look.set()

    def start(self) -> None:
        """Looks from now on."""
        self._thread = threading.Thread(target=self._run, name="nf-expiry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._over = True
        self._look.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._look.wait(EVERY)
            self._look.clear()
            if self._over:
                return
            try:
                self.look()
            except Exception:
                # Whatever is wrong with one look, the next may find what ends until then.
                log.exception("certificates could not be looked at")


def rfc3339(moment: datetime) -> str:
    """A moment as `yang:date-and-time`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
