"""Steps of splitting schemes as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import CallTable, FourierStep
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

    def step(self, time, timestep, number=1):
        """Advance the state by one step of the scheme and its projections, or by several.

        Between steps of one call, the last pass of a step begins the next one.
        """
        if number == 1 or self.projection or self.members > 1:
            super().step(time, timestep, number)
            return
        if timestep != self._timestep:
            self._prepare(timestep)
        self._set_stages(time, timestep)
        if number not in self._several:
            begin, last = self._first_call(), self._stage_calls(0.0)
            self._several[number] = CallTable(
                [begin, *self._stage_calls(1.0) * (number - 1), *last]
            )
        self._do(self._several[number])

    def _prepare(self, timestep):
        super()._prepare(timestep)
        self._several = {}

    def _calls(self, timestep):
        calls = [self._first_call(), *self._stage_calls(0.0)]
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _first_call(self):
        return self.rates.update_call(FIRST)

    def _stage_calls(self, ahead):
        """Calls of all rotations; with ahead = 1 the last one begins the next step."""
        calls, last = [], self.stages - 1
        for stage in range(self.stages):
            number, kind = self._drifts.number(stage + 1), LAST if stage == last else SECOND
            calls += self.rates.calls(stage, kind, ahead * (stage == last), number)
        return calls

    def _set_stages(self, time, timestep):
        at = time
        for stage, rotation in enumerate(self._rotations):
            at += self._drifts.fractions[stage] * timestep
            self.right_side.set_duration(rotation * timestep)
            self.constants[stage] = self.right_side.constants(at)
        self.constants[self.stages] = self.right_side.constants(time + timestep)
