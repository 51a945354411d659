"""Rewrites calls and attributes that Python, numpy or threading no longer have, in the parsed function."""

from __future__ import annotations

import ast
from collections.abc import Callable

from edge.deeplens.repair import gone

Note = Callable[[int, str], object]
SHIMS = "_lenshub_shims"  # the name under which edge.deeplens.repair.shims is known to the function
METHODS = {
    "tostring": "tostring",
    "has_key": "has_key",
    "iteritems": "items",
    "itervalues": "values",
    "iterkeys": "keys",
}


class _Rewriting(ast.NodeTransformer):
    def __init__(self, note: Note, *, python2: bool, divide: bool) -> None:
        self._note, self._python2, self._divide = note, python2, divide

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func
        if not isinstance(called, ast.Attribute):
            return node
        plain = isinstance(called.value, ast.Name)
        if called.attr == "fromstring" and plain and called.value.id in ("np", "numpy"):  # type: ignore[attr-defined]
            self._note(node.lineno, "numpy.fromstring on bytes")
            return self._shim(node, "fromstring", node.args, node.keywords)
        if called.attr in METHODS and not (called.attr == "tostring" and node.args):
            self._note(node.lineno, f".{called.attr}()")
            return self._shim(node, METHODS[called.attr], [called.value, *node.args], node.keywords)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and (node.value.id, node.attr) in gone.ATTRIBUTES:
            self._note(node.lineno, f"{node.value.id}.{node.attr}")
        elif node.attr in gone.METHODS:
            self._note(node.lineno, f".{node.attr}")
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            if alias.name in gone.MODULES:
                self._note(node.lineno, f"import {alias.name}")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module in gone.MODULES:
            self._note(node.lineno, f"from {node.module} import")
        elif node.module:
            for alias in node.names:
                if (node.module, alias.name) in gone.ATTRIBUTES:
                    self._note(node.lineno, f"from {node.module} import {alias.name}")
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._divide and isinstance(node.op, ast.Div):
            self._note(node.lineno, "/ of whole numbers, which Python 2 rounded down")
            return self._shim(node, "divide", [node.left, node.right], [])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if self._python2 and isinstance(called, ast.Attribute) and called.attr in ("keys", "values", "items"):
            self._note(node.lineno, f".{called.attr}() as a list")
            node.value = self._shim(node.value, "as_list", [node.value], [])
        return node

    def _shim(
        self, node: ast.expr, name: str, arguments: list[ast.expr], keywords: list[ast.keyword]
    ) -> ast.expr:
        shim = ast.Attribute(ast.Name(SHIMS, ast.Load()), name, ast.Load())
        return ast.fix_missing_locations(ast.copy_location(ast.Call(shim, arguments, keywords), node))


def rewrite(tree: ast.Module, note: Note, *, python2: bool) -> ast.Module:
    """Return the tree with gone calls replaced by shims; told of each kind with its line number."""
    divide = python2 and not any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "division" for alias in node.names)
        for node in tree.body
    )
    changed = _Rewriting(note, python2=python2, divide=divide).visit(tree)
    assert isinstance(changed, ast.Module)  # noqa: S101 - a module stays one
    return changed
