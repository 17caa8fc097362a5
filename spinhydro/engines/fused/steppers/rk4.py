"""Classical Runge-Kutta on the fused right-hand side, as a time stepper of Dedalus."""

from time import process_time

import numpy as np

from spinhydro.dedalus_support.left_side import frozen_coefficients
from spinhydro.dedalus_support.memory import advise_free, free_temporaries
from spinhydro.engines.fused.program.right_side import RightSide
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.checker import Checker
from spinhydro.engines.fused.steppers.field_sync import FieldSynchroniser
from spinhydro.engines.fused.steppers.handlers import evaluate_due_handlers
from spinhydro.engines.fused.steppers.linearisation import Linearisation
from spinhydro.errors import Unsupported
from spinhydro.steppers.records import copy_into


class FusedRK4:
    r"""The scheme of ``spinhydro.RK4`` with the right-hand side compiled from its strings.

    ``problem.build_solver(FusedRK4)`` gives the numbers of ``problem.build_solver(RK4)`` to
    rounding. The state is kept in its own array between steps; the fields of the solver are
    updated after every step, or, with ``sync_on_request = True``, when `synchronise` is called.
    Fields that a script changes between steps are read again (unless `sync_on_request`).

    The scheme is here; `FieldSynchroniser` copies between state and fields, `Checker` compares with
    Dedalus, `evaluate_due_handlers` serves handlers, `Linearisation` the stability limit.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    projections : sequence of (field, operand)
        Assignments after every step.
    compiled : bool
        Compile the step; otherwise it consists of NumPy calls. Compiling takes 0.1 to 0.5 s once,
        and the code is then found on disk.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    steps = 1
    stages = 4
    linear_apart = False
    #: Whether M is more than one dt(variable) in each equation.
    coupled = False
    native = None

    def __init__(self, solver, projections=(), compiled=True):
        self.solver = solver
        self._compiled = compiled
        self._options = {
            "projections": projections,
            "linear_apart": self.linear_apart,
            "coupled": self.coupled,
        }
        self.fields = None
        self._build()
        frozen_coefficients(solver).on_change = self.rebuild

    def _build(self):
        if self.native:
            self.native.release()
        self._make_right_side()
        self._allocate(self._compiled or self._must_compile)
        on_request = self.fields is not None and self.fields.on_request
        self.fields = FieldSynchroniser(self.solver, self.right_side, on_request)

    @property
    def sync_on_request(self):
        """Return whether the fields are updated by `synchronise` only, and not after every step."""
        return self.fields.on_request

    @sync_on_request.setter
    def sync_on_request(self, on_request):
        self.fields.on_request = on_request

    def rebuild(self):
        """Read the left side anew, after its matrices have been built again."""
        if self.fields.snapshot is not None:
            self.synchronise()
        self._build()

    def _make_right_side(self):
        # The compiled step replaces these loops.
        self.right_side = RightSide(self.solver, compiled=False, **self._options)
        if self._compiled and not compiled_step.is_possible(self.right_side):
            # Ranks on several machines, or neighbours beside transforms.
            self.right_side = RightSide(self.solver, compiled=True, **self._options)

    def _make_native(self):
        return compiled_step.make(self.right_side)

    def _allocate(self, compiled):
        """Allocate the state and the arrays of a step; with `compiled`, compile the step."""
        self.native = None
        if compiled and compiled_step.is_possible(self.right_side):
            self.native = self._make_native()
            self.state, self.rate = self.native.state, self.native.rate
            return
        if compiled:
            self._check_reachable()
        shape, dtype = self.right_side.state_shape, self.right_side.state_dtype
        self.state, self._stage, self.rate, self._total = (np.zeros(shape, dtype) for _ in range(4))

    @property
    def _must_compile(self):
        """Return whether only compiled steps can reach neighbours on other ranks."""
        right_side = self.right_side
        return right_side.space.slabs is not None and right_side.lowering.graph.has_neighbours

    def _check_reachable(self):
        if self._must_compile:
            raise Unsupported("neighbours on other ranks beside transforms")

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        solver = self.solver
        time = solver.sim_time
        self._evaluate_handlers(timestep, wall_time)
        self.read_fields()
        self.right_side.draw(int(solver.iteration), timestep, in_place=self.sync_on_request)
        self._one_step(time, timestep)
        self.fields.in_sync = False
        solver.sim_time = time + timestep
        if not self.sync_on_request:
            self.synchronise()

    def _one_step(self, time, timestep):
        """Advance the state by one step and its projections, with the noise that is drawn."""
        if self.native:
            self.native.step(time, timestep)
            return
        self._advance(time, timestep)
        self.state, self._total = self._total, self.state
        self._project(time + timestep)

    @property
    def compiles_steps(self):
        """Return whether whole steps are compiled, so that they cost what their stages cost."""
        return self.native is not None

    def time_steps(self, timestep, number):
        """Return the CPU time of a step, measured on some that are forgotten.

        A collective call, before the first step: the fields keep the state.
        """
        self.read_again()
        self.read_fields()
        time, iteration = self.solver.sim_time, int(self.solver.iteration)
        begin = process_time()
        try:
            if self.native and self.native.can_batch:
                self.native.step(time, timestep, number)
            else:
                for ahead in range(number):
                    self.right_side.draw(iteration + ahead, timestep, in_place=self.sync_on_request)
                    self._one_step(time, timestep)
            return (process_time() - begin) / number
        finally:
            self.read_again()

    def _evaluate_handlers(self, timestep, wall_time):
        def synchronise():
            if self.fields.snapshot is not None:
                self.synchronise()

        evaluate_due_handlers(self.solver, timestep, wall_time, synchronise)

    @property
    def can_batch(self):
        """Return whether `step_many` may take several steps in one call now."""
        known = self.sync_on_request and self.fields.snapshot is not None
        return known and self.native is not None and self.native.can_batch

    def step_many(self, timestep, number):
        """Take several steps in one call, without updating the fields in between.

        Only if it `can_batch`: handlers are not evaluated.
        """
        solver = self.solver
        time = solver.sim_time
        self.read_fields()
        if self.right_side.has_noise:
            self.native.step_with_noise(time, timestep, number, int(solver.iteration))
        else:
            self.native.step(time, timestep, number)
        self.fields.in_sync = False
        solver.iteration += number
        solver.dt, solver.sim_time = timestep, time + number * timestep

    def _project(self, time):
        """Make the assignments after a step."""
        if not self.right_side.projection:
            return
        if self.native:
            self.native.project(time)
            return
        self.right_side.project(self.state, time, self._total)
        self.state, self._total = self._total, self.state

    def evaluate_rate(self, time):
        """Write the right-hand side at the state into `rate`."""
        if self.native:
            self.native.evaluate(time)
        else:
            self.right_side(self.state, time, self.rate)

    def _advance(self, time, timestep):
        """Write the state after one step of the scheme into `total`."""
        right_side = self.right_side
        stage, rate, total = self._stage, self.rate, self._total
        np.copyto(stage, self.state)
        np.copyto(total, self.state)
        for node, weight, ahead in ((0, 1, 0.5), (0.5, 2, 0.5), (0.5, 2, 1), (1, 1, None)):
            right_side(stage, time + node * timestep, rate)
            if ahead is not None:
                np.multiply(rate, ahead * timestep, out=stage)
                stage += self.state
            rate *= weight * timestep / 6
            total += rate

    def state_record(self):
        """Return what the next step depends on (see ``spinhydro.steppers.records``), not copied."""
        if self.fields.snapshot is None:
            # Only the fields hold the state so far.
            return {}
        return {"state": self.state, "compiled": np.array(self._is_compiled)}

    def restore(self, record):
        """Continue from a record of `state_record`."""
        if "state" not in record:
            self.read_again()
            return
        self.read_again()
        self.read_fields()
        if bool(record["compiled"]) and not self._is_compiled:
            self._compiled = True
            self._allocate(True)
        copy_into(self.state, record, "state")
        self._forget_next_step()
        self.fields.in_sync = False
        self.synchronise()

    @property
    def _is_compiled(self):
        return self.native is not None

    def is_finite(self):
        """Return whether the state is finite, without synchronising the fields."""
        return bool(np.isfinite(np.sum(self.state)))

    def finite_members(self):
        """Return which members of this rank have a finite state."""
        axes = (0, *range(2, self.state.ndim))
        return np.isfinite(np.sum(self.state, axis=axes))

    def discard_members(self, members):
        """Fill the state of some members of this rank with NaN."""
        self.state[:, members] = np.nan
        self.fields.in_sync = False

    def components(self):
        """Yield every variable, and an iterator over the grid values of its components."""
        return self.fields.components(self.state)

    def read_again(self):
        """Read the state from the fields at the next step, also with `sync_on_request`."""
        self.fields.forget()

    def read_fields(self):
        """Read the state from the fields, if a script has changed them since the last step."""
        if self.fields.on_request and self.fields.snapshot is not None:
            return
        if self.right_side.refresh() or (self.native and not self.native.is_current()):
            self._build()
            self.right_side.refresh()
        if self.fields.read(self.state):
            self._forget_next_step()

    @property
    def spectra(self):
        """Return the spectra of what the fields hold; None if they are not known."""
        is_known = self.fields.in_sync and not self.right_side.on_grid
        return self.state if is_known else None

    def _forget_next_step(self):
        """Drop what a compiled step has already done of the next one: the state has changed."""

    def synchronise(self):
        """Update the fields of the solver."""
        if self.fields.in_sync or self.fields.snapshot is None:
            # Without a snapshot only the fields hold the state.
            return
        if self.fields.on_request:
            self.free_scratch()
        self.fields.write(self.state)

    def check(self):
        """Compare the fused right-hand side with Dedalus's.

        They are compared at the present state with noise on it (a uniform state would hide an error
        in a derivative), and at that state itself if it is small, or if the rates are not finite
        with noise.

        Returns
        -------
        float
            Largest difference relative to the largest rate; if that is more than rounding explains,
            relative to the condition of the rates (see `_condition`).

        Raises
        ------
        InputError
            If they differ by more than rounding.
        Unsupported
            If products with fields on the left side explain the difference.
        """
        on_request = self.sync_on_request
        # No script changes the fields meanwhile.
        self.sync_on_request = self.fields.reads_coefficients = True
        try:
            return Checker(self).check()
        finally:
            self.sync_on_request, self.fields.reads_coefficients = on_request, False
            self.read_again()
            self.free_scratch()

    def differences(self, checker, noise):
        """Yield differences to Dedalus of different kinds, with this much noise on the state."""
        yield from checker.rates(noise)

    def differences_of_fields(self, checker):
        """Yield differences to Dedalus that need its fields, which hold the state with noise."""
        yield from ()

    def linearised(self):
        """Return the right-hand side about the fields' state, for the stability limit."""
        return Linearisation(self)

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        if self.native:
            self.native.free_scratch(keep_rate)
        else:
            advise_free(self._stage, self._total)
            if not keep_rate:
                advise_free(self.rate)
        self.right_side.free_scratch()
        self.fields.exchange.free_scratch()
        free_temporaries()
