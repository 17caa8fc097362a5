r"""Curie points of finite magnets: the cumulant of Binder, from fluctuations of the mean spin.

.. math:: U_L = 1 - \frac{\langle M^4 \rangle}{3 \langle M^2 \rangle^2}

falls with temperature from 2/3 to 4/9 (three components), the faster the larger the magnet; at the
Curie point of a periodic cube it hardly depends on the size (Binder, Z. Phys. B 43, 119 (1981)).
"""

from typing import NamedTuple

import numpy as np

from spinhydro.errors import InputError

#: U at the Curie point of a large periodic cube of classical spins with three components: <M^4>/
#: <M^2>^2 = 1.1394 (Campostrini et al., Phys. Rev. B 65, 144520 (2002)).
HEISENBERG = 1 - 1.1394 / 3


class CuriePoint(NamedTuple):
    """A temperature and its standard error."""

    temperature: float
    error: float


def binder_cumulant(M, discard=0.0):
    """Return U of series of the mean spin.

    Parameters
    ----------
    M : array (T, 3), or (T, members, 3) for members of one temperature
    discard : float in [0, 1)
        Share of the series at the start that is left out.

    Raises
    ------
    InputError
        Fewer than 8 values are left, or one is not finite.
    """
    M = np.asarray(M, dtype=float)
    M = M[int(discard * len(M)) :]
    if len(M) < 8 or not np.isfinite(M).all() or M.shape[-1] != 3:
        raise InputError("cumulant: at least 8 finite mean spins of 3 components are needed")
    squared = (M**2).sum(axis=-1)
    return float(1 - (squared**2).mean() / (3 * squared.mean() ** 2))


def curie_point(temperatures, M, discard=0.0, critical=HEISENBERG):
    """Return the `CuriePoint`, where a parabola through U(T) has its critical value.

    Parameters
    ----------
    temperatures : array (n,)
        Of the members; several may have the same.
    M : array (T, n, 3)
        Mean spin of every member; temperatures close to the Curie point on both sides.
    discard : float in [0, 1)
    critical : float
        U at the Curie point: HEISENBERG.

    Returns
    -------
    CuriePoint
        The error is that of ten blocks in time, each left out in turn (jackknife).

    Raises
    ------
    InputError
        Fewer than 3 temperatures, fewer than 80 times, or U does not pass its critical value.
    """
    temperatures, M = np.asarray(temperatures, dtype=float), np.asarray(M, dtype=float)
    M = M[int(discard * len(M)) :]
    if len(np.unique(temperatures)) < 3 or len(M) < 80:
        raise InputError("Curie point: at least 3 temperatures and 80 times are needed")
    best = _crossing(temperatures, M, critical)
    blocks = np.array_split(np.arange(len(M)), 10)
    others = [_crossing(temperatures, np.delete(M, block, axis=0), critical) for block in blocks]
    error = np.sqrt((len(blocks) - 1) * np.mean((np.array(others) - best) ** 2))
    return CuriePoint(best, float(error))


def cumulants(temperatures, M):
    """Return the distinct temperatures and U at each, from all members that have it."""
    distinct = np.unique(temperatures)
    return distinct, np.array([binder_cumulant(M[:, temperatures == T]) for T in distinct])


def _crossing(temperatures, M, critical):
    distinct, U = cumulants(temperatures, M)
    middle, half = (distinct[-1] + distinct[0]) / 2, (distinct[-1] - distinct[0]) / 2
    fit = np.polynomial.Polynomial.fit(distinct, U - critical, 2)
    roots = fit.roots()
    roots = roots.real[np.abs(roots.imag) < 1e-12]
    inside = roots[np.abs(roots - middle) <= half]
    if inside.size != 1:
        raise InputError(
            f"Curie point: U does not pass {critical:.4f} once between T = {distinct[0]:.4g} and "
            f"{distinct[-1]:.4g}: take temperatures on both sides, and longer runs"
        )
    return float(inside[0])
