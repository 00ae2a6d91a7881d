"""Management's connection to nf-monitor: how the processes are, and how they are to be watched."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nf.errors import ChannelError, NfError
from nf.mgmt.changes import Change
from nf.mgmt.transaction import Data
from nf.process.backoff import Backoff
from nf.process.logs import event
from nf.process.monitoring import (
    MonitorClient,
    ProcessState,
    Restarted,
    RestartProcess,
    SetLogging,
    SetPolicy,
)

__all__ = ["Overseer"]

log = logging.getLogger(__name__)

PROBE = "nf-probe:probe"
Wishes = tuple[SetPolicy | SetLogging, ...]
"""What the monitor is to go by."""


class Overseer:
    """See the module; also the provider of what the configuration says about processes.

    Without a monitor (management started by hand, in tests) there are no processes to tell about,
    and nobody to be told.

    Args:
        path: The monitor's socket.
        on_restart: Gets what the monitor tells of a process that it started again.
        on_trouble: Told why the monitor does not follow the configuration, and nothing when it
            does.
    """

    name = "supervisor"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(
        self,
        path: Path,
        on_restart: Callable[[Restarted], None],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._on_restart = on_restart
        self._on_trouble = on_trouble
        self._client: MonitorClient | None = None
        self._wishes: Wishes = ()
        self._lost = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._keep, name="monitor-link", daemon=True)

    def start(self) -> None:
        """Connects, and again when the connection is lost."""
        self._thread.start()

    def stop(self) -> None:
        """Hangs up."""
        self._ending = True
        self._lost.set()
        if self._thread.ident is not None:
            self._thread.join()
        if (client := self._client) is not None:
            client.close()

    def processes(self) -> tuple[ProcessState, ...]:
        """How the processes are; none where there is no monitor."""
        client = self._client
        return client.processes() if client is not None else ()

    def restart(self, name: str) -> None:
        """Has a process end and begin anew.

        Raises:
            ChannelError: There is no monitor.
            Refused: There is no such process.
        """
        client = self._client
        if client is None:
            raise ChannelError("there is no monitor", str(self._path), "start nf with `nf run`")
        client.call(RestartProcess(name))

    def prepare(
        self, before: Data | None, after: Data, changes: Sequence[Change]
    ) -> "PreparedPolicy":
        """See `Provider`."""
        del before, changes
        return PreparedPolicy(self, (policy_of(after), logging_of(after)))

    def follow(self, wishes: Wishes) -> None:
        """Has the monitor watch and log by `wishes`, now and when it is connected again."""
        self._wishes = wishes
        self._send_wishes()

    def _send_wishes(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            for wish in self._wishes:
                client.call(wish)
        except NfError as error:
            event(log, logging.ERROR, "the monitor does not follow", why=error.what)
            self._on_trouble(error.what)
        else:
            self._on_trouble("")

    def _keep(self) -> None:
        backoff = Backoff(0.1, 5.0)
        while True:
            self._lost.clear()
            # Looked at after that: `stop` says so before it sets what is waited for.
            if self._ending:
                return
            try:
                self._client = MonitorClient(
                    self._path, on_restart=self._on_restart, on_lost=self._lost.set
                )
            except ChannelError as error:
                event(log, logging.DEBUG, "no monitor", why=error.what)
                self._lost.wait(backoff.next())
                continue
            backoff.reset()
            self._send_wishes()
            self._lost.wait()
            if not self._ending:
                self._client = None


class PreparedPolicy:
    """Nothing about watching can be refused."""

    def __init__(self, overseer: Overseer, wishes: Wishes) -> None:
        """`wishes` are put in force by `apply`."""
        self._overseer = overseer
        self._wishes = wishes

    def apply(self) -> None:
        """See `Prepared`."""
        self._overseer.follow(self._wishes)

    def abort(self) -> None:
        """See `Prepared`."""


def logging_of(after: Data) -> SetLogging:
    """What a configuration says about logs."""
    logs: dict[str, Any] = after[PROBE]["logging"]
    return SetLogging(
        level=logs["level"],
        form="json" if logs["format"] == "json" else "logfmt",
        modules=tuple((one["name"], one["level"]) for one in logs.get("module", ())),
        journald=logs["destination"] == "journald",
    )


def policy_of(after: Data) -> SetPolicy:
    """What a configuration says about watching."""
    processes: dict[str, Any] = after[PROBE]["processes"]
    restart = processes["restart"]
    return SetPolicy(
        first_delay=restart["initial-delay"] / 1000,
        longest_delay=restart["max-delay"] / 1000,
        burst=restart["burst"],
        burst_seconds=float(restart["burst-interval"]),
        hang_seconds=float(processes["heartbeat-timeout"]),
        stop_seconds=float(processes["stop-timeout"]),
    )
