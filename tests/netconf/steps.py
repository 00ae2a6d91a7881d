"""What random sessions do: steps as plain data, so that they can be kept, left out and replayed."""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.netconf.peer import BOX
from tests.netconf.reference import Change, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

SESSIONS = 8
NAMES = ("a", "b", "c")
OPERATIONS = ("merge", "merge", "merge", "replace", "create", "delete", "remove")


@dataclass(frozen=True)
class Act:
    """One operation of one session.

    Attributes:
        session: Whose.
        word: Which.
        stores: Datastores that it names.
        changes: Of an edit.
        flag: Of an edit: only tested; of a commit: confirmed.
    """

    session: int
    word: str
    stores: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    flag: bool = False

    def on(self, world: Reference) -> frozenset[str]:
        """Does it to a reference; gives the answers that are right."""
        ways: dict[str, Callable[[], frozenset[str]]] = {
            "edit": lambda: world.edit(self.session, *self.stores, self.changes, self.flag),
            "commit": lambda: world.commit(self.session, self.flag),
            "cancel": lambda: world.cancel(self.session),
            "discard": lambda: world.discard(self.session),
            "copy": lambda: world.copy_store(self.session, *self.stores),
            "validate": lambda: world.validate(*self.stores),
            "lock": lambda: world.lock(self.session, *self.stores),
            "unlock": lambda: world.unlock(self.session, *self.stores),
        }
        return ways[self.word]()

    def xml(self) -> str:
        """The same for the function."""
        stores = [f"<{store}/>" for store in self.stores]
        if self.word == "edit":
            test = "<test-option>test-only</test-option>" if self.flag else ""
            content = "".join(map(node, self.changes))
            return (
                f"<edit-config><target>{stores[0]}</target>{test}"
                f'<config><box xmlns="{BOX}">{content}</box></config></edit-config>'
            )
        more = "<confirmed/><confirm-timeout>3600</confirm-timeout>" if self.flag else ""
        source = f"<source>{stores[0]}</source>" if stores else ""
        return {
            "commit": f"<commit>{more}</commit>",
            "cancel": "<cancel-commit/>",
            "discard": "<discard-changes/>",
            "copy": f"<copy-config><target>{''.join(stores[1:])}</target>{source}</copy-config>",
            "validate": f"<validate>{source}</validate>",
        }.get(self.word, f"<{self.word}><target>{''.join(stores)}</target></{self.word}>")


def node(change: Change) -> str:
    """A change as an element."""
    said = f' nc:operation="{change.operation}"'
    if change.leaf is None:
        return f"<port{said}><name>{change.port}</name></port>"
    leaf = f"<{change.leaf}{said}>{escape(change.value or '')}</{change.leaf}>"
    return leaf if change.port is None else f"<port><name>{change.port}</name>{leaf}</port>"


@dataclass(frozen=True)
class Step:
    """What happens between two looks at the datastores.

    Attributes:
        kind: `act`: one operation; `burst`: several sessions at once; `close`, `drop`, `kill`: a
            session ends; `term`, `crash`: the process does; `strike`: it is killed while it works.
        acts: Operations.
        session: Whose end.
    """

    kind: str
    acts: tuple[Act, ...] = ()
    session: int = 0
    by: int = 0


def step(seed: str, number: int) -> Step:
    """One step, which depends on nothing but seed and number."""
    dice = Random(f"{seed}/{number}")  # noqa: S311 - has to be the same again
    roll = dice.random()
    session = dice.randrange(SESSIONS)
    if roll < 0.01:
        return Step(dice.choice(("term", "crash")))
    if roll < 0.02:
        return Step("strike", (edit(dice, session),))
    if roll < 0.06:
        other = (session + dice.randrange(1, SESSIONS)) % SESSIONS
        return Step(dice.choice(("close", "drop", "kill")), (), session, other)
    if roll < 0.26:
        several = dice.sample(range(SESSIONS), dice.randrange(2, 5))
        return Step("burst", tuple(act(dice, one) for one in several))
    return Step("act", (act(dice, session),))


def act(dice: Random, session: int) -> Act:
    """Something that a session may try."""
    words = ("edit", "commit", "discard", "cancel", "copy", "validate", "lock", "unlock")
    word = dice.choices(words, (12, 4, 1, 1, 2, 1, 1, 3))[0]
    stores = ("running", "candidate", "startup")
    match word:
        case "edit":
            return edit(dice, session)
        case "commit":
            return Act(session, word, flag=dice.random() < 0.2)
        case "copy":
            return Act(session, word, tuple(dice.sample(stores, 2)))
        case "validate" | "lock" | "unlock":
            return Act(session, word, (dice.choice(stores),))
        case _:
            return Act(session, word)


def edit(dice: Random, session: int) -> Act:
    """One, two or three changes, none of the same node."""
    places = [(None, leaf) for leaf in ("name", "low", "high", "hidden")]
    places += [(port, leaf) for port in NAMES for leaf in (None, "mtu")]
    chosen, taken = [], set()
    for port, leaf in dice.sample(places, dice.choice((1, 1, 2, 3))):
        # An entry and a leaf in it: what comes first would decide, which the RFC leaves open.
        if port is not None and port in taken:
            continue
        taken.add(port)
        operation = dice.choice(OPERATIONS)
        value = None
        if leaf is not None and operation not in {"delete", "remove"}:
            value = value_of(dice, leaf)
        chosen.append(Change(operation, leaf, value, port))
    return Act(
        session,
        "edit",
        (dice.choice(("running", "candidate", "candidate")),),
        tuple(chosen),
        dice.random() < 0.05,
    )


def value_of(dice: Random, leaf: str) -> str:
    """A value; one in eight is wrong."""
    wrong = dice.random() < 0.125
    match leaf:
        case "name":
            return "x" * 33 if wrong else dice.choice(("ü & <b>", "probe", "a" * 32))
        case "mtu":
            return dice.choice(("63", "9217", "-1", "")) if wrong else str(dice.randint(64, 9216))
        case "low" | "high":
            return dice.choice(("256", "1.5", "ten")) if wrong else str(dice.randint(0, 30))
        case _:
            return dice.choice(("", "secret"))
