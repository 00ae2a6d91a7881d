"""`nf yang`: the model that configuration and state follow."""

from argparse import ArgumentParser, Namespace

from nf._native.yang import Context
from nf.cli import exits
from nf.cli.complaint import nearest
from nf.cli.listing import print_table
from nf.errors import ConfigurationError
from nf.mgmt.schema import ModuleSet

__all__ = ["configure", "run"]

DESCRIPTION = """\
Shows the YANG model of the probe: every setting, every piece of state, every operation. No probe
needs to run.
"""
EXAMPLES = """\
examples:
  nf yang tree                     the probe's own modules as trees (RFC 8340)
  nf yang tree nf-capture          one module, ours or a standard one
  nf yang modules                  all modules, with revisions and features
  nf yang schema nf-capture        the module itself
"""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "what",
        choices=["tree", "modules", "schema"],
        metavar="WHAT",
        help="tree: the diagram; modules: the list; schema: the text",
    )
    parser.add_argument(
        "module", nargs="?", metavar="MODULE", help="name of one module; all of ours without it"
    )


def run(arguments: Namespace) -> int:
    """Prints it."""
    context = Context(*ModuleSet.read().for_context())
    modules = {one["name"]: one for one in context.modules()}
    if arguments.module is not None and arguments.module not in modules:
        hint = nearest(arguments.module, modules, "nf yang modules lists them")
        raise ConfigurationError(f"no module {arguments.module!r}", "MODULE", hint)
    if arguments.what == "modules":
        rows = [
            {
                "module": name,
                "revision": one["revision"] or "-",
                "implemented": "yes" if one["implemented"] else "imported",
                "features": " ".join(one["features"]),
            }
            for name, one in sorted(modules.items())
        ]
        print_table(rows, "module", "revision", "implemented", last="features")
        return exits.OK
    if arguments.what == "schema":
        if arguments.module is None:
            raise ConfigurationError("no module is named", "MODULE", "nf yang schema nf-capture")
        revision = modules[arguments.module]["revision"]
        print(context.schema_text(arguments.module, revision, "yang").rstrip("\n"))
        return exits.OK
    own = [name for name in sorted(modules) if name.startswith("nf-")]
    shown = [arguments.module] if arguments.module else own
    print("\n\n".join(context.tree_text(name).rstrip("\n") for name in shown))
    return exits.OK
