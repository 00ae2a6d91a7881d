"""Rows to management go in messages of whole rows."""

from nf.datapath.settings import TelemetryOutput
from nf.outputs.telemetry import AT_ONCE, Telemetry


def handed_over(octets: bytes) -> list[bytes]:
    got: list[bytes] = []
    output = Telemetry(TelemetryOutput(), lambda _, lines: got.append(lines))
    output.check()
    view = memoryview(octets)
    while view:
        view = view[output.write("session", view) :]
    output.close()
    return got


def test_every_message_has_whole_rows_and_nothing_is_lost() -> None:
    octets = b"".join(b"%05d%s\n" % (number, b"x" * (number % 300)) for number in range(2000))

    got = handed_over(octets)

    assert b"".join(got) == octets
    assert len(got) > 1
    assert all(one.endswith(b"\n") and len(one) <= AT_ONCE for one in got)


def test_a_row_that_is_longer_than_a_message_goes_alone() -> None:
    long = b"y" * (2 * AT_ONCE) + b"\n"

    assert handed_over(long + b"z\n") == [long, b"z\n"]
