"""The graph of a right-hand side: values on the grid, and linear combinations of spectra.

Everything is a scalar here: a vector is an array of scalars. A scalar is

- a Python number,
- a `Node`: a value at every grid point, an operation on other nodes or a leaf, or
- a `Spectrum`: a sum of symbols (polynomials in i k and kernels) times spectra that are known.

Equal values are the same object, so that common parts are computed once.
"""

from dataclasses import dataclass, field

from spinhydro.errors import Unsupported

__all__ = ["Graph", "KernelEntry", "Node", "Spectrum", "Unsupported", "round_of"]


#: Levels of what depends on constants and time only, and on profiles but not on the state.
CONSTANT, PROFILE = -2, -1
#: Kinds of nodes that are read and not computed.
LEAVES = ("profile", "constant", "inverse", "number", "shifted")


@dataclass(frozen=True, eq=False)
class Node:
    """One value on the grid.

    kind
        "profile" (field, component), "constant" (field, component), "inverse" (Spectrum) for
        leaves, and "shifted" (one of these, offset) for their value at a neighbour; "add", "mul",
        "pow", or the name of a NumPy function for operations.
    arguments
        Nodes and numbers, or what the leaf is of.
    level
        When it can be computed: CONSTANT and PROFILE before the state is looked at, 0 after the
        inverse transforms of the state, 1 after one more round of transforms, …
    """

    kind: str
    arguments: tuple
    level: int
    index: int

    @property
    def is_operation(self):
        """Whether it is computed, and not read or transformed."""
        return self.kind not in LEAVES


def round_of(node):
    """The round of transforms in which a node is transformed forward."""
    return max(node.level, PROFILE)


@dataclass(frozen=True, order=True)
class KernelEntry:
    """One component of a kernel omega(k), or the numbers of members, as a factor of symbols."""

    number: int
    kernel: object = field(compare=False)
    row: int = 0
    column: int = 0


class Spectrum:
    """Sum over bases of symbol * spectrum, linear in the bases.

    Attributes
    ----------
    terms : dict
        ``{base: symbol}``; a base is ("state", i) or ("forward", node); a symbol is a dictionary
        ``{(powers of d/dx, d/dy, …, then kernel entries): coefficient}``.
    """

    def __init__(self, terms):
        self.terms = {base: symbol for base, symbol in terms.items() if symbol}

    @property
    def key(self):
        return frozenset((base, frozenset(symbol.items())) for base, symbol in self.terms.items())

    @property
    def level(self):
        return max(
            (round_of(base[1]) + 1 for base in self.terms if base[0] == "forward"), default=0
        )

    @property
    def factor(self):
        """The number in front of a single derivative of a single spectrum; 1 for any other."""
        coefficients = [c for symbol in self.terms.values() for c in symbol.values()]
        return coefficients[0] if len(coefficients) == 1 else 1

    def without_factor(self):
        """The same with 1 in the place of `factor`."""
        return Spectrum({base: dict.fromkeys(symbol, 1) for base, symbol in self.terms.items()})

    def plus(self, other):
        terms = {base: dict(symbol) for base, symbol in self.terms.items()}
        for base, symbol in other.terms.items():
            mine = terms.setdefault(base, {})
            for powers, coefficient in symbol.items():
                mine[powers] = mine.get(powers, 0) + coefficient
                if mine[powers] == 0:
                    del mine[powers]
        return Spectrum(terms)

    def times(self, number):
        if number == 0:
            return Spectrum({})
        return Spectrum(
            {base: {p: number * c for p, c in s.items()} for base, s in self.terms.items()}
        )

    def differentiated(self, axis):
        def raised(powers):
            return powers[:axis] + (powers[axis] + 1,) + powers[axis + 1 :]

        return Spectrum(
            {base: {raised(p): c for p, c in s.items()} for base, s in self.terms.items()}
        )

    def through(self, entry, dimensions):
        """This spectrum times a KernelEntry."""

        def extended(powers):
            return powers[:dimensions] + tuple(sorted((*powers[dimensions:], entry)))

        return Spectrum(
            {base: {extended(p): c for p, c in s.items()} for base, s in self.terms.items()}
        )


class Graph:
    """Makes nodes, each once.

    Parameters
    ----------
    dimensions : int
        Number of space axes.
    """

    def __init__(self, dimensions):
        self.dimensions = dimensions
        self.nodes = {}

    def node(self, kind, *arguments, level=None):
        """The node of this kind with these arguments; an operation comes after its arguments."""
        key = (kind, *(a.key if isinstance(a, Spectrum) else a for a in arguments))
        if key not in self.nodes:
            if level is None:
                level = max((a.level for a in arguments if isinstance(a, Node)), default=CONSTANT)
            self.nodes[key] = Node(kind, arguments, level, len(self.nodes))
        return self.nodes[key]

    @property
    def has_neighbours(self):
        """Whether any value is that of a neighbour."""
        return any(node.kind == "shifted" for node in self.nodes.values())

    def identity(self):
        return {(0,) * self.dimensions: 1}

    def to_grid(self, value):
        """A value on the grid: a Node or a number."""
        if not isinstance(value, Spectrum):
            return value
        if not value.terms:
            return 0
        factor = value.factor
        if factor != 1:
            # -2 n, 2 n and n are one transform.
            return self.multiply(factor, self.to_grid(value.without_factor()))
        return self.node("inverse", value, level=value.level)

    def to_spectrum(self, value):
        """A Spectrum of any value but a number that is not zero."""
        if isinstance(value, Spectrum):
            return value
        if isinstance(value, Node):
            return Spectrum({("forward", value): self.identity()})
        if value == 0:
            return Spectrum({})
        return self.to_spectrum(self.node("number", value, level=CONSTANT))

    def truncated(self, value):
        """What is left of a value after it has gone to coefficients and back."""
        if isinstance(value, Node) and value.is_operation and value.level > CONSTANT:
            return self.to_grid(self.to_spectrum(value))
        return value

    def add(self, a, b):
        if isinstance(a, Spectrum) and isinstance(b, Spectrum):
            return a.plus(b)
        for zero, other in ((a, b), (b, a)):
            if not isinstance(zero, (Node, Spectrum)) and zero == 0:
                return other
        a, b = self.to_grid(a), self.to_grid(b)
        if not isinstance(a, Node) and not isinstance(b, Node):
            return a + b
        if not isinstance(a, Node):
            a, b = b, a
        return self.node("add", a, b)

    def multiply(self, a, b):
        numbers = [v for v in (a, b) if not isinstance(v, (Node, Spectrum))]
        if len(numbers) == 2:
            return a * b
        if numbers:
            number, value = (a, b) if not isinstance(a, (Node, Spectrum)) else (b, a)
            if number == 0:
                return 0
            if number == 1:
                return value
            if isinstance(value, Spectrum):
                return value.times(number)
            return self.node("mul", value, number)
        return self.node("mul", self.to_grid(a), self.to_grid(b))

    def power(self, a, exponent):
        a = self.to_grid(a)
        return self.node("pow", a, exponent) if isinstance(a, Node) else a**exponent

    def function(self, kind, a):
        """A function of one value, known to the kernels as `kind`."""
        a = self.to_grid(a)
        if not isinstance(a, Node):
            a = self.node("number", a, level=CONSTANT)
        return self.node(kind, a)

    def shift(self, a, offset):
        """The value at r + offset (in grid points): operations on the shifted leaves."""
        a = self.to_grid(a)
        if not isinstance(a, Node) or a.level == CONSTANT or not any(offset):
            return a
        if a.kind == "shifted":
            a, before = a.arguments
            return self.shift(a, tuple(i + j for i, j in zip(before, offset, strict=True)))
        if not a.is_operation:
            return self.node("shifted", a, offset, level=a.level)
        shifted = [self.shift(b, offset) if isinstance(b, Node) else b for b in a.arguments]
        return self.node(a.kind, *shifted)

    def differentiate(self, a, axis):
        if not isinstance(a, (Node, Spectrum)):
            return 0
        return self.to_spectrum(a).differentiated(axis)

    def apply(self, a, entry):
        """A value after a component of a kernel."""
        return self.to_spectrum(a).through(entry, self.dimensions)
