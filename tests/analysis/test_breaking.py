"""Currents, gradients and departures: textures with known answers."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import KAPPA_N0, OMEGA_R, PARAMETERS, cloud, josephson_spins

from spinhydro.analysis import analytic_position
from spinhydro.analysis.breaking import (
    departure_times,
    difference_over_time,
    interface_maxima,
    moments,
)
from spinhydro.errors import InputError

PERIOD = 2 * np.pi / OMEGA_R
X, N = cloud(512)
T = np.arange(0, 14, 0.25)


def twisting(length=1.0, v=0.3):
    """s_hat = (cos a, 0, sin a), a = q sin(k x) on a density that swells by 3 % until 10 ms."""
    k, q = 2 * np.pi / 480, 4.0
    angle = q * np.sin(k * X)
    s = np.stack([np.cos(angle), 0 * X, np.sin(angle)])
    swelling = 1 + 0.003 * np.minimum(T, 10)[:, None]
    n = N * swelling
    spins = np.broadcast_to(s, (T.size, 3, X.size)) * (1 if length == 1 else n[:, None])
    return xr.Dataset(
        {
            "s": (("t", "spin", "x"), spins),
            "n": (("t", "x"), n),
            "v": (("t", "x"), np.full_like(n, v)),
            "Z": (("t", "x"), np.broadcast_to(s[2], n.shape)),
        },
        coords={"t": T, "x": ("x", X, {"units": "um"}), "spin": ["x", "y", "z"]},
        attrs=PARAMETERS,
    ), q * k * np.cos(k * X)


@pytest.mark.parametrize("length", [1.0, "n"])
def test_maxima_of_a_known_texture(length):
    ds, slope = twisting(length)
    found = interface_maxima(ds, [0.7, 1.0, 3.0])
    near = np.abs(np.abs(X) - analytic_position(ds)) <= 25
    hbar_over_m = PARAMETERS["hbar_over_m"]
    for place, time in ((0, 0.7 * PERIOD), (1, PERIOD)):
        n = N * (1 + 0.003 * time)
        current = hbar_over_m / 2 * n * np.abs(slope)
        sound = np.sqrt(hbar_over_m * KAPPA_N0 * n / 2)
        expected = np.max((current / n / sound)[near])
        assert float(found.current[place]) == pytest.approx(expected, rel=1e-3)
        ratio = np.max(current[near]) / np.max(0.3 * n[near])
        assert float(found.ratio[place]) == pytest.approx(ratio, rel=1e-3)
        angle = 4.0 * np.sin(2 * np.pi * X / 480)
        steepest = np.max(np.abs(np.cos(angle) * slope)[near])
        assert float(found.slope[place]) == pytest.approx(steepest, rel=1e-3)
        assert float(found.modulation[place]) == pytest.approx(0.003 * time, rel=1e-2)
    assert np.isnan(found.current[2]) and np.isnan(found.ratio[2])
    assert "ratio" not in interface_maxima(ds.drop_vars("v"), [0.7])


def test_moments_keep_the_length_of_the_spin():
    ds, _ = twisting()
    at = moments(ds, np.array([0.1, 5.3]))
    assert np.allclose(np.sum(at.s.values**2, axis=1), 1)
    density, _ = twisting("n")
    at = moments(density, np.array([0.1, 5.3]))
    assert np.allclose(np.sqrt(np.sum(at.s.values**2, axis=1)), at.n, rtol=1e-6)


def local_run(extra=None):
    s = josephson_spins(T, N)
    Z = s[:, 2] if extra is None else s[:, 2] + extra
    return xr.Dataset(
        {"Z": (("t", "x"), Z), "n": (("t", "x"), np.tile(N, (T.size, 1)))},
        coords={"t": T, "x": X},
        attrs=PARAMETERS,
    )


def test_departure_from_local_dynamics():
    assert np.all(np.isnan(departure_times(local_run(), [0.01, 0.1])))
    growth = 0.1 * (T[:, None] / 8) ** 3 * np.exp(-(((np.abs(X) - 120) / 10) ** 2))
    found = departure_times(local_run(growth), [0.05, 0.1, 5.0])
    assert np.allclose(found[:2], 8 * np.array([0.5, 1]) ** (1 / 3) / PERIOD, rtol=5e-3)
    assert np.isnan(found[2])


def test_difference_of_two_runs():
    shifted = local_run(0.01 * np.ones((1, X.size)))
    assert np.allclose(difference_over_time(shifted, local_run(), [1.0, 7.3]), 0.01)
    assert np.allclose(difference_over_time(shifted, None, [1.0, 7.0]), 0.01, rtol=1e-3)
    coarse = local_run().isel(x=slice(None, None, 2))
    assert np.all(difference_over_time(local_run(), coarse, [1.0, 4.0]) < 1e-3)
    with pytest.raises(InputError, match="needs the run up to t = 20"):
        difference_over_time(shifted, local_run(), [20.0])
    with pytest.raises(InputError, match="no grid point within"):
        difference_over_time(shifted, local_run(), [2.0], half_width=0.0)
