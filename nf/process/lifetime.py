"""How a process is tied to others, by way of prctl(2), which Python does not offer."""

import ctypes
import os
import signal

from nf.errors import NfError

__all__ = ["become_reaper", "end_with_parent", "take_name"]

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36


def end_with_parent(parent: int | None = None) -> None:
    """Has this process be told to end (SIGTERM) when the one that started it is no more.

    Args:
        parent: Number of the process that started this one; when it is gone already, this one ends.

    Raises:
        NfError: The system does not do that.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def become_reaper() -> None:
    """Has orphans below this process become its children, so that it reaps them.

    Raises:
        NfError: The system does not do that.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def take_name(name: str) -> None:
    """Names this process in lists of processes; 15 octets of it.

    Raises:
        NfError: The system does not do that.
    """
    _prctl(PR_SET_NAME, ctypes.create_string_buffer(name.encode()[:15]))


def _prctl(option: int, value: "int | ctypes.Array[ctypes.c_char]") -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise NfError(f"prctl {option}: {os.strerror(number)}", "the kernel", "run nf on Linux")
