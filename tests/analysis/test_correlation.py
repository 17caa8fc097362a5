"""Autocorrelation and its fit: fields with a known correlation, and the independent reference."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import DATA, PARAMETERS

from spinhydro.analysis.correlation import (
    _guess,
    autocorrelation,
    blurred,
    domain_model,
    fit_domains,
)
from spinhydro.errors import InputError

X = np.linspace(-240, 240, 2048, endpoint=False)


def dataset(Z, **outputs):
    t = np.arange(len(Z), dtype=float)
    variables = {"Z": (("t", "x"), Z)}
    variables |= {name: (("t", "x"), values) for name, values in outputs.items()}
    return xr.Dataset(variables, coords={"t": t, "x": ("x", X, {"units": "um"})}, attrs=PARAMETERS)


def random_domains(L1, L2, outputs, seed=0):
    """Gaussian random fields whose mean correlation is exactly the model."""
    distance = np.minimum(np.arange(X.size), X.size - np.arange(X.size)) * (X[1] - X[0])
    spectrum = np.fft.rfft(domain_model(distance, L1, L2)).real
    assert spectrum.min() > -1e-9
    noise = np.random.default_rng(seed).standard_normal((outputs, X.size))
    return np.fft.irfft(np.sqrt(np.maximum(spectrum, 0)) * np.fft.rfft(noise), X.size)


def test_correlation_of_a_cosine():
    k = 2 * np.pi / 12
    found = autocorrelation(dataset(np.cos(k * X)[None]), (-230, 230), 0.0)
    # Up to the part of the last, incomplete period of the window.
    assert np.allclose(found.correlation, np.cos(k * found.dx), atol=0.02)
    assert found["each"].dims == ("t", "side", "dx") and found.sizes["side"] == 1
    assert found.dx.values[-1] <= 15 < found.dx.values[-1] + 0.25


def test_both_sides_and_their_deviation():
    Z = np.where(X > 0, 1.0, np.cos(2 * np.pi * X / 12))[None]
    found = autocorrelation(dataset(Z), (20, 140), (0, 0))
    assert np.allclose(found["each"][0, 0], 1)
    half = found.sel(dx=6, method="nearest")
    assert float(half.correlation) == pytest.approx(0, abs=0.02)
    assert float(half.deviation) == pytest.approx(1, abs=0.02)


def test_fit_of_the_model_itself():
    dx = np.arange(0, 15, 0.234375)
    exact = domain_model(dx, 7.1, 4.0)
    one = xr.Dataset(
        {"each": (("t", "side", "dx"), exact[None, None]), "correlation": ("dx", exact)},
        coords={"dx": dx},
    )
    fit = fit_domains(one)
    assert fit["L1"] == pytest.approx(7.1, rel=1e-6) and fit["L2"] == pytest.approx(4.0, rel=1e-6)
    assert fit["residual"] < 1e-8 and fit["minimum"] == pytest.approx(exact.min())
    no_sign = np.exp(-(dx**2) / 2 / 3.0**2)
    fit = fit_domains(one.assign(correlation=("dx", no_sign), each=one["each"] * 0 + no_sign))
    assert fit["L1"] == np.inf and fit["L2"] == pytest.approx(3.0, rel=2e-2)


def test_domains_of_three_times_the_longest_distance_are_still_seen():
    """Four times that distance is the bound; beyond, there is no change of sign in the data."""
    dx = np.arange(0, 15.01, 0.25)
    for ratio, seen in ((3.0, 3.0), (3.9, 3.9), (8.0, np.inf)):
        exact = domain_model(dx, ratio * dx[-1], 12.0)
        one = xr.Dataset(
            {"each": (("t", "side", "dx"), exact[None, None]), "correlation": ("dx", exact)},
            coords={"dx": dx},
        )
        assert fit_domains(one, resamples=2)["L1"] == pytest.approx(seen * dx[-1], rel=1e-3)


def test_a_fit_starts_from_the_first_change_of_sign():
    dx = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert _guess(dx, np.array([1.0, 0.6, 0.0, -0.1, -0.2])) == (6.0, 2.0)
    # A value that touches zero does not change its sign.
    assert _guess(dx, np.array([1.0, 0.5, 0.0, 0.1, 0.3])) == (8.0, 2.0)


@pytest.mark.parametrize("L1, L2", [(7.1, 4.0), (5.0, 1.7)])
def test_fit_and_interval_of_random_domains(L1, L2):
    found = autocorrelation(dataset(random_domains(L1, L2, 40)), (-200, 200), (0, 39))
    fit = fit_domains(found)
    for name, value in (("L1", L1), ("L2", L2)):
        low, high = fit[f"{name}_interval"]
        assert low < fit[name] < high
        assert low - 0.03 * value < value < high + 0.03 * value
        assert high - low < 0.3 * value
    assert fit["minimum"] == pytest.approx(domain_model(found.dx.values, L1, L2).min(), abs=0.03)


def test_blur_damps_waves_and_sees_the_density():
    k = 2 * np.pi * 24 / 480
    ds = dataset(np.cos(k * X)[None])
    for sigma in (0.5, 2.0):
        expected = np.exp(-((k * sigma) ** 2) / 2) * np.cos(k * X)
        assert np.allclose(blurred(ds, sigma)[0], expected, atol=1e-4)
        # A density that is twice as high on one side of a step in Z shifts the image.
        n, Z = np.where(X > 0, 2.0, 1.0), np.where(X > 0, 1.0, -1.0)
        seen = blurred(dataset(Z[None], n=n[None]), sigma)[0]
        assert seen[X == 0] > 0.1 and np.allclose(seen[np.abs(X - 100) < 50], 1)
    assert np.array_equal(blurred(ds, 0), ds.Z.values)
    with pytest.raises(InputError, match="sigma = -1"):
        blurred(ds, -1)


def test_reference_lies_in_the_published_bands():
    """L1 in [4.5, 7], L2 in [1.2, 2.2], minimum in [-0.15, -0.02]; blur makes both longer."""
    with np.load(DATA / "fronts_118Hz.npz") as data:
        x = np.concatenate([-data["x"][:0:-1], data["x"]])
        Z = np.concatenate([data["gpe_Z"][:, :0:-1], data["gpe_Z"]], axis=1) / 127
        ds = xr.Dataset({"Z": (("t", "x"), Z)}, coords={"t": data["t"], "x": x}, attrs=PARAMETERS)
    fits = [
        fit_domains(autocorrelation(ds, (70, 150), (36, 40), blur), resamples=20)
        for blur in (0, 1, 2)
    ]
    assert 4.5 < fits[0]["L1"] < 7 and 1.2 < fits[0]["L2"] < 2.2
    assert -0.15 < fits[0]["minimum"] < -0.02
    assert 6 < fits[1]["L1"] < 9 and 2 < fits[1]["L2"] < 3.5
    assert 10 < fits[2]["L1"] < 16 and 3 < fits[2]["L2"] < 5


def test_what_gives_no_correlation():
    ds = dataset(random_domains(7.1, 4.0, 3))
    with pytest.raises(InputError, match="no output between t = 7 and 9"):
        autocorrelation(ds, (20, 140), (7, 9))
    with pytest.raises(InputError, match="needs more than"):
        autocorrelation(ds, (20, 30), (0, 2))
    with pytest.raises(InputError, match="must ascend"):
        autocorrelation(ds, (40, 30), (0, 2))
    with pytest.raises(InputError, match="Z is zero"):
        autocorrelation(0 * ds, (20, 140), (0, 2))
    with pytest.raises(InputError, match="long-range order"):
        fit_domains(autocorrelation(0 * ds + 1, (20, 140), (0, 2)))
