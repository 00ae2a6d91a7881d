"""The face of the writer of gNMI's notifications, typed in gnmi.pyi."""

from nf._native import _compiled

__all__ = [
    "Feed",
    "Leaves",
    "Schema",
    "Shown",
    "Told",
]

Feed = _compiled.gnmi.Feed
Leaves = _compiled.gnmi.Leaves
Schema = _compiled.gnmi.Schema
Shown = _compiled.gnmi.Shown
Told = _compiled.gnmi.Told
