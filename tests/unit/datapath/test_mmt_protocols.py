"""Every protocol that MMT-DPI lists is told by what packets say, or there is a reason why not."""

import csv
from collections import Counter
from pathlib import Path

import pytest

import nf

_INSIDE = "what HTTP carries or whom it is said to, which the fields of http tell"
_HOSTS = "a kind of site, for which there are categories of applications"
_GONE = "gone, and nobody has described its octets or its servers"
_TLS = "what is said is tls; the port tells for whom"
# Names that only a port stands for, or nothing, and why.
REVIEWED = {
    "unknown": "no protocol",
    **dict.fromkeys(("avi", "flash", "ogg", "windowsmedia"), _INSIDE),
    **dict.fromkeys(("http_application_veohtv", "http_activesync", "http_proxy"), _INSIDE),
    **dict.fromkeys(("direct_download_link", "video_hosting"), _HOSTS),
    **dict.fromkeys(("aimini", "feidian", "fiesta", "filetopia", "florensia"), _GONE),
    **dict.fromkeys(("manolito", "move", "off", "orangedonkey", "tvants"), _GONE),
    **dict.fromkeys(("i23v5", "openft", "winmx", "world_of_kung_fu"), _GONE),
    **dict.fromkeys(("imaps", "pops", "smtps"), _TLS),
    "aim": "speaks oscar, which is told",
    "armagetron": "its datagrams are numbers without a mark; the port tells",
    "ipp": "read as http; the port tells that a printer is asked",
    "ipsec": "isakmp, esp and ah are read; the word stands for all of them",
    "ndn_http": "of MMT's own research, and not described",
    "lps_data": "of MMT's own research, and not described",
}


@pytest.mark.shared
def test_every_listed_protocol_is_told_or_reviewed(shared: Path) -> None:
    with (shared / "spec" / "dpi-protocols.csv").open(newline="") as file:
        listed = [row["name"] for row in csv.DictReader(file)]
    protocols = {name: p for p in nf.protocols() for name in (p.name, *p.aliases)}
    applications = {name for a in nf.applications() for name in (a.name, *a.aliases)}

    told: Counter[str] = Counter()
    untold: set[str] = set()
    for name in listed:
        if name in applications:
            told["application"] += 1
        elif name in protocols and protocols[name].told not in ("port", "name"):
            told[protocols[name].told] += 1
        else:
            untold.add(name)

    assert untold == REVIEWED.keys()
    assert sum(told.values()) + len(untold) == len(listed)
    assert told["dpi"] >= 68
