"""The capability :url, RFC 6241 section 8.8."""

from pathlib import Path

import pytest

from tests.netconf.conftest import Connect
from tests.netconf.peer import BASE, BOX, Peer


def copy(source: str, target: str) -> str:
    return f"<copy-config><target>{target}</target><source>{source}</source></copy-config>"


def url(name: str = "kept.xml") -> str:
    return f"<url>file:///{name}</url>"


def test_the_capability_says_which_scheme(ada: Peer) -> None:
    assert "urn:ietf:params:netconf:capability:url:1.0?scheme=file" in ada.capabilities


def test_a_configuration_goes_into_a_file_and_comes_back(ada: Peer, tmp_path: Path) -> None:
    ada.ok(ada.edit("<name>before</name>"))
    ada.ok(copy("<running/>", url()))
    ada.ok(ada.edit("<name>after</name>"))
    ada.ok(f"<validate><source>{url()}</source></validate>")
    ada.ok(copy(url(), "<candidate/>"))
    ada.ok("<commit/>")
    (kept,) = tmp_path.rglob("kept.xml")

    assert ada.box()["name"] == "before"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_an_edit_is_taken_from_a_file(ada: Peer) -> None:
    edit = f'<config><box xmlns="{BOX}"><name>filed</name></box></config>'
    ada.ok(copy(edit, url("edit.xml")))
    ada.ok(f"<edit-config><target><running/></target>{url('edit.xml')}</edit-config>")

    assert ada.box()["name"] == "filed"


def test_a_file_is_deleted(ada: Peer) -> None:
    ada.ok(copy("<running/>", url()))
    ada.ok(f"<delete-config><target>{url()}</target></delete-config>")
    refusal = ada.refused(copy(url(), "<candidate/>"))

    assert refusal.tag == "operation-failed"
    assert "No such file" in (refusal.message or "")


@pytest.mark.parametrize(
    "name", ["../kept", "a/b", "/etc/passwd", ".hidden", "", "x" * 200, "a%2Fb", "a b"]
)
def test_no_url_leads_out_of_the_folder(ada: Peer, name: str) -> None:
    for request in (copy("<running/>", url(name)), copy(url(name), "<candidate/>")):
        assert ada.refused(request).tag == "invalid-value"


def test_other_schemes_are_refused(ada: Peer) -> None:
    assert (
        ada.refused(copy("<url>https://192.0.2.1/x</url>", "<candidate/>")).tag == "invalid-value"
    )


def test_a_link_is_not_followed(ada: Peer, tmp_path: Path) -> None:
    ada.ok(copy("<running/>", url()))
    (kept,) = tmp_path.rglob("kept.xml")
    (kept.parent / "link.xml").symlink_to("/etc/hostname")

    assert ada.refused(copy(url("link.xml"), "<candidate/>")).tag == "operation-failed"


@pytest.mark.parametrize(
    "text", ["", "<config/>", "<!DOCTYPE x><x/>", f'<data xmlns="{BASE}"/>', "no xml"]
)
def test_a_file_that_is_no_configuration_is_refused(ada: Peer, tmp_path: Path, text: str) -> None:
    ada.ok(copy("<running/>", url()))
    (kept,) = tmp_path.rglob("kept.xml")
    kept.write_text(text)

    assert ada.refused(copy(url(), "<candidate/>")).tag == "operation-failed"


def test_who_may_not_read_everything_cannot_copy_it_into_a_file(
    ada: Peer, connect: Connect
) -> None:
    ada.ok(ada.edit("<hidden>h</hidden>"))

    assert connect("bob").refused(copy("<running/>", url())).tag == "access-denied"


def test_a_config_and_a_url_at_once_are_refused(ada: Peer) -> None:
    refusal = ada.refused(f"<edit-config><target><running/></target>{url()}<config/></edit-config>")

    assert refusal.tag == "bad-element"


def test_all_files_together_have_a_bound(
    ada: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.ok(copy("<running/>", url()))
    (kept,) = tmp_path.rglob("kept.xml")
    monkeypatch.setattr("nf.mgmt.netconf.files.MAX_TOTAL", kept.stat().st_size * 3 // 2)
    refusal = ada.refused(copy("<running/>", url("second.xml")))

    assert refusal.tag == "operation-failed"
    assert "of all files: delete some" in (refusal.message or "")
    # What takes the place of a file needs no room beside it.
    ada.ok(copy("<running/>", url()))
    ada.ok(f"<delete-config><target>{url()}</target></delete-config>")
    ada.ok(copy("<running/>", url("second.xml")))
