"""Compiled Runge-Kutta steps of a right-hand side on the grid, without any transform."""

import numpy as np

from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.read.graph import order
from spinhydro.engines.fused.step.halo import PlaneExchange
from spinhydro.engines.fused.step.stencil_source import StencilSource, projected_values

#: Stages: weights of the previous values, and of timestep times the rate at the last of them; the
#: time of that rate, in timesteps; and, if any, weights of timestep times the rates of earlier
#: stages, ``{stage: weight}``, the first stage being 0.
RK4 = (
    ((1.0,), 1 / 2, 0.0),
    ((1.0, 0.0), 1 / 2, 0.5),
    ((1.0, 0.0, 0.0), 1.0, 0.5),
    ((-1 / 3, 1 / 3, 2 / 3, 1 / 3), 1 / 6, 1.0),
)
HEUN = (((1.0,), 1.0, 0.0), ((0.5, 0.5), 0.5, 1.0))
RATE = (((0.0,), 1.0, 0.0),)


def is_possible(right_side):
    """Return whether a right-hand side and its projections stay on the grid."""
    if not right_side.on_grid or right_side.program.rounds:
        return False
    leaves = order(projected_values(right_side))[1]
    return all(
        leaf.kind != "shifted" and (leaf.kind != "inverse" or right_side.program.is_given(leaf))
        for leaf in leaves
    )


class StencilStep:
    """Rates and steps of one right-hand side without transforms.

    Parameters
    ----------
    right_side : RightSide
        For which `is_possible`.
    scheme : tuple, optional
        RK4 or HEUN; without it only rates are computed.
    sums : sequence of dict
        Weights of the rates in sums that a step leaves in `sums`; see `StencilSource`.

    Attributes
    ----------
    state : array
        The state that a step starts from and ends with.
    rate : array
        Where `evaluate` puts the right-hand side.
    sums : list of array
    last : array or None
        The first of them.
    """

    def __init__(self, right_side, scheme=RK4, sums=()):
        self.right_side, self.scheme, self.space = right_side, scheme, right_side.space
        right_side.refresh()
        shape, dtype = right_side.state_shape, right_side.state_dtype
        self.state, self.rate = (fftw.zeros(shape, dtype) for _ in range(2))
        self.sums = [fftw.zeros(shape, dtype) for _ in sums]
        self.last = self.sums[0] if sums else None
        self._constants = np.zeros((len(scheme or RATE) + 1, right_side.constants(0.0).size), dtype)
        kept = list(zip(sums, self.sums, strict=True))
        self._source = StencilSource(right_side, self.state, kept, self._constants)
        self._has_projections = bool(right_side.projection)
        self._uses_time = right_side.lowering.uses_time
        self._noisy_steps = right_side.noisy_steps() if right_side.has_noise else None

    @property
    def has_steps(self):
        """Return whether steps are taken, not only rates computed."""
        return self.scheme is not None

    @property
    def can_batch(self):
        """Return whether nothing but the state, and noise drawn in place, changes."""
        if not self.has_steps or self._uses_time:
            return False
        return not self.right_side.has_noise or self._noisy_steps is not None

    def _run(self, name, scheme, target, projects, time, timestep, steps=1, iteration=None):
        function, addresses = self._source.steps(name, scheme, target, projects)
        self._set_constants(scheme, time, timestep)
        self._refresh_wide(addresses)
        if iteration is not None:
            self._noisy_steps(function, addresses.table, iteration, timestep, steps)
            self.right_side.note_draw(iteration + steps - 1, timestep)
            return
        if not addresses.exchange:
            function(addresses.table, timestep, steps)
            return
        exchange, edges = addresses.exchange
        shape = (self._source.components, *self._source.member_shape)
        for _ in range(steps):
            exchange(self.state.reshape(shape), edges)
            function(addresses.table, timestep, 1)

    def _set_constants(self, scheme, time, timestep):
        right_side = self.right_side
        if not self._uses_time:
            self._constants[:] = right_side.constants(time)
            return
        for stage, (_, _, node, *_) in enumerate(scheme):
            self._constants[stage] = right_side.constants(time + node * timestep)
        self._constants[-1] = right_side.constants(time + timestep)

    def _refresh_wide(self, addresses):
        version = self.right_side.profiles_version
        if addresses.wide is None or addresses.seen == version:
            return
        rows, wide, margin = addresses.wide
        addresses.seen = version
        source = self._source
        shape = (source.members, *source.member_shape)
        x = np.arange(-source.before, source.width - source.before) % source.length
        for i, row in enumerate(rows):
            values = self.right_side.profile_values[row].reshape(shape)
            if source.beyond and margin:
                exchange = PlaneExchange(self.space, margin)
                edges = np.empty((1, 2 * margin, *shape[2:]), values.dtype)
                exchange(np.ascontiguousarray(values), edges)
                values = np.concatenate([edges[:, :margin], values, edges[:, margin:]], axis=1)
            else:
                numbers = np.arange(-margin, source.planes + margin) % source.planes
                values = values[:, numbers]
            values = values[..., x]
            wide[i, 0] = values.real
            if source.is_complex:
                wide[i, 1] = values.imag

    def evaluate(self, time):
        """rate = f(state, time)."""
        self._run("rate", RATE, self.rate, False, time, 1.0)

    def step(self, time, timestep, steps=1):
        """Advance the state by a step of the scheme, projections included.

        Several at once only if this `can_batch`.
        """
        self._run("step", self.scheme, self.state, self._has_projections, time, timestep, steps)

    def step_with_noise(self, time, timestep, steps, iteration):
        """Draw noise and take a step, several times; only if this `can_batch`."""
        self._run(
            "step", self.scheme, self.state, self._has_projections, time, timestep, steps, iteration
        )

    def project(self, time):
        """Apply the projections."""
        self._constants[0] = self.right_side.constants(time)
        function, addresses = self._source.projection()
        function(addresses.table, 0.0, 1)

    def is_current(self):
        """Return whether the code still fits the fields: always, as it assumes nothing of them."""
        return True

    def free_scratch(self, keep_rate=False):
        """Nothing to free: all arrays are small or in use."""

    def release(self):
        """Do nothing: there is no shared memory."""
