"""Embedded pairs on the fused right-hand side: adaptive timesteps."""

import math

import numpy as np

from spinhydro.engines.fused.program.exponential import Exponential
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.step.fourier_step import MOST_AHEAD
from spinhydro.engines.fused.steppers.etdrk4 import EtdWeights, FusedETDRK4
from spinhydro.engines.fused.steppers.integrating_factor import FusedIFRK4
from spinhydro.engines.fused.steppers.linear import ModeMatrix, linear_matrix
from spinhydro.engines.fused.steppers.low_storage import FusedWaveRK4
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.engines.fused.steppers.rk8 import FusedRK8
from spinhydro.engines.fused.steppers.spin_steppers import FusedSpins
from spinhydro.engines.fused.steppers.splitting import FusedBlanesMoan4
from spinhydro.steppers.kept_tables import make_room
from spinhydro.steppers.linear_damping import longest_undone
from spinhydro.steppers.low_storage import WAVE_ERRORS
from spinhydro.steppers.pair_steps import CHANGE, PairSteps, alternating, control_of
from spinhydro.steppers.pairs import (
    ETDRK43,
    IFRK43,
    PHI_FUNCTIONS,
    RK43,
    RK853,
    RKMK43,
    AdaptiveBlanesMoan4,
    WaveRK43,
)
from spinhydro.steppers.phi import phi_functions
from spinhydro.steppers.rk8 import ERRORS, combined_error
from spinhydro.steppers.rotations import ratio_of_lengths
from spinhydro.steppers.spin_schemes import EMBEDDED, rkmk4_with_rates, rkmk43_difference


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


class FusedRK43(FusedPair, FusedRK4):
    """The scheme of ``spinhydro.RK43`` with the right-hand side compiled from its strings."""

    interpolant = RK43.interpolant

    def _make_native(self):
        return compiled_step.make(self.right_side, keeps_last=True)


class FusedRK853(FusedPair, FusedRK8):
    """The scheme of ``spinhydro.RK853`` with the right-hand side compiled from its strings."""

    order, extra_evaluations = RK853.order, RK853.extra_evaluations
    interpolant = RK853.interpolant
    sums = ERRORS
    _combined = staticmethod(combined_error)

    def _last_rate(self, timestep):
        return [sum(w * self._rates[stage] for stage, w in row.items()) for row in self.sums]

    def _difference(self, time, timestep):
        sums = self.native.sums if self.native else self._last
        return tuple(self._squares(values) for values in sums)


class FusedWaveRK43(FusedPair, FusedWaveRK4):
    """The scheme of ``spinhydro.WaveRK43`` with the right-hand side compiled from its strings."""

    extra_evaluations, interpolant = WaveRK43.extra_evaluations, WaveRK43.interpolant
    weights_of_sum = WAVE_ERRORS

    def _last_rate(self, timestep):
        return self._sum_of_rates

    def _difference(self, time, timestep):
        found = self.native.sums[0] if self.native else self._last
        return (timestep**2 * self._squares(found),)


class FusedRKMK43(FusedPair, FusedSpins):
    """The scheme of ``spinhydro.RKMK43`` with the right-hand side compiled from its strings."""

    kind = RKMK43
    compiled_scheme, is_pair = "RKMK4", True
    #: The companion takes its steps with the same code.
    compiles_steps = False
    interpolant = RKMK43.interpolant

    def _project_at(self, time):
        """Give interpolated spins the length of those before the step, then project."""
        parts = self._parts(self.state), self._parts(self._before)
        for value, kept, is_spin in zip(*parts, self.spins, strict=True):
            if is_spin:
                value *= ratio_of_lengths(kept, value)
        super()._project_at(time)

    def _take(self, time, timestep):
        self.find_spins()
        if self.native:
            super()._take(time, timestep)
            return
        end, self._taken = rkmk4_with_rates(
            self.evaluate, self.values(), self.spins, time, timestep, self.ranks
        )
        self.assign(end)
        self._project(time + timestep)

    def _difference(self, time, timestep):
        if self.native:
            return (self._squares(self.native.difference(time + timestep, timestep)),)
        end = self.values()
        found = rkmk43_difference(
            self.evaluate, end, self._taken, self.spins, time + timestep, timestep
        )
        difference = np.empty_like(self.state)
        for part, values in zip(self._parts(difference), found, strict=True):
            np.copyto(part, values)
        return (self._squares(difference),)


class FusedIFRK43(FusedPair, FusedIFRK4):
    """The scheme of ``spinhydro.IFRK43`` with the right-hand side compiled from its strings."""

    interpolant, longest_interpolated = IFRK43.interpolant, longest_undone

    def _make_right_side(self):
        super()._make_right_side()
        # Of output times inside steps: {duration: Exponential}.
        self._inside = {}

    def move_linear(self, state, duration):
        """Return the solution of the linear terms; see `DenseOutput`."""
        if duration not in self._inside:
            make_room(self._inside, len(self.exponential.symbols) * self.state[0].nbytes)
            self._inside[duration] = Exponential(self.right_side)
            # An exponential is that of half of its timestep.
            self._inside[duration].set(2 * duration)
        moved = np.empty_like(self.state)
        self._inside[duration].apply(state, moved)
        return moved

    def _make_native(self):
        return compiled_step.make(self.right_side, self.exponential, keeps_last=True)


class FusedAdaptiveBlanesMoan4(FusedPair, FusedBlanesMoan4):
    """The scheme of ``spinhydro.AdaptiveBlanesMoan4`` with compiled rotations of phases."""

    measures_halves = True
    extra_evaluations = AdaptiveBlanesMoan4.extra_evaluations
    #: The compiled step of the halves.
    _halves = None

    def _allocate(self, compiled):
        if self._halves:
            self._halves.release()
        self._halves = None
        super()._allocate(compiled)

    def _natives(self):
        return [native for native in (self.native, self._second, self._halves) if native]

    def _take(self, time, timestep):
        if self.native:
            self.native.step(time, timestep)
            return
        self._one_step(time, timestep)

    def _distance_of_halves(self, time, timestep, start):
        if not self.native:
            return super()._distance_of_halves(time, timestep, start)
        if self._halves is None:
            # With tables for its own timestep; the code is the same.
            self._halves = self._make_native()
        halves, half = self._halves, timestep / 2
        np.copyto(halves.state, self._before if start is None else start)
        for moment in (time, time + half):
            halves.step(moment, half)
        return self._distance(halves.state)


class FusedETDRK43(FusedPair, FusedETDRK4):
    """The scheme of ``spinhydro.ETDRK43`` with the right-hand side compiled from its strings."""

    #: Weights of the compiled step, and that of the last rate for a timestep.
    _etd = _last_weight = None
    interpolant = ETDRK43.interpolant

    def _make_right_side(self):
        super()._make_right_side()
        # Of output times inside steps: {duration: [ModeMatrix of each phi_k]}.
        self._inside = {}

    def sum_of_phi(self, duration, vectors):
        """Return the sum of phi_k(A duration) v_k over the vectors v_0, v_1, …"""
        if not self.linear_apart:
            return sum(vector / math.factorial(k) for k, vector in enumerate(vectors))
        if duration not in self._inside:
            rates = -np.moveaxis(self.linear, (0, 1), (-2, -1))
            make_room(self._inside, PHI_FUNCTIONS * rates.nbytes)
            self._inside[duration] = [
                ModeMatrix.of(np.moveaxis(phi, (-2, -1), (0, 1)))
                for phi in phi_functions(duration * rates, PHI_FUNCTIONS - 1)
            ]
        total, product = (np.zeros_like(self.state) for _ in range(2))
        for matrix, vector in zip(self._inside[duration], vectors, strict=False):
            matrix.apply(vector, product)
            total += product
        return total

    def _make_native(self):
        if self.native is None:
            # The step of the companion comes later, and shares the weights.
            self._etd = EtdWeights(linear_matrix(self.right_side))
            self._last_weight = None, None
        return compiled_step.make(self.right_side, self._etd, keeps_last=True)

    def _last_rate(self, timestep):
        return self._kept[3].copy()

    def _weigh(self, difference, timestep):
        if self.native and not self.linear_apart:
            # Without linear terms this is the classical scheme.
            difference *= EMBEDDED * timestep
            return
        if not self.native:
            matrix = self.prepared(timestep)["w4"]
        elif timestep == self._last_weight[0]:
            matrix = self._last_weight[1]
        else:
            matrix = ModeMatrix.of(self._etd.last_weight(timestep))
            self._last_weight = timestep, matrix
        weighed = np.empty_like(difference)
        matrix.apply(difference, weighed)
        np.multiply(weighed, 6 * EMBEDDED, out=difference)
