"""Installs a certificate and pings, inside the probe's namespace; prints JSON.

python -m tests.function.gnoi_client PASSWORD FOLDER
"""

import json
import sys
from pathlib import Path

import grpc

from nf.telemetry.gnoi.proto import system_pb2 as system
from tests.certificates import Authority
from tests.gnmi.client import Client
from tests.gnmi.test_gnoi import stream
from tests.gnmi.test_gnoi_cert import Exchange, listed


def main() -> None:
    """A key of the probe's, certified by an authority of this program's."""
    client = Client(grpc.insecure_channel("127.0.0.1:9339"), "admin", sys.argv[1])
    install = Exchange(client, "Install")
    certificate = Authority(Path(sys.argv[2])).certify(install.request("fresh"))
    install.load(certificate)
    install.end()
    told = listed(client)["fresh"]
    request = system.PingRequest(destination="127.0.0.1", count=1)
    total = stream(client, "/gnoi.system.System/Ping", request, system.PingResponse)[-1]
    client.close()
    same = told.certificate.certificate == certificate
    print(json.dumps({"same": same, "changed": told.modification_time, "pong": total.received}))


if __name__ == "__main__":
    main()
