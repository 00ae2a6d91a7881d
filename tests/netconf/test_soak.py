"""Eight sessions do at random what they may and may not; the function and a dictionary agree.

A step's answers and the datastores after it must be those of a reference. What happens at once may
happen in any order, and what is struck by a kill may have happened or not: then there are several
references, until what is read tells them apart.
"""

import contextlib
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from lxml import etree

from tests.netconf.conftest import BOX_MODULE
from tests.netconf.peer import BOX, MONITORING, NS, Closed, Loop, Peer
from tests.netconf.reference import OK, Box, Reference
from tests.netconf.steps import SESSIONS, Step, step
from tests.waiting import until

PASSWORD = "a password of the soak"  # noqa: S105 - of the tests
STORES = ("running", "candidate", "startup")
STEPS = 400
"""How many there are at least; some twenty seconds."""
SHRINKING = 120.0
"""Seconds that may be spent on a shorter story; half of a long soak's."""
MOST_WORLDS = 64


class Disagreement(AssertionError):
    """The function and the references do not agree."""


class Function:
    """The process, and sessions of it; `looker` is one that only looks."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self._loop = loop
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NF_")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nf.mgmt.netconf"),
                *("--state", str(self._folder / "state"), "--listen", "127.0.0.1:0"),
                *("--search", str(BOX_MODULE), "--module", "nf-test"),
            ],
            stdout=subprocess.PIPE,
            env={**clean, "NF_ADMIN_PASSWORD": PASSWORD},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Disagreement(f"the function does not start: {self.process.wait()}")
        self.port = json.loads(line)["first"]
        self.looker = self.open()
        self.sessions = [self.open() for _ in range(SESSIONS)]

    def open(self) -> Peer:
        return Peer(self._loop, self.port, "admin", PASSWORD)

    def end(self, number: int) -> int:
        """Ends the process and the sessions."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        for peer in (self.looker, *self.sessions):
            peer.close()
        return code

    def again(self, number: int) -> None:
        code = self.end(number)
        if number == signal.SIGTERM and code != 0:
            raise Disagreement(f"told to end, the function ended with {code}")
        self.begin()

    def is_open(self, session: int) -> bool:
        data = self.looker.data(
            f'<get><filter><netconf-state xmlns="{MONITORING}"><sessions/></netconf-state>'
            "</filter></get>"
        )
        found = data.iterfind(".//m:session/m:session-id", NS)
        return str(session) in {one.text for one in found}

    def box(self, store: str) -> Box:
        """What a datastore has in the box."""
        data = self.looker.data(
            f"<get-config><source><{store}/></source>"
            f'<filter><box xmlns="{BOX}"/></filter></get-config>'
        )
        made: Box = {}
        for leaf in data.iterfind("t:box/*", NS):
            name = etree.QName(leaf).localname
            if name == "port":
                inner = {etree.QName(one).localname: one.text or "" for one in leaf}
                made.setdefault("port", {})[inner.pop("name")] = inner
            else:
                made[name] = leaf.text or ""
        return made


class Play:
    """Steps, done to a function and to references."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.worlds = [Reference()]
        self.answers: Counter[str] = Counter()

    def begin(self) -> None:
        """The start-up configuration is that of the first start: it has the administrator in it."""
        self._function.looker.ok(
            "<copy-config><target><startup/></target><source><running/></source></copy-config>"
        )

    def do(self, one: Step) -> None:
        """One step.

        Raises:
            Disagreement: No reference answers and stands as the function does.
        """
        match one.kind:
            case "act" | "burst":
                self._act(one)
            case "close" | "drop" | "kill":
                self._end_session(one)
            case "strike":
                self._strike(one)
            case kind:
                self._function.again(signal.SIGTERM if kind == "term" else signal.SIGKILL)
                for world in self.worlds:
                    world.restart()
        self._look(one)

    def _act(self, one: Step) -> None:
        peers = [self._function.sessions[act.session] for act in one.acts]
        for act, peer in zip(one.acts, peers, strict=True):
            peer.ask(act.xml())
        answers = [answer_of(peer.receive()) for peer in peers]
        self.answers.update(itertools.chain.from_iterable(answers))
        made: list[Reference] = []
        wanted: list[list[str]] = []
        for world in self.worlds:
            for order in itertools.permutations(range(len(one.acts))):
                later = world.copy()
                right = {at: one.acts[at].on(later) for at in order}
                wanted.append([f"{at}: {'/'.join(sorted(right[at]))}" for at in order])
                if all(answers[at] <= right[at] for at in order):
                    made.append(later)
        if not made:
            said = [sorted(answer) for answer in answers]
            raise Disagreement(f"answered {said}, right were {wanted[:8]}\n{self._stand()}")
        self.worlds = unlike(made)

    def _end_session(self, one: Step) -> None:
        function = self._function
        peer = function.sessions[one.session]
        if one.kind == "close":
            peer.ok("<close-session/>")
        elif one.kind == "kill":
            killer = function.sessions[one.by]
            killer.ok(f"<kill-session><session-id>{peer.session_id}</session-id></kill-session>")
        peer.close()
        until(lambda: not function.is_open(peer.session_id))
        function.sessions[one.session] = function.open()
        for world in self.worlds:
            world.end(one.session)

    def _strike(self, one: Step) -> None:
        (act,) = one.acts
        self._function.sessions[act.session].ask(act.xml())
        self._function.again(signal.SIGKILL)
        made = []
        for world in self.worlds:
            happened = world.copy()
            act.on(happened)
            made += [world, happened]
        for world in made:
            world.restart()
        self.worlds = unlike(made)

    def _look(self, one: Step) -> None:
        seen = {store: self._function.box(store) for store in STORES}
        fitting = [world for world in self.worlds if all(world.shown(s) == seen[s] for s in STORES)]
        if not fitting:
            raise Disagreement(f"after {one.kind} the function has {seen}\n{self._stand()}")
        if len(fitting) > MOST_WORLDS:
            raise Disagreement(f"{len(fitting)} stories fit, which proves nothing")
        self.worlds = fitting

    def _stand(self) -> str:
        return "\n".join(f"reference: {world}" for world in self.worlds[:4])


def answer_of(reply: etree._Element) -> frozenset[str]:
    """`ok`, or the first error-tag."""
    if reply.find("nc:ok", NS) is not None:
        return OK
    return frozenset({reply.findtext("nc:rpc-error/nc:error-tag", namespaces=NS) or "nothing"})


def unlike(worlds: Sequence[Reference]) -> list[Reference]:
    """Each only once."""
    kept: list[Reference] = []
    for world in worlds:
        if world not in kept:
            kept.append(world)
    return kept


def replay(loop: Loop, steps: Sequence[Step]) -> tuple[int, str] | None:
    """Does steps to a new function; where they disagree, or None."""
    with tempfile.TemporaryDirectory(prefix="nf-soak-") as folder:
        function = Function(loop, Path(folder))
        try:
            play = Play(function)
            play.begin()
            for number, one in enumerate(steps):
                try:
                    play.do(one)
                except (Disagreement, Closed, TimeoutError) as error:
                    return number, f"{type(error).__name__}: {error}"
        finally:
            function.end(signal.SIGKILL)
    return None


def shrunk(loop: Loop, steps: list[Step], seconds: float) -> tuple[list[Step], str]:
    """A shorter story that ends badly, too, and how."""
    until_when = time.monotonic() + seconds
    why = "it does not happen again"
    size = max(1, len(steps) // 2)
    while time.monotonic() < until_when:
        for start in range(0, len(steps), size):
            less = steps[:start] + steps[start + size :]
            found = replay(loop, less) if less else None
            if found is not None:
                steps, why = less[: found[0] + 1], found[1]
                break
            if time.monotonic() > until_when:
                break
        else:
            if size == 1:
                break
            size //= 2
    return steps, why


def test_eight_sessions_and_a_dictionary_agree_at_every_step(
    loop: Loop, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = float(pytestconfig.getoption("--soak-seconds"))
    seed = str(pytestconfig.getoption("--soak-seed") or secrets.token_hex(4))
    with capsys.disabled():
        print(f"\nsoak: --soak-seed {seed}, {seconds:g} s", flush=True)
    done: list[Step] = []
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="nf-soak-") as folder, contextlib.ExitStack() as ends:
        function = Function(loop, Path(folder))
        ends.callback(lambda: function.end(signal.SIGKILL))
        play = Play(function)
        play.begin()
        # Time says how many more steps there are; what each of them is, it does not.
        until_when = time.monotonic() + seconds
        try:
            while len(done) < STEPS or time.monotonic() < until_when:
                done.append(step(seed, len(done)))
                kinds[done[-1].kind] += 1
                play.do(done[-1])
        except (Disagreement, Closed, TimeoutError) as error:
            steps, why = shrunk(loop, done, max(SHRINKING, seconds / 2))
            told = "\n".join(map(str, steps))
            pytest.fail(
                f"seed {seed}, step {len(done) - 1}: {error}\n\n"
                f"{len(steps)} of {len(done)} steps are enough:\n{told}\n\n{why}"
            )
    with capsys.disabled():
        print(f"soak: {len(done)} steps agree, {dict(kinds)}", flush=True)
        print(f"soak: answers {dict(play.answers)}", flush=True)
    # Changes and refusals, or it was no soak.
    assert {"ok", "operation-failed", "in-use"} <= {*play.answers}
