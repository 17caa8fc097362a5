"""Copies of expressions on a small grid, with random fields."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.core.field import Field
from dedalus.core.future import Future
from dedalus.core.operators import Average, Convert
from mpi4py import MPI

#: Part of the modes that a random field has: products of some of them fit on the grid.
SMOOTH = 0.4
#: Width of the values of a field that is uniform, relative to its value.
WIDTH = 0.1


class SmallCopies:
    """Copies of expressions on one grid of at most `size` points along each axis.

    Every field with bases becomes one with random values between the smallest and the largest of
    each of its components, when it is first met; constants and the time are shared.

    Parameters
    ----------
    dist : d3.Distributor
    size : int
    """

    def __init__(self, dist, size):
        self._size, self._known, self._bases = size, {}, {}
        self._random = np.random.default_rng(dist.comm.rank)

    def of(self, expression):
        """Return the copy of an expression or field; numbers are their copies.

        Operators that do not act on the small grid raise what Dedalus raises.
        """
        if not isinstance(expression, (Field, Future)):
            return expression
        if expression not in self._known:
            make = self._field if isinstance(expression, Field) else self._operation
            self._known[expression] = make(expression)
        return self._known[expression]

    def _operation(self, expression):
        operand = getattr(expression, "operand", None)
        if isinstance(expression, Convert):
            # To the bases of a sum, whose copy has others.
            return self.of(operand)
        if operand is not None:
            copy = self.of(operand)
            if copy is operand:
                return expression
            if isinstance(expression, Average):
                # It has no `new_operand`.
                return Average(copy, expression.coord)
            return expression.new_operand(copy)
        arguments = [self.of(argument) for argument in expression.original_args]
        if all(a is b for a, b in zip(arguments, expression.original_args, strict=True)):
            return expression
        return expression.new_operands(*arguments)

    def _field(self, field):
        bases = tuple(basis for basis in field.domain.bases if basis is not None)
        if not bases:
            return field
        copy = field.dist.Field(
            name=field.name, bases=tuple(map(self._basis, bases)), tensorsig=field.tensorsig,
            dtype=field.dtype,
        )  # fmt: skip
        copy["g"] = self._values(field, copy["g"].shape)
        copy.low_pass_filter(scales=SMOOTH)
        return copy

    def _basis(self, basis):
        if basis not in self._bases:
            is_large = isinstance(basis, (RealFourier, ComplexFourier)) and basis.size > self._size
            self._bases[basis] = basis.clone_with(size=self._size) if is_large else basis
        return self._bases[basis]

    def _values(self, field, shape):
        """Return random values of the size of those of a field."""
        field.change_scales(1)
        values = field["g"]
        rank, comm = len(field.tensorsig), field.dist.comm
        drawn = self._drawn(values.real, rank, shape, comm)
        if np.iscomplexobj(values):
            drawn = drawn + 1j * self._drawn(values.imag, rank, shape, comm)
        return drawn

    def _drawn(self, values, rank, shape, comm):
        """Return random numbers within the range of each component of a tensor."""
        found = np.empty(shape)
        for index in np.ndindex(shape[:rank]):
            part = values[index]
            lowest = comm.allreduce(part.min(initial=np.inf), op=MPI.MIN)
            highest = comm.allreduce(part.max(initial=-np.inf), op=MPI.MAX)
            width = WIDTH * (abs(highest) or 1.0)
            if highest - lowest < width:
                lowest, highest = lowest - width, highest + width
            found[index] = self._random.uniform(lowest, highest, shape[rank:])
        return found
