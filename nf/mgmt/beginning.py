"""What nf-mgmt begins with: the first configuration, files and values from the command line."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nf.errors import ConfigurationError, YangError
from nf.mgmt.day0 import First, first_configuration
from nf.mgmt.history import History
from nf.mgmt.naming import Names
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf._native.yang import Context, Tree

__all__ = ["Wishes", "begin"]

LISTEN = "/nf-probe:probe/management/netconf/listen"
CAPTURE = "/nf-probe:probe/nf-capture:capture"
SYSTEM, NACM = "ietf-system:system", "ietf-netconf-acm:nacm"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; see `nf run --help`.

    Attributes:
        config: File that takes the place of the start-up configuration.
        interfaces: Interfaces to capture from, in place of those configured.
        files: Files to read, likewise.
        values: Paths and values.
        netconf: Address and port to listen on, when nothing else is configured.
    """

    config: Path | None = None
    interfaces: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    netconf: tuple[str, int] | None = None

    @property
    def are_for_running(self) -> bool:
        """Whether something is to be put on top of the configuration."""
        return bool(self.interfaces or self.files or self.values)


def begin(  # noqa: PLR0913 - each is asked of another part of management
    context: "Context",
    history: History,
    wishes: Wishes,
    hash_password: Callable[[str], str],
    environ: Mapping[str, str],
    *,
    for_disk: Callable[["Tree"], None],
) -> First:
    """The configuration of a first start; a file that is asked for also becomes the start-up.

    Values of the command line are in it, too: `overlay` puts them on a configuration that is there.

    Args:
        context: The schema.
        history: Where the start-up configuration is.
        wishes: Of the command line.
        hash_password: Gives what ietf-system stores.
        environ: Where the administrator's password and key may be.
        for_disk: Takes out of a tree what must not be written with it, such as private keys.

    Raises:
        ConfigurationError: A file or a value is wrong, or a private key cannot be written.
    """
    first = first_configuration(context, hash_password, environ, wishes.config)
    tree = context.parse(first.data, "json")
    if wishes.config is not None and (startup := history.startup()) is not None:
        # A file that names no users leaves those that there are.
        known = context.parse(startup.data, "json")
        stated = context.parse(wishes.config.read_bytes(), form_of(wishes.config))
        if not stated.find(f"/{SYSTEM}/authentication/user"):
            for top in (SYSTEM, NACM):
                tree.remove(f"/{top}")
            kept = {
                k: one for k, one in known.to_data(defaults=False).items() if k in {SYSTEM, NACM}
            }
            tree.merge(context.parse(json.dumps(kept).encode(), "json"))
            first = First(b"", None)
    if wishes.netconf is not None and not tree.find(LISTEN):
        address, port = wishes.netconf
        tree.set(f"{LISTEN}[name='default']/address", address)
        tree.set(f"{LISTEN}[name='default']/port", str(port))
    if wishes.config is not None:
        checked(tree, str(wishes.config))
        try:
            for_disk(tree)
        except RpcErrors as error:
            wrong = error.errors[0]
            raise ConfigurationError(
                wrong.message, f"{wishes.config}: {wrong.path}", "see the model: nf yang tree"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"a private key cannot be written: {error.strerror}",
                str(wishes.config),
                "let the process write its state folder",
            ) from error
        history.write_startup(tree.to_json(), user="nf run")
    overlay(tree, wishes, Names(context.nodes()))
    checked(tree, "the command line")
    return First(tree.to_json(), first.password)


def overlay(tree: "Tree", wishes: Wishes, names: Names) -> None:
    """Puts the values of the command line on a configuration.

    Raises:
        ConfigurationError: There is no such node, or it cannot have that value.
    """
    try:
        if wishes.interfaces or wishes.files:
            tree.remove(f"{CAPTURE}/interface")
            tree.remove(f"{CAPTURE}/file")
        for name in wishes.interfaces:
            tree.set(f"{CAPTURE}/interface[name='{name}']", None)
        for file in wishes.files:
            tree.set(f"{CAPTURE}/file/path[.='{Path(file).absolute()}']", None)
        for path, value in wishes.values:
            tree.set(names.path(path), value)
    except YangError as error:
        problem = error.errors[0]
        raise ConfigurationError(
            problem.message, problem.path or "-X", "nf yang tree shows what can be set"
        ) from error


def form_of(path: Path) -> Literal["xml", "json"]:
    """Whether a file is XML or JSON."""
    return "xml" if path.read_bytes().lstrip().startswith(b"<") else "json"


def checked(tree: "Tree", place: str) -> None:
    """Validates.

    Raises:
        ConfigurationError: It is not valid.
    """
    try:
        tree.copy().validate()
    except YangError as error:
        problems: Sequence[str] = [
            f"{one.message} ({one.path})" if one.path else one.message for one in error.errors[:10]
        ]
        raise ConfigurationError(
            "\n".join(problems), place, "nf yang tree shows what can be set, and how"
        ) from error
