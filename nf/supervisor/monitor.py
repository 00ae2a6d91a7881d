"""nf-monitor: holds nothing that can crash, so that it can start again what does.

It knows no packet and no configuration. Its children report by the protocol of service managers
(`nf.process.notify`): READY when they work, WATCHDOG while they do. TERM and INT end the datapath
first, which drains, then management; a second INT kills. HUP goes to management, which reads its
start-up configuration again. It reaps whatever ends below it, as process 1 of a container must.
"""

import asyncio
import logging
import os
import signal
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from nf.errors import Refused
from nf.process.frames import Peer
from nf.process.lifetime import become_reaper
from nf.process.logs import event, follow
from nf.process.monitoring import (
    CHANNEL,
    Accepted,
    Call,
    ProcessState,
    ProcessStates,
    ReadPolicy,
    ReadProcesses,
    Restarted,
    RestartProcess,
    SetLogging,
    SetPolicy,
    State,
)
from nf.process.notify import MOST_OCTETS, Notifier, parse
from nf.process.places import Places
from nf.process.server import Server
from nf.supervisor.watch import Policy, Watch

__all__ = ["Child", "Monitor"]

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""Deadlines are looked at so often, and at each end of a child."""
STALL_SECONDS = 1.0
"""A round that comes so late was not the children's fault."""
CREDENTIALS = struct.Struct("3i")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


@dataclass(slots=True)
class Child:
    """A process to keep running.

    Attributes:
        name: As it is called everywhere.
        command: Program and arguments.
        policy: How it is watched.
        keeps_stdout: Its standard output is the monitor's; otherwise it is standard error.
        hears_hup: SIGHUP is forwarded to it.
    """

    name: str
    command: Sequence[str]
    policy: Policy = field(default_factory=Policy)
    keeps_stdout: bool = False
    hears_hup: bool = False
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.policy)


class Monitor:
    """Runs children until told to end.

    Args:
        children: In the order in which they are started; they are ended in the order of `ending`.
        places: Where the sockets are.
        notifier: The monitor's own supervisor.
        ending: Names, first to be ended first.
    """

    def __init__(
        self,
        children: Sequence[Child],
        places: Places,
        notifier: Notifier,
        ending: Sequence[str] = ("nf-datapath", "nf-mgmt"),
    ) -> None:
        self._children = {child.name: child for child in children}
        self._places = places
        self._notifier = notifier
        self._ending = [self._children[name] for name in ending if name in self._children]
        self._begun = time.time()
        self._changed = asyncio.Event()
        self._stop_asked = False
        self._interrupts = 0
        self._told_ready = False
        self._server: Server | None = None

    async def run(self) -> int:
        """Returns the exit code: 0 after an end that was asked for, or when the work is done."""
        loop = asyncio.get_running_loop()
        become_reaper()
        server = Server(self._places.monitor_socket, CHANNEL, Call, self._answer)
        await server.start()
        self._server = server
        ears = self._listen()
        loop.add_reader(ears, self._hear, ears)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_signal_handler(signal.SIGTERM, self._ask_to_stop, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGINT, self._ask_to_stop, signal.SIGINT)
        loop.add_signal_handler(signal.SIGHUP, self._forward_hup)
        try:
            code = await self._watch_over()
            self._notifier.stopping("ending")
            stopped = await self._end_all()
            return code or stopped
        finally:
            loop.remove_reader(ears)
            ears.close()
            self._places.notify_socket.unlink(missing_ok=True)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
            await server.stop()
            self._notifier.close()

    # Watching

    async def _watch_over(self) -> int:
        """Until the end is asked for, somebody has ended for good, or all have failed."""
        last = time.monotonic()
        while not self._stop_asked:
            now = time.monotonic()
            if now - last > TICK_SECONDS + STALL_SECONDS:
                for child in self._children.values():
                    child.watch.postpone(now - last)
            last = now
            self._act(now)
            states = {child.watch.state for child in self._children.values()}
            if "ended" in states:
                return max(child.watch.verdict for child in self._children.values())
            if states == {"failed"}:
                event(log, logging.ERROR, "every process has failed, giving up")
                return EXIT_FAILED
            self._report(states)
            await self._next_round()
        return 0

    def _act(self, now: float) -> None:
        for child in self._children.values():
            match child.watch.action(now):
                case "start":
                    self._start(child, now)
                case "kill":
                    self._kill(child)
                case "nothing":
                    pass

    def _report(self, states: set[State]) -> None:
        if states == {"running"} and not self._told_ready:
            self._told_ready = True
            self._notifier.ready("all processes run")
            event(log, logging.INFO, "all processes run")
        self._notifier.alive()

    async def _next_round(self) -> None:
        self._changed.clear()
        due = min(child.watch.due for child in self._children.values()) - time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(TICK_SECONDS, max(due, 0.01))):
                await self._changed.wait()

    def _start(self, child: Child, now: float) -> None:
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(self._places.notify_socket),
            "WATCHDOG_USEC": str(int(child.watch.policy.hang_seconds * 1_000_000)),
            "NF_PARENT": str(os.getpid()),
        }
        # A child has a process group of its own: an INT of the terminal is for the monitor alone.
        redirect = [] if child.keeps_stdout else [(os.POSIX_SPAWN_DUP2, 2, 1)]
        try:
            pid = os.posix_spawn(
                child.command[0],
                list(child.command),
                environment,
                file_actions=redirect,
                setpgroup=0,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except OSError as error:
            child.watch.cannot_start(f"cannot start: {(error.strerror or '').lower()}", now)
            event(log, logging.ERROR, "cannot start", child=child.name, why=error.strerror)
            return
        child.watch.begun(pid, now)
        event(
            log,
            logging.WARNING if child.watch.restarts else logging.INFO,
            "started again" if child.watch.restarts else "started",
            child=child.name,
            pid=pid,
            restarts=child.watch.restarts,
            last_exit=child.watch.last_exit or "none",
        )
        if child.watch.restarts and self._server is not None:
            watch = child.watch
            self._server.broadcast(Restarted(child.name, pid, watch.restarts, watch.last_exit))

    def _kill(self, child: Child) -> None:
        reason = {
            "starting": "not ready in time",
            "running": "no heartbeat",
            "stopping": "does not end",
        }.get(child.watch.state, child.watch.state)
        event(log, logging.ERROR, "killed", child=child.name, pid=child.watch.pid, why=reason)
        self._signal(child, signal.SIGKILL)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        if child.watch.pid:
            # It is not reaped yet, so the number cannot be another process's.
            os.kill(child.watch.pid, number)

    # Ending

    async def _end_all(self) -> int:
        for child in self._ending:
            if child.watch.stop(time.monotonic()):
                self._signal(child, signal.SIGTERM)
            while child.watch.state != "ended":
                now = time.monotonic()
                if self._interrupts > 1:
                    self._kill_all()
                    return EXIT_INTERRUPTED
                if child.watch.action(now) == "kill":
                    self._kill(child)
                self._notifier.alive()
                await self._next_round()
            event(log, logging.INFO, "ended", child=child.name, how=child.watch.last_exit)
        failed = any(child.watch.failed_stop for child in self._ending)
        return EXIT_FAILED if failed else 0

    def _kill_all(self) -> None:
        for child in self._children.values():
            self._signal(child, signal.SIGKILL)

    def _ask_to_stop(self, number: signal.Signals) -> None:
        event(log, logging.INFO, "told to end", signal=number.name)
        self._interrupts += number is signal.SIGINT
        self._stop_asked = True
        self._changed.set()

    def _forward_hup(self) -> None:
        for child in self._children.values():
            if child.hears_hup and child.watch.state == "running":
                event(log, logging.INFO, "told to read its configuration again", child=child.name)
                self._signal(child, signal.SIGHUP)

    # What is heard

    def _listen(self) -> socket.socket:
        ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        ears.setblocking(False)
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._places.notify_socket.unlink(missing_ok=True)
        ears.bind(os.fspath(self._places.notify_socket))
        self._places.notify_socket.chmod(0o600)
        return ears

    def _hear(self, ears: socket.socket) -> None:
        space = socket.CMSG_SPACE(CREDENTIALS.size)
        while True:
            try:
                datagram, ancillary, _, _ = ears.recvmsg(MOST_OCTETS, space)
            except BlockingIOError:
                return
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    pid, _, _ = CREDENTIALS.unpack(data[: CREDENTIALS.size])
                    self._take(pid, parse(datagram))

    def _take(self, pid: int, values: Mapping[str, str]) -> None:
        for child in self._children.values():
            if child.watch.pid == pid:
                before = child.watch.state
                child.watch.heard(values, time.monotonic())
                if child.watch.state != before:
                    event(log, logging.INFO, "ready", child=child.name, pid=pid)
                    self._changed.set()
                return
        event(log, logging.DEBUG, "heard a process that is no child", pid=pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self._children.values():
                if child.watch.pid == pid:
                    asked = child.watch.state == "stopping"
                    child.watch.ended(status, time.monotonic())
                    event(
                        log,
                        logging.INFO if asked or child.watch.state == "ended" else logging.ERROR,
                        "exited",
                        child=child.name,
                        pid=pid,
                        how=child.watch.last_exit,
                        state=child.watch.state,
                    )
                    self._changed.set()

    # What is asked

    async def _answer(self, peer: Peer, body: Any) -> Any:
        match body:
            case ReadProcesses():
                return ProcessStates(tuple(self._states()))
            case RestartProcess(name) if name in self._children:
                child = self._children[name]
                event(log, logging.INFO, "asked for a restart", child=name, by=peer.pid)
                if child.watch.renew(time.monotonic()):
                    self._signal(child, signal.SIGTERM)
                self._changed.set()
                return Accepted()
            case SetPolicy():
                for child in self._children.values():
                    child.watch.follow(changed(child.watch.policy, body))
                return Accepted()
            case SetLogging():
                follow(body.level, body.modules, body.form, journald=body.journald)
                return Accepted()
            case ReadPolicy():
                return told(next(iter(self._children.values())).watch.policy)
            case RestartProcess(name):
                raise Refused(f"no process {name!r}", "name", "one of " + ", ".join(self._children))
        raise Refused("an unknown call", CHANNEL, "restart all processes of nf")

    def _states(self) -> list[ProcessState]:
        now = time.monotonic()
        own = ProcessState(
            *("nf-monitor", os.getpid(), "running", "", self._begun, time.time() - self._begun),
            restarts=0,
            last_exit="",
            # Whoever answers is alive.
            heartbeat_age=0.0,
        )
        return [own] + [
            ProcessState(
                child.name,
                child.watch.pid,
                child.watch.state,
                child.watch.status,
                time.time() - (now - child.watch.started) if child.watch.started else 0.0,
                now - child.watch.started if child.watch.pid else 0.0,
                child.watch.restarts,
                child.watch.last_exit,
                now - child.watch.alive if child.watch.pid else None,
            )
            for child in self._children.values()
        ]


def told(policy: Policy) -> SetPolicy:
    """What can be asked of a policy, as it is; all children are watched alike."""
    return SetPolicy(
        first_delay=policy.first_delay,
        longest_delay=policy.longest_delay,
        burst=policy.burst,
        burst_seconds=policy.burst_seconds,
        hang_seconds=policy.hang_seconds,
        stop_seconds=policy.stop_seconds,
    )


def changed(policy: Policy, asked: SetPolicy) -> Policy:
    """A child's policy with what management asks for."""
    return replace(
        policy,
        first_delay=asked.first_delay,
        longest_delay=max(asked.first_delay, asked.longest_delay),
        burst=asked.burst,
        burst_seconds=asked.burst_seconds,
        hang_seconds=asked.hang_seconds,
        stop_seconds=asked.stop_seconds,
    )
