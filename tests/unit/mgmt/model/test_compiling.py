"""A configuration becomes settings; every option has somebody who acts on it."""

import json
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from nf.datapath.config import EngineConfig, Event, Interface, Timeouts
from nf.datapath.settings import FileOutput, IpfixOutput, Settings, StdoutOutput
from nf.mgmt.compiling import CompileError, compile_settings
from nf.mgmt.effects import schema_path
from nf.mgmt.schema import Schema
from nf.mgmt.setting_paths import (
    ENGINE_PATHS,
    INTERFACE_LEAVES,
    OUTPUT_LEAVES,
    SETTING_PATHS,
    path_of,
)
from tools.yang_model import Model, is_leaf

PROBE = "nf-probe:probe"
CAPTURE = "nf-capture:capture"
ENGINE = "nf-dpi:engine"
OUTPUTS = "nf-outputs:outputs"
REPORTS = "nf-reports:reports"

PLACE_OF_ETH0 = "/nf-probe:probe/nf-capture:capture/interface[name='eth0']"
LIVE: dict[str, Any] = {
    PROBE: {
        "logging": {"module": [{"name": "nf.mgmt", "level": "debug"}]},
        CAPTURE: {"interface": [{"name": "eth0"}, {"name": "veth*", "snap-length": 64}]},
        ENGINE: {
            "disabled-protocol": ["nf-protocols:tls"],
            "applications": {"file": ["/a"]},
            "plugins": {"path": ["/p"]},
            "risks": {"file": ["/r"]},
        },
        OUTPUTS: {"file": {"enabled": True, "directory": "/d"}, "stdout": {"enabled": True}},
        REPORTS: {
            "session": {"output": ["nf-types:file"]},
            "transaction": {"enabled": True, "output": ["nf-types:stdout"]},
            "event": [
                {
                    "name": "e",
                    "event": "http.method",
                    "attribute": ["http.host"],
                    "output": ["nf-types:file"],
                }
            ],
        },
    }
}


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one node set; the path is that of JSON, from the probe on."""
    copy: dict[str, Any] = json.loads(json.dumps(data))
    node = copy.setdefault(PROBE, {})
    *above, last = path.split("/")
    for step in above:
        node = node.setdefault(step, {})
    node[last] = value
    return copy


def test_an_empty_configuration_is_the_engines_defaults(oracle: Any) -> None:
    settings = compile_settings(oracle.with_defaults({}))

    assert settings.engine == replace(
        EngineConfig(), live=True, report_interval=5.0, reports=("protocol", "app")
    )
    assert settings == Settings(engine=settings.engine)


@pytest.mark.parametrize("name", ["live", "replay"])
def test_the_examples_compile(oracle: Any, examples: Any, name: str) -> None:
    assert oracle.complaint(examples[name]) is None
    assert compile_settings(oracle.with_defaults(examples[name])).engine.reports


_SMALL = Interface(
    "f", sockets=4, snap_length=64, buffer_bytes=131072, read_timeout_ms=100, wait=True
)
ENGINE_VALUES: dict[str, tuple[str, Any, Any]] = {
    "threads": (f"{ENGINE}/workers", 3, 3),
    "files": (f"{CAPTURE}/file", {"path": ["/a", "/b*"]}, ("/a", "/b*")),
    "follow": (f"{CAPTURE}/file", {"path": ["/a"], "follow": True}, True),
    "pace": (f"{CAPTURE}/file", {"path": ["/a"], "pace": "as-recorded"}, 1.0),
    "live": (f"{CAPTURE}/file", {"path": ["/a"]}, False),
    "interfaces": (
        f"{CAPTURE}/interface",
        [
            {"name": "e", "read-timeout": 7, "buffer-size": 131072, "snap-length": 64},
            {"name": "f", "sockets": 4, "buffer-size": 131072, "snap-length": 64},
            {"name": "g", "source": "nf-types:libpcap", "buffer-size": 131072, "snap-length": 64},
        ],
        (
            Interface("e", snap_length=64, buffer_bytes=131072, read_timeout_ms=7, wait=True),
            _SMALL,
            replace(_SMALL, name="g", source="libpcap", sockets=1),
        ),
    ),
    "report_interval": (f"{REPORTS}/interval", 60, 60.0),
    "bpf": (f"{CAPTURE}/filter", "tcp", "tcp"),
    "root": (f"{CAPTURE}/link-type", "nf-protocols:ieee802154", "ieee802154"),
    "root_offset": (f"{CAPTURE}/link-offset", 7, 7),
    "reports": (f"{OUTPUTS}/stdout", {"enabled": True}, ("session", "protocol", "app")),
    "events": (
        f"{REPORTS}/event",
        [{"name": "n", "event": "dns.qname"}],
        (Event("dns.qname", ("dns.qname",)),),
    ),
    "filter": (f"{REPORTS}/filter", "bytes > 1", "bytes > 1"),
    "risks": (f"{ENGINE}/risks/enabled", True, True),
    "disabled_protocols": (
        f"{ENGINE}/disabled-protocol",
        ["nf-protocols:n-8021q", "nf-protocols:gtp-prime"],
        ("8021q", "gtp_prime"),
    ),
    "timeouts": (f"{ENGINE}/timeouts/closed", 9, Timeouts(closed=9.0)),
    "key_vlan": (f"{ENGINE}/key-vlan", False, False),
    "key_tunnel": (f"{ENGINE}/key-tunnel", True, True),
    "max_sessions": (f"{ENGINE}/max-sessions", 5, 5),
    "table_full": (f"{ENGINE}/table-full", "refuse", "refuse"),
    "max_held_bytes": (f"{ENGINE}/max-held-bytes", 6, 6),
    "classify_packets": (f"{ENGINE}/classify-packets", 7, 7),
    "classify_bytes": (f"{ENGINE}/classify-bytes", 8, 8),
    "seed": (f"{ENGINE}/hash-seed", 2**64 - 1, 2**64 - 1),
}
FROM_FILES = {
    "applications": "application_files",
    "plugins": "plugin_paths",
    "risk_files": "risk_files",
}
"""What is read from files that the settings name."""


def raw(value: Any) -> Any:
    """64-bit numbers are text in JSON (RFC 7951 section 6.1)."""
    return str(value) if isinstance(value, int) and value > 2**32 else value


@pytest.mark.parametrize("name", ENGINE_VALUES)
def test_every_setting_of_the_engine_is_reached_from_the_model(oracle: Any, name: str) -> None:
    path, value, expected = ENGINE_VALUES[name]
    before = compile_settings(given(oracle, {PROBE: {OUTPUTS: {"stdout": {}}}}))
    # An event is made only when its rows go somewhere.
    data = {PROBE: {OUTPUTS: {"stdout": {"enabled": name == "events"}}}}

    settings = compile_settings(given(oracle, changed(data, path, raw(value))))

    assert getattr(settings.engine, name) == expected
    assert getattr(before.engine, name) != expected


def given(oracle: Any, data: dict[str, Any]) -> dict[str, Any]:
    data = json.loads(json.dumps(data))
    for leaf in ("max-held-bytes",):
        engine = data[PROBE].get(ENGINE, {})
        if leaf in engine:
            engine[leaf] = str(engine[leaf])
    filled: dict[str, Any] = oracle.with_defaults(data)
    return filled


NEW_ENGINE = {
    "threads", "files", "follow", "pace", "live", "seed", "max_sessions", "max_held_bytes",
    "key_vlan", "key_tunnel",
}  # fmt: skip
"""What the engine refuses to change while it runs (core/src/engine/handle.rs)."""


def test_what_takes_a_new_engine_resets_flows(schema: Schema) -> None:
    file = "/nf-probe:probe/nf-capture:capture/file"
    effects = {
        name: schema.resets.effect_at(file if name == "live" else path)
        for name, path in ENGINE_PATHS.items()
    }

    assert {name for name, effect in effects.items() if effect == "flows"} == NEW_ENGINE
    assert {name for name, effect in effects.items() if effect == "capture"} == {"interfaces"}
    assert "process" not in effects.values()


def test_a_collector_of_ipfix_gets_sessions_and_nothing_else(oracle: Any) -> None:
    collector = {
        "enabled": True,
        "host": "192.0.2.1",
        "transport": "tcp",
        "observation-domain": 9,
        "enterprise-number": 1,
        "template-interval": 7,
        "message-size": 600,
        "biflow": False,
    }
    data = {
        PROBE: {
            OUTPUTS: {"ipfix": collector},
            REPORTS: {
                "transaction": {"enabled": True},
                "event": [{"name": "e", "event": "http.method"}],
            },
        }
    }

    settings = compile_settings(given(oracle, data))

    assert settings.ipfix == IpfixOutput(
        "192.0.2.1",
        transport="tcp",
        domain=9,
        enterprise=1,
        template_seconds=7,
        message_bytes=600,
        biflow=False,
        reports=("session",),
    )
    assert settings.engine.reports == ("session", "protocol", "app")
    assert not settings.engine.events


def test_no_setting_of_the_engine_is_forgotten() -> None:
    names = {one.name for one in fields(EngineConfig)}

    assert set(ENGINE_VALUES) | set(FROM_FILES) == names
    assert set(ENGINE_PATHS) == names


@pytest.mark.parametrize("timeout", [one.name for one in fields(Timeouts)])
def test_every_timeout_is_reached(oracle: Any, timeout: str) -> None:
    data = changed({}, f"{ENGINE}/timeouts/{timeout}", 77)

    assert getattr(compile_settings(oracle.with_defaults(data)).engine.timeouts, timeout) == 77.0


def test_files_of_applications_risks_and_plugins_keep_their_order(oracle: Any) -> None:
    data = changed({}, f"{ENGINE}/applications/file", ["/b", "/a"])
    data = changed(data, f"{ENGINE}/plugins/path", ["/z", "/y"])
    data = changed(data, f"{ENGINE}/risks/file", ["/s", "/r"])

    settings = compile_settings(oracle.with_defaults(data))

    assert (settings.application_files, settings.plugin_paths) == (("/b", "/a"), ("/z", "/y"))
    assert settings.risk_files == ("/s", "/r")


def test_an_interface_says_what_differs_from_all(oracle: Any) -> None:
    data = {
        PROBE: {
            CAPTURE: {
                "promiscuous": False,
                "buffer-size": 1 << 20,
                "interface": [
                    {"name": "eth0"},
                    {
                        "name": "eth*",
                        "promiscuous": True,
                        "snap-length": 96,
                        "read-timeout": 9,
                        "outgoing": False,
                        "wait": False,
                        "filter": "udp",
                    },
                ],
            }
        }
    }

    first, second = compile_settings(oracle.with_defaults(data)).engine.interfaces

    assert first == Interface(
        "eth0",
        promiscuous=False,
        snap_length=65535,
        buffer_bytes=1 << 20,
        read_timeout_ms=100,
        wait=True,
    )
    assert second == Interface(
        "eth*",
        snap_length=96,
        buffer_bytes=1 << 20,
        read_timeout_ms=9,
        outgoing=False,
        wait=False,
        bpf="udp",
    )


@pytest.mark.parametrize(
    ("file", "pace"),
    [
        ({"path": ["/a"]}, 0.0),
        ({"path": ["/a"], "pace": "as-recorded"}, 1.0),
        ({"path": ["/a"], "pace": "multiple", "multiple": "0.5"}, 0.5),
    ],
)
def test_files_are_read_at_their_pace(oracle: Any, file: Any, pace: float) -> None:
    data = {PROBE: {CAPTURE: {"file": file}}}

    assert compile_settings(oracle.with_defaults(data)).engine.pace == pace


def test_rows_go_where_they_are_sent(oracle: Any) -> None:
    settings = compile_settings(oracle.with_defaults(LIVE))

    assert settings.engine.reports == ("session", "transaction", "event", "protocol", "app")
    assert settings.engine.events == (Event("http.method", ("http.host",)),)
    assert settings.event_names == ("e",)
    assert settings.file == FileOutput("/d", reports=("session", "event"), events=("http.method",))
    assert settings.stdout == StdoutOutput(reports=("transaction",))


def test_a_channel_that_is_named_and_not_enabled_gets_nothing(oracle: Any) -> None:
    data = changed(LIVE, f"{OUTPUTS}/file/enabled", False)

    settings = compile_settings(oracle.with_defaults(data))

    assert settings.file is None
    assert settings.engine.reports == ("transaction", "protocol", "app")
    assert settings.engine.events == ()


def test_rows_that_go_nowhere_are_not_made(oracle: Any) -> None:
    assert compile_settings(oracle.with_defaults({})).engine.reports == ("protocol", "app")


def test_a_report_that_names_no_channel_goes_to_all(oracle: Any) -> None:
    data = changed(LIVE, f"{REPORTS}/session", {})

    settings = compile_settings(oracle.with_defaults(data))

    assert settings.file
    assert settings.stdout
    assert "session" in settings.file.reports
    assert "session" in settings.stdout.reports


def test_without_interim_rows_there_is_no_interval(oracle: Any) -> None:
    data = changed({}, f"{REPORTS}/session", {"interim": False})

    assert compile_settings(oracle.with_defaults(data)).engine.report_interval == 0.0


def test_files_that_do_not_rotate_have_no_limits(oracle: Any) -> None:
    data = changed(LIVE, f"{OUTPUTS}/file/rotate", False)

    file = compile_settings(oracle.with_defaults(data)).file

    assert file
    assert (file.rotate_seconds, file.rotate_bytes) == (0, 0)


def test_a_pattern_that_is_none_is_refused_with_its_path(oracle: Any) -> None:
    data = {PROBE: {CAPTURE: {"interface": [{"name": "eth[0"}]}}}

    with pytest.raises(CompileError) as refused:
        compile_settings(oracle.with_defaults(data))

    assert refused.value.place == (
        "/nf-probe:probe/nf-capture:capture/interface[name='eth[0']/name"
    )
    assert refused.value.app_tag == "interface-pattern"


@pytest.mark.parametrize("name", ["eth[0-9]", "eth[]x]", "eth[!a]*", "a?", "any"])
def test_patterns_of_fnmatch_are_taken(oracle: Any, name: str) -> None:
    data = {PROBE: {CAPTURE: {"interface": [{"name": name}]}}}

    assert compile_settings(oracle.with_defaults(data)).engine.interfaces[0].name == name


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("root", "/nf-probe:probe/nf-capture:capture/link-type"),
        ("timeouts.short", "/nf-probe:probe/nf-dpi:engine/timeouts/short"),
        ("timeouts", "/nf-probe:probe/nf-dpi:engine/timeouts"),
        (
            "interfaces[1].snap_length",
            "/nf-probe:probe/nf-capture:capture/interface[name='veth*']/snap-length",
        ),
        ("interfaces[1]", "/nf-probe:probe/nf-capture:capture/interface[name='veth*']"),
        ("interfaces[0].sockets", f"{PLACE_OF_ETH0}/sockets"),
        ("interface eth0", PLACE_OF_ETH0),
        ("interface veth7", "/nf-probe:probe/nf-capture:capture/interface[name='veth*']"),
        ("interface other0", "/nf-probe:probe/nf-capture:capture/interface"),
        ("interfaces[9].bpf", "/nf-probe:probe/nf-capture:capture/interface"),
        ("interfaces", "/nf-probe:probe/nf-capture:capture/interface"),
        ("events[0]", "/nf-probe:probe/nf-reports:reports/event[name='e']"),
        ("events[5]", "/nf-probe:probe/nf-reports:reports/event"),
        ("file.directory", "/nf-probe:probe/nf-outputs:outputs/file/directory"),
        ("stdout", "/nf-probe:probe/nf-outputs:outputs/stdout"),
        ("plugin_paths", "/nf-probe:probe/nf-dpi:engine/plugins/path"),
        ("filter, column 3", "/nf-probe:probe/nf-reports:reports/filter"),
        ("something else", "/nf-probe:probe"),
        ("", "/nf-probe:probe"),
    ],
)
def test_errors_of_the_data_path_find_their_leaf(oracle: Any, place: str, path: str) -> None:
    assert path_of(place, compile_settings(oracle.with_defaults(LIVE))) == path


def test_every_path_of_a_setting_is_in_the_model(model: Model) -> None:
    known = {schema_path(node.path) for node in model.nodes()}
    paths = [*ENGINE_PATHS.values(), *SETTING_PATHS.values()]
    base = "/nf-probe:probe/nf-capture:capture/interface"
    paths += [f"{base}/{leaf}" for leaf in INTERFACE_LEAVES.values()]
    for channel, leaves in OUTPUT_LEAVES.items():
        paths += [f"/nf-probe:probe/nf-outputs:outputs/{channel}/{one}" for one in leaves.values()]

    assert [path for path in paths if schema_path(path) not in known] == []


def test_every_setting_has_a_path() -> None:
    names = {one.name for one in fields(Settings)}

    assert set(SETTING_PATHS) | set(OUTPUT_LEAVES) | {"engine"} == names
    assert {one.name for one in fields(Interface)} == set(INTERFACE_LEAVES)


def test_choices_of_the_model_are_those_of_the_settings(built_model: Model) -> None:
    enums = {
        node.path: tuple(one.arg for one in node.types[-1].search("enum"))
        for node in built_model.nodes()
        if is_leaf(node) and node.types[-1].search("enum")
    }
    base = "/nf-probe:probe"

    assert set(enums[f"{base}/nf-dpi:engine/table-full"]) == {"evict-oldest", "refuse"}
    assert enums[f"{base}/logging/level"] == literals("LogLevel")


def literals(name: str) -> tuple[str, ...]:
    from nf.datapath import settings  # noqa: PLC0415  # the alias itself is what is looked at

    return get_args(getattr(settings, name))
