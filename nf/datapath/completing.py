"""Settings as an engine takes them, but for what stands in files."""

from dataclasses import fields, replace

from nf.datapath.config import EngineConfig, Interface
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
    known = {one.name for one in fields(Interface)}
    interfaces = []
    for number, asked in enumerate(settings.interfaces):
        given = {one.name: getattr(asked, one.name) for one in fields(asked)}
        # 1 socket is what an engine without fan-out has.
        for name in set(given) - known:
            if given[name] not in {1, 0, ""}:
                raise ConfigurationError(
                    f"this engine has no {name} of interfaces",
                    f"interfaces[{number}].{name}",
                    "leave it at its default",
                )
        interfaces.append(Interface(**{name: given[name] for name in given if name in known}))
    return replace(
        settings.engine,
        interfaces=tuple(interfaces),
        report_interval=float(settings.interval_seconds) if interfaces else 0.0,
    )
