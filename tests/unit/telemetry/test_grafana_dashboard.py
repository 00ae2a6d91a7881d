"""The dashboard is what the model says, and asks for what there is."""

import json
import re

from tools import grafana_dashboard


def test_the_dashboard_is_current() -> None:
    assert grafana_dashboard.FILE.read_text() == grafana_dashboard.text(), "make docs"


def test_every_graph_has_a_place_of_its_own_and_asks_something() -> None:
    panels = json.loads(grafana_dashboard.FILE.read_text())["panels"]
    places = {(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels}

    assert len(places) == len(panels) > 10
    for one in panels:
        assert one["targets"], one["title"]
        for target in one["targets"]:
            assert re.search(r"nf_\w+\{instance=~", target["expr"])


def test_a_counter_is_never_shown_as_it_is() -> None:
    bare = [
        panel.title
        for panel in grafana_dashboard.PANELS
        if panel.how == "value" and panel.title != "Restarts"
        for target in json.loads(grafana_dashboard.FILE.read_text())["panels"]
        if target["title"] == panel.title
        for query in target["targets"]
        if "_total{" in query["expr"]
    ]

    assert bare == []
