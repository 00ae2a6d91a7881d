"""XML of peers that mean harm."""

import subprocess
import sys

import pytest

from nf.mgmt.netconf.xml import Limits, MalformedMessage, Words, content, parse

LIMITS = Limits(depth=16)

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rpc>&b;</rpc>"""


@pytest.mark.parametrize(
    "message",
    [
        LAUGHS,
        b'<!-- x --><!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        b"\xef\xbb\xbf<!DOCTYPE r><r/>",
        b"<?xml version='1.0'?> <?pi?> <!DOCTYPE r><r/>",
        b"<r>&undeclared;</r>",
        b"<r>",
        b"",
        b"   ",
        b"\x00",
        b"<r>\x00</r>",
        b"<r>&#0;</r>",
        b"<r>\xff</r>",
        b"<a/><b/>",
        b"<p:r/>",
        b"<r a='1' a='2'/>",
        "<r/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><r/>',
        b"<a>" * 17 + b"</a>" * 17,
        b"<a>" * 100_000,
        b"<r %b/>" % b" ".join(b"a%d=''" % number for number in range(65)),
        b"<r a='%b'/>" % (b"x" * 65537),
    ],
)
def test_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(message, LIMITS)


@pytest.mark.parametrize(
    "message",
    [
        b"<a>" * 16 + b"</a>" * 16,
        b"\n  <?xml version='1.0' encoding='UTF-8'?>\n<r/>",
        b"\xef\xbb\xbf<r/>",
        b"<r><![CDATA[<!DOCTYPE x>]]></r>",
        b"<r><!-- <!DOCTYPE x> --></r>",
        b"<r a='%b'/>" % (b"x" * 65536),
        "<r>ü€</r>".encode(),
    ],
)
def test_is_taken(message: bytes) -> None:
    assert parse(message, LIMITS) is not None


def test_comments_and_instructions_are_gone() -> None:
    root = parse(b"<r><!-- a --><?b?><c/></r>", LIMITS)

    assert [child.tag for child in root] == ["c"]


def test_content_keeps_the_namespaces_that_are_declared_above() -> None:
    root = parse(b"<r xmlns:p='urn:p'><x><p:a>p:v</p:a></x></r>", LIMITS)

    assert parse(content(root[0]), LIMITS).nsmap == {"p": "urn:p"}


def test_names_that_are_known_are_admitted_and_others_while_there_is_room() -> None:
    words = Words()
    usual = b'<rpc xmlns="urn:a" message-id=\'1\'><get-config x:y = "z"/><?target data?></rpc>'

    assert words.admit(usual)
    assert words._known >= {b"rpc", b"urn:a", b"message-id", b"get-config", b"x:y", b"target"}
    number = 0
    while words.admit(b"<n%d/>" % number):
        number += 1
    assert 1000 < number < 100_000
    assert words.admit(usual)
    # Values are no names: a message-id may be another one each time.
    assert words.admit(usual.replace(b"'1'", b"'urn:uuid:5d1c'"))
    assert not words.admit(usual.replace(b"urn:a", b"urn:b"))
    assert not words.admit(usual.replace(b"y =", b"why ="))


GROWTH = """
import asyncio, re, sys
from pathlib import Path
from nf.mgmt.netconf.lanes import Lanes
from nf.mgmt.netconf.xml import Limits, parse

lanes = Lanes()

def resident():
    (kilobytes,) = re.findall(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024

async def read(first, messages):
    for number in range(first, first + messages):
        names = b"".join(b"<of-%d-the-one-%d/>" % (number, n) for n in range(1000))
        await lanes.read.run(parse, b"<rpc>" + names + b"</rpc>", Limits())

asyncio.run(read(0, 400))
before = resident()
asyncio.run(read(400, 2000))
lanes.stop()
print(resident() - before)
"""


def test_ever_new_names_do_not_grow_the_process() -> None:
    # In a process of its own: what others leave behind would be counted, too.
    done = subprocess.run(
        [sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True
    )

    # Kept, they would be 80 octets each.
    assert int(done.stdout) < 40 << 20
