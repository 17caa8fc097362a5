"""Formulas typed by a user: arithmetic on names and functions from a fixed list only."""

import ast
import operator

import numpy as np

from spinhydro.errors import InputError, did_you_mean, shorten

#: Longest formula that is read, in characters.
LONGEST = 400
FUNCTIONS = {
    name: getattr(np, name)
    for name in ("sqrt", "sin", "cos", "tan", "exp", "log", "tanh", "sinh", "cosh", "abs", "sinc")
}
CONSTANTS = {"pi": np.pi}
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def evaluate(text, names):
    """Return the value of a formula such as "sqrt(W*(W + omega_K))".

    Parameters
    ----------
    text : str
    names : {name: number or array}
        In addition to FUNCTIONS and CONSTANTS.

    Raises
    ------
    InputError
        A name, a function or a construct that is not allowed; nothing is executed then.
    """
    if len(text) > LONGEST:
        raise InputError(f"formula of {len(text)} characters; at most {LONGEST} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        raise InputError(
            f"{shorten(text)!r} is not a formula; write for example 2*W + omega_K"
        ) from (None)
    with np.errstate(all="ignore"):
        return _value(tree.body, {**CONSTANTS, **names}, text)


def _value(node, names, text):
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Name):
        if node.id not in names:
            hint = did_you_mean(node.id, names)
            known = ", ".join(sorted(map(str, names))[:30])
            raise InputError(
                f"formula {shorten(text)!r}: no {node.id!r}; {hint} It may use {known}"
            )
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = (_value(side, names, text) for side in (node.left, node.right))
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand, names, text))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id not in FUNCTIONS:
            hint = did_you_mean(node.func.id, FUNCTIONS)
            raise InputError(f"formula {shorten(text)!r}: no function {node.func.id!r}; {hint}")
        if len(node.args) == 1:
            return FUNCTIONS[node.func.id](_value(node.args[0], names, text))
    raise InputError(
        f"formula {shorten(text)!r}: only + - * / **, numbers, names and functions of one argument"
    )
