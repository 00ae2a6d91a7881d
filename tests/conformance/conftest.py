"""The option that rewrites what the cases expect."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option, for runs of this folder: `pytest tests/conformance --update-golden`."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what the engine says into expect.jsonl; the change is then to be reviewed",
    )


@pytest.fixture
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether expectations are to be written rather than met."""
    return bool(pytestconfig.getoption("update_golden", default=False))
