"""Configuration and state of a probe on another machine."""

from collections.abc import Iterable, Sequence
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from nf._native.yang import Context, Tree
from nf.cli.remote.netconf import Netconf
from nf.errors import ChannelError, YangError
from nf.mgmt import local
from nf.mgmt.datastores import Store
from nf.mgmt.netconf.names import BASE, DEFAULTS, NMDA
from nf.mgmt.netconf.xml import content
from nf.mgmt.past import LIST, READ, ROLLBACK
from nf.mgmt.paths import Step, parse

__all__ = ["RemoteDoor"]

STORES = "urn:ietf:params:xml:ns:yang:ietf-datastores"


class RemoteDoor:
    """See `Door`; who may do what, the function decides by the user of the session.

    Args:
        session: To the function.
        context: The model as this installation has it.
        place: What the function is called in errors.
    """

    def __init__(self, session: Netconf, context: Context, place: str) -> None:
        self._session = session
        self._context = context
        self._place = place
        modules = context.modules()
        self._spaces = {module["name"]: module["namespace"] for module in modules}
        self._ours = self._spaces["nf-probe"]

    def read(self, store: local.Store, path: str, *, defaults: bool) -> Tree:
        """What lies at a data path, see `Door`."""
        # Not report-all-tagged: it tags what was set to the default, too (RFC 6243 section 3.4).
        mode = "report-all" if defaults else "explicit"
        steps = parse(path) if path else ()
        path = _xpath(steps)
        spaces = "".join(
            f" xmlns:{module}={quoteattr(self._spaces[module])}"
            for module in dict.fromkeys(step.module for step in steps)
        )
        if store == "operational":
            chosen = f"<xpath-filter{spaces}>{escape(path)}</xpath-filter>" if path else ""
            asked = (
                f"<get-data xmlns={quoteattr(NMDA)} xmlns:ds={quoteattr(STORES)}>"
                f"<datastore>ds:operational</datastore>{chosen}"
                f"<with-defaults>{mode}</with-defaults></get-data>"
            )
        else:
            chosen = f'<filter type="xpath"{spaces} select={quoteattr(path)}/>' if path else ""
            shown = f"<with-defaults xmlns={quoteattr(DEFAULTS)}>{mode}</with-defaults>"
            asked = f"<get-config><source><{store}/></source>{chosen}{shown}</get-config>"
        reply = self._session.ask(asked.encode())
        return self._tree(reply, "data" if store == "operational" else "config")

    def _tree(self, reply: etree._Element, kind: Literal["config", "data"]) -> Tree:
        data = b"".join(content(one) for one in reply if etree.QName(one).localname == "data")
        if not data:
            return self._context.empty()
        try:
            return self._context.parse(data, "xml", kind=kind)
        except YangError as error:
            raise ChannelError(
                f"the function has another model than this installation: {error.what}",
                self._place,
                "use the release of nf that the function has (nf version)",
            ) from error

    def edit(
        self, target: Store, config: bytes, default: Literal["merge", "replace", "none"]
    ) -> None:
        """Carries out a `<config>`."""
        self._session.ask(
            f"<edit-config><target><{target}/></target>"
            f"<default-operation>{default}</default-operation>".encode()
            + config
            + b"</edit-config>"
        )

    def validate(self, config: bytes) -> None:
        """Checks a `<config>`."""
        self._session.ask(b"<validate><source>" + config + b"</source></validate>")

    def copy(self, source: Store | bytes, target: Store) -> None:
        """Copies a datastore or a `<config>`."""
        given = source if isinstance(source, bytes) else f"<{source}/>".encode()
        self._session.ask(
            f"<copy-config><target><{target}/></target><source>".encode()
            + given
            + b"</source></copy-config>"
        )

    def past(self) -> Sequence[local.HistoryEntry]:
        """The history."""
        reply = self._call(LIST)
        return [self._entry(one) for one in reply.iterfind(f"{{{self._ours}}}configuration")]

    def _entry(self, node: etree._Element) -> local.HistoryEntry:
        def text(name: str) -> str:
            return node.findtext(f"{{{self._ours}}}{name}") or ""

        return local.HistoryEntry(
            int(text("number")),
            text("when"),
            text("user"),
            text("protocol"),
            text("source"),
            tuple(one.text or "" for one in node.iterfind(f"{{{self._ours}}}changed")),
            int(text("more-changed")),
        )

    def past_config(self, number: int) -> Tree:
        """A configuration of the history."""
        reply = self._call(READ, [("number", str(number))])
        said = reply.findtext(f"{{{self._ours}}}content") or "{}"
        return self._context.parse(said.encode(), "json")

    def rollback(self, number: int) -> None:
        """Puts one in force again."""
        self._call(ROLLBACK, [("number", str(number))])

    def _call(self, path: str, given: Iterable[tuple[str, str]] = ()) -> etree._Element:
        """Calls an RPC of the module nf-probe."""
        name = path.rpartition(":")[2]
        leaves = "".join(f"<{leaf}>{escape(value)}</{leaf}>" for leaf, value in given)
        return self._session.ask(
            f"<{name} xmlns={quoteattr(self._ours)}>{leaves}</{name}>".encode()
        )

    def operations(self) -> Sequence[str]:
        """The RPCs of the model that are not NETCONF's own."""
        return [
            node["path"]
            for node in self._context.nodes()
            if node["kind"] == "rpc" and node["module"].startswith("nf-")
        ]

    def operate(self, operation: bytes) -> bytes:
        """Calls an RPC."""
        reply = self._session.ask(operation)
        return b"".join(
            etree.tostring(one, with_tail=False) for one in reply if one.tag != f"{{{BASE}}}ok"
        )


def _xpath(steps: Sequence[Step]) -> str:
    """Steps as XPath 1.0 has them: a name without prefix would be in no namespace at all."""
    made = ""
    for step in steps:
        made += f"/{step.module}:{step.name}"
        for key, value in step.keys:
            quote = '"' if "'" in value else "'"
            made += f"[{key if key == '.' else f'{step.module}:{key}'}={quote}{value}{quote}]"
    return made
