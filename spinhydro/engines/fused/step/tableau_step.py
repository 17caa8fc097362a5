"""Steps of explicit Runge-Kutta schemes with many stages as compiled loops."""

import numpy as np

from spinhydro.engines.fused.step.fourier_step import FourierStep
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE, SECOND
from spinhydro.engines.fused.step.updates import Tableau
from spinhydro.steppers.rk8 import NODES, STAGES, WEIGHTS

#: The scheme of ``spinhydro.RK8``.
RK8 = Tableau((*STAGES[1:], WEIGHTS))


class RK8Step(FourierStep):
    """Compiled rates, steps and projections of ``spinhydro.RK8``.

    Parameters
    ----------
    right_side : RightSide
    sums : sequence of dict
        Weighted sums of rates that a step leaves in `sums`: ``{stage: weight}``.

    Attributes
    ----------
    sums : list of array
    """

    stages = len(NODES)

    def __init__(self, right_side, sums=()):
        super().__init__(right_side, Tableau(RK8.weights, sums=sums))
        arrays = self.rates.memory.arrays
        self.sums = [arrays[name].reshape(self.state.shape) for name in self.rates.update.sums]

    def _calls(self, timestep):
        calls, last = [], self.stages - 1
        for stage in range(self.stages):
            kind = FIRST if stage == 0 else LAST if stage == last else SECOND
            calls += self.rates.calls(stage, kind)
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        self._set_constants([*(time + node * timestep for node in NODES), time + timestep])


def stencil_scheme():
    """Return the scheme for steps without transforms, with the weights of earlier rates."""
    stages = []
    for i, (node, weights) in enumerate(zip(NODES, RK8.weights, strict=True)):
        from_start = (1.0, *np.zeros(i).tolist())
        earlier = {stage: weight for stage, weight in weights.items() if stage < i}
        stages.append((from_start, weights[i], node, earlier))
    return tuple(stages)
