"""Management without the other processes: a core and a NETCONF server on one state folder.

`python -m nf.mgmt.netconf` runs it; the tests of the protocol do, too.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nf._native.yang import Context
from nf.mgmt.alarms.keeping import Alarms
from nf.mgmt.core import Core
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.day0 import First, first_configuration
from nf.mgmt.events import EventHub
from nf.mgmt.history import History
from nf.mgmt.netconf.server import NetconfServer
from nf.mgmt.past import register_past
from nf.mgmt.users import Users, hash_password

__all__ = ["Alone", "boot_id"]


def boot_id() -> str:
    """Identity of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class Alone:
    """The parts.

    Attributes:
        core: Datastores.
        events: Notifications.
        users: Accounts.
        alarms: Alarms; nobody raises any by himself here.
        credentials: Keys and trust.
        server: NETCONF.
    """

    core: Core
    events: EventHub
    users: Users
    alarms: Alarms
    credentials: Credentials
    server: NetconfServer

    @classmethod
    def start(
        cls,
        context: Context,
        folder: Path,
        *,
        boot: str | None = None,
        first: Callable[[], First] | None = None,
    ) -> "tuple[Alone, str | None]":
        """Starts all of it.

        Args:
            context: The schema.
            folder: For everything that is kept.
            boot: Identity of this boot; the machine's unless given.
            first: Makes the first configuration, when nothing is kept in the folder; one with an
                administrator unless given.

        Returns:
            The parts, and a password that was made up and has to be shown once.

        Raises:
            ConfigurationError: The folder or the configuration cannot be used.
        """
        history = History(folder, boot or boot_id())
        made = First(b"{}", None)
        if history.newest() is None and history.startup() is None:
            made = first() if first else first_configuration(context, hash_password, os.environ)
        events = EventHub(context, folder / "events")
        core = Core(context, history, events)
        alarms = Alarms(core, folder / "alarms.json")
        register_past(core)
        users = Users()
        users.attach(core)
        credentials = Credentials(folder)
        credentials.attach(core)
        server = NetconfServer(core, events, users, credentials, folder)
        alone = cls(core, events, users, alarms, credentials, server)
        server.start()
        try:
            core.start(made.data)
        except BaseException:
            alone.stop()
            raise
        return alone, made.password

    def stop(self) -> None:
        """Ends all of it; may be called once."""
        self.server.stop()
        self.credentials.stop()
        self.core.stop()
        self.alarms.stop()
        self.events.stop()
