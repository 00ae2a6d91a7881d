"""Subscribes to what happens, inside the probe's namespace; prints JSON.

python -m tests.function.events_client PASSWORD
"""

import json
import sys
import threading

import grpc

from tests.gnmi.client import Client, subscribing, subscription, values


def main() -> None:
    """Waits for a session, its start, a notification, and the deletion of an old entry."""
    client = Client(grpc.insecure_channel("127.0.0.1:9339"), "admin", sys.argv[1])
    stream = client.subscribe(
        subscribing(
            subscription("/events/session"),
            subscription("/events/session-start"),
            subscription("/events/notification"),
            encoding="PROTO",
        )
    )
    stream.until_sync()
    threading.Timer(0.1, client.set, kwargs={"update": {"/probe/id": 5}}).start()
    found: dict[str, dict[str, object]] = {}
    deleted = ""
    for one in stream.notifications():
        told = values(one)
        for at, value in told.items():
            if at.endswith("/name") and value == "ietf-netconf-notifications:netconf-config-change":
                found["notification"] = told | {"atomic": one.atomic}
            if at.endswith("/dst-port") and value == 5000:
                kind = "session-start" if "/session-start[" in at else "session"
                found[kind] = told | {"atomic": one.atomic}
        for path in one.delete:
            deleted = path.elem[-1].key["number"]
        if len(found) == 3 and deleted:
            break
    stream.cancel()
    state = client.read("/events", encoding="PROTO")
    client.close()
    print(json.dumps({"found": found, "deleted": deleted, "state": sorted(state)}))


if __name__ == "__main__":
    main()
