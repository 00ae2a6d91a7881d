"""Management's connection to nf-datapath: kept, and made again when that process starts anew.

What was last applied is remembered here. A datapath that comes back has no configuration; it is
handed this one before anything else.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nf.datapath.control import (
    Abort,
    Apply,
    DatapathClient,
    ListSessions,
    Prepare,
    Prepared,
    ReadStats,
    SessionList,
    StatsRead,
)
from nf.datapath.settings import Settings
from nf.errors import ChannelError, NfError, Refused
from nf.process.backoff import Backoff
from nf.process.logs import event

__all__ = ["Link"]

log = logging.getLogger(__name__)

PREPARE_SECONDS = 8.0
APPLY_SECONDS = 30.0
"""Nothing can be taken back any more, so that patience costs nothing."""
ABSENT_SECONDS = 10.0
"""A datapath that is started again is there sooner; one that is not, is in trouble."""


class Link:
    """See the module. Methods may be called from any thread.

    Args:
        path: The datapath's socket.
        on_event: Gets what the datapath tells.
        on_return: Called when a datapath has come back and has the configuration again.
        on_trouble: Told why the datapath does not follow the configuration, and nothing when it
            does again; must not ask the datapath.
        on_taken: Called when a datapath that was newly connected to has the configuration.
    """

    def __init__(
        self,
        path: Path,
        on_event: Callable[[Any], None],
        on_return: Callable[[], None],
        on_trouble: Callable[[str], None] = lambda _: None,
        on_taken: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._on_event = on_event
        self._on_return = on_return
        self._on_trouble = on_trouble
        self._on_taken = on_taken
        self._orders = threading.RLock()
        """Held while a configuration is handed over: one at a time."""
        self._client: DatapathClient | None = None
        self._served: int = 0
        """Process that had a configuration from us last."""
        self._generation = 0
        self._force: Settings | None = None
        self._connected = threading.Event()
        self._wake = threading.Event()
        self._ending = False
        self._absent_since = time.monotonic()
        self.trouble = ""
        """Why the datapath does not follow the configuration; empty when it does."""
        self._told: str | None = None
        """What was said of that last; nothing yet."""
        self._thread = threading.Thread(target=self._keep, name="datapath-link", daemon=True)

    def start(self) -> None:
        """Begins to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Hangs up; the datapath goes on with what it has."""
        self._ending = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        if (client := self._client) is not None:
            client.close()

    def wait(self, seconds: float) -> bool:
        """Waits for the connection; whether it is there."""
        return self._connected.wait(seconds)

    def call(self, body: Any, seconds: float = 10.0) -> Any:
        """Asks the datapath.

        Raises:
            Refused: It has refused.
            ChannelError: It is not there, or silent.
        """
        client = self._client
        if client is None:
            raise ChannelError(
                "nf-datapath does not run", str(self._path), "nf status tells how it is"
            )
        return client.call(body, seconds)

    def stats(self, sums: tuple[Any, ...] = ()) -> dict[str, Any]:
        """All counters of the datapath; see `ReadStats`.

        Raises:
            ChannelError: It is not there, or silent.
        """
        answer: StatsRead = self.call(ReadStats(sums))
        return answer.groups

    def sessions(self, limit: int, order_by: str, where: str) -> list[dict[str, Any]]:
        """Live sessions; see `ListSessions`.

        Raises:
            Refused: The filter or the order is none.
            ChannelError: The datapath is not there, or silent.
        """
        answer: SessionList = self.call(ListSessions(limit, order_by, where))
        return answer.sessions

    # Configurations

    def prepare(self, settings: Settings) -> tuple[int, str]:
        """Has the datapath prepare; the number to apply, and the effect.

        Without a datapath there is nobody to refuse: it gets the configuration when it returns.

        Raises:
            Refused: The datapath refuses the settings; the place is a setting.
            ChannelError: It is silent.
        """
        generation, answer = self._prepared(settings)
        return generation, "unknown" if answer is None else answer.effect

    def _prepared(self, settings: Settings) -> tuple[int, Prepared | None]:
        """See `prepare`; what the datapath said, if it was there."""
        with self._orders:
            self._generation += 1
            generation = self._generation
            if self._client is None:
                return generation, None
            answer: Prepared = self.call(Prepare(generation, settings), PREPARE_SECONDS)
            return generation, answer

    def apply(self, generation: int, settings: Settings) -> None:
        """Has the datapath apply what it prepared; never fails.

        A datapath that was started anew meanwhile is handed the settings whole.
        """
        with self._orders:
            self._force = settings
            client = self._client
            if client is None:
                return
            try:
                client.call(Apply(generation), APPLY_SECONDS)
                self._served = client.peer.pid
                self._is_in(trouble="")
            except Refused:
                if not self._hand_over():
                    # The thread tries again, until it is taken or another one comes.
                    self._wake.set()
            except ChannelError as error:
                event(log, logging.ERROR, "the datapath did not apply", why=error.what)
                self._is_in(trouble=error.what)
                self._wake.set()

    def abort(self, generation: int) -> None:
        """Has the datapath forget what it prepared."""
        try:
            self.call(Abort(generation))
        except NfError as error:
            # It prepares anew before it applies anything, so nothing is lost.
            event(log, logging.DEBUG, "the datapath did not abort", why=error.what)

    def reload(self) -> Prepared:
        """Has the datapath read the files that settings name again; what was loaded.

        Raises:
            Refused: What is in them is wrong; nothing has changed.
            ChannelError: The datapath is not there.
        """
        with self._orders:
            if self._force is None:
                raise Refused("there is no configuration", "plugins", "wait for the start to end")
            generation, answer = self._prepared(self._force)
            if answer is None:
                raise ChannelError(
                    "nf-datapath does not run", str(self._path), "nf status tells how it is"
                )
            self.apply(generation, self._force)
            return answer

    def _hand_over(self) -> bool:
        """Gives the datapath the configuration in force; whether it took it."""
        with self._orders:
            client = self._client
            if self._force is None or client is None:
                return True
            try:
                self._generation += 1
                client.call(Prepare(self._generation, self._force), APPLY_SECONDS)
                client.call(Apply(self._generation), APPLY_SECONDS)
            except NfError as error:
                # It was valid when it was committed: an interface or a file has gone since.
                trouble = f"{error.what} ({error.place})"
                event(
                    log,
                    logging.DEBUG if trouble == self.trouble else logging.ERROR,
                    "the datapath does not take the configuration; it is tried again",
                    why=error.what,
                    place=error.place,
                    hint=error.hint,
                )
                self._is_in(trouble=trouble)
                return False
            self._is_in(trouble="")
            self._served = client.peer.pid
            return True

    def _is_in(self, *, trouble: str) -> None:
        self.trouble = trouble
        if trouble != self._told:
            self._told = trouble
            self._on_trouble(trouble)

    # The connection

    def _keep(self) -> None:
        backoff, refused = Backoff(0.05, 0.4), Backoff(0.5, 5.0)
        while not self._ending:
            if self._client is not None and not self.trouble:
                self._wake.wait()
                self._wake.clear()
                continue
            if self._client is None and not self._connect():
                absent = time.monotonic() - self._absent_since
                if self._force is not None and absent > ABSENT_SECONDS:
                    self._is_in(trouble="nf-datapath does not run")
                self._wake.wait(backoff.next())
                self._wake.clear()
                continue
            backoff.reset()
            if self._serve():
                refused.reset()
            else:
                self._wake.wait(refused.next())
                self._wake.clear()

    def _connect(self) -> bool:
        try:
            client = DatapathClient(self._path, self._on_event, self._lost)
        except ChannelError as error:
            event(log, logging.DEBUG, "no datapath yet", why=error.what)
            return False
        with self._orders:
            self._client = client
            if client.is_closed:
                # It was lost before anybody could know it by this name.
                self._client = None
                return False
        event(log, logging.INFO, "connected to the datapath", pid=client.peer.pid)
        return True

    def _serve(self) -> bool:
        with self._orders:
            client = self._client
            if client is None:
                return False
            before = self._served
            taken = self._hand_over()
        self._connected.set()
        if taken and before and before != client.peer.pid:
            self._on_return()
        if taken and self._force is not None:
            self._on_taken()
        return taken

    def _lost(self) -> None:
        event(log, logging.WARNING, "the datapath has hung up")
        self._connected.clear()
        self._absent_since = time.monotonic()
        self._client = None
        self._wake.set()
