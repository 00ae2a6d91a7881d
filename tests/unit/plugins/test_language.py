"""Plugin files: what they mean, and what is said of mistakes, each with its place."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from nf.datapath.description import Case, Frame, Number, Octets, Parent
from nf.plugins.compiler import compile_text
from nf.plugins.diagnostics import Diagnostic
from nf.plugins.registry import registry

MANUAL = Path(__file__).parent / "manual"
KNOWN = registry().with_names([("gauge", 950), ("inner", 951)])


def said(text: str) -> Sequence[Diagnostic]:
    return compile_text(text, "a.plugin", KNOWN).said.all


def test_a_file_becomes_a_description(language: str) -> None:
    compiled = compile_text(language, "a.plugin", KNOWN)

    assert [one.text() for one in compiled.said.all] == []
    made = compiled.description
    assert made is not None
    assert (made.name, made.id, made.header) == ("gauge", 950, 6)
    assert made.frame == Frame(Number(4, 2), 6)
    assert made.parents == (Parent("udp", (7001,), 50), Parent("tcp", (7001,), 40))
    assert [(one.name, one.offset, one.length, one.mask) for one in made.attributes] == [
        ("version", 0, 1, 0xF0),
        ("kind", 0, 1, 0x0F),
        ("next", 1, 1, 0),
        ("level", 2, 2, 0),
        ("length", 4, 2, 0),
        ("word", 6, 0, 0),
    ]
    assert made.next is not None
    assert made.next.cases == (Case("dns", 6, 0x35), Case("inner", 6, 2))


def test_patterns_are_octets_with_masks(language: str) -> None:
    patterns = 'patterns { at 0 "GA" and at 4 0x21f0 mask 0xfff0; at 1 0xffeeddcc }'
    compiled = compile_text(language.replace("frame {", patterns + " frame {"), "a", KNOWN)

    made = compiled.description
    assert made is not None
    assert made.patterns == (
        (Octets(0, (0x47, 0x41)), Octets(4, (0x21, 0xF0), (0xFF, 0xF0))),
        (Octets(1, (0xFF, 0xEE, 0xDD, 0xCC)),),
    )


def test_the_host_has_the_least_octet_and_bit_first(language: str) -> None:
    compiled = compile_text(language.replace('"network"', '"host"'), "a", KNOWN)

    made = compiled.description
    assert made is not None
    assert [one.mask for one in made.attributes[:2]] == [0x0F, 0xF0]
    assert all(one.little for one in made.attributes)


MISTAKES = [
    # What is written, what instead, severity, part of the message, word that is pointed at.
    ('label = "gauge"', 'label = "g g"', "error", "cannot be a name", '"g g"'),
    ('id = "950"', 'id = "1000"', "error", "is no id", '"1000"'),
    ('id = "950"', 'id = "0"', "error", "is no id", '"0"'),
    ('id = "950"', "", "error", "has no id", "Properties"),
    ('id = "950"', 'id = "85"', "warning", "85 is dns", '"85"'),
    ('label = "gauge"', 'label = "dns"', "warning", "dns has the id 85", '"dns"'),
    ('id = "950"', 'id = "354"', "error", "354 is tcp", '"354"'),
    ('encoding = "network"', 'encoding = "big"', "error", "no encoding 'big'", '"big"'),
    ('encoding = "network"', 'context = "yes"', "error", "context is 'yes'", '"yes"'),
    ('encoding = "network"', 'session = "true"', "note", "session has no meaning", '"true"'),
    ('encoding = "network"', 'colour = "red"', "error", "no property 'colour'", "colour"),
    ('encoding = "network"', 'id = "950"', "error", "id stands here twice", "id"),
    ('encapsulation = "true"', 'encapsulation = "false"', "error", "is false", '"false"'),
    ('encapsulation = "true"', "", "warning", "encapsulation is not said", "classifynext"),
    ("define NEXT_INNER = 2", "define NEXT_DNS = 2", "error", "defined twice", "NEXT_DNS"),
    ("uint16_t level;", "uint17_t level;", "error", "is no type", "uint17_t"),
    ("uint16_t level;", "int16_t level;", "error", "has a sign", "int16_t"),
    ("uint16_t level;", "uint16_t next;", "error", "two fields 'next'", "next"),
    ("uint16_t level;", "uint16_t level[0];", "error", "an array of 0", "0"),
    ("uint8_t version : 4", "uint8_t version : 9", "error", "9 bits in a uint8_t", "9"),
    ("uint8_t version : 4", "uint8_t version : 3", "warning", "leave 1 bits", "header"),
    ('data_type = "MMT_U16_DATA"', 'data_type = "MMT_U17"', "error", "no type", '"MMT_U17"'),
    (
        'data_type = "MMT_U16_DATA"',
        'data_type = "MMT_DATA_TIMEVAL"',
        "error",
        "not octets of a header",
        '"MMT_DATA_TIMEVAL"',
    ),
    ('data_len = "2"', 'data_len = "3"', "error", "has 2 octets, and data_len is 3", '"3"'),
    ('data_len = "2"', 'data_len = "0"', "error", "data_len is 0", '"0"'),
    ('data_len = "2"', 'data_len = "rest"', "error", "cannot go on", '"rest"'),
    ('data_len = "2"', 'data_len = "sizeof(blob)"', "error", "sizeof(blob)", "blob"),
    ('data_len = "2"', 'data_len = "two"', "error", "two is not defined", "two"),
    ('offset = "2"', 'offset = "0"', "error", "the struct has it at 2", '"0"'),
    ('offset = "2"', 'offset = "1"', "error", "overlap", '"1"'),
    ('offset = "2"', 'offset = "5"', "error", "ends at octet 7; struct header has 6", '"5"'),
    ('offset = "2"', 'offset = "70000"', "error", "offset is 70000", "70000"),
    ('offset = "2"', 'offset = "2 - 3"', "error", "offset is -1", "2"),
    ('offset = "2"', 'scope = "SCOPE_MOON"', "error", "no scope", '"SCOPE_MOON"'),
    ('alias = "next"', 'alias = "kind"', "error", "two attributes 'kind'", '"kind"'),
    ('alias = "next"', 'alias = "Next"', "error", "cannot be a name", '"Next"'),
    ('alias = "next"', 'doc = "what"', "error", "has no alias", "attribute"),
    ('alias = "next"', 'alias = "other"', "error", "has no data_type", "attribute"),
    ('alias = "next"', 'alias = "next" mask = "0x100"', "error", "is no mask", '"0x100"'),
    ('alias = "next"', 'alias = "next" size = "1"', "error", "has no 'size'", "size"),
    ('attribute { alias = "next" }', "", "note", "next has no attribute", "next"),
    ("val(next)", "val(nothing)", "error", "no struct has such a field", "nothing"),
    ("case NEXT_DNS", "case NEXT_FTP", "error", "NEXT_FTP is not defined", "NEXT_FTP"),
    ("case NEXT_DNS", "case 0x100", "error", "the field has 8 bits", "0x100"),
    ("case NEXT_DNS", "case 2", "error", "is there already", "NEXT_INNER"),
    ("nextencaps = dns", "nextencaps = dnss", "error", "no protocol 'dnss'", "dnss"),
    ("nextencaps = dns", "nextencaps = http", "warning", "called NEXT_DNS and leads", "NEXT_DNS"),
    ("nextencaps = dns", "nextencaps = arp", "note", "will be in the path", "arp"),
    ("nextencaps = dns nextoffset", "nextoffset", "error", "does not say what", "NEXT_DNS"),
    ("nextencaps = dns", "nextencaps = dns nextencaps = dns", "error", "twice", "nextencaps"),
    (
        "nextencaps = dns nextoffset = sizeof(struct header)",
        "nextencaps = dns",
        "warning",
        "nextoffset is not said",
        "NEXT_DNS",
    ),
    (
        "nextencaps = dns nextoffset = sizeof(struct header)",
        "nextencaps = dns nextoffset = 2",
        "warning",
        "within the header of 6",
        "nextoffset",
    ),
    (
        "nextencaps = dns nextoffset = sizeof(struct header) break",
        "nextencaps = dns nextoffset = sizeof(struct header)",
        "error",
        "has no break",
        "NEXT_DNS",
    ),
    ("default: break", "default: break default: break", "error", "two defaults", "default"),
    ("val(length) + 6", "14", "error", "without val()", "14"),
    ("val(length) + 6", "val(length) + val(level)", "error", "one field", "level"),
    ("udp port 7001", "udp port 70000", "error", "70000 is no port", "70000"),
    ("udp port 7001", "udp", "error", "neither port nor pattern", "udp"),
    ("udp port 7001", "ip", "error", "protocol number is needed", "ip"),
    ("udp port 7001", "ip protocol 256", "error", "256 is no protocol number", "256"),
    ("udp port 7001", "ethernet", "error", "over ethernet a type is needed", "ethernet"),
    ("udp port 7001", "ethernet type 80", "error", "80 is no type", "80"),
    ("udp port 7001", "http port 80", "error", "http cannot be a parent", "http"),
    ("weight 40", "weight 101", "error", "101 is no weight", "101"),
    ("frame {", "patterns { at 0 0x123 } frame {", "error", "no whole octets", "0x123"),
    ("frame {", 'patterns { at 0 "" } frame {', "error", "without octets", '""'),
    ("frame {", 'patterns { at 9999 "a" } frame {', "error", "beyond octet 2048", "9999"),
    ("frame {", 'patterns { at 0 "a" mask 0xffff } frame {', "error", "the mask has 2", "0xffff"),
    # Words and braces.
    ("Protocol {", "protocol {", "error", "protocol is not Protocol", "protocol"),
    ("Attributes {", "Attribute {", "error", "a part of a protocol", "Attribute"),
    ("define NEXT_DNS =", "define NEXT_DNS", "error", '"=" must', "0x35"),
    ("define NEXT_DNS = 0x35", "define NEXT_DNS = 0xq", "error", "is no number", "0xq"),
    ('label = "gauge"', 'label = "gauge', "error", "without its closing quote", '"gauge'),
    ('label = "gauge"', "label = gauge; §", "error", "'§' has no meaning", "§"),
    ("frame {", "/* frame {", "error", "never ends", "/*"),
    ("uint16_t level;", "uint16_t level", "error", '";" must', "uint16_t"),
    ("0x35", "0x35353535353535353535", "error", "too large", "0x35353535353535353535"),
    ("0x35", "35x", "error", "is no number", "35x"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[1]}: {mistake[3]}")
def test_mistakes_are_told_with_their_place(
    language: str, mistake: tuple[str, str, str, str, str]
) -> None:
    before, after, severity, part, word = mistake
    assert before in language

    text = language.replace(before, after, 1)
    found = said(text)

    mine = [one for one in found if part in one.what and one.severity == severity]
    assert mine, "\n".join(one.text() for one in found) or "nothing was said"
    line = text.splitlines()[mine[0].line - 1]
    assert line[mine[0].column - 1 :].startswith(word), mine[0].text()
    assert mine[0].hint


def test_a_file_goes_on_behind_a_mistake(language: str) -> None:
    text = language.replace("uint16_t level;", "uint16_t level").replace("default:", "defualt:")
    text = text.replace('label = "gauge"', 'label : "gauge"')

    places = [one.line for one in said(text) if one.severity == "error"]

    assert len(set(places)) >= 3


def test_an_array_is_octets_and_char_is_text(language: str) -> None:
    text = language.replace("uint16_t level;", "uint8_t mac[6]; char tag[4]; uint16_t level;")
    text = text.replace('offset = "2"', 'offset = "12"')
    text = text.replace(
        'attribute { alias = "length" }',
        'attribute { alias = "length" } attribute { alias = "mac" } attribute { alias = "tag" }',
    )

    made = compile_text(text, "a", KNOWN).description

    assert made is not None
    kinds = {one.name: (one.kind, one.offset, one.length) for one in made.attributes}
    assert kinds["mac"] == ("binary", 2, 6)
    assert kinds["tag"] == ("text", 8, 4)


def test_a_weak_pattern_on_any_port_is_warned_of(language: str) -> None:
    text = language.replace("udp port 7001", 'udp } patterns { at 0 "GA"')

    [weak] = [one for one in said(text) if "16 bits" in one.what]

    assert weak.severity == "warning"


def test_a_diagnostic_has_three_parts_and_a_mark(language: str) -> None:
    [one] = [one for one in said(language.replace('"950"', '"5000"')) if one.severity == "error"]

    lines = one.text().splitlines()
    assert lines[0] == "error: '5000' is no id"
    assert lines[1:3] == ['    id = "5000"', "         ^^^^^^"]
    assert lines[3].strip() == "at: a.plugin:6:14"
    assert lines[4].strip().startswith("try: 1 to 999")


def errors_of(name: str) -> str:
    path = MANUAL / f"{name}.plugin"
    compiled = compile_text(path.read_text(), name)
    assert compiled.description is None
    return "\n".join(one.text() for one in compiled.said.all)


def test_the_manuals_ethernet_is_diagnosed() -> None:
    text = errors_of("ethernet")

    for part in (
        "ethernet has the id 99 in the registry, not 12",
        "src is said to be at 0; the struct has it at 6",
        "dst is said to be at 2; the struct has it at 0",
        r"dst \(octets 2 to 7\) and src \(0 to 5\) overlap",
        "the field ethertype has no attribute",
        "no protocol has the id 11",
        "ARP is defined as 15, which is ah",
        "IPV6 is defined as 16, which is aim",
        "ETHERTYPE_RARP leads to arp, as ETHERTYPE_ARP does",
        "no parents",
    ):
        assert re.search(part, text), f"{part} is not in\n{text}"


def test_the_manuals_quic_is_diagnosed() -> None:
    text = errors_of("quic")

    for part in (
        "630 is vmware in the registry",
        "quic has the id 6.. in the registry",
        r"sequence \(octets 0 to 3\) and connection_id \(0 to 3\) overlap",
        "no parents",
        "session has no meaning here",
    ):
        assert re.search(part, text), f"{part} is not in\n{text}"
