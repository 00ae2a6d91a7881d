"""Dial-out: a collector of ours waits as `gnmic listen` does, and is told what is configured."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from gnmi_pb import gnmi_pb2 as gnmi

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.process.backoff import Backoff
from nf.telemetry.gnmi import dialout
from nf.telemetry.gnmi.dialout import METHOD
from nf.telemetry.gnmi.server import Target
from tests.certificates import Authority, Issued

from .client import Client, subscribing, subscription, text, values
from .conftest import Lab
from .test_keystore import KEYSTORE, bag, change
from .test_subscribe_stream import SLOW, entries

PATIENCE = 60.0
COLLECTOR = "/probe/telemetry/gnmi/collector[name=c]"


class Collector:
    """A server of the call Publish; empty messages are its acknowledgements."""

    def __init__(self, port: int = 0, credentials: Any = None) -> None:
        self.told: queue.Queue[gnmi.SubscribeResponse] = queue.Queue()
        self.calls: queue.Queue[dict[str, Any]] = queue.Queue()
        self.over = threading.Semaphore(0)
        self.hang_up = threading.Event()
        self.stalls = threading.Event()
        self.may_go_on = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        # A window that stays small, so that a collector that stalls is noticed at once.
        options = [("grpc.so_reuseport", 0), ("grpc.http2.bdp_probe", 0)]
        self._server = grpc.server(self._pool, options=options)
        service, _, method = METHOD[1:].partition("/")
        handler = grpc.stream_stream_rpc_method_handler(
            self._publish, gnmi.SubscribeResponse.FromString, lambda _: b""
        )
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {method: handler})]
        )
        where = f"127.0.0.1:{port}"
        self.port = (
            self._server.add_insecure_port(where)
            if credentials is None
            else self._server.add_secure_port(where, credentials)
        )
        self._server.start()

    def _publish(self, requests: Any, context: Any) -> Iterator[bytes]:
        shown = dict(context.invocation_metadata())
        # The end may come while an acknowledgement is sent, too: then nothing is raised here.
        context.add_callback(self.over.release)
        self.calls.put(shown | {"auth": context.auth_context()})
        if self.stalls.is_set():
            # It takes nothing more than what fits into the windows of HTTP/2.
            self.may_go_on.wait(PATIENCE)
            return
        with contextlib.suppress(grpc.RpcError):
            for response in requests:
                self.told.put(response)
                if self.hang_up.is_set():
                    return
                yield b""

    def until(self, true: Callable[[gnmi.SubscribeResponse], Any]) -> Any:
        while True:
            if found := true(self.told.get(timeout=PATIENCE)):
                return found

    def value(self, path: str) -> Any:
        """The next value of a path."""
        found = self.until(lambda one: [v for at, v in values(one.update).items() if at == path])
        return found[0]

    def stop(self) -> None:
        self.may_go_on.set()
        self._server.stop(0).wait(PATIENCE)
        self._pool.shutdown()


@pytest.fixture
def listen() -> Iterator[Callable[..., Collector]]:
    made: list[Collector] = []

    def start(*arguments: Any) -> Collector:
        made.append(Collector(*arguments))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def entry(port: int, *subscriptions: dict[str, Any], **more: Any) -> dict[str, Any]:
    watched = list(subscriptions) or [{"path": "/lab/port", "mode": "on-change"}]
    base = {"name": "c", "address": "127.0.0.1", "port": port, "user": "ada"}
    return base | {"subscription": watched} | more


def state_of(client: Client) -> dict[str, Any]:
    found = client.read(f"{COLLECTOR}/state", encoding="PROTO")
    return {path.rpartition("/")[2]: value for path, value in found.items()}


def test_a_collector_is_told_everything_and_then_what_changes(
    ports: Client, listen: Callable[..., Collector]
) -> None:
    collector = listen()
    ports.set(update={COLLECTOR: entry(collector.port)})
    call = collector.calls.get(timeout=PATIENCE)

    assert collector.value("/lab/port[name=a]/mtu") == 9000
    assert collector.until(lambda one: one.sync_response)
    assert call["subscription-name"] == "c"
    assert call["system-name"]
    ports.set(update={"/lab/port[name=a]/mtu": 1400})
    assert collector.value("/lab/port[name=a]/mtu") == 1400
    ports.set(delete=["/lab/port[name=b]"])
    gone = collector.until(lambda one: [text(path) for path in one.update.delete])
    assert gone == ["/lab/port[name=b]"]
    state = state_of(ports)
    assert (state["connected"], state["connections"]) == (True, 1)
    assert state["messages"] >= 3


def test_samples_and_changes_go_over_one_line_in_proto(
    ports: Client, listen: Callable[..., Collector], lab: Lab
) -> None:
    lab.state = {"uptime": 5}
    collector = listen()
    sample = {"path": "/lab/uptime", "mode": "sample", "sample-interval": 30}
    watch = {"path": "/lab/port[name=a]/mtu", "mode": "target-defined"}
    ports.set(update={COLLECTOR: entry(collector.port, sample, watch, encoding="proto")})

    assert collector.value("/lab/uptime") == 5
    lab.state = {"uptime": 6}
    assert collector.until(lambda one: values(one.update).get("/lab/uptime") == 6)
    assert collector.calls.qsize() == 1


def test_a_line_that_is_lost_is_made_again_and_begins_with_everything(
    ports: Client, listen: Callable[..., Collector]
) -> None:
    first = listen()
    ports.set(update={COLLECTOR: entry(first.port)})
    assert first.until(lambda one: one.sync_response)
    first.stop()
    ports.set(update={"/lab/port[name=a]/mtu": 1300})
    second = listen(first.port)

    assert second.value("/lab/port[name=a]/mtu") == 1300
    state = state_of(ports)
    assert state["failures"] >= 1
    assert state["connections"] >= 2


def test_a_collector_that_hangs_up_is_called_again(
    ports: Client, listen: Callable[..., Collector]
) -> None:
    collector = listen()
    collector.hang_up.set()
    ports.set(update={COLLECTOR: entry(collector.port)})
    for _ in range(2):
        assert collector.calls.get(timeout=PATIENCE)


def test_a_collector_that_is_taken_out_hears_no_more_and_the_others_go_on(
    ports: Client, listen: Callable[..., Collector]
) -> None:
    one, other = listen(), listen()
    second = entry(other.port, name="d")
    ports.set(update={COLLECTOR: entry(one.port), COLLECTOR.replace("=c", "=d"): second})
    for collector in (one, other):
        assert collector.until(lambda told: told.sync_response)
    calls = other.calls.qsize()
    ports.set(delete=[COLLECTOR])

    assert one.over.acquire(timeout=PATIENCE)
    ports.set(update={"/lab/port[name=a]/mtu": 1200})
    assert other.value("/lab/port[name=a]/mtu") == 1200
    assert other.calls.qsize() == calls


def test_access_control_decides_what_a_collector_is_told(
    ports: Client, listen: Callable[..., Collector]
) -> None:
    ports.set(update={"/lab/hidden": "secret"})
    rule = {
        "name": "r",
        "path": "/nf-lab:lab/port/mtu",
        "access-operations": "read",
        "action": "deny",
    }
    ports.set(update={"/nacm/rule-list[name=g]": {"name": "g", "group": ["*"], "rule": [rule]}})
    collector = listen()
    everything = {"path": "/lab", "mode": "on-change"}
    ports.set(update={COLLECTOR: entry(collector.port, everything, user="guest")})
    told: dict[str, Any] = {}
    collector.until(lambda one: one.sync_response or told.update(values(one.update)))

    assert "/lab/port[name=a]/name" in told
    assert not [path for path in told if path.endswith(("/mtu", "/hidden"))]


def test_certificates_of_both_sides_are_shown_and_checked(
    ports: Client, listen: Callable[..., Collector], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own, own_key = authority.issue("localhost", "collector")
    probe, probe_key = authority.issue("probe")
    credentials = grpc.ssl_server_credentials(
        [(own_key.read_bytes(), own.read_bytes())],
        authority.file.read_bytes(),
        require_client_auth=True,
    )
    collector = listen(0, credentials)
    tls = {
        "authorities": str(authority.file),
        "certificate": str(probe),
        "private-key": str(probe_key),
    }
    ports.set(update={COLLECTOR: entry(collector.port, tls=tls)})

    call = collector.calls.get(timeout=PATIENCE)
    assert call["auth"]["x509_common_name"] == [b"probe"]
    assert collector.value("/lab/port[name=a]/mtu") == 9000


@pytest.mark.parametrize(
    ("more", "subscription", "word"),
    [
        ({"address": "192.0.2.1"}, {"path": "/lab"}, "no TLS"),
        ({}, {"path": "/lab/port[name"}, "no path"),
        ({}, {"path": "/lab/port[colour=red]"}, "no key"),
        ({}, {"path": "/lab", "mode": "sample", "sample-interval": 10}, "minimum"),
    ],
)
def test_what_could_never_work_is_refused(
    ports: Client, more: dict[str, Any], subscription: dict[str, Any], word: str
) -> None:
    refused = ports.refused(ports.set, update={COLLECTOR: entry(1, subscription, **more)})

    assert refused.code == "INVALID_ARGUMENT"
    assert word in refused.text


def test_a_collector_that_is_not_there_is_told_in_state_and_holds_up_nobody(
    ports: Client,
) -> None:
    ports.set(update={COLLECTOR: entry(9)})
    pause = threading.Event()
    for _ in range(1200):
        if state_of(ports)["failures"]:
            break
        pause.wait(0.05)
    state = state_of(ports)

    assert state["failures"] >= 1
    assert state["connected"] is False
    assert state["last-error"]


def test_a_collector_that_takes_nothing_costs_the_others_nothing(
    start: Callable[..., Target], lab: Lab, listen: Callable[..., Collector]
) -> None:
    lab.state = entries(400, 1)
    target = start(SLOW)
    client = Client(grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}"), "ada", "ada")
    still, quick = listen(), listen()
    still.stalls.set()
    sample = {"path": "/lab/port/packets", "mode": "sample", "sample-interval": 10}
    slower = sample | {"sample-interval": 500}
    client.set(
        update={
            COLLECTOR: entry(still.port, sample),
            COLLECTOR.replace("=c", "=d"): entry(quick.port, slower, name="d"),
        }
    )
    reading = client.subscribe(subscribing(subscription("/lab/port/packets", "SAMPLE", every=0.5)))
    reading.until_sync()
    assert still.calls.get(timeout=PATIENCE)
    # It is given up; then it is called again, which is the same once more.
    while "last-error" not in (state := state_of(client)):
        pass
    assert "too slow" in state["last-error"]
    assert still.calls.get(timeout=PATIENCE)
    assert state_of(client)["failures"] >= 1

    assert quick.calls.qsize() == 1
    lab.state = entries(400, 2)
    path = f"/lab/port[name={lab.state['port'][7]['name']}]/packets"
    assert quick.until(lambda one: values(one.update).get(path) == "2")
    while reading.first_with(path) != "2":
        pass
    reading.cancel()
    client.close()


def noted(monkeypatch: pytest.MonkeyPatch) -> "queue.SimpleQueue[float]":
    """Gets the pauses between tries, which are left out."""
    waits: queue.SimpleQueue[float] = queue.SimpleQueue()

    class Noted(Backoff):
        def next(self) -> float:
            waits.put(super().next())
            return 0.0

    monkeypatch.setattr(dialout, "Backoff", Noted)
    return waits


def test_a_message_for_a_call_that_has_ended_is_no_defect(
    ports: Client, listen: Callable[..., Collector], lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.state = entries(400, 1)
    collector = listen()
    collector.hang_up.set()
    sample = {"path": "/lab/port/packets", "mode": "sample", "sample-interval": 20}
    ports.set(update={COLLECTOR: entry(collector.port, sample)})
    for _ in range(3):
        assert collector.calls.get(timeout=PATIENCE)
    ports.set(delete=[COLLECTOR])

    assert "dial-out to c failed" not in caplog.text


def test_pauses_between_tries_grow_and_are_bounded(
    ports: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = noted(monkeypatch)
    ports.set(update={COLLECTOR: entry(9)})

    assert [waits.get(timeout=PATIENCE) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(("steady", "expected"), [(60.0, [1, 2, 4]), (0.0, [1, 1, 1])])
def test_pauses_are_short_again_after_a_connection_that_held(
    ports: Client,
    listen: Callable[..., Collector],
    monkeypatch: pytest.MonkeyPatch,
    steady: float,
    expected: list[float],
) -> None:
    waits = noted(monkeypatch)
    monkeypatch.setattr(dialout, "STEADY", steady)
    collector = listen()
    collector.hang_up.set()
    ports.set(update={COLLECTOR: entry(collector.port)})

    assert [waits.get(timeout=PATIENCE) for _ in range(3)] == expected


def test_certificates_that_have_changed_are_shown_with_the_next_connection(
    ports: Client, listen: Callable[..., Collector], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own, own_key = authority.issue("localhost", "collector")
    probe, probe_key = authority.issue("before", "probe")
    credentials = grpc.ssl_server_credentials(
        [(own_key.read_bytes(), own.read_bytes())],
        authority.file.read_bytes(),
        require_client_auth=True,
    )
    collector = listen(0, credentials)
    tls = {
        "authorities": str(authority.file),
        "certificate": str(probe),
        "private-key": str(probe_key),
    }
    ports.set(update={COLLECTOR: entry(collector.port, tls=tls)})
    assert collector.calls.get(timeout=PATIENCE)["auth"]["x509_common_name"] == [b"before"]
    assert collector.until(lambda one: one.sync_response)
    authority.issue("after", "probe")
    ports.set(update={"/lab/port[name=a]/mtu": 1300})
    assert collector.value("/lab/port[name=a]/mtu") == 1300
    assert collector.calls.empty()

    collector.hang_up.set()
    ports.set(update={"/lab/port[name=a]/mtu": 1400})
    assert collector.calls.get(timeout=PATIENCE)["auth"]["x509_common_name"] == [b"after"]


def keystore(issued: Issued) -> dict[str, Any]:
    certificate = {"name": "c", "cert-data": issued.cert_data}
    entry = {
        "name": "probe",
        "cleartext-private-key": issued.private_key,
        "certificates": {"certificate": [certificate]},
    }
    return {KEYSTORE: {"asymmetric-keys": {"asymmetric-key": [entry]}}}


def kept_tls(**identity: str) -> dict[str, Any]:
    return {"keystore": {"client-identity": identity}, "ca-certs": "authorities"}


def test_a_key_of_the_keystore_is_shown_and_the_one_that_follows_it_with_the_next_connection(
    ports: Client, listen: Callable[..., Collector], core: Core, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own, own_key = authority.issue("localhost", "collector")
    credentials = grpc.ssl_server_credentials(
        [(own_key.read_bytes(), own.read_bytes())],
        authority.file.read_bytes(),
        require_client_auth=True,
    )
    collector = listen(0, credentials)
    change(core, {**keystore(authority.issue("before")), **bag(authority)})
    tls = kept_tls(**{"asymmetric-key": "probe", "certificate": "c"})
    ports.set(update={COLLECTOR: entry(collector.port, tls=tls)})
    assert collector.calls.get(timeout=PATIENCE)["auth"]["x509_common_name"] == [b"before"]
    assert collector.until(lambda one: one.sync_response)
    change(core, keystore(authority.issue("after")))
    ports.set(update={"/lab/port[name=a]/mtu": 1300})
    assert collector.value("/lab/port[name=a]/mtu") == 1300
    assert collector.calls.empty()

    collector.hang_up.set()
    ports.set(update={"/lab/port[name=a]/mtu": 1400})
    assert collector.calls.get(timeout=PATIENCE)["auth"]["x509_common_name"] == [b"after"]


def test_trust_that_would_not_be_asked_for_revocations_is_refused(
    ports: Client, core: Core, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    change(core, {**keystore(authority.issue("probe")), **bag(authority)})
    tls = kept_tls(**{"asymmetric-key": "probe"})
    ports.set(update={COLLECTOR: entry(9, tls=tls)})
    with pytest.raises(RpcErrors) as refused:
        change(core, bag(authority, authority.revoke()))

    assert refused.value.errors[0].app_tag == "revocation-list"
    assert (refused.value.errors[0].path or "").endswith("collector[name='c']/tls/ca-certs")
