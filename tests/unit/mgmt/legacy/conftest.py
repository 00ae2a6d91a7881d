"""What this build has, and what one with every feature of the model would have."""

import pytest

from nf._native.yang import Context
from nf.mgmt.legacy.vocabulary import Vocabulary
from nf.mgmt.schema import ModuleSet


@pytest.fixture(scope="session")
def here() -> Vocabulary:
    """This build."""
    return Vocabulary.here()


@pytest.fixture(scope="session")
def everything() -> Vocabulary:
    """A build with every feature."""
    return Vocabulary.here(all_features=True)


@pytest.fixture(scope="session")
def context() -> Context:
    """The model with the features of this build."""
    return Context(*ModuleSet.read().for_context())


@pytest.fixture(scope="session")
def whole_context() -> Context:
    """The model with every feature."""
    modules = ModuleSet.read()
    search, implemented = modules.for_context()
    return Context(search, [(name, [*on, *modules.off.get(name, ())]) for name, on in implemented])
