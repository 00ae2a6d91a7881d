"""What other settings mean for what is under way."""

from dataclasses import fields
from typing import Literal

from nf.datapath.config import EngineConfig

__all__ = ["Effect", "effect_of"]

Effect = Literal["none", "live", "capture", "flows"]
"""Nothing; settings are swapped; the engine exchanges sources while it runs, new ones before old
ones; the engine is exchanged, and sessions begin anew."""

CAPTURE = frozenset({"interfaces", "bpf"})
FLOWS = frozenset(
    {
        "threads",
        "files",
        "follow",
        "pace",
        "key_vlan",
        "key_tunnel",
        "max_sessions",
        "max_held_bytes",
        "seed",
    }
)
"""What an engine is built on."""


def effect_of(old: EngineConfig, new: EngineConfig) -> Effect:
    """Compares what is in force with what is to be."""
    changed = {
        one.name for one in fields(EngineConfig) if getattr(old, one.name) != getattr(new, one.name)
    }
    if not changed:
        return "none"
    if changed & FLOWS or bool(old.interfaces) != bool(new.interfaces):
        return "flows"
    if changed & CAPTURE:
        # Files keep the filter that they were opened with.
        return "capture" if new.interfaces else "flows"
    return "live"
