"""Operational state, notifications, RPCs and actions."""

from pathlib import Path
from typing import Any

from nf.mgmt.core import Core
from nf.mgmt.session import Session

from .conftest import Notices, box, config, refused


class Uptime:
    """State of the tests."""

    def top(self) -> str:
        return "nf-test:box"

    def get(self) -> dict[str, Any]:
        return {"nf-test:box": {"uptime": 42, "port": [{"name": "eth0", "packets": 7}]}}


def test_state_stands_beside_configuration(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<port><name>eth0</name><mtu>100</mtu></port>"))
    core.state.register(Uptime())

    data = core.get(ada).to_data(defaults=False)["nf-test:box"]

    assert data["uptime"] == 42
    port = data["port"][0]
    assert (port["name"], port["mtu"], int(port["packets"])) == ("eth0", 100, 7)
    assert "uptime" not in box(core)


def test_a_source_of_state_that_breaks_is_counted_and_hides_no_other(
    core: Core, ada: Session
) -> None:
    class Broken(Uptime):
        def get(self) -> dict[str, Any]:
            raise ZeroDivisionError("a defect")

    core.state.register(Broken())
    core.state.register(Uptime())

    assert core.get(ada).to_data()["nf-test:box"]["uptime"] == 42
    assert core.state.failures == {"nf-test:box": 1}


def test_state_alone_and_configuration_alone_can_be_asked_for(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.state.register(Uptime())

    state = core.get_data(ada, "operational", config=False).to_data()["nf-test:box"]
    configured = core.get_data(ada, "operational", config=True).to_data()["nf-test:box"]

    assert (state.get("name"), state.get("uptime")) == (None, 42)
    assert (configured["name"], configured.get("uptime")) == ("x", None)


def test_a_change_is_told_with_who_made_it(core: Core, ada: Session, notices: Notices) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))

    change = notices.named("netconf-config-change")[-1]
    assert change["changed-by"] == {
        "username": "ada",
        "session-id": ada.id,
        "source-host": "192.0.2.1",
    }
    assert change["edit"] == [{"target": "/nf-test:box/name", "operation": "create"}]


def test_an_rpc_is_carried_out_by_who_registered(core: Core, ada: Session) -> None:
    def echo(session: Session, _target: str, given: dict[str, Any]) -> dict[str, Any]:
        return {"text": f"{session.user}: {given['text']}"}

    core.operations.register("/nf-test:echo", echo)

    reply = core.operate(ada, b'<echo xmlns="urn:nf:test"><text>hello</text></echo>')

    assert b"ada: hello" in reply
    assert refused(core.operate, ada, b'<echo xmlns="urn:nf:test"/>').tag in (
        "missing-element",
        "data-missing",
        "operation-failed",
    )


def test_an_action_names_the_entry_it_is_for(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<port><name>eth0</name></port>"))
    asked: list[str] = []

    def reset(_session: Session, target: str, _given: dict[str, Any]) -> dict[str, Any]:
        asked.append(target)
        return {"was": 7}

    core.operations.register("/nf-test:box/port/reset", reset)
    reply = core.operate(
        ada,
        b'<action xmlns="urn:ietf:params:xml:ns:yang:1"><box xmlns="urn:nf:test">'
        b"<port><name>eth0</name><reset/></port></box></action>",
    )

    assert asked == ["/nf-test:box/port[name='eth0']"]
    assert b">7<" in reply


def test_what_nobody_carries_out_is_not_supported(core: Core, ada: Session) -> None:
    error = refused(core.operate, ada, b'<destroy xmlns="urn:nf:test"/>')

    assert error.tag == "operation-not-supported"


def test_the_state_folder_is_all_that_is_written(core: Core, ada: Session, tmp_path: Path) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))

    assert [path.name for path in tmp_path.iterdir()] == ["state"]


class Counting(Uptime):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self) -> dict[str, Any]:
        self.asked += 1
        return {"nf-test:box": {"uptime": self.asked}}


def test_held_state_stands_still_until_it_is_released(core: Core, ada: Session) -> None:
    source = Counting()
    core.state.register(source)

    held = core.state.hold(60)
    shown = [core.get(ada).to_data()["nf-test:box"]["uptime"] for _ in range(3)]
    stamps = {core.state.timestamp(), core.state.timestamp()}
    core.state.release()

    assert shown == [1, 1, 1]
    assert stamps == {held.taken_ns}
    assert core.get(ada).to_data()["nf-test:box"]["uptime"] == 2
    assert core.state.timestamp() > held.taken_ns


def test_held_state_is_live_again_when_its_time_is_over(core: Core, ada: Session) -> None:
    core.state.register(Counting())

    core.state.hold(0)

    assert core.state.held is None
    assert core.get(ada).to_data()["nf-test:box"]["uptime"] == 2


def test_a_source_that_cannot_be_held_is_asked_again(core: Core, ada: Session) -> None:
    class Late(Counting):
        def get(self) -> dict[str, Any]:
            if self.asked == 0:
                self.asked = 1
                raise ZeroDivisionError("a defect")
            return super().get()

    core.state.register(Late())

    core.state.hold(60)

    assert core.state.failures == {"nf-test:box": 1}
    assert core.get(ada).to_data()["nf-test:box"]["uptime"] == 2
