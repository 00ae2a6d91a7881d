"""Names of protocols in the engine and in YANG, which are each other's only spelling.

An identity of YANG begins with a letter or `_` (RFC 7950 section 6.2) and has hyphens by
convention; the engine's names have underscores and may begin with a digit.
"""

__all__ = ["identity_of", "protocol_of"]

BEFORE_DIGIT = "n-"


def identity_of(protocol: str) -> str:
    """The identity that stands for a protocol: `gtp_u` is `gtp-u`, `8021q` is `n-8021q`."""
    kebab = protocol.replace("_", "-")
    return BEFORE_DIGIT + kebab if kebab[:1].isdigit() else kebab


def protocol_of(identity: str) -> str:
    """The protocol that an identity stands for, whatever prefix the identity has."""
    name = identity.rpartition(":")[2]
    if name.startswith(BEFORE_DIGIT) and name[len(BEFORE_DIGIT) :][:1].isdigit():
        name = name.removeprefix(BEFORE_DIGIT)
    return name.replace("-", "_")
