"""Which sessions a plugin file claims: parents with ports and weights, and patterns of octets."""

from nf.datapath.description import Octets, Parent
from nf.plugins import syntax
from nf.plugins.diagnostics import Diagnostics
from nf.plugins.lexer import Token

__all__ = ["CARRIERS", "LEAST_BITS", "parents_of", "patterns_of"]

CARRIERS = ("tcp", "udp", "sctp", "ip", "ethernet")
NUMBERS = {
    "udp": ("port", 0, 65_535, "udp port 7001"),
    "ip": ("protocol number", 0, 255, "ip protocol 253"),
    "ethernet": ("type", 0x600, 65_535, "ethernet type 0x88b5"),
}
"""What tells a protocol from its neighbours on a carrier: word, least, largest, example."""
DEFAULT_WEIGHT = 50
LEAST_BITS = 26
"""Evidence that random octets bear in fewer than one of a million sessions."""


def parents_of(tree: syntax.File, said: Diagnostics) -> tuple[Parent, ...]:
    """The carriers."""
    if not tree.parents:
        at = tree.properties.at if tree.properties is not None else tree.at
        what = "no parents: only a protocol that names it as nextencaps leads to it"
        said.warn(at, what, "parents { udp port 7001 weight 50 }")
        if tree.patterns:
            said.error(tree.patterns[0].at, "patterns without parents", "parents { udp }")
    return tuple(_parent(node, tree, said) for node in tree.parents)


def _parent(node: syntax.ParentNode, tree: syntax.File, said: Diagnostics) -> Parent:
    carrier = node.carrier.text.lower()
    if carrier not in CARRIERS:
        what = f"{node.carrier.text} cannot be a parent"
        hint = ", ".join(CARRIERS) + "; another protocol of yours names this one as nextencaps"
        said.error(node.carrier.at, what, hint)
    kind, least, largest, example = NUMBERS.get(carrier, NUMBERS["udp"])
    for number in node.numbers:
        if not least <= number.value <= largest:
            said.error(number.at, f"{number.value} is no {kind}", f"{least} to {largest}")
    if carrier in {"ip", "ethernet"} and not node.numbers:
        said.error(node.carrier.at, f"over {carrier} a {kind} is needed", example)
    elif not node.numbers and not tree.patterns:
        what = f"neither port nor pattern: all of {carrier} would be this"
        said.error(node.carrier.at, what, f"{carrier} port 7001, or patterns {{ at 0 … }}")
    weight = node.weight.value if node.weight is not None else DEFAULT_WEIGHT
    if node.weight is not None and weight > 100:
        said.error(node.weight.at, f"{weight} is no weight", "0 to 100; lower goes first")
        weight = DEFAULT_WEIGHT
    numbers = tuple(one.value for one in node.numbers if least <= one.value <= largest)
    return Parent(carrier, numbers, weight)


def patterns_of(tree: syntax.File, said: Diagnostics) -> tuple[tuple[Octets, ...], ...]:
    """The shapes of a first message."""
    everywhere = [node.carrier.text for node in tree.parents if not node.numbers]
    found = []
    for node in tree.patterns:
        parts = [_octets(*part, said) for part in node.parts]
        bits = sum(_bits(part) for part in parts)
        if everywhere and bits < LEAST_BITS:
            what = f"{bits} bits on any port of {everywhere[0]}: other traffic will look like this"
            said.warn(node.at, what, f"a port, or more octets ({LEAST_BITS} bits are safe)")
        found.append(tuple(parts))
    return tuple(found)


def _bits(part: Octets) -> int:
    return sum(octet.bit_count() for octet in part.mask) if part.mask else 8 * len(part.value)


def _octets(offset: Token, value: Token, mask: Token | None, said: Diagnostics) -> Octets:
    octets = _value(value, said)
    if offset.value + len(octets) > 2048:
        said.error(offset.at, "a pattern beyond octet 2048", "look nearer to the front")
    bits: bytes = b""
    if mask is not None:
        bits = _value(mask, said)
        if len(bits) != len(octets):
            what = f"the mask has {len(bits)} octets, the pattern {len(octets)}"
            said.error(mask.at, what, "as many digits in both")
    return Octets(min(offset.value, 2048), tuple(octets), tuple(bits))


def _value(token: Token, said: Diagnostics) -> bytes:
    if token.kind == "text":
        try:
            found = token.text.encode("latin-1")
        except UnicodeEncodeError:
            found = token.text.encode()
        if not found:
            said.error(token.at, "a pattern without octets", 'a text as "GA", or 0x4741')
        return found or b"\0"
    digits = token.text[2:]
    if token.text[:2].lower() != "0x" or len(digits) % 2:
        what = f"{token.text} are no whole octets"
        said.error(token.at, what, "hexadecimal, two digits for each octet, as 0x4741")
        return b"\0"
    return bytes.fromhex(digits)
