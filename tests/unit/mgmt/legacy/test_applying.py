"""What was imported from MMT-Probe is put in force, read back, and exported."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from nf._native.yang import Context
from nf.mgmt.answering import wrapped
from nf.mgmt.core import Core
from nf.mgmt.history import History
from nf.mgmt.legacy.checking import check
from nf.mgmt.legacy.exporting import export_data
from nf.mgmt.legacy.importing import import_text
from nf.mgmt.legacy.mapping import ROWS
from nf.mgmt.legacy.vocabulary import Vocabulary
from tests.unit.mgmt.conftest import Notices
from tests.unit.mgmt.legacy.test_importing import SHIPPED, single

if TYPE_CHECKING:
    from nf.mgmt.session import Session

OPTIONS = [option for row in ROWS for option in row.options]


@pytest.fixture(scope="module")
def core(whole_context: Context, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """One core with every feature, for all options one after the other."""
    made = Core(whole_context, History(tmp_path_factory.mktemp("state"), "boot"), Notices())
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def apply(core: Core, everything: Vocabulary, whole_context: Context) -> Callable[[bytes], Any]:
    """Has a file be all that is in force; gives what is read back."""
    session: Session = core.sessions.open("ada", "cli", "", recovery=True)

    def put(text: bytes) -> Any:
        made = import_text(text, "f.conf", everything, folder="/opt/mmt")
        tree = check(whole_context, made, compiled=False)
        assert tree is not None, [one.text() for one in made.errors]
        core.copy_config(session, wrapped(tree.to_xml()), "running")
        found = json.loads(core.get_config(session, "running").to_json())
        # As the model orders it: what has no order of its own is sorted.
        assert found == json.loads(tree.to_json())
        return found

    return put


def same_again(data: Any, vocabulary: Vocabulary) -> bool:
    text = export_data(data, vocabulary).text
    return import_text(text.encode(), "again.conf", vocabulary, folder="/opt/mmt").data == data


def needs(name: str, text: str) -> bytes:
    """An option with what MMT-Probe itself asks for beside it."""
    if name == "enable-tcp-reassembly":
        text += "\nenable-ip-defragmentation = true"
    if name == "file-output.enable":
        text = text.replace("}", 'output-dir = "/x" }')
    return text.encode()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda one: str(one.name))
def test_each_option_alone_is_put_in_force_read_back_and_exported(
    option: Any, apply: Callable[[bytes], Any], everything: Vocabulary
) -> None:
    text = single(option.name, option.shipped, option.default, option.type)

    assert same_again(apply(needs(option.name, text)), everything)


def test_the_delivered_file_is_put_in_force_and_exported(
    apply: Callable[[bytes], Any], everything: Vocabulary
) -> None:
    found = apply(SHIPPED)

    assert found["nf-probe:probe"]["id"] == 3
    assert same_again(found, everything)
