"""Codecs of what is more than one plain value: sets, and options that go together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

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
    "Bits",
    "Broker",
    "Channels",
    "LinkLayer",
    "MqttFlag",
    "SocketKind",
    "Source",
    "listed",
    "once",
    "words_of",
]

CHANNELS = ("file", "stdout", "redis", "kafka", "mqtt", "mongodb", "socket")
LOCAL = ("file", "stdout")
"""Channels that need no feature."""

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
            name for name, setting in zip(self.names, settings, strict=True) if Flag.value(setting)
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
        if "/" in source or _MAGIC.search(source) or not source.isprintable() or " " in source:
            raise BadValue(f"{source!r} is no interface", "write mode = OFFLINE for a file")
        return [{"name": source}], OMIT

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The mode and the source."""
        del writing
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

    NUMBERS: ClassVar = {1: "ethernet", 624: "sll", 800: "ieee802154"}
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
    """`type`, `descriptor` and `port` of the socket output."""

    KINDS: ClassVar = {
        "UNIX": "unix",
        "TCP": "tcp",
        "INTERNET": "tcp",
        "UDP": "udp",
        "BOTH": "unix tcp",
    }

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The bits, the path of the UNIX socket, and the port of the others."""
        word = text_of(settings[0]).upper()
        if word not in self.KINDS:
            raise BadValue(f"{word!r} is no kind of socket", f"write {one_of(self.KINDS)}")
        bits = self.KINDS[word].split()
        port = whole(text_of(settings[2]))
        if not 0 <= port <= 65535:
            raise BadValue(f"{port} is no port", "write 1 to 65535")
        if not port and bits != ["unix"]:
            reading.changes.append("no TCP and no UDP without a port")
            bits = [one for one in bits if one == "unix"]
        path = absolute(text_of(settings[1]), reading)
        if path is OMIT and "unix" in bits:
            path = "/tmp/probe-output.sock"  # noqa: S108 - MMT-Probe's default
        return " ".join(bits), path, port or OMIT

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The kind, the path and the port."""
        del writing
        bits, path, port = values
        # Nothing at all is what a connection without a port comes to.
        found = ["TCP"] if bits == "" else [one for one, has in self.KINDS.items() if has == bits]
        if not found:
            raise Unsayable(f"MMT-Probe has no word for sockets of type {bits!r}")
        if bits == "" and port is not OMIT:
            raise Unsayable("MMT-Probe has no word for no socket at all")
        place = None if path is OMIT else quoted(path)
        return found[0], place, None if port is OMIT else str(port)
