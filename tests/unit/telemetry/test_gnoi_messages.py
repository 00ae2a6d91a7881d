"""The messages of gNOI are what their files say, and have the published numbers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nf.telemetry.gnoi.proto import cert_pb2, file_pb2, healthz_pb2, system_pb2, types_pb2

ROOT = Path(__file__).parents[3]
FOLDER = "nf/telemetry/gnoi/proto"


def test_the_compiled_messages_are_current(tmp_path: Path) -> None:
    sources = sorted(str(one.relative_to(ROOT)) for one in (ROOT / FOLDER).glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={tmp_path}"]
    subprocess.run([*command, *sources], cwd=ROOT, check=True)

    for made in (tmp_path / FOLDER).glob("*.py"):
        assert (ROOT / FOLDER / made.name).read_text() == made.read_text(), "see nf/telemetry/gnoi"
    assert len(sources) == 5


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (system_pb2.RebootRequest, "method=1 delay=2 message=3 subcomponents=4 force=5"),
        (system_pb2.RebootStatusResponse,
         "active=1 wait=2 when=3 reason=4 count=5 method=6 status=7"),
        (system_pb2.TimeResponse, "time=1"),
        (file_pb2.StatInfo, "path=1 last_modified=2 permissions=3 size=4 umask=5"),
        (file_pb2.PutRequest, "open=1 contents=2 hash=3"),
        (file_pb2.GetResponse, "contents=1 hash=2"),
        (healthz_pb2.ComponentStatus,
         "path=1 subcomponents=2 status=3 id=6 acknowledged=7 created=8 expires=9"),
        (cert_pb2.RotateCertificateRequest,
         "generate_csr=1 load_certificate=2 finalize_rotation=3"),
        (cert_pb2.LoadCertificateRequest,
         "certificate=1 key_pair=2 certificate_id=3 ca_certificates=4"),
        (cert_pb2.CSRParams, (
            "type=1 min_key_size=2 key_type=3 common_name=4 country=5 state=6 city=7"
            " organization=8 organizational_unit=9 ip_address=10 email_id=11")),
        (cert_pb2.CertificateInfo,
         "certificate_id=1 certificate=2 endpoints=3 modification_time=4"),
        (cert_pb2.CanGenerateCSRResponse, "can_generate=4"),
        (types_pb2.HashType, "method=1 hash=2"),
        (types_pb2.Path, "origin=2 elem=3"),
    ],
    ids=lambda one: one.DESCRIPTOR.full_name if hasattr(one, "DESCRIPTOR") else "",
)  # fmt: skip
def test_fields_have_the_published_numbers(message: type, fields: str) -> None:
    found = {one.name: one.number for one in message.DESCRIPTOR.fields}  # type: ignore[attr-defined]

    assert found == {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", fields)}
