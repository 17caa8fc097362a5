"""Time steppers as pure functions of the rate, for JAX."""

from typing import Protocol

import numpy as np
from dedalus.core import timesteppers

from spinhydro.dedalus_support.blocks import exponentials
from spinhydro.engines.fused.steppers.linear import of_modes
from spinhydro.engines.jax.function import TRANSFORMED
from spinhydro.engines.jax.rows import Rows, join, like
from spinhydro.errors import Unsupported
from spinhydro.steppers import (
    ETDRK4,
    IFRK4,
    RK4,
    RK8,
    SPLITTING,
    LowStorageRK4,
    PairSteps,
    StochasticHeun,
    WaveRK4,
    rk8,
)
from spinhydro.steppers.etdrk4 import etd_weights


def mode_rows(matrix):
    """The entries that are not zero of a matrix for every wavenumber.

    Parameters
    ----------
    matrix : array (components, components, *spectral shape)

    Returns
    -------
    list of dict
        ``{column: array}`` for each row.
    """
    return [
        {column: np.ascontiguousarray(entry) for column, entry in enumerate(row) if entry.any()}
        for row in matrix
    ]


def apply_rows(rows, values):
    """The product of a matrix for every wavenumber, as `mode_rows` makes it, with spectra."""
    from jax import numpy as jnp

    found = []
    for row in rows:
        total = jnp.zeros_like(values[0])
        for column, entry in row.items():
            total = total + entry * values[column]
        found.append(total.astype(values.dtype))
    return Rows(found) if isinstance(values, Rows) else jnp.stack(found)


def loop(stage, carry, numbers):
    """Return what stages of equal form make of a carry.

    XLA computes sums and products anew wherever they are used: those of all earlier stages in each
    of a sequence, but only those of one in a loop. A quotient is computed once, so that stages
    divide rates by the reciprocals of weights: a reverse sweep then has its derivative with respect
    to a rate as an array. It computes everything else but the transforms again, stage by stage.

    Parameters
    ----------
    stage : callable(carry, numbers) -> carry
    numbers : sequence of sequences of float
        Of each stage; a stage is called with one of each.
    """
    import jax

    rule = jax.checkpoint_policies.save_only_these_names(TRANSFORMED)
    body = jax.checkpoint(lambda c, n: (stage(c, n), None), policy=rule, prevent_cse=False)
    real = np.finfo(jax.tree.leaves(carry)[0].dtype).dtype
    return jax.lax.scan(body, carry, tuple(np.array(each, real) for each in numbers))[0]


def zeros(state):
    """Return zeros in the form of a state: `Rows` or an array."""
    import jax

    return jax.tree.map(jax.numpy.zeros_like, state)


class Scheme(Protocol):
    """A one-step scheme X(t) -> X(t + h): what the engine needs of each class below.

    Attributes
    ----------
    linear_apart : bool
        Whether the rate leaves the linear terms L out, which the scheme treats through weights.
    """

    linear_apart: bool

    def weights(self, linear, timestep) -> dict:
        """Return arrays prepared from L for a timestep, as nested dictionaries and lists.

        Parameters
        ----------
        linear : array (components, components, *spectral shape) or None
            L of ``dt(X) + L.X = F``.
        timestep : float
        """

    def step(self, rate, weights, state, time, timestep):
        """Return the state after one step.

        Parameters
        ----------
        rate : BoundRate
        weights : dict
            As returned by `weights`, for the same timestep.
        """


class Explicit:
    """Base of schemes that take the linear terms with all others."""

    linear_apart = False

    def weights(self, linear, timestep):
        return {}


class ClassicalRungeKutta(Explicit):
    """The scheme of ``spinhydro.RK4``."""

    def step(self, rate, weights, state, time, timestep):
        values, half = join(state), timestep / 2
        first = rate(values, time)
        second = rate(values + half * first, time + half)
        third = rate(values + half * second, time + half)
        fourth = rate(values + timestep * third, time + timestep)
        return like(state, values + timestep / 6 * (first + 2 * (second + third) + fourth))


class OrderEight(Explicit):
    """The scheme of ``spinhydro.RK8``."""

    def step(self, rate, weights, state, time, timestep):
        # Long sums of rates take XLA much longer in separate components.
        values, rates = join(state), []

        def moved(weights):
            return values + sum(timestep * w * rates[stage] for stage, w in weights.items())

        for node, earlier in zip(rk8.NODES, rk8.STAGES, strict=True):
            rates.append(rate(moved(earlier), time + node * timestep))
        return like(state, moved(rk8.WEIGHTS))


class LowStorage(Explicit):
    """The scheme of ``spinhydro.LowStorageRK4`` or a subclass."""

    def __init__(self, kind):
        self.kind = kind

    def step(self, rate, weights, state, time, timestep):
        def stage(carry, numbers):
            (values, change), (factor, weight, node) = carry, numbers
            change = factor * change + rate(values, time + node * timestep) / (weight / timestep)
            return values + change, change

        kind = self.kind
        factors, weights = np.array(kind.factors, float), np.array(kind.weights)
        # The change of a state is a rate times its weight.
        factors[1:] *= weights[1:] / weights[:-1]
        return loop(stage, (state, zeros(state)), (factors, 1 / weights, kind.nodes))[0]


class IntegratingFactor:
    """The scheme of ``spinhydro.IFRK4``."""

    linear_apart = True

    def weights(self, linear, timestep):
        return {"half": mode_rows(of_modes(lambda m: exponentials(-timestep / 2 * m), linear))}

    def step(self, rate, weights, state, time, timestep):
        half = timestep / 2

        def move(values):
            return apply_rows(weights["half"], values)

        moved, first = move(state), move(rate(state, time))
        second = rate(moved + half * first, time + half)
        third = rate(moved + half * second, time + half)
        fourth = rate(move(moved + timestep * third), time + timestep)
        total = moved + timestep / 6 * first + timestep / 3 * (second + third)
        return move(total) + timestep / 6 * fourth


class ExponentialDifferencing:
    """The scheme of ``spinhydro.ETDRK4``."""

    linear_apart = True

    def weights(self, linear, timestep):
        matrices = etd_weights(-np.moveaxis(linear, (0, 1), (-2, -1)), timestep)
        return {
            name: mode_rows(np.moveaxis(np.broadcast_to(matrix, _shape_of_modes(linear)),
                                        (-2, -1), (0, 1)))
            for name, matrix in matrices.items()
        }  # fmt: skip

    def step(self, rate, weights, state, time, timestep):
        half = timestep / 2

        def by(name, values):
            return apply_rows(weights[name], values)

        first = rate(state, time)
        halfway, whole = by("half", state), by("whole", state)
        second = rate(halfway + by("a1", first), time + half)
        third = rate(halfway + by("b1", first) + by("b2", second), time + half)
        fourth = rate(whole + by("c1", first) + by("c3", third), time + timestep)
        return whole + by("w1", first) + by("w2", second + third) + by("w4", fourth)


class Heun(Explicit):
    """The scheme of ``spinhydro.StochasticHeun``."""

    def step(self, rate, weights, state, time, timestep):
        first = rate(state, time)
        second = rate(state + timestep * first, time + timestep)
        return state + timestep / 2 * (first + second)


class ImplicitExplicit:
    """The Runge-Kutta schemes of Dedalus (RK222, RK443, …)."""

    linear_apart = True

    def __init__(self, tables):
        self.tables = tables

    def weights(self, linear, timestep):
        if linear is None:
            return {}
        H, identity = self.tables.H, np.eye(len(linear))
        identity = identity.reshape(identity.shape + (1,) * (linear.ndim - 2))
        inverses = {
            str(i): mode_rows(of_modes(np.linalg.inv, identity + timestep * H[i, i] * linear))
            for i in range(1, self.tables.stages + 1)
        }
        return {"linear": mode_rows(linear), "inverses": inverses}

    def step(self, rate, weights, state, time, timestep):
        A, H, c = self.tables.A, self.tables.H, self.tables.c
        stage, rates, moved = state, [], []
        for i in range(1, self.tables.stages + 1):
            rates.append(rate(stage, time + timestep * c[i - 1]))
            known = state
            for j in range(i):
                known = known + timestep * A[i, j] * rates[j]
            if weights:
                moved.append(apply_rows(weights["linear"], stage))
                for j in range(i):
                    known = known - timestep * H[i, j] * moved[j]
                known = apply_rows(weights["inverses"][str(i)], known)
            stage = known
        return stage


class Splitting:
    """The schemes of ``spinhydro.steppers.splitting``.

    Attributes
    ----------
    kept : array of booleans or None
        Modes that a truncation keeps.
    """

    linear_apart, kept = True, None

    def __init__(self, kind):
        self.kind = kind

    def weights(self, linear, timestep):
        if linear is None:
            return {}
        found = {}
        for drift in set(self.kind.drifts):
            matrix = of_modes(lambda m, a=drift: exponentials(-a * timestep * m), linear)
            found[str(drift)] = mode_rows(matrix if self.kept is None else matrix * self.kept)
        return found

    def step(self, rate, weights, state, time, timestep):
        kind = self.kind
        for drift, rotation in zip(kind.drifts, (*kind.rotations, None), strict=True):
            if weights:
                state = apply_rows(weights[str(drift)], state)
            time = time + drift * timestep
            if rotation is not None:
                state = rate.rotate_phases(state, time, rotation * timestep)
        return state


def _shape_of_modes(linear):
    return (*linear.shape[2:], *linear.shape[:2])


_SCHEMES = {
    RK4: ClassicalRungeKutta,
    RK8: OrderEight,
    IFRK4: IntegratingFactor,
    ETDRK4: ExponentialDifferencing,
    StochasticHeun: Heun,
}
_LOW_STORAGE = (LowStorageRK4, WaveRK4)


def find_scheme(kind, has_linear):
    """The scheme of a class of time steppers, for a problem with or without linear terms.

    Raises Unsupported if it has no pure form.
    """
    if kind in (IFRK4, ETDRK4) and not has_linear:
        return ClassicalRungeKutta()
    if kind in SPLITTING.values():
        return Splitting(kind)
    if kind in _LOW_STORAGE:
        return LowStorage(kind)
    if kind in _SCHEMES:
        return _SCHEMES[kind]()
    if issubclass(kind, timesteppers.RungeKuttaIMEX):
        return ImplicitExplicit(kind)
    if issubclass(kind, PairSteps):
        main = kind.main.__name__ if kind.main in _SCHEMES else "RK4"
        raise Unsupported(
            f"the adaptive time stepper {kind.__name__}: type timestepper={main} timestep=NUMBER"
        )
    names = ", ".join([*(known.__name__ for known in (*_SCHEMES, *_LOW_STORAGE)), *SPLITTING])
    raise Unsupported(
        f"the time stepper {kind.__name__} (only {names} and Dedalus's Runge-Kutta schemes): type "
        "timestepper=RK4"
    )
