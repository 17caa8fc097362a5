"""Schemes that rotate spins, for any engine.

Every scheme is a function ``advance(evaluate, start, spins, time, timestep, ranks)``:

| argument | meaning |
|---|---|
| evaluate(state, t) | rates of all variables, on the grid; overwritten by the next call |
| start | list of the variables on the grid at `time` |
| spins | list of bool: which variables are rotated, shape (3, …) |
| ranks | sums and largest values over all ranks, `Ranks` |

and returns the list of variables at ``time + timestep``. Variables that are not spins are advanced
by the related scheme of the same order.
"""

import itertools

import numpy as np
from mpi4py import MPI

from spinhydro.errors import NotConvergedError
from spinhydro.steppers.rotations import cayley, cross, rotate, rotation_rate

#: Largest change in the last iteration of an implicit step, relative to the largest value.
TOLERANCE = 1e-13
LARGEST_NUMBER_OF_ITERATIONS = 200
#: Number of earlier iterates combined for the next.
MEMORY = 6
#: Weight that the embedded solution of order 3 takes from the last rate.
EMBEDDED = 1 / 10


def _rotation_rates(evaluate, state, spins, time):
    """Return copies: rotation vectors of spins, rates of other variables."""
    rates = evaluate(state, time)
    return [
        rotation_rate(value, rate) if is_spin else rate.copy()
        for value, rate, is_spin in zip(state, rates, spins, strict=True)
    ]


def rkmk4(evaluate, start, spins, time, timestep, ranks):
    r"""Runge-Kutta-Munthe-Kaas scheme of order 4 on rotations.

    .. math::
        K_i = h\,\omega(m_i), \quad m_2 = e^{K_1/2} m, \quad
        m_3 = e^{K_2/2 - K_1 \times K_2/8} m, \quad m_4 = e^{K_3} m, \\
        m(t + h) = e^{(K_1 + 2 K_2 + 2 K_3 + K_4)/6 - K_1 \times K_4/12} m

    (Munthe-Kaas, BIT 38, 92 (1998); commutators as in Owren and Marthinsen, BIT 39, 116 (1999)).
    """
    return rkmk4_with_rates(evaluate, start, spins, time, timestep, ranks)[0]


def rkmk4_with_rates(evaluate, start, spins, time, timestep, ranks):
    """Return the result of `rkmk4`, and what `rkmk43_difference` needs: lists of vectors."""

    def rates(state, at):
        return [timestep * r for r in _rotation_rates(evaluate, state, spins, at)]

    def moved(increments, commutators):
        return [
            rotate(increment + commutator(), value) if is_spin else value + increment
            for value, increment, commutator, is_spin in zip(
                start, increments, commutators, spins, strict=True
            )
        ]

    def brackets(a, b, factor):
        return [lambda x=x, y=y: factor * cross(x, y) for x, y in zip(a, b, strict=True)]

    nothing = [lambda: 0.0] * len(start)
    middle, end = time + timestep / 2, time + timestep
    K1 = rates(start, time)
    K2 = rates(moved([k / 2 for k in K1], nothing), middle)
    K3 = rates(moved([k / 2 for k in K2], brackets(K1, K2, -1 / 8)), middle)
    K4 = rates(moved(K3, nothing), end)
    mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(K1, K2, K3, K4, strict=True)]
    commutators = brackets(K1, K4, -1 / 12)
    whole = [
        a + b() if is_spin else a for a, b, is_spin in zip(mean, commutators, spins, strict=True)
    ]
    return moved(mean, commutators), (K3, K4, whole)


def rkmk43_difference(evaluate, end, rates, spins, time, timestep):
    r"""Return the difference of `rkmk4` and a solution of order 3, of order h^4.

    Both are rotations of the start; that of order 3 takes a part of the weight of the last rate for
    the rate :math:`K_5 = h\,\omega(m(t + h))`, as ``spinhydro.RK43`` does,

    .. math::
        \delta = \tfrac1{10} \left[(K_4 - \tfrac12 K_3 \times K_4)
        - (K_5 - \tfrac12 \Theta \times K_5)\right], \qquad
        d = \delta \times m(t + h),

    with the rotation :math:`\Theta` of the step and the first terms of the inverse derivative of
    the exponential (Munthe-Kaas, BIT 38, 92 (1998)).

    Parameters
    ----------
    end : list of arrays
        The state at `time`, the end of the step.
    rates : tuple
        From `rkmk4_with_rates`.
    """
    third, fourth, whole = rates
    found = []
    fifth = _rotation_rates(evaluate, end, spins, time)
    for a, b, c, rate, value, is_spin in zip(third, fourth, whole, fifth, end, spins, strict=True):
        last = timestep * rate
        if is_spin:
            turn = (b - cross(a, b) / 2) - (last - cross(c, last) / 2)
            found.append(EMBEDDED * cross(turn, value))
        else:
            found.append(EMBEDDED * (b - last))
    return found


def semi_implicit(evaluate, start, spins, time, timestep, ranks):
    r"""Semi-implicit scheme of order 2: implicit in the spin that turns, explicit in its field.

    .. math::
        \hat m = m + h\,\omega(m) \times \tfrac12 (m + \hat m), \qquad
        m(t + h) = m + h\,\omega(\tfrac12 (m + \hat m)) \times \tfrac12 (m + m(t + h))

    (Mentink et al., J. Phys.: Condens. Matter 22, 176001 (2010), scheme B). The others:
    explicit midpoint.
    """

    rates = _rotation_rates(evaluate, start, spins, time)
    predicted = _advanced(start, rates, spins, timestep)
    middle = [(a + b) / 2 for a, b in zip(start, predicted, strict=True)]
    rates = _rotation_rates(evaluate, middle, spins, time + timestep / 2)
    return _advanced(start, rates, spins, timestep)


def implicit_midpoint(evaluate, start, spins, time, timestep, ranks):
    r"""Implicit midpoint rule of order 2.

    .. math:: m(t + h) = m + h\,\omega(\bar m) \times \bar m, \qquad
              \bar m = \tfrac12 (m + m(t + h))

    (d'Aquino, Serpico and Miano, J. Comput. Phys. 209, 730 (2005)). Solved for the mean by
    iteration with Anderson's mixing; every iterate is a rotation, so |m| is kept to rounding and
    not to the tolerance.

    Raises NotConvergedError after 200 iterations.
    """
    scales = [ranks.largest(value) or 1.0 for value in start]

    def packed(state):
        parts = zip(state, scales, strict=True)
        return np.concatenate([(value / scale).ravel() for value, scale in parts])

    def unpacked(vector):
        state, first = [], 0
        for value, scale in zip(start, scales, strict=True):
            last = first + value.size
            state.append(scale * vector[first:last].reshape(value.shape))
            first = last
        return state

    def ends(state, at):
        """Return the end of the step if `state` were its mean."""
        rates = _rotation_rates(evaluate, state, spins, at)
        return _advanced(start, rates, spins, timestep)

    def mean_of(end):
        return packed([(a + b) / 2 for a, b in zip(start, end, strict=True)])

    mean = mean_of(ends(start, time))
    mixing = _Mixing(ranks)
    smallest = np.inf
    for _ in range(LARGEST_NUMBER_OF_ITERATIONS):
        end = ends(unpacked(mean), time + timestep / 2)
        image = mean_of(end)
        change = ranks.largest(image - mean)
        if change <= TOLERANCE:
            return end
        if not np.isfinite(change):
            break
        smallest = min(smallest, change)
        mean = mixing(mean, image)
    raise not_converged(time, smallest)


def not_converged(time, smallest):
    """Return the error for an implicit step from a time, with the smallest relative change."""
    return NotConvergedError(
        f"the implicit step from t = {time:.6g} did not converge (smallest change "
        f"{smallest:.1e}): take a shorter timestep"
    )


def _advanced(start, rates, spins, timestep):
    return [
        cayley(timestep * rate, value) if is_spin else value + timestep * rate
        for value, rate, is_spin in zip(start, rates, spins, strict=True)
    ]


class _Mixing:
    """Anderson's mixing for x = g(x) (J. ACM 12, 547 (1965)).

    It also converges for spin waves with |omega| timestep > 2, unlike the plain iteration.
    """

    def __init__(self, ranks):
        self.ranks = ranks
        self.images, self.residuals = [], []

    def __call__(self, x, image):
        """Return the next x."""
        self.images.append(image)
        self.residuals.append(image - x)
        del self.images[: -MEMORY - 1], self.residuals[: -MEMORY - 1]
        if len(self.images) == 1:
            return image
        differences = [b - a for a, b in itertools.pairwise(self.residuals)]
        inner = self.ranks.inner
        matrix = np.array([[inner(a, b) for b in differences] for a in differences])
        right = np.array([inner(a, self.residuals[-1]) for a in differences])
        weights = np.linalg.lstsq(matrix, right, rcond=1e-14)[0]
        steps = (b - a for a, b in itertools.pairwise(self.images))
        return image - sum(w * step for w, step in zip(weights, steps, strict=True))


class Ranks:
    """Sums and largest values over all ranks of a communicator."""

    def __init__(self, comm):
        self.comm = comm

    def largest(self, values):
        """Return the largest absolute value; NaN if any value is not finite."""
        local = float(np.abs(values).max()) if values.size else 0.0
        local = local if np.isfinite(local) else np.inf
        found = self.comm.allreduce(local, op=MPI.MAX)
        return found if np.isfinite(found) else np.nan

    def inner(self, a, b):
        """Return the scalar product."""
        return self.comm.allreduce(float(np.vdot(a, b)), op=MPI.SUM)
