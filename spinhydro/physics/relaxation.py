"""Relaxed states of magnets, by the equations of a problem itself."""

from typing import NamedTuple

import numpy as np

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import InputError
from spinhydro.physics.checks import check
from spinhydro.physics.resting_states import RestingState, resting_states

#: Largest torque of a state at rest, relative to the start: a relaxation to rounding reaches it.
REST = 1e-9
#: Relaxations to rounding end if the torque does not halve in so many iterations.
PATIENCE = 300
#: Largest change of a spin between the state at a tolerance and the one at rest.
MOVED = 0.01


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
        found = evaluated(operand, reuse=True)
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

    descent = _Descent(downhill, total, largest)
    guess = []
    for spin in spins:
        spin.change_scales(1)
        guess.append(spin["g"].copy())
    guess = _unit_vectors(np.array(guess))
    states = resting_states()
    earlier = states.next_start() if states else None
    if earlier is None:
        start = largest(downhill(guess))
        state, left, iteration = descent.until(guess, tolerance * start, iterations)
        if left > tolerance * start:
            raise InputError(
                f"the spins did not relax in {iterations} iterations (|m x H| = {left:.2e} of "
                f"{start:.2e} at the start): take a better guess, or a larger tolerance"
            )
    else:
        state, start, descent.longest = earlier.spins, earlier.torque, earlier.longest
        left, iteration = largest(downhill(state)), 0
    if states is not None:
        if earlier is not None and not earlier.is_at_rest:
            earlier.check_unchanged(guess, downhill(state))
            states.found.append(earlier)
        else:
            rest, torque, more = descent.until(
                state, 1e-3 * REST * start, iterations, descent.longest, PATIENCE,
                within=MOVED if earlier is None else np.inf,
            )  # fmt: skip
            is_at_rest = torque <= REST * start
            if is_at_rest:
                state, left, iteration = rest, torque, iteration + more
            elif earlier is not None:
                raise InputError("the relaxed state is lost at these parameters")
            states.found.append(
                RestingState(state, is_at_rest, guess, downhill(state), start, descent.longest)
            )
    for spin, m in zip(spins, state, strict=True):
        spin.preset_scales(1)
        spin["g"] = m
    return RelaxedState(left, iteration)


class _Descent:
    """Steps of Barzilai and Borwein (1988) along the damping direction.

    Parameters
    ----------
    downhill : callable(state) -> array
    total, largest : callable
        Sum of products and largest modulus over all ranks.

    Attributes
    ----------
    longest : float
        Longest step so far.
    """

    def __init__(self, downhill, total, largest):
        self._downhill, self._total, self._largest = downhill, total, largest
        self.longest = 0.0

    def until(
        self, state, goal, iterations, longest=np.inf, patience=np.inf, within=np.inf
    ):  # fmt: skip
        """Return (state of the smallest torque, torque, iterations) once the torque is at a goal.

        Parameters
        ----------
        state : array
        goal : float
        iterations : int
            At most.
        longest : float
            Limit of the steps.
        patience : int
            Iterations in which the torque must halve.
        within : float
            Largest change of a spin.
        """
        first = state
        gradient = self._downhill(state)
        left, iteration = self._largest(gradient), 0
        step = min(0.1 / left, longest) if left > 0 else 0.0
        best, halved = (state, left), (left, 0)
        while left > goal and iteration < iterations and iteration - halved[1] < patience:
            if self._largest(state - first) > within:
                break
            length = min(step, 0.5 / left, longest)
            self.longest = max(self.longest, length)
            new = _unit_vectors(state + length * gradient)
            after = self._downhill(new)
            moved, change = new - state, gradient - after
            curvature = self._total(moved, change)
            step = self._total(moved, moved) / curvature if curvature > 0 else 2 * step
            state, gradient = new, after
            left, iteration = self._largest(gradient), iteration + 1
            if left < best[1]:
                best = state, left
            if left < halved[0] / 2:
                halved = left, iteration
        return *best, iteration


def _unit_vectors(state):
    """Spins (n, 3, …) of length 1; 0 where they are no more than rounding: outside a body."""
    size = np.sqrt((state**2).sum(axis=1, keepdims=True))
    return np.where(size > 1e-8, state / np.maximum(size, 1e-8), 0.0)


def _variable(left, spins):
    found = [s for s in spins if hasattr(left, "has") and left.has(s)]
    if len(found) != 1:
        raise InputError("relax(problem) takes one equation dt(m) = … for each spin field")
    return found[0]
