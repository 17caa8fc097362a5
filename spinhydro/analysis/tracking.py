r"""Position and velocity of domain walls and skyrmions, and the Hopf index of a volume.

The position of a skyrmion is the circular mean of its charge density q over the periodic box,

.. math:: X = \frac{L}{2\pi} \arg \sum_x q(x)\, e^{2\pi i x/L},

which is exact for any profile that is symmetric about its centre.  Positions are continued across
the ends of the box, so that velocities are their derivatives in time.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import space_axes, spacing, spins
from .sampling import periodic_derivative
from .textures import charge_density, domain_walls


def skyrmion_position(ds, output="m"):
    """Return the position of the charge of a plane: Dataset (t, member) `x`, `y`, `charge`.

    Raises InputError unless the spins run along two axes; NaN where the charge is below 0.1.
    """
    density = charge_density(ds, output)
    axes = [dim for dim in density.dims if dim not in ("t", "member")]
    charge = density.sum(axes)
    found = {"charge": (("t", "member"), charge.values)}
    for axis in axes:
        step = spacing(ds, axis)
        box = step * ds.sizes[axis]
        # A plaquette lies half a step beyond its first corner.
        places = ds[axis].values + step / 2
        phase = np.exp(2j * np.pi * (places - places[0]) / box)
        other = [dim for dim in axes if dim != axis]
        profile = density.sum(other).transpose("t", "member", axis).values
        turn = np.angle((profile * phase).sum(axis=-1) / np.sign(charge.values + 1e-300))
        position = places[0] + box * np.unwrap(turn, axis=0) / (2 * np.pi)
        position = np.where(np.abs(charge.values) > 0.1, position, np.nan)
        found[axis] = (("t", "member"), position)
    return xr.Dataset(found, coords={"t": ds.t})


def wall_position(ds, output="m", threshold=0.5, member=0):
    """Return the positions of all walls against time: DataArray (t, wall), NaN where they differ.

    Walls keep their number as long as there are as many as at the first output; the path of each
    continues across the ends of the box.

    Raises InputError unless the spins run along one axis and there is a wall at the start.
    """
    first = domain_walls(ds, output, threshold, member, 0)
    count = first.sizes["wall"]
    if not count:
        raise InputError("wall position: there is no wall at the first output")
    axis = space_axes(spins(ds, output))[0]
    box = spacing(ds, axis) * ds.sizes[axis]
    places = np.full((ds.sizes["t"], count), np.nan)
    last = places[0] = first.x.values
    for index in range(1, ds.sizes["t"]):
        now = domain_walls(ds, output, threshold, member, index)
        if now.sizes["wall"] != count:
            continue
        # The wall of the same sense that is nearest around the ring.
        for wall in range(count):
            same = now.x.values[now.sense.values == first.sense.values[wall]]
            step = (same - last[wall] + box / 2) % box - box / 2
            places[index, wall] = last[wall] + step[np.argmin(np.abs(step))]
        last = places[index]
    return xr.DataArray(
        places, dims=("t", "wall"), coords={"t": ds.t, "sense": ("wall", first.sense.values)}
    )


def velocity(position, last=None):
    """Return the velocity of a position (t, …): slope of a straight line, length per time.

    Parameters
    ----------
    position : DataArray with t as first dimension
    last : float, optional
        Only the last part of the record, for example 0.5.

    Returns
    -------
    DataArray without t; NaN with fewer than two finite positions.
    """
    t, values = position.t.values, position.values.reshape(position.sizes["t"], -1)
    if last is not None:
        chosen = t >= t[-1] - last * (t[-1] - t[0])
        t, values = t[chosen], values[chosen]
    slopes = np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if known.sum() > 1:
            slopes[column] = np.polyfit(t[known], values[known, column], 1)[0]
    rest = position.isel(t=0, drop=True)
    return rest.copy(data=slopes.reshape(rest.shape))


def hopf_index(ds, output="m", index=-1, member=0):
    r"""Return the Hopf index of the spins in a periodic volume.

    .. math:: H = -\int \mathbf{A} \cdot \mathbf{F}, \quad \nabla \times \mathbf{A} = \mathbf{F},
              \quad
              F_i = \tfrac{1}{8\pi} \epsilon_{ijk}\, m \cdot (\partial_j m \times \partial_k m)

    with spectral derivatives and A in the Coulomb gauge.  An integer where the spins are resolved
    and uniform around the texture.

    Raises
    ------
    InputError
        The spins do not run along three axes, or a net flux leaves the box.
    """
    m = spins(ds, output).isel(t=index, member=member)
    axes = [dim for dim in m.dims if dim != "spin"]
    if len(axes) != 3:
        raise InputError(f"Hopf index: the spins run along {', '.join(axes)}; it needs a volume")
    s = m.transpose("spin", *axes).values
    slopes = [
        np.moveaxis(periodic_derivative(np.moveaxis(s, 1 + i, -1), ds[axis].values), -1, 1 + i)
        for i, axis in enumerate(axes)
    ]
    F = np.stack(
        [
            np.sum(s * np.cross(slopes[(i + 1) % 3], slopes[(i + 2) % 3], axis=0), axis=0)
            for i in range(3)
        ]
    ) / (4 * np.pi)
    steps = [spacing(ds, axis) for axis in axes]
    k = np.stack(
        np.meshgrid(
            *[2 * np.pi * np.fft.fftfreq(n, h) for n, h in zip(F.shape[1:], steps, strict=True)],
            indexing="ij",
        )
    )
    flux = np.fft.fftn(F, axes=(1, 2, 3))
    k_squared = np.sum(k**2, axis=0)
    k_squared[0, 0, 0] = 1.0
    A = np.fft.ifftn(1j * np.cross(k, flux, axis=0) / k_squared, axes=(1, 2, 3)).real
    return -float(np.sum(A * F) * np.prod(steps))
