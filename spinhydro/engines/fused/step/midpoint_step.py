"""Compiled steps of the implicit midpoint rule."""

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.memory import advise_free
from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.step import midpoint_loops
from spinhydro.engines.fused.step.midpoint_loops import (
    COMBINE,
    COMPARE,
    CONVERGED,
    PREDICT,
    RUNNING,
    STATUS,
    STEPS,
)
from spinhydro.engines.fused.step.rotation_step import FourierRotations, StencilRotations
from spinhydro.engines.fused.step.stages import RATE
from spinhydro.steppers.spin_schemes import LARGEST_NUMBER_OF_ITERATIONS, not_converged

#: Arrays that the iteration fills before it reads them.
_SCRATCH = ("start", "end", "residual", "residuals", "ends")
#: Steps of all members: calls before the iteration, of an iteration, and after it.
_RUN_ITERATIONS = f"""
def run_iterations(calls, numbers, before, each, after, report, members, steps):
    calls_ = carray(pointer(calls), (65536, 4), np.int64)
    numbers_ = carray(pointer(numbers), (65536, 2), np.float64)
    report_ = carray(pointer(report), (65536, 3), np.int64)
    for member in range(members):
        for step in range(steps):
            if step == report_[member, {STEPS}]:
                for i in range(before):
                    call(calls_[i, 0], calls_[i, 1], member, calls_[i, 2], calls_[i, 3],
                         numbers_[i, 0], numbers_[i, 1])
                for iteration in range({LARGEST_NUMBER_OF_ITERATIONS}):
                    if report_[member, {STATUS}] == {RUNNING}:
                        for i in range(before, before + each):
                            call(calls_[i, 0], calls_[i, 1], member, calls_[i, 2], calls_[i, 3],
                                 numbers_[i, 0], numbers_[i, 1])
                if report_[member, {STATUS}] == {CONVERGED}:
                    for i in range(before + each, before + each + after):
                        call(calls_[i, 0], calls_[i, 1], member, calls_[i, 2], calls_[i, 3],
                             numbers_[i, 0], numbers_[i, 1])
"""


class MidpointLoops:
    """The compiled passes of the implicit midpoint rule, and the arrays that they use.

    Parameters
    ----------
    groups : sequence of (rows, bool)
        The rows of each variable, and whether it is a spin.
    state, rate : array (components, members, …)
        Or without members.
    members : int
    at_once : int
        Members whose steps are taken at the same time: 1 or all.
    """

    #: Times of the rates, in timesteps.
    nodes = (0.0, 0.5)

    def __init__(self, groups, state, rate, members, at_once):
        from spinhydro.engines.fused.compile.cache import compile_pass

        components, self.members = len(state), members
        points = state[0].size // members
        shapes = midpoint_loops.shapes(components, members, points, len(groups), at_once)
        self.arrays = {"state": state, "rate": rate} | {
            name: fftw.zeros(shape, np.int64 if name == "report" else float)
            for name, shape in shapes.items()
        }
        shapes = dict.fromkeys(("state", "rate"), (components, members, points)) | shapes
        lines = [
            f"{name}_ = carray(pointer(addresses[{i}]), {shape}, "
            f"{'np.int64' if name == 'report' else 'np.float64'}, {i})"
            for i, (name, shape) in enumerate(shapes.items())
        ]
        lines += midpoint_loops.loops(groups, components, points, at_once)
        self._addresses = np.array([a.ctypes.data for a in self.arrays.values()], np.int64)
        self._function = compile_pass("midpoint", lines)
        self.report = self.arrays["report"]

    def call(self, stage, timestep):
        """Return the call of a pass; see `CompiledPasses.calls`."""
        return (self._function.address, self._addresses.ctypes.data, stage, 0, timestep, 0.0)

    def run(self, stage, timestep):
        """Take a pass, after its rates have been computed."""
        for member in range(self.members):
            self._function(self._addresses.ctypes.data, member, stage, 0, timestep, 0.0)

    def free_scratch(self):
        """Free all arrays that a step fills."""
        advise_free(*(self.arrays[name] for name in _SCRATCH))

    def step(self, evaluate, time, timestep, comm=None):
        """Take a step: as far as it converges.

        Parameters
        ----------
        evaluate : callable(time)
            Computes the rates at the state.
        comm : MPI communicator, optional
            Of ranks that share members.
        """
        evaluate(time)
        self.run(PREDICT, timestep)
        self._share("sizes", MPI.MAX, comm)
        for _ in range(LARGEST_NUMBER_OF_ITERATIONS):
            evaluate(time + timestep / 2)
            self.run(COMPARE, timestep)
            self._share("change", MPI.MAX, comm)
            self._share("sums", MPI.SUM, comm)
            self.run(COMBINE, timestep)
            if not np.any(self.report[:, STATUS] == RUNNING):
                return

    def _share(self, name, operation, comm):
        if comm is not None:
            comm.Allreduce(MPI.IN_PLACE, self.arrays[name], operation)


class _Midpoint:
    """Steps of the implicit midpoint rule, from `set_rotations` on."""

    #: Whether all members take a step before the next one begins.
    all_at_once = True

    def set_rotations(self, name, groups, is_pair):
        """Compile the iteration; see `MidpointLoops`."""
        members = self.space.shape[0] if self.space.axes[0] > 0 else 1
        at_once = members if self.all_at_once else 1
        self.rotations = MidpointLoops(groups, self.state, self.rate, members, at_once)

    def step(self, time, timestep, steps=1):
        """Advance the state by a step, projections included.

        Several steps at once only if this `can_batch`. A member whose step does not converge keeps
        the state at the beginning of that step.

        Raises NotConvergedError on all ranks if a step does not converge on one of them.
        """
        self.rotations.report[:, STEPS] = 0
        self._take(time, timestep, steps)
        self._check(time, timestep, steps)

    def _take_one(self, time, timestep):
        slabs = self.space.slabs
        self.rotations.step(self.evaluate, time, timestep, slabs.comm if slabs else None)

    def _check(self, time, timestep, steps):
        rotations = self.rotations
        done = rotations.report[:, STEPS]
        first = int(np.argmin(done))
        found = int(done[first]), float(rotations.arrays["smallest"][first])
        comm = self.space.dist.comm
        if comm.size > 1:
            found = min(comm.allgather(found))
        if found[0] < steps:
            raise not_converged(time + found[0] * timestep, found[1])


class FourierMidpoint(_Midpoint, FourierRotations):
    """The implicit midpoint rule with transforms: all iterations are one call."""

    all_at_once = False

    def __init__(self, right_side):
        from spinhydro.engines.fused.compile.cache import compile_function

        super().__init__(right_side)
        self._run_iterations = compile_function("run_iterations", "iiiiiiii", _RUN_ITERATIONS)

    def _calls(self, timestep):
        rates, call = self.rates.calls, self.rotations.call
        before = [*rates(0, RATE), call(PREDICT, timestep)]
        each = [*rates(1, RATE), call(COMPARE, timestep), call(COMBINE, timestep)]
        after = self.projection.calls(self.stages, RATE) if self.projection else []
        self._counts = len(before), len(each), len(after)
        return before + each + after

    def _take(self, time, timestep, steps):
        if self.space.slabs:
            self._take_one(time, timestep)
            if self.projection:
                self.project(time + timestep)
            return
        if timestep != self._timestep:
            self._prepare(timestep)
        self._set_stages(time, timestep)
        report = self.rotations.report.ctypes.data
        self._run_iterations(*self._step.at(0), *self._counts, report, self.members, steps)


class StencilMidpoint(_Midpoint, StencilRotations):
    """The implicit midpoint rule without transforms: every iteration is called by itself."""

    def _take(self, time, timestep, steps):
        self._take_one(time, timestep)
        if self._has_projections:
            self.project(time + timestep)
