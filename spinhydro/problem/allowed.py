"""Allowed content of a typed value: arithmetic, names, and calls of pure functions.

The rule is a list of what is allowed; everything else is refused before anything is evaluated.
"""

import ast

from spinhydro.errors import EquationError
from spinhydro.language.allowed import MODULES

_NODES = (
    ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator,
    ast.BoolOp, ast.boolop, ast.Compare, ast.cmpop, ast.IfExp, ast.List, ast.Tuple, ast.Dict,
    ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Slice, ast.Lambda, ast.arguments,
    ast.arg, ast.expr_context,
)  # fmt: skip


def check_allowed(name, text, tree):
    """Raise EquationError at the first part of a value that is not allowed.

    Parameters
    ----------
    name, text : str
        The parameter and its new value.
    tree : ast.expr
        The parsed value.
    """
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        message = hint = ""
        if not isinstance(node, _NODES):
            message = "only arithmetic, lists, lambda and calls of known functions are allowed"
        elif isinstance(node, ast.Name) and node.id.startswith("_"):
            message = f"'{node.id}' is not allowed"
        elif isinstance(node, ast.Attribute):
            message, hint = _refused_attribute(node, id(node) in called)
        elif isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute)):
            message = "this call is not allowed"
        if message:
            from spinhydro.problem.typed_values import offsets

            start, end = offsets(text, node) if hasattr(node, "col_offset") else (0, len(text))
            raise EquationError(
                text, start, end, f"the value of {name} cannot be used: {message}", hint
            )


def _refused_attribute(node, is_called):
    if node.attr.startswith("_"):
        return f"'{node.attr}' is not allowed", ""
    if isinstance(node.value, ast.Name) and node.value.id in MODULES:
        allowed = MODULES[node.value.id]
        if node.attr not in allowed:
            return f"{node.value.id}.{node.attr} is not allowed in a value", ""
        return "", ""
    if is_called:
        return f"{ast.unparse(node)}(…) is not allowed in a value", ""
    return "", ""
