"""Queue, retry and counters of an output: the part that all share.

`offer` never waits. A thread writes; what fails is tried again, first soon and then every ten
seconds, and meanwhile rows wait up to the limits of the queue. What is dropped is counted, and an
event says when the output stops and when it works again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from nf.outputs.base import Output, Rows
from nf.process.backoff import Backoff

__all__ = ["Queued", "Tell"]

log = logging.getLogger(__name__)

Tell = Callable[[str, Literal["up", "down"], str, int], None]
"""Name of the output, its state, why, and rows dropped until now."""
ENOUGH_OCTETS = 1 << 20
"""What is written at once, if so much waits."""


class Queued:
    """An output with its queue and its thread.

    Args:
        output: What writes.
        tell: Called in the thread when the output stops working or works again.
    """

    def __init__(self, output: Output, tell: Tell) -> None:
        self.output = output
        self._tell = tell
        self._changed = threading.Condition()
        self._blocks: deque[Rows] = deque()
        self._taken = 0
        """Octets of the first block that have been written."""
        self._rows = self._octets = 0
        self._counted = dict.fromkeys(
            ("written_rows", "written_bytes", "dropped_rows", "dropped_bytes", "errors"), 0
        )
        self._error = ""
        self._failed_at = 0.0
        self._down = False
        self._since = time.time()
        """When it began to work, or not to."""
        self._deadline: float | None = None
        """Set when it is to end: until then what waits may still be written."""
        self._thread = threading.Thread(target=self._run, name=f"output-{output.name}", daemon=True)

    def start(self) -> None:
        """Starts writing."""
        self._thread.start()

    def offer(self, rows: Rows) -> bool:
        """Takes rows to write, or drops and counts them; whether they were taken."""
        limits = self.output.channel
        with self._changed:
            too_many = (
                self._rows + rows.count > limits.queue_rows
                or self._octets + len(rows.octets) > limits.queue_bytes
            )
            # A block that is larger than the queue may pass alone, or it never would.
            if self._deadline is not None or (too_many and self._blocks):
                self._counted["dropped_rows"] += rows.count
                self._counted["dropped_bytes"] += len(rows.octets)
                return False
            self._blocks.append(rows)
            self._rows += rows.count
            self._octets += len(rows.octets)
            if len(self._blocks) == 1 or self._octets >= ENOUGH_OCTETS:
                self._changed.notify_all()
        return True

    def stats(self) -> dict[str, Any]:
        """Counters and state."""
        with self._changed:
            return {
                "name": self.output.name,
                "state": "down" if self._down else "up",
                "since": self._since,
                "last_error": self._error,
                "last_error_at": self._failed_at,
                "queued_rows": self._rows,
                "queued_bytes": self._octets,
                **self._counted,
                **self.output.state(),
            }

    def clear(self) -> None:
        """Has counters begin at 0 again."""
        with self._changed:
            self._counted = dict.fromkeys(self._counted, 0)
            self.output.clear()

    def close(self, seconds: float) -> int:
        """Writes what waits, for so long at most, and ends; returns rows that were not written."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(seconds + 1.0)
        with self._changed:
            left = self._rows
            self._counted["dropped_rows"] += left
            self._counted["dropped_bytes"] += self._octets
            self._blocks.clear()
            self._rows = self._octets = 0
        return left

    # The thread

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            ending = self._wait_for_rows()
            try:
                emptied = self._write_all()
                self.output.tend()
                if ending and emptied:
                    self.output.close()
                    return
            except Exception as error:  # noqa: BLE001  # an output that fails must not end others
                self._failed(error)
                if self._ends_within(backoff.next()):
                    self._give_up()
                    return
            else:
                backoff.reset()
                self._worked()

    def _wait_for_rows(self) -> bool:
        """Waits until something is to do; whether the end has been asked for."""
        patience = self.output.channel.flush_seconds
        with self._changed:
            if not self._blocks and self._deadline is None:
                self._changed.wait(patience)
            if self._blocks and self._deadline is None:
                self._changed.wait_for(
                    lambda: self._octets >= ENOUGH_OCTETS or self._deadline is not None, patience
                )
            return self._deadline is not None

    def _write_all(self) -> bool:
        """Writes what waits; False when the output takes no more just now."""
        while True:
            with self._changed:
                if not self._blocks:
                    return True
                first = self._blocks[0]
                start = self._taken
            view = memoryview(first.octets)[start:]
            while view:
                count = self.output.write(first.kind, view)
                if count == 0:
                    return self._is_late()
                view = view[count:]
                with self._changed:
                    self._taken += count
            self.output.written(first)
            with self._changed:
                self._blocks.popleft()
                self._taken = 0
                self._rows -= first.count
                self._octets -= len(first.octets)
                self._counted["written_rows"] += first.count
                self._counted["written_bytes"] += len(first.octets)

    def _is_late(self) -> bool:
        with self._changed:
            return self._deadline is not None and time.monotonic() >= self._deadline

    def _give_up(self) -> None:
        """Ends though not everything was written: what was is put in its place, if that works."""
        try:
            self.output.close()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, OSError):
            why = f"{(error.strerror or str(error)).lower()}: {error.filename or self.output.name}"
        else:
            log.error("an output failed", exc_info=error)
            why = f"a defect of nf: {type(error).__name__}: {error}"
        with self._changed:
            self._counted["errors"] += 1
            self._error, self._failed_at = why, time.time()
            was_down, self._down = self._down, True
            if not was_down:
                self._since = self._failed_at
            dropped = self._counted["dropped_rows"]
        if not was_down:
            self._tell(self.output.name, "down", why, dropped)

    def _worked(self) -> None:
        with self._changed:
            was_down, self._down = self._down, False
            if was_down:
                self._since = time.time()
            dropped = self._counted["dropped_rows"]
        if was_down:
            self._tell(self.output.name, "up", "", dropped)

    def _ends_within(self, seconds: float) -> bool:
        """Waits before the next try; True when the time to end has passed."""
        until = time.monotonic() + seconds
        with self._changed:
            while (now := time.monotonic()) < until:
                if self._deadline is not None and now >= self._deadline:
                    return True
                limit = until if self._deadline is None else min(until, self._deadline)
                self._changed.wait(limit - now)
            return self._deadline is not None and time.monotonic() >= self._deadline
