"""Sessions that go on, over NETCONF under traffic: among the state, and by order and filter."""

import html
from collections.abc import Iterator

import pytest

from nf.mgmt.sources.sessions import MOST
from tests.function.conftest import SEES, Probe, Start, eventually
from tests.function.netconf import Answer, Netconf
from tests.function.test_processes import traffic

DPI = "urn:nf:yang:nf-dpi"
COUNTS = {7001: 40, 7002: 10, 7003: 25, 7004: 5}


@pytest.fixture
def probe(start: Start) -> Iterator[Probe]:
    """A probe that has seen four sessions, and goes on seeing a fifth."""
    made = start("-i", SEES).up()
    eventually(made.capturing)
    for port, count in COUNTS.items():
        made.send(count, port)
    with traffic(made):
        eventually(lambda: made.account()["processed"] > sum(COUNTS.values()))
        yield made


def listed(session: Netconf, order: str, limit: int, text: str = "") -> Answer:
    answer = session.ask(
        f'<list-sessions xmlns="{DPI}"><order-by>{order}</order-by><limit>{limit}</limit>'
        f"<filter>{html.escape(text)}</filter></list-sessions>"
    )
    assert not answer.errors, answer.errors
    return answer


def ports(answer: Answer) -> list[int]:
    return [int(text) for text in answer.texts("dst-port")]


def test_the_first_so_many_by_an_order(probe: Probe) -> None:
    with Netconf(probe) as session:
        ours = "dst_port >= 7001 and dst_port <= 7004"
        assert ports(listed(session, "packets", 2, ours)) == [7001, 7003]
        assert ports(listed(session, "bytes", 3, ours)) == [7001, 7003, 7002]
        assert ports(listed(session, "start", 10, ours)) == [7004, 7003, 7002, 7001]
        assert ports(listed(session, "end", 1)) == [6000]
        first = listed(session, "packets", 1, "dst_port == 7001")
        assert first.texts("packets-up") == ["40"]


def test_what_a_filter_is_true_for_and_nothing_else(probe: Probe) -> None:
    with Netconf(probe) as session:
        assert ports(listed(session, "packets", 10, "packets_up == 25")) == [7003]
        assert ports(listed(session, "packets", 10, "dst_port == 9")) == []
        wrong = session.ask(
            f'<list-sessions xmlns="{DPI}"><filter>dst_port ===</filter></list-sessions>'
        )
        assert wrong.errors[0]["error-tag"] == "operation-failed"
        assert "a value is missing" in wrong.errors[0]["error-message"]


def test_the_list_among_the_state_is_read_with_a_subtree_filter(probe: Probe) -> None:
    with Netconf(probe) as session:
        everything = session.operational(
            f'<probe xmlns="urn:nf:yang:nf-probe"><sessions xmlns="{DPI}"/></probe>'
        )
        assert not everything.errors
        assert set(ports(everything)) == {6000, *COUNTS}
        assert len(ports(everything)) <= MOST

        one = session.operational(
            f'<probe xmlns="urn:nf:yang:nf-probe"><sessions xmlns="{DPI}"><session>'
            f"<dst-port>7002</dst-port><packets-up/></session></sessions></probe>"
        )
        assert one.texts("packets-up") == ["10"]


def test_a_session_that_is_terminated_is_no_longer_listed(probe: Probe) -> None:
    with Netconf(probe) as session:
        number = listed(session, "packets", 1, "dst_port == 7002").texts("session-id")[0]
        end = f"<session-id>{number}</session-id>"
        done = session.ask(f'<terminate-session xmlns="{DPI}">{end}</terminate-session>')
        assert done.ok, done.errors
        assert ports(listed(session, "packets", 10, "dst_port == 7002")) == []
        again = session.ask(f'<terminate-session xmlns="{DPI}">{end}</terminate-session>')
        assert again.errors[0]["error-tag"] == "operation-failed"
