"""Rewrites calls and attributes that Python, numpy or threading no longer have, in the parsed function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

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
        if isinstance(called, ast.Name) and called.id == "range":
            node.args = [self._whole(argument, "in range") for argument in node.args]
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

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        self.generic_visit(node)
        node.lower = node.lower and self._whole(node.lower, "in a slice")
        node.upper = node.upper and self._whole(node.upper, "in a slice")
        return node

    def _whole(self, node: ast.expr, where: str) -> ast.expr:
        """Let `/` round down whole numbers where a fraction would be an error in any case."""
        if isinstance(node, ast.UnaryOp):
            node.operand = self._whole(node.operand, where)
        elif isinstance(node, ast.BinOp):
            node.left, node.right = self._whole(node.left, where), self._whole(node.right, where)
            if isinstance(node.op, ast.Div):
                self._note(node.lineno, f"/ of whole numbers {where}, which Python 2 rounded down")
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


def hoist_globals(tree: ast.Module, note: Note) -> None:
    """Move `global` to the beginning of its function: Python 2 let it come after the first use."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        found = [node for node in _walk_scope(function) if isinstance(node, ast.Global)]
        for node in found:
            note(node.lineno, "global after the first use")
        names = [name for node in found for name in node.names]
        if names:
            function.body.insert(0, ast.copy_location(ast.Global(names), function.body[0]))
            _Removing(found).visit(function)


class _Removing(ast.NodeTransformer):
    def __init__(self, gone: list[ast.Global]) -> None:
        self._gone = gone

    def visit_Global(self, node: ast.Global) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if node in self._gone else node


def _walk_scope(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions and classes within it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))
