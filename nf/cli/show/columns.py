"""The columns of each report's table."""

from collections.abc import Callable, Sequence
from typing import Any

from nf.cli.show.table import Column, Row
from nf.cli.show.units import clock, count, day, duration, octets, share

__all__ = ["TABLE_FIELDS", "bar", "columns_for", "sums_columns", "text_of", "volume"]

BLOCKS = " ▏▎▍▌▋▊▉█"
BAR_WIDTH = 24
TUNNELS = ("ip", "ipv6")
SIDES = ("packets_up", "packets_down", "bytes_up", "bytes_down")
TABLE_FIELDS = {
    "session": [
        *("start", "end", "src_ip", "src_port", "dst_ip", "dst_port", "path", "app"),
        *("server_name", "end_reason", *SIDES, *(f"tunnel_{name}" for name in SIDES)),
    ]
}
"""Fields that a table takes where these are not the usual ones."""


def bar(part: float, whole: float, width: int = BAR_WIDTH) -> str:
    """A bar of eighths of a column; what is not nothing shows at least one."""
    if whole <= 0 or part <= 0:
        return ""
    eighths = max(1, round(8 * width * min(part / whole, 1)))
    return BLOCKS[8] * (eighths // 8) + (BLOCKS[eighths % 8] if eighths % 8 else "")


def text_of(value: Any) -> str:
    """A value as one line."""
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(text_of, value))
    if isinstance(value, dict):
        return "{" + pairs(value) + "}"
    return str(value)


def pairs(values: dict[str, Any]) -> str:
    """`name=value` for each value there is."""
    return " ".join(f"{name}={_quoted(text_of(value))}" for name, value in values.items())


def _quoted(text: str) -> str:
    return f'"{text}"' if not text or " " in text else text


def _end(address: str | None, port: int | None) -> str:
    if address is None:
        return ""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _initiator(row: Row) -> str:
    return _end(row["src_ip"], row["src_port"])


def _responder(row: Row) -> str:
    return _end(row["dst_ip"], row["dst_port"])


def _layers(row: Row) -> str:
    """The path from the last IP layer up, behind the tunnels it is in."""
    layers: list[str] = (row["path"] or "").split(".")
    inner = max((n for n, layer in enumerate(layers) if layer in TUNNELS), default=0)
    above = layers[inner + 1 :] or layers[-1:]
    outer = [layer for layer in layers[:inner] if layer not in TUNNELS]
    tunnels = [layer for n, layer in enumerate(outer) if n > 0 and layer not in {"udp", "tcp"}]
    return " ▸ ".join([*tunnels, " ".join(above)])


def _moment(name: str) -> tuple[Callable[[Row], str], Callable[[Row], str]]:
    """The heading's day, taken from the first row, and the cells below it."""
    today: list[str] = []

    def cell(row: Row) -> str:
        if not today:
            today.append(day(row[name]))
        return clock(row[name], today[0])

    return cell, lambda row: day(row[name])


def _time(name: str, first: Row | None) -> Column:
    cell, heading = _moment(name)
    return Column(heading=heading(first) if first else "time", cell=cell, least=12, colour="dim")


def _duration(row: Row) -> str:
    return duration(row["end"] - row["start"])


def _octets(name: str) -> Callable[[Row], str]:
    return lambda row: octets(row[name])


def _count(*names: str) -> Callable[[Row], str]:
    return lambda row: count(sum(row[name] for name in names))


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: text_of(row[name])


def _own_or_inside(name: str, shown: Callable[[int], str]) -> Callable[[Row], str]:
    """What a session counted; in parentheses what sessions within it did, where it is a tunnel."""

    def cell(row: Row) -> str:
        inside = row[f"tunnel_{name}"]
        return f"({shown(inside)})" if inside and not row[name] else shown(row[name])

    return cell


def _packets(row: Row) -> str:
    own = row["packets_up"] + row["packets_down"]
    inside = row["tunnel_packets_up"] + row["tunnel_packets_down"]
    return f"({count(inside)})" if inside and not own else count(own)


def _session(first: Row | None) -> list[Column]:
    up, down = (_own_or_inside(name, octets) for name in ("bytes_up", "bytes_down"))
    return [
        _time("start", first),
        Column(heading="initiator", cell=_initiator, least=14, middle=True),
        Column(heading="responder", cell=_responder, least=14, middle=True),
        Column(heading="protocol", cell=_layers, least=8, colour="cyan"),
        Column(heading="app", cell=_text("app"), least=8, most=16, rank=4, colour="green"),
        Column(heading="server", cell=_text("server_name"), least=12, rank=1),
        Column(heading="pkts", cell=_packets, least=4, right=True, rank=5),
        Column(heading="up", cell=up, least=7, right=True, rank=3),
        Column(heading="down", cell=down, least=7, right=True, rank=2),
        Column(heading="duration", cell=_duration, least=8, right=True, rank=6),
        Column(heading="end", cell=_text("end_reason"), least=14, rank=7, colour="dim"),
    ]


def _transaction(first: Row | None) -> list[Column]:
    def protocol(row: Row) -> str:
        return next(reversed(row))

    return [
        _time("ts", first),
        Column(heading="initiator", cell=_initiator, least=15, middle=True, rank=1),
        Column(heading="responder", cell=_responder, least=15, middle=True, rank=2),
        Column(heading="protocol", cell=protocol, colour="cyan"),
        Column(heading="transaction", cell=lambda row: pairs(row[protocol(row)]), least=30),
    ]


def _event(first: Row | None, names: Sequence[tuple[str, str]]) -> list[Column]:
    attributes = [
        Column(heading=name, cell=lambda row, name=name: text_of(row.get(name)), least=6)  # type: ignore[misc]
        for name, _ in names[4:]
    ]
    return [
        _time("ts", first),
        Column(heading="event", cell=_text("event"), least=8, rank=1, colour="cyan"),
        *attributes,
    ]


def _chosen(names: Sequence[tuple[str, str]]) -> list[Column]:
    """Columns asked for by name: in that order, all of them, under their own names."""
    return [
        Column(
            heading=name,
            cell=_shown(name, kind),
            least=4,
            right=kind.startswith("u") or kind in {"i64", "float"},
        )
        for name, kind in names
    ]


def _shown(name: str, kind: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(name)
        if value is None:
            return ""
        if kind == "time":
            return f"{day(value)} {clock(value)}"
        if isinstance(value, int) and name.endswith("_us"):
            return duration(value / 1e6)
        return text_of(value)

    return cell


def columns_for(
    kind: str, names: Sequence[tuple[str, str]], *, chosen: bool, first: Row | None
) -> list[Column]:
    """Columns of sessions, transactions or events.

    Args:
        kind: Kind of the rows.
        names: Names and types of their fields.
        chosen: The fields were asked for by name.
        first: The first row.
    """
    if chosen:
        return _chosen(names)
    if kind == "session":
        return _session(first)
    if kind == "transaction":
        return _transaction(first)
    return _event(first, names)


def _bars(measure: Callable[[Row], int], rows: Sequence[Row], whole: int) -> list[Column]:
    longest = max(map(measure, rows), default=0)
    return [
        Column(heading="share", cell=lambda row: share(measure(row), whole), least=7, right=True),
        Column(
            heading="",
            draw=lambda row, width: bar(measure(row), longest, width),
            least=6,
            most=BAR_WIDTH,
            colour="blue",
        ),
    ]


def sums_columns(kind: str, rows: Sequence[Row], whole: int) -> list[Column]:
    """Columns of sums by protocol, application or host, with a bar for each one's share.

    Args:
        kind: `protocol`, `app` or `host`.
        rows: All that are shown.
        whole: Octets that make 100 %.
    """
    if kind == "host":
        return _host(rows, whole)
    traffic = [
        *_bars(lambda row: row["bytes"], rows, whole),
        Column(heading="bytes", cell=_octets("bytes"), least=8, right=True),
        Column(heading="packets", cell=_count("packets"), right=True, rank=1),
        Column(heading="sessions", cell=_count("sessions"), right=True, rank=2),
    ]
    if kind == "app":
        return [
            Column(heading="application", cell=_text("app"), least=11, colour="green"),
            Column(heading="category", cell=_text("category"), least=8, rank=4, colour="dim"),
            *traffic,
        ]
    return [
        Column(
            heading="protocol",
            cell=lambda row: "  " * (row["depth"] - 1) + row["protocol"],
            least=16,
            colour="cyan",
        ),
        *traffic,
    ]


def volume(kind: str, rows: Sequence[Row]) -> int:
    """Octets of all the rows of a report, each octet once."""
    if kind == "host":
        # Every octet has a sender and a receiver.
        return int(sum(row["bytes_sent"] + row["bytes_received"] for row in rows) // 2)
    return sum(row["bytes"] for row in rows if row.get("depth", 1) == 1)


def _host(rows: Sequence[Row], whole: int) -> list[Column]:
    def measure(row: Row) -> int:
        both: int = row["bytes_sent"] + row["bytes_received"]
        return both

    return [
        Column(heading="host", cell=lambda row: row["ip"] or "(others)", least=15, middle=True),
        *_bars(measure, rows, whole),
        Column(heading="sent", cell=_octets("bytes_sent"), least=8, right=True),
        Column(heading="received", cell=_octets("bytes_received"), least=8, right=True),
        Column(
            heading="packets",
            cell=_count("packets_sent", "packets_received"),
            right=True,
            rank=2,
        ),
        Column(heading="initiated", cell=_count("sessions_initiated"), right=True, rank=3),
        Column(heading="answered", cell=_count("sessions_answered"), right=True, rank=3),
    ]
