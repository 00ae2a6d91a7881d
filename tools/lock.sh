#!/bin/sh
# Rewrites requirements/dev.txt: every package of pyproject.toml's dependencies, extras and
# `all` group, and what those need, each with one version and the hashes of its files, for every platform
# and Python that the project supports. uv resolves this; it is fetched for the occasion because
# nothing else here needs it.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check uv
export UV_CUSTOM_COMPILE_COMMAND="make lock"
"$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --all-extras --group all "$@" pyproject.toml --output-file requirements/dev.txt
