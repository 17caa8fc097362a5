"""Values of the outputs and watches of a run, by the fused engine where that equals Dedalus's."""

from spinhydro.dedalus_support.memory import WORTH_REUSING
from spinhydro.dedalus_support.small_copies import SmallCopies
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
#: Points along each axis of the small grid on which operands of large states are compared.
SMALL = {1: 1 << 14, 2: 1 << 7, 3: 1 << 5}


class OperandValues:
    """Evaluate operands at the present state.

    Dedalus evaluates an operand operation by operation, each time with new arrays and checks. The
    fused engine's `GridValues` replace these values if both are equal to rounding. They are
    compared once for every operand: at the first state after a step, as values are often zero at
    the start, where Dedalus's are taken; if the state is large, before, on a small grid with random
    fields.

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
        self._small = None

    @property
    def is_large(self):
        """Return whether operands are compared on a small grid, before the first step."""
        if not self.is_fused:
            return False
        space = self.solver.timestepper.right_side.space
        return space.work * space.dtype().itemsize >= WORTH_REUSING

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
        if not self.is_fused or name in self._refused:
            return evaluated(operand)
        if name not in self._known and not self._prepare(operand, name):
            return evaluated(operand)
        if name in self._trusted:
            return self._values(name)
        if not self.solver.iteration:
            return evaluated(operand)
        return self._compared(operand, name)

    def _prepare(self, operand, name):
        """Read an operand; return whether the fused engine can evaluate it."""
        solver, right_side = self.solver, self.solver.timestepper.right_side
        time = solver.problem.time
        try:
            found = GridValues(
                operand, solver.state, time, right_side.space, right_side.lowering
            )  # fmt: skip
        except Unsupported:
            self._refused.add(name)
            return False
        self._known[name] = found
        is_open = self.is_large and name not in self._trusted
        if is_open and self._is_equal_on_small_grid(operand):
            self._trusted.add(name)
        return True

    def _values(self, name):
        return self._known[name].field(self.solver.sim_time, self.solver.timestepper.spectra)

    def _compared(self, operand, name):
        """Return the values, after a comparison with Dedalus's."""
        ours, theirs = self._values(name), evaluated(operand)
        is_equal = self._are_equal(ours, theirs, self._known[name])
        if is_equal is False:
            self._refused.add(name)
            del self._known[name]
            return theirs
        if is_equal:
            self._trusted.add(name)
        return ours

    def _is_equal_on_small_grid(self, operand):
        """Return whether a small copy of an operand has the values of Dedalus."""
        solver = self.solver
        if self._small is None:
            axes = solver.timestepper.right_side.space.axes
            self._small = SmallCopies(solver.dist, SMALL[len(axes)])
        try:
            copy, *state = map(self._small.of, (operand, *solver.state))
            values = GridValues(copy, state, solver.problem.time)
        except Exception:
            # Not every operator acts on every grid. Whatever the reason, Dedalus's values remain.
            return False
        ours = values.field(solver.sim_time)
        return self._are_equal(ours, copy.evaluate(), values) is True

    def _are_equal(self, ours, theirs, values):
        """Return whether two fields are equal to rounding; None if both are zero or not finite.

        Zeros prove nothing.
        """
        theirs.change_scales(ours.scales)
        theirs.require_grid_space()
        comm, sizes = self.solver.dist.comm, compare(ours.data, theirs.data)
        if relative(sizes, comm) > TOLERANCE:
            # Quotients of small numbers have fewer digits.
            condition = ROUNDING / TOLERANCE * values.condition(self.solver.sim_time)
            sizes = [max(sizes[0], condition), sizes[1]]
        if not relative(sizes, comm) <= TOLERANCE:
            return False
        largest = largest_of_ranks(sizes, comm)[0]
        return True if 0 < largest < float("inf") else None
