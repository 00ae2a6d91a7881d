"""Functions of the user's on what an engine finds: MMT-DPI's registrations, in batches.

    probe = nf.Probe("some.pcap")
    probe.register_attribute("ip.src")
    probe.register_attribute_handler("http.method", lambda events: print(len(events)))
    probe.run()

No function runs per packet: each gets lists of records, in the order of the packets.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar, Unpack

from nf.catalog import protocols
from nf.datapath.config import Event as EventSetting
from nf.datapath.config import Report
from nf.errors import ConfigurationError, NfError
from nf.plugins.handlers import Classifier, Handler, events_of
from nf.plugins.loading import load_plugins, warn_of
from nf.reading import FileName, Options, Reading, settings_from
from nf.records import Attribute, Event, Protocol, Session, Stats, Transaction

__all__ = ["Probe"]

EACH_PACKET = "meta.packet_index"
"""What every packet has: its event is the packet handler's."""

Record = TypeVar("Record")
On = Callable[[Sequence[Record]], object]


class Probe:
    """Reads captures and lets functions have what was found; see the module.

    Args:
        *files: Captures, as for `nf.read`.
        **options: Those of `nf.read`; `where` is a condition on sessions and transactions.

    Raises:
        ConfigurationError: An option or a plugin is wrong.
    """

    def __init__(self, *files: FileName, **options: Unpack[Options]) -> None:
        plugins = load_plugins(*options.pop("plugins", ()))
        warn_of(plugins, level=2)
        self._classifier: Classifier | None = options.pop("classifier", None) or plugins.classifier
        self._settings = settings_from(files, options, plugins.descriptions)
        self._plugged = plugins.handlers
        self._attributes: dict[str, None] = {}
        self._handlers: list[Handler] = []
        self._extra: dict[str, dict[str, None]] = {}
        """What handlers of an event read beside the registered attributes."""

    # What there is

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Every protocol with its attributes, those of plugins included."""
        return protocols(self._settings.plugins)

    def protocol(self, name_or_id: str | int) -> Protocol:
        """A protocol by its name, an alias, or its id.

        Raises:
            ConfigurationError: There is none.
        """
        for one in reversed(self.protocols):
            if name_or_id in {one.id, one.name, *one.aliases}:
                return one
        names = [one.name for one in self.protocols]
        raise _unknown("protocol", name_or_id, names, "nf protocols lists them")

    def attribute(self, protocol: str | int, name_or_id: str | int) -> Attribute:
        """An attribute of a protocol by its name, an alias, or its id.

        Raises:
            ConfigurationError: There is none.
        """
        owner = self.protocol(protocol)
        for one in owner.attributes:
            if name_or_id in {one.id, one.name, *one.aliases}:
                return one
        names = [one.name for one in owner.attributes]
        raise _unknown("attribute", name_or_id, names, f"nf protocols {owner.name} lists them")

    # What is read

    def register_attribute(self, name: str) -> None:
        """Has `protocol.attribute` read for packet handlers and attribute handlers."""
        self._attributes[self._checked(name)] = None

    def unregister_attribute(self, name: str) -> None:
        """Has it read no more; nothing when it was not."""
        self._attributes.pop(name, None)

    def is_registered_attribute(self, name: str) -> bool:
        """Whether it is read."""
        return name in self._attributes

    # Who hears

    def register_attribute_handler(
        self, name: str, handler: On[Event], attributes: Iterable[str] = ()
    ) -> None:
        """Calls `handler` with the moments when `protocol.attribute` had a value.

        Args:
            name: The attribute.
            handler: Gets events, whose values are that attribute and all registered ones.
            attributes: What else to read at that moment.
        """
        extra = self._extra.setdefault(self._checked(name), {name: None})
        extra.update({self._checked(one): None for one in attributes})
        self._add("event", name, handler)

    def register_packet_handler(self, handler: On[Event]) -> None:
        """Calls `handler` with every packet's registered attributes.

        An attribute of a message has a value on the packet that completed the message.
        """
        self._extra.setdefault(EACH_PACKET, {EACH_PACKET: None})
        self._add("event", EACH_PACKET, handler)

    def register_session_handler(self, handler: On[Session], protocol: str = "") -> None:
        """Calls `handler` with sessions that have ended: of a protocol, or all."""
        name = self.protocol(protocol).name if protocol else ""
        self._add("session", name, handler)

    def register_transaction_handler(self, handler: On[Transaction], protocol: str = "") -> None:
        """Calls `handler` with transactions: of a protocol, or all."""
        name = self.protocol(protocol).name if protocol else ""
        self._add("transaction", name, handler)

    def unregister_handler(self, handler: Callable[..., object]) -> bool:
        """Calls `handler` no more; whether it was registered."""
        before = len(self._handlers)
        self._handlers = [one for one in self._handlers if one.function != handler]
        heard = {one.of for one in self._handlers if one.kind == "event"}
        self._extra = {name: extra for name, extra in self._extra.items() if name in heard}
        return len(self._handlers) < before

    def is_registered_handler(self, handler: Callable[..., object]) -> bool:
        """Whether `handler` is called for anything."""
        return any(one.function == handler for one in self._handlers)

    def register_classifier(self, classifier: Classifier) -> None:
        """Asks `classifier` once about each session what protocol it is.

        It gets a batch of sessions and gives back names by `session_id`, for those of which it
        knows better than the engine. Handlers, sums and `where` go by its verdict.
        """
        self._classifier = classifier

    def _add(
        self, kind: Literal["session", "transaction", "event"], of: str, handler: On[Any]
    ) -> None:
        self._handlers.append(Handler(kind, of, handler))

    def _checked(self, name: str) -> str:
        protocol, dot, attribute = name.partition(".")
        if not dot:
            raise ConfigurationError(
                f"{name!r} is no attribute", "register_attribute", "protocol.attribute: http.method"
            )
        self.attribute(protocol, attribute)
        return name

    # Reading

    def run(self) -> Stats:
        """Reads everything; handlers are called meanwhile, in this thread.

        Raises:
            NfError: Nobody would hear anything.
            CaptureError: A file cannot be read further.
        """
        handlers = [*self._plugged, *self._handlers]
        if not handlers:
            raise NfError("nobody listens", "nf.Probe", "register a handler first, or use nf.read")
        events = tuple(
            EventSetting(name, tuple({**extra, **self._attributes}))
            for name, extra in self._extra.items()
        )
        events += events_of(self._plugged, events)
        reports: tuple[Report, ...] = ("event",) if events else ("session",)
        settings = replace(self._settings, reports=reports, events=events)
        with Reading[Any](settings, handlers, self._classifier) as reading:
            for _ in reading.batches():
                # Whoever wanted the rows has had them.
                pass
            return reading.stats


def _unknown(
    kind: str, word: str | int, known: Sequence[str], otherwise: str
) -> ConfigurationError:
    from difflib import get_close_matches  # noqa: PLC0415  # only where something is wrong

    found = get_close_matches(str(word), known, n=3, cutoff=0.6)
    return ConfigurationError(f"no {kind} {word!r}", "nf.Probe", " or ".join(found) or otherwise)
