r"""Means with errors from correlated series, and hysteresis loops.

Blocking (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989)): neighbours are averaged again and
again; the standard error rises until blocks are longer than the correlation time, and stays there.
"""

from typing import NamedTuple

import numpy as np

from spinhydro.errors import InputError


class Mean(NamedTuple):
    """Mean of a series, its standard error, and the number of independent values."""

    mean: float
    error: float
    independent: float


def blocked_mean(values, discard=0.0):
    """Return the `Mean` of a stationary series.

    Parameters
    ----------
    values : array (T,), or (T, members): members are independent of each other
    discard : float in [0, 1)
        Share of the series at the start that is left out.

    Raises
    ------
    InputError
        Fewer than 8 values are left, or one is not finite.
    """
    values = np.asarray(values, dtype=float)
    values = values.reshape(len(values), -1)[int(discard * len(values)) :]
    if len(values) < 8 or not np.isfinite(values).all():
        raise InputError(f"mean with error: {len(values)} finite values; at least 8 are needed")
    total = values.size
    spread = values.var(ddof=1)
    if spread == 0:
        return Mean(float(values.mean()), 0.0, float(total))
    errors = []
    blocks = values
    while len(blocks) >= 4:
        count = blocks.size
        variance = (blocks - values.mean()).var() * count / (count - 1)
        error = np.sqrt(variance / count)
        errors.append((error, error / np.sqrt(2 * (count - 1))))
        blocks = (blocks[: len(blocks) // 2 * 2 : 2] + blocks[1 : len(blocks) // 2 * 2 : 2]) / 2
    best = errors[0][0]
    for error, uncertainty in errors[1:]:
        # The plateau: longer blocks no longer raise the error by more than its uncertainty.
        if error - best <= uncertainty:
            break
        best = error
    best = max(best, errors[0][0])
    return Mean(float(values.mean()), float(best), float(spread / best**2))


class Loop(NamedTuple):
    """Numbers of a hysteresis loop: fields where M = 0, M at zero field, and the enclosed area."""

    coercive: tuple
    remanence: tuple
    area: float


def hysteresis_loop(field, magnetization):
    """Return the `Loop` of a cycle of the field, crossings by linear interpolation.

    Parameters
    ----------
    field, magnetization : arrays (T,)
        One component each, in the order in which the field was swept.

    Raises
    ------
    InputError
        Different lengths, fewer than 4 points, or a field that does not turn.
    """
    field, magnetization = (np.asarray(one, dtype=float) for one in (field, magnetization))
    if field.shape != magnetization.shape or field.ndim != 1 or len(field) < 4:
        raise InputError("hysteresis loop: give field and magnetization as two equal series")
    steps = np.diff(field)
    if np.all(steps >= 0) or np.all(steps <= 0):
        raise InputError("hysteresis loop: the field never turns; give a whole cycle")
    middle = (magnetization[1:] + magnetization[:-1]) / 2
    return Loop(
        coercive=_crossings(magnetization, field),
        remanence=_crossings(field, magnetization),
        area=float(abs(np.sum(middle * steps))),
    )


def _crossings(series, other):
    """Values of `other` where `series` passes through zero."""
    places = np.flatnonzero((series[:-1] * series[1:] < 0) | (series[:-1] == 0))
    found = []
    for i in places:
        rise = series[i + 1] - series[i]
        share = 0.0 if rise == 0 else -series[i] / rise
        found.append(float(other[i] + share * (other[i + 1] - other[i])))
    return tuple(found)
