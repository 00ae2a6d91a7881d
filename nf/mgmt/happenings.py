"""What the other processes tell, as notifications of the model."""

from collections.abc import Callable
from typing import Any

from nf.datapath import control
from nf.mgmt.commits import Publisher

__all__ = ["PROCESSES", "Happenings", "dump_end", "process_word"]

PROCESSES = {"nf-monitor": "monitor", "nf-datapath": "datapath", "nf-mgmt": "management"}
CAUSES = {"kernel_drops": "kernel", "dispatch_drops": "dispatch"}


def process_word(name: str) -> str:
    """A process as the model calls it."""
    return PROCESSES.get(name, name)


def dump_end(ended: control.DumpEnded) -> dict[str, Any]:
    """How a dump ended, in the model's words; numbers of 64 bits are text (RFC 7951)."""
    return {
        "file": ended.file,
        "reason": ended.reason,
        "seen": str(ended.seen),
        "packets": str(ended.packets),
        "bytes": str(ended.octets),
        "dropped": str(ended.dropped),
    }


class Happenings:
    """Publishes events."""

    def __init__(self, events: Publisher, rows: Callable[[str, bytes], None]) -> None:
        """`events` takes notifications; `rows` gets kind and lines of rows."""
        self._events = events
        self._rows = rows
        self._lost: dict[str, int] = {}

    def datapath_told(self, happened: Any) -> None:
        """An event of the datapath."""
        match happened:
            case control.CaptureState(state, why):
                self._publish("nf-capture:capture-state", {"status": state}, reason=why)
            case control.CaptureLoss(packets):
                for cause, lost in packets.items():
                    self._lost[cause] = self._lost.get(cause, 0) + lost
                    loss = {
                        "source": "all",
                        "cause": CAUSES.get(cause, cause),
                        "lost": lost,
                        "total": self._lost[cause],
                    }
                    self._publish("nf-capture:capture-loss", loss)
            case control.OutputState(output, state, why, dropped):
                told = {"name": output, "status": state, "dropped": dropped}
                self._publish("nf-outputs:output-state", told, reason=why)
            case control.FlowStateReset(reason, _):
                self._publish("nf-dpi:flow-state-reset", {"reason": reason})
            case control.RowsTold(kind, lines):
                self._rows(kind, lines)
            case control.DumpEnded():
                self._publish("nf-capture:dump-ended", dump_end(happened), message=happened.text)
            case control.ReplayState(file, state, why, _):
                self._publish(
                    "nf-capture:capture-state", {"source": file, "status": state}, reason=why
                )

    def datapath_returned(self) -> None:
        """A datapath has come back after a crash: its sessions are lost."""
        self._publish("nf-dpi:flow-state-reset", {"reason": "process"})

    def process_restarted(self, name: str, why: str, pid: int, restarts: int) -> None:
        """A process was started again."""
        told = {
            "name": process_word(name),
            "reason": why or "unknown",
            "pid": pid,
            "restarts": restarts,
        }
        self._publish("nf-probe:process-restarted", told)

    def _publish(self, name: str, values: dict[str, Any], **texts: str) -> None:
        """Texts that are empty are left out."""
        self._events.publish({name: values | {k: text for k, text in texts.items() if text}})
