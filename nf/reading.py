"""Captures in, rows out: what `nf.read` returns."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypedDict, TypeVar, Unpack, get_args, overload

from nf._native import engine as _engine
from nf.catalog import application_files, risk_files, transaction_has
from nf.datapath import config
from nf.datapath.description import Description
from nf.errors import ConfigurationError, EngineError, NfError, OutputUnavailable
from nf.plugins.handlers import Classifier, Handler, events_of
from nf.plugins.loading import Source, load_plugins, warn_of
from nf.plugins.made import makers_of
from nf.plugins.rows import Rows
from nf.records import (
    AppTraffic,
    Event,
    HostTraffic,
    ProtocolTraffic,
    Session,
    Stats,
    Summary,
    Transaction,
)

__all__ = ["FileName", "Options", "Reading", "default_threads", "read", "settings_from"]

REPORTS: tuple[config.Report, ...] = get_args(config.Report)
SUMS = ("protocol", "app", "host")
"""Reports whose rows are known at the end only."""
ROWS_AT_A_TIME = 2048
PATIENCE_SECONDS = 0.25
MOST_WORKERS = 8

Row_co = TypeVar("Row_co", covariant=True)
FileName = str | os.PathLike[str]


def default_threads() -> int:
    """Worker threads that suit this machine: one processor is left to reading, one to writing."""
    return max(1, min(len(os.sched_getaffinity(0)) - 2, MOST_WORKERS))


class Options(TypedDict, total=False):
    """Arguments of `read`, see there. Those not listed there are EngineConfig's, by their names."""

    where: str
    threads: int
    bpf: str
    risks: bool
    risk_files: Iterable[FileName]
    applications: Iterable[FileName]
    follow: bool
    pace: float
    live: bool
    interfaces: Iterable[config.Interface]
    report_interval: float
    root: str
    root_offset: int
    disabled_protocols: Iterable[str]
    plugins: Iterable[Source]
    classifier: Classifier
    timeouts: config.Timeouts
    key_vlan: bool
    key_tunnel: bool
    max_sessions: int
    table_full: Literal["evict-oldest", "refuse"]
    max_held_bytes: int
    classify_packets: int
    classify_bytes: int
    seed: int


@overload
def read(*files: FileName, **options: Unpack[Options]) -> "Reading[Session]": ...
@overload
def read(
    *files: FileName, report: Literal["session"], **options: Unpack[Options]
) -> "Reading[Session]": ...
@overload
def read(
    *files: FileName, report: Literal["transaction"], **options: Unpack[Options]
) -> "Reading[Transaction]": ...
@overload
def read(
    *files: FileName,
    events: Mapping[str, Iterable[str]],
    report: Literal["event"] = ...,
    **options: Unpack[Options],
) -> "Reading[Event]": ...
@overload
def read(
    *files: FileName, report: Literal["protocol"], **options: Unpack[Options]
) -> "Reading[ProtocolTraffic]": ...
@overload
def read(
    *files: FileName, report: Literal["app"], **options: Unpack[Options]
) -> "Reading[AppTraffic]": ...
@overload
def read(
    *files: FileName, report: Literal["host"], **options: Unpack[Options]
) -> "Reading[HostTraffic]": ...
@overload
def read(
    *files: FileName, report: Literal["summary"], **options: Unpack[Options]
) -> "Reading[Summary]": ...
def read(
    *files: FileName,
    report: config.Report | None = None,
    events: Mapping[str, Iterable[str]] | None = None,
    **options: Unpack[Options],
) -> "Reading[Any]":
    """Reads captures.

    Args:
        files: Capture files and patterns (`*.pcap`), read as one in the order of time; `-` is
            standard input. pcap and pcapng, also compressed by gzip or zstd.
        report: Which rows: `session`, `transaction`, `event`, `protocol`, `app`, `host` or
            `summary`. The default is sessions, and events when `events` are given.
        events: Attributes to wait for, and those to read when they have a value:
            `{"http.method": ["http.host", "http.uri"]}`.
        **options: `where` is a filter on rows, `threads` a number of workers (0: none beside the
            caller), `bpf` a filter on packets in libpcap's language, `applications` files that
            extend the built-in applications, `plugins` protocols of yours (files, directories,
            classes of `@nf.protocol`), `classifier` a function that may overrule what protocol a
            session is, `risks` has each session judged by what it shows (`Session.risks`),
            `risk_files` are rules of yours beside the built-in ones, and turn `risks` on.
            `interfaces` (of `nf.Interface`) captures live, in place of files, until `stop` is
            called. The rest is that of `nf.EngineConfig`.

    Returns:
        Rows as they are read; iterable once.

    Raises:
        ConfigurationError: A filter, a name or an option is wrong.
        CaptureError: A file is not there or is no capture.
    """
    chosen: config.Report = report or ("event" if events else "session")
    if chosen not in REPORTS:
        raise ConfigurationError(f"no report {report!r}", "report", "one of " + ", ".join(REPORTS))
    plugins = load_plugins(*options.pop("plugins", ()))
    warn_of(plugins, level=2)
    classifier = options.pop("classifier", None)
    settings = replace(
        settings_from(files, options, plugins.descriptions),
        reports=(chosen,),
        events=tuple(
            config.Event(event, tuple(attributes)) for event, attributes in (events or {}).items()
        ),
    )
    if chosen != "event":
        # Of events that are read, only those are made that were asked for.
        settings = replace(settings, events=events_of(plugins.handlers))
    return Reading(settings, plugins.handlers, classifier or plugins.classifier)


def settings_from(
    files: Iterable[FileName], options: Options, plugins: tuple[Description, ...]
) -> config.EngineConfig:
    """The engine's configuration from what `read` is told, but for the rows it is to give."""
    given: dict[str, Any] = dict(options)
    if "where" in given:
        given["filter"] = given.pop("where")
    if "applications" in given:
        given["applications"] = application_files(given["applications"])
    if "risk_files" in given:
        given["risk_files"] = risk_files(given["risk_files"])
        given.setdefault("risks", True)
    for several in ("disabled_protocols", "interfaces"):
        if several in given:
            given[several] = tuple(given[several])
    return config.EngineConfig(
        files=tuple(os.fspath(file) for file in files),
        plugins=plugins,
        **{"threads": default_threads(), **given},
    )


class Reading(Generic[Row_co]):
    """Captures being read. Gives its rows once: by iteration, in batches, or as a table.

    Iteration yields one record per row, of the type that belongs to the report. A reading left
    before its end should be closed, or used in a `with` statement; that stops the engine.
    """

    def __init__(
        self,
        settings: config.EngineConfig,
        handlers: Iterable[Handler] = (),
        classifier: Classifier | None = None,
    ) -> None:
        self._settings = settings
        self._makers = makers_of(partial(transaction_has, settings.plugins))
        self._rows = Rows(settings.reports, tuple(handlers), classifier, self._makers)
        asked = replace(settings, reports=self._rows.reports)
        self._engine: _engine.Engine | None = _engine.Engine(asked.to_json())
        if self._rows.overrules:
            self._engine.await_verdicts()
        self._begun = False
        self._stats: Stats | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Row_co]:
        if self._settings.reports == ("summary",):
            for _ in self.batches():
                pass
            yield self.stats.account  # type: ignore[misc]  # Row is Summary, by read's overloads
            return
        for batch in self.batches():
            make = self._makers[batch.kind]
            for row in batch.to_dicts():
                yield make(row)

    def batches(self) -> Iterator[_engine.Batch]:
        """Yields rows in batches of one kind each; a summary has none.

        A batch becomes bytes (`to_jsonl`, `to_csv`), dictionaries (`to_dicts`), or whatever takes
        the Arrow PyCapsule interface.

        Raises:
            CaptureError: A file cannot be read further; rows until there have been yielded.
            EngineError: The engine failed, or the account of packets does not balance.
            NfError: The rows have been read already.
        """
        for polled in self.polls(PATIENCE_SECONDS):
            yield from polled

    def polls(self, patience: float) -> Iterator[list[_engine.Batch]]:
        """As `batches`, but yields at least about every `patience` seconds, perhaps nothing."""
        engine = self._begin()
        while (polled := engine.poll(ROWS_AT_A_TIME, patience)) is not None:
            yield self._rows.wanted(polled, engine)
            if self._engine is None:
                return
        self._stats = self._read_stats(engine)
        for report in self._settings.reports:
            if report in SUMS:
                yield [engine.aggregate(report)]

    def _begin(self) -> _engine.Engine:
        if self._begun or self._engine is None:
            raise NfError(
                "this reading gives its rows once, and has", "nf.Reading", "call nf.read() again"
            )
        self._begun = True
        return self._engine

    def _read_stats(self, engine: _engine.Engine) -> Stats:
        counted = engine.stats()
        if counted["identity"] is not None:
            raise EngineError(
                f"packets are unaccounted for: {counted['identity']}",
                ", ".join(self._settings.files or (one.name for one in self._settings.interfaces)),
                "report it with the capture: this is a defect",
            )
        return self._stats_of(counted)

    @staticmethod
    def _stats_of(counted: dict[str, Any]) -> Stats:
        return Stats(
            account=Summary(**counted["account"]),
            decode_errors=counted["decode_errors"],
            anomalies=counted["anomalies"],
            source=counted["source"],
            workers=tuple(counted["workers"]),
            ended_early=counted["ended_early"],
            complete=counted["complete"],
        )

    @property
    def stats(self) -> Stats:
        """Counters, once all rows have been read.

        Raises:
            NfError: They have not.
        """
        if self._stats is None:
            raise NfError("not all rows have been read", "nf.Reading", "read them to the end first")
        return self._stats

    def counted(self) -> Stats:
        """Counters as of now, while rows are still being read.

        Raises:
            NfError: The reading is closed.
        """
        return self._stats_of(self._open_engine().stats())

    def active(self, limit: int, order_by: str = "bytes", where: str = "") -> _engine.Batch:
        """Sessions that go on: at most `limit`, the greatest by `order_by` first.

        Args:
            limit: At most so many.
            order_by: bytes, packets, payload, start or end.
            where: A filter without fields of transactions.

        Raises:
            ConfigurationError: There is no such order, or the filter is none.
            NfError: The reading is closed.
        """
        return self._open_engine().sessions(limit, order_by, where)

    def sources(self) -> list[dict[str, Any]]:
        """Every interface that was captured from, as it was a moment ago; see `Engine.sources`."""
        return [] if self._engine is None else self._engine.sources()

    def sums(self, report: str) -> _engine.Batch:
        """Rows of a report of sums as of now, with the sessions that go on.

        Raises:
            NfError: The reading is closed.
        """
        return self._open_engine().aggregate(report)

    def _open_engine(self) -> _engine.Engine:
        if self._engine is None:
            raise NfError("this reading is closed", "nf.Reading", "call nf.read() again")
        return self._engine

    def empty(self, kind: str) -> _engine.Batch:
        """A batch without rows; it tells the columns of its kind.

        Raises:
            ConfigurationError: There are no rows of that kind.
        """
        return self._open_engine().empty(kind)

    def progress(self) -> tuple[int, int, int]:
        """Octets read, octets to read (0 where that is unknown) and packets read so far."""
        return (0, 0, 0) if self._engine is None else self._engine.progress()

    def stop(self) -> None:
        """Ends reading early: what was read until now still comes, sessions end as at the end."""
        if self._engine is not None:
            self._engine.stop()

    def close(self) -> None:
        """Stops the engine; no more rows come. `stats` stay."""
        self.stop()
        self._engine = None

    def arrow_reader(self, fields: list[str] | None = None) -> Any:
        """The rows as a `pyarrow.RecordBatchReader`, which reads as it is read.

        Args:
            fields: Columns, in order; None takes the usual ones.

        Raises:
            OutputUnavailable: pyarrow is not installed.
            ConfigurationError: A field does not exist.
        """
        arrow = library("pyarrow", "arrow")
        if self._settings.reports == ("summary",):
            return self._summary_table(arrow, fields).to_reader()
        [kind] = self._settings.reports
        schema = arrow.record_batch(Capsules(self.empty(kind), fields)).schema
        batches = (arrow.record_batch(Capsules(batch, fields)) for batch in self.batches())
        return arrow.RecordBatchReader.from_batches(schema, batches)

    def _summary_table(self, arrow: Any, fields: list[str] | None) -> Any:
        for _ in self.batches():
            pass
        account = asdict(self.stats.account)
        table = arrow.table({name: arrow.array([n], arrow.uint64()) for name, n in account.items()})
        return table if fields is None else table.select(fields)

    def to_arrow(self, fields: list[str] | None = None) -> Any:
        """All rows as a `pyarrow.Table`; see `arrow_reader`."""
        return self.arrow_reader(fields).read_all()

    def to_pandas(self, fields: list[str] | None = None) -> Any:
        """All rows as a `pandas.DataFrame`; see `arrow_reader`.

        Raises:
            OutputUnavailable: pandas or pyarrow is not installed.
            ConfigurationError: A field does not exist.
        """
        library("pandas", "pandas")
        return self.to_arrow(fields).to_pandas()


class Capsules:
    """Columns of a batch for whatever takes the Arrow PyCapsule interface."""

    def __init__(self, batch: _engine.Batch, fields: list[str] | None) -> None:
        self._batch = batch
        self._fields = fields

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Schema and array; the columns have one type each, whatever is requested."""
        del requested_schema
        return self._batch.arrow(self._fields)


def library(name: str, extra: str) -> Any:
    """Imports an optional library.

    Raises:
        OutputUnavailable: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise OutputUnavailable(
            f"the library {name} is not installed", extra, f"pip install 'nf-probe[{extra}]'"
        ) from error
