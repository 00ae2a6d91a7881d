"""The extension itself; use `nf._native.engine` and `nf._native.yang`."""

from types import ModuleType

engine: ModuleType
yang: ModuleType
