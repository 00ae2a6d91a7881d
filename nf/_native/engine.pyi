"""Typed face of the extension module; `make lint` compares it with the compiled one."""

from pathlib import Path
from typing import Any, ClassVar, final

__all__ = [
    "Batch",
    "Dumper",
    "Engine",
    "IpfixExporter",
    "applications",
    "check_filter",
    "examine",
    "filter_words",
    "protocols",
    "risks",
    "session_fields",
    "version",
]

def version() -> str:
    """Version of the engine, the same as the Python distribution's."""

def protocols(plugins: str | None = None) -> list[dict[str, Any]]:
    """Every protocol with its attributes; also those of plugins, if given (JSON text)."""

def applications(files: list[tuple[str, str]] | None = None) -> list[dict[str, Any]]:
    """Every application of the built-in table, extended by `files` (name and text each)."""

def risks(
    files: list[tuple[str, str]] | None = None, plugins: str | None = None
) -> list[dict[str, Any]]:
    """Every risk that sessions are judged by, with those of `files` (name and text each).

    Conditions may use the words of plugins (JSON text).
    """

def session_fields() -> list[tuple[str, str, str]]:
    """Name, type and meaning of every field of a session."""

def filter_words(plugins: str | None = None) -> list[tuple[str, str]]:
    """Every word a filter may use, with the name of its type; also those of plugins (JSON text)."""

def check_filter(text: str, plugins: str | None = None) -> None:
    """Raises ConfigurationError, pointing at the place, when `text` is no filter.

    Its words may be those of plugins (JSON text).
    """

def examine(
    plugins: str, carrier: str, port: int, octets: bytes
) -> tuple[list[str], list[tuple[str, str]]]:
    """Path above the transport, and every header of it as JSON text with its protocol.

    Of a session's first packet: what the plugins given (JSON text) make of it.
    """

@final
class Dumper:
    """Writes packets of running engines to files of a folder, one at a time.

    Methods may be called by any thread.
    """

    def __new__(cls, folder: str) -> Dumper: ...
    def begin(
        self,
        file: str,
        *,
        filter: str,  # noqa: A002 - the word of the filters' language
        duration: float,
        packets: int,
        octets: int,
        snap_length: int,
        links: list[int],
    ) -> Path:
        """Begins to write what is captured from now on, and returns the path of the file.

        `duration` in seconds; `packets` 0 for any number; `snap_length` 0 for whole packets;
        `links` are the link types for which `filter` must make sense. Raises ConfigurationError,
        whose place names the argument, or CaptureError where the file cannot be made.
        """

    def stop(self) -> bool:
        """Has the dump end that goes on; whether there is one."""

    def wait(self, seconds: float) -> bool:
        """Waits for the end of the latest dump, `seconds` at most; whether it has come."""

    def view(self) -> dict[str, Any] | None:
        """How the latest dump is; None before the first.

        Has file, filter, begun (seconds since 1970), seen, packets, octets, dropped, active; at its
        end ended, reason (`duration`, `count`, `size`, `stopped`, `disk-full`, `failed`) and text.
        """

@final
class Engine:
    """An engine on the files, or interfaces, and settings of a configuration.

    That is JSON text of `EngineConfig`. One thread polls; the others may swap, stop and ask.
    """

    def __new__(cls, config: str) -> Engine: ...
    def start(self) -> None:
        """Starts the engine's threads; polling does so too."""

    def dump_to(self, dumper: Dumper) -> None:
        """Has packets be offered to `dumper`; before the start only.

        A live engine takes over from the one that did so before: what is captured from now on
        counts of the new one only.
        """

    def poll(self, max_rows: int, timeout: float) -> list[Batch] | None:
        """Batches of about `max_rows` rows, or what came in `timeout` seconds; None at the end."""

    def await_verdicts(self) -> None:
        """From now on batches come unfiltered and are in no sums, see `conclude`."""

    def conclude(self, batch: Batch) -> None:
        """Filters the rows of a batch that was polled, and adds them to the sums."""

    def swap(self, config: str) -> None:
        """Runs on with another configuration from the next batch of packets on.

        Raises ConfigurationError, and runs on as before, where a setting is wrong or takes a new
        engine.
        """

    def sources(self) -> list[dict[str, Any]]:
        """Every interface that was captured from, as it was a moment ago.

        Each has name, id (of its packets), configured_by (name or pattern), state (`capturing`,
        `down`, `waiting`, `failed`, `closed`), trouble (why it failed), link_type, opened (how
        often), ring_bytes, and the counters seen (drops included), packets, bytes,
        captured_bytes, filtered, kernel_drops, truncated, clock_backward and malformed.
        """

    def sessions(self, limit: int, order_by: str = "bytes", where: str = "") -> Batch:
        """Sessions that go on: at most `limit`, the greatest by `order_by` first.

        The order is by bytes, packets, payload, start or end. `where` is a filter without fields
        of transactions.
        """

    def terminate(self, session: int) -> bool:
        """Ends the session of this id now; whether there was one."""

    def clear_counters(self) -> None:
        """Has all counters count from now on; sums of reports stay."""

    def stop(self) -> None:
        """Ends reading; what is under way still comes out of poll."""

    def progress(self) -> tuple[int, int, int]:
        """Octets read, octets to read (0 when unknown), packets taken."""

    def stats(self) -> dict[str, Any]:
        """Counters as of now, by group; final once poll has returned None.

        `in_flight` are packets counted by the source and by no worker yet; `busy` tells of each
        worker the seconds that it runs and those that it processed, its batches, and its load (the
        share of the last second); `waiting` the batches that wait for each, `limits` what each has
        room for; `rows_dropped` what nobody polled in time (live only).
        """

    def empty(self, kind: str) -> Batch:
        """A batch without rows of a kind that the configuration can give: tells its columns."""

    def live_sums(self, report: str) -> list[dict[str, Any]]:
        """Rows of an aggregate (`protocol` or `app`) as dictionaries.

        Each has `active`, too: how many of its sessions go on.
        """

    def aggregate(self, report: str) -> Batch:
        """Rows of an aggregate (`protocol`, `app` or `host`) as of now, active sessions included.

        Final once poll has returned None.
        """

@final
class Batch:
    """Rows of one kind (session, transaction, event, protocol, app or host), in order."""

    @property
    def kind(self) -> str:
        """Kind of the rows."""

    def __len__(self) -> int: ...
    def columns(self, fields: list[str] | None = None) -> list[tuple[str, str]]:
        """Name and type of each column; lists and records count as text, as in CSV."""

    def reclassify(self, verdicts: dict[int, str]) -> int:
        """Takes other protocols, by name, for those found of sessions; how many rows changed."""

    def to_jsonl(self, fields: list[str] | None = None) -> bytes:
        """JSON Lines."""

    def to_csv(self, fields: list[str] | None = None, header: bool = True) -> bytes:
        """CSV, with a header line if asked for."""

    def to_dicts(
        self, fields: list[str] | None = None, most: int | None = None
    ) -> list[dict[str, Any]]:
        """One dictionary per row, with the keys of JSON Lines; of the first `most` rows."""

    def arrow(self, fields: list[str] | None = None) -> tuple[object, object]:
        """As `__arrow_c_array__`, for columns of the caller's choice."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The Arrow PyCapsule interface: schema and array of one struct per row."""

@final
class IpfixExporter:
    """Makes messages of IPFIX (RFC 7011) of the sessions in batches.

    For an observation domain, with the elements of our own under an enterprise number, in messages
    of at most so many octets, with a record for both directions or one for each. Of sessions that
    go on, each record has what came since the last.
    """

    TEMPLATES: ClassVar[list[int]]
    """Numbers of all templates: for both directions over IPv4 and IPv6, for one likewise."""

    def __new__(
        cls, domain: int, enterprise: int, message_size: int, biflow: bool
    ) -> IpfixExporter: ...
    @staticmethod
    def elements(template: int) -> list[tuple[int, str, int, str, int, int, int, str]]:
        """Number, owner, length, name, type, semantics, unit and meaning of each element.

        The owner is `iana`, `reverse` or `enterprise`, a length of 65535 that of a value that
        tells its own; type, semantics and unit have the numbers of RFC 5610, section 3.
        """

    def write(self, batch: Batch) -> tuple[bytes, int]:
        """Messages with the sessions of a batch, and the count of their records.

        Without a time, and with the count of records in place of a sequence number.
        """
