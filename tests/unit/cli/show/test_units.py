import pytest

from nf.cli.show.columns import bar, text_of
from nf.cli.show.units import clock, count, day, duration, octets, rate, share


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1450, "1.4 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2**64, "18.4 EB"),
    ],
)
def test_octets_are_in_powers_of_1000(number: int, text: str) -> None:
    assert octets(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 µs"),
        (15e-6, "15 µs"),
        (999.6e-6, "1.0 ms"),
        (0.1234, "123 ms"),
        (0.9999, "1.0 s"),
        (3.44, "3.4 s"),
        (60, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.7, "1 h 0 min"),
        (12_000, "3 h 20 min"),
        (86_399, "1 d 0 h"),
        (187_200, "2 d 4 h"),
        (-3, "-3.0 s"),
    ],
)
def test_durations_have_two_figures_that_matter(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_are_exact_as_long_as_they_can_be_read() -> None:
    assert count(9_999_999) == "9,999,999"
    assert count(12_345_678) == "12.3 M"
    assert rate(2_500_000, "packets/s") == "2.5 Mpackets/s"


def test_times_are_utc_and_survive_forged_clocks() -> None:
    assert day(1_700_000_000.5) == "2023-11-14"
    assert clock(1_700_000_000.5) == "22:13:20.500"
    assert clock(1_700_100_000.5, "2023-11-14") == "23-11-16 02:00"
    assert day(1.8e19) == "18000000000000000000 s"
    assert clock(1.8e19) == "18000000000000000000.000"


def test_shares_are_of_something() -> None:
    assert share(1, 3) == "33.3 %"
    assert share(1, 1_000_000) == "< 0.1 %"
    assert share(1, 0) == "-"


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(1, 1, 8) == "████████"
    assert bar(1, 2, 8) == "████"
    assert bar(1, 16, 8) == "▌"
    assert bar(1, 10**9, 8) == "▏"
    assert bar(0, 1, 8) == bar(1, 0, 8) == ""


def test_values_become_one_line() -> None:
    assert text_of(None) == ""
    assert text_of(True) == "yes"
    assert text_of(["a", {"b": 1, "c": "two words"}]) == 'a {b=1 c="two words"}'
