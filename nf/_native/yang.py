"""The face of libyang, typed in yang.pyi."""

from nf._native import _compiled

__all__ = [
    "Context",
    "Diff",
    "Operation",
    "Problem",
    "Tree",
]

Context = _compiled.yang.Context
Diff = _compiled.yang.Diff
Operation = _compiled.yang.Operation
Problem = _compiled.yang.Problem
Tree = _compiled.yang.Tree
