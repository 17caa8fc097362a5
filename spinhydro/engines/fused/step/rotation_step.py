"""Compiled steps of schemes that rotate spins."""

import numpy as np

from spinhydro.dedalus_support.memory import advise_free
from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.step import rotation_loops
from spinhydro.engines.fused.step.fourier_step import MOST_AHEAD, CallTable, FourierStep
from spinhydro.engines.fused.step.stages import RATE
from spinhydro.engines.fused.step.stencil_step import StencilStep

#: Tables of calls, one for each timestep, that are kept: adaptive runs return to a few of them.
KEPT = 4
#: Lines of a scheme, and the times of its stages, in timesteps.
SCHEMES = {
    "RKMK4": (rotation_loops.rkmk4, (0.0, 0.5, 0.5, 1.0)),
    "SemiImplicit": (rotation_loops.semi_implicit, (0.0, 0.5)),
}


class RotationLoops:
    """The compiled loops of a scheme, and the arrays that they use.

    Parameters
    ----------
    name : str
        One of SCHEMES.
    groups : sequence of (rows, bool)
        The rows of each variable, and whether it is a spin.
    state, rate : array (components, members, …)
        Or without members.
    members : int
        Members that are advanced one after the other.
    is_pair : bool
        Whether `difference` is wanted.
    """

    def __init__(self, name, groups, state, rate, members, is_pair=False):
        from spinhydro.engines.fused.compile.cache import compile_pass

        scheme, self.nodes = SCHEMES[name]
        components, self.members = len(state), members
        points = state[0].size // members
        shapes = dict.fromkeys(("state", "rate"), (components, members, points))
        shapes |= dict.fromkeys(("start", "first", "total"), (components, points))
        if is_pair:
            of_pair = ("third", "fourth", "whole", "difference")
            shapes |= dict.fromkeys(of_pair, (components, members, points))
        stages = [*range(len(self.nodes)), *([rotation_loops.DIFFERENCE] if is_pair else [])]
        lines = [
            f"{array}_ = carray(pointer(addresses[{i}]), {shape}, np.float64, {i})"
            for i, (array, shape) in enumerate(shapes.items())
        ]
        lines += rotation_loops.loops(scheme, stages, groups, points, is_pair)
        self._arrays = {"state": state, "rate": rate} | {
            array: fftw.zeros(shape, float)
            for array, shape in shapes.items()
            if array not in ("state", "rate")
        }
        self._addresses = np.array([a.ctypes.data for a in self._arrays.values()], np.int64)
        self._function = compile_pass(f"rotations_{name}", lines)
        self.difference = self._arrays["difference"].reshape(state.shape) if is_pair else None

    def call(self, stage, timestep):
        """Return the call of a stage; see `CompiledPasses.calls`."""
        return (self._function.address, self._addresses.ctypes.data, stage, 0, timestep, 0.0)

    def free_scratch(self):
        """Free all arrays that a step fills."""
        advise_free(*(a for name, a in self._arrays.items() if name not in ("state", "rate")))

    def run(self, stage, timestep):
        """Take a stage, after its rates have been computed."""
        for member in range(self.members):
            self._function(self._addresses.ctypes.data, member, stage, 0, timestep, 0.0)


class _Rotations:
    """Steps of a compiled right-hand side that rotate spins, from `set_rotations` on."""

    rotations = None

    def set_rotations(self, name, groups, is_pair):
        """Compile the loops of a scheme; see `RotationLoops`."""
        members = self.members if self.has_call_tables else 1
        self.rotations = RotationLoops(name, groups, self.state, self.rate, members, is_pair)

    @property
    def has_steps(self):
        """Return whether steps are taken, not only rates computed."""
        return self.rotations is not None

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        super().free_scratch(keep_rate)
        if self.rotations:
            self.rotations.free_scratch()

    def difference(self, time, timestep):
        """Return the difference of the embedded solution at the end of a step."""
        self.evaluate(time)
        self.rotations.run(rotation_loops.DIFFERENCE, timestep)
        return self.rotations.difference


class FourierRotations(_Rotations, FourierStep):
    """Rotations between compiled passes with transforms: a step is one table of calls."""

    has_call_tables = True

    def __init__(self, right_side):
        super().__init__(right_side, None, False)
        self._tables = {}

    @property
    def can_batch(self):
        """Return whether several steps may be one call; see `FourierStep`."""
        steady = self.has_steps and not self._uses_time and not self.right_side.has_noise
        return steady and not self.space.slabs and self.space.points_of_member <= MOST_AHEAD

    def _prepare(self, timestep):
        if timestep not in self._tables:
            while len(self._tables) >= KEPT:
                self._tables.pop(next(iter(self._tables)))
            self._tables[timestep] = CallTable(self._calls(timestep))
        self._step, self._timestep = self._tables[timestep], timestep

    def _calls(self, timestep):
        calls = []
        for stage in range(len(self.rotations.nodes)):
            calls += [*self.rates.calls(stage, RATE), self.rotations.call(stage, timestep)]
        return calls + self.projection.calls(self.stages, RATE) if self.projection else calls

    def _set_stages(self, time, timestep):
        times = [time + node * timestep for node in self.rotations.nodes]
        # Rows that no stage reads, and the row of the projections.
        times += [time + timestep] * (self.stages + 1 - len(times))
        self._set_constants(times)


class StencilRotations(_Rotations, StencilStep):
    """Rotations between compiled rates without transforms."""

    has_call_tables = False

    def __init__(self, right_side):
        super().__init__(right_side, None)

    @property
    def can_batch(self):
        """Return False: every stage is called by itself."""
        return False

    def step(self, time, timestep, steps=1):
        """Advance the state by a step of the scheme, projections included."""
        for stage, node in enumerate(self.rotations.nodes):
            self.evaluate(time + node * timestep)
            self.rotations.run(stage, timestep)
        if self._has_projections:
            self.project(time + timestep)
