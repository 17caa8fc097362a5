"""Steps of Dedalus's implicit-explicit schemes as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import FourierStep
from spinhydro.engines.fused.step.stages import LAST, RATE


class ImplicitRungeKuttaStep(FourierStep):
    """Compiled rates, steps and projections of an implicit-explicit Runge-Kutta scheme.

    Parameters
    ----------
    right_side : RightSide
    linear : ImplicitScheme
    """

    def __init__(self, right_side, linear):
        self._scheme = linear.scheme
        self.stages = linear.scheme.stages
        super().__init__(right_side, linear)

    def _calls(self, timestep):
        calls = []
        for stage in range(self.stages):
            kind = LAST if stage == self.stages - 1 else stage
            calls += self.rates.calls(stage, kind, begins=stage == 0)
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        nodes = [time + timestep * c for c in self._scheme.c[: self.stages]]
        self._set_constants([*nodes, time + timestep])


class MultistepStep(ImplicitRungeKuttaStep):
    """The same of a multistep scheme.

    Parameters
    ----------
    right_side : RightSide
    linear : ImplicitScheme
    coefficients : callable(timestep)
        Return the coefficients (a, b, c) of the next step.
    """

    def __init__(self, right_side, linear, coefficients):
        self._coefficients = coefficients
        super().__init__(right_side, linear)
        self._step = self._table(0.0)

    @property
    def can_batch(self):
        """Return False: the coefficients depend on earlier timesteps."""
        return False

    @property
    def histories(self):
        """Return the arrays of earlier steps by kind, the latest first."""
        shape = self.right_side.state_shape
        return {
            history: [self.rates.memory.arrays[name].reshape(shape) for name in names]
            for history, names in self.rates.update.histories.items()
        }

    def step(self, time, timestep, number=1):
        """Advance the state by one step of the scheme and its projections."""
        self.rates.update.set_coefficients(*self._coefficients(timestep))
        self._set_constants([time, time + timestep])
        self._do(self._step)
