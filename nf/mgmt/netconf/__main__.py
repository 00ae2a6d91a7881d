"""Runs a core and a NETCONF server without the rest of the function: `python -m nf.mgmt.netconf`.

Serves what listens in the configuration; at the first start that is what `--listen` says.
"""

import argparse
import json
import logging
import os
import signal
import sys
from pathlib import Path

from nf._native.yang import Context
from nf.errors import NfError
from nf.mgmt.day0 import First, first_configuration
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.listening import first_listening
from nf.mgmt.schema import ModuleSet
from nf.mgmt.users import hash_password


def main() -> int:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m nf.mgmt.netconf", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for what is kept")
    parser.add_argument(
        "--listen", default="127.0.0.1:830", help="address:port of the first configuration"
    )
    parser.add_argument("--search", action="append", default=[], help="another folder of modules")
    parser.add_argument("--module", action="append", default=[], help="another module")
    parser.add_argument("--verbose", action="store_true", help="log what happens")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.WARNING)
    ended = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ended)
    search, modules = ModuleSet.read().for_context()
    try:
        context = Context(
            [*search, *chosen.search], [*modules, *((name, ["*"]) for name in chosen.module)]
        )
        alone, password = Alone.start(
            context, chosen.state, first=lambda: _first(context, chosen.listen)
        )
    except NfError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if password is not None:
        sys.stderr.write(f"password of admin at the first start: {password}\n")
    sys.stdout.write(json.dumps(alone.server.ports) + "\n")
    sys.stdout.flush()
    signal.sigwait(ended)
    alone.stop()
    return 0


def _first(context: Context, listen: str) -> First:
    made = first_configuration(context, hash_password, os.environ)
    address, _, port = listen.rpartition(":")
    return first_listening(made, address.strip("[]"), int(port))


if __name__ == "__main__":
    sys.exit(main())
