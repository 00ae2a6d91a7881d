"""Options of the table: the probe itself, where packets come from, and where reports go."""

from nf.mgmt.legacy.codecs import OMIT, Choice, Number, Text
from nf.mgmt.legacy.joint import Broker, LinkLayer, MqttFlag, SocketKind, Source
from nf.mgmt.legacy.rows import (
    CAPTURE,
    DIRECTORY,
    ENGINE,
    FLAG,
    OUTPUTS,
    REPORTS,
    UINT32,
    Option,
    Row,
    none,
    one,
)

__all__ = ["INPUT", "OUTPUT", "TOP"]

TOP = (
    one("probe-id", "int", "0", "3", "id", Number(0, UINT32)),
    Row(
        (Option("stack-type", "int", "1"), Option("stack-offset", "int", "0")),
        (f"{CAPTURE}/link-type", f"{CAPTURE}/link-offset"),
        LinkLayer(),
        instead="without it nf believes what the source says of itself",
    ),
    one("stats-period", "int", "5", "", f"{REPORTS}/interval", Number(1, 3600)),
    none("license", "str", "-", "./license.key", "leave it out: nf needs no licence file"),
    one(
        "enable-proto-without-session-report", "bool", "false", "",
        f"{REPORTS}/protocol-stats/enabled", FLAG, "nf-reports:protocol-stats",
    ),
    one(
        "enable-ip-fragmentation-report", "bool", "false", "",
        f"{REPORTS}/ip-fragmentation/enabled", FLAG, "nf-reports:ip-fragmentation",
    ),
    one(
        "enable-ip-defragmentation", "bool", "false", "",
        f"{ENGINE}/ip-reassembly/enabled", FLAG, "nf-dpi:ip-reassembly",
        implied="always", ours=True,
    ),
    one(
        "enable-tcp-reassembly", "bool", "false", "",
        f"{ENGINE}/tcp-reassembly/enabled", FLAG, "nf-dpi:tcp-reassembly",
        implied="always", ours=True,
    ),
    one(
        "enable-report-version-info", "bool", "true", "",
        f"{REPORTS}/startup/enabled", FLAG, "nf-reports:startup-report",
    ),
    one(
        "thread-nb", "int", "1", "0", f"{ENGINE}/workers", Number(0, 256),
        note="any number gives the same reports",
    ),
    one(
        "thread-queue", "int", "0", "262144", f"{ENGINE}/queue-depth",
        Number(64, 16777216, zero=OMIT, raises=True, lowers=True), "nf-dpi:worker-queue",
    ),
    none(
        "logfile", "str", "-", "",
        "leave it out: MMT-Probe never used it; nf logs to standard error or the journal, see"
        " logging/destination",
    ),
    none(
        "loglevel", "int", "2", "",
        "leave it out: MMT-Probe never used it; nf has logging/level",
    ),
)  # fmt: skip

INPUT = (
    Row(
        (Option("input.mode", "enum", "ONLINE"), Option("input.source", "str", '""', '"enp0s3"')),
        (f"{CAPTURE}/interface", f"{CAPTURE}/file"),
        Source(),
        inside=(
            f"{CAPTURE}/interface/name", f"{CAPTURE}/interface/source", f"{CAPTURE}/file/path",
        ),
        instead="an interface, or a file",
    ),
    one(
        "input.snap-len", "int", "65535", "0", f"{CAPTURE}/snap-length",
        Number(64, 262144, zero=65535, most=65535),
    ),
    one(
        "input.buffer-size", "int", "0", "4096", f"{CAPTURE}/buffer-size",
        Number(131072, 4294967295, zero=OMIT, raises=True, lowers=True),
    ),
    one(
        "input.timeout", "int", "0", "1000", f"{CAPTURE}/read-timeout",
        Number(1, 10000, zero=OMIT, lowers=True),
    ),
    one(
        "input.dpdk-option", "str", '""', "", f"{CAPTURE}/dpdk/eal-args", Text(empty=True),
        "nf-types:dpdk",
    ),
    one("input.pcap-filter", "str", '""', "", f"{CAPTURE}/filter", Text(empty=True)),
)  # fmt: skip

OUTPUT = (
    one(
        "output.format", "enum", "CSV", "", f"{OUTPUTS}/encoding",
        Choice(
            {"CSV": "mmt-csv", "JSON": "mmt-json"},
            lambda _: "nf-outputs:mmt-encoding",
            "rows are JSON Lines, one object each (outputs/encoding json)",
        ),
        implied="always", ours="json",
    ),
    one(
        "output.cache-max", "int", "1000", "100000", f"{OUTPUTS}/batch-rows",
        Number(1, 1000000, lowers=True),
        note="MMT-Probe uses it for MongoDB only, nf for every channel",
    ),
    Row(
        (Option("output.cache-period", "int", "5"),),
        (f"{OUTPUTS}/flush-interval", f"{OUTPUTS}/file/rotate-interval"),
        Number(1, 3600, copies=2),
        implied="always",
        ours=(5, 300),
        instead="both the time that rows wait and that after which a file is complete",
    ),
    one("file-output.enable", "bool", "false", "true", f"{OUTPUTS}/file/enabled", FLAG),
    one(
        "file-output.output-file", "str", "-", '"data.csv"', f"{OUTPUTS}/file/name", Text(),
        note="also file-name, as MMT-Probe's manual says",
    ),
    one("file-output.output-dir", "str", "-", "", f"{OUTPUTS}/file/directory", DIRECTORY),
    one("file-output.sample-file", "bool", "true", "", f"{OUTPUTS}/file/rotate", FLAG),
    one(
        "file-output.retain-files", "int", "0", "80", f"{OUTPUTS}/file/retain",
        Number(0, 1000000),
    ),
    one(
        "redis-output.enable", "bool", "false", "", f"{OUTPUTS}/redis/enabled", FLAG,
        "nf-types:redis",
    ),
    one(
        "redis-output.hostname", "str", '"localhost"', "", f"{OUTPUTS}/redis/host", Text(),
        "nf-types:redis",
    ),
    one(
        "redis-output.port", "int", "6379", "", f"{OUTPUTS}/redis/port", Number(1, 65535),
        "nf-types:redis",
    ),
    one(
        "redis-output.channel", "str", '"report"', "", f"{OUTPUTS}/redis/channel", Text(),
        "nf-types:redis",
    ),
    one(
        "kafka-output.enable", "bool", "false", "", f"{OUTPUTS}/kafka/enabled", FLAG,
        "nf-types:kafka",
    ),
    Row(
        (
            Option("kafka-output.hostname", "str", '"localhost"'),
            Option("kafka-output.port", "int", "9092"),
        ),
        (f"{OUTPUTS}/kafka/bootstrap",),
        Broker(),
        "nf-types:kafka",
    ),
    one(
        "kafka-output.topic", "str", '"report"', "", f"{OUTPUTS}/kafka/topic", Text(),
        "nf-types:kafka",
    ),
    Row(
        (Option("mqtt-output.enable", "bool", "false"),),
        (f"{OUTPUTS}/mqtt/enabled", f"{OUTPUTS}/mqtt/qos"),
        MqttFlag(),
        "nf-types:mqtt",
        "section",
        (False, 1),
        "MMT-Probe's quality of service is 2",
    ),
    one(
        "mqtt-output.address", "str", '"tcp://localhost:1883"', "", f"{OUTPUTS}/mqtt/uri", Text(),
        "nf-types:mqtt",
    ),
    one(
        "mqtt-output.topic", "str", '"report"', "", f"{OUTPUTS}/mqtt/topic", Text(),
        "nf-types:mqtt",
    ),
    one(
        "mqtt-output.retain", "bool", "false", "", f"{OUTPUTS}/mqtt/retain", FLAG,
        "nf-types:mqtt",
    ),
    one(
        "mongodb-output.enable", "bool", "false", "", f"{OUTPUTS}/mongodb/enabled", FLAG,
        "nf-types:mongodb",
    ),
    one(
        "mongodb-output.hostname", "str", '"localhost"', "", f"{OUTPUTS}/mongodb/host", Text(),
        "nf-types:mongodb", note="also mongodb-output.hostnam, as -X spells it",
    ),
    one(
        "mongodb-output.port", "int", "27017", "", f"{OUTPUTS}/mongodb/port", Number(1, 65535),
        "nf-types:mongodb",
    ),
    one(
        "mongodb-output.database", "str", '"mmt-data"', "", f"{OUTPUTS}/mongodb/database", Text(),
        "nf-types:mongodb",
    ),
    one(
        "mongodb-output.collection", "str", '"reports"', "", f"{OUTPUTS}/mongodb/collection",
        Text(), "nf-types:mongodb",
    ),
    one(
        "mongodb-output.limit-size", "int", "0", "", f"{OUTPUTS}/mongodb/cap",
        Number(0, UINT32), "nf-types:mongodb",
    ),
    one(
        "socket-output.enable", "bool", "false", "", f"{OUTPUTS}/socket/enabled", FLAG,
        "nf-types:socket",
    ),
    Row(
        (
            Option("socket-output.type", "enum", "BOTH"),
            Option("socket-output.descriptor", "str", '""'),
            Option("socket-output.port", "int", "0", "5000"),
        ),
        (f"{OUTPUTS}/socket/type", f"{OUTPUTS}/socket/path", f"{OUTPUTS}/socket/port"),
        SocketKind(),
        "nf-types:socket",
        "section",
        ("", OMIT, OMIT),
        "without a descriptor it is probe-output.sock in /tmp; without a port there is no TCP",
    ),
    one(
        "socket-output.hostname", "str", '"localhost"', '"127.0.0.1"', f"{OUTPUTS}/socket/host",
        Text(), "nf-types:socket",
    ),
    one(
        "dynamic-config.enable", "bool", "false", "", "management/mmt-socket/enabled", FLAG,
        "nf-probe:mmt-socket",
    ),
    one(
        "dynamic-config.descriptor", "str", '""', "", "management/mmt-socket/path", DIRECTORY,
        "nf-probe:mmt-socket",
    ),
)  # fmt: skip
