"""Base of embedded pairs on Dedalus's evaluator."""

from functools import cached_property

import numpy as np
from dedalus.core.basis import RealFourier
from dedalus.core.operators import GeneralFunction
from mpi4py import MPI

from spinhydro.steppers.pair_steps import CHANGE, PairSteps, alternating, control_of
from spinhydro.steppers.projections import project
from spinhydro.steppers.spin_schemes import EMBEDDED

#: Coefficients on a rank up to which several steps are taken between two measurements: some
#: hundredths of a second each.
MOST_AHEAD = 20_000


class StockPair(PairSteps):
    """Base of embedded pairs on Dedalus's evaluator, beside the class of their scheme."""

    #: Assignments after every step: (field, operand).
    projections = ()
    #: Whether the right side has been evaluated at the present state.
    _is_evaluated = False

    def __init__(self, solver):
        super().__init__(solver)
        self.control = control_of(solver)
        self._kept, self._last = (np.zeros_like(self.start.data) for _ in range(2))
        self._fields = [field.copy() for field in solver.state]

    @cached_property
    def takes_many(self):
        """Return whether steps need not be measured one by one; see the fused engine.

        They must if anything but the state changes, or if steps take long.
        """
        problem = self.solver.problem
        changes = any(
            hasattr(equation["F"], "has") and equation["F"].has(problem.time, GeneralFunction)
            for equation in problem.equations
        )
        largest = self.solver.dist.comm.allreduce(self.start.data.size, op=MPI.MAX)
        return not changes and largest <= MOST_AHEAD

    def step(self, timestep, wall_time):
        """Advance the solver's state by exactly `timestep`, in steps that meet the tolerance."""
        solver, time = self.solver, self.solver.sim_time
        self._evaluate_start(timestep, wall_time)
        self._is_evaluated = True
        solver.iteration += self.advance(time, timestep) - 1
        solver.sim_time = time + timestep

    def state_record(self):
        """Return the record of a stepper: the companion."""
        return self.companion_record()

    def restore(self, record):
        """Continue from a record of `state_record`."""
        self.restore_companion(record)

    def discard_members(self, members):
        """Fill the state of some members of this rank with NaN."""
        axis = self.solver.dist.member_axis
        for field in self.solver.state:
            if field.domain.full_bases[axis] is not None:
                field.data[(*[slice(None)] * (len(field.tensorsig) + axis), members)] = np.nan

    def rate_at(self, state, time):
        """Return the terms of the right side that the scheme does not treat exactly."""
        self._evaluate(state, time)
        return self.rate.data.copy()

    def _kept_state(self):
        return self._kept

    def _project_at(self, time):
        self.solver.sim_time = time
        project(self.projections)

    def _show(self, time):
        self.solver.sim_time = time

    def _keep(self):
        self.solver.evaluator.require_coeff_space(self.solver.state)
        self._gather(self.start)
        np.copyto(self._kept, self.start.data)

    def _put_back(self):
        self._assign(self._kept)

    def _copy(self):
        self.solver.evaluator.require_coeff_space(self.solver.state)
        self._gather(self.total)
        return self.total.data.copy()

    def _assign(self, data):
        np.copyto(self.stage.data, data)
        self._scatter(self.stage)

    def _take(self, time, timestep):
        solver = self.solver
        solver.evaluator.require_coeff_space(solver.state)
        self._gather(self.start)
        np.copyto(self.stage.data, self.start.data)
        solver.sim_time = time
        if not self._is_evaluated:
            solver.evaluator.evaluate_group("F")
        self._is_evaluated = False
        self._complete(time, timestep)
        self._note_rates()
        solver.sim_time = time + timestep
        project(self.projections)

    def _evaluate(self, data, time):
        self._is_evaluated = False
        super()._evaluate(data, time)

    def _note_rates(self):
        """Keep the rates of a step from which its error follows."""
        np.copyto(self._last, self.rate.data)

    def _difference(self, time, timestep):
        end = self._copy()
        self._evaluate(end, time + timestep)
        self._last -= self.rate.data
        self._weigh(self._last, timestep)
        self._assign(end)
        return (self._squares(self._last),)

    def _weigh(self, difference, timestep):
        """Multiply k_4 - k_5 by its weight in the difference of the solutions, in place."""
        difference *= EMBEDDED * timestep

    def _sizes(self):
        return self._squares(self._copy())

    def _distance(self, other):
        return self._squares(self._copy() - other)

    def _rate_sizes(self, time):
        """Squared norms of the rates, and of their change with the state per relative change."""
        start = self._copy()
        self._evaluate(start, time)
        rate = self.rate.data.copy()
        signs = alternating((1, start.size)).reshape(start.shape)
        self._evaluate(start * (1 + CHANGE * signs), time)
        found = self._squares(rate), self._squares((self.rate.data - rate) / CHANGE)
        self._assign(start)
        return found

    def _squares(self, data):
        """Return squared norms (variables, members) of a system of coefficients."""
        np.copyto(self.total.data, data)
        for field in self._fields:
            field.preset_layout("c")
        for sp in self.subproblems:
            sp.scatter_inputs(self.total.get_subdata(sp), self._fields)
        return np.array([squares_of(field) for field in self._fields])


def squares_of(field):
    """Return the squared L2 norm of each member of a field in coefficient space."""
    rank, dist = len(field.tensorsig), field.dist
    data = np.abs(field.data) ** 2
    groups = dist.coeff_layout.local_group_arrays(field.domain, scales=1)
    for basis, group in zip(field.domain.full_bases, groups, strict=True):
        if isinstance(basis, RealFourier):
            # The mean square of a cosine or sine.
            data = data * np.where(group == 0, 1.0, 0.5)
    axis = getattr(dist, "member_axis", None)
    if axis is None or field.domain.full_bases[axis] is None:
        return np.array([np.sum(data)])
    members = np.moveaxis(data, rank + axis, 0)
    return np.array([np.sum(np.ascontiguousarray(member)) for member in members])
