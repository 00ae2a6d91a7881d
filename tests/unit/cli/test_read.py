"""`nf read` from outside: sources, exit codes, errors, interruption."""

import gzip
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import NF

Run = Callable[..., Any]


def rows(done: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.text.splitlines()]


@pytest.fixture
def cut(captures: Path, tmp_path: Path) -> Path:
    """A capture that ends inside a record."""
    target = tmp_path / "cut.pcap"
    target.write_bytes((captures / "http.pcap").read_bytes()[:20_000])
    return target


def test_a_pipe_gets_json_lines(nf: Run, captures: Path) -> None:
    done = nf("read", captures / "http.pcap")

    assert done.code == 0
    assert done.err == ""
    assert {row["type"] for row in rows(done)} == {"session"}


def test_standard_input_gives_the_same_rows(nf: Run, captures: Path) -> None:
    file = captures / "http.pcap"

    done = nf("read", "-", stdin=file.read_bytes())

    assert done.code == 0
    assert done.out == nf("read", file).out


@pytest.mark.parametrize("name", ["format-gzip.pcap.gz", "format-zstd.pcapng.zst"])
def test_compressed_captures_are_read(nf: Run, captures: Path, name: str) -> None:
    [summary] = rows(nf("read", captures / name, "--report", "summary"))

    assert summary["packets"] == 12


def test_compressed_standard_input_is_read(nf: Run, captures: Path) -> None:
    file = captures / "http.pcap"

    done = nf("read", "-", stdin=gzip.compress(file.read_bytes()))

    assert done.out == nf("read", file).out


def test_several_files_are_read_as_one_in_the_order_of_time(
    nf: Run, captures: Path, tmp_path: Path
) -> None:
    for name in ("http.pcap", "dns.pcap"):
        shutil.copy(captures / name, tmp_path / name)
    named = nf("read", tmp_path / "http.pcap", tmp_path / "dns.pcap")
    turned = nf("read", tmp_path / "dns.pcap", tmp_path / "http.pcap")

    pattern = nf("read", tmp_path / "*.pcap")

    starts = [row["session_id"] for row in rows(named)]
    assert named.code == 0
    assert len(starts) == len(set(starts))
    assert pattern.out == turned.out
    sums = [nf("read", tmp_path / n, "--report", "summary") for n in ("http.pcap", "dns.pcap")]
    [both] = rows(nf("read", tmp_path / "*.pcap", "--report", "summary"))
    assert both["packets"] == sum(rows(one)[0]["packets"] for one in sums)


def test_a_filter_holds_for_every_row_of_every_report(nf: Run, captures: Path) -> None:
    where = ["--where", 'protocol == "http" and bytes > 1K']
    file = captures / "demo.pcap"

    sessions = rows(nf("read", file, *where))
    transactions = rows(nf("read", file, "--report", "transaction", *where))
    protocols = rows(nf("read", file, "--report", "protocol", *where))
    apps = rows(nf("read", file, "--report", "app", *where))
    hosts = rows(nf("read", file, "--report", "host", *where))

    assert sessions
    assert all(s["protocol"] == "http" and s["bytes_up"] + s["bytes_down"] > 1000 for s in sessions)
    assert transactions
    assert {t["session_id"] for t in transactions} <= {s["session_id"] for s in sessions}
    octets = sum(s["bytes_up"] + s["bytes_down"] for s in sessions)
    assert protocols[0]["bytes"] == octets
    assert sum(app["bytes"] for app in apps) == octets
    assert sum(host["bytes_sent"] for host in hosts) == octets


def test_a_filter_on_transactions_selects_their_sessions(nf: Run, captures: Path) -> None:
    file = captures / "http.pcap"
    where = ["--where", "http.status == 404"]

    transactions = rows(nf("read", file, "--report", "transaction", *where))
    sessions = rows(nf("read", file, *where))

    assert [t["http"]["status"] for t in transactions] == [404]
    assert [s["session_id"] for s in sessions] == [transactions[0]["session_id"]]


def test_a_packet_filter_is_accounted_for(nf: Run, captures: Path) -> None:
    done = nf("read", captures / "demo.pcap", "--bpf", "udp port 53", "--report", "summary")

    [summary] = rows(done)
    assert summary["filtered"] > 0
    assert summary["packets"] == summary["filtered"] + summary["processed"]


def test_events_have_the_attributes_that_were_asked_for(nf: Run, captures: Path) -> None:
    events = ["--event", "http.method", "--attributes", "http.uri,ip.src", "--event", "http.status"]

    done = nf("read", captures / "http.pcap", *events)

    methods = [row for row in rows(done) if row["event"] == "http.method"]
    statuses = [row for row in rows(done) if row["event"] == "http.status"]
    assert list(methods[0]) == ["type", "ts", "session_id", "event", "http.uri", "ip.src"]
    assert methods[0]["http.uri"].startswith("/")
    assert {row["http.status"] for row in statuses} >= {200, 404, 500}


def test_the_output_option_chooses_the_format_by_the_suffix(
    nf: Run, captures: Path, tmp_path: Path
) -> None:
    file = captures / "http.pcap"

    done = nf("read", file, "--output", tmp_path / "rows.csv")

    assert (done.code, done.out) == (0, b"")
    assert (tmp_path / "rows.csv").read_bytes() == nf("read", file, "-o", "csv").out


def test_a_root_is_read_from_its_offset(nf: Run, captures: Path) -> None:
    # Every packet of this one is Ethernet and IPv4 without options, so IP begins 14 octets in.
    done = nf("read", captures / "http-keepalive.pcap", "--root", "ip@14")

    assert {row["path"].split(".")[0] for row in rows(done)} == {"ip"}


def test_a_file_of_applications_extends_the_built_in_ones(
    nf: Run, captures: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text("[laboratory]\ncategory = web\nsuffixes = example.com\n")

    done = nf("read", captures / "http.pcap", "--apps", ours, "--where", 'app == "laboratory"')

    assert {row["category"] for row in rows(done)} == {"web"}


def test_a_disabled_protocol_is_not_seen(nf: Run, captures: Path) -> None:
    done = nf("read", captures / "http.pcap", "--disable", "http", "--report", "transaction")

    assert (done.code, done.out) == (0, b"")


@pytest.mark.parametrize("threads", ["1", "2"])
def test_counters_go_to_standard_error(nf: Run, captures: Path, threads: str) -> None:
    file = captures / "malformed.pcap"

    text = nf("read", file, "--stats", "--threads", threads)
    counted = nf("read", "--stats=json", file, "--threads", threads)

    stats = json.loads(counted.err)
    assert text.out == counted.out == nf("read", file).out
    assert f"{stats['account']['packets']:>17,}  packets, of which" in text.err.splitlines()
    assert len(stats["workers"]) == int(threads)
    assert sum(stats["decode_errors"].values()) == stats["account"]["decode_errors"] > 0
    assert stats["complete"] is True


def test_a_capture_that_ends_early_gives_its_rows_and_code_4(nf: Run, cut: Path) -> None:
    done = nf("read", cut)

    assert done.code == 4
    assert rows(done)
    assert f"{cut} ends early at byte" in done.err
    assert "\n  try: " in done.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope.pcap"], 1, "no such file or directory\n  at: nope.pcap\n  try: "),
        (["*.nope"], 1, "no file matches the pattern\n  at: *.nope\n  try: "),
        (["@root"], 1, "is a directory"),
        (["@root/Makefile"], 1, "not a capture"),
        (["@http", "--where", "bytess > 1"], 7, "  bytess > 1\n  ^^^^^^ there is no field"),
        (["@http", "--where", "bytes > "], 7, "  at: --where\n  try: "),
        (["@http", "--fields", "src_ip,srcip"], 7, "  at: --fields\n  try: src_ip or src_port"),
        (["@http", "--fields", "dst", "--report", "host"], 7, "a host has no field"),
        (["@http", "--fields", "x", "--report", "summary"], 7, "a summary has no field"),
        (["@http", "--event", "http.metod"], 7, "  at: --event\n  try: http.method"),
        (["@http", "--event", "http.method", "--attributes", "ip.scr"], 7, "try: ip.src"),
        (["@http", "--report", "event"], 7, "no event to report"),
        (["@http", "--event", "ip.src", "--report", "app"], 7, "--report event only"),
        (["@http", "--disable", "htpp"], 7, 'no protocol "htpp"\n  at: --disable\n  try: http'),
        (["@http", "--root", "etherne"], 7, "  at: --root\n  try: ethernet"),
        (["@http", "--bpf", "tcpp"], 7, "syntax error\n  at: filter 'tcpp'\n  try: "),
        (["@http", "--timeout", "short=-3"], 7, "  at: --timeout\n  try: 0.1 to"),
        (["@http", "--apps", "/nowhere"], 7, "cannot be read"),
        (["@http", "--output", "/nowhere/x.csv"], 1, "at: /nowhere/x.csv\n  try: "),
        (["@http", "--output", "/dev/full"], 1, "no space left on device\n  at: /dev/full"),
        (["-", "-"], 7, "standard input can be read only once"),
        ([], 2, "FILE"),
        (["@http", "--report", "sesion"], 2, "invalid choice"),
        (["@http", "--threads", "many"], 2, "is no number"),
        (["@http", "--classify-packets", "256"], 2, "not within 1 to 255"),
        (["@http", "--timeout", "shortt=3"], 2, "none of default, short"),
        (["@http", "--timeout", "short=x"], 2, "not CLASS=SECONDS"),
        (["@http", "--root", "ip@x"], 2, "not PROTOCOL or PROTOCOL@OFFSET"),
        (["@http", "--fields", "src_ip,src_ip"], 2, "named twice"),
        (["@http", "--fields", "src_ip,"], 2, "a name is empty"),
        (["@http", "--attributes", "ip.src"], 2, "before any --event"),
    ],
)
def test_every_mistake_has_its_code_and_says_what_where_and_what_to_try(
    nf: Run, root: Path, words: list[str], code: int, message: str
) -> None:
    places = {"@root": str(root), "@http": str(root / "tests" / "captures" / "http.pcap")}
    line = [
        next((word.replace(k, v) for k, v in places.items() if word.startswith(k)), word)
        for word in words
    ]

    done = nf("read", *line)

    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == b""


def test_a_traceback_is_shown_with_debug_only(nf: Run, captures: Path) -> None:
    wrong = ["read", captures / "http.pcap", "--where", "nonsense"]

    assert "Traceback" not in nf(*wrong).err
    assert "Traceback" in nf(*wrong, "--debug").err
    assert "Traceback" in nf("--debug", *wrong).err


def test_nothing_is_written_when_the_command_is_wrong(
    nf: Run, captures: Path, tmp_path: Path
) -> None:
    target = tmp_path / "rows.csv"
    target.write_text("older\n")

    done = nf("read", captures / "http.pcap", "--fields", "nonsense", "--output", target)

    assert done.code == 7
    assert target.read_text() == "older\n"


def test_a_missing_library_is_named_with_its_extra(nf: Run, captures: Path, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('not here')\n")
    words = ["read", captures / "http.pcap", "-o", "parquet", "--output", tmp_path / "x"]

    done = nf(*words, PYTHONPATH=str(tmp_path))

    assert done.code == 1
    assert "pip install 'nf-probe[arrow]'" in done.err
    assert not (tmp_path / "x").exists()


def test_a_reader_that_leaves_ends_it_quietly(captures: Path) -> None:
    files = [captures / "http.pcap"] * 200
    words = [NF, "read", *files, "--report", "transaction"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()

        assert process.wait(60) == 0
        assert process.stderr.read() == b""


def grow(target: Path, source: Path, octets: int) -> None:
    with target.open("ab") as file:
        file.write(source.read_bytes()[:octets])


def read_line(process: "subprocess.Popen[bytes]", seconds: float = 60) -> bytes:
    """A line of the process's output; fails when none comes."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "nothing was printed"
    return process.stdout.readline()


@pytest.mark.parametrize("threads", ["0", "1", "2"])
def test_ctrl_c_prints_what_is_there(nf: Run, captures: Path, tmp_path: Path, threads: str) -> None:
    growing = tmp_path / "growing.pcap"
    shutil.copy(captures / "http.pcap", growing)
    events = ["--event", "http.method", "--attributes", "http.uri"]
    words = [NF, "read", "--follow", growing, "--threads", threads]
    with subprocess.Popen([*words, *events], stdout=subprocess.PIPE, bufsize=0) as process:
        first = read_line(process)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)

    assert json.loads(first)["http.uri"].startswith("/")
    assert process.returncode == 130
    assert first + rest == nf("read", growing, *events).out


def test_following_a_file_gives_rows_as_it_grows(nf: Run, captures: Path, tmp_path: Path) -> None:
    whole = captures / "http.pcap"
    expected = nf("read", whole, "--event", "http.method").out.splitlines(keepends=True)
    growing = tmp_path / "growing.pcap"
    grow(growing, whole, 5_000)
    words = [NF, "read", "--follow", growing, "--event", "http.method"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as process:
        first = read_line(process)
        with growing.open("ab") as file:
            file.write(whole.read_bytes()[5_000:])
        lines = [first]
        while len(lines) < len(expected):
            lines.append(read_line(process))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert lines == expected
    assert rest == b""


def on_terminal(*words: str | Path, columns: int = 100, **variables: str) -> tuple[int, str]:
    """Runs the command with standard output and error on a terminal of that width."""
    ours, its = os.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM"}}
    environment |= {"COLUMNS": str(columns), "TERM": "xterm", "LC_ALL": "C.UTF-8"} | variables
    process = subprocess.Popen(
        [NF, *map(str, words)], stdin=its, stdout=its, stderr=its, env=environment
    )
    os.close(its)
    parts = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            parts.append(os.read(ours, 65_536))
        except OSError:  # The terminal is gone: everything has been read.
            break
    os.close(ours)
    return process.wait(60), b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 100, 160])
def test_a_terminal_gets_a_table_that_fits(captures: Path, columns: int) -> None:
    code, text = on_terminal("read", captures / "demo.pcap", columns=columns, NO_COLOR="1")

    lines = text.splitlines()
    assert code == 0
    assert "initiator" in lines[0]
    assert len(lines) > 50
    assert max(map(len, lines)) <= max(columns, 64)
    assert "\x1b" not in text


def test_colours_are_for_terminals_only_and_can_be_declined(nf: Run, captures: Path) -> None:
    words = ["read", captures / "demo.pcap", "-o", "table"]

    assert "\x1b[1m" in on_terminal(*words)[1]
    assert "\x1b" not in on_terminal(*words, NO_COLOR="1")[1]
    assert "\x1b" not in on_terminal(*words, TERM="dumb")[1]
    assert "\x1b" not in nf(*words).text


def test_binary_formats_stay_off_terminals(captures: Path) -> None:
    code, text = on_terminal("read", captures / "http.pcap", "-o", "parquet")

    assert code == 7
    assert "--output PATH" in text


def test_the_summary_is_a_picture_of_one_screen(nf: Run, captures: Path) -> None:
    words = ["read", captures / "demo.pcap", "--report", "summary", "-o", "table"]

    done = nf(*words, COLUMNS="100", LINES="40")

    lines = done.text.splitlines()
    assert done.code == 0
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert lines[0].endswith("demo.pcap")
    for word in ("packets/s", "Protocols", "Applications", "Hosts", "ethernet", "100.0 %", "█"):
        assert word in done.text


def test_the_summary_of_nothing_is_a_picture_too(nf: Run, captures: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes((captures / "http.pcap").read_bytes()[:24])

    done = nf("read", empty, "--report", "summary", "-o", "table")

    assert done.code == 0
    assert "0 packets · 0 B · 0 sessions" in done.text


def test_the_summary_tells_what_was_malformed(nf: Run, captures: Path) -> None:
    words = ["read", captures / "malformed.pcap", "--report", "summary", "-o", "table"]

    done = nf(*words)

    assert "packets not understood" in done.text
    assert "packets cut short when recorded" in done.text
