"""The graph of a right-hand side: values on the grid, and linear combinations of spectra.

Everything is a scalar here: a vector is an array of scalars. A scalar is

- a Python number,
- a `Node`: a value at every grid point, an operation on other nodes or a leaf, or
- a `Spectrum`: a sum of symbols (polynomials in i k and kernels) times known spectra.

Equal values are the same object, so that common parts are computed once.
"""

from dataclasses import dataclass, field

from spinhydro.errors import Unsupported

__all__ = ["Graph", "KernelEntry", "Node", "Spectrum", "Unsupported", "order", "round_of"]


#: Rounds of values that depend on constants and time only, and on profiles but not the state.
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
    round
        When it can be computed: CONSTANT and PROFILE before the state is looked at, 0 after the
        inverse transforms of the state, 1 after one more round of transforms, …
    """

    kind: str
    arguments: tuple
    round: int
    index: int

    @property
    def is_operation(self):
        """Return whether a value is computed, not read or transformed."""
        return self.kind not in LEAVES


def round_of(node):
    """The round of transforms in which a node is transformed forward."""
    return max(node.round, PROFILE)


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
    since : int
        Round from which Dedalus's evaluator has it, if later than its terms imply.
    on_grid : bool
        Whether Dedalus has its values on the grid: a product, such as one with a unit vector.
    """

    def __init__(self, terms, since=0, on_grid=False):
        self.terms = {base: symbol for base, symbol in terms.items() if symbol}
        self.since, self.on_grid = since, on_grid

    @property
    def key(self):
        return frozenset((base, frozenset(symbol.items())) for base, symbol in self.terms.items())

    @property
    def round(self):
        return max(
            self.since,
            0,
            *(round_of(base[1]) + 1 for base in self.terms if base[0] == "forward"),
        )

    @property
    def factor(self):
        """The number in front of a single derivative of a single spectrum; 1 for any other."""
        coefficients = [c for symbol in self.terms.values() for c in symbol.values()]
        return coefficients[0] if len(coefficients) == 1 else 1

    def _with(self, terms):
        return Spectrum(terms, self.since, self.on_grid)

    def as_product(self, round_):
        """The spectrum as the values of a product that is computed on the grid in a round."""
        return Spectrum(self.terms, max(self.since, round_), True)

    def as_coefficients(self):
        """The spectrum after it has come from the grid, if it was there: one round later."""
        return Spectrum(self.terms, self.round + 1) if self.on_grid else self

    def without_factor(self):
        """The spectrum divided by its `factor`."""
        return self._with({base: dict.fromkeys(symbol, 1) for base, symbol in self.terms.items()})

    def plus(self, other):
        terms = {base: dict(symbol) for base, symbol in self.terms.items()}
        for base, symbol in other.terms.items():
            mine = terms.setdefault(base, {})
            for powers, coefficient in symbol.items():
                mine[powers] = mine.get(powers, 0) + coefficient
                if mine[powers] == 0:
                    del mine[powers]
        on_grid = self.on_grid or other.on_grid
        return Spectrum(terms, max(self.since, other.since), on_grid)

    def times(self, number):
        if number == 0:
            return Spectrum({})
        return self._with(
            {base: {p: number * c for p, c in s.items()} for base, s in self.terms.items()}
        )

    def differentiated(self, axis, order, dimensions, nyquist_filter=None):
        """The derivative of an order along an axis.

        Odd derivatives remove the Nyquist mode. An even power that contains one therefore needs
        the KernelEntry `nyquist_filter`; an odd power removes the mode by itself.
        """

        def raised(powers):
            entries = [e for e in powers[dimensions:] if e != nyquist_filter]
            power = powers[axis] + order
            filtered = order % 2 or len(entries) < len(powers) - dimensions
            if nyquist_filter and filtered and power % 2 == 0:
                entries = sorted((*entries, nyquist_filter))
            return powers[:axis] + (power,) + powers[axis + 1 : dimensions] + tuple(entries)

        terms = {}
        for base, symbol in self.terms.items():
            into = terms[base] = {}
            for powers, coefficient in symbol.items():
                into[raised(powers)] = into.get(raised(powers), 0) + coefficient
        return self._with(terms)

    def through(self, entry, dimensions):
        """This spectrum times a KernelEntry."""

        def extended(powers):
            return powers[:dimensions] + tuple(sorted((*powers[dimensions:], entry)))

        return self._with(
            {base: {extended(p): c for p, c in s.items()} for base, s in self.terms.items()}
        )


def order(outputs):
    """Return the operations that the outputs need, each after its arguments; and the leaves."""
    operations, leaves, seen = [], [], set()
    stack = [(node, False) for node in reversed(outputs) if isinstance(node, Node)]
    while stack:
        node, ready = stack.pop()
        if node in seen:
            continue
        if not node.is_operation:
            seen.add(node)
            leaves.append(node)
        elif ready:
            seen.add(node)
            operations.append(node)
        else:
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.arguments) if isinstance(a, Node)]
    return operations, leaves


class Graph:
    """Factory of nodes; equal nodes are the same object.

    Parameters
    ----------
    dimensions : int
        Number of space axes.
    keeps_state_on_grid : bool
        Whether the state is kept on the grid.

    Attributes
    ----------
    member_values : dict
        ``{KernelEntry: Node}``: numbers of members as they are on the grid.
    """

    def __init__(self, dimensions, keeps_state_on_grid=False):
        self.dimensions, self.keeps_state_on_grid = dimensions, keeps_state_on_grid
        self.nodes, self.member_values = {}, {}

    def node(self, kind, *arguments, round_=None):
        """The node of this kind with these arguments; an operation comes after its arguments."""
        key = (kind, *((a.key, a.since) if isinstance(a, Spectrum) else a for a in arguments))
        if key not in self.nodes:
            if round_ is None:
                round_ = max((a.round for a in arguments if isinstance(a, Node)), default=CONSTANT)
            self.nodes[key] = Node(kind, arguments, round_, len(self.nodes))
        return self.nodes[key]

    @property
    def has_neighbours(self):
        """Return whether any value is that of a neighbour."""
        return any(node.kind == "shifted" for node in self.nodes.values())

    def identity(self):
        return {(0,) * self.dimensions: 1}

    def to_grid(self, value):
        """A value on the grid: a Node or a number."""
        if not isinstance(value, Spectrum):
            return value
        if not value.terms:
            return 0
        if self.keeps_state_on_grid:
            found = self._sum_of_states(value)
            if found is not None:
                return found
        factor = value.factor
        if factor != 1:
            # -2 n, 2 n and n are one transform.
            return self.multiply(factor, self.to_grid(value.without_factor()))
        return self.node("inverse", value, round_=value.round)

    def _sum_of_states(self, value):
        """A sum of components of the state, as they are on the grid; None for everything else."""
        terms = [
            (base, powers, coefficient)
            for base, symbol in value.terms.items()
            for powers, coefficient in symbol.items()
        ]
        if len(terms) == 1 and len(terms[0][1]) == self.dimensions:
            return None
        for base, powers, _ in terms:
            is_scaled = all(entry in self.member_values for entry in powers[self.dimensions :])
            if base[0] != "state" or any(powers[: self.dimensions]) or not is_scaled:
                return None
        total = 0
        for base, powers, coefficient in terms:
            found = self.to_grid(Spectrum({base: self.identity()}))
            for entry in powers[self.dimensions :]:
                found = self.multiply(found, self.member_values[entry])
            total = self.add(total, self.multiply(coefficient, found))
        return total

    def to_spectrum(self, value):
        """Spectrum of any value except a nonzero number."""
        if isinstance(value, Spectrum):
            return value.as_coefficients()
        if isinstance(value, Node):
            found = self._sum_of_spectra(value)
            return found.as_coefficients() if found else self._forward(value)
        if value == 0:
            return Spectrum({})
        return self.to_spectrum(self.node("number", value, round_=CONSTANT))

    def _forward(self, node):
        return Spectrum({("forward", node): self.identity()})

    def _sum_of_spectra(self, node):
        """Spectrum of a sum of inverse transforms and profiles.

        Dedalus adds them as coefficients. None for everything else.
        """
        if node.kind == "inverse":
            return node.arguments[0]
        if node.kind == "mul":
            value, factor = node.arguments
            found = None if isinstance(factor, Node) else self._sum_of_spectra(value)
            return found and found.times(factor)
        if node.kind != "add":
            return None
        found = [self._sum_of_spectra(a) if isinstance(a, Node) else None for a in node.arguments]
        if not any(found):
            return None
        for i, argument in enumerate(node.arguments):
            if found[i] is None:
                if isinstance(argument, Node) and argument.round > PROFILE:
                    return None
                found[i] = self.to_spectrum(argument)
        return found[0].plus(found[1])

    def product(self, value, round_):
        """Mark a value as available on the grid, as in Dedalus.

        Also where one factor is 1 or 0, so that the product is the other one.
        """
        if isinstance(value, Node) and value.kind in ("inverse", "mul"):
            value = self._sum_of_spectra(value) or value
        return value.as_product(round_) if isinstance(value, Spectrum) else value

    def truncated(self, value):
        """The value after truncation to the resolved modes."""
        if not isinstance(value, Node) or not value.is_operation or value.round == CONSTANT:
            return value
        if self._sum_of_spectra(value):
            return value
        return self.to_grid(self._forward(value))

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
        """A function of one value, by its name in ``spinhydro.language.functions``."""
        a = self.to_grid(a)
        if not isinstance(a, Node):
            a = self.node("number", a, round_=CONSTANT)
        return self.node(kind, a)

    def shift(self, a, offset):
        """The value at r + offset (in grid points): operations on the shifted leaves."""
        a = self.to_grid(a)
        if not isinstance(a, Node) or a.round == CONSTANT or not any(offset):
            return a
        if a.kind == "shifted":
            a, before = a.arguments
            return self.shift(a, tuple(i + j for i, j in zip(before, offset, strict=True)))
        if not a.is_operation:
            return self.node("shifted", a, offset, round_=a.round)
        shifted = [self.shift(b, offset) if isinstance(b, Node) else b for b in a.arguments]
        return self.node(a.kind, *shifted)

    def differentiate(self, a, axis, order=1, nyquist_filter=None):
        """A derivative; `nyquist_filter` as in `Spectrum.differentiated`, None without the mode."""
        if not isinstance(a, (Node, Spectrum)):
            return 0
        found = self.to_spectrum(a)
        return found.differentiated(axis, order, self.dimensions, nyquist_filter)

    def apply(self, a, entry):
        """A value multiplied by a component of a kernel in k-space."""
        return self.to_spectrum(a).through(entry, self.dimensions)
