"""Low-storage Runge-Kutta schemes on the fused right-hand side."""

import numpy as np

from spinhydro.engines.fused.step.low_storage_step import LowStorageStep, stencil_scheme
from spinhydro.engines.fused.step.stencil_step import StencilStep
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.steppers.low_storage import LowStorageRK4, WaveRK4


class FusedLowStorageRK4(FusedRK4):
    """The scheme of ``spinhydro.LowStorageRK4``, compiled from the strings of the right side."""

    scheme = LowStorageRK4
    stages = LowStorageRK4.stages
    #: Weights of the rates in a sum that a step leaves, for an embedded pair.
    weights_of_sum = ()

    def _make_native(self):
        weights = self.weights_of_sum
        if self.right_side.lowering.graph.has_neighbours:
            sums = [dict(enumerate(weights))] if weights else []
            return StencilStep(self.right_side, stencil_scheme(self.scheme), sums)
        return LowStorageStep(self.right_side, self.scheme, weights)

    def _advance(self, time, timestep):
        state, total, change = self._total, self._stage, self.rate
        np.copyto(state, self.state)
        total.fill(0)
        sum_ = np.zeros_like(state) if self.weights_of_sum else None
        scheme = zip(self.scheme.factors, self.scheme.weights, self.scheme.nodes, strict=True)
        for stage, (factor, weight, node) in enumerate(scheme):
            self.right_side(state, time + node * timestep, change)
            if sum_ is not None:
                sum_ += self.weights_of_sum[stage] * change
            total *= factor
            total += change
            state += (weight * timestep) * total
        self._sum_of_rates = sum_


class FusedWaveRK4(FusedLowStorageRK4):
    """The scheme of ``spinhydro.WaveRK4``, compiled from the strings of the right side."""

    scheme = WaveRK4
    stages = WaveRK4.stages
