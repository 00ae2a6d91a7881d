"""PATH=VALUE, as commands take it."""

__all__ = ["assigned"]


def assigned(word: str) -> tuple[str, str | None]:
    """Path and value, at the first `=` outside of brackets; None where there is none."""
    depth = 0
    for at, character in enumerate(word):
        depth += (character == "[") - (character == "]")
        if character == "=" and depth <= 0:
            return word[:at], word[at + 1 :]
    return word, None
