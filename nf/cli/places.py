"""Where the probe is that a command means: the same options everywhere."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from nf.errors import ConfigurationError
from nf.mgmt.local import Call, LocalClient
from nf.process.places import Places

__all__ = ["Management", "add_host", "add_places", "add_verbs", "management_of", "places_of"]


class Management(Protocol):
    """The management of a probe, on this machine or another."""

    def call(self, body: Call, seconds: float = ...) -> Any:
        """What a call asks for.

        Raises:
            NfError: It is refused, or management cannot be reached.
        """


def add_places(parser: ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="where the probe keeps configurations and keys (/var/lib/nf, or below $HOME)",
    )
    parser.add_argument(
        "--run-dir", metavar="DIR", help="where its sockets are (/run/nf, or below the state)"
    )


def add_host(parser: ArgumentParser) -> None:
    """Adds the options, and those that say on which machine the probe is."""
    add_places(parser)
    parser.add_argument(
        "--host",
        metavar="HOST[:PORT]",
        help="a probe on another machine, over NETCONF; port 830, or the one of ~/.ssh/config",
    )
    parser.add_argument(
        "--user", metavar="NAME", help="who logs in there; as ssh would, unless given"
    )


def add_verbs(parser: ArgumentParser) -> Callable[[str, str], ArgumentParser]:
    """Has a noun take verbs (`verb`); what adds one, by name and help, with `add_host`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", help="what to do")

    def verb(name: str, what: str) -> ArgumentParser:
        made: ArgumentParser = verbs.add_parser(
            name, help=what, description=what, formatter_class=RawDescriptionHelpFormatter
        )
        add_host(made)
        return made

    return verb


def places_of(arguments: Namespace) -> Places:
    """The directories that the options mean."""
    return Places.of(arguments.state_dir, arguments.run_dir)


@contextmanager
def management_of(arguments: Namespace) -> Iterator[Management]:
    """A connection to the management of that probe.

    Raises:
        ChannelError: It cannot be reached.
    """
    if arguments.host is None:
        if arguments.user is not None:
            raise ConfigurationError(
                "a user logs in at another machine", "--user", "name the machine with --host"
            )
        with LocalClient(places_of(arguments).management_socket) as client:
            yield client
        return
    if arguments.state_dir or arguments.run_dir:
        raise ConfigurationError(
            "directories are those of this machine", "--host", "leave out --state-dir and --run-dir"
        )
    # SSH takes a third of a second to import, which nobody pays who stays on this machine.
    from nf.cli.remote.management import RemoteClient  # noqa: PLC0415
    from nf.cli.remote.ssh import Address  # noqa: PLC0415

    with RemoteClient(Address(arguments.host, arguments.user)) as remote:
        yield remote
