"""The table says of the model what the model says of itself, and leaves no option out."""

import re
from pathlib import Path
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt.effects import schema_path
from nf.mgmt.legacy.codecs import OMIT, Flag, Number
from nf.mgmt.legacy.documenting import table
from nf.mgmt.legacy.importing import PROBE
from nf.mgmt.legacy.mapping import NAMES, ROWS, TITLED, Option, Row
from nf.mgmt.legacy.overriding import LISTED, overridable
from nf.mgmt.legacy.vocabulary import Vocabulary

ROOT = Path(__file__).parents[4]

# Sections and options as MMT-Probe's documentation lists them.
DOCUMENTED = """
probe-id stack-type stack-offset stats-period license enable-proto-without-session-report
enable-ip-fragmentation-report enable-ip-defragmentation enable-tcp-reassembly
enable-report-version-info thread-nb thread-queue logfile loglevel
input: mode source snap-len buffer-size timeout dpdk-option pcap-filter
output: format cache-max cache-period
file-output: enable output-file output-dir sample-file retain-files
redis-output: enable hostname port channel
kafka-output: enable hostname port topic
mqtt-output: enable address topic retain
mongodb-output: enable hostname port database collection limit-size
socket-output: enable type descriptor hostname port
dynamic-config: enable descriptor
dump-pcap: enable output-dir protocols period retain-files snap-len
security: enable thread-nb exclude-rules rules-mask output-channel report-rule-description
security: ignore-remain-flow ip-encapsulation-index input.max-message-size
security: security.max-instances security.smp.ring-size
system-report: enable period output-channel
behaviour: enable output-dir output-file retain-files
reconstruct-data.ftp: enable output-dir output-channel
reconstruct-data.http: enable output-dir output-channel
data-output: include-user-agent
micro-flows: enable packet-threshold byte-threshold report-packet-count report-byte-count
micro-flows: report-flow-count output-channel
radius-report: enable message-id output-channel
session-timeout: default-session-timeout short-session-timeout long-session-timeout
session-timeout: live-session-timeout
session-report: enable ftp http rtp ssl gtp rtt-base output-channel
event-report: enable event attributes output-format delta-cond output-channel
query-report: enable ms-period select where group-by output-channel
"""


def documented() -> set[str]:
    names: set[str] = set()
    for line in DOCUMENTED.strip().splitlines():
        section, colon, inner = line.partition(":")
        words = inner.split() if colon else line.split()
        names |= {f"{section}.{word}" if colon else word for word in words}
    return names


def schema_of(row: Row, path: str) -> str:
    above = TITLED.get(row.section)
    return schema_path(f"/{PROBE}/{above}/{path}" if above else f"/{PROBE}/{path}")


def in_data(context: Context) -> dict[str, dict[str, Any]]:
    """Every node by its path in data, where choices and cases are no steps."""
    paths: dict[str, str] = {}
    found = {}
    for node in context.nodes():
        path = schema_path(node["path"])
        above, _, step = path.rpartition("/")
        hidden = node["kind"] in ("choice", "case")
        paths[path] = paths.get(above, above) + ("" if hidden else f"/{step}")
        if not hidden:
            found[paths[path]] = node
    return found


@pytest.fixture(scope="module")
def nodes(whole_context: Context) -> dict[str, dict[str, Any]]:
    return in_data(whole_context)


def rows_with_nodes() -> list[tuple[Row, int]]:
    return [(row, at) for row in ROWS for at in range(len(row.paths))]


def test_every_option_that_mmt_documents_is_in_the_table_once() -> None:
    names = [option.name for row in ROWS for option in row.options]

    assert set(names) == documented()
    assert len(names) == len(set(names))


def test_an_option_is_mapped_or_has_something_to_use_instead() -> None:
    assert all(row.paths or row.instead for row in ROWS)
    assert all((row.codec is None) == (not row.paths) for row in ROWS)


@pytest.mark.parametrize(
    ("row", "at"), rows_with_nodes(), ids=lambda one: getattr(one, "section", str(one))
)
def test_a_path_is_one_of_the_model(row: Row, at: int, nodes: dict[str, dict[str, Any]]) -> None:
    node = nodes[schema_of(row, row.paths[at])]

    assert node["config"]
    if isinstance(row.codec, Flag) and at == 0:
        assert node["type"] == "boolean"


@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row.codec, Number)])
def test_a_number_has_the_range_of_its_leaf(row: Row, nodes: dict[str, dict[str, Any]]) -> None:
    codec = row.codec
    assert isinstance(codec, Number)
    natural = {"uint8": 2**8 - 1, "uint16": 2**16 - 1, "uint32": 2**32 - 1}
    lows, highs = [], []
    for path in row.paths:
        node = nodes[schema_of(row, path)]
        low, high = 0, natural[node["type"]]
        if node["range"]:
            ends = re.findall(r"\d+|max|min", str(node["range"]))
            low = 0 if ends[0] == "min" else int(ends[0])
            high = high if ends[-1] == "max" else int(ends[-1])
        lows.append(low)
        highs.append(high)

    # The type of ports has 0, which no server listens at.
    least = 1 if row.paths[0].endswith("/port") else max(lows)
    assert (codec.low, codec.high) == (least, min(highs))


def test_a_row_needs_the_features_that_the_model_asks_for(
    whole_context: Context, context: Context, everything: Vocabulary
) -> None:
    whole, built = in_data(whole_context), in_data(context)
    here = Vocabulary.here()

    for row in ROWS:
        for path in row.paths:
            node = schema_of(row, path)
            assert node in whole
            assert (node in built) == (here.lacks(row.feature) is None), (path, row.feature)
        assert not row.feature or row.feature in everything.features


def test_defaults_that_differ_from_mmts_are_the_models(nodes: dict[str, dict[str, Any]]) -> None:
    for row in ROWS:
        for path, ours in zip(row.paths, row.ours, strict=bool(row.ours)):
            default = nodes[schema_of(row, path)]["default"]
            said = (
                None if ours is OMIT else str(ours).lower() if isinstance(ours, bool) else str(ours)
            )
            assert said in (default, default or ""), (path, said, default)


def test_flags_whose_default_differs_from_mmts_are_stated(nodes: dict[str, dict[str, Any]]) -> None:
    for row in ROWS:
        if isinstance(row.codec, Flag) and row.options[0].default != "-":
            default = nodes[schema_of(row, row.paths[0])]["default"]
            if default != row.options[0].default:
                assert row.implied, row.options[0].name


def test_the_list_of_options_that_can_be_overridden_is_mmts() -> None:
    assert len(LISTED) == 82
    assert {kind for _, kind in LISTED} == {"boolean", "uint16_t", "uint32_t", "string"}
    assert all(overridable(NAMES.aliases.get(name, name)) for name, _ in LISTED)


def test_every_other_spelling_means_an_option_or_a_section() -> None:
    sections = {name.partition(".")[0] for name in NAMES.options}

    assert all(one in NAMES.options or one in sections for one in NAMES.aliases.values())
    assert not set(NAMES.aliases) & set(NAMES.options)


def test_an_option_knows_its_section() -> None:
    option = Option("reconstruct-data.http.output-dir", "str")

    assert (option.section, option.within) == ("reconstruct-data.http", "output-dir")
    assert Option("security.security.smp.ring-size", "int").within == "security.smp.ring-size"


def test_the_manual_has_the_table_as_it_is() -> None:
    text = (ROOT / "docs" / "mmt.md").read_text(encoding="utf-8")

    assert table() in text, "write it anew: python -m nf.mgmt.legacy.documenting docs/mmt.md"
