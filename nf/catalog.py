"""What the engine knows: protocols, applications, fields, words of filters."""

from collections.abc import Iterable
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path

from nf._native import engine as _engine
from nf.datapath.description import Description, to_json
from nf.errors import ConfigurationError
from nf.records import Application, Attribute, NamedType, Protocol, Risk

__all__ = [
    "application_files",
    "applications",
    "check_filter",
    "filter_words",
    "protocols",
    "risk_files",
    "risks",
    "session_fields",
    "transaction_has",
]


@lru_cache(maxsize=8)
def protocols(plugins: tuple[Description, ...] = ()) -> tuple[Protocol, ...]:
    """Every protocol with its attributes, headers first, those of plugins last.

    Args:
        plugins: Descriptions of protocols of yours: `nf.load_plugins(…).descriptions`.
    """
    return tuple(
        Protocol(
            id=one["id"],
            name=one["name"],
            aliases=tuple(one["aliases"]),
            title=one["title"],
            spec=one["spec"],
            parser=one["parser"],
            told=one["told"],
            family=one["family"],
            attributes=tuple(
                Attribute(**{**attribute, "aliases": tuple(attribute["aliases"])})
                for attribute in one["attributes"]
            ),
            anomalies=one["anomalies"],
        )
        for one in _engine.protocols(to_json(plugins))
    )


def applications(files: Iterable[str | PathLike[str]] = ()) -> tuple[Application, ...]:
    """Every application that sessions are recognised as.

    Args:
        files: Files that extend or replace the built-in ones.

    Raises:
        ConfigurationError: A file cannot be read or has a mistake, whose place it tells.
    """
    lists = ("aliases", "suffixes", "hosts", "shared", "clues")
    return tuple(
        Application(**{**one, **{name: tuple(one[name]) for name in lists}})
        for one in _engine.applications(list(application_files(files)))
    )


def application_files(files: Iterable[str | PathLike[str]]) -> tuple[tuple[str, str], ...]:
    """Name and text of each file of applications.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    return tuple((fspath(file), _text_of(file, "applications")) for file in files)


def risk_files(files: Iterable[str | PathLike[str]]) -> tuple[tuple[str, str], ...]:
    """Name and text of each file of risks.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    return tuple((fspath(file), _text_of(file, "risks")) for file in files)


def _text_of(file: str | PathLike[str], kind: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        what = f"a file of {kind} cannot be read: {error.strerror}"
        raise ConfigurationError(what, fspath(file), "check path and permissions") from error
    except UnicodeDecodeError as error:
        what = f"a file of {kind} is not UTF-8"
        place = f"{fspath(file)}, byte {error.start}"
        raise ConfigurationError(what, place, "save it as UTF-8") from error


def check_filter(text: str, plugins: tuple[Description, ...] = ()) -> None:
    """Does nothing when `text` is a filter, whose words may be those of plugins.

    Raises:
        ConfigurationError: It is none; the message points at the mistake.
    """
    _engine.check_filter(text, to_json(plugins))


def risks(files: Iterable[str | PathLike[str]] = ()) -> tuple[Risk, ...]:
    """Every risk that sessions are judged by.

    Args:
        files: Files of rules that extend the built-in ones, or replace those of the same name.

    Raises:
        ConfigurationError: A file cannot be read, or has a mistake, told with line and column.
    """
    told = _engine.risks(list(risk_files(files)))
    return tuple(Risk(**{**one, "when": tuple(one["when"])}) for one in told)


def session_fields() -> tuple[NamedType, ...]:
    """Every field of a session, in the order of columns.

    Those after `community_id` are written only when they are asked for.
    """
    return tuple(
        NamedType(name=name, type=kind, doc=doc) for name, kind, doc in _engine.session_fields()
    )


def filter_words(plugins: tuple[Description, ...] = ()) -> tuple[NamedType, ...]:
    """Every word that a filter may use, those of plugins included."""
    words = _engine.filter_words(to_json(plugins))
    return tuple(NamedType(name=name, type=kind) for name, kind in words)


@lru_cache(maxsize=8)
def _transaction_fields(plugins: tuple[Description, ...]) -> dict[str, frozenset[str]]:
    return {
        protocol.name: frozenset(a.name for a in protocol.attributes if a.source == "transaction")
        for protocol in protocols(plugins)
    }


def transaction_has(plugins: tuple[Description, ...], protocol: str, name: str) -> bool:
    """Whether transactions of a protocol may have a field of that name."""
    return name in _transaction_fields(plugins).get(protocol, frozenset())
