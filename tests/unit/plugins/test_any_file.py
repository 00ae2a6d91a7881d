"""Whatever stands in a plugin file: a description or located mistakes, never a crash."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nf._native import engine as _engine
from nf.datapath.description import to_json
from nf.plugins.compiler import compile_text, identity_of

VOCABULARY = """
    Protocol { } Properties Attributes attribute struct define classifynext switch ( ) val case
    default break nextencaps nextoffset = ; : , + - [ ] sizeof parents patterns frame tests port
    weight at and mask length expect none label id alias data_type data_len offset scope "gauge"
    "950" "uint16_t" "MMT_DATA_MAC_ADDR" "2" "rest" "sizeof(header)" "SCOPE_PACKET" uint8_t
    uint16_t header kind udp tcp ip dns NEXT 0x35 0 2 7001 99999999999999999999999 // /* */
"""
WORDS = [*VOCABULARY.split(), "\n"]
MIXED = st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join)


def check(text: str) -> None:
    compiled = compile_text(text, "any.plugin")

    lines = text.split("\n")
    for one in compiled.said.all:
        assert 1 <= one.line <= len(lines), one
        width = len(lines[one.line - 1])
        assert 1 <= one.column <= width + 1, one
        assert one.what, one
        assert one.hint, one
        assert one.text()
    assert (compiled.description is None) == bool(compiled.said.errors)
    if compiled.description is not None:
        # What passes here, the engine takes.
        assert _engine.protocols(to_json([compiled.description]))
    identity_of(text)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(MIXED)
@settings(max_examples=500, deadline=None)
def test_any_words(text: str) -> None:
    check("Protocol { " + text)


@given(st.data())
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_good_file_with_words_exchanged(language: str, data: st.DataObject) -> None:
    words = re.findall(r'"[^"\n]*"|\w+|\s+|.', language)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at] = data.draw(st.sampled_from(["", *WORDS, *dict.fromkeys(words)]))

    check("".join(words))


@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_good_file_that_is_cut(language: str, data: st.DataObject) -> None:
    check(language[: data.draw(st.integers(0, len(language)))])


def test_many_braces_are_no_deep_recursion() -> None:
    check("Protocol " + "{" * 50_000)
    check("Protocol { Attributes " + "{ attribute " * 20_000)
    check("Protocol { Properties { id = " + "1 + " * 50_000 + "1 } }")
