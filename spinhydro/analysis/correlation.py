"""Spatial autocorrelation of the magnetization and its fit.

Farolfi et al., Nature Physics 17, 1359 (2021), Fig. 4:

    C_ZZ(dx) = int Z(x) Z(x + dx) dx / int Z(x)² dx,     fitted by cos(pi dx/L1) exp(-dx²/2 L2²)

over rectangles in x and t.  L1 is the size of a magnetic domain, L2 the distance over which the
order is lost.
"""

import warnings

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .interface import magnetization_map, require
from .sampling import squeezed

# Distances up to this one (µm) are computed and fitted.
LONGEST = 15.0
# Bound of the fitted lengths, in units of the longest distance.
LARGEST = 4
# Change of the logarithm of a length below which a fit has converged.
CONVERGED = 1e-6
RESAMPLES = 200
CONFIDENCE = 0.95


def blurred(ds, sigma):
    """Z as an imaging system of Gaussian resolution sigma would show it.

    Both component densities n (1 ± Z)/2 are convolved with a Gaussian of standard deviation
    `sigma` along x, then Z is their difference over their sum.  A run without n is taken to be
    uniform.

    Parameters
    ----------
    ds : Dataset with Z (t, x); n (t, x)
    sigma : float, in the unit of x, zero or positive

    Returns
    -------
    array, shape (T, N).
    """
    Z, x = magnetization_map(ds), ds.x.values
    if not np.isfinite(sigma) or sigma < 0:
        raise InputError(f"blur: sigma = {sigma} must be zero or a positive length")
    if sigma == 0:
        return Z
    from scipy.ndimage import gaussian_filter1d

    points = sigma / float(np.mean(np.diff(x)))
    if "n" not in ds:
        return gaussian_filter1d(Z, points, axis=1, mode="wrap")
    n = squeezed(ds.n).transpose("t", "x").values
    difference = gaussian_filter1d(n * Z, points, axis=1, mode="wrap")
    total = gaussian_filter1d(n, points, axis=1, mode="wrap")
    return np.divide(difference, total, out=np.zeros_like(total), where=total > 1e-9)


def autocorrelation(ds, window, times, blur=0.0, longest=LONGEST):
    """C_ZZ(dx) of a rectangle in space and time.

    For each output in `times` and each stretch of `window` the mean of Z(x) Z(x + dx) over the
    pairs of grid points that both lie in the stretch, divided by the mean of Z².

    Parameters
    ----------
    ds : Dataset with Z (t, x)
    window : (low, high) in the unit of x.  0 <= low < high means the two stretches
        low < |x| < high, one on each side; with a negative bound it is one stretch in x.
    times : (first, last) in the unit of t, the outputs between them; or one time
    blur : float, imaging resolution (standard deviation, in the unit of x)
    longest : float, the largest dx

    Returns
    -------
    Dataset: `each` (t, side, dx), one for every output and stretch; `correlation` (dx), their
    mean; `deviation` (dx), their standard deviation.

    Raises
    ------
    InputError
        No Z (t, x); no output between the times; a window outside the grid or shorter than
        `longest`; Z = 0 throughout.
    """
    require(ds, ["Z"], [], "autocorrelation")
    t, x = ds.t.values, ds.x.values
    first, last = (times, times) if np.ndim(times) == 0 else times
    rows = _rows(t, float(first), float(last))
    spacing = float(np.mean(np.diff(x)))
    lags = int(longest / spacing * (1 + 1e-9))
    Z = blurred(ds.isel(t=rows), blur)
    sides = []
    for inside in _stretches(x, window):
        part = Z[:, inside]
        if part.shape[1] <= lags + 1:
            raise InputError(
                f"autocorrelation: the window {window[0]:g} to {window[1]:g} holds "
                f"{part.shape[1]} grid points; dx up to {longest:g} needs more than {lags + 1}. "
                "Take a longer window inside the grid, or a smaller longest"
            )
        square = np.mean(part**2, axis=1)
        if np.any(square == 0):
            raise InputError("autocorrelation: Z is zero throughout the window; choose another")
        size = part.shape[1]
        products = [
            np.mean(part[:, : size - lag] * part[:, lag:], axis=1) / square
            for lag in range(lags + 1)
        ]
        sides.append(np.stack(products, axis=1))
    each = np.stack(sides, axis=1)
    units = {"units": ds.x.attrs["units"]} if "units" in ds.x.attrs else {}
    return xr.Dataset(
        {
            "each": (("t", "side", "dx"), each),
            "correlation": ("dx", each.mean(axis=(0, 1))),
            "deviation": ("dx", each.std(axis=(0, 1))),
        },
        coords={"dx": ("dx", spacing * np.arange(lags + 1), units), "t": ds.t[rows]},
        attrs={"window": tuple(map(float, window))},
    )


def domain_model(dx, L1, L2):
    """cos(pi dx/L1) exp(-dx²/(2 L2²))."""
    return np.cos(np.pi * dx / L1) * np.exp(-(dx**2) / (2 * L2**2))


def fit_domains(correlation, confidence=CONFIDENCE, resamples=RESAMPLES, seed=0):
    """L1 and L2 of a correlation function, with confidence intervals.

    Least squares of `domain_model` to the mean correlation.  The intervals are percentiles of the
    fits to `resamples` means over outputs drawn with replacement (bootstrap); the two sides of
    the cloud stay together, since without noise they are mirror images.  Outputs that follow each
    other within the life of a domain are not independent, which makes the intervals too narrow.
    With a single output they come from the residuals of the fit.

    Parameters
    ----------
    correlation : Dataset of `autocorrelation`
    confidence : float in (0, 1)
    resamples, seed : int

    Returns
    -------
    dict: `L1`, `L2` in the unit of dx, L1 infinite where no change of sign is seen;
    `L1_interval`, `L2_interval` (low, high); `minimum` and `minimum_at`, the lowest point of
    the mean correlation; `residual`, rms of the fit.

    Raises
    ------
    InputError
        The correlation does not decay within the distances given (a region with long-range
        order), so there is nothing to fit.
    """
    dx, mean = correlation.dx.values, correlation.correlation.values
    if mean.min() > 0.5:
        raise InputError(
            f"fit of C_ZZ: it falls only to {mean.min():.2f} within {dx[-1]:.3g}; this window has "
            "long-range order and no domains. Choose a fluctuating region, later in the run"
        )
    best, covariance = _fit(dx, mean)
    records = correlation["each"].mean("side").values
    tail = (1 - confidence) / 2
    if len(records) > 1:
        random = np.random.default_rng(seed)
        chosen = (random.integers(len(records), size=len(records)) for _ in range(resamples))
        drawn = np.stack([records[rows].mean(axis=0) for rows in chosen])
        low, high = np.quantile(_fit_all(dx, drawn, best), [tail, 1 - tail], axis=0)
    else:
        from scipy.stats import norm

        reach = norm.ppf(1 - tail) * np.sqrt(np.diag(covariance))
        low, high = best - reach, best + reach
    lowest = int(np.argmin(mean))
    return {
        "L1": _seen(best[0], dx),
        "L2": float(best[1]),
        "L1_interval": (_seen(low[0], dx), _seen(high[0], dx)),
        "L2_interval": (float(low[1]), float(high[1])),
        "minimum": float(mean[lowest]),
        "minimum_at": float(dx[lowest]),
        "residual": float(np.sqrt(np.mean((domain_model(dx, *best) - mean) ** 2))),
    }


def _seen(L1, dx):
    """L1, or infinity at the bound of the fit: there is no change of sign in the data."""
    return float(L1) if L1 < 0.99 * LARGEST * dx[-1] else float("inf")


def _fit(dx, values, start=None):
    from scipy.optimize import OptimizeWarning, curve_fit

    if start is None:
        start = _guess(dx, values)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            best, covariance = curve_fit(
                domain_model, dx, values, p0=start, bounds=([dx[1], dx[1]], [LARGEST * dx[-1]] * 2)
            )
    except (RuntimeError, ValueError) as error:
        raise InputError(f"fit of C_ZZ: {error}") from error
    return best, covariance


def _guess(dx, values):
    """Return L1 and L2 to start a fit from: the first zero is at L1/2, half of C at 1.2 L2."""
    zero = dx[np.argmax(values < 0)] if np.any(values < 0) else dx[-1]
    half = dx[np.argmax(values < 0.5)]
    return max(2 * zero, dx[1]), max(half, dx[1])


def _fit_all(dx, values, start, steps=60):
    """Fits (R, 2) of L1, L2 to many curves (R, N) at once: Levenberg-Marquardt in their logarithms.

    A library fits one curve at a time, which takes a hundred times longer for the bootstrap.
    """
    bounds = np.log([dx[1], LARGEST * dx[-1]])
    place = np.clip(np.tile(np.log(start), (len(values), 1)), *bounds)
    damping = np.full(len(values), 1e-3)
    cost = _cost(dx, values, place)
    for _ in range(steps):
        L1, L2 = np.exp(place).T[:, :, None]
        decay = np.exp(-(dx**2) / (2 * L2**2))
        turn = np.pi * dx / L1
        error = np.cos(turn) * decay - values
        slopes = np.stack([np.sin(turn) * turn * decay, np.cos(turn) * decay * dx**2 / L2**2], -1)
        matrix = np.einsum("rni,rnj->rij", slopes, slopes)
        diagonal = np.einsum("rii->ri", matrix)
        diagonal += damping[:, None] * diagonal + 1e-12
        gradient = np.einsum("rni,rn->ri", slopes, error)
        trial = np.clip(place - np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0], *bounds)
        reached = _cost(dx, values, trial)
        better = reached <= cost
        has_converged = np.all(np.abs(trial - place) < CONVERGED)
        place = np.where(better[:, None], trial, place)
        if has_converged:
            break
        cost = np.where(better, reached, cost)
        damping = np.where(better, damping / 3, damping * 4).clip(1e-12, 1e12)
    return np.exp(place)


def _cost(dx, values, place):
    L1, L2 = np.exp(place).T[:, :, None]
    return np.sum((domain_model(dx, L1, L2) - values) ** 2, axis=1)


def _rows(t, first, last):
    if first == last:
        rows = np.array([int(np.argmin(np.abs(t - first)))])
        slack = np.max(np.diff(t)) if len(t) > 1 else 0.0
        inside = t[0] - slack <= first <= t[-1] + slack
    else:
        slack = 1e-9 * max(abs(first), abs(last))
        rows = np.flatnonzero((t >= first - slack) & (t <= last + slack))
        inside = len(rows) > 0
    if not inside or first > last:
        raise InputError(
            f"autocorrelation: no output between t = {first:g} and {last:g}; the run has "
            f"{len(t)} from {t[0]:.4g} to {t[-1]:.4g}. Choose times inside, or resume the run"
        )
    return rows


def _stretches(x, window):
    low, high = window
    if not low < high:
        raise InputError(f"autocorrelation: window {low:g} to {high:g} must ascend")
    if low < 0:
        return [(x > low) & (x < high)]
    return [(x > low) & (x < high), (x < -low) & (x > -high)]
