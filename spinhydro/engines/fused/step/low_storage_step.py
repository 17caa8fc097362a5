"""Steps of the low-storage Runge-Kutta scheme as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import FourierStep
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE, SECOND
from spinhydro.engines.fused.step.updates import TWO_REGISTERS
from spinhydro.steppers.low_storage import FACTORS, NODES, WEIGHTS


class LowStorageStep(FourierStep):
    """Compiled rates, steps and projections of ``spinhydro.LowStorageRK4``.

    Parameters
    ----------
    right_side : RightSide
    """

    stages = len(NODES)

    def __init__(self, right_side):
        super().__init__(right_side, TWO_REGISTERS)

    def _calls(self, timestep):
        calls, last = [], self.stages - 1
        for stage, (factor, weight) in enumerate(zip(FACTORS, WEIGHTS, strict=True)):
            kind = FIRST if stage == 0 else LAST if stage == last else SECOND
            calls += self.rates.calls(stage, kind, factor, weight * timestep)
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        self._set_constants([*(time + node * timestep for node in NODES), time + timestep])


def stencil_scheme():
    """Return the scheme for steps without transforms, which keep the states of all stages.

    The sum of rates is the last change of the state over its weight.
    """
    stages = []
    for i, (factor, weight, node) in enumerate(zip(FACTORS, WEIGHTS, NODES, strict=True)):
        before = [0.0] * (i + 1)
        part = factor * weight / WEIGHTS[i - 1] if i else 0.0
        before[i] = 1 + part
        if i:
            before[i - 1] = -part
        stages.append((tuple(before), weight, node))
    return tuple(stages)
