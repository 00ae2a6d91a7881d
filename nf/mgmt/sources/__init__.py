"""Operational state of the probe: one file per part of the model, all from one reading.

State is made when somebody asks. What the datapath counts comes in one message for all parts.
"""

from nf.mgmt.sources.probe import ProbeState

__all__ = ["ProbeState"]
