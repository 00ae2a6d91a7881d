"""What `nf run -v` tells: versions, what this build has, and where its things are."""

from nf._native.engine import version
from nf.catalog import protocols
from nf.mgmt.schema import ModuleSet
from nf.process.places import Places

__all__ = ["versions"]


def versions(places: Places) -> str:
    """Lines for whoever reports a fault or compares two machines."""
    modules = ModuleSet.read()
    on = [f"{name}:{feature}" for name, features in modules.modules for feature in features]
    off = [f"{name}:{feature}" for name, features in modules.off.items() for feature in features]
    ours = [feature for feature in on if feature.startswith("nf-")]
    return "\n".join(
        [
            f"nf {version()}",
            f"engine {version()}, {len(protocols())} protocols",
            f"built with: {' '.join(sorted(ours)) or 'no optional part'}",
            f"built without: {' '.join(sorted(off)) or 'nothing'}",
            f"state: {places.state}",
            f"sockets: {places.run}",
        ]
    )
