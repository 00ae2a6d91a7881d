"""Single options of MMT-Probe changed in a configuration that runs already."""

from collections.abc import Mapping, Sequence
from typing import Any

from nf.errors import ConfigurationError
from nf.mgmt.legacy.codecs import OMIT, BadValue
from nf.mgmt.legacy.exporting import written_options
from nf.mgmt.legacy.importing import PROBE, STDOUT, put, read_row
from nf.mgmt.legacy.mapping import ROWS, TITLED, Row
from nf.mgmt.legacy.overriding import Override, apply_overrides
from nf.mgmt.legacy.settings import Setting, Settings
from nf.mgmt.legacy.syntax import Option, parse
from nf.mgmt.legacy.tokens import Place
from nf.mgmt.legacy.vocabulary import Vocabulary

__all__ = ["update_of"]


def update_of(
    data: Mapping[str, Any], overrides: Sequence[Override], vocabulary: Vocabulary, folder: str
) -> tuple[list[str], dict[str, Any]]:
    """What a configuration needs for some options to have other values.

    Options that are told together in the model keep what they say now: who changes
    `kafka-output.port` keeps the host.

    Args:
        data: The configuration, RFC 7951 in Python's types, without defaults.
        overrides: The options, the last of one name counts.
        vocabulary: What this build has.
        folder: Absolute folder that relative paths start from.

    Returns:
        Data paths to remove first, and data to merge then.

    Raises:
        ConfigurationError: A value cannot be read, or the build cannot have it.
    """
    said = Settings("running")
    wanted = {one.name for one in overrides}
    rows = [row for row in ROWS if any(option.name in wanted for option in row.options)]
    texts = written_options(data, vocabulary)
    for row in rows:
        for option in row.options:
            if option.name in texts:
                said.plain[option.name] = _setting(option.name, texts[option.name])
    apply_overrides(said, overrides)
    gone: list[str] = []
    probe: dict[str, Any] = {}
    for row in rows:
        name = next(one.name for one in row.options if one.name in wanted)
        _update(row, name, said, vocabulary, folder, gone, probe)
    return gone, {PROBE: probe} if probe else {}


def _setting(name: str, text: str) -> Setting:
    """What an option says that is written like this in a file."""
    (option,) = parse(f"x = {text}".encode(), "running").statements
    if not isinstance(option, Option):
        raise TypeError(f"{name} was written as {text!r}, which is no value")
    return Setting(option.values, option.braced, Place("running"), name)


def _update(  # noqa: PLR0913, PLR0917 - what is there, and what comes out
    row: Row,
    name: str,
    said: Settings,
    vocabulary: Vocabulary,
    folder: str,
    gone: list[str],
    probe: dict[str, Any],
) -> None:
    place = str(said.plain[name].place)
    if row.codec is None or row.section in TITLED:
        raise ConfigurationError(f"nf has nothing like {name}", place, row.instead)
    if lacking := vocabulary.lacks(row.feature):
        raise ConfigurationError(f"{name}: {lacking}", place, "leave it out")
    try:
        values, reading = read_row(row, said.plain, vocabulary, folder)
    except BadValue as bad:
        raise ConfigurationError(f"{name}: {bad.what}", place, bad.hint) from bad
    if reading.losses:
        raise ConfigurationError(f"{name}: {'; '.join(reading.losses)}", place, "leave it out")
    for path, value in zip(row.paths, values, strict=True):
        gone.append(f"/{PROBE}/{path}")
        if value is not OMIT:
            put(probe, path, value)
    if reading.standard_output:
        put(probe, STDOUT, True)
