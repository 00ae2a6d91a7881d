"""The page that lists the metrics is what the model says."""

from tools import metrics_docs


def test_the_page_of_metrics_is_current() -> None:
    assert metrics_docs.PAGE.read_text() == metrics_docs.text(), "make docs"
