"""Rows onto a stream: one writer per output format, one line each in the registry below."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any, ClassVar

from nf._native.engine import Batch, IpfixExporter
from nf.cli.show import picture
from nf.cli.show.columns import TABLE_FIELDS, columns_for, sums_columns, volume
from nf.cli.show.table import Row, Table
from nf.cli.show.terminal import Style
from nf.errors import ConfigurationError
from nf.outputs.ipfix.messages import Stamp, introduction, split
from nf.reading import SUMS, Capsules, library
from nf.records import Stats, Summary

__all__ = ["FORMATS", "Order", "Writer"]

DOMAIN, ENTERPRISE, MESSAGE_OCTETS = 1, 32473, 65535
"""Of IPFIX files: as the model's defaults, but nothing limits a message to a datagram."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be written, and where.

    Attributes:
        out: Stream of octets.
        text: The same stream for text; only tables write there.
        style: Width and colours of tables.
        files: Names of what is read.
        kind: Kind of the rows; `summary` for none.
        fields: Fields by name; None takes the usual ones.
        empty: A batch without rows of that kind; None for a summary.
    """

    out: IO[bytes]
    text: IO[str]
    style: Style
    files: Sequence[str]
    kind: str
    fields: list[str] | None
    empty: Batch | None

    def summary(self, account: Summary) -> dict[str, int]:
        """The summary, or the fields of it that were asked for."""
        whole: dict[str, int] = asdict(account)
        return whole if self.fields is None else {name: whole[name] for name in self.fields}


class Writer:
    """Writes batches as they come, a summary at the end, and closes what it opened."""

    binary: ClassVar[bool] = False
    """Not for terminals."""

    @classmethod
    def check(cls, kind: str, fields: list[str] | None) -> None:
        """Tells before anything is opened whether rows of a kind, and fields, can be written."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def rows(self, batch: Batch) -> None:
        """Writes the rows of a batch."""
        raise NotImplementedError

    def pause(self) -> None:
        """Nothing more comes for now; whoever watches wants to see what did."""

    def end(self, stats: Stats) -> None:
        """Everything has been written but what only the end tells."""

    def close(self) -> None:
        """Ends the output; also called when it failed."""


class JsonLines(Writer):
    """One JSON object per line."""

    def rows(self, batch: Batch) -> None:
        self.order.out.write(batch.to_jsonl(self.order.fields))

    def pause(self) -> None:
        self.order.out.flush()

    def end(self, stats: Stats) -> None:
        if self.order.kind == "summary":
            line = json.dumps(self.order.summary(stats.account), separators=(",", ":"))
            self.order.out.write(line.encode() + b"\n")


class Csv(Writer):
    """Comma-separated values, RFC 4180."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        if order.empty is not None:
            order.out.write(order.empty.to_csv(order.fields, header=True))

    def rows(self, batch: Batch) -> None:
        self.order.out.write(batch.to_csv(self.order.fields, header=False))

    def pause(self) -> None:
        self.order.out.flush()

    def end(self, stats: Stats) -> None:
        if self.order.kind == "summary":
            summary = self.order.summary(stats.account)
            lines = (",".join(summary), ",".join(map(str, summary.values())))
            self.order.out.write("".join(f"{line}\r\n" for line in lines).encode())


class Arrow(Writer):
    """An Arrow IPC stream."""

    binary = True

    @classmethod
    def check(cls, kind: str, fields: list[str] | None) -> None:
        del kind, fields
        library("pyarrow", "arrow")

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._pyarrow = library("pyarrow", "arrow")
        self._sink: Any = None
        if order.empty is not None:
            self._sink = self.open(self._batch(order.empty).schema)

    def open(self, schema: Any) -> Any:
        """A writer of batches of that schema onto the output."""
        ipc = library("pyarrow.ipc", "arrow")
        return ipc.new_stream(self.order.out, schema)

    def _batch(self, batch: Batch) -> Any:
        return self._pyarrow.record_batch(Capsules(batch, self.order.fields))

    def rows(self, batch: Batch) -> None:
        if len(batch):
            self._sink.write_batch(self._batch(batch))

    def end(self, stats: Stats) -> None:
        if self.order.kind == "summary":
            columns = {
                name: self._pyarrow.array([number], self._pyarrow.uint64())
                for name, number in self.order.summary(stats.account).items()
            }
            batch = self._pyarrow.record_batch(columns)
            self._sink = self.open(batch.schema)
            self._sink.write_batch(batch)

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()


class Parquet(Arrow):
    """A Parquet file."""

    def open(self, schema: Any) -> Any:
        parquet = library("pyarrow.parquet", "arrow")
        return parquet.ParquetWriter(self.order.out, schema)


class IpfixFile(Writer):
    """A file of IPFIX messages (RFC 5655): sessions, and what a reader must know of them."""

    binary = True

    @classmethod
    def check(cls, kind: str, fields: list[str] | None) -> None:
        if kind != "session" or fields is not None:
            raise ConfigurationError(
                "IPFIX has the elements of its templates, and of sessions only",
                "-o ipfix",
                "take --report session without --fields, or another format",
            )

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._stamp = Stamp()
        self._exporter = IpfixExporter(DOMAIN, ENTERPRISE, MESSAGE_OCTETS, True)
        for message in introduction(DOMAIN, ENTERPRISE):
            order.out.write(self._stamp.put(message))

    def rows(self, batch: Batch) -> None:
        messages, _ = self._exporter.write(batch)
        for message in split(messages):
            self.order.out.write(self._stamp.put(message))

    def pause(self) -> None:
        self.order.out.flush()


class Tables(Writer):
    """A table for people; of a summary, a picture."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._table: Table | None = None
        self._sums: dict[str, list[Row]] = {}

    def rows(self, batch: Batch) -> None:
        if self.order.kind == "summary":
            # Protocols are a tree, of which the largest rows may be anywhere.
            most = None if batch.kind == "protocol" else picture.MOST_ROWS
            self._sums[batch.kind] = batch.to_dicts(most=most)
            return
        if self._table is None:
            if not len(batch):
                return
            self._table = self._start(batch)
        self._table.add(batch.to_dicts(self.order.fields or TABLE_FIELDS.get(batch.kind)))

    def _start(self, batch: Batch) -> Table:
        order, kind = self.order, batch.kind
        chosen = order.fields is not None
        if kind in SUMS and not chosen:
            rows = batch.to_dicts()
            columns = sums_columns(kind, rows, volume(kind, rows))
        else:
            [first] = batch.to_dicts(order.fields or TABLE_FIELDS.get(kind), most=1)
            names = batch.columns(order.fields)
            columns = columns_for(kind, names, chosen=chosen, first=first)
        return Table(columns, order.style, order.text, whole=chosen)

    def pause(self) -> None:
        self.order.text.flush()

    def end(self, stats: Stats) -> None:
        order = self.order
        if order.kind != "summary":
            return
        if order.fields is not None:
            for name, number in order.summary(stats.account).items():
                order.text.write(f"{number:>20,}  {name}\n")
            return
        picture.draw(order.text, order.style, order.files, stats, self._sums)


FORMATS: dict[str, type[Writer]] = {
    "table": Tables,
    "jsonl": JsonLines,
    "csv": Csv,
    "arrow": Arrow,
    "parquet": Parquet,
    "ipfix": IpfixFile,
}
"""The writer of each output format."""
