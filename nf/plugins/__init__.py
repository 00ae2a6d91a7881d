"""Protocols of the user's: described by a plugin file or in Python, executed by the engine.

Both forms become one `Description`. docs/plugins.md is the manual.
"""
