"""Relaxed states of magnets, by the equations of a problem itself."""

from typing import NamedTuple

import numpy as np

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import InputError
from spinhydro.physics.checks import check


class RelaxedState(NamedTuple):
    """Result of `relax`; the fields of the problem hold the state itself.

    Attributes
    ----------
    torque : float
        Largest |m x H| that is left, radians per unit of time.
    iterations : int
    """

    torque: float
    iterations: int


def relax(problem, tolerance=1e-6, iterations=20000, alpha=None):
    r"""Rotate the spins of a problem downhill in energy until the torque vanishes.

    .. math:: m \times H = 0, \qquad \dot m = -p\,[m \times H + \alpha\, m \times (m \times H)]

    From the rate r of the equations follows the damping direction, -m x (m x H) = alpha r + m x r
    for p = 1/(1 + alpha^2); steps along it have the lengths of Barzilai and Borwein.

    Parameters
    ----------
    problem : d3.IVP
        All its variables are unit vectors over a spin frame, or 0 in the empty space around a
        body; right sides without noise.
    tolerance : float
        Largest |m x H|, relative to that of the initial state or of the fastest term.
    iterations : int
        At most.
    alpha : float, optional
        Damping in the equations; by default ``alpha`` of the problem's namespace, or 0.

    Returns
    -------
    RelaxedState

    Raises
    ------
    InputError (ParameterError)
        For variables that are not spins, or if a torque is left.
    """
    spins = list(problem.variables)
    if not all(len(s.tensorsig) == 1 and s.tensorsig[0].dim == 3 for s in spins):
        raise InputError("relax(problem) takes spins: vector fields of three components")
    if alpha is None:
        alpha = problem.namespace.get("alpha", 0.0)
    check(alpha >= 0, "the damping alpha cannot be negative", alpha=alpha)
    comm = problem.dist.comm
    rights = {id(_variable(e["M"], spins)): e for e in problem.equations}
    p = 1 / (1 + alpha**2)

    def values(operand):
        if isinstance(operand, (int, float)):
            return operand
        found = evaluated(operand)
        found.change_scales(1)
        return found["g"].copy()

    def downhill(state):
        for spin, m in zip(spins, state, strict=True):
            spin.preset_scales(1)
            spin["g"] = m
        found = []
        for spin, m in zip(spins, state, strict=True):
            equation = rights[id(spin)]
            rate = values(equation["F"]) - values(equation["L"])
            found.append((alpha * rate + np.cross(m, rate, axis=0)) / (p * (1 + alpha**2)))
        return np.array(found)

    def total(a, b):
        return comm.allreduce(float(np.vdot(a, b)))

    def largest(g):
        return max(comm.allgather(float(np.sqrt((g**2).sum(axis=1)).max(initial=0.0))))

    state = []
    for spin in spins:
        spin.change_scales(1)
        state.append(spin["g"].copy())
    state = _unit_vectors(np.array(state))
    gradient = downhill(state)
    start = largest(gradient)
    step = 0.1 / start if start > 0 else 0.0
    left, iteration = start, 0
    while left > tolerance * start and iteration < iterations:
        new = state + min(step, 0.5 / left) * gradient
        new = _unit_vectors(new)
        after = downhill(new)
        moved, change = new - state, gradient - after
        curvature = total(moved, change)
        step = total(moved, moved) / curvature if curvature > 0 else 2 * step
        state, gradient = new, after
        left, iteration = largest(gradient), iteration + 1
    for spin, m in zip(spins, state, strict=True):
        spin.preset_scales(1)
        spin["g"] = m
    if left > tolerance * start:
        raise InputError(
            f"the spins did not relax in {iterations} iterations (|m x H| = {left:.2e} of "
            f"{start:.2e} at the start): take a better guess, or a larger tolerance"
        )
    return RelaxedState(left, iteration)


def _unit_vectors(state):
    """Spins (n, 3, …) of length 1; 0 where they are no more than rounding: outside a body."""
    size = np.sqrt((state**2).sum(axis=1, keepdims=True))
    return np.where(size > 1e-8, state / np.maximum(size, 1e-8), 0.0)


def _variable(left, spins):
    found = [s for s in spins if hasattr(left, "has") and left.has(s)]
    if len(found) != 1:
        raise InputError("relax(problem) takes one equation dt(m) = … for each spin field")
    return found[0]
