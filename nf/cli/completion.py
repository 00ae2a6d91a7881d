"""`nf completion`: scripts that complete the command in a shell, and what they ask.

The scripts know nothing: they hand the words of the line back to `nf _complete`, which answers from
the parsers themselves. Its first line is `words`, `nospace` (what is offered goes on) or `files`,
then comes one candidate per line, with a tab before its description.
"""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from nf.cli import COMPLETE, NOUNS, exits, parser_of

if TYPE_CHECKING:
    from nf.datapath.description import Description

__all__ = ["complete", "configure", "run"]

DESCRIPTION = (
    "Prints a script that completes the command in a shell: options, names, fields, files."
)
EXAMPLES = """\
examples:
  source <(nf completion bash)                                     this bash
  nf completion bash > /etc/bash_completion.d/nf                   every bash
  nf completion zsh > "${fpath[1]}/_nf"                            zsh
  nf completion fish > ~/.config/fish/completions/nf.fish          fish
"""

BASH = r"""# Completion of nf for bash.
_nf() {
    local IFS=$'\n' line current=${COMP_WORDS[COMP_CWORD]}
    local -a lines
    mapfile -t lines < <("$1" @COMPLETE@ bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    COMPREPLY=()
    case ${lines[0]-} in
        files)
            compopt -o filenames
            [ "$current" != = ] || current=
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        nospace) compopt -o nospace ;;
    esac
    for line in "${lines[@]:1}"; do
        COMPREPLY+=("${line%%$'\t'*}")
    done
}
complete -F _nf nf
"""
ZSH = r"""#compdef nf
# Completion of nf for zsh.
_nf() {
    local -a lines offered ending
    local line word
    lines=("${(@f)$("${words[1]}" @COMPLETE@ zsh $((CURRENT - 1)) "${(@Q)words}" 2>/dev/null)}")
    case ${lines[1]} in
        files)
            [[ ${words[CURRENT]} == --*=* ]] && compset -P '*='
            _files
            return
            ;;
        nospace) ending=(-S '') ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        word=${line%%$'\t'*}
        offered+=("${word//:/\\:}:${line#*$'\t'}")
    done
    _describe -V nf offered "${ending[@]}"
}
if [ "$funcstack[1]" = _nf ]; then
    _nf "$@"
else
    compdef _nf nf
fi
"""
FISH = r"""# Completion of nf for fish.
function __nf_offered
    set -l current (commandline -ct)
    set -l line (commandline -opc) "$current"
    set -l offered ($line[1] @COMPLETE@ fish (math (count $line) - 1) $line 2>/dev/null)
    switch "$offered[1]"
        case files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
        case '*'
            test (count $offered) -gt 1; and printf '%s\n' $offered[2..-1]
    end
end
complete -c nf -f -a '(__nf_offered)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

Candidates = list[tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """What may stand where the cursor is.

    Attributes:
        candidates: Words with their descriptions.
        files: Names of files may stand there.
        goes_on: No blank follows: there is more to the word.
        several: Names with commas between them; the last one is completed.
    """

    candidates: Sequence[tuple[str, str]] = ()
    files: bool = False
    goes_on: bool = False
    several: bool = False


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("shell", choices=list(SCRIPTS), metavar="SHELL", help="bash, zsh or fish")


def run(arguments: Namespace) -> int:
    """Prints the script."""
    print(SCRIPTS[arguments.shell].replace("@COMPLETE@", COMPLETE), end="")
    return exits.OK


def complete(words: Sequence[str]) -> int:
    """Answers a script: shell, place of the word under the cursor, and the words of the line."""
    shell, place, *line = words
    before, current = line[1 : int(place)], [*line, ""][int(place)]
    if shell == "bash":
        before, current = _joined(before, current)
    offer, start = offered(before, current)
    # bash takes an option's value behind `=` as a word of its own.
    shown = "" if shell == "bash" and start.startswith("--") else start
    print("files" if offer.files else "nospace" if offer.goes_on else "words")
    # A protocol's message and its transactions may have fields of the same name.
    known: dict[str, str] = {}
    for word, what in offer.candidates:
        known.setdefault(word, what)
    for word, what in known.items():
        if (start + word).startswith(current):
            print(f"{shown}{word}\t{what}")
    return exits.OK


def _joined(before: list[str], current: str) -> tuple[list[str], str]:
    """The words without bash's breaks at `=`."""
    whole: list[str] = []
    for word in [*before, current]:
        if whole and (word == "=" or whole[-1].endswith("=")) and whole[-1].startswith("--"):
            whole[-1] += word
        else:
            whole.append(word)
    return whole[:-1], whole[-1]


def offered(before: list[str], current: str) -> tuple[Offer, str]:
    """What may stand after the words `before`, and the part of `current` that is settled."""
    if not before:
        return Offer(
            [*NOUNS.items(), ("--help", "print help"), ("--version", "print the version")]
        ), ""
    noun = before[0]
    return _offered_by(noun, before, current) if noun in NOUNS else (Offer(), "")


def _offered_by(noun: str, before: list[str], current: str) -> tuple[Offer, str]:
    parser, before = _innermost(parser_of(noun), before)
    actions = _actions(parser)
    options = {name: action for action in actions for name in action.option_strings}
    name, equals, value = current.partition("=")
    if equals and name in options:
        offer = _values(noun, options[name], before, value)
        return offer, f"{name}=" + _settled(offer, value)
    last = options.get(before[-1])
    if last is not None and last.nargs != 0 and last.dest not in OPTIONAL:
        offer = _values(noun, last, before, current)
        return offer, _settled(offer, current)
    if current.startswith("-"):
        return Offer([(name, _help(action)) for name, action in options.items()]), ""
    positional = [action for action in actions if not action.option_strings]
    place = _words_before(before[1:], options)
    here = positional[place : place + 1] or positional[-1:]
    return next((_values(noun, one, before, current) for one in here), Offer()), ""


def _innermost(parser: ArgumentParser, before: list[str]) -> tuple[ArgumentParser, list[str]]:
    """The parser of the verb that the line names, if the noun has verbs, and its words."""
    for action in _actions(parser):
        if isinstance(action.choices, dict):
            for place, word in enumerate(before):
                if word in action.choices:
                    return action.choices[word], before[place:]
    return parser, before


def _words_before(before: list[str], options: dict[str, Action]) -> int:
    """How many of the words are neither options nor their values."""
    count = 0
    takes_value = False
    for word in before:
        if takes_value:
            takes_value = False
        elif word.startswith("-"):
            action = options.get(word)
            takes_value = action is not None and action.nargs != 0 and action.dest not in OPTIONAL
        else:
            count += 1
    return count


def _plugins_in(before: list[str]) -> "tuple[Description, ...]":
    """The plugins that the line names already; none where one is broken."""
    from nf.errors import ConfigurationError  # noqa: PLC0415
    from nf.plugins.loading import load_plugins  # noqa: PLC0415

    words = [word.removeprefix("--plugin=") for word in before if word.startswith("--plugin=")]
    words += [word for option, word in pairwise(before) if option == "--plugin"]
    try:
        return load_plugins(*words).descriptions
    except ConfigurationError:
        # The command itself will say what is wrong; a completion has no place for it.
        return ()


def _actions(parser: ArgumentParser) -> list[Action]:
    return [action for action in parser._actions if action.help != SUPPRESS]  # noqa: SLF001


def _help(action: Action) -> str:
    """The first words of an option's help."""
    return (action.help or "").split(";")[0].replace("%(default)s", str(action.default))


def _settled(offer: Offer, value: str) -> str:
    return value[: value.rfind(",") + 1] if offer.several else ""


def _values(noun: str, action: Action, before: list[str], current: str) -> Offer:
    """What may be the value of an option, or an argument without one."""
    if action.choices:
        return Offer([(str(choice), "") for choice in action.choices])
    known = VALUES.get(action.dest if action.option_strings else f"{noun} {action.dest}")
    return Offer() if known is None else known(before, current)


def _files(before: list[str], current: str) -> Offer:
    del before, current
    return Offer(files=True)


def _plugin_files(before: list[str], current: str) -> Offer:
    del current
    # A new plugin's name is the user's to choose.
    return Offer(files="check" in before)


def _protocols(before: list[str], current: str) -> Offer:
    del current
    from nf.catalog import protocols  # noqa: PLC0415  # the engine only where its names are needed

    return Offer([(one.name, one.title) for one in protocols(_plugins_in(before))])


def _protocol_list(before: list[str], current: str) -> Offer:
    return Offer(_protocols(before, current).candidates, several=True)


def _applications(before: list[str], current: str) -> Offer:
    del before, current
    from nf.catalog import applications  # noqa: PLC0415

    return Offer([(one.name, one.category) for one in applications()])


def _risks(before: list[str], current: str) -> Offer:
    del before, current
    from nf.catalog import risks  # noqa: PLC0415

    return Offer([(one.name, one.title) for one in risks()])


def _attributes(before: list[str], current: str) -> Offer:
    """`protocol.attribute`: first the protocols, behind the dot the attributes."""
    from nf.catalog import protocols  # noqa: PLC0415

    known = protocols(_plugins_in(before))

    word = current.rpartition(",")[2]
    name, dot, _ = word.partition(".")
    if not dot:
        return Offer([(f"{one.name}.", one.title) for one in known], goes_on=True, several=True)
    return Offer(
        [
            (f"{one.name}.{attribute.name}", attribute.doc)
            for one in known
            if one.name == name
            for attribute in one.attributes
        ],
        several=True,
    )


def _words_of_rows(before: list[str], current: str) -> Offer:
    """Fields for --fields: those of sessions, and of the report that was asked for."""
    del current
    from nf.catalog import filter_words, session_fields  # noqa: PLC0415

    known = [(one.name, one.doc) for one in session_fields()]
    if "transaction" in before or "--report=transaction" in before:
        known += [("ts", "When it began."), ("transaction_protocol", ""), ("transaction", "")]
        words = filter_words(_plugins_in(before))
        known += [(one.name, one.type) for one in words if "." in one.name]
    return Offer(known, several=True)


def _words_of_filters(before: list[str], current: str) -> Offer:
    del current
    from nf.catalog import filter_words  # noqa: PLC0415

    return Offer([(one.name, one.type) for one in filter_words(_plugins_in(before))])


def _timeouts(before: list[str], current: str) -> Offer:
    del before, current
    from nf.cli.read_options import TIMEOUTS  # noqa: PLC0415

    return Offer([(f"{name}=", "") for name in TIMEOUTS], goes_on=True)


def _config_paths(before: list[str], current: str) -> Offer:
    """Paths of the configuration, one step at a time."""
    del before
    from nf._native.yang import Context  # noqa: PLC0415  # only where the model is needed
    from nf.mgmt.naming import ROOT, bare_paths  # noqa: PLC0415
    from nf.mgmt.schema import ModuleSet  # noqa: PLC0415

    nodes = Context(*ModuleSet.read().for_context()).nodes()
    typed = current.rpartition("/")[0]
    parent = bare_paths(typed) if typed else ""
    found = []
    for node in nodes:
        bare = bare_paths(node["path"])
        for root in (ROOT.rstrip("/"), ""):
            inner = bare.removeprefix(f"{root}{parent}/") if bare.startswith(root) else bare
            if inner != bare and "/" not in inner:
                found.append((f"{typed}/{inner}" if typed else inner, node["description"] or ""))
    return Offer([(word, what.split(".")[0]) for word, what in found], goes_on=True)


OPTIONAL = ("stats", "risks")
"""Options whose value, if any, stands behind a `=`."""


def _hosts(before: list[str], current: str) -> Offer:
    """Aliases of ~/.ssh/config."""
    del before, current
    from pathlib import Path  # noqa: PLC0415

    try:
        text = (Path.home() / ".ssh" / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Offer()
    lines = (line.split() for line in text.splitlines())
    names = [name for words in lines if words and words[0].lower() == "host" for name in words[1:]]
    return Offer([(name, "") for name in names if not set(name) & set("*?!")])


def _dumps(before: list[str], current: str) -> Offer:
    """Files of dumps, where the probe of this machine is the one that is meant."""
    del current
    from nf.cli.dump import kept_files  # noqa: PLC0415
    from nf.errors import NfError  # noqa: PLC0415

    try:
        return Offer([(name, "") for name in kept_files(before)])
    except NfError:
        # The command itself will say what is wrong; a completion has no place for it.
        return Offer()


VALUES: dict[str, Callable[[list[str], str], Offer]] = {
    "read files": _files,
    "output": _files,
    "apps": _files,
    "plugins": _files,
    "risk_files": _files,
    "risks": _files,
    "plugin what": _plugin_files,
    "protocols name": _protocols,
    "apps name": _applications,
    "risks name": _risks,
    "root": _protocols,
    "disable": _protocol_list,
    "events": _attributes,
    "attributes": _attributes,
    "fields": _words_of_rows,
    "where": _words_of_filters,
    "timeout": _timeouts,
    "config path": _config_paths,
    "config paths": _config_paths,
    "config values": _config_paths,
    "config file": _files,
    "config": _files,
    "trace": _files,
    "set": _config_paths,
    "host": _hosts,
    "delete": _dumps,
}
"""What completes a value, by its destination; an argument without an option by noun and name."""
