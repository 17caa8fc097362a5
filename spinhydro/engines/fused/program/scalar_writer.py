"""Write operations of the graph as real arithmetic, for compiled loops.

A value is a pair (real part, imaginary part) of expressions; a part that is known to be zero is
None. Nothing is ever multiplied by such a zero, and loops stay free of complex numbers, which
compilers vectorise badly.
"""

import re

import numpy as np

from spinhydro.engines.fused.read.graph import Node, order
from spinhydro.language.functions import FUNCTIONS

#: Powers written as products, up to this exponent.
_LARGEST_PRODUCT = 8


class ScalarWriter:
    """Collects the lines of a loop body.

    Parameters
    ----------
    leaf : callable(Node)
        The value of a leaf: a pair, with whatever lines it needs appended.
    is_complex : bool
        Whether functions of real values may have complex ones, as sqrt(-1) in a complex problem.
    numbers : NumberTable, optional
        Where numbers are read from; otherwise they are written into the code.
    """

    def __init__(self, leaf=None, is_complex=False, numbers=None):
        self.lines, self._leaf, self._known = [], leaf, {}
        self._is_complex, self._numbers = is_complex, numbers
        self._count = 0

    def continued(self, leaf):
        """Return a writer of further lines of the same loop, with other leaves."""
        writer = ScalarWriter(leaf, self._is_complex, self._numbers)
        writer.lines, writer._count = self.lines, self._count
        return writer

    def name(self, expression):
        """A local name for an expression."""
        if expression is None or expression.isidentifier():
            return expression
        self._count += 1
        self.lines.append(f"v{self._count} = {expression}")
        return f"v{self._count}"

    def number(self, value):
        """The pair of a Python number."""
        value = complex(value)
        write = self._numbers.name if self._numbers else repr
        return tuple(write(part) if part else None for part in (value.real, value.imag))

    def pair(self, real, imaginary=None):
        return (self.name(real), self.name(imaginary))

    def load(self, expression, is_complex=True):
        """The pair of an element of an array."""
        if not is_complex:
            return self.pair(expression)
        value = self.name(expression)
        return self.pair(f"{value}.real", f"{value}.imag")

    def store(self, target, value, is_complex):
        real, imaginary = value
        real = "0.0" if real is None else real
        if is_complex:
            self.lines.append(f"{target} = complex({real}, {imaginary or '0.0'})")
        else:
            self.lines.append(f"{target} = {real}")

    # Arithmetic

    def add(self, a, b):
        return self.pair(_sum(a[0], b[0]), _sum(a[1], b[1]))

    def multiply(self, a, b):
        (ar, ai), (br, bi) = a, b
        return self.pair(
            _difference(_product(ar, br), _product(ai, bi)),
            _sum(_product(ar, bi), _product(ai, br)),
        )

    def power(self, a, exponent, is_positive=True):
        """a ** exponent; `is_positive` if a real a has no negative values."""
        if exponent == int(exponent) and 0 < exponent <= _LARGEST_PRODUCT:
            result = a
            for _ in range(int(exponent) - 1):
                result = self.multiply(result, a)
            return result
        if exponent < 0:
            return self._inverse(self.power(a, -exponent, is_positive))
        if exponent == 0.5:
            return self.function("sqrt", a, is_positive)
        if a[1] is None and (is_positive or exponent == int(exponent) or not self._is_complex):
            return self.pair(f"{a[0] or '0.0'} ** {exponent!r}")
        return self.load(f"{_complex_number(a)} ** {exponent!r}")

    def _inverse(self, a):
        real, imaginary = a
        if imaginary is None:
            return self.pair(f"1.0 / {real or '0.0'}")
        square = self.name(self.function("abs2", a)[0])
        return self.pair(None if real is None else f"{real} / {square}",
                         f"-{imaginary} / {square}")  # fmt: skip

    def function(self, kind, a, is_positive=True):
        """A function of one value; `is_positive` if a real one has no negative values."""
        real, imaginary = a
        if kind == "abs2":
            return self.add(self.multiply((real, None), (real, None)),
                            self.multiply((imaginary, None), (imaginary, None)))  # fmt: skip
        if kind == "square":
            return self.multiply(a, a)
        if kind == "real":
            return (real, None)
        if kind == "imag":
            return (imaginary, None)
        if kind == "conjugate":
            return self.pair(real, None if imaginary is None else f"-{imaginary}")
        needs = FUNCTIONS[kind].needs if self._is_complex else None
        if imaginary is None and (not needs or (needs == ">= 0" and is_positive)):
            return self.pair(f"np.{kind}({real or '0.0'})")
        if kind == "absolute":
            return self.pair(f"np.hypot({real or '0.0'}, {imaginary})")
        if kind == "sign":
            size = self.name(f"np.hypot({real or '0.0'}, {imaginary})")
            size = self.name(f"1.0 if {size} == 0.0 else {size}")
            return self.pair(f"{real or '0.0'} / {size}", f"{imaginary} / {size}")
        return self.load(f"np.{kind}({_complex_number(a)})")

    # The graph

    def value(self, scalar):
        """The value of a node or number of the graph."""
        if not isinstance(scalar, Node):
            return self.number(scalar)
        operations, leaves = order([scalar])
        for node in (*leaves, *operations):
            if node not in self._known:
                self._known[node] = self._operation(node) if node.is_operation else self._leaf(node)
        return self._known[scalar]

    def _operation(self, node):
        first, *rest = node.arguments
        a = self._argument(first)
        if node.kind == "add":
            return self.add(a, self._argument(rest[0]))
        if node.kind == "mul":
            return self.multiply(a, self._argument(rest[0]))
        if node.kind == "pow":
            return self.power(a, rest[0], self._is_positive(first))
        return self.function(node.kind, a, self._is_positive(first))

    def _argument(self, argument):
        return self._known[argument] if isinstance(argument, Node) else self.number(argument)

    def _is_positive(self, scalar):
        """Return whether a real value has no negative values, by the way it is written."""
        if not isinstance(scalar, Node):
            return complex(scalar).real >= 0
        kind, arguments = scalar.kind, scalar.arguments
        if kind in ("abs2", "absolute", "cosh"):
            return True
        if kind in ("exp", "exp2", "square"):
            return self._argument(arguments[0])[1] is None
        if kind in ("add", "mul"):
            same = kind == "mul" and arguments[0] is arguments[1]
            return same or all(map(self._is_positive, arguments))
        if kind == "pow":
            return arguments[1] % 2 == 0 or self._is_positive(arguments[0])
        return kind == "sqrt"


class NumberTable:
    """Numbers that compiled code reads from a table: with other parameters the code is the same.

    Attributes
    ----------
    values : array
    """

    #: Size of the table; further numbers are written into the code.
    SIZE = 4096

    def __init__(self):
        self.values, self._index = np.zeros(self.SIZE), {}

    def name(self, value):
        """The name of a number in the code."""
        if value in (1, -1) or (value not in self._index and len(self._index) == self.SIZE):
            return repr(value)
        index = self._index.setdefault(value, len(self._index))
        self.values[index] = value
        return f"n{index}_"

    @staticmethod
    def declarations(names, read):
        """Lines that read the numbers among some names; ``read(i)`` is the i-th of the table."""
        indices = sorted(int(name[1:-1]) for name in names if _NUMBER.fullmatch(name))
        return [f"n{i}_ = {read(i)}" for i in indices]


_NUMBER, _WORD = re.compile(r"n\d+_"), re.compile(r"[^\W\d]\w*")


def names_in(lines):
    """Return the words of lines of code, among them all names that they use."""
    return set(_WORD.findall("\n".join(lines)))


def _is_number(text):
    return text.lstrip("-").replace(".", "", 1).replace("e", "", 1).replace("-", "").isdigit()


def _product(a, b):
    if a is None or b is None:
        return None
    if _is_number(b):
        a, b = b, a
    if _is_number(a):
        if float(a) == 1:
            return b
        if float(a) == -1:
            return f"-{b}" if not b.startswith("-") else b[1:]
    return f"{a} * {b}"


def _sum(a, b):
    if a is None or b is None:
        return a if b is None else b
    return f"{a} + {b}" if not b.startswith("-") else f"{a} - {b[1:]}"


def _difference(a, b):
    if b is None:
        return a
    if a is None:
        return f"-({b})"
    return f"{a} - {b}" if not b.startswith("-") else f"{a} - ({b})"


def _complex_number(a):
    return f"complex({a[0] or '0.0'}, {a[1] or '0.0'})"


def indent(lines):
    """Lines one block further in."""
    return [f"    {line}" for line in lines]
