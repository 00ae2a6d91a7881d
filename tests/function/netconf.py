"""NETCONF from a test to a probe in a namespace, over ncclient."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from lxml import etree

from tests.function.conftest import PATIENCE, Probe

ROOT = Path(__file__).resolve().parents[2]
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
DATASTORES = "urn:ietf:params:xml:ns:yang:ietf-datastores"
NS = {"nc": BASE, "ncds": NMDA}


class Answer:
    """A reply.

    Attributes:
        root: `<rpc-reply>`.
    """

    def __init__(self, text: str) -> None:
        self.root = etree.fromstring(text.encode())

    @property
    def errors(self) -> list[dict[str, str]]:
        """Of each error its tag, app-tag, path and message."""
        return [
            {etree.QName(one).localname: "".join(one.itertext()) for one in error}
            for error in self.root.findall("nc:rpc-error", NS)
        ]

    @property
    def ok(self) -> bool:
        return self.root.find("nc:ok", NS) is not None

    def texts(self, name: str) -> list[str]:
        """Texts of all elements of a name, whatever their namespace."""
        return [one.text or "" for one in self.root.iter(f"{{*}}{name}")]


class Netconf:
    """A session with a probe."""

    def __init__(self, probe: Probe, user: str = "admin") -> None:
        command = (sys.executable, "-m", "tests.function.netconf_client", "8300", user)
        self._client = subprocess.Popen(
            ["ip", "netns", "exec", probe.space, *command, "a password of the test"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._to, self._from = self._client.stdin, self._client.stdout
        self.capabilities = json.loads(self._from.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._to.close()
        self._client.wait(PATIENCE)
        self._from.close()

    def ask(self, body: str) -> Answer:
        """Sends the body of an `<rpc>`."""
        self._to.write(json.dumps(body) + "\n")
        self._to.flush()
        return Answer(json.loads(self._from.readline()))

    def heard(self, name: str) -> Answer:
        """The next notification of a name, to which this session has subscribed."""
        while True:
            self._to.write("null\n")
            self._to.flush()
            text = json.loads(self._from.readline())
            assert text, f"no {name}"
            if (told := Answer(text)).root.find(f"{{*}}{name}") is not None:
                return told

    def edit(self, config: str, operation: str = "merge") -> Answer:
        """Edits running."""
        return self.ask(
            f'<edit-config xmlns="{BASE}"><target><running/></target>'
            f"<default-operation>{operation}</default-operation>"
            f"<config>{config}</config></edit-config>"
        )

    def running(self) -> Answer:
        """All of running."""
        return self.ask(f'<get-config xmlns="{BASE}"><source><running/></source></get-config>')

    def operational(self, subtree: str) -> Answer:
        """State by `<get-data>` (RFC 8526) with a subtree filter."""
        return self.ask(
            f'<get-data xmlns="{NMDA}" xmlns:ds="{DATASTORES}">'
            f"<datastore>ds:operational</datastore>"
            f"<subtree-filter>{subtree}</subtree-filter></get-data>"
        )
