import importlib.metadata

from nf._native import engine as _engine


def test_engine_and_distribution_have_one_version() -> None:
    assert _engine.version() == importlib.metadata.version("nf-probe")
