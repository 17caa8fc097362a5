"""The Runge-Kutta scheme of order 8 on the fused right-hand side."""

import numpy as np

from spinhydro.dedalus_support.memory import advise_free
from spinhydro.engines.fused.step.stencil_step import StencilStep
from spinhydro.engines.fused.step.tableau_step import RK8Step, stencil_scheme
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.steppers.rk8 import NODES, STAGES, WEIGHTS


class FusedRK8(FusedRK4):
    """The scheme of ``spinhydro.RK8``, compiled from the strings of the right side."""

    stages = len(NODES)
    #: Weighted sums of rates that a compiled step keeps, ``{stage: weight}``.
    sums = ()

    def _make_native(self):
        if self.right_side.lowering.graph.has_neighbours:
            return StencilStep(self.right_side, stencil_scheme(), self.sums)
        return RK8Step(self.right_side, self.sums)

    def _allocate(self, compiled):
        super()._allocate(compiled)
        self._rates = [] if self.native else [np.zeros_like(self.state) for _ in NODES]

    def _advance(self, time, timestep):
        for i, (node, weights) in enumerate(zip(NODES, STAGES, strict=True)):
            self._move(weights, timestep, self._stage)
            self.right_side(self._stage, time + node * timestep, self._rates[i])
        self._move(WEIGHTS, timestep, self._total)

    def _move(self, weights, timestep, out):
        """out = the state, moved by weighted rates."""
        np.copyto(out, self.state)
        for stage, weight in weights.items():
            np.multiply(self._rates[stage], timestep * weight, out=self.rate)
            out += self.rate

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        super().free_scratch(keep_rate)
        advise_free(*self._rates)
