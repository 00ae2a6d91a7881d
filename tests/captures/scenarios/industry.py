"""Industrial protocols between real programs: Modbus, S7, IEC 104, EtherNet/IP, BACnet, OPC UA and
DICOM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import SERVER_IPV4, SERVER_IPV6, Pair
from software import INDUSTRY, environment

if TYPE_CHECKING:
    from pathlib import Path


def _record(
    target: Path, protocol: str, port: int, address: str = SERVER_IPV4, *, udp: bool = False
) -> None:
    """Records one run of a protocol's client of `industry_peer.py` against its server."""
    peer = [str(environment(INDUSTRY)), str(FOLDER / "scenarios" / "industry_peer.py"), protocol]
    with Pair() as lab:
        server = lab.server.spawn([*peer, "server", address, str(port)], ready="listening")
        lab.server.wait_listening("udp" if udp else "tcp", port, server)
        with lab.recording(target):
            lab.client.run([*peer, "client", address, str(port)], patience_s=60)


@recorded(
    "modbus.pcap",
    tools=("pypi-industry:pymodbus",),
    expect={"modbus && tcp.srcport == 502": 13, "modbus.exception_code == 2": 1},
)
def modbus(target: Path) -> None:
    """Modbus: coils, inputs and registers read and written, a mask write, a device that identifies
    itself, a diagnostic, and a register that is not there."""
    _record(target, "modbus", 502)


@recorded(
    "modbus-ipv6.pcap",
    tools=("pypi-industry:pymodbus",),
    expect={"ipv6 && tcp.port == 1502 && tcp.len > 0": 26},
    # tshark does not know Modbus on that port, and takes some of it for something else.
    flaws=("_ws.malformed",),
)
def modbus_ipv6(target: Path) -> None:
    """Modbus over IPv6 on another port."""
    _record(target, "modbus", 1502, SERVER_IPV6)


@recorded(
    "s7comm.pcap",
    tools=("pypi-industry:python-snap7",),
    expect={
        "cotp.type == 0x0e": 1,
        "s7comm.param.func == 0xf0": 2,
        "s7comm.param.func == 4": 6,
        "s7comm.param.func == 5": 2,
        "s7comm.header.rosctr == 7": 4,
    },
    flaws=("_ws.malformed",),
)
def s7comm(target: Path) -> None:
    """S7comm over COTP and TPKT: set-up, data blocks and flags read and written, system services, a
    stop, a block that is not there, and a job that the client builds wrongly."""
    _record(target, "s7", 102)


@recorded(
    "iec104.pcap",
    tools=("pypi-industry:c104",),
    expect={
        "iec60870_104.type == 3": 2,
        "iec60870_asdu.typeid == 100": 3,
        "iec60870_asdu.typeid == 45": 3,
        "iec60870_asdu.typeid == 103": 2,
    },
)
def iec104(target: Path) -> None:
    """IEC 104: start, interrogation, a read, commands that are executed and refused, the clock."""
    _record(target, "iec104", 2404)


@recorded(
    "enip.pcap",
    tools=("pypi-industry:cpppo", "pypi-industry:pycomm3"),
    expect={
        "enip.command == 0x0063": 2,
        "enip.command == 0x0065": 4,
        "enip.command == 0x006f": 6,
        "cip.sc == 0x0a": 1,
        "cip.genstat > 0": 1,
    },
)
def enip(target: Path) -> None:
    """EtherNet/IP with CIP: who is there, sessions, tags read and written several at a time, an
    attribute, and one that is missing."""
    _record(target, "enip", 44818)


@recorded(
    "bacnet.pcap",
    tools=("pypi-industry:bacpypes3",),
    expect={
        "bacapp.unconfirmed_service == 8": 1,
        "bacapp.unconfirmed_service == 0": 1,
        "bacapp.confirmed_service == 12": 6,
        "bacapp.confirmed_service == 14": 2,
        "bacapp.type == 5": 1,
    },
)
def bacnet(target: Path) -> None:
    """BACnet/IP: devices found, properties read one by one and several at a time, a write, and
    errors."""
    _record(target, "bacnet", 47808, udp=True)


@recorded(
    "opcua.pcap",
    tools=("pypi-industry:asyncua",),
    expect={
        'opcua.transport.type == "HEL"': 2,
        'opcua.transport.type == "OPN"': 4,
        "opcua.servicenodeid.numeric == 631": 3,
        "opcua.servicenodeid.numeric == 673": 1,
    },
)
def opcua(target: Path) -> None:
    """OPC UA without encryption: an anonymous client that browses, reads, writes and asks for what
    is not there, and a user with a password in clear."""
    _record(target, "opcua", 4840)


@recorded(
    "dicom.pcap",
    tools=("pypi-industry:pynetdicom",),
    expect={
        "dicom.pdu.type == 1": 3,
        "dicom.pdu.type == 3": 1,
        "dicom.pdu.type == 4": 8,
        "dicom.pdu.type == 6": 1,
        "dicom.pdu.type == 7": 1,
    },
)
def dicom(target: Path) -> None:
    """DICOM: an echo, an image stored, a query, a release, a rejected association, and one that is
    broken off."""
    _record(target, "dicom", 11112)
