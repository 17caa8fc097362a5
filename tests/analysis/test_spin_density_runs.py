"""Runs that keep s with |s| = n, as Gross-Pitaevskii runs do: the same numbers as unit vectors."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import KAPPA_N0, OMEGA_R, PARAMETERS, josephson_spins

from spinhydro.analysis import breaking_time, interface_position, spin_currents, torque_ratio
from spinhydro.analysis.breaking import interface_profiles

X = np.linspace(-240, 240, 1024, endpoint=False)
T = np.arange(0, 14, 0.25)
# Vanishes outside the cloud, but smoothly.
DENSITY = np.exp(-((X / 130) ** 6))


def dataset(noise):
    """A twisting spin texture; outside the gas its direction is noise, as in a GPE run."""
    n = np.broadcast_to(DENSITY, (T.size, X.size)).copy()
    angle = 0.8 * np.sin(2 * np.pi * X / 480) * T[:, None] / 10 + 0.3 * np.cos(2 * np.pi * X / 120)
    tilt = 1.2 + 0.1 * np.sin(2 * np.pi * X / 240) + 0 * T[:, None]
    s = np.stack([np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), np.cos(tilt)], axis=1)
    unit = _as_dataset(s, n)
    density = n[:, None] * s
    if noise:
        random = np.random.default_rng(0).standard_normal(s.shape)
        density = np.where(n[:, None] < 1e-12, 1e-14 * random, density)
    return unit, _as_dataset(density, n)


def _as_dataset(s, n):
    return xr.Dataset(
        {"s": (("t", "spin", "x"), s), "n": (("t", "x"), n)},
        coords={"t": T, "spin": ["x", "y", "z"], "x": X},
        attrs=PARAMETERS,
    )


@pytest.mark.parametrize("noise", [False, True])
def test_currents_are_those_of_the_unit_vectors(noise):
    unit, density = dataset(noise)
    expected, found = spin_currents(unit).j_torque, spin_currents(density).j_torque
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(torque_ratio(density), torque_ratio(unit), rtol=1e-8)


def test_profiles_of_figure_2_are_those_of_the_unit_vectors():
    unit, density = dataset(noise=True)
    expected, found = (interface_profiles(ds, periods=(0.7, 1.0)) for ds in (unit, density))
    for name in ("Z", "current", "divergence"):
        inside = np.abs(X) < 140
        np.testing.assert_allclose(found[name][:, inside], expected[name][:, inside], rtol=1e-6)


def test_interface_is_looked_for_in_the_cloud_only():
    """Outside, Z of a Gross-Pitaevskii run fades to zero with either sign."""
    n = np.maximum(1 - (X / 210) ** 2, 0)
    s = josephson_spins(T, n)
    s[:, :, np.abs(X) > 209.5] *= 1e-12
    s[:, 2, np.abs(X) > 209.5] = -1e-12
    run = _as_dataset(s, np.broadcast_to(n, (T.size, X.size)).copy())
    run["Z"] = run.s.sel(spin="z", drop=True)
    x_c = 210 * np.sqrt(1 - 2 * OMEGA_R / KAPPA_N0)
    np.testing.assert_allclose(interface_position(run, periods=[1.0]), x_c, atol=0.5)


def test_breaking_time_without_breaking():
    assert np.isnan(breaking_time(dataset(noise=True)[1]))
