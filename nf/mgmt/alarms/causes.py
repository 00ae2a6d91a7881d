"""What happens in the probe, as alarms."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nf.datapath import control
from nf.mgmt.alarms.alarm import Key, Kind
from nf.mgmt.alarms.keeping import Alarms
from nf.mgmt.credentials.material import Dated
from nf.mgmt.moments import rfc3339

__all__ = ["Causes"]

QUIET = 60.0
"""Seconds without another sign of it after which an alarm is over."""
CAPTURE, SESSIONS, REASSEMBLY = "capture", "sessions", "reassembly"
CALM: Mapping[Kind, str] = {
    "capture-loss": f"no packet was lost for {QUIET:g} s",
    "table-full": f"there was room for {QUIET:g} s",
}
"""Alarms that nobody ends: they are over when nothing more is heard."""


class Causes:
    """Raises and clears alarms by events of the other processes. Thread-safe."""

    def __init__(self, alarms: Alarms, quiet: float = QUIET) -> None:
        """`alarms` is the list, with what was raised before a restart of this process."""
        self._alarms = alarms
        self._quiet = quiet
        self._lock = threading.Lock()
        self._stopped = False
        self._waiting: dict[Key, threading.Timer] = {}
        """What ends by itself, and when."""
        for kind in CALM:
            for resource in alarms.raised(kind):
                self._wait_for_quiet(kind, resource)

    def stop(self) -> None:
        """Ends waiting."""
        with self._lock:
            self._stopped = True
            for timer in self._waiting.values():
                timer.cancel()

    # The datapath -------------------------------------------------------------------------------

    def datapath_told(self, happened: Any) -> None:
        """An event of the datapath."""
        match happened:
            case control.CaptureLoss(packets) if any(packets.values()):
                causes = ", ".join(name for name, lost in sorted(packets.items()) if lost)
                text = f"packets are lost: {causes}"
                self._alarms.raise_alarm("capture-loss", CAPTURE, "major", text)
                self._wait_for_quiet("capture-loss", CAPTURE)
            case control.TablesFull():
                self._tables_full(happened)
            case control.FlowStateReset():
                for resource in self._alarms.raised("table-full"):
                    self._alarms.clear_alarm("table-full", resource, "the tables are new")
            case control.OutputState(output, state, why, _):
                self._output_is(output, state, why)

    def _tables_full(self, told: control.TablesFull) -> None:
        if told.packets_refused:
            text = "packets are refused: there are as many sessions as max-sessions permits"
            self._alarms.raise_alarm("table-full", SESSIONS, "major", text)
        elif told.sessions_evicted:
            text = "sessions end early: there are as many as max-sessions permits"
            self._alarms.raise_alarm("table-full", SESSIONS, "minor", text)
        if told.packets_refused or told.sessions_evicted:
            self._wait_for_quiet("table-full", SESSIONS)
        if told.reassembly:
            text = "what is out of order is not put together: max-held-bytes are used up"
            self._alarms.raise_alarm("table-full", REASSEMBLY, "minor", text)
            self._wait_for_quiet("table-full", REASSEMBLY)

    def _output_is(self, output: str, state: str, why: str) -> None:
        if state == "down":
            text = why or "it cannot be written"
            self._alarms.raise_alarm("output-down", output, "critical", text)
        else:
            self._alarms.clear_alarm("output-down", output, f"the output is {state}")

    def outputs_are(self, listed: Sequence[Mapping[str, Any]]) -> None:
        """How all outputs are: nobody heard what happened before this process was connected."""
        for one in listed:
            self._output_is(one["name"], one["state"], one["last_error"])
        names = {one["name"] for one in listed}
        for output in self._alarms.raised("output-down"):
            if output not in names:
                self._alarms.clear_alarm("output-down", output, "there is no such output any more")

    # Processes and configuration ----------------------------------------------------------------

    def process_restarted(self, name: str, why: str) -> None:
        """A process was started again."""
        text = f"it ended: {why or 'nobody knows why'}"
        self._alarms.raise_alarm("process-restarted", name, "major", text)

    def follows(self, resource: str, trouble: str) -> None:
        """Whether something follows the configuration in force: `trouble` says why not."""
        kind: Kind = "configuration-not-applied"
        if trouble:
            self._alarms.raise_alarm(kind, resource, "critical", trouble)
        else:
            self._alarms.clear_alarm(kind, resource, "it follows the configuration")

    def applied(self, troubles: Mapping[str, str]) -> None:
        """What became of a change, by the parts of management that it concerned."""
        for part, trouble in troubles.items():
            self.follows(f"management/{part}", trouble)

    def certificates_expire(self, listed: Sequence[Dated]) -> None:
        """What ends before long, or has ended; all others are good."""
        now = datetime.now(UTC)
        for one in listed:
            ended = one.ends <= now
            self._alarms.raise_alarm(
                "certificate-expiring",
                one.path,
                "major" if ended else "warning",
                f"{one.subject or 'the certificate'} {'has ended' if ended else 'ends'}"
                f" {rfc3339(one.ends)}",
            )
        expiring = {one.path for one in listed}
        for path in self._alarms.raised("certificate-expiring"):
            if path not in expiring:
                self._alarms.clear_alarm("certificate-expiring", path, "it has been replaced")

    # What is over when nothing more is heard ----------------------------------------------------

    def _wait_for_quiet(self, kind: Kind, resource: str) -> None:
        with self._lock:
            if self._stopped:
                return
            if (timer := self._waiting.get((kind, resource))) is not None:
                timer.cancel()
            timer = threading.Timer(self._quiet, self._is_quiet, (kind, resource))
            timer.daemon = True
            self._waiting[kind, resource] = timer
            timer.start()

    def _is_quiet(self, kind: Kind, resource: str) -> None:
        with self._lock:
            # Another sign of it may have come just now.
            if self._waiting.get((kind, resource)) is not threading.current_thread():
                return
            del self._waiting[kind, resource]
        self._alarms.clear_alarm(kind, resource, CALM[kind])
