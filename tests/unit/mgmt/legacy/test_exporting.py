"""What a file can say is said, the rest stands in comments, and nothing changes on the way."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nf.mgmt.legacy.exporting import export_data
from nf.mgmt.legacy.importing import import_text
from nf.mgmt.legacy.mapping import ROWS, TITLED
from nf.mgmt.legacy.tokens import quoted
from nf.mgmt.legacy.vocabulary import Vocabulary

PROBE = "nf-probe:probe"
HERE = Vocabulary.here()
EVERYTHING = Vocabulary.here(all_features=True)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = st.sampled_from([0, 1, 2, 5, 64, 1000, 5000, 70000, 262144]).map(str)
WORDS = {
    "input.mode": ["ONLINE", "OFFLINE", "offline"],
    "input.source": ['"eth0"', "any", '"0,1"', '"a/b[1].pcap"', '""'],
    "output.format": ["CSV", "JSON"],
    "socket-output.type": ["UNIX", "TCP", "INTERNET", "UDP", "BOTH"],
    "security.ignore-remain-flow": ["NONE", "true", "DPI"],
    "security.ip-encapsulation-index": ["FIRST", "LAST", "0", "16"],
    "security.exclude-rules": ['""', '"1,3-5"', "7"],
    "security.rules-mask": ['""', '"(1:1,2-4)(3:9)"'],
    "session-report.rtt-base": ["SENDER", "CAPTOR", "PREFER_SENDER"],
    "stack-type": ["1", "624", "800", "178"],
    "stack-offset": ["0", "4"],
    "event-report.event": ['"ip.src"', '"IP.1.DST"', '"nope.nope"'],
    "dump-pcap.protocols": ["{}", '{"unknown", http}', "{http, http, nope}"],
    "kafka-output.hostname": ['"kafka"', '"2001:db8::1"'],
}
ATTRIBUTES = st.lists(
    st.sampled_from(["ip.src", "ip.dst", "ip.2.src", "tcp.src_port", "x.y"]), max_size=4
)
CHANNELS = st.lists(st.sampled_from(["file", "stdout", "redis", "kafka", "socket"]), max_size=4)


def value_of(name: str, kind: str) -> st.SearchStrategy[str]:
    if name in WORDS:
        return st.sampled_from(WORDS[name])
    if name.endswith("output-channel"):
        return CHANNELS.map(lambda words: "{" + ",".join(words) + "}")
    if kind == "list":
        return ATTRIBUTES.map(lambda words: "{" + ",".join(map(quoted, words)) + "}")
    return {
        "bool": st.sampled_from(["true", "false", "on", "no"]),
        "int": NUMBERS,
        "str": TEXTS.map(quoted),
    }[kind]


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with some of the options, most with values that can be read."""
    sections: dict[str, list[str]] = {}
    options = [option for row in ROWS for option in row.options]
    for option in draw(st.lists(st.sampled_from(options), max_size=25, unique=True)):
        text = draw(value_of(option.name, option.type))
        sections.setdefault(option.section, []).append(f"{option.within} = {text}")
    written = []
    for section, lines in sections.items():
        head = section.replace("reconstruct-data.", "reconstruct-data ")
        if section in TITLED:
            head += f" {draw(st.sampled_from(['a', 'b-1', quoted('a b')]))}"
        written.append(
            "\n".join(lines) if not section else f"{head} {{\n" + "\n".join(lines) + "\n}"
        )
    return "\n".join(written)


def again(data: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    text = export_data(data, vocabulary).text
    made = import_text(text.encode(), "again.conf", vocabulary, folder="/opt/mmt")
    assert not made.errors, (text, [one.text() for one in made.errors])
    return made.data


@settings(max_examples=300, deadline=None)
@given(files(), st.booleans())
def test_an_exported_file_imports_to_the_same_configuration(text: str, whole: bool) -> None:
    vocabulary = EVERYTHING if whole else HERE
    made = import_text(text.encode(), "f.conf", vocabulary, folder="/opt/mmt")
    while made.errors:
        # Without the lines that are told to be wrong, what is left is right.
        wrong = {one.place.line for one in made.errors}
        lines = enumerate(text.split("\n"), 1)
        text = "\n".join("" if number in wrong else line for number, line in lines)
        made = import_text(text.encode(), "f.conf", vocabulary, folder="/opt/mmt")

    assert again(made.data, vocabulary) == made.data


def test_an_empty_configuration_states_where_mmts_defaults_differ() -> None:
    text = export_data({}, EVERYTHING).text

    assert "enable-tcp-reassembly = true" in text
    assert "session-report {\n    enable = true" in text


def test_what_mmt_cannot_be_told_stands_in_comments() -> None:
    data = {
        PROBE: {
            "nf-capture:capture": {
                "interface": [{"name": "eth0"}, {"name": "eth1", "snap-length": 100}],
                "promiscuous": False,
            },
            "nf-reports:reports": {"filter": "bytes > 1\n}"},
        },
        "ietf-system:system": {"authentication": {"user": [{"name": "a", "password": "$6$x"}]}},
    }

    made = export_data(data, HERE)

    assert "MMT-Probe captures from one interface" in made.text
    assert "#   /nf-probe:probe/nf-capture:capture/promiscuous = false" in made.text
    assert "interface/snap-length = 100" in made.text
    assert "#   ietf-system:system" in made.text
    assert "$6$" not in made.text
    lines = [line for line in made.text.splitlines() if "bytes > 1" in line]
    assert all(line.startswith("#") for line in lines)
    assert len(lines) == 1


def test_a_report_for_all_channels_goes_to_those_that_are_enabled() -> None:
    data = {
        PROBE: {
            "nf-outputs:outputs": {"file": {"enabled": True}, "stdout": {"enabled": True}},
            "nf-reports:reports": {"session": {"enabled": True}},
        }
    }

    assert "output-channel = {file, stdout}" in export_data(data, HERE).text


def test_a_snap_length_that_mmt_cannot_store_is_written_as_its_largest() -> None:
    data = {PROBE: {"nf-capture:capture": {"snap-length": 262144}}}

    text = export_data(data, HERE).text

    assert "snap-len = 65535" in text
    assert "# MMT-Probe takes 65535 at most, not 262144" in text
