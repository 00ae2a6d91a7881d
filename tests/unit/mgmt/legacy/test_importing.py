"""What becomes of each option, alone and in a whole file."""
# ruff: noqa: E501, Q000, Q003 - a case is one line

import json
from pathlib import Path
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt.legacy.checking import check
from nf.mgmt.legacy.exporting import export_data
from nf.mgmt.legacy.findings import Finding
from nf.mgmt.legacy.importing import Imported, import_text
from nf.mgmt.legacy.mapping import ROWS, TITLED
from nf.mgmt.legacy.overriding import override_of
from nf.mgmt.legacy.vocabulary import Vocabulary

SHIPPED = (Path(__file__).parent / "shipped.conf").read_bytes()


def imported(text: str | bytes, vocabulary: Vocabulary, **options: Any) -> Imported:
    data = text if isinstance(text, bytes) else text.encode()
    return import_text(data, "f.conf", vocabulary, folder="/opt/mmt", **options)


def told(made: Imported, option: str) -> list[Finding]:
    return [one for one in made.findings if one.option == option]


def at(made: Imported, path: str) -> Any:
    found: Any = made.data["nf-probe:probe"]
    for step in path.split("/"):
        found = found[step]
    return found


def errors(text: str, vocabulary: Vocabulary, context: Context) -> list[str]:
    made = imported(text, vocabulary)
    assert check(context, made, compiled=False) is None
    return [f"{one.place} {one.option}: {one.what}" for one in made.errors]


def test_the_delivered_file_is_taken_over_whole_where_every_feature_is_on(
    everything: Vocabulary, whole_context: Context
) -> None:
    made = imported(SHIPPED, everything)

    assert check(whole_context, made, compiled=False) is not None
    dropped = {one.option for one in made.findings if one.kind == "dropped"}
    assert dropped == {"license", "logfile", "loglevel", "data-output.include-user-agent"}


def test_the_delivered_file_can_be_used_by_this_build(here: Vocabulary, context: Context) -> None:
    made = imported(SHIPPED, here)

    assert check(context, made) is not None
    assert at(made, "nf-capture:capture/interface") == [{"name": "enp0s3"}]


def test_every_option_of_the_file_has_a_finding_at_its_line(here: Vocabulary) -> None:
    made = imported(SHIPPED, here)

    lines = SHIPPED.decode().splitlines()
    stated = {option.name for row in ROWS for option in row.options}
    for one in made.findings:
        if one.place.line:
            name = one.option.rpartition(" ")[2].rpartition(".")[2].split("/")[-1]
            assert name in lines[one.place.line - 1] or one.kind == "implied", one
    named = {one.option for one in made.findings}
    for name in stated:
        section, _, inner = name.partition(".")
        assert name in named or (
            section in TITLED and any(one.endswith(f".{inner}") for one in named)
        ), name


def single(option: str, shipped: str, default: str, kind: str) -> str:
    value = shipped or default
    if value == "-":
        value = {"str": '"/x/y"', "int": "3"}[kind]
    section, _, name = option.partition(".")
    if option.startswith("reconstruct-data."):
        _, title, name = option.split(".")
        return f"reconstruct-data {title} {{ {name} = {value} }}"
    if section in TITLED:
        need = 'event = "ip.src"' if section == "event-report" else "select = {count(ip.src)}"
        need = need.replace("count(ip.src)", '"count(ip.src)"')
        value = {
            "event": '"ip.src"', "output-format": '"a ip.src"', "select": '{"sum(ip.src)"}',
        }.get(name, value if value != "{}" or name == "output-channel" else '{"ip.dst"}')  # fmt: skip
        return f"{section} a {{ {need} {name} = {value} }}"
    return f"{section} {{ {name} = {value} }}" if name else f"{option} = {value}"


OPTIONS = [(option, row) for row in ROWS for option in row.options]


@pytest.mark.parametrize(("option", "row"), OPTIONS, ids=lambda one: getattr(one, "name", "row"))
def test_each_option_alone_is_imported_validated_and_read_back(
    option: Any, row: Any, everything: Vocabulary, whole_context: Context
) -> None:
    text = single(option.name, option.shipped, option.default, option.type)
    if option.name == "enable-tcp-reassembly":
        text += "\nenable-ip-defragmentation = true"
    if option.name == "file-output.enable":
        text = text.replace("}", 'output-dir = "/x" }')

    made = imported(text, everything)
    tree = check(whole_context, made, compiled=False)

    assert tree is not None, [one.text() for one in made.errors]
    stated = [one for one in made.findings if one.place.line and one.option.endswith(option.within)]
    assert stated
    assert stated[0].kind == ("dropped" if row.codec is None else stated[0].kind)
    assert json.loads(tree.to_json()) == made.data
    again = imported(export_data(made.data, everything).text, everything)
    assert again.data == made.data


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("input { snap-len = 0 }", "nf-capture:capture/snap-length", 65535),
        ("input { buffer-size = 4096 }", "nf-capture:capture/buffer-size", 131072),
        ("stack-type = 624", "nf-capture:capture/link-type", "nf-protocols:sll"),
        ("stack-type = 800", "nf-capture:capture/link-type", "nf-protocols:ieee802154"),
        ("stack-type = 178", "nf-capture:capture/link-type", "nf-protocols:ip"),
        ("stack-type = 178 stack-offset = 0x10", "nf-capture:capture/link-offset", 16),
        ("input { source = any }", "nf-capture:capture/interface", [{"name": "*"}]),
        (
            'input { source = "0,1" }',
            "nf-capture:capture/interface",
            [{"name": one, "source": "nf-types:dpdk"} for one in "01"],
        ),
        (
            'input { mode = OFFLINE source = "../a[1].pcap" }',
            "nf-capture:capture/file/path",
            ["/opt/a[[]1].pcap"],
        ),
        ("output { cache-period = 7 }", "nf-outputs:outputs/file/rotate-interval", 7),
        ("output { format = json }", "nf-outputs:outputs/encoding", "mmt-json"),
        ("kafka-output { port = 9093 }", "nf-outputs:outputs/kafka/bootstrap", "localhost:9093"),
        ('kafka-output { hostname = "::1" }', "nf-outputs:outputs/kafka/bootstrap", "[::1]:9092"),
        ("mqtt-output { }", "nf-outputs:outputs/mqtt/qos", 2),
        ("socket-output { type = INTERNET port = 5 }", "nf-outputs:outputs/socket/type", "tcp"),
        ("socket-output { type = BOTH }", "nf-outputs:outputs/socket/type", "unix"),
        ("socket-output { }", "nf-outputs:outputs/socket/path", "/tmp/probe-output.sock"),  # noqa: S108
        ("dump-pcap { period = 0 }", "nf-reports:dump/rotate-interval", 3600),
        (
            "dump-pcap { protocols = {http, unknown, 178} }",
            "nf-reports:dump/protocol",
            ["nf-protocols:http", "nf-protocols:ip"],
        ),
        ("security { ignore-remain-flow = DPI }", "nf-security:security/after-alert", "light"),
        ("security { ip-encapsulation-index = 3 }", "nf-security:security/ip-layer", 3),
        ("security { input.max_message_size = 0 }", "nf-security:security/output", ["nf-types:file"]),
        (
            'security { rules-mask = "(1:1,2,4-6)(2:3)" }',
            "nf-security:security/pin",
            [{"thread": 1, "rule": ["1", "2", "4-6"]}, {"thread": 2, "rule": ["3"]}],
        ),
        ("session-timeout { live-session-timeout = 0 }", "nf-dpi:engine/timeouts/live", 1500),
        ("session-report { http = on gtp = yes }", "nf-reports:reports/session/detail", "http gtp"),
        ("", "nf-reports:reports/session/enabled", False),
        ("behavior { retain-files = 3 }", "nf-reports:reports/behaviour/retain", 3),
        ('file-output { file-name = "x" }', "nf-outputs:outputs/file/name", "x"),
        ("session-report { output-channel = {stdout} }", "nf-outputs:outputs/stdout/enabled", True),
        ("micro-flows { report-packet-count = 0 }", "nf-reports:reports/micro-flow/flush-packets", 2**32 - 1),
    ],
)  # fmt: skip
def test_values_with_a_meaning_of_their_own(
    text: str, path: str, value: Any, everything: Vocabulary
) -> None:
    made = imported(text, everything)

    assert at(made, path) == value
    assert not made.errors


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("probe-idd = 1", "f.conf:1:1 probe-idd: there is no such option"),
        ("inputt { }", "f.conf:1:1 inputt: there is no such section"),
        ("input { sauce = x }", "f.conf:1:9 input.sauce: there is no such option"),
        ("input x { }", "f.conf:1:1 input: this section has no title"),
        ("event-report { }", "f.conf:1:1 event-report: a title is missing"),
        ("reconstruct-data { }", "f.conf:1:1 reconstruct-data: a title is missing"),
        ("reconstruct-data x { }", "f.conf:1:1 reconstruct-data: 'x' cannot stand here"),
        ("input { output { } }", "f.conf:1:9 input.output: a section stands inside a section"),
        ("probe-id += 3", "f.conf:1:1 probe-id: += adds to a list, and this is none"),
        ("probe-id = {3}", "f.conf:1:12 probe-id: a list stands where one value must be"),
        ("probe-id = x", "f.conf:1:12 probe-id: 'x' is no number"),
        ("probe-id = 08", "f.conf:1:12 probe-id: '08' is no number"),
        ("probe-id = -1", "f.conf:1:12 probe-id: -1 is out of range"),
        ("stats-period = 0", "f.conf:1:16 stats-period: 0 is out of range"),
        ("stack-type = 64000", "f.conf:1:14 stack-type: no protocol has the number 64000"),
        ("session-report { enable = 1 }", "f.conf:1:27 session-report.enable: '1' is neither true nor false"),
        ("session-report { rtt-base = X }", "f.conf:1:29 session-report.rtt-base: 'X' is not known"),
        ("session-report { output-channel = {fil} }", "f.conf:1:35 session-report.output-channel: no channel 'fil'"),
        ('security { exclude-rules = "5-3" }', "f.conf:1:28 security.exclude-rules: '5-3' is no range of rules"),
        ('security { rules-mask = "(1:1)(1:2)" }', "f.conf:1:25 security.rules-mask: '(1:1)(1:2)' is no mask of rules"),
        ('event-report a { event = "ip.nope" }', "f.conf:1:26 event-report a.event: ip has no attribute 'nope'"),
        ('event-report a { event = "a.b.c.d" }', "f.conf:1:26 event-report a.event: 'a.b.c.d' is no attribute: write protocol.attribute"),
        ('query-report a { select = {"max(ip.src)"} }', "f.conf:1:27 query-report a.select: no operator 'max'"),
        ('query-report a { select = {"sum(ip.src"} }', "f.conf:1:27 query-report a.select: 'sum(ip.src' is no column"),
        # What MMT-Probe refuses at its start, as conditions of the model.
        ("enable-tcp-reassembly = true", "f.conf:1:25 enable-tcp-reassembly: reassembly of TCP needs that of IP"),
        ('behaviour {\nenable = true output-dir = "/x" }', "f.conf:2:10 behaviour.enable: behaviour is made from rows of sessions"),
        ('reconstruct-data http {\nenable = true output-dir = "/x" }', "f.conf:2:10 reconstruct-data.http.enable: files need streams in order: enable reassembly of TCP"),
        ('input { mode = OFFLINE source = "/x"\ndpdk-option = "-l 0" }', "f.conf:2:15 input.dpdk-option: DPDK reads interfaces, not files"),
        ('thread-nb = 4\nfile-output { retain-files = 5 }', "f.conf:2:30 file-output.retain-files: keep all files (0), or more than one for each worker and one for the reader"),
        ("security {\nrules-mask = \"(2:1)\" }", "f.conf:2:14 security.rules-mask: there are not that many threads"),
        ("dynamic-config { enable = true }", "f.conf:1:27 dynamic-config.enable: a socket that is enabled needs a path"),
        ('file-output { output-file = "a/b" }', "f.conf:1:29 file-output.output-file: a file name has letters, digits, and _ . - after the first"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(
    text: str, error: str, everything: Vocabulary, whole_context: Context
) -> None:
    assert any(one.startswith(error) for one in errors(text, everything, whole_context)), errors(
        text, everything, whole_context
    )


def test_what_this_build_lacks_is_dropped_with_feature_and_reason(here: Vocabulary) -> None:
    made = imported("redis-output { enable = true port = 1 }", here)

    (finding,) = told(made, "redis-output.port")
    assert finding.kind == "dropped"
    assert "feature nf-types:redis is off in this build" in finding.what
    assert finding.hint
    assert str(finding.place) == "f.conf:1:37"


def test_what_is_off_anyway_is_no_loss(here: Vocabulary) -> None:
    made = imported("redis-output { enable = false port = 1 }\nenable-tcp-reassembly = true", here)

    assert {one.kind for one in made.findings if one.place.line} == {"idle"}


def test_a_set_without_a_channel_of_this_build_goes_to_file_and_not_to_all(
    here: Vocabulary,
) -> None:
    made = imported("session-report { output-channel = {redis} }", here)

    assert at(made, "nf-reports:reports/session/output") == ["nf-types:file"]
    (finding,) = told(made, "session-report.output-channel")
    assert finding.kind == "changed"


def test_attributes_that_the_engine_lacks_are_left_out_one_by_one(here: Vocabulary) -> None:
    made = imported(
        'event-report a { event = "IP.SRC" '
        'attributes = {"ip.dst", "ip.1.src", "ip.2.src", "x.y"} }',
        here,
    )

    (event,) = at(made, "nf-reports:reports/event")
    assert event["event"] == "ip.src"
    assert event["attribute"] == ["ip.dst", "ip.src"]
    (finding,) = told(made, "event-report a.attributes")
    assert "ip.2.src" in finding.what
    assert "no protocol 'x'" in finding.what


def test_attributes_and_a_template_exclude_each_other(everything: Vocabulary) -> None:
    made = imported(
        'event-report a { event = "ip.src" attributes = {"ip.dst"} output-format = "x" }',
        everything,
    )

    assert [one.what for one in made.errors] == ["attributes and output-format stand together"]


def test_what_stands_twice_counts_as_it_stands_last(here: Vocabulary) -> None:
    made = imported("probe-id = 1\nprobe-id = 2\ninput { source = a }\ninput { timeout = 5 }", here)

    assert at(made, "id") == 2
    assert "interface" not in at(made, "nf-capture:capture")
    assert [str(one.place) for one in told(made, "input.source")] == ["f.conf:3:18"]


def test_lists_are_added_to(here: Vocabulary) -> None:
    made = imported("session-report { output-channel = {file} output-channel += {stdout} }", here)

    assert at(made, "nf-reports:reports/session/output") == ["nf-types:file", "nf-types:stdout"]


def test_overrides_count_more_than_the_file_and_the_last_one_most(here: Vocabulary) -> None:
    overrides = [
        override_of(one)
        for one in (
            "thread-nb=3", "thread-nb=4", "session-report.output-channel=file,stdout",
            'file-output.output-dir="/a"', "input.mode=OFFLINE", "input.source=x.pcap",
        )
    ]  # fmt: skip
    made = imported("thread-nb = 1\ninput { source = eth0 }", here, overrides=overrides)

    assert at(made, "nf-dpi:engine/workers") == 4
    assert at(made, "nf-reports:reports/session/output") == ["nf-types:file", "nf-types:stdout"]
    assert at(made, "nf-outputs:outputs/file/directory") == "/a"
    assert at(made, "nf-capture:capture/file/path") == ["/opt/mmt/x.pcap"]
    assert str(told(made, "thread-nb")[0].place) == "-X thread-nb"


def test_a_title_that_is_no_name_becomes_one(here: Vocabulary) -> None:
    made = imported('event-report "my event" { event = "ip.src" }', here)

    assert at(made, "nf-reports:reports/event")[0]["name"] == "my_event"
    assert told(made, "event-report my event")[0].kind == "changed"
