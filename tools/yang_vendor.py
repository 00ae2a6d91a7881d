"""Copies the standard modules that nf implements, or takes types from, out of the installed pyang.

`python -m tools.yang_vendor [--check]`. The copies in `yang/ietf/` are byte for byte what the
pinned pyang has, headers included, so that a wheel needs no pyang. With --check nothing is written.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from nf.mgmt.schema import YANG_DIR, ModuleSet

VENDORED = YANG_DIR / "ietf"
IMPORT = re.compile(r"^\s*(?:import|include)\s+([A-Za-z0-9_.-]+)\s*[{;]", flags=re.MULTILINE)


def distributed() -> dict[str, Path]:
    """Every module of the installed pyang: name and file.

    Raises:
        FileNotFoundError: pyang's modules are not in this environment.
    """
    folder = Path(sys.prefix) / "share" / "yang" / "modules"
    found = {path.stem: path for kind in ("ietf", "iana") for path in folder.glob(f"{kind}/*.yang")}
    if not found:
        raise FileNotFoundError(f"{folder} has no modules; make setup installs pyang")
    return found


def wanted() -> dict[str, Path]:
    """The modules of others that ours and the module set need, with all that those import."""
    known = distributed()
    own = [path for path in YANG_DIR.rglob("*.yang") if path.parent != VENDORED]
    queue = [name for name, _ in ModuleSet.read().modules]
    queue += [name for path in own for name in _imports(path)]
    needed: dict[str, Path] = {}
    while queue:
        name = queue.pop()
        if name in known and name not in needed:
            needed[name] = known[name]
            queue += _imports(known[name])
    return dict(sorted(needed.items()))


def _imports(path: Path) -> Iterator[str]:
    yield from IMPORT.findall(path.read_text(encoding="utf-8"))


def stale() -> list[str]:
    """What differs: modules to write, and files that nobody needs."""
    needed = wanted()
    here = {path.stem: path for path in VENDORED.glob("*.yang")}
    changed = [
        name
        for name, path in needed.items()
        if name not in here or here[name].read_bytes() != path.read_bytes()
    ]
    return changed + sorted(set(here) - set(needed))


def main(arguments: list[str] | None = None) -> int:
    """Copies, or compares."""
    parser = argparse.ArgumentParser(prog="python -m tools.yang_vendor", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args(arguments).check:
        for name in (different := stale()):
            print(f"yang/ietf/{name}.yang is not pyang's: make docs", file=sys.stderr)
        return 1 if different else 0
    needed = wanted()
    VENDORED.mkdir(exist_ok=True)
    for path in VENDORED.glob("*.yang"):
        if path.stem not in needed:
            path.unlink()
    for name, path in needed.items():
        (VENDORED / f"{name}.yang").write_bytes(path.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
