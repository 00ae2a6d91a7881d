"""`nf config --host`: the command of a person, against a function on another machine."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import PASSWORD
from tests.waiting import until

NF = Path(sys.executable).with_name("nf")
SHORT = "engine/timeouts/short"


@dataclass(frozen=True)
class Home:
    """A person's machine: `.ssh` as OpenSSH has it."""

    folder: Path
    port: int

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in {"SSH_AUTH_SOCK", "SUDO_USER"}}
        return kept | {"HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def write(self, name: str, text: str | bytes) -> None:
        path = self.folder / ".ssh" / name
        path.touch(mode=0o600)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def nf(
        self, *words: str, host: str | None = None, stdin: str = "", **more: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [NF, *words, "--host", host or f"ada@127.0.0.1:{self.port}"],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self.environment() | more,
        )

    def done(self, *words: str, stdin: str = "", **more: str) -> str:
        done = self.nf(*words, stdin=stdin, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def home(tmp_path: Path, function: Alone, ada_key: asyncssh.SSHKey) -> Home:
    """One who has ada's key and knows the function's."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True, mode=0o700)
    made = Home(tmp_path / "home", function.server.ports["test"])
    made.write("id_ed25519", ada_key.export_private_key())
    made.write("known_hosts", known(function, tmp_path))
    return made


def known(function: Alone, folder: Path) -> str:
    """The line of known_hosts, from the function's own folder."""
    key = asyncssh.read_private_key(next((folder / "state").glob("*host*key*")))
    public = key.export_public_key().decode().strip()
    return f"[127.0.0.1]:{function.server.ports['test']} {public}\n"


def test_a_change_is_made_seen_and_taken_back(home: Home, function: Alone) -> None:
    home.done("config", "set", f"{SHORT}=31", "engine/timeouts/long=700")
    found = json.loads(home.done("config", "get", SHORT))
    assert found["nf-probe:probe"]["nf-dpi:engine"]["timeouts"] == {"short": 31}

    entries = json.loads(home.done("config", "history", "-o", "json"))
    assert entries[0]["user"] == "ada"
    assert entries[0]["what"][0].endswith("timeouts/short")
    first = str(entries[-1]["number"])
    assert "timeouts/short 15 → 31" in home.done("config", "diff", first, "running")

    home.done("config", "delete", SHORT)
    home.done("config", "rollback", first)
    assert json.loads(home.done("config", "get", SHORT)) == {}
    home.done("config", "save")
    assert home.done("config", "diff") == ""
    assert function.core.history.startup() is not None


def test_it_prints_what_the_function_itself_would(home: Home, function: Alone) -> None:
    tree = function.core.commits.running.tree
    printed = home.done("config", "export")
    # What is set to its default counts as set.
    assert json.loads(printed) == json.loads(tree.to_json())
    everything = json.loads(home.done("config", "get", "engine", "--defaults"))
    chosen = tree.select_xpath("/nf-probe:probe/nf-dpi:engine")
    assert everything == json.loads(chosen.to_json(defaults="report-all"))


def test_a_file_is_checked_imported_and_edited(home: Home, tmp_path: Path) -> None:
    whole = json.loads(home.done("config", "export"))
    whole["nf-probe:probe"]["nf-dpi:engine"] = {"timeouts": {"short": 41}}
    file = tmp_path / "probe.json"
    file.write_text(json.dumps(whole))
    assert home.done("config", "validate", str(file)) == "valid\n"
    home.done("config", "import", "--replace", str(file))
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/41/42/' \"$1\"\n")
    editor.chmod(0o755)
    home.done("config", "edit", EDITOR=str(editor), VISUAL="")
    assert '"short": 42' in home.done("config", "get", SHORT)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("config", "set", f"{SHORT}=x"), "timeouts/short"),
        (("config", "delete", "capture/filter"), "at: /nf-probe:probe/nf-capture:capture/filter"),
        (("config", "rollback", "99"), "no configuration 99"),
        (("config", "set", "engine/timeout/short=1"), "engine/timeouts/short"),
    ],
)
def test_a_refusal_says_where_and_what_to_try(
    home: Home, words: tuple[str, ...], said: str
) -> None:
    done = home.nf(*words)
    assert done.returncode == 7
    assert said in done.stderr
    assert "try: " in done.stderr
    assert "Traceback" not in done.stderr


def test_who_may_not_is_refused_by_the_function(home: Home) -> None:
    (home.folder / ".ssh" / "id_ed25519").unlink()
    done = terminal(
        home, PASSWORD, "config", "set", f"{SHORT}=5", host=f"bob@127.0.0.1:{home.port}"
    )
    assert done[0] == 7
    assert "bob may not update" in done[1]
    assert "NACM" in done[1]


def test_a_password_is_asked_for_on_a_terminal(home: Home) -> None:
    (home.folder / ".ssh" / "id_ed25519").unlink()
    code, printed = terminal(home, PASSWORD, "config", "history")
    assert code == 0, printed
    assert "internal" in printed
    assert PASSWORD not in printed


def terminal(home: Home, password: str, *words: str, host: str | None = None) -> tuple[int, str]:
    """Runs the command on a terminal of its own, and answers its question."""
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    address = host or f"ada@127.0.0.1:{home.port}"
    with subprocess.Popen(
        [sys.executable, "-c", spawn, NF, *words, "--host", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=home.environment(),
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        printed = b""
        while not printed.endswith(b"'s password: "):
            more = process.stdout.read(1)
            assert more, printed
            printed += more
        process.stdin.write(f"{password}\n".encode())
        printed += process.stdout.read()
        return process.wait(), printed.decode()


def test_without_a_terminal_nobody_is_asked(home: Home) -> None:
    (home.folder / ".ssh" / "id_ed25519").unlink()
    done = home.nf("config", "get")
    assert done.returncode == 1
    assert "ada is not let in" in done.stderr
    assert "ssh-add" in done.stderr


def test_a_key_that_is_encrypted_is_for_the_agent(home: Home, ada_key: asyncssh.SSHKey) -> None:
    home.write("id_ed25519", ada_key.export_private_key(passphrase=PASSWORD))
    done = home.nf("config", "get")
    assert done.returncode == 1
    assert "ssh-add" in done.stderr
    home.write("config", f"Host *\n  IdentityFile {home.folder}/.ssh/broken\n")
    home.write("broken", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    done = home.nf("config", "get")
    assert done.returncode == 1
    assert "a key cannot be used" in done.stderr


@pytest.mark.parametrize("line", ["", "other"])
def test_a_host_key_that_is_not_known_is_refused_with_its_fingerprint(
    home: Home, line: str
) -> None:
    text = (home.folder / ".ssh" / "known_hosts").read_text()
    key = asyncssh.import_public_key(text.partition(" ")[2])
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    home.write("known_hosts", f"[127.0.0.1]:{home.port} {stranger}" if line else "")
    done = home.nf("config", "get")
    assert done.returncode == 1
    assert key.get_fingerprint() in done.stderr
    assert "ssh-keyscan -p" in done.stderr


def test_an_alias_of_the_ssh_configuration_is_enough(home: Home) -> None:
    home.write(
        "config",
        f"Host probe7\n  HostName 127.0.0.1\n  Port {home.port}\n  User ada\n"
        f"  IdentityFile {home.folder}/.ssh/other\n",
    )
    (home.folder / ".ssh" / "id_ed25519").rename(home.folder / ".ssh" / "other")
    done = home.nf("config", "get", SHORT, host="probe7")
    assert done.returncode == 0, done.stderr


def test_a_key_of_the_agent_opens(home: Home) -> None:
    (home.folder / ".ssh" / "id_ed25519").rename(home.folder / "key")
    socket = home.folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        until(socket.exists)
        variables = {"SSH_AUTH_SOCK": str(socket)}
        subprocess.run(
            ["ssh-add", "-q", home.folder / "key"], check=True, env=os.environ | variables
        )
        home.done("config", "get", SHORT, **variables)
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.parametrize(
    ("host", "code", "said"),
    [
        ("127.0.0.1:1", 1, "cannot be reached"),
        ("127.0.0.1:x", 7, "no address"),
        ("[::1", 7, "no address"),
        ("no-such-host.invalid", 1, "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(home: Home, host: str, code: int, said: str) -> None:
    done = home.nf("config", "get", host=host)
    assert done.returncode == code
    assert said in done.stderr


def test_options_that_contradict_each_other_are_refused(home: Home, tmp_path: Path) -> None:
    done = home.nf("config", "get", "--state-dir", str(tmp_path))
    assert done.returncode == 7
    assert "leave out" in done.stderr


def test_state_is_told_too(home: Home) -> None:
    found = json.loads(home.done("config", "get", "--state", "/ietf-netconf-acm:nacm"))
    assert "denied-operations" in found["ietf-netconf-acm:nacm"]
