"""A peer that asks for much and reads nothing of it."""

from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.session import NetconfSession
from tests.netconf.peer import Peer
from tests.waiting import until

ALL = (
    '<get-config><source><running/></source><with-defaults xmlns="'
    'urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">report-all'
    "</with-defaults></get-config>"
)


def check_that_a_lazy_peer_is_bearable(ada: Peer, lazy: Peer, function: Alone) -> NetconfSession:
    """Others are answered, and one answer waits at most; the server's side of the lazy one."""
    for number in range(40):
        ada.ok(ada.edit("".join(f"<port><name>p{number}x{n}</name></port>" for n in range(50))))
    lazy.stop_reading()
    for _ in range(400):
        lazy.ask(ALL)
    [session] = [one for one in function.server._doors.talking if one.session.id == lazy.session_id]
    size = len(function.core.commits.running.tree.to_xml(defaults="report-all"))

    until(lambda: session.queued > 0)
    for _ in range(20):
        ada.ok("<discard-changes/>")
    assert session.queued < size + 4096
    return session
