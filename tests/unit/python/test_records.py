"""Records and the engine's tables agree, and the package's face is what it says."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

import nf
from nf._native import engine as _engine
from nf.datapath.config import EngineConfig
from nf.reading import Reading

PYTHON_TYPES = {
    "text": str,
    "ip": str,
    "time": float,
    "u8": int,
    "u16": int,
    "u32": int,
    "u64": int,
    "bool": bool,
}
KINDS = {
    "session": nf.Session,
    "protocol": nf.ProtocolTraffic,
    "app": nf.AppTraffic,
    "host": nf.HostTraffic,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_has_the_columns_of_its_kind_with_their_types(captures: Path, kind: str) -> None:
    reading: Reading[object] = Reading(EngineConfig(files=(str(captures / "arp.pcap"),)))

    columns = reading.empty(kind).columns()

    hints = get_type_hints(KINDS[kind])
    assert [field.name for field in fields(KINDS[kind])] == [name for name, _ in columns]
    for name, kind_of_value in columns:
        expected = PYTHON_TYPES[kind_of_value]
        assert hints[name] in (expected, expected | None), name


@pytest.mark.parametrize(
    "record", [*KINDS.values(), nf.Summary, nf.Stats, nf.Transaction, nf.Event]
)
def test_every_field_of_a_record_is_documented(record: type) -> None:
    own = set(record.__annotations__)
    documented = {
        line.split(":")[0].strip() for line in (record.__doc__ or "").splitlines() if ": " in line
    }

    assert own <= documented


def test_session_fields_begin_with_those_of_the_record() -> None:
    names = [field.name for field in nf.session_fields()]

    assert names[: len(fields(nf.Session))] == [field.name for field in fields(nf.Session)]
    assert all(field.doc for field in nf.session_fields())


def test_protocols_are_told_with_their_attributes() -> None:
    protocols = {protocol.name: protocol for protocol in nf.protocols()}

    http = protocols["http"]
    status = next(a for a in http.attributes if a.name == "status" and a.source == "transaction")
    assert http.parser
    assert http.anomalies
    assert status.type == "u16"
    assert status.doc
    assert len(protocols) == len(nf.protocols())


def test_every_attribute_of_every_protocol_is_documented() -> None:
    bare = [
        f"{protocol.name}.{attribute.name}"
        for protocol in nf.protocols()
        for attribute in protocol.attributes
        if not attribute.doc.strip()
    ]

    assert bare == []


def test_applications_can_be_extended(tmp_path: Path) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text("[laboratory]\ncategory = web\nsuffixes = lab.example\n")

    known = {app.name for app in nf.applications()}
    extended = {app.name: app for app in nf.applications([ours])}

    assert set(extended) - known == {"laboratory"}
    assert extended["laboratory"].suffixes == ("lab.example",)


@pytest.mark.parametrize(
    ("content", "what"), [(b"\xff\xfe", "not UTF-8"), (None, "cannot be read")]
)
def test_a_file_of_applications_that_is_none_is_refused(
    tmp_path: Path, content: bytes | None, what: str
) -> None:
    ours = tmp_path / "ours.conf"
    if content is not None:
        ours.write_bytes(content)

    with pytest.raises(nf.ConfigurationError, match=what) as caught:
        nf.applications([ours])

    assert caught.value.place.startswith(str(ours))


def test_every_word_of_a_filter_can_be_used_in_one() -> None:
    for word in nf.filter_words():
        nf.check_filter(word.name)


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, nf; print(*(m for m in sys.modules if m.startswith('nf.')))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_every_public_name_is_reachable_and_listed() -> None:
    assert sorted(nf.__all__) == dir(nf)
    assert all(getattr(nf, name) is not None for name in nf.__all__)
    assert nf.__version__ == _engine.version()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = nf.nonsense  # type: ignore[attr-defined]


def test_errors_are_one_tree_and_say_three_things() -> None:
    error = nf.CaptureError("what", "where", "try this")

    assert isinstance(error, nf.NfError)
    assert str(error) == "what\n  at: where\n  try: try this"
    assert issubclass(nf.ConfigurationError, nf.NfError)
    assert issubclass(nf.EngineError, nf.NfError)
    assert issubclass(nf.OutputUnavailable, nf.NfError)
