r"""The magnetic interface at x_c: its position, its spin current, and when it breaks.

Equation of motion (Farolfi et al., Nature Physics 17, 1359 (2021), Eqs. 1 and 2):

    ds/dt + dx(j_s) = H x s,   j_s = v s + hbar/(2 m n) dx(s) x s,   H = (Omega_R, 0, kappa s_z)

Everything is computed from \hat{s} = s/|s|, so a run may store the unit vector (Landau-Lifshitz) or
the spin density with |s| = n (hydrodynamics).  Densities are in units of their peak.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, nearest

from . import josephson
from .sampling import at_times, periodic_derivative, squeezed, unit

# Half width (µm) of the region around x_c in which maxima are taken.
WINDOW = 25.0
# Fraction of the peak density below which a point is outside the cloud.
OUTSIDE = 0.01
# Number of parts of an output interval in the search for a first passage.
REFINEMENT = 10


def interface_position(ds, periods=(0.75, 0.9, 1.0)):
    """x_c of a run: the outermost |x| where the maximum of Z over 0 <= t <= t_m reaches 0.

    Inside x_c the magnetization is trapped at Z < 0; outside it changes sign.  Where the run has n,
    only points where the first n is above 1 % of its peak are searched.  The mean of both sides
    of the cloud; Z is refined in time by a quintic spline, x by a straight line between the
    two grid points on either side of the sign change.

    Parameters
    ----------
    ds : Dataset with Z (t, x) and the parameter Omega_R
    periods : sequence of float
        t_m in units of 2π/Omega_R.

    Returns
    -------
    array, shape (len(periods),), in the unit of x; NaN where Z changes sign everywhere, or nowhere.

    Raises
    ------
    InputError
        No Z (t, x), no Omega_R, or the run ends before t_m.
    """
    require(ds, ["Z"], ["Omega_R"], "interface_position")
    Z, t, x = magnetization_map(ds), ds.t.values, ds.x.values
    if "n" in ds:
        inside = _density(ds)[0] > OUTSIDE * _density(ds)[0].max()
        Z, x = Z[:, inside], x[inside]
    period = rabi_period(ds)
    positions = []
    for ending in np.asarray(periods, dtype=float) * period:
        require_time(ds, ending, "interface_position")
        step = np.median(np.diff(t)) / REFINEMENT
        times = np.linspace(t[0], ending, max(2, int(np.ceil((ending - t[0]) / step)) + 1))
        highest = at_times(Z, t, times, order=5).max(axis=0)
        sides = [
            _outermost_zero(np.abs(x[x > 0]), highest[x > 0]),
            _outermost_zero(np.abs(x[x < 0])[::-1], highest[x < 0][::-1]),
        ]
        positions.append(np.mean(sides))
    return np.array(positions)


def spin_currents(ds):
    """Spin current of a run, its two parts.

    j_torque = (hbar/2m) n dx(s_hat) x s_hat, whose divergence is the quantum torque, and the
    advection v s.  Spectral derivative in x, of s as the run keeps it: where |s| = n this is
    smooth also outside the cloud, where s_hat is not.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x) and the parameter hbar_over_m; v (t, x) if it moves

    Returns
    -------
    Dataset with `j_torque` (t, spin, x), and `advection` (t, spin, x) if the run has v; in units of
    peak density times length/time.

    Raises
    ------
    InputError
        What is missing, or x is not a uniform periodic grid.
    """
    require(ds, ["s", "n"], ["hbar_over_m"], "spin_currents")
    spins, density = _stored_spins(ds), _density(ds)
    dims, coords = ("t", "spin", "x"), {"t": ds.t, "spin": ["x", "y", "z"], "x": ds.x}
    units = {"units": "um/ms"} if ds.x.attrs.get("units") == "um" else {}
    factors = ds.x.values, ds.attrs["hbar_over_m"], is_unit_vector(ds)
    current = _torque_current(spins, density, *factors)
    out = xr.Dataset({"j_torque": (dims, current, units)}, coords=coords)
    if "v" in ds:
        v = squeezed(ds.v).transpose("t", "x").values
        out["advection"] = (dims, (v * density)[:, None] * unit(spins), units)
    return out


def effective_field_torque(ds):
    """H x s with s = n s_hat and H = (Omega_R, 0, kappa_n0 n Z).

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x) and the parameters Omega_R and kappa_n0

    Returns
    -------
    DataArray (t, spin, x), in units of peak density per time.

    Raises
    ------
    InputError
        What is missing.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0"], "effective_field_torque")
    torque = _field_torque(unit(_stored_spins(ds)), _density(ds), ds.attrs)
    return xr.DataArray(
        torque,
        dims=("t", "spin", "x"),
        coords={"t": ds.t, "spin": ["x", "y", "z"], "x": ds.x},
        attrs={"units": "1/ms"} if ds.t.attrs.get("units") == "ms" else {},
    )


def torque_ratio(ds, times=None, window=WINDOW):
    """max|dx j_torque| / max|H x s| within `window` of x_c, against time.

    Parameters
    ----------
    ds : Dataset with s, n and the parameters Omega_R, kappa_n0 and hbar_over_m
    times : array, shape (M,), optional
        Times inside the record; cubic spline in s between outputs.  Default: the output times.
    window : float
        Half width of the regions around the analytic ±x_c of the initial n(x), in units of x.

    Returns
    -------
    array, shape (M,), dimensionless.

    Raises
    ------
    InputError
        What is missing; or the cloud has no critical position; or a time outside the record.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "torque_ratio")
    t, x = ds.t.values, ds.x.values
    near = np.abs(np.abs(x) - analytic_position(ds)) <= window
    spins, density, is_unit = _stored_spins(ds), _density(ds), is_unit_vector(ds)
    times = t if times is None else np.asarray(times, dtype=float)
    ratio = []
    for time in times:
        s, n = at_times(spins, t, time), at_times(density, t, time)
        if is_unit:
            s = unit(s)
        current = _torque_current(s, n, x, ds.attrs["hbar_over_m"], is_unit)
        divergence = length(periodic_derivative(current, x))[:, near].max()
        ratio.append(divergence / length(_field_torque(unit(s), n, ds.attrs))[:, near].max())
    return np.array(ratio)


def breaking_time(ds, window=WINDOW):
    """First time at which max|dx j_torque| = max|H x s| within `window` of x_c.

    From then on the quantum torque is as large as the torque of the effective field, and the
    interface breaks into short magnetic waves.  Found between outputs by a cubic spline in s.

    Parameters
    ----------
    ds : Dataset with s, n and the parameters Omega_R, kappa_n0 and hbar_over_m
    window : float
        Half width around ±x_c, in units of x (µm).

    Returns
    -------
    float, in the unit of t; NaN if the record ends before.

    Raises
    ------
    InputError
        What is missing; or the cloud has no critical position.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "breaking_time")
    require_time(ds, 0.0, "breaking_time")
    t = ds.t.values
    index = None
    for part in np.array_split(np.arange(len(t)), max(1, len(t) // 12)):
        passed = part[torque_ratio(ds, t[part], window) >= 1]
        if len(passed):
            index = int(passed[0])
            break
    if index is None:
        return float("nan")
    times = np.linspace(t[max(index - 2, 0)], t[index], 2 * REFINEMENT + 1)
    ratio = torque_ratio(ds, times, window)
    after = int(np.argmax(ratio >= 1))
    if after == 0:
        return float(times[0])
    return float(np.interp(1.0, ratio[after - 1 : after + 1], times[after - 1 : after + 1]))


def norm_error(ds):
    """Largest deviation of the spin's length: max | |s| - 1 |, or max | |s| - n |.

    Parameters
    ----------
    ds : Dataset with s (t, spin, …); n (t, …) where s is a spin density

    Returns
    -------
    float; for spin densities in units of the peak density.

    Raises
    ------
    InputError
        The run has no s.
    """
    _require_output(ds, "s", "norm_error")
    axis = ds.s.dims[1]
    size = np.sqrt((ds.s**2).sum(axis))
    if "n" in ds and not is_unit_vector(ds):
        return float(np.abs(size - ds.n).max())
    return float(np.abs(size - 1).max())


def is_unit_vector(ds):
    """True if s is a unit vector, False if |s| = n: by whichever is closer in the first output."""
    if "n" not in ds:
        return True
    spins, density = ds.s.isel(t=0), ds.n.isel(t=0)
    size = np.sqrt(np.square(spins.values).sum(axis=0))
    density = density.transpose(*spins.dims[1:]).values
    return bool(np.abs(size - 1).mean() <= np.abs(size - density).mean())


def analytic_position(ds):
    """x_c of the run's initial density, where kappa_n0 n(x_c) / 2 = Omega_R; in units of x.

    Raises InputError where the whole cloud is on one side of the transition.
    """
    require(ds, ["n"], ["Omega_R", "kappa_n0"], "critical position")
    position = josephson.critical_position(
        _density(ds)[0], ds.x.values, ds.attrs["kappa_n0"], ds.attrs["Omega_R"]
    )
    if not np.isfinite(position):
        raise InputError(
            f"critical position: Omega_R = {ds.attrs['Omega_R']:g} against "
            f"kappa_n0/2 = {ds.attrs['kappa_n0'] / 2:g}: the density n nowhere crosses "
            "2 Omega_R/kappa_n0, so this cloud has no interface"
        )
    return position


# The name of the same position in figures.
critical_position = analytic_position


def rabi_period(ds):
    """Return 2π/|Omega_R| in the unit of t; raises InputError for a run without Rabi coupling."""
    Omega_R = ds.attrs.get("Omega_R")
    if not isinstance(Omega_R, (int, float, np.number)) or not np.isfinite(Omega_R) or not Omega_R:
        raise InputError(
            f"the Rabi period 2π/Omega_R needs Omega_R > 0, and this run has Omega_R = {Omega_R}"
        )
    return 2 * np.pi / abs(Omega_R)


def anisotropy(ds):
    """Return |kappa| n(x) of the first output, in rad per time."""
    return abs(ds.attrs["kappa_n0"]) * np.maximum(squeezed(ds.n).isel(t=0).values, 0)


def magnetization_map(ds):
    """Z of a one-dimensional run as an array (t, x)."""
    return squeezed(ds.Z).transpose("t", "x").values


def require(ds, variables, parameters, what):
    """Raise InputError naming the variable (t, x) or the parameter that a run lacks."""
    for name in variables:
        _require_output(ds, name, what)
        dims = set(squeezed(ds[name]).dims)
        if not dims <= {"t", "spin", "component", "x"} or not dims >= {"t", "x"}:
            raise InputError(
                f"{what}: output {name!r} runs along {', '.join(ds[name].dims)}; "
                "this needs one along t and x only, so select one member or a line first"
            )
    for name in parameters:
        if not isinstance(ds.attrs.get(name), (int, float, np.number)):
            raise InputError(f"{what}: this run states no number for the parameter {name!r}")


def _require_output(ds, name, what):
    if name not in ds:
        likely = nearest(name, list(ds.data_vars))
        hint = f"; the nearest output is {likely!r}" if likely else ""
        raise InputError(
            f"{what}: this run has no output {name!r} (it has "
            f"{', '.join(map(str, ds.data_vars)) or 'none'}){hint}"
        )


def require_time(ds, time, what):
    """Raise InputError if a run has not reached a time."""
    last = float(ds.t[-1])
    if time > last * (1 + 1e-9) or len(ds.t) < 2:
        raise InputError(
            f"{what}: needs the run up to t = {time:.4g}, and it ends at {last:.4g} "
            f"({len(ds.t)} outputs); resume it, or run with a larger stop_time"
        )


def _outermost_zero(distance, values):
    """Distance at which values, given at ascending distances, last rise through zero."""
    trapped = np.flatnonzero(values < 0)
    if not len(trapped) or trapped[-1] == len(values) - 1:
        return np.nan
    left = trapped[-1]
    share = values[left] / (values[left] - values[left + 1])
    return distance[left] + share * (distance[left + 1] - distance[left])


def _stored_spins(ds):
    """s (t, spin, x) as the run keeps it, of length 1 exactly where it is a unit vector."""
    spins = squeezed(ds.s)
    (axis,) = (dim for dim in spins.dims if dim not in ("t", "x"))
    values = spins.transpose("t", axis, "x").values
    return unit(values) if is_unit_vector(ds) else values


def _density(ds):
    return squeezed(ds.n).transpose("t", "x").values


def _torque_current(spins, density, x, hbar_over_m, is_unit):
    """(hbar/2m) n dx(s_hat) x s_hat, from s_hat, or from s = n s_hat: dx(s) x s_hat is the same."""
    slope = periodic_derivative(spins, x)
    if is_unit:
        slope = density[:, None] * slope
    return hbar_over_m / 2 * np.cross(slope, unit(spins), axis=1)


def _field_torque(spins, density, parameters):
    Omega_R, kappa_n0 = parameters["Omega_R"], parameters["kappa_n0"]
    along_z = kappa_n0 * density * spins[:, 2]
    s_x, s_y, s_z = (spins[:, axis] for axis in range(3))
    return density[:, None] * np.stack(
        [-along_z * s_y, along_z * s_x - Omega_R * s_z, Omega_R * s_y], axis=1
    )


def length(vectors):
    """|v| of an array (T, 3, N): shape (T, N)."""
    return np.sqrt(np.sum(np.square(vectors), axis=1))


def report(ds):
    """Return lines with x_c, breaking time and norm error, or why a quantity is not available."""

    def entry(title, text):
        try:
            return f"{title}: {text()}"
        except InputError as error:
            return f"{title}: not available ({error})"

    unit = ds.x.attrs.get("units", "")
    periods = (0.75, 0.9, 1.0)

    def position():
        values = ", ".join(f"{value:.2f}" for value in interface_position(ds, periods))
        return f"{values} {unit} at Omega_R t/2pi = {', '.join(map(str, periods))}"

    def breaking():
        time = breaking_time(ds)
        unit = ds.t.attrs.get("units", "")
        return f"Omega_R t/2pi = {time / rabi_period(ds):.3f} (t = {time:.3f} {unit})"

    def norm():
        length = "1" if is_unit_vector(ds) else "n"
        return f"max | |s| - {length} | = {norm_error(ds):.2e}"

    return [
        entry("x_c from n(x)", lambda: f"{analytic_position(ds):.3f} {unit}"),
        entry("x_c in the simulation", position),
        entry("interface breaks at", breaking),
        entry("norm error", norm),
    ]
