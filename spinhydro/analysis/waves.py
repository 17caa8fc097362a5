"""Frequencies of small waves on the initial state, as a run keeps them."""

import numpy as np

from .magnets import space_axes, spacing, spins
from .spectra import direction_steps, mean_axis


def recorded_waves(ds):
    """Return the frequencies of small waves on the uniform state along the mean axis of the spins.

    The run has taken them from its equation: any kernels, both signs of k, all directions of k.

    Parameters
    ----------
    ds : Dataset of `load`, with the spins m

    Returns
    -------
    callable or None
        omega of wavevectors (…, axes) in rad per length: rad per time, positive for waves in which
        the spins turn from x to y (y to z, z to x) about the axis z (x, y). Exact at the waves of
        the run's box and linear between them; nan outside those of its grid, and where two branches
        have the same weight. None if the run keeps no frequencies about this axis.
    """
    m = spins(ds)
    name = f"waves_m_{'xyz'[mean_axis(m)]}"
    if name not in ds.attrs:
        return None
    from scipy.interpolate import RegularGridInterpolator

    shape, step = (np.atleast_1d(ds.attrs[f"{name}_{part}"]) for part in ("shape", "step"))
    if len(shape) != len(space_axes(m)):
        return None
    table = np.reshape(ds.attrs[name], shape)
    half = shape // 2
    between = RegularGridInterpolator(
        [np.arange(-n, n + 1) for n in half], table, bounds_error=False
    )

    def omega(k):
        places = np.asarray(k, dtype=float) / step
        whole = np.round(places).astype(int)
        found = between(places)
        # Rounding must neither leave the grid nor mix in a neighbour that is nan.
        exact = np.all((np.abs(places - whole) < 1e-6) & (np.abs(whole) <= half), axis=-1)
        found[exact] = table[tuple((whole[exact] + half).T)]
        return found

    return omega


def waves_along(ds, direction=None):
    """Return omega of the signed wavenumber along a direction, from `recorded_waves`; or None.

    Parameters
    ----------
    direction : see `spectra.wave_amplitudes`
    """
    omega = recorded_waves(ds)
    if omega is None:
        return None
    axes = space_axes(spins(ds))
    steps = direction_steps(axes, direction)
    vector = np.array(
        [
            step / (ds.sizes[axis] * spacing(ds, axis))
            for axis, step in zip(axes, steps, strict=True)
        ]
    )
    vector /= np.linalg.norm(vector)
    return lambda k: omega(np.asarray(k, dtype=float)[..., None] * vector)
