"""The model's own conditions, told of the line of the file that breaks them."""

import json
from typing import TYPE_CHECKING

from nf.errors import YangError
from nf.mgmt.compiling import CompileError, compile_settings
from nf.mgmt.legacy.findings import Finding
from nf.mgmt.legacy.importing import Imported, place_in

if TYPE_CHECKING:
    from nf._native.yang import Context, Tree

__all__ = ["check"]


def check(context: "Context", made: Imported, *, compiled: bool = True) -> "Tree | None":
    """Validates what a file became; what is wrong is added to its findings.

    Args:
        context: The schema.
        made: The translation; one that has errors already is not validated.
        compiled: Has the data path's settings made of it, too, which finds wrong filters.

    Returns:
        The valid configuration without defaults, or None when there are errors.
    """
    if made.errors:
        return None
    try:
        tree = context.parse(json.dumps(made.data).encode(), "json")
        whole = tree.copy()
        whole.validate()
        if compiled:
            compile_settings(whole.to_data())
    except YangError as error:
        for problem in error.errors:
            _add(made, problem.path, problem.message)
        return None
    except CompileError as error:
        _add(made, error.place, error.what)
        return None
    return tree


def _add(made: Imported, path: str | None, message: str) -> None:
    option, place = place_in(made, path)
    hint = "change the value, or what it depends on"
    # libyang tells the members of a union on lines of their own.
    what = " ".join(message.partition(":\n")[0].split())
    made.findings.append(Finding("error", option, place, what, hint, path or ""))
