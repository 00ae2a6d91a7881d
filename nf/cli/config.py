"""`nf config`: reads and changes the configuration of a running probe."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from nf.cli import exits
from nf.cli.assigning import assigned
from nf.cli.config_edit import edited_text
from nf.cli.listing import print_json, print_table
from nf.cli.mmt import as_model, is_legacy
from nf.cli.places import Management, add_verbs, management_of
from nf.cli.show.terminal import safe
from nf.errors import ConfigurationError
from nf.mgmt import local
from nf.mgmt.legacy.exporting import export_data
from nf.mgmt.legacy.vocabulary import Vocabulary

__all__ = ["configure", "run"]

DESCRIPTION = """\
Reads and changes the configuration of a running probe, on this machine or, with --host, on another
one over NETCONF: keys, agent, known hosts and ~/.ssh/config are those of OpenSSH.

Every change is one transaction: it is checked, prepared by all that act on it, and then in force as
a whole, or refused with its reason and nothing has changed. It lasts until the probe ends;
`nf config save` keeps it over a restart.

A PATH is one of the YANG model; modules, and the root of the probe, may be left out, and keys of
lists stand in brackets: capture/interface[eth0]/promiscuous. `nf yang tree` shows all of it.
"""
EXAMPLES = """\
examples:
  nf config get                                        what has been set
  nf config get capture --defaults                     with values that nobody has set
  nf config get --state engine/state/account           state: where every packet went
  nf config set engine/timeouts/short=30 reports/session/enabled=true
  nf config set capture/interface[eth1]                another interface
  nf config delete capture/filter
  nf config diff                                       what a restart would forget
  nf config history
  nf config rollback 17
  nf config export > probe.json
  nf config import --replace probe.json
  nf config diff --host probe7 --user admin            the same of a probe on another machine

exit codes:
  0 done, 1 failed, 2 wrong usage, 7 refused: nothing has changed
"""
WORDS = {"create": "+", "delete": "-", "replace": "~", "none": "~"}


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    verb = add_verbs(parser)
    get = verb("get", "print configuration, or with --state state, too")
    get.add_argument("path", nargs="?", default="", metavar="PATH")
    get.add_argument("--state", action="store_true", help="the state of the probe, too")
    get.add_argument("--startup", action="store_true", help="what a restart begins with")
    get.add_argument("--defaults", action="store_true", help="values that nobody has set, too")
    _add_form(get)
    set_ = verb("set", "set leaves, or create entries of lists, in one transaction")
    set_.add_argument("values", nargs="+", metavar="PATH[=VALUE]")
    delete = verb("delete", "delete nodes, in one transaction")
    delete.add_argument("paths", nargs="+", metavar="PATH")
    edit = verb("edit", "change the configuration in an editor ($EDITOR)")
    _add_form(edit)
    diff = verb("diff", "print what differs between two configurations")
    diff.add_argument("before", nargs="?", default="startup", metavar="BEFORE")
    diff.add_argument("after", nargs="?", default="running", metavar="AFTER")
    diff.add_argument("-o", dest="format", choices=["text", "json"], default="text")
    validate = verb("validate", "check a file against the model, and change nothing")
    validate.add_argument("file", metavar="FILE")
    import_ = verb("import", "put a file (JSON or XML of the model, or of MMT-Probe) in force")
    import_.add_argument("file", metavar="FILE", help="- for standard input")
    import_.add_argument(
        "--replace", action="store_true", help="in the place of everything, instead of merged in"
    )
    export = verb("export", "print the whole configuration, to import it elsewhere")
    export.add_argument(
        "-o",
        "--format",
        dest="format",
        choices=["json", "xml", "mmt"],
        default="json",
        help="mmt: as a file of MMT-Probe, as far as that can say it; default: json",
    )
    verb("save", "keep what is running over a restart (copies running to startup)")
    history = verb("history", "list the configurations that were in force, newest first")
    history.add_argument("-o", dest="format", choices=["table", "json"], default="table")
    rollback = verb("rollback", "put a configuration of the history in force again")
    rollback.add_argument("number", type=int, metavar="N")


def _add_form(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", dest="format", choices=["json", "xml"], default="json", help="default: json"
    )


def run(arguments: Namespace) -> int:
    """Does what the verb says."""
    verbs = {
        "get": _get,
        "set": _set,
        "delete": _delete,
        "edit": _edit,
        "diff": _diff,
        "validate": _validate,
        "import": _import,
        "export": _export,
        "save": _save,
        "history": _history,
        "rollback": _rollback,
    }
    with management_of(arguments) as management:
        return verbs[arguments.verb](management, arguments)


def _ask(management: Management, body: local.Call) -> Any:
    # Changes wait for all who act on them, and may open interfaces.
    return management.call(body, 60.0)


def _user() -> str:
    """Who is at the terminal: root may act for somebody."""
    return os.environ.get("SUDO_USER", "")


def _get(management: Management, arguments: Namespace) -> int:
    store: local.Store = "startup" if arguments.startup else "running"
    if arguments.state:
        store = "operational"
    asked = local.Read(store, arguments.path, arguments.format, arguments.defaults)
    _print(_ask(management, asked).text)
    return exits.OK


def _set(management: Management, arguments: Namespace) -> int:
    values = tuple(assigned(word) for word in arguments.values)
    _ask(management, local.SetNode(values, user=_user()))
    return exits.OK


def _delete(management: Management, arguments: Namespace) -> int:
    _ask(management, local.RemoveNode(tuple(arguments.paths), user=_user()))
    return exits.OK


def _edit(management: Management, arguments: Namespace) -> int:
    running = local.Read("running", "", arguments.format)
    before = _ask(management, running).text
    with edited_text(before, arguments.format) as after:
        if after == before:
            print("nf: nothing was changed", file=sys.stderr)
            return exits.OK
        if _ask(management, running).text != before:
            raise ConfigurationError(
                "somebody has changed the configuration while you edited it",
                "running",
                "nf config history tells who; edit it anew",
            )
        _ask(management, local.Load(after, "replace", _user()))
    return exits.OK


def _diff(management: Management, arguments: Namespace) -> int:
    answer: local.Changes = _ask(management, local.Difference(arguments.before, arguments.after))
    if arguments.format == "json":
        return print_json(
            [
                {"operation": one.operation, "path": one.path, "old": one.old, "new": one.value}
                for one in answer.changes
            ]
        )
    for one in answer.changes:
        old = f" {one.old} →" if one.operation == "replace" and one.old is not None else ""
        value = one.value if one.operation != "delete" else one.old
        shown = f"{old} {value}" if value is not None else ""
        print(safe(f"{WORDS.get(one.operation, '~')} {one.path}{shown}"))
    return exits.OK


def _validate(management: Management, arguments: Namespace) -> int:
    _ask(management, local.Load(_text_of(arguments.file), "check", _user()))
    print("valid")
    return exits.OK


def _import(management: Management, arguments: Namespace) -> int:
    mode: Any = "replace" if arguments.replace else "merge"
    text = _text_of(arguments.file)
    if is_legacy(text) and arguments.file != "-":
        text = as_model(Path(arguments.file))
    _ask(management, local.Load(text, mode, _user()))
    return exits.OK


def _export(management: Management, arguments: Namespace) -> int:
    mmt = arguments.format == "mmt"
    form: Any = "json" if mmt else arguments.format
    text = _ask(management, local.Read("running", "", form)).text
    _print(export_data(json.loads(text), Vocabulary.here()).text if mmt else text)
    return exits.OK


def _save(management: Management, arguments: Namespace) -> int:
    del arguments
    _ask(management, local.CopyStore("running", "startup", _user()))
    return exits.OK


def _history(management: Management, arguments: Namespace) -> int:
    answer: local.Entries = _ask(management, local.ReadHistory())
    rows: list[dict[str, Any]] = [
        {
            "number": one.number,
            "when": one.when,
            "user": one.user,
            "by": one.protocol,
            "what": [*one.what, *([f"and {one.more} more"] if one.more else [])],
        }
        for one in answer.entries
    ]
    if arguments.format == "json":
        return print_json(rows)
    shown = [{**row, "what": " ".join(row["what"])} for row in rows]
    print_table(shown, "number", "when", "user", "by", last="what")
    return exits.OK


def _rollback(management: Management, arguments: Namespace) -> int:
    _ask(management, local.Rollback(arguments.number, _user()))
    return exits.OK


def _print(text: str) -> None:
    print(text.rstrip("\n"))


def _text_of(file: str) -> str:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(
            f"the file cannot be read: {(why or '').lower()}", file, "check the path"
        ) from error
    if not text.strip():
        # What an export that failed leaves behind must not delete everything.
        raise ConfigurationError("the file is empty", file, "{} is a configuration of nothing")
    return text
