r"""Conserved quantities of a run, and the budget of a stretch of the cloud.

With densities in units of the peak, energies and momenta per hbar, h = hbar/m and s_hat = s/n, the
exact hydrodynamics of two coherently coupled components has the local balances
d(density)/dt + d(flux)/dx = source:

| quantity | density | flux | source |
|---|---|---|---|
| number | n | n v | 0 |
| spin | s | v s + (h/2n) dx(s) x s | H x s |
| momentum | n v/h | n v²/h + (h/4)(dx(s)·dx(s)/n - dxx(n)) + p | -n dx(V) |
| energy | n v²/2h + (h/8) dx(s)²/n + V n + e | w v - h dt(s)·dx(s)/4n | 0 |

e = (g+g12) n²/4 + (g-g12) s_z²/4 + Omega_R s_x/2, p its pressure, w = Re(psi^dagger H psi).  For
the Landau-Lifshitz equation (n frozen, unit s_hat, v = 0) momentum is not defined and the energy is
n [(h/8) dx(s_hat)² torque + kappa n Z²/4 + Omega_R s_hat_x/2], its flux
-(h/4) torque n dt(s_hat)·dx(s_hat).

Farolfi et al., Nature Physics 17, 1359 (2021), Eqs. (1) to (3); energy and momentum follow from
the Gross-Pitaevskii equations of the two components.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .interface import is_unit_vector, require
from .sampling import periodic_derivative, squeezed, unit

QUANTITIES = ("number", "spin_x", "spin_y", "spin_z", "momentum", "energy")
# 1/n is replaced by n/(n² + THIN²): outside the cloud the terms fade out.
THIN = 1e-6


def conserved(ds):
    """Totals of a run against time.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x), parameters Omega_R, kappa_n0, hbar_over_m;
        v (t, x), g_n0 and the trap (see `trap`) for energy and momentum of a gas that moves

    Returns
    -------
    Dataset (t) with `number`, `spin_x`, `spin_y`, `spin_z` and, where they are defined, `momentum`
    and `energy`.  Attributes: for those that the equations conserve (number, energy) the largest
    change over the run, relative to the initial value (energy: to the initial value's scale,
    Omega_R N/2 and kappa_n0 N/4 added to it).

    Raises
    ------
    InputError
        What is missing, or x is not a uniform periodic grid.
    """
    fields = _fields(ds)
    spacing = float(np.mean(np.diff(ds.x.values)))
    densities = _densities(fields)
    out = xr.Dataset(
        {name: ("t", values.sum(axis=-1) * spacing) for name, values in densities.items()},
        coords={"t": ds.t},
    )
    for name in ("number", "energy"):
        if name in out:
            values = out[name].values
            scale = abs(values[0])
            if name == "energy":
                rates = abs(fields["Omega_R"]) / 2 + abs(fields["kappa_n0"]) / 4
                scale += rates * float(out.number[0])
            out.attrs[name] = float(np.max(np.abs(values - values[0])) / scale)
    return out


def budget(ds, quantity, window):
    """The balance of one quantity in a stretch of the cloud.

    content(t) - content(0) = inflow(t) + source(t) + residual(t), where `content` is the integral
    of the density over the stretch (quintic spline between grid points), `inflow` the flux through
    both ends and `source` the integral of the source, both integrated in time by a quintic spline.

    Parameters
    ----------
    ds : Dataset as for `conserved`, at least six outputs
    quantity : str, one of `QUANTITIES`
    window : (low, high) in the unit of x; the ends are moved to the nearest grid points

    Returns
    -------
    Dataset (t): `content`, `inflow`, `source`, `residual`; attribute `relative_residual`, its
    largest value over the largest of the other three changes.

    Raises
    ------
    InputError
        An unknown quantity, one that this run does not define, a window outside the grid, fewer
        than six outputs, or what is missing.
    """
    if quantity not in QUANTITIES:
        raise InputError(f"budget: no quantity {quantity!r}; choose one of {', '.join(QUANTITIES)}")
    if ds.sizes["t"] < 6:
        raise InputError(f"budget: {ds.sizes['t']} outputs; the time integrals need at least 6")
    fields = _fields(ds)
    densities = _densities(fields)
    if quantity not in densities:
        raise InputError(
            f"budget: {quantity} is not defined for this run: it needs "
            + ("the gas to move (v)" if not fields["moves"] else "g_n0, g12_over_g and the trap")
        )
    x, t = ds.x.values, ds.t.values
    first, last = (int(np.argmin(np.abs(x - end))) for end in window)
    if not (x[0] <= window[0] < window[1] <= x[-1]) or last - first < 2:
        raise InputError(
            f"budget: window {window[0]:g} to {window[1]:g} must ascend and hold three grid "
            f"points of {x[0]:g} to {x[-1]:g}"
        )
    flux, source = _flux_and_source(fields, quantity)
    inside = slice(first, last + 1)

    def integral(values):
        return _integral(values[:, inside], x[inside])

    content = integral(densities[quantity])
    inflow = _running_integral(flux[:, first] - flux[:, last], t)
    gained = _running_integral(integral(source), t)
    change = content - content[0]
    residual = change - inflow - gained
    largest = max(np.max(np.abs(part)) for part in (change, inflow, gained))
    return xr.Dataset(
        {
            "content": ("t", content),
            "inflow": ("t", inflow),
            "source": ("t", gained),
            "residual": ("t", residual),
        },
        coords={"t": ds.t},
        attrs={
            "quantity": quantity,
            "window": (float(x[first]), float(x[last])),
            "relative_residual": float(np.max(np.abs(residual)) / largest) if largest else 0.0,
        },
    )


def trap(ds):
    """V/hbar of a run at its grid points: mu x²/R_x² (`mu`, or g_n0, and `R_x`), minus mu.

    Zero where the run states `omega_x` = 0 or has no R_x, as in a homogeneous gas.
    """
    x, stated = ds.x.values, ds.attrs
    if "R_x" not in stated or stated.get("omega_x", 1) == 0:
        return np.zeros(len(x))
    mu = stated.get("mu", stated.get("g_n0"))
    if mu is None:
        raise InputError("budget: this run states R_x but neither mu nor g_n0")
    return mu * (x / stated["R_x"]) ** 2 - mu


def _fields(ds):
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "budget")
    stored = squeezed(ds.s)
    (axis,) = (dim for dim in stored.dims if dim not in ("t", "x"))
    s = stored.transpose("t", axis, "x").values
    n = squeezed(ds.n).transpose("t", "x").values
    x = ds.x.values
    unit_vector = is_unit_vector(ds)
    fields = {
        "x": x,
        "n": n,
        "h": ds.attrs["hbar_over_m"],
        "Omega_R": ds.attrs["Omega_R"],
        "kappa_n0": ds.attrs["kappa_n0"],
        "torque": float(ds.attrs.get("torque", 1)),
        "moves": "v" in ds,
        "over_n": n / (n**2 + THIN**2),
    }
    direction = unit(s)
    fields["Z"], fields["direction"] = direction[:, 2], direction
    fields["s"] = n[:, None] * direction if unit_vector else s
    slope = periodic_derivative(s, x)
    fields["direction_slope"] = slope if unit_vector else None
    fields["slope"] = periodic_derivative(fields["s"], x)
    if fields["direction_slope"] is None:
        along = np.sum(fields["direction"] * slope, axis=1, keepdims=True)
        fields["direction_slope"] = (slope - along * direction) * fields["over_n"][:, None]
    if fields["moves"]:
        fields["v"] = squeezed(ds.v).transpose("t", "x").values
        share = ds.attrs.get("g12_over_g")
        if share is not None and share < 1:
            g = ds.attrs.get("g_n0", ds.attrs["kappa_n0"] / (1 - share))
            fields["sum"], fields["difference"] = g * (1 + share), g * (1 - share)
            fields["V"] = trap(ds)
    else:
        fields["v"] = np.zeros_like(n)
    return fields


def _densities(f):
    out = {"number": f["n"]}
    out |= {f"spin_{name}": f["s"][:, place] for place, name in enumerate("xyz")}
    if not f["moves"]:
        bend = np.sum(f["direction_slope"] ** 2, axis=1)
        local = f["kappa_n0"] * f["n"] * f["Z"] ** 2 / 4 + f["Omega_R"] * f["direction"][:, 0] / 2
        out["energy"] = f["n"] * (f["torque"] * f["h"] / 8 * bend + local)
        return out
    out["momentum"] = f["n"] * f["v"] / f["h"]
    if "sum" in f:
        out["energy"] = f["h"] / 2 * _gradient_density(f) + f["V"] * f["n"] + _interaction(f)
    return out


def _gradient_density(f):
    """|dx psi|² = |dx s|²/4n + n v²/h²."""
    square = np.sum(f["slope"] ** 2, axis=1)
    return square * f["over_n"] / 4 + f["n"] * f["v"] ** 2 / f["h"] ** 2


def _interaction(f):
    pair = f["sum"] * f["n"] ** 2 / 4 + f["difference"] * f["s"][:, 2] ** 2 / 4
    return pair + f["Omega_R"] * f["s"][:, 0] / 2


def _flux_and_source(f, quantity):
    none = np.zeros_like(f["n"])
    if quantity == "number":
        return f["n"] * f["v"], none
    spin_flux, spin_source = _spin(f)
    if quantity.startswith("spin"):
        place = "xyz".index(quantity[-1])
        return spin_flux[:, place], spin_source[:, place]
    if quantity == "momentum":
        pressure = f["sum"] * f["n"] ** 2 / 4 + f["difference"] * f["s"][:, 2] ** 2 / 4
        curved = periodic_derivative(periodic_derivative(f["n"], f["x"]), f["x"])
        square = np.sum(f["slope"] ** 2, axis=1)
        flux = f["n"] * f["v"] ** 2 / f["h"] + f["h"] / 4 * (square * f["over_n"] - curved)
        force = np.gradient(f["V"], f["x"], edge_order=2)
        return flux + pressure, -f["n"] * force
    rate = spin_source - periodic_derivative(spin_flux, f["x"])
    if not f["moves"]:
        # n is frozen, so dt(s_hat) = dt(s)/n, and dx(s_hat) n dt(s_hat) = dx(s_hat) dt(s).
        work = np.sum(rate * f["direction_slope"], axis=1)
        return -f["torque"] * f["h"] / 4 * work, none
    curved = periodic_derivative(periodic_derivative(f["n"], f["x"]), f["x"])
    pair = f["sum"] * f["n"] ** 2 / 2 + f["difference"] * f["s"][:, 2] ** 2 / 2
    work = f["V"] * f["n"] + pair + f["Omega_R"] * f["s"][:, 0] / 2
    work = work - f["h"] / 2 * (curved / 2 - _gradient_density(f))
    # dt(s) dx(s) holds the part of dt(n) too, because |s| = n.
    exchange = np.sum(rate * f["slope"], axis=1) * f["over_n"] / 4
    return work * f["v"] - f["h"] * exchange, none


def _spin(f):
    """Spin flux and H x s, both (t, spin, x)."""
    twist = np.cross(f["direction_slope"], f["direction"], axis=1)
    flux = f["torque"] * f["h"] / 2 * f["n"][:, None] * twist + f["v"][:, None] * f["s"]
    s_x, s_y, s_z = (f["s"][:, place] for place in range(3))
    along = f["kappa_n0"] * s_z
    source = np.stack([-along * s_y, along * s_x - f["Omega_R"] * s_z, f["Omega_R"] * s_y], axis=1)
    return flux, source


def _integral(values, x):
    """Integral over the stretch by a quintic spline, since it is not a whole period."""
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(x, values, k=min(5, 2 * ((len(x) - 1) // 2) - 1), axis=1)
    return spline.integrate(x[0], x[-1])


def _running_integral(values, t):
    from scipy.interpolate import make_interp_spline

    antiderivative = make_interp_spline(t, values, k=5).antiderivative()
    return antiderivative(t) - antiderivative(t[0])
