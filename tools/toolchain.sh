#!/bin/sh
# Prints, for `eval`, the environment in which this workspace's Rust is built:
#     eval "$(tools/toolchain.sh)" && cargo test
# Takes the first Rust that is recent enough for rust-version in Cargo.toml: the one on PATH, then
# rustup's, then Debian's (cargo-web and rustc-web install as /usr/bin/cargo and /usr/bin/rustc).
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
wanted=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$root/Cargo.toml" | head -n 1)
if [ -z "$wanted" ]; then
    echo "toolchain.sh: $root/Cargo.toml names no rust-version · restore the line" >&2
    exit 1
fi

# version_of PROGRAM: prints "1.95.0", or nothing when the program does not run.
version_of() {
    "$1" --version 2>/dev/null | sed -n '1s/^[a-z]* \([0-9][0-9.]*\).*/\1/p'
}

# recent VERSION: succeeds when VERSION is not older than what the workspace asks for.
recent() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$wanted" "$1" | sort -V | head -n 1)" = "$wanted" ]
}

on_path=$(command -v cargo 2>/dev/null) && on_path=$(dirname "$on_path")
seen=
for directory in "$on_path" "${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin" /usr/bin; do
    if [ -z "$directory" ] || [ ! -x "$directory/cargo" ] || [ ! -x "$directory/rustc" ]; then
        continue
    fi
    version=$(version_of "$directory/rustc")
    if recent "$version" && recent "$(version_of "$directory/cargo")"; then
        echo "export PATH='$directory':\"\$PATH\""
        echo "export NF_RUST_VERSION='$version'"
        # One interpreter for every build of the binding, or cargo rebuilds it at each change.
        echo "export PYO3_PYTHON='$root/.venv/bin/python'"
        exit 0
    fi
    seen="$seen ${version:-broken} in $directory;"
done

echo "no Rust $wanted or later · found:${seen:- none} · on Debian 12 as root run \`make setup\`, elsewhere install Rust from rustup or your distribution" >&2
exit 1
