"""The low-storage Runge-Kutta scheme on the fused right-hand side."""

import numpy as np

from spinhydro.engines.fused.step.low_storage_step import LowStorageStep, stencil_scheme
from spinhydro.engines.fused.step.stencil_step import StencilStep
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.steppers.low_storage import FACTORS, NODES, WEIGHTS


class FusedLowStorageRK4(FusedRK4):
    """The scheme of ``spinhydro.LowStorageRK4``, compiled from the strings of the right side."""

    stages = len(NODES)

    def _make_native(self):
        if self.right_side.lowering.graph.has_neighbours:
            return StencilStep(self.right_side, stencil_scheme())
        return LowStorageStep(self.right_side)

    def _advance(self, time, timestep):
        state, total, change = self._total, self._stage, self.rate
        np.copyto(state, self.state)
        total.fill(0)
        for factor, weight, node in zip(FACTORS, WEIGHTS, NODES, strict=True):
            self.right_side(state, time + node * timestep, change)
            total *= factor
            total += change
            state += (weight * timestep) * total
