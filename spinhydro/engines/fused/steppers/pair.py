"""Base of embedded pairs on the fused right-hand side."""

import numpy as np

from spinhydro.engines.fused.step.fourier_step import MOST_AHEAD
from spinhydro.steppers.pair_steps import CHANGE, PairSteps, alternating, control_of
from spinhydro.steppers.spin_schemes import EMBEDDED


class FusedPair(PairSteps):
    """Base of embedded pairs on the state of a fused stepper: spectra, or values on the grid."""

    #: Whether compiled code takes steps, and not only computes rates.
    compiles_steps = True
    #: The compiled step of the companion.
    _second = None

    def __init__(self, solver, projections=(), compiled=True):
        self.control = control_of(solver)
        super().__init__(solver, projections, compiled)

    def _allocate(self, compiled):
        if self._second:
            self._second.release()
        super()._allocate(compiled)
        self._before = np.zeros_like(self.state)
        self._companion = self._second = self._rows = None

    def _is_untouched(self):
        """Return whether only this stepper can have changed the state since its last step."""
        return self.sync_on_request

    def discard_members(self, members):
        """Fill the state of some members of this rank with NaN."""
        super().discard_members(members)
        self._sizes_at_end = None

    def step(self, timestep, wall_time):
        """Advance the solver's state by exactly `timestep`, in steps that meet the tolerance."""
        solver = self.solver
        time = solver.sim_time
        self._evaluate_handlers(timestep, wall_time)
        self.read_fields()
        taken = self.advance(time, timestep)
        self.fields.in_sync = False
        solver.iteration += taken - 1
        solver.sim_time = time + timestep
        if not self.sync_on_request:
            self.synchronise()

    def begin(self, control, longest):
        """Set the controller, with a first timestep for the present state."""
        self.read_fields()
        super().begin(control, longest)
        # The fields, as they were filled, still hold the state.
        self.read_again()
        self.free_scratch()

    @property
    def can_batch(self):
        """Return False: every step chooses the next timestep."""
        return False

    def rate_at(self, state, time):
        """Return the terms of the right side that the scheme does not treat exactly."""
        self._assign(state)
        self.evaluate_rate(time)
        return self.rate.copy()

    def _kept_state(self):
        return self._before

    def _project_at(self, time):
        self._project(time)

    def _show(self, time):
        self.solver.sim_time, self.fields.in_sync = time, False

    def _keep(self):
        np.copyto(self._before, self.state)

    def _put_back(self):
        self._assign(self._before)

    def _assign(self, values):
        np.copyto(self.state, values)

    def _copy(self):
        return self.state.copy()

    def _take(self, time, timestep):
        if self.native:
            self.native.step(time, timestep)
            return
        self._advance(time, timestep)
        self._last = self._last_rate(timestep)
        self.state, self._total = self._total, self.state
        self._project(time + timestep)

    @property
    def takes_many(self):
        """Return whether steps need not be measured one by one.

        They must if the equations depend on time, or if steps take long: all of them may have to be
        taken again.
        """
        right_side = self.right_side
        is_steady = not right_side.lowering.uses_time and not right_side.has_noise
        return self._can_batch or (is_steady and right_side.space.points_of_member <= MOST_AHEAD)

    @property
    def _can_batch(self):
        """Return whether several steps can be one call of compiled code."""
        return bool(self.native and self.native.can_batch)

    def _take_many(self, time, timestep, number):
        if self._can_batch:
            self.native.step(time, timestep, number)
            return
        super()._take_many(time, timestep, number)

    def _start_companion(self):
        if self.native and self.compiles_steps and self._second is None:
            # With tables for its own timestep; the code is the same.
            self._second = self._make_native()
        if self._second is None:
            super()._start_companion()
            return
        np.copyto(self._second.state, self.state)
        self._companion = self._second.state

    def _distance_of_companion(self, time, timestep, number):
        if self._second is None:
            return super()._distance_of_companion(time, timestep, number)
        if self._can_batch:
            self._second.step(time, timestep, number)
        else:
            for i in range(number):
                self._second.step(time + i * timestep, timestep)
        return self._distance(self._second.state)

    def restore_companion(self, record):
        """Continue from a `companion_record`."""
        super().restore_companion(record)
        kept = self._companion
        if kept is not None and self.native and self.compiles_steps:
            self._start_companion()
            np.copyto(self._second.state, kept)

    def _last_rate(self, timestep):
        """Return the rate of the last stage of `_advance`, which has been multiplied by h/6."""
        return self.rate * (6 / timestep)

    def _difference(self, time, timestep):
        last = self.native.last if self.native else self._last
        self.evaluate_rate(time + timestep)
        last -= self.rate
        self._weigh(last, timestep)
        return (self._squares(last),)

    def _weigh(self, difference, timestep):
        """Multiply k_4 - k_5 by its weight in the difference of the solutions, in place."""
        difference *= EMBEDDED * timestep

    def _sizes(self):
        return self._squares(self.state)

    def _distance(self, other):
        return self._squares(self.state - other)

    def trial_error(self, time, timestep):
        """Return the relative error of one step; see `PairSteps`."""
        self.read_fields()
        found = super().trial_error(time, timestep)
        self.read_again()
        return found

    def go_ahead(self, timestep, number):
        """Take steps that are not measured; see `PairSteps`."""
        self.read_fields()
        super().go_ahead(timestep, number)
        self.fields.in_sync = False
        self.synchronise()
        self.read_again()

    def _rate_sizes(self, time):
        """Squared norms of the rates, and of their change with the state per relative change."""
        start = self._copy()
        self.evaluate_rate(time)
        rate = self.rate.copy()
        self.state *= 1 + CHANGE * alternating(self.state.shape)
        self.evaluate_rate(time)
        found = self._squares(rate), self._squares((self.rate - rate) / CHANGE)
        self._assign(start)
        return found

    def _squares(self, values):
        """Return squared L2 norms (variables, members)."""
        has_members = self.right_side.space.axes[0] > 0
        self._rows = self._rows or [rows for _, rows in self.fields.rows()]
        found = []
        for rows in self._rows:
            parts = np.moveaxis(values[rows], 1, 0) if has_members else [values[rows]]
            found.append([self._square(part) for part in parts])
        return np.array(found)

    def _square(self, values):
        """Return the squared norm of one member: the same bytes wherever it lies in memory."""
        values = np.ascontiguousarray(values)
        once = None if self.right_side.on_grid else self.right_side.space.stored_once
        found = _sum_of_squares(values)
        if once is None:
            return found
        return 2 * found - _sum_of_squares(np.ascontiguousarray(values[..., :once]))

    def state_record(self):
        """Return the record of a stepper, with the companion."""
        return super().state_record() | self.companion_record()

    def restore(self, record):
        """Continue from a record of `state_record`."""
        super().restore(record)
        self.restore_companion(record)


def _sum_of_squares(values):
    flat = (values.view(float) if np.iscomplexobj(values) else values).reshape(-1)
    # Neither threads nor the alignment of the memory change the sum.
    return np.einsum("i,i->", flat, flat)
