"""Both ends of industrial conversations; runs in the scratch environment:
PROTOCOL server|client ADDRESS [PORT]."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time


def modbus_server(address: str, port: int) -> None:
    """Coils and registers that hold their own numbers."""
    from pymodbus import ModbusDeviceIdentification
    from pymodbus.datastore import (
        ModbusDeviceContext,
        ModbusSequentialDataBlock,
        ModbusServerContext,
    )
    from pymodbus.server import StartTcpServer

    def block() -> ModbusSequentialDataBlock:
        return ModbusSequentialDataBlock(1, [n % 2 for n in range(200)])

    registers = ModbusSequentialDataBlock(1, list(range(200)))
    device = ModbusDeviceContext(di=block(), co=block(), hr=registers, ir=registers)
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "Harbour", "ProductCode": "PUMP", "MajorMinorRevision": "1.4"}
    )
    print("listening", flush=True)
    StartTcpServer(
        ModbusServerContext(devices=device, single=True), identity=identity, address=(address, port)
    )


def modbus_client(address: str, port: int) -> None:
    """Reads and writes of all kinds, and one of what is not there."""
    from pymodbus.client import ModbusTcpClient

    with ModbusTcpClient(address, port=port) as client:
        client.read_coils(3, count=9)
        client.read_discrete_inputs(0, count=4)
        client.read_holding_registers(10, count=3)
        client.read_input_registers(20, count=2)
        client.write_coil(5, True)
        client.write_register(7, 4711)
        client.write_coils(1, [True, False, True])
        client.write_registers(30, [1, 2, 3])
        client.mask_write_register(address=4, and_mask=0xF2, or_mask=0x25)
        client.readwrite_registers(read_address=1, read_count=2, write_address=40, values=[9, 8])
        client.read_device_information()
        client.diag_query_data(b"\x12\x34")
        client.read_holding_registers(60000, count=1)


def s7_server(address: str, port: int) -> None:
    """A controller with one data block, flags and outputs."""
    from snap7.server import Server
    from snap7.type import SrvArea

    server = Server()
    server.register_area(SrvArea.DB, 1, bytearray(range(128)))
    server.register_area(SrvArea.MK, 0, bytearray(64))
    server.register_area(SrvArea.PA, 0, bytearray(64))
    server.start(tcp_port=port)
    print("listening", flush=True)
    time.sleep(3600)


def s7_client(address: str, port: int) -> None:
    """Reads, writes, system services, a stop, and one read of what is not there."""
    from contextlib import suppress

    from snap7.client import Client
    from snap7.type import Area

    client = Client()
    client.connect(address, 0, 2, port)
    client.db_read(1, 10, 4)
    client.db_write(1, 20, bytearray(b"tide"))
    client.read_area(Area.MK, 0, 3, 2)
    for ask in (
        client.get_cpu_state,
        client.list_blocks,
        client.get_plc_datetime,
        client.plc_stop,
        lambda: client.db_read(77, 0, 4),
        lambda: client.read_szl(0x001C, 0),
    ):
        with suppress(Exception):
            ask()
    client.disconnect()


def iec104_server(address: str, port: int) -> None:
    """A station with measured values and a switch."""
    import c104

    server = c104.Server(ip=address, port=port, tick_rate_ms=100)
    station = server.add_station(common_address=47)
    for number, kind in enumerate((c104.Type.M_ME_NC_1, c104.Type.M_SP_NA_1, c104.Type.M_ME_NB_1)):
        station.add_point(io_address=11 + number, type=kind, report_ms=0)
    station.add_point(io_address=20, type=c104.Type.C_SC_NA_1)
    station.add_point(io_address=21, type=c104.Type.C_SE_NC_1)
    server.start()
    print("listening", flush=True)
    time.sleep(3600)


def iec104_client(address: str, port: int) -> None:
    """Interrogates the station, reads, switches, sets a value and the clock."""
    import c104

    client = c104.Client(tick_rate_ms=100, command_timeout_ms=2000)
    connection = client.add_connection(ip=address, port=port, init=c104.Init.INTERROGATION)
    station = connection.add_station(common_address=47)
    value = station.add_point(io_address=11, type=c104.Type.M_ME_NC_1)
    switch = station.add_point(io_address=20, type=c104.Type.C_SC_NA_1)
    level = station.add_point(io_address=21, type=c104.Type.C_SE_NC_1)
    missing = station.add_point(io_address=99, type=c104.Type.C_SC_NA_1)
    client.start()
    for _ in range(100):
        if connection.state == c104.ConnectionState.OPEN:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    value.read()
    switch.value = True
    switch.transmit(cause=c104.Cot.ACTIVATION)
    level.value = 1.5
    level.transmit(cause=c104.Cot.ACTIVATION)
    missing.value = True
    missing.transmit(cause=c104.Cot.ACTIVATION)
    connection.clock_sync(common_address=47)
    connection.test(common_address=47)
    connection.disconnect()
    os._exit(0)  # its threads do not end by themselves


def enip_server(address: str, port: int) -> None:
    """A controller with two tags."""
    from cpppo.server.enip.main import main

    print("listening", flush=True)
    main(argv=["--address", f"{address}:{port}", "TIDE=INT[100]", "LEVEL=REAL[10]"])


def enip_client(address: str, port: int) -> None:
    """Lists who is there, reads and writes tags, attributes, and one that is missing."""
    from cpppo.server.enip.client import main
    from pycomm3 import CIPDriver, ClassCode, Services

    CIPDriver.list_identity(f"{address}:{port}")
    tags = ["TIDE[0-2]=7,8,9", "TIDE[0-3]", "LEVEL[1]=(REAL)1.5", "LEVEL[1]"]
    main(argv=["--address", f"{address}:{port}", *tags])
    main(argv=["--address", f"{address}:{port}", "--multiple", "500", *tags[1:]])
    with CIPDriver(f"{address}:{port}") as driver:
        for attribute in (b"\x01", b"\x63"):
            driver.generic_message(
                service=Services.get_attribute_single,
                class_code=ClassCode.identity_object,
                instance=b"\x01",
                attribute=attribute,
                connected=False,
            )


def _building(address: str, instance: int) -> object:
    from bacpypes3.app import Application
    from bacpypes3.argparse import SimpleArgumentParser

    words = ["--address", f"{address}/24", "--instance", str(instance), "--name", "Harbour"]
    return Application.from_args(SimpleArgumentParser().parse_args(words))


def bacnet_server(address: str, port: int) -> None:
    """A device with an analog value."""
    from bacpypes3.local.analog import AnalogValueObject

    async def serve() -> None:
        application = _building(address, 599)
        value = AnalogValueObject(
            objectIdentifier=("analogValue", 3), objectName="tide", presentValue=4.5
        )
        application.add_object(value)
        print("listening", flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


def bacnet_client(address: str, port: int) -> None:
    """Looks for devices, reads, writes, and asks for what is not there."""
    from contextlib import suppress

    from bacpypes3.apdu import ErrorRejectAbortNack
    from bacpypes3.pdu import Address

    from lab import CLIENT_IPV4

    async def talk() -> None:
        application = _building(CLIENT_IPV4, 600)
        server = Address(address)
        await application.who_is(500, 600, timeout=1)
        await application.read_property(server, "device,599", "object-name")
        await application.read_property(server, "analog-value,3", "present-value")
        with suppress(ErrorRejectAbortNack):
            await application.write_property(
                server, "analog-value,3", "present-value", "2.5", None, 8
            )
        await application.read_property_multiple(
            server, ["analog-value,3", ["present-value", "units"], "device,599", ["object-list"]]
        )
        for wanted in ("analog-value,77", "device,599"):
            with suppress(ErrorRejectAbortNack):
                await application.read_property(server, wanted, "log-buffer")
        application.close()

    asyncio.run(talk())


def opcua_server(address: str, port: int) -> None:
    """A server with one variable and a user."""
    from asyncua import Server, ua
    from asyncua.server.user_managers import UserManager
    from asyncua.crypto.permission_rules import User, UserRole

    class Anybody(UserManager):
        def get_user(self, *args: object, **words: object) -> User:
            return User(role=UserRole.Admin)

    async def serve() -> None:
        server = Server(user_manager=Anybody())
        await server.init()
        server.set_endpoint(f"opc.tcp://{address}:{port}/harbour")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = await server.register_namespace("urn:harbour")
        tide = await server.nodes.objects.add_variable(ua.NodeId("tide", space), "tide", 4.5)
        await tide.set_writable()
        async with server:
            print("listening", flush=True)
            await asyncio.Event().wait()

    asyncio.run(serve())


def opcua_client(address: str, port: int) -> None:
    """Anonymous, then a user with a password in clear: browses, reads, writes, subscribes."""
    from contextlib import suppress

    from asyncua import Client, ua

    async def talk() -> None:
        for user in (None, "keeper"):
            client = Client(f"opc.tcp://{address}:{port}/harbour")
            if user:
                client.set_user(user)
                client.set_password("lantern")
            async with client:
                tide = client.get_node(ua.NodeId("tide", 2))
                await tide.read_value()
                if not user:
                    await client.nodes.objects.get_children()
                    await tide.write_value(2.5)
                    with suppress(ua.UaError):
                        await client.get_node(ua.NodeId("missing", 2)).read_value()

    asyncio.run(talk())


def dicom_server(address: str, port: int) -> None:
    """An archive that stores and finds; it rejects callers it does not know."""
    from pydicom.uid import ExplicitVRLittleEndian
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import (
        PatientRootQueryRetrieveInformationModelFind,
        SecondaryCaptureImageStorage,
        Verification,
    )

    def found(event: evt.Event) -> object:
        from pydicom.dataset import Dataset

        answer = Dataset()
        answer.QueryRetrieveLevel = "PATIENT"
        answer.PatientName = "Doe^Jane"
        yield 0xFF00, answer

    entity = AE(ae_title="ARCHIVE")
    entity.require_called_aet = True
    entity.add_supported_context(Verification)
    entity.add_supported_context(PatientRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
    handlers = [
        (evt.EVT_C_STORE, lambda event: 0x0000),
        (evt.EVT_C_ECHO, lambda event: 0x0000),
        (evt.EVT_C_FIND, found),
    ]
    print("listening", flush=True)
    entity.start_server((address, port), evt_handlers=handlers)


def dicom_client(address: str, port: int) -> None:
    """An echo, an image stored, a query, a rejected association and an abort."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian
    from pynetdicom import AE
    from pynetdicom.sop_class import (
        PatientRootQueryRetrieveInformationModelFind,
        SecondaryCaptureImageStorage,
        Verification,
    )

    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(Verification)
    entity.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    entity.add_requested_context(SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
    association = entity.associate(address, port, ae_title="ARCHIVE")
    association.send_c_echo()
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = "1.2.826.0.1.3680043.9.9999.1"
    image.PatientName = "Doe^Jane"
    image.PatientID = "42"
    image.Rows, image.Columns, image.BitsAllocated = 50, 50, 8
    image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 7, 0
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.PixelData = bytes(n % 251 for n in range(2500))
    association.send_c_store(image)
    query = Dataset()
    query.QueryRetrieveLevel = "PATIENT"
    query.PatientName = "Doe*"
    list(association.send_c_find(query, PatientRootQueryRetrieveInformationModelFind))
    association.release()
    entity.associate(address, port, ae_title="ELSEWHERE")
    association = entity.associate(address, port, ae_title="ARCHIVE")
    association.abort()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    protocol, role, where = sys.argv[1:4]
    sys.path.insert(0, str(__file__).rpartition("/scenarios/")[0])
    globals()[f"{protocol}_{role}"](where, int(sys.argv[4]))
