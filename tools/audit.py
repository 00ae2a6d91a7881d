"""Checks what we take from others, without a network: `python -m tools.audit`.

Rust: the licence and the source of every crate in the lock, versions that occur twice, security
advisories, and which of our crates uses which. Python: the licence of every package in the lock.
What is allowed stands in dependency-policy.toml, the advisories in advisories.toml, and what these
checks do not cover in docs/dependencies.md.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.crate_versions import Version, within
from tools.spdx import BadExpression, met_by

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")

# Content of a TOML table, or one package as cargo describes it.
Table = dict[str, Any]


@dataclass(frozen=True)
class Crates:
    """The workspace's packages, split into ours and others'."""

    own: list[Table]
    foreign: list[Table]


def output_of(*command: str) -> str:
    """What a command prints; ends the audit when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"audit: this failed, see below: {' '.join(command)}\n{done.stderr}")
    return done.stdout


def read_crates() -> Crates:
    """Asks cargo what is built on this platform; needs no network once the crates are there."""
    locked = ("--locked",) if os.environ.get("CI") else ()
    everything = ("--workspace", "--edges=normal,build,dev", "--prefix=none", "--format={p}")
    lines = output_of("cargo", "tree", *everything, *locked).splitlines()
    built = {tuple(line.split()[:2]) for line in lines if line}
    metadata = json.loads(output_of("cargo", "metadata", "--format-version=1", *locked))
    members = set(metadata["workspace_members"])
    packages = [
        package
        for package in sorted(metadata["packages"], key=lambda package: str(package["id"]))
        if (package["name"], f"v{package['version']}") in built
    ]
    return Crates(
        own=[package for package in packages if package["id"] in members],
        foreign=[package for package in packages if package["id"] not in members],
    )


def licence_findings(crates: Crates, policy: Table) -> Iterator[str]:
    """Every licence that we do not accept, or cannot read."""
    allowed = policy["licences"]["allowed"]
    for crate in crates.own + crates.foreign:
        name, licence = f"crate {crate['name']} {crate['version']}", crate["license"]
        try:
            if licence is None:
                yield f"{name} states no SPDX licence"
            elif not met_by(licence, allowed):
                yield f"{name} has licence {licence!r}, which is not accepted"
        except BadExpression as error:
            yield f"{name}: {error}"


def source_findings(crates: Crates, policy: Table) -> Iterator[str]:
    """Every crate that comes from anywhere but the registry."""
    for crate in crates.foreign:
        if crate["source"] != policy["crates"]["source"]:
            yield f"crate {crate['name']} comes from {crate['source'] or 'a path outside'}"


def duplicate_findings(crates: Crates, policy: Table) -> Iterator[str]:
    """Every crate in two versions without a reason, and every reason without such a crate."""
    versions: dict[str, list[str]] = {}
    for crate in crates.foreign:
        versions.setdefault(crate["name"], []).append(crate["version"])
    twice = {name: found for name, found in versions.items() if len(found) > 1}
    reasons = policy["crates"]["duplicates"]
    for name, found in twice.items():
        if name not in reasons:
            yield f"crate {name} is there as {' and '.join(found)}, and no reason is given"
    for name in sorted(set(reasons) - set(twice)):
        yield f"dependency-policy.toml excuses two versions of {name}, but there is one or none"


def layer_findings(crates: Crates, policy: Table) -> Iterator[str]:
    """Every use of one of our crates, or of a reserved one, that the plan does not allow."""
    rules, only = policy["crates"]["may_use"], policy["crates"]["only"]
    own = {crate["name"] for crate in crates.own}
    for crate in crates.own:
        name = crate["name"]
        if name not in rules:
            yield f"crate {name} has no line in [crates.may_use] of dependency-policy.toml"
            continue
        for used in (entry for entry in crate["dependencies"] if entry["kind"] != "dev"):
            if used["name"] in own and used["name"] not in rules[name]:
                yield f"crate {name} must not use {used['name']}"
            if name not in only.get(used["name"], [name]):
                yield f"crate {name} must not use {used['name']}, only {only[used['name']]} may"


def advisory_findings(crates: Crates, advisories: Table) -> Iterator[str]:
    """Every crate whose version an advisory does not call safe."""
    for advisory in advisories["advisory"]:
        for crate in crates.foreign:
            if crate["name"] != advisory["crate"]:
                continue
            version = Version(crate["version"])
            if not any(within(version, safe) for safe in advisory["safe"]):
                what = f"{advisory['id']}, {advisory['about']}"
                yield f"crate {crate['name']} {version.text}: {what} · safe: {advisory['safe']}"


def locked_packages() -> Iterator[tuple[str, str, bool]]:
    """Name, version and whether it is for every platform, of each package in the lock."""
    for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines():
        if match := REQUIREMENT.match(line):
            yield match.group(1), match.group(2), match.group(3) is None


def stated_licence(metadata: importlib.metadata.PackageMetadata, words: Table) -> str | None:
    """The SPDX expression of a Python package, or its words translated into one."""
    for expression in metadata.get_all("License-Expression") or []:
        return str(expression)
    stated = set((metadata.get_all("Classifier") or []) + (metadata.get_all("License") or []))
    return next((spdx for spdx, known in words.items() if stated & set(known)), None)


def package_findings(policy: Table, shipped: set[str]) -> Iterator[str]:
    """Every Python package of the lock that is not as installed, or whose licence fails."""
    rules = policy["licences"]
    pins: dict[str, set[str]] = {}
    for name, version, _ in locked_packages():
        pins.setdefault(name, set()).add(version)
    for name, version, everywhere in locked_packages():
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            if everywhere:
                yield f"package {name} of the lock is not installed · run make setup"
            continue
        licence = stated_licence(metadata, rules["translated"])
        allowed = rules["allowed"] + ([] if name in shipped else rules["allowed_tools"])
        if (found := metadata["Version"]) != version:
            if found in pins[name]:
                continue  # The lock has one version for this Python, another for later ones.
            yield f"package {name} is {found}, the lock says {version} · run make setup"
        elif licence is None:
            yield f"package {name} {version} states no licence that we know"
        elif not met_by(licence, allowed):
            yield f"package {name} {version} has licence {licence!r}, which is not accepted"


def shipped_packages(project: Table) -> set[str]:
    """Packages that a user of nf gets: its dependencies and extras, by name."""
    extras = project.get("optional-dependencies", {})
    lines = project["dependencies"] + [line for lines in extras.values() for line in lines]
    return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in lines}


def read_toml(path: str) -> Table:
    """Reads a TOML file of the repository."""
    return tomllib.loads((ROOT / path).read_text())


def main() -> int:
    """Prints every finding; returns 1 when there is one."""
    crates = read_crates()
    policy = read_toml("tools/dependency-policy.toml")
    advisories = read_toml("tools/advisories.toml")
    shipped = shipped_packages(read_toml("pyproject.toml")["project"])
    findings = [
        *licence_findings(crates, policy),
        *source_findings(crates, policy),
        *duplicate_findings(crates, policy),
        *layer_findings(crates, policy),
        *advisory_findings(crates, advisories),
        *package_findings(policy, shipped),
    ]
    names = {crate["name"] for crate in crates.foreign}
    unread = sorted(names - set(advisories["looked_up"]))
    print(
        f"audit: {len(crates.foreign)} crates and {len(list(locked_packages()))} packages,"
        f" advisories up to {advisories['newest']} of {len(names) - len(unread)} crates"
    )
    if unread:
        print(f"audit: advisories not looked up for {', '.join(unread)}")
    for finding in findings:
        print(f"audit: {finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
