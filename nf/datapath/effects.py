"""What other settings mean for what is under way."""

from dataclasses import fields
from typing import Literal

from nf.datapath.config import EngineConfig
from nf.datapath.settings import Settings

__all__ = ["Effect", "effect_of"]

Effect = Literal["none", "live", "capture", "flows"]

CAPTURE = frozenset({"interfaces", "live"})
"""The engine exchanges sources while it runs: new ones open before old ones close."""
FLOWS = frozenset(
    {
        "threads",
        "files",
        "follow",
        "pace",
        "root",
        "root_offset",
        "key_vlan",
        "key_tunnel",
        "max_held_bytes",
        "seed",
    }
)
"""What sessions are kept by: an engine that runs cannot change it."""


def effect_of(
    before: tuple[Settings, EngineConfig], after: tuple[Settings, EngineConfig]
) -> Effect:
    """Compares what is in force with what is to be, settings and what they mean to the engine."""
    if before == after:
        return "none"
    old, new = before[1], after[1]
    changed = {
        one.name for one in fields(EngineConfig) if getattr(old, one.name) != getattr(new, one.name)
    }
    if changed & FLOWS or bool(old.files) != bool(new.files):
        return "flows"
    return "capture" if changed & CAPTURE else "live"
