"""What the laboratory's servers serve: text that is the same on every run."""

from __future__ import annotations

from itertools import cycle

_SENTENCES = (
    "The ferry leaves the island at noon and returns before the tide.",
    "A lighthouse keeper writes the wind and the clouds into a ledger.",
    "Three boats wait in the harbour while the nets dry in the sun.",
    "In winter the road along the cliffs is closed to carts.",
    "The baker counts her loaves and lights the lamp at the door.",
    "Letters from the mainland come twice a week, newspapers once.",
)


def text(octets: int) -> str:
    """Plain sentences, exactly as many octets as asked for."""
    parts: list[str] = []
    length = 0
    for number, sentence in enumerate(cycle(_SENTENCES), 1):
        if length >= octets:
            break
        parts.append(f"{number}. {sentence}\n")
        length += len(parts[-1])
    return "".join(parts)[:octets]


def page(title: str, octets: int = 900) -> str:
    """A small web page."""
    paragraphs = text(octets).replace("\n", "</p>\n<p>")
    return (
        f"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1>\n<p>{paragraphs}</p></body></html>\n"
    )


def ciphertext(octets: int, seed: int) -> bytes:
    """Octets that look like ciphertext and are the same on every run."""
    value, out = seed, bytearray()
    while len(out) < octets:
        value = (value * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out += value.to_bytes(8, "big")
    return bytes(out[:octets])
