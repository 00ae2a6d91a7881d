"""Settings as an engine takes them, but for what stands in files."""

from nf.datapath.config import EngineConfig
from nf.datapath.settings import Settings
from nf.errors import ConfigurationError

__all__ = ["engine_part"]


def engine_part(settings: Settings) -> EngineConfig:
    """The engine's configuration that settings mean.

    Raises:
        ConfigurationError: They ask for what this engine cannot do.
    """
    if settings.pace:
        raise ConfigurationError(
            "this engine reads files at full speed only", "pace", "set the pace to full-speed"
        )
    return settings.engine
