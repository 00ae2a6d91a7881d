"""Compares our YANG modules with those of the last release: `python -m tools.yang_update`.

A client of the release must go on working: pyang judges by RFC 7950 section 11, and a module that
differs needs a later revision. `--release` takes the modules as they are for the next comparison;
until there is a release, there is nothing to compare with.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nf.mgmt.schema import YANG_DIR, ModuleSet
from tools.yang_model import own_modules

RELEASED = Path(__file__).resolve().parent / "yang_released"
REVISION = re.compile(r"^ *revision +\"?([0-9-]+)", flags=re.MULTILINE)


def findings(modules: list[Path], released: Path) -> Iterator[str]:
    """What a client of the released modules would stumble over."""
    before = {path.name: path for path in released.glob("*.yang")}
    for path in modules:
        old = before.pop(path.name, None)
        if old is not None and old.read_bytes() != path.read_bytes():
            yield from _later(path, old)
            yield from _compatible(path, old)
    for name in sorted(before):
        yield f"{name}: is gone; a released module stays, its nodes may become obsolete"


def _later(path: Path, old: Path) -> Iterator[str]:
    dates = [max(REVISION.findall(one.read_text(encoding="utf-8"))) for one in (path, old)]
    if dates[0] <= dates[1]:
        yield f"{path.name}: differs from the release and needs a revision after {dates[1]}"


def _compatible(path: Path, old: Path) -> Iterator[str]:
    vendored = [folder for folder in ModuleSet.read().search if folder != YANG_DIR]
    now, then = (":".join(map(str, [one.parent, *vendored])) for one in (path, old))
    command = [
        str(Path(sys.executable).with_name("pyang")),
        f"--path={now}",
        f"--check-update-from={old}",
        f"--check-update-from-path={then}",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    yield from (line for line in (done.stdout + done.stderr).splitlines() if line.strip())


def main(arguments: list[str] | None = None) -> int:
    """Compares, or takes the modules as released."""
    parser = argparse.ArgumentParser(prog="python -m tools.yang_update", description=__doc__)
    parser.add_argument("--release", action="store_true", help="these modules are released")
    if parser.parse_args(arguments).release:
        shutil.rmtree(RELEASED, ignore_errors=True)
        RELEASED.mkdir()
        for path in own_modules():
            shutil.copyfile(path, RELEASED / path.name)
        return 0
    if not RELEASED.exists():
        print("no YANG modules have been released yet: nothing to compare with")
        return 0
    found = list(findings(own_modules(), RELEASED))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
