"""The `nf` command: finds the noun that is asked for and lets it run.

Each noun is one module here and one line in NOUNS. A noun's module, and the engine with it, is
imported only when it is asked for.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from nf.cli import exits

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["NOUNS", "Noun", "load", "main", "parser_of"]

NOUNS = {
    "read": "read captures: sessions, transactions, sums",
    "live": "capture from network interfaces: the same, as it happens",
    "run": "run the probe as a network function: capture, reports, NETCONF",
    "status": "tell how a running probe is",
    "config": "read and change the configuration of a running probe",
    "dump": "have a running probe write packets to a file",
    "token": "issue, list and revoke tokens of gNMI clients",
    "yang": "show the YANG model of configuration and state",
    "protocols": "list the protocols, or the attributes of one",
    "plugin": "check plugins, or write one to start from",
    "apps": "list the applications, or the names of one",
    "risks": "list the risks that sessions are judged by, or the rule of one",
    "fields": "list the fields of sessions and the words of filters",
    "mmt": "check, translate and write configuration files of MMT-Probe",
    "doctor": "look at what this machine gives a probe, and say what to do",
    "version": "print the version",
    "completion": "print a script that completes the command in a shell",
}
COMPLETE = "_complete"
"""What the completion scripts call."""
LONE = {"--stats": "--stats=text", "--risks": "--risks="}
"""Options whose value may be left out: what they mean then."""

HELP = """\
usage: nf COMMAND …

Reads what a network carries: captures in, sessions out.

commands:
{commands}

options:
  -h, --help     print this, or with a command its options
  --version      print the version
  --debug        with a command: show how an error came about

examples:
  nf read some.pcap                                   its sessions, as a table on a terminal
  nf read some.pcap --report summary                  what was in it, on one screen
  nf read some.pcap --where 'app == "youtube"'        only these sessions
  nf read some.pcap --report transaction -o csv       requests, lookups, handshakes, as CSV
  nf live -i eth0                                     what goes over an interface now
  nf protocols http                                   what can be asked of HTTP
  nf run -i eth0                                      the network function, with NETCONF
  nf config set capture/filter='tcp port 443'         changes it while it runs

exit codes:
  0 done, 1 failed, 2 wrong usage, 4 a capture ended early, 7 a filter or a name is wrong
"""


class Noun(Protocol):
    """What a noun's module has."""

    def configure(self, parser: "ArgumentParser") -> None:
        """Adds description, arguments and examples."""

    def run(self, arguments: "Namespace") -> int:
        """Does it and returns the exit code."""


def load(name: str) -> Noun:
    """The module of a noun."""
    noun: Noun = import_module(f"nf.cli.{name}")
    return noun


def parser_of(name: str) -> "ArgumentParser":
    """The parser of a noun's arguments."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter  # noqa: PLC0415

    parser = ArgumentParser(
        prog=f"nf {name}", formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    load(name).configure(parser)
    parser.add_argument("--debug", action="store_true", help="show how an error came about")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code, see `nf --help`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = bool(words) and words[0] == "--debug"
    if debug:
        del words[0]
    match words:
        case [] | ["-h" | "--help" | "help"]:
            lines = (f"  {name:<13}  {what}" for name, what in NOUNS.items())
            text = HELP.format(commands="\n".join(lines))
            print(text, end="", file=sys.stdout if words else sys.stderr)
            return exits.OK if words else exits.USAGE
        case ["--version", *rest]:
            return _guarded("version", rest, debug=debug)
        case ["help", name] if name in NOUNS:
            return _guarded(name, ["--help"], debug=debug)
        case [name, *rest] if name in NOUNS:
            return _guarded(name, rest, debug=debug)
        case [name, *rest] if name == COMPLETE:
            completion = import_module("nf.cli.completion")
            return int(completion.complete(rest))
        case _:
            return _unknown(words[0])


def _unknown(word: str) -> int:
    complaint = import_module("nf.cli.complaint")
    known = complaint.nearest(word, list(NOUNS), "nf --help lists the commands")
    kind = "option" if word.startswith("-") else "command"
    print(f"nf: there is no {kind} {word!r}\n  try: {known}", file=sys.stderr)
    return exits.USAGE


def _guarded(name: str, words: list[str], *, debug: bool) -> int:
    """Runs a noun; whatever goes wrong becomes a message and an exit code."""
    try:
        try:
            noun = load(name)
            known = parser_of(name)
            arguments = known.parse_args(_separate(words))
            debug = debug or arguments.debug
            code = noun.run(arguments)
        except SystemExit as leaving:
            # argparse has printed its help or its complaint.
            code = leaving.code if isinstance(leaving.code, int) else exits.FAILED
        sys.stdout.flush()
    except BrokenPipeError:
        return _left_by_reader()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BaseException as error:  # noqa: BLE001
        # Not Exception alone: a panic of the engine arrives as a BaseException.
        complaint = import_module("nf.cli.complaint")
        complaint.complain(error, debug=debug)
        return int(complaint.exit_code(error))
    return code


def _separate(words: list[str]) -> list[str]:
    """Gives lone `--stats` and `--risks` their value, or argparse would take the file behind."""
    end = words.index("--") if "--" in words else len(words)
    return [LONE.get(word, word) for word in words[:end]] + words[end:]


def _left_by_reader() -> int:
    """Whoever read the output has seen enough (`| head`): nothing is wrong."""
    # What is still buffered would fail once more when Python ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return exits.OK


if __name__ == "__main__":
    sys.exit(main())
