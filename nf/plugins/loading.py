"""Plugins from files, directories and Python: in order, checked, and told about aloud.

A directory is read in alphabetical order. Of several protocols with the same name or id the last
one counts. A broken file of a directory is refused and the others load; a broken file that was
named itself is an error.
"""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nf._native import engine as _engine
from nf.datapath.description import Description, to_json
from nf.errors import ConfigurationError
from nf.plugins.compiler import Compiled, compile_text, identity_of
from nf.plugins.decorator import UserProtocol
from nf.plugins.handlers import Classifier, Handler
from nf.plugins.registry import Registry, registry
from nf.records import Session

__all__ = [
    "PluginWarning",
    "Plugins",
    "Source",
    "files_of",
    "load_plugins",
    "names_of",
    "read_plugin",
    "warn_of",
]

SUFFIXES = (".plugin", ".py")
Source = str | os.PathLike[str] | UserProtocol | type[Any]
"""A type checker believes that a decorated class is still a class, so that it takes classes."""


class PluginWarning(UserWarning):
    """A plugin was refused, or takes the place of something else."""


@dataclass(frozen=True, slots=True)
class Plugins:
    """What was loaded.

    Attributes:
        protocols: Those that are in force, in the order of loading.
        refused: Broken files of directories, with what is wrong.
        notes: What takes the place of what.
    """

    protocols: tuple[UserProtocol, ...] = ()
    refused: tuple[ConfigurationError, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def descriptions(self) -> tuple[Description, ...]:
        """What the engine executes."""
        return tuple(one.description for one in self.protocols)

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """What runs in Python."""
        return tuple(handler for one in self.protocols for handler in one.handlers)

    @property
    def classifier(self) -> Classifier | None:
        """Asks those of all protocols in the order of loading; the first that knows is believed."""
        asked = [one.classifier for one in self.protocols if one.classifier is not None]
        if not asked:
            return None

        def classify(sessions: Sequence[Session]) -> Mapping[int, str]:
            said: dict[int, str] = {}
            for one in reversed(asked):
                said |= one(sessions) or {}
            return said

        return classify


@dataclass(frozen=True, slots=True)
class _Loaded:
    protocol: UserProtocol
    explicit: bool


def load_plugins(*sources: Source) -> Plugins:
    """Loads plugins.

    Args:
        *sources: Files (`.plugin`, `.py`), directories of such, and protocols of `@nf.protocol`.

    Raises:
        ConfigurationError: A file that was named is not there or broken.
    """
    files = [(path, explicit) for source in sources for path, explicit in _paths(source)]
    paths = [path for path, _ in files if isinstance(path, Path)]
    known = registry().with_names(names_of(paths))
    loaded: list[_Loaded] = []
    refused: list[ConfigurationError] = []
    for path, explicit in files:
        if isinstance(path, UserProtocol):
            loaded.append(_Loaded(path, explicit=True))
            continue
        try:
            loaded += [_Loaded(one, explicit) for one in read_plugin(path, known)]
        except ConfigurationError as error:
            if explicit:
                raise
            refused.append(error)
    kept, notes = _without_replaced(loaded)
    kept, more = _accepted(kept)
    return Plugins(
        tuple(one.protocol for one in kept),
        (*refused, *more),
        (*notes, *(note for one in kept for note in _takes(one.protocol))),
    )


def warn_of(plugins: Plugins, level: int) -> None:
    """Says in Python's way what was refused and what takes the place of what."""
    for error in plugins.refused:
        warnings.warn(f"plugin refused: {error}", PluginWarning, stacklevel=level + 1)
    for note in plugins.notes:
        warnings.warn(note, PluginWarning, stacklevel=level + 1)


def files_of(source: str | os.PathLike[str]) -> Sequence[Path]:
    """The files of a directory in the order of loading, or the file itself.

    Raises:
        ConfigurationError: It is not there, or cannot be read.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
    except OSError as error:
        what = f"a directory of plugins cannot be read: {error.strerror}"
        raise ConfigurationError(what, str(path), "check path and permissions") from error
    if not path.exists():
        what = "there is no such plugin"
        raise ConfigurationError(what, str(path), "nf plugin new NAME writes one to start from")
    return [path]


def _paths(source: Source) -> Iterable[tuple[Path | UserProtocol, bool]]:
    if isinstance(source, UserProtocol):
        return [(source, True)]
    if isinstance(source, type):
        what = f"the class {source.__qualname__} is no protocol"
        raise ConfigurationError(what, source.__module__, "@nf.protocol(id=950) above it")
    explicit = not Path(source).is_dir()
    return [(path, explicit) for path in files_of(source)]


def names_of(paths: Iterable[Path]) -> list[tuple[str, int]]:
    """Names and ids that plugin files claim, so that they may name one another."""
    found = []
    for path in paths:
        if path.suffix != ".py":
            try:
                name, number = identity_of(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                # Said when the file itself is read.
                continue
            if name and number:
                found.append((name, number))
    return found


def read_plugin(path: Path, known: Registry | None = None) -> tuple[UserProtocol, ...]:
    """The protocols of one file.

    Raises:
        ConfigurationError: It is broken; the message has its first mistake.
    """
    if path.suffix == ".py":
        return _run(path)
    compiled = compile_text(text_of(path), str(path), known)
    if compiled.description is None:
        raise _refusal(compiled)
    return (UserProtocol(compiled.description),)


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        ConfigurationError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"a plugin cannot be read: {error.strerror}"
        raise ConfigurationError(what, str(path), "check path and permissions") from error
    except UnicodeDecodeError as error:
        what = "a plugin file is not UTF-8"
        raise ConfigurationError(what, f"{path}, byte {error.start}", "save it as UTF-8") from error


def _refusal(compiled: Compiled) -> ConfigurationError:
    first, *others = compiled.said.errors
    excerpt = first.excerpt()
    what = f"{first.what}\n{excerpt}" if excerpt else first.what
    hint = first.hint
    if others:
        hint += f"; nf plugin check {first.file} shows {len(others)} more"
    return ConfigurationError(what, first.place, hint)


def _run(path: Path) -> tuple[UserProtocol, ...]:
    import runpy  # noqa: PLC0415  # only where a plugin is Python
    import traceback  # noqa: PLC0415

    try:
        names = runpy.run_path(str(path), run_name="nf_plugin")
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [one for one in frames if one.filename == str(path)]
        line = inside[-1].lineno if inside else getattr(error, "lineno", None)
        place = f"{path}:{line}" if line else str(path)
        what = f"a plugin fails when it is loaded: {type(error).__name__}: {error}"
        raise ConfigurationError(what, place, "run it with python to see how") from error
    found = tuple(dict.fromkeys(v for v in names.values() if isinstance(v, UserProtocol)))
    if not found:
        what = "a Python file without a protocol"
        raise ConfigurationError(what, str(path), "@nf.protocol(id=950) above a class")
    return found


def _without_replaced(loaded: Sequence[_Loaded]) -> tuple[list[_Loaded], list[str]]:
    kept: list[_Loaded] = []
    notes = []
    for one in loaded:
        new = one.protocol.description
        for other in list(kept):
            old = other.protocol.description
            if old is new:
                kept.remove(other)
            elif old.id == new.id or old.name == new.name:
                kept.remove(other)
                notes.append(
                    f"plugin {new.name} ({new.id}) of {new.place} takes the place of "
                    f"{old.name} ({old.id}) of {old.place}, which was loaded before it"
                )
        kept.append(one)
    return kept, notes


def _accepted(loaded: Sequence[_Loaded]) -> tuple[list[_Loaded], list[ConfigurationError]]:
    """What the engine takes: all together, for one may name another."""
    kept, refused = list(loaded), []
    while kept:
        try:
            _engine.protocols(to_json([one.protocol.description for one in kept]))
        except ConfigurationError as error:
            broken = [one for one in kept if error.place.endswith(one.protocol.description.place)]
            if not broken or any(one.explicit for one in broken):
                raise
            kept = [one for one in kept if one not in broken]
            refused.append(error)
        else:
            break
    return kept, refused


def _takes(one: UserProtocol) -> Iterable[str]:
    """What is built in and off because of this one."""
    known = registry()
    by_id = known.names.get(one.id)
    by_name = known.names.get(known.ids.get(one.name, -1))
    for name in dict.fromkeys(found for found in (by_id, by_name) if found is not None):
        yield (
            f"plugin {one.name} ({one.id}) of {one.description.place} takes the place of the "
            f"built-in protocol {name} ({known.ids[name]}), whose parser is off"
        )
