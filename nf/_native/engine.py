"""The engine's face, typed in engine.pyi."""

from nf._native import _compiled

__all__ = [
    "Batch",
    "Dumper",
    "Engine",
    "IpfixExporter",
    "applications",
    "check_filter",
    "examine",
    "filter_words",
    "protocols",
    "risks",
    "session_fields",
    "version",
]

Batch = _compiled.engine.Batch
Dumper = _compiled.engine.Dumper
Engine = _compiled.engine.Engine
IpfixExporter = _compiled.engine.IpfixExporter
applications = _compiled.engine.applications
check_filter = _compiled.engine.check_filter
examine = _compiled.engine.examine
filter_words = _compiled.engine.filter_words
protocols = _compiled.engine.protocols
risks = _compiled.engine.risks
session_fields = _compiled.engine.session_fields
version = _compiled.engine.version
