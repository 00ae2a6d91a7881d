"""Where the probe is that a command means: the same two options everywhere."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from nf.mgmt.local import LocalClient
from nf.process.places import Places

__all__ = ["add_places", "management_of", "places_of"]


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


def places_of(arguments: Namespace) -> Places:
    """The directories that the options mean."""
    return Places.of(arguments.state_dir, arguments.run_dir)


@contextmanager
def management_of(arguments: Namespace) -> Iterator[LocalClient]:
    """A connection to the management of that probe.

    Raises:
        ChannelError: It does not run.
    """
    with LocalClient(places_of(arguments).management_socket) as client:
        yield client
