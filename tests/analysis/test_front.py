"""The inner front: a synthetic front, and the independent reference."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import DATA, KAPPA_N0, PARAMETERS

from spinhydro.analysis.front import inward_front, local_deviation
from spinhydro.errors import InputError

X = np.linspace(-240, 240, 1024, endpoint=False)
T = np.arange(0, 40, 0.5)


def wave_behind(speed, start=100.0):
    """Z that oscillates on 4 µm wherever |x| is beyond a front at start - speed t."""
    position = start - speed * T[:, None]
    Z = np.where(np.abs(X) > position, 0.9 * np.sin(2 * np.pi * X / 4), -0.8)
    return xr.Dataset(
        {"Z": (("t", "x"), Z)}, coords={"t": T, "x": ("x", X, {"units": "um"})}, attrs=PARAMETERS
    )


def test_deviation_in_a_window():
    x = np.arange(0, 100, 0.25)
    assert np.allclose(local_deviation(np.full((2, 400), 0.3), x), 0)
    # Over whole periods the standard deviation of a sine is 1/sqrt(2).
    found = local_deviation(np.sin(2 * np.pi * x / 5.25), x, width=5.3)
    assert np.allclose(found[40:-40], np.sqrt(0.5), atol=1e-3)
    slope = local_deviation(0.02 * x, x)[40:-40]
    assert np.allclose(slope, 0.02 * np.std(0.25 * np.arange(19)))
    with pytest.raises(InputError, match="holds 1 points"):
        local_deviation(x, x, width=0.3)


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_speed_of_a_made_front(speed):
    found = inward_front(wave_behind(speed))
    assert found.attrs["speed"] == pytest.approx(speed, rel=5e-3)
    sound = np.sqrt(PARAMETERS["hbar_over_m"] * KAPPA_N0 / 2)
    assert found.attrs["mach"] == pytest.approx(found.attrs["speed"] / sound)
    assert found.position.shape == (2, 3, T.size)
    # It is found within half a window and a grid point of the last undisturbed point.
    ahead = 100 - speed * 20 - found.position.sel(t=20)
    assert float(ahead.max()) < 2.6 and float(ahead.min()) > -1
    # Another range and other thresholds find the same line here.
    other = inward_front(wave_behind(speed), thresholds=[0.4], fit_range=(60, 90))
    assert other.attrs["speed"] == pytest.approx(speed, rel=2e-2)


def test_reference_by_the_same_recipe():
    """Published for this recipe: 1.538(16) c_s with moving and 1.77(2) with frozen density."""
    with np.load(DATA / "fronts_118Hz.npz") as data:
        x = np.concatenate([-data["x"][:0:-1], data["x"]])
        for key, expected in (("gpe_Z", 1.538), ("lle_Z", 1.77)):
            Z = np.concatenate([data[key][:, :0:-1], data[key]], axis=1) / 127
            ds = xr.Dataset(
                {"Z": (("t", "x"), Z)}, coords={"t": data["t"], "x": x}, attrs=PARAMETERS
            )
            found = inward_front(ds)
            assert found.attrs["mach"] == pytest.approx(expected, abs=0.02)
            assert 0.003 < found.attrs["mach_uncertainty"] < 0.03
            # Both sides of an even field are equal.
            assert np.allclose(found.speed[0], found.speed[1])


def test_what_gives_no_front():
    with pytest.raises(InputError, match="fewer than 8 outputs.* ends at t = 2.5"):
        inward_front(wave_behind(2.0), until=2.5)
    with pytest.raises(InputError, match="ascending"):
        inward_front(wave_behind(2.0), fit_range=(90, 60))
    with pytest.raises(InputError, match="between 0 and 1"):
        inward_front(wave_behind(2.0), thresholds=[0.2, 1.5])
    with pytest.raises(InputError, match="no output 'Z'"):
        inward_front(wave_behind(2.0).drop_vars("Z"))
