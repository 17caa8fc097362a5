"""Embedded pairs on the fused right-hand side: adaptive timesteps."""

import math

import numpy as np

from spinhydro.engines.fused.program.exponential import Exponential
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.etdrk4 import EtdWeights, FusedETDRK4
from spinhydro.engines.fused.steppers.integrating_factor import FusedIFRK4
from spinhydro.engines.fused.steppers.linear import ModeMatrix, linear_matrix
from spinhydro.engines.fused.steppers.low_storage import FusedWaveRK4
from spinhydro.engines.fused.steppers.pair import FusedPair
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.engines.fused.steppers.rk8 import FusedRK8
from spinhydro.engines.fused.steppers.spin_steppers import FusedSpins
from spinhydro.engines.fused.steppers.splitting import FusedBlanesMoan4
from spinhydro.steppers.kept_tables import make_room
from spinhydro.steppers.linear_damping import longest_undone
from spinhydro.steppers.low_storage import WAVE_ERRORS
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
