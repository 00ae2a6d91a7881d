"""An mmt-probe.conf becomes a configuration of the model, with a finding for each option.

Pure: reads no file, asks no clock and no environment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nf.mgmt.legacy.codecs import OMIT, BadValue, Reading
from nf.mgmt.legacy.findings import Finding, Kind, errors_of
from nf.mgmt.legacy.mapping import NAMES, ROWS, TITLED, Row, default_of
from nf.mgmt.legacy.overriding import Override, apply_overrides
from nf.mgmt.legacy.settings import Setting, Settings, settings_of
from nf.mgmt.legacy.syntax import parse
from nf.mgmt.legacy.tokens import Place
from nf.mgmt.legacy.vocabulary import Vocabulary
from nf.mgmt.paths import Step, covers
from nf.mgmt.paths import parse as steps_of

__all__ = ["PROBE", "Imported", "import_text", "place_in", "read_row"]

PROBE = "nf-probe:probe"
STDOUT = "nf-outputs:outputs/stdout/enabled"
BUILT_IN = ("enable-ip-defragmentation", "enable-tcp-reassembly")
"""What a build without a switch for it does always."""


@dataclass(slots=True)
class Imported:
    """What a file became.

    Attributes:
        file: Its name.
        data: RFC 7951 data in Python's types, without defaults; only of use where there are no
            errors.
        findings: A remark on each option, in the order of the file.
        origins: Where each node of `data` comes from: its path taken apart, and the place.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    origins: dict[tuple[Step, ...], tuple[str, Place]] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """Why the file cannot be used; empty when it can."""
        return errors_of(self.findings)


def import_text(  # noqa: PLR0913 - nothing here may be asked of the machine
    text: bytes,
    file: str,
    vocabulary: Vocabulary,
    *,
    folder: str = "/",
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[Override] = (),
) -> Imported:
    """Translates a file.

    Args:
        text: The file.
        file: Its name, for places.
        vocabulary: What this build has.
        folder: Absolute folder that relative paths start from.
        environ: Variables that strings may name.
        overrides: `-X`, `-i` and `-t`, in order; they count more than the file.

    Raises:
        ConfigurationError: The file is not in MMT-Probe's language. What is wrong with single
            options is among the findings.
    """
    said = settings_of(parse(text, file, environ), NAMES)
    apply_overrides(said, overrides)
    return import_settings(said, vocabulary, folder=folder)


def import_settings(said: Settings, vocabulary: Vocabulary, *, folder: str = "/") -> Imported:
    """Translates what a file says."""
    made = Imported(said.file, findings=list(said.findings))
    translation = _Translation(said, vocabulary, folder, made)
    probe = made.data.setdefault(PROBE, {})
    plain = _Scope(said.plain, probe)
    for row in ROWS:
        if row.section not in TITLED:
            translation.row(row, plain)
    for section in TITLED:
        for title, inner in said.titled.get(section, {}).items():
            translation.titled(section, title, inner, probe)
    if translation.standard_output:
        put(probe, STDOUT, True)
    if not probe:
        del made.data[PROBE]
    # In the file's order; what stands nowhere in it comes last.
    made.findings.sort(
        key=lambda one: (one.place.file != said.file, one.place.line == 0, one.place)
    )
    return made


@dataclass(slots=True)
class _Scope:
    """What rows are translated from, and where to.

    Attributes:
        settings: What is said, by full name.
        into: Where values are put.
        base: Path of the entry that `into` is; empty for the probe itself.
        place: Where the entry's section stands.
        shown: Name of the entry's section with its title.
    """

    settings: Mapping[str, Setting]
    into: dict[str, Any]
    base: str = ""
    place: Place | None = None
    shown: str = ""

    def path(self, path: str) -> str:
        """A path of a row, below the probe."""
        return f"{self.base}/{path}" if self.base else path

    def named(self, row: Row) -> list[tuple[str, Setting]]:
        """Name and setting of each option of a row that somebody wrote."""
        return [
            (f"{self.shown}.{one.within}" if self.shown else one.name, self.settings[one.name])
            for one in row.options
            if one.name in self.settings
        ]


class _Translation:
    """Carries what every row needs."""

    def __init__(self, said: Settings, vocabulary: Vocabulary, folder: str, made: Imported) -> None:
        self._said = said
        self._vocabulary = vocabulary
        self._folder = folder
        self._made = made
        self.standard_output = False

    def titled(
        self, section: str, title: str, inner: dict[str, Setting], probe: dict[str, Any]
    ) -> None:
        """Translates one section that has a title: an entry of a list."""
        at = TITLED[section]
        place = self._said.titles[section, title]
        name = _entry_name(title)
        entries = _get(probe, at) or []
        scope = _Scope(
            {f"{section}.{key}": setting for key, setting in inner.items()},
            {"name": name},
            f"{at}[name='{name}']",
            place,
            f"{section} {title}",
        )
        if any(one["name"] == name for one in entries):
            self._add("error", scope.shown, place, f"its name in nf, {name}, is taken", "rename it")
            return
        if name != title:
            what = f"is called {name}: {title!r} is no name of nf's"
            self._add("changed", scope.shown, place, what)
        if "attributes" in inner and "output-format" in inner:
            what = "attributes and output-format stand together"
            where = inner["output-format"].place
            self._add("error", scope.shown, where, what, "remove one of them")
            return
        before, standard_output = len(self._made.findings), self.standard_output
        rows = [row for row in ROWS if row.section == section]
        for row in rows:
            self.row(row, scope)
        needed = {"event-report": "event", "query-report": "select"}[section]
        if needed in scope.into:
            put(probe, at, [*entries, scope.into])
            self._origin(scope.base, scope.shown, place)
            return
        self.standard_output = standard_output
        if not errors_of(self._made.findings[before:]) and not self._vocabulary.lacks(
            rows[0].feature
        ):
            what = f"{needed} names nothing that the engine has"
            hint = "see nf protocols NAME for what there is"
            self._add("dropped", scope.shown, place, what, hint)

    def row(self, row: Row, scope: _Scope) -> None:
        """Translates the options of one row."""
        named = scope.named(row)
        lacking = self._vocabulary.lacks(row.feature)
        if not named and (lacking or not self._implied(row, scope.place)):
            return
        where = f"/{PROBE}/{scope.path(row.paths[0])}" if row.paths else ""
        self._tell_unset(named, where)
        try:
            values, reading = read_row(row, scope.settings, self._vocabulary, self._folder)
        except BadValue as bad:
            for name, setting in named:
                self._add("error", name, setting.place, bad.what, bad.hint, where)
            return
        if lacking or row.codec is None:
            for name, setting in named:
                self._not_taken(row, name, setting, scope, lacking)
            return
        self.standard_output |= reading.standard_output
        place = named[0][1].place if named else scope.place
        place = place or self._said.sections.get(row.section) or Place(self._made.file)
        first = named[0][0] if named else row.options[0].name
        for path, value in zip(row.paths, values, strict=True):
            if value is not OMIT:
                put(scope.into, path, value)
                self._origin(scope.path(path), first, place)
        if not named and any(value is not OMIT for value in values):
            name = f"{scope.shown}.{row.options[0].within}" if scope.shown else first
            self._add("implied", name, place, _shown(row, values), "", where)
        self._taken(named, row, values, reading, where)

    def _taken(
        self,
        named: list[tuple[str, Setting]],
        row: Row,
        values: tuple[Any, ...],
        reading: Reading,
        where: str,
    ) -> None:
        remarks = [*reading.losses, *reading.changes]
        gone = bool(reading.losses) and all(value is OMIT for value in values)
        kind: Kind = "dropped" if gone else "changed" if remarks else "mapped"
        what = "; ".join(dict.fromkeys(remarks)) or _shown(row, values)
        for name, setting in named:
            self._add(kind, name, setting.place, what, "", where)

    def _implied(self, row: Row, present: Place | None) -> bool:
        there = present is not None or row.section in self._said.sections
        return row.implied == "always" or (row.implied == "section" and there)

    def _tell_unset(self, named: list[tuple[str, Setting]], where: str) -> None:
        for name, setting in named:
            for variable in setting.unset:
                what = f"${{{variable}}} is not set, and counts as empty"
                self._add("changed", name, setting.place, what, f"set {variable}", where)

    def _not_taken(
        self, row: Row, name: str, setting: Setting, scope: _Scope, lacking: str | None
    ) -> None:
        where = f"/{PROBE}/{scope.path(row.paths[0])}" if row.paths else ""
        if row.codec is None:
            self._add("dropped", name, setting.place, "nf has nothing like it", row.instead)
        elif _is_idle(row, scope.settings):
            self._add("idle", name, setting.place, f"nothing is lost: {lacking}", "", where)
        else:
            hint = f"remove it, or use a build with {row.feature}"
            self._add("dropped", name, setting.place, lacking or "", hint, where)

    def _add(  # noqa: PLR0913, PLR0917 - they are the fields of a finding
        self, kind: Kind, option: str, place: Place, what: str, hint: str = "", path: str = ""
    ) -> None:
        self._made.findings.append(Finding(kind, option, place, what, hint, path))

    def _origin(self, path: str, option: str, place: Place) -> None:
        self._made.origins[steps_of(f"/{PROBE}/{path}")] = (option, place)


def read_row(
    row: Row, settings: Mapping[str, Setting], vocabulary: Vocabulary, folder: str
) -> tuple[tuple[Any, ...], Reading]:
    """The values of a row; what is not said is MMT-Probe's default.

    Raises:
        BadValue: A setting cannot be read.
    """
    reading = Reading(vocabulary, folder)
    if row.codec is None:
        return (), reading
    given = tuple(
        settings.get(one.name)
        or Setting(default_of(one), one.type == "list", Place("default"), one.name, stated=False)
        for one in row.options
    )
    lists = {one.name for one in row.options if one.type == "list"}
    for one, setting in zip(row.options, given, strict=True):
        if one.name not in lists and setting.braced:
            raise BadValue("a list stands where one value must be", "write it without { }")
    return row.codec.read(given, reading), reading


def _is_idle(row: Row, settings: Mapping[str, Setting]) -> bool:
    """Whether the options are of something that the file has off."""
    if not row.section:
        (option,) = row.options
        on = settings[option.name].values[:1] not in (("false",), ("no",), ("off",))
        return option.type == "bool" and on == (option.name in BUILT_IN)
    flag = settings.get(f"{row.section}.enable")
    # Without a word, every such block is off.
    return flag is None or flag.values[:1] in (("false",), ("no",), ("off",))


def _entry_name(title: str) -> str:
    """A title as a name of an entry."""
    kept = "".join(
        one if one.isascii() and (one.isalnum() or one in "_.-") else "_" for one in title
    )
    return ("_" + kept if kept[:1] in ".-" else kept)[:64]


def _shown(row: Row, values: tuple[Any, ...]) -> str:
    said = [
        f"{path.rpartition('/')[2]} = {_plain(value)}"
        for path, value in zip(row.paths, values, strict=True)
        if value is not OMIT
    ]
    return ", ".join(said) or "nf's own default"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(_plain(one) for one in value)
    if isinstance(value, dict):
        return " ".join(_plain(one) for one in value.values())
    return str(value)


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at a path of plain steps."""
    *above, last = path.split("/")
    for step in above:
        tree = tree.setdefault(step, {})
    tree[last] = value


def _get(tree: dict[str, Any], path: str) -> Any:
    found: Any = tree
    for step in path.split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def place_in(made: Imported, path: str | None) -> tuple[str, Place]:
    """The option, and its place, that the node at a data path comes from, or the nearest above."""
    try:
        steps = steps_of(path) if path else ()
    except ValueError:
        steps = ()
    above = [known for known in made.origins if steps and covers(known, steps)]
    if above:
        return made.origins[max(above, key=len)]
    for known, origin in made.origins.items():
        # A condition may be told at a container, whose leaves are what the file says.
        if steps and covers(steps, known):
            return origin
    return "the file", Place(made.file)
