"""Where the processes of one probe keep their things.

State outlives a restart of the machine (configurations, keys); the run directory, with the sockets,
does not.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from nf.errors import NfError

__all__ = ["Places"]

LONGEST_SOCKET_NAME = 107
"""What Linux takes for the path of a UNIX socket (unix(7))."""
LONGEST_OF_OURS = len("/datapath.sock")


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one probe, and the names in them.

    Attributes:
        state: Directory of what must last.
        run: Directory of sockets.
    """

    state: Path
    run: Path

    @classmethod
    def of(
        cls, state: str | os.PathLike[str] | None, run: str | os.PathLike[str] | None
    ) -> "Places":
        """The directories given; else systemd's, else the system's for root, else the user's."""
        variables = os.environ
        root = os.geteuid() == 0
        home = Path(variables.get("HOME") or "/")
        usual_state = (
            Path("/var/lib/nf")
            if root
            else Path(variables.get("XDG_STATE_HOME") or home / ".local/state") / "nf"
        )
        chosen_state = Path(state or variables.get("STATE_DIRECTORY") or usual_state).absolute()
        if run or variables.get("RUNTIME_DIRECTORY"):
            chosen_run = Path(run or variables["RUNTIME_DIRECTORY"])
        elif state:
            # Whoever keeps a probe's state elsewhere may run several of them.
            chosen_run = chosen_state / "run"
        elif root:
            chosen_run = Path("/run/nf")
        else:
            chosen_run = Path(variables.get("XDG_RUNTIME_DIR") or chosen_state / "run") / "nf"
        return cls(chosen_state, chosen_run.absolute())

    @property
    def datapath_socket(self) -> Path:
        """Where nf-datapath takes orders."""
        return self.run / "datapath.sock"

    @property
    def management_socket(self) -> Path:
        """Where nf-mgmt answers the command line."""
        return self.run / "mgmt.sock"

    @property
    def monitor_socket(self) -> Path:
        """Where nf-monitor tells how the processes are."""
        return self.run / "monitor.sock"

    @property
    def notify_socket(self) -> Path:
        """Where nf-monitor hears its children."""
        return self.run / "notify.sock"

    @property
    def dumps(self) -> Path:
        """Where packets are written to on demand."""
        return self.state / "dumps"

    def make(self) -> None:
        """Makes the directories, for their owner alone.

        Raises:
            NfError: One cannot be made, is another user's, or its name is too long for a socket.
        """
        if len(os.fsencode(self.run)) + LONGEST_OF_OURS > LONGEST_SOCKET_NAME:
            raise NfError(
                f"the name of the run directory is too long for sockets in it: {self.run}",
                "--run-dir",
                f"a name of at most {LONGEST_SOCKET_NAME - LONGEST_OF_OURS} octets",
            )
        for directory, option in ((self.state, "--state-dir"), (self.run, "--run-dir")):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                found = directory.stat()
            except OSError as error:
                raise NfError(
                    f"cannot make the directory {directory}: {(error.strerror or '').lower()}",
                    option,
                    "name one that this user may write to",
                ) from error
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & stat.S_IWOTH:
                raise NfError(
                    f"{directory} belongs to another user, or everybody may write to it",
                    option,
                    f"chown it to uid {os.geteuid()} and chmod it to 0700, or name another",
                )
