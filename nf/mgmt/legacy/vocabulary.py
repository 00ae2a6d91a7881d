"""What translation has to know of this build: features that are on, protocols, attributes.

Files and NETCONF know protocols by different names: MMT-Probe's are those of MMT-DPI, which the
engine keeps as names or aliases, and its numbers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from nf.mgmt.schema import ModuleSet

__all__ = ["Vocabulary"]

_OCCURRENCE = re.compile(r"([^.]+)\.([0-9]{1,9})\.([^.]+)")


@dataclass(frozen=True)
class Vocabulary:
    """What this build has.

    Attributes:
        features: Features that are on, as `module:feature`.
        reasons: Why others are off.
        numbers: Name by number of every protocol.
        names: Name by name or alias of every protocol.
        attributes: Attributes (names and aliases) by name of protocol.
    """

    features: frozenset[str] = field(default=frozenset(), repr=False)
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: Mapping[int, str] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        modules: ModuleSet,
        protocols: Iterable[Mapping[str, Any]],
        *,
        all_features: bool = False,
    ) -> "Vocabulary":
        """What a module set and a list of protocols say.

        Args:
            modules: The modules with their features.
            protocols: As the engine lists them.
            all_features: Translates for a build that has every feature.
        """
        on = {f"{name}:{feature}" for name, features in modules.modules for feature in features}
        off = {
            f"{name}:{feature}": why
            for name, features in modules.off.items()
            for feature, why in features.items()
        }
        numbers: dict[int, str] = {}
        names: dict[str, str] = {}
        attributes: dict[str, frozenset[str]] = {}
        known = list(protocols)
        for one in known:
            numbers.setdefault(one["id"], one["name"])
            names[one["name"]] = one["name"]
            attributes[one["name"]] = frozenset(
                word
                for attribute in one["attributes"]
                for word in (attribute["name"], *attribute["aliases"])
            )
        for one in known:
            for alias in one["aliases"]:
                names.setdefault(alias, one["name"])
        if all_features:
            return cls(frozenset(on | off.keys()), {}, numbers, names, attributes)
        return cls(frozenset(on), off, numbers, names, attributes)

    @classmethod
    def here(cls, *, all_features: bool = False) -> "Vocabulary":
        """What this build has."""
        # The engine is loaded only where something is translated.
        from nf._native import engine  # noqa: PLC0415

        return cls.of(ModuleSet.read(), engine.protocols("[]"), all_features=all_features)

    def lacks(self, feature: str) -> str | None:
        """Why something cannot be had that needs a feature; None when it can."""
        if not feature or feature in self.features:
            return None
        why = self.reasons.get(feature, "")
        return f"feature {feature} is off in this build" + (f" ({why})" if why else "")

    def protocol(self, word: str) -> str | None:
        """The name of the protocol that a name, alias or number stands for."""
        if word.isdecimal() and len(word) < 10 and int(word) in self.numbers:
            return self.numbers[int(word)]
        return self.names.get(word) or self.names.get(word.lower())

    def number(self, protocol: str) -> int | None:
        """The number of a protocol."""
        return next((one for one, name in self.numbers.items() if name == protocol), None)

    def attribute(self, word: str) -> tuple[str | None, str]:
        """The spelling of an attribute that the engine takes, and what to say of it.

        Returns:
            The spelling, or None when the engine does not have it, with the reason; a spelling
            with a remark has another meaning or look than what was asked for.
        """
        remark = ""
        found = _OCCURRENCE.fullmatch(word)
        if found is not None:
            if int(found[2]) == 0:
                return None, f"{word} asks for occurrence 0: they count from 1"
            if int(found[2]) > 1:
                return None, f"{word}: this build reads the first occurrence of a header only"
            word, remark = f"{found[1]}.{found[3]}", "the first occurrence needs no number"
        protocol, dot, name = word.partition(".")
        if not dot or not protocol or not name or "." in name:
            return None, f"{word!r} is no attribute: write protocol.attribute"
        known = self.protocol(protocol)
        if known is None:
            return None, f"no protocol {protocol!r}{self._nearest(protocol, self.names)}"
        for spelling in (name, name.lower()):
            if spelling in self.attributes.get(known, ()):
                lowered = protocol if protocol in self.names else protocol.lower()
                if not lowered.isdecimal():
                    known = lowered
                return f"{known}.{spelling}", remark
        near = self._nearest(name, self.attributes.get(known, ()))
        return None, f"{known} has no attribute {name!r}{near}"

    @staticmethod
    def _nearest(word: str, known: Iterable[str]) -> str:
        found = get_close_matches(word.lower(), list(known), n=2, cutoff=0.6)
        return f"; is {' or '.join(found)} meant?" if found else ""
