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

    def _make_native(self):
        if self.right_side.lowering.graph.has_neighbours:
            return StencilStep(self.right_side, stencil_scheme(self.scheme))
        return LowStorageStep(self.right_side, self.scheme)

    def _advance(self, time, timestep):
        state, total, change = self._total, self._stage, self.rate
        np.copyto(state, self.state)
        total.fill(0)
        scheme = self.scheme
        for factor, weight, node in zip(scheme.factors, scheme.weights, scheme.nodes, strict=True):
            self.right_side(state, time + node * timestep, change)
            total *= factor
            total += change
            state += (weight * timestep) * total


class FusedWaveRK4(FusedLowStorageRK4):
    """The scheme of ``spinhydro.WaveRK4``, compiled from the strings of the right side."""

    scheme = WaveRK4
    stages = WaveRK4.stages
