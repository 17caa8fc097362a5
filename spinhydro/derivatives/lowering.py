"""A lowering whose numbers are variables, so that a value has derivatives with respect to them."""

import numpy as np
from dedalus.core import arithmetic

from spinhydro.engines.fused.read.graph import Node, Spectrum
from spinhydro.engines.fused.read.lower import Lowering
from spinhydro.engines.jax.leaves import LeafNumber, kernel_name


class LeafLowering(Lowering):
    """As `Lowering`, with every number of the equations as a `LeafNumber`.

    Attributes
    ----------
    numbers : list of float or complex
        The values, in the order of the leaves.
    """

    def __init__(self, variables, dist, time, lossless, neighbours=True):
        # Stencils are kernels here, so that their weights are arrays.
        super().__init__(variables, dist, time, lossless=lossless, neighbours=False)
        self.graph.keeps_state_on_grid = lossless
        self.numbers = []

    def _lower(self, expression):
        if isinstance(expression, arithmetic.MultiplyNumberField):
            number, operand = expression.original_args
            leaf = self._leaf(complex(number))
            values = self(operand)
            result = values.copy()
            for index in np.ndindex(values.shape):
                result[index] = self.graph.multiply(leaf, values[index])
            return result
        return super()._lower(expression)

    def _leaf(self, number):
        self.numbers.append(number if number.imag else number.real)
        return LeafNumber("leaf", (len(self.numbers) - 1,))


def structure(lowering, outputs):
    """A description of the graph below some outputs that equal structures share.

    It holds kinds and connections, not the values of numbers, kernels and profiles.
    """
    names, found = {}, []

    def name_of(value):
        if isinstance(value, Node):
            return names[value]
        if isinstance(value, Spectrum):
            return tuple(
                (base[0], base[1] if base[0] == "state" else names[base[1]], _powers(symbol))
                for base, symbol in value.terms.items()
            )
        return ("leaf", repr(value)) if isinstance(value, LeafNumber) else value

    def _powers(symbol):
        dimensions = lowering.graph.dimensions
        return tuple(
            (powers[:dimensions], *map(kernel_name, powers[dimensions:]), name_of(coefficient))
            for powers, coefficient in symbol.items()
        )

    for node in sorted(lowering.graph.nodes.values(), key=lambda node: node.index):
        names[node] = len(names)
        found.append((node.kind, *map(name_of, node.arguments)))
    return tuple(found), tuple(map(name_of, outputs))
