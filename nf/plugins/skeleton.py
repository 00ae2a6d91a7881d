"""The plugins that `nf plugin new` writes: working examples with comments, to be changed."""

from nf.plugins.registry import registry

__all__ = ["free_id", "in_language", "in_python"]

LANGUAGE = """\
// {name}: what it is, in one line.
//
// nf plugin check {name}.plugin            tells mistakes and runs the tests below
// nf read CAPTURE --plugin {name}.plugin   reads with it
Protocol {{
    // Constants; cases of classifynext may use them.
    define NEXT_DNS = 1

    Properties {{
        label = "{name}"            // its word in paths and filters
        id = "{id}"                 // 1 to 999; one that is taken replaces a built-in protocol
        title = "What it is"        // one line for `nf protocols`
        encapsulation = "true"      // something comes after the header: see classifynext
        encoding = "network"        // octets of numbers: network (big end first) or host
    }}

    // What carries it. Lower weights are asked first; 50 goes before a built-in protocol of 50.
    parents {{
        udp port 7001 weight 50
        tcp port 7001
    }}

    // How a stream falls into messages: a field of the header and a constant.
    // Without it every segment counts as one message.
    frame {{ length = val(length) }}

    Attributes {{
        // The header as it is on the wire, without gaps. `: N` are bits, the highest ones first.
        struct header {{
            uint8_t version : 4;
            uint8_t kind : 4;
            uint8_t next;
            uint16_t length;
        }}
        // What can be asked for. Type and place of a field of the struct need not be repeated.
        attribute {{ alias = "version" doc = "Version of the protocol." }}
        attribute {{ alias = "kind" doc = "What the message is." }}
        attribute {{ alias = "next" doc = "What comes after the header." }}
        attribute {{ alias = "length" doc = "Octets of the message, header included." }}
        attribute {{
            alias = "body"
            data_type = "MMT_BINARY_DATA"
            data_len = "rest"       // to the end of the message
            offset = "sizeof(struct header)"
            scope = "SCOPE_PACKET"
        }}
    }}

    classifynext {{
        switch (val(next)) {{
            case NEXT_DNS:
                nextencaps = dns
                nextoffset = sizeof(struct header)
                break
            default:
                break
        }}
    }}

    // A packet in hexadecimal, and what must be read from it.
    tests {{
        udp port 7001 "12 00 0006 cafe" expect version = 1, kind = 2, body = "cafe", path = "{name}"
        udp port 7002 "12 00 0006 cafe" expect none
    }}
}}
"""

PYTHON = '''\
"""{name}: what it is, in one line.

nf plugin check {name}.py            tells mistakes
nf read CAPTURE --plugin {name}.py   reads with it
"""

from collections.abc import Sequence

import nf


@nf.protocol(
    # 1 to 999; one that is taken replaces a built-in protocol.
    id={id},
    name="{name}",
    # What carries it. Lower weights are asked first; 50 goes before a built-in protocol of 50.
    parents=["udp port 7001 weight 50", "tcp port 7001"],
    # How a stream falls into messages: an attribute, or ("length", 4) to add something to it.
    # Without it every segment counts as one message.
    length="length",
    # What comes next, by an attribute's value.
    switch="next",
    cases={{1: "dns"}},
)
class {title}:
    """What it is."""

    # Offset and length in octets; bits of a number by a mask.
    version = nf.attribute(0, 1, mask=0xF0, doc="Version of the protocol.")
    kind = nf.attribute(0, 1, mask=0x0F, doc="What the message is.")
    next = nf.attribute(1, 1, doc="What comes after the header.")
    length = nf.attribute(2, 2, doc="Octets of the message, header included.")
    body = nf.attribute(4, kind="binary", doc="What goes on to the end of the message.")

    @staticmethod
    def on_transactions(batch: Sequence[nf.Transaction]) -> None:
        """Gets messages in batches; what happens per packet happens in the engine."""
        # For example a sum over the batch; delete the function if you do not need it.


def check() -> None:
    """Reads one packet: python {name}.py"""
    [made] = nf.load_plugins({title}).protocols
    print(made.examine(bytes.fromhex("12 00 0006 cafe"), "udp", 7001))


if __name__ == "__main__":
    check()
'''

FIRST_FREE = 950


def free_id() -> int:
    """An id that nothing built in has."""
    known = registry()
    taken = {*known.names, *known.apps}
    return next(number for number in range(FIRST_FREE, 1000) if number not in taken)


def in_language(name: str, number: int) -> str:
    """A plugin file."""
    return LANGUAGE.format(name=name, id=number)


def in_python(name: str, number: int) -> str:
    """A Python plugin."""
    title = "".join(word.capitalize() for word in name.split("_"))
    return PYTHON.format(name=name, id=number, title=title)
