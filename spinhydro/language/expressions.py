"""Expression strings -> Dedalus operands, with a caret under errors.

A string is parsed into Python's syntax tree, the tree is walked and every node is applied to
Dedalus objects one by one. So an error is reported at its position in the string, and only
arithmetic and calls of known words are possible, nothing else of Python.
"""

import ast
import operator
from types import ModuleType

import numpy as np
from dedalus.core.field import Field, Operand
from dedalus.core.operators import TimeDerivative

from spinhydro.dedalus_support.ensemble.basis import field_of
from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.strings import evaluating_string
from spinhydro.errors import EquationError, did_you_mean, shorten
from spinhydro.kernels.kernel import is_function_of_k, not_a_kernel
from spinhydro.language.allowed import allowed_names, is_allowed
from spinhydro.language.substitutions import number_added_to_vector
from spinhydro.language.unknown_names import syntax_hint, unknown_name_hint
from spinhydro.language.words import SCALAR_FUNCTIONS, WORDS

_BINARY = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("**", operator.pow),
    ast.MatMult: ("@", operator.matmul),
}
_UNARY = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BRACKETS = {")": "(", "]": "[", "}": "{"}
#: Deeper trees are typing errors, and would exhaust Python's stack.
_MAX_DEPTH = 120


def parse(text, whole=None, offset=0):
    """Syntax tree of one expression.

    Parameters
    ----------
    text : str
        The expression.
    whole, offset : str, int
        The string that contains it, which errors show, and its position there.

    Raises
    ------
    EquationError
    """
    whole = text if whole is None else whole
    check_brackets(whole)
    padded = text.strip()
    offset += len(text) - len(text.lstrip())
    if not padded:
        raise EquationError(whole, offset, offset + 1, "an expression is missing here")
    for i, character in enumerate(padded):
        if character == "#" or not character.isprintable():
            raise EquationError(
                whole,
                offset + i,
                offset + i + 1,
                f"the character {character!r} is not allowed here",
            )
    try:
        tree = ast.parse(padded, mode="eval").body
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        raise EquationError(
            whole, offset + column, offset + column + 1, _syntax_message(error, padded),
            syntax_hint(padded, column),
        ) from None  # fmt: skip
    except (ValueError, MemoryError, RecursionError) as error:
        raise EquationError(
            whole, offset, offset + 1, f"this cannot be read as an expression ({error})"
        ) from None
    _check_depth(tree, whole, offset, padded)
    if isinstance(tree, ast.Tuple):
        comma = _span(tree.elts[0], offset, padded)[1]
        message = "a comma separates arguments only"
        raise EquationError(whole, comma, comma + 1, message, "a decimal point is written 3.5")
    return tree, offset, padded


def check_brackets(text):
    """Raise EquationError at the first bracket without a partner."""
    open_brackets = []
    for i, character in enumerate(text):
        if character in "([{":
            open_brackets.append((character, i))
        elif character in ")]}":
            if not open_brackets or open_brackets[-1][0] != _BRACKETS[character]:
                raise EquationError(text, i, i + 1, f"unmatched '{character}'")
            open_brackets.pop()
    if open_brackets:
        character, i = open_brackets[-1]
        raise EquationError(text, i, i + 1, f"this '{character}' is never closed")


def _syntax_message(error, text):
    message = str(error.msg).split(". Perhaps")[0].split(" (<")[0]
    if "invalid syntax" in message or "cannot" in message or "expected" in message:
        return f"this is not an expression: {message}"
    return message


def _check_depth(tree, whole, offset, source):
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > _MAX_DEPTH:
            start, end = _span(node, offset, source)
            raise EquationError(
                whole,
                start,
                end,
                f"more than {_MAX_DEPTH} levels deep; split it into substitutions",
            )
        stack += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _span(node, offset, source):
    """Characters of a node. Python counts columns in UTF-8 bytes."""
    raw = source.encode()

    def characters(column):
        return len(raw[:column].decode(errors="ignore"))

    return offset + characters(node.col_offset), offset + characters(node.end_col_offset)


class ExpressionBuilder:
    """Walk a parsed expression and apply it to the objects of a namespace.

    Parameters
    ----------
    namespace : mapping
        Meaning of names: ``problem.namespace``.
    time_derivatives : bool
        Whether the expression may contain dt(…): in equations only.
    """

    def __init__(self, namespace, time_derivatives=False):
        self.namespace = namespace
        self.time_derivatives = time_derivatives

    def __call__(self, text, whole=None, offset=0):
        """The value of an expression: a Dedalus operand or a number."""
        self.whole = text if whole is None else whole
        tree, self.offset, self.source = parse(text, self.whole, offset)
        value = self._visit(tree)
        self._check_operand(tree, value)
        self._check_time(tree, value)
        if isinstance(value, PerMember):
            return self._apply(tree, field_of, value, value.ensemble.dist)
        return value

    def _check_time(self, node, value):
        """Refuse a constant field that has the name of the time but is not the time."""
        time = getattr(self.namespace, "time", None)
        if time is None or not isinstance(value, Operand):
            return
        for field in value.atoms(Field):
            if field.name == time.name and field is not time and not any(field.domain.nonconstant):
                self._fail(
                    node,
                    f"the field {field.name} is not the time of the problem and stays constant",
                    f"write problem = d3.IVP([…], time={field.name}, namespace=locals())",
                )

    def _fail(self, node, message, hint=""):
        raise EquationError(self.whole, *_span(node, self.offset, self.source), message, hint)

    def _visit(self, node):
        method = getattr(self, f"_visit_{type(node).__name__}", None)
        if method is None:
            self._fail(
                node,
                f"{_NODE_NAMES.get(type(node).__name__, type(node).__name__)} is not allowed in "
                "an expression",
                _INSTEAD.get(type(node).__name__)
                or "allowed: numbers, names, + - * / ** @, brackets and calls such as cross(a, b)",
            )
        return method(node)

    def _visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float, complex, str)):
            self._fail(node, f"{value!r} is not a number")
        if not isinstance(value, str) and not _finite(value):
            self._fail(node, "this number is not finite")
        return value

    def _visit_Name(self, node):
        name = node.id
        if name not in self.namespace or name.startswith("_"):
            self._fail(
                node,
                f"'{shorten(name)}' is not known here",
                unknown_name_hint(name, self.namespace, self._known_names()),
            )
        value = self.namespace[name]
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            value = value.item()
        if isinstance(value, np.ndarray):
            self._fail(
                node,
                f"'{name}' is a NumPy array of shape {value.shape}, which an expression cannot use",
                f"put it into a field: f = dist.Field(name='f', bases=…); f['g'] = {name}",
            )
        if _is_number(value) and not _finite(value):
            self._fail(node, f"{name} = {value} is not finite")
        if isinstance(value, Operand) and (number := number_added_to_vector(value)):
            self._fail(
                node,
                f"{name} adds the number {number} to every component of {describe(value)}",
                "write the direction, as in number*ez; a kernel acts on fields only: W(m)",
            )
        return value

    def _known_names(self):
        return [
            name
            for name, value in self.namespace.items()
            # Fields without a name are there too.
            if isinstance(name, str)
            and not name.startswith("_")
            and (isinstance(value, (Operand, PerMember)) or _is_number(value) or callable(value))
        ]

    def _visit_Attribute(self, node):
        value = self._visit(node.value)
        if node.attr.startswith("_") or not isinstance(value, ModuleType):
            hint = _COMPONENTS if _signature(value) else ""
            self._fail(node, f"{describe(value)} has no '{node.attr}' here", hint)
        allowed = allowed_names(value)
        if allowed is not None and node.attr not in allowed and hasattr(value, node.attr):
            self._fail(node, f"{value.__name__}.{node.attr} is not allowed in a string")
        if not hasattr(value, node.attr):
            hint = did_you_mean(node.attr, dir(value))
            self._fail(node, f"{value.__name__} has no '{node.attr}'", hint)
        return getattr(value, node.attr)

    def _visit_Subscript(self, node):
        value = self._visit(node.value)
        if isinstance(value, Operand):
            self._fail(node, "an expression cannot index a field", _COMPONENTS)
        try:
            return value[self._visit(node.slice)]
        except EquationError:
            raise
        except Exception as error:
            self._fail(
                node, f"{describe(value)} cannot be indexed like this ({_first_line(error)})"
            )

    def _visit_Tuple(self, node):
        return tuple(self._visit(item) for item in node.elts)

    def _visit_UnaryOp(self, node):
        if type(node.op) not in _UNARY:
            self._fail(node, "only + and - are allowed before a term")
        value = self._visit(node.operand)
        self._check_operand(node.operand, value)
        return self._apply(node, _UNARY[type(node.op)], value)

    def _visit_BinOp(self, node):
        if type(node.op) is ast.BitXor:
            at = self.source.encode()[: node.right.col_offset].decode().rstrip().rfind("^")
            raise EquationError(
                self.whole, self.offset + at, self.offset + at + 1, "'^' is not a power: write **"
            )
        if type(node.op) not in _BINARY:
            self._fail(node, "only + - * / ** and @ are allowed between terms")
        symbol, function = _BINARY[type(node.op)]
        left, right = self._visit(node.left), self._visit(node.right)
        self._check_operand(node.left, left)
        self._check_operand(node.right, right)
        if _is_number(left) and _is_number(right):
            return self._number(node, function, left, right)
        if all(_is_number(value) or isinstance(value, PerMember) for value in (left, right)):
            return self._apply(node, function, left, right)
        if symbol in "+-":
            self._check_same_rank(node, left, right)
        if symbol == "@":
            self._check_same_length(node, left, right)
        if symbol == "/" and _signature(right):
            self._fail(node.right, f"nothing can be divided by {describe(right)}")
        if symbol == "**" and _signature(left):
            self._fail(node, f"{describe(left)} has no powers", "the square of its length is s @ s")
        try:
            result = function(left, right)
        except Exception as error:
            if symbol == "**" and isinstance(right, Operand):
                self._fail(node, "the exponent of ** must be a number")
            if mixed := real_and_complex(left, right):
                self._fail(node, *mixed)
            self._fail(
                node,
                f"{describe(left)} {symbol} {describe(right)} cannot be combined: "
                f"{_first_line(error)}",
            )
        if result is NotImplemented or not (isinstance(result, Operand) or _is_number(result)):
            self._fail(node, f"{describe(left)} {symbol} {describe(right)} cannot be combined")
        return result

    def _check_same_length(self, node, left, right):
        """Refuse products of vectors with different numbers of components, which Dedalus takes."""
        ends = _signature(left)[-1:], _signature(right)[:1]
        sizes = [system.dim for end in ends for system in end]
        if len(sizes) == 2 and sizes[0] != sizes[1]:
            self._fail(
                node,
                f"{describe(left)} @ {describe(right)}: {sizes[0]} components against {sizes[1]}",
            )

    def _check_operand(self, node, value):
        if callable(value) and not isinstance(value, Operand):
            name = ast.unparse(node)
            self._fail(
                node, f"'{name}' is a function, not a field or a number", f"call it: {name}(…)"
            )
        if not (isinstance(value, (Operand, PerMember)) or _is_number(value)):
            self._fail(node, f"this is {describe(value)}, not a field or a number")

    def _check_same_rank(self, node, left, right):
        ranks = [describe(value) for value in (left, right)]
        zero = any(_is_number(value) and value == 0 for value in (left, right))
        if not zero and _signature(left) != _signature(right):
            self._fail(node.right, f"{ranks[1]} cannot be added to {ranks[0]}")

    def _number(self, node, function, left, right):
        """Compute with numbers as floats: 9**9**9 must not run forever."""
        if function is operator.matmul:
            self._fail(node, "@ contracts vectors; these are numbers")
        if function is operator.pow or not all(abs(value) < 1e15 for value in (left, right)):
            left, right = (v if isinstance(v, complex) else float(v) for v in (left, right))
        try:
            value = function(left, right)
        except (ArithmeticError, ValueError) as error:
            self._fail(node, f"this number cannot be computed ({_first_line(error)})")
        if not _finite(value):
            self._fail(node, "this number is not finite")
        return value

    def _visit_Call(self, node):
        function = self._visit(node.func)
        name = ast.unparse(node.func)
        positional = [self._visit(argument) for argument in node.args]
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                self._fail(node, "** is not allowed before an argument")
            keywords[keyword.arg] = self._visit(keyword.value)
        is_interpolation = isinstance(function, Operand) and keywords and not positional
        if not callable(function) or (isinstance(function, Operand) and not is_interpolation):
            self._fail(
                node,
                f"'{shorten(name)}' is {describe(function)}, not a function",
                "a * is missing before the bracket?",
            )
        if is_function_of_k(function) and any(isinstance(v, Operand) for v in positional):
            self._fail(node, not_a_kernel(name))
        if not is_allowed(function):
            self._fail(node, f"{shorten(name)}(…) is not allowed in a string")
        self._check_arguments(node, name, function, positional, keywords)
        return self._apply(node, function, *positional, **keywords)

    def _check_arguments(self, node, name, function, positional, keywords):
        """Refuse what Dedalus accepts silently: further arguments (it writes into them), …"""
        if "out" in keywords:
            self._fail(node, "an expression cannot write into a field: leave `out` out")
        if name in ("comp", "div", "Component", "Divergence") and keywords.get("index", 0) != 0:
            self._fail(
                node,
                f"{name}(…, index={keywords['index']}) gives wrong numbers in Dedalus 3.0.5",
                "keep the space index first and leave `index` out",
            )
        if function is TimeDerivative and not self.time_derivatives:
            self._fail(node, "dt(…) is allowed in equations only")
        word = next((w for w in WORDS.values() if w.function is function), None)
        if word is None:
            operands = [v for v in positional if isinstance(v, Operand)]
            if isinstance(function, type) and len(operands) > 2:
                self._fail(node, f"{name} takes at most two fields")
            return
        values = [v for v in positional if isinstance(v, (Operand, PerMember)) or _is_number(v)]
        if len(values) != word.operands or positional[: len(values)] != values:
            self._fail(
                node,
                f"{name} takes {word.operands} field{'s' * (word.operands > 1)}, not "
                f"({', '.join(describe(v) for v in positional)})",
                f"write {word.usage}",
            )
        if name in SCALAR_FUNCTIONS and any(_signature(v) for v in values):
            self._fail(node, f"{name} is for scalars; this is {describe(values[0])}")

    def _apply(self, node, function, *arguments, **keywords):
        try:
            with evaluating_string():
                result = function(*arguments, **keywords)
        except EquationError:
            raise
        except RecursionError:
            self._fail(node, "the expression calls itself without end")
        except Exception as error:
            shown = ", ".join(describe(argument) for argument in arguments)
            what = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            self._fail(node, f"{what} cannot take ({shown}): {_first_line(error)}")
        if isinstance(result, np.generic):
            result = result.item()
        if _is_number(result) and not _finite(result):
            self._fail(node, "this number is not finite")
        if isinstance(result, PerMember) and not np.all(np.isfinite(result.values)):
            self._fail(node, "this number is not finite for all members")
        return result


_COMPONENTS = "components: s @ ex, s @ ey, s @ ez"
_CHOICE = "a where f > 0 and b elsewhere is where(f, a, b)"
_INSTEAD = {
    "IfExp": _CHOICE,
    "Compare": _CHOICE,
    "BoolOp": "both: minimum(f, g); one: maximum(f, g)",
}
_NODE_NAMES = {
    "Lambda": "a lambda",
    "IfExp": "if … else",
    "Compare": "a comparison",
    "BoolOp": "and/or",
    "NamedExpr": "an assignment",
    "JoinedStr": "an f-string",
    "Dict": "a {…}",
    "Set": "a {…}",
    "List": "a […]",
    "ListComp": "a loop",
    "GeneratorExp": "a loop",
    "Starred": "a starred argument",
    "Await": "await",
    "Slice": "a slice",
}


def _is_number(value):
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def _finite(value):
    return bool(np.isfinite(complex(value))) if abs(value) < 1e308 else False


#: Messages of Dedalus and Python -> ours.
_IN_OTHER_WORDS = {
    "Objects are not all equal": "they have different bases or distributors",
    "tuple.index(x)": "it needs an index of the space coordinates, not of the spin",
    "cannot access local variable": "it needs a field",
    "pop from empty list": "@ contracts two vectors",
}


def _first_line(error):
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return next((ours for part, ours in _IN_OTHER_WORDS.items() if part in text), text)


def real_and_complex(left, right):
    """Message and hint if one operand is real and the other complex, which Dedalus refuses."""
    operands = [value for value in (left, right) if isinstance(value, Operand)]
    if len({np.issubdtype(value.dtype, np.complexfloating) for value in operands}) < 2:
        return None
    fields = {field for value in operands for field in value.atoms(Field)}
    if any(np.issubdtype(f.dtype, np.complexfloating) and any(f.domain.bases) for f in fields):
        hint = "make all fields without dtype=…, as the distributor has it"
    else:
        hint = (
            "an equation with 1j needs dist = spinhydro.distributor(coords, dtype=np.complex128) "
            "and d3.ComplexFourier bases"
        )
    real, imaginary = sorted(operands, key=lambda o: np.issubdtype(o.dtype, np.complexfloating))
    return f"{describe(real)} is real and {describe(imaginary)} complex: they do not mix", hint


def _signature(value):
    return tuple(value.tensorsig) if isinstance(value, Operand) else ()


def describe(value):
    """Describe an operand: "the scalar n", "the vector s (sx, sy, sz)", "the number 2"."""
    if isinstance(value, Operand):
        name = getattr(value, "name", None)
        named = f" {name}" if name and name.isidentifier() and not hasattr(value, "args") else ""
        signature = value.tensorsig
        article = "the" if named else "a"
        if not signature:
            return f"{article} scalar{named}"
        if len(signature) == 1:
            components = ", ".join(coord.name for coord in signature[0].coords)
            return f"{article} vector{named} ({components})"
        return f"{article} rank-{len(signature)} tensor{named}"
    if _is_number(value):
        return f"the number {value:g}" if not isinstance(value, complex) else f"the number {value}"
    if isinstance(value, PerMember):
        return f"the numbers {value!r}"
    if isinstance(value, str):
        return f"the text {value!r}"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    return f"a {type(value).__name__}"
