"""Where nf-mgmt begins.

python -m nf.supervisor.mgmt_entry --state-dir DIR --run-dir DIR
"""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from nf.errors import NfError
from nf.mgmt.beginning import Wishes
from nf.mgmt.core import Core
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.process import FrontEnd, ManagementProcess
from nf.mgmt.users import Users
from nf.process.notify import Notifier
from nf.process.places import Places
from nf.supervisor.entry import begun, parser_of
from nf.telemetry.gnmi.server import Target
from nf.telemetry.gnmi.tokens import Tokens
from nf.telemetry.metrics.endpoint import Endpoint

__all__ = ["main"]

NAME = "nf-mgmt"
EXIT_CONFIGURATION = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; returns its exit code."""
    parser = parser_of(NAME)
    parser.add_argument("--boot", default=None)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--interface", action="append", default=[])
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--set", action="append", default=[], nargs=2)
    parser.add_argument("--netconf", nargs=2)
    given = parser.parse_args(arguments)
    try:
        places = begun(NAME, given)
        wishes = Wishes(
            given.config,
            tuple(given.interface),
            tuple(given.file),
            tuple((path, value) for path, value in given.set),
            (given.netconf[0], int(given.netconf[1])) if given.netconf else None,
        )
        return asyncio.run(served(places, given.boot or uuid.uuid4().hex, wishes))
    except NfError as error:
        print(f"nf: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION


async def served(places: Places, boot: str, wishes: Wishes) -> int:
    """Runs the process in this loop."""
    tokens = places.state / "tokens.json"

    def gnmi(core: Core, users: Users, credentials: Credentials) -> FrontEnd:
        return Target(core, users, credentials, Tokens(tokens))

    more = (gnmi, _metrics)
    process = ManagementProcess(places, Notifier.from_environment(), boot, wishes, more)
    return await process.run()


def _metrics(core: Core, users: Users, credentials: Credentials) -> FrontEnd:
    del users, credentials
    return Endpoint(core)


if __name__ == "__main__":
    sys.exit(main())
