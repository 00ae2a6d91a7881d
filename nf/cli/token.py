"""`nf token`: tokens that clients of gNMI show in the place of a password."""

import json
from argparse import ArgumentParser, Namespace

from lxml import etree

from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.places import Management, add_verbs, management_of
from nf.mgmt import local

__all__ = ["configure", "run"]

DESCRIPTION = """\
Issues, lists and revokes tokens. A client of gNMI or gNOI sends one as metadata
`authorization: Bearer TOKEN` in the place of name and password.

A token is shown once, when it is issued: the probe keeps a digest of it.
"""
EXAMPLES = """\
examples:
  nf token issue ada                    for a day
  nf token issue ada --for 3600         for an hour
  nf token list
  nf token revoke 1f2e3d4c
"""
TOKENS = "/nf-probe:probe/nf-telemetry:telemetry/gnmi/token"


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    verb = add_verbs(parser)
    issue = verb("issue", "make a token for a user, and print it")
    issue.add_argument("holder", metavar="USER")
    issue.add_argument(
        "--for", dest="seconds", type=int, default=86_400, metavar="SECONDS", help="default: a day"
    )
    add_format(verb("list", "list the tokens that are accepted"))
    revoke = verb("revoke", "have a token not be accepted from now on")
    revoke.add_argument("id", metavar="ID")


def run(arguments: Namespace) -> int:
    """Does what the verb says."""
    with management_of(arguments) as management:
        match arguments.verb:
            case "issue":
                given = (("user", arguments.holder), ("lifetime", str(arguments.seconds)))
                answer = management.call(local.Run("issue-token", given), 60.0)
                print(_leaf(answer.text, "token"))
            case "revoke":
                management.call(local.Run("revoke-token", (("id", arguments.id),)), 60.0)
            case _:
                _list(management, arguments)
    return exits.OK


def _leaf(answer: str, name: str) -> str:
    """A leaf among the children of a reply."""
    whole = etree.fromstring(f"<reply>{answer}</reply>")
    return next((one.text or "" for one in whole if etree.QName(one).localname == name), "")


def _list(management: Management, arguments: Namespace) -> None:
    text = management.call(local.Read("operational", TOKENS), 60.0).text
    found = json.loads(text or "{}")
    for name in ("nf-probe:probe", "nf-telemetry:telemetry", "gnmi"):
        found = found.get(name, {})
    rows = [
        {name: one.get(name, "") for name in ("id", "user", "issued", "expires")}
        for one in found.get("token", [])
    ]
    if arguments.format == "json":
        print_json(rows)
    else:
        print_table(rows, "id", "user", "issued", last="expires")
