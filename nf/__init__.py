"""A traffic probe: captures, classifies and reports what a network carries.

    import nf

    for session in nf.read("some.pcap", where='protocol == "dns"'):
        print(session.src_ip, session.server_name)

Everything public is here; every other module is private unless the documentation says otherwise.
What is used is imported when it is first used, so that `import nf` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nf.catalog import (
        applications,
        check_filter,
        filter_words,
        protocols,
        risks,
        session_fields,
    )
    from nf.datapath.config import EngineConfig, Interface, Timeouts
    from nf.datapath.description import Description
    from nf.errors import (
        CaptureError,
        ConfigurationError,
        EngineError,
        NfError,
        OutputUnavailable,
    )
    from nf.plugins.decorator import Examined, UserProtocol, attribute, protocol
    from nf.plugins.loading import Plugins, PluginWarning, load_plugins
    from nf.probe import Probe
    from nf.reading import Reading, read
    from nf.records import (
        Application,
        AppTraffic,
        Attribute,
        Event,
        Fields,
        HostTraffic,
        NamedType,
        Protocol,
        ProtocolTraffic,
        Risk,
        Session,
        Stats,
        Summary,
        Transaction,
    )

    __version__: str

__all__ = [
    "AppTraffic",
    "Application",
    "Attribute",
    "CaptureError",
    "ConfigurationError",
    "Description",
    "EngineConfig",
    "EngineError",
    "Event",
    "Examined",
    "Fields",
    "HostTraffic",
    "Interface",
    "NamedType",
    "NfError",
    "OutputUnavailable",
    "PluginWarning",
    "Plugins",
    "Probe",
    "Protocol",
    "ProtocolTraffic",
    "Reading",
    "Risk",
    "Session",
    "Stats",
    "Summary",
    "Timeouts",
    "Transaction",
    "UserProtocol",
    "__version__",
    "applications",
    "attribute",
    "check_filter",
    "filter_words",
    "load_plugins",
    "protocol",
    "protocols",
    "read",
    "risks",
    "session_fields",
]

_HOMES = {
    "nf.catalog": "applications check_filter filter_words protocols risks session_fields",
    "nf.datapath.config": "EngineConfig Interface Timeouts",
    "nf.datapath.description": "Description",
    "nf.errors": "CaptureError ConfigurationError EngineError NfError OutputUnavailable",
    "nf.plugins.decorator": "Examined UserProtocol attribute protocol",
    "nf.plugins.loading": "PluginWarning Plugins load_plugins",
    "nf.probe": "Probe",
    "nf.reading": "Reading read",
    "nf.records": "AppTraffic Application Attribute Event Fields HostTraffic NamedType Protocol "
    "ProtocolTraffic Risk Session Stats Summary Transaction",
}
"""Where each public name lives."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("nf._native.engine").version()
    else:
        home = next((home for home, names in _HOMES.items() if name in names.split()), None)
        if home is None:
            raise AttributeError(f"module 'nf' has no attribute {name!r}")
        value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
