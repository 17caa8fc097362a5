"""Time steppers that rotate spins: |m| is kept to rounding, without a projection."""

import numpy as np

from spinhydro.errors import InputError
from spinhydro.steppers.rk4 import RK4
from spinhydro.steppers.rotations import dot, rotate
from spinhydro.steppers.spin_schemes import Ranks, implicit_midpoint, rkmk4, semi_implicit

#: Largest component of the rate along the spin, relative to the rate, that counts as rounding.
PERPENDICULAR = 1e-5


class SpinStepper(RK4):
    r"""Base of the schemes that advance spins by rotations, on the grid.

    The angular velocity follows from the right side of the equation:

    .. math:: \partial_t \mathbf{m} = \mathbf{F}, \quad \mathbf{F} \perp \mathbf{m} \quad
              \Rightarrow \quad \partial_t \mathbf{m} = \boldsymbol\omega \times \mathbf{m}, \quad
              \boldsymbol\omega = \mathbf{m} \times \mathbf{F} / |\mathbf{m}|^2

    Spins are all vector fields over a spin frame of three components whose F is perpendicular to
    them; the other variables are advanced by the classical scheme of the same order. Terms on the
    left side are treated like those on the right.

    The length is kept on the grid points. It stays so if the basis holds what is on the grid:
    ``spinhydro.RealFourierNyquist`` or an odd number of points, with ``dealias=1``.

    Raises
    ------
    InputError
        At the first step, or when `find_spins` is called: if no variable is a spin.
    """

    scheme = None

    def __init__(self, solver):
        super().__init__(solver)
        self.spins = None
        self.ranks = Ranks(solver.dist.comm)
        self._rates = [field.copy() for field in solver.state]
        self._due = None

    def find_spins(self):
        """Find the variables that are spins, at the present state and at a rotated one."""
        if self.spins is None:
            self.spins = find_spins(self, type(self).__name__)

    def state_record(self):
        """Return which variables are spins, once that is known."""
        return {} if self.spins is None else {"spins": np.array(self.spins)}

    def restore(self, record):
        """Continue from a record of `state_record`."""
        if "spins" in record:
            self.spins = record["spins"].tolist()

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        solver = self.solver
        self.find_spins()
        self.prepare(timestep)
        time = solver.sim_time
        self._due = {"iteration": solver.iteration, "wall_time": wall_time,
                     "sim_time": time, "timestep": timestep}  # fmt: skip
        start = self.values()
        end = type(self).scheme(self.evaluate, start, self.spins, time, timestep, self.ranks)
        self.assign(end)
        solver.sim_time = time + timestep

    @staticmethod
    def spans(field):
        """Return the slice of each grid axis on this rank."""
        return field.dist.grid_layout.slices(field.domain, 1)

    def values(self):
        """Return copies of the state on the grid."""
        for field in self.solver.state:
            field.change_scales(1)
        return [field["g"].copy() for field in self.solver.state]

    def assign(self, values):
        """Set the state from grid values."""
        for field, value in zip(self.solver.state, values, strict=True):
            field.preset_scales(1)
            field.preset_layout("g")
            np.copyto(field.data, value)

    def evaluate(self, values, time):
        """Return the rates of all variables on the grid."""
        solver = self.solver
        self.assign(values)
        solver.sim_time = time
        if self._due:
            due, self._due = self._due, None
            solver.evaluator.evaluate_scheduled(**due)
        else:
            solver.evaluator.evaluate_group("F")
        solver.evaluator.require_coeff_space(solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(solver.state, out=self.stage.get_subdata(sp))
        self._compute_rate()
        for field in self._rates:
            field.preset_layout("c")
        for sp in self.subproblems:
            sp.scatter_inputs(self.rate.get_subdata(sp), self._rates)
        for field in self._rates:
            field.change_scales(1)
        return [field["g"] for field in self._rates]


class RKMK4(SpinStepper):
    __doc__ = rkmk4.__doc__
    stages = 4
    scheme = staticmethod(rkmk4)


class ImplicitMidpoint(SpinStepper):
    __doc__ = implicit_midpoint.__doc__
    stages = 1
    scheme = staticmethod(implicit_midpoint)


class SemiImplicit(SpinStepper):
    __doc__ = semi_implicit.__doc__
    stages = 2
    scheme = staticmethod(semi_implicit)


def find_spins(stepper, name):
    """Return whether each variable is a spin, a list of bool.

    Parameters
    ----------
    stepper : object with `solver`, `values()`, `assign(values)`, `evaluate(values, time)`, and
        `spans(field)`, the part of each axis that the values are of
    name : str
        Of the stepper, for messages.

    Raises
    ------
    InputError
        If none is, or if a vector that could be one is zero somewhere.
    """
    solver = stepper.solver
    state, ranks, time = solver.state, Ranks(solver.dist.comm), solver.sim_time
    candidates = [is_spin_vector(field) for field in state]
    if not any(candidates):
        names = ", ".join(field.name for field in state)
        raise InputError(
            f"{name} turns spins, and no variable ({names}) is a real vector over a spin frame "
            "d3.CartesianCoordinates('sx', 'sy', 'sz'): take timestepper = 'RK4'"
        ).within("timestepper")
    start = stepper.values()
    along = [0.0] * len(state)
    try:
        for state_now in (start, _turned(start, candidates, stepper)):
            # Rates belong to the stepper: the next evaluation overwrites them.
            rates = stepper.evaluate(state_now, time)
            for i, (field, m, rate) in enumerate(zip(state, state_now, rates, strict=True)):
                if not candidates[i]:
                    continue
                if ranks.largest((dot(m, m) == 0).astype(float)):
                    raise InputError(
                        f"{name} turns spins, and {field.name} is zero somewhere: fill it before "
                        "the first step"
                    )
                size = ranks.largest(rate) * ranks.largest(m)
                if size:
                    along[i] = max(along[i], ranks.largest(dot(m, rate)) / size)
    finally:
        stepper.assign(start)
        solver.sim_time = time
    spins = [c and a <= PERPENDICULAR for c, a in zip(candidates, along, strict=True)]
    if not any(spins):
        worst = ", ".join(
            f"dt({field.name}) has the part {a:.1e} along {field.name}"
            for field, a, candidate in zip(state, along, candidates, strict=True)
            if candidate
        )
        raise InputError(
            f"{name} turns spins, and no variable changes perpendicular to itself on the grid: "
            f"{worst}. If the equation is one of cross products, the basis drops modes: take "
            "spinhydro.RealFourierNyquist or an odd number of points, and dealias=1; else take "
            "timestepper = 'RK4', with projections"
        ).within("timestepper")
    return spins


def is_spin_vector(field):
    """True for a real vector over a frame of three components that is not that of space."""
    return (
        len(field.tensorsig) == 1
        and field.tensorsig[0].dim == 3
        and field.tensorsig[0] not in field.dist.coordsystems
        and not np.issubdtype(field.dtype, np.complexfloating)
    )


def _turned(start, candidates, stepper):
    """Return the state with spins rotated smoothly, by about a radian: uniform ones hide terms."""
    random = np.random.default_rng(0)
    turned = []
    for value, candidate, field in zip(start, candidates, stepper.solver.state, strict=True):
        if candidate:
            wave = 1.0
            sizes = field.dist.grid_layout.global_shape(field.domain, 1)
            for axis, span in enumerate(stepper.spans(field)):
                index = np.arange(sizes[axis])[span].reshape(
                    [-1 if i == axis else 1 for i in range(len(sizes))]
                )
                wave = wave + 0.2 * np.cos(2 * np.pi * index / sizes[axis])
            axes = random.standard_normal(3).reshape(3, *[1] * (value.ndim - 1))
            value = rotate(np.broadcast_to(axes * wave, value.shape), value)
        turned.append(value)
    return turned
