"""`nf mmt`: configuration files of MMT-Probe, checked, translated, and written."""

import json
import os
import sys
from argparse import Action, ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nf.cli import exits
from nf.cli.listing import print_json
from nf.cli.show.terminal import safe
from nf.errors import ConfigurationError, YangError
from nf.mgmt.legacy.checking import check
from nf.mgmt.legacy.exporting import export_data
from nf.mgmt.legacy.findings import KINDS, Finding
from nf.mgmt.legacy.importing import Imported, import_text
from nf.mgmt.legacy.overriding import Override, listing, override_of
from nf.mgmt.legacy.tokens import MAX_BYTES
from nf.mgmt.legacy.vocabulary import Vocabulary
from nf.mgmt.schema import ModuleSet

if TYPE_CHECKING:
    from nf._native.yang import Context, Tree

__all__ = ["as_model", "configure", "export_file", "found_file", "import_file", "is_legacy", "run"]

DESCRIPTION = """\
Works with the configuration files of MMT-Probe; no probe has to run.

  check FILE     says what becomes of each option, and what is wrong with it
  import FILE    prints the file as a configuration of nf
  export FILE    prints a configuration of nf (JSON or XML) as a file of MMT-Probe
  options        lists the options that -X can override, as `name (type)`

Without FILE, check and import look for ./mmt-probe.conf and then for
/opt/mmt/probe/mmt-probe.conf.
"""
EXAMPLES = """\
examples:
  nf mmt check /opt/mmt/probe/mmt-probe.conf
  nf mmt import mmt-probe.conf > nf.json          what was changed is told on standard error
  nf mmt import mmt-probe.conf -i eth0 -X thread-nb=4 -o xml
  nf mmt export nf.json > mmt-probe.conf

exit codes:
  0 done, 1 failed, 2 wrong usage, 7 the file is wrong
"""
SEARCHED = (Path("mmt-probe.conf"), Path("/opt/mmt/probe/mmt-probe.conf"))
QUIET = ("mapped", "implied", "idle")
"""Findings that nobody has to act on."""


class _Overriding(Action):
    """Keeps `-X`, `-i` and `-t` in the order in which they stand."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        del parser
        kept = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*kept, (option_string, str(values))])


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    verbs = parser.add_subparsers(
        dest="what", required=True, metavar="WHAT", help="what to do with it"
    )
    every: list[ArgumentParser] = []
    for name, help_text in (
        ("check", "say what becomes of each option of a file"),
        ("import", "print a file as a configuration of nf"),
        ("export", "print a configuration of nf as a file of MMT-Probe"),
    ):
        verb: ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text)
        every.append(verb)
        verb.add_argument(
            "--all-features",
            action="store_true",
            help="translate for a build that has everything of the model",
        )
    checking, importing, exporting = every
    for verb in (checking, importing):
        verb.add_argument("file", nargs="?", type=Path, metavar="FILE", help="- for standard input")
        add_overrides(verb)
        verb.add_argument(
            "--base",
            type=Path,
            metavar="FOLDER",
            help="folder that relative paths in the file start from; default: this one",
        )
    checking.add_argument("-o", dest="format", choices=["report", "json"], default="report")
    importing.add_argument("-o", dest="format", choices=["json", "xml", "report"], default="json")
    exporting.add_argument("file", type=Path, metavar="FILE", help="- for standard input")
    told = "list the options that -X can override"
    verbs.add_parser("options", help=told, description=told)


def add_overrides(parser: ArgumentParser) -> None:
    """Adds MMT-Probe's `-X`, `-i` and `-t`."""
    for word, value, meaning in (
        ("-X", "NAME=VALUE", "override an option of the file; may be repeated"),
        ("-i", "INTERFACE", "capture from an interface"),
        ("-t", "CAPTURE", "read a capture file"),
    ):
        parser.add_argument(
            word, action=_Overriding, dest="overrides", default=[], metavar=value, help=meaning
        )


def overrides_of(given: Sequence[tuple[str, str]]) -> list[Override]:
    """What the command line overrides, in order.

    Raises:
        ConfigurationError: An option does not exist.
    """
    made: list[Override] = []
    for word, value in given:
        if word == "-X":
            made.append(override_of(value))
        else:
            mode = "ONLINE" if word == "-i" else "OFFLINE"
            made += [
                Override("input.mode", mode, f"{word} {value}"),
                Override("input.source", value, f"{word} {value}"),
            ]
    return made


def run(arguments: Namespace) -> int:
    """Does what is asked for."""
    if arguments.what == "options":
        print(listing(), end="")
        return exits.OK
    if arguments.what == "export":
        return export_file(arguments.file, all_features=arguments.all_features)
    made, tree = import_file(
        arguments.file,
        overrides_of(arguments.overrides),
        base=arguments.base,
        all_features=arguments.all_features,
    )
    form = arguments.format
    if arguments.what == "check" and form == "json":
        print_json([asdict(one) | {"place": str(one.place)} for one in made.findings])
    elif form == "report":
        _report(made.findings, sys.stdout, everything=True)
    else:
        _report(made.findings, sys.stderr, everything=False)
        if tree is not None:
            text = tree.to_json(indent=True) if form == "json" else tree.to_xml(indent=True)
            print(text.decode().rstrip("\n"))
    return exits.OK if tree is not None else exits.CONFIGURATION


def found_file(named: Path | None) -> Path:
    """The file that is meant: the one that is named, or the first that MMT-Probe would look for.

    Raises:
        ConfigurationError: There is none.
    """
    if named is not None:
        return named
    for path in SEARCHED:
        if path.exists():
            return path
    places = " nor ".join(map(str, SEARCHED))
    raise ConfigurationError(f"there is neither {places}", "FILE", "name the file")


def import_file(
    named: Path | None,
    overrides: Sequence[Override] = (),
    *,
    base: Path | None = None,
    all_features: bool = False,
) -> "tuple[Imported, Tree | None]":
    """Reads, translates and validates a file.

    Args:
        named: The file; None for the one that MMT-Probe would take.
        overrides: What counts more than the file.
        base: Folder that relative paths start from; None for the working directory.
        all_features: For a build that has everything of the model.

    Returns:
        The translation with its findings, and the valid tree, None when there are errors.

    Raises:
        ConfigurationError: The file cannot be read, or is not in MMT-Probe's language.
    """
    path = found_file(named)
    made = import_text(
        _octets(path),
        str(path),
        Vocabulary.here(all_features=all_features),
        folder=str((base or Path.cwd()).absolute()),
        environ=os.environ,
        overrides=overrides,
    )
    # What a build with all features would do with its settings is not known to this one.
    return made, check(_context(all_features=all_features), made, compiled=not all_features)


def is_legacy(text: str) -> bool:
    """Whether a configuration is one of MMT-Probe: it begins neither as JSON nor as XML."""
    return not text.lstrip("\ufeff \t\r\n").startswith(("{", "<"))


def as_model(path: Path, overrides: Sequence[Override] = ()) -> str:
    """A file of MMT-Probe as JSON of the model; what has changed is told on standard error.

    Raises:
        ConfigurationError: The file is wrong.
    """
    made, tree = import_file(path, overrides)
    _report(made.findings, sys.stderr, everything=False)
    if tree is None:
        first = made.errors[0]
        raise ConfigurationError(f"{first.option}: {first.what}", str(first.place), first.hint)
    return tree.to_json(indent=True).decode()


def export_file(path: Path, *, all_features: bool = False) -> int:
    """Prints a configuration of nf as a file of MMT-Probe."""
    text = _octets(path)
    form: Literal["xml", "json"] = "xml" if text.lstrip().startswith(b"<") else "json"
    try:
        tree = _context(all_features=all_features).parse(text, form)
        tree.copy().validate()
    except YangError as error:
        first = error.errors[0]
        place = f"{path}:{first.line}" if first.line else f"{path}: {first.path or 'its top'}"
        raise ConfigurationError(
            f"this is no configuration of nf: {first.message}", place, "see the model: nf yang tree"
        ) from error
    made = export_data(json.loads(tree.to_json()), Vocabulary.here(all_features=all_features))
    print(made.text, end="")
    return exits.OK


def _octets(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"the file cannot be read: {(error.strerror or str(error)).lower()}"
        raise ConfigurationError(what, str(path), "check path and permissions") from error


def _context(*, all_features: bool) -> "Context":
    from nf._native.yang import Context  # noqa: PLC0415 - takes a moment, and only here

    modules = ModuleSet.read()
    search, implemented = modules.for_context()
    if all_features:
        implemented = [(name, [*on, *modules.off.get(name, ())]) for name, on in implemented]
    return Context(search, implemented)


def _report(findings: Sequence[Finding], to: Any, *, everything: bool) -> None:
    """Findings one after the other, then how many of each kind there are."""
    for one in findings:
        if everything or one.kind not in QUIET:
            print(safe_lines(one.text()), file=to)
    counts = Counter(one.kind for one in findings)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    print(told or "nothing is said", file=to)


def safe_lines(text: str) -> str:
    """A text of several lines without what a terminal would obey."""
    return "\n".join(safe(line) for line in text.splitlines())
