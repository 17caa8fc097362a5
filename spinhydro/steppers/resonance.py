r"""The resonance of splitting schemes with waves of a gas.

About a uniform gas, a pair of waves k and -k of linear frequency omega obeys

.. math:: \dot u = -i\omega u - i c (u + v), \qquad \dot v = i\omega v + i c (u + v),
          \qquad c = g n,

which a splitting advances by :math:`e^{\mp i\omega a h}` and by the rotation
:math:`1 - i b c h \left(\begin{smallmatrix} 1 & 1 \\ -1 & -1 \end{smallmatrix}\right)` in
alternation. Without a splitting it is stable; here it grows where
:math:`\omega h + O(c h)` is a multiple m of pi. To first order in c h, the growth per step is

.. math:: c h \left|\sum_j b_j e^{2\pi i m (a_1 + \dots + a_j)}\right|,

1 for Strang's scheme, 0.04 for BlanesMoan4 at m = 1 and 0.2 at m = 2. Pairs that grow by less than
e^30 in the run start from rounding errors and stay below 1e-3.
"""

from functools import lru_cache

import numpy as np

#: Largest logarithm of the growth of rounding errors in a run.
MOST_GROWTH = 30.0
#: Number of multiples of pi that are examined; beyond, resonances are strong in all schemes.
_MULTIPLES = 8
#: Relative accuracy of the limit of a timestep, and phase below which it is none.
_RESOLVED = 1e-5
#: Phases per multiple.
_SAMPLES = 4001


def growth(drifts, rotations, phase, coupling):
    """Return the growth exponent per step of pairs of waves of a uniform gas.

    Parameters
    ----------
    drifts, rotations : sequence of float
        Fractions of the timestep, as in ``spinhydro.steppers.splitting``.
    phase : array
        omega timestep, the linear phase per step.
    coupling : float
        g n timestep.
    """
    phase = np.asarray(phase, dtype=float)
    one = np.ones(phase.shape, complex)
    rows = [[one, 0 * one], [0 * one, one]]
    for i, drift in enumerate(drifts):
        turn = np.exp(-1j * drift * phase)
        rows = [[turn * x for x in rows[0]], [turn.conj() * x for x in rows[1]]]
        if i < len(rotations):
            added = [-1j * rotations[i] * coupling * (x + y) for x, y in zip(*rows, strict=True)]
            rows = [
                [x + change for x, change in zip(rows[0], added, strict=True)],
                [y - change for y, change in zip(rows[1], added, strict=True)],
            ]
    # The determinant is one.
    trace = np.abs((rows[0][0] + rows[1][1]).real) / 2
    return np.arccosh(np.maximum(trace, 1))


@lru_cache(maxsize=256)
def largest_phase(drifts, rotations, coupling, steps):
    """Return the linear phase per step up to which no pair of waves grows too much in a run.

    Parameters
    ----------
    drifts, rotations : tuple of float
    coupling : float
        g n timestep.
    steps : float
        Length of the run; inf for one of unknown length.
    """
    if coupling <= 0:
        return np.inf
    allowed = max(MOST_GROWTH / steps, 1e-9)
    for multiple in range(1, _MULTIPLES + 1):
        end = multiple * np.pi
        start = max(0.0, end - max(3 * coupling, 0.1))
        phases = np.linspace(start, end + 0.1 * coupling, _SAMPLES)
        grows = growth(drifts, rotations, phases, coupling) > allowed
        if grows.any():
            return float(phases[grows][0])
    return _MULTIPLES * np.pi


def safe_timestep(drifts, rotations, frequency, coupling, time):
    """Return the longest timestep, up to a resonance, by bisection.

    Parameters
    ----------
    frequency : float
        Largest linear frequency.
    coupling : float
        g n, as a rate.
    time : float
        Length of the run.
    """

    def is_safe(timestep):
        phase = largest_phase(drifts, rotations, coupling * timestep, max(time / timestep, 1.0))
        return frequency * timestep <= phase

    low, high = 0.0, _MULTIPLES * np.pi / frequency
    while high - low > _RESOLVED * high and high * frequency > _RESOLVED:
        middle = (low + high) / 2
        low, high = (middle, high) if is_safe(middle) else (low, middle)
    return low
