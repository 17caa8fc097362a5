r"""Domain walls, winding and topological charge of spin textures.

Berg-Luscher charge on the lattice: every plaquette is cut into two triangles of spins a, b, c with
solid angle

.. math:: \tan(\Omega/2) = \frac{a \cdot (b \times c)}{1 + a \cdot b + b \cdot c + c \cdot a},
          \qquad Q = \frac{1}{4\pi} \sum \Omega

(Berg and Luscher, Nucl. Phys. B 190, 412 (1981)), an integer on a periodic grid.  Spectral:
Q = (1/4π) ∫ m·(∂_x m × ∂_y m), exact for resolved textures only.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import space_axes, spacing, spins
from .sampling import periodic_derivative


def sign_changes(ds, output="m", threshold=0.0):
    """Sign changes of m_z around a periodic line, (t, member).

    With `threshold` h > 0 only passages from m_z > h to m_z < -h and back count, which are domain
    walls and not the jitter of spins near the plane.  Always even.

    Raises InputError unless the spins run along one axis, or if h is not in [0, 1).
    """
    m_z, axis = _line(ds, output)
    _check(threshold)
    beyond = np.where(m_z.values > threshold, 1, np.where(m_z.values < -threshold, -1, 0))
    state = _last_known(beyond)
    changes = np.count_nonzero(state != np.roll(state, 1, -1), axis=-1)
    return xr.DataArray(changes, dims=("t", "member"), coords={"t": ds.t}, name="sign_changes")


def domain_walls(ds, output="m", threshold=0.5, member=0, index=-1):
    """Positions of the domain walls at one output: Dataset (wall) `x` and `sense`.

    A wall is a passage between m_z > h and m_z < -h, h = threshold; its place is the zero of m_z
    in between, by linear interpolation (the middle one, if there are several).  `sense` is +1
    where m_z rises with x.
    """
    m_z, axis = _line(ds, output)
    _check(threshold)
    values = m_z.isel(t=index, member=member).values
    x, step = ds[axis].values, spacing(ds, axis)
    size = len(values)
    beyond = np.where(values > threshold, 1, np.where(values < -threshold, -1, 0))
    marks = np.flatnonzero(beyond)
    places, senses = [], []
    for first, second in zip(marks, np.roll(marks, -1), strict=True):
        if beyond[first] == beyond[second]:
            continue
        run = np.arange(first, first + (second - first) % size + 1) % size
        here, there = values[run[:-1]], values[run[1:]]
        zeros = np.flatnonzero((here * there < 0) | (here == 0))
        middle = zeros[len(zeros) // 2]
        share = here[middle] / (here[middle] - there[middle])
        places.append(x[0] + (x[run[middle]] - x[0] + share * step) % (size * step))
        senses.append(beyond[second])
    order = np.argsort(places)
    return xr.Dataset(
        {
            "x": ("wall", np.array(places, dtype=float)[order]),
            "sense": ("wall", np.array(senses, dtype=int)[order]),
        }
    )


def winding_number(ds, output="m"):
    """Turns of the azimuth atan2(m_y, m_x) around a periodic line, (t, member).

    Steps between neighbours are taken within ±π.  NaN-free, but without meaning where m_x and m_y
    vanish together: a spin on the pole has no azimuth.
    """
    step = _azimuth_steps(ds, output)
    turns = np.rint(step.sum(axis=-1) / (2 * np.pi)).astype(int)
    return xr.DataArray(turns, dims=("t", "member"), coords={"t": ds.t}, name="winding_number")


def phase_slips(ds, output="m"):
    """Phase slips between outputs: Dataset (t of the later output, member) `up`, `down`.

    A phase slip is a vortex of the azimuth in the (x, t) plane: its steps around two neighbours at
    two successive outputs add up to ±2π.  up - down is the change of the winding number.  Outputs
    must be close enough that no spin turns by more than π relative to its neighbours in between.
    """
    step = _azimuth_steps(ds, output)
    m = spins(ds, output)
    azimuth = np.arctan2(m.isel(spin=1).values, m.isel(spin=0).values)
    turn = _within_pi(np.diff(azimuth, axis=0))
    around = np.diff(step, axis=0) - (np.roll(turn, -1, -1) - turn)
    vortex = np.rint(around / (2 * np.pi)).astype(int)
    return xr.Dataset(
        {
            "up": (("t", "member"), np.maximum(vortex, 0).sum(axis=-1)),
            "down": (("t", "member"), np.maximum(-vortex, 0).sum(axis=-1)),
        },
        coords={"t": ds.t.values[1:]},
    )


def topological_charge(ds, output="m", method="lattice"):
    """Skyrmion number of a periodic plane, (t, member).

    Parameters
    ----------
    method : {"lattice", "spectral"}
        Berg-Luscher solid angles, an integer unless two neighbours are exactly opposite; or the
        integral of the density with spectral derivatives.

    Raises
    ------
    InputError
        The spins do not run along two axes.
    """
    m = spins(ds, output)
    axes = space_axes(m)
    if len(axes) != 2:
        raise InputError(
            f"topological charge: the spins run along {', '.join(axes) or 'no axis'}; it needs a "
            "plane. Of a line take the winding number, of a volume a slice: ds.isel(z=…)"
        )
    s = np.moveaxis(m.transpose("t", "member", *axes, "spin").values, -1, 0)
    if method == "lattice":
        charge = _cell_charges(s).sum(axis=(-2, -1))
    elif method == "spectral":
        x, y = (ds[axis].values for axis in axes)
        along_x = np.swapaxes(periodic_derivative(np.swapaxes(s, -2, -1), x), -2, -1)
        along_y = periodic_derivative(s, y)
        density = np.sum(s * np.cross(along_x, along_y, axis=0), axis=0)
        cell = spacing(ds, axes[0]) * spacing(ds, axes[1])
        charge = density.sum(axis=(-2, -1)) * cell / (4 * np.pi)
    else:
        raise InputError(f"no method {method!r} for the topological charge; lattice, spectral")
    return xr.DataArray(charge, dims=("t", "member"), coords={"t": ds.t}, name="charge")


def charge_density(ds, output="m"):
    """Return the Berg-Luscher charge of every cell of a periodic plane, (t, member, x, y).

    Its sum is `topological_charge`.  Raises InputError unless the spins run along two axes.
    """
    m = spins(ds, output)
    axes = space_axes(m)
    if len(axes) != 2:
        raise InputError(f"charge density: the spins run along {', '.join(axes) or 'no axis'}")
    s = np.moveaxis(m.transpose("t", "member", *axes, "spin").values, -1, 0)
    coords = {"t": ds.t, **{axis: ds[axis] for axis in axes}}
    values = _cell_charges(s)
    return xr.DataArray(values, dims=("t", "member", *axes), coords=coords, name="charge_density")


def _cell_charges(s):
    """Charge of every plaquette of spins (3, …, x, y): two triangles each."""
    right, above = np.roll(s, -1, -2), np.roll(s, -1, -1)
    across = np.roll(right, -1, -1)
    return (_solid_angle(s, right, across) + _solid_angle(s, across, above)) / (4 * np.pi)


def _solid_angle(a, b, c):
    ab, bc, ca = (np.sum(p * q, axis=0) for p, q in ((a, b), (b, c), (c, a)))
    return 2 * np.arctan2(np.sum(a * np.cross(b, c, axis=0), axis=0), 1 + ab + bc + ca)


def _azimuth_steps(ds, output):
    _line(ds, output)
    m = spins(ds, output)
    azimuth = np.arctan2(m.isel(spin=1).values, m.isel(spin=0).values)
    return _within_pi(np.roll(azimuth, -1, -1) - azimuth)


def _within_pi(angle):
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))


def _line(ds, output):
    m = spins(ds, output)
    axes = space_axes(m)
    if len(axes) != 1:
        raise InputError(
            f"{output!r} runs along {', '.join(axes) or 'no axis of space'}; this needs one axis. "
            "Take a line first: ds.isel(y=…)"
        )
    return m.isel(spin=2, drop=True), axes[0]


def _check(threshold):
    if not 0 <= threshold < 1:
        raise InputError(f"threshold = {threshold:g}: m_z lies within ±1, give 0 <= threshold < 1")


def _last_known(beyond):
    """Sign of each point, or of the nearest preceding point on the ring that has one."""
    size = beyond.shape[-1]
    twice = np.concatenate([beyond, beyond], axis=-1)
    place = np.where(twice != 0, np.arange(2 * size), 0)
    place = np.maximum.accumulate(place, axis=-1)
    return np.take_along_axis(twice, place, axis=-1)[..., size:]
