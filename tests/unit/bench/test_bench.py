import json
import sys
from pathlib import Path

import pytest

import nf
from bench import __main__ as command
from bench import goals, inputs, measure, report, tools
from bench.inputs import Input, Recipe
from bench.measure import Measurement


def run(wall: float, user: float = 0.0, rss: int = 0) -> Measurement:
    return Measurement(wall, user, 0.0, rss, 0)


def capture(name: str, packets: int = 1_000_000, flows: int = 1000) -> Input:
    return Input(name, Path(f"{name}.pcap"), "make", packets, flows, 1_000_000, "00")


CAPTURES = {
    "mix": capture("mix"),
    "small-1m": capture("small-1m", flows=1_001_000),
    "small-few": capture("small-few"),
}


def figures(results: dict[tuple[str, str], Measurement]) -> dict[str, goals.Outcome]:
    outcomes = goals.judge(results, CAPTURES, full_size=True)
    return {outcome.title: outcome for outcome in outcomes}


def test_a_command_is_measured_from_start_to_end(tmp_path: Path) -> None:
    busy = "sum(range(300000)); kept = bytearray(60 << 20)"

    measured = measure.measure([sys.executable, "-c", busy], tmp_path)

    assert measured.wall > 0
    assert measured.processor > 0
    assert measured.peak_rss > 60 << 20


def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    script = "import sys; sys.exit('no such flow')"

    with pytest.raises(measure.CommandFailed, match="exit code 1: no such flow"):
        measure.measure([sys.executable, "-c", script], tmp_path)


def test_anonymous_memory_is_read_from_the_status_of_a_process() -> None:
    assert measure.anonymous("Name:\tx\nRssAnon:\t   12 kB\nRssFile:\t 99 kB\n") == 12 * 1024
    assert measure.anonymous("Name:\tx\n") == 0


def test_each_quantity_has_its_own_median() -> None:
    middle = measure.median([run(3, user=1, rss=30), run(1, user=9, rss=10), run(2, 5, 20)])

    assert (middle.wall, middle.user, middle.peak_rss) == (2, 5, 20)


def test_speed_and_ratios_follow_from_wall_time() -> None:
    outcomes = figures(
        {
            ("mix", "nf"): run(0.4),
            ("mix", "nf (2)"): run(0.2),
            ("mix", "nf arrow"): run(0.42),
            ("mix", "ndpiReader"): run(1.6),
        }
    )

    assert outcomes["mix"].figure == pytest.approx(2.5)
    assert outcomes["mix, beside ndpiReader"].figure == pytest.approx(4.0)
    assert outcomes["mix, 2 workers beside one thread"].figure == pytest.approx(2.0)
    assert outcomes["mix, Arrow in Python beside jsonl"].figure == pytest.approx(5.0)


def test_a_session_costs_the_difference_by_the_additional_sessions() -> None:
    outcomes = figures(
        {
            ("small-1m", "nf"): run(1.5, user=1.2, rss=700_000_000),
            ("small-few", "nf"): run(0.5, user=0.4, rss=200_000_000),
        }
    )

    assert outcomes["new session at 1M flows"].figure == pytest.approx(1.0)
    assert outcomes["new session at 1M flows"].by_processor == pytest.approx(0.8)
    assert outcomes["memory of a session at 1M flows"].figure == pytest.approx(500)


def test_goals_are_met_missed_or_not_measured() -> None:
    outcomes = figures({("mix", "nf"): run(0.4), ("mix", "ndpiReader"): run(1.6)})

    assert outcomes["mix"].verdict == "met"
    assert outcomes["mix, beside ndpiReader"].verdict == "missed"
    assert outcomes["mix, beside nfstream"].verdict == "not measured"


def test_small_inputs_judge_nothing() -> None:
    outcomes = goals.judge({("mix", "nf"): run(0.4)}, CAPTURES, full_size=False)

    assert {outcome.verdict for outcome in outcomes} == {"not judged", "not measured"}


def test_every_goal_asks_for_what_the_plan_measures() -> None:
    everything = {
        (place, tool): run(1.0, user=1.0, rss=1)
        for place, names in goals.PLAN.items()
        for tool in names
    }
    made = {name: capture(name, flows=n) for n, name in enumerate(reversed(goals.PLAN), start=1)}

    assert all(o.figure is not None for o in goals.judge(everything, made, full_size=True))


def test_the_plan_names_known_inputs_and_tools() -> None:
    assert set(goals.PLAN) == {recipe.name for recipe in inputs.RECIPES}
    assert {t for names in goals.PLAN.values() for t in names} <= {*tools.OURS, *tools.PEERS}


def test_inputs_shrink_with_the_scale() -> None:
    many = Recipe("a", "small", packets=1e6, flows=1e6)
    few = Recipe("b", "small", packets=1e6, flows=1000)

    assert many.options(0.5) == ["--packets", "500000", "--flows", "500000"]
    assert few.options(0.5) == ["--packets", "500000", "--flows", "1000"]
    assert Recipe("c", "mix", octets=1e9).options(0.1) == ["--bytes", "100000000"]


def test_an_input_is_made_once_and_told_with_its_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    generator = tmp_path / "shared" / "bench" / "make_pcaps.py"
    generator.parent.mkdir(parents=True)
    generator.write_text(
        "import json, pathlib, sys\n"
        "out = pathlib.Path(sys.argv[-1])\n"
        "out.write_bytes(b'capture')\n"
        "pathlib.Path(f'{out}.meta.json').write_text(json.dumps({'packets': 5, 'flows': 2}))\n"
        "log = pathlib.Path(__file__).with_name('log')\n"
        "log.open('a').write('made ')\n"
    )
    monkeypatch.setenv("NF_SHARED", str(tmp_path / "shared"))
    monkeypatch.setattr(inputs, "WORK", tmp_path / "work")
    monkeypatch.setattr(inputs, "python", lambda: Path(sys.executable))
    recipe = Recipe("http", "http", octets=1e6)

    first, second = inputs.obtain(recipe, 1), inputs.obtain(recipe, 1)

    assert first == second
    assert (first.packets, first.flows, first.octets) == (5, 2, 7)
    assert first.sha256 == inputs.digest(first.path)
    assert first.command == "make_pcaps.py http --bytes 1000000"
    assert (generator.parent / "log").read_text() == "made "
    assert inputs.obtain(recipe, 2).path != first.path


def test_a_generator_that_fails_leaves_no_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inputs, "WORK", tmp_path)

    with pytest.raises(inputs.NoInputs):
        inputs.make([sys.executable, "-c", "import sys; sys.exit(3)"], tmp_path / "a.pcap")


def test_without_the_generator_nothing_is_measured_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NF_SHARED", str(tmp_path))
    monkeypatch.setattr(command, "present", lambda *_: {})

    assert command.main(["--inputs", "http", "--json", str(tmp_path / "out.json")]) == 0
    assert "NOTHING MEASURED" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--inputs", "odd"], ["--tools", "odd"], ["--scale", "0"]])
def test_words_it_does_not_know_are_errors_of_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.arguments(words)


def test_an_absent_peer_is_noted_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> tools.Tool:
        raise tools.Absent("no such tool")

    there = tools.Tool("softflowd", "flows", "1.0", lambda path: ["softflowd", str(path)])
    monkeypatch.setattr(command, "PEERS", {"tshark": absent, "softflowd": lambda: there})
    notes: list[str] = []

    assert command.present(["tshark", "softflowd"], notes) == {"softflowd": there}
    assert notes == ["tshark NOT MEASURED: no such tool"]


def test_a_version_is_the_first_number_that_a_tool_prints() -> None:
    script = "import sys; print('Welcome to tool 4.2.0 of 2023', file=sys.stderr); sys.exit(1)"

    assert tools.version_of([sys.executable, "-c", script]) == "4.2.0"
    with pytest.raises(tools.Absent):
        tools.version_of([sys.executable, "-c", "print('hello')"])
    with pytest.raises(tools.Absent):
        tools.version_of(["/nonexistent/tool"])


def test_the_processor_is_named() -> None:
    assert report.processor_model("x: 1\nmodel name\t: Example 3000\n") == "Example 3000"


def test_results_become_tables_and_an_object() -> None:
    there = tools.Tool("nf", "flows", "1.0", lambda path: ["nf", str(path)])
    results = {("mix", "nf"): run(0.4, user=0.3, rss=1 << 20)}
    outcomes = goals.judge(results, CAPTURES, full_size=True)

    lines = "\n".join(report.text({"nf": there}, CAPTURES, results, outcomes, ["a note"]))
    found = report.as_object({"nf": there}, CAPTURES, {("mix", "nf"): [run(0.4)]}, outcomes, [])

    assert "2.500" in lines
    assert "NOTE: a note" in lines
    assert json.loads(json.dumps(found))["goals"][0]["verdict"] == "met"


def test_what_breadth_costs_is_the_time_with_everything_in_times_of_the_first_protocols() -> None:
    measured = {("mix", "nf all"): run(3.0), ("mix", "nf first"): run(2.0)}

    found = figures(measured)["mix, everything beside the first protocols"]

    assert found.figure == pytest.approx(1.5)
    assert found.verdict == "met"
    told = {protocol.name for protocol in nf.protocols() if protocol.told != "header"}
    assert told > tools.FIRST
