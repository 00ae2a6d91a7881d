"""What `nf plugin check` does: everything that loading does, and the tests a file brings."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from nf._native import engine as _engine
from nf.datapath.description import Description, to_json
from nf.errors import ConfigurationError
from nf.plugins.claims import CARRIERS
from nf.plugins.compiler import Compiled, compile_text
from nf.plugins.diagnostics import Diagnostic, Diagnostics, Span
from nf.plugins.loading import files_of, names_of, read_plugin, text_of
from nf.plugins.registry import registry
from nf.plugins.syntax import TestNode

__all__ = ["check"]


def check(sources: Iterable[Path]) -> Sequence[Diagnostic]:
    """All that is to be said of files and directories, in the order of loading.

    Raises:
        ConfigurationError: One of them is not there.
    """
    paths = [path for source in sources for path in files_of(source)]
    known = registry().with_names(names_of(paths))
    found: list[Diagnostic] = []
    compiled: list[Compiled] = []
    descriptions: list[Description] = []
    for path in paths:
        try:
            if path.suffix == ".py":
                made = read_plugin(path)
                descriptions += [one.description for one in made]
                found += [said for one in made for said in _of_python(path, one.description)]
            else:
                compiled.append(compile_text(text_of(path), str(path), known))
        except ConfigurationError as error:
            found.append(_as_diagnostic(path, error))
    descriptions += [one.description for one in compiled if one.description is not None]
    for one in compiled:
        _test(one, descriptions)
        found += one.said.all
    return found


def _of_python(path: Path, made: Description) -> Iterable[Diagnostic]:
    """What a plugin file would be warned of, and a class as well."""
    said = Diagnostics(str(path), text_of(path))
    at = Span(int(made.place.rpartition(":")[2]), 1)
    known = registry()
    for other in {known.names.get(made.id), known.names.get(known.ids.get(made.name, -1))}:
        if other is not None:
            what = f"{made.name} ({made.id}) takes the place of the built-in {other}"
            said.warn(at, what, "another name and id, unless that is meant")
    if not made.parents:
        what = "no parents: only a protocol that names it as what comes next leads to it"
        said.warn(at, what, 'parents=["udp port 7001"]')
    return said.all


def _as_diagnostic(path: Path, error: ConfigurationError) -> Diagnostic:
    """An error with its place taken apart."""
    file, _, line = error.place.rpartition(":")
    number = int(line) if file and line.isdecimal() else 1
    return Diagnostic("error", error.what, error.hint, str(path), number, 1, 1, "")


def _test(compiled: Compiled, descriptions: Sequence[Description]) -> None:
    """Runs the tests of a file through the engine."""
    own, said = compiled.description, compiled.said
    if own is None:
        return
    others = [one for one in descriptions if one.name != own.name and one.id != own.id]
    plugins = to_json([*others, own])
    try:
        _engine.protocols(plugins)
    except ConfigurationError as error:
        said.error(Span(1, 1), error.what, error.hint)
        return
    for test in compiled.tests:
        _run(test, own, plugins or "[]", said)


def _run(test: TestNode, own: Description, plugins: str, said: Diagnostics) -> None:
    try:
        octets = bytes.fromhex(test.octets.text)
    except ValueError:
        said.error(test.octets.at, "these are no octets", 'two digits each, as "01 02 ff"')
        return
    carrier, port = test.carrier.text.lower(), test.port.value
    if carrier not in CARRIERS or port > 65_535:
        what = f"{carrier} {port} carries nothing"
        said.error(test.carrier.at, what, "one of " + ", ".join(CARRIERS) + ", and a port")
        return
    path, headers = _engine.examine(plugins, carrier, port, octets)
    values = {
        name: value
        for protocol, text in headers
        if protocol == own.name
        for name, value in reversed(json.loads(text).items())
    }
    if not test.expected and own.name in path:
        what = f"it is recognised, as {'.'.join(path)}, and nothing was expected"
        said.error(test.octets.at, what, "expect path = …")
    for name, wanted in test.expected:
        have = ".".join(path) if name.text == "path" else values.get(name.text)
        known = [one.name for one in own.attributes]
        if name.text != "path" and name.text not in known:
            what = f"the protocol has no attribute {name.text!r}"
            said.error(name.at, what, "path, or one of " + ", ".join(known))
        elif have != (wanted.value if wanted.kind == "number" else wanted.text):
            shown = "absent" if have in {None, ""} else repr(have)
            said.error(wanted.at, f"{name.text} is {shown}", "correct the test or the protocol")
