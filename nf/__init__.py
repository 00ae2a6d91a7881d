"""A traffic probe: captures, classifies and reports what a network carries.

Everything public is re-exported here; every other module is private unless the documentation
says otherwise.
"""

from nf.datapath._engine import version as _engine_version

__all__ = ["__version__"]

__version__: str = _engine_version()
"""Version of this distribution and of the engine in it."""
