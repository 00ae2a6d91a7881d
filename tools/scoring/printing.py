"""The score as text for people and as an object for machines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tools.scoring.agreement import Agreement, Count
from tools.scoring.certainty import Wrong
from tools.scoring.suricata import Result, Verdict


def percent(part: int, whole: int) -> float:
    """A share in percent; of nothing, nothing is missing."""
    return 100.0 * part / whole if whole else 100.0


def total(counts: Iterable[Count]) -> Count:
    """The sum of counts."""
    found = Count()
    for count in counts:
        found.merge(count)
    return found


def together(score: Agreement) -> Count:
    """Protocols and applications in one count; what was said instead is left out."""
    found = total([*score.protocols.values(), *score.applications.values()])
    found.instead.clear()
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    for row in [head, *rows]:
        first, *others = (
            f"{text:>{width}}" if n else f"{text:<{width}}"
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def instead(counts: Mapping[str, int], most: int = 3) -> str:
    """What was said in other words, most often first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    told = ", ".join(f"{name} {times}" for name, times in ordered[:most])
    return told + (", …" if len(ordered) > most else "")


def count_rows(counts: Mapping[str, Count], names: Sequence[str]) -> list[list[str]]:
    """One row for each count, the most frequent first, and their sum."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1].expected, pair[0]))
    named = [*ordered, ("all", total(counts.values()))]
    return [
        [
            name,
            str(count.expected),
            f"{percent(count.agreed, count.expected):.1f}",
            f"{percent(count.answered, count.expected):.1f}",
            f"{percent(count.agreed, count.answered):.1f}",
            *([str(count.guessed)] if "guessed" in names else []),
            instead(count.instead) if name != "all" else "",
        ]
        for name, count in named
    ]


def ndpi_text(score: Agreement, differences: int) -> Iterator[str]:
    """The comparison with nDPI."""
    yield f"nDPI: {score.flows} flows, {score.by_inspection} of them found by inspection"
    yield "agreement = agreed of expected, coverage = answered of expected,"
    yield "precision = agreed of answered, all in percent; guessed = agreed by port or address only"
    yield ""
    head = ["protocol", "flows", "agreement", "coverage", "precision", "guessed", "instead"]
    yield from table(head, count_rows(score.protocols, head))
    yield ""
    head = ["application", "flows", "agreement", "coverage", "precision", "instead"]
    yield from table(head, count_rows(score.applications, head))
    yield ""
    both = together(score)
    share, coverage = percent(both.agreed, both.expected), percent(both.answered, both.expected)
    unknown = sum(score.without_counterpart.values()) + sum(score.without_application.values())
    yield (
        f"protocols and applications together: {both.agreed} of {both.expected} agree, "
        f"{share:.1f} %; coverage {coverage:.1f} %; with those that have no counterpart, "
        f"{percent(both.agreed, both.expected + unknown):.1f} %"
    )
    yield ""
    head = ["attribute", "values", "agreement", "coverage", "precision", "instead"]
    yield from table(head, count_rows(score.facts, head)[:-1])
    yield ""
    for text, counts in (
        ("protocols without a counterpart", score.without_counterpart),
        ("applications without a counterpart", score.without_application),
        ("flows in tunnels that are not opened", score.in_other_tunnels),
        ("verdicts of nDPI's held to be mistakes, by reason", score.mistakes),
        ("certain of something else where nDPI's verdict has no counterpart", score.contradicted),
    ):
        sums = f"{sum(counts.values())} flows of {len(counts)} names"
        yield f"{text}: {sums}" + (f": {instead(counts, 8)}" if counts else "")
    yield ""
    yield from listed(
        "disagreements",
        (
            f"{d.about} · {d.capture} · {d.flow} · nDPI {d.expected} · here {d.got}"
            for d in sorted(score.differences, key=lambda d: (d.about, d.capture))
        ),
        differences,
    )


def certainty_text(score: Agreement | None, made: Mapping[str, Wrong]) -> Iterator[str]:
    """How often the engine is certain of what is not there."""
    yield "certain (`dpi`, `pattern`) and wrong, in percent of sessions"
    yield ""
    rows = []
    if score is not None:
        wrong = sum(score.wrong.values())
        share = f"{percent(wrong, score.certain) if score.certain else 0.0:.2f}"
        flows = "real flows, against nDPI"
        rows.append([flows, str(score.certain), str(wrong), share, instead(score.wrong)])
    rows += [
        [name, str(one.sessions), str(one.wrong), f"{one.share:.2f}", instead(one.named)]
        for name, one in made.items()
    ]
    yield from table(["payloads", "sessions", "wrong", "share", "named"], rows)
    yield ""


def suricata_text(result: Result, differences: int) -> Iterator[str]:
    """The checks of suricata-verify."""
    yield "suricata-verify: checks on what both write"
    yield ""
    rows = []
    for name, tally in sorted(result.tallies.items(), key=lambda pair: -pair[1].passed):
        compared = tally.passed + tally.failed
        skipped = sum(tally.reasons.values())
        share = f"{percent(tally.passed, compared):.1f}"
        rows.append([name, str(compared), str(tally.passed), share, str(skipped)])
    compared, passed = compared_and_passed(result)
    skipped = sum(sum(t.reasons.values()) for t in result.tallies.values())
    share = f"{percent(passed, compared):.1f}"
    rows.append(["all", str(compared), str(passed), share, str(skipped)])
    yield from table(["event type", "compared", "passed", "agreement", "not comparable"], rows)
    yield ""
    reasons: dict[str, int] = {}
    for tally in result.tallies.values():
        for reason, times in tally.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + times
    yield from listed(
        "not comparable", (f"{times}: {reason}" for reason, times in reasons.items()), len(reasons)
    )
    others = sum(result.other_types.values())
    yield f"checks on other event types: {others}: {instead(result.other_types, 12)}"
    yield ""
    yield from listed("failing checks", map(verdict_text, result.failures), differences)


def verdict_text(verdict: Verdict) -> str:
    """A failing check on one line."""
    check = verdict.check
    kind = "at least " if verdict.at_least else ""
    return (
        f"{check.case} · {check.event_type} · expected {kind}{check.count}, got {verdict.got} · "
        f"nearest: {verdict.nearest}"
    )


def listed(title: str, lines: Iterable[str], most: int) -> Iterator[str]:
    """A titled list, cut after `most` lines."""
    every = list(lines)
    yield f"{title}: {len(every)}"
    for line in every[:most]:
        yield f"  {line}"
    if len(every) > most:
        yield f"  … {len(every) - most} more (--differences N shows N, --json has all)"


def compared_and_passed(result: Result) -> tuple[int, int]:
    """Checks evaluated, and how many of them hold."""
    passed = sum(tally.passed for tally in result.tallies.values())
    return passed + sum(tally.failed for tally in result.tallies.values()), passed


def ndpi_object(score: Agreement) -> dict[str, Any]:
    """The comparison with nDPI, every difference included."""
    return asdict(score)


def suricata_object(result: Result) -> dict[str, Any]:
    """The checks of suricata-verify, every failing one included."""
    return asdict(result)
