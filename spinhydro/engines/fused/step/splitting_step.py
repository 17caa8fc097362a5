"""Steps of splitting schemes as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import FourierStep
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE, SECOND


class SplittingStep(FourierStep):
    """Compiled rotations of phases, and steps of a splitting scheme around them.

    Parameters
    ----------
    rotation : PhaseRotation
    drifts : Drifts
        Of the linear terms: one more than there are rotations.
    rotations : sequence of float
        Fractions of the timestep.
    """

    def __init__(self, rotation, drifts, rotations):
        self._drifts, self._rotations = drifts, rotations
        self.stages = len(rotations)
        super().__init__(rotation, drifts)

    def _calls(self, timestep):
        drifts, last = self._drifts, self.stages - 1
        calls = [self.rates.update_call(FIRST, drifts.number(0))]
        for stage in range(self.stages):
            kind = LAST if stage == last else SECOND
            calls += self.rates.calls(stage, kind, 0.0, drifts.number(stage + 1))
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        at = time
        for stage, rotation in enumerate(self._rotations):
            at += self._drifts.fractions[stage] * timestep
            self.right_side.set_duration(rotation * timestep)
            self.constants[stage] = self.right_side.constants(at)
        self.constants[self.stages] = self.right_side.constants(time + timestep)
