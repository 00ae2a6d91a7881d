"""A mail server with TLS and logins; the password of keeper is `lantern`:
ADDRESS PORT CERTIFICATE KEY."""

from __future__ import annotations

import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class _Letters:
    """Takes letters for example.org, and forgets them."""

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if not address.endswith("@example.org"):
            return "550 5.7.1 This harbour relays nothing"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if b"barnacles" in (envelope.original_content or b""):
            return "554 5.7.1 No barnacles"
        return "250 2.0.0 Stowed"


def _login(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, said: object
) -> AuthResult:
    good = isinstance(said, LoginPassword) and said == LoginPassword(b"keeper", b"lantern")
    return AuthResult(success=good, handled=good)


def main(address: str, port: str, certificate: str, key: str) -> None:
    """Serves until it is stopped."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    controller = Controller(
        _Letters(),
        hostname=address,
        port=int(port),
        server_hostname="mail.example.org",
        ident="ESMTP Harbour mail",
        tls_context=context,
        authenticator=_login,
        auth_require_tls=False,
        auth_required=False,
    )
    controller.start()
    print("listening", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
