"""A client of XMPP that logs in as ada, speaks to itself and leaves:
PASSWORD ADDRESS PORT PLAIN|SCRAM-SHA-1|TLS."""

from __future__ import annotations

import asyncio
import ssl
import sys

from slixmpp import ClientXMPP


class _Client(ClientXMPP):  # type: ignore[misc]
    """Ends after its own message has come back, or when it is not let in."""

    def __init__(self, password: str, mechanism: str) -> None:
        super().__init__("ada@example.org/desk", password, sasl_mech=mechanism)
        self.done = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.heard)
        self.add_event_handler("failed_auth", self.heard)

    async def begin(self, _event: object) -> None:
        """Says something once the session stands."""
        self.send_presence()
        await self.get_roster()
        self.send_message(mto="ada@example.org/desk", mbody="The tide is high", mtype="chat")

    def heard(self, _event: object) -> None:
        """What was waited for has come."""
        if not self.done.done():
            self.done.set_result(None)


async def _talk(password: str, address: str, port: str, mechanism: str) -> None:
    tls = mechanism == "TLS"
    client = _Client(password, "PLAIN" if tls else mechanism)
    client["feature_mechanisms"].unencrypted_plain = True
    client["feature_mechanisms"].unencrypted_scram = True
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client.ssl_context = context
    client.get_ssl_context = lambda: context
    client.connect(address=(address, int(port)), disable_starttls=not tls)
    await asyncio.wait_for(client.done, 15)
    await client.disconnect(wait=1.0)


if __name__ == "__main__":
    asyncio.get_event_loop().run_until_complete(_talk(*sys.argv[1:]))
