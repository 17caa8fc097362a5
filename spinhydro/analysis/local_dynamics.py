"""Oscillation of a gas without quantum torque: from a run with torque = 0, or exactly.

Every point of the cloud then oscillates at its own frequency (`josephson`); the difference from a
run with torque shows what the torque does.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .frequencies import measured_frequency
from .interface import anisotropy, magnetization_map, require
from .josephson import local_frequency, magnetization
from .sampling import squeezed
from .style import SHOWN_DENSITY, run_name

# Most grid points at which the frequency of a run is measured.
MOST_POINTS = 160


def has_torque(ds):
    """Return False only for a run that states torque = 0."""
    return float(ds.attrs.get("torque", 1)) != 0


def without_torque(ds, without=None):
    """Return Z (t, x) without quantum torque, n and the parameters as a Dataset.

    It is `without` if given, `ds` itself if its torque is 0, and otherwise the exact local
    solution at the output times of `ds` on its own initial n(x); attribute `origin` names it.

    Raises InputError if something is missing, if the two runs are of different clouds, or if the
    run does not begin with all atoms in one state, as that solution does.
    """
    require(ds, ["Z", "n"], ["Omega_R", "kappa_n0"], "figure 2")
    if without is None and not has_torque(ds):
        without = ds
    if without is not None:
        require(without, ["Z", "n"], ["Omega_R", "kappa_n0"], "figure 2, run without torque")
        if has_torque(without):
            raise InputError(
                f"figure 2: the second run ({without.attrs.get('run')}) has "
                f"torque = {without.attrs.get('torque')}; give one with torque = 0"
            )
        for name in ("Omega_R", "kappa_n0"):
            if not np.isclose(ds.attrs[name], without.attrs[name], rtol=1e-9):
                raise InputError(
                    f"figure 2: the two runs have different {name} ({ds.attrs[name]:.6g} and "
                    f"{without.attrs[name]:.6g}); give two runs of the same cloud"
                )
        return without.assign_attrs(origin=f"run {run_name(without)}, torque = 0")
    require_one_state(ds, "figure 2")
    kappa_n = anisotropy(ds)
    exact = magnetization(ds.t.values, kappa_n, ds.attrs["Omega_R"])
    out = xr.Dataset({"Z": (("t", "x"), exact), "n": ds.n}, coords={"t": ds.t, "x": ds.x})
    return out.assign_attrs({**ds.attrs, "torque": 0, "origin": "exact local solution"})


def require_one_state(ds, what):
    """Raise InputError unless a run begins with Z = -1."""
    Z, n = (np.asarray(squeezed(ds[name]).isel(t=0).values).real for name in ("Z", "n"))
    mean = float((n * Z).sum() / n.sum())
    if mean > -0.99:
        raise InputError(
            f"{what}: the solution without torque begins with all atoms in one state, Z = -1, and "
            f"this run begins with {mean:.2g} on average"
        )


def frequency_profile(ds, without=None):
    """Return the local frequency of Z without torque, in units of Omega_R.

    Dataset with `analytic` (x), on grid points and on points that close in on ±x_c, where the
    frequency falls to zero; and `measured` (x_measured) at 160 grid points over the cloud, from
    Z(t) of the run without torque, NaN where no oscillation fits in.  `measured` is left out where
    there is no such run or it has fewer than six outputs.
    """
    local = without_torque(ds, without)
    Omega_R = abs(ds.attrs["Omega_R"])
    grid = local.x.values
    from scipy.interpolate import CubicSpline

    kappa_n = CubicSpline(grid, anisotropy(local))
    critical = kappa_n.solve(2 * Omega_R, extrapolate=False)
    offsets = np.geomspace(1e-9, 1, 60) * (grid[1] - grid[0])
    offsets = np.concatenate([-offsets[::-1], [0], offsets])
    closing = (critical[:, None] + offsets).ravel()
    x = np.unique(np.concatenate([grid, closing[(closing > grid[0]) & (closing < grid[-1])]]))
    frequency = local_frequency(kappa_n(x), Omega_R) / Omega_R
    out = xr.Dataset({"analytic": ("x", frequency)}, coords={"x": x})
    if local.attrs["origin"] != "exact local solution" and local.sizes["t"] >= 6:
        inside = np.flatnonzero(squeezed(local.n).isel(t=0).values >= SHOWN_DENSITY)
        chosen = inside[:: max(1, len(inside) // MOST_POINTS)]
        measured = measured_frequency(magnetization_map(local)[:, chosen], local.t.values)
        out["measured"] = ("x_measured", measured / Omega_R)
        out = out.assign_coords(x_measured=grid[chosen])
    return out


def require_torque(ds, what):
    """Raise InputError for a run that states torque = 0."""
    if not has_torque(ds):
        raise InputError(
            f"{what}: needs a run with quantum torque, and {ds.attrs.get('run')} has "
            "torque = 0; give one with torque = 1 first and this one second"
        )


def torque_first(runs):
    """Sort runs with torque before those without."""
    return sorted(runs, key=lambda ds: not has_torque(ds))
