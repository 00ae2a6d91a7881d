"""The engine's rows as Suricata's events: which of its keys mean what here.

A transaction here may be several events there (a DNS query and its response). Keys of an event are
flat, `dns.queries[0].rrname`. What has no counterpart is named with the reason, so that a check is
either compared or reported as not comparable, never passed over.
"""

import base64
import hashlib
import ipaddress
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.scoring import eve_windows
from tools.scoring.engine import Reading, Row

Event = dict[str, Any]

GRE = 47
EVENT_TYPES = frozenset(
    (
        *("http", "tls", "dns", "ssh", "quic", "dhcp", "ftp", "flow"),
        *("smtp", "sip", "mqtt", "websocket"),
        *eve_windows.KNOWN_KEYS,
    )
)

# What a check may ask besides what traffic says. The rest of the check is still compared, but as
# "at least so many", for it selects fewer events with these than without.
NARROWING = {
    "pcap_cnt": "number of the packet that made Suricata write",
    "pkt_src": "what made Suricata write",
    "tx_id": "Suricata's numbering of transactions",
    "flow.action": "what Suricata's rules did",
    "flow.alerted": "what Suricata's rules did",
    "flow.reason": "why Suricata ended the flow; at the end of a file all have the same",
    "flow.state": "state of Suricata's stream engine",
    "flow.bytes_toserver": "octets of whole frames; rows count from the IP header up",
    "flow.bytes_toclient": "octets of whole frames; rows count from the IP header up",
    "tcp.": "state of Suricata's stream engine",
    "traffic.": "labels of Suricata's rules",
}
INCOMPARABLE = {
    "ether.": "rows have no link addresses",
    "ether": "rows have no link addresses",
    "http.request_headers": "rows name known headers, not all of them",
    "http.response_headers": "rows name known headers, not all of them",
    "tls.client_handshake": "rows have fingerprints of the hello, not its lists",
    "quic.extensions": "rows have fingerprints of the hello, not its lists",
    "quic.cyu": "a fingerprint of Suricata's own",
    "mqtt.connect.password": "passwords are never kept",
    "icmp_": "rows of sessions have no ICMP types",
    "response_icmp_": "rows of sessions have no ICMP types",
    "app_proto_": "rows have one protocol for both directions",
}

L4_NAMES = {
    1: "ICMP", 2: "IGMP", 4: "IP-in-IP", 6: "TCP", 17: "UDP", 41: "IPv6", 47: "GRE", 50: "ESP",
    58: "IPv6-ICMP", 132: "SCTP",
}  # fmt: skip
# Suricata's words for protocols that have a parser here.
APP_PROTOCOLS = {
    "http": "http", "http2": "http2", "tls": "tls", "dns": "dns", "ssh": "ssh", "ftp": "ftp",
    "ftp-data": "ftp_data", "dhcp": "dhcp", "quic": "quic", "ntp": "ntp", "smtp": "smtp",
    "imap": "imap", "pop3": "pop", "ldap": "ldap", "telnet": "telnet", "irc": "irc", "sip": "sip",
    "mqtt": "mqtt", "websocket": "websocket", "pgsql": "postgres", "redis": "redis",
    **eve_windows.APP_PROTOCOLS,
}  # fmt: skip
# Suricata's words for options that a DHCP client asks for; it lists no others.
DHCP_OPTIONS = {
    1: "subnet_mask", 3: "router", 6: "dns_server", 15: "domain", 35: "arp_timeout",
    42: "ntp_server", 66: "tftp_server_name", 150: "tftp_server_ip",
}  # fmt: skip
# An address of a DHCP message that says nothing.
UNSET = "0.0.0.0"  # noqa: S104 (nothing listens there)
DHCP_REQUESTS = frozenset(("discover", "request", "decline", "release", "inform"))


def events(reading: Reading) -> list[Event]:
    """Every event that the rows of a capture amount to."""
    found = [_flow(row) for row in reading.sessions if not _is_opened_gre(row)]
    for row in reading.transactions:
        for protocol, translate in TRANSLATIONS.items():
            record = row.get(protocol)
            if isinstance(record, Mapping):
                base = _base(row)
                for event in translate(record):
                    answer = event.get("dhcp.type") == "reply"
                    found.append((_turned(base) if answer else base) | event)
    return found


def _base(row: Row) -> Event:
    number = row["ip_proto"]
    vlan = row["vlan"]
    return {
        "src_ip": row["src_ip"],
        "dest_ip": row["dst_ip"],
        "src_port": row["src_port"],
        "dest_port": row["dst_port"],
        "proto": L4_NAMES.get(number, str(number)),
        "ip_v": ipaddress.ip_address(row["src_ip"]).version,
        "vlan[0]": vlan,
        "vlan": [vlan] if vlan is not None else None,
        "community_id": row["community_id"],
    }


def _turned(base: Event) -> Event:
    """The same from the other end: what the responder sent."""
    ends = {"src_ip": "dest_ip", "dest_ip": "src_ip", "src_port": "dest_port"}
    ends["dest_port"] = "src_port"
    return base | {ours: base[theirs] for ours, theirs in ends.items()}


def _is_opened_gre(row: Row) -> bool:
    """Whether a session is a GRE tunnel without packets of its own, which is no flow there."""
    return bool(row["ip_proto"] == GRE and not row["packets_up"] + row["packets_down"])


def _flow(row: Row) -> Event:
    return _base(row) | {
        "event_type": "flow",
        # Suricata has no name for what HTTP/2 carries.
        "app_proto": "http2" if row["protocol"] == "grpc" else row["protocol"],
        "flow.age": int(row["end"]) - int(row["start"]),
        "flow.pkts_toserver": row["packets_up"],
        "flow.pkts_toclient": row["packets_down"],
    }


def _http(record: Row) -> Iterator[Event]:
    version = record.get("version")
    yield {
        "event_type": "http",
        "http.hostname": record.get("host"),
        "http.http_port": record.get("host_port"),
        "http.url": record.get("uri"),
        "http.http_method": record.get("method"),
        "http.http_user_agent": record.get("user_agent"),
        "http.http_content_type": record.get("mime"),
        "http.http_refer": record.get("referer"),
        "http.xff": record.get("x_forwarded_for"),
        "http.redirect": record.get("location"),
        "http.protocol": f"HTTP/{version}" if version else None,
        "http.status": record.get("status"),
        # A body that was not there has no length here and length 0 there.
        "http.length": record.get("response_length") or 0,
    }


def _tls(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "tls",
        "tls.sni": record.get("server_name"),
        "tls.version": record.get("version"),
        "tls.subject": record.get("subject"),
        "tls.issuerdn": record.get("issuer"),
        "tls.serial": record.get("serial"),
        "tls.fingerprint": record.get("fingerprint_sha1"),
        "tls.notbefore": record.get("not_before"),
        "tls.notafter": record.get("not_after"),
        "tls.subjectaltname": record.get("san"),
        "tls.ja3.hash": record.get("ja3"),
        "tls.ja3.string": record.get("ja3_full"),
        "tls.ja3s.hash": record.get("ja3s"),
        "tls.ja4": record.get("ja4"),
        "tls.client_alpns": record.get("client_alpns"),
        "tls.session_resumed": record.get("resumed"),
    }


def _quic(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "quic",
        "quic.version": record.get("version"),
        "quic.sni": record.get("server_name"),
        "quic.ua": record.get("user_agent"),
        "quic.ja3.hash": record.get("ja3"),
        "quic.ja3s.hash": record.get("ja3s"),
        "quic.ja4": record.get("ja4"),
    }


def _sip(record: Row) -> Iterator[Event]:
    # There a request and its final response are an event each; a call is none of its own.
    if record.get("kind") != "request":
        return
    method, uri, status = record.get("method"), record.get("uri"), record.get("status")
    common: Event = {"event_type": "sip", "sip.version": "SIP/2.0"}
    if uri is not None:
        line = f"{method} {uri} SIP/2.0"
        yield common | {"sip.method": method, "sip.uri": uri, "sip.request_line": line}
    if status is not None:
        reason = record.get("reason")
        line = f"SIP/2.0 {status} {reason or ''}"
        yield common | {"sip.code": str(status), "sip.reason": reason, "sip.response_line": line}


def _dns(record: Row) -> Iterator[Event]:
    common: Event = {"event_type": "dns", "dns.id": record.get("id")}
    name, kind = record.get("qname"), record.get("qtype")
    common |= {"dns.rrname": name, "dns.rrtype": kind}
    questions = record.get("queries") or [{"name": name, "type": kind}]
    common |= _listed("dns.queries", questions, {"rrname": "name", "rrtype": "type"})
    if record.get("query_length") is not None:
        yield common | {"dns.type": "request"}
    if record.get("response_length") is not None:
        fields = {"rrname": "name", "rrtype": "type", "rdata": "data", "ttl": "ttl"}
        yield (
            common
            | {"dns.type": "response", "dns.rcode": record.get("rcode")}
            | _listed("dns.answers", record.get("answers") or [], fields)
        )


def _ssh(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "ssh",
        "ssh.client.software_version": record.get("client_software"),
        "ssh.client.proto_version": record.get("client_version"),
        "ssh.server.software_version": record.get("server_software"),
        "ssh.server.proto_version": record.get("server_version"),
        "ssh.client.hassh.hash": record.get("hassh"),
        "ssh.client.hassh.string": record.get("hassh_full"),
        "ssh.server.hassh.hash": record.get("hassh_server"),
        "ssh.server.hassh.string": record.get("hassh_server_full"),
    }


# What answers a packet of MQTT; a publication of quality 2 is answered three times.
MQTT_ANSWERS = {
    "connect": ("connack",), "publish": ("puback", "pubrec", "pubrel", "pubcomp"),
    "subscribe": ("suback",), "unsubscribe": ("unsuback",),
}  # fmt: skip
# Packets of MQTT whose flags say more than that they are as they must be.
MQTT_QOS = {"subscribe": 1, "unsubscribe": 1, "pubrel": 1}


def _mqtt(record: Row) -> Iterator[Event]:
    kind = str(record.get("kind"))
    event: Event = {"event_type": "mqtt"}
    for word in (kind, *MQTT_ANSWERS.get(kind, ())):
        own = word == kind
        event |= {
            f"mqtt.{word}.qos": record.get("qos") if own else MQTT_QOS.get(word, 0),
            f"mqtt.{word}.retain": bool(own and record.get("retain")),
            f"mqtt.{word}.dup": bool(own and record.get("dup")),
            f"mqtt.{word}.message_id": record.get("message_id"),
            f"mqtt.{word}.reason_code": record.get("reason_code"),
            f"mqtt.{word}.return_code": record.get("reason_code"),
        }
        listed = record.get("properties" if own else "response_properties")
        event |= _properties(f"mqtt.{word}", listed)
    event |= {
        "mqtt.connect.protocol_string": record.get("protocol_string"),
        "mqtt.connect.protocol_version": record.get("protocol_version"),
        "mqtt.connect.client_id": record.get("client_id"),
        "mqtt.connect.username": record.get("username"),
        "mqtt.connect.flags.username": record.get("username") is not None,
        "mqtt.connect.flags.password": record.get("password_seen"),
        "mqtt.connect.flags.clean_session": record.get("clean_session"),
        "mqtt.connect.flags.will": record.get("will_topic") is not None,
        "mqtt.connect.flags.will_retain": bool(record.get("will_retain")),
        "mqtt.connect.will.topic": record.get("will_topic"),
        "mqtt.connect.will.message": record.get("will_message"),
        "mqtt.connack.session_present": record.get("session_present"),
        "mqtt.publish.topic": record.get("topic"),
        "mqtt.publish.message": record.get("message"),
    }
    event |= _properties("mqtt.connect.will", record.get("will_properties"))
    topics, codes = record.get("topics") or [], record.get("reason_codes") or []
    asked = [
        {"topic": topic, "qos": qos}
        for topic, qos in zip(topics, record.get("topics_qos") or [], strict=False)
    ]
    event |= {
        "mqtt.subscribe.topics": asked,
        "mqtt.unsubscribe.topics": topics,
        "mqtt.suback.qos_granted": codes,
        "mqtt.unsuback.reason_codes": codes,
    }
    yield event


def _properties(place: str, listed: Iterable[Row] | None) -> Event:
    return {f"{place}.properties.{each['name']}": each["value"] for each in listed or ()}


def _websocket(record: Row) -> Iterator[Event]:
    opcode = record.get("opcode")
    first = {"event_type": "websocket", "websocket.mask": record.get("mask")}
    yield first | {"websocket.opcode": opcode, "websocket.fin": record.get("frames") == 1}
    answer = {"ping": "pong", "close": "close"}.get(str(opcode))
    if answer and record.get("response_us") is not None:
        yield first | {
            "websocket.opcode": answer, "websocket.fin": True,
            "websocket.mask": not record.get("mask"),
        }  # fmt: skip


def _ftp(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "ftp",
        "ftp.command": record.get("command"),
        "ftp.command_data": record.get("argument"),
        "ftp.dynamic_port": record.get("data_port"),
        "ftp.mode": record.get("mode"),
    }


def _dhcp(record: Row) -> Iterator[Event]:
    """One event for each message of the exchange; who gives leases states them."""
    both: Event = {
        "event_type": "dhcp",
        "dhcp.id": record.get("id"),
        "dhcp.client_mac": record.get("client_mac"),
        "dhcp.client_ip": record.get("client_ip") or UNSET,
        "dhcp.relay_ip": record.get("relay_ip") or UNSET,
        "dhcp.hostname": record.get("host_name"),
        "dhcp.client_id": record.get("client_id"),
        "dhcp.lease_time": record.get("lease_time"),
    }
    codes = record.get("params") or []
    names = [DHCP_OPTIONS[code] for code in codes if code in DHCP_OPTIONS]
    asked = {f"dhcp.params[{place}]": name for place, name in enumerate(names)}
    given: Event = {
        "dhcp.assigned_ip": record.get("assigned_ip"),
        "dhcp.next_server_ip": record.get("next_server_ip"),
        "dhcp.renewal_time": record.get("renewal_time"),
        "dhcp.rebinding_time": record.get("rebinding_time"),
        "dhcp.subnet_mask": record.get("subnet_mask"),
    }
    for key, field in (("dns_servers", "dns_servers"), ("routers", "routers")):
        for place, address in enumerate(record.get(field) or []):
            given[f"dhcp.{key}[{place}]"] = address
    for kind in record.get("types") or []:
        if kind in DHCP_REQUESTS:
            none = {"dhcp.assigned_ip": UNSET}
            yield both | asked | none | {"dhcp.type": "request", "dhcp.dhcp_type": kind}
        else:
            yield both | given | {"dhcp.type": "reply", "dhcp.dhcp_type": kind}


def _smtp(record: Row) -> Iterator[Event]:
    sender = record.get("mail_from")
    said = {
        "smtp.rcpt_to": [f"<{name}>" for name in record.get("rcpt_to") or []],
        "email.to": (record.get("to") or "").split(", "),
        "email.cc": (record.get("cc") or "").split(", "),
        "email.attachment": record.get("attachments") or [],
    }
    yield {
        "event_type": "smtp",
        "smtp.helo": record.get("helo"),
        "smtp.mail_from": None if sender is None else f"<{sender}>",
        "email.from": record.get("from"),
    } | {
        f"{key}[{place}]": value
        for key, values in said.items()
        for place, value in enumerate(values)
        if value
    }


def _listed(key: str, records: Iterable[Row], fields: Mapping[str, str]) -> Event:
    return {
        f"{key}[{place}].{theirs}": record.get(ours)
        for place, record in enumerate(records)
        for theirs, ours in fields.items()
    }


TRANSLATIONS: Mapping[str, Callable[[Row], Iterator[Event]]] = {
    "http": _http,
    "http2": _http,
    "tls": _tls,
    "quic": _quic,
    "dns": _dns,
    "ssh": _ssh,
    "ftp": _ftp,
    "dhcp": _dhcp,
    "smtp": _smtp,
    "sip": _sip,
    "mqtt": _mqtt,
    "websocket": _websocket,
    **eve_windows.TRANSLATIONS,
}

KNOWN_KEYS: Mapping[str, frozenset[str]] = {
    "http": frozenset(next(_http({}))),
    "tls": frozenset(next(_tls({}))),
    "quic": frozenset(next(_quic({}))),
    "ssh": frozenset(next(_ssh({}))),
    "ftp": frozenset(next(_ftp({}))),
    "smtp": frozenset(
        (
            "smtp.helo", "smtp.mail_from", "smtp.rcpt_to[]", "email.from", "email.to[]",
            "email.cc[]", "email.attachment[]",
        )
    ),
    "dns": frozenset(
        f"dns.{key}"
        for key in (
            "id", "type", "rrname", "rrtype", "rcode", "queries[].rrname", "queries[].rrtype",
            "answers[].rrname", "answers[].rrtype", "answers[].rdata", "answers[].ttl",
        )
    ),
    "dhcp": frozenset(
        f"dhcp.{key}"
        for key in (
            "id", "type", "dhcp_type", "client_mac", "client_ip", "relay_ip", "hostname",
            "client_id", "lease_time", "assigned_ip", "next_server_ip", "renewal_time",
            "rebinding_time", "subnet_mask", "dns_servers[]", "routers[]", "params[]",
        )
    ),
    "sip": frozenset(
        f"sip.{key}"
        for key in (
            "version", "method", "uri", "request_line", "code", "reason", "response_line",
        )
    ),
    "mqtt": frozenset(
        f"mqtt.{key}"
        for word in MQTT_ANSWERS | {"disconnect": (), "auth": ()}
        for each in (word, *MQTT_ANSWERS.get(word, ()))
        for key in (
            *(f"{each}.{flag}" for flag in ("qos", "retain", "dup", "message_id")),
            f"{each}.reason_code", f"{each}.return_code", f"{each}.properties.*",
        )
    )
    | frozenset(key for key in next(_mqtt({})) if "None" not in key)
    | frozenset(("mqtt.connect.will.properties.*",)),
    "websocket": frozenset(next(_websocket({}))),
    "flow": frozenset(
        ("app_proto", "flow.age", "flow.pkts_toserver", "flow.pkts_toclient")
    ),
    **eve_windows.KNOWN_KEYS,
}  # fmt: skip
BASE_KEYS = frozenset(
    ("event_type", "src_ip", "dest_ip", "src_port", "dest_port", "proto", "ip_v", "vlan",
     "vlan[]", "community_id")
)  # fmt: skip


def same(key: str, expected: object, got: object) -> bool:
    """Whether two spellings of a key's value are the same."""
    if got is None:
        return expected is None
    rule = SPELLINGS.get(key.partition("[")[0] if key.startswith("dhcp") else key)
    if rule is None and key.endswith("rrname"):
        rule = str.lower
    if rule is not None:
        return rule(str(expected)) == rule(str(got))
    if isinstance(expected, str) != isinstance(got, str):
        return str(expected) == str(got)
    return expected == got


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _digits(text: str) -> str:
    return text.replace(":", "").lower()


def _name(text: str) -> str:
    """A distinguished name without the order and the blanks of its parts."""
    return ",".join(sorted(part.strip() for part in text.split(",")))


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "src_ip": _address,
    "dest_ip": _address,
    "tls.fingerprint": _digits,
    "tls.serial": _digits,
    "tls.subject": _name,
    "tls.issuerdn": _name,
    "tls.notbefore": lambda text: text.rstrip("Z"),
    "tls.notafter": lambda text: text.rstrip("Z"),
    "dns.type": lambda text: {"query": "request", "answer": "response"}.get(text, text),
    "dhcp.client_id": _digits,
    # Some clients end the name with a NUL, which is no part of it.
    "dhcp.hostname": lambda text: text.rstrip("\0"),
    "app_proto": lambda text: APP_PROTOCOLS.get(text, text),
}


def community_id(event: Mapping[str, Any], seed: int) -> str:
    """Community ID (version 1) of an event's addresses and ports with a seed."""
    numbers = {name: number for number, name in L4_NAMES.items()}
    ends = sorted(
        (ipaddress.ip_address(event[f"{end}_ip"]).packed, event[f"{end}_port"])
        for end in ("src", "dest")
    )
    (low, low_port), (high, high_port) = ends
    octets = struct.pack("!H", seed) + low + high + bytes((numbers[event["proto"]], 0))
    octets += struct.pack("!HH", low_port, high_port)
    digest = hashlib.sha1(octets, usedforsecurity=False).digest()
    return "1:" + base64.b64encode(digest).decode()


def seed_of(ids: Sequence[str], found: Sequence[Mapping[str, Any]]) -> int | None:
    """The seed under which all `ids` are ids of these events, if there is one.

    A case of Suricata's may set a seed in a configuration that is not part of it. The id has 160
    bits and the seed 16, so a seed that fits is the seed.
    """
    for seed in range(1 << 16):
        if set(ids) <= {community_id(event, seed) for event in found}:
            return seed
    return None
