"""Main local oscillation frequency of a recorded magnetization."""

import numpy as np

from spinhydro.errors import InputError

# Amplitudes below this are round-off of a point at rest, not an oscillation.
SMALLEST_AMPLITUDE = 1e-3
# If the centres of successive maxima deviate further than this from even spacing (in periods), the
# oscillation has no single frequency.
LARGEST_IRREGULARITY = 0.1


def measured_frequency(Z, t):
    """Angular frequency of Z(t) at every point of a record that starts at rest at an extremum.

    Z(t) is even about t = 0 (the polarised start), so its maxima lie at (j + 1/2) T.  A maximum is
    located as the centre between the crossings of the middle level upwards and downwards (level
    errors cancel there), on a quintic spline through the samples mirrored about t = 0.  T is the
    least-squares line through the origin; a single half period is enough.  If the record ends
    between the first maximum and its downward crossing, the maximum itself is used.

    Parameters
    ----------
    Z : array, shape (T, …)
        Magnetization at the times t; trailing axes are points.
    t : array, shape (T,)
        Ascending times from t = 0, at least six of them, at least six per period.

    Returns
    -------
    array, shape Z.shape[1:], angular frequency in the inverse unit of t.  Relative error below
    1e-4 for 13 or more samples per period.  NaN where half a period does not fit in the record,
    where nothing oscillates, and where the maxima are not evenly spaced within a tenth of a
    period (a point that is not periodic, for example behind a broken interface).

    Raises
    ------
    InputError
        Shapes do not match, fewer than six times, or the record does not start at t = 0.
    """
    from scipy.interpolate import make_interp_spline

    Z, t = np.asarray(Z, dtype=float), np.asarray(t, dtype=float)
    if t.ndim != 1 or len(t) != len(Z):
        raise InputError(f"measured_frequency: Z has {len(Z)} times and t has shape {t.shape}")
    if len(t) < 6:
        raise InputError(f"measured_frequency: {len(t)} output times; at least 6 are needed")
    if abs(t[0]) > 1e-6 * (t[1] - t[0]):
        raise InputError(
            f"measured_frequency: the record starts at t = {t[0]:g}, not at the extremum t = 0"
        )
    points = Z.reshape(len(t), -1)
    known = np.all(np.isfinite(points), axis=0)
    points = np.where(known, points, 0.0)
    mirrored_t = np.concatenate([-t[:0:-1], t])
    splines = make_interp_spline(mirrored_t, np.concatenate([points[:0:-1], points]), k=5)
    # Zeros and extrema are bracketed on a grid eight times finer than the samples.
    fine_t = np.linspace(0, t[-1], 8 * (len(t) - 1) + 1)
    frequency = np.full(points.shape[1], np.nan)
    coefficients = splines.c
    fine = splines(fine_t)
    for point in np.flatnonzero(known):
        spline = type(splines).construct_fast(splines.t, coefficients[:, point], 5)
        frequency[point] = _frequency(spline, fine_t, fine[:, point])
    return frequency.reshape(Z.shape[1:])


def _frequency(spline, t, Z):
    lowest, highest = Z.min(), Z.max()
    if highest - lowest < SMALLEST_AMPLITUDE:
        return np.nan
    above = Z - (highest + lowest) / 2
    # A start at the maximum instead of the minimum is the same oscillation, reflected.
    if above[0] > 0:
        spline, Z, above = _Negated(spline), -Z, -above
        lowest, highest = -highest, -lowest
    crossings = np.flatnonzero(np.diff(np.signbit(above)))
    times = _roots(spline, (highest + lowest) / 2, t[crossings], t[crossings + 1])
    up, down = times[0::2], times[1::2]
    centres = (up[: len(down)] + down) / 2
    if len(centres) == 0:
        return _frequency_of_first_maximum(spline, t, Z)
    halves = np.arange(len(centres)) + 0.5
    period = np.sum(halves * centres) / np.sum(halves**2)
    if np.max(np.abs(centres / period - halves)) > LARGEST_IRREGULARITY:
        return np.nan
    return 2 * np.pi / period


def _frequency_of_first_maximum(spline, t, Z):
    top = int(np.argmax(Z))
    if top in (0, len(t) - 1):
        return np.nan
    (time,) = _roots(spline.derivative(), 0.0, t[[top - 1]], t[[top + 1]])
    return np.pi / time


class _Negated:
    """-f of a spline f."""

    def __init__(self, spline):
        self._spline = spline

    def __call__(self, t):
        return -self._spline(t)

    def derivative(self):
        return _Negated(self._spline.derivative())


def _roots(function, level, left, right):
    """Roots of function - level in the brackets [left, right], by bisection to round-off."""
    left, right = left.astype(float), right.astype(float)
    rising = function(left) < level
    for _ in range(52):
        middle = (left + right) / 2
        low = (function(middle) < level) == rising
        left, right = np.where(low, middle, left), np.where(low, right, middle)
    return (left + right) / 2
