"""Settings as an engine takes them, but for what stands in files."""

from nf.datapath.config import EngineConfig
from nf.datapath.settings import Settings

__all__ = ["engine_part"]


def engine_part(settings: Settings) -> EngineConfig:
    """The engine's configuration that settings mean."""
    return settings.engine
