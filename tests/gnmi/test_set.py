"""Set, as section 3.4 of the gNMI specification says."""

from collections.abc import Callable

import pytest
from gnmi_pb import gnmi_ext_pb2 as ext
from gnmi_pb import gnmi_pb2 as gnmi
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors

from .client import Client, path, subscribing, text, typed

OPERATIONS = gnmi.UpdateResult.Operation


def config(client: Client, where: str = "/lab") -> dict:
    """What is configured, defaults included."""
    return client.read(where, type="CONFIG").get(where, {})


def names(client: Client) -> set[str]:
    """Ports that are configured."""
    return {one["name"] for one in config(client).get("nf-lab:port", ())}


# The order and the results ----


def test_results_come_in_the_order_of_the_operations(ports: Client) -> None:
    answer = ports.set(
        delete=["/lab/port[name=a]"],
        replace={"/lab/name": "r"},
        update={"/lab/low": 2, "/lab/high": 20},
    )

    assert [(OPERATIONS.Name(one.op), text(one.path)) for one in answer.response] == [
        ("DELETE", "/lab/port[name=a]"),
        ("REPLACE", "/lab/name"),
        ("UPDATE", "/lab/low"),
        ("UPDATE", "/lab/high"),
    ]
    assert answer.timestamp > 0


def test_delete_comes_before_replace_and_that_before_update(ports: Client) -> None:
    ports.set(
        delete=["/lab/port[name=a]", "/lab/port[name=b]"],
        replace={"/lab/port[name=a]": {"mtu": 100}},
        update={"/lab/port[name=a]/queue[class=x][id=1]/length": 5, "/lab/port[name=a]/mtu": 200},
    )

    assert config(ports)["nf-lab:port"] == [
        {"name": "a", "mtu": 200, "queue": [{"class": "x", "id": 1, "length": 5}]}
    ]


def test_the_last_update_of_a_path_wins(ada: Client) -> None:
    twice = [gnmi.Update(path=path("/lab/name"), val=typed(one)) for one in ("one", "two")]
    ada.set(update=twice)

    assert config(ada)["nf-lab:name"] == "two"


def test_a_prefix_holds_for_all_paths_and_is_echoed(ports: Client) -> None:
    prefix = path("/lab/port[name=a]", target="probe")
    answer = ports.set(update={"/mtu": 777}, prefix=prefix)

    assert answer.prefix == prefix
    assert config(ports, "/lab/port[name=a]")["nf-lab:mtu"] == 777


def test_a_set_without_operations_is_no_error(ada: Client) -> None:
    assert not ada.set().response


# Delete ----


def test_deleting_what_is_not_there_succeeds(ports: Client) -> None:
    ports.set(delete=["/lab/port[name=zzz]", "/lab/port[name=zzz]/mtu", "/lab/name", "/lab/tag"])

    assert names(ports) == {"a", "b"}


def test_a_wildcard_deletes_all_that_it_matches(ports: Client) -> None:
    ports.set(update={"/lab/port[name=c]/queue[class=x][id=1]/length": 1})
    ports.set(delete=["/lab/port[name=*]/mtu", "/lab/port/queue[class=x]"])

    assert config(ports)["nf-lab:port"] == [
        {"name": "a", "mtu": 1500},
        {"name": "b", "mtu": 1500},
        {"name": "c", "mtu": 1500},
    ]
    ports.set(delete=["/lab/port"])
    assert names(ports) == set()


def test_a_deleted_leaf_has_its_default_again(ada: Client) -> None:
    ada.set(update={"/lab/high": 99})
    ada.set(delete=["/lab/high"])

    assert config(ada)["nf-lab:high"] == 10


def test_what_lies_inside_something_deleted_does_not_come_back(ports: Client) -> None:
    ports.set(delete=["/lab/port[name=a]", "/lab/port[name=a]/mtu"])

    assert names(ports) == {"b"}


def test_a_whole_leaf_list_is_deleted(ada: Client) -> None:
    ada.set(update={"/lab/tag": ["x", "y"]})
    ada.set(delete=["/lab/tag"])

    assert "nf-lab:tag" not in config(ada)


def test_state_cannot_be_deleted(ada: Client) -> None:
    assert ada.refused(ada.set, delete=["/lab/uptime"]).code == "INVALID_ARGUMENT"


# Replace and update ----


def test_update_keeps_and_replace_removes_what_the_value_does_not_say(ada: Client) -> None:
    ada.set(update={"/lab": {"name": "x", "low": 3, "high": 30, "tag": ["t"]}})
    ada.set(update={"/lab": {"high": 40}})
    kept = config(ada)
    ada.set(replace={"/lab": {"high": 50}})

    assert (kept["nf-lab:name"], kept["nf-lab:low"], kept["nf-lab:high"]) == ("x", 3, 40)
    assert config(ada) == {"nf-lab:low": 1, "nf-lab:high": 50}


def test_replacing_a_list_removes_the_other_entries(ports: Client) -> None:
    ports.set(replace={"/lab/port": [{"name": "c"}, {"name": "a", "mtu": 70}]})

    assert {one["name"]: one["mtu"] for one in config(ports)["nf-lab:port"]} == {"a": 70, "c": 1500}


def test_replacing_a_leaf_list_keeps_the_order_of_the_value(ada: Client) -> None:
    ada.set(update={"/lab/types/number": [1, 2, 3]})
    ada.set(replace={"/lab/types/number": [3, 9, 1]})

    assert config(ada, "/lab/types")["nf-lab:number"] == [3, 9, 1]


def test_the_root_can_be_replaced_as_it_was_read(ports: Client) -> None:
    whole = ports.read("/", type="CONFIG")["/"]
    changed = {**whole, "nf-lab:lab": {"name": "only"}}
    ports.set(replace={"/": changed})

    assert config(ports) == {"nf-lab:name": "only", "nf-lab:low": 1, "nf-lab:high": 10}
    ports.set(replace={"/": whole})
    assert names(ports) == {"a", "b"}


def test_scalars_of_proto_can_be_set(ada: Client) -> None:
    value = gnmi.TypedValue
    ada.set(
        update={
            "/lab/types/big": value(uint_val=2**64 - 1),
            "/lab/types/deep": value(int_val=-(2**63)),
            "/lab/types/exact": value(double_val=0.1),
            "/lab/types/on": value(bool_val=True),
            "/lab/types/there": value(bool_val=True),
            "/lab/types/octets": value(bytes_val=b"\xff\x00"),
            "/lab/types/colour": value(string_val="red"),
            "/lab/types/number": value(
                leaflist_val=gnmi.ScalarArray(element=[value(uint_val=5), value(uint_val=4)])
            ),
        }
    )

    found = config(ada, "/lab/types")
    assert float(found.pop("nf-lab:exact")) == 0.1
    assert found == {
        "nf-lab:big": str(2**64 - 1),
        "nf-lab:deep": str(-(2**63)),
        "nf-lab:on": True,
        "nf-lab:there": [None],
        "nf-lab:octets": "/wA=",
        "nf-lab:colour": "red",
        "nf-lab:number": [5, 4],
    }


def test_a_string_keeps_every_character_that_yang_permits(ada: Client) -> None:
    odd = "<&>\"' \t\n\r]]> ä\U0001f600"
    ada.set(update={"/lab/name": odd})

    assert config(ada)["nf-lab:name"] == odd


# What is refused ----


@pytest.mark.parametrize(
    ("where", "value", "code"),
    [
        ("/lab/nothing", 1, "NOT_FOUND"),
        ("/lab/low", "many", "INVALID_ARGUMENT"),
        ("/lab/low", 300, "INVALID_ARGUMENT"),
        ("/lab/low", {"a": 1}, "INVALID_ARGUMENT"),
        ("/lab/low", None, "INVALID_ARGUMENT"),
        ("/lab", 5, "INVALID_ARGUMENT"),
        ("/lab", {"other": 5}, "INVALID_ARGUMENT"),
        ("/lab", {"name": "x\x00"}, "INVALID_ARGUMENT"),
        ("/lab/uptime", 5, "INVALID_ARGUMENT"),
        ("/lab/port", {"mtu": 100}, "INVALID_ARGUMENT"),
        ("/lab/port", [{"mtu": 100}], "INVALID_ARGUMENT"),
        ("/lab/port/mtu", 100, "INVALID_ARGUMENT"),
        ("/lab/port[name=*]/mtu", 100, "INVALID_ARGUMENT"),
        ("/lab/port[name=a]/queue[class=x]/length", 1, "INVALID_ARGUMENT"),
        ("/lab/port[name=a]", {"name": "b"}, "INVALID_ARGUMENT"),
        ("/lab/name", gnmi.TypedValue(json_ietf_val=b'{"a":'), "INVALID_ARGUMENT"),
        ("/lab/name", gnmi.TypedValue(json_ietf_val=b"[" * 100_000), "INVALID_ARGUMENT"),
        ("/lab", gnmi.TypedValue(json_val=b'{"low":1,"low":2}'), "INVALID_ARGUMENT"),
        ("/lab/name", gnmi.TypedValue(), "INVALID_ARGUMENT"),
        ("/lab", gnmi.TypedValue(string_val="x"), "INVALID_ARGUMENT"),
        ("/lab/name", gnmi.TypedValue(proto_bytes=b"x"), "UNIMPLEMENTED"),
    ],
)
def test_a_wrong_update_is_refused_and_nothing_changes(
    ports: Client, where: str, value: object, code: str
) -> None:
    before = config(ports)
    refusal = ports.refused(
        ports.set,
        update=[
            gnmi.Update(path=path("/lab/high"), val=typed(77)),
            gnmi.Update(path=path(where), val=typed(value)),
        ],
    )

    assert refusal.code == code
    assert config(ports) == before


def test_what_the_model_refuses_is_told_with_path_and_app_tag(ada: Client) -> None:
    refusal = ada.refused(ada.set, update={"/lab/name": "x", "/lab/low": 20})

    assert refusal.code == "INVALID_ARGUMENT"
    assert "low must not be above high" in refusal.text
    assert refusal.info.metadata["error-app-tag"] == "low-above-high"
    assert refusal.info.metadata["error-path"] == "/nf-lab:lab/low"
    assert refusal.request.field_violations[0].field == "/nf-lab:lab/low"


def test_the_others_of_a_set_that_failed_are_aborted(ada: Client) -> None:
    refusal = ada.refused(
        ada.set, delete=["/lab/tag"], replace={"/lab/low": 20}, update={"/lab/name": "x"}
    )

    assert [(text(one.path), one.message.code) for one in refusal.results.response] == [
        ("/lab/tag", 10),
        ("/lab/low", 3),
        ("/lab/name", 10),
    ]
    assert "nf-lab:name" not in config(ada)


def test_who_may_not_write_is_denied(connect: Callable[..., Client], ada: Client) -> None:
    guest = connect("guest")

    refusal = guest.refused(guest.set, update={"/lab/name": "mine"})

    assert refusal.code == "PERMISSION_DENIED"
    assert "nf-lab:name" not in config(ada)


def test_a_lock_of_netconf_is_a_failed_precondition(ada: Client, core: Core) -> None:
    other = core.sessions.open("bob", "netconf-ssh", "192.0.2.1", recovery=True)
    core.lock(other, "running")

    assert ada.refused(ada.set, update={"/lab/name": "x"}).code == "FAILED_PRECONDITION"
    core.sessions.close(other, "closed")
    ada.set(update={"/lab/name": "x"})


# union_replace and origin cli ----


def test_a_candidate_that_a_set_has_overtaken_is_not_committed(ports: Client, core: Core) -> None:
    session = core.sessions.open("ada", "netconf-ssh", "192.0.2.1")
    edit = (
        b'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        b'<lab xmlns="urn:nf:lab"><name>by netconf</name></lab></config>'
    )
    core.edit_config(session, "candidate", edit)
    ports.set(update={"/lab/name": "by gnmi"})
    with pytest.raises(RpcErrors) as refused:
        core.commit(session)
    core.sessions.close(session, "closed")

    assert refused.value.errors[0].app_tag == "candidate-stale"
    assert config(ports)["nf-lab:name"] == "by gnmi"


def test_union_replace_of_two_values_is_both_and_nothing_else(ports: Client) -> None:
    parts = [
        gnmi.Update(path=path("/lab"), val=typed({"name": "one", "port": [{"name": "c"}]})),
        gnmi.Update(path=path("/lab"), val=typed({"high": 40, "port": [{"name": "d"}]})),
    ]
    answer = ports.set(union=parts)

    assert [OPERATIONS.Name(one.op) for one in answer.response] == ["UNION_REPLACE"] * 2
    found = config(ports)
    assert (found["nf-lab:name"], found["nf-lab:high"]) == ("one", 40)
    assert names(ports) == {"c", "d"}


def test_the_text_of_origin_cli_can_be_sent_back(ports: Client) -> None:
    cli = path("/", origin="cli")
    before = config(ports)
    answer = ports.get(cli, encoding="ASCII").notification[0].update[0].val
    ports.set(delete=["/lab/port"], update={"/lab/name": "changed"})
    ports.set(replace=[gnmi.Update(path=cli, val=answer)])

    assert config(ports) == before


def test_one_transaction_spans_origins(ports: Client) -> None:
    cli = path("/", origin="cli")
    lines = "# a comment\nset /nf-lab:lab/high 30\ndelete /nf-lab:lab/port[name='a']\n"
    ports.set(
        update=[
            gnmi.Update(path=path("/lab/low"), val=typed(25)),
            gnmi.Update(path=cli, val=gnmi.TypedValue(ascii_val=lines)),
        ]
    )

    found = config(ports)
    assert (found["nf-lab:low"], found["nf-lab:high"]) == (25, 30)
    assert names(ports) == {"b"}


def test_a_wrong_line_of_origin_cli_is_named(ada: Client) -> None:
    value = gnmi.TypedValue(ascii_val="set /nf-lab:lab/high 30\nfrobnicate\n")
    refusal = ada.refused(ada.set, update=[gnmi.Update(path=path("/", origin="cli"), val=value)])

    assert refusal.code == "INVALID_ARGUMENT"
    assert "line 2" in refusal.text


# Extensions ----


def elected(number: int | None, role: str = "") -> list[ext.Extension]:
    """Master arbitration."""
    return [
        ext.Extension(
            master_arbitration=ext.MasterArbitration(
                role=ext.Role(id=role) if role else None,
                election_id=None
                if number is None
                else ext.Uint128(high=number >> 64, low=number & (1 << 64) - 1),
            )
        )
    ]


def test_the_highest_election_id_of_a_role_is_master(ada: Client) -> None:
    ada.set(extension=elected(1 << 64))
    ada.set(extension=elected(1 << 64), update={"/lab/name": "x"})
    refusal = ada.refused(ada.set, extension=elected(5), update={"/lab/name": "y"})
    ada.set(extension=elected(5, role="other"))

    assert refusal.code == "PERMISSION_DENIED"
    assert str(1 << 64) in refusal.text
    assert ada.refused(ada.set, extension=elected(None)).code == "INVALID_ARGUMENT"
    assert config(ada)["nf-lab:name"] == "x"


def commit(name: str, action: str = "commit", seconds: float | None = None) -> list[ext.Extension]:
    """Commit-confirmed."""
    duration = None if seconds is None else Duration(nanos=0, seconds=int(seconds))
    fields = {
        "commit": {"commit": ext.CommitRequest(rollback_duration=duration)},
        "confirm": {"confirm": ext.CommitConfirm()},
        "cancel": {"cancel": ext.CommitCancel()},
        "set": {"set_rollback_duration": ext.CommitSetRollbackDuration(rollback_duration=duration)},
    }
    return [ext.Extension(commit=ext.Commit(id=name, **fields[action]))]


def test_a_confirmed_commit_stays(ada: Client, core: Core) -> None:
    ada.set(update={"/lab/name": "x"}, extension=commit("c1"))
    assert 590 < (core.confirming.remaining or 0) <= 600
    ada.set(extension=commit("c1", "confirm"))

    assert core.confirming.remaining is None
    assert config(ada)["nf-lab:name"] == "x"


def test_a_cancelled_commit_goes_back(ada: Client, core: Core) -> None:
    ada.set(update={"/lab/name": "x"}, extension=commit("c1", seconds=100))
    ada.set(extension=commit("c1", "cancel"))

    assert core.confirming.remaining is None
    assert "nf-lab:name" not in config(ada)


def test_the_time_to_confirm_can_be_changed(ada: Client, core: Core) -> None:
    ada.set(update={"/lab/name": "x"}, extension=commit("c1", seconds=100))
    ada.set(extension=commit("c1", "set", 5000))

    assert 4900 < (core.confirming.remaining or 0) <= 5000
    assert ada.refused(ada.set, extension=commit("c1", "set", 0)).code == "INVALID_ARGUMENT"
    ada.set(extension=commit("c1", "confirm"))


def test_while_a_commit_waits_nothing_else_is_set(ada: Client) -> None:
    ada.set(update={"/lab/name": "x"}, extension=commit("c1", seconds=100))

    assert ada.refused(ada.set, update={"/lab/low": 2}).code == "FAILED_PRECONDITION"
    again = ada.refused(ada.set, update={"/lab/low": 2}, extension=commit("c2"))
    assert again.code == "FAILED_PRECONDITION"
    wrong = ada.refused(ada.set, extension=commit("c2", "confirm"))
    assert wrong.code == "INVALID_ARGUMENT"
    ada.set(extension=commit("c1", "cancel"))
    late = ada.refused(ada.set, extension=commit("c1", "confirm"))
    assert late.code == "FAILED_PRECONDITION"
    assert ada.refused(ada.set, extension=commit("", "confirm")).code == "INVALID_ARGUMENT"


def test_a_commit_that_nobody_confirms_goes_back_by_itself(ada: Client) -> None:
    stream = ada.subscribe(subscribing("/lab/name"))
    stream.until_sync()
    ada.set(update={"/lab/name": "x"}, extension=commit("c1", seconds=1))

    assert stream.first_with("/lab/name") == "x"
    assert stream.first_delete() == ["/lab/name"]
    stream.cancel()


def test_of_a_large_set_that_fails_the_cause_is_told(ports: Client) -> None:
    """Trailing metadata hold 8 KiB: of more, clients tell nothing but that."""
    good = {f"/lab/port[name={'x' * 60}{count}]/mtu": 1500 for count in range(1000)}
    wrong = {"/lab/port[name=wrong]/mtu": "no number"}
    refused = ports.refused(ports.set, update=good | wrong)

    assert refused.code == "INVALID_ARGUMENT"
    told = refused.results.response
    assert 2 < len(told) < 1000
    assert {one.message.code for one in told[:-1]} == {code_pb2.ABORTED}
    assert text(told[-1].path) == "/lab/port[name=wrong]/mtu"
    assert told[-1].message.code == code_pb2.INVALID_ARGUMENT
    assert refused.request.field_violations


def test_of_many_errors_the_first_are_told(ports: Client) -> None:
    path = "é" * 400
    refused = ports.refused(ports.set, delete=[f"/lab/{path}"] * 50)

    assert refused.code in ("INVALID_ARGUMENT", "NOT_FOUND")
    assert path[:100] in refused.text
