"""What the datapath's entry reads for the engine: files that settings name."""

from dataclasses import replace
from pathlib import Path

import pytest

from nf.datapath.settings import Settings
from nf.errors import ConfigurationError
from nf.supervisor.datapath_entry import Completer


@pytest.mark.parametrize("setting", ["plugin_paths", "application_files", "risk_files"])
def test_a_file_that_cannot_be_read_is_told_by_its_setting(setting: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigurationError) as refused:
        Completer()(replace(Settings(), **{setting: (missing,)}))

    assert refused.value.place == setting
    assert missing in refused.value.what
