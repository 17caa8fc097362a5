"""Operations of the graph written out as real arithmetic, for compiled loops.

A value is a pair (real part, imaginary part) of expressions; either is None where it is zero. What
is known to be real or imaginary is so never multiplied by a zero, and loops stay free of complex
numbers, which compilers vectorise badly.
"""

from spinhydro.engines.fused.program.pointwise import order
from spinhydro.engines.fused.read.graph import Node

#: Powers written as products, up to this exponent.
_LARGEST_PRODUCT = 8


class Writer:
    """Collects the lines of a loop body.

    Parameters
    ----------
    leaf : callable(Node)
        The value of a leaf: a pair, with whatever lines it needs appended.
    """

    def __init__(self, leaf=None):
        self.lines, self._leaf, self._known = [], leaf, {}
        self._number = 0

    def name(self, expression):
        """A local name for an expression."""
        if expression is None or expression.isidentifier():
            return expression
        self._number += 1
        self.lines.append(f"v{self._number} = {expression}")
        return f"v{self._number}"

    def pair(self, real, imaginary=None):
        return (self.name(real), self.name(imaginary))

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

    def power(self, a, exponent):
        if exponent == int(exponent) and 0 < exponent <= _LARGEST_PRODUCT:
            result = a
            for _ in range(int(exponent) - 1):
                result = self.multiply(result, a)
            return result
        if a[1] is None:
            real = a[0] or "0.0"
            if exponent < 0:
                positive = self.power((real, None), -exponent)[0]
                return self.pair(f"1.0 / {positive}")
            if exponent == 0.5:
                return self.pair(f"np.sqrt({real})")
            return self.pair(f"{real} ** {exponent!r}")
        return self._complex(f"{_complex_number(a)} ** {exponent!r}")

    def function(self, kind, a):
        real, imaginary = a
        if kind == "abs2":
            return self.add(self.multiply((real, None), (real, None)),
                            self.multiply((imaginary, None), (imaginary, None)))  # fmt: skip
        if kind == "real":
            return (real, None)
        if kind == "imag":
            return (imaginary, None)
        if kind == "conjugate":
            return self.pair(real, None if imaginary is None else f"-{imaginary}")
        if imaginary is None:
            return self.pair(f"np.{kind}({real or '0.0'})")
        if kind == "absolute":
            return self.pair(f"np.hypot({real or '0.0'}, {imaginary})")
        return self._complex(f"np.{kind}({_complex_number(a)})")

    def _complex(self, expression):
        value = self.name(expression)
        return self.pair(f"{value}.real", f"{value}.imag")

    # The graph

    def value(self, scalar):
        """The value of a node or number of the graph."""
        if not isinstance(scalar, Node):
            return number(scalar)
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
            return self.power(a, rest[0])
        return self.function(node.kind, a)

    def _argument(self, argument):
        return self._known[argument] if isinstance(argument, Node) else number(argument)


def number(value):
    """The pair of a Python number."""
    value = complex(value)
    return tuple(repr(part) if part else None for part in (value.real, value.imag))


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
