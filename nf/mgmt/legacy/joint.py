"""Codecs of what is more than one plain value: sets, lists of names, and options that go together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nf.mgmt.identities import identity_of, protocol_of
from nf.mgmt.legacy.codecs import (
    OMIT,
    BadValue,
    Flag,
    Reading,
    Unsayable,
    Values,
    Writing,
    absolute,
    one_of,
    text_of,
    whole,
)
from nf.mgmt.legacy.settings import Setting
from nf.mgmt.legacy.tokens import quoted

__all__ = [
    "Attributes",
    "Bits",
    "Broker",
    "Channels",
    "Columns",
    "Dumped",
    "Event",
    "LinkLayer",
    "MqttFlag",
    "Pins",
    "Ranges",
    "SocketKind",
    "Source",
]

CHANNELS = ("file", "stdout", "redis", "kafka", "mqtt", "mongodb", "socket")
LOCAL = ("file", "stdout")
"""Channels that need no feature."""
OPERATORS = ("sum", "diff", "count", "avg", "var", "first", "last")
MAX_OPERATORS = 10

_RANGE = re.compile(r"[0-9]{1,10}(?:-[0-9]{1,10})?")
_PIN = re.compile(r"\(\s*([0-9]{1,3})\s*:([^()]*)\)\s*")
_PORTS = re.compile(r"[0-9]+(?:,[0-9]+)*")
_MAGIC = re.compile(r"[*?\[]")


def words_of(setting: Setting) -> list[str]:
    """The values of a setting, once each."""
    values: Iterable[str] = setting.values
    if setting.split and len(setting.values) == 1:
        inner = setting.values[0].strip()
        if inner.startswith("{") and inner.endswith("}"):
            inner = inner[1:-1]
        values = [one.strip() for one in inner.split(",")]
    return [one for one in values if one]


def once(words: list[str], reading: Reading) -> list[str]:
    """Without repetitions, which a leaf-list of configuration cannot have."""
    kept = list(dict.fromkeys(words))
    if len(kept) < len(words):
        reading.changes.append("what stands twice counts once")
    return kept


def listed(words: Iterable[str]) -> str:
    """A list in braces, each value in quotes."""
    return "{" + ", ".join(quoted(word) for word in words) + "}"


class Channels:
    """A set of output channels; an empty one means `file`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Identities of the channels."""
        words = [word.lower() for word in words_of(settings[0])]
        unknown = [word for word in words if word not in CHANNELS]
        if unknown:
            raise BadValue(f"no channel {unknown[0]!r}", f"write {one_of(CHANNELS)}")
        kept = []
        for word in once(words, reading):
            lacking = reading.vocabulary.lacks("" if word in LOCAL else f"nf-types:{word}")
            if lacking:
                reading.losses.append(f"not to {word}: {lacking}")
            else:
                kept.append(word)
        if words and not kept:
            reading.changes.append("to file, as an empty set: a set without a channel means all")
        reading.standard_output |= "stdout" in kept
        return ([f"nf-types:{word}" for word in kept or ["file"]],)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The set; what goes to every channel goes to those that are enabled."""
        words = writing.enabled if values[0] is OMIT else tuple(map(_bare, values[0]))
        writing.named.update(words)
        known = [word for word in words if word in CHANNELS]
        for word in words:
            if word not in CHANNELS:
                writing.remarks.append(f"MMT-Probe has no channel {word}")
        return ("{" + ", ".join(known) + "}",)


def _bare(identity: str) -> str:
    return identity.rpartition(":")[2]


@dataclass(frozen=True)
class Bits:
    """Flags of MMT-Probe that are the bits of one leaf.

    Attributes:
        names: Of the bits, in the order of the options.
        clash: A bit that MMT-Probe refuses together with others.
    """

    names: tuple[str, ...]
    clash: str = ""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The bits whose flags are true."""
        on = [
            name
            for name, setting in zip(self.names, settings, strict=True)
            if Flag.value(setting)
        ]
        if self.clash in on and len(on) > 1:
            reading.changes.append(f"MMT-Probe refuses {self.clash} beside others; nf gives all")
        return (" ".join(on),)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """A flag for each bit."""
        if values[0] is OMIT:
            return (None,) * len(self.names)
        on = set(values[0].split())
        if self.clash in on and len(on) > 1:
            writing.remarks.append(f"MMT-Probe refuses {self.clash} beside others: set one false")
        return tuple(str(name in on).lower() for name in self.names)


class Source:
    """`input.mode` and `input.source`: interfaces, or a file."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Entries of interface, or the container file."""
        mode, source = (text_of(one) for one in settings)
        if mode.upper() not in ("ONLINE", "OFFLINE"):
            raise BadValue(f"{mode!r} is no mode", "write ONLINE or OFFLINE")
        if not source:
            return OMIT, OMIT
        if mode.upper() == "OFFLINE":
            path = absolute(source, reading)
            return OMIT, {"path": [_MAGIC.sub(lambda one: f"[{one[0]}]", path)]}
        if _PORTS.fullmatch(source):
            lacking = reading.vocabulary.lacks("nf-types:dpdk")
            if lacking:
                reading.losses.append(
                    f"ports of DPDK cannot be captured from, {lacking}: name the interface as"
                    " `ip link` shows it"
                )
                return OMIT, OMIT
            ports = once(source.split(","), reading)
            return [{"name": port, "source": "nf-types:dpdk"} for port in ports], OMIT
        if source == "any":
            reading.changes.append("every interface by itself, so that link types are kept")
            return [{"name": "*"}], OMIT
        return [{"name": source}], OMIT

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The mode and the source."""
        interfaces, file = values
        if file is not OMIT:
            paths = file.get("path", [])
            plain = [re.sub(r"\[([*?\[])\]", r"\1", one) for one in paths]
            if len(paths) != 1 or _MAGIC.search(re.sub(r"\[[*?\[]\]", "", paths[0])):
                raise Unsayable("MMT-Probe reads one file, and knows no patterns")
            return "OFFLINE", quoted(plain[0])
        if interfaces is OMIT or not interfaces:
            return None, None
        names = [one["name"] for one in interfaces]
        if all(_bare(one.get("source", "")) == "dpdk" for one in interfaces):
            return "ONLINE", quoted(",".join(names))
        if names == ["*"]:
            return "ONLINE", quoted("any")
        if len(names) > 1:
            raise Unsayable("MMT-Probe captures from one interface")
        if _MAGIC.search(names[0]):
            raise Unsayable("MMT-Probe knows no patterns of interfaces")
        return "ONLINE", quoted(names[0])


class LinkLayer:
    """`stack-type` and `stack-offset`."""

    NUMBERS = {1: "ethernet", 624: "sll", 800: "ieee802154"}
    """Before these MMT-Probe skips nothing, whatever the offset says."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The identity of the protocol that packets begin with, and octets before it."""
        stack, skipped = settings
        number, offset = whole(text_of(stack)), whole(text_of(skipped))
        name = self.NUMBERS.get(number) or reading.vocabulary.numbers.get(number)
        if name is None:
            raise BadValue(
                f"no protocol has the number {number}", "see nf protocols; 1 is Ethernet"
            )
        if not 0 <= offset <= 256:
            raise BadValue(f"{offset} is out of range", "write 0 to 256")
        link: Any = f"nf-protocols:{identity_of(name)}" if stack.stated else OMIT
        if number in self.NUMBERS:
            if offset:
                reading.losses.append(
                    f"MMT-Probe ignores stack-offset where stack-type is {number}, too"
                )
            return link, OMIT
        return link, offset if skipped.stated else OMIT

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The number of the protocol, and the octets."""
        link, offset = values
        if link is OMIT:
            return None, None
        name = protocol_of(link)
        number = next((n for n, one in self.NUMBERS.items() if one == name), None)
        if number is not None and offset is not OMIT and offset:
            raise Unsayable(f"MMT-Probe skips nothing before {name}")
        if number is None:
            number = writing.vocabulary.number(name)
        if number is None:
            raise Unsayable(f"MMT-Probe has no number for {name}")
        return str(number), None if offset is OMIT else str(offset)


class Broker:
    """`hostname` and `port` of Kafka."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """`host:port`."""
        del reading
        host, port = text_of(settings[0]), whole(text_of(settings[1]))
        if not 1 <= port <= 65535:
            raise BadValue(f"{port} is no port", "write 1 to 65535")
        if not host:
            raise BadValue("a broker needs a name or an address", "write hostname")
        return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}",)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The host and the port."""
        del writing
        if values[0] is OMIT:
            return None, None
        if "," in values[0]:
            raise Unsayable("MMT-Probe begins with one broker")
        host, colon, port = values[0].rpartition(":")
        if not colon or not port.isdecimal():
            raise Unsayable("MMT-Probe wants host:port")
        return quoted(host.removeprefix("[").removesuffix("]")), port


class MqttFlag(Flag):
    """`enable` of MQTT, where MMT-Probe always has quality of service 2."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The boolean, and the quality."""
        del reading
        return self.value(settings[0]), 2

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The boolean."""
        if values[1] is not OMIT and values[1] != 2:
            writing.remarks.append(f"MMT-Probe has quality of service 2, not {values[1]}")
        return ("false" if values[0] is OMIT else str(values[0]).lower(),)


class SocketKind:
    """`type` and `descriptor` of the socket output."""

    KINDS = {"UNIX": "unix", "TCP": "tcp", "INTERNET": "tcp", "UDP": "udp", "BOTH": "unix tcp"}

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The bits, and the path of the UNIX socket."""
        word = text_of(settings[0]).upper()
        if word not in self.KINDS:
            raise BadValue(f"{word!r} is no kind of socket", f"write {one_of(self.KINDS)}")
        bits = self.KINDS[word]
        path = absolute(text_of(settings[1]), reading)
        if path is OMIT and "unix" in bits:
            path = "/tmp/probe-output.sock"  # noqa: S108 - MMT-Probe's default
        if not settings[1].stated and "unix" not in bits:
            path = OMIT
        return bits, path

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The kind, and the path."""
        bits, path = values
        word: str | None = None
        if bits is not OMIT:
            found = [one for one, known in self.KINDS.items() if known == bits]
            if not found:
                raise Unsayable(f"MMT-Probe has no word for sockets of type {bits!r}")
            word = found[0]
        return word, None if path is OMIT else quoted(path)


class Dumped:
    """Protocols whose packets are written; `unknown` is one of them."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Identities of the protocols, and whether packets of none are written."""
        words = once(words_of(settings[0]), reading)
        identities: list[str] = []
        for word in words:
            if word == "unknown":
                continue
            name = reading.vocabulary.protocol(word)
            if name is None:
                reading.losses.append(f"no protocol {word!r}: see nf protocols")
            elif (identity := f"nf-protocols:{identity_of(name)}") not in identities:
                identities.append(identity)
        return identities or OMIT, "unknown" in words

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        words = [] if values[0] is OMIT else [protocol_of(one) for one in values[0]]
        if values[1] is True:
            words.append("unknown")
        return (listed(words),)


class Ranges:
    """Numbers of rules: `1,3-5`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The ranges one by one."""
        return (ranges_of(text_of(settings[0]), reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The ranges with commas between."""
        del writing
        return (None if values[0] is OMIT else quoted(",".join(values[0])),)


def ranges_of(text: str, reading: Reading) -> list[str]:
    """The ranges of a text."""
    words = [one.strip() for one in text.split(",") if one.strip()]
    for word in words:
        low, dash, high = word.partition("-")
        if not _RANGE.fullmatch(word) or (dash and int(low) > int(high)):
            raise BadValue(f"{word!r} is no range of rules", 'write it as in "1,3-5,50-100"')
    return once(words, reading)


class Pins:
    """Rules by thread: `(1:1-3)(2:4)`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Entries of the list pin."""
        text = text_of(settings[0]).strip()
        pins: dict[int, list[str]] = {}
        at = 0
        while at < len(text):
            found = _PIN.match(text, at)
            if found is None or not 1 <= int(found[1]) <= 255 or int(found[1]) in pins:
                raise BadValue(
                    f"{text!r} is no mask of rules", 'write each thread once, as in "(1:1-3)(2:4)"'
                )
            rules = ranges_of(found[2], reading)
            if not rules:
                raise BadValue(f"thread {found[1]} has no rules", "name some, or leave it out")
            pins[int(found[1])] = rules
            at = found.end()
        return ([{"thread": one, "rule": rules} for one, rules in pins.items()] or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The mask."""
        del writing
        if values[0] is OMIT:
            return (None,)
        return (quoted("".join(f"({one['thread']}:{','.join(one['rule'])})" for one in values[0])),)


class Event:
    """The attribute that a report waits for."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The attribute in the engine's spelling."""
        word = text_of(settings[0])
        found, remark = reading.vocabulary.attribute(word)
        if found is None:
            raise BadValue(remark, "see nf protocols NAME")
        if found != word:
            reading.changes.append(f"{found}{f': {remark}' if remark else ''}")
        return (found,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The attribute in quotes."""
        del writing
        return (None if values[0] is OMIT else quoted(values[0]),)


class Attributes:
    """A list of attributes; those that the engine does not have are left out with a remark."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The attributes that there are."""
        kept = []
        for word in words_of(settings[0]):
            found, remark = reading.vocabulary.attribute(word)
            if found is None:
                reading.losses.append(remark)
                continue
            if found != word:
                reading.changes.append(f"{word} is {found}")
            kept.append(found)
        return (once(kept, reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        return (None if values[0] is OMIT else listed(values[0]),)


class Columns:
    """Attributes with operators around them: `sum(ip.tot_len)`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The columns that there are."""
        kept = []
        for word in words_of(settings[0]):
            *operators, attribute = re.sub(r"\s", "", word).rstrip(")").split("(")
            closing = word.count(")")
            if closing != len(operators) or len(operators) > MAX_OPERATORS:
                raise BadValue(
                    f"{word!r} is no column",
                    f"write op(attribute), {MAX_OPERATORS} operators deep at most",
                )
            unknown = [one for one in operators if one not in OPERATORS]
            if unknown:
                raise BadValue(f"no operator {unknown[0]!r}", f"write {one_of(OPERATORS)}")
            found, remark = reading.vocabulary.attribute(attribute)
            if found is None:
                reading.losses.append(remark)
                continue
            text = "".join(f"{one}(" for one in operators) + found + ")" * len(operators)
            if text != word:
                reading.changes.append(f"{word} is {text}")
            kept.append(text)
        return (once(kept, reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        return (None if values[0] is OMIT else listed(values[0]),)
