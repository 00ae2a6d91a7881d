"""nf-mgmt: datastores, the NETCONF server, and the connections to the other processes."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from nf._native.yang import Context
from nf.errors import ConfigurationError, NfError
from nf.mgmt.alarms.causes import Causes
from nf.mgmt.alarms.keeping import Alarms
from nf.mgmt.answering import wrapped
from nf.mgmt.beginning import Wishes, begin, overlay
from nf.mgmt.changes import Change
from nf.mgmt.control_socket import ControlSocket
from nf.mgmt.core import Core
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.crypt_hash import hash_password
from nf.mgmt.datapath import DatapathProvider
from nf.mgmt.desk import Desk
from nf.mgmt.events import EventHub
from nf.mgmt.happenings import Happenings, process_word
from nf.mgmt.history import History
from nf.mgmt.holding import Holding
from nf.mgmt.link import Link
from nf.mgmt.local import CHANNEL, Call
from nf.mgmt.mmt_socket import MmtSocket
from nf.mgmt.naming import Names
from nf.mgmt.netconf.server import NetconfServer
from nf.mgmt.orders import Orders
from nf.mgmt.overseer import Overseer
from nf.mgmt.past import register_past
from nf.mgmt.recent import Recent
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema import ModuleSet
from nf.mgmt.session import INTERNAL
from nf.mgmt.sources import ProbeState
from nf.mgmt.transaction import Provider
from nf.mgmt.users import Users
from nf.process.frames import Peer
from nf.process.logs import event
from nf.process.monitoring import Restarted
from nf.process.notify import Notifier
from nf.process.places import Places
from nf.process.server import Server

__all__ = ["FrontEnd", "ManagementProcess"]

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.25
"""The shortest patience that can be configured is a second, and it may change at any time."""


class FrontEnd(Provider, Protocol):
    """Another way into the core, which the configuration says where to open."""

    def start(self) -> None:
        """Begins; endpoints come with the configuration."""

    def stop(self) -> None:
        """Ends."""


class ManagementProcess:
    """See the module.

    Args:
        places: Where state and sockets are.
        notifier: Who wants to hear that this process lives.
        boot: Identity of this start of the whole probe: what was in force in it survives a restart
            of this process alone.
        wishes: What the command line asks for.
        more: Front ends that management itself does not know, each a function that makes one.
    """

    def __init__(
        self,
        places: Places,
        notifier: Notifier,
        boot: str,
        wishes: Wishes,
        more: Sequence[Callable[[Core, Users, Credentials], FrontEnd]] = (),
    ) -> None:
        self._places = places
        self._notifier = notifier
        self._wishes = wishes
        self._context = Context(*ModuleSet.read().for_context())
        self._history = History(places.state / "config", boot)
        self._events = EventHub(self._context, places.state / "events")
        self._core = Core(self._context, self._history, self._events)
        self._recent = Recent(self._core.state)
        self._core.providers.register(self._recent)
        self._events.subscribe(self._recent.notified)
        self._pool = ThreadPoolExecutor(8, "local")
        self._happenings = Happenings(self._events, self._recent.told)
        self._alarms = Alarms(self._core, places.state / "alarms.json")
        self._causes = Causes(self._alarms)
        self._core.commits.appliers.append(self._causes.applied)
        self._core.commits.watchers.append(self._committed)
        self._link = Link(
            places.datapath_socket,
            self._datapath_told,
            self._happenings.datapath_returned,
            partial(self._causes.follows, "datapath"),
            self._look_at_outputs,
        )
        self._overseer = Overseer(
            places.monitor_socket, self._restarted, partial(self._causes.follows, "monitor")
        )
        users = Users()
        users.attach(self._core)
        self._credentials = Credentials(places.state)
        self._credentials.watchers.append(self._causes.certificates_expire)
        self._credentials.attach(self._core)
        self._core.providers.register(self._overseer)
        self._core.providers.register(DatapathProvider(self._link))
        self._mmt = MmtSocket(self._core)
        self._core.providers.register(self._mmt)
        self._control = ControlSocket(places.management_socket)
        self._core.providers.register(self._control)
        self._netconf = NetconfServer(
            self._core, self._events, users, self._credentials, places.state
        )
        self._front_ends = [make(self._core, users, self._credentials) for make in more]
        for front_end in self._front_ends:
            self._core.providers.register(front_end)
        self._core.state.register(
            ProbeState(self._link, self._overseer.processes, self._link_version())
        )
        Orders(self._link, self._overseer).register(self._core.operations)
        Holding(self._core.state).register(self._core.operations)
        register_past(self._core)
        self._end = asyncio.Event()

    @staticmethod
    def _link_version() -> str:
        from importlib.metadata import version  # noqa: PLC0415  # read once

        return version("nf-probe")

    async def run(self) -> int:
        """Serves until told to end; returns the exit code.

        Raises:
            NfError: It cannot start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        loop.add_signal_handler(signal.SIGHUP, self._hup)
        beat = loop.create_task(self._beat())
        await asyncio.to_thread(self._start)
        desk = Desk(self._core)

        async def answer(peer: Peer, body: Any) -> Any:
            return await loop.run_in_executor(self._pool, desk.answer, peer, body)

        local = Server(self._places.management_socket, CHANNEL, Call, answer, by_file=True)
        await local.start()
        self._control.enforce()
        self._notifier.ready("configuration in force")
        event(log, logging.INFO, "ready", netconf=self._netconf.ports or "off")
        await self._tell_own_restart()
        await self._end.wait()
        self._notifier.stopping("ending")
        await local.stop()
        await asyncio.to_thread(self._stop)
        beat.cancel()
        event(log, logging.INFO, "ended")
        return 0

    def _start(self) -> None:
        self._overseer.start()
        self._link.start()
        self._netconf.start()
        for front_end in self._front_ends:
            front_end.start()
        newest = self._history.newest()
        restarted = newest is not None and newest.note.boot == self._history.boot
        if restarted:
            self._core.start()
            return
        is_first = self._history.startup() is None
        first = begin(
            self._context,
            self._history,
            self._wishes,
            hash_password,
            os.environ,
            for_disk=self._core.commits.for_disk,
        )
        self._core.start(first.data)
        if is_first and first.password:
            # The only time that it is ever seen; standard error is where a person looks.
            print(f"nf: first start: user admin has the password {first.password}", file=sys.stderr)
        # A file that is asked for has become the start-up configuration, which is what began.
        began_with_file = not is_first or self._wishes.config is not None
        if began_with_file and self._wishes.are_for_running:
            self._put_on_top()

    def _put_on_top(self) -> None:
        """Values of the command line, on a configuration that was there: running has them only."""
        tree = self._core.get_config(INTERNAL, "running").copy()
        overlay(tree, self._wishes, Names(self._context.nodes()))
        try:
            self._core.copy_config(INTERNAL, wrapped(tree.to_xml()), "running")
        except RpcErrors as error:
            first = error.errors[0]
            raise ConfigurationError(
                first.message, first.path or "the command line", error.hint
            ) from error

    def _stop(self) -> None:
        for front_end in self._front_ends:
            front_end.stop()
        self._mmt.stop()
        self._netconf.stop()
        self._credentials.stop()
        self._core.stop()
        self._link.stop()
        self._causes.stop()
        self._overseer.stop()
        self._alarms.stop()
        self._events.stop()

    # What the monitor tells

    def _datapath_told(self, happened: Any) -> None:
        self._happenings.datapath_told(happened)
        self._causes.datapath_told(happened)

    def _committed(self, changes: Sequence[Change]) -> None:
        """An output that was down may be gone, or another one, which says nothing of itself."""
        del changes
        if self._alarms.raised("output-down"):
            self._pool.submit(self._look_at_outputs)

    def _look_at_outputs(self) -> None:
        try:
            outputs = self._link.stats()["outputs"]
        except NfError as error:
            event(log, logging.WARNING, "no state of outputs", why=error.what)
        else:
            self._causes.outputs_are(outputs)

    def _restarted(self, told: Restarted) -> None:
        self._causes.process_restarted(process_word(told.name), told.last_exit)
        self._happenings.process_restarted(told.name, told.last_exit, told.pid, told.restarts)

    async def _tell_own_restart(self) -> None:
        """Nobody listened when this process was started again."""
        try:
            processes = await asyncio.to_thread(self._overseer.processes)
        except NfError as error:
            event(log, logging.WARNING, "the monitor does not answer", why=error.what)
            return
        for one in processes:
            if one.pid == os.getpid() and one.restarts:
                self._causes.process_restarted(process_word(one.name), one.last_exit)
                self._happenings.process_restarted(one.name, one.last_exit, one.pid, one.restarts)

    # Signals and heartbeat

    def _hup(self) -> None:
        asyncio.get_running_loop().run_in_executor(self._pool, self._read_startup_again)

    def _read_startup_again(self) -> None:
        try:
            self._core.copy_config(INTERNAL, "startup", "running")
        except NfError as error:
            event(log, logging.ERROR, "the start-up configuration is not in force", why=error.what)
        else:
            event(log, logging.INFO, "the start-up configuration is in force")

    async def _beat(self) -> None:
        while True:
            self._notifier.alive()
            await asyncio.sleep(BEAT_SECONDS)
