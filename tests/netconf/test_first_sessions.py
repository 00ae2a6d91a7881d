"""The first sessions of the manual: what stands there is what clients print today."""

import pytest

from tools import session_output

TEXT = session_output.MANUAL.read_text(encoding="utf-8")
EVERYWHERE = {"ssh", "console-set", "ncclient"}
"""Sessions whose clients are there wherever tests are; Ansible is not."""


def test_every_session_of_the_manual_prints_what_it_says() -> None:
    found = session_output.outputs(TEXT)
    said = {session.name: session.output for session in session_output.sessions_of(TEXT)}

    assert {name for name, output in found.items() if output is not None} >= EVERYWHERE
    assert {name: one for name, one in found.items() if one is not None} == {
        name: said[name] for name, one in found.items() if one is not None
    }


def test_a_marker_without_its_block_is_an_error() -> None:
    with pytest.raises(session_output.BadBlock, match="no block"):
        session_output.sessions_of("<!-- session:x -->\n\nnothing\n")
    with pytest.raises(session_output.BadBlock, match="no block"):
        session_output.sessions_of("<!-- file:x.xml -->\n\nnothing\n")
