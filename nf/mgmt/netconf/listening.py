"""The first configuration of a function that serves NETCONF alone: it says where."""

import json

from nf.mgmt.day0 import First

__all__ = ["first_listening"]


def first_listening(made: First, address: str, port: int) -> First:
    """A first configuration with an endpoint; port 0 is any that is free."""
    data = json.loads(made.data)
    listen = [{"name": "first", "address": address, "port": port}]
    data["nf-probe:probe"] = {"management": {"netconf": {"listen": listen}}}
    return First(json.dumps(data).encode(), made.password)
