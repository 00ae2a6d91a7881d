"""The captures that are read: made once by the generator of the shared folder, then kept.

The generator is not part of the repository; it stands in `bench/make_pcaps.py` of NF_SHARED, or of
../shared, as do the captures that the mixes are made from.
"""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / "work"
REQUIREMENTS = ROOT / "requirements" / "bench.txt"
PIECE = 1 << 20


class NoInputs(Exception):
    """An input cannot be made."""


@dataclass(frozen=True)
class Recipe:
    """How an input is made: the generator's kind and its sizes at full scale."""

    name: str
    kind: str
    octets: float = 0
    packets: float = 0
    flows: float = 0

    def options(self, scale: float) -> list[str]:
        """The generator's options at a scale; a number of flows shrinks with its packets."""
        if self.kind != "small":
            return ["--bytes", f"{self.octets * scale:.0f}"]
        flows = self.flows * scale if self.flows > FEW_FLOWS else self.flows
        return ["--packets", f"{self.packets * scale:.0f}", "--flows", f"{flows:.0f}"]


FEW_FLOWS = 1000
RECIPES = (
    Recipe("mix", "mix", octets=1e9),
    Recipe("http", "http", octets=1e9),
    Recipe("small-100k", "small", packets=3e6, flows=1e5),
    Recipe("small-1m", "small", packets=1e6, flows=1e6),
    Recipe("small-few", "small", packets=1e6, flows=FEW_FLOWS),
    Recipe("mobile", "mobile", octets=5e8),
)


@dataclass(frozen=True)
class Input:
    """A capture on disk."""

    name: str
    path: Path
    command: str
    packets: int
    flows: int
    octets: int
    sha256: str


def shared() -> Path:
    """The shared folder."""
    stated = os.environ.get("NF_SHARED")
    folder = Path(stated).expanduser() if stated else ROOT.parent / "shared"
    if not (folder / "bench" / "make_pcaps.py").is_file():
        raise NoInputs(f"no bench/make_pcaps.py in {folder} · set NF_SHARED to the folder with it")
    return folder


def python() -> Path:
    """A Python with what the generator and nfstream need, installed on first use."""
    folder = WORK / "venv"
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        creator = shutil.which("python3") or "python3"
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([creator, "-m", "venv", str(folder)], check=True)
            subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoInputs(f"{REQUIREMENTS.name} cannot be installed: {error}") from error
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def obtain(recipe: Recipe, scale: float) -> Input:
    """The input at a scale, from an earlier run if its generator and sizes were the same."""
    folder = shared()
    script = folder / "bench" / "make_pcaps.py"
    options = recipe.options(scale)
    if recipe.kind in ("mix", "mobile"):
        options += ["--src", str(folder / "captures" / "ndpi" / "pcap")]
    tag = fingerprint(script, recipe, options)
    path = WORK / f"{recipe.name}-{tag}.pcap"
    about = path.with_suffix(".json")
    if not about.is_file():
        make([str(python()), str(script), recipe.kind, *options], path)
        made = json.loads(path.with_suffix(".pcap.meta.json").read_text())
        about.write_text(
            json.dumps(
                {
                    "command": " ".join(["make_pcaps.py", recipe.kind, *plain(options)]),
                    "packets": made["packets"],
                    "flows": made.get("flows", 0),
                    "octets": path.stat().st_size,
                    "sha256": digest(path),
                }
            )
        )
    stated = json.loads(about.read_text())
    return Input(name=recipe.name, path=path, **stated)


def plain(options: list[str]) -> list[str]:
    """Options without the place of the captures on this machine."""
    return [
        "captures/ndpi/pcap" if before == "--src" else option
        for before, option in zip(["", *options], options, strict=False)
    ]


def make(command: list[str], path: Path) -> None:
    """Runs the generator; a file that was cut off does not stay."""
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run([*command, "--out", str(path)], check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        path.unlink(missing_ok=True)
        raise NoInputs(f"{path.name} cannot be made: {error}") from error


def fingerprint(script: Path, recipe: Recipe, options: list[str]) -> str:
    """A short name for what decides the content of an input."""
    told = "\0".join([recipe.kind, *plain(options)]).encode()
    return hashlib.sha256(script.read_bytes() + told).hexdigest()[:12]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            state.update(piece)
    return state.hexdigest()


def warm(path: Path) -> None:
    """Reads a file once, so that every tool finds it in the page cache."""
    with path.open("rb") as file:
        while file.read(PIECE):
            pass
