from pathlib import Path
from typing import Any

import pytest

from tools.scoring import eve, suricata
from tools.scoring.engine import Reading

SESSION = {
    "session_id": 1,
    "start": 10.9,
    "end": 12.1,
    "src_ip": "2001:db8::1",
    "src_port": 40000,
    "dst_ip": "2001:db8::2",
    "dst_port": 80,
    "ip_proto": 6,
    "vlan": None,
    "protocol": "http",
    "packets_up": 3,
    "packets_down": 2,
    "community_id": "1:2VAN8hvC5/rxHLVRnSBiXafq7FI=",
}
HTTP = {"method": "GET", "host": "example.org", "uri": "/", "version": "1.1", "status": 200}
CASE = """
args: [-k none]
checks:
- filter:
    count: 1
    match: {event_type: http, http.url: /}
- filter:
    requires: {lt-version: 7}
    count: 3
    match: {event_type: http}
- stats: {decoder.pkts: 1}
- filter:
    count: 1
    match: {event_type: alert}
"""


def events(**transaction: Any) -> list[eve.Event]:
    rows = [SESSION | transaction] if transaction else []
    return eve.events(Reading([SESSION], rows))


def check(event_type: str, count: int = 1, **match: Any) -> suricata.Check:
    keys = {key.replace("__", "."): value for key, value in match.items()}
    return suricata.Check("case", count, {"event_type": event_type} | keys, older=False)


def passes(wanted: suricata.Check, found: list[eve.Event]) -> bool:
    assert suricata.why_incomparable(wanted) is None
    return suricata.judge(wanted, found, []).passed


def test_a_case_has_a_capture_and_the_filters_among_its_checks(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "test.yaml").write_text(CASE)
    (folder / "input.pcap").touch()

    (case,) = suricata.cases(tmp_path)

    assert case.capture == folder / "input.pcap"
    assert [(c.event_type, c.count, c.older) for c in case.checks] == [
        ("http", 1, False),
        ("http", 3, True),
        ("alert", 1, False),
    ]


def test_a_case_without_a_capture_is_none_and_a_broken_one_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    description = folder / "test.yaml"
    description.write_text(CASE)

    assert suricata.load(description) is None

    description.write_text("checks: [")
    with pytest.raises(suricata.BadCase):
        suricata.load(description)


def test_the_count_must_be_exact() -> None:
    found = events(http=HTTP)

    assert passes(check("http", http__url="/"), found)
    assert not passes(check("http", http__url="/other"), found)
    assert not passes(check("http", 2, http__url="/"), found)
    assert passes(check("http", 0, http__url="/other"), found)


def test_values_are_compared_across_spellings() -> None:
    found = events(
        tls={
            "serial": "083a",
            "subject": "CN=a,O=b",
            "not_before": "2020-01-01T00:00:00Z",
            "fingerprint_sha1": "ccaa",
        }
    )

    assert passes(
        check(
            "tls",
            tls__serial="08:3A",
            tls__subject="O=b, CN=a",
            tls__notbefore="2020-01-01T00:00:00",
            tls__fingerprint="cc:aa",
            src_ip="2001:0db8:0000:0000:0000:0000:0000:0001",
        ),
        found,
    )


def test_a_lookup_is_a_request_and_a_response() -> None:
    found = events(
        dns={
            "qname": "example.org",
            "qtype": "A",
            "rcode": "NOERROR",
            "query_length": 20,
            "response_length": 40,
            "answers": [{"name": "example.org", "type": "A", "ttl": 1, "data": "192.0.2.1"}],
        }
    )

    assert passes(check("dns", 2), found)
    assert passes(check("dns", **{"dns.type": "query", "dns.rrname": "Example.org"}), found)
    assert passes(check("dns", **{"dns.type": "answer", "dns.answers[0].rrtype": "A"}), found)
    assert not passes(check("dns", **{"dns.answers[1].rrtype": "A"}), found)


def test_a_request_of_sip_and_its_response_are_an_event_each_and_a_call_is_none() -> None:
    said = {"method": "BYE", "uri": "sip:a@example.org", "status": 200, "reason": "OK"}
    found = events(sip={"kind": "request"} | said)

    assert passes(check("sip", sip__method="BYE", sip__version="SIP/2.0"), found)
    assert passes(check("sip", sip__code="200", sip__response_line="SIP/2.0 200 OK"), found)
    assert passes(check("sip", 2), found)
    assert passes(check("sip", 0), events(sip={"kind": "call"} | said))


def test_an_exchange_of_dhcp_is_one_event_for_each_message() -> None:
    found = events(
        dhcp={"types": ["request", "ack"], "assigned_ip": "192.0.2.9", "params": [1, 28, 3]}
    )

    asked = {"dhcp.type": "request", "dhcp.params[1]": "router", "dhcp.assigned_ip": eve.UNSET}
    given = {"dhcp.dhcp_type": "ack", "dhcp.assigned_ip": "192.0.2.9", "src_port": 80}
    assert passes(check("dhcp", **asked), found)
    assert passes(check("dhcp", **given), found)


def test_keys_of_suricata_only_make_a_check_ask_for_at_least_so_many() -> None:
    found = events(http=HTTP) + events(http=HTTP)

    narrowed = check("http", 1, tx_id=0, http__url="/")

    assert passes(narrowed, found)
    assert suricata.judge(narrowed, found, []).at_least
    assert not passes(check("http", 3, tx_id=0, http__url="/"), found)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (check("http", 0, tx_id=0), "Suricata's own keys"),
        (check("http", **{"http.request_headers[0].name": "Host"}), "known headers"),
        (check("http", **{"has-key": "ether"}), "link addresses"),
        (check("http", **{"http.nonsense": 1}), "no such field"),
        (check("flow", app_proto="smb"), "no parser yet"),
        (suricata.Check("case", 1, {"event_type": "http"}, older=True), "older versions"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(wanted: suricata.Check, reason: str) -> None:
    assert reason in (suricata.why_incomparable(wanted) or "")


def test_flows_are_counted_in_packets_and_whole_seconds() -> None:
    expected = {"flow.age": 2, "flow.pkts_toserver": 3, "flow.pkts_toclient": 2, "ip_v": 6}

    assert passes(check("flow", app_proto="http", **expected), events())


def test_a_failing_check_tells_the_nearest_event() -> None:
    verdict = suricata.judge(check("http", http__url="/a", http__status=200), events(http=HTTP), [])

    assert not verdict.passed
    assert verdict.nearest == "http.url: expected '/a', got '/'"


def test_results_are_kept_by_event_type() -> None:
    case = suricata.Case(
        "case",
        Path("input.pcap"),
        [check("http"), check("http", 5), check("tls", **{"tls.odd": 1}), check("alert")],
    )
    result = suricata.Result()

    suricata.evaluate(case, events(http=HTTP), result)

    assert (result.tallies["http"].passed, result.tallies["http"].failed) == (1, 1)
    assert result.tallies["tls"].reasons == {"tls.odd: no such field": 1}
    assert result.other_types == {"alert": 1}
    assert [v.check.count for v in result.failures] == [5]


def test_community_ids_of_another_seed_are_understood() -> None:
    # The example of the specification: 128.232.110.120:34855 -> 66.35.250.204:80 over TCP.
    event = {
        "src_ip": "128.232.110.120",
        "src_port": 34855,
        "dest_ip": "66.35.250.204",
        "dest_port": 80,
        "proto": "TCP",
        "event_type": "flow",
    }
    right = eve.community_id(event, 0)
    assert right == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    seeded = eve.community_id(event, 7)
    wanted = check("flow", community_id=seeded)

    assert suricata.judge(wanted, [event | {"community_id": right}], [seeded]).passed
    assert not suricata.judge(wanted, [event | {"community_id": "1:wrong"}], [seeded]).passed
