"""What a file says, by the full name of each option: `file-output.enable`, `-X` included.

As libconfuse does, a section that stands twice counts as it stands the last time, and of an option
that stands twice the last value counts, unless it is `+=`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from nf.mgmt.legacy.findings import Finding
from nf.mgmt.legacy.syntax import Document, Option, Section
from nf.mgmt.legacy.tokens import Place

__all__ = ["Names", "Setting", "Settings", "settings_of"]


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of one option.

    Attributes:
        values: Its scalars.
        braced: Whether they stood in braces.
        place: Where it stands.
        written: The name as written.
        stated: False for MMT-Probe's default, which nobody wrote.
        split: Commas separate values, as in an override, which has no braces.
        unset: Variables of the environment that do not exist.
    """

    values: tuple[str, ...]
    braced: bool
    place: Place
    written: str
    stated: bool = True
    split: bool = False
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """Which names there are.

    Attributes:
        options: Full names.
        lists: Those of them that take several values.
        titled: Sections that may stand several times, under titles of the user's.
        fixed: Titles of the sections that have fixed ones.
        aliases: Other spellings of full names, and of sections.
    """

    options: Collection[str]
    lists: Collection[str]
    titled: Collection[str]
    fixed: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]


@dataclass(slots=True)
class Settings:
    """Everything that is said.

    Attributes:
        file: Name of the file.
        plain: By full name.
        titled: By section and title, then by name within the section.
        sections: Where each section stands that has no title of the user's.
        titles: Where each titled section stands.
        findings: What was noticed on the way.
    """

    file: str
    plain: dict[str, Setting] = field(default_factory=dict)
    titled: dict[str, dict[str, dict[str, Setting]]] = field(default_factory=dict)
    sections: dict[str, Place] = field(default_factory=dict)
    titles: dict[tuple[str, str], Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def error(self, option: str, place: Place, what: str, hint: str) -> None:
        """Notes that something is wrong."""
        self.findings.append(Finding("error", option, place, what, hint))


def settings_of(document: Document, names: Names) -> Settings:
    """Finds what each statement of a file is about; what is unknown becomes an error."""
    said = Settings(document.file)
    for statement in document.statements:
        if isinstance(statement, Section):
            _section(said, statement, names)
        else:
            _option(said, said.plain, "", statement, names)
    return said


def _section(said: Settings, section: Section, names: Names) -> None:
    name = names.aliases.get(section.name, section.name)
    sections = sections_of(names)
    if name not in sections:
        said.error(
            section.name,
            section.place,
            "there is no such section",
            _nearest(section.name, sections, "see nf mmt options, and docs/mmt.md"),
        )
        return
    if name in names.titled:
        _titled(said, name, section, names)
        return
    title = section.title
    if name in names.fixed:
        if title not in names.fixed[name]:
            known = " or ".join(f"{name} {one}" for one in names.fixed[name])
            what = f"{title!r} cannot stand here" if title else "a title is missing"
            said.error(name, section.place, what, f"write {known}")
            return
        name, title = f"{name}.{title}", None
    if title is not None:
        said.error(name, section.place, "this section has no title", f"write {name} {{ … }}")
        return
    for option in [one for one in said.plain if one.startswith(f"{name}.")]:
        _replaced(said, option, said.plain.pop(option).place, section.place)
    said.sections[name] = section.place
    for statement in section.statements:
        if isinstance(statement, Section):
            said.error(
                f"{name}.{statement.name}",
                statement.place,
                "a section stands inside a section",
                "move it out, or close the one before with }",
            )
        else:
            _option(said, said.plain, name, statement, names)


def _titled(said: Settings, name: str, section: Section, names: Names) -> None:
    if section.title is None or not section.title.strip():
        said.error(name, section.place, "a title is missing", f"write {name} some-name {{ … }}")
        return
    before = said.titled.setdefault(name, {}).pop(section.title, {})
    for option, setting in before.items():
        _replaced(said, f"{name} {section.title}.{option}", setting.place, section.place)
    inner: dict[str, Setting] = {}
    said.titled[name][section.title] = inner
    said.titles[name, section.title] = section.place
    for statement in section.statements:
        if isinstance(statement, Section):
            said.error(
                f"{name}.{statement.name}",
                statement.place,
                "a section stands inside a section",
                "move it out, or close the one before with }",
            )
        else:
            _option(said, inner, name, statement, names, within=f"{name}.")


def _option(  # noqa: PLR0913 - they are where a statement may stand
    said: Settings,
    into: dict[str, Setting],
    section: str,
    option: Option,
    names: Names,
    *,
    within: str = "",
) -> None:
    written = f"{section}.{option.name}" if section else option.name
    name = names.aliases.get(written, written)
    if name not in names.options or (not section and "." in name):
        start = f"{section}." if section else ""
        known = [one.removeprefix(start) for one in names.options if one.startswith(start)]
        said.error(
            written,
            option.place,
            "there is no such option",
            _nearest(option.name, known, "see nf mmt options, and docs/mmt.md"),
        )
        return
    key = name.removeprefix(within) if within else name
    setting = Setting(option.values, option.braced, option.value_place, written, unset=option.unset)
    before = into.get(key)
    if option.adds and name not in names.lists:
        said.error(name, option.place, "+= adds to a list, and this is none", "write =")
        return
    if option.adds and before is not None:
        setting = replace(setting, values=before.values + setting.values, braced=True)
    elif before is not None:
        _replaced(said, written, before.place, option.place)
    into[key] = setting


def _replaced(said: Settings, option: str, place: Place, by: Place) -> None:
    said.findings.append(
        Finding(
            "dropped",
            option,
            place,
            f"line {by.line} says it again, and the last one counts",
            "remove one of them",
        )
    )


def sections_of(names: Names) -> set[str]:
    """Every section that a file may have."""
    plain = {one.partition(".")[0] for one in names.options if "." in one}
    return plain | set(names.titled) | set(names.fixed)


def _nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    found = get_close_matches(word, sorted(known), n=2, cutoff=0.6)
    return f"is {' or '.join(found)} meant?" if found else otherwise
