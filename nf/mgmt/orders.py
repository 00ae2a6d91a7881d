"""The RPCs of the model that other processes carry out."""

from collections.abc import Callable
from typing import Any

from nf.datapath import control
from nf.errors import NfError, Refused
from nf.mgmt.happenings import dump_end
from nf.mgmt.link import Link
from nf.mgmt.operations import Operations
from nf.mgmt.overseer import Overseer
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session
from nf.mgmt.sources.sessions import session_entry

__all__ = ["Orders"]

NAMES = {"datapath": "nf-datapath", "management": "nf-mgmt"}
SLOW_SECONDS = 30.0

Work = Callable[[dict[str, Any]], dict[str, Any]]


class Orders:
    """Registers and carries out.

    Args:
        link: To the datapath.
        overseer: To the monitor.
    """

    def __init__(self, link: Link, overseer: Overseer) -> None:
        self._link = link
        self._overseer = overseer

    def register(self, operations: Operations) -> None:
        """Says who carries out what."""
        works: dict[str, Work] = {
            "/nf-probe:clear-counters": lambda _: self._do(control.ClearCounters()),
            "/nf-probe:restart-process": self._restart,
            "/nf-capture:start-capture": lambda _: self._do(control.SetCapture("start")),
            "/nf-capture:stop-capture": lambda _: self._do(control.SetCapture("stop")),
            "/nf-capture:restart-capture": lambda _: self._do(control.SetCapture("restart")),
            "/nf-capture:replay-file": self._replay,
            "/nf-capture:dump-packets": self._dump,
            "/nf-capture:stop-dump": self._stop_dump,
            "/nf-capture:delete-dump": lambda given: self._do(control.DeleteDump(given["file"])),
            "/nf-dpi:reload-plugins": self._reload,
            "/nf-dpi:list-sessions": self._list,
            "/nf-dpi:terminate-session": lambda given: self._do(
                control.TerminateSession(given["session-id"])
            ),
        }
        for path, work in works.items():
            operations.register(path, carried_out(path, work))

    def _do(self, body: Any) -> dict[str, Any]:
        self._link.call(body, SLOW_SECONDS)
        return {}

    def _restart(self, given: dict[str, Any]) -> dict[str, Any]:
        self._overseer.restart(NAMES.get(given["name"], given["name"]))
        return {}

    def _replay(self, given: dict[str, Any]) -> dict[str, Any]:
        paces = {"full-speed": 0.0, "as-recorded": 1.0, "multiple": float(given.get("multiple", 2))}
        self._do(control.Replay(given["path"], paces[given["pace"]]))
        return {"source": given["path"]}

    def _dump(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = control.DumpPackets(
            file=given.get("file", ""),
            filter=given["filter"],
            duration=float(given["duration"]),
            packets=int(given.get("count", 0)),
            octets=int(given["size"]),
            snap_length=int(given.get("snap-length", 0)),
        )
        begun: control.DumpBegun = self._link.call(wanted, SLOW_SECONDS)
        return {"file": begun.file, "path": begun.path}

    def _stop_dump(self, given: dict[str, Any]) -> dict[str, Any]:
        del given
        ended = dump_end(self._link.call(control.StopDump(), SLOW_SECONDS))
        return {name: value for name, value in ended.items() if name != "reason"}

    def _reload(self, given: dict[str, Any]) -> dict[str, Any]:
        del given
        loaded = self._link.reload()
        told = {"protocol": list(loaded.plugins), "note": list(loaded.notes)}
        return {name: values for name, values in told.items() if values}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        rows = self._link.sessions(given["limit"], given["order-by"], given["filter"])
        return {"session": [session_entry(row) for row in rows]} if rows else {}


def carried_out(path: str, work: Work) -> Callable[[Session, str, dict[str, Any]], dict[str, Any]]:
    """Work whose errors are those of a request."""

    def run(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del session, target
        leaves = unqualified(given)
        try:
            return work(leaves)
        except Refused as error:
            raise RpcErrors.of(
                tag="operation-failed",
                message=f"{error.what}; try: {error.hint}",
                # What names a leaf of the input is wrong there.
                path=f"{path}/{error.place}" if error.place in leaves else path,
                app_tag=error.app_tag or "refused",
            ) from error
        except NfError as error:
            raise RpcErrors.of(
                tag="operation-failed", message=error.what, path=path, app_tag="process-silent"
            ) from error

    return run


def unqualified(given: dict[str, Any]) -> dict[str, Any]:
    """Members without the module in front of their names."""
    return {name.rpartition(":")[2]: value for name, value in given.items()}
