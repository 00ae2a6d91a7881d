from typing import Any

from tools import audit

REGISTRY = "registry"
POLICY: dict[str, Any] = {
    "licences": {"allowed": ["MIT"]},
    "crates": {
        "source": REGISTRY,
        "duplicates": {},
        "may_use": {"nf-low": [], "nf-high": ["nf-low"]},
        "only": {"pyo3": ["nf-high"]},
    },
}


def crate(name: str, version: str = "1.0.0", **other: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "license": "MIT",
        "source": REGISTRY,
        "dependencies": [],
    } | other


def uses(*names: str, kind: str | None = None) -> list[dict[str, Any]]:
    return [{"name": name, "kind": kind} for name in names]


def test_crate_without_an_accepted_licence_is_found() -> None:
    crates = audit.Crates(
        [], [crate("a"), crate("b", license="GPL-3.0-only"), crate("c", license=None)]
    )

    found = list(audit.licence_findings(crates, POLICY))

    assert [line.split()[1] for line in found] == ["b", "c"]


def test_crate_from_elsewhere_than_the_registry_is_found() -> None:
    crates = audit.Crates([], [crate("a"), crate("b", source="git+https://example.org/b")])

    assert len(list(audit.source_findings(crates, POLICY))) == 1


def test_second_version_of_a_crate_needs_a_reason() -> None:
    crates = audit.Crates([], [crate("a", "1.0.0"), crate("a", "2.0.0")])
    excused = POLICY | {"crates": POLICY["crates"] | {"duplicates": {"a": "why"}}}

    assert len(list(audit.duplicate_findings(crates, POLICY))) == 1
    assert list(audit.duplicate_findings(crates, excused)) == []


def test_reason_for_a_duplicate_that_is_gone_is_found() -> None:
    excused = POLICY | {"crates": POLICY["crates"] | {"duplicates": {"a": "why"}}}

    assert len(list(audit.duplicate_findings(audit.Crates([], [crate("a")]), excused))) == 1


def test_crate_that_uses_one_above_it_is_found() -> None:
    own = [crate("nf-low", dependencies=uses("nf-high", "pyo3")), crate("nf-high")]

    found = list(audit.layer_findings(audit.Crates(own, []), POLICY))

    assert len(found) == 2
    assert "nf-low must not use nf-high" in found[0]
    assert "nf-low must not use pyo3" in found[1]


def test_crate_below_and_test_dependencies_may_be_used() -> None:
    own = [
        crate("nf-low", dependencies=uses("nf-high", kind="dev")),
        crate("nf-high", dependencies=uses("nf-low", "pyo3")),
    ]

    assert list(audit.layer_findings(audit.Crates(own, []), POLICY)) == []


def test_crate_without_a_layer_is_found() -> None:
    assert len(list(audit.layer_findings(audit.Crates([crate("nf-new")], []), POLICY))) == 1


def test_version_that_no_advisory_range_calls_safe_is_found() -> None:
    advisory = {"id": "X-1", "crate": "a", "safe": [">=1.2.0", "<0.5.0"], "about": "reads too far"}
    advisories = {"advisory": [advisory]}

    def found(version: str) -> list[str]:
        crates = audit.Crates([], [crate("a", version)])
        return list(audit.advisory_findings(crates, advisories))

    assert len(found("1.1.9")) == 1
    assert found("1.2.0") == []
    assert found("0.4.9") == []


def test_lock_is_read_with_its_platforms() -> None:
    locked = {name: everywhere for name, _, everywhere in audit.locked_packages()}

    assert locked["pytest"] is True
    assert locked["colorama"] is False
