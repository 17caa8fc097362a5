r"""Vortices of a gas in a plane: where a phase winds.

Half-vortices of a two-component gas are vortices of the azimuth of its spin s = psi^† sigma psi,
which is the relative phase, arg psi_b - arg psi_a.  It winds by -2 pi around a vortex of component
a, where |psi_a| = 0 and s points along -z, and by +2 pi around one of component b, where s points
along +z.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import spacing

#: Density, relative to its peak, below which there is no gas.
EMPTY = 1e-6


class HalfVortex(NamedTuple):
    """Place, component ("a" or "b") and sense (+1: anticlockwise) of a half-vortex."""

    x: float
    y: float
    component: str
    sense: int


def half_vortices(ds, index=-1, output="s"):
    """All half-vortices at one output of a periodic two-dimensional run, a list of HalfVortex.

    Parameters
    ----------
    ds : xarray.Dataset
        With the spin density `output` (t, sx/sy/sz, x, y).
    index : int
        Which output.

    Raises
    ------
    InputError
        If there is no such output on a plane.
    """
    if output not in ds or not {"x", "y"} <= set(ds[output].dims) or "z" in ds[output].dims:
        raise InputError(f"half-vortices need the spin density {output!r} in a plane, over x and y")
    spin = ds[output].isel(t=index).squeeze(drop=True).transpose(..., "x", "y").values
    found = []
    for i, j, x, y, winding in _windings(spin[0] + 1j * spin[1], ds.x.values, ds.y.values, 2):
        component = "a" if spin[2][i, j] < 0 else "b"
        sense = winding * (-1 if component == "a" else 1)
        found.append(HalfVortex(x, y, component, sense))
    return found


def vortices(ds, output="psi", index=-1, member=0):
    """Return the quantized vortices at one output: Dataset (vortex) `x`, `y`, `charge`.

    Parameters
    ----------
    ds : Dataset
    output : str
        A complex output in a periodic plane, over x and y.
    index, member : int

    Returns
    -------
    Dataset
        Zeros of a bilinear interpolation around which the phase winds by 2 pi charge, where the
        density next to them is above 1e-6 of its peak: there are none in the empty space around
        a trapped gas.

    Raises
    ------
    InputError
        If there is no such output.
    """
    field = _plane(ds, output, member)
    found = _windings(field.isel(t=index).values, ds.x.values, ds.y.values)
    x, y, charge = (np.array([one[i] for one in found]) for i in (2, 3, 4))
    return xr.Dataset(
        {
            "x": ("vortex", x.astype(float)),
            "y": ("vortex", y.astype(float)),
            "charge": ("vortex", charge.astype(int)),
        }
    )


def vortex_number(ds, output="psi"):
    """Return the number of vortices of both charges against time, (t, member)."""
    members = _plane(ds, output, None)
    number = [
        [len(_windings(plane, ds.x.values, ds.y.values)) for plane in row] for row in members.values
    ]
    return xr.DataArray(
        np.array(number, dtype=int),
        dims=("t", "member"),
        coords={"t": ds.t},
        name="vortex_number",
    )


def vortex_tracks(ds, output="psi", member=0):
    """Return the paths of all vortices: Dataset `x`, `y` (t, vortex) and `charge` (vortex).

    At each output the vortices of each charge are assigned to those of the previous one so that the
    sum of squared displacements around the periodic box is least. Paths continue across the ends
    of the box: `spinhydro.analysis.tracking.velocity` takes them. NaN at outputs that have another
    number of vortices than the first.

    Parameters
    ----------
    ds, output, member : see `vortices`

    Raises
    ------
    InputError
        Also if there is no vortex at the first output.
    """
    from scipy.optimize import linear_sum_assignment

    first = vortices(ds, output, 0, member)
    charge = first.charge.values
    if not charge.size:
        raise InputError(f"vortex tracks: {output} has no vortex at the first output")
    box = np.array([spacing(ds, axis) * ds.sizes[axis] for axis in "xy"])
    paths = np.full((ds.sizes["t"], charge.size, 2), np.nan)
    last = paths[0] = np.stack([first.x.values, first.y.values], axis=-1)
    for index in range(1, ds.sizes["t"]):
        now = vortices(ds, output, index, member)
        if sorted(now.charge.values) != sorted(charge):
            continue
        places = np.stack([now.x.values, now.y.values], axis=-1)
        step = (places - last[:, None] + box / 2) % box - box / 2
        cost = (step**2).sum(axis=-1)
        cost[charge[:, None] != now.charge.values] = 1e6 * (box**2).sum()
        own, other = linear_sum_assignment(cost)
        last = paths[index] = last[own] + step[own, other]
    return xr.Dataset(
        {
            "x": (("t", "vortex"), paths[..., 0]),
            "y": (("t", "vortex"), paths[..., 1]),
            "charge": ("vortex", charge),
        },
        coords={"t": ds.t},
    )


def _plane(ds, output, member):
    """The complex output (t, x, y) of a member, or (t, member, x, y) of all."""
    known = output in ds and {"x", "y"} <= set(ds[output].dims) and "z" not in ds[output].dims
    if not known or not np.iscomplexobj(ds[output]):
        raise InputError(
            f"vortices need a complex output in a plane, over x and y: {output!r} is not one"
        )
    field = ds[output]
    if "member" not in field.dims:
        field = field.expand_dims("member")
    field = field.transpose("t", "member", "x", "y")
    return field if member is None else field.isel(member=member)


def _windings(values, x, y, power=1):
    """[(i, j, x, y, turns)] of the plaquettes of a complex array around which its phase winds.

    Plaquettes without gas, where the phase is that of rounding errors, are left out. The square of
    the values is the density to a power: 1 for a wave function, 2 for a spin density.
    """
    corners = [np.roll(values, shift, (0, 1)) for shift in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    turns = sum(
        np.angle(there * np.conj(here))
        for here, there in zip(corners, corners[1:] + corners[:1], strict=True)
    )
    winding = np.rint(turns / (2 * np.pi)).astype(int)
    density = np.max(np.abs(corners), axis=0) ** 2
    found = []
    for i, j in np.argwhere((winding != 0) & (density > EMPTY**power * density.max())):
        u, w = _zero([corner[i, j] for corner in corners])
        places = (
            float(axis[0] + (k + part) * (axis[1] - axis[0]))
            for axis, k, part in ((x, i, u), (y, j, w))
        )
        found.append((i, j, *places, int(winding[i, j])))
    return found


def _zero(corners):
    """Place in the unit square of the zero of the bilinear function with these corner values."""
    a, b, c, d = corners  # at (0, 0), (1, 0), (1, 1), (0, 1)
    u = w = 0.5
    for _ in range(20):
        value = a * (1 - u) * (1 - w) + b * u * (1 - w) + c * u * w + d * (1 - u) * w
        by_u = (b - a) * (1 - w) + (c - d) * w
        by_w = (d - a) * (1 - u) + (c - b) * u
        area = (np.conj(by_u) * by_w).imag
        if area == 0:
            break
        u = min(max(u - (np.conj(value) * by_w).imag / area, 0.0), 1.0)
        w = min(max(w - (np.conj(by_u) * value).imag / area, 0.0), 1.0)
    return u, w
