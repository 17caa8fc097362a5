r"""Exact local dynamics without quantum torque: Josephson oscillation at every point.

Without spin current each point independently obeys d\hat{s}/dt = H x \hat{s},
H = (Omega_R, 0, kappa n Z).  From Z = -1 the solution is a Jacobi elliptic function of modulus k or
1/k, k = kappa n / (2 Omega_R): full oscillation for k < 1, self-trapped (Z < 0) for k > 1.
Farolfi et al., Nature Physics 17, 1359 (2021), the discussion under Eq. (2).
"""

import numpy as np

from spinhydro.errors import InputError
from spinhydro.physics.exact import josephson_magnetization

# Twelve steps of the arithmetic-geometric mean reach round-off for b/a down to 1e-150.
LANDEN_STEPS = 12


def magnetization(t, kappa_n, Omega_R):
    """Z(t) of the local dynamics from Z = -1 at t = 0.

    Z = -cn(Omega_R t; k) for k < 1, -sech(Omega_R t) for k = 1, -dn(k Omega_R t; 1/k) for k > 1,
    with k = |kappa_n / (2 Omega_R)| and the second argument the modulus.

    Parameters
    ----------
    t : array, shape (T,) or scalar
        Times, in the inverse unit of Omega_R; any sign.
    kappa_n : array of any shape
        kappa times the density (ms⁻¹); zero gives the bare Rabi oscillation.
    Omega_R : float
        Rabi frequency (rad/ms), not zero.

    Returns
    -------
    array, shape t.shape + kappa_n.shape, values in [-1, 1].  Absolute error below 1e-12 for
    Omega_R t < 200, also next to k = 1.

    Raises
    ------
    InputError
        Omega_R is zero.
    """
    k = _modulus(kappa_n, Omega_R)
    t = np.asarray(t, dtype=float)
    return josephson_magnetization(2 * k, 1.0, t.reshape(t.shape + (1,) * k.ndim) * Omega_R)


def local_frequency(kappa_n, Omega_R):
    """Angular frequency of the local dynamics from Z = -1.

    omega = Omega_R AGM(1, sqrt(1 - k²)) for k < 1 and 2 k Omega_R AGM(1, sqrt(1 - 1/k²)) for
    k > 1, zero at k = |kappa_n / (2 Omega_R)| = 1, where the period diverges logarithmically.

    Parameters
    ----------
    kappa_n : array of any shape
        kappa times the density (ms⁻¹).
    Omega_R : float
        Rabi frequency (rad/ms), not zero.

    Returns
    -------
    array of the shape of kappa_n, in the unit of Omega_R.

    Raises
    ------
    InputError
        Omega_R is zero.
    """
    k = _modulus(kappa_n, Omega_R)
    inverse = 1 / np.maximum(k, 1)
    oscillating = _agm(np.sqrt(np.maximum((1 - k) * (1 + k), 0)))
    trapped = 2 * k * _agm(np.sqrt((1 - inverse) * (1 + inverse)))
    return abs(Omega_R) * np.where(k < 1, oscillating, trapped)


def critical_position(n, x, kappa_n0, Omega_R):
    """x_c of a density profile: the outermost |x| where kappa_n0 n(x) / 2 = Omega_R.

    Parameters
    ----------
    n, x : arrays, shape (N,)
        Density in units of its peak, and ascending positions (µm); between them n is the
        cubic through the four nearest points.
    kappa_n0, Omega_R : float
        kappa times the peak density, and the Rabi frequency (both rad/ms).

    Returns
    -------
    float, in the unit of x; NaN where the profile never reaches the critical density.
    """
    x, excess = np.asarray(x), np.abs(kappa_n0) * np.asarray(n) / 2 - abs(Omega_R)
    found = []
    for i in np.flatnonzero(np.diff(excess >= 0)):
        first = min(max(i - 1, 0), max(len(x) - 4, 0))
        near = slice(first, first + 4)
        degree = len(x[near]) - 1
        roots = np.polynomial.Polynomial.fit(x[near], excess[near], degree).roots()
        middle = (x[i] + x[i + 1]) / 2
        found.append(abs(roots[np.argmin(np.abs(roots - middle))].real))
    return float(max(found)) if found else float("nan")


def critical_position_thomas_fermi(kappa_n0, Omega_R, R_x):
    """x_c = R_x sqrt(1 - 2 Omega_R / kappa_n0) of the profile n = 1 - x²/R_x².

    All frequencies in one unit; x_c in the unit of R_x; NaN for Omega_R > kappa_n0 / 2, where the
    whole cloud oscillates.
    """
    inside = 1 - 2 * abs(Omega_R / kappa_n0)
    return float(R_x * np.sqrt(inside)) if inside >= 0 else float("nan")


def _modulus(kappa_n, Omega_R):
    if not np.isfinite(Omega_R) or Omega_R == 0:
        raise InputError(
            f"local dynamics: Omega_R is {Omega_R}; without Rabi coupling Z stays at -1. "
            "Give a finite Omega_R that is not zero"
        )
    return np.abs(np.asarray(kappa_n, dtype=float) / (2 * Omega_R))


def _agm(b):
    """Arithmetic-geometric mean of 1 and b, 0 <= b <= 1."""
    a = np.ones_like(b)
    for _ in range(LANDEN_STEPS):
        a, b = (a + b) / 2, np.sqrt(a * b)
    # For b = 0 the mean is 0; the iteration only halves.
    return np.where(b > 0, a, 0.0)
