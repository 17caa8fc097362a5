"""A program and a Runge-Kutta step around it as compiled loops that stay in the cache.

Between two pointwise loops a spectrum goes through memory twice, not once for every transform
and operation:

- *slabs*: the transforms along all axes but the first, the pointwise loop between them, and the
  updates of the scheme on the grid, for a few planes at a time;
- *columns*: the transforms along the first axis, the operators in k-space between them, and the
  updates of the scheme on spectra, for a few columns at a time.

One-dimensional problems have a single slab, and columns without a transform. Members are
independent: each goes through a whole step and its projection before the next one begins, and all
use the same scratch arrays, so that an ensemble of any size stays in the cache. (Groups of several
members are not faster, even for members of 32 points.)

All arrays and plans are made once. Shapes are constants of the compiled code, addresses an
argument: a problem of the same shape finds its code on disk (`compile.cache`). A step is
a table of calls of the compiled passes, which a compiled loop runs.

If space is split over ranks of one machine, the spectra between slabs and columns are in shared
memory: every rank processes its planes, waits at a barrier, and processes its columns. No messages
are sent.
"""

import numpy as np

from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.step.compiled_passes import CompiledPasses
from spinhydro.engines.fused.step.stages import (
    RATE,
    STAGES,
    calls_of_step,
    times_of_step,
)

#: Points of a member up to which several steps are one call; beyond, a call is cheap compared to a
#: step.
MOST_AHEAD = 500_000


def is_possible(space):
    """Return whether problems on this domain can be compiled into one."""
    return fftw.AVAILABLE and (not space.slabs or space.slabs.share_memory)


class FourierStep:
    """Compiled rates, steps and projections of one right-hand side.

    Parameters
    ----------
    right_side : RightSide
    linear : Exponential, EtdWeights or ImplicitScheme, optional
        Linear terms that the scheme treats by themselves.
    has_stages : bool
        Whether it takes steps; otherwise it computes rates and projections only.
    keeps_last : bool
        Whether a step leaves the rates of its last stage in `last`.

    Attributes
    ----------
    state : array
        The state that a step starts from and ends with.
    rate : array
        Where `evaluate` puts the right-hand side.
    last : array or None
    """

    has_steps = False
    #: Rows of the constants: one for each stage, and one for the projection.
    stages = STAGES

    def __init__(self, right_side, linear=None, has_stages=True, keeps_last=False):
        from spinhydro.engines.fused.compile.cache import run_call_table

        self.right_side, self.space = right_side, right_side.space
        right_side.refresh()
        self.members = self.space.shape[0] if self.space.axes[0] > 0 else 1
        constants = fftw.zeros((self.stages + 1, right_side.constants(0.0).size), self.space.dtype)
        self.constants = constants
        self.rates = CompiledPasses(
            right_side, right_side.program, constants, linear, has_stages, keeps_last=keeps_last
        )
        state = self.rates.memory.arrays["state"]
        self.projection = None
        if right_side.projection:
            self.projection = CompiledPasses(
                right_side, right_side.projection, constants, ends=state
            )
        shape = right_side.state_shape
        self.state, self.rate = (
            state.reshape(shape),
            self.rates.memory.arrays["total"].reshape(shape),
        )
        self.last = self.rates.memory.arrays["last"].reshape(shape) if keeps_last else None
        self._uses_time = right_side.lowering.uses_time
        self._has_stages, self._timestep = has_stages, None
        self._run_call_table = run_call_table()
        self._evaluation = CallTable(self.rates.calls(0, RATE))
        if self.projection:
            self._projection = CallTable(self.projection.calls(self.stages, RATE))

    def release(self):
        """Release shared memory: a collective call, after which nothing else may be called."""
        for passes in filter(None, (self.rates, self.projection)):
            passes.memory.release()

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        if not self.space.slabs:
            for passes in filter(None, (self.rates, self.projection)):
                passes.memory.free_scratch(keep_rate)

    def is_current(self):
        """Return whether profiles that were compiled as real are still real."""
        return all(passes.is_current() for passes in (self.rates, self.projection) if passes)

    @property
    def can_batch(self):
        """Return whether several steps may be one call: nothing is drawn or read between them.

        Members then take all of these steps one after the other. A call is short enough that
        signals are still handled in time.
        """
        steady = self._has_stages and not self._uses_time and not self.right_side.has_noise
        # The answer must be the same on all ranks, which may hold different numbers of members.
        return steady and not self.space.slabs and self.space.points_of_member <= MOST_AHEAD

    def evaluate(self, time):
        """Compute rate = f(state, time)."""
        self._set_constants([time])
        self._do(self._evaluation)

    def project(self, time):
        """Apply the projections."""
        self.constants[self.stages] = self.right_side.constants(time)
        self._do(self._projection)

    def step(self, time, timestep, number=1):
        """Advance the state by one step of the scheme and its projections.

        Several steps at once only if this `can_batch`.
        """
        if timestep != self._timestep:
            self._prepare(timestep)
        self._set_stages(time, timestep)
        self._do(self._step, number)

    def prepare_again(self):
        """Compute what depends on the linear terms again at the next step."""
        self._timestep = None

    def _prepare(self, timestep):
        self.rates.update.set(timestep)
        self._step = self._table(timestep)
        self._timestep = timestep

    def _table(self, timestep):
        return CallTable(self._calls(timestep))

    def _calls(self, timestep):
        return calls_of_step(self.rates, self.projection, timestep)

    def _set_stages(self, time, timestep):
        self._set_constants(times_of_step(time, timestep))

    def _set_constants(self, times):
        if not self._uses_time:
            self.constants[:] = self.right_side.constants(times[0])
            return
        for stage, time in enumerate(times):
            self.constants[stage] = self.right_side.constants(time)

    def _do(self, table, steps=1):
        if not self.space.slabs:
            self._run_call_table(*table.at(0), len(table.calls), self.members, steps)
            return
        for i in range(len(table.calls)):
            self._run_call_table(*table.at(i), 1, 1, 1)
            # The next pass reads spectra of all ranks.
            self.space.slabs.barrier()


class CallTable:
    """Calls as arrays: (function, addresses, stage, kind), and (ahead, weight)."""

    def __init__(self, calls):
        self.calls = np.array([c[:4] for c in calls], np.int64)
        self.numbers = np.array([c[4:] for c in calls], float)
        self._first = self.calls.ctypes.data, self.numbers.ctypes.data

    def at(self, row):
        """Addresses of a row of both."""
        return self._first[0] + 32 * row, self._first[1] + 16 * row
