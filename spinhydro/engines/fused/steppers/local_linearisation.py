"""The linearised right-hand side as a matrix at each point, where no derivative is in it."""

import numpy as np

from spinhydro.engines.fused.program.pointwise import make_pointwise
from spinhydro.engines.fused.read.graph import CONSTANT, Node, Spectrum
from spinhydro.errors import Unsupported

#: Points that are evaluated at once.
BLOCK = 1 << 13
#: Step of the difference quotients, relative to the root mean square of the state.
STEP = 1e-7


class LocalLinearisation:
    """Derivatives of the rates at each point with respect to the state at that point.

    A product is taken as it is on the grid, without truncation to the modes of the bases.

    Parameters
    ----------
    right_side : RightSide

    Attributes
    ----------
    points : int
        On this rank.

    Raises
    ------
    Unsupported
        If a derivative, a kernel, an average or a neighbour is in the right-hand side.
    """

    def __init__(self, right_side):
        self._right_side, self._known = right_side, {}
        self._graph, self.points = right_side.lowering.graph, right_side.space.points
        rates = [self._on_grid(value) for value in right_side.program.outputs]
        self._evaluate = make_pointwise(rates, self._location)

    def _on_grid(self, value):
        """Return a scalar of the graph as an operation on values at the same point."""
        if isinstance(value, Spectrum):
            return self._sum(value)
        if not isinstance(value, Node):
            return value
        if value.kind == "shifted":
            raise Unsupported("values of neighbours")
        if value.kind == "inverse":
            return self._sum(value.arguments[0])
        if not value.is_operation:
            return value
        if value not in self._known:
            arguments = [
                self._as_node(self._on_grid(argument)) if isinstance(argument, Node) else argument
                for argument in value.arguments
            ]
            self._known[value] = self._graph.node(value.kind, *arguments)
        return self._known[value]

    def _sum(self, spectrum):
        graph, total = self._graph, 0
        for base, symbol in spectrum.terms.items():
            if set(symbol) != set(graph.identity()):
                raise Unsupported("derivatives or kernels")
            (coefficient,) = symbol.values()
            if base[0] == "state":
                value = graph.node("inverse", Spectrum({base: graph.identity()}), round_=0)
            else:
                value = self._on_grid(base[1])
            total = graph.add(total, graph.multiply(coefficient, value))
        return total

    def _as_node(self, value):
        if isinstance(value, Node):
            return value
        return self._graph.node("number", value, round_=CONSTANT)

    def _location(self, leaf):
        if leaf.kind != "inverse":
            return self._right_side.program.location(leaf)
        ((base, _),) = leaf.arguments[0].terms.items()
        return ("array", 1, base[1])

    def matrices(self, rows, time, size):
        """Yield the matrices of one block of neighbouring points after the other.

        Parameters
        ----------
        rows : list of arrays (points,)
            The components of the state on the grid.
        time : float
        size : float
            Root mean square of the state.

        Yields
        ------
        array (rows, columns, points)
            Of real numbers: a complex component counts as its real and its imaginary part.
        """
        right_side = self._right_side
        constants, profiles = right_side.constants(time), right_side.profiles
        directions = (1, 1j) if np.iscomplexobj(rows[0]) else (1,)
        columns, step = len(rows) * len(directions), STEP * (size or 1e-3)
        for first in range(0, self.points, BLOCK):
            state = np.stack([row[first : first + BLOCK] for row in rows])
            arrays = (profiles[:, first : first + BLOCK], state)
            before, after = np.empty_like(state), np.empty_like(state)
            found = np.empty((columns, columns, state.shape[1]))
            self._evaluate(arrays, constants, before)
            for column in range(columns):
                row, direction = divmod(column, len(directions))
                kept = state[row].copy()
                state[row] += step * directions[direction]
                self._evaluate(arrays, constants, after)
                state[row] = kept
                after -= before
                after *= 1 / step
                for part, values in enumerate((after.real, after.imag)[: len(directions)]):
                    found[part :: len(directions), column] = values
            yield found
