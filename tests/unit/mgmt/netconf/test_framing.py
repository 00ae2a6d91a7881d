"""Where messages end: RFC 6242."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf.mgmt.netconf.framing import Deframer, FramingError, in_chunks, with_mark


def deframer(limit: int = 1000, *, chunks: bool) -> Deframer:
    made = Deframer(limit)
    if chunks:
        made.use_chunks()
    return made


def messages(one: Deframer, octets: bytes) -> list[bytes]:
    one.feed(octets)
    found = []
    while (message := one.next()) is not None:
        found.append(message)
    return found


def test_a_message_ends_at_the_mark() -> None:
    assert messages(deframer(chunks=False), b"<a/>]]>]]><b/>]]>]]><c") == [b"<a/>", b"<b/>"]


def test_a_mark_that_arrives_in_pieces_is_found() -> None:
    one = deframer(chunks=False)
    found = [message for octet in b"<a/>]]]]>]]>x" for message in messages(one, bytes([octet]))]

    assert found == [b"<a/>]]"]


def test_chunks_are_joined() -> None:
    octets = b'\n#4\n<rpc\n#18\n message-id="102"\n\n#3\n/> \n##\n'

    assert messages(deframer(chunks=True), octets) == [b'<rpc message-id="102"\n/> ']


def test_both_ways_follow_each_other_in_one_delivery() -> None:
    one = deframer(chunks=False)
    one.feed(b"<hello/>]]>]]>\n#4\n<a/>\n##\n")

    assert one.next() == b"<hello/>"
    one.use_chunks()
    assert one.next() == b"<a/>"
    assert one.next() is None


@pytest.mark.parametrize(
    "octets",
    [
        b"<rpc/>",
        b"\n#0\n",
        b"\n#01\na\n##\n",
        b"\n#-1\n",
        b"\n#+4\nabcd\n##\n",
        b"\n# 4\nabcd\n##\n",
        b"\n#4 \nabcd\n##\n",
        b"\n#4\r\nabcd\n##\n",
        b"\n#4\nabcdX##\n",
        b"\n##\n",
        b"\n#4294967296\n",
        b"\n#99999999999\n",
        b"\n\n#4\n",
        b"]]>]]>",
        "\n#٤\nabcd\n##\n".encode(),
    ],
)
def test_what_is_no_chunk_ends_the_session(octets: bytes) -> None:
    with pytest.raises(FramingError):
        messages(deframer(chunks=True), octets)


def test_a_head_that_is_not_all_there_is_waited_for() -> None:
    one = deframer(2**33, chunks=True)
    for octet in b"\n#4294967295":
        assert messages(one, bytes([octet])) == []
    one.feed(b"\n")
    assert one.next() is None


def test_a_length_beyond_the_limit_is_refused_before_its_octets_come() -> None:
    one = deframer(1000, chunks=True)
    with pytest.raises(FramingError, match="more than 1000 octets"):
        messages(one, b"\n#1001\n")


def test_many_chunks_count_together() -> None:
    one = deframer(1000, chunks=True)
    with pytest.raises(FramingError, match="more than 1000 octets"):
        messages(one, (b"\n#400\n" + b"x" * 400) * 3)


def test_a_message_without_end_is_refused_at_the_limit() -> None:
    one = deframer(1000, chunks=False)
    assert messages(one, b"x" * 1000) == []
    with pytest.raises(FramingError):
        messages(one, b"x")


@given(
    st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_whatever_is_framed_comes_out_again_in_any_pieces(
    sent: list[bytes], chunks: bool, dice: random.Random
) -> None:
    if not chunks:
        sent = [message.replace(b"]", b"") + b"." for message in sent]
    octets = b"".join(in_chunks(one) if chunks else with_mark(one) for one in sent)
    one = deframer(chunks=chunks)
    received = []
    while octets:
        size = dice.randint(1, len(octets))
        received += messages(one, octets[:size])
        octets = octets[size:]

    assert received == sent
    assert one.held == 0


@given(st.binary(max_size=200))
def test_no_octets_do_worse_than_end_the_session(octets: bytes) -> None:
    for chunks in (False, True):
        one = deframer(100, chunks=chunks)
        try:
            messages(one, octets)
        except FramingError:
            continue
        assert one.held <= len(octets)
