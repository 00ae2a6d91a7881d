"""What all sessions share: the core, the threads that work for them, and what is counted."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nf.mgmt.netconf.files import ConfigFiles
from nf.mgmt.netconf.hello import capabilities
from nf.mgmt.netconf.lanes import Lanes
from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.request import Modules
from nf.mgmt.netconf.settings import Settings
from nf.mgmt.netconf.subscribed.publisher import Publisher
from nf.mgmt.netconf.xml import Words

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.events import EventHub
    from nf.mgmt.schema_nodes import SchemaTree

__all__ = ["Counters", "Service", "Statistics", "modules_of"]


@dataclass(slots=True)
class Counters:
    """Of one session, or of all (RFC 6022 section 2.1.4 and 2.1.5).

    Attributes:
        in_rpcs: Correct `<rpc>` messages.
        in_bad_rpcs: Messages that should have been `<rpc>`.
        out_rpc_errors: Replies with errors.
        out_notifications: Notifications.
    """

    in_rpcs: int = 0
    in_bad_rpcs: int = 0
    out_rpc_errors: int = 0
    out_notifications: int = 0


@dataclass(slots=True)
class Statistics:
    """Of the server since it started; changed in its event loop only.

    Attributes:
        start: When that was.
        in_bad_hellos: Sessions that did not begin for want of a proper hello.
        in_sessions: Sessions that began.
        dropped_sessions: Sessions that ended without being closed or killed.
        refused_sessions: Sessions and connections beyond the limit.
        refused_logins: Passwords and keys that were not accepted.
        total: Of all sessions.
        sessions: Of those that are open, by id.
    """

    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    in_bad_hellos: int = 0
    in_sessions: int = 0
    dropped_sessions: int = 0
    refused_sessions: int = 0
    refused_logins: int = 0
    total: Counters = field(default_factory=Counters)
    sessions: dict[int, Counters] = field(default_factory=dict)


@dataclass(slots=True)
class Service:
    """What a session needs of the server.

    Attributes:
        core: Carries out.
        events: Notifications.
        settings: In force; replaced, never modified.
        publisher: Subscriptions of RFC 8639 and RFC 8641.
        files: Configurations that URLs name.
        capabilities: What the hello says.
        modules: For prefixes and paths.
        lanes: Threads.
        statistics: Counters.
        words: Of messages that are read in the event loop.
    """

    core: "Core"
    events: "EventHub"
    publisher: Publisher
    files: ConfigFiles
    capabilities: tuple[str, ...]
    modules: Modules
    lanes: Lanes
    settings: Settings = field(default_factory=Settings)
    statistics: Statistics = field(default_factory=Statistics)
    words: Words = field(default_factory=Words)

    @classmethod
    def of(cls, core: "Core", events: "EventHub", folder: Path) -> "Service":
        """For a core; `folder` is for what outlives the process."""
        return cls(
            core,
            events,
            Publisher(core, events),
            ConfigFiles(folder / "files"),
            capabilities(core.context),
            modules_of(core.schema),
            Lanes(core.commits.catch_up),
        )


def modules_of(schema: "SchemaTree") -> Modules:
    """Names and namespaces of a schema."""
    # Paths of errors may be about the protocol's own elements.
    namespaces = {"ietf-netconf": BASE} | schema.namespaces
    operations = frozenset(
        (namespaces[node.module], node.name) for node in schema.operations if node.kind == "rpc"
    )
    return Modules({uri: name for name, uri in namespaces.items()}, namespaces, operations)
