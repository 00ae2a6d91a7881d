"""What is measured on which input, and what is to be reached. Arithmetic only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bench.inputs import Input
from bench.measure import Measurement

Results = Mapping[tuple[str, str], Measurement]
Inputs = Mapping[str, Input]
Figure = Callable[[Results, Inputs], float | None]
TIMES = "times"

# Which tools read which input. The peers of the small ones are those that keep flows.
PLAN: Mapping[str, tuple[str, ...]] = {
    "mix": (
        "nf", "nf (1)", "nf (2)", "nf twice", "nf arrow", "nf all", "nf first",
        "ndpiReader", "softflowd", "tshark", "nfstream",
    ),
    "http": ("nf", "ndpiReader", "softflowd", "tshark", "nfstream"),
    "small-100k": ("nf", "ndpiReader", "softflowd", "nfstream"),
    "small-1m": ("nf", "nf summary", "ndpiReader", "softflowd"),
    "small-few": ("nf", "nf summary", "ndpiReader", "softflowd"),
    "mobile": ("nf", "ndpiReader", "nfstream"),
}  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """A figure that is to be at least, or at most, so much."""

    title: str
    limit: float
    unit: str
    at_most: bool
    figure: Figure


def at_least(title: str, limit: float, unit: str, figure: Figure) -> Goal:
    """A goal that more is better for."""
    return Goal(title, limit, unit, at_most=False, figure=figure)


def at_most(title: str, limit: float, unit: str, figure: Figure) -> Goal:
    """A goal that less is better for."""
    return Goal(title, limit, unit, at_most=True, figure=figure)


@dataclass(frozen=True)
class Outcome:
    """What became of a goal; no figure where something it needs was not measured.

    `by_processor` is the same figure had every program run without waiting: its processor seconds
    in place of the wall's. It says little of several threads.
    """

    title: str
    limit: float
    unit: str
    at_most: bool
    figure: float | None
    by_processor: float | None
    full_size: bool

    @property
    def verdict(self) -> str:
        """Whether it is met or missed, which only inputs of full size tell."""
        if self.figure is None:
            return "not measured"
        if not self.full_size:
            return "not judged"
        met = self.figure <= self.limit if self.at_most else self.figure >= self.limit
        return "met" if met else "missed"


def rate(measurement: Measurement, packets: int) -> float:
    """Million packets per second of wall time."""
    return packets / measurement.wall / 1e6 if measurement.wall > 0 else 0.0


def times_faster(place: str, than: str, ours: str = "nf") -> Figure:
    """How many times as fast as another tool on the same input."""

    def figure(results: Results, _inputs: Inputs) -> float | None:
        mine, other = results.get((place, ours)), results.get((place, than))
        if mine is None or other is None or mine.wall <= 0:
            return None
        return other.wall / mine.wall

    return figure


def speed(place: str, ours: str = "nf") -> Figure:
    """Million packets per second on an input."""

    def figure(results: Results, inputs: Inputs) -> float | None:
        mine = results.get((place, ours))
        return None if mine is None else rate(mine, inputs[place].packets)

    return figure


def per_session(quantity: Callable[[Measurement], float], tool: str = "nf") -> Figure:
    """What each session costs: as many packets once in many sessions, once in few."""

    def figure(results: Results, inputs: Inputs) -> float | None:
        many, few = results.get(("small-1m", tool)), results.get(("small-few", tool))
        if many is None or few is None:
            return None
        more = inputs["small-1m"].flows - inputs["small-few"].flows
        return (quantity(many) - quantity(few)) / more if more > 0 else None

    return figure


def share_of_two(place: str) -> Figure:
    """Two workers on one input beside two runs at once on an input each, in percent.

    Two processors need not be twice one: they may be two threads of one core, and share caches and
    memory. Runs that have nothing to do with each other tell what they give.
    """

    def figure(results: Results, _inputs: Inputs) -> float | None:
        workers, twice = results.get((place, "nf (2)")), results.get((place, "nf twice"))
        if workers is None or twice is None or workers.wall <= 0:
            return None
        return twice.wall / 2 / workers.wall * 100

    return figure


def slower(place: str, ours: str, than: str) -> Figure:
    """By how many percent one way is slower than another."""

    def figure(results: Results, _inputs: Inputs) -> float | None:
        mine, other = results.get((place, ours)), results.get((place, than))
        if mine is None or other is None or other.wall <= 0:
            return None
        return (mine.wall / other.wall - 1) * 100

    return figure


def breadth(place: str) -> Figure:
    """The time with everything on, in times of that with the first protocols only."""
    return times_faster(place, "nf all", "nf first")


def wall(measurement: Measurement) -> float:
    """Wall time, in microseconds."""
    return measurement.wall * 1e6


def memory(measurement: Measurement) -> float:
    """Peak memory, in octets."""
    return float(measurement.peak_rss)


GOALS = (
    at_least("mix", 2.0, "Mpps", speed("mix")),
    at_least("mix, risks judged, too", 2.0, "Mpps", speed("mix", "nf all")),
    # What the other protocols, applications and risks cost; where it is more, somebody looks why.
    at_most("mix, everything beside the first protocols", 1.5, TIMES, breadth("mix")),
    at_least("mix, beside ndpiReader", 4.6, TIMES, times_faster("mix", "ndpiReader")),
    at_least("mix, beside nfstream", 14, TIMES, times_faster("mix", "nfstream")),
    at_least("http, beside ndpiReader", 1.25, TIMES, times_faster("http", "ndpiReader")),
    at_least("100k flows, beside ndpiReader", 15, TIMES, times_faster("small-100k", "ndpiReader")),
    at_least("100k flows, beside softflowd", 4, TIMES, times_faster("small-100k", "softflowd")),
    at_most("new session at 1M flows", 1, "µs", per_session(wall)),
    at_most("new session without its record", 1, "µs", per_session(wall, "nf summary")),
    at_most("memory of a session at 1M flows", 1024, "octets", per_session(memory)),
    at_least("mobile (GTP-U), beside ndpiReader", 4, TIMES, times_faster("mobile", "ndpiReader")),
    at_least("mix, 2 workers beside one thread", 1.7, TIMES, times_faster("mix", "nf", "nf (2)")),
    at_least("mix, 2 workers, of what two processors give", 85, "%", share_of_two("mix")),
    at_most("mix, Arrow in Python beside jsonl", 10, "% more", slower("mix", "nf arrow", "nf")),
)


def judge(results: Results, inputs: Inputs, *, full_size: bool) -> list[Outcome]:
    """Every goal with its figure."""
    busy = {place: replace(run, wall=run.processor) for place, run in results.items()}
    return [
        Outcome(
            g.title,
            g.limit,
            g.unit,
            g.at_most,
            figure=g.figure(results, inputs),
            by_processor=g.figure(busy, inputs),
            full_size=full_size,
        )
        for g in GOALS
    ]
