r"""Temperatures of a run: its outputs, and the temperature of the spins.

The temperature of the spins follows from the energy E(m) on the sphere of each spin:

.. math:: k_B T = \frac{\langle |m \times \nabla E|^2 \rangle}{\langle \nabla^2_{S^2} E \rangle}

(the general form of Rugh, Phys. Rev. Lett. 78, 772 (1997); for exchange alone that of Ma, Dudarev
et al., Phys. Rev. E 82, 031111 (2010)).  For E = -J Σ m_i·m_j - d_z Σ m_z² on the chain the
Laplacian of a site is 2 J m·(m_{i-1} + m_{i+1}) + d_z (6 m_z² - 2).
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import BOLTZMANN, magnet, scalar, space_axes, spins

# Names, in runs, of the temperature that drives the spins and that of the phonons.
ELECTRONS = ("T_e", "T_electron", "temperature", "T", "T_spin")
PHONONS = ("T_p", "T_phonon", "T_l")


def temperature_outputs(ds):
    """Names of the outputs of a run that are temperatures: electrons first; may be empty."""
    return [name for name in (*ELECTRONS, *PHONONS) if name in ds]


def temperature_profile(ds, output=None):
    """A temperature output (t, member, x…); InputError if the run has none."""
    names = [output] if output else temperature_outputs(ds)
    if not names:
        raise InputError(
            "this run has no output of a temperature (T_e, T_p or temperature); draw a run of "
            "problems/laser_grating.py, or name the output with --name T_e=OUTPUT"
        )
    return scalar(ds, names[0])


def temperature_peak(ds, output=None):
    """(time, position or None, kelvin) of the highest temperature; between outputs by a parabola.

    Raises InputError if the run has no temperature.
    """
    T = temperature_profile(ds, output).isel(member=0)
    axes = space_axes(T)
    flat = T.stack(place=axes) if axes else T.expand_dims("place", -1)
    row, column = np.unravel_index(int(np.argmax(flat.values)), flat.shape)
    t = np.asarray(ds.t.values, dtype=float)
    series = flat.values[:, column]
    time, height = t[row], series[row]
    # A parabola through much lower neighbours would give a spurious peak above all outputs.
    if 0 < row < len(t) - 1 and min(series[row - 1], series[row + 1]) > 0.8 * height:
        fit = np.polynomial.Polynomial.fit(t[row - 1 : row + 2], series[row - 1 : row + 2], 2)
        time = float(fit.deriv().roots()[0].real)
        height = fit(time)
    place = float(ds[axes[0]].values[column]) if len(axes) == 1 else None
    return float(time), place, float(height)


def spin_temperature(ds, output="m", J=None, d_z=None):
    """Temperature of the spins of a chain in kelvin, averaged over sites, (t, member).

    Parameters
    ----------
    ds : Dataset with spins along one axis, one point per atom
    J, d_z : float, optional
        Exchange and anisotropy constants in joule; default: those of the run's material.

    Raises
    ------
    InputError
        The run does not state its material in SI units, or the spins are not on a line.
    """
    m = spins(ds, output)
    if len(space_axes(m)) != 1:
        raise InputError("spin temperature: the spins must run along one axis")
    if J is None or d_z is None:
        material = magnet(ds)
        J = material.J if J is None else J
        d_z = material.d_z if d_z is None else d_z
        if J is None or d_z is None:
            raise InputError(
                "spin temperature: the run does not state Ms and Hk in A/m; give J=… and d_z=… (J)"
            )
    s = m.values
    neighbours = np.roll(s, 1, -1) + np.roll(s, -1, -1)
    force = J * neighbours
    force[:, :, 2] += 2 * d_z * s[:, :, 2]
    torque = np.cross(s, force, axis=2)
    laplacian = 2 * J * np.sum(s * neighbours, axis=2) + d_z * (6 * s[:, :, 2] ** 2 - 2)
    kelvin = np.sum(torque**2, axis=(2, 3)) / laplacian.sum(axis=2) / BOLTZMANN
    return xr.DataArray(kelvin, dims=("t", "member"), coords={"t": ds.t}, name="spin_temperature")
