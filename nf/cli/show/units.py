"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta

__all__ = ["clock", "count", "day", "duration", "octets", "rate", "share"]

STEPS = ("", "k", "M", "G", "T", "P", "E")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, MILLISECOND, MINUTE, HOUR, DAY = 1e-6, 1e-3, 60, 3600, 86400


def _scaled(number: float, unit: str) -> str:
    step = 0
    while abs(number) >= 999.5 and step < len(STEPS) - 1:
        number /= 1000
        step += 1
    digits = 0 if step == 0 or abs(number) >= 99.95 else 1
    return f"{number:.{digits}f} {STEPS[step]}{unit}".rstrip()


def octets(number: float) -> str:
    """`1.5 kB`, in powers of 1000."""
    return _scaled(number, "B")


def rate(number: float, unit: str) -> str:
    """`1.5 Mb/s`, in powers of 1000."""
    return _scaled(number, unit)


def count(number: int) -> str:
    """`12,345`, and `12.3 M` from ten million on."""
    return f"{number:,}" if number < 10_000_000 else _scaled(number, "")


def duration(seconds: float) -> str:
    """`15 µs`, `1.2 ms`, `3.4 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < MINUTE:
        return _brief(seconds)
    if seconds < HOUR - 0.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    if seconds < DAY - MINUTE / 2:
        hours, minutes = divmod(round(seconds / MINUTE), 60)
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / HOUR), 24)
    return f"{days} d {hours} h"


def _brief(seconds: float) -> str:
    if seconds < 999.5 * MICROSECOND:
        return f"{seconds / MICROSECOND:.0f} µs"
    if seconds < 999.5 * MILLISECOND:
        return f"{_three(seconds / MILLISECOND)} ms"
    return f"{_three(seconds)} s"


def _three(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}"


def _moment(seconds: float) -> datetime | None:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def day(seconds: float) -> str:
    """The day, in UTC."""
    moment = _moment(seconds)
    return f"{seconds:.0f} s" if moment is None else f"{moment:%Y-%m-%d}"


def clock(seconds: float, today: str = "") -> str:
    """The time of day in UTC to the millisecond; with the date where it is another than `today`."""
    moment = _moment(seconds)
    if moment is None:
        return f"{seconds:.3f}"
    if today and f"{moment:%Y-%m-%d}" != today:
        return f"{moment:%y-%m-%d %H:%M}"
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def share(part: float, whole: float) -> str:
    """`12.3 %`."""
    if whole <= 0:
        return "-"
    percent = 100 * part / whole
    return "< 0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"
