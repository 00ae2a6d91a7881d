"""What the model forbids is refused with the tag that it names: by yangson, and by yanglint."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nf.errors import YangError
from nf.mgmt.schema import Schema
from tools import yang_lint
from tools.yang_model import Model, own_modules

PROBE = "nf-probe:probe"
FILE = {"enabled": True, "directory": "/d"}


def capture(**leaves: Any) -> dict[str, Any]:
    return {"nf-capture:capture": named(leaves)}


def engine(**leaves: Any) -> dict[str, Any]:
    return {"nf-dpi:engine": named(leaves)}


def outputs(**leaves: Any) -> dict[str, Any]:
    return {"nf-outputs:outputs": named(leaves)}


def reports(**leaves: Any) -> dict[str, Any]:
    return {"nf-reports:reports": named(leaves)}


def security(**leaves: Any) -> dict[str, Any]:
    return {"nf-security:security": named(leaves)}


def management(**leaves: Any) -> dict[str, Any]:
    return {"management": named(leaves)}


def netconf(**leaves: Any) -> dict[str, Any]:
    return management(netconf={f"nf-netconf:{name}": one for name, one in named(leaves).items()})


def call_home(endpoint: dict[str, Any] | None = None, **leaves: Any) -> dict[str, Any]:
    place = {"name": "e", "address": "192.0.2.1", **(endpoint or {})}
    client = {"name": "c", "endpoints": {"endpoint": [place]}, **named(leaves)}
    return netconf(call_home={"netconf-client": [client]})


def key(**leaves: Any) -> dict[str, Any]:
    keys = {"asymmetric-keys": {"asymmetric-key": [named({"name": "k", **leaves})]}}
    return {"management": {"nf-credentials:keystore": keys}}


def telemetry(**leaves: Any) -> dict[str, Any]:
    return {"nf-telemetry:telemetry": named(leaves)}


def interface(**leaves: Any) -> dict[str, Any]:
    return capture(interface=[named({"name": "e", **leaves})])


def socket(**leaves: Any) -> dict[str, Any]:
    return outputs(socket=named({"enabled": True, **leaves}))


def named(leaves: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in leaves.items()}


COLLECTOR = {"name": "c", "address": "192.0.2.1", "user": "ada"}


def to(path: str) -> dict[str, Any]:
    """What a collector subscribes to."""
    return {"subscription": [{"path": path}]}


REFUSED: dict[str, list[dict[str, Any]]] = {
    # Types
    "protocol-name": [],
    "attribute-name": [reports(event=[{"name": "e", "event": "http"}])],
    "attribute-occurrence": [
        reports(query=[{"name": "q", "select": ["sum(a.b)"], "where": ["a.0.b"]}]),
    ],
    "name": [management(netconf={"listen": [{"name": "-a", "address": "::"}]})],
    "absolute-path": [
        engine(plugins={"path": ["etc"]}),
        capture(file={"path": ["c.pcap"]}),
        engine(plugins={"path": ["/a\tb"]}),
    ],
    "interface-pattern": [capture(interface=[{"name": name}]) for name in ("a b", "a/b", "a'b")],
    "log-module": [{"logging": {"module": [{"name": "nf..x", "level": "info"}]}}],
    "file-mode": [
        management(control_socket={"mode": "888"}),
        management(control_socket={"mode": ""}),
    ],
    "group-name": [management(control_socket={"group": "0wn"})],
    "file-name": [outputs(file={"name": name}) for name in (".x", "a/b")],
    "kafka-topic": [outputs(kafka={"topic": "a b"})],
    "mqtt-uri": [outputs(mqtt={"uri": "http://x"})],
    "mqtt-topic": [outputs(mqtt={"topic": topic}) for topic in ("a/#", "+")],
    "mongodb-database": [outputs(mongodb={"database": "a.b"})],
    "mongodb-collection": [outputs(mongodb={"collection": "a$"})],
    "rule-range": [security(exclude=["1-"]), security(exclude=["1,2"])],
    # Options that depend on each other
    "restart-delay": [{"processes": {"restart": {"initial-delay": 500, "max-delay": 400}}}],
    "mmt-socket-path": [management(mmt_socket={"enabled": True})],
    "link-offset": [capture(link_offset=4)],
    "fanout-source": [interface(sockets=2, source="nf-types:libpcap")],
    "follow-pace": [capture(file={"path": ["/a"], "follow": True, "pace": "as-recorded"})],
    "dpdk-live-only": [capture(dpdk={"eal-args": "-l 1"}, file={"path": ["/a"]})],
    "reassembly-needs-ip": [engine(ip_reassembly={"enabled": False})],
    "overload-order": [engine(overload={"level-1": "80.0"}), engine(overload={"level-3": "10.0"})],
    "file-directory": [
        outputs(file={"enabled": True}),
        reports(behaviour={"enabled": True}),
        {"nf-reports:dump": {"enabled": True}},
        {"nf-reports:files": {"http": {"enabled": True}}},
    ],
    "retain-workers": [
        {**engine(workers=8), **outputs(file={**FILE, "retain": 9})},
        outputs(file={"retain": 1}),
    ],
    "ipfix-host": [outputs(ipfix={"enabled": True})],
    "output-sessions-only": [
        reports(transaction={"enabled": True, "output": ["nf-types:ipfix"]}),
        reports(event=[{"name": "e", "event": "http.host", "output": ["nf-types:ipfix"]}]),
    ],
    "socket-type": [socket()],
    "socket-path": [socket(type="unix")],
    "socket-port": [socket(type="udp"), socket(type="tcp")],
    "behaviour-needs-session": [
        reports(behaviour=FILE, session={"enabled": False}),
    ],
    "files-need-reassembly": [
        {
            **engine(tcp_reassembly={"enabled": False}),
            "nf-reports:files": {"ftp": {"enabled": True, "directory": "/d"}},
        },
    ],
    "client-authorities-missing": [
        telemetry(
            gnmi={
                "listen": [
                    {
                        "name": "t",
                        "address": "::",
                        "tls": {
                            "certificate": "/c",
                            "private-key": "/k",
                            "client-authentication": "required",
                        },
                    }
                ]
            }
        ),
    ],
    "subscription-path": [telemetry(gnmi={"collector": [{**COLLECTOR, **to("lab")}]})],
    "private-key-missing": [
        telemetry(gnmi={"collector": [{**COLLECTOR, **to("/lab"), "tls": {"certificate": "/c"}}]}),
    ],
    "certificate-without-key": [netconf(tls={"server-identity": {"certificate": "c"}})],
    "client-certificates-missing": [
        netconf(tls={"listen": [{"name": "t", "address": "::"}]}),
        call_home(endpoint={"transport": "tls"}),
    ],
    "below-retry-interval": [
        call_home(reconnect_strategy={"retry-interval": 9, "max-retry-interval": 8}),
    ],
    "below-minimum": [
        telemetry(gnmi={"minimum-sample-interval": 500, "default-sample-interval": 400}),
    ],
    "pin-thread": [security(threads=1, pin=[{"thread": 2, "rule": ["1"]}])],
}
"""For each tag of the model, configurations that it is the answer to."""

ELSEWHERE = {
    *("dump-file", "protocol-name", "restart-monitor"),
    *("dynamic-id", "netconf-client-missing", "transport-missing"),
}
"""Tags of state and of operations, which no configuration can meet, and of subscriptions that
are configured, not below our root: tests/netconf/test_rfc8639_configured.py."""

TAKEN = [
    capture(link_type="nf-protocols:ip", link_offset=4),
    {**engine(workers=8), **outputs(file={**FILE, "retain": 10})},
    outputs(file={**FILE, "retain": 0}),
    socket(type="unix udp", path="/s", port=5000),
    {"processes": {"restart": {"initial-delay": 400, "max-delay": 400}}},
    interface(sockets=64),
    interface(source="nf-types:libpcap"),
    capture(interface=[{"name": "eth[0-9]*"}], dpdk={"eal-args": "-l 1"}),
    security(threads=2, pin=[{"thread": 2, "rule": ["1-3", "7"]}]),
    engine(ip_reassembly={"enabled": False}, tcp_reassembly={"enabled": False}),
    key(hidden_private_key=[None]),
    call_home(reconnect_strategy={"retry-interval": 9, "max-retry-interval": 9}),
]

RANGES = [
    capture(snap_length=63),
    capture(buffer_size=1),
    capture(read_timeout=0),
    interface(sockets=0),
    interface(sockets=65),
    capture(file={"path": []}),
    engine(workers=257),
    engine(timeouts={"short": 0}),
    engine(timeouts={"long": 60001}),
    engine(classify_packets=0),
    engine(max_sessions=0),
    engine(disabled_protocol=["nf-protocols:no-such"]),
    engine(table_full="explode"),
    reports(interval=0),
    reports(event=[{"name": "e"}]),
    reports(event=[{"name": n, "event": "dns.qname"} for n in ("a", "b")]),
    management(netconf={"listen": [{"name": "a"}]}),
    management(netconf={"listen": [{"name": n, "address": "::", "port": 1} for n in ("a", "b")]}),
    outputs(encoding="xml"),
    outputs(batch_rows=0),
    key(hidden_private_key=[None], cleartext_private_key="AA=="),
    key(hidden_private_key=[None], certificates={"certificate": [{"name": "c"}]}),
    netconf(ssh_host_key=["no-such-key"]),
    netconf(tls={"client-authentication": {"ca-certs": "no-such-bag"}}),
    call_home(endpoint={"port": 0}),
    netconf(call_home={"netconf-client": [{"name": "c"}]}),
]
"""Refused by ranges, keys, unique, mandatory, min-elements and identities."""

CASES = [(tag, data) for tag, all_data in REFUSED.items() for data in all_data]


def configured(data: dict[str, Any]) -> dict[str, Any]:
    return {PROBE: json.loads(json.dumps(data))}


def test_every_tag_of_the_model_has_a_case(model: Model) -> None:
    tags = {
        statement.search_one("error-app-tag").arg
        for path in own_modules()
        for statement in below(model.modules[path.stem])
        if statement.keyword in {"must", "pattern"}
    }

    assert set(REFUSED) | ELSEWHERE == tags
    assert [tag for tag, cases in REFUSED.items() if not cases and tag not in ELSEWHERE] == []


def below(statement: Any) -> list[Any]:
    return [statement, *(one for sub in statement.substmts for one in below(sub))]


@pytest.mark.parametrize(("tag", "data"), CASES)
def test_what_the_model_forbids_is_refused_with_its_tag(
    oracle_of_all: Any, tag: str, data: dict[str, Any]
) -> None:
    assert oracle_of_all.complaint(configured(data)) == tag


def tags_of(schema: Schema, data: dict[str, Any]) -> list[str | None]:
    """The tags of everything that libyang finds wrong."""
    try:
        schema.context.parse(json.dumps(configured(data)).encode(), "json").validate()
    except YangError as error:
        return [problem.app_tag if problem.path else "no path" for problem in error.errors]
    return []


@pytest.mark.parametrize(("tag", "data"), CASES)
def test_libyang_refuses_it_with_the_same_tag(
    schema_of_all: Schema, tag: str, data: dict[str, Any]
) -> None:
    assert tag in tags_of(schema_of_all, data)


@pytest.mark.parametrize("data", TAKEN)
def test_what_is_just_within_is_taken(
    oracle_of_all: Any, schema_of_all: Schema, data: dict[str, Any]
) -> None:
    assert oracle_of_all.complaint(configured(data)) is None
    assert tags_of(schema_of_all, data) == []


@pytest.mark.parametrize("data", RANGES)
def test_what_is_out_of_bounds_is_refused(
    oracle: Any, schema: Schema, data: dict[str, Any]
) -> None:
    assert oracle.complaint(configured(data)) is not None
    assert tags_of(schema, data) != []


@pytest.mark.parametrize(
    "data",
    [
        security(enabled=True),
        outputs(kafka={"enabled": True}),
        outputs(encoding="mmt-csv"),
        interface(source="nf-types:dpdk"),
        reports(query=[]),
    ],
)
def test_what_this_build_lacks_cannot_be_set(
    oracle: Any, schema: Schema, data: dict[str, Any]
) -> None:
    assert oracle.complaint(configured(data)) is not None
    assert tags_of(schema, data) != []


@pytest.mark.skipif(shutil.which("yanglint") is None, reason="yanglint is not installed")
def test_yanglint_refuses_the_same(tmp_path: Path) -> None:
    enabled = [
        data for tag, data in CASES if tag in {"link-offset", "file-directory", "follow-pace"}
    ]
    taken = []
    for number, data in enumerate([*enabled[:2], *RANGES]):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(configured(data)))
        if not list(yang_lint.yanglint("-t", "config", str(file))):
            taken.append(data)

    assert taken == []
