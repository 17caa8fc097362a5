r"""Half-vortices of a two-component gas in a plane: where the azimuth of the spin winds.

The azimuth of s = psi^† sigma psi is the relative phase, arg psi_b - arg psi_a.  It winds by -2 pi
around a vortex of component a, where |psi_a| = 0 and s points along -z, and by +2 pi around one of
component b, where s points along +z.
"""

from typing import NamedTuple

import numpy as np

from spinhydro.errors import InputError


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
    across, along = spin[0] + 1j * spin[1], spin[2]
    corners = [np.roll(across, shift, (0, 1)) for shift in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    turns = sum(
        np.angle(there * np.conj(here))
        for here, there in zip(corners, corners[1:] + corners[:1], strict=True)
    )
    winding = np.rint(turns / (2 * np.pi)).astype(int)
    found = []
    for i, j in np.argwhere(winding):
        u, w = _zero([corner[i, j] for corner in corners])
        component = "a" if along[i, j] < 0 else "b"
        sense = int(winding[i, j]) * (-1 if component == "a" else 1)
        place = (
            float(values[0] + (k + part) * (values[1] - values[0]))
            for values, k, part in ((ds.x.values, i, u), (ds.y.values, j, w))
        )
        found.append(HalfVortex(*place, component, sense))
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
