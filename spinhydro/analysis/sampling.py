"""Values of a recorded variable between its output times, and derivatives along x."""

import numpy as np

from spinhydro.errors import InputError


def at_times(values, t, times, order=3):
    """Values at any times inside a record, by a spline of the given odd order along the first axis.

    Parameters
    ----------
    values : array, shape (T, …)
    t : array, shape (T,), ascending
    times : array, shape (M,), between t[0] and t[-1]
    order : int
        3 (default) or 5; lowered where the record is shorter than the spline needs.

    Returns
    -------
    array, shape (M, …).

    Raises
    ------
    InputError
        A time outside the record, or a record of one time only.
    """
    t, times = np.asarray(t, dtype=float), np.atleast_1d(np.asarray(times, dtype=float))
    slack = 1e-9 * max(abs(t[-1]), abs(t[0]))
    if len(t) < 2 or times.min() < t[0] - slack or times.max() > t[-1] + slack:
        raise InputError(
            f"time {times.max():g} is outside the record, which has {len(t)} outputs "
            f"from t = {t[0]:g} to {t[-1]:g}; resume the run, or choose an earlier time"
        )
    # A spline needs only a few samples on either side; long records stay cheap this way.
    first = max(np.searchsorted(t, times.min()) - 8, 0)
    last = np.searchsorted(t, times.max()) + 8
    t, values = t[first:last], np.asarray(values)[first:last]
    if not np.all(np.isfinite(values)):
        raise InputError(
            "the record is not finite at the given times: the run left the finite range, or "
            "its file is damaged; choose earlier times"
        )
    # Outputs are returned as they are; most calls need no spline, and no import of SciPy.
    at = np.minimum(np.searchsorted(t, times), len(t) - 1)
    if np.array_equal(t[at], times):
        return values[at].astype(np.result_type(values, float))
    from scipy.interpolate import make_interp_spline

    degree = next(k for k in (5, 3, 1) if k <= order and k < len(t))
    return make_interp_spline(t, values, k=degree)(np.clip(times, t[0], t[-1]))


def unit_spin_at(s, t, times):
    """Unit spin vectors at any times: a cubic spline in s, then divided by its length.

    s has shape (T, 3, …) and any length |s| > 0; the result has shape (M, 3, …).
    """
    return unit(at_times(s, t, times))


def unit(s):
    """s / |s| for the spin axis at position 1; zero where |s| is zero."""
    length = np.sqrt(np.sum(np.square(s), axis=1, keepdims=True))
    return np.divide(s, length, out=np.zeros_like(s, dtype=float), where=length > 0)


def squeezed(variable):
    """A DataArray without its axes of one point, but always with t."""
    return variable.squeeze(
        [dim for dim, n in variable.sizes.items() if n == 1 and dim != "t"], drop=True
    )


def periodic_derivative(values, x):
    """d/dx along the last axis of a periodic function on a uniform grid, by FFT.

    On an even number of points the derivative of the highest mode is zero (it has no definite
    sign on the grid).

    Parameters
    ----------
    values : array, shape (…, N), real
    x : array, shape (N,)
        Uniform grid of one period without its end point.

    Raises
    ------
    InputError
        The grid is not uniform (a Chebyshev axis, or a cut-out of a run).
    """
    x = np.asarray(x, dtype=float)
    size = len(x)
    steps = np.diff(x)
    if size < 2 or np.ptp(steps) > 1e-6 * abs(steps.mean()):
        raise InputError(
            "x is not a uniform periodic grid; a spectral derivative needs all points of a "
            "Fourier axis"
        )
    k = 2 * np.pi * np.fft.rfftfreq(size, steps.mean())
    if size % 2 == 0:
        k[-1] = 0
    return np.fft.irfft(1j * k * np.fft.rfft(values, axis=-1), size, axis=-1)
