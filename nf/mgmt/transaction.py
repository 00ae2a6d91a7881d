"""Providers act on a configuration together or not at all.

Every provider prepares (may refuse, within a time limit); when all have, all apply (which must not
fail). When one refuses, those that had prepared abort in reverse order.
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from time import monotonic
from typing import Any, Protocol

from nf.errors import NfError
from nf.mgmt.changes import Change
from nf.mgmt.rpc_error import RpcErrors

__all__ = ["Data", "Prepared", "Provider", "ProviderError", "Providers", "Ready"]

log = logging.getLogger(__name__)

Data = dict[str, Any]
"""A configuration as RFC 7951 JSON in Python's types, defaults included."""


class ProviderError(NfError):
    """A provider cannot take a configuration.

    Attributes:
        app_tag: For the `error-app-tag`.
    """

    def __init__(self, path: str, message: str, app_tag: str = "not-applicable") -> None:
        super().__init__(message, path, "change the value at the path, or what it depends on")
        self.app_tag = app_tag


class Prepared(Protocol):
    """A provider is ready for a configuration."""

    def apply(self) -> None:
        """Puts it in force; must not fail."""

    def abort(self) -> None:
        """Forgets it; must not fail."""


class Provider(Protocol):
    """Somebody who acts on configuration.

    Attributes:
        name: For the log and for errors.
        watches: Qualified names of the top-level nodes whose changes concern it
            (`nf-probe:probe`); it sees these only, and is not asked when none of them changed.
    """

    name: str
    watches: tuple[str, ...]

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> Prepared:
        """Gets ready for `after`; `before` is None at the start.

        Raises:
            ProviderError: It cannot take it.
        """


class Providers:
    """All providers, asked in the order in which they registered."""

    def __init__(self, limit: float = 10.0) -> None:
        """`limit` seconds are what all of them together may take to prepare."""
        self.limit = limit
        self._providers: list[Provider] = []
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="nf-prepare")

    def register(self, provider: Provider) -> None:
        """Adds a provider; before the core starts."""
        self._providers.append(provider)

    def watching(self, changes: Sequence[Change] | None) -> list[Provider]:
        """Those whom changes concern; all for None."""
        if changes is None:
            return list(self._providers)
        touched = {change.top for change in changes}
        return [
            provider for provider in self._providers if not touched.isdisjoint(provider.watches)
        ]

    def prepare(
        self, before: Data | None, after: Data, changes: Sequence[Change] | None
    ) -> "Ready":
        """Has everybody concerned prepare; `changes` is None at the start.

        Raises:
            RpcErrors: Somebody refused or was late; everybody else has aborted.
        """
        ready = Ready()
        deadline = monotonic() + self.limit
        for provider in self.watching(changes):
            names = set(provider.watches)
            mine = [change for change in changes or () if change.top in names]
            try:
                prepared = self._before(
                    deadline, provider, _part(before, names), _part(after, names) or {}, mine
                )
            except RpcErrors:
                ready.abort()
                raise
            ready.add(provider.name, prepared)
        return ready

    def _before(
        self,
        deadline: float,
        provider: Provider,
        before: Data | None,
        after: Data,
        changes: Sequence[Change],
    ) -> Prepared:
        future = self._pool.submit(provider.prepare, before, after, changes)
        try:
            return future.result(timeout=max(0.0, deadline - monotonic()))
        except ProviderError as error:
            raise RpcErrors.of(
                tag="operation-failed", message=error.what, path=error.place, app_tag=error.app_tag
            ) from error
        except Late as error:
            future.add_done_callback(_abort_late)
            raise RpcErrors.of(
                tag="operation-failed",
                message=f"{provider.name} was not ready within the {self.limit:g} s for preparing",
                app_tag="prepare-timeout",
            ) from error
        except Exception as error:
            log.exception("provider %s failed to prepare", provider.name)
            raise RpcErrors.of(
                tag="operation-failed",
                message=f"{provider.name} failed to prepare: {error}",
                app_tag="internal",
            ) from error

    def stop(self) -> None:
        """Waits for nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Ready:
    """Everybody has prepared: `apply` or `abort`, once."""

    def __init__(self) -> None:
        self._prepared: list[tuple[str, Prepared]] = []

    def add(self, name: str, prepared: Prepared) -> None:
        """One more, who applies after those before and aborts before them."""
        self._prepared.append((name, prepared))

    def apply(self) -> dict[str, str]:
        """Applies all; by name, why it broke its promise not to fail, empty where it did not."""
        applied = {}
        for name, prepared in self._prepared:
            applied[name] = ""
            try:
                prepared.apply()
            except Exception as error:
                # The configuration is in force: going back half-way would be worse. An alarm and
                # the log say that this one does not follow it.
                log.exception("%s failed to apply a configuration that it had prepared", name)
                applied[name] = str(error) or type(error).__name__
        return applied

    def abort(self) -> None:
        """Aborts all, the last first."""
        for name, prepared in reversed(self._prepared):
            try:
                prepared.abort()
            except Exception:
                log.exception("%s failed to abort", name)


def _part(data: Data | None, names: set[str]) -> Data | None:
    return None if data is None else {name: data[name] for name in names if name in data}


def _abort_late(future: "Future[Prepared]") -> None:
    """Of a provider that prepared after its time: nobody will apply it."""
    if future.cancelled() or future.exception() is not None:
        return
    late = future.result()
    threading.Thread(target=late.abort, name="nf-abort-late", daemon=True).start()
