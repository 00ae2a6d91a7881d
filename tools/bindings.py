"""Writes typed classes of the probe's configuration and state: `python -m tools.bindings FILE`.

For scripts of orchestrators: one module, made of the compiled model, that needs Python and lxml
only. Type checkers know every leaf; `docs/netconf.md` shows its use.
"""

import argparse
import keyword
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nf._native.engine import version
from nf._native.yang import Context
from nf.mgmt.schema import ModuleSet

ROOT = "nf-probe:probe"
RUNTIME = Path(__file__).with_name("bindings_runtime.py")
KINDS = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), "int"),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), "int"),
    "boolean": "bool",
    "decimal64": "decimal",
    "empty": "empty",
    "identityref": "identity",
}
TYPES = {"int": "int", "bool": "bool", "decimal": "Decimal", "empty": "bool"}
WIDTH = 96


@dataclass
class Inner:
    """A container or list, and what is in it."""

    name: str
    about: dict[str, Any]
    members: list[tuple[dict[str, Any], "Inner | None"]] = field(default_factory=list)


def generate(context: Context) -> str:
    """The module's text."""
    modules = {one["name"]: one["namespace"] for one in context.modules() if one["implemented"]}
    lines = [_runtime(), ""]
    lines += ["NAMESPACES.update(", "    {"]
    lines += [f"        {name!r}: {space!r}," for name, space in sorted(modules.items())]
    lines += ["    }", ")", ""]
    lines += _class(tree_of(context))
    lines += [
        "",
        "",
        "def probe_to_xml(probe: Probe, operation: str | None = None) -> str:",
        '    """The content of a `<config>`; see to_xml."""',
        f"    return to_xml(probe, {ROOT.partition(':')[0]!r}, 'probe', operation)",
        "",
        "",
        "def probe_from_xml(data: 'etree._Element | str | bytes') -> Probe:",
        '    """The probe in a reply: `<probe>` itself, or the `<data>` around it.',
        "",
        "    Raises:",
        "        BindingError: There is none, or one of another model.",
        '    """',
        "    root = etree.fromstring(data) if isinstance(data, str | bytes) else data",
        f'    tag = f"{{{{{{NAMESPACES[{ROOT.partition(":")[0]!r}]}}}}}}probe"',
        "    found = root if root.tag == tag else next(root.iter(tag), None)",
        "    if found is None:",
        "        raise BindingError('there is no probe in it')",
        "    return from_xml(Probe, found)",
        "",
    ]
    return "\n".join(lines)


def _runtime() -> str:
    text = RUNTIME.read_text(encoding="utf-8")
    # What follows the docstring.
    _, _, code = text.partition('\n"""\n')
    told = (
        f'"""Configuration and state of nf {version()} as classes; made by `make bindings`.\n\n'
        "Made from the compiled model: change that, and make this anew. It needs Python and lxml.\n"
        '"""\n'
    )
    return told + code.replace(
        "from typing import Any, TypeVar", "from typing import Any, Literal, TypeVar"
    )


def tree_of(context: Context) -> Inner:
    """The nodes of data below the root; choices and cases are no nodes of data."""
    made: dict[str, Inner | None] = {}
    real: dict[str, str] = {}
    root: Inner | None = None
    for node in context.nodes():
        path = node["path"]
        if path != f"/{ROOT}" and not path.startswith(f"/{ROOT}/"):
            continue
        above = path.rpartition("/")[0]
        above = real.get(above, above)
        if node["kind"] in {"choice", "case"}:
            real[path] = above
            continue
        if node["kind"] not in {"container", "presence-container", "list", "leaf", "leaf-list"}:
            # Actions and notifications are no data; nor is what is below them.
            made[path] = None
            continue
        if path == f"/{ROOT}":
            root = made[path] = Inner("Probe", node)
            continue
        parent = made.get(above)
        if parent is None:
            made[path] = None
            continue
        inner = None
        if node["kind"] not in {"leaf", "leaf-list"}:
            name = _camel(node["name"])
            inner = Inner(name if parent.name == "Probe" else parent.name + name, node)
        made[path] = inner
        parent.members.append((node, inner))
    if root is None:
        raise SystemExit(f"the model has no {ROOT}")
    return root


def _class(inner: Inner) -> Iterator[str]:
    """A class after those that it is made of."""
    for _, one in inner.members:
        if one is not None:
            yield from _class(one)
    yield from ("", "", "@dataclass(kw_only=True)", f"class {inner.name}(Node):")
    yield f'    """{_sentence(inner.about)}"""'
    keys = set(inner.about.get("keys") or ())
    yield ""
    for node, one in inner.members:
        yield from _member(node, one, is_key=node["name"] in keys)


def _member(node: dict[str, Any], inner: Inner | None, *, is_key: bool) -> Iterator[str]:
    name = _identifier(node["name"])
    place = f"{node['module']!r}, {node['name']!r}, config={node['config']}"
    if inner is not None:
        if node["kind"] == "list":
            yield f"    {name}: list[{inner.name}] = entries({inner.name}, {place})"
        elif node["kind"] == "presence-container":
            yield f"    {name}: {inner.name} | None = inner({inner.name}, {place}, presence=True)"
        else:
            yield f"    {name}: {inner.name} = inner({inner.name}, {place})"
        return
    kind = KINDS.get(node["type"], "text")
    shown = _type(node, kind)
    if node["kind"] == "leaf-list":
        yield f"    {name}: list[{shown}] = leaves({kind!r}, {place})"
    elif is_key:
        yield f"    {name}: {shown} = leaf({kind!r}, {place}, key=True)"
    else:
        yield f"    {name}: {shown} | None = leaf({kind!r}, {place})"
    yield f'    """{_sentence(node)}"""'


def _type(node: dict[str, Any], kind: str) -> str:
    names = node.get("enums") if node["type"] == "enumeration" else None
    if names:
        words = [one if isinstance(one, str) else one["name"] for one in names]
        return f"Literal[{', '.join(map(repr, words))}]"
    # Identities may come with modules that are not there today: any text of that form.
    return TYPES.get(kind, "str")


def _sentence(node: dict[str, Any]) -> str:
    """The first sentence of a description, with unit and default."""
    text = " ".join((node.get("description") or node["name"]).split())
    first = text.partition(". ")[0].rstrip(".") + "."
    if node.get("units"):
        first += f" In {node['units']}."
    if node.get("default") is not None:
        first += f" Default {node['default']}."
    return first.replace("\\", "\\\\").replace('"', "'")


def _identifier(name: str) -> str:
    made = name.replace("-", "_").replace(".", "_")
    return f"{made}_" if keyword.iskeyword(made) else made


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.replace(".", "-").split("-"))


def main() -> int:
    """Writes the file that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tools.bindings", description=__doc__)
    parser.add_argument("file", type=Path, help="the module to write, such as nf_bindings.py")
    chosen = parser.parse_args()
    text = generate(Context(*ModuleSet.read().for_context()))
    chosen.file.write_text(text, encoding="utf-8")
    print(f"{chosen.file}: {text.count('class ')} classes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
