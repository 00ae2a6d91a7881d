"""Keeps the first sessions of docs/netconf.md real: `python -m tools.session_output [--check]`.

A file of a session, and a command with what it prints, stand there as

    <!-- file:NAME -->            <!-- session:NAME -->
    ```xml                        ```console
    …                             $ command
    ```                           what it printed
                                  ```

All commands run in one folder that has the files, against a function that is made for it, with a
home whose `~/.ssh` has a key and the alias `probe7`; port 830 becomes the function's. Commands are
the manual's own text, so they run in a shell. A command whose program is missing is left as it is
and named; with --check nothing is written.
"""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from nf._native.yang import Context
from nf.mgmt.day0 import first_configuration
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.listening import first_listening
from nf.mgmt.schema import ModuleSet
from nf.mgmt.users import hash_password
from tools.readme_output import BadBlock

ROOT = Path(__file__).resolve().parent.parent
MANUAL = ROOT / "docs" / "netconf.md"
FILE = re.compile(
    r"^<!-- file:(?P<name>[\w.-]+) -->\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SESSION = re.compile(
    r"^<!-- session:(?P<name>[\w-]+) -->\n```console\n\$ (?P<command>[^\n]+)\n"
    r"(?P<output>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PORT = "NF_SESSION_PORT"
SSH = """\
Host probe7
  HostName 127.0.0.1
  Port {port}
  User admin
  IdentityFile {home}/.ssh/id_ed25519
  UserKnownHostsFile {home}/.ssh/known_hosts
"""


@dataclass(frozen=True)
class Session:
    """A command, and what stands there as its output.

    Attributes:
        name: Of the block.
        command: For a shell.
        output: What it printed when it was written.
        span: Where the output is in the manual.
    """

    name: str
    command: str
    output: str
    span: tuple[int, int]

    @property
    def program(self) -> str:
        """What has to be installed for it."""
        return shlex.split(self.command)[0]


def sessions_of(text: str) -> list[Session]:
    """Every session; a marker without its block is an error."""
    found = list(SESSION.finditer(text))
    files = len(FILE.findall(text)) - text.count("<!-- file:")
    if len(found) != text.count("<!-- session:") or files:
        raise BadBlock("a marker `<!-- session:… -->` or `<!-- file:… -->` has no block below it")
    return [
        Session(one["name"], one["command"], one["output"], one.span("output")) for one in found
    ]


@contextlib.contextmanager
def function(folder: Path) -> Iterator[dict[str, str]]:
    """A function and a home whose ~/.ssh knows it; gives the environment of a client."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    key = asyncssh.generate_private_key("ssh-ed25519", comment="laptop")
    private = home / ".ssh" / "id_ed25519"
    private.touch(mode=0o600)
    private.write_bytes(key.export_private_key())
    context = Context(*ModuleSet.read().for_context())
    given = {"NF_ADMIN_KEY": key.export_public_key().decode(), "NF_ADMIN_PASSWORD": "not used here"}
    made = first_configuration(context, hash_password, given)
    first = first_listening(made, "127.0.0.1", 0)
    alone, _ = Alone.start(context, folder / "state", first=lambda: first)
    try:
        (port,) = alone.server.ports.values()
        host = asyncssh.read_private_key(folder / "state" / "ssh_host_ed25519_key")
        known = host.export_public_key().decode()
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
        (home / ".ssh" / "config").write_text(SSH.format(port=port, home=home))
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: one for name, one in os.environ.items() if name != "SSH_AUTH_SOCK"}
        quiet = {"PYTHONWARNINGS": "ignore", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        yield kept | quiet | {"HOME": str(home), "PATH": tools, PORT: str(port)}
    finally:
        alone.stop()


def outputs(text: str) -> dict[str, str | None]:
    """What each session prints now; None where its program is not there."""
    made: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory(prefix="nf-sessions-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        with function(folder) as environment:
            for file in FILE.finditer(text):
                said = _at_port(file["text"], environment[PORT])
                (work / file["name"]).write_text(said, encoding="utf-8")
            for session in sessions_of(text):
                if shutil.which(session.program, path=environment["PATH"]) is None:
                    made[session.name] = None
                    continue
                made[session.name] = _run(session, work, environment)
    return made


def _run(session: Session, work: Path, environment: dict[str, str]) -> str:
    # OpenSSH takes a home from the password database; what it is to read is named to it instead.
    config = f"{environment['HOME']}/.ssh/config"
    command = re.sub(r"^ssh ", f"ssh -F {shlex.quote(config)} ", session.command)
    command = _at_port(command, environment[PORT])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise BadBlock(
            f"{session.name}: {session.command} ended with {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
    lines = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _at_port(text: str, port: str) -> str:
    """The manual's text for a port that is free here."""
    return re.sub(r"\b(\w*port(?:=|: ))830\b", rf"\g<1>{port}", text)


def main() -> int:
    """Writes, or checks; the exit code is 1 if something differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.session_output", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, complain")
    check = parser.parse_args().check
    text = MANUAL.read_text(encoding="utf-8")
    found = outputs(text)
    differs = False
    for session in reversed(sessions_of(text)):
        now = found[session.name]
        if now is None:
            print(f"{session.name}: {session.program} is not installed, left as it is")
        elif now != session.output:
            differs = True
            print(f"{session.name}: {'is out of date' if check else 'written'}")
            start, end = session.span
            text = text[:start] + now + text[end:]
    if not check:
        MANUAL.write_text(text, encoding="utf-8")
    return int(check and differs)


if __name__ == "__main__":
    sys.exit(main())
