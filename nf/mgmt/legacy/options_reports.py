"""Options of the table: what is analysed, reported and written."""

from nf.mgmt.legacy.codecs import OMIT, Choice, Number, Text
from nf.mgmt.legacy.joint import Bits
from nf.mgmt.legacy.naming import Attributes, Columns, Dumped, Event
from nf.mgmt.legacy.rows import (
    DIRECTORY,
    ENGINE,
    FLAG,
    REPORTS,
    UINT32,
    Option,
    Row,
    channels,
    none,
    one,
)
from nf.mgmt.legacy.ruling import Pins, Ranges

__all__ = ["ANALYSIS", "REPEATED"]

DUMP, FILES, SECURITY = "nf-reports:dump", "nf-reports:files", "nf-security:security"

LOG = "nf-reports:packet-log"
RULES = "nf-security:security"
MICRO, RADIUS, SYSTEM = "nf-reports:micro-flow", "nf-reports:radius", "nf-reports:system-report"
BEHAVIOUR, TAKEN = "nf-reports:behaviour", "nf-reports:reconstruction"

ANALYSIS = (
    one("dump-pcap.enable", "bool", "false", "", f"{DUMP}/enabled", FLAG, LOG),
    one("dump-pcap.output-dir", "str", "-", "", f"{DUMP}/directory", DIRECTORY, LOG),
    Row(
        (Option("dump-pcap.protocols", "list", "{}", '{"unknown"}'),),
        (f"{DUMP}/protocol", f"{DUMP}/unknown"),
        Dumped(),
        LOG,
        instead="unknown is a leaf of its own",
    ),
    one(
        "dump-pcap.period", "int", "0", "60", f"{DUMP}/rotate-interval",
        Number(1, 86400, zero=3600), LOG,
    ),
    one(
        "dump-pcap.retain-files", "int", "0", "50", f"{DUMP}/retain", Number(0, 1000000), LOG,
    ),
    one(
        "dump-pcap.snap-len", "int", "0", "65355", f"{DUMP}/snap-length",
        Number(64, 262144, zero=65535, most=65535), LOG,
    ),
    one("security.enable", "bool", "false", "", f"{SECURITY}/enabled", FLAG, RULES),
    one("security.thread-nb", "int", "0", "1", f"{SECURITY}/threads", Number(0, 255), RULES),
    one("security.exclude-rules", "str", '""', "", f"{SECURITY}/exclude", Ranges(), RULES),
    one("security.rules-mask", "str", '""', "", f"{SECURITY}/pin", Pins(), RULES),
    channels("security", f"{SECURITY}/output", RULES),
    one(
        "security.report-rule-description", "bool", "true", "",
        f"{SECURITY}/include-description", FLAG, RULES,
    ),
    one(
        "security.ignore-remain-flow", "enum", "NONE", "true", f"{SECURITY}/after-alert",
        Choice(
            {
                "NONE": "continue", "false": "continue", "SECURITY": "skip-rules",
                "true": "skip-rules", "DPI": "light",
            }
        ),
        RULES,
    ),
    one(
        "security.ip-encapsulation-index", "enum", "0", "LAST", f"{SECURITY}/ip-layer",
        Choice(
            {"FIRST": "first", "LAST": "last", "0": "last"} | {str(n): n for n in range(1, 17)}
        ),
        RULES,
    ),
    one(
        "security.input.max-message-size", "int", "0", "60000", f"{SECURITY}/limits/message-size",
        Number(1024, 16777216, zero=OMIT, raises=True, lowers=True), RULES,
        note="also with underscores",
    ),
    one(
        "security.security.max-instances", "int", "0", "100000",
        f"{SECURITY}/limits/instances-per-rule",
        Number(1, 100000000, zero=OMIT, lowers=True), RULES, note="also with underscores",
    ),
    one(
        "security.security.smp.ring-size", "int", "0", "1000", f"{SECURITY}/limits/ring-size",
        Number(16, 1048576, zero=OMIT, raises=True, lowers=True), RULES,
        note="also with underscores",
    ),
    one(
        "system-report.enable", "bool", "false", "", f"{REPORTS}/system/enabled", FLAG, SYSTEM,
    ),
    one(
        "system-report.period", "int", "0", "", f"{REPORTS}/system/interval",
        Number(1, 3600, zero=5), SYSTEM,
        note="MMT-Probe ignores it and reports every 5 s; nf follows it",
    ),
    channels("system-report", f"{REPORTS}/system/output", SYSTEM),
    one("behaviour.enable", "bool", "false", "", f"{REPORTS}/behaviour/enabled", FLAG, BEHAVIOUR),
    one(
        "behaviour.output-dir", "str", "-", "", f"{REPORTS}/behaviour/directory", DIRECTORY,
        BEHAVIOUR,
    ),
    one(
        "behaviour.output-file", "str", "-", '"data.csv"', f"{REPORTS}/behaviour/name", Text(),
        BEHAVIOUR,
    ),
    one(
        "behaviour.retain-files", "int", "0", "160", f"{REPORTS}/behaviour/retain",
        Number(0, 1000000), BEHAVIOUR,
    ),
    *(
        row
        for kind in ("ftp", "http")
        for row in (
            one(
                f"reconstruct-data.{kind}.enable", "bool", "false", "",
                f"{FILES}/{kind}/enabled", FLAG, TAKEN,
                note=f"in the section reconstruct-data {kind}",
            ),
            one(
                f"reconstruct-data.{kind}.output-dir", "str", "-", "",
                f"{FILES}/{kind}/directory", DIRECTORY, TAKEN,
            ),
            channels(f"reconstruct-data.{kind}", f"{FILES}/{kind}/output", TAKEN),
        )
    ),
    none(
        "data-output.include-user-agent", "int", "32", "-1",
        "leave it out: it has no effect in MMT-Probe; ask for http.user_agent in an event",
    ),
    one("micro-flows.enable", "bool", "false", "", f"{REPORTS}/micro-flow/enabled", FLAG, MICRO),
    one(
        "micro-flows.packet-threshold", "int", "10", "2", f"{REPORTS}/micro-flow/max-packets",
        Number(1, UINT32), MICRO,
    ),
    one(
        "micro-flows.byte-threshold", "int", "5", "100", f"{REPORTS}/micro-flow/max-bytes",
        Number(0, UINT32), MICRO,
    ),
    one(
        "micro-flows.report-packet-count", "int", "10000", "1000",
        f"{REPORTS}/micro-flow/flush-packets", Number(1, UINT32, zero=UINT32), MICRO,
    ),
    one(
        "micro-flows.report-byte-count", "int", "5000", "10000",
        f"{REPORTS}/micro-flow/flush-bytes", Number(1, UINT32, zero=UINT32), MICRO,
        note="also micro-flows.report-bytes-count, as -X spells it",
    ),
    one(
        "micro-flows.report-flow-count", "int", "1000", "500",
        f"{REPORTS}/micro-flow/flush-flows", Number(1, UINT32, zero=UINT32), MICRO,
        note="also micro-flows.report-flows-count, as -X spells it",
    ),
    channels("micro-flows", f"{REPORTS}/micro-flow/output", MICRO),
    one("radius-report.enable", "bool", "false", "", f"{REPORTS}/radius/enabled", FLAG, RADIUS),
    one(
        "radius-report.message-id", "int", "0", "", f"{REPORTS}/radius/code", Number(0, 255),
        RADIUS,
    ),
    channels("radius-report", f"{REPORTS}/radius/output", RADIUS),
    *(
        one(
            f"session-timeout.{name}-session-timeout", "int", "0", shipped,
            f"{ENGINE}/timeouts/{name}", Number(1, 60000, zero=default),
            note=f"0 is {default} s",
        )
        for name, default, shipped in (
            ("default", 60, ""), ("short", 15, ""), ("long", 600, "6000"), ("live", 1500, ""),
        )
    ),
    one(
        "session-report.enable", "bool", "false", "true", f"{REPORTS}/session/enabled", FLAG,
        implied="always", ours=True,
    ),
    Row(
        tuple(
            Option(f"session-report.{name}", "bool", "false", shipped)
            for name, shipped in (
                ("ftp", ""), ("http", "true"), ("rtp", ""), ("ssl", "true"), ("gtp", ""),
            )
        ),
        (f"{REPORTS}/session/detail",),
        Bits(("ftp", "http", "rtp", "ssl", "gtp"), clash="gtp"),
        "nf-reports:session-detail",
        instead="gtp may stand beside the others",
    ),
    one(
        "session-report.rtt-base", "enum", "SENDER", "CAPTOR", f"{REPORTS}/session/rtt-clock",
        Choice({"SENDER": "sender", "CAPTOR": "capture", "PREFER_SENDER": "prefer-sender"}),
        "nf-reports:rtt-clock",
    ),
    channels("session-report", f"{REPORTS}/session/output", implied="always"),
)  # fmt: skip

QUERY = "nf-reports:query"
REPEATED = (
    one("event-report.enable", "bool", "false", "", "enabled", FLAG, implied="section", ours=True),
    one("event-report.event", "str", '""', "", "event", Event()),
    one(
        "event-report.attributes", "list", "{}", "", "attribute", Attributes(),
        note="not together with output-format",
    ),
    one(
        "event-report.output-format", "str", '""', "", "template", Text(),
        "nf-reports:event-template",
    ),
    one(
        "event-report.delta-cond", "list", "{}", "", "on-change", Attributes(),
        "nf-reports:event-on-change",
    ),
    channels("event-report", "output"),
    one(
        "query-report.enable", "bool", "false", "", "enabled", FLAG, QUERY,
        implied="section", ours=True,
    ),
    one(
        "query-report.ms-period", "int", "65535", "0", "interval",
        Number(10, 3600000, zero=OMIT, absent="0"), QUERY, implied="section", ours=OMIT,
        note="0 reports at the end only",
    ),
    one("query-report.select", "list", "{}", "", "select", Columns(), QUERY),
    one("query-report.where", "list", "{}", "", "where", Attributes(), QUERY),
    one("query-report.group-by", "list", "{}", "", "group-by", Columns(), QUERY),
    channels("query-report", "output", QUERY),
)  # fmt: skip
