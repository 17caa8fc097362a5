"""Breaking of the interface: currents, gradients and the departure from local dynamics.

All maxima are taken within `window` of the analytic ±x_c of the initial density.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .interface import (
    WINDOW,
    analytic_position,
    effective_field_torque,
    is_unit_vector,
    length,
    magnetization_map,
    rabi_period,
    require,
    require_time,
    spin_currents,
)
from .josephson import magnetization
from .sampling import at_times, periodic_derivative, squeezed, unit, unit_spin_at

PERIODS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5)
# Omega_R t/2π at which profiles of the interface are taken.
PROFILE_PERIODS = (0.7, 0.8, 0.9, 1.0, 1.5)
DEPARTURES = (0.05, 0.1, 0.2, 0.5)
# Below this fraction of the peak density a current per n c_s is meaningless.
THIN = 1e-3


def moments(ds, times):
    """s, n and v of a run at any times: cubic splines; s of unit length where the run keeps it so.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x); n and v (t, x) if it has them
    times : array, shape (M,), inside the record

    Returns
    -------
    Dataset with the same names at `times`.
    """
    t = ds.t.values
    stored = squeezed(ds.s)
    (axis,) = (dim for dim in stored.dims if dim not in ("t", "x"))
    s = stored.transpose("t", axis, "x").values
    spins = unit_spin_at(s, t, times) if is_unit_vector(ds) else at_times(s, t, times)
    out = xr.Dataset(
        {"s": (("t", "spin", "x"), spins)},
        coords={"t": times, "spin": ["x", "y", "z"], "x": ds.x},
        attrs=ds.attrs,
    )
    for name in ("n", "v"):
        if name in ds:
            values = squeezed(ds[name]).transpose("t", "x").values
            out[name] = (("t", "x"), at_times(values, t, times))
    return out


def interface_maxima(ds, periods=PERIODS, window=WINDOW):
    """Largest currents, torques and gradients near the interface.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x), parameters Omega_R, kappa_n0, hbar_over_m;
        v (t, x) if the gas moves
    periods : sequence of float
        Omega_R t/2π.
    window : float
        Half width around ±x_c, in units of x (µm).

    Returns
    -------
    Dataset (period), maxima over the window:

    - `current` |j_torque|/(n c_s), j_torque = (hbar/2m) n dx(s_hat) x s_hat, with the local
      c_s = sqrt(hbar kappa n/2m)
    - `ratio` max|j_torque|/max|v s|, only with v
    - `divergence` |dx j_torque| and `field_torque` |H x s|, in peak densities per time
    - `slope` |dx Z|, per length
    - `modulation` |n/n(t=0) - 1|

    A time after the end of the run gives NaN.

    Raises
    ------
    InputError
        What is missing; no interface in this cloud; x is not a uniform periodic grid.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "interface_maxima")
    periods = np.atleast_1d(np.asarray(periods, dtype=float))
    times = periods * rabi_period(ds)
    inside = times <= float(ds.t[-1]) * (1 + 1e-9)
    names = ["current", "divergence", "field_torque", "slope", "modulation"]
    names += ["ratio"] if "v" in ds else []
    table = {name: np.full(len(periods), np.nan) for name in names}
    if inside.any() and ds.sizes["t"] > 1:
        for name, values in _maxima(ds, times[inside], window).items():
            table[name][inside] = values
    per_length = {"units": "1/um"} if ds.x.attrs.get("units") == "um" else {}
    out = xr.Dataset({name: ("period", values) for name, values in table.items()})
    out["slope"].attrs = per_length
    return out.assign_coords(period=periods)


def _maxima(ds, times, window):
    x = ds.x.values
    near = np.abs(np.abs(x) - analytic_position(ds)) <= window
    at = moments(ds, times)
    currents = spin_currents(at)
    torque, n = currents.j_torque.values, at.n.values
    sound = np.sqrt(ds.attrs["hbar_over_m"] * ds.attrs["kappa_n0"] * np.maximum(n, 0) / 2)
    size = length(torque)[:, near]
    start = squeezed(ds.n).isel(t=0).values[near]
    # Spectral in s, so that the vanishing |s| outside the cloud is harmless.
    spins, slopes = at.s.values, periodic_derivative(at.s.values, x)
    norm = np.maximum(length(spins), 1e-300)
    Z = spins[:, 2] / norm
    norm_slope = np.sum(spins * slopes, axis=1) / norm
    slope = (slopes[:, 2] - Z * norm_slope) / norm
    table = {
        "current": np.max(size / np.where(n > THIN, n * sound, np.inf)[:, near], axis=1),
        "divergence": length(periodic_derivative(torque, x))[:, near].max(axis=1),
        "field_torque": length(effective_field_torque(at).values)[:, near].max(axis=1),
        "slope": np.abs(slope[:, near]).max(axis=1),
        "modulation": np.abs(n[:, near] / start - 1).max(axis=1),
    }
    if "advection" in currents:
        carried = length(currents.advection.values)[:, near].max(axis=1)
        table["ratio"] = size.max(axis=1) / np.where(carried > 0, carried, np.nan)
    return table


def departure_times(ds, thresholds=DEPARTURES, window=WINDOW):
    """Times when the run first differs from the local dynamics on its initial density.

    max |Z - Z_local| within `window` of ±x_c, Z_local the exact solution without spin current
    (`josephson.magnetization`) at the same times; between outputs Z is a quintic spline.

    Parameters
    ----------
    ds : Dataset with Z, n (t, x), parameters Omega_R, kappa_n0
    thresholds : sequence of float, in (0, 2)
    window : float, in the unit of x

    Returns
    -------
    array, shape (len(thresholds),), Omega_R t/2π; NaN where the run does not reach a threshold.

    Raises
    ------
    InputError
        What is missing; no interface in this cloud.
    """
    require(ds, ["Z", "n"], ["Omega_R", "kappa_n0"], "departure_times")
    require_time(ds, 0.0, "departure_times")
    x, t = ds.x.values, ds.t.values
    near = np.abs(np.abs(x) - analytic_position(ds)) <= window
    Z = magnetization_map(ds)[:, near]
    kappa_n = abs(ds.attrs["kappa_n0"]) * np.maximum(squeezed(ds.n).isel(t=0).values[near], 0)
    times = np.linspace(t[0], t[-1], 20 * (len(t) - 1) + 1)
    # The passages are early in the run: most of it is never read.
    found, done = np.full(len(thresholds), np.nan), 0.0
    before, before_time = 0.0, times[0]
    for part in np.array_split(times, max(1, len(times) // 200)):
        local = magnetization(part, kappa_n, ds.attrs["Omega_R"])
        largest = np.abs(at_times(Z, t, part, order=5) - local).max(axis=1)
        values = np.maximum.accumulate(np.concatenate([[max(before, done)], largest]))
        clock = np.concatenate([[before_time], part])
        for place, level in enumerate(thresholds):
            if np.isnan(found[place]) and values[-1] >= level:
                found[place] = _passage(clock, values, level)
        before, before_time = values[-1], part[-1]
        if not np.isnan(found).any():
            break
    return found / rabi_period(ds)


def _passage(clock, values, level):
    after = int(np.argmax(values >= level))
    if after == 0:
        return clock[0]
    return np.interp(level, values[after - 1 : after + 1], clock[after - 1 : after + 1])


def difference_over_time(ds, other, times, half_width=150.0):
    """rms over |x| < half_width of Z of one run minus Z of another, or minus the local solution.

    Parameters
    ----------
    ds : Dataset with Z (t, x)
    other : Dataset with Z (t, x), or None for the exact local solution on the initial n of `ds`
    times : array, shape (M,), in the unit of t
    half_width : float, in the unit of x

    Returns
    -------
    array, shape (M,).  The other run is taken at the grid points of `ds` by a cubic spline.

    Raises
    ------
    InputError
        No Z; a time that one of the runs does not reach.
    """
    require(ds, ["Z"], [], "difference of Z")
    times = np.atleast_1d(np.asarray(times, dtype=float))
    require_time(ds, times.max(), "difference of Z")
    inside = np.abs(ds.x.values) < half_width
    if not inside.any():
        raise InputError(f"difference of Z: no grid point within |x| < {half_width:g}")
    mine = at_times(magnetization_map(ds)[:, inside], ds.t.values, times)
    if other is None:
        require(ds, ["n"], ["Omega_R", "kappa_n0"], "local solution")
        kappa_n = abs(ds.attrs["kappa_n0"]) * squeezed(ds.n).isel(t=0).values[inside]
        theirs = magnetization(times, kappa_n, ds.attrs["Omega_R"])
    else:
        require(other, ["Z"], [], "difference of Z, second run")
        require_time(other, times.max(), "difference of Z, second run")
        theirs = at_times(magnetization_map(other), other.t.values, times)
        if not np.array_equal(other.x.values, ds.x.values):
            from scipy.interpolate import make_interp_spline

            spline = make_interp_spline(other.x.values, theirs, k=3, axis=1)
            theirs = spline(ds.x.values[inside])
        else:
            theirs = theirs[:, inside]
    return np.sqrt(np.mean((mine - theirs) ** 2, axis=1))


def interface_profiles(ds, periods=PROFILE_PERIODS, window=WINDOW):
    """Return Z, spin current and its divergence while the interface breaks.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x), parameters Omega_R, kappa_n0, hbar_over_m; v (t, x)
    periods : sequence of float
        Omega_R t / 2π; those after the end of the run are left out.
    window : float
        |H x s|_max is taken within this distance of ±x_c, in units of x.

    Returns
    -------
    Dataset (period, x): `Z`; `current` = |j_s|/(n c_s) with the local 2 m c_s² = hbar kappa n and
    j_s = v s + (hbar/2m) n dx(s_hat) x s_hat; `divergence` = |dx j_s| / |H x s|_max.  Where
    n < 0.001 the current is NaN.

    Raises
    ------
    InputError
        What is missing, or the run ends before the first of the times.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "profiles of the interface")
    times = reached(ds, periods, "profiles of the interface")
    moment = moments(ds, times * rabi_period(ds))
    currents = spin_currents(moment)
    current = currents.j_torque.values
    if "advection" in currents:
        current = current + currents.advection.values
    x, n = ds.x.values, moment.n.values
    near = np.abs(np.abs(x) - analytic_position(ds)) <= window
    strongest = length(effective_field_torque(moment).values)[:, near].max(axis=1)
    sound = np.sqrt(ds.attrs["hbar_over_m"] * ds.attrs["kappa_n0"] * np.maximum(n, 0) / 2)
    scale = np.where(n > 1e-3, n * sound, np.nan)
    divergence = length(periodic_derivative(current, x)) / strongest[:, None]
    dims = ("period", "x")
    return xr.Dataset(
        {
            "Z": (dims, unit(moment.s.values)[:, 2]),
            "current": (dims, length(current) / scale),
            "divergence": (dims, divergence),
        },
        coords={"period": times, "x": ds.x},
    )


def reached(ds, periods, what):
    """Return those of `periods` (Omega_R t/2π) that lie within the run, as an array.

    Raises InputError where there are none.
    """
    period = rabi_period(ds)
    last = float(ds.t[-1]) / period
    inside = np.array([value for value in periods if value <= last * (1 + 1e-9)])
    if not len(inside) or ds.sizes["t"] < 2:
        raise InputError(
            f"{what}: needs Omega_R t/2pi >= {min(periods):g}, that is "
            f"t >= {min(periods) * period:.4g}, and the run ends at t = {float(ds.t[-1]):.4g}; "
            "resume it with a later stop_time"
        )
    return inside
