"""The compiled part of `nf`: the engine's face and libyang's, each a module of its own."""

from nf._native import engine as engine
from nf._native import yang as yang
