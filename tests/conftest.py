"""Where the tests find their captures, and what becomes of tests that need more than a clone."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SKIP_REASON = "no folder of reference captures: set NF_SHARED to it, or put it at ../shared"


def shared_folder() -> Path | None:
    """The folder of reference captures; a wrong NF_SHARED is an error, not a skip."""
    stated = os.environ.get("NF_SHARED")
    if stated is None:
        beside = ROOT.parent / "shared"
        return beside if (beside / "captures").is_dir() else None
    folder = Path(stated).expanduser()
    if not (folder / "captures").is_dir():
        raise pytest.UsageError(
            f"NF_SHARED={stated} has no folder `captures` · correct or unset it"
        )
    return folder.resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the soak of NETCONF lasts; `make soak` has it last ten minutes."""
    soak = parser.getgroup("soak")
    soak.addoption("--soak-seconds", default="0", help="how long sessions do at random, at least")
    soak.addoption("--soak-seed", default="", help="what they do; as an earlier soak has printed")


def pytest_configure(config: pytest.Config) -> None:
    """Looks for the shared folder once."""
    config.stash[SHARED] = shared_folder()


SHARED = pytest.StashKey[Path | None]()


def pytest_report_header(config: pytest.Config) -> str:
    """Says where the reference captures come from."""
    return f"reference captures: {config.stash[SHARED] or 'none, their tests are skipped'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips the tests marked `shared` when there is no shared folder."""
    if config.stash[SHARED] is None:
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(pytest.mark.skip(reason=SKIP_REASON))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly how many tests did not run for want of the shared folder."""
    skipped = terminalreporter.stats.get("skipped", [])
    absent = sum(SKIP_REASON in str(report.longrepr) for report in skipped)
    if absent:
        line = f"{absent} tests DID NOT RUN: {SKIP_REASON}"
        terminalreporter.write_line(line, yellow=True, bold=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def captures() -> Path:
    """The repository's own captures."""
    return ROOT / "tests" / "captures"


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Path:
    """The folder of reference captures; a test that asks for it carries the mark `shared`."""
    folder = pytestconfig.stash[SHARED]
    if folder is None:
        pytest.fail("a test uses the fixture `shared` without the mark `shared`")
    return folder
