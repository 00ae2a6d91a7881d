"""`-X name=value`, `-i` and `-t`: what counts more than the file, and which names there are.

The list is MMT-Probe's own, with its spellings, in its order: scripts read it. More can be
overridden than the list has: MMT-Probe leaves out its lists and what some builds lack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from nf.errors import ConfigurationError
from nf.mgmt.legacy.mapping import NAMES
from nf.mgmt.legacy.settings import Setting, Settings
from nf.mgmt.legacy.tokens import Place

__all__ = [
    "LISTED",
    "Override",
    "apply_overrides",
    "full_name",
    "is_override",
    "listing",
    "overridable",
    "override_of",
    "unquoted",
]


@dataclass(frozen=True, slots=True)
class Override:
    """One of them.

    Attributes:
        name: Full name of the option.
        value: Its value, without quotes and braces.
        place: How it was said, such as `-X thread-nb`.
    """

    name: str
    value: str
    place: str


_KINDS = {"b": "boolean", "h": "uint16_t", "w": "uint32_t", "s": "string"}

_LISTED = """
probe-id w, stack-type w, stack-offset w, stats-period h, enable-proto-without-session-report b,
enable-ip-fragmentation-report b, enable-report-version-info b, enable-ip-defragmentation b,
enable-tcp-reassembly b, dynamic-config.enable b, dynamic-config.descriptor s, thread-nb h,
thread-queue w, input.mode h, input.source s, input.snap-len h, input.buffer-size w,
input.timeout w, output.format h, output.cache-max w, output.cache-period w, file-output.enable b,
file-output.output-file s, file-output.output-dir s, file-output.sample-file b,
file-output.retain-files h, mongodb-output.enable b, mongodb-output.hostnam s,
mongodb-output.port h, mongodb-output.collection s, mongodb-output.database s,
mongodb-output.limit-size w, kafka-output.enable b, kafka-output.hostname s, kafka-output.port h,
kafka-output.topic s, redis-output.enable b, redis-output.hostname s, redis-output.channel s,
redis-output.port h, socket-output.enable b, socket-output.type h, socket-output.hostname s,
socket-output.port h, socket-output.descriptor s, dump-pcap.enable b, dump-pcap.output-dir s,
dump-pcap.period h, dump-pcap.retain-files h, dump-pcap.snap-len h, system-report.enable b,
system-report.period h, system-report.output-channel s, behaviour.enable b,
behaviour.output-dir s, behaviour.output-file s, behaviour.retain-files h, security.enable b,
security.thread-nb h, security.exclude-rules s, security.rules-mask s,
security.report-rule-description b, security.ignore-remain-flow s, reconstruct-data.ftp.enable b,
reconstruct-data.ftp.output-dir s, reconstruct-data.http.enable b,
reconstruct-data.http.output-dir s, micro-flows.enable b, micro-flows.packet-threshold w,
micro-flows.byte-threshold w, micro-flows.report-packet-count w, micro-flows.report-bytes-count w,
micro-flows.report-flows-count w, session-report.enable b, session-report.ftp b,
session-report.http b, session-report.rtp b, session-report.gtp b, session-report.ssl b,
session-report.rtt-base h, radius-report.enable b, radius-report.message-id h
"""

LISTED: tuple[tuple[str, str], ...] = tuple(
    (name, _KINDS[kind])
    for name, _, kind in (one.strip().partition(" ") for one in _LISTED.split(","))
)
"""Name and type of each option that `-x` lists."""

_FIXED = ("logfile", "loglevel", "security.ip-encapsulation-index")
_FIXED_SECTIONS = (
    "session-timeout.", "event-report.", "query-report.", "data-output.", "security.input.",
    "security.security.",
)  # fmt: skip


def listing() -> str:
    """The list as `-x` prints it: `name (type)` on each line."""
    return "".join(f"{name} ({kind})\n" for name, kind in LISTED)


def overridable(name: str) -> bool:
    """Whether `-X` takes an option, by its full name."""
    kept = name in _FIXED or name.startswith(_FIXED_SECTIONS)
    reconstructed = name.startswith("reconstruct-data.") and name.endswith(".output-channel")
    return name in NAMES.options and not kept and not reconstructed


def is_override(text: str) -> bool:
    """Whether `name=value` begins with an option of MMT-Probe, also one that stays as it is."""
    written = text.partition("=")[0].strip()
    return NAMES.aliases.get(written, written) in NAMES.options


def override_of(text: str) -> Override:
    """What `-X` is given: `name=value`.

    Raises:
        ConfigurationError: There is no such option, or it is one that cannot be overridden.
    """
    written, equals, value = text.partition("=")
    written = written.strip()
    place = f"-X {written}"
    if not equals:
        raise ConfigurationError(f"{text!r} has no value", "-X", "write -X name=value")
    return Override(full_name(written, place), unquoted(value.strip()), place)


def full_name(written: str, place: str) -> str:
    """The full name of an option that can be overridden.

    Raises:
        ConfigurationError: There is none.
    """
    name = NAMES.aliases.get(written, written)
    if name in NAMES.options and not overridable(name):
        raise ConfigurationError(
            f"{written} cannot be overridden",
            place,
            "change it in the file, or in the running configuration: nf config edit",
        )
    if name not in NAMES.options:
        near = get_close_matches(written, [one for one in NAMES.options if overridable(one)], n=2)
        hint = f"is {' or '.join(near)} meant?" if near else "nf mmt options lists them"
        raise ConfigurationError(f"there is no option {written!r}", place, hint)
    return name


def unquoted(value: str) -> str:
    """A value without the quotes around it."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def apply_overrides(said: Settings, overrides: Sequence[Override]) -> None:
    """Puts overrides in the place of what a file says; the last one counts."""
    for one in overrides:
        split = one.name in NAMES.lists
        setting = Setting((one.value,), split, Place(one.place), one.name, split=split)
        said.plain[one.name] = setting
        section, dot, _ = one.name.rpartition(".")
        if dot:
            said.sections.setdefault(section, Place(one.place))
