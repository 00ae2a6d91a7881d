"""SPDX licence expressions: can one be met with a given set of licences?"""

import re
from collections.abc import Collection

TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z0-9.+:-]+)")


class BadExpression(ValueError):
    """The text is not a licence expression."""


def tokens_of(expression: str) -> list[str]:
    """Splits an expression; crates.io's old `A/B` means `A OR B`."""
    text = expression.replace("/", " OR ").strip()
    tokens: list[str] = []
    while text:
        match = TOKEN.match(text)
        if match is None:
            raise BadExpression(f"unexpected {text[0]!r} in licence {expression!r}")
        tokens.append(match.group(1))
        text = text[match.end() :].strip()
    return tokens


def met_by(expression: str, allowed: Collection[str]) -> bool:
    """Tells whether the licences in `allowed` suffice to use what the expression licenses."""
    tokens = tokens_of(expression)
    result, rest = _either(tokens, allowed)
    if rest:
        raise BadExpression(f"unexpected {rest[0]!r} in licence {expression!r}")
    return result


# Loosest first, as SPDX orders them: OR, then AND, then WITH. Each returns what is left to read.


def _either(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    result, rest = _both(tokens, allowed)
    while rest and rest[0].upper() == "OR":
        right, rest = _both(rest[1:], allowed)
        result = result or right
    return result, rest


def _both(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    result, rest = _one(tokens, allowed)
    while rest and rest[0].upper() == "AND":
        right, rest = _one(rest[1:], allowed)
        result = result and right
    return result, rest


def _one(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    if not tokens or tokens[0] == ")" or tokens[0].upper() in {"OR", "AND", "WITH"}:
        raise BadExpression("a licence is missing in an expression")
    if tokens[0] == "(":
        result, rest = _either(tokens[1:], allowed)
        if not rest or rest[0] != ")":
            raise BadExpression("a parenthesis is not closed in a licence expression")
        return result, rest[1:]
    if len(tokens) > 2 and tokens[1].upper() == "WITH":
        return f"{tokens[0]} WITH {tokens[2]}" in allowed, tokens[3:]
    return tokens[0] in allowed, tokens[1:]
