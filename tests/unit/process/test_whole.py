"""Files that are replaced whole or not at all."""

import os
from pathlib import Path

import pytest

from nf.process.whole import replace_whole


def test_a_file_is_replaced_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"old")
    path.chmod(0o644)

    replace_whole(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_fails_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.pem"
    replace_whole(path, b"old")

    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space"):
        replace_whole(path, b"a secret")

    assert [one.name for one in tmp_path.iterdir()] == ["key.pem"]
    assert path.read_bytes() == b"old"


def test_what_a_crash_left_over_cannot_lead_elsewhere(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    (tmp_path / ".key.pem.new").symlink_to(other)

    replace_whole(tmp_path / "key.pem", b"key")

    assert sorted(one.name for one in tmp_path.iterdir()) == ["key.pem", "other"]
    assert other.read_bytes() == b"other"
