"""Makes .venv, installs the pinned packages into it and builds the engine.

Run by tools/setup.sh, with nothing but the standard library. Each step keeps a stamp in .setup/
that holds a digest of what went in and a fingerprint of what came out. A step runs when its stamp
is missing or says something else; the stamp is removed before the step starts and written last,
so that a run cut off anywhere is done again by the next one.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".setup"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
HALF_DONE = VENV / ".half-done"
IDENTITY = VENV / ".identity"
INSTALLED = VENV / ".installed"
LOCK = ROOT / "requirements" / "dev.txt"
EXTENSION = ROOT / "nf" / "_native" / "_compiled.abi3.so"
# Folders of a crate that never reach the extension module.
NOT_BUILT = {"target", "tests", "benches", "fuzz", "examples", "corpus"}


@dataclass(frozen=True)
class Step:
    """One thing that setup makes, and how to tell whether it still stands."""

    name: str
    inputs: Callable[[], str]
    outputs: Callable[[], str | None]
    """Fingerprint of what the step made, None when it is not there or does not work."""
    run: Callable[[], None]

    def ensure(self) -> None:
        """Runs the step unless its stamp says that nothing changed."""
        stamp = STAMPS / f"{self.name}.json"
        digest = self.inputs()
        made = self.outputs()
        if made is not None and read_stamp(stamp) == (digest, made):
            return
        stamp.unlink(missing_ok=True)
        say(self.name)
        self.run()
        made = self.outputs()
        if made is None:
            stop(f"{self.name} ended without an error, but its result is not there")
        write_stamp(stamp, digest, made)


def say(text: str) -> None:
    """Prints one line of progress."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """Ends the run with a message."""
    sys.exit(f"setup: {text}")


def call(
    *command: str | Path,
    inherit: int | None = None,
    quiet: bool = False,
    environment: dict[str, str] | None = None,
) -> None:
    """Runs a command and ends the run when it fails; a quiet one is heard only then."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (environment or {}),
        check=False,
        pass_fds=() if inherit is None else (inherit,),
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stdout or b"")
        words = " ".join(str(word) for word in command)
        stop(f"this failed, see above: {words}")


def read_stamp(path: Path) -> tuple[str, str] | None:
    """Reads a stamp; one that is missing or damaged counts as none."""
    try:
        content = json.loads(path.read_text())
        return content["inputs"], content["outputs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(path: Path, inputs: str, outputs: str) -> None:
    """Writes a stamp so that it is either there whole or not at all."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        json.dump({"inputs": inputs, "outputs": outputs}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def digest_of(*parts: str | bytes) -> str:
    """Digests parts so that moving a byte from one to the next changes the result."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


# Step 1: the virtual environment.


@contextmanager
def changing_venv() -> Iterator[int]:
    """Marks .venv as half done until the block ends well.

    Yields a locked descriptor for the commands that work in .venv to inherit: when a run is killed
    and leaves one of them working, the next run waits for it here.
    """
    VENV.mkdir(exist_ok=True)
    with HALF_DONE.open("a") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        yield mark.fileno()
        HALF_DONE.unlink()


def venv_inputs() -> str:
    """The interpreter and the place: a moved checkout has wrong paths in its scripts."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return digest_of(str(ROOT), sys.base_prefix, version)


def venv_outputs() -> str | None:
    """Says which environment this is; None when it is half done or its Python does not start."""
    if HALF_DONE.exists():
        return None
    try:
        probe = subprocess.run([PYTHON, "-c", ""], check=False, capture_output=True)
        return IDENTITY.read_text() if probe.returncode == 0 else None
    except OSError:
        return None


def make_venv() -> None:
    """Makes .venv afresh; whatever else lay there was half made or another interpreter's."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    with changing_venv():
        shutil.rmtree(VENV)
        VENV.mkdir()
        HALF_DONE.touch()
    with changing_venv() as lock:
        call(sys.executable, "-m", "venv", "--without-pip", "--prompt", "nf", VENV, inherit=lock)
        call(PYTHON, "-m", "ensurepip", "--default-pip", inherit=lock, quiet=True)
        IDENTITY.write_text(os.urandom(16).hex())


# Step 2: the packages.


def normalised(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names() -> set[str]:
    """Names of the packages in the lock."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), flags=re.MULTILINE)
    return {normalised(name) for name in pins}


def packages_inputs() -> str:
    """The lock, and which environment it was installed into."""
    return digest_of(LOCK.read_bytes(), venv_outputs() or "")


def packages_outputs() -> str | None:
    """What is installed of the lock; a package that a developer adds is left alone."""
    locked = locked_names()
    found = VENV.glob("lib/python3.*/site-packages/*.dist-info")
    names = sorted(path.name for path in found if normalised(path.name.split("-")[0]) in locked)
    return digest_of(*names) if names else None


def install_packages() -> None:
    """Installs exactly the lock: hashes are checked, and what it named before and no more goes."""
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")
    before = set(INSTALLED.read_text().split()) if INSTALLED.exists() else set()
    locked = locked_names()
    with changing_venv() as lock:
        pinned = ("--require-hashes", "--no-deps", "--requirement", LOCK)
        call(*pip, "install", "--quiet", *pinned, inherit=lock)
        if gone := before - locked:
            call(*pip, "uninstall", "--quiet", "--yes", *sorted(gone), inherit=lock)
        call(*pip, "check", inherit=lock, quiet=True)
        INSTALLED.write_text("\n".join(sorted(locked)))


# Step 3: the engine.


def crate_folders() -> list[Path]:
    """The workspace's crates, each a folder."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    return [ROOT / member for member in workspace["members"]]


def engine_sources() -> Iterator[Path]:
    """Every file that can change the compiled module, in a fixed order."""
    yield from (ROOT / "Cargo.toml", ROOT / "Cargo.lock")
    for crate in sorted(crate_folders()):
        for folder, folders, files in os.walk(crate):
            folders[:] = sorted(set(folders) - NOT_BUILT)
            yield from (Path(folder, file) for file in sorted(files))


def engine_inputs() -> str:
    """Sources, compiler, the packaging part of pyproject.toml, and where it is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packaging = {"project": project["project"], "maturin": project["tool"]["maturin"]}
    parts: list[str | bytes] = [
        json.dumps(packaging, sort_keys=True),
        os.environ.get("NF_RUST_VERSION", ""),
        os.environ.get("RUSTFLAGS", ""),
        venv_outputs() or "",
    ]
    for path in engine_sources():
        parts += [str(path.relative_to(ROOT)), path.read_bytes()]
    return digest_of(*parts)


def engine_outputs() -> str | None:
    """Size and time of the module, None unless it and the `nf` command are installed."""
    try:
        found = EXTENSION.stat()
        (VENV / "bin" / "nf").stat()
    except OSError:
        return None
    return f"{found.st_size} {found.st_mtime_ns}"


def build_engine() -> None:
    """Builds in release mode, in place: an edited Python file is live without another build."""
    locked = ("--locked",) if os.environ.get("CI") else ()
    maturin = (PYTHON, "-m", "maturin", "develop", "--release", "--quiet", *locked)
    # What the package needs is there, from the lock: pip is to find that, not something newer.
    pip = {"PIP_QUIET": "1", "PIP_NO_INDEX": "1"}
    call(*maturin, environment={"VIRTUAL_ENV": str(VENV), **pip})
    call(PYTHON, "-c", "import nf; print('setup: nf', nf.__version__, 'is ready')")


STEPS = (
    Step("virtual environment", venv_inputs, venv_outputs, make_venv),
    Step("python packages", packages_inputs, packages_outputs, install_packages),
    Step("engine", engine_inputs, engine_outputs, build_engine),
)


def main() -> None:
    """Runs the steps, one run at a time on one checkout."""
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another setup of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for step in STEPS:
            step.ensure()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
