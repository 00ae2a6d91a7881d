"""The extension itself; use the modules of `nf._native`."""

from types import ModuleType

engine: ModuleType
gnmi: ModuleType
yang: ModuleType
