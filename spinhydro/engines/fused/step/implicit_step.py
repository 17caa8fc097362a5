"""Steps of Dedalus's implicit-explicit schemes as compiled loops."""

from spinhydro.engines.fused.step.fourier_step import CallTable, FourierStep
from spinhydro.engines.fused.step.stages import LAST, RATE


class ImplicitRungeKuttaStep(FourierStep):
    """Compiled rates, steps and projections of an implicit-explicit Runge-Kutta scheme.

    Parameters
    ----------
    right_side : RightSide
    linear : ImplicitScheme

    Attributes
    ----------
    continues : bool
        Whether the last step has done the first transforms of the next one. To be set to False
        when the state is changed.
    """

    def __init__(self, right_side, linear):
        self._scheme = linear.scheme
        self.stages = linear.scheme.stages
        super().__init__(right_side, linear)
        # Members share the arrays that hold the first transforms of a step.
        self._may_continue = self.space.axes[0] == 0 and not self.projection
        self.continues = False

    def _prepare(self, timestep):
        super()._prepare(timestep)
        self._next = CallTable(self._calls(timestep, begins=False))

    def _calls(self, timestep, begins=True):
        calls, ahead = [], float(self._may_continue)
        for stage in range(self.stages):
            kind = LAST if stage == self.stages - 1 else stage
            calls += self.rates.calls(stage, kind, ahead, begins=begins and stage == 0)
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def step(self, time, timestep, number=1):
        """Advance the state by steps of the scheme and their projections.

        Several steps at once only if this `can_batch`.
        """
        if timestep != self._timestep:
            self._prepare(timestep)
        self._set_stages(time, timestep)
        self._take(number)

    def _take(self, number=1):
        """Take steps, of which all but the first follow another one."""
        if not self._may_continue:
            self._do(self._step, number)
            return
        self._do(self._next if self.continues else self._step)
        if number > 1:
            self._do(self._next, number - 1)
        self.continues = True

    def evaluate(self, time):
        """Compute rate = f(state, time)."""
        self.continues = False
        super().evaluate(time)

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        self.continues = False
        super().free_scratch(keep_rate)

    def _set_stages(self, time, timestep):
        nodes = [time + timestep * c for c in self._scheme.c[: self.stages]]
        self._set_constants([*nodes, time + timestep])


class MultistepStep(ImplicitRungeKuttaStep):
    """An implicit step of a multistep scheme.

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
        self._step, self._next = (CallTable(self._calls(0.0, begins)) for begins in (True, False))

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
        self._take()
