import importlib.metadata

from nf.datapath import _engine


def test_engine_and_distribution_have_one_version() -> None:
    assert _engine.version() == importlib.metadata.version("nf-probe")
