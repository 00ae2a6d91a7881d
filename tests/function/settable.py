"""Every leaf of the model that can be set, with a value to set and values to refuse: generated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nf._native.yang import Context
from nf.mgmt.naming import data_nodes

__all__ = ["Leaf", "Places", "leaves"]

PROBE = "/nf-probe:probe"
LEAVES = frozenset({"leaf", "leaf-list"})
INTEGERS = re.compile(r"u?int(8|16|32|64)")

ENTRIES = {
    f"{PROBE}/logging/module": "[name='nf.mgmt']",
    f"{PROBE}/management/netconf/listen": "[name='second']",
    f"{PROBE}/nf-capture:capture/interface": "[name='v1']",
    f"{PROBE}/nf-reports:reports/event": "[name='e']",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/listen": "[name='t']",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/collector": "[name='c']",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/collector/subscription": "[path='/probe/id']",
    f"{PROBE}/nf-telemetry:telemetry/gnmi/folder": "[path='/var/tmp']",
    "/ietf-netconf-acm:nacm/groups/group": "[name='g']",
    "/ietf-netconf-acm:nacm/rule-list": "[name='l']",
    "/ietf-netconf-acm:nacm/rule-list/rule": "[name='r']",
    "/ietf-system:system/authentication/user": "[name='eve']",
    "/ietf-system:system/authentication/user/authorized-key": "[name='k']",
}
"""The entry of each list that leaves are set in."""

BY_TYPE = {
    "interface-pattern": "v0",
    "packet-filter": "udp or tcp",
    "row-filter": "bytes > 10",
    "attribute-name": "http.host",
    "ip-address-no-zone": "127.0.0.9",
    "crypt-hash": "$5$saltsalt$V8Ot1Av2LAZv0o5P.SAbJFlS0xAwxIBSZ7NvlcmCKfD",
    "name": "another",
    "log-module": "nf.datapath",
    "group-name-type": "people",
    "user-name-type": "eve",
    "node-instance-identifier": "/nf-probe:probe",
}
"""A valid value of types whose values are not made from what the schema says of them."""


@dataclass(frozen=True, slots=True)
class Places:
    """Files that exist, for leaves that name one.

    Attributes:
        capture: A capture.
        plugin: A plugin file.
        applications: A file of applications.
        certificate: Of a server, in PEM.
        key: Its private key.
        folder: To write to.
    """

    capture: str
    plugin: str
    applications: str
    certificate: str
    key: str
    folder: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf that can be set.

    Attributes:
        schema: Its path without keys.
        path: Its path in data.
        node: What the schema says of it.
        is_key: It is set by making another entry.
    """

    schema: str
    path: str
    node: Mapping[str, Any]
    is_key: bool

    @property
    def name(self) -> str:
        return str(self.node["name"])

    def value(self, now: str | None, places: Places) -> str:  # noqa: PLR0911  # one per kind
        """A valid value other than the one that it has, or would have by default."""
        node = self.node
        if self.schema in (own := _own(places)):
            return own[self.schema]
        if node["typedef"] in BY_TYPE:
            return BY_TYPE[node["typedef"]]
        if node["type"] == "boolean":
            # What is said for all is true, so that an entry that says nothing has that.
            return "false" if now in {"true", None} else "true"
        if node["type"] == "enumeration":
            return next((one for one in self.enums if one != now), self.enums[0])
        if node["type"] == "identityref":
            return next(one for one in sorted(self.identities) if one != now)
        if node["type"] == "decimal64":
            return "2.5" if now != "2.5" else "3.5"
        if INTEGERS.fullmatch(node["type"]):
            wanted = int(now or 0) + 1
            if any(least <= wanted <= most for least, most in self.parts):
                return str(wanted)
            return next(str(least) for least, _ in self.parts if str(least) != now)
        raise AssertionError(f"no value for {self.schema}: extend tests/function/settable.py")

    @property
    def enums(self) -> list[str]:
        return [
            str(one[0]) if isinstance(one, tuple | list) else str(one) for one in _told(self.node)
        ]

    @property
    def identities(self) -> list[str]:
        return [str(one) for one in self.node["identities"]]

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and greatest value of an integer."""
        return self.parts[0][0], self.parts[-1][1]

    @property
    def parts(self) -> list[tuple[int, int]]:
        """Least and greatest value of each part of its range."""
        if self.node["range"]:
            ends = [one.split("..") for one in self.node["range"].split("|")]
            return [(int(one[0]), int(one[-1])) for one in ends]
        bits = int(self.node["type"].lstrip("uint"))
        if self.node["type"].startswith("u"):
            return [(0, 2**bits - 1)]
        return [(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)]

    def refused(self) -> Iterator[str]:
        """Values that its type does not have."""
        node = self.node
        if node["type"] in {"boolean", "enumeration", "identityref"}:
            yield "no-such-word"
        elif INTEGERS.fullmatch(node["type"]):
            least, most = self.bounds
            yield from (str(least - 1), str(most + 1), "seven", "")
        elif node["type"] == "decimal64":
            yield from ("0.0", "1000000", "seven")
        elif node["type"] == "string" and (node["patterns"] or node["length"]):
            yield from self._strange_texts()

    def _strange_texts(self) -> Iterator[str]:
        if node_length := self.node["length"]:
            least, _, most = str(node_length).rpartition("..")
            if int(least or most) > 0:
                yield ""
            if int(most) < 100_000:
                yield "a" * (int(most) + 1)
        for pattern in self.node["patterns"]:
            text = _text_of(pattern).replace(r"\p{Cc}", r"\x00-\x1f")
            strange = next(
                (one for one in ("a b/c?'*", "//", "-", "a") if not re.fullmatch(text, one)), None
            )
            if strange is not None:
                yield strange


def _told(node: Mapping[str, Any]) -> list[Any]:
    return list(node["enums"] or ())


def _text_of(pattern: Any) -> str:
    return str(pattern["expr"] if isinstance(pattern, Mapping) else pattern)


def _own(places: Places) -> dict[str, str]:
    """Values of leaves that name what has to exist, or belong to others."""
    gnmi = f"{PROBE}/nf-telemetry:telemetry/gnmi/listen/tls"
    collector = f"{PROBE}/nf-telemetry:telemetry/gnmi/collector"
    key = "/ietf-system:system/authentication/user/authorized-key"
    nacm = "/ietf-netconf-acm:nacm"
    return {
        f"{PROBE}/nf-capture:capture/link-type": "nf-protocols:ethernet",
        f"{PROBE}/nf-capture:capture/file/path": places.capture,
        f"{PROBE}/nf-capture:capture/interface/source": "nf-types:libpcap",
        f"{PROBE}/nf-dpi:engine/applications/file": places.applications,
        # An empty file serves for both.
        f"{PROBE}/nf-dpi:engine/risks/file": places.applications,
        f"{PROBE}/nf-dpi:engine/plugins/path": places.plugin,
        f"{PROBE}/nf-dpi:engine/max-held-bytes": str(1 << 20),
        f"{PROBE}/nf-outputs:outputs/file/directory": f"{places.folder}/another",
        f"{PROBE}/nf-outputs:outputs/file/name": "another.jsonl",
        f"{PROBE}/nf-outputs:outputs/file/retain": "40",
        f"{PROBE}/nf-outputs:outputs/ipfix/host": "127.0.0.2",
        f"{PROBE}/nf-reports:reports/session/output": "nf-types:stdout",
        f"{PROBE}/nf-reports:reports/transaction/output": "nf-types:stdout",
        f"{PROBE}/nf-reports:reports/event/output": "nf-types:stdout",
        f"{PROBE}/management/control-socket/mode": "660",
        f"{PROBE}/management/control-socket/group": "daemon",
        f"{PROBE}/management/mmt-socket/path": f"{places.folder}/mmt.sock",
        f"{PROBE}/logging/module/name": "nf.datapath",
        f"{collector}/address": "127.0.0.1",
        f"{collector}/user": "admin",
        f"{collector}/tls/authorities": places.certificate,
        f"{collector}/tls/certificate": places.certificate,
        f"{collector}/tls/private-key": places.key,
        f"{collector}/subscription/heartbeat-interval": "1000",
        f"{collector}/subscription/path": "/probe/nf-capture:capture",
        f"{PROBE}/nf-telemetry:telemetry/gnmi/folder/path": places.folder,
        f"{gnmi}/certificate": places.certificate,
        f"{gnmi}/private-key": places.key,
        f"{gnmi}/client-authorities": places.certificate,
        f"{PROBE}/nf-telemetry:telemetry/metrics/address": "127.0.0.2",
        f"{nacm}/rule-list/name": "another",
        f"{nacm}/rule-list/group": "people",
        f"{nacm}/rule-list/rule/name": "another",
        f"{nacm}/rule-list/rule/module-name": "nf-probe",
        f"{nacm}/rule-list/rule/rpc-name": "get",
        f"{nacm}/rule-list/rule/notification-name": "output-state",
        f"{nacm}/rule-list/rule/access-operations": "read",
        f"{nacm}/rule-list/rule/comment": "a comment",
        "/ietf-system:system/authentication/user/name": "another",
        f"{key}/name": "another",
        f"{key}/algorithm": "ssh-ed25519",
        f"{key}/key-data": "AAAAC3NzaC1lZDI1NTE5AAAAIEzPJ9cVRLbQ7Wd3gmzM0YIeXJ0bAeFbbkfF4HYn8h0m",
    }


def leaves(context: Context) -> list[Leaf]:
    """Every leaf that can be set, of the modules that this build has."""
    keys: dict[str, list[str]] = {}
    found = []
    for node, steps in data_nodes(context.nodes()):
        schema = "/" + "/".join(steps)
        if node["kind"] == "list":
            keys[schema] = list(node["keys"] or ())
        if node["kind"] not in LEAVES or not node["config"] or not _is_data(schema):
            continue
        above = schema.rpartition("/")[0]
        found.append(
            Leaf(schema, _in_entries(schema), node, is_key=node["name"] in keys.get(above, ()))
        )
    return found


def _is_data(schema: str) -> bool:
    tops = (PROBE, "/ietf-netconf-acm:nacm", "/ietf-system:system/authentication")
    return schema.startswith(tuple(f"{top}/" for top in tops))


def _in_entries(schema: str) -> str:
    path, at = "", ""
    for step in schema.split("/")[1:]:
        at += f"/{step}"
        path += f"/{step}{ENTRIES.get(at, '')}"
    return path
