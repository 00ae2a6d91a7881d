"""`make demo`: the network function on the loopback interface, seen and changed through NETCONF.

It starts `nf run`, makes some traffic, and shows what an operator would do: read state, change an
option, have a wrong one refused, lose a process. Everything is in a temporary directory.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ncclient import manager  # type: ignore[import-untyped]
from ncclient.operations import RPCError  # type: ignore[import-untyped]

from nf.errors import NfError
from nf.process.monitoring import MonitorClient
from nf.process.places import Places

PASSWORD = "a password for the demo"  # noqa: S105  # of a probe that lives for half a minute
PATIENCE = 60.0
NAMESPACES = {
    "nf": "urn:nf:yang:nf-probe",
    "capture": "urn:nf:yang:nf-capture",
    "dpi": "urn:nf:yang:nf-dpi",
}
STATE = f"""
<probe xmlns="{NAMESPACES["nf"]}">
  <capture xmlns="{NAMESPACES["capture"]}"><state><status/></state></capture>
  <engine xmlns="{NAMESPACES["dpi"]}"><state><account/></state></engine>
</probe>"""


def main() -> int:
    """Shows it; returns the exit code."""
    if os.geteuid() != 0:
        say("capture needs root or CAP_NET_RAW here: try `sudo make demo`, or `nf doctor`")
        return 1
    with tempfile.TemporaryDirectory(prefix="nf-demo-") as folder, web_server() as web:
        places = Places.of(Path(folder) / "state", None)
        port = free_port()
        command = [str(Path(sys.executable).with_name("nf")), "run", "-i", "lo"]
        command += ["--state-dir", str(places.state), "--netconf-port", str(port)]
        command += ["--netconf-address", "127.0.0.1", "--log-level", "error"]
        say(f"$ nf run -i lo --netconf-port {port}")
        function = subprocess.Popen(command, env=os.environ | {"NF_ADMIN_PASSWORD": PASSWORD})
        try:
            wait_for(lambda: is_up(places), "the processes to run")
            show(places, port, web)
        finally:
            function.send_signal(signal.SIGTERM)
            code = function.wait(PATIENCE)
        say(f"ended with final reports, exit code {code}")
        return code


def show(places: Places, port: int, web: int) -> None:
    """What an operator does."""
    with manager.connect(
        host="127.0.0.1",
        port=port,
        username="admin",
        password=PASSWORD,
        hostkey_verify=False,
        look_for_keys=False,
        allow_agent=False,
        timeout=PATIENCE,
    ) as netconf:
        say("NETCONF: state before and after twenty requests to a web server")
        before = processed(netconf)
        for _ in range(20):
            fetch(web)
        wait_for(lambda: processed(netconf) > before, "packets to be counted")
        print(f"    processed {before} → {processed(netconf)} packets")

        say("NETCONF: a packet filter that lets nothing of this through")
        set_filter(netconf, "port 1")
        before = processed(netconf)
        fetch(web)
        print(f"    processed {before} → {processed(netconf)}; the processes are the same")

        say("NETCONF: a filter that is none is refused, and nothing changes")
        try:
            set_filter(netconf, "no such thing")
        except RPCError as error:
            print(f"    {error.tag}, {error.path}\n    {error.message}")
        set_filter(netconf, "")

        say("kill -9 nf-datapath")
        pid = pid_of(places, "nf-datapath")
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid_of(places, "nf-datapath") not in {0, pid}, "a new one")
        wait_for(lambda: is_up(places), "it to run")
        print(f"    back after {time.monotonic() - began:.2f} s, with its configuration")
        fetch(web)
        wait_for(lambda: processed(netconf) > 0, "packets to be counted")
    subprocess.run(
        [str(Path(sys.executable).with_name("nf")), "status", "--state-dir", str(places.state)],
        check=False,
    )


def processed(netconf: Any) -> int:
    """Packets that were processed."""
    reply = netconf.get(filter=("subtree", STATE)).data_ele
    return int(reply.findtext(".//dpi:account/dpi:processed", "0", NAMESPACES))


def set_filter(netconf: Any, words: str) -> None:
    """Changes the packet filter."""
    netconf.edit_config(
        target="running",
        config=f'<config><probe xmlns="{NAMESPACES["nf"]}"><capture'
        f' xmlns="{NAMESPACES["capture"]}"><filter>{words}</filter></capture></probe></config>',
    )


def is_up(places: Places) -> bool:
    """Whether all processes run."""
    with MonitorClient(places.monitor_socket) as monitor:
        return all(one.state == "running" for one in monitor.processes())


def pid_of(places: Places, name: str) -> int:
    """Number of a process."""
    with MonitorClient(places.monitor_socket) as monitor:
        return next(one.pid for one in monitor.processes() if one.name == name)


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Waits until something is so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if true():
                return
        except NfError:
            # The process that would answer is starting.
            pass
        time.sleep(0.05)
    raise NfError(f"waited in vain for {what}", "make demo", "see what nf logged above")


@contextmanager
def web_server() -> Iterator[int]:
    """A web server on the loopback interface; its port."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello\n" * 100)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(port: int) -> None:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/demo")
    connection.getresponse().read()
    connection.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def say(text: str) -> None:
    """A line that stands out."""
    print(f"\n==> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
