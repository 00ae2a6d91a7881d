"""Rows of SMB, Kerberos, RDP, NFS, TFTP and DCE/RPC as Suricata's events."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
Event = dict[str, Any]


def _list(key: str, values: object) -> Event:
    found = values if isinstance(values, list) else []
    return {f"{key}[{place}]": value for place, value in enumerate(found)}


def _smb(record: Row) -> Iterator[Event]:
    ntlm = record.get("ntlm") or {}
    # There, what is logged is the message that says who logs in, or that nobody does.
    if record.get("status") == "STATUS_MORE_PROCESSING_REQUIRED":
        ntlm = {}
    command = str(record.get("command") or "")
    # What is told at the end of a session has no counterpart.
    if not command.startswith("SMB"):
        return
    yield {
        "event_type": "smb",
        "smb.dialect": record.get("dialect"),
        "smb.command": command,
        "smb.status": record.get("status"),
        "smb.status_code": record.get("status_code"),
        "smb.session_id": record.get("session_id"),
        "smb.tree_id": record.get("tree_id"),
        "smb.filename": record.get("filename"),
        "smb.disposition": record.get("disposition"),
        "smb.size": record.get("size"),
        "smb.share": record.get("share"),
        "smb.share_type": record.get("share_type"),
        "smb.function": record.get("function"),
        "smb.client_guid": record.get("client_guid"),
        "smb.server_guid": record.get("server_guid"),
        "smb.max_read_size": record.get("max_read_size"),
        "smb.max_write_size": record.get("max_write_size"),
        "smb.request.native_os": record.get("native_os"),
        "smb.request.native_lm": record.get("native_lm"),
        "smb.response.native_os": record.get("server_native_os"),
        "smb.response.native_lm": record.get("server_native_lm"),
        "smb.ntlmssp.user": ntlm.get("user"),
        "smb.ntlmssp.domain": ntlm.get("domain"),
        "smb.ntlmssp.host": ntlm.get("workstation"),
        "smb.ntlmssp.version": ntlm.get("version"),
        **_list("smb.client_dialects", record.get("client_dialects")),
    }


def _krb5(record: Row) -> Iterator[Event]:
    asked = {"AS": "KRB_AS_REQ", "TGS": "KRB_TGS_REQ"}.get(str(record.get("request_type")))
    kind = record.get("msg_type")
    if kind is None and asked is not None:
        # Nobody answered: the event is about the request.
        yield {
            "event_type": "krb5",
            "krb5.msg_type": asked,
            "krb5.cname": record.get("cname"),
            "krb5.realm": record.get("realm"),
            "krb5.sname": record.get("service"),
            "krb5.encryption": "<none>",
            "krb5.weak_encryption": False,
        }
    if kind is None:
        return
    yield {
        "event_type": "krb5",
        "krb5.msg_type": kind,
        "krb5.cname": record.get("cname"),
        "krb5.realm": record.get("realm"),
        "krb5.sname": record.get("service"),
        "krb5.encryption": record.get("encryption"),
        "krb5.error_code": record.get("error_msg"),
        "krb5.failed_request": asked if kind == "KRB_ERROR" else None,
        "krb5.weak_encryption": record.get("weak_encryption"),
    }


def _rdp(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "rdp",
        "rdp.event_type": "initial_request",
        "rdp.cookie": record.get("cookie"),
    }
    if record.get("client_name") is not None:
        yield {
            "event_type": "rdp",
            "rdp.event_type": "connect_request",
            "rdp.client.version": record.get("client_version"),
            "rdp.client.desktop_width": record.get("desktop_width"),
            "rdp.client.desktop_height": record.get("desktop_height"),
            "rdp.client.client_name": record.get("client_name"),
            "rdp.client.id": record.get("client_dig_product_id"),
            **_list("rdp.channels", record.get("client_channels")),
        }


def _nfs(record: Row) -> Iterator[Event]:
    yield {
        "event_type": "nfs",
        "nfs.version": record.get("version"),
        "nfs.procedure": record.get("procedure"),
        "nfs.filename": record.get("filename"),
        "nfs.status": record.get("status"),
        "rpc.xid": record.get("xid"),
        "rpc.status": record.get("rpc_status"),
        "rpc.auth_type": record.get("auth_type"),
        "rpc.creds.machine_name": record.get("machine_name"),
        "rpc.creds.uid": record.get("uid"),
        "rpc.creds.gid": record.get("gid"),
    }


def _tftp(record: Row) -> Iterator[Event]:
    if record.get("packet") is not None:
        yield {
            "event_type": "tftp",
            "tftp.packet": record.get("packet"),
            "tftp.file": record.get("file"),
            "tftp.mode": record.get("mode"),
        }


TRANSLATIONS: Mapping[str, Callable[[Row], Iterator[Event]]] = {
    "smb": _smb,
    "kerberos": _krb5,
    "rdp": _rdp,
    "nfs": _nfs,
    "tftp": _tftp,
}
KNOWN_KEYS: Mapping[str, frozenset[str]] = {
    "smb": frozenset(next(_smb({"command": "SMB"}))) | {"smb.client_dialects[]"},
    "krb5": frozenset(next(_krb5({"msg_type": ""}))),
    "rdp": frozenset(key for event in _rdp({"client_name": ""}) for key in event)
    | {"rdp.channels[]"},
    "nfs": frozenset(next(_nfs({}))),
    "tftp": frozenset(next(_tftp({"packet": ""}))),
}
APP_PROTOCOLS: Mapping[str, str] = {
    "smb": "smb",
    "krb5": "kerberos",
    "rdp": "rdp",
    "nfs": "nfs",
    "tftp": "tftp",
    "rfb": "vnc",
    "dcerpc": "dcerpc",
}
