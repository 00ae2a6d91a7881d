"""What happens in the probe, as alarms."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nf.datapath import control
from nf.mgmt.alarms.keeping import Alarms
from nf.mgmt.credentials.expiry import rfc3339
from nf.mgmt.credentials.material import Dated

__all__ = ["Causes"]

QUIET = 60.0
"""Seconds without a loss after which the alarm is over."""


class Causes:
    """Raises and clears alarms by events of the other processes."""

    def __init__(self, alarms: Alarms) -> None:
        """`alarms` is the list."""
        self._alarms = alarms
        self._quiet: threading.Timer | None = None
        self._expiring: set[str] = set()
        """Resources of certificates that an alarm is raised for."""

    def datapath_told(self, happened: Any) -> None:
        """An event of the datapath."""
        match happened:
            case control.CaptureLoss(packets) if any(packets.values()):
                causes = ", ".join(name for name, lost in sorted(packets.items()) if lost)
                self._alarms.raise_alarm(
                    "capture-loss", "capture", "major", f"packets are lost: {causes}"
                )
                self._wait_for_quiet()
            case control.OutputState(output, state, why, _):
                if state == "down":
                    text = why or "it cannot be written"
                    self._alarms.raise_alarm("output-down", output, "critical", text)
                else:
                    self._alarms.clear_alarm("output-down", output, f"the output is {state}")

    def process_restarted(self, name: str, why: str) -> None:
        """A process was started again."""
        text = f"it ended: {why or 'nobody knows why'}"
        self._alarms.raise_alarm("process-restarted", name, "major", text)

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
        for path in self._expiring - expiring:
            self._alarms.clear_alarm("certificate-expiring", path, "it has been replaced")
        self._expiring = expiring

    def stop(self) -> None:
        """Ends waiting."""
        if self._quiet is not None:
            self._quiet.cancel()

    def _wait_for_quiet(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = threading.Timer(QUIET, self._is_quiet)
        self._quiet.daemon = True
        self._quiet.start()

    def _is_quiet(self) -> None:
        text = f"no packet was lost for {QUIET:g} s"
        self._alarms.clear_alarm("capture-loss", "capture", text)
