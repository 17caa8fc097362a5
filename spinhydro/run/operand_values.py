"""Values of the outputs and watches of a run, by the fused engine where that equals Dedalus's."""

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.engines.fused.program.grid_values import GridValues
from spinhydro.engines.fused.steppers.checker import (
    TOLERANCE,
    compare,
    largest_of_ranks,
    relative,
)
from spinhydro.errors import Unsupported

#: Largest difference to Dedalus's values, relative to their condition, that counts as rounding.
ROUNDING = 1e-12


class OperandValues:
    """Evaluate operands at the present state.

    Dedalus evaluates an operand operation by operation, each time with new arrays and checks, which
    for a small state takes longer than the steps between two outputs. The fused engine's
    `GridValues` are compared with Dedalus's once for every operand, and replace them if both are
    equal to rounding. At the start of a run, where values are often zero, Dedalus's are taken.

    Parameters
    ----------
    solver : d3.InitialValueSolver

    Attributes
    ----------
    is_fused : bool
        Whether the solver has a fused stepper; set when the engine has been chosen.
    """

    def __init__(self, solver):
        self.solver, self.is_fused = solver, False
        self._known, self._trusted, self._refused = {}, set(), set()

    def record(self):
        """Return what a checkpoint holds, so that a resumed run has the same bytes."""
        return {"equal": sorted(self._trusted), "by_dedalus": sorted(self._refused)}

    def restore(self, record):
        """Continue from a `record` of the same problem."""
        self._trusted, self._refused = set(record["equal"]), set(record["by_dedalus"])

    def __call__(self, operand, name):
        """Return a field with the values of an operand; a collective call.

        Parameters
        ----------
        operand : operand of Dedalus
        name : str
            By which a checkpoint knows it.
        """
        if not self.is_fused or not self.solver.iteration or name in self._refused:
            return evaluated(operand)
        if name not in self._known:
            try:
                self._known[name] = GridValues(operand, self.solver)
            except Unsupported:
                self._refused.add(name)
                return evaluated(operand)
        ours = self._known[name].field()
        return ours if name in self._trusted else self._compared(ours, operand, name)

    def _compared(self, ours, operand, name):
        """Return the values, after a comparison with Dedalus's."""
        theirs = evaluated(operand)
        theirs.change_scales(ours.scales)
        theirs.require_grid_space()
        sizes = compare(ours.data, theirs.data)
        difference = relative(sizes, self.solver.dist.comm)
        if not difference <= TOLERANCE:
            difference = self._difference_of_condition(sizes, name)
        if not difference <= TOLERANCE:
            self._refused.add(name)
            del self._known[name]
            return theirs
        if largest_of_ranks(sizes, self.solver.dist.comm)[0] > 0:
            # Zeros would prove nothing.
            self._trusted.add(name)
        return ours

    def _difference_of_condition(self, sizes, name):
        """Return the difference relative to that which rounding explains."""
        condition = self._known[name].condition()
        sizes = [max(sizes[0], ROUNDING / TOLERANCE * condition), sizes[1]]
        return relative(sizes, self.solver.dist.comm)
