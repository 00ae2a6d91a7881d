"""Lints the YANG modules: `python -m tools.yang_lint`.

pyang checks ours against RFC 8407 with our own prefixes. yanglint, where Debian's is installed,
compiles the whole module set with its features, warnings included, and validates the examples.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from nf.mgmt.schema import YANG_DIR, ModuleSet
from tools.yang_model import own_modules

EXAMPLES = YANG_DIR / "examples"
PYANG = (
    "--lint",
    "--lint-modulename-prefix=nf",
    "--lint-namespace-prefix=urn:nf:yang:",
    "--lint-ensure-hyphenated-names",
    "--max-line-length=78",
)


def pyang(modules: list[Path]) -> Iterator[str]:
    """What pyang finds in modules."""
    program = Path(sys.executable).with_name("pyang")
    folders = ":".join(map(str, ModuleSet.read().search))
    yield from _run([str(program), *PYANG, f"--path={folders}", *map(str, modules)])


def yanglint(*arguments: str) -> Iterator[str]:
    """What yanglint finds in the whole module set, and in the data that is named besides."""
    chosen = ModuleSet.read()
    command = ["yanglint", "-D"]
    for folder in chosen.search:
        command += ["-p", str(folder)]
    for name, features in chosen.modules:
        command += ["-F", f"{name}:{','.join(features)}"]
    with TemporaryDirectory() as scratch:
        command += [str(_for_yanglint(file_of(name), Path(scratch))) for name, _ in chosen.modules]
        yield from _run([*command, *arguments])


def _for_yanglint(path: Path, folder: Path) -> Path:
    """A module as libyang 2 wants it: it takes a `config` that nobody has stated for an addition.

    To pyang and to later libyangs it is a replacement, and each refuses the other's word.
    """
    text = path.read_text(encoding="utf-8")
    changed = re.sub(r"deviate replace(\s*\{\s*config )", r"deviate add\1", text)
    if changed == text:
        return path
    copy = folder / path.name
    copy.write_text(changed, encoding="utf-8")
    return copy


def file_of(module: str) -> Path:
    """The file of a module of the set.

    Raises:
        FileNotFoundError: None of the folders has it.
    """
    for folder in ModuleSet.read().search:
        path = folder / f"{module}.yang"
        if path.exists():
            return path
    raise FileNotFoundError(f"{module}.yang is in no folder of modules.toml")


def _run(command: list[str]) -> Iterator[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    yield from said
    if done.returncode and not said:
        yield f"{command[0]} ended with status {done.returncode}"


def findings() -> Iterator[str]:
    """Everything that is found."""
    yield from pyang(own_modules())
    if shutil.which("yanglint"):
        yield from yanglint()
        for example in sorted(EXAMPLES.glob("*.json")):
            yield from yanglint("-t", "config", str(example))
    else:
        print("yanglint is not installed and was not asked: apt-get install libyang2-tools")


def main() -> int:
    """Prints what is found."""
    found = list(dict.fromkeys(findings()))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
