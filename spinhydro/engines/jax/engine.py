"""The jax engine: the right-hand side and whole steps as JAX functions."""

from time import process_time

import numpy as np

from spinhydro.dedalus_support.memory import free_temporaries
from spinhydro.engines.fused.steppers.linear import linear_matrix
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.engines.jax.function import StateFunction, cast
from spinhydro.engines.jax.leaves import kernel_entries, structure_leaves, table_leaves
from spinhydro.engines.jax.require import require_jax
from spinhydro.engines.jax.schemes import apply_rows, find_scheme, mode_rows
from spinhydro.errors import Unsupported
from spinhydro.steppers.truncation import check_fraction


class JaxStepper(FusedRK4):
    """A time stepper of Dedalus whose steps are JAX functions, compiled for the device.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    kind : class
        The time stepper whose scheme is taken.
    projections : sequence of (field, operand)
        Assignments after every step.
    precision : str
        "double", or "single": float32 and complex64.

    Raises
    ------
    InputError
        If JAX is not installed.
    Unsupported
        If the problem or the scheme cannot be lowered.
    """

    def __init__(self, solver, kind, projections=(), precision="double"):
        self.jax = require_jax("the engine jax")
        if solver.dist.comm.size > 1:
            raise Unsupported("several ranks: it uses all devices of one process")
        has_linear = any(hasattr(eq["L"], "tensorsig") for eq in solver.problem.equations)
        self.scheme, self.precision = find_scheme(kind, has_linear), precision
        self.linear_apart = self.scheme.linear_apart and has_linear
        self._device_state, self._has_all_terms, self.truncation = None, False, 1.0
        super().__init__(solver, projections, compiled=False)

    def _allocate(self, compiled):
        right_side, jax = self.right_side, self.jax
        shape, dtype = right_side.state_shape, right_side.state_dtype
        self.state, self.rate = np.zeros(shape, dtype), np.zeros(shape, dtype)
        space, lowering = right_side.space, right_side.lowering
        options = space, lowering
        rate = StateFunction(*options, right_side.program.outputs, right_side.on_grid)
        project = None
        outputs = list(rate.outputs)
        if right_side.projection:
            project = StateFunction(*options, right_side.projection.outputs, right_side.on_grid)
            outputs += project.outputs
        entries = kernel_entries(outputs, lowering.graph.dimensions)
        self._structure = self._cast(
            {**structure_leaves(space, entries), "tables": table_leaves(lowering)}
        )
        self.linear = linear_matrix(right_side) if self.linear_apart else None
        self._linear_rows = mode_rows(self.linear) if self.linear_apart else None
        self._weights, self._profiles = {}, (None, None)
        scheme = self.scheme

        def advance(state, time, timestep, number, leaves, weights):
            rates = rate.rate(leaves)

            def step(i, values):
                now = time + i * timestep
                values = scheme.step(rates, weights, values, now, timestep).astype(state.dtype)
                return project(values, now + timestep, leaves) if project else values

            return jax.lax.fori_loop(0, number, step, state)

        self._advance_on_device = jax.jit(advance, donate_argnums=0)
        self._rate_on_device = jax.jit(rate)
        self._minus_linear = jax.jit(lambda rows, values: -apply_rows(rows, values))

    def _cast(self, leaves):
        return cast(leaves, self.precision)

    def leaves(self, time):
        """The leaves of the graph as they are now; see `StateFunction`."""
        right_side = self.right_side
        if self._profiles[0] != right_side.profiles_version:
            values = right_side.profiles.reshape(-1, *right_side.space.shape)
            self._profiles = (
                right_side.profiles_version,
                self.jax.device_put(self._cast(values.copy())),
            )
        constants = np.array(right_side.constants(time))
        return {
            **self._structure,
            "numbers": np.zeros(0),
            "profiles": self._profiles[1],
            "constants": self._cast(constants),
        }

    def truncate(self, fraction):
        """Keep the modes up to a fraction of the largest wavenumber, under a splitting scheme.

        Raises ParameterError unless it is above 0 and at most 1.
        """
        self.truncation = check_fraction(fraction)
        self.scheme.kept, self._weights = self.kept(), {}

    def kept(self):
        """Return which modes are kept, as an array for spectra; None if all are."""
        return self.right_side.space.kept(self.truncation)

    def _prepared(self, timestep):
        """The weights of the scheme; a run needs those of two timesteps."""
        if timestep not in self._weights:
            while len(self._weights) > 1:
                self._weights.pop(next(iter(self._weights)))
            weights = self._cast(self.scheme.weights(self.linear, timestep))
            self._weights[timestep] = self.jax.device_put(weights)
        return self._weights[timestep]

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        solver, time = self.solver, self.solver.sim_time
        self._evaluate_handlers(timestep, wall_time)
        self.read_fields()
        self.right_side.draw(int(solver.iteration), timestep)
        self._take_steps(time, timestep, 1)
        solver.sim_time = time + timestep
        if not self.sync_on_request:
            self.synchronise()

    @property
    def can_batch(self):
        """Return whether `step_many` may take several steps in one call now."""
        return (
            self.sync_on_request
            and self.fields.snapshot is not None
            and not self.right_side.has_noise
        )

    def step_many(self, timestep, number):
        """Take several steps in one call, without handlers between them."""
        solver, time = self.solver, self.solver.sim_time
        self.read_fields()
        self._take_steps(time, timestep, number)
        solver.iteration += number
        solver.dt, solver.sim_time = timestep, time + number * timestep

    def _take_steps(self, time, timestep, number):
        state = self._on_device(self.state) if self._device_state is None else self._device_state
        self._device_state = self._advanced(state, time, timestep, number)
        self.fields.in_sync = False

    def _advanced(self, state, time, timestep, number):
        """Return a state on the device after some steps."""
        kind = np.float32 if self.precision == "single" else np.float64
        return self._advance_on_device(
            state, kind(time), kind(timestep), number, self.leaves(time), self._prepared(timestep)
        )

    @property
    def compiles_steps(self):
        """Return whether whole steps are compiled: always."""
        return True

    def time_steps(self, timestep, number):
        """Return the CPU time of a step; see ``FusedRK4.time_steps``."""
        self.read_fields()
        time = self.solver.sim_time
        self.right_side.draw(int(self.solver.iteration), timestep)
        # Compiles.
        self._advanced(self._on_device(self.state), time, timestep, 0).block_until_ready()
        begin = process_time()
        self._advanced(self._on_device(self.state), time, timestep, number).block_until_ready()
        return (process_time() - begin) / number

    def _on_device(self, values):
        """A copy of the state on the device; members are split over several devices."""
        values, jax = self._cast(values.copy()), self.jax
        devices = jax.devices()
        has_members = self.right_side.space.axes.start > 0
        if len(devices) > 1 and has_members and values.shape[1] % len(devices) == 0:
            mesh = jax.sharding.Mesh(np.array(devices), ("members",))
            spec = jax.sharding.PartitionSpec(None, "members")
            return jax.device_put(values, jax.sharding.NamedSharding(mesh, spec))
        return jax.device_put(values)

    def state_record(self):
        """Return what the next step depends on (see ``spinhydro.steppers.records``)."""
        if self._device_state is not None:
            np.copyto(self.state, self._device_state)
        return super().state_record()

    def components(self):
        """Yield every variable, and an iterator over the grid values of its components."""
        if self._device_state is not None:
            np.copyto(self.state, self._device_state)
        return super().components()

    def is_finite(self):
        """Return whether the state is finite, without synchronising the fields."""
        if self._device_state is None:
            return super().is_finite()
        return bool(self.jax.numpy.isfinite(self.jax.numpy.sum(self._device_state)))

    def synchronise(self):
        """Update the fields of the solver."""
        if self._device_state is not None and not self.fields.in_sync:
            np.copyto(self.state, self._device_state)
        super().synchronise()

    def read_fields(self):
        if self.sync_on_request and self.fields.snapshot is not None:
            return
        if self._device_state is not None:
            np.copyto(self.state, self._device_state)
            self._device_state = None
        super().read_fields()

    def linear_row(self, row):
        """Return (column, array of modes) of the entries of L in a row."""
        return self._linear_rows[row].items()

    def evaluate_rate(self, time):
        leaves = self.leaves(time)
        rate = self._rate_on_device(self._cast(self.state.copy()), time, leaves)
        if self._has_all_terms:
            rate = rate + self._minus_linear(self._linear_rows, self.state)
        np.copyto(self.rate, rate)

    def differences(self, checker, noise):
        """Also yield those of the whole rate, if the linear terms are separate."""
        yield from super().differences(checker, noise)
        if self.linear_apart:
            self.linear_apart, self._has_all_terms = False, True
            try:
                yield from super().differences(checker, noise)
            finally:
                self.linear_apart, self._has_all_terms = True, False

    def check(self):
        """Compare with Dedalus in double precision; see `FusedRK4.check`."""
        precision, self.precision = self.precision, "double"
        try:
            if precision == "single":
                self._allocate(False)
            return super().check()
        finally:
            self.precision = precision
            if precision == "single":
                self._allocate(False)

    def free_scratch(self, keep_rate=False):
        """Free scratch buffers of the host."""
        self.right_side.free_scratch()
        self.fields.exchange.free_scratch()
        free_temporaries()


def make_jax(solver, kind, projections=(), precision="double"):
    """Replace the time stepper of a solver; returns a note for the log.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    kind : class
        The time stepper whose scheme is taken.
    projections : sequence of (field, operand)
    precision : str
        One of PRECISIONS.

    Raises
    ------
    InputError
        If JAX is not installed or Dedalus disagrees.
    Unsupported
        With what cannot be lowered.
    """
    stepper = JaxStepper(solver, kind, projections, precision)
    agreement = stepper.check()
    solver.timestepper = stepper
    solver.enforce_real_cadence = None
    device = stepper.jax.devices()[0]
    return (
        f"agrees with Dedalus to {agreement:.0e}; JAX {stepper.jax.__version__} on "
        f"{device.device_kind} ({device.platform}), {precision} precision"
    )
