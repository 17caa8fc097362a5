"""Values as they are typed: the text that replaces the right side of an assignment.

A problem file is trusted, as any Python file that is executed; typed values are not. They are read
as text first: nothing is evaluated before all of it is known to be allowed.
"""

import ast
import io
import math
import re
import tokenize
from functools import lru_cache
from itertools import accumulate

from spinhydro.errors import EquationError, ParameterError
from spinhydro.problem.allowed import check_allowed

#: Functions of NumPy that make lists of numbers.
_MAKE_LISTS = ("linspace", "arange", "logspace", "geomspace", "array", "repeat", "tile")
#: Defaults of these kinds are not single numbers.
_NO_NUMBERS = (ast.List, ast.Tuple, ast.Dict, ast.Set)
#: Deeper values are typing errors, and would exhaust Python's stack.
_MAX_DEPTH = 120
#: Signs that look like others, and the micro sign before a unit.
_SIGNS = str.maketrans({"\u212a": "K", "\u2126": "\u03a9", "\u2212": "-", "\u00b5": "\u03bc"})
_MICRO = re.compile(r"\bμ(?=(m|s|K|eV|T|J)\b)")
_DECIMAL_COMMA = re.compile(r"(?<![\w.])(\d+),(\d+)(?![\w.]*[,\])])")


def is_text(node):
    """True for a string, or a choice between strings: ``"RK4" if quick else "IFRK4"``."""
    if isinstance(node, ast.IfExp):
        return is_text(node.body) and is_text(node.orelse)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def as_text(name, value, default):
    """Source text of a new value; a bare word is a string where the file has a string.

    Parameters
    ----------
    name : str
    value : str, number, list or dictionary
    default : ast.expr
        The expression in the file.

    Raises
    ------
    ParameterError (EquationError)
        For what is not an expression, or holds a name or function that is not allowed.
    """
    if not isinstance(value, str):
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            value = [item.item() if hasattr(item, "item") else item for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(f"{name} = {value}: the value must be finite")
        if not isinstance(value, (bool, int, float, complex, list, tuple, dict, type(None))):
            hint = "; write a function as text, W='lambda k: …'" if callable(value) else ""
            raise ParameterError(
                f"{name} is given as {type(value).__name__}; numbers, strings, lists and "
                f"dictionaries are allowed in a problem file{hint}"
            )
        return repr(value)
    if is_text(default):
        return _as_word(name, value)
    value = _MICRO.sub("u", value.translate(_SIGNS)).strip()
    _refuse_comment(name, value)
    try:
        tree = ast.parse(value, mode="eval").body
    except (SyntaxError, ValueError) as error:
        column = (getattr(error, "offset", None) or 1) - 1
        hint = "units are multiplied: 62*Hz" if any(c.isdigit() for c in value) else ""
        raise EquationError(
            value, column, column + 1, f"the value of {name} cannot be read", hint
        ) from None
    except (MemoryError, RecursionError):
        raise ParameterError(f"the value of {name} is too long") from None
    _check_depth(name, tree)
    if isinstance(tree, ast.Tuple) and not value.startswith("("):
        _refuse_commas(name, value, len(tree.elts))
    check_allowed(name, value, tree)
    return value


def _as_word(name, value):
    """A typed text, quoted; all members have the same text."""
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        literal = None
    tree = parsed(value)
    if isinstance(tree, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        raise ParameterError(
            f"{name} = {value}: {name} is a text, which is the same for all members: give one, and "
            "run the file once for each"
        )
    return repr(literal if isinstance(literal, str) else value)


def _refuse_commas(name, value, parts):
    comma = _DECIMAL_COMMA.search(value)
    if comma and parts == 2:
        number = f"{comma[1]}.{comma[2]}"
        raise ParameterError(f"{name} = {value}: a decimal comma? write {number}")
    raise ParameterError(f"{name} = {value}: a list has brackets, [{value}]")


def _check_depth(name, tree):
    level = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ParameterError(
        f"the value of {name} is more than {_MAX_DEPTH} levels deep; compute it in the file, or in "
        "Python with spinhydro.load"
    )


def _refuse_comment(name, value):
    """Refuse a '#', which would hide the rest of the line that holds the value."""
    if "#" not in value:
        return
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(value).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    for token in tokens:
        if token.type == tokenize.COMMENT:
            at = token.start[1]
            raise EquationError(value, at, at + 1, f"the value of {name} cannot hold a comment")


def as_members(text, default):
    """The text with ``per_member(…)`` around every list, where the default is one number."""
    is_word = is_text(default) or isinstance(getattr(default, "value", None), bool)
    holds_lists = any(isinstance(node, _NO_NUMBERS) for node in ast.walk(default))
    if is_word or holds_lists or makes_kernel(parsed(text)):
        return text
    edits = []
    for start, end in lists_in(text):
        edits += [(end, ")"), (start, "spinhydro.per_member(")]
    for at, new in edits:
        text = text[:at] + new + text[at:]
    return text


def as_kernel(name, text, default):
    """The text with ``spinhydro.kernel(…)`` around a lambda, if the default is a kernel."""
    calls = [node for node in ast.walk(default) if isinstance(node, ast.Call)]
    if not isinstance(parsed(text), ast.Lambda) or not any(map(makes_kernel, calls)):
        return text
    return f"spinhydro.kernel({text}, name={name!r})"


def makes_kernel(node):
    """True for a function, ``lambda k: …``, and for a call of ``spinhydro.kernel``."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] in ("kernel", "stencil", "exchange")
    return isinstance(node, ast.Lambda)


def parsed(text):
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _count(node, in_sum=False):
    """Number of values of a list as Python writes it, ``[1e-3]*9 + [3e3]``; 0 for another node.

    By itself, a list of several values times a number is multiplied value by value.
    """
    if isinstance(node, (ast.List, ast.Tuple)):
        return len(node.elts)
    if not isinstance(node, ast.BinOp):
        return 0
    if isinstance(node.op, ast.Add):
        counts = _count(node.left, True), _count(node.right, True)
        return sum(counts) if all(counts) else 0
    if isinstance(node.op, ast.Mult):
        for values, times in ((node.left, node.right), (node.right, node.left)):
            count, times = _count(values, in_sum), getattr(times, "value", None)
            if type(times) is int and times > 0 and (count == 1 or (count and in_sum)):
                return count * times
    return 0


def lists_in(text):
    """Spans of the outermost lists of numbers in an expression, the last first."""
    body = parsed(text)
    spans, stack = [], [body] if body is not None else []
    while stack:
        node = stack.pop()
        name = ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
        if name == "per_member":
            continue
        is_list = isinstance(node, (ast.List, ast.Tuple)) or _count(node)
        if is_list or name in _MAKE_LISTS:
            spans.append(offsets(text, node))
        else:
            stack += list(ast.iter_child_nodes(node))
    return sorted(spans, reverse=True)


def list_length(name, value, default):
    """Number of values of the first list, ``[…]``, that makes members; None without one."""
    text = as_text(name, value, default)
    if as_members(text, default) == text:
        return None
    counts = filter(None, map(_count, ast.walk(parsed(text))))
    return next(counts, None)


def offsets(text, node):
    """Character positions of a node in a text; Python counts columns in UTF-8 bytes."""
    lines, starts = _lines(text)

    def position(line, column):
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    start = position(node.lineno, node.col_offset)
    end = position(node.end_lineno, node.end_col_offset)
    return start, end


@lru_cache(maxsize=4)
def _lines(text):
    """Lines of a text, and the positions where they begin."""
    lines = text.splitlines(keepends=True)
    return lines, list(accumulate(map(len, lines), initial=0))
