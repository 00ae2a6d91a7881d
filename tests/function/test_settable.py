"""Each leaf that can be set is set over NETCONF, read back, and its effect seen; and refused.

The leaves, their values and what they refuse are generated from the model: see `settable.py`. What
`compile_settings()` reads is looked for in the settings that the running datapath tells; what the
monitor does, in the policy that it tells.
"""

import dataclasses
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from nf._native.yang import Context
from nf.datapath.control import DatapathClient, ReadSettings
from nf.datapath.settings import Settings
from nf.mgmt.netconf.settings import Settings as NetconfSettings
from nf.mgmt.schema import YANG_DIR, ModuleSet
from nf.process.monitoring import MonitorClient, ReadPolicy
from nf.telemetry.gnmi.settings import Settings as GnmiSettings
from nf.telemetry.metrics.endpoint import Settings as MetricsSettings
from tests.function.conftest import SEES, Probe, eventually
from tests.function.netconf import BASE, Answer, Netconf
from tests.function.settable import PROBE, Leaf, Places, leaves
from tests.unit.mgmt.model.test_yang_refusals import REFUSED, configured

CONTEXT = Context(*ModuleSet.read().for_context())
TESTS = Path(__file__).parents[1]

NEED_KEYS = {
    f"{PROBE}/management/nf-credentials:keystore/expiry-warning": (
        "unit/mgmt/credentials/test_expiry.py"
    ),
    f"{PROBE}/management/nf-credentials:": "netconf/test_credentials.py",
    f"{PROBE}/management/netconf/nf-netconf:call-home/netconf-client/connection-type/periodic/"
    "anchor-time": "unit/mgmt/netconf/test_call_home_order.py",
    f"{PROBE}/management/netconf/nf-netconf:call-home/netconf-client/endpoints/endpoint/address": (
        "netconf/home.py"
    ),
    **dict.fromkeys(
        (
            f"{PROBE}/management/netconf/nf-netconf:call-home/netconf-client/reconnect-strategy/{name}"
            for name in ("retry-interval", "max-retry-interval")
        ),
        "netconf/home.py",
    ),
    f"{PROBE}/management/netconf/nf-netconf:call-home": "netconf/test_rfc8071_call_home.py",
    f"{PROBE}/management/netconf/nf-netconf:ssh-host-key": "netconf/test_credentials.py",
    f"{PROBE}/management/netconf/nf-netconf:tls/server-identity": "netconf/tls_peer.py",
    f"{PROBE}/management/netconf/nf-netconf:tls": "netconf/test_rfc7589_tls.py",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/listen/tls/keystore": "gnmi/test_keystore.py",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/listen/tls/ca-certs": "gnmi/test_keystore.py",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/collector/tls/keystore": "gnmi/test_dialout.py",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/collector/tls/ca-certs": "gnmi/test_dialout.py",
}
"""Leaves that mean nothing without keys and certificates that fit each other, and the tests that
have these, set them, and see what they do."""
FOR_PEOPLE = {"description"}
CALLED = {"anchor-time": "anchor", "expiry-warning": "warned_before"}
"""Names that such a test has for what the leaf says."""


def where_keys_are(schema: str) -> str:
    return next((where for path, where in NEED_KEYS.items() if schema.startswith(path)), "")


EVERY_LEAF = leaves(CONTEXT)
LEAVES = [leaf for leaf in EVERY_LEAF if not where_keys_are(leaf.schema)]

CAPTURE = f"{PROBE}/nf-capture:capture"
GNMI = f"{PROBE}/nf-telemetry:telemetry/gnmi"
NACM = "/ietf-netconf-acm:nacm"
LISTEN = f"{PROBE}/management/netconf/listen[name='second']"
COLLECTOR = f"{GNMI}/collector[name='c']"
RULE = f"{NACM}/rule-list[name='l']/rule[name='r']"

BESIDE: dict[str, tuple[tuple[str, str], ...]] = {
    f"{CAPTURE}/link-offset": ((f"{CAPTURE}/link-type", "nf-protocols:ip"),),
    f"{CAPTURE}/file/follow": ((f"{CAPTURE}/file/path", "{capture}"),),
    f"{CAPTURE}/file/pace": ((f"{CAPTURE}/file/path", "{capture}"),),
    f"{CAPTURE}/file/multiple": (
        (f"{CAPTURE}/file/path", "{capture}"),
        (f"{CAPTURE}/file/pace", "multiple"),
    ),
    f"{PROBE}/management/mmt-socket/enabled": (
        (f"{PROBE}/management/mmt-socket/path", "{folder}/mmt.sock"),
    ),
    f"{PROBE}/management/mmt-socket/path": ((f"{PROBE}/management/mmt-socket/enabled", "true"),),
    f"{GNMI}/listen/tls/client-authentication": (
        (f"{GNMI}/listen[name='t']/tls/client-authorities", "{certificate}"),
    ),
    **{
        f"{PROBE}/management/netconf/listen/{leaf}": (
            (f"{LISTEN}/address", "127.0.0.1"),
            (f"{LISTEN}/port", "8301"),
        )
        for leaf in ("name", "address", "port")
    },
    **{
        f"{GNMI}/listen/tls/{leaf}": (
            (f"{GNMI}/listen[name='t']/tls/certificate", "{certificate}"),
            (f"{GNMI}/listen[name='t']/tls/private-key", "{key}"),
        )
        for leaf in ("certificate", "private-key", "client-authorities", "client-authentication")
    },
}
"""What has to be set together with a leaf, that it may be set or means anything."""
BESIDE |= {
    leaf.schema: (
        (f"{COLLECTOR}/address", "127.0.0.1"),
        (f"{COLLECTOR}/user", "admin"),
        (f"{COLLECTOR}/subscription[path='/probe/id']/mode", "on-change"),
        *(
            (
                (f"{COLLECTOR}/tls/authorities", "{certificate}"),
                (f"{COLLECTOR}/tls/certificate", "{certificate}"),
                (f"{COLLECTOR}/tls/private-key", "{key}"),
            )
            if "/collector/tls/" in leaf.schema
            else ()
        ),
    )
    for leaf in LEAVES
    if leaf.schema.startswith(f"{GNMI}/collector/") and leaf.name != "name"
}
BESIDE[f"{GNMI}/listen/tls/client-authentication"] += (
    (f"{GNMI}/listen[name='t']/tls/client-authorities", "{certificate}"),
)

MANDATORY = {
    f"{PROBE}/logging/module": ("level", "debug"),
    f"{PROBE}/nf-reports:reports/event": ("event", "http.method"),
    f"{GNMI}/listen": ("address", "127.0.0.3"),
    f"{GNMI}/collector": ("address", "127.0.0.1"),
    f"{PROBE}/management/netconf/listen": ("address", "127.0.0.1"),
    f"{NACM}/rule-list/rule": ("action", "permit"),
    "/ietf-system:system/authentication/user/authorized-key": ("algorithm", "ssh-ed25519"),
}
"""What an entry of a list must have beside its key."""
KEY_DATA = "AAAAC3NzaC1lZDI1NTE5AAAAIEzPJ9cVRLbQ7Wd3gmzM0YIeXJ0bAeFbbkfF4HYn8h0m"


SHOWN_BY = {
    "/ietf-system:system/authentication/user/name": "netconf/test_rfc7317_users.py",
    "/ietf-system:system/authentication/user/password": "netconf/test_rfc7317_users.py",
    "/ietf-system:system/authentication/user/authorized-key": "netconf/test_rfc7317_users.py",
    f"{NACM}/rule-list/rule/notification-name": "netconf/test_rfc8639_configured.py",
    NACM: "unit/mgmt/test_nacm.py",
    f"{PROBE}/management/transactions/prepare-timeout": "unit/mgmt/test_providers.py",
    f"{PROBE}/management/transactions/history": "unit/mgmt/test_restarts.py",
    f"{PROBE}/nf-outputs:outputs/telemetry/kept": "unit/mgmt/test_recent.py",
}
"""Leaves whose effect is how management behaves, and the tests that show it."""

NO_EFFECT = {
    f"{NACM}/rule-list/rule/comment": "it is for people (RFC 8341)",
    f"{NACM}/enable-external-groups": "no front end brings groups of its own with a user",
}
"""Leaves of standard modules without an effect here, and why."""

ONE_VALUE = {
    f"{CAPTURE}/interface/source": "other sources are behind features",
    f"{PROBE}/nf-outputs:outputs/encoding": "other encodings are behind features",
}
"""Leaves that have a single value in this build, and why."""

TEXTS = {
    f"{CAPTURE}/file/pace",
    f"{CAPTURE}/file/multiple",
    f"{PROBE}/nf-outputs:outputs/file/rotate",
    f"{PROBE}/nf-reports:reports/session/enabled",
    f"{PROBE}/nf-reports:reports/transaction/enabled",
    f"{PROBE}/nf-reports:reports/event/enabled",
    f"{PROBE}/nf-reports:reports/session/interim",
    f"{PROBE}/nf-outputs:outputs/file/enabled",
    f"{PROBE}/nf-outputs:outputs/stdout/enabled",
    f"{PROBE}/nf-outputs:outputs/ipfix/enabled",
    f"{PROBE}/nf-outputs:outputs/telemetry/enabled",
    f"{PROBE}/nf-reports:reports/session/output",
    f"{PROBE}/nf-reports:reports/transaction/output",
    f"{PROBE}/nf-reports:reports/event/output",
}
"""Leaves whose value becomes another in the settings: a switch that leaves something out."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, captures: Path) -> Places:
    folder = tmp_path_factory.mktemp("places")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=localhost", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    applications = folder / "own.conf"
    applications.write_text("")
    return Places(
        capture=str(captures / "dns.pcap"),
        plugin=str(TESTS.parent / "examples" / "clock.plugin"),
        applications=str(applications),
        certificate=str(certificate),
        key=str(key),
        folder=str(folder),
    )


@pytest.fixture(scope="module")
def probe(space: str, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """A probe that has an entry of each list, so that each leaf has its place."""
    wishes = (
        "outputs/file/enabled=true",
        f"outputs/file/directory={places.folder}/rows",
        "outputs/stdout/enabled=true",
        "outputs/ipfix/host=127.0.0.1",
        "outputs/ipfix/enabled=true",
        "outputs/telemetry/enabled=true",
        "telemetry/gnmi/history/enabled=true",
        "reports/transaction/enabled=true",
        "reports/event[e]/event=dns.qname",
        "reports/event[e]/attribute[dns.qname]=dns.qname",
        "logging/module[nf.mgmt]/level=warning",
        "telemetry/gnmi/listen[t]/address=127.0.0.1",
    )
    words = [word for wish in wishes for word in ("-X", wish)]
    state = tmp_path_factory.mktemp("probe") / "state"
    made = Probe(space, state, "-i", SEES, *words)
    try:
        eventually(made.up().capturing)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def session(probe: Probe) -> Iterator[Netconf]:
    with Netconf(probe) as made:
        yield made


@pytest.fixture(scope="module")
def before(session: Netconf) -> str:
    """The configuration that each test begins and ends with, as XML."""
    return config_of(session.running())


@pytest.fixture
def restored(session: Netconf, before: str) -> Iterator[None]:
    yield
    answer = session.edit(before, "replace")
    assert answer.ok, json.dumps(answer.errors)


def config_of(answer: Answer) -> str:
    data = answer.root.find(f"{{{BASE}}}data")
    assert data is not None, answer.errors
    return "".join(etree.tostring(one).decode() for one in data)


def edit_for(leaf: Leaf, value: str, places: Places) -> str:
    """An edit that sets a leaf, and what it cannot be without."""
    tree = CONTEXT.empty()
    for path, beside in BESIDE.get(leaf.schema, ()):
        tree.set(path, beside.format(**dataclasses.asdict(places)))
    path = leaf.path
    if leaf.is_key:
        entry = leaf.path.rpartition("/")[0].rpartition("[")[0]
        path = f"{entry}[{leaf.name}='{value}']/{leaf.name}"
    above = path.rpartition("/")[0]
    tree.set(above, None)
    if above.endswith("]") and (wanted := MANDATORY.get(leaf.schema.rpartition("/")[0])):
        tree.set(f"{above}/{wanted[0]}", wanted[1])
    if leaf.is_key and leaf.schema.startswith(f"{GNMI}/collector/name"):
        tree.set(f"{above}/user", "admin")
        tree.set(f"{above}/subscription[path='/probe/id']", None)
    if above.startswith("/ietf-system:system/authentication/user") and "authorized-key" in above:
        tree.set(f"{above}/key-data", KEY_DATA)
    if leaf.node["kind"] == "leaf-list":
        tree.set(f"{path}[.='{value}']", None)
    elif not leaf.is_key:
        tree.set(path, value)
    return tree.to_xml().decode()


def read(xml: str, leaf: Leaf) -> list[str]:
    """All values of a leaf, in any entry."""
    tree = CONTEXT.empty()
    if xml:
        tree.edit(f"<config xmlns='{BASE}'>{xml}</config>".encode())
    wanted = re.sub(r"\[(?:[^\]'\"]|'[^']*')*\]", "", leaf.path)
    return [str(value) for _, value in tree.find(wanted) if value is not None]


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Settings by their dotted names; tuples of records by number."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Any] = {}
        for one in dataclasses.fields(value):
            found |= flat(getattr(value, one.name), f"{path}.{one.name}".lstrip("."))
        return found
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        found = {}
        for number, one in enumerate(value):
            found |= flat(one, f"{path}[{number}]")
        return found
    return {path: value}


def settings_of(probe: Probe) -> Settings:
    with DatapathClient(probe.places.datapath_socket) as datapath:
        return datapath.call(ReadSettings()).settings  # type: ignore[no-any-return]


def observed(probe: Probe, owner: str) -> Any:  # noqa: PLR0911  # one per owner
    """What an owner goes by, as it can be seen from outside or made of what is in force."""
    data = {**probe.config()}
    match owner:
        case "compile":
            return flat(settings_of(probe))
        case "supervisor":
            with MonitorClient(probe.places.monitor_socket) as monitor:
                return monitor.call(ReadPolicy())
        case "control":
            told = probe.places.management_socket.stat()
            return told.st_mode, told.st_gid
        case "mmt-socket":
            stated = data["nf-probe:probe"].get("management", {}).get("mmt-socket", {})
            path = Path(stated.get("path", "/nowhere"))
            return str(path), path.is_socket()
        case "netconf":
            return NetconfSettings.of(data), listening(probe)
        case "gnmi":
            return GnmiSettings.of(data), listening(probe)
        case "metrics":
            return MetricsSettings.of(data), listening(probe)
    raise AssertionError(f"nothing is known to be seen of {owner}")


def listening(probe: Probe) -> list[str]:
    """Addresses and ports in the probe's namespace that wait for connections."""
    told = subprocess.run(
        ["ip", "netns", "exec", probe.space, "cat", "/proc/net/tcp"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line.split() for line in told.splitlines()[1:]]
    return sorted(line[1] for line in lines if line[3] == "0A")


def owner_of(leaf: Leaf) -> str:
    stated = tomllib.loads((YANG_DIR / "owners.toml").read_text())["owner"]
    for one in stated:
        if any(f"{leaf.schema}/".startswith(f"{path}/") for path in one["paths"]):
            return str(one["name"])
    return "compile"


def same(told: Any, value: str) -> bool:
    """Whether a setting holds a value of the model."""
    plain = value.rpartition(":")[2]
    words = {value, plain, plain.replace("-", "_")}
    if isinstance(told, tuple):
        return any(same(one, value) for one in told)
    if isinstance(told, bool):
        return value == ("true" if told else "false")
    if isinstance(told, int | float):
        return value.replace(".", "", 1).isdigit() and float(value) == told
    return str(told) in words


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.schema)
@pytest.mark.usefixtures("restored")
def test_it_is_set_and_read_back_and_its_effect_seen(
    probe: Probe, session: Netconf, places: Places, leaf: Leaf
) -> None:
    now = (read(config_of(session.running()), leaf) or [leaf.node["default"]])[0]
    value = leaf.value(now, places)
    assert leaf.is_key or value != now or leaf.schema in ONE_VALUE
    owner = owner_of(leaf)
    shown = next((where for path, where in SHOWN_BY.items() if leaf.schema.startswith(path)), "")
    was = None if shown else observed(probe, owner)

    answer = session.edit(edit_for(leaf, value, places))

    assert answer.ok, json.dumps(answer.errors)
    assert value in read(config_of(session.running()), leaf)
    if leaf.schema in {*NO_EFFECT, *ONE_VALUE}:
        return
    if shown:
        assert leaf.name.replace("-", "_") in (TESTS / shown).read_text().replace("-", "_")
        return
    becomes = observed(probe, owner)
    assert becomes != was
    if owner == "compile" and leaf.schema not in TEXTS:
        differing = [one for name, one in becomes.items() if was.get(name) != one]
        assert any(same(one, value) for one in differing), differing


@pytest.mark.parametrize(
    "leaf", [one for one in EVERY_LEAF if one not in LEAVES], ids=lambda leaf: leaf.schema
)
def test_what_needs_keys_is_set_where_there_are_some(leaf: Leaf) -> None:
    if leaf.name not in FOR_PEOPLE:
        text = (TESTS / where_keys_are(leaf.schema)).read_text().replace("-", "_")
        assert CALLED.get(leaf.name, leaf.name).replace("-", "_") in text


REFUSALS = [(leaf, value) for leaf in LEAVES for value in leaf.refused()]


@pytest.mark.parametrize(
    ("leaf", "value"), REFUSALS, ids=[f"{leaf.schema}={value[:20]}" for leaf, value in REFUSALS]
)
def test_what_its_type_does_not_have_is_refused(
    session: Netconf, before: str, leaf: Leaf, value: str
) -> None:
    """With the tag of RFC 7950 section 8.3.1 and the path of the leaf."""
    root = etree.fromstring(f"<config xmlns='{BASE}'/>".encode())
    at = root
    namespaces = {one["name"]: one["namespace"] for one in CONTEXT.modules()}
    module = ""
    for step in re.findall(r"/((?:[^/\[']|\[[^\]]*\])+)", leaf.path):
        name, _, key = step.partition("[")
        own, _, bare = name.rpartition(":")
        module = own or module
        at = etree.SubElement(at, f"{{{namespaces[module]}}}{bare}")
        if key and not (leaf.is_key and bare == leaf.path.split("/")[-2].partition("[")[0]):
            word, _, text = key.rstrip("]").partition("=")
            etree.SubElement(at, f"{{{namespaces[module]}}}{word}").text = text.strip("'")
    at.text = value

    answer = session.edit("".join(etree.tostring(one).decode() for one in root))

    assert not answer.ok
    error = answer.errors[0]
    assert error["error-tag"] in {"invalid-value", "bad-element", "missing-element"}, error
    # A key that is none leaves an entry without a name: the list stands for it.
    wanted = leaf.path.rpartition("[")[0].rpartition("/")[2] if leaf.is_key else leaf.name
    assert wanted.rpartition(":")[2] in error["error-path"], error
    assert config_of(session.running()) == before


MUSTS = sorted(
    {
        must["app_tag"]
        for node in CONTEXT.nodes()
        if node["path"].startswith(PROBE) and node["config"]
        for must in node["musts"]
    }
)


@pytest.mark.parametrize("tag", MUSTS)
def test_what_a_must_forbids_is_refused_with_its_tag_and_path(
    session: Netconf, before: str, tag: str
) -> None:
    refused = 0
    for data in REFUSED[tag]:
        text = json.dumps(configured(data)).encode()
        try:
            xml = CONTEXT.parse(text, "json").to_xml().decode()
        except Exception:  # noqa: BLE001,S112  # it is about what this build does not have
            continue
        answer = session.edit(xml)
        if answer.ok:
            # What is there already was what it needs: in the place of all of it, then.
            assert session.edit(before, "replace").ok
            whole = xml.replace("<probe ", f'<probe xmlns:o="{BASE}" o:operation="replace" ', 1)
            answer = session.edit(whole)
        assert tag in [error.get("error-app-tag") for error in answer.errors], answer.errors
        assert all(error.get("error-path") for error in answer.errors)
        refused += 1
        assert config_of(session.running()) == before
    assert refused
