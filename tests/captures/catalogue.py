"""The list of captures: each is one decorated function, and nothing else names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

Make = Callable[[Path], None]


@dataclass(frozen=True)
class Capture:
    """One capture file: what is in it, how it comes to be and what must be found in it."""

    file: str
    kind: str
    """`recorded` from live programs, `built` field by field, or `rewritten` from another
    capture."""
    what: str
    make: Make
    tools: Sequence[str] = ()
    """Debian packages; `pypi:NAME` or `pypi-drafts:NAME` for those of the scratch environments."""
    needs: Sequence[str] = ()
    """Captures this one is made from."""
    expect: Mapping[str, int] = field(default_factory=dict)
    """tshark display filter -> the least number of packets it must match; 0 is for none at all."""
    flaws: Sequence[str] = ()
    """Display filters for flaws that are meant; any other flaw fails the check."""

    @property
    def name(self) -> str:
        """Word that names the capture on the command line: its file without extensions."""
        return self.file.split(".")[0]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return FOLDER / self.file


CAPTURES: dict[str, Capture] = {}


def _register(kind: str, file: str, **about: object) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        what = " ".join((make.__doc__ or "").split())
        if not what:
            raise ValueError(f"{file}: its function needs a docstring that says what is in it")
        capture = Capture(file=file, kind=kind, what=what, make=make, **about)  # type: ignore[arg-type]
        if capture.name in CAPTURES:
            raise ValueError(f"two captures are called {capture.name}")
        CAPTURES[capture.name] = capture
        return make

    return add


def recorded(
    file: str,
    *,
    tools: Sequence[str],
    expect: Mapping[str, int],
    flaws: Sequence[str] = (),
    needs: Sequence[str] = (),
) -> Callable[[Make], Make]:
    """A capture of live programs; differs in detail each time it is made."""
    return _register("recorded", file, tools=tools, expect=expect, flaws=flaws, needs=needs)


def built(
    file: str, *, expect: Mapping[str, int], flaws: Sequence[str] = ()
) -> Callable[[Make], Make]:
    """A capture built field by field; the same bytes on every run."""
    return _register("built", file, expect=expect, flaws=flaws)


def rewritten(
    file: str, *, needs: Sequence[str], expect: Mapping[str, int], flaws: Sequence[str] = ()
) -> Callable[[Make], Make]:
    """A capture made from others; the same bytes for the same sources."""
    return _register("rewritten", file, needs=needs, expect=expect, flaws=flaws)


def load() -> dict[str, Capture]:
    """Imports every scenario; each registers itself."""
    for folder in ("scenarios", "built", "variants"):
        for module in sorted((FOLDER / folder).glob("*.py")):
            if module.stem.startswith("_") or module.stem.endswith("_peer"):
                continue
            __import__(f"{folder}.{module.stem}")
    return CAPTURES
