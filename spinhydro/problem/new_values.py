"""New values of parameters, checked before and after the file is executed."""

import ast
import builtins
import numbers

import numpy as np

from spinhydro.dedalus_support.ensemble.values import new_ensemble
from spinhydro.errors import EquationError, ParameterError, did_you_mean
from spinhydro.language.allowed import is_allowed
from spinhydro.problem.dimensions import dimension
from spinhydro.problem.plain_values import is_plain
from spinhydro.problem.typed_values import lists_in, makes_kernel, offsets
from spinhydro.units import DIMENSIONS


def check_new_values(assignments, texts, before, namespace, dimensions):
    """Default value and dimension of every overridden name, after its new text was checked."""
    from spinhydro.kernels.kernel import Kernel

    defaults = {}
    for assignment in assignments:
        name = assignment.name
        if name not in texts or name not in before:
            continue
        node = before[name].value
        _check_expression(name, texts[name], namespace, before)
        try:
            with new_ensemble():
                default = eval(compile(ast.Expression(node), "default", "eval"), namespace)
        except Exception:
            # The default may fail if another override makes it meaningless.
            continue
        if not is_plain(default) and not isinstance(default, (dict, Kernel)):
            raise ParameterError(
                f"'{name}' is {type(default).__name__} in this file, not a parameter"
            )
        defaults[name] = (default, dimension(node, dimensions))
    return defaults


def _check_expression(name, text, namespace, assigned):
    """Evaluate an override separately first, for an error with a caret."""
    from spinhydro.language.expressions import ExpressionBuilder

    _check_calls(name, text, namespace)
    if text.strip("+- ").lower() in ("nan", "inf", "infinity"):
        raise ParameterError(f"{name} = {text}: the value must be finite")
    try:
        ast.literal_eval(text)
        return
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    body = ast.parse(text, mode="eval").body
    if makes_kernel(body):
        _check_names(name, text, body, namespace)
        return
    if isinstance(body, (ast.List, ast.Tuple, ast.Dict)):
        for item in [*getattr(body, "elts", []), *getattr(body, "values", [])]:
            _check_expression(name, ast.unparse(item), namespace, assigned)
        return
    spans = lists_in(text)
    if spans:
        _check_lists(name, text, spans, namespace, assigned)
        return
    known = {
        **dict.fromkeys(DIMENSIONS, 1.0),
        **{function.__name__: function for function in (abs, float, int, max, min, round)},
        **namespace,
    }
    try:
        ExpressionBuilder(known)(text)
    except EquationError as error:
        word = text[error.start : error.end]
        if word in assigned and word not in namespace:
            error.hint = f"{word} is set further down in the file than {name}"
        if word not in namespace and hasattr(np, word) and "np" in namespace:
            error.hint = f"write np.{word}"
        if word.lower() in ("true", "false"):
            error.hint = f"did you mean '{word.title()}'?"
        error.message = f"the value of {name} cannot be used: {error.message}"
        raise


def _check_calls(name, text, namespace):
    """Refuse functions that do more than compute: ``exec``, or ``from os import system``."""
    for node in ast.walk(ast.parse(text, mode="eval")):
        if not isinstance(node, ast.Name):
            continue
        function = namespace.get(node.id, getattr(builtins, node.id, None))
        if callable(function) and not is_allowed(function):
            message = f"the value of {name} cannot be used: {node.id} is not allowed"
            raise EquationError(text, *offsets(text, node), message)


def _check_names(name, text, body, namespace):
    """Refuse unknown names in a function or kernel, with a caret in the typed text."""
    own = {node.arg for node in ast.walk(body) if isinstance(node, ast.arg)}
    known = {*own, *namespace, *DIMENSIONS, *vars(builtins)}
    for node in ast.walk(body):
        if isinstance(node, ast.Name) and node.id not in known:
            message = f"the value of {name} cannot be used: '{node.id}' is not known here"
            hint = did_you_mean(node.id, {*own, *namespace})
            raise EquationError(text, *offsets(text, node), message, hint)


def check_kernel(name, value, text):
    """Raise ParameterError unless the new value of a kernel is a kernel."""
    from spinhydro.kernels.kernel import Kernel

    if not isinstance(value, Kernel):
        raise ParameterError(
            f"{name} = {text}: {name} is a kernel in this file: give a function of k, "
            f"{name}='lambda k: …', or {name}='spinhydro.kernel(NAME, …)' (`spinhydro words`)"
        )


def _check_lists(name, text, spans, namespace, assigned):
    """Check an expression that holds lists: every item of a list, then one in place of it."""
    for start, end in spans:
        node = ast.parse(text[start:end], mode="eval").body
        items = getattr(node, "elts", [])
        for item in items:
            _check_expression(name, ast.unparse(item), namespace, assigned)
        text = text[:start] + "1" + text[end:]
    _check_expression(name, text, namespace, assigned)


def check_word(name, value, words):
    """A number or field may not take the name of a word: the word would be lost in equations."""
    if name not in words or _is_function(value):
        return
    better = {"dt": "timestep", "dx": "spacing"}.get(name, f"{name}_value")
    raise ParameterError(
        f"'{name}' is a word of equations (`spinhydro words`) and cannot be the name of "
        f"{_kind(value)}; call it '{better}'"
    )


def _kind(value):
    if isinstance(value, numbers.Number):
        return "a number"
    return "a field" if hasattr(value, "tensorsig") else f"a value of type {type(value).__name__}"


def _is_function(value):
    return isinstance(value, (type, np.ufunc)) or hasattr(value, "__code__") or (
        callable(value) and not hasattr(value, "tensorsig")
    )  # fmt: skip
