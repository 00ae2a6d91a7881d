"""Typed face of the extension module; `make lint` compares it with the compiled one."""

__all__ = ["version"]

def version() -> str:
    """Version of the engine, the same as the Python distribution's."""
