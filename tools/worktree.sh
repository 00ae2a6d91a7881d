#!/usr/bin/env bash
# worktree.sh PATH BRANCH: a second checkout of this repository, ready to run, without building anything again.
#
# Copies .venv, the extension and, with --rust, target/release, and writes the stamps of setup anew,
# because these hold the place of the checkout. cp -a: a copy with new times would be built again.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
rust=
if [[ ${1:-} == --rust ]]; then
    rust=yes
    shift
fi
if (($# != 2)); then
    echo "usage: tools/worktree.sh [--rust] PATH BRANCH" >&2
    exit 2
fi
branch=$2

make -C "$root" --quiet setup
git -C "$root" worktree add -b "$branch" "$1"
path=$(cd "$1" && pwd)

cp -a "$root/.venv" "$path/"
grep -rlI --null "$root" "$path/.venv/bin" "$path/.venv/pyvenv.cfg" "$path"/.venv/lib/python3*/site-packages/*.pth |
    xargs -0 -r sed -i "s#$root#$path#g"
cp -a "$root/nf/_native/_compiled.abi3.so" "$path/nf/_native/"
if [[ $rust ]]; then
    mkdir -p "$path/target"
    cp -a "$root/target/release" "$path/target/"
fi

# The same interpreter and compiler as `make setup` finds, or the stamps would differ from its own.
cd "$path"
eval "$(tools/toolchain.sh)"
base=$(sed -n 's/^executable = //p' .venv/pyvenv.cfg)
mkdir -p .setup
"$base" - <<'PYTHON'
import sys

sys.path.insert(0, ".")
from tools import bootstrap

for step in bootstrap.STEPS:
    made = step.outputs()
    if made is None:
        sys.exit(f"worktree: {step.name} was not copied whole")
    bootstrap.write_stamp(bootstrap.STAMPS / f"{step.name}.json", step.inputs(), made)
PYTHON
make --quiet setup
