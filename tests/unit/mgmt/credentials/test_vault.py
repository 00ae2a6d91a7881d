"""Private keys on disk."""

from pathlib import Path

from nf.mgmt.credentials.vault import Vault


def test_keys_that_nobody_names_and_halves_of_keys_are_removed(tmp_path: Path) -> None:
    for name in ("ab.pem", ".cd.pem.new", "notes.txt"):
        (tmp_path / name).write_bytes(b"a secret")

    assert Vault(tmp_path).forget_all_but([]) == 2

    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]
