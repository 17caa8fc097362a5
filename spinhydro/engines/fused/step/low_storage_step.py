"""Steps of low-storage Runge-Kutta schemes as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import FourierStep
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE, SECOND
from spinhydro.engines.fused.step.updates import LowStorage


class LowStorageStep(FourierStep):
    """Compiled rates, steps and projections of ``spinhydro.LowStorageRK4`` and its kind.

    Parameters
    ----------
    right_side : RightSide
    scheme : type
        ``spinhydro.LowStorageRK4`` or a subclass.
    weights : sequence of float
        Of the rates in a sum that a step leaves in `sums`, if any.

    Attributes
    ----------
    sums : list of array
    """

    def __init__(self, right_side, scheme, weights=()):
        self.scheme, self.stages = scheme, scheme.stages
        super().__init__(right_side, LowStorage(weights=weights))
        arrays = self.rates.memory.arrays
        self.sums = [arrays[name].reshape(self.state.shape) for name in self.rates.update.sums]

    def _calls(self, timestep):
        calls, last = [], self.stages - 1
        for stage, (factor, weight) in enumerate(
            zip(self.scheme.factors, self.scheme.weights, strict=True)
        ):
            kind = FIRST if stage == 0 else LAST if stage == last else SECOND
            calls += self.rates.calls(stage, kind, factor, weight * timestep)
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        self._set_constants(
            [*(time + node * timestep for node in self.scheme.nodes), time + timestep]
        )


def stencil_scheme(scheme):
    """Return a scheme for steps without transforms, which keep the states of all stages.

    The sum of rates is the last change of the state over its weight.
    """
    stages = []
    table = zip(scheme.factors, scheme.weights, scheme.nodes, strict=True)
    for i, (factor, weight, node) in enumerate(table):
        before = [0.0] * (i + 1)
        part = factor * weight / scheme.weights[i - 1] if i else 0.0
        before[i] = 1 + part
        if i:
            before[i - 1] = -part
        stages.append((tuple(before), weight, node))
    return tuple(stages)
