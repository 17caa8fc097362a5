r"""Growth factors of time steppers: by how much one step lengthens a mode.

A mode, or a few that are coupled, obeys :math:`\dot u = (J + A)\, u`, J from the terms that a
stepper treats as a right side and A from its left side. One step multiplies u by a matrix of
h J and h A, whose largest eigenvalue is the growth factor. For explicit Runge-Kutta schemes it is
a polynomial in the eigenvalue of h (J + A).
"""

import math
from collections import deque
from functools import cache

import numpy as np
from dedalus.core import timesteppers

from spinhydro.steppers import rk8
from spinhydro.steppers.etdrk4 import etd_weights
from spinhydro.steppers.low_storage import LowStorageRK4, WaveRK4, growth_factor
from spinhydro.steppers.phi import phi_functions

#: The exponential series to order 4.
_FOURTH_ORDER = tuple(1 / math.factorial(n) for n in range(5))
#: Coefficients of 1, z, z^2, … in the growth factors of explicit schemes; z = (J + A) h.
POLYNOMIALS = {
    "RK4": _FOURTH_ORDER,
    "RKMK4": _FOURTH_ORDER,
    "LowStorageRK4": growth_factor(LowStorageRK4),
    "WaveRK4": growth_factor(WaveRK4),
    "RK8": rk8.growth_factor(),
    "SemiImplicit": (1, 1, 1 / 2),
    "StochasticHeun": (1, 1, 1 / 2),
}
#: Largest |z| at which polynomials are examined, and the distance of two samples.
_FARTHEST, _SPACING = 8.0, 0.005
#: Growth of one step that is rounding.
_ROUNDING = 1e-9
#: A number of steps after which multistep schemes have started.
_STARTED = 10


def limits_along(values, name):
    """Return the largest stable |z| of an explicit scheme in the directions of eigenvalues.

    Parameters
    ----------
    values : array of complex
        Growing ones count as oscillations: growth is physics.
    name : str
        One of POLYNOMIALS.
    """
    directions = np.minimum(values.real, 0) + 1j * np.abs(values.imag)
    still = directions == 0
    directions = np.where(still, 1j, directions)
    directions /= np.abs(directions)
    sizes = np.arange(_SPACING, _FARTHEST, _SPACING)
    # numpy.polynomial would take longer to load than this to compute.
    factors = np.polyval(POLYNOMIALS[name][::-1], directions[:, None] * sizes)
    unstable = np.abs(factors) > 1 + _ROUNDING
    first = np.where(unstable.any(axis=1), unstable.argmax(axis=1), sizes.size - 1)
    return np.where(still, _FARTHEST, sizes[first] - _SPACING / 2)


def has_step_matrix(name):
    """Return whether `growth` knows the step of a scheme."""
    return name in ("IFRK4", "ETDRK4") or name in timesteppers.schemes


def growth(name, explicit, linear):
    """Return the largest |eigenvalue| of the step of a scheme.

    Parameters
    ----------
    name : str
        See `has_step_matrix`.
    explicit, linear : arrays (…, n, n)
        J h and A h; broadcast against each other.
    """
    explicit, linear = np.broadcast_arrays(
        np.asarray(explicit, complex), np.asarray(linear, complex)
    )
    if name == "IFRK4":
        matrices = _integrating_factor(explicit, linear)
    elif name == "ETDRK4":
        matrices = _exponential(explicit, linear)
    elif issubclass(timesteppers.schemes[name], timesteppers.RungeKuttaIMEX):
        matrices = _runge_kutta(timesteppers.schemes[name], explicit, linear)
    else:
        matrices = _multistep(name, explicit, linear)
    return np.abs(np.linalg.eigvals(matrices)).max(axis=-1)


def _integrating_factor(explicit, linear):
    half = phi_functions(linear / 2, 0)[0]
    first = explicit
    second = explicit @ half @ (_unit(explicit) + first / 2)
    third = explicit @ (half + second / 2)
    fourth = explicit @ half @ (half + third)
    return half @ half + (half @ half @ first + 2 * half @ (second + third) + fourth) / 6


def _exponential(explicit, linear):
    w = etd_weights(linear, 1.0)
    first = explicit
    second = explicit @ (w["half"] + w["a1"] @ first)
    third = explicit @ (w["half"] + w["b1"] @ first + w["b2"] @ second)
    fourth = explicit @ (w["whole"] + w["c1"] @ first + w["c3"] @ third)
    return w["whole"] + w["w1"] @ first + w["w2"] @ (second + third) + w["w4"] @ fourth


def _runge_kutta(scheme, explicit, linear):
    """Return the step of a scheme of Dedalus: M X_i - M X_0 + h H_ij L X_j = h A_ij F_j."""
    stages = [np.broadcast_to(_unit(explicit) + 0j, explicit.shape)]
    for i in range(1, scheme.stages + 1):
        right = stages[0].copy()
        for j, stage in enumerate(stages):
            right += (scheme.A[i, j] * explicit + scheme.H[i, j] * linear) @ stage
        stages.append(np.linalg.solve(_unit(explicit) - scheme.H[i, i] * linear, right))
    return stages[-1]


@cache
def _coefficients(name):
    """Return a_j, b_j, c_j of a multistep scheme of Dedalus at timesteps of 1."""
    scheme = timesteppers.schemes[name]
    found = scheme.compute_coefficients(deque([1.0] * max(scheme.steps, 3)), _STARTED)
    length = max(map(len, found))
    return [np.pad(row, (0, length - len(row))) for row in found]


def _multistep(name, explicit, linear):
    """Return the step of (X_n, X_n-1, …): a_j M X_n-j + b_j L X_n-j = c_j F_n-j."""
    a, b, c = _coefficients(name)
    size, unit = explicit.shape[-1], _unit(explicit)
    matrices = np.zeros((*explicit.shape[:-2], size * (len(a) - 1), size * (len(a) - 1)), complex)
    newest = a[0] * unit - b[0] * linear
    for j in range(1, len(a)):
        earlier = c[j] * explicit - a[j] * unit + b[j] * linear
        columns = slice((j - 1) * size, j * size)
        matrices[..., :size, columns] = np.linalg.solve(newest, earlier)
        if j > 1:
            matrices[..., columns, (j - 2) * size : (j - 1) * size] = unit
    return matrices


def _unit(matrices):
    return np.eye(matrices.shape[-1])
