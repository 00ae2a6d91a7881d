"""Every format of every report is valid and holds the same rows."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nf.cli import main

CAPTURES = ["demo.pcap", "gtp-u.pcap", "malformed.pcap", "arp.pcap"]
REPORTS = ["session", "transaction", "event", "protocol", "app", "host", "summary"]
EVENT = ["--event", "dns.qname", "--attributes", "dns.qname,ip.src,dns.answers"]


def write(folder: Path, captures: Path, capture: str, report: str, form: str) -> Path:
    target = folder / f"rows.{form}"
    words = ["read", str(captures / capture), "--report", report, "--output", str(target)]
    assert main([*words, *(EVENT if report == "event" else [])]) == 0
    return target


def cell(value: Any) -> str:
    """A value of JSON as CSV has it; numbers are kept as they were written."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return str(value)


def lines_of(path: Path) -> list[dict[str, str]]:
    """Rows of JSON Lines, with the columns of CSV: a transaction is one text, not one key."""
    rows = []
    for line in path.read_text().splitlines():
        row = json.loads(line, parse_float=str, parse_int=str)
        if row.get("type") == "transaction":
            row["transaction_protocol"], row["transaction"] = row.popitem()
        rows.append({name: cell(value) for name, value in row.items()})
    return rows


def as_json(text: str) -> str:
    """Lists and records are JSON text in CSV and Arrow: in one spelling."""
    if text[:1] not in ("{", "["):
        return text
    return cell(json.loads(text, parse_float=str, parse_int=str))


def cells_of(path: Path) -> list[dict[str, str]]:
    text = io.StringIO(path.read_bytes().decode(), newline="")
    return [{k: as_json(v) for k, v in row.items()} for row in csv.DictReader(text, strict=True)]


def arrow_cell(value: Any, kind: pa.DataType) -> str:
    if value is not None and pa.types.is_timestamp(kind):
        return f"{value // 10**9}.{value % 10**9:09d}"
    return as_json(cell(value))


def table_of(table: pa.Table) -> list[dict[str, str]]:
    columns = {}
    for name, kind in zip(table.schema.names, table.schema.types, strict=True):
        column = table[name]
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.int64())
        columns[name] = [arrow_cell(value, kind) for value in column.to_pylist()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("capture", CAPTURES)
def test_all_formats_hold_the_same_rows(
    captures: Path, tmp_path: Path, capture: str, report: str
) -> None:
    files = {f: write(tmp_path, captures, capture, report, f) for f in FORMATS}

    rows = lines_of(files["jsonl"])
    with pa.OSFile(str(files["arrow"])) as stream, pa.ipc.open_stream(stream) as reader:
        arrow = table_of(reader.read_all())

    wide = [{name: row.get(name, "") for name in cells_of_header(files["csv"])} for row in rows]
    assert cells_of(files["csv"]) == wide
    assert arrow == wide
    assert table_of(pq.read_table(files["parquet"])) == wide


FORMATS = ["jsonl", "csv", "arrow", "parquet"]


def cells_of_header(path: Path) -> list[str]:
    return path.read_bytes().split(b"\r\n")[0].decode().split(",")


@pytest.mark.parametrize("report", REPORTS[:-1])
def test_a_table_has_a_heading_and_a_line_per_row(
    captures: Path, tmp_path: Path, report: str
) -> None:
    rows = lines_of(write(tmp_path, captures, "demo.pcap", report, "jsonl"))
    target = tmp_path / "table"
    words = ["read", str(captures / "demo.pcap"), "--report", report, "-o", "table"]

    assert main([*words, "--output", str(target), *(EVENT if report == "event" else [])]) == 0

    assert rows
    assert len(target.read_text().splitlines()) == 1 + len(rows)


def test_demo_has_rows_of_every_report(captures: Path, tmp_path: Path) -> None:
    for report in REPORTS:
        assert lines_of(write(tmp_path, captures, "demo.pcap", report, "jsonl")), report


@pytest.mark.parametrize("form", FORMATS)
def test_fields_are_those_asked_for_in_their_order(
    captures: Path, tmp_path: Path, form: str
) -> None:
    target = tmp_path / f"rows.{form}"
    fields = ["dns.qname", "ts", "src_ip", "transaction_protocol", "http.status"]
    words = ["read", str(captures / "demo.pcap"), "--report", "transaction"]

    assert main([*words, "--fields", ",".join(fields), "--output", str(target)]) == 0

    if form == "jsonl":
        rows = [json.loads(line) for line in target.read_text().splitlines()]
        assert all(list(row) == fields for row in rows)
        assert {row["http.status"] for row in rows if row["transaction_protocol"] == "dns"} == {
            None
        }
        assert any(row["dns.qname"] for row in rows)
    elif form == "csv":
        assert cells_of_header(target) == fields
    elif form == "arrow":
        with pa.OSFile(str(target)) as stream, pa.ipc.open_stream(stream) as reader:
            assert reader.schema.names == fields
    else:
        assert pq.read_schema(target).names == fields


@pytest.mark.parametrize("report", ["session", "transaction", "protocol", "host"])
def test_no_rows_still_make_a_valid_file(captures: Path, tmp_path: Path, report: str) -> None:
    nothing = ["--report", report, "--where", "bytes > 1T"]
    words = ["read", str(captures / "demo.pcap"), *nothing, "--output"]

    for form in FORMATS:
        assert main([*words, str(tmp_path / f"rows.{form}")]) == 0

    assert (tmp_path / "rows.jsonl").read_bytes() == b""
    assert cells_of(tmp_path / "rows.csv") == []
    assert cells_of_header(tmp_path / "rows.csv") == pq.read_schema(tmp_path / "rows.parquet").names
    with pa.OSFile(str(tmp_path / "rows.arrow")) as s, pa.ipc.open_stream(s) as reader:
        assert reader.read_all().num_rows == 0


def test_summary_has_exactly_the_terms_of_the_account(captures: Path, tmp_path: Path) -> None:
    [line] = lines_of(write(tmp_path, captures, "demo.pcap", "summary", "jsonl"))

    n = {name: int(value) for name, value in line.items()}
    parts = ["kernel_drops", "dispatch_drops", "filtered", "light_only", "decode_errors"]
    assert list(n) == [
        *("packets", "bytes", "sessions", "non_session", "truncated"),
        *parts,
        *("processed", "in_sessions"),
    ]
    assert n["packets"] == sum(n[part] for part in parts) + n["processed"] > 0
    assert n["processed"] == n["in_sessions"] + n["non_session"]
