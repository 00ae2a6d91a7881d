"""Configures a probe over NETCONF and tells what it captures, with ncclient and typed classes.

make bindings
PYTHONPATH=. python examples/orchestrate.py HOST PORT USER INTERFACE [FOLDER]

Keys, agent and known hosts are OpenSSH's. The probe is locked while it is changed, and its change
goes through the candidate: it is in force as a whole, or not at all. Then its state is read. FOLDER
is where the probe writes sessions; without it they are not reported.
"""

import sys

import nf_bindings as probe_model
from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError

CONFIG = '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{}</config>'
PROBE = probe_model.NAMESPACES["nf-probe"]
CAPTURE = probe_model.NAMESPACES["nf-capture"]


def wanted(interface: str, folder: str | None) -> probe_model.Probe:
    """What this site wants of every probe."""
    probe = probe_model.Probe()
    probe.engine.workers = 2
    probe.engine.timeouts.short = 20
    probe.capture.filter = "not port 22"
    probe.capture.interface.append(probe_model.CaptureInterface(name=interface))
    if folder is not None:
        probe.outputs.file.enabled = True
        probe.outputs.file.directory = folder
        probe.reports.session.enabled = True
        probe.reports.session.output.append("nf-types:file")
    return probe


def configure(session: manager.Manager, probe: probe_model.Probe) -> None:
    """Puts it in force, and keeps it over a restart."""
    with session.locked("candidate"):
        session.discard_changes()
        edit = CONFIG.format(probe_model.probe_to_xml(probe))
        session.edit_config(target="candidate", config=edit)
        session.commit()
        session.copy_config(source="running", target="startup")


def configured(session: manager.Manager) -> probe_model.Probe:
    """What is in force, as objects."""
    chosen = ("subtree", f'<probe xmlns="{PROBE}"/>')
    reply = session.get_config(source="running", filter=chosen)
    return probe_model.probe_from_xml(etree.tostring(reply.data_ele))


def capturing(session: manager.Manager) -> probe_model.CaptureState:
    """How the capture is."""
    inside = f'<capture xmlns="{CAPTURE}"><state/></capture>'
    reply = session.get(filter=("subtree", f'<probe xmlns="{PROBE}">{inside}</probe>'))
    return probe_model.probe_from_xml(etree.tostring(reply.data_ele)).capture.state


def main() -> int:
    """Configures, reads back, and prints."""
    host, port, user, interface, *more = sys.argv[1:]
    with manager.connect(
        host=host, port=int(port), username=user, hostkey_verify=True, timeout=60
    ) as session:
        try:
            configure(session, wanted(interface, more[0] if more else None))
        except RPCError as error:
            path = (error.path or "the request").strip()
            print(f"refused: {error.message}\n  at: {path}", file=sys.stderr)
            return 1
        probe = configured(session)
        names = ", ".join(one.name for one in probe.capture.interface)
        print(f"probe {probe.id or 0} captures {probe.capture.filter!r} from {names}")
        print(f"sessions end after {probe.engine.timeouts.short} s of silence")
        state = capturing(session)
        print(f"capture is {state.status}")
        for source in state.source:
            print(f"  {source.name}: {source.packets} packets, {source.kernel_drops} lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
