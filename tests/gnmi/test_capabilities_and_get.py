"""Capabilities and Get, as sections 3.2 and 3.3 of the gNMI specification say."""

import time
from collections.abc import Callable

import pytest
from gnmi_pb import gnmi_ext_pb2 as ext
from gnmi_pb import gnmi_pb2 as gnmi

from .client import Client, path, values
from .conftest import Lab, Passwords

# Capabilities ----


def test_capabilities_list_the_models_of_yang_library(ada: Client) -> None:
    answer = ada.capabilities()

    models = {model.name: model for model in answer.supported_models}
    assert models["nf-lab"].version == "2026-11-28"
    assert models["nf-lab"].organization == "nf"
    assert "ietf-netconf-acm" in models
    assert answer.gNMI_version == "0.10.0"
    assert [gnmi.Encoding.Name(one) for one in answer.supported_encodings] == [
        "JSON",
        "JSON_IETF",
        "PROTO",
        "ASCII",
    ]


def test_an_unknown_extension_is_passed_over(ada: Client) -> None:
    unknown = ext.Extension(registered_ext=ext.RegisteredExtension(id=999, msg=b"x"))

    assert ada.capabilities(extension=[unknown]).gNMI_version == "0.10.0"


def test_depth_does_not_go_with_capabilities(ada: Client) -> None:
    depth = ext.Extension(depth=ext.Depth(level=1))

    assert ada.refused(ada.capabilities, extension=[depth]).code == "INVALID_ARGUMENT"


# Who calls ----


def test_a_call_without_a_name_is_unauthenticated(connect: Callable[..., Client]) -> None:
    nobody = connect("ada")
    nobody.metadata = []

    assert nobody.refused(nobody.capabilities).code == "UNAUTHENTICATED"


def test_a_wrong_password_is_unauthenticated(connect: Callable[..., Client]) -> None:
    eve = connect("ada", "wrong")

    assert eve.refused(eve.get, "/lab").code == "UNAUTHENTICATED"


def test_a_right_password_is_not_computed_for_every_call(ada: Client, passwords: Passwords) -> None:
    for _ in range(5):
        ada.capabilities()

    assert passwords.checks == 1


# Get ----


def test_a_leaf_is_answered_with_its_path_and_the_time(ports: Client) -> None:
    before = time.time_ns()
    answer = ports.get("/lab/port[name=a]/mtu")

    assert len(answer.notification) == 1
    assert values(answer.notification[0]) == {"/lab/port[name=a]/mtu": 9000}
    assert before <= answer.notification[0].timestamp <= time.time_ns()


def test_json_ietf_qualifies_the_outermost_members(ports: Client) -> None:
    assert ports.read("/lab/port[name=a]", type="CONFIG") == {
        "/lab/port[name=a]": {"nf-lab:name": "a", "nf-lab:mtu": 9000}
    }


def test_json_has_no_modules(ports: Client) -> None:
    assert ports.read("/lab/port[name=a]", encoding="JSON", type="CONFIG") == {
        "/lab/port[name=a]": {"name": "a", "mtu": 9000}
    }


def test_a_path_may_be_qualified_and_the_answer_then_is(ports: Client) -> None:
    where = "/nf-lab:lab/port[name=a]/mtu"

    assert ports.read(where) == {where: 9000}


def test_each_path_has_a_notification_of_its_own(ports: Client) -> None:
    answer = ports.get("/lab/low", "/lab/high")

    assert [values(one) for one in answer.notification] == [{"/lab/low": 1}, {"/lab/high": 10}]


def test_a_prefix_is_echoed_with_its_target(ports: Client) -> None:
    prefix = path("/lab/port[name=a]", target="probe-7")
    answer = ports.get("/mtu", prefix=prefix)

    notification = answer.notification[0]
    assert notification.prefix == prefix
    assert values(notification) == {"/lab/port[name=a]/mtu": 9000}


def test_missing_keys_and_wildcards_stand_for_all(ports: Client) -> None:
    everything = {"/lab/port[name=a]/mtu": 9000, "/lab/port[name=b]/mtu": 1500}

    assert ports.read("/lab/port/mtu") == everything
    assert ports.read("/lab/port[name=*]/mtu") == everything
    assert ports.read("/*/port/mtu") == everything
    assert ports.read("/.../mtu") == everything
    assert ports.read("/lab/.../mtu") == everything


def test_a_wildcard_that_matches_nothing_gives_an_empty_notification(ada: Client) -> None:
    assert ada.read("/lab/port[name=*]/mtu") == {}


def test_types_follow_the_schema(ports: Client, lab: Lab) -> None:
    lab.state = {"uptime": 7, "port": [{"name": "a", "packets": 2**60}]}

    assert ports.read("/lab/port[name=a]", type="STATE") == {
        "/lab/port[name=a]": {"nf-lab:name": "a", "nf-lab:packets": str(2**60)}
    }
    assert ports.read("/lab/port[name=a]", type="CONFIG") == {
        "/lab/port[name=a]": {"nf-lab:name": "a", "nf-lab:mtu": 9000}
    }
    assert ports.read("/lab/uptime", type="OPERATIONAL") == {"/lab/uptime": 7}
    assert ports.refused(ports.get, "/lab/uptime", type="CONFIG").code == "NOT_FOUND"


TYPES = {
    "nf-lab:big": str(2**64 - 1),
    "nf-lab:deep": str(-(2**63)),
    "nf-lab:small": -3,
    "nf-lab:exact": "-1.250",
    "nf-lab:on": True,
    "nf-lab:there": [None],
    "nf-lab:octets": "AAEC/w==",
    "nf-lab:form": "nf-lab:round",
    "nf-lab:colour": "blue",
    "nf-lab:either": 7,
    "nf-lab:number": [3, 1, 2],
}


def test_every_type_comes_back_as_it_was_set(ada: Client) -> None:
    ada.set(update={"/lab/types": TYPES})

    found = ada.read("/lab/types")["/lab/types"]
    assert {**found, "nf-lab:exact": float(found["nf-lab:exact"])} == {
        **TYPES,
        "nf-lab:exact": -1.25,
    }


def test_proto_has_one_scalar_per_leaf(ada: Client) -> None:
    ada.set(update={"/lab/types": TYPES})

    assert ada.read("/lab/types", encoding="PROTO") == {
        "/lab/types/big": 2**64 - 1,
        "/lab/types/deep": -(2**63),
        "/lab/types/small": -3,
        "/lab/types/exact": -1.25,
        "/lab/types/on": True,
        "/lab/types/there": True,
        "/lab/types/octets": b"\x00\x01\x02\xff",
        "/lab/types/form": "nf-lab:round",
        "/lab/types/colour": "blue",
        "/lab/types/either": 7,
        "/lab/types/number": [3, 1, 2],
    }


def test_depth_gives_leaves_of_so_many_levels(ports: Client) -> None:
    one = ext.Extension(depth=ext.Depth(level=1))
    two = ext.Extension(depth=ext.Depth(level=2))
    ports.set(update={"/lab/port[name=a]/queue[class=x][id=1]/length": 5})

    shallow = ports.read("/lab", extension=[one], type="CONFIG")["/lab"]
    deeper = ports.read("/lab", extension=[two], type="CONFIG")["/lab"]

    assert shallow == {"nf-lab:low": 1, "nf-lab:high": 10}
    assert deeper["nf-lab:port"] == [{"name": "a", "mtu": 9000}, {"name": "b", "mtu": 1500}]


def test_use_models_limits_what_is_answered(ports: Client) -> None:
    lab = [gnmi.ModelData(name="nf-lab", version="2026-11-28")]

    assert set(ports.read("/", use_models=lab, type="CONFIG")["/"]) == {"nf-lab:lab"}
    old = [gnmi.ModelData(name="nf-lab", version="1999-01-01")]
    assert ports.refused(ports.get, "/", use_models=old).code == "UNIMPLEMENTED"


def test_the_root_is_the_whole_tree(ports: Client) -> None:
    whole = ports.read("/")["/"]

    assert {"nf-lab:lab", "nf-probe:probe", "ietf-netconf-acm:nacm"} <= set(whole)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("/lab/nothing", "NOT_FOUND"),
        ("/lab/port[name=missing]", "NOT_FOUND"),
        ("/lab/name", "NOT_FOUND"),
        ("/lab/port[colour=a]", "INVALID_ARGUMENT"),
        ("/lab/ po rt", "INVALID_ARGUMENT"),
        ("/other:lab", "NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_told_from_what_is_no_path(ada: Client, where: str, code: str) -> None:
    assert ada.refused(ada.get, where).code == code


def test_hostile_paths_are_refused_or_cost_little(ports: Client) -> None:
    assert ports.read("/.../.../.../.../mtu", encoding="PROTO") == ports.read(
        "/.../mtu", encoding="PROTO"
    )
    many = "/.../*" * 20
    assert ports.refused(ports.get, many).code == "INVALID_ARGUMENT"
    assert ports.refused(ports.get, "/lab" * 100).code == "INVALID_ARGUMENT"
    assert ports.refused(ports.get, f"/lab/port[name={'x' * 5000}]").code == "INVALID_ARGUMENT"
    assert ports.refused(ports.get, *["/..."] * 2000).code == "INVALID_ARGUMENT"


def test_an_origin_in_path_and_prefix_is_refused(ada: Client) -> None:
    refusal = ada.refused(
        ada.get, path("/lab", origin="rfc7951"), prefix=gnmi.Path(origin="rfc7951")
    )

    assert refusal.code == "INVALID_ARGUMENT"


def test_an_unknown_origin_is_unimplemented(ada: Client) -> None:
    for origin in ("openconfig", "elsewhere"):
        assert ada.refused(ada.get, path("/lab", origin=origin)).code == "UNIMPLEMENTED"


def test_an_encoding_that_is_not_there_is_unimplemented(ada: Client) -> None:
    for encoding in ("BYTES", "ASCII"):
        assert ada.refused(ada.get, "/lab", encoding=encoding).code == "UNIMPLEMENTED"


def test_origin_cli_is_the_configuration_as_text(ports: Client) -> None:
    answer = ports.get(path("/", origin="cli"), encoding="ASCII")

    text = answer.notification[0].update[0].val.ascii_val
    assert "set /nf-lab:lab/port[name='a']/mtu 9000\n" in text
    assert "set /nf-lab:lab/port[name='b']\n" in text


def test_what_may_not_be_read_is_left_out(connect: Callable[..., Client], ada: Client) -> None:
    ada.set(update={"/lab/hidden": "secret", "/lab/name": "open"})
    guest = connect("guest")

    assert ada.read("/lab/hidden") == {"/lab/hidden": "secret"}
    assert "nf-lab:hidden" not in guest.read("/lab")["/lab"]
    assert guest.refused(guest.get, "/lab/hidden").code == "NOT_FOUND"
