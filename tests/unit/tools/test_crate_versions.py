import pytest

from tools.crate_versions import Version, within


@pytest.mark.parametrize(
    ("version", "text", "expected"),
    [
        ("0.29.0", ">=0.29.0", True),
        ("0.28.9", ">=0.29.0", False),
        ("0.10.0", ">=0.9.3, <0.10.0", False),
        ("0.9.12", ">=0.9.3, <0.10.0", True),
        ("0.3.9", "^0.3.5", True),
        ("0.4.0", "^0.3.5", False),
        ("1.9.0", "^1.2", True),
        ("2.0.0", "^1.2", False),
        ("0.0.4", "^0.0.3", False),
        ("2.1.2+zstd.1.5.7", "=2.1.2", True),
        ("1.0.0-rc.1", "<1.0.0", True),
        ("1.0.0-rc.10", ">1.0.0-rc.9", True),
    ],
)
def test_range_is_read_as_cargo_reads_it(version: str, text: str, expected: bool) -> None:
    assert within(Version(version), text) is expected


@pytest.mark.parametrize("text", ["", "1.0", ">=", "~1.0", ">=1.x"])
def test_range_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        within(Version("1.0.0"), text)
