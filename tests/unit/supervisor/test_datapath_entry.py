"""What the datapath's entry reads for the engine: files that settings name."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nf.datapath.settings import Settings
from nf.errors import ConfigurationError
from nf.supervisor import datapath_entry
from nf.supervisor.datapath_entry import Completer


@pytest.mark.parametrize("setting", ["plugin_paths", "application_files", "risk_files"])
def test_a_file_that_cannot_be_read_is_told_by_its_setting(setting: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigurationError) as refused:
        Completer()(replace(Settings(), **{setting: (missing,)}))

    assert refused.value.place == setting
    assert missing in refused.value.what


@pytest.mark.parametrize("setting", ["plugin_paths", "application_files", "risk_files"])
def test_a_file_that_has_no_end_is_refused_and_the_next_one_is_read(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless.py"
    if setting == "plugin_paths":
        endless.write_text("while True:\n    pass\n")
    else:
        os.mkfifo(endless)
    complete = Completer()
    with monkeypatch.context() as short:
        short.setattr(datapath_entry, "READ_SECONDS", 0.05)
        with pytest.raises(ConfigurationError, match=r"endless\.py cannot be read") as refused:
            complete(replace(Settings(), **{setting: (str(endless),)}))
    assert refused.value.place == setting

    if setting != "plugin_paths":
        # Whoever still reads comes to an end.
        os.close(os.open(endless, os.O_RDWR))
    assert complete(Settings()).listeners is None
