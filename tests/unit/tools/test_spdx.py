import pytest

from tools.spdx import BadExpression, met_by

ALLOWED = {"MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"}


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "MIT OR GPL-3.0-only",
        "GPL-3.0-only or MIT",
        "MIT/Apache-2.0",
        "(MIT OR GPL-2.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "GPL-2.0-only AND Unicode-3.0 OR MIT",
    ],
)
def test_expression_that_allowed_licences_meet_passes(expression: str) -> None:
    assert met_by(expression, ALLOWED)


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT AND (GPL-2.0-only OR LGPL-2.1-only)",
        "MIT WITH Some-exception",
        "GPL-2.0-only AND (MIT OR Unicode-3.0)",
    ],
)
def test_expression_that_needs_another_licence_fails(expression: str) -> None:
    assert not met_by(expression, ALLOWED)


@pytest.mark.parametrize("expression", ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT MIT", "MIT;"])
def test_text_that_is_no_expression_is_an_error(expression: str) -> None:
    with pytest.raises(BadExpression):
        met_by(expression, ALLOWED)
