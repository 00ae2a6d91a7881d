#!/bin/bash
# Everything `make setup` does. The system's part is here because Python may not exist yet; the
# rest (virtual environment, pinned packages, engine) is bootstrap.py's. A second run only looks.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
packages_file=tools/apt-packages.txt

say() { printf 'setup: %s\n' "$*" >&2; }

# python_with STATEMENT: prints the first Python 3.11 or later that can run it; inside a virtual
# environment, the one that it was made from. An existing .venv keeps its interpreter.
python_with() {
    local candidate
    for candidate in ${PYTHON:-.venv/bin/python python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11}; do
        "$candidate" -c "
import sys
sys.version_info >= (3, 11) or sys.exit(1)
$1
print(sys._base_executable)" 2>/dev/null && return
    done
    return 1
}

rust_found=
usable_rust() {
    [ -n "$rust_found" ] || { tools/toolchain.sh >/dev/null 2>&1 && rust_found=yes || rust_found=no; }
    [ "$rust_found" = yes ]
}

# missing_packages GROUP: prints the packages of the group whose test fails.
missing_packages() {
    local group package test
    while IFS='|' read -r group package test _; do
        [ "${group// /}" = "$1" ] || continue
        eval "$test" >/dev/null 2>&1 </dev/null || echo "${package// /}"
    done < <(grep -v '^ *#' "$packages_file")
}

reason_for() { awk -F' *[|] *' -v package="$1" '$2 == package { print $4 }' "$packages_file"; }

debian_root() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        grep -qE '^(ID|ID_LIKE)=.*debian' /etc/os-release 2>/dev/null
}

tell_and_stop() {
    say "this machine lacks:"
    local package
    for package in "$@"; do
        printf '    %-16s %s\n' "$package" "$(reason_for "$package")" >&2
    done
    if command -v apt-get >/dev/null; then
        say "install them and run make setup again:  sudo apt-get install $*"
    else
        say "the names are Debian's; install the same from your distribution (Rust also from rustup), then run make setup again"
    fi
    exit 1
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -qq -y -o DPkg::Lock::Timeout=600)
    if [ -n "$(dpkg --audit)" ] || [ -n "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ]; then
        say "finishing an installation that was cut off"
        dpkg --configure -a >&2
        "${apt[@]}" --fix-broken install >&2
    fi
    say "installing with apt: $*"
    # The lists may be absent, old or half downloaded: they are fetched only when they fail us.
    if "${apt[@]}" install --no-install-recommends "$@" >/dev/null 2>&1 && [ -z "$(all_missing)" ]; then
        return
    fi
    say "updating apt's lists first"
    "${apt[@]}" update >&2
    "${apt[@]}" install --no-install-recommends "$@" >&2
}

all_missing() {
    missing_packages base
    missing_packages rust
}

mapfile -t missing < <(all_missing)
if [ "${#missing[@]}" -gt 0 ]; then
    debian_root || tell_and_stop "${missing[@]}"
    install_packages "${missing[@]}"
    hash -r
    mapfile -t missing < <(all_missing)
    [ "${#missing[@]}" -eq 0 ] || tell_and_stop "${missing[@]}"
fi

toolchain=$(tools/toolchain.sh)
eval "$toolchain"
exec "$(python_with 'import ensurepip, venv')" tools/bootstrap.py
