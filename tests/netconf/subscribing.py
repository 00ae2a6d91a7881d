"""Requests and messages of subscriptions, as the tests write and read them."""

from collections.abc import Iterator

from lxml import etree

from tests.netconf.peer import BOX, Peer

SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
YP = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
DS = "urn:ietf:params:xml:ns:yang:ietf-datastores"
NS = {
    "n": "urn:ietf:params:xml:ns:netconf:notification:1.0",
    "nc": "urn:ietf:params:xml:ns:netconf:base:1.0",
    "s": SN,
    "y": YP,
    "t": BOX,
    "p": "urn:nf:yang:nf-probe",
    "e": "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications",
}

STREAM = "<stream>NETCONF</stream>"
ON_CHANGE = f'<on-change xmlns="{YP}"/>'


NOT_FOR_BOB = (
    "<edit-config><target><running/></target><config>"
    '<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><rule-list>'
    "<name>bob</name><group>*</group><rule><name>no</name>"
    "<module-name>nf-probe</module-name>"
    "<notification-name>process-restarted</notification-name>"
    "<access-operations>read</access-operations><action>deny</action></rule></rule-list>"
    "</nacm></config></edit-config>"
)
"""Has nobody but administrators hear what `restarted` tells."""


def restarted(name: str = "datapath") -> dict[str, object]:
    """What is published when a process was started again."""
    return {"nf-probe:process-restarted": {"name": name, "reason": "status 1"}}


def applied() -> dict[str, object]:
    """What is published when a configuration is in force."""
    return {"nf-probe:configuration-applied": {"revision": "1", "effect": "live"}}


def establish(content: str = STREAM) -> str:
    return f'<establish-subscription xmlns="{SN}" xmlns:s="{SN}">{content}</establish-subscription>'


def push(trigger: str = ON_CHANGE, *, store: str = "running", xpath: str = "/t:box") -> str:
    """An establish-subscription to the box of the tests."""
    return establish(
        f'<datastore xmlns="{YP}" xmlns:d="{DS}">d:{store}</datastore>'
        f'<datastore-xpath-filter xmlns="{YP}" xmlns:t="{BOX}">{xpath}</datastore-xpath-filter>'
        f"{trigger}"
    )


def periodic(period: int, anchor: str = "") -> str:
    return f'<periodic xmlns="{YP}"><period>{period}</period>{anchor}</periodic>'


def on_change(content: str) -> str:
    return f'<on-change xmlns="{YP}">{content}</on-change>'


def about(name: str, number: int, content: str = "", uri: str = SN) -> str:
    """An operation on a subscription."""
    return f'<{name} xmlns="{uri}"><id>{number}</id>{content}</{name}>'


def begin(peer: Peer, request: str) -> int:
    """Establishes; the id."""
    reply = peer.rpc(request)
    number = reply.findtext("s:id", namespaces=NS)
    assert number is not None, etree.tostring(reply)
    return int(number)


def named(message: etree._Element) -> str:
    assert etree.QName(message).localname == "notification", etree.tostring(message)
    assert etree.QName(message[0]).localname == "eventTime"
    return etree.QName(message[1]).localname


def receive(peer: Peer, name: str) -> etree._Element:
    """The next notification, which has to be of that name; its content."""
    message = peer.receive()
    assert named(message) == name, etree.tostring(message)
    return message[1]


def changes(update: etree._Element) -> Iterator[tuple[str, str, str]]:
    """Operation, target and text of every edit."""
    for edit in update.iterfind("y:datastore-changes/y:yang-patch/y:edit", NS):
        value = edit.find("y:value", NS)
        text = "" if value is None else "".join(str(one) for one in value.itertext())
        yield (
            edit.findtext("y:operation", namespaces=NS) or "",
            edit.findtext("y:target", namespaces=NS) or "",
            text,
        )
